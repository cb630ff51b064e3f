# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people who log on to the host could turn against whoever installs there. Nothing of it can be seen on Wine alone."""

from __future__ import annotations

import re
import typing as t

import pytest
from machine import TASKS, Machine

from ansible_collections.onprem.chat.plugins.plugin_utils._client import task_xml
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import path

TOOLS = "cmd reg certutil schtasks tasklist taskkill findstr whoami ping msiexec"
# Everybody, those who logged on, at the screen, and the group Users, in the language of security descriptors (SDDL).
PEOPLE = ("WD", "AU", "IU", "BU")
READ = {"0x1200a9", "FRFX", "GRGX", "GXGR", "FR", "GR", "FX", "GX"}


def rights(machine: Machine, folder: str) -> dict[str, str]:
    """What icacls says about a folder: who may do what, for people alone."""
    saved = machine.place("acl.txt")
    made = f'(if not exist "{machine.folder}" md "{machine.folder}")'
    ran = machine.run(f"{made}&icacls {path(folder)} /save {path(saved)}>nul")
    assert ran.code == 0, ran
    descriptor = machine.read(saved).decode("utf-16-le", "replace")
    machine.run(f"del /q {path(saved)}")
    return {one[1]: one[0] for one in re.findall(r"\(A;[A-Z]*;([^;]*);;;([^)]+)\)", descriptor) if one[1] in PEOPLE}


def test_tools_are_those_of_windows(machine: Machine) -> None:
    """Every command line: tools are found by PATH. One in front of System32 that people may write is run by administrators."""
    ran = machine.run(
        f"echo %SystemRoot%\\System32&for %p in ({' '.join(f'{name}.exe' for name in TOOLS.split())}) do @echo %~$PATH:p"
    )
    system, *found = [line.strip().lower() for line in ran.text.splitlines()]
    assert [one for one in found if one.rpartition("\\")[0] != system] == [] and len(found) == len(TOOLS.split())


def test_people_write_nothing_where_packages_lie(machine: Machine, facts: dict[str, t.Any]) -> None:
    """detect.BASE, users_order: what SYSTEM and all users run lies below Program Files, with the rights that it inherits."""
    if facts["wine"]:
        pytest.skip("icacls of Wine does nothing")
    folder = machine.place("rights")
    assert machine.run(f"md {path(folder)}").code == 0
    found = rights(machine, folder)
    machine.run(f"rd {path(folder)}")
    assert found and {one for one in found.values() if one not in READ} == set(), found


def test_people_see_nothing_of_systems_temp(machine: Machine, facts: dict[str, t.Any]) -> None:
    """script._TEMP_OF_SYSTEM: where SYSTEM's jobs unpack."""
    if facts["wine"]:
        pytest.skip("icacls of Wine does nothing")
    folder = f"{machine.run('echo %SystemRoot%').text.strip()}\\SystemTemp"
    if machine.run(f"if not exist {path(folder)} exit 9").code:
        pytest.skip("this Windows has no SystemTemp: jobs of SYSTEM unpack in their own folder")
    assert rights(machine, folder) == {}


def test_a_groups_task_says_so(machine: Machine) -> None:
    """users_detect.Scene.registered: only administrators make tasks for a group (MS-TSCH 3.2.5.1.1)."""
    name, folder = f"{TASKS}\\group", machine.place("group")
    script = f"{folder}\\0123456789abcdef\\user.cmd"
    machine.write(f"{folder}\\task.xml", task_xml.at_logon(script, "a test that does nothing", 60))
    made, shown, gone = machine.lines(
        f'schtasks /create /tn "{name}" /xml "{folder}\\task.xml" /f >nul',
        f'schtasks /query /tn "{name}" /xml',
        f'schtasks /delete /tn "{name}" /f >nul&rd /s /q {path(folder)}',
    )
    assert (made.code, shown.code, gone.code) == (0, 0, 0)
    text = shown.text.replace("\0", "")
    assert "<GroupId>" in text and re.search(r"<Arguments>[^<]*\\0123456789abcdef\\user\.cmd", text), text


def test_curl_can_do_without_lists_of_revoked_certificates(machine: Machine, facts: dict[str, t.Any]) -> None:
    """pull.py: --ssl-no-revoke; nobody listens at the address, which is exit code 7. An unknown option would be 2."""
    if not facts["curl"]:
        pytest.skip("there is no curl.exe on this host (Windows before 10 1803)")
    assert machine.run("curl.exe --fail --silent --ssl-no-revoke --max-time 20 http://127.0.0.1:9/x").code == 7


def test_who_comes_over_winrm_is_not_logged_on(machine: Machine, facts: dict[str, t.Any]) -> None:
    """users.LOGGED_ON: Volatile Environment is of sessions at a screen; if WinRM's account had it, scope=user would fail for it."""
    if facts["wine"]:
        pytest.skip("on Wine WinRM's account is the one that Wine was started with")
    found = machine.ask(key='reg query "HKCU\\Volatile Environment" 2>nul', here="quser %USERNAME% >nul 2>nul")
    if found["here"].code == 0:
        pytest.skip("the account is logged on at a screen, too")
    assert found["key"].code != 0, found["key"].text
