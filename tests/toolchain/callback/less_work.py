# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes work from the controller that it does again for each task, with the same result: a third of its processor time.

No test and no playbook sees a difference. A play's vars_files are parsed for each task and host: those of the collection, which
nothing changes while a playbook runs, are parsed once. The plugins that nearly all tasks use are imported before the first one, not
in each of the processes that tasks run in. The bytecode of a collection's plugins is kept as Python keeps that of other modules. And
whether a task is done is asked two hundred times a second instead of a thousand.
"""

from __future__ import annotations

import contextlib
import gc
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import action_loader, become_loader, connection_loader, shell_loader
from ansible.utils.collection_loader import _collection_finder

DOCUMENTATION = """
name: less_work
type: aggregate
short_description: takes repeated work from the controller
description: [For the toolchain of onprem.chat only.]
"""

VARIABLES = Path(__file__).resolve().parents[3] / "playbooks" / "vars"
USED = (
    (connection_loader, ("ssh", "local")),
    (become_loader, ("sudo",)),
    (shell_loader, ("sh",)),
    (action_loader, ("normal", "command", "set_fact", "include_tasks", "debug", "copy", "template", "assert")),
)


def _read_once() -> None:
    load = DataLoader.load_from_file

    def load_from_file(self: DataLoader, file_name: str, cache: str = "all", **options: Any) -> Any:
        # "vaulted" is how the variables of a play are loaded: only what is encrypted is remembered.
        known = cache == "vaulted" and Path(file_name).resolve().parent == VARIABLES
        return load(self, file_name, cache="all" if known else cache, **options)

    DataLoader.load_from_file = load_from_file


def _keep_bytecode() -> None:
    loader = _collection_finder._AnsibleCollectionPkgLoaderBase
    compile_always = loader.get_code

    def get_code(self: Any, fullname: str) -> CodeType | None:
        file = self.get_filename(fullname)
        if self._compiled_code or not file or not Path(file).is_file():
            return compile_always(self, fullname)
        self._compiled_code = SourceFileLoader(fullname, file).get_code(fullname)
        return self._compiled_code

    loader.get_code = get_code


class CallbackModule(CallbackBase):
    """Does its work when it is loaded: before the first task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "less_work"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        constants.DEFAULT_INTERNAL_POLL_INTERVAL = 0.005
        _read_once()
        _keep_bytecode()
        for loader, names in USED:
            for name in names:
                with contextlib.suppress(AnsibleError):
                    loader.get(name, class_only=True)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
