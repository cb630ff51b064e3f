# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry on the controller: reg.exe over the host's own WinRM connection, nothing of Ansible's on the host."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.chat.plugins.plugin_utils._registry.apply import converge
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.options import argument_spec
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.settings import from_options, undone
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.action import WindowsAction
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel


class ActionModule(WindowsAction):
    """Registry settings of one Windows host."""

    NAME = "onprem.chat.win_registry"
    REFUSAL = SettingsError
    LEAST = {"deadline": (10, "seconds")}

    def _argument_spec(self) -> dict[str, t.Any]:
        return argument_spec()

    def _outcome(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        settings = from_options(options["settings"], self._reg_file)
        if options["state"] == "absent":
            settings = undone(settings)
        with self._talking(Channel) as channel:
            found = converge(channel, settings, self._task.check_mode, deadline=float(options["deadline"]))
        self.warnings += found.warnings
        return {"changed": found.changed, "diff": found.diff, "changes": found.changes, "users": found.users}
