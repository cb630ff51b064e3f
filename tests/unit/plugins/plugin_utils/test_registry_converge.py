# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From settings to a host that has them: what is asked, written and read back, with a stand-in for reg.exe."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._registry import commands, settings, values
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.apply import ask_all, converge
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import AnswerError, NotConverged
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.part import Part
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.questions import questions
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.reg_file import Instruction
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.registry_host import ANNA, IVAN, OLEG, Host

KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor"
USER_KEY = "HKEY_USERS\\HIVE\\Software\\Vendor"
HEAD = "Windows Registry Editor Version 5.00\n\n"


def wants(*items, files=None):
    return settings.from_options(items, lambda path: (HEAD + files[path]).encode())


def item(name, data=None, **more):
    return {"key": "SOFTWARE\\Vendor", "name": name, "data": data, **more}


@pytest.fixture
def host():
    found = Host()
    found.user(IVAN, "Иван Петров", logged_on=True)
    found.user(ANNA, "anna 100% & co")
    return found


def twice(host, wanted):
    """Check mode that changes nothing, the first run, the second that finds nothing to do."""
    checked = converge(host, wanted, check_mode=True)
    assert host.written == []
    first = converge(host, wanted)
    assert (first.changed, first.diff) == (True, checked.diff)
    assert host.files == {} and host.mounted is None
    again = converge(host, wanted)
    assert (again.changed, again.diff, again.changes) == (False, {"before": "", "after": ""}, [])
    return first


@pytest.mark.parametrize("state", ["present", "absent"])
def test_where_reg_exe_may_not_run_nothing_is_taken_for_gone(host, state):
    real = host._run
    host._run = lambda command: Answer(1, b"C:\\Windows\r\n") if "reg query HKLM " in command else real(command)
    with pytest.raises(AnswerError, match="registry cannot be asked"):
        converge(host, wants(item("Port", *([5222] if state == "present" else []), state=state)))
    assert host.written == []


def test_a_file_that_a_killed_run_left_goes_with_the_next_ones(host):
    host.files["C:\\Windows\\Temp\\onprem-chat-registry-0123.reg"] = b"left"
    host.files["C:\\Windows\\Temp\\~onprem-0123456789-abcdef.tmp"] = b"half of one"
    host.files["C:\\Windows\\Temp\\other.reg"] = b"somebody else's"
    converge(host, wants(item("Port", 5222, type="dword")))
    assert list(host.files) == ["C:\\Windows\\Temp\\other.reg"]


def test_nobody_can_foretell_the_names_of_files(host):
    """Else a user could be there first, and change what an administrator imports."""
    for _time in range(2):
        host.registry.do(Instruction(KEY, "Port", values.integer(values.DWORD, 1)))
        converge(host, wants(item("Port", 5222, type="dword")))
    imported = [command for command in host.commands if command.startswith("reg import")]
    assert len(imported) == len(set(imported)) == 2


def test_values_of_the_machine(host):
    host.registry.do(Instruction(KEY, "Port", values.integer(values.DWORD, 1)))
    host.registry.do(Instruction(KEY, "Old", values.text(values.STRING, "gone")))
    first = twice(
        host,
        wants(
            item("Port", 5222, type="dword"), item("Server", "chat"), item("Old", state="absent"), item("", "default")
        ),
    )
    assert first.diff == {
        "before": '[HKLM\\SOFTWARE\\Vendor]\n  Port = dword:1\n  Old = string:"gone"\n',
        "after": '[HKLM\\SOFTWARE\\Vendor]\n  Port = dword:5222\n  Server = string:"chat"\n  (default) = string:"default"\n',
    }
    assert [(change["action"], change["name"]) for change in first.changes] == [
        ("set_value", "Port"),
        ("set_value", "Server"),
        ("remove_value", "Old"),
        ("set_value", ""),
    ]
    assert values.meaning(host.registry.get(KEY, "server")) == "chat"
    assert host.registry.get(KEY, "Old") is None


def test_two_hundred_values_in_one_question_and_one_file(host):
    wanted = wants(*[item(f"value {number}", number, type="dword") for number in range(200)])
    assert len(questions(wanted)) == 2
    converge(host, wanted)
    assert len(host.batches) == 2
    assert len(host.written) == 1


def test_keys(host):
    host.registry.do(Instruction("HKEY_LOCAL_MACHINE\\SOFTWARE\\Old\\Below", "a", values.text(1, "b")))
    wanted = wants({"key": "HKLM\\SOFTWARE\\Old", "state": "absent"}, {"key": "HKLM\\SOFTWARE\\New"})
    first = twice(host, wanted)
    assert first.diff == {"before": "[HKLM\\SOFTWARE\\Old] and everything below\n", "after": "[HKLM\\SOFTWARE\\New]\n"}
    assert not host.registry.below("HKEY_LOCAL_MACHINE\\SOFTWARE\\Old")


def test_removing_a_value_makes_no_key(host):
    assert converge(host, wants(item("a", state="absent"))).changed is False


def test_views(host):
    twice(host, wants(item("a", "64 bit", view="64"), item("a", "32 bit", view="32")))
    assert [values.meaning(host.views[view].get(KEY, "a")) for view in ("64", "32")] == ["64 bit", "32 bit"]


def test_all_users(host):
    first = twice(host, wants(item("a", "b", scope=["users", "default_profile"])))
    assert "[HKU\\S-1-5-21-1-2-3-1104 (Иван Петров)\\SOFTWARE\\Vendor]\n" in first.diff["after"]
    assert "[HKU\\S-1-5-21-1-2-3-1105 (anna 100% & co)\\SOFTWARE\\Vendor]\n" in first.diff["after"]
    assert "[Default profile\\SOFTWARE\\Vendor]\n" in first.diff["after"]
    for registry in host.profiles.values():
        assert values.meaning(registry.get(USER_KEY, "a")) == "b"
    # profiles that need the same share a file; the loaded hive has its own
    assert len(host.written) == 2
    assert [(user["name"], user["loaded"]) for user in first.users] == [
        ("Иван Петров", True),
        ("anna 100% & co", False),
    ]


def test_loaded_users_only(host):
    twice(host, wants(item("a", "b", scope=["loaded_users"])))
    changed = [path for path, registry in host.profiles.items() if registry.get(USER_KEY, "a")]
    assert changed == ["C:\\Users\\Иван Петров"]
    assert not any("reg load" in command for command in host.commands)


def test_loaded_users_are_asked_in_the_first_round_trip(host):
    wanted = wants(item("a", "b"), item("a", "b", scope=["loaded_users"]), item("", "c", scope=["loaded_users"]))
    converge(host, wanted)
    host.batches.clear()
    assert converge(host, wanted).changed is False
    assert len(host.batches) == 1
    # a key that the loop would read as its own
    odd = wants(item("a", "b", scope=["loaded_users"], key="Software\\100%key"))
    converge(host, odd)
    assert host.profiles["C:\\Users\\Иван Петров"].get("HKEY_USERS\\HIVE\\Software\\100%key", "a")


@pytest.mark.parametrize("run", [converge, lambda host, wanted: Part(wanted).apply(host)], ids=["alone", "part"])
def test_a_host_with_hundreds_of_profiles_gets_the_time_that_loading_them_takes(host, run):
    """A lecture hall, a terminal server: ended in the middle the next run would come no further, and a hive may stay loaded."""
    for number in range(200):
        host.user(f"S-1-5-21-1-2-3-{2000 + number}", f"pupil{number}")
    asked = host.batch

    def slow(asks, *, deadline):
        assert deadline > 2 * sum("reg load" in ask.command for ask in asks)
        return asked(asks)

    host.batch = slow
    run(host, wants(item("a", "b", scope=["users"])))
    assert host.profiles["C:\\Users\\pupil199"].get(USER_KEY, "a")


def test_default_profile_only(host):
    twice(host, wants(item("a", "b", scope=["default_profile"])))
    changed = [path for path, registry in host.profiles.items() if registry.get(USER_KEY, "a")]
    assert changed == ["C:\\Users\\Default"]


def test_many_values_of_a_profile_open_its_hive_in_few_command_lines(host):
    keys = [
        {"key": f"Software\\Vendor\\{number:03}", "name": "a", "data": "b", "scope": ["users"]} for number in range(80)
    ]
    twice(host, wants(*keys))
    assert all(len(command) < 8000 for command in host.commands)


@pytest.mark.parametrize("separator", [True, False])
def test_lists_of_texts(separator):
    host = Host(separator=separator)
    host.registry.do(Instruction(KEY, "a", values.multi(["one\\0two"])))
    twice(host, wants(item("a", ["one", "two"], type="multistring")))
    assert values.meaning(host.registry.get(KEY, "a")) == ("one", "two")


@pytest.mark.parametrize("label", ["(Default)", "(По умолчанию)"])
def test_the_default_value_and_one_of_its_label(label):
    host = Host(label=label)
    host.registry.do(Instruction(KEY, label, values.text(1, "x")))
    twice(host, wants(item("", "x"), item("(Default)", "y")))
    assert values.meaning(host.registry.get(KEY, "")) == "x"
    assert values.meaning(host.registry.get(KEY, "(Default)")) == "y"


def test_a_host_whose_console_has_no_such_letters():
    host = Host()
    run = host._run

    def poor(command):
        answer = run(command)
        return Answer(answer.exit_code, answer.stdout.decode().encode("cp1252", "replace"))

    host._run = poor
    twice(host, wants(item("Имя", "Чат"), item("b", "😀")))


def test_a_vendors_file_that_empties_a_key(host):
    host.registry.do(Instruction(KEY, "S3CRET", values.text(1, "S3CRET data")))
    host.registry.do(Instruction(f"{KEY}\\Below", "x", values.text(1, "y")))
    text = f'[-{KEY}]\n[{KEY}\\New]\n"a"="b"\n'
    first = twice(host, wants({"reg_file": "f"}, files={"f": text}))
    assert sorted(host.registry.below(KEY)) == [KEY.upper(), f"{KEY}\\NEW".upper()]
    assert "S3CRET data" not in str(first)
    assert first.diff["after"] == '[HKLM\\SOFTWARE\\Vendor]\n[HKLM\\SOFTWARE\\Vendor\\New]\n  a = string:"b"\n'


def test_no_secret_anywhere_but_in_the_file(host):
    host.registry.do(Instruction(KEY, "token", values.text(1, "0ld-canary")))
    first = twice(host, wants(item("token", "n3w-canary", secret=True), item("gone", state="absent", secret=True)))
    assert first.diff == {
        "before": "[HKLM\\SOFTWARE\\Vendor]\n  token = string:********\n",
        "after": "[HKLM\\SOFTWARE\\Vendor]\n  token = string:******** (new)\n",
    }
    assert "canary" not in str(first) + str(host.commands)


def test_a_profile_without_a_hive_is_passed_over_with_a_warning(host):
    del host.profiles["C:\\Users\\anna 100% & co"]
    wanted = wants(item("a", "b", scope=["users"]))
    assert converge(host, wanted).warnings == [
        "anna 100% & co has no NTUSER.DAT in C:\\Users\\anna 100% & co: nothing of his can be set. Is this a rest of a profile?"
    ]
    assert converge(host, wanted).changed is False


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_roaming_profile_of_somebody_who_is_not_logged_on_is_left_alone(host, check_mode):
    """Loading changes the date of NTUSER.DAT, and Windows takes the newer one: what he has set elsewhere would be lost."""
    host.user(OLEG, "oleg", central="\\\\files.corp.test\\profiles$\\oleg.V6")
    found = converge(host, wants(item("a", "b", scope=["users", "default_profile"])), check_mode=check_mode)
    assert found.changed and [text.partition(" and ")[0] for text in found.warnings] == ["oleg has a roaming profile"]
    assert not any("Users\\oleg" in command for command in host.commands)
    # nor is it asked about where nobody wants anything of profiles
    assert converge(host, wants(item("a", "b", scope=["loaded_users"])), check_mode=True).warnings == []


def test_a_hive_that_cannot_be_loaded_does_not_stop_the_others(host):
    host.user(OLEG, "oleg")
    host.refused.add("C:\\Users\\anna 100% & co")
    with pytest.raises(NotConverged) as caught:
        converge(host, wants(item("a", "b", scope=["users"])))
    assert str(caught.value) == (
        "The hives of some profiles could not be loaded; everything else is done (anna 100% & co (C:\\Users\\anna 100% & co)). "
        "Is another program using it, or is NTUSER.DAT damaged? The account needs the rights of an administrator. "
        "Try again when he is logged off; scope loaded_users leaves such profiles out."
    )
    assert caught.value.details["changed"] is True
    assert host.profiles["C:\\Users\\oleg"].get(USER_KEY, "a")


def test_a_user_who_logs_on_between_the_questions(host):
    batch = host.batch

    def logs_on(asks, **more):
        answers = batch(asks, **more)
        host.loaded[ANNA] = "C:\\Users\\anna 100% & co"
        return answers

    host.batch = logs_on
    converge(host, wants(item("a", "b", scope=["users"])))
    assert host.profiles["C:\\Users\\anna 100% & co"].get(USER_KEY, "a")


def test_a_hive_that_a_cut_has_left_loaded_is_unloaded(host):
    host.mounted = "C:\\Users\\anna 100% & co"
    converge(host, wants(item("a", "b", scope=["loaded_users"])))
    assert host.mounted is None


def test_a_hive_that_stays_loaded_is_an_error(host):
    host.sticky = 1000
    with pytest.raises(NotConverged, match="A user's hive stays loaded after it was read"):
        converge(host, wants(item("a", "b", scope=["users"])))


def test_what_is_not_written_is_said_without_data(host):
    host.read_only = True
    with pytest.raises(NotConverged) as caught:
        converge(host, wants(item("token", "canary", secret=True), item("b", "c")))
    assert str(caught.value) == (
        "After writing, 3 of 3 settings are not as wanted (HKLM\\SOFTWARE\\Vendor: (key); HKLM\\SOFTWARE\\Vendor: token; "
        "HKLM\\SOFTWARE\\Vendor: b). The account may not write there, or a policy or a program writes something else. "
        "Try one of them with reg add as the same account, and look for a Group Policy that sets it."
    )
    assert "canary" not in str(caught.value.result())


def test_a_host_without_certutil_is_no_empty_registry(host):
    run = host._run
    host._run = lambda command: Answer(0, b"exported\r\n") if "reg export" in command else run(command)
    with pytest.raises(AnswerError, match="A key was exported and its content did not arrive"):
        converge(
            host, wants(item("a", "b\nc"), item("(x)", "y")) if host.registry.do(Instruction(KEY)) is None else None
        )


def test_a_host_that_never_answers_completely(host):
    host._run = lambda command: Answer(0, b"")
    host.batch = lambda asks, **more: {}
    with pytest.raises(AnswerError, match="The host answers questions about its registry incompletely"):
        converge(host, wants(item("a", "b")))


NAMES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=30)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
PARTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=9)


@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(
    st.dictionaries(NAMES, TEXTS | st.lists(PARTS), min_size=1, max_size=4),
    st.dictionaries(NAMES, TEXTS, max_size=3),
    st.booleans(),
)
def test_any_name_and_data_arrives_and_is_recognized(wanted, there, separator):
    host = Host(separator=separator)
    for name, text in there.items():
        host.registry.do(Instruction(KEY, name, values.text(values.STRING, text)))
    items = [
        item(name, data, type="multistring" if isinstance(data, list) else "string") for name, data in wanted.items()
    ]
    converge(host, wants(*items))
    last = {}
    for name, data in wanted.items():
        last["".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in name)] = (name, data)
    for name, data in last.values():
        read = values.meaning(host.registry.get(KEY, name))
        assert read == (tuple(data) if isinstance(data, list) else data)
    assert converge(host, wants(*items)).changed is False


@pytest.mark.parametrize("key", ["50% off", "%PATH%", "a & b ^ c", "!x!", "Ключ 😀", "a (b)", "it's"])
def test_awkward_keys(host, key):
    twice(host, wants(item("a", "b", scope=["machine", "users"], key=f"SOFTWARE\\{key}")))


def test_as_a_part_of_something_bigger(host):
    part = Part(wants(item("a", "b", scope=["machine", "users"])))
    answers = {"client.mine": Answer(0)}
    while more := part.questions(answers):
        answers |= host.batch(more)
    part.understand(answers)
    assert part.changed and part.diff()[0] == "" and part.diff()[1].startswith("[HKLM\\SOFTWARE\\Vendor]\n")
    part.apply(host)
    assert host.registry.get(KEY, "a")
    again = Part(part.settings)
    again.understand(ask_all(host, part.settings))
    assert not again.changed and again.warnings == []


def test_a_part_that_could_not_read_a_profile_says_so(host):
    host.refused.add("C:\\Users\\anna 100% & co")
    part = Part(wants(item("a", state="absent", scope=["users"])))
    part.understand(ask_all(host, part.settings))
    assert part.changed
    with pytest.raises(NotConverged, match="The hives of some profiles could not be loaded"):
        part.apply(host)
    del host.profiles["C:\\Users\\anna 100% & co"]
    part.understand(ask_all(host, part.settings))
    assert not part.changed and len(part.warnings) == 1


def test_nobody_can_foretell_the_name_of_an_export():
    """Users may make files in Windows' Temp, and theirs would be written into with all their rights."""
    assert commands.export(KEY, "64") != commands.export(KEY, "64")


def test_a_key_of_32_bit_programs_goes_without_a_file(host):
    for view in ("64", "32"):
        host.views[view].do(Instruction(f"{KEY}\\50% & Чат\\Below", "a", values.text(values.STRING, "b")))
    gone = {"key": "SOFTWARE\\Vendor\\50% & Чат", "state": "absent", "view": "32"}
    twice(host, wants(gone))
    assert host.written == []
    assert host.views["64"].get(f"{KEY}\\50% & Чат\\Below", "a") and not host.views["32"].below(f"{KEY}\\50% & Чат")


def test_a_key_of_32_bit_programs_is_emptied_before_it_is_written(host):
    for view in ("64", "32"):
        host.views[view].do(Instruction(f"{KEY}\\Below", "old", values.text(values.STRING, "b")))
    file = {"a.reg": '[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor]\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Vendor]\n"new"="x"\n'}
    twice(host, wants({"reg_file": "a.reg", "view": "32"}, files=file))
    assert host.views["32"].get(KEY, "new") and not host.views["32"].below(f"{KEY}\\Below")
    assert host.views["64"].get(f"{KEY}\\Below", "old")


@pytest.mark.parametrize("view", ["64", "32"])
def test_a_batch_that_is_sent_again_takes_away_nothing_that_it_wrote(host, monkeypatch, view):
    """Its answer was lost after everything had run, files removed and all."""
    host.views[view].do(Instruction(f"{KEY}\\Below", "a", values.text(values.STRING, "old")))
    file = {"a.reg": f'[-{KEY}]\n\n[{KEY}]\n"new"="1"\n'}
    once = host.batch

    def again(asks, **more):
        answers = once(asks, **more)
        return once(asks, **more) if any(ask.name.startswith("registry.write.") for ask in asks) else answers

    monkeypatch.setattr(host, "batch", again)
    twice(host, wants({"reg_file": "a.reg", "view": view}, files=file))
    assert host.views[view].get(KEY, "new") and not host.views[view].below(f"{KEY}\\Below")
