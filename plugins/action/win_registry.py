# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry on the controller: reg.exe over the host's own WinRM connection, nothing of Ansible's on the host."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.parsing.vault import is_encrypted
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import plain
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.apply import Outcome, converge
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import RegistryError, SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.options import argument_spec
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.settings import from_options, undone
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError

NAME = "onprem.chat.win_registry"


class ActionModule(ActionBase):
    """Registry settings of one Windows host."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        warnings: list[str] = []
        try:
            options = self._options()
            settings = from_options(options["settings"], self._read)
            if options["state"] == "absent":
                settings = undone(settings)
            with Channel.over(self._connection) as channel:
                try:
                    found = converge(channel, settings, self._task.check_mode, deadline=float(options["deadline"]))
                finally:
                    warnings += channel.warnings
            outcome = _result(found)
            warnings += found.warnings
        except (RegistryError, ChannelError) as error:
            outcome = error.result()
        if warnings:
            outcome["warnings"] = warnings
        if not self._task.diff:
            outcome.pop("diff", None)
        return {**result, **outcome}

    def _options(self) -> dict[str, t.Any]:
        given = {name: plain(value) for name, value in self._task.args.items() if not name.startswith("_ansible_")}
        checked = ArgumentSpecValidator(argument_spec()).validate(given)
        if checked.error_messages:
            first = checked.errors[0]
            kind = "Unsupported parameters" if isinstance(first, UnsupportedError) else "Wrong options"
            raise SettingsError(
                f"{kind} for {NAME}", "the task", first.msg.rstrip("."), "Compare the task with the documentation"
            )
        options = dict(checked.validated_parameters)
        if options["deadline"] < 10:
            raise SettingsError(
                "deadline is too small", str(options["deadline"]), "It is in seconds", "Give 10 or more"
            )
        return options

    def _read(self, path: str) -> bytes:
        """A .reg file on the controller, looked for where Ansible looks for files; one of the vault is decrypted in memory."""
        try:
            found = self._find_needle("files", path)
            data = pathlib.Path(found).read_bytes()
            if is_encrypted(data):
                # The only way through Ansible's own interface that leaves no file: every byte is one character of latin-1.
                return self._loader.get_text_file_contents(found, encoding="latin-1").encode("latin-1")
            return data
        except (AnsibleError, OSError) as error:
            raise SettingsError(
                "A .reg file cannot be read on the controller",
                path,
                " ".join(str(error).split()).rstrip("."),
                "Relative names are searched as for ansible.builtin.copy: in files/ of the role and of the play first",
            ) from None


def _result(found: Outcome) -> dict[str, t.Any]:
    return {"changed": found.changed, "diff": found.diff, "changes": found.changes, "users": found.users}
