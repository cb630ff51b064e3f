# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's Windows desktop, by ansible-playbook over WinRM: what goes wrong.

Real there: msiexec's work on packages of wixl, EXEs of NSIS, cmd.exe, reg query and the registry of Wine, Samba as C$. Stand-ins:
the WinRM service, curl, certutil and schtasks, and what msiexec says about others that install (1618). Wine is not Windows.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import LAB
from win_client_desktop import Client, ok, refused

SERVER = "http://10.203.0.100:8099"


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    return Client(desktop, tmp_path_factory.mktemp("inventory"))


def test_a_failing_package_brings_its_log(client):
    result = refused(client.run(package="corptalk-fails-1.0.0.msi"), "a fatal error during installation (1603)")
    assert result["exit_code"] == 1603
    # Wine ends what failed with 0, where Windows has 3.
    failed, everything = result["log_lines"][-2:]
    assert ": LaunchConditions. " in failed and ": INSTALL. " in everything


def test_another_installation_is_waited_for(client):
    package = "corptalk-1.0.0.msi"
    with client.another_installation() as end_it, ThreadPoolExecutor(1) as beside:
        result = refused(client.run(package=package, retry_busy=2), "another installation is running (1618)")
        assert result["steps"][0]["tries"] == 2 and client.version("Corp Talk") == ""
        waiting = beside.submit(client.run, package=package, retry_busy=300)
        client.desktop.eventually(lambda: client.installers_said() == "1618", 240)
        end_it()
        waited = ok(waiting.result(), True)
    assert waited["steps"][0]["tries"] >= 2 and client.version("Corp Talk") == "1.0.0"


def test_an_installer_that_never_ends_is_ended(client):
    # Waits for ten minutes, as one with a dialog that nobody sees waits for ever.
    waits = str(client.desktop.file("C:\\windows\\labmutex.exe"))
    wanted = {
        "package": waits,
        "uninstall_key": "Never",
        "version": "1",
        "arguments": ["wait", "600000"],
        "deadline": 10,
    }
    refused(client.run(**wanted), "did not end within 10 seconds and was ended")
    assert "labmutex" not in client.desktop.run("tasklist /fo csv /nh").stdout


@pytest.fixture
def server(client):
    """The packages by HTTP where the users are."""
    folder = str(client.desktop.package(""))
    command = [
        LAB,
        "exec",
        "users",
        "--",
        sys.executable,
        "-m",
        "http.server",
        "8099",
        "--bind",
        "10.203.0.100",
        "-d",
        folder,
    ]
    probe = ["exec", "users", "--", sys.executable, "-c", f"import urllib.request; urllib.request.urlopen('{SERVER}/')"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        end = time.monotonic() + 20
        while subprocess.run([LAB, *probe], check=False, capture_output=True).returncode:
            assert time.monotonic() < end, "the server of packages does not answer"
        yield SERVER
        running.terminate()


def test_the_host_pulls_it_and_believes_only_its_hash(client, server):
    wrong = client.run(package="corptalk-1.1.0.msi", delivery="pull", url=f"{server}/corptalk-32-1.0.0.msi")
    refused(wrong, "What arrived on the host is not the package")
    assert wrong["steps"] == [] and client.version("Corp Talk") == "1.0.0"
    refused(
        client.run(package="corptalk-1.1.0.msi", delivery="pull", url=f"{server}/gone.msi"), "The server refused it"
    )
    done = ok(client.run(package="corptalk-1.1.0.msi", url=f"{server}/corptalk-1.1.0.msi"), True)
    assert done["delivery"] == "pull" and client.version("Corp Talk") == "1.1.0"


def test_too_little_space_transfers_nothing(client):
    result = client.run(package="corptalk-1.0.0.msi", allow_downgrade=True, free_space=100_000_000)
    refused(result, "Too little space on the host")
    assert result["steps"] == [] and client.version("Corp Talk") == "1.1.0"


def test_wrong_sha256_asks_nothing(client):
    before = len(client.desktop.requests())
    refused(client.run(package="corptalk-1.0.0.msi", sha256="0" * 64), "The package is not the one that was meant")
    assert len(client.desktop.requests()) == before
