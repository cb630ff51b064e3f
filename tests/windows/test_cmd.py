# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is taken for granted about cmd.exe, each by itself. The first lines of modules and of batch files rest on it."""

from __future__ import annotations

import time
import uuid

import pytest
from machine import KEY, Machine

from ansible_collections.onprem.chat.plugins.plugin_utils._client.command_lines import for_batch, quoted
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import argument, path

TEXTS = [
    "%PATH%", "50%", 'say "hi" & <go>', "wow!", "^", "a\\", 'b\\"', "Привет 😀", "(x86)", "%A", "%^errorlevel%", "a|b>c",
]  # fmt: skip
NASTY = {"signs": "50% off\\%PATH%\\^caret & (co)!", "letters": "Папка 😀\\файл '~` #{};=,.x"}


def test_each_question_of_a_line_has_its_own_answer(machine: Machine) -> None:
    """batching: grammar of `(question)<nul&call echo …`."""
    found = machine.ask_all(
        {
            "text": "echo one & echo two",
            "after a failure": "if exist C:\\no\\such\\file echo yes",
            "loop": "for %A in (a b) do @echo [%A]",
            "percent": "echo %NO_SUCH_VARIABLE% 100%",
            "nothing": "rem",
            "both": "reg query HKLM\\Software >nul && echo found",
            "pipe": 'echo needle| findstr "needle"',
        }
    )
    assert {name: (ran.code, ran.text.replace("\n", "|")) for name, ran in found.items()} == {
        "text": (0, "one |two|"),
        "after a failure": (0, ""),
        "loop": (0, "[a]|[b]|"),
        "percent": (0, "%NO_SUCH_VARIABLE% 100%|"),
        "nothing": (0, ""),
        "both": (0, "found|"),
        "pipe": (0, "needle|"),
    }


def test_delayed_expansion_is_off(machine: Machine) -> None:
    """quoting, batching: an exclamation mark means nothing. A registry value DelayedExpansion could switch it on."""
    assert machine.run("echo wow! ^& !PATH! on").text == "wow! & !PATH! on\n"


def test_extensions_are_on(machine: Machine) -> None:
    """`for /f`, `if defined`, `%~zA`, `set /a` are used. A registry value EnableExtensions could switch them off."""
    assert machine.run('for /f "tokens=2" %a in ("one two") do @if defined SystemRoot echo %a').text == "two\n"


def test_programs_get_texts_as_they_are(machine: Machine) -> None:
    """quoting.argument, by reg.exe, which stores its arguments; the export is read without cmd.exe."""
    file = machine.place("texts.reg")
    key = argument(f"{KEY}\\Texts")
    adds = [f"reg add {key} /v {number} /t REG_SZ /d {argument(text)} /f>nul" for number, text in enumerate(TEXTS)]
    made = f'(if not exist "{machine.folder}" md "{machine.folder}")'
    ran = machine.run("&".join([*adds, made, f"reg export {argument(KEY)} {path(file)} /y"]))
    assert ran.code == 0, ran
    export = machine.read(file).decode("utf-16")
    for number, text in enumerate(TEXTS):
        written = text.replace("\\", "\\\\").replace('"', '\\"')
        assert f'"{number}"="{written}"\r\n' in export, f"{text!r} did not arrive as it is"


@pytest.mark.parametrize("name", NASTY)
def test_paths_work_for_cmd_itself(machine: Machine, name: str) -> None:
    """quoting.path: mkdir makes all parts, `>`, `if exist`, cd, move, type and rmdir find it."""
    folder = machine.place(f"cmd\\{NASTY[name]}")
    inside = f"{folder}\\a.txt"
    given = machine.lines(
        f"(if exist {path(folder)} rmdir /s /q {path(folder)})&mkdir {path(folder)}",
        f"echo x>{path(inside)}",
        f"if not exist {path(inside)} exit 9",
        f"if not exist {path(folder + chr(92))} exit 9",
        f"cd /d {path(folder)}&& move /y a.txt {path('b % c.txt')}>nul&& type {path('b % c.txt')}",
        f"rmdir /s /q {path(machine.place('cmd'))}",
    )
    assert [ran.code for ran in given] == [0] * 6
    assert given[4].text == "x\n"


def test_a_program_in_a_folder_with_spaces_can_be_the_first_word(machine: Machine) -> None:
    """quoting.line: an @ before a line that begins with a quotation mark."""
    from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import line

    tool = path(machine.place("my tool.exe"))
    made = machine.run(
        f'(if not exist "{machine.folder}" md "{machine.folder}")&copy /y %SystemRoot%\\System32\\findstr.exe {tool}>nul'
    )
    assert made.code == 0
    (ran,) = machine.lines((line(f'{tool} /c:"two words"'), b"two words\r\n", 60))
    assert (ran.code, ran.text) == (0, "two words\n")


def test_a_folder_in_use_cannot_be_removed(machine: Machine) -> None:
    """script.py: `hold` is the lock of a job; detect: `rd` tells whether it runs."""
    folder = machine.place("hold")
    # It says when it is there: a busy host may take its time.
    found = machine.run(
        f'md "{folder}"&cd /d "{folder}"&(start "" /b cmd /d /c "ver>..\\hold.txt&ping -n 6 127.0.0.1 >nul")&cd ..&'
        "(for /l %i in (1,1,30) do @if not exist hold.txt ping -n 2 127.0.0.1 >nul)&(rd hold 2>nul&&echo removed||echo held)&"
        "(for /l %i in (1,1,30) do @if exist hold\\ (rd hold 2>nul||ping -n 2 127.0.0.1 >nul))&"
        "(if exist hold\\ (echo held) else (echo removed))&del hold.txt"
    )
    assert found.text.split() == ["held", "removed"], found


def test_a_folder_is_made_once(machine: Machine) -> None:
    """script.py: `md hold || exit` decides between two jobs."""
    folder = machine.place("once")
    assert machine.run(f'md "{folder}"&&(md "{folder}" 2>nul||echo second failed)').text == "second failed\n"
    assert machine.run(f'rd "{folder}"').code == 0


def test_a_batch_file_knows_signed_exit_codes_and_reads_them_back(machine: Machine) -> None:
    """script.py: `%errorlevel%`, `>file echo`, `ren`, `set /p`, `exit /b`, `%~1`, `goto`."""
    file = machine.place("codes.cmd")
    text = r"""@echo off
setlocal EnableExtensions DisableDelayedExpansion
cd /d "%~dp0" || exit /b 96
if "%~1"=="inner" goto inner
cmd /d /c codes.cmd inner
set /p opc_code=<code.txt
del code.txt
echo [%opc_code%]
if "%opc_code%"=="-2147024894" exit /b 3010
exit /b 1
:inner
cmd /d /c exit -2147024894
>code.tmp echo %errorlevel%
ren code.tmp code.txt
exit
"""
    machine.write(file, text.replace("\n", "\r\n").encode())
    ran = machine.run(f"call {path(file)}")
    assert (ran.code, ran.text) == (3010, "[-2147024894]\n")


def test_a_batch_file_can_be_utf_8(machine: Machine) -> None:
    """script.py: `chcp 65001`; for_batch: what has a meaning for cmd.exe, also in paths."""
    folder = machine.place("Папка & 😀")
    words = ["Привет 😀", "100% %PATH%", "a & b", "^!", "(x)"]
    lines = [
        "@echo off",
        "chcp 65001 >nul",
        'cd /d "%~dp0"',
        *(f"echo {for_batch(quoted(word))}>>said.txt" for word in words),
    ]
    machine.write(f"{folder}\\said.cmd", "".join(f"{line}\r\n" for line in lines).encode())
    assert machine.run(f"call {path(folder + chr(92) + 'said.cmd')}").code == 0
    said = machine.read(f"{folder}\\said.txt").decode().splitlines()
    machine.run(f"rmdir /s /q {path(folder)}")
    assert said == [f'"{word}"' for word in words]


def test_start_b_does_not_wait_and_its_end_can_be_seen(machine: Machine) -> None:
    """script.py: the installer runs beside the batch file, which waits for a file by counting pings."""
    file = machine.place("beside.cmd")
    text = r"""@echo off
cd /d "%~dp0"
if "%~1"=="installer" goto installer
if exist done.txt del done.txt
start "" /b cmd /d /c beside.cmd installer >out.txt 2>&1 <nul
if exist done.txt (echo waited) else echo went on
for /l %%i in (1,1,60) do if not exist done.txt ping -n 2 127.0.0.1 >nul
if exist done.txt (echo ended) else echo never
exit /b 0
:installer
ping -n 4 127.0.0.1
>done.tmp echo x
ren done.tmp done.txt
exit
"""
    machine.write(file, text.replace("\n", "\r\n").encode())
    assert machine.run(f"call {path(file)}").text.split("\n")[:2] == ["went on", "ended"]


def test_ping_counts_seconds(machine: Machine) -> None:
    """script.py, commands.unload: there is no other clock in cmd.exe. `ping -n 4` takes three seconds."""
    begun = time.monotonic()
    assert machine.run("ping -n 4 127.0.0.1 >nul").code == 0
    assert time.monotonic() - begun > 2.5


def test_a_loop_over_commands_reads_their_lines(machine: Machine) -> None:
    """users.questions, detect: `for /f` over a program's output, with `2^>nul` within."""
    word = uuid.uuid4().hex
    missing = "for /f \"delims=\" %k in ('type C:\\no\\such\\file.txt 2^>nul') do @echo %k"
    found = machine.ask(
        echoed=f"for /f \"delims=\" %k in ('echo {word} and more') do @echo [%k]",
        missing=missing,
        hives="for /f \"delims=\" %k in ('reg query HKU') do @echo %k",
    )
    assert (found["echoed"].text, found["missing"].text) == (f"[{word} and more]\n", "")
    assert "HKEY_USERS\\S-1-5-18" in found["hives"].text.splitlines()


def test_program_files_is_that_of_64_bit_programs(machine: Machine) -> None:
    """detect.BASE: WinRM starts the 64-bit cmd.exe on a 64-bit Windows."""
    found = machine.ask(
        here="echo %ProgramFiles%", wide="echo %ProgramW6432%", processor="echo %PROCESSOR_ARCHITECTURE%"
    )
    if found["processor"].text.strip() == "x86" and "%" in found["wide"].text:
        pytest.skip("this Windows has 32 bits")
    assert found["here"].text == found["wide"].text


def test_a_message_in_the_hosts_language_is_no_obstacle(machine: Machine) -> None:
    """Only exit codes count: a tool that fails has one other than 0, whatever it says."""
    found = machine.ask(
        reg="reg query HKLM\\Software\\Nothing\\Here",
        type="type C:\\no\\such\\file.txt",
        md="md C:\\Windows\\System32\\cmd.exe\\x",
        unknown="no-such-program-anywhere",
    )
    assert {name: ran.code != 0 for name, ran in found.items()} == dict.fromkeys(found, True)
