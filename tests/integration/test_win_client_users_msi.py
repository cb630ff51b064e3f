# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with scope user on the laboratory's Windows desktop: an MSI of a user: 1618, a transform, a repair, its removal.

Real there: msiexec's work on a package of wixl in the user's session, cmd.exe. Stand-ins: the WinRM service, people who log on, schtasks
with the service behind it, and what msiexec says about others that install (1618). One user only: Wine's msiexec may register nothing
for one of two who install at the same time.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab_desktops import SPACED
from package_transform import transform
from package_workshop import table
from user_packages import UserClient, states
from win_client_desktop import ok, refused

MINE = "Corp Talk Mine"
KEY = rf'"HKCU\Software\onprem.chat laboratory\{MINE}"'


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    desktop.logon(SPACED)
    return UserClient(desktop, tmp_path_factory.mktemp("inventory"))


def test_an_msi_while_others_install_and_with_a_transform(client, tmp_path):
    desktop = client.desktop
    package = desktop.package("corptalk-user-1.0.0.msi")
    properties = {row[0]: row[1] for row in table(package, "Property")}
    first = tmp_path / "первый & 100%.mst"
    first.write_bytes(transform(properties, {"SERVER": "first.corp.test"}))
    given = {"package": package.name, "scope": "user", "transforms": [str(first)], "retry_busy": 300}
    refused(client.run(**given, properties={"ALLUSERS": "1"}), "ALLUSERS=1 does not go together with scope=user")
    place = desktop.file(f"C:\\Users\\{SPACED}\\AppData\\Local")
    tries = set()

    def said_twice() -> bool:
        for file in (place / "onprem.chat").rglob("code.txt"):
            with contextlib.suppress(FileNotFoundError):  # each try takes away what the one before said
                if file.read_text().strip() == "1618":
                    tries.add(file.stat().st_mtime_ns)
        return len(tries) > 1

    with client.another_installation() as end_it, ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(client.run, **given)
        desktop.eventually(said_twice, 240)
        end_it()
        done = ok(waiting.result(), True)
    assert states(done)[SPACED] == "installed"
    assert [(step["user"], step["exit_code"], step["tries"] >= 3) for step in done["steps"]] == [(SPACED, 0, True)]
    assert "first.corp.test" in desktop.run(f"reg query {KEY} /v Server", user=SPACED).stdout
    (readme,) = (place / MINE).iterdir()
    readme.unlink()
    assert states(ok(client.run(**given, state="repair"), True))[SPACED] == "installed"
    assert readme.exists() and "first.corp.test" in desktop.run(f"reg query {KEY} /v Server", user=SPACED).stdout
    away = ok(client.run(package=package.name, scope="user", state="absent"), True)
    assert states(away)[SPACED] == "absent" and not readme.exists()


def test_the_log_of_an_msi_that_fails(client):
    desktop = client.desktop
    # Built for the machine: with properties the module takes it at their word.
    given = {"package": "corptalk-fails-1.0.0.msi", "scope": "user"}
    result = refused(client.run(**given, properties={"ALLUSERS": "2"}), f"failed for {SPACED}: exit code 1603")
    failed, everything = result["log_lines"][-2:]
    assert ": LaunchConditions. " in failed and ": INSTALL. " in everything
    local = desktop.file(f"C:\\Users\\{SPACED}\\AppData\\Local")
    assert [path.name for path in (local / "onprem.chat").rglob("*.log")] == ["msi.log"]
    assert not list((local / "Temp").rglob("msi.log"))
    assert states(ok(client.run(**given, state="absent"), True))[SPACED] == "absent"
