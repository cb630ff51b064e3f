# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The channel: commands over WinRM, what they give, and that nothing of them stays."""

from __future__ import annotations

import base64
import os

import pytest
from machine import Machine

CODES = (0, 1, 256, 3010, 0x7FFFFFFF, 0x80070002, 0xFFFFFFFF)
SIGNED = {code: code - (1 << 32) if code > 0x7FFFFFFF else code for code in CODES}


def test_exit_codes_keep_all_their_32_bits(machine: Machine) -> None:
    """wire.receive: ExitCode may be signed or unsigned; installers' codes are told from it."""
    given = machine.lines(*(f"exit {SIGNED[code]}" for code in CODES))
    assert [ran.code for ran in given] == list(CODES)


def test_output_is_utf_8(machine: Machine) -> None:
    """wire.create asks for code page 65001."""
    ran = machine.run("echo Привет 😀& echo wrong>&2& exit 3010")
    assert (ran.code, ran.out, ran.err) == (3010, "Привет 😀\r\n".encode(), b"wrong\r\n")


def test_input_arrives_as_it_was_sent(machine: Machine) -> None:
    """channel._feed: bytes into a program's standard input, with an end."""
    lines = [f"line {number} Ж😀".encode() for number in range(3000)]
    (ran,) = machine.lines(('findstr /r "^"', b"\r\n".join(lines) + b"\r\n", 60))
    assert ran.code == 0
    assert ran.out.split(b"\r\n") == [*lines, b""]


def test_long_output_arrives_completely(machine: Machine) -> None:
    """channel._collect: output comes in pieces."""
    ran = machine.run("for /l %i in (1,1,3000) do @echo %i 0123456789012345678901234567890123456789")
    assert [line.split()[0] for line in ran.text.splitlines()] == [str(number) for number in range(1, 3001)]


def test_a_command_without_input_does_not_wait_for_some(machine: Machine) -> None:
    """batching: every question has <nul."""
    found = machine.ask(sort="sort", after="echo after")
    assert (found["sort"].code, found["sort"].out, found["after"].text) == (0, b"", "after\n")


def test_a_deadline_ends_the_command_and_its_children(machine: Machine) -> None:
    """channel._terminate, jobs: a folder is in use as long as something that was started in it runs."""
    folder = machine.place("deadline")
    machine.run(f'md "{folder}"')
    (ran,) = machine.lines((f'cd /d "{folder}"&&echo begun&&ping -n 600 127.0.0.1 >nul', None, 5))
    assert ran.error and ran.error["terminated"], f"not ended by the deadline: {ran}"
    tries = f'for /l %i in (1,1,20) do @if exist "{folder}" (rd "{folder}" 2>nul||ping -n 2 127.0.0.1 >nul)'
    machine.run(tries)
    assert machine.run(f'if exist "{folder}" exit 1').code == 0, "something still runs in the folder of the command"


@pytest.fixture(scope="module")
def afterwards(machine: Machine) -> dict:
    """What the host says of a shell of ours after its end."""
    return machine.probe(["run", "ver", {}], look=True)


def test_the_shell_is_gone_afterwards(afterwards: dict) -> None:
    """session.close: Delete; its id is unknown to the host then."""
    assert afterwards["closed"] is True
    assert not afterwards.get("warnings")


def test_no_shell_of_ours_is_listed(afterwards: dict) -> None:
    """The same by what `winrm enumerate … shell` asks."""
    if afterwards["shells"] is None:
        pytest.skip("this host's WinRM does not list its shells")
    assert afterwards["shell"].upper() not in [shell.upper() for shell in afterwards["shells"]]


def test_commands_take_our_ids(afterwards: dict) -> None:
    """channel._start: a Command whose answer was lost is sent again, as the host takes an id once. Without it such a task fails."""
    assert afterwards["own_ids"] is True


def test_a_line_may_be_as_long_as_cmd_takes(machine: Machine) -> None:
    """quoting.LINE_LIMIT: what the host puts before our line is within the 8191 characters, too."""
    from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import LINE_LIMIT

    text = "x" * (LINE_LIMIT - len("echo "))
    ran = machine.run(f"echo {text}")
    assert (ran.code, ran.text.strip()) == (0, text)


def test_questions_have_their_own_exit_codes(machine: Machine) -> None:
    """batching: `call echo %^errorlevel%` is read when the question has ended, and `ver` sets it back to 0."""
    codes = [f"cmd /d /c exit {SIGNED[code]}" for code in CODES]
    found = machine.ask_all({str(number): code for number, code in enumerate(codes)})
    assert [found[str(number)].code for number in range(len(CODES))] == list(CODES)


def test_a_question_that_breaks_the_line_breaks_only_itself(machine: Machine) -> None:
    """batching.read: what is left out is asked alone."""
    found = machine.ask(a="echo A", bad="echo )(", end="exit 5", z="echo Z")
    assert (found["a"].text, found["z"].text, found["end"].code) == ("A\n", "Z\n", 5)


def test_small_files_go_there_and_back(machine: Machine) -> None:
    """files: through tar where it is, else certutil; SHA-256 compared there; nothing is left beside them."""
    folder = machine.place("folder of files")
    contents = {f"{folder}\\{len(content)}.bin": content for content in (b"x", os.urandom(57), bytes(range(256)) * 280)}
    steps = [["write", path, base64.b64encode(content).decode()] for path, content in contents.items()]
    steps += [["read", path] for path in contents]
    results = machine.probe(*steps, ["run", f'dir /b /a "{folder}"', {}])["results"]
    assert [one["error"]["msg"] for one in results if "error" in one] == []
    assert [base64.b64decode(one["content"]) for one in results[3:6]] == list(contents.values())
    assert sorted(base64.b64decode(results[6]["stdout"]).decode().split()) == ["1.bin", "57.bin", "71680.bin"]
