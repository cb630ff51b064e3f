# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registry values: every type from options, what is the same, what is shown, literal errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.values import Value, from_option


@pytest.mark.parametrize(
    "kind, data, number, raw",
    [
        ("string", "é😀", 1, b"\xe9\x00\x3d\xd8\x00\xde\0\0"),
        ("string", None, 1, b"\0\0"),
        ("string", 5222, 1, "5222\0".encode("utf-16-le")),
        ("expandstring", "%A%", 2, "%A%\0".encode("utf-16-le")),
        ("multistring", ["a", "b"], 7, "a\0b\0\0".encode("utf-16-le")),
        ("multistring", "one", 7, "one\0\0".encode("utf-16-le")),
        ("multistring", [], 7, b"\0\0\0\0"),
        ("dword", 5222, 4, b"\x66\x14\0\0"),
        ("dword", "0xffffffff", 4, b"\xff\xff\xff\xff"),
        ("dword_big_endian", 1, 5, b"\0\0\0\1"),
        ("qword", "18446744073709551615", 11, b"\xff" * 8),
        ("binary", "hex:de,ad,BE,ef", 3, b"\xde\xad\xbe\xef"),
        ("binary", [0, 255], 3, b"\x00\xff"),
        ("none", None, 0, b""),
        ("link", "\\Registry\\X", 6, "\\Registry\\X\0".encode("utf-16-le")),
        ("resource_list", "00", 8, b"\0"),
        ("full_resource_descriptor", "01", 9, b"\1"),
        ("resource_requirements_list", "02", 10, b"\2"),
    ],
)
def test_every_type(kind, data, number, raw):
    assert from_option(kind, data, "here") == Value(number, raw)


@pytest.mark.parametrize(
    "kind, data, text",
    [
        ("dword", 1 << 32, "There is a number that does not fit into dword (here). Type and data do not belong together. "
         "dword goes from 0 to 0xffffffff; minus one is 0xffffffff."),
        ("dword", -1, "a number that does not fit"),
        ("dword", True, "data that is no whole number for dword (here)"),
        ("qword", "five", "data that is no whole number"),
        ("string", True, "data that is no text for string (here)"),
        ("string", 1.5, "Put it into quotation marks"),
        ("string", ["a"], "a list is a multistring"),
        ("string", "a\0b", "a NUL in data of string"),
        ("multistring", ["a", ""], "an empty text in a multistring"),
        ("binary", "xyz", "data that is not hexadecimal"),
        ("binary", [256], "data that is not hexadecimal"),
        ("binary", "00" * 1_048_577, "data of 1048577 bytes"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_without_the_data(kind, data, text):
    with pytest.raises(SettingsError) as caught:
        from_option(kind, data, "here")
    assert text in str(caught.value)
    assert "xyz" not in str(caught.value)


def test_a_text_with_or_without_its_end_is_the_same_and_another_type_is_not():
    assert Value(1, b"a\0").same_as(Value(1, b"a\0\0\0"))
    assert not Value(1, b"a\0\0\0").same_as(Value(2, b"a\0\0\0"))
    assert not Value(1, b"a\0\0\0").same_as(Value(1, b"A\0\0\0"))
    assert not Value(1, b"").same_as(None)
    assert Value(7, "a\0\0".encode("utf-16-le")).same_as(Value(7, "a\0\0\0".encode("utf-16-le")))


def test_shown_in_one_line():
    assert values.shown(from_option("string", 'a"\n\x7f\\', "")) == 'string:"a\\"\\n\\u007f\\\\"'
    assert values.shown(from_option("multistring", ["a", "b"], "")) == 'multistring:["a", "b"]'
    assert values.shown(from_option("dword", 5222, "")) == "dword:5222"
    assert values.shown(Value(4, b"\1")) == "dword:01"
    assert values.shown(Value(0x1234, b"\1")) == "type 0x1234:01"


def test_no_representation_holds_data():
    assert "secret" not in repr(from_option("string", "secret", ""))
    assert "73" not in repr(Value(1, b"\x73"))


@given(st.text(st.characters(exclude_characters="\0")))
def test_a_text_means_itself(data):
    assert values.meaning(from_option("string", data, "")) == data


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1)))
def test_a_list_means_itself(data):
    assert values.meaning(from_option("multistring", data, "")) == tuple(data)
