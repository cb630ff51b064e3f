# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Installers for single users, made by makensis, and what there is to see of them on a desktop.

Each writes a line into starts.txt in the profile of whoever runs it. refuse.txt there makes it end with 7 and install nothing, hang.txt
shows a dialog.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from win_client_desktop import FOLDER, Client

NAME = "Чат 😀 & 100% ^!"
KEY = rf"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\{NAME}"
REFUSED = 7

_NSI = r"""Unicode true
!include FileFunc.nsh
Name "Corp Talk"
OutFile "{out}"
InstallDir "$LOCALAPPDATA\Programs\{name}"
RequestExecutionLevel user
SilentInstall silent
VIProductVersion "{version}.0"
VIAddVersionKey ProductName "{name}"
VIAddVersionKey ProductVersion "{version}"
VIAddVersionKey FileVersion "{version}.0"
VIAddVersionKey FileDescription "{name}"
VIAddVersionKey LegalCopyright "GPL-3.0-or-later"
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\{name}"
Function .onInit
  {view}
  ReadEnvStr $R0 USERPROFILE
  FileOpen $0 "$R0\starts.txt" a
  FileSeek $0 0 END
  FileWrite $0 "{version}$\r$\n"
  FileClose $0
  IfFileExists "$R0\hang.txt" 0 +2
  MessageBox MB_OK "Nobody presses this button."
  IfFileExists "$R0\refuse.txt" 0 ready
  SetErrorLevel {refused}
  Quit
ready:
FunctionEnd
Function un.onInit
  {view}
FunctionEnd
Section
  SetOutPath "$INSTDIR"
  FileOpen $0 "$INSTDIR\version.txt" w
  FileWrite $0 "{version}"
  FileClose $0
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${{KEY}}" DisplayName "{name}"
  WriteRegStr HKCU "${{KEY}}" DisplayVersion "{version}"
  WriteRegStr HKCU "${{KEY}}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${{KEY}}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
SectionEnd
Section Uninstall
  Delete "$INSTDIR\version.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKCU "${{KEY}}"
SectionEnd
"""


def exe(folder: Path, version: str, bits: int = 32) -> str:
    """The path of an EXE that installs this version for one user."""
    source, target = folder / "package.nsi", folder / f"talk-{version}.exe"
    view = "SetRegView 64" if bits == 64 else ""
    text = _NSI.format(name=NAME.replace("$", "$$"), version=version, out=target, view=view, refused=REFUSED)
    source.write_text(text, encoding="utf-8")
    made = "amd64-unicode" if bits == 64 else "x86-unicode"
    command = ["makensis", "-V1", "-INPUTCHARSET", "UTF8", f"-XTarget {made}", str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return str(target)


def program(folder: Path, window: bool) -> Path:
    """The path of a program that stays: one shows a window and ends when that is closed, the other shows nothing.

    It writes NAME.exe.txt when it begins: tasklist of Wine leaves out names that are not ASCII.
    """
    source, target = folder / "program.nsi", folder / f"program-{window}.exe"
    runs = 'MessageBox MB_OK "Until somebody closes this."' if window else "Sleep 600000"
    source.write_text(
        f'Unicode true\nName "Program"\nOutFile "{target}"\nRequestExecutionLevel user\nSilentInstall silent\nSection\n'
        f'FileOpen $0 "$EXEPATH.txt" w\nFileClose $0\n{runs}\nSectionEnd\n'
    )
    subprocess.run(["makensis", "-V1", str(source)], check=True, capture_output=True, timeout=120)
    return target


class UserClient(Client):
    """The module on a desktop, and what single users have. What is registered for users stays there between runs."""

    def left(self) -> list[str]:
        return [path for path in super().left() if "/onprem.chat/users" not in path.casefold()]

    def for_users(self, *arguments: str, package: str = "", **options) -> dict:
        """Run it for the scope user."""
        return self.run(
            *arguments, package=package, **{"scope": "user", "uninstall_key": NAME, "deadline": 90, **options}
        )

    def registered(self) -> bool:
        """Whether a task or a folder for users is there."""
        tasks = self.desktop.run("schtasks /query /fo csv /nh").stdout
        return "onprem.chat" in tasks or self.desktop.file(FOLDER).exists()

    def starts(self, name: str) -> list[str]:
        """The versions whose installer this user has started, in their order."""
        file = self.desktop.file(f"C:\\Users\\{name}\\starts.txt")
        return file.read_text().split() if file.exists() else []

    def version_of(self, name: str) -> str:
        """The version in the folder of a user's own programs."""
        file = self.desktop.file(f"C:\\Users\\{name}\\AppData\\Local\\Programs\\{NAME}\\version.txt")
        return file.read_text() if file.exists() else ""

    def own_registry(self, name: str) -> str:
        """What a user who is logged on sees of the client in his own registry."""
        asked = self.desktop.run(f'reg query "{KEY}"', user=name)
        return asked.stdout.strip() if asked.code == 0 else ""

    def told(self, name: str) -> bool:
        """Whether a run of this user, who is logged on, has left its result."""
        return "ExitCode" in self.desktop.run(r"reg query HKCU\Software\onprem.chat /s 2>nul", user=name).stdout

    def flag(self, name: str, what: str, there: bool = True) -> None:
        """refuse or hang, for one user."""
        path = f"C:\\Users\\{name}\\{what}.txt"
        self.desktop.write(path, b"") if there else self.desktop.file(path).unlink()

    def hives(self) -> list[str]:
        """The keys below HKEY_USERS."""
        return [line for line in self.desktop.run("reg query HKU").stdout.split() if line.startswith("HKEY_USERS\\")]


def states(result: dict) -> dict[str, str]:
    """Name -> state, without the account of the laboratory's services."""
    return {one["name"]: one["state"] for one in result["users"] if one["sid"] != "S-1-5-21-0-0-0-1000"}
