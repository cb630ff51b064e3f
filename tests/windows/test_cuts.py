# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installations that are cut off at requests spread over them: the controller dies, or its connection is closed.

Each time: the next run converges, the installer was started once, and nothing is left. Until then the shell of a killed controller is
there, as on a host that nobody comes back to: at the end of each cut the test deletes it by its id, instead of 15 minutes later.
"""

from __future__ import annotations

import typing as t

import pytest
from cut import CLOSED, KILLED
from machine import KEY, Machine, good
from packages import COUNTS, COUNTS_KEY
from parameters import Parameters

SETTING = {"key": f"{KEY}\\Cut", "name": "a", "data": "b"}
OPTIONS: dict[str, t.Any] = {
    "uninstall_key": COUNTS_KEY,
    "delivery": "channel",
    "deadline": 300,
    "settings": [SETTING],
}


class Victim:
    """The host, and one installation there that is cut."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.starts = machine.place("starts.txt")
        self.ours = f"{machine.program_files}\\onprem.chat"

    def whole(self) -> int:
        """An installation that is not cut: how many requests it takes."""
        self.machine.run(f'del /q "{self.starts}" 2>nul')
        told = self.machine.cut(COUNTS, **OPTIONS)
        good(told["result"], True)
        self._look("nothing was cut", told)
        self.reset()
        return int(told["sent"])

    def interrupt(self, number: int, how: str) -> bool:
        """One that is cut at this request, and the next run. Whether it came to that request."""
        label = f"{how} request {number}"
        cut = self.machine.cut(COUNTS, number, how, **OPTIONS)
        killed = cut["result"] is None
        said = "" if killed else " ".join(cut["result"].get("warnings", []))
        assert not [shell for shell in cut["there"] if shell not in said], f"{label}: a shell is left"
        following = self.machine.cut(COUNTS, **OPTIONS, forget=cut["shells"] if killed else [])
        text = f"{label}: {_told(cut)}; the next run: {_told(following)}"
        assert not following["result"]["failed"], text
        if not killed and not cut["result"]["failed"]:
            assert following["result"]["changed"] is False, text
        elif not killed:
            assert all(cut["result"].get("error", {}).get(part) for part in ("what", "cause", "remedy")), text
        self._look(text, following, killed)
        self.reset()
        return bool(cut["happened"])

    def _look(self, label: str, told: dict[str, t.Any], killed: bool = False) -> None:
        """It is there, was started once, and nothing else is left; of a killed one only what the next run said that it could not."""
        ran = self.machine.run(
            f'type "{self.starts}"&echo //&reg query "{SETTING["key"]}" /v a&echo //&dir /s /b "{self.ours}" 2>nul&echo //'
            f"&schtasks /query /fo csv /nh"
        )
        starts, setting, left, tasks = ran.text.split("//\n", 3)
        assert starts.split() == ["1.0.0"], f"{label}: the installer was started: {starts.split()}"
        assert "REG_SZ    b" in setting, f"{label}: the setting is missing"
        assert "\\onprem.chat\\" not in tasks, f"{label}: a task is left"
        if not killed:
            assert not told["there"], f"{label}: the shell of the run is left"
            assert left.strip() == "", f"{label}: left is {left}"
        warnings = "\n".join(told["result"].get("warnings", []))
        assert not left.strip() or "could not be removed" in warnings, f"{label}: left is {left}; it said {warnings}"

    def reset(self) -> None:
        """As if it had never been installed: by the module, which also takes away what a shell kept that is gone now."""
        good(
            self.machine.client(uninstall_key=COUNTS_KEY, state="absent", settings=[{**SETTING, "state": "absent"}]),
            True,
        )
        ran = self.machine.run(f'del /q "{self.starts}"&dir /s /b "{self.ours}" 2>nul')
        assert ran.text.strip() == "", f"left is {ran.text}"


@pytest.fixture(scope="module")
def requests(machine: Machine) -> int:
    return Victim(machine).whole()


def spread(requests: int, count: int, begin: float) -> list[int]:
    """So many numbers over all requests, the first and the last included; ``begin`` shifts them a bit."""
    return sorted({min(requests, 1 + round((at + begin) * requests / count)) for at in range(count)})


@pytest.fixture
def victim(machine: Machine) -> t.Iterator[Victim]:
    yield Victim(machine)
    machine.client(uninstall_key=COUNTS_KEY, state="absent")  # of one that failed


def test_a_controller_that_is_killed(victim: Victim, requests: int, parameters: Parameters) -> None:
    """jobs, converge: the installer goes on by itself, the next run finds it and waits for it; files have names of their own."""
    _cut(victim, requests, parameters.cuts, KILLED, 0.3)


def test_a_connection_that_is_closed(victim: Victim, requests: int, parameters: Parameters) -> None:
    """session.persist, channel._start: a new connection goes on where the old one ended, or the next run does."""
    _cut(victim, requests, parameters.cuts, CLOSED, 0.6)


def _cut(victim: Victim, requests: int, count: int, hows: tuple[str, ...], begin: float) -> None:
    if not count:
        pytest.skip("CUTS=0 was given")
    happened = [victim.interrupt(number, hows[at % 2]) for at, number in enumerate(spread(requests, count, begin))]
    # The last numbers may be beyond the end of a run that had fewer answers to wait for.
    assert any(happened), "no request of these came"


def _told(told: dict[str, t.Any]) -> str:
    result = told["result"]
    if result is None:
        return "was killed"
    said = (
        result.get("msg", "") if result["failed"] else f"changed is {result['changed']}, {result.get('warnings', [])}"
    )
    return f"failed with {said}" if result["failed"] else said
