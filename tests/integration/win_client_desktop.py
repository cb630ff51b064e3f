# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's Windows desktop: the module, and what there is to see past it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

from conftest import LAB
from lab_desktops import Desktop, inventory

MODULE = "onprem.chat.win_client"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
FOLDER = "C:\\Program Files\\onprem.chat"


class Client:
    """The module on win1, and what there is to see past it."""

    def __init__(self, desktop: Desktop, folder) -> None:
        self.desktop = desktop
        self.inventory = folder / "inventory.json"
        self.inventory.touch(0o600)
        self.inventory.write_text(inventory([desktop]))

    def run(self, *arguments: str, package: str = "", **options) -> dict:
        given = {
            **(
                {"package": package if package.startswith(("/", "https://")) else str(self.desktop.package(package))}
                if package
                else {}
            ),
            **options,
        }
        argv = ["-i", str(self.inventory), "--diff", *arguments]
        result = self.desktop.lab.module(MODULE, given, *argv, host=self.desktop.name)
        assert not self.left(), "something of an installation was left on the desktop"
        assert self.desktop.shells() == 0
        return result

    def left(self) -> list[str]:
        return (
            [str(path) for path in self.desktop.file(FOLDER).rglob("*")] if self.desktop.file(FOLDER).exists() else []
        )

    def version(self, name: str, view: str = "64") -> str:
        """What Wine's own registry says about an installed program."""
        text = self.desktop.run(f'reg query "{UNINSTALL}" /s /reg:{view}').stdout
        for block in text.split("\n\n"):
            if any(line.split() == ["DisplayName", "REG_SZ", *name.split()] for line in block.splitlines()):
                lines = [line.split() for line in block.splitlines()]
                return next(line[2] for line in lines if line[:1] == ["DisplayVersion"])
        return ""

    @contextlib.contextmanager
    def another_installation(self) -> Iterator[Callable[[], None]]:
        """What Windows Installer holds while it installs is held by somebody else, until what this gives is called."""
        line = r"C:\windows\labmutex.exe Global\_MSIExecute 900000"
        command = [LAB, "exec", self.desktop.name, "--", "wine-run", line]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as holder:

            def end() -> None:
                self.desktop.run("taskkill /f /im labmutex.exe")
                holder.wait(60)

            try:
                self.desktop.eventually(lambda: "labmutex" in self.desktop.run("tasklist /fo csv /nh").stdout, 60)
                time.sleep(1)  # it is there; now it takes what it is to hold
                yield end
            finally:
                if holder.poll() is None:
                    end()

    def installers_said(self) -> str:
        """The exit code of the last try of an installation that is going on, or nothing."""
        with contextlib.suppress(FileNotFoundError):  # files come and go while it is looked for them
            for file in self.desktop.file(FOLDER).rglob("code.txt"):
                return file.read_text().strip()
        return ""


def ok(result: dict, changed: bool) -> dict:
    assert (result["failed"], result["changed"]) == (False, changed), result
    return result


def refused(result: dict, text: str) -> dict:
    assert result["failed"] and text in result["msg"], result
    return result
