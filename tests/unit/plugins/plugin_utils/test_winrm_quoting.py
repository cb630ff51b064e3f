# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reaches a program through cmd.exe /c: against a model of cmd's phases and of the C runtime's splitting."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import CommandTooLong, Unspeakable
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import (
    LINE_LIMIT,
    argument,
    line,
    path,
    units,
)

VARIABLES = {"PATH": "C:\\Windows", "A": "aaa", "TEMP": "C:\\T", "": "nothing"}


def percents(text: str) -> str:
    """Phase 1 in command-line mode: a variable that exists is replaced, everything else stays."""
    result, position = "", 0
    while position < len(text):
        end = text.find("%", position + 1)
        if text[position] == "%" and end > 0 and text[position + 1 : end].split(":")[0] in VARIABLES:
            result += VARIABLES[text[position + 1 : end].split(":")[0]]
            position = end + 1
        else:
            result += text[position]
            position += 1
    return result


def carets(text: str) -> str:
    """Phase 2: outside of quotation marks ^ takes the meaning away; an operator there would end the command."""
    result, quoted, position = "", False, 0
    while position < len(text):
        character = text[position]
        if character == "^" and not quoted:
            position += 1
            result += text[position]
        else:
            quoted ^= character == '"'
            assert quoted or character not in "&|<>()", f"cmd.exe would see {character}"
            result += character
        position += 1
    return result


def arguments(text: str) -> list[str]:
    """Microsoft's C runtime since 2008: backslashes count in front of a quotation mark, two marks within are one."""
    result: list[str] = []
    current, quoted, position = None, False, 0
    while position < len(text):
        if text[position] in " \t" and not quoted:
            if current is not None:
                result.append(current)
            current = None
            position += 1
            continue
        current = current or ""
        slashes = len(text[position:]) - len(text[position:].lstrip("\\"))
        position += slashes
        if position < len(text) and text[position] == '"':
            current += "\\" * (slashes // 2)
            if slashes % 2:
                current += '"'
            elif quoted and text[position + 1 : position + 2] == '"':
                current += '"'
                position += 1
            else:
                quoted = not quoted
            position += 1
        elif slashes:
            current += "\\" * slashes
        else:
            current += text[position]
            position += 1
    assert not quoted
    return result if current is None else [*result, current]


def arrives(text: str) -> list[str]:
    return arguments(carets(percents(text)))


SPEAKABLE = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("%^&|<>()!\"'\\ \tPATHA:=,;*?[]{}~`")),
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"),
    ),
    max_size=40,
)


@given(SPEAKABLE)
def test_an_argument_arrives_as_it_is(text):
    assert arrives(argument(text)) == [text]


@given(SPEAKABLE, SPEAKABLE)
@example("%:", "%")
@example("%PATH:", "=gone%")
@example('"%PATH:', "=gone%")
def test_two_arguments_do_not_touch_each_other(one, two):
    assert arrives(f"{argument(one)} {argument(two)}") == [one, two]


@given(SPEAKABLE.filter(lambda text: '"' not in text))
def test_without_a_quotation_mark_it_may_be_read_twice(text):
    """As cmd.exe does with both sides of a pipe."""
    assert arguments(carets(percents(carets(percents(argument(text)))))) == [text]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ("two words", '"two words"'),
        ("C:\\dir\\", '"C:\\dir\\\\"'),
        ("100%", '"100%"'),
        ("100%:", '"100"%":"'),
        ("a:100%", '"a:100%"'),
        ("%PATH%", '""%"PATH"%""'),
        ("a\\%b", '"a\\%b"'),
        ("a\\%b%", '"a\\\\"%"b"%""'),
        ("wow! & ^ | <>", '"wow! & ^ | <>"'),
        ('say "hi"', '^"say \\^"hi\\^"^"'),
        ('a"&b', '^"a\\^"^&b^"'),
        ('"%A:', '^"\\^"^%A^:^"'),
        ("Иван Петров 😀", '"Иван Петров 😀"'),
    ],
)
def test_how_arguments_are_written(text, written):
    assert argument(text) == written


@pytest.mark.parametrize(
    "text", ["C:\\Program Files\\a.exe", "C:\\50% off\\x", "C:\\Users\\Иван & Мария\\^!😀.txt", "\\\\srv\\share$\\a"]
)
def test_paths(text):
    assert path(text) == argument(text)
    assert arrives(path(text)) == [text]


@pytest.mark.parametrize("bad", ['C:\\a"b', "C:\\a|b", "C:\\*", "C:\\a?", "C:\\<", "C:\\a\tb"])
def test_what_no_path_can_have(bad):
    with pytest.raises(Unspeakable, match="is not a path of Windows"):
        path(bad)


def test_the_text_says_what_to_do_about_a_path():
    with pytest.raises(Unspeakable) as caught:
        path('"C:\\a"')
    assert str(caught.value) == (
        '\'"C:\\\\a"\' is not a path of Windows (controller). No file name can have ". '
        "Give the path without it and without quotation marks around it."
    )


@pytest.mark.parametrize("bad", ["a\nb", "a\r", "\0", "\x1b[0m", "\ud800", "\uffff"])
@pytest.mark.parametrize("function", [argument, path, line])
def test_what_no_command_line_can_carry(function, bad):
    with pytest.raises(Unspeakable, match=r"has the character U\+"):
        function(bad)


def test_a_line_never_begins_with_a_quotation_mark():
    assert line('"C:\\Program Files\\a.exe" "b c"') == '@"C:\\Program Files\\a.exe" "b c"'
    assert line('  "C:\\a b.exe"') == '@"C:\\a b.exe"'
    assert line('reg query "HKLM\\a b"') == 'reg query "HKLM\\a b"'


def test_length_is_counted_in_utf16():
    assert (units("a"), units("Ж"), units("😀")) == (1, 1, 2)
    assert line("😀" * (LINE_LIMIT // 2))
    with pytest.raises(CommandTooLong):
        line("😀" * (LINE_LIMIT // 2 + 1))
