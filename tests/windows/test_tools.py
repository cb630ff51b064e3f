# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken for granted about the programs of Windows that the modules start: certutil, tar, curl, schtasks, tasklist and others."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import typing as t

import pytest
from machine import TASKS, Machine

from ansible_collections.onprem.chat.plugins.plugin_utils._client import delivery, file_version, task_xml
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.files import same
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import path
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer

CONTENT = bytes(range(256)) * 90 + "Ж😀".encode()


def _lines(content: bytes, width: int, end: bytes) -> bytes:
    return b"".join(base64.b64encode(content[i : i + width]) + end for i in range(0, len(content), width))


@pytest.fixture(scope="module")
def file(machine: Machine) -> str:
    name = machine.place("tools\\content & more.bin")
    machine.write(name, CONTENT)
    return name


def test_certutil_tells_a_hash(machine: Machine, file: str) -> None:
    """delivery.digest, files.same: exit code 0 and the digest in a line of its own, with or without spaces."""
    found = machine.ask(
        hash=f"certutil -hashfile {path(file)} SHA256",
        same=same(file, CONTENT),
        other=same(file, CONTENT + b"x"),
        missing="certutil -hashfile C:\\no\\such\\file SHA256",
    )
    digest = delivery.digest(Answer(found["hash"].code, found["hash"].out))
    assert digest == hashlib.sha256(CONTENT).hexdigest()
    assert (found["same"].code, found["other"].code != 0, found["missing"].code != 0) == (0, True, True)


def test_certutil_and_findstr_make_a_file_of_base64(machine: Machine, file: str) -> None:
    """files: `findstr /r "^"` copies its input; certutil -f -decode takes it without a header."""
    folder = file.rpartition("\\")[0]
    line = f'cd /d "{folder}"&&findstr /r "^">text.b64&&certutil -f -decode text.b64 decoded.bin>nul&&{same("decoded.bin", CONTENT)}'
    (ran,) = machine.lines((line, _lines(CONTENT, 48, b"\r\n"), 60))
    assert ran.code == 0, ran


def test_certutil_writes_a_file_as_base64(machine: Machine, file: str) -> None:
    """commands.export, files: -f -encode, and the output is typed."""
    coded = path(f"{file}.b64")
    ran = machine.run(f"certutil -f -encode {path(file)} {coded}>nul&&type {coded}")
    assert ran.code == 0
    body = b"".join(line for line in ran.out.splitlines() if not line.startswith(b"-----"))
    assert base64.b64decode(body) == CONTENT


def test_tar_undoes_base64_of_its_input(machine: Machine, facts: dict[str, t.Any], file: str) -> None:
    """files: libarchive's filter for uuencode, and an archive from standard input."""
    if not facts["tar"]:
        pytest.skip("there is no tar.exe on this host (Windows before 10 1803)")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("unpacked.bin")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))
    text = b"begin-base64 644 -\n" + _lines(packed.getvalue(), 60, b"\n") + b"====\n"
    folder = file.rpartition("\\")[0]
    (ran,) = machine.lines((f'cd /d "{folder}"&&tar -xf -&&{same("unpacked.bin", CONTENT)}', text, 60))
    assert ran.code == 0, ran


def test_tar_writes_an_archive_as_base64(machine: Machine, facts: dict[str, t.Any], file: str) -> None:
    """files: tar --b64encode -cf -."""
    if not facts["tar"]:
        pytest.skip("there is no tar.exe on this host (Windows before 10 1803)")
    folder = file.rpartition("\\")[0]
    ran = machine.run(f'cd /d "{folder}"&copy /b /y {path(file)} packed.bin>nul&tar --b64encode -cf - packed.bin')
    assert ran.code == 0
    body = b"".join(line for line in ran.out.split(b"\n") if not re.match(rb"begin|====", line.strip()))
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(body))) as archive:
        stream = archive.extractfile(archive.getmembers()[0])
        assert stream is not None and stream.read() == CONTENT


def test_where_tells_by_its_exit_code(machine: Machine) -> None:
    """files: where /q."""
    found = machine.ask(there="where /q certutil.exe", missing="where /q no-such-program.exe")
    assert (found["there"].code, found["missing"].code) == (0, 1)


def test_findstr_finds_by_its_exit_code(machine: Machine) -> None:
    """files.same: several /c: of which one is enough."""
    found = machine.ask(
        one='echo ABCDEF|findstr /i /c:"abcdef" /c:"ab cd"', none='echo ABC|findstr /i /c:"xyz" /c:"x y"'
    )
    assert (found["one"].code, found["none"].code) == (0, 1)


def test_tasklist_gives_names_and_numbers(machine: Machine) -> None:
    """script.py: tasklist /fo csv /nh, the first two columns; processes are ended by their number."""
    ran = machine.run("tasklist /fo csv /nh")
    rows = [line.split('","')[:2] for line in ran.text.splitlines() if line.strip()]
    assert ran.code == 0 and len(rows) > 2
    assert all(len(row) == 2 and row[0].startswith('"') and row[1].rstrip('"').isdigit() for row in rows), rows[:3]
    assert any(row[0].lower() == '"cmd.exe' for row in rows), "cmd.exe, which asks, is not in its own list"


def test_taskkill_ends_a_process_by_its_number(machine: Machine) -> None:
    """script.py: the deadline of an installer; the process is a copy with a name of its own."""
    tool = machine.place("tools\\opc-waits.exe")
    folder = machine.place("tools")
    text = r"""@echo off
cd /d "%~dp0"
start "" /b opc-waits.exe -n 600 127.0.0.1 >nul 2>nul
ping -n 3 127.0.0.1 >nul
set opc_found=0
for /f "tokens=1,2 delims=," %%a in ('tasklist /fo csv /nh') do if /i %%a=="opc-waits.exe" (set opc_found=1& taskkill /f /t /pid %%~b >nul)
echo found %opc_found%
ping -n 3 127.0.0.1 >nul
set opc_found=0
for /f "tokens=1,2 delims=," %%a in ('tasklist /fo csv /nh') do if /i %%a=="opc-waits.exe" set opc_found=1
echo left %opc_found%
exit /b 0
"""
    machine.write(f"{folder}\\kill.cmd", text.replace("\n", "\r\n").encode())
    assert machine.run(f"copy /y %SystemRoot%\\System32\\ping.exe {path(tool)}>nul").code == 0
    assert machine.run(f"call {path(folder + chr(92) + 'kill.cmd')}").text == "found 1\nleft 0\n"


def test_taskkill_says_128_when_there_is_none(machine: Machine) -> None:
    """script._closing: then nothing has to be waited for."""
    assert machine.run("taskkill /im opc-no-such-program.exe >nul 2>nul").code == 128


def test_dir_ends_with_the_free_space(machine: Machine) -> None:
    """delivery.free_bytes: the last number of `dir /-c /ad`, whatever the language."""
    ran = machine.run(f"dir /-c /ad {path(machine.program_files[:3])}")
    free = delivery.free_bytes(Answer(ran.code, ran.out))
    assert free is not None and 10 * 2**20 < free < 2**60, ran.text[-200:]


def test_curl_reads_its_orders_from_standard_input(machine: Machine, facts: dict[str, t.Any]) -> None:
    """pull.py: --config -; nobody listens at the address, which is exit code 7."""
    if not facts["curl"]:
        pytest.skip("there is no curl.exe on this host (Windows before 10 1803)")
    orders = b'fail\nsilent\nshow-error\nmax-time = 20\noutput = "nul"\nurl = "http://127.0.0.1:9/x?secret=1"\n'
    by_input, nothing = machine.lines(("curl.exe --config -", orders, 60), "curl.exe --fail --silent <nul")
    assert (by_input.code, nothing.code) == (7, 2)


def test_schtasks_runs_a_batch_file_as_system(machine: Machine) -> None:
    """jobs._as_system: a definition of ours (UTF-16) is taken, /run starts it, /delete removes it; all by exit codes."""
    folder = machine.place("as system")
    name = f"{TASKS}\\as-system"
    script = '@echo off\r\ncd /d "%~dp0"\r\nwhoami /user >who.tmp\r\nren who.tmp who.txt\r\n'
    machine.write(f"{folder}\\who.cmd", script.encode())
    machine.write(f"{folder}\\task.xml", task_xml.as_system(f"{folder}\\who.cmd", 300))
    found = machine.lines(
        f'schtasks /create /tn "{name}" /xml "{folder}\\task.xml" /f >nul',
        f'schtasks /run /tn "{name}" >nul',
        f'for /l %i in (1,1,60) do @if not exist "{folder}\\who.txt" ping -n 2 127.0.0.1 >nul',
        f'schtasks /query /tn "{name}" >nul',
        f'schtasks /delete /tn "{name}" /f >nul',
        f'schtasks /query /tn "{name}" >nul 2>nul',
        f'type "{folder}\\who.txt"',
    )
    assert [found[number].code for number in (0, 1, 3, 4)] == [0] * 4
    assert found[5].code == 1, "a task that is not there was found"
    assert "S-1-5-18" in found[6].text, found[6]


def test_a_scheduled_task_survives_the_shell(machine: Machine) -> None:
    """jobs: run_as=system does not depend on the connection."""
    folder = machine.place("survives")
    name = f"{TASKS}\\survives"
    script = '@echo off\r\ncd /d "%~dp0"\r\nfor /l %%i in (1,1,60) do if not exist go.txt ping -n 2 127.0.0.1 >nul\r\n'
    script += "if exist go.txt echo x>done.txt\r\n"
    machine.write(f"{folder}\\job.cmd", script.encode())
    machine.write(f"{folder}\\task.xml", task_xml.as_system(f"{folder}\\job.cmd", 300))
    started = machine.run(f'schtasks /create /tn "{name}" /xml "{folder}\\task.xml" /f&&schtasks /run /tn "{name}"')
    assert started.code == 0
    ran = machine.run(
        f'echo x>"{folder}\\go.txt"&(for /l %i in (1,1,60) do @if not exist "{folder}\\done.txt" ping -n 2 127.0.0.1 >nul)'
        f'&schtasks /delete /tn "{name}" /f >nul&if not exist "{folder}\\done.txt" exit 1'
    )
    assert ran.code == 0, "it had ended with the shell"


def test_windows_script_host_tells_the_version_of_a_file(machine: Machine) -> None:
    """file_version: by JScript, whose engine is named on the command line. Where a policy forbids it, version_file cannot be used."""
    (ask,) = file_version.questions(f"{machine.run('echo %SystemRoot%').text.strip()}\\System32\\shell32.dll")
    ran = machine.run(ask.command)
    assert re.search(r"^\d+\.\d+\.\d+\.\d+$", ran.text.strip(), re.MULTILINE), ran.text
    (ask,) = file_version.questions("C:\\there is none.exe")
    assert machine.run(ask.command).text.split() == ["absent"]


def test_reg_prints_values_in_one_form(machine: Machine) -> None:
    """query.read, detect.keys_of, users: four spaces between name, type and data, in every language."""
    # reg_tool.ANSWERS: without it every module takes the registry for closed.
    assert machine.run("echo asked&reg query HKLM >nul 2>nul").code == 0
    ran = machine.run(r'reg query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion" /v CurrentBuild')
    assert re.search(
        r"^HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion$", ran.text, re.MULTILINE | re.I
    )
    assert re.search(r"^    CurrentBuild    REG_SZ    \d+$", ran.text, re.MULTILINE), ran.text


def test_msiexec_is_waited_for(machine: Machine) -> None:
    """script.py: a batch file waits for msiexec, and has its exit code: 1619 for a package that is not there."""
    file = machine.place("tools\\msi.cmd")
    script = '@echo off\r\n"%SystemRoot%\\System32\\msiexec.exe" /i "C:\\no such\\package.msi" /qn\r\nexit /b %errorlevel%\r\n'
    machine.write(file, script.encode())
    assert machine.run(f"call {path(file)}").code == 1619
