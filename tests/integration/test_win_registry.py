# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry on the laboratory's Windows desktop: reg.exe, cmd.exe and the registry are Wine's, spoken to over WinRM.

Stand-ins there: the WinRM service, reg load and unload, certutil, and logon. What was written is read back by Wine's reg export,
past WinRM. Wine is not Windows: what Windows' own reg.exe prints and takes is not tested here.
"""

from __future__ import annotations

import json
import uuid

import pytest
from lab_desktops import CYRILLIC, SPACED, inventory
from registry_desktop import MACHINE, MODULE, Host, item

CANARY = f"canary-{uuid.uuid4().hex}"
USERS = ["users", "default_profile"]


@pytest.fixture(scope="module")
def prepared(lab, tmp_path_factory):
    host = Host.prepared(lab, tmp_path_factory.mktemp("inventory"))
    yield host
    host.desktop.logoff()


@pytest.fixture
def host(prepared):
    """Nothing of an earlier test in the registry."""
    prepared.forget()
    return prepared


def test_every_type_and_awkward_texts(host):
    first = host.rhythm(
        item("text", 'quotes " and \\ %PATH% !x! ^ & | < > Чат'),
        item("Имя 😀 %PATH% ^ & ! (x)", "emoji 😀 at the end "),
        item("lines", "one\r\ntwo\nthree"),
        item("", "the default value"),
        item("expand", "%SystemRoot%\\x", "expandstring"),
        item("list", ["one", "C:\\0 two", "три"], "multistring"),
        item("number", "0xffffffff", "dword"),
        item("big", 1, "dword_big_endian"),
        item("long", 2**64 - 1, "qword"),
        item("bytes", "de,ad,be,ef", "binary"),
        item("nothing", None, "none"),
        item("very long", "Ы" * 20000),
    )
    assert sorted(host.export(MACHINE)) == sorted(
        [
            f"[{MACHINE}]",
            '"text"="quotes \\" and \\\\ %PATH% !x! ^ & | < > Чат"',
            '"Имя 😀 %PATH% ^ & ! (x)"="emoji 😀 at the end "',
            '"lines"="one\\r\\ntwo\\nthree"',
            '@="the default value"',
            '"expand"=hex(2):' + hexadecimal("%SystemRoot%\\x\0"),
            '"list"=hex(7):' + hexadecimal("one\0C:\\0 two\0три\0\0"),
            '"number"=dword:ffffffff',
            '"big"=hex(5):00,00,00,01',
            '"long"=hex(b):ff,ff,ff,ff,ff,ff,ff,ff',
            '"bytes"=hex:de,ad,be,ef',
            '"nothing"=hex(0):',
            '"very long"="' + "Ы" * 20000 + '"',
        ]
    )
    assert "  number = dword:4294967295\n" in first["diff"]["after"]


def hexadecimal(text):
    return ",".join(f"{byte:02x}" for byte in text.encode("utf-16-le"))


def test_changed_and_removed(host):
    key = "HKLM\\SOFTWARE\\OnPrem Test"
    for line in (
        f'"{key}" /v Port /t REG_DWORD /d 1', f'"{key}" /v Old /d x', f'"{key}" /v Kept /d stays',
        f'"{key}\\50%% & (x)\\Below" /v a /d b',
    ):  # fmt: skip
        assert host.desktop.run(f"reg add {line.replace('%%', '%')} /f").code == 0
    first = host.rhythm(
        item("port", 5222, "dword"),
        item("Old", state="absent"),
        {"key": f"{key}\\50% & (x)", "state": "absent"},
        {"key": f"{key}\\%PATH% ^!\\New"},
    )
    assert host.export(MACHINE) == [
        f"[{MACHINE}]", '"Kept"="stays"', '"Port"=dword:00001466', f"[{MACHINE}\\%PATH% ^!]", f"[{MACHINE}\\%PATH% ^!\\New]",
    ]  # fmt: skip
    assert first["diff"] == {
        "before": f'[{key}]\n  port = dword:1\n  Old = string:"x"\n[{key}\\50% & (x)] and everything below\n',
        "after": f"[{key}]\n  port = dword:5222\n[{key}\\%PATH% ^!\\New]\n",
    }


def test_the_two_views(host):
    host.rhythm(item("a", "for 64 bit", view="64"), item("a", "for 32 bit", view="32"))
    assert host.export(MACHINE)[1:] == ['"a"="for 64 bit"']
    assert host.export(MACHINE, "32")[1:] == ['"a"="for 32 bit"']
    key = "HKLM\\SOFTWARE\\OnPrem Test"
    assert host.desktop.run(f'reg add "{key}\\Below" /v x /d y /f /reg:32').code == 0
    host.rhythm({"key": key, "state": "absent", "view": "32"})
    assert host.desktop.run(f'reg query "{key}" /reg:32').code == 1
    assert host.export(MACHINE)[1:] == ['"a"="for 64 bit"']


def test_all_users_logged_on_or_not_and_those_to_come(host):
    key = "Software\\OnPrem Test"
    first = host.rhythm({"key": f"HKCU\\{key}", "name": "Имя %PATH%", "data": CANARY, "scope": USERS})
    expected = [f'"Имя %PATH%"="{CANARY}"']
    sid, other = (host.desktop.sid(name) for name in (CYRILLIC, SPACED))
    assert host.export(f"HKEY_USERS\\{sid}\\{key}")[1:] == expected
    assert host.of_profile(f"C:\\Users\\{SPACED}", key)[1:] == expected
    assert host.of_profile("C:\\Users\\Default", key)[1:] == expected
    users = {user["sid"]: (user["name"], user["loaded"], user["logged_on"]) for user in first["users"]}
    assert users[sid] == (CYRILLIC, True, True)
    assert users[other] == (SPACED, False, False)
    found = host.task({"key": f"HKCU\\{key}", "state": "absent", "scope": USERS})
    assert found["changed"] and not host.of_profile("C:\\Users\\Default", key)


def test_loaded_users_only(host):
    key = "Software\\OnPrem Test"
    host.rhythm({"key": f"HKCU\\{key}", "name": "a", "data": "b", "scope": ["loaded_users"]})
    assert host.export(f"HKEY_USERS\\{host.desktop.sid(CYRILLIC)}\\{key}")[1:] == ['"a"="b"']
    assert not host.of_profile(f"C:\\Users\\{SPACED}", key)


def test_a_vendors_file_of_an_old_code_page(host, tmp_path):
    assert host.desktop.run('reg add "HKLM\\SOFTWARE\\OnPrem Test\\Vendor\\Rest" /v x /d y /f').code == 0
    file = tmp_path / "vendor.reg"
    text = (
        f'REGEDIT4\r\n; Чат\r\n[-{MACHINE}\\Vendor]\r\n[{MACHINE}\\Vendor]\r\n@="Чат"\r\n'
        '"e"=hex(2):d7,\\\r\n  e0,f2,00\r\n"gone"=-\r\n'
        '[HKEY_CURRENT_USER\\Software\\OnPrem Test]\r\n"n"=dword:0000000a\r\n'
    )
    file.write_bytes(text.encode("cp1251"))
    host.rhythm({"reg_file": str(file), "encoding": "cp1251", "scope": ["loaded_users"]})
    assert host.export(f"{MACHINE}\\Vendor") == [
        f"[{MACHINE}\\Vendor]", '@="Чат"', '"e"=hex(2):' + hexadecimal("Чат\0"),
    ]  # fmt: skip
    assert host.export(f"HKEY_USERS\\{host.desktop.sid(CYRILLIC)}\\Software\\OnPrem Test")[1:] == ['"n"=dword:0000000a']


def test_two_hundred_values_in_few_requests(host):
    items = [item(f"value {number}", number, "dword") for number in range(200)]
    counts = []
    for changed in (True, False):
        before = len(host.desktop.requests())
        (outcome,) = host.many(items)
        assert outcome["changed"] is changed, outcome
        verbs = [line.get("verb") for line in host.desktop.requests()[before:]]
        counts.append((verbs.count("Create"), verbs.count("Command")))
    assert len(host.export(MACHINE)) == 201
    # read, send the file by tar, import and read back; then only read
    assert counts == [(1, 3), (1, 1)]


def test_a_secret_is_only_in_the_registry(host):
    found = host.lab.playbook(str(_playbook(host)), "-i", str(host.inventory), "--diff", "-vvv")
    assert found.returncode == 0, found.stdout
    assert CANARY not in found.stdout + found.stderr
    assert "licence = string:********" in found.stdout
    assert CANARY not in json.dumps(host.desktop.requests())
    assert host.export(MACHINE)[1:] == [f'"licence"="{CANARY}"']
    host.clean()


def _playbook(host):
    path = host.inventory.with_name("secret.yml")
    settings = [item("licence", "{{ licence }}", secret=True)]
    variables = {"licence": CANARY}
    play = {"name": "Secret", "hosts": "win1", "gather_facts": False, "vars": variables}
    path.touch(0o600)
    path.write_text(json.dumps([{**play, "tasks": [{"name": "Set", MODULE: {"settings": settings}}]}]))
    return path


@pytest.mark.parametrize("transport, scheme", [("ntlm", "http"), ("kerberos", "https")])
def test_other_ways_in(host, transport, scheme):
    host.inventory.write_text(inventory([host.desktop], transport=transport, scheme=scheme))
    try:
        assert host.task(item("a", transport))["changed"] is True
    finally:
        host.inventory.write_text(inventory([host.desktop]))
    assert host.export(MACHINE)[1:] == [f'"a"="{transport}"']
