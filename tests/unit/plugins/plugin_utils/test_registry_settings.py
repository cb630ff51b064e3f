# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and .reg files: where they are for, what they come to in the end, what is refused."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import settings, values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import SettingsError

HEAD = "Windows Registry Editor Version 5.00\n\n"


def wished(*items, kind="machine", **files):
    found = settings.from_options(items, lambda path: (HEAD + files[path]).encode())
    return {
        wish.key: {one.name: values.meaning(one.value) if one.value else None for one in wish.values.values()}
        for wish in found.wishes(kind)
    }


@pytest.mark.parametrize(
    "key",
    [
        "HKLM\\SOFTWARE\\X",
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\X",
        "HKLM:\\SOFTWARE\\X\\",
        "hklm\\SOFTWARE\\X",
        "SOFTWARE\\X",
    ],
)
def test_a_key_of_the_machine(key):
    assert wished({"key": key, "name": "a", "data": "b"}) == {"HKEY_LOCAL_MACHINE\\SOFTWARE\\X": {"a": "b"}}


def test_classes_are_those_of_the_machine():
    assert wished({"key": "HKCR\\xmpp", "name": "", "data": "URL"}) == {
        "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\xmpp": {"": "URL"}
    }


@pytest.mark.parametrize(
    "scope, kinds",
    [
        (["users"], {"loaded", "profile"}),
        (["loaded_users"], {"loaded"}),
        (["default_profile"], {"default"}),
        (["users", "default_profile"], {"loaded", "profile", "default"}),
        (["machine", "users"], {"machine", "loaded", "profile"}),
        (["machine"], {"machine"}),
        ([], {"machine"}),
    ],
)
def test_scopes(scope, kinds):
    found = settings.from_options([{"key": "Software\\X", "name": "a", "data": "b", "scope": scope}])
    assert {kind for kind in settings.KINDS if found.wishes(kind)} == kinds
    assert found.of_users is bool(kinds - {"machine"})


def test_later_wins_and_case_does_not_matter():
    assert wished(
        {"key": "HKLM\\SOFTWARE\\X", "name": "Port", "type": "dword", "data": 1},
        {"key": "HKLM\\Software\\x", "name": "port", "type": "dword", "data": 2},
    ) == {"HKEY_LOCAL_MACHINE\\SOFTWARE\\X": {"port": 2}}


def test_views_are_apart():
    items = [{"key": "HKLM\\SOFTWARE\\X", "name": "a", "data": view, "view": view} for view in ("64", "32")]
    assert [wish.view for wish in settings.from_options(items).wishes("machine")] == ["64", "32"]


def test_a_reg_file_for_machine_and_users():
    text = '[HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\n"a"="1"\n[HKEY_CURRENT_USER\\Software\\X]\n"b"=-\n"c"="2"\n'
    item = {"reg_file": "f", "scope": ["users"]}
    assert wished(item, f=text) == {"HKEY_LOCAL_MACHINE\\SOFTWARE\\X": {"a": "1"}}
    assert wished(item, f=text, kind="profile") == {"Software\\X": {"b": None, "c": "2"}}


def test_a_key_that_is_emptied_and_filled_is_exact():
    text = '[-HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Sub]\n"a"="1"\n"b"=-\n[-HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Other]'
    found = settings.from_options([{"reg_file": "f"}], lambda path: (HEAD + text).encode()).wishes("machine")
    assert [(wish.key, wish.gone, wish.exact, wish.inside) for wish in found] == [
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\X", False, True, False),
        ("HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Sub", False, False, True),
    ]


def test_a_removed_key_forgets_what_was_below():
    text = '[HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Sub]\n"a"="1"\n[-HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\n'
    found = settings.from_options([{"reg_file": "f"}], lambda path: (HEAD + text).encode()).wishes("machine")
    assert [(wish.key, wish.gone, wish.exact) for wish in found] == [("HKEY_LOCAL_MACHINE\\SOFTWARE\\X", True, False)]


@pytest.mark.parametrize(
    "item, problem",
    [
        ({}, "An item needs exactly one of key and reg_file (settings[0])"),
        ({"key": "HKLM\\S\\X", "reg_file": "f"}, "An item needs exactly one of key and reg_file"),
        ({"key": "HKLM"}, "A key has no name (settings[0])"),
        ({"key": "HKLM\\A\\\\B"}, "Backslashes are doubled only inside double quotation marks in YAML"),
        ({"key": "HKLM\\A\nB"}, "has a control character"),
        ({"key": "HKLM\\" + "x" * 256}, "has a part of 256 characters"),
        ({"key": "HKLM\\S\\X", "data": "x"}, "An item has data and no name"),
        ({"key": "HKLM\\S\\X", "name": "a\nb"}, "has a control character"),
        ({"key": "HKLM\\S\\X", "name": "x" * 16384}, "A name of 16384 characters"),
        ({"key": "HKCU\\Software\\X", "name": "a"}, "An item has a key in HKEY_CURRENT_USER and no users"),
        ({"key": "HKLM\\SOFTWARE\\X", "name": "a", "scope": ["users"]}, "An item has a key in HKEY_LOCAL_MACHINE and is for users"),
        ({"key": "Software\\Classes\\x", "name": "a", "scope": ["users"]}, "use loaded_users, or HKLM\\SOFTWARE\\Classes"),
        ({"key": "HKLM\\SOFTWARE", "state": "absent"}, "The key SOFTWARE is not removed (settings[0])"),
        ({"key": "HKLM\\software\\microsoft\\windows", "state": "absent"}, "is not removed"),
        ({"key": "HKU\\.DEFAULT\\Software", "state": "absent"}, "is not removed"),
        ({"key": "HKCR\\clsid", "state": "absent"}, "is not removed"),
        ({"key": "HKCU\\Software", "state": "absent", "scope": ["users"]}, "is not removed"),
        ({"reg_file": "f", "name": "x"}, "An item has name beside reg_file"),
        ({"reg_file": "f", "state": "absent"}, "An item has state absent beside reg_file"),
        ({"reg_file": "f"}, "The key SOFTWARE is not removed (f, line 3)"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(item, problem):
    with pytest.raises(SettingsError) as caught:
        wished(item, f="[-HKLM\\SOFTWARE]")
    assert problem in str(caught.value)


@pytest.mark.parametrize("key", ["HKCR\\xmpp", "HKU\\.DEFAULT\\Software\\X", "HKLM\\SOFTWARE\\X", "SOFTWARE\\X"])
def test_what_may_be_removed(key):
    (wish,) = settings.from_options([{"key": key, "state": "absent"}]).wishes("machine")
    assert wish.gone


def removed(*items, kind="machine", **files):
    """What is left to wish when the settings are taken away: values by key, None for a key that is removed."""
    found = settings.undone(settings.from_options(items, lambda path: (HEAD + files[path]).encode()))
    return {
        wish.key: None if wish.gone else {one.name: one.value for one in wish.values.values()}
        for wish in found.wishes(kind)
    }


X = "HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Y"


@pytest.mark.parametrize(
    ("items", "left"),
    [
        ([{"key": X, "name": "a", "data": "b"}, {"key": X, "name": "c", "data": "d"}], {X: {"a": None, "c": None}}),
        ([{"key": X}], {}),
        ([{"key": X, "name": "a", "state": "absent"}], {X: {"a": None}}),
        ([{"key": X, "state": "absent"}], {X: None}),
        ([{"key": X, "name": "a", "state": "absent"}, {"key": X, "name": "a", "data": "b"}], {X: {"a": None}}),
    ],
    ids=["values", "a-key-stays", "an-absent-value", "an-absent-key", "removed-and-set"],
)
def test_settings_that_are_taken_away(items, left):
    assert removed(*items) == left


def test_a_file_that_is_taken_away():
    text = f'[{X}]\n"a"="b"\n"gone"=-\n\n[-{X}\\Z]\n'
    assert removed({"reg_file": "f"}, f=text) == {X: {"a": None, "gone": None}, f"{X}\\Z": None}
    # It says that nothing else is in there, so the key is its own.
    assert removed({"reg_file": "f"}, f=f'[-{X}]\n\n[{X}]\n"a"="b"\n') == {X: None}


def test_what_is_secret_stays_secret_when_it_is_taken_away():
    item = {"key": X, "name": "a", "data": "b", "secret": True, "scope": ["machine"]}
    (wish,) = settings.undone(settings.from_options([item])).wishes("machine")
    assert wish.values["A"].secret
