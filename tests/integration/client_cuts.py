# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installations on a laboratory desktop that are interrupted at one request after the other, and what is there afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client_packages import CODE, STARTS, Packages
from conftest import LAB, ROOT
from lab_desktops import SPACED, Desktop
from win_client_desktop import FOLDER

PROGRAM = Path(__file__).with_name("client_channel.py")
# In the words of the endpoint: nothing executed; executed and the answer lost; half of the answer came.
HOWS = ("reset_before", "reset_after", "truncate")
KILLED = ("kill_before", "kill_after")
KEY = "SOFTWARE\\OnPrem Cut"
MSI, EXE, SYSTEM = KINDS = ("msi", "exe", "system")


@dataclasses.dataclass
class Tally:
    """What came out of all the cuts."""

    cuts: int = 0
    survived: int = 0
    failed: int = 0
    killed: int = 0
    texts: dict[str, int] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        numbers = f"{self.cuts} interrupted: {self.survived} went on, {self.failed} failed with a message, {self.killed} were killed"
        said = ", ".join(f"{count} x {text}" for text, count in sorted(self.texts.items()))
        return f"{numbers}{f' ({said})' if said else ''}"


class Victim:
    """A desktop on which one client is installed again and again. ``kind``: an MSI, an EXE, or an MSI as SYSTEM.

    With ``hives`` its settings are of all users, too, one of whom is not logged on: his hive is loaded for them. The package holds
    ``payload``.
    """

    def __init__(self, desktop: Desktop, folder: Path, kind: str, hives: bool = False, payload: bytes = b"") -> None:
        self.desktop = desktop
        self.kind = kind
        self.hives = hives
        packages = Packages(folder)
        if payload:
            packages.payload.write_bytes(payload)
        if kind == EXE:
            self.options = {"package": packages.exe("count"), "uninstall_key": "Corp Count Voice"}
            self.key = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\Corp Count Voice"
            self.away = r'"C:\Program Files\Corp Count Voice\uninstall.exe" /S _?=C:\Program Files\Corp Count Voice'
        else:
            self.options = {"package": packages.msi("count")}
            self.key = r"HKLM\SOFTWARE\onprem.chat laboratory\Corp Count"
            self.away = f"msiexec /x {CODE % 1} /qn"
        self.options |= {
            "delivery": "channel",
            "deadline": 120,
            "run_as": "system" if kind == SYSTEM else "session",
            "settings": [
                {"key": f"HKLM\\{KEY}", "name": "a", "data": "machine"},
                *([{"key": f"HKCU\\{KEY}", "name": "a", "data": "user", "scope": ["users"]}] if hives else []),
            ],
        }
        self.process: subprocess.Popen | None = None

    @contextlib.contextmanager
    def ready(self) -> Iterator[Victim]:
        """The program that installs runs, and somebody who is not logged on has a profile."""
        self.desktop.run(f'rd /s /q "{FOLDER}"')  # of a test that failed
        if self.hives:
            self.desktop.logon(SPACED)
            self.desktop.logoff(SPACED)
        environment = f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
        command = [LAB, "exec", "users", "--", "env", environment, sys.executable, str(PROGRAM)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            self.process = process
            try:
                if self.desktop.shells():
                    self.forget_shells()
                yield self
            finally:
                process.stdin.close()

    def install(self, **more) -> dict:
        job = {"vars": self.desktop.variables(), "options": self.options, **more}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the program that installs is gone"
        return json.loads(line)

    def requests(self) -> list[str]:
        """The verbs of one whole installation."""
        self.reset()
        begun = len(self.desktop.requests())
        whole = self.install()
        assert not whole["failed"] and whole["changed"] and not whole["warnings"], whole
        verbs = [line["verb"] for line in self.desktop.requests()[begun:] if "verb" in line]
        assert whole["sent"] == len(verbs)
        self.look("nothing was cut")
        return verbs

    def reset(self) -> None:
        """As if it had never been installed."""
        lines = [f'reg delete "HKLM\\{KEY}" /f', self.away]
        if self.hives:
            file = f"C:\\Users\\{SPACED}\\NTUSER.DAT"
            lines += [f'reg load HKU\\cut "{file}"', f'reg delete "HKU\\cut\\{KEY}" /f', "reg unload HKU\\cut"]
        gone = self.desktop.run(" & ".join([*lines, f'reg query "{self.key}" /reg:64']))
        assert gone.code == 1, ("it could not be uninstalled", gone)
        self.desktop.file(STARTS).unlink(missing_ok=True)

    def interrupt(self, number: int, how: str, tally: Tally) -> None:
        """One installation that is interrupted at this request, and the next run."""
        self.reset()
        label = f"{self.kind}, {how} at {number}"
        if how in KILLED:
            moment = how.removeprefix("kill_")
            rules = [{"request": number, "do": "reset_after", "times": 1}] if moment == "after" else []
            with self.desktop.faults(*rules):
                cut = self.install(kill=[number, moment])
            assert cut.get("killed") or cut["sent"] < number, (label, cut)
        else:
            with self.desktop.faults({"request": number, "do": how, "times": 1}):
                cut = self.install()
        next_run = self.install()
        assert not next_run["failed"], (label, cut, next_run)
        self._count(cut, next_run, label, tally)
        self.look(label, next_run["warnings"] if cut.get("killed") else None)

    def _count(self, cut: dict, next_run: dict, label: str, tally: Tally) -> None:
        tally.cuts += 1
        if cut.get("killed"):
            tally.killed += 1
        elif cut["failed"]:
            tally.failed += 1
            assert cut["error"]["what"] and cut["error"]["cause"] and cut["error"]["remedy"], (label, cut)
            tally.texts[cut["error"]["what"]] = tally.texts.get(cut["error"]["what"], 0) + 1
        elif "sent" in cut:
            tally.survived += 1
            assert next_run["changed"] is False, (label, cut, next_run)

    def look(self, label: str, warnings: list[str] | None = None) -> None:
        """It is there, was started once, and nothing else is left.

        A killed controller's shell ends by itself, later. It keeps the folder open that it was in, and what it was unpacking there:
        then (``warnings``) there may be such folders, of each of which the next run said so.
        """
        state = self.desktop.run(f'reg query "{self.key}" /reg:64 & reg query HKU & schtasks /query /fo csv /nh')
        starts = self.desktop.file(STARTS).read_text().split()
        assert starts == ["1.0.0"], (label, starts)
        assert self.key.rpartition("\\")[2] in state.stdout, (label, state)
        assert "onprem-chat" not in state.stdout, f"{label}: a hive is still loaded"
        assert "onprem.chat\\" not in state.stdout.replace(self.key.partition("\\")[2], ""), f"{label}: a task is left"
        folder = self.desktop.file(FOLDER)
        left = sorted(path.relative_to(folder).as_posix().replace("/", "\\") for path in folder.rglob("*"))
        said = "\n".join(warnings or [])
        in_use = [name for name in left if f"{FOLDER}\\{name} could not be removed" in said]
        above = {name.rpartition("\\")[0] for name in in_use}
        more = {name for name in left if "\\~onprem-" not in name} - {*in_use, *above}
        assert not folder.exists() or (in_use and not more), (label, left, said)
        temp = self.desktop.file("C:\\windows\\temp")
        assert not [path.name for path in temp.iterdir() if "onprem" in path.name], label
        if warnings is None:
            assert self.desktop.shells() == 0, f"{label}: a shell is left"

    def forget_shells(self) -> None:
        """Those of killed controllers end after a quarter of an hour, or with the service; it may take a moment to be back."""
        self.desktop.lab.exec(self.desktop.name, ["systemctl", "restart", "endpoint"], check=True)
        self.desktop.eventually(lambda: self.install()["failed"] is False, 240)


def spread(verbs: list[str], count: int, hows: tuple[str, ...], start: int = 0) -> list[tuple[int, str]]:
    """So many numbers over the whole installation, or all, but no Receive behind another one, and the ways by turns."""
    numbers = [at + 1 for at, verb in enumerate(verbs) if verb != "Receive" or verbs[at - 1] != "Receive"]
    count = min(count, len(numbers))
    chosen = [numbers[at * len(numbers) // count] for at in range(count)]
    return [(number, hows[(place + start) % len(hows)]) for place, number in enumerate(chosen)]
