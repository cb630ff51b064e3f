# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client_info on the laboratory's Windows desktop: programs in each scope, people logged on or not, states of the host.

Real there: msiexec and NSIS installers, cmd.exe, reg query and the registry of Wine, the accounts of Samba. Stand-ins: the WinRM
service, people who log on, reg load. What says that a restart is pending is written by the test. Wine is not Windows.
"""

from __future__ import annotations

import json
import os

import pytest
from lab_desktops import CYRILLIC, PEOPLE, SPACED, inventory

MODULE = "onprem.chat.win_client_info"
KEYS = (
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
    r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\InProgress",
)
SESSION = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager"
COMPUTER = r"HKLM\SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
MINE = "Corp Voice Mine"
FOLDER = "C:\\Program Files\\onprem.chat"


class Asked:
    """The module on win1: several tasks in one play, because it is the start of Ansible that takes time."""

    def __init__(self, desktop, folder) -> None:
        self.desktop = desktop
        self.inventory = folder / "inventory.json"
        self.inventory.touch(0o600)
        self.inventory.write_text(inventory([desktop]))
        self.playbook = folder / "play.json"

    def __call__(self, *asked: dict) -> list[dict]:
        """The results of tasks with these options; ``vars`` among them are the task's."""
        tasks = []
        for number, one in enumerate(asked):
            options = {name: value for name, value in one.items() if name != "vars"}
            tasks.append({"name": f"Ask {number}", MODULE: options, "vars": one.get("vars", {})})
        play = {"name": "Ask", "hosts": self.desktop.name, "gather_facts": False, "tasks": tasks}
        self.playbook.touch(0o600)
        self.playbook.write_text(json.dumps([play]))
        ran = self.desktop.lab.playbook(
            str(self.playbook),
            "--check",
            inventory=self.inventory,
            env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"},
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        results = [task["hosts"][self.desktop.name] for task in json.loads(ran.stdout)["plays"][0]["tasks"]]
        assert [result["changed"] for result in results] == [False] * len(asked)
        assert self.desktop.shells() == 0
        assert "onprem-chat-registry" not in self.desktop.run("reg query HKU").stdout
        return results


@pytest.fixture(scope="module")
def ask(desktop, tmp_path_factory):
    return Asked(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def installed(desktop):
    """A program in each scope: two MSI and an EXE for the machine; an EXE for each of two users, one of whom is logged on."""
    desktop.logoff()
    for package in ("corptalk-1.0.0.msi", "corptalk-32-1.0.0.msi"):
        assert desktop.run(f"msiexec /i {desktop.put_package(package)} /qn ALLUSERS=1").code == 0
    assert desktop.run(f"{desktop.put_package('corpvoice-32-1.0.0.exe')} /S").code == 0
    desktop.put_package("corpvoice-user-64-1.0.0.exe")
    desktop.logon(*PEOPLE)
    for person in PEOPLE:
        assert desktop.run("C:\\corpvoice-user-64-1.0.0.exe /S", user=person).code == 0
    desktop.logoff(SPACED)
    return desktop


def rows(result: dict) -> set[tuple[str, str, str, str]]:
    return {(one["name"], one["version"], one["scope"], one["user"]) for one in result["products"]}


def check(result: dict, name: str, number: int = 0) -> dict:
    return [one for one in result["checks"] if one["id"] == name][number]


def test_what_is_installed_for_whom(ask, installed):
    found, everybody = ask({"name": "corp *"}, {"name": "corp *", "profiles": True, "gather": ["products", "users"]})
    machine = {(name, "1.0.0", "machine", "") for name in ("Corp Talk", "Corp Talk 32", "Corp Voice")}
    assert rows(found) == machine | {(MINE, "1.0.0", "user", CYRILLIC)}
    assert rows(everybody) == machine | {(MINE, "1.0.0", "user", person) for person in PEOPLE}
    sids = {one["user"]: one["sid"] for one in everybody["products"] if one["scope"] == "user"}
    assert sids == {person: installed.sid(person) for person in PEOPLE}
    assert check(everybody, "windows.profiles")["status"] == "pass"
    assert everybody["logged_on"] == [CYRILLIC]
    known = {one["name"]: (one["sid"], one["loaded"], one["logged_on"]) for one in everybody["users"]}
    assert known[CYRILLIC] == (installed.sid(CYRILLIC), True, True)
    assert known[SPACED] == (installed.sid(SPACED), False, False)
    installers = {
        one["name"]: (one["installer"], one["view"]) for one in found["products"] if one["scope"] == "machine"
    }
    assert installers["Corp Talk"] == ("msi", 64)
    assert installers["Corp Voice"] == ("other", 32)


def test_filters(ask, installed):
    wanted = [
        ({"upgrade_code": "{6F8C1D20-5B1A-4C6E-9A00-0000000000FF}"}, [("Corp Talk", "machine")]),
        ({"product_code": "6f8c1d20-5b1a-4c6e-9a00-000000003200"}, [("Corp Talk 32", "machine")]),
        ({"uninstall_key": "{6F8C1D20-5B1A-4C6E-9A00-000000003200}"}, [("Corp Talk 32", "machine")]),
        ({"uninstall_key": "Corp Voice"}, [("Corp Voice", "machine")]),
        ({"uninstall_key": MINE, "profiles": True}, 2 * [(MINE, "user")]),
        ({"uninstall_key": "100%k & nothing"}, []),
        ({"name": "corp"}, []),
    ]
    found = ask(*({"gather": ["products"], **options} for options, _names in wanted))
    assert [[(one["name"], one["scope"]) for one in result["products"]] for result in found] == [
        names for _options, names in wanted
    ]
    assert set(found[0]) >= {"products", "channel", "checks"} and "users" not in found[0]


def test_what_is_expected(ask, installed):
    talk = str(installed.package("corptalk-1.0.0.msi"))
    newer = str(installed.package("corptalk-1.1.0.msi"))
    expect = [
        {"package": talk},
        {"package": newer},
        {"package": newer, "state": "absent"},
        {"upgrade_code": "{6F8C1D20-5B1A-4C6E-9A00-0000000016FF}"},
        {"uninstall_key": "Corp Voice", "version": "0.9"},
        {"uninstall_key": MINE, "version": "1.0.0", "scope": "user"},
        {"uninstall_key": MINE, "version": "1.1.0", "scope": "user"},
    ]
    (found,) = ask({"gather": [], "profiles": True, "expect": expect})
    seen = [(one["status"], one["evidence"]) for one in found["checks"] if one["id"] == "windows.client"]
    assert seen[:5] == [
        ("pass", "Corp Talk 1.0.0 is installed"),
        ("fail", "Corp Talk 1.0.0 is installed instead of 1.1.0"),
        ("fail", "Corp Talk 1.0.0 is still installed"),
        ("fail", "{6F8C1D20-5B1A-4C6E-9A00-0000000016FF} is not installed"),
        ("warn", "Corp Voice 1.0.0 is installed, which is newer than 0.9"),
    ]
    # The account that Wine itself runs as has a hive, too, and nothing in it.
    assert seen[5][0] in ("pass", "warn") and not any(person in seen[5][1] for person in PEOPLE), seen[5]
    assert seen[6][0] == "fail" and all(person in seen[6][1] for person in PEOPLE), seen[6]


def test_a_restart_that_is_pending(ask, desktop):
    for key in KEYS:
        desktop.run(f'reg add "{key}" /f /reg:64')
    desktop.run(rf'reg add "{SESSION}" /v PendingFileRenameOperations /t REG_MULTI_SZ /d "\??\C:\old.dll" /f')
    desktop.run(f'reg add "{COMPUTER}" /v ComputerName /d NEWNAME /f')
    (found,) = ask({"gather": ["reboot"]})
    for key in KEYS:
        desktop.run(f'reg delete "{key}" /f /reg:64')
    desktop.run(f'reg delete "{SESSION}" /v PendingFileRenameOperations /f')
    assert found["reboot"]["reasons"] == [
        "component_servicing", "windows_update", "file_rename", "computer_rename", "installer",
    ]  # fmt: skip
    (renamed,) = ask({"gather": ["reboot"]})
    desktop.run(f'reg add "{COMPUTER}" /v ComputerName /d {desktop.name.upper()} /f')
    assert renamed["reboot"] == {"pending": True, "reasons": ["computer_rename"]}
    assert check(renamed, "windows.reboot") == {
        "id": "windows.reboot",
        "subject": "win1",
        "status": "warn",
        "evidence": "a restart is pending: the computer was renamed",
        "hint": "Restart it when nobody works there",
        "source": "",
    }


def test_what_an_interrupted_run_left(ask, desktop):
    desktop.write(f"{FOLDER}\\jobs\\corp-talk-1-0\\started.txt", b"started\r\n")
    desktop.write(f"{FOLDER}\\jobs\\corp-talk-2-0\\result.txt", b"end=installer\r\n")
    desktop.write(f"{FOLDER}\\files\\0123456789abcdef\\chat.msi", b"a part of it")
    task = r'/tn "\onprem.chat\corp-talk-1-0"'
    assert desktop.run(f'schtasks /create {task} /tr "cmd /c ver" /sc onlogon /f').code == 0
    try:
        (found,) = ask({"gather": ["rollout"]})
    finally:
        desktop.run(f'rd /s /q "{FOLDER}"')
        desktop.run(f"schtasks /delete {task} /f")
    assert found["rollout"] == {
        "jobs": [{"name": "corp-talk-1-0", "state": "dead"}, {"name": "corp-talk-2-0", "state": "finished"}],
        "tasks": ["corp-talk-1-0"],
        "files": ["0123456789abcdef"],
        "hive_loaded": False,
    }
    assert check(found, "windows.rollout")["evidence"] == (
        "an earlier run was cut off and left something (jobs: corp-talk-1-0, corp-talk-2-0; packages: 0123456789abcdef)"
    )


def test_everything_in_one_line_over_each_connection(ask, desktop, installed):
    """One shell, one command line. How many times its output is fetched depends on the pieces in which it is written."""
    messages = {
        "ansible_winrm_transport": "kerberos",
        "ansible_winrm_scheme": "http",
        "ansible_port": 5985,
        "ansible_winrm_kinit_mode": "managed",
    }
    begun = len(desktop.requests())
    found, kerberos, blind = ask(
        {"expect": [{"uninstall_key": "Corp Voice"}]},
        {"gather": ["disk"], "free_space": 10**9, "vars": messages},
        {"gather": [], "vars": {"ansible_winrm_server_cert_validation": "ignore"}},
    )
    channel = found["channel"]
    verbs = [line["verb"] for line in desktop.requests()[begun:] if "verb" in line]
    assert [verbs.count(verb) for verb in ("Create", "Command", "Delete")] == [3, 3, 3]
    assert channel["requests"] >= 3
    assert (channel["encryption"], channel["authentication"], channel["certificate_validated"]) == ("tls", "ntlm", True)
    assert channel["tls_version"] in ("TLSv1.2", "TLSv1.3")
    assert {one["id"]: one["status"] for one in found["checks"]} == {
        f"windows.{name}": "pass" for name in ("client", "reboot", "disk", "rollout", "channel")
    }
    assert found["reboot"] == {"pending": False, "reasons": []}
    assert found["rollout"] == {"jobs": [], "tasks": [], "files": [], "hive_loaded": False}
    assert found["windows"]["computer_name"] == desktop.name.upper()
    assert found["windows"]["name"].startswith("Windows 10") and found["windows"]["build"].startswith("19043")
    assert found["windows"]["architecture"] == "AMD64"
    assert found["disk"]["free_bytes"] > 2**20
    assert (kerberos["channel"]["encryption"], kerberos["channel"]["authentication"]) == ("message", "kerberos")
    assert check(kerberos, "windows.channel")["evidence"].startswith("HTTP with encrypted messages; kerberos; ")
    assert check(kerberos, "windows.disk")["status"] == "warn"
    assert check(blind, "windows.channel")["status"] == "warn"
    assert "the certificate was not checked" in check(blind, "windows.channel")["evidence"]
