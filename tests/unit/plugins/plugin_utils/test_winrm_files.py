# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files in and out: what is sent, in both ways; what each exit code means."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm import files
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    FileRefused,
    Lost,
    MissingFile,
    Unspeakable,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.winrm_desk import Desk

PATH = "C:\\ProgramData\\Чат 50%\\a.reg"
CONTENT = b"Windows Registry Editor\r\n\x00\xff"
NO, YES = Answer(1), Answer(0)
ANY = re.compile("")


LARGE = bytes(range(256)) * 200
ONE, TWO = "C:\\Windows\\Temp\\1.reg", "C:\\Windows\\Temp\\2.reg"


def desk(*writes, same=NO, tar=NO):
    """A host where the file is, or is not yet; with or without tar.exe; and what the writing commands give."""
    return Desk({re.compile("^certutil|^.for"): same, "where /q tar.exe": tar, ANY: list(writes) or [YES]})


def write(host, content=CONTENT, path=PATH, ways=None):
    files.write_file(host, path, content, ways or files.all_ways(), deadline=60, where="win1")


def write_two(host, ways=None, contents=None):
    contents = contents or {ONE: b"1" * 600, TWO: b"22"}
    files.write_files(host, contents, ways or files.all_ways(), deadline=60, where="win1")


def read(host, limit=1000):
    return files.read_file(host, PATH, limit=limit, deadline=60, where="win1")


@pytest.fixture
def foretold(monkeypatch):
    """Attempts whose names are known."""
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "0a" * count)


def test_a_large_file_that_is_right_is_not_sent():
    host = desk(same=YES)
    write(host, LARGE)
    assert host.batches == [["same", "tar"]]
    assert host.inputs == []


def test_a_small_file_that_is_right_is_left_alone_by_the_line_that_brings_it():
    host = desk()
    write(host)
    assert host.batches == []
    assert len(host.commands) == 1
    assert host.commands[0].startswith(f"({files.same(PATH, CONTENT)}&&exit 0)&(where /q tar.exe||exit 4209)&set ")


def test_no_program_is_taken_from_a_folder_into_which_users_may_write():
    host = desk()
    write(host)
    forbidden, entered = (
        host.commands[0].index(text) for text in ('set "NoDefaultCurrentDirectoryInExePath=1"', "(cd /d")
    )
    assert forbidden < entered


def test_that_a_host_has_no_tar_is_found_once():
    host = desk(Answer(files.NO_TAR), YES)
    ways = files.all_ways()
    write(host, ways=ways)
    write(host, ways=ways)
    assert ["tar -xf" in command for command in host.commands] == [True, False, False]
    assert "where /q tar" not in host.commands[1]


def test_two_small_files_of_one_folder_travel_together(foretold):
    host = desk()
    write_two(host)
    names = [files.part_name(ONE, b"1" * 600), files.part_name(TWO, b"22")]
    assert host.batches == []
    old = [f"{name[:18]}-*" for name in names]
    assert host.commands == [
        "(where /q tar.exe||exit 4209)"
        '&set "NoDefaultCurrentDirectoryInExePath=1"'
        '&(if not exist "C:\\Windows\\Temp\\\\" mkdir "C:\\Windows\\Temp")&(cd /d "C:\\Windows\\Temp\\\\"||exit 4201)'
        f"&del /q {old[0]} {old[1]} 2>nul&(tar -xf -||(del /q {names[0]} {names[1]}&exit 4202))"
        f"&({files.same(names[0], b'1' * 600)}||(del /q {names[0]} {names[1]}&exit 4203))"
        f'&(move /y {names[0]} "1.reg">nul||(del /q {names[0]} {names[1]}&exit 4204))'
        f"&({files.same(names[1], b'22')}||(del /q {names[0]} {names[1]}&exit 4203))"
        f'&(move /y {names[1]} "2.reg">nul||(del /q {names[0]} {names[1]}&exit 4204))'
        "&exit 0"
    ]
    data = base64.b64decode(b"".join(host.inputs[0].splitlines()[1:-1]))
    assert len(data) == 2 * 512 + 1024 + 512 + 1024
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
    assert found == {names[0]: b"1" * 600, names[1]: b"22"}


@pytest.mark.parametrize("trouble", [Answer(files.NO_TAR), Answer(files.WRONG_DIGEST), Lost("a", "b", "c", "d")])
def test_where_files_do_not_travel_together_they_go_one_by_one(trouble):
    answers = iter([trouble])

    def react(_command):
        answer = next(answers, YES)
        if isinstance(answer, Exception):
            raise answer
        return answer

    host = Desk({ANY: react})
    write_two(host)
    assert ["1.reg" in command for command in host.commands] == [True, True, False]
    assert ["2.reg" in command for command in host.commands] == [True, False, True]


def test_a_host_without_tar_is_not_asked_for_it_by_each_file():
    host, ways = desk(Answer(files.NO_TAR), YES, YES), files.all_ways()
    write_two(host, ways)
    assert [command.partition("||")[0] for command in host.commands if "where /q" in command] == ["(where /q tar.exe"]
    assert len(host.commands) == 3 and ways == [files._decode]


def test_files_of_two_folders_and_large_ones_go_alone():
    host = desk(tar=YES)
    write_two(host, contents={ONE: b"1", "C:\\x\\2.reg": b"2", "C:\\x\\large": LARGE})
    assert len(host.inputs) == 3
    assert ['"1.reg">nul' in host.commands[0], '"2.reg">nul' in host.commands[1]] == [True, True]
    assert host.batches == [["same", "tar"]]


def test_an_error_of_one_of_several_names_it():
    with pytest.raises(FileRefused, match=r"2\.reg was not written: its folder"):
        write_two(Desk({re.compile("2.reg"): Answer(files.NO_FOLDER), ANY: YES}))


def test_content_is_compared_by_its_digest_in_both_spellings():
    digest = hashlib.sha256(CONTENT).hexdigest()
    spaced = " ".join(digest[i : i + 2] for i in range(0, 64, 2))
    assert files.same("C:\\a b", CONTENT) == (
        f'certutil -hashfile "C:\\a b" SHA256|findstr /i /c:"{digest}" /c:"{spaced}">nul'
    )


def test_the_line_by_certutil(foretold):
    host = desk()
    write(host, ways=[files._decode])
    part = files.part_name(PATH, CONTENT)
    digest = files.same(part, CONTENT)
    assert host.commands[-1] == (
        f"({files.same(PATH, CONTENT)}&&exit 0)"
        '&set "NoDefaultCurrentDirectoryInExePath=1"'
        '&(if not exist "C:\\ProgramData\\Чат 50%\\\\" mkdir "C:\\ProgramData\\Чат 50%")'
        '&(cd /d "C:\\ProgramData\\Чат 50%\\\\"||exit 4201)'
        f"&del /q {part[:18]}-* 2>nul"
        f'&((findstr /r "^">{part}.b64&&certutil -f -decode {part}.b64 {part}>nul&&del /q {part}.b64)'
        f"||(del /q {part}&exit 4202))"
        f"&({digest}||(del /q {part}&exit 4203))"
        f'&(move /y {part} "a.reg">nul||(del /q {part}&exit 4204))'
        "&exit 0"
    )
    assert base64.b64decode(host.inputs[-1]) == CONTENT
    assert max(len(one) for one in host.inputs[-1].split(b"\r\n")) <= 76


def test_the_input_of_tar_is_ascii_and_holds_the_file(foretold):
    host = desk()
    write(host)
    assert "(tar -xf -||" in host.commands[-1]
    assert "certutil -f -decode" not in host.commands[-1]
    assert unpacked(host.inputs[-1]) == (files.part_name(PATH, CONTENT), CONTENT)


def unpacked(text):
    head, *lines, tail = text.decode("ascii").split("\n")[:-1]
    assert (head, tail) == ("begin-base64 644 -", "====")
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode("".join(lines)))) as archive:
        (member,) = archive.getmembers()
        return member.name, archive.extractfile(member).read()


@given(st.binary(max_size=3000))
def test_every_content_survives_both_ways(content):
    part = files.part_name(PATH, content)
    assert unpacked(files._unpack_tar({part: content})[1]) == (part, content)
    assert base64.b64decode(files._decode({part: content})[1]) == content


@pytest.mark.parametrize("ways", [files.all_ways, lambda: [files._decode]], ids=["tar", "certutil"])
def test_a_package_is_held_in_memory_about_once(ways):
    """Twenty forks, each with a package of 60 MiB, are what a controller has to hold where port 445 is closed."""
    package = bytes(range(256)) * (4 << 12)
    host = desk(tar=YES)
    tracemalloc.start()
    try:
        write(host, package, ways=ways())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # what is sent is a third more than the package
    assert peak < 2 * len(package) < 2 * len(host.inputs[-1])


def test_every_attempt_has_a_name_of_its_own_and_forgets_those_before_it():
    """The shell of a killed controller keeps what it was unpacking open for a quarter of an hour."""
    first, second = files.part_name(PATH, b"a"), files.part_name(PATH.upper(), b"a")
    assert first != second and first[:19] == second[:19] != files.part_name(PATH, b"b")[:19]
    assert re.fullmatch(r"~onprem-[0-9a-f]{10}-[0-9a-f]{6}\.tmp", first)
    host = desk(Answer(files.NOT_UNPACKED), YES, tar=YES)
    write(host)
    parts = [re.search(r"certutil -hashfile (~onprem-\S+)", command)[1] for command in host.commands[-2:]]
    assert parts[0] != parts[1]
    pattern = f"{files.part_name(PATH, CONTENT)[:18]}-*"
    assert all(f"&del /q {pattern} 2>nul&(" in command for command in host.commands[-2:])


@pytest.mark.parametrize("trouble", [files.NOT_UNPACKED, files.WRONG_DIGEST])
def test_where_tar_does_not_do_it_certutil_does(trouble):
    host = desk(Answer(trouble), YES, tar=YES)
    write(host)
    assert ["tar -xf" in command for command in host.commands[-2:]] == [True, False]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (files.NO_FOLDER, "its folder cannot be made or entered"),
        (files.NOT_UNPACKED, "its content could not be written"),
        (files.WRONG_DIGEST, "what arrived is not what was sent"),
        (files.NOT_RENAMED, "it could not get its name"),
        (5, "the host gave a code of its own"),
    ],
)
def test_each_stage_that_fails_is_named(code, text):
    with pytest.raises(FileRefused) as caught:
        write(desk(Answer(code, b"", "Отказано в доступе.".encode())))
    assert text in str(caught.value)
    assert caught.value.details == {"exit_code": code, "stderr": "Отказано в доступе."}


def test_text_of_a_file_in_use():
    with pytest.raises(FileRefused) as caught:
        write(desk(Answer(files.NOT_RENAMED)), path="C:\\x\\a.reg")
    assert str(caught.value) == (
        "C:\\x\\a.reg was not written: it could not get its name (win1). A file of this name is in use or read-only. Look at "
        "the host: free space, rights of the account on C:\\x, quarantine of the virus scanner."
    )


def test_a_lost_connection_begins_again():
    answers = iter([Lost("a", "b", "c", "d"), YES])

    def react(_command):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    host = Desk({re.compile("^certutil"): NO, "where /q tar.exe": NO, ANY: react})
    write(host)
    assert len(host.inputs) == 2


def test_a_connection_that_is_always_lost_is_said():
    host = desk()
    host.rule(re.compile("if not exist"), Lost("what", "b", "c", "d"))
    with pytest.raises(Lost, match="what"):
        write(host)
    assert len(host.inputs) == files.ATTEMPTS


@pytest.mark.parametrize("bad", ["a.reg", "C:a.reg", "C:/x/a.reg", "\\\\srv\\c$\\a", "C:\\x\\", "C:\\x\\a.txt:stream"])
def test_only_whole_paths_of_a_drive(bad):
    with pytest.raises(Unspeakable):
        write(desk(), path=bad)


def test_a_file_right_below_the_drive():
    host = desk()
    write(host, path="C:\\a.reg")
    assert '(cd /d "C:\\\\"||exit 4201)' in host.commands[-1]


def test_an_empty_file_needs_no_certutil():
    host = desk()
    write(host, b"", ways=[files._decode])
    assert "certutil" not in host.commands[-1]
    assert "(type nul>" in host.commands[-1]


@pytest.mark.parametrize("printed", ["", "Active code page: 65001\r\n"], ids=["nothing", "by-autorun"])
def test_reading_by_certutil(printed):
    text = f"-----BEGIN CERTIFICATE-----\r\n{base64.b64encode(CONTENT).decode()}\r\n-----END CERTIFICATE-----\r\n"
    text = printed + text
    host = desk(Answer(0, text.encode()))
    assert read(host) == CONTENT
    assert 'copy /b /y "C:\\ProgramData\\Чат 50%\\\\a.reg"' not in host.commands[-1]
    assert 'copy /b /y "C:\\ProgramData\\Чат 50%\\a.reg" ' in host.commands[-1]


@pytest.mark.parametrize("printed", [b"", b"Active code page: 65001\r\n"], ids=["nothing", "by-autorun"])
def test_reading_by_tar(printed):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("x")
        entry.size = len(CONTENT)
        tar.addfile(entry, io.BytesIO(CONTENT))
    text = printed + b"begin-base64 644 -\n" + base64.encodebytes(archive.getvalue()) + b"====\n"
    host = desk(Answer(0, text), tar=YES)
    assert read(host) == CONTENT
    assert "tar --b64encode -cf - ~onprem-" in host.commands[-1]


def test_reading_what_is_not_there():
    with pytest.raises(MissingFile, match="is not there"):
        read(desk(Answer(files.NOT_THERE)))


def test_reading_an_empty_file():
    assert read(desk(Answer(files.EMPTY))) == b""


def test_reading_what_is_too_large():
    host = desk(Answer(files.TOO_LARGE))
    with pytest.raises(FileRefused, match="is larger than 7 bytes"):
        read(host, limit=7)
    assert "if %~zA gtr 7 (exit 4206)" in host.commands[-1]


def test_half_an_answer_is_asked_for_again():
    text = b"-----BEGIN CERTIFICATE-----\r\n" + base64.b64encode(CONTENT) + b"\r\n-----END CERTIFICATE-----\r\n"
    host = desk(Answer(0, text[:35], complete=False), Answer(0, text))
    assert read(host) == CONTENT


def test_garbage_is_no_file():
    with pytest.raises(FileRefused, match="arrived garbled"):
        read(desk(Answer(0, b"Not base64!\r\n")))


def test_nobody_can_foretell_the_name_of_a_copy_that_is_read():
    names = set()
    for _time in range(2):
        host = desk(Answer(files.EMPTY))
        read(host)
        names |= set(re.findall(r"~onprem-[0-9a-f]{24}\.tmp(?!\.)", host.commands[-1]))
        assert '(cd /d "%TEMP%"||exit 4207)' in host.commands[-1]
    assert len(names) == 2
