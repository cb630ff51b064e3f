# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client_info on the controller: questions over the host's own WinRM connection; nothing is changed there."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase

from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info import RULES, Info, argument_spec, wish
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_channel import CountedChannel
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_expect import Expectation, expectation
from ansible_collections.onprem.chat.plugins.plugin_utils._client.origin import obtain
from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import plain
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.cache import this_run
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.fetch import is_url
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError

NAME = "onprem.chat.win_client_info"


class ActionModule(ActionBase):
    """The state of one Windows host."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        warnings: list[str] = []
        try:
            options = self._options()
            wanted = wish(options, [self._expectation(item) for item in options["expect"]])
            with CountedChannel.over(self._connection) as channel:
                try:
                    info = Info(channel, wanted, str((task_vars or {}).get("inventory_hostname") or "the host"))
                    outcome = info.gather()
                    outcome["channel"] = channel.health()
                    info.connection(outcome["channel"])
                    outcome["checks"] = info.checks.as_list()
                finally:
                    warnings += channel.warnings
        except (ClientError, ChannelError, PackageError) as error:
            outcome = error.result()
        if warnings:
            outcome["warnings"] = warnings
        return {**result, **outcome}

    def _options(self) -> dict[str, t.Any]:
        given = {name: plain(value) for name, value in self._task.args.items() if not name.startswith("_ansible_")}
        checked = ArgumentSpecValidator(argument_spec(), **RULES).validate(given)
        if checked.error_messages:
            first = checked.errors[0]
            kind = "Unsupported parameters" if isinstance(first, UnsupportedError) else "Wrong options"
            raise ClientError(
                f"{kind} for {NAME}", "the task", first.msg.rstrip("."), "Compare the task with the documentation"
            )
        return dict(checked.validated_parameters)

    def _expectation(self, item: dict[str, t.Any]) -> Expectation:
        """What one item expects; its package is read on the controller. Nobody runs it, so who signed it does not matter here."""
        for name in ("package", "ca_path"):
            if item.get(name) and not is_url(item[name]):
                item = {**item, name: self._file(item[name])}
        package, _signature = obtain(item, run=this_run(), read=read_package)
        return expectation(item, package)

    def _file(self, path: str) -> str:
        """A file of the controller, looked for where Ansible looks for files."""
        try:
            return self._find_needle("files", path)
        except AnsibleError as error:
            raise ClientError(
                "A file was not found",
                path,
                str(error).splitlines()[0].rstrip("."),
                "Give a path on the machine where Ansible runs, or say by codes and version what is expected",
            ) from None
