# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's Windows desktop, by ansible-playbook over WinRM.

Real there: msiexec's work on packages of wixl, EXEs of NSIS, cmd.exe, reg query and the registry of Wine, Samba as C$. Stand-ins:
the WinRM service, curl, certutil and schtasks, and what msiexec says about others that install (1618). Wine is not Windows.
"""

from __future__ import annotations

import pytest
from win_client_desktop import Client, ok, refused


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    return Client(desktop, tmp_path_factory.mktemp("inventory"))


def test_an_msi_from_nothing_to_nothing(client):
    old, new = "corptalk-1.0.0.msi", "corptalk-1.1.0.msi"
    server = {"properties": {"SERVER": 'a "b" & 100% ^!'}}
    setting = {
        "settings": [{"key": "HKLM\\SOFTWARE\\Policies\\Corp Talk", "name": "Update", "type": "dword", "data": 0}]
    }
    checked = ok(client.run("--check", package=old, **server, **setting), True)
    assert client.version("Corp Talk") == ""
    first = ok(client.run(package=old, **server, **setting), True)
    assert client.version("Corp Talk") == "1.0.0"
    assert first["diff"] == checked["diff"]
    assert first["steps"] == [{"action": "install", "run_as": "session", "exit_code": 0, "meaning": "done", "tries": 1}]
    written = client.desktop.run(r'reg query "HKLM\Software\onprem.chat laboratory\Corp Talk" /v Server /reg:64').stdout
    assert 'a "b" & 100% ^!' in written
    assert "0x0" in client.desktop.run(r'reg query "HKLM\SOFTWARE\Policies\Corp Talk" /v Update').stdout
    again = ok(client.run(package=old, **server, **setting), False)
    assert again["steps"] == [] and again["delivery"] == ""
    upgraded = ok(client.run(package=new), True)
    assert upgraded["reason"] == "1.0.0 is installed"
    assert [one["version"] for one in upgraded["installed"]] == ["1.1.0"]
    refused(client.run(package=old), "Corp Talk 1.1.0 is installed, which is newer than 1.0.0")
    assert client.version("Corp Talk") == "1.1.0"
    ok(client.run(package=old, allow_downgrade=True), True)
    assert client.version("Corp Talk") == "1.0.0"
    repaired = client.desktop.file("C:\\Program Files\\Corp Talk\\readme.txt")
    repaired.unlink()
    ok(client.run(package=old, state="repair"), True)
    assert repaired.exists()
    away = {"upgrade_code": first["client"]["upgrade_code"], "state": "absent"}
    ok(client.run(**away), True)
    assert client.version("Corp Talk") == "" and not repaired.exists()
    ok(client.run(**away), False)


@pytest.mark.parametrize(("bits", "view"), [("64", "64"), ("32", "32")])
def test_an_exe_from_nothing_to_nothing(client, bits, view):
    one = {"package": f"corpvoice-{bits}-1.0.0.exe", "uninstall_key": "Corp Voice"}
    ok(client.run(**one), True)
    assert client.version("Corp Voice", view) == "1.0.0"
    ok(client.run(**one), False)
    if bits == "32":
        ok(client.run(package="corpvoice-32-1.1.0.exe", uninstall_key="Corp Voice"), True)
        assert client.version("Corp Voice", view) == "1.1.0"
    ok(client.run(uninstall_key="Corp Voice", state="absent"), True)
    assert client.version("Corp Voice", view) == ""


def test_as_system_by_a_task_that_goes_again(client):
    done = ok(client.run(package="corptalk-32-1.0.0.msi", run_as="system"), True)
    assert [(step["run_as"], step["exit_code"]) for step in done["steps"]] == [("system", 0)]
    assert client.desktop.run("schtasks /query /fo csv /nh").stdout.count("onprem.chat") == 0


def test_a_restart_is_told(client):
    result = ok(client.run(package="corptalk-reboot-1.0.0.msi"), True)
    assert result["reboot_required"] and result["steps"][0]["exit_code"] == 3010


def test_over_smb(client):
    done = ok(client.run(package="corpvoice-64-1.0.0.exe", uninstall_key="Corp Voice", delivery="smb"), True)
    assert done["delivery"] == "smb" and client.version("Corp Voice") == "1.0.0"
