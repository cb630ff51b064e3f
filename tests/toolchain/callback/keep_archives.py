# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible packs each module with what it imports once a run; with this, once until a file of it changes.

No test and no playbook sees a difference: the folder in which a run keeps its archives is a link to one that stays. Its name is
a hash of ansible-core, of where the collection lies, and of the size and time of each of its files.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import kept
from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: keep_archives
type: aggregate
short_description: keeps the archives of modules between runs
description: [For the toolchain of onprem.chat only.]
"""


class CallbackModule(CallbackBase):
    """Does its work when it is loaded: before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "keep_archives"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # Another run may make or remove the same folder at this moment: then this one packs for itself.
        with contextlib.suppress(OSError):
            Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(kept.folder("archives", kept.stamp()))
