# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process in which the checks run: pytest over test_*.py of this folder, each result told at once."""

from __future__ import annotations

import typing as t
from pathlib import Path

import cleanup
import facts
import pytest
import run_state
from ansible_tasks import Host
from machine import Machine, Unreachable
from parameters import Parameters

HERE = Path(__file__).resolve().parent
REFUSED, FOREIGN = 3, 4
Tell = t.Callable[..., None]


def run(chosen: Parameters, folder: Path, tell: Tell) -> int:
    """Exit code of pytest; REFUSED when the host lets nobody in, FOREIGN when something there has our names."""
    try:
        host = Host(chosen.host, chosen.inventory, chosen.variables)
        if host.found is None:
            raise Unreachable(f"{chosen.host} is not in {chosen.inventory}")
        machine = Machine(host, folder)
        found = facts.gather(machine)
        tell("host", found)
        if taken := cleanup.foreign(machine):
            tell(
                "refused",
                f"The host has programs with names of the test packages: {', '.join(taken)}. Take another host.",
            )
            return FOREIGN
        tell("touched", None)
        if problems := cleanup.clean(machine):
            tell("refused", f"Something of an earlier run cannot be taken away: {'; '.join(problems)}")
            return FOREIGN
    except (Unreachable, AssertionError) as error:  # the first questions may be what finds nobody let in
        tell("refused", str(error))
        return REFUSED
    run_state.RUN = run_state.Run(machine, chosen, found)
    arguments = [
        str(HERE),
        "-p",
        "no:cacheprovider",
        "-qq",
        "--no-header",
        "--no-summary",
        "--tb=short",
        "--assert=rewrite",
    ]
    return int(pytest.main([*arguments, f"--rootdir={HERE}", "-o", "addopts=", "-s"], plugins=[Teller(chosen, tell)]))


class Teller:
    """Tells what is to be run, and what came of it, and prints nothing itself."""

    def __init__(self, chosen: Parameters, tell: Tell) -> None:
        self.chosen = chosen
        self.tell = tell
        self.seconds = 0.0
        self.session: pytest.Session | None = None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self.session = session

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: run_state.GROUPS.index(_group(item.nodeid)))
        words = [word.lower() for word in self.chosen.only]
        if words:
            kept = [item for item in items if any(_meant(word, item) for word in words)]
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept
        self.tell("planned", [(_group(item.nodeid), _title(item.nodeid)) for item in items])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.tell("broken", str(report.longrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        return report.outcome, "", ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo) -> t.Generator[None, t.Any, t.Any]:
        report = yield
        report.promise = " ".join((getattr(item, "function", item).__doc__ or "").split())
        if call.excinfo is not None and call.excinfo.errisinstance(Unreachable) and self.session:
            self.session.shouldstop = "the host cannot be reached any more"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds = (0.0 if report.when == "setup" else self.seconds) + report.duration
        if report.when == "call" or report.outcome != "passed":
            self.tell("check", _told(report, self.seconds))


def _told(report: pytest.TestReport, seconds: float) -> dict[str, t.Any]:
    reason = ""
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        reason = str(getattr(crash, "message", "") or report.longrepr)[:3000]
    return {
        "group": _group(report.nodeid),
        "name": _title(report.nodeid),
        "outcome": report.outcome,
        "seconds": round(seconds, 1),
        "reason": reason,
        "relied_on_by": getattr(report, "promise", "") if report.failed else "",
    }


def _meant(word: str, item: pytest.Item) -> bool:
    """A group by its name, a check by a part of its own."""
    group = _group(item.nodeid)
    return word == group if word in run_state.GROUPS else word in f"{item.name} {_title(item.nodeid)}".lower()


def _group(nodeid: str) -> str:
    return nodeid.partition(".py")[0].rpartition("test_")[2]


def _title(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")
