# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scope user of win_client: what is registered, what users run, what is understood of them, and a whole visit to a host."""

from __future__ import annotations

import dataclasses
import functools
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import (
    converge,
    detect,
    options,
    users_converge,
    users_detect,
    users_plan,
    users_script,
    users_sessions,
    wanted,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import (
    ClientError,
    InstallerError,
    OptionError,
    RefusedError,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._client.users_order import Order
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import guid, versions
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Lost, Refused
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import users_desk
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    BYTES,
    FAMILY,
    NEW,
    exe,
    msi,
    said,
)
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.users_desk import (
    ANNA,
    IVAN,
    PROGRAMS,
    SOURCE,
    Desktop,
    Someone,
    answers,
)

compare = functools.partial(options.compare, versions.compare)
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def order(**changes) -> Order:
    return Order(exe(scope="user", **changes))


def scene(wish: Order, people, **more):
    return users_detect.understand(wish, answers(wish, people, **more))


def planned(wish: Order, people, **more):
    return users_plan.plan(scene(wish, people, **more), wish, compare)


# -- what lies on the host ------------------------------------------------------------------------------------------------


def test_the_name_of_a_wish_is_that_of_what_is_in_it():
    first = order()
    assert first.wish == order().wish == order(state="repair").wish
    others = [order(version="2.0.1"), order(install_arguments=("/X",)), order(sha256="0" * 64), order(state="absent")]
    others += [
        order(allow_downgrade=True),
        dataclasses.replace(first, deadline=5),
        dataclasses.replace(first, force=True, close=("a.exe",)),
    ]
    assert len({first.wish, *(one.wish for one in others)}) == len(others) + 1


def test_what_lies_in_the_folder():
    wish = order()
    assert sorted(wish.files(PROGRAMS)) == ["install.cmd", "user.cmd"]
    assert wish.folder(PROGRAMS) == f"C:\\Program Files\\onprem.chat\\users\\{wish.wanted.users_identity}\\{wish.wish}"
    assert f'"{wish.folder(PROGRAMS)}\\voice.exe" /S\r\n'.encode() in wish.files(PROGRAMS)["install.cmd"]
    assert sorted(Order(msi(scope="user")).files(PROGRAMS)) == ["again.cmd", "install.cmd", "user.cmd"]
    assert sorted(order(state="absent").files(PROGRAMS)) == ["user.cmd"]


def test_jobs_of_users_write_into_their_profile_and_start_themselves_by_their_full_path():
    job = order().files(PROGRAMS)["install.cmd"].decode()
    assert f'cd /d "%LOCALAPPDATA%\\onprem.chat\\{order().wanted.users_identity}"' in job
    assert 'cmd /d /c call "%~f0" installer' in job


def test_an_installer_of_a_user_writes_its_log_where_it_is_looked_for():
    """The installer itself runs in the folder for temporary files: a name alone would be a file there."""
    wish = Order(msi(scope="user", name="100% Chat"))
    log = f'/L*V "%LOCALAPPDATA%\\onprem.chat\\{wish.wanted.users_identity}\\msi.log"'
    files = {**wish.files(PROGRAMS), **wish.away(ANNA, [detect.Installed(NEW, "1.0.0", sid=ANNA, product_code=NEW)])}
    for name in ("install.cmd", "again.cmd", f"away-{ANNA}-0.cmd"):
        assert f" {log}" in files[name].decode()
    looked_for = users_script.user(wish.wanted, "w", 60).decode()
    assert f'set "opc_place=%LOCALAPPDATA%\\onprem.chat\\{wish.wanted.users_identity}"' in looked_for
    assert 'if not exist "%opc_place%\\msi.log" goto clean' in looked_for


def test_the_log_stays_only_where_it_went_wrong():
    install, remove = (users_script.user(exe(state=state), "w", 60).decode() for state in ("present", "absent"))
    assert 'msi.log" goto clean\r\nif defined opc_same goto clean\r\n' in install
    assert 'msi.log" goto clean\r\nif not defined opc_here goto clean\r\n' in remove


def test_the_task_for_the_logon():
    root = ET.fromstring(order(name="R&D").logon_xml(PROGRAMS).decode("utf-16"))  # noqa: S314 - our own
    found = {element.tag.removeprefix(NAMESPACE): (element.text or "") for element in root.iter()}
    assert found["GroupId"] == "S-1-5-32-545" and found["RunLevel"] == "LeastPrivilege"
    assert "LogonTrigger" in found and found["MultipleInstancesPolicy"] == "Parallel"
    assert found["Description"] == "onprem.chat for every user, present: R&D 2.0.0"
    assert found["Arguments"] == f'/d /c ""{order(name="R&D").batch_file(PROGRAMS)}""'


def test_the_task_for_one_user():
    root = ET.fromstring(order().once_xml(PROGRAMS, ANNA, "abc").decode("utf-16"))  # noqa: S314 - our own
    found = {element.tag.removeprefix(NAMESPACE): (element.text or "") for element in root.iter()}
    assert (found["UserId"], found["LogonType"], found["RunLevel"]) == (ANNA, "InteractiveToken", "LeastPrivilege")
    assert "LogonTrigger" not in found and found["Arguments"].endswith('user.cmd" abc"')


def test_percent_signs_of_a_key_are_doubled_for_the_batch_file():
    text = users_script.user(exe(scope="user", uninstall_key="100% Чат"), "w", 60).decode()
    assert '\\Uninstall\\100%% Чат"' in text and text.replace("\r\n", "").count("\r") == 0


@pytest.mark.parametrize(
    ("wish", "line"),
    [
        (exe(version="2.0-rc1"), 'if "%opc_version%"=="2.0-rc1" set opc_same=1\r\nif defined opc_same'),
        (exe(version="100% new"), 'if "%opc_version%"=="100%% new" set opc_same=1\r\nif defined opc_same'),
        (exe(version="stable"), ':weigh\r\nset opc_here=1\r\nif "%opc_version%"=="stable" set opc_same=1\r\nexit /b 0'),
        (exe(state="absent"), ":weigh\r\nset opc_here=1\r\nset opc_same=1\r\nexit /b 0"),
    ],
)
def test_a_version_is_the_same_as_it_is_written(wish, line):
    assert line in users_script.user(wish, "w", 60).decode()


def test_a_newer_version_is_kept_unless_it_may_go():
    kept, replaced = (users_script.user(exe(allow_downgrade=may), "w", 60).decode() for may in (False, True))
    assert "set opc_end=newer" in kept and "call :away" not in kept
    assert "set opc_end=newer" not in replaced and "call :away %%n" in replaced


def test_an_msi_is_looked_for_below_the_users_sid():
    text = users_script.user(msi(), "w", 60).decode()
    assert guid.packed(FAMILY) in text and guid.packed(NEW) in text
    assert "\\UserData\\%opc_sid%\\Products\\%1\\InstallProperties" in text and "set opc_job=again.cmd" in text


def test_removal_by_what_each_user_has():
    wish = order(state="absent", uninstall_arguments=("/S",))
    one = scene(wish, {ANNA: Someone("1.0.0")}).people[0]
    files = wish.away(ANNA, one.installed)
    assert sorted(files) == [f"away-{ANNA}-0.cmd", f"tidy-{ANNA}-0.cmd"]
    assert b'"C:\\Users\\x\\uninstall.exe" /S' in files[f"away-{ANNA}-0.cmd"]
    assert (
        files[f"tidy-{ANNA}-0.cmd"]
        == b'@echo off\r\ndel /f /q "C:\\Users\\x\\uninstall.exe"\r\nrd "C:\\Users\\x"\r\nexit /b 0\r\n'
    )


# -- what is understood ---------------------------------------------------------------------------------------------------


def test_users_who_are_logged_on_and_who_are_not():
    wish = order()
    found = scene(wish, {ANNA: Someone("2.0.0", 0, wish.wish, runs=("a.done",)), IVAN: Someone("1.0.0", on=False)})
    anna, ivan = found.people
    assert [one.version for one in anna.installed] == ["2.0.0"] and anna.installed[0].sid == ANNA
    assert (anna.mark.wish, anna.mark.code, anna.mark.runs) == (wish.wish, 0, {"a.done"})
    assert (ivan.user.logged_on, ivan.readable, ivan.installed[0].version) == (False, True, "1.0.0")
    assert found.registered(wish) and users_plan.complete(found, wish)


def test_msi_products_of_users_need_no_hive():
    wish = Order(msi(scope="user"))
    given = answers(wish, {ANNA: Someone(), IVAN: Someone(on=False, refused=True)})
    key = f"HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\UserData\\{IVAN}\\Products\\{guid.packed(NEW)}"
    text = f"{key}\\InstallProperties\r\n    DisplayVersion    REG_SZ    2.0.0\r\n"
    found = users_detect.understand(wish, {**given, "client.product": said(text), "client.jobs": said()})
    assert [users_plan.state(one, wish, compare) for one in found.people] == ["pending", "installed"]


def test_a_task_that_is_switched_off_or_of_another_wish_is_not_registered():
    wish = order()
    task = wish.logon_xml(PROGRAMS).decode("utf-16")
    assert not scene(wish, {}, task=task.replace("<Enabled>true", "<Enabled>false")).registered(wish)
    assert not scene(wish, {}, task=order(version="3").logon_xml(PROGRAMS).decode("utf-16")).registered(wish)
    assert scene(wish, {}, task="\0".join(task)).registered(wish)


def test_a_hive_that_an_interrupted_run_left_is_unloaded():
    given = answers(order(), {IVAN: Someone(on=False)}) | {"users.hives": said("HKEY_USERS\\onprem-chat-registry\r\n")}
    assert users_detect.LEFTOVER in [ask.name for ask in users_detect.more(order(), given)]


@pytest.mark.parametrize(
    ("someone", "state"),
    [
        (Someone("2.0.0"), "installed"),
        (Someone("2.0"), "installed"),
        (Someone("1.9"), "outdated"),
        (Someone("2.1"), "newer"),
        (Someone(""), "pending"),
        (Someone("", 7, "WISH"), "failed"),
        (Someone("1.0", 7, "WISH"), "failed"),
        (Someone("", 7, "another"), "pending"),
        (Someone("", on=False, refused=True), "unknown"),
    ],
)
def test_the_state_of_a_user(someone, state):
    wish = order()
    someone.wish = wish.wish if someone.wish == "WISH" else someone.wish
    shown = users_plan.shown(scene(wish, {ANNA: someone}).people[0], wish, compare)
    assert shown["state"] == state and shown["exit_code"] == (7 if state == "failed" else None)


def test_who_has_the_name_of_somebody_else_is_told_with_the_sid(monkeypatch):
    monkeypatch.setitem(users_desk.NAMES, IVAN, "Anna Maria")
    found = scene(order(), {ANNA: Someone(), IVAN: Someone(on=False)})
    assert [one.called for one in found.people] == [f"anna maria ({ANNA})", f"Anna Maria ({IVAN})"]
    assert users_plan.shown(found.people[0], order(), compare)["name"] == "anna maria"


@pytest.mark.parametrize(("repaired", "state"), [("new", "installed"), ("old", "pending"), ("", "pending")])
def test_a_repair_is_pending_until_the_user_had_it(repaired, state):
    wish = order()
    mark = f"    Repair.PC9    REG_SZ    of another desktop\r\n    Repair.PC1    REG_SZ    {repaired}\r\n"
    given = answers(wish, {ANNA: Someone("2.0.0", 0, wish.wish)}, repair="new\r\n")
    text = given[users_detect.LOADED].text.replace("    End ", f"{mark}    End ", 1)
    found = users_detect.understand(wish, {**given, users_detect.LOADED: said(text)})
    assert users_plan.shown(found.people[0], wish, compare, found.repair)["state"] == state
    assert users_plan.shown(found.people[0], wish, compare)["state"] == "installed"


def test_codes_above_31_bits_are_known_to_both_sides():
    """%errorlevel% has a sign, what is read from a hive has none."""
    given = {"state": "present", "scope": "user", "uninstall_key": "Corp Voice", "arguments": ["/S"]}
    package = Package("exe", "x.exe", 1, "0" * 64, "Corp Voice", "2.0.0")
    for code in (-1073741819, 0xC0000005):
        wish = wanted.wanted({**given, "success_codes": [code]}, package)
        assert wish.success_codes == (0xC0000005,)
        assert "in (0 1641 3010 -1073741819) do" in users_script.user(wish, "w", 60).decode()


def test_a_repair_counts_as_had_only_when_it_went_well():
    text = users_script.user(exe(scope="user", success_codes=(7, 0xC0000005)), "w", 60).decode()
    assert 'for %%c in (0 7 1641 3010 -1073741819) do if "%opc_code%"=="%%c" reg add' in text
    assert 'set "opc_repaired=Repair.%COMPUTERNAME%"' in text


# -- what is planned ------------------------------------------------------------------------------------------------------


def test_nothing_to_do_although_somebody_is_pending():
    plan = planned(order(), {ANNA: Someone("2.0.0"), IVAN: Someone(on=False)})
    assert not plan.changed and plan.why == "registered for users, and whoever is logged on has it"


@pytest.mark.parametrize("version", ["", "1.0.0"])
def test_whoever_is_logged_on_gets_it_now(version):
    plan = planned(order(), {ANNA: Someone(version), IVAN: Someone(version, on=False)})
    assert [one.sid for one in plan.now] == [ANNA] and not plan.register
    assert plan.why == "anna maria logged on without it"


def test_a_file_that_is_missing_or_cut_is_written_again():
    assert planned(order(), {}, files="").register
    wish = order()
    size = len(wish.files(PROGRAMS)["user.cmd"])
    from_dir = "".join(f"{line}\r\n" for line in scene(wish, {}).files)
    assert not planned(wish, {}, files=from_dir).register
    assert planned(wish, {}, files=from_dir.replace(f" {size} user.cmd", f" {size - 1} user.cmd")).register


def test_a_newer_version_goes_only_when_it_may():
    assert not planned(order(), {ANNA: Someone("3.0")}).changed
    plan = planned(order(allow_downgrade=True), {ANNA: Someone("3.0"), IVAN: Someone("3.0", on=False)})
    assert [one.sid for one in plan.now] == [ANNA]
    assert {name.rpartition("-")[0] for name in plan.files} >= {f"away-{ANNA}", f"away-{IVAN}"}


def test_repair_is_for_everybody():
    plan = planned(order(state="repair"), {ANNA: Someone("2.0.0"), IVAN: Someone("2.0.0", on=False)})
    assert [one.sid for one in plan.now] == [ANNA] and plan.why == "repair was asked for"


def test_removal_waits_for_those_who_are_not_there():
    away = order(state="absent")
    people = {ANNA: Someone("2.0.0"), IVAN: Someone("1.0.0", on=False)}
    plan = planned(away, people, registered=False)
    assert plan.register and [one.sid for one in plan.now] == [ANNA] and not plan.finish
    assert any(name.startswith(f"away-{IVAN}") for name in plan.files)


def test_removal_ends_when_nobody_has_it():
    away = order(state="absent")
    assert planned(away, {ANNA: Someone()}).finish
    assert not planned(away, {ANNA: Someone()}, registered=False).changed
    assert [one.sid for one in planned(away, {ANNA: Someone("", 7, "old")}, registered=False).forget] == [ANNA]


def test_removal_does_not_end_while_a_profile_cannot_be_read():
    assert not planned(order(state="absent"), {IVAN: Someone(on=False, refused=True)}).changed


# -- sessions -------------------------------------------------------------------------------------------------------------


def test_each_user_is_waited_for_in_few_questions():
    asks = users_sessions.questions(order(), [ANNA, IVAN], "word")
    assert [ask.name for ask in asks] == ["session.pause", f"session.{ANNA}", f"session.{IVAN}"]
    assert "/v word.done" in asks[0].command and "ping" in asks[0].command and "ping" not in asks[1].command


@pytest.mark.parametrize(
    ("heard", "end"),
    [
        (["here", "here BEGUN runs", "here BEGUN runs", "here BEGUN DONE"], "done"),
        (["here BEGUN runs", ""], "gone"),
        (["here BEGUN runs", "here BEGUN"], "cut"),
        # Its task was never seen to run: perhaps schtasks says it otherwise there.
        (["here BEGUN", "here BEGUN", "here BEGUN DONE"], "done"),
    ],
)
def test_how_a_run_in_a_session_ends(heard, end):
    lines = iter(heard)
    words = {
        "here": "here",
        "runs": "running",
        "BEGUN": "    word.begun    REG_SZ    1",
        "DONE": "    word.done    REG_SZ    1",
    }

    def batch(asks, deadline):
        del deadline
        key = f"HKEY_USERS\\{ANNA}\\Runs"
        told = next(lines).split()
        text = "\r\n".join(
            [*(words[word] for word in told if word.islower()), key, *(words[w] for w in told if w.isupper())]
        )
        return {ask.name: said(text) for ask in asks}

    runner = SimpleNamespace(batch=batch, run=lambda *_given, **_more: said(), write_file=lambda *_given: None)
    anna = scene(order(), {ANNA: Someone()}).people
    assert users_sessions.run(runner, order(), PROGRAMS, anna, "word", lambda seconds: None) == {ANNA: end}


def test_a_login_that_is_refused_while_sessions_are_waited_for_does_not_lock_the_account():
    problems = [
        Lost("The connection broke off", "win1", "A", "B"),
        *[Refused("win1 refused svc", "win1", "A", "B")] * 9,
    ]
    pauses = []

    def batch(asks, deadline):
        del asks, deadline
        raise problems.pop(0)

    runner = SimpleNamespace(batch=batch, run=lambda *_given, **_more: said(), write_file=lambda *_given: None)
    anna = scene(order(), {ANNA: Someone()}).people
    with pytest.raises(Refused):
        users_sessions.run(runner, order(), PROGRAMS, anna, "word", pauses.append)
    assert len(problems) == 7 and pauses == [5.0, 60.0]


# -- a whole visit --------------------------------------------------------------------------------------------------------


@pytest.fixture
def visit(tmp_path):
    """Gives a function that visits a host with these users: the result, and the host."""
    (tmp_path / "voice.exe").write_bytes(BYTES)

    def _visit(people, installs=None, registered=False, check_mode=False, **changes):
        wish = exe(scope="user", path=str(tmp_path / "voice.exe"), **changes)
        task = converge.Task(wish, SOURCE, compare, check_mode=check_mode)
        seen = users_converge.UserVisit(None, task, sleep=lambda seconds: None)
        host = seen.runner = Desktop(seen.order, people, installs, registered)
        return seen.converge(), host

    return _visit


def test_a_host_with_hundreds_of_profiles_gets_the_time_that_loading_them_takes(visit, monkeypatch):
    people = {f"S-1-5-21-1-2-3-{2000 + number}": Someone(on=False) for number in range(200)}
    monkeypatch.setattr(users_desk, "NAMES", {sid: f"pupil {sid[-4:]}" for sid in people})
    asked, loads = Desktop.batch, []

    def slow(host, asks, *, deadline):
        loads.append(sum("reg load" in ask.command for ask in asks))
        assert deadline > 2 * loads[-1]
        return asked(host, asks)

    monkeypatch.setattr(Desktop, "batch", slow)
    result, _host = visit(people)
    assert len(result["users"]) == max(loads) == 200


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_roaming_profile_of_somebody_who_is_not_logged_on_is_not_looked_at(visit, check_mode):
    people = {ANNA: Someone("2.0.0"), IVAN: Someone("1.0.0", on=False, roaming=True)}
    result, host = visit(people, registered=True, check_mode=check_mode)
    assert [(one["name"], one["state"]) for one in result["users"]] == [
        ("anna maria", "installed"),
        ("иван", "unknown"),
    ]
    assert f"people.{IVAN}" not in [name for names in host.asked for name in names]


def gives(people, version, code=0, end="installer"):
    """Whoever runs the wish has this version afterwards."""

    def installs(sid):
        one = people[sid]
        one.version, one.code, one.end, one.wish = version, code, end, one.wish

    return installs


def test_where_reg_exe_may_not_run_nobody_is_taken_for_without(tmp_path):
    task = converge.Task(exe(scope="user", state="absent", path=str(tmp_path)), SOURCE, compare)
    seen = users_converge.UserVisit(None, task, sleep=lambda seconds: None)
    host = seen.runner = Desktop(seen.order, {ANNA: Someone()})
    real = host.batch
    host.batch = lambda asks, **more: real(asks, **more) | {users_detect.PLACE: said(PROGRAMS, 1)}
    with pytest.raises(ClientError, match="registry cannot be asked"):
        seen.converge()


def test_a_visit_installs_for_those_who_are_there(visit):
    people = {ANNA: Someone(), IVAN: Someone(on=False)}
    result, host = visit(people, gives(people, "2.0.0"))
    assert result["changed"] and {one["name"]: one["state"] for one in result["users"]} == {
        "anna maria": "installed",
        "иван": "pending",
    }
    assert [(step["user"], step["run_as"], step["action"]) for step in result["steps"]] == [
        ("anna maria", "user", "install")
    ]
    assert result["diff"]["after"] == "Corp Voice 2.0.0 (every user, at logon)\nCorp Voice 2.0.0 (user anna maria)\n"
    created = [command for command in host.commands if "/create" in command]
    assert host.order.task in created[0] and ANNA in created[1] and len(created) == 2
    assert not any(IVAN in command for command in host.commands)


def test_a_second_visit_asks_and_does_nothing(visit):
    people = {ANNA: Someone("2.0.0"), IVAN: Someone(on=False)}
    result, host = visit(people, registered=True)
    assert not result["changed"] and host.commands == [] and host.files == {}
    assert len(host.asked) == 2 and host.asked[1] == [f"people.{IVAN}"]


def test_check_mode_changes_nothing(visit):
    result, host = visit({ANNA: Someone()}, check_mode=True)
    assert result["changed"] and host.commands == [] and host.files == {}
    assert result["users"][0]["state"] == "pending"


def test_who_failed_is_named(visit):
    people = {ANNA: Someone(), IVAN: Someone()}

    def installs(sid):
        people[sid].code, people[sid].wish = (7, WISH) if sid == ANNA else (0, WISH)
        people[sid].version = "" if sid == ANNA else "2.0.0"

    WISH = ""
    with pytest.raises(InstallerError) as caught:
        visit_with_wish = functools.partial(visit, people)
        WISH = Order(exe(scope="user", path="/x/voice.exe")).wish
        visit_with_wish(installs)
    assert "The install of Corp Voice 2.0.0 failed for anna maria: exit code 7, exit code 7" in str(caught.value)
    assert caught.value.details["exit_code"] == 7
    assert [one["state"] for one in caught.value.details["users"]] == ["failed", "installed"]


def test_an_installer_that_registers_something_else(visit):
    """The likeliest mistake about an EXE is a wrong uninstall_key, and nothing of it is seen in the exit code."""
    people = {ANNA: Someone()}

    def installs(sid):
        people[sid].code, people[sid].wish = 0, Order(exe(scope="user", path="/x/voice.exe")).wish

    with pytest.raises(InstallerError) as caught:
        visit(people, installs)
    assert "anna maria: exit code 0, but it is not registered for the user" in str(caught.value)
    assert "It registers itself under another key" in str(caught.value)
    assert str(caught.value).endswith(
        "Ask win_client_info with profiles=true what the host has now, and compare version, product_code or uninstall_key."
    )


def test_a_newer_version_fails_after_the_others_have_it(visit):
    people = {ANNA: Someone("9.0"), IVAN: Someone()}
    with pytest.raises(RefusedError) as caught:
        visit(people, gives(people, "2.0.0"))
    assert "Corp Voice is installed in a version newer than 2.0.0 for anna maria (9.0)" in str(caught.value)
    assert people[IVAN].version == "2.0.0"


def test_what_a_deadline_ended_has_no_exit_code_of_its_own(visit):
    people = {ANNA: Someone()}

    def installs(sid):
        people[sid].code, people[sid].end, people[sid].wish = 1, "deadline", people[sid].wish

    with pytest.raises(InstallerError) as caught:
        visit(people, installs)
    assert "failed for anna maria: it did not end within 1800 seconds and was ended" in str(caught.value)
    assert "shows a dialog" in str(caught.value) and "exit_code" not in caught.value.details


def test_what_another_run_did_meanwhile_is_no_failure(visit, monkeypatch):
    """Two controllers: the task of one is taken away by the other, which installs."""
    people = {ANNA: Someone()}

    def start(*_given):
        people[ANNA].version = "2.0.0"
        return False

    monkeypatch.setattr(users_sessions, "_start", start)
    assert visit(people)[0]["users"][0]["state"] == "installed"


def test_files_of_single_users_are_there_before_the_task(visit):
    people = {ANNA: Someone("9.0")}
    _result, host = visit(people, gives(people, "2.0.0"), allow_downgrade=True)
    written = [path.rpartition("\\")[2] for path in host.files]
    assert written.index(f"away-{ANNA}-0.cmd") < written.index("logon.xml")


def test_a_newer_version_is_kept(visit):
    """A client that updates itself: who has none gets it, and nothing is said against the others."""
    people = {ANNA: Someone("9.0"), IVAN: Someone()}
    result, _host = visit(people, gives(people, "2.0.0"), keep_newer=True)
    assert {one["name"]: (one["state"], one["version"]) for one in result["users"]} == {
        "anna maria": ("newer", "9.0"),
        "иван": ("installed", "2.0.0"),
    }


def test_removal_leaves_nothing(visit):
    people = {ANNA: Someone("2.0.0")}
    result, host = visit(people, gives(people, ""), registered=True, state="absent")
    assert result["changed"] and not host.registered and result["users"][0]["state"] == "absent"
    assert f'rd /s /q "{host.order.above(PROGRAMS)}"' in host.commands[-1]


def test_somebody_who_logs_off_meanwhile_is_pending(visit):
    people = {ANNA: Someone()}

    def installs(sid):
        people[sid].on = False

    result, _host = visit(people, installs)
    assert result["users"][0]["state"] == "pending" and not result["users"][0]["logged_on"]


def test_what_lies_on_a_host_is_found_without_the_package():
    """The package says another name than the key, and is not given for a removal."""
    with_package, without = (
        order(name="Corp Voice (Ünïcode)"),
        order(name="Corp Voice", state="absent", path="", sha256=""),
    )
    assert with_package.task == without.task and with_package.above(PROGRAMS) == without.above(PROGRAMS)


def test_a_percent_sign_in_an_uninstallers_folder():
    wish = order(state="absent")
    command = '"C:\\Users\\x\\100% of %\\uninstall.exe" /S'
    one = scene(wish, {ANNA: Someone("1.0.0", command=command)}).people[0]
    text = wish.away(ANNA, one.installed)[f"away-{ANNA}-0.cmd"].decode()
    assert '"C:\\Users\\x\\100%% of %%\\uninstall.exe" /S _?=C:\\Users\\x\\100%% of %%\r\n' in text


# -- options --------------------------------------------------------------------------------------------------------------


def wish_of(scope: str, package_scope: str, kind: str = "msi", default: str = "machine", **given):
    package = SimpleNamespace(
        kind=kind, path="/p/chat", size=9, sha256="0" * 64, name="Corp Chat", version="2.0.0", scope=package_scope,
        default_scope=default, product_code=NEW, upgrade_code=FAMILY, technology="electron_builder", silent_uninstall=(),
    )  # fmt: skip
    return wanted.wanted({"state": "present", "scope": scope, "uninstall_key": "Corp Chat", **given}, package)


@pytest.mark.parametrize(
    ("scope", "package_scope", "text"),
    [
        ("machine", "user", "The package installs for a single user only (the task's options). It was built per user"),
        (
            "user",
            "machine",
            "The package installs for all users of a machine only (the task's options). It was built for",
        ),
    ],
)
def test_a_package_for_the_other_scope(scope, package_scope, text):
    with pytest.raises(OptionError) as caught:
        wish_of(scope, package_scope)
    assert text in str(caught.value)
    assert wish_of(scope, package_scope, properties={"ANY": "1"}).scope == scope


@pytest.mark.parametrize("run_as", ["session", "system"])
def test_run_as_is_of_the_machine(run_as):
    with pytest.raises(OptionError, match="run_as does not go together with scope=user"):
        wish_of("user", "user", run_as=run_as)


@pytest.mark.parametrize(
    ("package_scope", "default", "properties"),
    [
        ("either", "machine", (("ALLUSERS", "2"), ("MSIINSTALLPERUSER", "1"))),
        ("either", "user", ()),
        ("user", "user", ()),
    ],
)
def test_what_an_msi_is_told_for_a_single_user(package_scope, default, properties):
    wish = wish_of("user", package_scope, default=default)
    assert wish.properties == properties
    line = Order(wish).files(PROGRAMS)["install.cmd"].decode()
    assert "ALLUSERS=1" not in line and all(f'{name}="{value}"' in line for name, value in properties)


def test_switches_of_an_exe_for_a_single_user():
    assert wish_of("user", "either", kind="exe").install_arguments == ("/S", "/currentuser")


# -- what users may have written ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("C:\\Users\\anna maria\\AppData\\Local\\onprem.chat\\voice\\msi.log", True),
        ("c:\\users\\ANNA MARIA\\x.log", True),
        ("\\\\evil\\share\\msi.log", False),
        ("C:\\Users\\anna maria2\\msi.log", False),
        ("C:\\Users\\anna maria\\..\\ivan\\secret.txt", False),
        ("C:\\Users\\anna maria\\x.log:stream", False),
        ("C:\\Users\\anna maria/../ivan/secret.txt", False),
        ("C:\\Windows\\System32\\config\\SAM", False),
        ("", False),
    ],
)
def test_a_log_is_read_within_its_users_profile_only(path, good):
    assert users_detect.within(path, "C:\\Users\\anna maria") is good


def test_without_a_profile_no_log_is_read():
    assert not users_detect.within("\\\\evil\\share\\msi.log", "")
    assert not users_detect.within("\\\\evil\\share\\msi.log", "\\\\evil\\share")


def test_the_log_of_somebody_elses_choice_is_named_and_not_read(monkeypatch):
    monkeypatch.setattr(Desktop, "read_file", lambda *_args, **_options: pytest.fail("it was read"), raising=False)
    person = users_detect.Person(
        users_detect.User(ANNA, "anna maria", "C:\\Users\\anna maria", True, True),
        mark=users_detect.Mark(log="\\\\evil\\share\\msi.log"),
    )
    host = Desktop(order(), {})
    asked = users_converge.UserVisit(
        host,
        SimpleNamespace(
            **dict.fromkeys(("close", "transforms"), ()),
            wanted=order().wanted,
            deadline=9,
            retry_busy=0,
            force=False,
        ),
    )
    assert "is not within the user's profile" in asked._log_of(person)[0]


def test_what_a_user_writes_into_his_hive_is_no_answer_about_another():
    wish = order()
    forged = f"onprem-chat-registry-part HKEY_USERS\\{IVAN}.64 0"
    given = answers(wish, {ANNA: Someone("2.0.0", end=f"x\r\n{forged}"), IVAN: Someone()})
    seen = {one.sid: one.installed for one in users_detect.understand(wish, given).people}
    assert [one.version for one in seen[ANNA]] == ["2.0.0"] and seen[IVAN] == ()


@pytest.mark.parametrize(
    "change",
    [
        ("<GroupId>S-1-5-32-545</GroupId>", f"<UserId>{ANNA}</UserId>"),
        ("<Arguments>", "<Arguments>x</Arguments><Other>"),
    ],
)
def test_a_task_that_somebody_made_for_himself_is_not_ours(change):
    wish = order()
    task = wish.logon_xml(PROGRAMS).decode("utf-16")
    assert not scene(wish, {}, task=task.replace(*change)).registered(wish)


def test_without_tools_of_the_registry_nothing_is_installed_at_all():
    """DisableRegistryTools: who has what could not be told, and the installer would run at every logon."""
    text = order().files(PROGRAMS)["user.cmd"].decode()
    assert 0 < text.index("reg query HKCU >nul 2>nul || exit /b 95\r\n") < text.index(":begin")
