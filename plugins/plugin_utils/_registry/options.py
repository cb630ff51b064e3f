# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The options that describe registry settings, for every module that has them."""

from __future__ import annotations

import typing as t

from .settings import DEFAULT_PROFILE, LOADED_USERS, MACHINE, SWITCHES, USERS
from .values import NUMBERS


def settings_option() -> dict[str, t.Any]:
    """The option ``settings``: a list of values, keys and .reg files. doc_fragments/_win_settings.py describes it."""
    return {
        "type": "list",
        "elements": "dict",
        "options": {
            "key": {"type": "str", "no_log": False},
            "name": {"type": "str"},
            "type": {"type": "str", "choices": list(NUMBERS)},
            "data": {"type": "raw"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "scope": {
                "type": "list",
                "elements": "str",
                "choices": [MACHINE, USERS, LOADED_USERS, DEFAULT_PROFILE],
            },
            "view": {"type": "str", "choices": list(SWITCHES), "default": "default"},
            "secret": {"type": "bool", "default": False, "no_log": False},
            "reg_file": {"type": "str"},
            "encoding": {"type": "str"},
        },
    }


def argument_spec() -> dict[str, t.Any]:
    """The options of win_registry."""
    return {
        "settings": {**settings_option(), "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "deadline": {"type": "int", "default": 120},
    }
