# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The state of a Windows host as far as a rollout has to do with it: restart, space, edition, what earlier runs left.

Where Windows notes that it waits for a restart (learn.microsoft.com, "Win32 pending reboot" and MoveFileEx): two keys that exist,
or not; the list PendingFileRenameOperations; the computer's name now and after the restart. Installer\\InProgress is there while
Windows Installer works, and stays when a restart is to finish it.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from collections.abc import Mapping

from .._registry import commands
from .._winrm.runner import Answer, Ask
from . import delivery
from .detect import BASE, INSTALLER, each_in, job_states, jobs_command

REASONS = {
    "component_servicing": "Windows' own components were changed (Component Based Servicing)",
    "windows_update": "updates wait for a restart (Windows Update)",
    "file_rename": "files in use are replaced at the next start (PendingFileRenameOperations)",
    "computer_rename": "the computer was renamed",
    "installer": "Windows Installer has not finished an installation",
}
_VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_CURRENT = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
_KEYS = {
    "component_servicing": rf"{_CURRENT}\Component Based Servicing\RebootPending",
    "windows_update": rf"{_CURRENT}\WindowsUpdate\Auto Update\RebootRequired",
    "installer": rf"{INSTALLER}\InProgress",
}
# One by one: the key also holds the product key of this Windows, which nobody here needs to see.
_EDITION = ("ProductName", "EditionID", "DisplayVersion", "ReleaseId", "CurrentBuild", "UBR", "InstallationType")
_VALUE = re.compile(r"    (\S+)    REG_[A-Z_]+(?:    (.*))?\Z")
_TASKS = r"%SystemRoot%\System32\Tasks\onprem.chat"
_ELEVEN = 22000


@dataclasses.dataclass(frozen=True)
class Windows:
    """Edition and build. ``version`` is what people say (23H2), ``build`` with the number of the last update."""

    name: str
    edition: str
    version: str
    build: str
    installation: str
    architecture: str
    computer_name: str


def windows_questions() -> list[Ask]:
    return [
        Ask("info.windows", f'for %v in ({" ".join(_EDITION)}) do @reg query "{_VERSION}" /v %v /reg:64 2>nul'),
        # PROCESSOR_ARCHITEW6432 is set in a program of 32 bit on a Windows of 64.
        Ask(
            "info.architecture",
            "(if defined PROCESSOR_ARCHITEW6432 (echo %PROCESSOR_ARCHITEW6432%) else (echo %PROCESSOR_ARCHITECTURE%))",
        ),
        Ask("info.computer", "echo %COMPUTERNAME%"),
    ]


def windows(answers: Mapping[str, Answer]) -> Windows:
    """What the registry says; empty texts where it says nothing."""
    seen = values(answers["info.windows"].text)
    build, update = seen.get("currentbuild", ""), _number(seen.get("ubr", ""))
    name = seen.get("productname", "")
    client = seen.get("installationtype", "").lower() == "client"
    if client and build.isdigit() and int(build) >= _ELEVEN:
        # Windows 11 still calls itself Windows 10 here.
        name = name.replace("Windows 10", "Windows 11")
    return Windows(
        name=name,
        edition=seen.get("editionid", ""),
        version=seen.get("displayversion") or seen.get("releaseid", ""),
        build=f"{build}.{update}" if build and update is not None else build,
        installation=seen.get("installationtype", ""),
        architecture=answers["info.architecture"].text.strip(),
        computer_name=answers["info.computer"].text.strip(),
    )


def reboot_questions() -> list[Ask]:
    asks = [Ask(f"info.reboot.{name}", f'reg query "{key}" /reg:64 >nul 2>nul') for name, key in _KEYS.items()]
    rename = rf'reg query "{_CONTROL}\ComputerName\%v" /v ComputerName 2>nul'
    return [
        *asks,
        Ask(
            "info.reboot.file_rename",
            rf'reg query "{_CONTROL}\Session Manager" /v PendingFileRenameOperations >nul 2>nul',
        ),
        Ask("info.reboot.computer_rename", f"for %v in (ActiveComputerName ComputerName) do @{rename}"),
    ]


def reboot(answers: Mapping[str, Answer]) -> list[str]:
    """Why a restart is pending, as names of REASONS."""
    names = re.findall(
        r"^    ComputerName    REG_SZ    (.*)$", answers["info.reboot.computer_rename"].text, re.MULTILINE
    )
    found = {name for name in (*_KEYS, "file_rename") if answers[f"info.reboot.{name}"].ok}
    if len({name.strip().upper() for name in names}) > 1:
        found.add("computer_rename")
    return [name for name in REASONS if name in found]


def disk_questions() -> list[Ask]:
    return [Ask("info.disk", "dir /-c /ad %SystemDrive%\\")]


def disk(answers: Mapping[str, Answer]) -> int | None:
    """Free bytes of the system drive, None where dir says no number."""
    return delivery.free_bytes(answers["info.disk"])


def rollout_questions() -> list[Ask]:
    return [
        Ask("info.jobs", jobs_command()),
        Ask("info.files", f"{each_in(f'{BASE}{chr(92)}files', folders=True)} @echo %j"),
        # Where Windows keeps tasks; schtasks would tell them in the language of the host.
        Ask("info.tasks", f"{each_in(_TASKS)} @echo %j"),
        Ask("info.hive", f'reg query "HKU\\{commands.MOUNT}" >nul 2>nul'),
    ]


def rollout(answers: Mapping[str, Answer]) -> dict[str, t.Any]:
    """What win_client and win_registry have left or are doing right now."""
    states = job_states(answers["info.jobs"].text)
    return {
        "jobs": [{"name": name, "state": state} for name, state in sorted(states.items())],
        "tasks": _lines(answers["info.tasks"]),
        "files": _lines(answers["info.files"]),
        "hive_loaded": answers["info.hive"].ok,
    }


def values(text: str) -> dict[str, str]:
    """All values in the output of reg.exe, names in lower case, whatever key they are of."""
    found = {}
    for line in text.splitlines():
        match = _VALUE.match(line)
        if match:
            found[match[1].lower()] = (match[2] or "").strip()
    return found


def _lines(answer: Answer) -> list[str]:
    return sorted(line.strip() for line in answer.text.splitlines() if line.strip())


def _number(text: str) -> int | None:
    """A DWORD as reg.exe prints it."""
    try:
        return int(text, 16) if text.startswith("0x") else int(text)
    except ValueError:
        return None
