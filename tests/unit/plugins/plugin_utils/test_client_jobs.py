# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs on the host: started once, waited for whatever happens to the connection; and tasks as Windows wants them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import jobs, script, task_xml
from ansible_collections.onprem.chat.plugins.plugin_utils._client.command_lines import CommandLine
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import InstallerError
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import (
    ChannelError,
    DeadlineError,
    Lost,
    Refused,
    Unreachable,
    Unsupported,
    Untrusted,
)
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import Host, done, said

JOB = jobs.Job("chat-0", "C:\\p\\jobs\\chat-0", CommandLine("msi", "msiexec.exe", "/i x"), deadline=60)
LOST = Lost("The connection broke off", "win1", "A firewall", "Look")
PASSWORD = Refused(
    "win1 refused the credentials of svc", "win1", "Wrong password", "Correct it", reason="wrong_password"
)
NO_KDC = Refused("No domain controller answers", "win1", "Port 88 is closed", "Open it", reason="no_kdc")
OFF = Unreachable("win1 does not answer", "win1", "It restarts", "Wait")
LATE = DeadlineError("It did not end", "win1", "It hangs", "Look")


def run(host, run_as="session"):
    return jobs.run(host, JOB, run_as, sleep=lambda seconds: None)


def test_the_batch_file_is_written_and_called_once():
    host = Host({"call ": done(3010)})
    assert run(host) == script.Result(3010)
    assert list(host.files) == ["C:\\p\\jobs\\chat-0\\job.cmd"]
    assert host.commands == ['call "C:\\p\\jobs\\chat-0\\job.cmd"']


@pytest.mark.parametrize("problem", [LOST, LATE, said(code=script.LOCKED), said(code=script.STARTED_BEFORE)])
def test_a_job_that_runs_already_is_waited_for_and_not_started_again(problem):
    host = Host({"call ": problem, "for /l": [said("running\r\n"), LOST, said("running\r\n"), done(0)]})
    assert run(host) == script.Result(0)
    assert len(host.started()) == 1


AUTORUN = "Active code page: 65001\r\n"


@pytest.mark.parametrize("printed", ["", AUTORUN], ids=["nothing", "a-line"])
def test_what_the_hosts_autorun_prints_is_no_state_of_a_job(printed):
    """HKLM\\Software\\Microsoft\\Command Processor, AutoRun: chcp 65001. A dead job was waited for until its deadline."""
    states = [said(f"{printed}{word}\r\n") for word in ("waiting", "running", "dead")]
    pauses: list[float] = []
    host = Host({"for /l": [*states, done(0)]})
    assert jobs.wait(host, JOB, pauses.append) is None
    assert (len(host.commands), pauses) == (3, [1.0])


def waiting(*answers):
    """Wait for a job: the pauses, how often the host was asked, and the result or the error."""
    asked, pauses = [], []

    def sleep(seconds):
        pauses.append(seconds)
        assert len(pauses) < 10

    class Desk(Host):
        def run(self, command, **more):
            asked.append(command)
            return super().run(command, **more)

    try:
        found = jobs.wait(Desk({"for /l": list(answers)}), JOB, sleep)
    except ChannelError as error:
        found = error
    return found, len(asked), pauses


def test_a_login_that_is_refused_is_tried_once_more_only_and_later():
    """Each of them counts as a wrong password where accounts are locked."""
    assert waiting(LOST, PASSWORD) == (PASSWORD, 3, [5.0, 60.0])
    assert waiting(PASSWORD, OFF, LOST, PASSWORD) == (PASSWORD, 4, [60.0, 5.0, 5.0])


def test_a_host_that_lets_nobody_in_while_it_starts_is_waited_for():
    assert waiting(LOST, OFF, PASSWORD, done(0)) == (script.Result(0), 4, [5.0, 5.0, 60.0])


@pytest.mark.parametrize("kind", [Untrusted, Unsupported])
def test_what_waiting_does_not_help_is_not_waited_for(kind):
    problem = kind("No", "win1", "A", "B")
    assert waiting(LOST, problem) == (problem, 2, [5.0])


def test_without_a_domain_controller_no_password_was_refused():
    assert waiting(*[NO_KDC] * 5, done(0)) == (script.Result(0), 6, [5.0] * 5)


def test_an_interrupted_job_has_no_result():
    assert run(Host({"call ": LOST, "for /l": said("dead\r\n")})) is None


def test_what_cannot_be_started_is_told_with_what_the_host_said():
    with pytest.raises(InstallerError, match=r"The job could not be started \(exit code 5\)") as caught:
        run(Host({"call ": said("Zugriff verweigert", 5)}))
    assert caught.value.details["output"] == "Zugriff verweigert"


def test_as_system_a_task_is_registered_run_and_waited_for():
    host = Host({"schtasks": said(), "for /l": [said("waiting\r\n"), said("running\r\n"), done(0)]})
    assert run(host, "system") == script.Result(0)
    assert host.commands[0].startswith(
        'schtasks /create /tn "\\onprem.chat\\chat-0" /xml "C:\\p\\jobs\\chat-0\\task.xml" /f'
    )
    assert host.commands[1] == 'schtasks /run /tn "\\onprem.chat\\chat-0"'
    assert b"SystemTemp" in host.files[JOB.script]


def test_a_task_that_is_refused():
    with pytest.raises(InstallerError, match="could not be started"):
        run(Host({"schtasks /create": said(code=1)}), "system")


def test_cleaning_takes_the_task_away_too():
    host = Host({"rd /s": said()})
    assert jobs.clean(host, JOB, "system") and jobs.clean(host, JOB, "session")
    assert "schtasks /delete" in host.commands[0] and "schtasks" not in host.commands[1]
    assert not jobs.clean(Host({"rd /s": said(code=1)}), JOB, "session")
    assert not jobs.clean(Host({"rd /s": LOST}), JOB, "session")


def test_a_task_is_utf_16_xml():
    content = task_xml.as_system("C:\\a & b\\job.cmd", 900)
    assert content[:2] == b"\xff\xfe"
    root = ElementTree.fromstring(content.decode("utf-16"))  # noqa: S314 - written by this test's own subject
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert not root.findall("t:Triggers/*", space)
    assert root.find("t:Principals/t:Principal/t:UserId", space).text == "S-1-5-18"
    assert root.find("t:Actions/t:Exec/t:Arguments", space).text == '/d /c ""C:\\a & b\\job.cmd""'
    assert root.find("t:Settings/t:ExecutionTimeLimit", space).text == "PT900S"
