# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's Windows desktop: programs in use, a full disk, a package that goes missing.

Real there: setup programs of NSIS, the files that are in use, taskkill and the registry of Wine, a full disk of Linux. Stand-ins:
the WinRM service, certutil, and what msiexec says about others that install (1618). Wine is not Windows.
"""

from __future__ import annotations

import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from client_packages import Packages
from client_paths import PLACE, RUNS, VOICE, exe, processes, starts
from conftest import LAB
from win_client_desktop import FOLDER, Client, ok, refused


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    return Client(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return Packages(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def running(client, packages):
    """The client's program runs: nobody can write its file."""
    packages.program(RUNS)
    installed = packages.exe("runs", version="2.0.0", files=f'File "{packages.folder / RUNS}"')
    ok(client.run(**exe(installed)), True)
    command = [LAB, "exec", client.desktop.name, "--", "wine-run", rf'@"{PLACE}\{RUNS}"']
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        client.desktop.eventually(lambda: RUNS in processes(client), 60)
        yield process
        client.desktop.run(f"taskkill /f /im {RUNS}")
        process.wait(60)


def test_a_program_in_use(client, packages, running):
    package = packages.exe("next", version="2.1.0", files=f'File "{packages.folder / RUNS}"')
    starts(client)
    failed = refused(client.run(**exe(package)), f"install of {VOICE} 2.1.0 failed: the installer gave up (2)")
    assert (
        "Name the running program in close" in failed["msg"]
        and running.poll() is None
        and client.version(VOICE) == "2.0.0"
    )
    # It has no window, so that nobody can ask it: what is asked and does not end is not ended without being told so.
    refused(client.run(**exe(package, close=[RUNS])), "the installer gave up (2)")
    assert running.poll() is None
    ok(client.run(**exe(package, close=["nobody.exe", RUNS], force_close=True)), True)
    running.wait(60)
    assert client.version(VOICE) == "2.1.0" and starts(client) == ["2.1.0"] * 3


def test_nothing_is_left_of_a_program_that_removes_itself(client):
    """Nor of what runs that were killed left of it: a package of another version."""
    whose = hashlib.sha256(VOICE.lower().encode()).hexdigest()[:8]
    client.desktop.write(f"{FOLDER}\\files\\{whose}-0123456789abcdef\\old & 50%.exe", b"killed")
    done = ok(client.run(uninstall_key=VOICE, state="absent"), True)
    assert [(step["action"], step["exit_code"]) for step in done["steps"]] == [("uninstall", 0)]
    assert not client.desktop.file(PLACE).exists() and client.version(VOICE) == ""


def test_a_disk_that_fills_up_during_the_installation(client, packages):
    # Not with an MSI: Wine's msiexec calls an installation a success whose files were not written.
    desktop = client.desktop
    desktop.write(f"{PLACE}\\before", b"")
    folder = str(desktop.file(PLACE)).removeprefix(str(desktop.root))
    big = packages.folder / "big.bin"
    big.write_bytes(b"\xa5" * 3_000_000)
    package = packages.exe("full", version="3.1.0", files=f'File "{big}"')
    owner = desktop.drive.stat()
    options = f"size=1m,mode=755,uid={owner.st_uid},gid={owner.st_gid}"
    desktop.lab.exec(desktop.name, ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        failed = refused(client.run(**exe(package)), f"install of {VOICE} 3.1.0 failed: the installer gave up (2)")
        assert failed["exit_code"] == 2 and client.version(VOICE) == ""
    finally:
        desktop.lab.exec(desktop.name, ["umount", folder], check=True)
    ok(client.run(**exe(package)), True)
    assert desktop.file(f"{PLACE}\\big.bin").read_bytes() == big.read_bytes()


def test_the_package_goes_missing_before_it_is_started(client):
    desktop = client.desktop
    with client.another_installation() as end_it, ThreadPoolExecutor(1) as beside:
        waiting = beside.submit(client.run, package="corptalk-1.0.0.msi", retry_busy=300)
        desktop.eventually(lambda: client.installers_said() == "1618", 240)
        (package,) = desktop.file(f"{FOLDER}\\files").rglob("*.msi")
        package.unlink()
        end_it()
        result = refused(waiting.result(), "the package could not be opened (1619)")
    assert result["exit_code"] == 1619 and client.version("Corp Talk") == ""
    ok(client.run(package="corptalk-1.0.0.msi"), True)
