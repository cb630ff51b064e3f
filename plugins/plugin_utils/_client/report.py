# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a run of win_client tells: collected while it goes on, so that an error can say what was done until then."""

from __future__ import annotations

import typing as t

from . import exit_codes
from .command_lines import CommandLine
from .detect import Found
from .plan import Plan, Step
from .script import Result
from .wanted import Wanted


class Report:
    """The result of the module as it grows."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.reboot_required = False
        self.warnings: list[str] = []
        self.begun = False
        """Whether the host was asked: before that nothing is known of it."""
        self._plan = Plan()
        self._found: list[dict[str, t.Any]] = []
        self._after: list[dict[str, t.Any]] = []
        self._steps: list[dict[str, t.Any]] = []
        self._left: list[dict[str, t.Any]] = []
        self._delivery = ""
        self._settings_changed = False
        self._settings_diff = ("", "")

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def planned(self, found: Found, plan: Plan) -> None:
        self.begun = True
        self._plan = plan
        self._found = [one.shown() for one in found.installed]
        self._after = self._found if not plan.changed else list(plan.after)

    def settings(self, settings: t.Any) -> None:
        """The registry's part; asked twice (before and after the installer) it changed when it did once."""
        self._settings_changed = self._settings_changed or settings.changed
        if settings.changed:
            self._settings_diff = settings.diff()
        self.warnings += [text for text in settings.warnings if text not in self.warnings]

    def delivered(self, way: str) -> None:
        self._delivery = way

    def ran(self, step: Step, line: CommandLine, result: Result | None, run_as: str, user: str = "") -> None:
        """A step was run. Its command line is not told: it may hold what its user regards as secret."""
        code = result.code if result else None
        self._steps.append(
            {
                "action": step.action,
                "run_as": run_as,
                "exit_code": code,
                "meaning": exit_codes.meaning(line.kind, code).name if code is not None else "no exit code",
                "tries": result.tries if result else 1,
                **({"user": user} if user else {}),
            }
        )

    def found_after(self, found: Found, left: list[dict[str, t.Any]]) -> None:
        self._after = [one.shown() for one in found.installed]
        self._left = left
        for one in left:
            self.warn(f"{one['name'] or one['key']} {one['version']} is still installed beside {self.wanted.version}")

    def so_far(self) -> dict[str, t.Any]:
        """What an error adds."""
        return {
            "found": self._found,
            "steps": self._steps,
            "delivery": self._delivery,
            "reboot_required": self.reboot_required,
        }

    def result(self) -> dict[str, t.Any]:
        """The module's result."""
        return {
            **self.so_far(),
            "changed": self._plan.changed or self._settings_changed,
            "client": {
                "name": self.wanted.name,
                "version": self.wanted.version,
                "kind": self.wanted.kind,
                "product_code": self.wanted.product_code,
                "upgrade_code": self.wanted.upgrade_code,
                "uninstall_key": self.wanted.uninstall_key,
                "sha256": self.wanted.sha256,
            },
            "reason": self._plan.why,
            "installed": self._after,
            "diff": {
                "before": _lines(self._plan.before) + self._settings_diff[0],
                "after": _lines(self._plan.after) + self._settings_diff[1],
            },
        }


def _lines(shown: t.Iterable[dict[str, t.Any]]) -> str:
    return "".join(f"{one['name']} {one['version']} ({one['scope']})\n" for one in shown)
