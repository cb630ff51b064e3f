# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry: check mode, the run, the second run; read back by reg.exe alone."""

from __future__ import annotations

import re
import typing as t

import pytest
from machine import KEY, USER_KEY, Machine, good
from pytest import FixtureRequest

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import argument, path

FULL = KEY.replace("HKLM", "HKEY_LOCAL_MACHINE")
EVERYBODY = ["users", "default_profile"]


@pytest.fixture
def key(request: FixtureRequest) -> str:
    """A key of the test's own."""
    return f"{KEY}\\{request.node.name.removeprefix('test_')}"


def rhythm(machine: Machine, *settings: dict[str, t.Any]) -> dict[str, t.Any]:
    """Check mode says what the run then does, and a second run finds nothing to do. The run's result."""
    checked = good(machine.registry(*settings, check=True), True)
    first = good(machine.registry(*settings), True)
    assert first["diff"] == checked["diff"]
    again = good(machine.registry(*settings), False)
    assert again["changes"] == []
    return first


def export(machine: Machine, key: str, view: str = "64") -> list[str]:
    """The lines of reg export, unfolded, without the header."""
    file = machine.place("export.reg")
    made = f'(if not exist "{machine.folder}" md "{machine.folder}")'
    ran = machine.run(f"{made}&reg export {argument(key)} {path(file)} /y /reg:{view}>nul")
    assert ran.code == 0, f"{key} cannot be exported: {ran}"
    text = machine.read(file).decode("utf-16")
    assert text.startswith("Windows Registry Editor Version 5.00\r\n")
    return [line for line in re.sub(r"\\\r\n\s*", "", text).split("\r\n") if line][2:]


def utf16(text: str) -> str:
    return ",".join(f"{byte:02x}" for byte in text.encode("utf-16-le"))


def test_every_type_and_awkward_texts(machine: Machine, key: str) -> None:
    """reg import takes what we write, reg query and reg export show it as we read it."""
    values = [
        ("text", "string", 'quotes " and \\ %PATH% !x! ^ & | < > Чат'),
        ("Имя 😀 %PATH% ^ & ! (x)", "string", "emoji 😀 at the end "),
        ("", "string", "the default value"),
        ("expand", "expandstring", "%SystemRoot%\\x"),
        ("list", "multistring", ["one", "C:\\0 two", "три"]),
        ("number", "dword", "0xffffffff"),
        ("long", "qword", 2**64 - 1),
        ("bytes", "binary", "de,ad,be,ef"),
        ("nothing", "none", None),
    ]
    first = rhythm(machine, *({"key": key, "name": name, "type": kind, "data": data} for name, kind, data in values))
    assert "  number = dword:4294967295\n" in first["diff"]["after"]
    assert sorted(export(machine, key)) == sorted(
        [
            '"text"="quotes \\" and \\\\ %PATH% !x! ^ & | < > Чат"',
            '"Имя 😀 %PATH% ^ & ! (x)"="emoji 😀 at the end "',
            '@="the default value"',
            '"expand"=hex(2):' + utf16("%SystemRoot%\\x\0"),
            '"list"=hex(7):' + utf16("one\0C:\\0 two\0три\0\0"),
            '"number"=dword:ffffffff',
            '"long"=hex(b):ff,ff,ff,ff,ff,ff,ff,ff',
            '"bytes"=hex:de,ad,be,ef',
            '"nothing"=hex(0):',
        ]
    )


def test_a_text_of_several_lines(machine: Machine, key: str) -> None:
    """Its listing is in doubt, so the export decides, byte for byte."""
    rhythm(machine, {"key": key, "name": "lines", "data": "one\r\ntwo\nthree"})


def test_a_change_and_removals(machine: Machine, key: str) -> None:
    """Values are changed and removed, keys removed with all below; what was not named stays."""
    begin = [{"key": key, "name": name, "data": "x"} for name in ("Port", "Old", "Kept")]
    good(machine.registry(*begin, {"key": f"{key}\\50% & (x)\\Below", "name": "a", "data": "b"}))
    rhythm(
        machine,
        {"key": key, "name": "port", "type": "dword", "data": 5222},
        {"key": key, "name": "Old", "state": "absent"},
        {"key": f"{key}\\50% & (x)", "state": "absent"},
        {"key": f"{key}\\%PATH% ^!\\New"},
    )
    full = key.replace(KEY, FULL)
    expected = ['"Kept"="x"', '"Port"=dword:00001466', f"[{full}\\%PATH% ^!]", f"[{full}\\%PATH% ^!\\New]"]
    assert sorted(export(machine, key)) == sorted(expected)


def test_the_two_views(machine: Machine, facts: dict[str, t.Any], key: str) -> None:
    """/reg:64 and /reg:32 of reg.exe."""
    if facts["processor"] == "x86":
        pytest.skip("this Windows has 32 bits, and one view")
    rhythm(machine, *({"key": key, "name": "a", "data": f"for {view} bit", "view": view} for view in ("64", "32")))
    assert (export(machine, key), export(machine, key, "32")) == (['"a"="for 64 bit"'], ['"a"="for 32 bit"'])


def test_a_key_of_32_bit_programs_is_removed(machine: Machine, facts: dict[str, t.Any], key: str) -> None:
    """plan._direct: reg delete /reg:32 of a key with keys below it; the same key of the other view stays."""
    if facts["processor"] == "x86":
        pytest.skip("this Windows has 32 bits, and one view")
    below = {"key": f"{key}\\Below", "name": "a", "data": "b"}
    good(machine.registry(*({**below, "view": view} for view in ("64", "32"))), True)
    rhythm(machine, {"key": key, "state": "absent", "view": "32"})
    assert export(machine, key)[-1] == '"a"="b"'


def test_two_hundred_values(machine: Machine, key: str) -> None:
    """One file is imported; the listing of it is read."""
    items = [{"key": key, "name": f"value {number}", "type": "dword", "data": number} for number in range(200)]
    good(machine.registry(*items), True)
    good(machine.registry(*items), False)
    assert len(export(machine, key)) == 200


def test_users_with_profiles_and_the_default_profile(machine: Machine) -> None:
    """reg load and unload of NTUSER.DAT; the profile that new ones are copied from is afterwards as before."""
    setting = {"key": USER_KEY, "name": "Имя %PATH%", "data": "для всех", "scope": EVERYBODY}
    rhythm(machine, setting)
    gone = {"key": USER_KEY, "state": "absent", "scope": EVERYBODY}
    good(machine.registry(gone), True)
    good(machine.registry(gone, check=True), False)
    left = machine.run(r"reg query HKU\onprem-chat-registry")
    assert left.code == 1, "a hive stays loaded: its user would get a temporary profile"


def test_users_who_are_logged_on(machine: Machine) -> None:
    """Their hives are loaded below HKEY_USERS\\SID; read back there by reg.exe."""
    setting = {"key": USER_KEY, "name": "a", "data": "b", "scope": ["loaded_users"]}
    asked = good(machine.registry(setting, check=True))
    people = [user for user in asked["users"] if user["loaded"]]
    if not people:
        pytest.skip("nobody's hive is loaded on this host: log somebody on, at its screen or by Remote Desktop")
    rhythm(machine, setting)
    name = USER_KEY.removeprefix("HKCU\\")
    found = machine.ask_all({user["sid"]: f'reg query "HKU\\{user["sid"]}\\{name}" /v a' for user in people})
    assert [ran.code for ran in found.values()] == [0] * len(people)
    good(machine.registry({"key": USER_KEY, "state": "absent", "scope": ["loaded_users"]}), True)


def test_a_name_of_who_is_logged_on_is_found(machine: Machine) -> None:
    """users.questions: the volatile key has USERNAME."""
    asked = good(
        machine.registry({"key": USER_KEY, "name": "a", "state": "absent", "scope": ["loaded_users"]}, check=True)
    )
    people = [user for user in asked["users"] if user["logged_on"]]
    if not people:
        pytest.skip("nobody is logged on to this host: log somebody on, at its screen or by Remote Desktop")
    assert all(user["name"] and user["profile"] for user in people), people


def test_a_vendors_file(machine: Machine, key: str, tmp_path: t.Any) -> None:
    """reg_file: an old code page, deletions, several lines."""
    full = key.replace(KEY, FULL)
    good(machine.registry({"key": f"{key}\\Rest", "name": "x", "data": "y"}), True)
    text = f'REGEDIT4\r\n; Чат\r\n[-{full}]\r\n[{full}]\r\n@="Чат"\r\n"e"=hex(2):d7,\\\r\n  e0,f2,00\r\n"gone"=-\r\n'
    file = tmp_path / "vendor.reg"
    file.write_bytes(text.encode("cp1251"))
    rhythm(machine, {"reg_file": str(file), "encoding": "cp1251"})
    assert export(machine, key) == ['@="Чат"', '"e"=hex(2):' + utf16("Чат\0")]
