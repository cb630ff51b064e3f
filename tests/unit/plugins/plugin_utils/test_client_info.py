# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client_info: what is asked in one go, what the answers mean, what is expected, literally what the checks say."""

from __future__ import annotations

import dataclasses
import types

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import info, info_expect, info_products, info_system
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import ClientError, OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_channel import CountedSession, tls_version
from ansible_collections.onprem.chat.plugins.plugin_utils._client.info_products import Filter, Product
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.plugins.plugin_utils._registry import commands
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.users import User
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm import batching
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    FAMILY,
    NEW,
    OLD,
    Host,
    product,
    said,
)

ANNA, IVAN = "S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1104"
HKLM = "HKEY_LOCAL_MACHINE"
UNINSTALL = "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
PEOPLE = [User(ANNA, "anna", "C:\\Users\\anna", True, True), User(IVAN, "иван", "C:\\Users\\иван", False, False)]
MSI = Package("msi", "/p/chat.msi", 1, "0" * 64, "Corp Chat", "2.0.0", product_code=NEW, upgrade_code=FAMILY)
EXE = Package("exe", "/p/voice.exe", 1, "0" * 64, "Corp Voice", "1.4")
DEFAULTS = {"gather": list(info.SUBSETS), "profiles": False, "free_space": 1024, "deadline": 120}


def entry(root: str, key: str, name: str = "", version: str = "") -> str:
    """What reg query /s /v prints about an uninstall key, asked for two values one after the other."""
    text = ""
    for value, data in (("DisplayName", name), ("DisplayVersion", version)):
        if data:
            text += f"\r\n{root}\\{UNINSTALL}\\{key}\r\n    {value}    REG_SZ    {data}\r\n"
    return text + "\r\nКонец поиска: найдено совпадений 2.\r\n"


def understood(wanted=None, people=None, **answers):
    named = {f"info.{name}": said(text) for name, text in {"msi": "", **answers}.items()}
    return info_products.understand(wanted or Filter(), named, PEOPLE if people is None else people)


# -- what is asked ----------------------------------------------------------------------------------------------------


def test_everything_is_asked_in_one_line():
    wanted = info.wish(DEFAULTS, [info_expect.expectation({"uninstall_key": "Corp Voice"}, EXE)])
    asks = info.Info(None, wanted, "pc1")._questions()
    assert len(batching.bundles(asks)) == 1


def test_where_reg_exe_may_not_run_nobody_is_told_that_nothing_is_installed():
    host = Host({"reg query HKLM >nul": said(code=1), "": said()})
    with pytest.raises(ClientError, match="registry cannot be asked"):
        info.Info(host, info.wish(DEFAULTS, []), "pc1").gather()


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Filter(), ["info.msi", "info.machine64", "info.machine32", "info.users"]),
        (Filter(uninstall_key="Corp"), ["info.machine64", "info.machine32", "info.users"]),
        (Filter(uninstall_key=NEW), ["info.msi", "info.machine64", "info.machine32", "info.users"]),
        (Filter(upgrade_code=FAMILY), ["info.msi"]),
    ],
    ids=["all", "key", "key-of-an-msi", "family"],
)
def test_what_a_filter_asks(wanted, names):
    assert [ask.name for ask in info_products.questions(wanted)] == names


def test_of_all_products_two_values_are_asked_and_components_are_not():
    asks = {ask.name: ask.command for ask in info_products.questions(Filter(name="*"))}
    assert asks["info.machine32"] == (
        'reg query "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall" /s /v DisplayName /reg:32 2>nul&'
        'reg query "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall" /s /v DisplayVersion /reg:32 2>nul'
    )
    assert '\\UserData" /reg:64' in asks["info.msi"] and '"%s\\Products" /s /v DisplayName' in asks["info.msi"]


def test_a_percent_sign_in_a_key_is_no_variable_of_the_loop():
    command = info_products.questions(Filter(uninstall_key="100%k & x"))[2].command
    assert command.startswith('for /f "delims=" %s in (\'reg query HKU\') do @(reg query "%s\\SOFTWARE\\Microsoft')
    assert '\\100%k & x" 2>nul' in command


def test_the_product_key_of_windows_stays_there():
    command = info_system.windows_questions()[0].command
    assert "/v %v" in command and "ProductId" not in command


def test_profiles_are_asked_when_their_hives_are_not_loaded():
    asks = info_products.of_profiles(Filter(uninstall_key="Corp"), PEOPLE)
    assert [ask.name for ask in asks] == [f"info.hive.{IVAN}"]
    assert asks[0].command.count("reg unload") > 1 and "C:\\Users\\иван\\NTUSER.DAT" in asks[0].command
    assert info_products.of_profiles(Filter(upgrade_code=FAMILY), PEOPLE) == []


# -- what is installed ------------------------------------------------------------------------------------------------


def test_an_msi_and_its_uninstall_key_are_one_product():
    (one,) = understood(msi=product(NEW, "2.0.0"), machine64=entry(HKLM, NEW, "Corp Chat", "2.0.0"))
    assert one == Product(NEW, "Corp Chat", "2.0.0", installer="msi", product_code=NEW, view=64)


def test_a_key_that_looks_like_a_product_code_and_is_none_is_a_program():
    (one,) = understood(machine64=entry(HKLM, NEW, "Bundle", "1"))
    assert (one.installer, one.product_code, one.view) == ("other", "", 64)


def test_programs_of_users_and_of_system():
    text = "".join(entry(f"HKEY_USERS\\{sid}", "Voice", "Voice", "1.0") for sid in (ANNA, "S-1-5-18", ".DEFAULT"))
    text += entry("HKEY_USERS\\onprem-chat-registry", "Voice", "Voice", "0.1")
    shown = [one.shown(info_products.names_of(PEOPLE)) for one in understood(users=text)]
    assert [(one["scope"], one["sid"], one["user"]) for one in shown] == [
        ("user", "S-1-5-18", "SYSTEM"), ("user", ANNA, "anna"),
    ]  # fmt: skip


def test_an_msi_of_somebody_who_has_gone():
    (one,) = understood(msi=product(OLD, "1.0.0", sid="S-1-5-21-9-9-9-9"), people=[])
    assert (one.scope, one.shown({})["user"]) == ("user", "")


def test_the_same_key_in_both_views_is_one_program_and_another_version_is_two():
    same = {"machine64": entry(HKLM, "Voice", "Voice", "1.0"), "machine32": entry(HKLM, "VOICE", "Voice", "1.0")}
    assert [one.view for one in understood(**same)] == [64]
    assert len(understood(**{**same, "machine32": entry(HKLM, "Voice", "Voice", "1.1")})) == 2


@pytest.mark.parametrize(
    ("pattern", "count"), [("corp *", 2), ("CORP CHAT", 1), ("chat", 0), ("*ice", 1), ("корп*", 0), ("", 2)]
)
def test_patterns_for_names(pattern, count):
    text = entry(HKLM, "a", "Corp Chat", "1") + entry(HKLM, "b", "Corp Voice", "1") + entry(HKLM, "c")
    assert len(understood(Filter(name=pattern), machine64=text)) == count


def test_a_bracket_in_a_name_is_one():
    text = entry(HKLM, "a", "Corp Chat [beta]", "1") + entry(HKLM, "b", "Corp Chat b", "1")
    assert [one.key for one in understood(Filter(name="corp chat [beta]"), machine64=text)] == ["a"]


def hive(text: str, load: int = 0, unload: int = 0) -> str:
    word = commands.WORD
    if load:
        return f"{word} load {load}\r\n"
    return f"{word} load 0\r\n{text}{word} info.0 0\r\n{word} info.1 1\r\n{word} unload {unload}\r\n"


def test_a_profile_that_is_not_loaded():
    text = hive(entry("HKEY_USERS\\onprem-chat-registry", "Voice", "Voice", "1.0"))
    (one,) = understood(**{f"hive.{IVAN}": text})
    assert (one.scope, one.sid, one.version, one.view) == ("user", IVAN, "1.0", 64)


def test_a_host_with_hundreds_of_profiles_gets_the_time_that_loading_them_takes(monkeypatch):
    listed = "".join(
        f"HKEY_LOCAL_MACHINE\\ProfileList\\S-1-5-21-1-2-3-{2000 + number}\r\n"
        f"    ProfileImagePath    REG_EXPAND_SZ    C:\\Users\\pupil{number}\r\n\r\n"
        for number in range(200)
    )
    asked, loads = Host.batch, []

    def slow(host, asks, *, deadline):
        loads.append(sum("reg load" in ask.command for ask in asks))
        assert deadline > 2 * loads[-1]
        return asked(host, asks)

    monkeypatch.setattr(Host, "batch", slow)
    wanted = info.wish({**DEFAULTS, "gather": ["products"], "profiles": True}, [])
    info.Info(Host({'ProfileList" /s': said(listed), "": said()}), wanted, "pc1").gather()
    assert max(loads) == 200


@pytest.mark.parametrize(
    ("text", "refused", "stayed"),
    [
        (hive(""), 0, False),
        (hive("", load=1), 1, False),
        (hive("", load=2), 0, False),
        (hive("", unload=1), 0, True),
        ("", 1, False),
    ],
    ids=["read", "refused", "no-hive", "stays", "nothing"],
)
def test_profiles_that_were_not_read(text, refused, stayed):
    some, left = info_products.not_read({f"info.hive.{IVAN}": said(text)}, PEOPLE)
    assert (len(some), left) == (refused, stayed)


def test_a_roaming_profile_that_is_not_loaded_is_told_and_not_read():
    people = [*PEOPLE[:1], dataclasses.replace(PEOPLE[1], roaming=True)]
    assert info_products.of_profiles(Filter(uninstall_key="Corp"), people) == []
    seen = info.Info(None, info.wish(DEFAULTS, []), "pc1")
    seen._profiles({}, people)
    (check,) = seen.checks.as_list()
    assert (check["status"], check["evidence"]) == ("warn", "the roaming profiles of иван were not read")
    wanted = info_expect.expectation({"uninstall_key": "Corp", "scope": "user"}, None)
    assert info_expect.judge(wanted, [], people[1:], True).status == "skip"


# -- the host ---------------------------------------------------------------------------------------------------------


def test_windows_eleven_calls_itself_ten():
    lines = {"ProductName": "Windows 10 Pro", "InstallationType": "Client", "CurrentBuild": "22631", "UBR": "0xd77"}
    text = "".join(f"\r\nHKEY\r\n    {name}    REG_SZ    {data}\r\n" for name, data in lines.items())
    seen = {"windows": said(text), "architecture": said("AMD64\r\n"), "computer": said("PC1\r\n")}
    windows = info_system.windows({f"info.{name}": answer for name, answer in seen.items()})
    assert (windows.name, windows.build, windows.version) == ("Windows 11 Pro", "22631.3447", "")


@pytest.mark.parametrize(
    ("names", "renamed"), [(("PC1", "pc1"), False), (("PC1", "PC2"), True), (("PC1",), False), ((), False)]
)
def test_a_computer_that_was_renamed(names, renamed):
    answers = {f"info.reboot.{name}": said(code=1) for name in info_system.REASONS}
    text = "".join(f"\r\nHKEY\r\n    ComputerName    REG_SZ    {name}\r\n" for name in names)
    answers["info.reboot.computer_rename"] = said(text)
    assert info_system.reboot(answers) == (["computer_rename"] if renamed else [])


def quiet(**more):
    """Answers of a host where nothing is the matter."""
    usual = {
        "reg query HKLM >nul": said(),
        "RebootPending": said(code=1),
        "RebootRequired": said(code=1),
        "InProgress": said(code=1),
        "PendingFileRename": said(code=1),
        "ActiveComputerName": said(),
        "dir /-c": said("  6 Dir(s)  99000000000 bytes free\r\n"),
        "onprem.chat\\jobs\"')": said(),
        "onprem.chat\\files\"')": said(),
        "Tasks\\onprem.chat": said(),
        "HKU\\onprem-chat-registry": said(code=1),
        "%v /reg:64": said(),
        "PROCESSOR": said("AMD64"),
        "COMPUTERNAME": said("PC1"),
        "Volatile": said(),
        "ProfileList": said(),
        "%SystemDrive%&": said("C:\r\nC:\\Windows\r\n"),
        "Installer": said(),
        "Uninstall": said(),
        "reg query HKU": said(),
        "ver >nul": said(),
    }
    return more | {piece: answer for piece, answer in usual.items() if piece not in more}


def asked(host, expect=(), **options):
    one = info.Info(Host(host), info.wish(DEFAULTS | options, expect), "pc1")
    return one.gather(), {check["id"]: (check["status"], check["evidence"]) for check in one.checks.as_list()}


def test_a_host_where_nothing_is_the_matter():
    result, checks = asked(quiet())
    assert not result["changed"] and result["products"] == [] and result["users"] == []
    assert checks == {
        "windows.reboot": ("pass", "no restart is pending"),
        "windows.disk": ("pass", "94413 MiB are free on the system drive"),
        "windows.rollout": ("pass", "nothing of an earlier run is left"),
    }


def test_what_earlier_runs_do_and_left():
    _result, checks = asked(quiet(**{"onprem.chat\\jobs\"')": said("running a-0\r\nfinished b-0\r\n")}))
    assert checks["windows.rollout"] == ("warn", "an installation of win_client is going on: a-0")
    _result, checks = asked(quiet(**{"HKU\\onprem-chat-registry": said()}), gather=["rollout"])
    assert checks == {
        "windows.rollout": ("warn", "an earlier run was cut off and left something (a user's hive is loaded)")
    }


def test_only_what_is_asked_for_is_asked():
    host = Host(quiet())
    result = info.Info(host, info.wish(DEFAULTS | {"gather": ["disk"]}, []), "pc1").gather()
    assert set(result) == {"changed", "disk", "checks"} and host.batches == 1
    host = Host(quiet())
    assert info.Info(host, info.wish(DEFAULTS | {"gather": []}, []), "pc1").gather() == {"changed": False, "checks": []}
    assert host.batches == 1  # how the connection is


# -- what is expected -------------------------------------------------------------------------------------------------


def expected(package=MSI, **options):
    return info_expect.expectation(options, package)


def of_machine(*versions):
    return [Product(f"k{number}", "Corp Chat", version) for number, version in enumerate(versions)]


@pytest.mark.parametrize(
    ("options", "versions", "status", "evidence"),
    [
        ({}, ["2.0.0"], "pass", "Corp Chat 2.0.0 is installed"),
        ({}, ["2.0.0.7"], "pass", "Corp Chat 2.0.0.7 is installed"),
        ({}, ["1.0"], "fail", "Corp Chat 1.0 is installed instead of 2.0.0"),
        ({}, ["unknown"], "fail", "Corp Chat unknown is installed instead of 2.0.0"),
        ({}, ["2.1"], "warn", "Corp Chat 2.1 is installed, which is newer than 2.0.0"),
        ({"keep_newer": True}, ["2.1"], "pass", "Corp Chat 2.1 is installed, which is newer than 2.0.0 and may be"),
        ({"keep_newer": True}, ["1.0"], "fail", "Corp Chat 1.0 is installed instead of 2.0.0"),
        ({}, ["2.0.0", "1.0"], "warn", "Corp Chat 2.0.0 is installed, and beside it Corp Chat 1.0"),
        ({}, [], "fail", "Corp Chat 2.0.0 is not installed"),
        ({"version": "1.0"}, ["1.0"], "pass", "Corp Chat 1.0 is installed"),
        ({"state": "absent"}, ["1.0"], "fail", "Corp Chat 1.0 is still installed"),
        ({"state": "absent"}, [], "pass", "Corp Chat is not installed"),
        ({"state": "repair"}, ["2.0.0"], "pass", "Corp Chat 2.0.0 is installed"),
    ],
)
def test_a_client_for_the_machine(options, versions, status, evidence):
    verdict = info_expect.judge(expected(**options), of_machine(*versions), PEOPLE, False)
    assert (verdict.status, verdict.evidence) == (status, evidence)
    assert bool(verdict.hint) == (status != "pass")


def test_one_that_only_some_users_have():
    found = [Product("k", "Corp Chat", "2.0.0", "user", ANNA)]
    verdict = info_expect.judge(expected(), found, PEOPLE, False)
    assert verdict.evidence == "Corp Chat 2.0.0 is not installed for all users; some users have it for themselves"


@pytest.mark.parametrize(
    ("having", "people", "profiles", "status", "evidence"),
    [
        ([ANNA], PEOPLE, False, "pass", "Corp Voice 1.4 is installed for all 1 users"),
        ([ANNA], PEOPLE, True, "warn", "Corp Voice 1.4 is missing for иван, who are not logged on"),
        ([IVAN], PEOPLE, True, "fail", "Corp Voice 1.4 is missing for anna (1 of 2)"),
        ([ANNA, IVAN], PEOPLE, True, "pass", "Corp Voice 1.4 is installed for all 2 users"),
        ([], [], False, "skip", "nobody is logged on, and profiles of others were not looked at"),
    ],
)
def test_a_client_for_users(having, people, profiles, status, evidence):
    wanted = expected(EXE, scope="user", uninstall_key="Corp Voice")
    found = [Product("Corp Voice", "Corp Voice", "1.4", "user", sid) for sid in having]
    verdict = info_expect.judge(wanted, found, people, profiles)
    assert (verdict.status, verdict.evidence) == (status, evidence)


def test_a_client_that_no_user_is_to_have():
    wanted = expected(EXE, scope="user", uninstall_key="Corp Voice", state="absent")
    found = [Product("Corp Voice", "Corp Voice", "1.4", "user", ANNA)]
    assert info_expect.judge(wanted, found, PEOPLE, False).evidence == "Corp Voice is still installed for anna"
    assert info_expect.judge(wanted, [], PEOPLE, True).evidence == "Corp Voice is installed for nobody of 2"
    # Of whom nothing is known it is not said that he has none.
    assert info_expect.judge(wanted, [], PEOPLE[1:], False).status == "skip"


def test_the_account_that_asks_is_nobody_who_sits_there():
    """Its hive is loaded as long as WinRM has a shell."""
    svc = User("S-1-5-21-1-2-3-1200", "svc-chat-rollout", "C:\\Users\\svc-chat-rollout", True, False)
    wanted = expected(EXE, scope="user", uninstall_key="Corp Voice")
    assert info_expect.judge(wanted, [], [svc], False).status == "skip"
    found = [Product("Corp Voice", "Corp Voice", "1.4", "user", ANNA)]
    assert info_expect.judge(wanted, found, [*PEOPLE, svc], False).evidence == (
        "Corp Voice 1.4 is installed for all 1 users"
    )
    gone = expected(EXE, scope="user", uninstall_key="Corp Voice", state="absent")
    theirs = [dataclasses.replace(found[0], sid=svc.sid)]
    assert info_expect.judge(gone, theirs, [svc], False).evidence == (
        "Corp Voice is still installed for svc-chat-rollout"
    )


def test_all_versions_of_a_family_count():
    assert expected().filter == Filter(upgrade_code=FAMILY)
    assert expected(dataclasses.replace(MSI, upgrade_code="")).filter == Filter(product_code=NEW)
    assert expected(uninstall_key="Chat").filter == Filter(uninstall_key="Chat")
    assert expected(None, product_code=NEW).title == NEW


@pytest.mark.parametrize(
    ("package", "options", "text"),
    [
        (
            EXE,
            {"package": "voice.exe"},
            "It is not known which product is expected (voice.exe). An EXE does not say under which key it registers itself, and"
            " no code was given. Give uninstall_key, product_code or upgrade_code.",
        ),
        (None, {}, "It is not known which product is expected (expect)."),
        (None, {"product_code": "{1}"}, "product_code is not understood ('{1}'). It is no GUID. Correct it."),
        (None, {"uninstall_key": "a\\b"}, "uninstall_key is not the name of a key ('a\\\\b')."),
    ],
    ids=["exe", "nothing", "guid", "path"],
)
def test_an_expectation_that_says_nothing(package, options, text):
    with pytest.raises(OptionError) as caught:
        info_expect.expectation(options, package)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"upgrade_code": "x"}, "upgrade_code is not understood ('x'). It is no GUID. Correct it."),
        ({"uninstall_key": "a\\b"}, "Give the last part of the path alone."),
    ],
    ids=["guid", "path"],
)
def test_wishes_that_make_no_sense(options, text):
    with pytest.raises(OptionError) as caught:
        info.wish(DEFAULTS | options, [])
    assert text in str(caught.value)


# -- the connection ---------------------------------------------------------------------------------------------------

GOOD = {"encryption": "tls", "tls_version": "TLSv1.3", "certificate_validated": True, "authentication": "kerberos"}


@pytest.mark.parametrize(
    ("health", "status", "evidence"),
    [
        ({}, "pass", "TLSv1.3, the certificate was checked; kerberos; 4 requests"),
        ({"tls_version": ""}, "pass", "TLS, the certificate was checked; kerberos; 4 requests"),
        ({"certificate_validated": False}, "warn", "TLSv1.3, the certificate was not checked; kerberos; 4 requests"),
        ({"encryption": "message"}, "pass", "HTTP with encrypted messages; kerberos; 4 requests"),
        ({"encryption": "none", "authentication": "basic"}, "fail", "HTTP without encryption; basic; 4 requests"),
        ({"authentication": "basic"}, "warn", "TLSv1.3, the certificate was checked; basic; 4 requests"),
    ],
)
def test_how_the_connection_is(health, status, evidence):
    one = info.Info(None, info.wish(DEFAULTS, []), "pc1")
    one.connection(GOOD | {"requests": 4} | health)
    (check,) = one.checks.as_list()
    assert (check["id"], check["status"], check["evidence"]) == ("windows.channel", status, evidence)


def test_requests_are_counted_over_new_connections():
    def protocol():
        return types.SimpleNamespace(send_message=lambda message: b"answer")

    session = CountedSession(types.SimpleNamespace(protocol=protocol(), get_option={}.__getitem__))
    session.protocol.send_message("one")
    session.connection.protocol = protocol()
    session.protocol.send_message("four")
    session.protocol.send_message("four")
    assert (session.requests, session.sent, session.received) == (3, 11, 18)


def test_a_library_that_does_not_show_its_connections():
    assert tls_version(types.SimpleNamespace()) == ""
