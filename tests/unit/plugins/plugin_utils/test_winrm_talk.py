# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a channel sends when nothing goes wrong, and how it keeps its deadlines."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

import pytest
from winrm.protocol import Protocol

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    Broken,
    CommandTooLong,
    DeadlineError,
    Lost,
    Unsupported,
)
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.winrm_script import (
    RSP,
    Clock,
    Connection,
    Script,
    accepted,
    channel_over,
    deleted,
    fault,
    no_exit_code,
    opened,
    output,
    signalled,
    silence,
    started,
)


def one(*receives):
    """A shell, a command, its answers, and the end of both."""
    return Script([opened(), started(), *(receives or (output(exit_code=0),)), deleted()])


def test_one_command_costs_four_requests_and_no_more():
    script = one(output(b"hi\r\n", exit_code=0))
    with channel_over(script) as channel:
        assert channel.run("echo hi") == Answer(0, b"hi\r\n", b"")
    assert script.verbs == ["Create", "Command", "Receive", "Delete"]
    assert script.connections == 1


def test_a_channel_that_runs_nothing_sends_nothing():
    script = Script([])
    with channel_over(script):
        pass
    assert script.verbs == []


def test_the_second_command_uses_the_same_shell():
    script = Script([opened(), started(), output(exit_code=0), signalled(), started(), output(exit_code=0), deleted()])
    with channel_over(script) as channel:
        channel.run("a")
        channel.run("b")
    assert script.verbs == ["Create", "Command", "Receive", "Signal", "Command", "Receive", "Delete"]
    assert script.given("Signal") == script.given("Command", 0)
    assert script.verbs.count("Create") == 1
    assert {script.shell_of(verb) for verb in ("Command", "Receive", "Signal", "Delete")} == {"ID-1"}
    assert script.given("Command", 0) != script.given("Command", 1)


def test_the_shell_is_asked_for_with_utf8_an_id_and_an_end():
    script = one()
    with channel_over(script) as channel:
        channel.run("ver")
    assert script.option("Create", "WINRS_CODEPAGE") == "65001"
    assert script.option("Create", "WINRS_NOPROFILE") == "FALSE"
    assert script.given("Create") == "ID-1"
    assert script.sent("Create").find(f".//{RSP}IdleTimeOut").text == "PT900.000S"
    assert script.sent("Create").find(f".//{RSP}OutputStreams").text == "stdout stderr"


def test_the_whole_line_is_the_command_and_goes_through_cmd():
    script = one()
    with channel_over(script) as channel:
        channel.run('reg add "HKLM\\Software\\Ж & <😀>" /f')
    assert script.line() == 'reg add "HKLM\\Software\\Ж & <😀>" /f'
    assert script.sent("Command").find(f".//{RSP}Arguments") is None
    assert script.option("Command", "WINRS_SKIP_CMD_SHELL") == "FALSE"
    assert script.option("Command", "WINRS_CONSOLEMODE_STDIN") == "TRUE"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (0, 0),
        (3010, 3010),
        (3221225477, 0xC0000005),
        (-1073741819, 0xC0000005),
        (-1, 0xFFFFFFFF),
        (4294967295, 0xFFFFFFFF),
    ],
)
def test_exit_codes_have_32_bits_without_a_sign(said, code):
    script = one(output(exit_code=said))
    with channel_over(script) as channel:
        assert channel.run("x").exit_code == code


def test_output_in_pieces_is_joined_byte_for_byte():
    half = "Ж".encode()
    script = one(output(b"a" + half[:1], b"e1"), output(half[1:] + b"\x00\xff", b"e2"), output(b"z", exit_code=1))
    with channel_over(script) as channel:
        assert channel.run("x") == Answer(1, b"a" + half + b"\x00\xffz", b"e1e2")


def test_output_may_gather_before_more_of_it_is_asked_for():
    clock = Clock()
    script = one(*[output(b"x")] * 6, silence(clock=clock, seconds=0), output(b"x"), output(exit_code=0))
    with channel_over(script, clock) as channel:
        assert channel.run("x").stdout == b"x" * 7
    assert clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_output_does_not_gather_beyond_the_deadline():
    clock = Clock()
    script = Script([opened(), started(), output(b"x"), signalled(), deleted()])
    with channel_over(script, clock) as channel, pytest.raises(DeadlineError):
        channel.run("x", deadline=0.02)
    assert clock.pauses == [pytest.approx(0.02)]


def test_silence_is_waited_through():
    clock = Clock()
    script = one(silence(clock=clock), silence(clock=clock), output(b"late", exit_code=0))
    with channel_over(script, clock) as channel:
        assert channel.run("slow", deadline=60).stdout == b"late"


def test_the_host_is_never_asked_to_wait_beyond_the_deadline():
    clock = Clock()
    script = one(silence(clock=clock), output(exit_code=0))
    with channel_over(script, clock) as channel:
        channel.run("slow", deadline=23.5)
    assert script.timeout_of("Receive", 0) == "PT20S"
    assert script.timeout_of("Receive", 1) == "PT4S"
    assert script.timeout_of("Delete") == "PT20S"


def test_deadline_ends_the_command_and_keeps_what_it_wrote():
    clock = Clock()
    script = Script(
        [opened(), started(), output(b"begun", b"oops"), silence(clock=clock, seconds=5), signalled(), deleted()]
    )
    with channel_over(script, clock) as channel, pytest.raises(DeadlineError) as caught:
        channel.run("setup.exe /S", deadline=5)
    assert caught.value.stdout == b"begun"
    assert caught.value.stderr == b"oops"
    assert caught.value.terminated
    assert str(caught.value) == (
        "A command on win1.corp.test did not end within 5 s (win1.corp.test, http://win1.corp.test:5985/wsman). It waits for "
        "something: a dialog that nobody sees, a lock, the network; or it needs longer. Look at what it wrote until then, "
        "and give it a longer deadline if it was only slow."
    )
    assert script.verbs[-2:] == ["Signal", "Delete"]
    assert script.sent("Signal").find(f".//{RSP}Code").text.endswith("/signal/terminate")


def test_a_termination_that_the_host_does_not_confirm_is_said():
    clock = Clock()
    script = Script(
        [opened(), started(), silence(clock=clock, seconds=5), fault("Signal", 1359), deleted()],
    )
    with channel_over(script, clock) as channel, pytest.raises(DeadlineError) as caught:
        channel.run("x", deadline=5)
    assert not caught.value.terminated
    assert caught.value.result()["error"]["terminated"] is False


def test_after_a_deadline_the_shell_is_good_for_more():
    clock = Clock()
    script = Script(
        [
            opened(),
            started(),
            silence(clock=clock, seconds=5),
            signalled(),
            started(),
            output(b"ok", exit_code=0),
            deleted(),
        ]
    )
    with channel_over(script, clock) as channel:
        with pytest.raises(DeadlineError):
            channel.run("x", deadline=5)
        assert channel.run("y").stdout == b"ok"


def test_input_goes_in_pieces_that_the_smallest_envelope_takes_and_is_ended_once():
    data = bytes(range(256)) * 1000
    script = Script([opened(), started(), accepted(), accepted(), accepted(), output(exit_code=0), deleted()])
    with channel_over(script) as channel:
        channel.run("sort", stdin=data)
    streams = [script.sent("Send", number).find(f".//{RSP}Stream") for number in range(3)]
    assert b"".join(base64.b64decode(stream.text) for stream in streams) == data
    assert [stream.get("End") for stream in streams] == ["false", "false", "true"]
    assert max(len(stream.text) for stream in streams) < 150 * 1024 - 8192
    assert script.option("Command", "WINRS_CONSOLEMODE_STDIN") == "FALSE"


def test_empty_input_is_the_end_of_file():
    script = Script([opened(), started(), accepted(), output(exit_code=0), deleted()])
    with channel_over(script) as channel:
        channel.run("sort", stdin=b"")
    stream = script.sent("Send").find(f".//{RSP}Stream")
    assert (stream.text, stream.get("End")) == (None, "true")


def test_input_that_the_host_is_too_busy_for_is_sent_again():
    script = Script(
        [opened(), started(), fault("Send", 170), accepted(), output(exit_code=0), deleted()],
    )
    with channel_over(script) as channel:
        assert channel.run("sort", stdin=b"x").ok


def test_a_command_that_ended_before_its_input_tells_by_its_exit_code():
    script = Script([opened(), started(), fault("Send", 232), output(b"", b"no", exit_code=9), deleted()])
    with channel_over(script) as channel:
        assert channel.run("nosuch", stdin=b"x") == Answer(9, b"", b"no")


def test_an_end_without_an_exit_code_is_no_success():
    script = Script([opened(), started(), no_exit_code(), signalled(), deleted()])
    with channel_over(script) as channel, pytest.raises(Lost, match="tells no exit code"):
        channel.run("x")


def test_a_fault_nobody_knows_is_given_with_its_code_and_text():
    script = Script([opened(), fault("Command", 2147942402, text="Не удаётся найти указанный файл."), deleted()])
    with channel_over(script) as channel, pytest.raises(Broken) as caught:
        channel.run("x")
    assert caught.value.details["code"] == 2147942402
    assert "Не удаётся найти указанный файл." in str(caught.value)


def test_too_long_a_command_is_refused_before_anything_is_sent():
    script = Script([])
    with channel_over(script) as channel, pytest.raises(CommandTooLong) as caught:
        channel.run("x" * 8159)
    assert script.verbs == []
    assert str(caught.value) == (
        "A command line of 8159 characters cannot be sent (controller). cmd.exe takes 8191, of which 8158 are left for the "
        "command. Give fewer or shorter arguments, or let the command read them from a file."
    )


def test_the_longest_command_is_sent():
    script = one()
    with channel_over(script) as channel:
        channel.run("x" * 8158)
    assert len(script.line()) == 8158


def test_many_questions_are_one_command():
    asks = [Ask(f"q{n}", f"reg query HKLM\\K{n}") for n in range(6)]
    script = one(output(exit_code=0))
    script.steps[2].reply = lambda _root: receive_of(script)
    with channel_over(script) as channel:
        answers = channel.batch(asks)
    assert list(answers) == [ask.name for ask in asks]
    assert [answers[f"q{n}"].exit_code for n in range(6)] == [n % 2 for n in range(6)]
    assert answers["q3"].stdout == b"value 3\r\n"
    assert script.verbs == ["Create", "Command", "Receive", "Delete"]


def test_the_rest_of_the_questions_is_waited_for_in_proportion():
    clock = Clock()
    script = one(*[output(b"") for _number in range(4)], output(exit_code=0))
    whole = {}

    def piece(first, last, seconds, done=False):
        def reply(root):
            clock.pass_by(seconds)
            line = script.line()
            marker = line.split("&")[0].removeprefix("echo ")
            text = f"{marker}\r\n" if first == 0 else ""
            text += "".join(f"{marker}.{n}.0\r\n" for n in range(first, last))
            whole[first] = text
            return output(text.encode(), exit_code=0 if done else None).reply(root)

        return reply

    for step, reply in zip(
        script.steps[2:6], [piece(0, 0, 0.01), piece(0, 1, 0.04), piece(1, 9, 0), piece(9, 10, 0)], strict=True
    ):
        step.reply = reply
    with channel_over(script, clock) as channel:
        assert len(channel.batch([Ask(f"q{n}", "x") for n in range(10)])) == 10
    # nothing yet: the first pause; one of ten in 0.1 s: nine tenths of a second; nine of ten in 1 s: a ninth; all: none
    assert clock.pauses == [0.05, pytest.approx(0.9), pytest.approx(1 / 9), 0.0]


def receive_of(script, number=0, *, done=True):
    """What cmd.exe would write for a line of questions: value N, and N's parity as exit code."""
    line = script.line(number)
    marker = re.search(r"echo (~\w+)&", line)[1]
    text = f"{marker}\r\n" + "".join(f"value {n}\r\n{marker}.{n}.{n % 2}\r\n" for n in range(line.count("call echo")))
    coded = base64.b64encode(text.encode()).decode()
    if not done:
        return f'<rsp:ReceiveResponse><rsp:Stream Name="stdout">{coded}</rsp:Stream></rsp:ReceiveResponse>'
    return (
        f'<rsp:ReceiveResponse><rsp:Stream Name="stdout">{coded}</rsp:Stream>'
        '<rsp:CommandState State="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done">'
        "<rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState></rsp:ReceiveResponse>"
    )


def test_no_questions_no_requests():
    script = Script([])
    with channel_over(script) as channel:
        assert channel.batch([]) == {}
    assert script.verbs == []


def test_a_shell_that_was_open_before_is_used_and_deleted():
    script = Script([opened("STOCK"), started(), output(exit_code=0), deleted()])
    connection = Connection(script)
    connection._connect()
    with channel_over(script, connection=connection) as channel:
        channel.run("x")
    assert script.verbs.count("Create") == 1
    assert script.shell_of("Command") == script.shell_of("Delete") == "STOCK"


def test_close_leaves_a_connection_that_can_be_used_again():
    script = one()
    connection = Connection(script)
    with channel_over(script, connection=connection) as channel:
        channel.run("x")
    assert (connection.protocol, connection.shell_id, connection._connected) == (None, None, False)
    channel.close()
    assert script.verbs.count("Delete") == 1


def test_the_shell_is_deleted_when_the_task_fails():
    script = one()
    with pytest.raises(ZeroDivisionError), channel_over(script) as channel:
        channel.run("x")
        raise ZeroDivisionError
    assert script.verbs[-1] == "Delete"


def test_a_task_that_is_interrupted_terminates_its_command_and_deletes_the_shell():
    script = Script([opened(), started(), output(b"x"), signalled(), deleted()])

    def interrupt():
        raise KeyboardInterrupt

    script.steps[2].before = interrupt
    with pytest.raises(KeyboardInterrupt), channel_over(script) as channel:
        channel.run("x")
    assert script.verbs == ["Create", "Command", "Receive", "Signal", "Delete"]


def test_several_transports_are_left_to_the_plugin():
    script = Script([opened("STOCK"), started(), output(exit_code=0), deleted()])
    connection = Connection(script, transports=("kerberos", "ntlm"))
    with channel_over(script, connection=connection) as channel:
        channel.run("x")
    assert script.shell_of("Command") == "STOCK"
    assert script.given("Create") is None
    assert connection.options["transport"] == ["ntlm"]


@pytest.mark.parametrize("name", ["psrp", "ssh", "local"])
def test_other_connections_are_refused_by_name(name):
    class Other:
        transport = name
        ansible_name = f"ansible.builtin.{name}"

    with pytest.raises(Unsupported) as caught:
        Channel.over(Other())
    assert str(caught.value) == (
        f"The connection ansible.builtin.{name} is not supported yet (controller). This collection speaks to Windows over "
        "ansible.builtin.winrm only. Set ansible_connection to winrm for this host; everything else of the inventory can stay."
    )


def test_no_request_and_no_error_has_the_password():
    clock = Clock()
    script = Script([opened(), started(), silence(clock=clock, seconds=5), signalled(), deleted()])
    with channel_over(script, clock) as channel, pytest.raises(DeadlineError) as caught:
        channel.run("x", deadline=5)
    everything = str(caught.value.result()) + "".join(ET.tostring(root, "unicode") for root in script.requests)
    assert "canary-password" not in everything


def test_an_old_pywinrm_is_an_error_in_words(monkeypatch):
    """0.4.3 calls it otherwise, and Debian 12 has 0.3.0."""
    monkeypatch.delattr(Protocol, "build_wsman_header")
    script = Script([])
    with channel_over(script) as channel, pytest.raises(Unsupported, match=r"pywinrm is older than 0\.5\.0") as caught:
        channel.run("ver")
    assert script.verbs == [] and channel.warnings == []
    assert "Install pywinrm>=0.5.0" in str(caught.value)
