# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with the test packages: what goes wrong."""

from __future__ import annotations

import uuid

from machine import TASKS, Machine, bad, good
from packages import COUNTS, COUNTS_KEY, COUNTS_NEXT, RUNS, UPGRADE_CODES, WAITS

from ansible_collections.onprem.chat.plugins.plugin_utils._client import task_xml

_HOLDS = r"""@echo off
chcp 65001 >nul
cd /d "%~dp0"
"%SystemRoot%\System32\msiexec.exe" /i "%~dp0waits.msi" /qn FOLDER="%CD%" CMD="%SystemRoot%\System32\cmd.exe"
echo %errorlevel%>ended.txt
"""
# Lets the other installation end when the first try of the test's own has ended, with 1618.
_RELEASES = r"""@echo off
cd /d "%~dp0"
set opc_count=0
:again
dir /s /b "%ProgramFiles%\onprem.chat\jobs\code.txt" >nul 2>nul && goto release
set /a opc_count+=1
ping -n 2 127.0.0.1 >nul
if %opc_count% lss 300 goto again
:release
del /q hold.txt
exit
"""


def test_another_installation_is_waited_for(machine: Machine) -> None:
    """script.py: 1618 is tried again; exit_codes: told when it never ends. Windows Installer serves one at a time."""
    folder = machine.folder
    package = (machine.packages / f"{WAITS}.msi").read_bytes()
    for name, content in (
        ("waits.msi", package),
        ("waits.cmd", _HOLDS.replace("\n", "\r\n").encode()),
        ("waits.xml", task_xml.as_system(f"{folder}\\waits.cmd", 1200)),
        ("releases.cmd", _RELEASES.replace("\n", "\r\n").encode()),
        ("releases.xml", task_xml.as_system(f"{folder}\\releases.cmd", 1200)),
    ):
        machine.write(f"{folder}\\{name}", content)
    try:
        begun = machine.run(
            f'echo x>"{folder}\\hold.txt"&{_task(folder, "waits")}'
            f'&&(for /l %i in (1,1,90) do @if not exist "{folder}\\begun.txt" ping -n 2 127.0.0.1 >nul)'
            f'&if not exist "{folder}\\begun.txt" exit 1',
            deadline=300,
        )
        assert begun.code == 0, "the other installation did not begin"
        refused = bad(machine.client("corptalk-1.0.0.msi", retry_busy=0), "another installation is running (1618)")
        assert refused["exit_code"] == 1618
        assert machine.run(_task(folder, "releases")).code == 0
        done = good(machine.client("corptalk-1.0.0.msi", retry_busy=600), True)
        assert done["steps"][0]["tries"] > 1
    finally:
        ended = f'for /l %i in (1,1,60) do @if not exist "{folder}\\ended.txt" ping -n 2 127.0.0.1 >nul'
        away = "&".join(f'schtasks /delete /tn "{TASKS}\\{name}" /f >nul 2>nul' for name in ("waits", "releases"))
        machine.run(f'del /q "{folder}\\hold.txt" 2>nul&({ended})&{away}', deadline=300)
        for name in ("Corp Talk", "Corp Talk Waits"):
            good(machine.client(upgrade_code=UPGRADE_CODES[name], state="absent"))


def _task(folder: str, name: str) -> str:
    task = f"{TASKS}\\{name}"
    return f'schtasks /create /tn "{task}" /xml "{folder}\\{name}.xml" /f>nul&&schtasks /run /tn "{task}">nul'


def test_a_program_in_use_and_its_end(machine: Machine) -> None:
    """exit_codes: 2 of NSIS; script.py: close asks, and what has no window does not end by that; force_close ends it."""
    place, batch = machine.place("runs"), machine.place("runs\\runs.cmd")
    program = f"{machine.program_files}\\{COUNTS_KEY}\\{RUNS}"
    wanted = {"uninstall_key": COUNTS_KEY, "deadline": 120}
    machine.write(batch, f'@echo off\r\n"{program}"\r\n'.encode())
    machine.write(f"{place}\\runs.xml", task_xml.as_system(batch, 600))
    try:
        good(machine.client(COUNTS, **wanted), True)
        begun = f"(for /l %i in (1,1,60) do @tasklist /fo csv /nh|findstr /i {RUNS} >nul||ping -n 2 127.0.0.1 >nul)"
        machine.run(f"{_task(place, 'runs')}&{begun}")
        assert _runs(machine), "the program did not start"
        failed = bad(machine.client(COUNTS_NEXT, **wanted, close=[RUNS]), "the installer gave up (2)")
        assert "the running program in close" in failed["msg"], failed["msg"]
        assert _runs(machine), "it ended, although it has no window and nobody forced it"
        good(machine.client(COUNTS_NEXT, **wanted, close=[RUNS], force_close=True), True)
        assert not _runs(machine), "it still runs"
    finally:
        machine.run(f'taskkill /f /im {RUNS} >nul 2>nul&schtasks /delete /tn "{TASKS}\\runs" /f >nul 2>nul')
        good(machine.client(uninstall_key=COUNTS_KEY, state="absent"))


def _runs(machine: Machine) -> bool:
    return RUNS in machine.run("tasklist /fo csv /nh").text.lower()


def test_a_failing_package_brings_its_log(machine: Machine) -> None:
    """exit_codes: 1603; msi_log: the decisive lines of a log in UTF-16."""
    failed = bad(machine.client("corptalk-fails-1.0.0.msi"), "a fatal error during installation (1603)")
    assert failed["exit_code"] == 1603
    assert failed["log_lines"]


def test_an_installer_with_a_dialog_is_ended_by_the_deadline(machine: Machine) -> None:
    """script.py: the installer is found by its name and number, and ended with its children."""
    wanted = {"package": "corpvoice-hangs-1.0.0.exe", "uninstall_key": f"Never {uuid.uuid4().hex}", "deadline": 15}
    bad(machine.client(**wanted), "did not end within 15 seconds and was ended")
    assert "corpvoice-hangs" not in machine.run("tasklist /fo csv /nh").text.lower()


def test_a_wrong_hash_asks_the_host_nothing(machine: Machine) -> None:
    """wanted: the package is compared on the controller."""
    bad(machine.client("corptalk-1.0.0.msi", sha256="0" * 64), "The package is not the one that was meant")


def test_too_little_space_transfers_nothing(machine: Machine) -> None:
    """delivery: the space is asked for first."""
    failed = bad(machine.client("corptalk-1.0.0.msi", free_space=900_000_000), "Too little space on the host")
    assert failed["steps"] == []


def test_nothing_of_failures_is_left(machine: Machine) -> None:
    """jobs, converge: package, batch file, log and task are removed after failures, too."""
    ran = machine.run(f'dir /s /b "{machine.program_files}\\onprem.chat" 2>nul')
    assert ran.text.strip() == ""
