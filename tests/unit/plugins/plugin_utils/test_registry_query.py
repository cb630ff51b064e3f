# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reg query prints: read where it can mean one thing, a doubt everywhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import query, values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.values import Value

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\X"


def listing(*lines, subkeys=()):
    return query.read("\r\n".join(["", KEY, *[f"    {line}" for line in lines], "", *subkeys, ""]))


@pytest.mark.parametrize(
    "line, value",
    [
        ("Name    REG_SZ    a  b ", values.text(1, "a  b ")),
        ("Name    REG_SZ    ", values.text(1, "")),
        ("Name    REG_EXPAND_SZ    %A%", values.text(2, "%A%")),
        ("Name    REG_DWORD    0x1466", values.integer(4, 0x1466)),
        ("Name    REG_QWORD    0xffffffffffffffff", values.integer(11, 2**64 - 1)),
        ("Name    REG_BINARY    DEADbeef", Value(3, b"\xde\xad\xbe\xef")),
        ("Name    REG_NONE    ", Value(0, b"")),
        ("Name    REG_MULTI_SZ    one", values.multi(["one"])),
        (f"Name    REG_MULTI_SZ    one{query.SEPARATOR}two", values.multi(["one", "two"])),
    ],
)
def test_every_type(line, value):
    assert query.value(listing(line).one("NAME")) == value


@pytest.mark.parametrize(
    "line",
    [
        "Name    REG_MULTI_SZ    a\\0b",
        "Name    REG_DWORD    ",
        "Name    REG_DWORD    0x100000000",
        "Name    REG_BINARY    ABC",
        "Name    REG_SZ    \ufffd",
        "Name    REG_LINK    x",
        "Name    REG_OTHER    x",
    ],
)
def test_data_in_doubt(line):
    with pytest.raises(query.DoubtError):
        query.value(listing(line).one("Name"))


def test_a_value_that_is_not_there():
    assert listing("Name    REG_SZ    x").one("Other") is None
    assert query.read("").one("Other") is None


@pytest.mark.parametrize(
    "lines",
    [
        ("Name    REG_SZ    a", "NAME    REG_SZ    b"),
        ("Other    REG_SZ    a    REG_SZ    b", "Name    REG_SZ    x"),
        ("Other    REG_SZ    a\r\nsecond line", "Name    REG_SZ    x"),
        ("Other    REG_SZ    a\r\n\r\n    Name    REG_SZ    x",),
        ("Other    REG_SZ    a\nb",),
    ],
)
def test_a_listing_in_doubt(lines):
    with pytest.raises(query.DoubtError):
        listing(*lines).one("Name")


def test_a_name_like_the_label_of_the_default_value_is_a_doubt():
    with pytest.raises(query.DoubtError):
        listing("(Default)    REG_SZ    a").one("(Default)")


@pytest.mark.parametrize("label", ["(Default)", "(По умолчанию)", "(Standard)", "(既定)"])
def test_the_default_value_in_any_language(label):
    asked = listing(f"{label}    REG_SZ    text")
    assert listing("a    REG_SZ    b", f"{label}    REG_SZ    text").default(asked).data == "text"
    # without a default value /ve has a line too
    assert listing("a    REG_SZ    b").default(asked) is None
    assert listing(f"{label}    REG_SZ    text").default(None) is None


@pytest.mark.parametrize(
    "lines",
    [("(Default)    REG_SZ    other",), ("(Default)    REG_SZ    text", "(default)    REG_SZ    text")],
)
def test_a_default_value_in_doubt(lines):
    with pytest.raises(query.DoubtError):
        listing(*lines).default(listing("(Default)    REG_SZ    text"))


def test_keys_below():
    found = listing("a    REG_SZ    b", subkeys=[f"{KEY}\\One", f"{KEY}\\Two"])
    assert found.subkeys == [KEY, f"{KEY}\\One", f"{KEY}\\Two"]
    assert found.tidy


NAMES = st.text(st.characters(min_codepoint=33, exclude_characters="()", exclude_categories=["Cs"]), min_size=1)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.dictionaries(NAMES, TEXTS), st.data())
def test_never_believed_wrongly(entries, data):
    """Whatever is in a key: what is read is what is there, or a doubt."""
    lines = [f"{name}    REG_SZ    {value}" for name, value in entries.items()]
    name = data.draw(st.sampled_from([*entries, "absent"]))
    try:
        found = listing(*lines).one(name)
        read = query.value(found) if found else None
    except query.DoubtError:
        return
    same = [value for other, value in entries.items() if other.upper() == name.upper()]
    if name in entries and len(same) == 1 and "\r" not in entries[name] and "\n" not in entries[name]:
        assert read == values.text(1, entries[name])
    elif name not in entries and not same:
        assert read is None
