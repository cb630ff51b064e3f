# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with scope user on the laboratory's Windows desktop: every user in his own session, at once or at his next logon.

Real there: installers of NSIS (32 and 64 bit) on Wine, their users' own registries and profiles, cmd.exe. Stand-ins: the
WinRM service, people who log on, and schtasks with the service behind it. Wine keeps nobody from what he may not do.
"""

from __future__ import annotations

import pytest
from lab_desktops import SPACED
from user_packages import NAME, REFUSED, UserClient, exe, states
from win_client_desktop import ok, refused

ODD = "мария & 😀 100%^!"


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    lab = desktop.lab
    made = lab.exec("dc1", ["samba-tool", "user", "create", ODD, "--random-password"])
    assert made.returncode == 0 or "already" in made.stderr, made.stderr
    desktop.logon(SPACED, ODD)
    desktop.logoff(ODD)
    return UserClient(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    return {version: exe(folder, version, bits) for version, bits in (("1.0.0", 32), ("1.1.0", 64), ("1.2.0", 32))}


def test_at_once_and_at_the_next_logon(client, packages):
    one = {"package": packages["1.0.0"]}
    checked = ok(client.for_users("--check", **one), True)
    assert states(checked) == {SPACED: "pending", ODD: "pending"} and not client.registered()
    first = ok(client.for_users(**one), True)
    assert states(first) == {SPACED: "installed", ODD: "pending"} and first["diff"] == checked["diff"]
    assert [(step["user"], step["exit_code"]) for step in first["steps"]] == [(SPACED, 0)]
    assert client.version_of(SPACED) == "1.0.0" and "1.0.0" in client.own_registry(SPACED)
    assert client.starts(ODD) == []
    before = len(client.desktop.requests())
    again = ok(client.for_users(**one), False)
    assert again["steps"] == [] and states(again) == states(first)
    # Create, two command lines with their Signal, Delete, the authentication; how often output is fetched depends on the host.
    verbs = [line.get("verb") for line in client.desktop.requests()[before:]]
    assert verbs.count("Command") <= 2
    client.desktop.logon(ODD)
    client.desktop.eventually(lambda: client.told(ODD), 120)
    assert client.version_of(ODD) == "1.0.0" and "1.0.0" in client.own_registry(ODD)
    client.desktop.logoff(ODD)
    later = ok(client.for_users(**one), False)
    assert states(later) == {SPACED: "installed", ODD: "installed"}
    assert client.starts(SPACED) == ["1.0.0"] == client.starts(ODD)


def test_a_new_version_and_an_old_one(client, packages):
    result = ok(client.for_users(package=packages["1.1.0"]), True)
    assert states(result) == {SPACED: "installed", ODD: "outdated"} and client.version_of(SPACED) == "1.1.0"
    old = refused(client.for_users(package=packages["1.0.0"]), f"newer than 1.0.0 for {SPACED} (1.1.0)")
    assert states(old) == {SPACED: "newer", ODD: "installed"} and client.starts(SPACED) == ["1.0.0", "1.1.0"]


def test_who_failed_and_how(client, packages):
    client.flag(SPACED, "refuse")
    client.desktop.logon(ODD)
    result = refused(client.for_users(package=packages["1.2.0"]), f"failed for {SPACED}: exit code {REFUSED}, ")
    assert result["exit_code"] == REFUSED and client.version_of(SPACED) == "1.1.0"
    assert states(result) == {SPACED: "failed", ODD: "installed"} and client.version_of(ODD) == "1.2.0"
    client.desktop.logoff(ODD)
    client.flag(SPACED, "refuse", False)


def test_removal_for_everybody(client):
    away = {"state": "absent"}
    assert client.version_of(SPACED)
    result = ok(client.for_users(**away), True)
    assert states(result) == {SPACED: "absent", ODD: "pending"}
    assert client.version_of(SPACED) == "" and client.own_registry(SPACED) == ""
    ok(client.for_users(**away), False)
    client.desktop.logon(ODD)
    # The last thing that is done for him.
    mine = client.desktop.file(f"C:\\Users\\{ODD}\\AppData\\Local") / "onprem.chat"
    client.desktop.eventually(lambda: not client.own_registry(ODD) and not client.told(ODD) and not mine.exists(), 120)
    client.desktop.logoff(ODD)
    assert states(ok(client.for_users(**away), True)) == {SPACED: "absent", ODD: "absent"}
    assert not client.registered()
    ok(client.for_users(**away), False)
    assert not [hive for hive in client.hives() if "onprem" in hive]
    assert not client.desktop.file(f"C:\\Users\\{ODD}\\AppData\\Local\\Programs\\{NAME}").exists()
    assert "onprem.chat" not in client.desktop.run(r"reg query HKCU\Software", user=SPACED).stdout
