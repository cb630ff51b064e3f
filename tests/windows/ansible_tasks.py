# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible tasks on one host, run by Ansible itself within this process: the given inventory counts, and nothing else is asked.

The password is held in memory: it is in no file, no environment and no command line.
"""

from __future__ import annotations

import copy
import signal
import typing as t
from pathlib import Path

from ansible import constants, context
from ansible.cli import CLI
from ansible.executor.task_queue_manager import TaskQueueManager
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import action_loader, connection_loader, init_plugin_loader
from ansible.vars.manager import VariableManager

PLUGINS = Path(__file__).parent / "plugins"
PLAY = "Acceptance test"

# Before anything imports from ansible_collections: else that is no collection for Ansible any more.
init_plugin_loader()
action_loader.add_directory(str(PLUGINS / "action"))


class Results(CallbackBase):
    """Keeps what tasks gave; prints nothing."""

    CALLBACK_NAME = "results"

    def __init__(self) -> None:
        super().__init__()
        self.results: list[dict[str, t.Any]] = []

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._keep(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._keep(result, failed=True)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._keep(result, failed=True)

    def _keep(self, result: t.Any, *, failed: bool) -> None:
        given = getattr(result, "result", None) or result._result
        self.results.append({"failed": failed, "changed": False, **given})


class Host:
    """The Windows host, through Ansible."""

    def __init__(self, name: str, inventory: str, variables: dict[str, t.Any], *, shielded: bool = False) -> None:
        """``inventory`` is a file, or nothing: then the host is the only one, with these variables.

        A shielded one is not interrupted by signals: it cleans up.
        """
        self.shielded = shielded
        self.name = name
        self.loader = DataLoader()
        files = [constants.DEFAULT_VAULT_PASSWORD_FILE] if constants.DEFAULT_VAULT_PASSWORD_FILE else []
        identities = list(constants.DEFAULT_VAULT_IDENTITY_LIST)
        secrets = CLI.setup_vault_secrets(self.loader, identities, vault_password_files=files, auto_prompt=False)
        self.loader.set_vault_secrets(secrets)
        self.inventory = InventoryManager(loader=self.loader, sources=[inventory or f"{name},"])
        self.found = self.inventory.get_host(name)
        for key, value in variables.items() if self.found else ():
            self.found.set_variable(key, value)
        self.variables = VariableManager(loader=self.loader, inventory=self.inventory)

    def but(self, instead: dict[str, t.Any]) -> Host:
        """The same one with other variables, whatever the inventory says."""
        other = copy.copy(self)
        other.variables = VariableManager(loader=self.loader, inventory=self.inventory)
        other.variables._extra_vars = dict(instead)  # as -e on a command line: nothing of an inventory counts for more
        return other

    @property
    def address(self) -> str:
        """Where it is, as the inventory says."""
        return str(self.variable("ansible_host") or self.name)

    @property
    def password_known(self) -> bool:
        """Whether the inventory has a password."""
        return any(self.variable(name) for name in ("ansible_password", "ansible_winrm_password", "ansible_ssh_pass"))

    def variable(self, name: str) -> t.Any:
        """What the inventory says; a text may be a template."""
        return self.variables.get_vars(host=self.found).get(name)

    def task(self, module: str, arguments: dict[str, t.Any], *, check: bool = False) -> dict[str, t.Any]:
        """Run one task; its result, failed or not.

        What of the TaskQueueManager is private here is that of the ansible-core which the toolchain pins.
        """
        settings = {"verbosity": 0, "check": check, "diff": True, "forks": 1, "tags": ("all",), "skip_tags": ()}
        settings |= {"connection": "winrm", "become": False, "start_at_task": None, "subset": None}
        context.CLIARGS = ImmutableDict(settings)
        # Read here once: every task has a process of its own, which would do it again.
        connection_loader.get("winrm", class_only=True)
        action_loader.get(module, class_only=True)
        data = {"name": PLAY, "hosts": self.name, "gather_facts": False, "check_mode": check}
        data["tasks"] = [{"name": "Task", module: arguments, "ignore_unreachable": True}]
        play = Play.load(data, variable_manager=self.variables, loader=self.loader)
        manager = TaskQueueManager(self.inventory, self.variables, self.loader, {}, "minimal", forks=1)
        kept = Results()
        kept._init_callback_methods()
        manager._callback_plugins = [kept]  # nothing else is told, and nothing is printed
        if self.shielded:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            manager.run(play)
        finally:
            manager.cleanup()
        if not kept.results:
            return {"failed": True, "changed": False, "msg": "Ansible gave no result"}
        return kept.results[-1]
