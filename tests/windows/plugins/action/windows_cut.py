# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task of the tests: what win_client does, in a process that is killed or loses its connection at one request.

    windows_cut:
      client: {OPTIONS OF win_client}
      cut: [NUMBER, HOW]        cut.KILLED and cut.CLOSED; without it nothing is cut
      forget: [SHELL, …]        afterwards: these are deleted

It gives what cut.apart says, and ``there``: which of the shells to forget, and of its own, the host still had.
"""

from __future__ import annotations

import typing as t

import shells
from ansible.plugins.action import ActionBase
from cut import Cut, apart


class ActionModule(ActionBase):
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        given = self._task.args
        told = apart(lambda: self._client(given["client"], task_vars or {}), Cut(*given.get("cut", ())))
        killed = told["result"] is None
        asked = [*given.get("forget", ()), *([] if killed else told["shells"])]
        with shells.logged_in(self._connection) as protocol:
            told["there"] = [shell for shell in asked if not shells.gone(protocol, shell)]
        return {**result, "changed": False, **told}

    def _client(self, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        task = self._task.copy()
        task.args = dict(options)
        client = self._shared_loader_obj.action_loader.get(
            "onprem.chat.win_client",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        told = client.run(task_vars=task_vars)
        names = ("msg", "error", "warnings", "steps", "reason", "exit_code")
        failed = bool(told.get("failed") or told.get("unreachable"))
        given = {name: told[name] for name in names if name in told}
        return {"failed": failed, "changed": bool(told.get("changed")), **given}
