# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

""".reg files: everything that vendors write, everything that reg.exe writes, and back again."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.reg_file import Instruction, parse
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.reg_writer import render
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.values import Value

HEAD = "Windows Registry Editor Version 5.00\r\n\r\n"
KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor"
NAMES = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), max_size=40)
DATA = st.one_of(
    st.text(st.characters(exclude_characters="\0"), max_size=3000).map(lambda text: values.text(values.STRING, text)),
    st.text(st.characters(exclude_characters="\0")).map(lambda text: values.text(values.EXPANDSTRING, text)),
    st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)).map(values.multi),
    st.integers(0, 2**32 - 1).map(lambda number: values.integer(values.DWORD, number)),
    st.integers(0, 2**64 - 1).map(lambda number: values.integer(values.QWORD, number)),
    st.builds(Value, st.integers(0, 2**32 - 1), st.binary(max_size=300)),
)


def read(text, **more):
    return parse((HEAD + text).encode("utf-16"), **more)


def pairs(text, **more):
    return [(one.name, one.value) for one in read(f"[{KEY}]\r\n{text}", **more)[1:]]


@given(st.lists(st.tuples(NAMES, DATA), max_size=8))
def test_round_trip_of_any_name_and_data(entries):
    wanted = [Instruction(KEY), *[Instruction(KEY, name, value) for name, value in entries]]
    found = parse(render(wanted))
    assert [(one.key, one.name, one.value) for one in found] == [(one.key, one.name, one.value) for one in wanted]


@pytest.mark.parametrize(
    "text", ['"', "%PATH%", "!x!", "^&|<>", "a\r\nb", "\n", "😀" * 2000, "\\", 'a\\"', "\ud800", "=", "]"]
)
def test_round_trip_of_the_awkward(text):
    value = values.text(values.STRING, text)
    assert parse(render([Instruction(KEY, "n", value)]))[1].value == value


def test_a_vendors_file():
    text = (
        "; comment\r\n"
        f"[{KEY}] ; of the vendor\r\n"
        '@="default"\r\n'
        '"Server"="chat.corp.test" ; a comment\r\n'
        '  "Path"="C:\\\\Program Files\\\\Chat \\"1\\""\r\n'
        '"Port"=dword:1466\r\n'
        '"Multi"=hex(7):61,00,00,00,\\\r\n'
        "  62,00,\\ ; a comment\r\n"
        "\r\n"
        "; and another\r\n"
        "  00,00,00,00\r\n"
        '"Old"=-\r\n'
        '"Q"=hex(b):01,00,00,00,00,00,00,00\r\n'
        '"Empty"=hex:\r\n'
        '"Odd"=hex(10002):0a\r\n'
        "[-HKEY_CURRENT_USER\\Software\\Old [1]]\r\n"
    )
    found = read(text)
    assert [(one.name, one.gone, one.line) for one in found] == [
        (None, False, 4), ("", False, 5), ("Server", False, 6), ("Path", False, 7), ("Port", False, 8),
        ("Multi", False, 9), ("Old", True, 14), ("Q", False, 15), ("Empty", False, 16), ("Odd", False, 17), (None, True, 18),
    ]  # fmt: skip
    assert values.meaning(found[3].value) == 'C:\\Program Files\\Chat "1"'
    assert values.meaning(found[4].value) == 0x1466
    assert values.meaning(found[5].value) == ("a", "b")
    assert found[8].value == Value(3, b"")
    assert found[9].value == Value(0x10002, b"\n")
    assert found[10].key == "HKEY_CURRENT_USER\\Software\\Old [1]"


def test_a_text_over_several_lines():
    assert pairs('"a"="one\r\ntwo"\r\n"b"="c"') == [
        ("a", values.text(1, "one\r\ntwo")),
        ("b", values.text(1, "c")),
    ]


def test_ansi_with_a_code_page():
    text = (
        f'REGEDIT4\r\n[{KEY}]\r\n"Имя"="Чат"\r\n"e"=hex(2):d7,e0,f2,00\r\n"m"=hex(7):e0,00,e1,00,00\r\n"b"=hex:d7\r\n'
    )
    found = parse(text.encode("cp1251"), "cp1251")[1:]
    assert [(one.name, values.meaning(one.value)) for one in found] == [
        ("Имя", "Чат"),
        ("e", "Чат"),
        ("m", ("а", "б")),
        ("b", b"\xd7"),
    ]


@pytest.mark.parametrize(
    "mark, encoding", [(codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"), (b"", "ascii")]
)
def test_other_encodings(mark, encoding):
    assert parse(mark + f'{HEAD}[{KEY}]\n"a"="b"\n'.encode(encoding))[1].value == values.text(1, "b")


def test_only_what_reg_exe_wrote_has_wines_line_breaks():
    assert pairs('"a\\nb"="c\\r\\nd"', exported=True) == [("a\nb", values.text(1, "c\r\nd"))]
    with pytest.raises(SettingsError, match="A backslash in quotation marks is not doubled"):
        pairs('"a"="C:\\new"')


@pytest.mark.parametrize(
    "text, problem",
    [
        ('"a"="b"', "A value stands before the first key (f.reg, line 3)"),
        ("[HKLM]", "A key in brackets does not begin with a hive and a name below it"),
        ("[Software\\X]", "A key in brackets does not begin with a hive"),
        ("[HKLM\\X", "A key in brackets does not begin with a hive"),
        ("[HKLM\\X] more", "A key in brackets does not begin with a hive"),
        ("[HKLM\\A\\\\B]", "has an empty part"),
        ('[-HKLM\\X]\r\n"a"="b"', "A value stands below a key that is deleted (f.reg, line 4)"),
        ("[HKLM\\X]\r\nServer=chat", "A line is neither a key, nor a value, nor a comment"),
        ('[HKLM\\X]\r\n"a"', "No = follows the name of a value"),
        ('[HKLM\\X]\r\n"a"="S3CRET" x', "Something follows the closing quotation mark"),
        ('[HKLM\\X]\r\n"a"="S3CRET', "A quotation mark is never closed"),
        ('[HKLM\\X]\r\n"a"=dword:123456789', 'The data of a value is none of "text", dword:'),
        ('[HKLM\\X]\r\n"a"=hex:S3CRET', "A list of hexadecimal bytes has something else in it"),
        ('[HKLM\\X]\r\n"a"=S3CRET', "The data of a value is none of"),
    ],
)
def test_what_reg_import_would_pass_over_is_an_error_without_the_data(text, problem):
    with pytest.raises(SettingsError) as caught:
        read(text, where="f.reg")
    assert problem in str(caught.value)
    assert "S3CRET" not in str(caught.value)


@pytest.mark.parametrize(
    "content, encoding, problem",
    [
        (b"MZ\x90", None, "is not Unicode and has letters beyond ASCII"),
        (b"MZ", None, "A file does not begin as a .reg file does"),
        (b"", None, "A file does not begin as a .reg file does"),
        (b"REGEDIT4\n\xff", "nonsense", "The encoding nonsense is not known"),
        (b"REGEDIT4\n\xff\xff", "utf-8", "A .reg file is not utf-8"),
    ],
)
def test_what_is_no_reg_file(content, encoding, problem):
    with pytest.raises(SettingsError) as caught:
        parse(content, encoding)
    assert problem in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content):
    for head in (b"", HEAD.encode("utf-16"), b"REGEDIT4\r\n[HKLM\\X]\r\n"):
        try:
            parse(head + content, "latin-1")
        except SettingsError:
            continue


def test_written_as_regedit_does():
    found = render(
        [
            Instruction(KEY, "a", values.text(1, "b")),
            Instruction(KEY, "", values.integer(values.DWORD, 10)),
            Instruction(KEY, "x", gone=True),
            Instruction("HKEY_USERS\\S\\X", gone=True),
            Instruction(KEY, "long", Value(3, bytes(50))),
        ]
    )
    assert found.startswith(codecs.BOM_UTF16_LE)
    assert found[2:].decode("utf-16-le") == (
        f'Windows Registry Editor Version 5.00\r\n\r\n[{KEY}]\r\n"a"="b"\r\n@=dword:0000000a\r\n"x"=-\r\n\r\n'
        f'[-HKEY_USERS\\S\\X]\r\n\r\n[{KEY}]\r\n"long"=hex:{"00," * 20}\\\r\n  {"00," * 25}\\\r\n  00,00,00,00,00\r\n\r\n'
    )
