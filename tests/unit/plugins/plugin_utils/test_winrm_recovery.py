# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lost connections, lost shells, quotas: nothing is started twice, nothing is left open."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    Lost,
    QuotaReached,
    Refused,
    Unreachable,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.winrm_script import (
    Clock,
    Connection,
    Script,
    accepted,
    channel_over,
    cut,
    deleted,
    fault,
    http,
    opened,
    output,
    rejected,
    signalled,
    silence,
    started,
    unknown,
    unreachable,
)

QUOTA = 0x803381A6


def run(script, **options):
    """One command over a channel; what it gave."""
    with channel_over(script, **options) as channel:
        answer = channel.run("setup.exe /S")
    assert script.steps == []
    return answer


# Create


def test_create_whose_answer_is_lost_is_deleted_by_its_id_and_made_again():
    script = Script([cut("Create"), deleted(), opened(), started(), output(exit_code=0), deleted()])
    assert run(script).ok
    assert script.shell_of("Delete", 0) == "ID-1"
    assert script.given("Create", 1) == "ID-2"
    assert script.connections == 2


def test_create_that_never_arrived_is_made_again():
    steps = [cut("Create"), unknown("Delete"), opened(), started(), output(exit_code=0), deleted()]
    assert run(Script(steps)).ok


def test_create_that_is_answered_too_late_is_deleted_and_made_again():
    steps = [silence("Create"), deleted(), opened(), started(), output(exit_code=0), deleted()]
    assert run(Script(steps)).ok


def test_an_old_host_that_knows_no_client_ids_is_asked_without():
    script = Script(
        [
            fault("Create", 2150858817, "w:SchemaValidationError"),
            opened("THEIRS"),
            started(),
            output(exit_code=0),
            deleted(),
        ]
    )
    assert run(script).ok
    assert script.given("Create", 1) is None
    assert script.shell_of("Delete") == "THEIRS"


def test_a_host_that_nobody_answers_for_is_not_asked_again_and_again():
    script = Script([unreachable("Create")])
    with channel_over(script) as channel, pytest.raises(Unreachable, match=r"win1\.corp\.test refuses connections"):
        channel.run("x")
    assert script.verbs == ["Create"]


def test_a_wrong_password_is_tried_once():
    script = Script([rejected("Create")])
    with channel_over(script) as channel, pytest.raises(Refused):
        channel.run("x")
    assert script.verbs == ["Create"]


def test_a_service_that_just_starts_is_waited_for():
    clock = Clock()
    steps = [http("Create", 503), unknown("Delete"), opened(), started(), output(exit_code=0), deleted()]
    script = Script(steps)
    with channel_over(script, clock) as channel:
        assert channel.run("x").ok
    assert clock.pauses == [0.5]


def test_too_many_shells_is_said_and_not_tried_again():
    script = Script([fault("Create", 2150859173, "w:QuotaLimit", "Слишком много оболочек.")])
    with channel_over(script) as channel, pytest.raises(QuotaReached) as caught:
        channel.run("x")
    assert caught.value.details["code"] == 2150859173
    assert str(caught.value) == (
        "win1.corp.test runs no more shells or commands for CORP\\svc (win1.corp.test, http://win1.corp.test:5985/wsman). "
        "Its WinRM quota is used up: other runs of this account, or shells that were never closed. Let one run at a time use "
        "this account on a host, look with winrm enumerate shell, or raise MaxShellsPerUser and MaxConcurrentOperationsPerUser."
    )


def test_access_denied_is_no_wrong_password():
    script = Script([fault("Create", 5, "w:AccessDenied", "Отказано в доступе.")])
    with channel_over(script) as channel, pytest.raises(Refused, match=r"lets CORP\\svc in, but not do this"):
        channel.run("x")


# Command: the first one of a session shows whether the host uses our ids

FIRST = [opened(), started(), output(exit_code=0), signalled()]


def run_second(steps):
    """A command after one that went well: its answer, and the script."""
    script = Script([*FIRST, *steps, deleted()])
    with channel_over(script) as channel:
        channel.run("ver")
        answer = channel.run("setup.exe /S")
    assert script.steps == []
    return answer, script


def test_command_that_arrived_is_found_by_its_id_and_not_started_again():
    answer, script = run_second([cut("Command"), output(b"out", exit_code=3010)])
    assert answer == Answer(3010, b"out", b"")
    assert script.verbs.count("Command") == 2
    assert script.given("Command", 1) == script.given("Receive", 1) == "ID-3"
    assert script.shell_of("Receive", 1) == "ID-1"


def test_command_that_arrived_and_still_runs_is_waited_for():
    answer, _script = run_second([cut("Command"), silence(), output(b"out", exit_code=0)])
    assert answer.stdout == b"out"


def test_command_that_never_arrived_is_sent_again_with_the_same_id():
    answer, script = run_second([cut("Command"), unknown("Receive"), started(), output(exit_code=0)])
    assert answer.ok
    assert script.given("Command", 1) == script.given("Command", 2) == "ID-3"


def test_command_that_arrives_late_is_refused_the_second_time_and_found():
    exists = fault("Command", 2147942583, text="Cannot create a file when that file already exists.")
    answer, _script = run_second([cut("Command"), unknown("Receive"), exists, output(b"once", exit_code=0)])
    assert answer.stdout == b"once"


def test_the_first_command_of_a_session_is_not_sent_again_as_nothing_is_known_about_ids_yet():
    script = Script([opened(), cut("Command"), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost):
        channel.run("setup.exe /S")


def test_a_host_that_refuses_an_id_gets_none():
    script = Script(
        [opened(), fault("Command", 2150858817), started("C"), output(exit_code=0), deleted()],
    )
    assert run(script).ok
    assert (script.given("Command", 0), script.given("Command", 1)) == ("ID-2", None)


def test_on_a_host_with_its_own_ids_a_command_without_an_answer_is_not_repeated():
    script = Script([opened("THEIRS"), cut("Command"), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost) as caught:
        channel.run("setup.exe /S")
    assert script.verbs == ["Create", "Command", "Delete"]
    assert str(caught.value) == (
        "Whether a command on win1.corp.test ended well is not known (win1.corp.test, http://win1.corp.test:5985/wsman). The "
        "connection was lost while it was being started. Run it again: what was done is found, and not done twice."
    )


def test_a_question_to_such_a_host_is_simply_asked_again():
    script = Script([opened("THEIRS"), cut("Command"), started("C2"), output(exit_code=7), deleted()])
    with channel_over(script) as channel:
        assert channel.batch([Ask("a", "reg query HKLM\\X")])["a"].exit_code == 7


@pytest.mark.parametrize("trouble", [unreachable("Command"), rejected("Command"), http("Command", 400)])
def test_a_command_that_the_host_never_looked_at_is_sent_again_by_whatever_host(trouble):
    script = Script([opened("THEIRS"), trouble, started("C"), output(exit_code=0), deleted()])
    assert run(script).ok


def test_a_host_that_lets_nobody_in_any_more_is_asked_twice_only():
    script = Script([opened(), rejected("Command"), rejected("Command"), rejected("Delete"), rejected("Delete")])
    with channel_over(script) as channel, pytest.raises(Refused):
        channel.run("x")
    assert len(channel.warnings) == 1


def test_a_shell_that_ended_meanwhile_is_replaced():
    script = Script(
        [
            opened(),
            unknown("Command"),
            unknown("Delete"),
            opened(),
            started(),
            output(exit_code=0),
            deleted(),
        ]
    )
    assert run(script).ok
    assert script.shell_of("Command", 1) == "ID-3"


@pytest.mark.parametrize("wmi", [False, True])
def test_a_shell_whose_operations_are_used_up_is_replaced(wmi):
    script = Script(
        [
            opened(),
            fault("Command", QUOTA, "w:QuotaLimit", wmi=wmi),
            deleted(),
            opened(),
            started(),
            output(exit_code=0),
            deleted(),
        ]
    )
    assert run(script).ok


def test_a_quota_that_another_shell_does_not_help_is_said():
    quota = [fault("Command", QUOTA, "w:QuotaLimit"), deleted()]
    script = Script([opened(), *quota, opened(), *quota])
    with channel_over(script) as channel, pytest.raises(QuotaReached):
        channel.run("x")
    assert script.steps == []


def test_a_restart_of_the_service_while_a_command_is_started_is_no_second_start():
    script = Script(
        [*FIRST, cut("Command"), unknown("Receive"), unknown("Command"), unknown("Receive"), unknown("Delete")]
    )
    with channel_over(script) as channel:
        channel.run("ver")
        with pytest.raises(Lost):
            channel.run("setup.exe /S")
    assert channel.warnings == []


# Receive, Send, Signal, Delete


def test_a_lost_answer_to_receive_is_asked_for_again_and_said():
    script = Script([opened(), started(), cut("Receive"), output(b"rest", exit_code=0), deleted()])
    assert run(script) == Answer(0, b"rest", b"", complete=False)
    assert script.connections == 2


def test_silence_after_a_lost_answer_does_not_make_it_complete():
    script = Script([opened(), started(), cut("Receive"), silence(), output(b"rest", exit_code=0), deleted()])
    assert not run(script).complete


def test_an_exit_code_that_was_in_a_lost_answer_is_not_invented():
    script = Script([opened(), started(), cut("Receive"), unknown("Receive"), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost, match="its exit code was in an answer that got lost"):
        channel.run("setup.exe /S")
    assert script.verbs.count("Command") == 1


def test_questions_whose_answer_is_lost_are_asked_again():
    script = Script(
        [
            opened(),
            started(),
            cut("Receive"),
            unknown("Receive"),
            unknown("Signal"),
            started(),
            output(b"x", exit_code=4),
            deleted(),
        ]
    )
    with channel_over(script) as channel:
        assert channel.batch([Ask("a", "q")])["a"] == Answer(4, b"x", b"")


def test_questions_with_half_an_answer_are_asked_again():
    half = [started(), cut("Receive"), output(b"rest", exit_code=0), signalled()]
    script = Script([opened(), *half, started(), output(b"whole", exit_code=1), deleted()])
    with channel_over(script) as channel:
        assert channel.batch([Ask("a", "q")])["a"].stdout == b"whole"


def test_input_whose_answer_is_lost_ends_the_command():
    script = Script([opened(), started(), cut("Send"), signalled(), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost, match="while its input was being sent"):
        channel.run("sort", stdin=b"x")
    assert script.verbs == ["Create", "Command", "Send", "Signal", "Delete"]


def test_a_lost_answer_to_signal_changes_nothing():
    first = [started(), output(b"x", exit_code=0), cut("Signal"), unknown("Signal")]
    script = Script([opened(), *first, started(), output(b"y", exit_code=0), deleted()])
    with channel_over(script) as channel:
        assert channel.run("x") == Answer(0, b"x", b"")
        assert channel.run("y") == Answer(0, b"y", b"")


def test_a_command_of_a_shell_that_was_replaced_is_not_signalled_in_the_next_one():
    renewed = [unknown("Command"), unknown("Delete"), opened()]
    script = Script([*FIRST, *renewed, started(), output(exit_code=0), signalled(), started(), output(), deleted()])
    script.steps[-2] = output(exit_code=0)
    with channel_over(script) as channel:
        for command in "abc":
            assert channel.run(command).ok
    assert script.shell_of("Signal", 1) == script.shell_of("Delete", 1) == "ID-4"


def test_a_lost_answer_to_delete_changes_nothing():
    script = Script([opened(), started(), output(exit_code=0), cut("Delete"), unknown("Delete")])
    with channel_over(script) as channel:
        channel.run("x")
    assert channel.warnings == []


def test_a_shell_that_cannot_be_deleted_is_said_and_fails_nothing():
    script = Script([opened(), started(), output(exit_code=0), *[cut("Delete")] * 3])
    with channel_over(script) as channel:
        assert channel.run("x").ok
    assert len(channel.warnings) == 1
    assert "The shell ID-1 may be left on win1.corp.test" in channel.warnings[0]


def test_what_runs_goes_on_when_the_host_is_back_right_after_the_last_try():
    """An installer that another run waits for: Signal would end it in the middle."""
    script = Script([opened(), started(), *[cut("Receive")] * 7, started("NEXT"), output(b"x", exit_code=0), deleted()])
    with channel_over(script) as channel:
        with pytest.raises(Lost, match=r"The connection to win1\.corp\.test was lost"):
            channel.run('call "C:\\Program Files\\onprem.chat\\jobs\\x\\job.cmd"', deadline=2790)
        assert channel.run("type result.txt").stdout == b"x"
    assert script.steps == [] and "Signal" not in script.verbs
    assert script.shell_of("Command", 0) == script.shell_of("Command", 1)


def test_questions_and_what_gets_input_do_not_go_on():
    """They are asked and sent again, and would be in each other's way."""
    lost = [started(), *[cut("Receive")] * 7, signalled()]
    script = Script([opened(), *lost, started(), output(b"x", exit_code=0), deleted()])
    with channel_over(script) as channel:
        assert channel.batch([Ask("a", "q")])["a"].stdout == b"x"
    script = Script([opened(), started(), accepted(), *[cut("Receive")] * 7, signalled(), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost):
        channel.run("sort", stdin=b"x")
    assert script.steps == []


def test_a_host_that_is_gone_for_good_is_said_after_its_last_chance():
    clock = Clock()
    script = Script([opened(), started(), *[cut("Receive")] * 7, *[cut("Delete")] * 3])
    with channel_over(script, clock) as channel, pytest.raises(Lost) as caught:
        channel.run("x", deadline=300)
    assert "The connection to win1.corp.test was lost" in str(caught.value)
    assert clock.pauses[:5] == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_new_connections_are_not_tried_beyond_the_deadline():
    clock = Clock()
    steps = [cut("Receive") for _number in range(7)]
    for step in steps:
        step.before = lambda: clock.pass_by(30)
    script = Script([opened(), started(), *steps[:2], *[cut("Delete")] * 3])
    with channel_over(script, clock) as channel, pytest.raises(Lost):
        channel.run("x", deadline=60)
    assert script.verbs.count("Receive") == 2


def test_a_login_that_fails_after_the_connection_was_lost_says_why():
    script = Script([opened(), started(), cut("Receive")])
    connection = Connection(
        script, transports=("kerberos",), login=[None, RuntimeError("kinit: Clock skew too great"), RuntimeError("x")]
    )
    with channel_over(script, connection=connection) as channel, pytest.raises(Refused, match="the clocks differ"):
        channel.run("x")
    assert "there is no connection any more" in channel.warnings[0]


# questions that break their line


def test_a_question_that_ends_cmd_does_not_take_the_others_with_it():
    def marker(number):
        return script.line(number).split("&")[0].removeprefix("echo ").encode()

    def first(_root):
        return output(marker(0) + b"\r\nA" + marker(0) + b".0.0\r\n", exit_code=5).reply(_root)

    def third(_root):
        return output(marker(2) + b"\r\nC" + marker(2) + b".0.1\r\n", exit_code=1).reply(_root)

    one, two, three = (output(b"B", exit_code=5) for _number in range(3))
    one.reply, three.reply = first, third
    rounds = [step for receive in (one, two, three) for step in (started(), receive, signalled())]
    script = Script([opened(), *rounds[:-1], deleted()])
    with channel_over(script) as channel:
        answers = channel.batch([Ask("a", "echo A"), Ask("b", "exit 5"), Ask("c", "nosuch")])
    assert {name: (answer.exit_code, answer.stdout) for name, answer in answers.items()} == {
        "a": (0, b"A"),
        "b": (5, b"B"),
        "c": (1, b"C"),
    }


def test_write_file_begins_again_after_its_input_was_cut():
    content = b"hello"
    digest = hashlib.sha256(content).hexdigest()
    script = Script(
        [
            opened(),
            started(),
            cut("Send"),
            signalled(),
            started(),
            accepted(),
            output(exit_code=0),
            deleted(),
        ]
    )
    with channel_over(script) as channel:
        channel.write_file("C:\\ProgramData\\a.reg", content)
    assert digest in script.line(1)
    assert script.steps == []
