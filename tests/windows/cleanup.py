# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes away whatever the tests have made on a host, also what an earlier run left that was killed, and looks again."""

from __future__ import annotations

import dataclasses
import typing as t

from machine import KEY, NAME, TASKS, USER_KEY, Machine
from packages import COUNTS_KEY, PRODUCT_CODES, RUNS, UNINSTALL_KEY, UPGRADE_CODES, USERS_KEY

from ansible_collections.onprem.chat.plugins.plugin_utils._client.detect import INSTALLER, UNINSTALL
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import guid

LABORATORY = r"HKLM\SOFTWARE\onprem.chat laboratory"
"""Where the test packages write."""
MARKER = "onprem.chat laboratory"
TASK_NAMES = ("as-system", "survives", "waits", "releases", "runs")
EXES = (UNINSTALL_KEY, COUNTS_KEY)


def foreign(machine: Machine) -> list[str]:
    """What has the name of a test package and is none: the tests must not touch it."""
    found = machine.ask_all(
        {
            f"{name} ({view} bit)": f'reg query "HKLM\\{UNINSTALL}\\{name}" /reg:{view}'
            for name in EXES
            for view in ("64", "32")
        }
    )
    return [name for name, ran in found.items() if ran.code == 0 and MARKER not in ran.text]


@dataclasses.dataclass(frozen=True)
class Found:
    """What is there of the tests': options of win_client that remove a package, and texts for people.

    ``busy``: a job of win_client is there, whoever's, or an order for users; asking for the client waits for it.
    """

    packages: list[dict[str, t.Any]]
    of_users: bool
    busy: bool
    others: list[str]

    def texts(self) -> list[str]:
        users = [f"{USERS_KEY}, of somebody whose hive is loaded"] if self.of_users else []
        return [f"still there: {one}" for one in [*self.others, *map(str, self.packages), *users]]


def clean(machine: Machine) -> list[str]:
    """What could not be taken away, and why; nothing when the host is as before."""
    problems: list[str] = []
    folder, ours = machine.folder, machine.program_files + r"\onprem.chat"
    found = look(machine)
    # What waits for this file ends; then tasks, or they would start something again. Keys by reg.exe alone: what a module does
    # wrong is found by the checks, and not left here.
    tasks = [f'schtasks /delete /tn "{TASKS}\\{name}" /f >nul 2>nul' for name in TASK_NAMES]
    keys = [f'reg delete "{key}" /f /reg:{view} >nul 2>nul' for key in (KEY, LABORATORY) for view in ("64", "32")]
    ended = f"taskkill /f /im {RUNS} >nul 2>nul"
    machine.run("&".join([f'del /f /q "{folder}\\hold.txt" 2>nul', *tasks, ended, *keys, "ver >nul"]))
    packages = _everything() if found.busy else found.packages
    if found.of_users or found.busy:
        packages = [*packages, {"uninstall_key": USERS_KEY, "scope": "user"}]
    for options in packages:
        gone = machine.client(**options, state="absent", deadline=600)
        if gone["failed"]:
            problems.append(f"{options}: {gone.get('msg')}")
    gone = machine.registry({"key": USER_KEY, "state": "absent", "scope": ["users", "default_profile"]})
    if gone["failed"]:
        problems.append(f"registry of users: {gone.get('msg')}")
    if found.packages or found.others or found.busy:
        # A job that went on was waited for when its client was removed.
        left = [f'rd /s /q "{ours}\\{name}" 2>nul' for name in ("files", "jobs")] + [f'rd "{ours}" 2>nul']
        # Packages write there when they are removed, too.
        left += [f'reg delete "{LABORATORY}" /f /reg:{view} >nul 2>nul' for view in ("64", "32")]
        once = f'rd /s /q "{folder}" 2>nul&if exist "{folder}" ping -n 3 127.0.0.1 >nul'
        machine.run("&".join([*left, once, once, f'rd /s /q "{folder}" 2>nul&ver >nul']))
    return problems + look(machine).texts()


def look(machine: Machine) -> Found:
    """Asks in one command line."""
    place = f"{machine.program_files}\\onprem.chat"
    mine = f"Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{USERS_KEY}"
    others = {
        f"folder {machine.folder}": f'if not exist "{machine.folder}" cmd /d /c exit 1',
        f"key {KEY}": f'reg query "{KEY}" /reg:64',
        f"key {KEY} (32 bit)": f'reg query "{KEY}" /reg:32',
        "a hive of a profile, loaded": r"reg query HKU\onprem-chat-registry",
        **{f"task {TASKS}\\{name}": f'schtasks /query /tn "{TASKS}\\{name}"' for name in TASK_NAMES},
    }
    products = {
        f"{name}:{code}": f'reg query "{INSTALLER}\\UserData\\S-1-5-18\\Products\\{guid.packed(code)}" /reg:64'
        for name, codes in PRODUCT_CODES.items()
        for code in codes
    }
    products |= {
        f"{name}:{view}": f'reg query "HKLM\\{UNINSTALL}\\{name}" /reg:{view}' for name in EXES for view in ("64", "32")
    }
    answers = machine.ask_all(
        {
            **others,
            **products,
            "jobs": f'dir /b "{place}\\jobs" 2>nul&dir /b "{place}\\users" 2>nul',
            "users": f'for /f "delims=" %k in (\'reg query HKU\') do @reg query "%k\\{mine}" 2>nul',
        }
    )
    there = {name.partition(":")[0] for name in products if answers[name].code == 0}
    packages: list[dict[str, t.Any]] = [{"upgrade_code": code} for name, code in UPGRADE_CODES.items() if name in there]
    return Found(
        packages=packages + [{"uninstall_key": name} for name in EXES if name in there],
        of_users=f"\\{USERS_KEY}" in answers["users"].text,
        busy=bool(answers["jobs"].text.strip()),
        others=[name for name in others if answers[name].code == 0],
    )


def _everything() -> list[dict[str, t.Any]]:
    return [*({"upgrade_code": code} for code in UPGRADE_CODES.values()), *({"uninstall_key": name} for name in EXES)]


def plan(program_files: str = "%ProgramFiles%") -> str:
    """What will be done to the host, for people."""
    return f"""It runs programs of Windows as this account, over WinRM, and changes only what it makes itself:
  - folder {program_files}\\{NAME}, and the modules' own {program_files}\\onprem.chat
  - registry keys {KEY} (both views) and, of every user with a profile and of the default profile, {USER_KEY};
    hives of users who are not logged on are loaded for a moment
  - test packages: MSI {", ".join(UPGRADE_CODES)} and EXE {", ".join(EXES)}
    (for those who are logged on also {USERS_KEY}), publisher "{MARKER}",
    installed and removed several times; they hold a text file and registry values, one a program that runs and does nothing;
    installations are cut off on purpose, and the next run mends that
  - scheduled tasks below {TASKS} and \\onprem.chat, one-shot, as SYSTEM
  - a login by the name of an account that does not exist, to see the refusal
Nothing is restarted. At the end, and after Ctrl-C, all of that is taken away; what a killed run left is taken away by the next one.
Take a machine that may be lost all the same: this is a test."""
