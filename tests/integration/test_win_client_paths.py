# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's Windows desktop: what installers say and do.

Real there: setup programs of NSIS and their processes, msiexec's work on packages of wixl, cmd.exe, tasklist, taskkill and the
registry of Wine. Stand-ins: the WinRM service, certutil and schtasks. Wine is not Windows.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from client_packages import Packages
from client_paths import PLACE, RUNS, VOICE, booted, exe, processes, starts
from win_client_desktop import Client, ok, refused


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    return Client(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return Packages(tmp_path_factory.mktemp("packages"))


def test_restarts_are_told_and_left_to_others(client, packages):
    package, before = packages.exe("reboots"), booted(client)
    first = ok(client.run(**exe(package, arguments=["/S", "/CODE=1641"])), True)
    assert first["reboot_required"] and first["steps"][0]["exit_code"] == 1641
    again = ok(client.run(**exe(package, arguments=["/S", "/CODE=3010"], state="repair")), True)
    assert again["reboot_required"]
    assert [(step["action"], step["exit_code"]) for step in again["steps"]] == [("repair", 3010)]
    assert starts(client) == ["1.0.0", "1.0.0"] and booted(client) == before


def test_a_code_of_the_vendor(client, packages):
    package = packages.exe("codes", version="1.1.0")
    given = exe(package, arguments=["/S", "/CODE=42"])
    failed = refused(client.run(**given), "exit code 42")
    assert failed["exit_code"] == 42 and "add it to success_codes" in failed["msg"]
    done = ok(client.run(**given, state="repair", success_codes=[42]), True)
    assert done["steps"][0]["exit_code"] == 42 and not done["reboot_required"]


def test_an_older_exe_only_when_allowed(client, packages):
    package = packages.exe("older", version="0.9.0")
    starts(client)
    refused(client.run(**exe(package)), f"{VOICE} 1.1.0 is installed, which is newer than 0.9.0")
    assert starts(client) == []
    done = ok(client.run(**exe(package, allow_downgrade=True)), True)
    assert [step["action"] for step in done["steps"]] == ["uninstall", "install"]
    assert client.version(VOICE) == "0.9.0" and starts(client) == ["0.9.0"]


def test_busy_twice_and_then_free(client, packages):
    # It says 1618 itself, as a setup program does that has an MSI within; the real mutex is in test_win_client_failures.
    busy = r"""
  IfFileExists C:\busy2.txt free
  IfFileExists C:\busy1.txt second
  FileOpen $0 C:\busy1.txt w
  FileClose $0
  Goto say
  second:
  FileOpen $0 C:\busy2.txt w
  FileClose $0
  say:
  SetErrorLevel 1618
  Quit
  free:"""
    done = ok(client.run(**exe(packages.exe("busy", version="1.2.0", begin=busy), retry_busy=11)), True)
    assert done["steps"][0]["tries"] == 3 and starts(client) == ["1.2.0"] * 3
    assert client.version(VOICE) == "1.2.0"


@pytest.mark.parametrize("run_as", ["session", "system"])
def test_a_dialog_is_ended_with_everything_that_it_started(client, packages, run_as):
    runs = packages.program(RUNS)
    shows = rf"""
  InitPluginsDir
  File /oname=$PLUGINSDIR\{RUNS} "{runs}"
  Exec '"$PLUGINSDIR\{RUNS}"'
  MessageBox MB_OK "Nobody presses this button." """
    package = packages.exe("dialogs", version="1.3.0", begin=shows)
    failed = refused(client.run(**exe(package, deadline=10, run_as=run_as)), "did not end within 10 seconds")
    assert "shows a dialog that nobody sees" in failed["msg"] and failed["steps"][0]["run_as"] == run_as
    left = processes(client)
    assert "dialogs.exe" not in left and RUNS not in left and "ping.exe" not in left
    assert starts(client) == ["1.3.0"]


def test_another_version_of_the_same_product(client, packages):
    first, second = (packages.msi(f"same-{version}", version=version, replaces=False) for version in ("1.0.0", "1.0.1"))
    ok(client.run(package=first), True)
    within = packages.exe(
        "within",
        version="3.0.0",
        begin=rf"""
  InitPluginsDir
  File /oname=$PLUGINSDIR\same.msi "{second}"
  ExecWait '"$SYSDIR\msiexec.exe" /i "$PLUGINSDIR\same.msi" /qn' $0
  SetErrorLevel $0
  Quit""",
    )
    failed = refused(client.run(**exe(within)), "another version of the product is installed already (1638)")
    assert failed["exit_code"] == 1638 and "set state to absent first" in failed["msg"]
    done = ok(client.run(package=second), True)
    assert [step["action"] for step in done["steps"]] == ["update"]
    assert client.version("Corp Count") == "1.0.1"


def test_a_client_that_updates_itself(client, packages):
    """It leaves the registry alone: the version of its file counts, which Wine's own Windows Script Host tells."""
    file = f"{PLACE}\\uninstall.exe"
    old, new = packages.exe("told", version="1.3.0"), packages.exe("updated", version="1.4.0")
    ok(client.run(**exe(old, version_file=file)), True)
    starts(client)
    client.desktop.file(file).write_bytes(Path(new).read_bytes())
    refused(client.run(**exe(old, version_file=file)), f"{VOICE} 1.4.0.0 is installed, which is newer than 1.3.0")
    ok(client.run(**exe(old, version_file=file, keep_newer=True)), False)
    ok(client.run(**exe(new, version_file=file)), False)
    assert client.version(VOICE) == "1.3.0" and starts(client) == []
    client.desktop.file(file).unlink()
    ok(client.run(**exe(new, version_file=file)), True)
    assert client.version(VOICE) == "1.4.0" and starts(client) == ["1.4.0"]
    temp = client.desktop.run('dir /b "%TEMP%"').stdout
    assert "~onprem-" not in temp
