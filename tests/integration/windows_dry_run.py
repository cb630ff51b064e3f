# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test-windows` as a user starts it, where users are, against win1: nothing but the network leads there."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from conftest import LAB, ROOT
from lab_desktops import ROLLOUT, Desktop

NTLM = f"CORP\\{ROLLOUT}"


def alone() -> dict[str, str]:
    """The environment without what a make passes on that these tests may have been started by: its variables are no parameters."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    }


@dataclass(frozen=True)
class Done:
    """What a run left."""

    code: int
    output: str
    report: dict

    def outcomes(self, group: str = "") -> dict[str, str]:
        """Name of the check -> outcome."""
        return {one["name"]: one["outcome"] for one in self.report["checks"] if group in ("", one["group"])}


class DryRun:
    """The command with the desktop's account. ``folder`` is the test's own, for the password and for reports."""

    def __init__(self, desktop: Desktop, folder: Path) -> None:
        self.desktop = desktop
        self.folder = folder
        self.password = folder / "password"
        self.password.touch(0o600)
        self.password.write_text(desktop.password)
        self.file = folder / "report.json"

    def command(self, *words: str, user: str = NTLM) -> list[str]:
        """Words are NAME=VALUE and win over the usual ones."""
        given = {"HOST": self.desktop.host, "USER": user, "PASSWORD_FILE": str(self.password), "YES": "1"}
        given |= {"REPORT": str(self.file)} | dict(word.split("=", 1) for word in words)
        return [
            *(str(LAB), "exec", "users", "--", "make", "--no-print-directory", "test-windows"),
            *(f"{name}={value}" for name, value in given.items() if value),
        ]

    def run(self, *words: str, user: str = NTLM, timeout: float = 1500) -> Done:
        self.file.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(*words, user=user), cwd=ROOT, check=False, capture_output=True, text=True, timeout=timeout,
            stdin=subprocess.DEVNULL, env=alone(),
        )  # fmt: skip
        return self.done(done.returncode, done.stdout + done.stderr)

    def done(self, code: int, output: str) -> Done:
        """make's own exit code is 2 for all failures: the program's stands in what it says."""
        found = re.search(r"Error (\d+)", output)
        report = json.loads(self.file.read_text()) if self.file.exists() else {}
        assert self.desktop.password not in output + json.dumps(report)
        return Done(int(found[1]) if code and found else code, output, report)

    def left(self) -> list[str]:
        """What is still on the desktop of the tests', seen past WinRM."""
        place = self.desktop.file("C:\\Program Files")
        programs = [path.name for path in place.iterdir()]
        keys = self.desktop.run('reg query HKLM\\SOFTWARE&reg query "HKLM\\SOFTWARE" /reg:32').stdout
        names = ["onprem.chat", "onprem.chat test", "Corp Talk", "Corp Voice", "Corp Voice Count"]
        found = [name for name in names if name in programs or f"\\{name}\n" in keys]
        return found + [str(file.relative_to(place)) for name in found for file in (place / name).rglob("*")]
