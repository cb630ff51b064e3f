# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client_info on the controller: questions over the host's own WinRM connection; nothing is changed there."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.chat.plugins.plugin_utils._client import info as facts
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_channel import CountedChannel
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_expect import Expectation, expectation
from ansible_collections.onprem.chat.plugins.plugin_utils._client.origin import obtain
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.cache import this_run
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.fetch import is_url
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.action import WindowsAction


class ActionModule(WindowsAction):
    """The state of one Windows host."""

    NAME = "onprem.chat.win_client_info"
    REFUSAL = ClientError
    RULES = facts.RULES
    LEAST = facts.LEAST
    FILE_REMEDY = "Give a path on the machine where Ansible runs, or say by codes and version what is expected"

    def _argument_spec(self) -> dict[str, t.Any]:
        return facts.argument_spec()

    def _outcome(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        wanted = facts.wish(options, [self._expectation(item) for item in options["expect"]])
        with self._talking(CountedChannel) as channel:
            info = facts.Info(channel, wanted, str(task_vars.get("inventory_hostname") or "the host"))
            outcome = info.gather()
            outcome["channel"] = channel.health()
            info.connection(outcome["channel"])
            outcome["checks"] = info.checks.as_list()
        return outcome

    def _expectation(self, item: dict[str, t.Any]) -> Expectation:
        """What one item expects; its package is read on the controller. Nobody runs it, so who signed it does not matter here."""
        for name in ("package", "ca_path"):
            if item.get(name) and not is_url(item[name]):
                item = {**item, name: self._file(item[name], name)}
        package, _signature = obtain(item, run=this_run(), read=read_package)
        return expectation(item, package)
