# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""installer_dialog with real processes and terminals: runs, second runs, failures."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError, InputError, JournalError
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import (
    CANARY,
    Place,
    gone,
    known,
    prompt,
    secret,
    value,
)

INSTALLER = """
    echo run >>runs
    read -rp "Chat domain name: " domain
    IFS= read -rsp "License key: " key; echo
    printf %s "$key" >key
    read -rp "Client ID: " id
    echo "Integrational token: token-$domain-$id"
    echo "Installation complete"
"""
PROMPTS = [
    prompt("domain", "(?i)chat domain name", "corp.test"),
    secret("key", "(?i)license key"),
    prompt("id", "(?i)client id", "4711"),
]
VALUES = [value("token", r"Integrational token:\s+(\S+)$")]
TOKEN = {"token": "token-corp.test-4711"}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def wanted(**more) -> dict:
    return {"prompts": PROMPTS, "values": VALUES, "success": "Installation complete", **more}


def test_a_run_and_a_second_one(place):
    place.script(INSTALLER)
    result = place.run(**wanted())
    assert (result["changed"], result["status"], result["exit_code"]) == (True, "done", 0)
    assert result["answered"] == ["domain", "key", "id"]
    assert result["values"] == {"token": "********"}
    assert result["screen"].endswith("Integrational token: ********\nInstallation complete")
    assert (place.folder / "key").read_text() == CANARY
    again = place.run(**wanted())
    assert again == {**result, "changed": False}
    assert place.read() == TOKEN
    assert (place.folder / "runs").read_text() == "run\n"


def test_what_is_written_down(place):
    place.script(INSTALLER)
    place.run(**wanted())
    folder = place.journal.parent
    assert {path.name for path in folder.iterdir()} == {"journal.json", "lock", "transcript.log"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    text = place.journal.read_text()
    assert (
        CANARY not in text
        and json.dumps(CANARY)[1:-1] not in text
        and json.dumps(CANARY, ensure_ascii=False)[1:-1] not in text
    )
    assert json.loads(text)["values"]["token"]["value"] == TOKEN["token"]
    assert "Chat domain name: corp.test" in place.everything()
    assert CANARY not in place.everything() and TOKEN["token"] not in place.everything()


def test_check_mode_runs_nothing(place):
    place.script(INSTALLER)
    result = place.run(check_mode=True, **wanted())
    assert (result["changed"], result["status"], result["msg"]) == (True, "absent", "Would run ./installer.")
    assert not place.state.exists() and not (place.folder / "runs").exists()
    place.run(**wanted())
    assert place.run(check_mode=True, **wanted())["changed"] is False


def test_forgetting(place):
    place.script(INSTALLER)
    assert place.run(state="absent")["changed"] is False
    place.run(**wanted())
    assert place.run(check_mode=True, state="absent")["changed"] is True
    assert place.read() == TOKEN
    (place.journal.parent / "note").write_text("mine")
    assert place.run(state="absent")["changed"] is True
    assert place.warnings == [f"{place.journal.parent} is kept, as it also holds: note"]
    assert place.run(state="absent")["changed"] is False
    assert "it is absent" in str(place.fails(state="read"))
    assert place.run(**wanted())["changed"] is True


def test_read_before_it_was_run(place):
    error = place.fails(state="read")
    assert error.what == "There are no values of demo on this host: it is absent."
    assert error.result["status"] == "absent"
    assert not place.state.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command": ["./installer", "--again"]}, "command was ['./installer'] and is ['./installer', '--again']"),
        ({"prompts": PROMPTS[:2]}, "without the prompts id"),
        ({"prompts": [*PROMPTS, prompt("new", "new", "x", optional=True)]}, "with the new prompts new"),
        (
            {"prompts": [{**PROMPTS[0], "answer": "other.test"}, *PROMPTS[1:]]},
            "the answer of domain was 'corp.test' and is 'other.test'",
        ),
        ({"values": [*VALUES, value("other", "Other: (.*)")]}, "it did not look for the values other"),
    ],
    ids=["command", "prompt gone", "prompt new", "answer", "value"],
)
def test_other_inputs_than_those_of_the_run(place, change, said):
    place.script(INSTALLER)
    place.run(**wanted())
    error = place.fails(**wanted(**change))
    assert said in error.what and "state=absent" in error.action
    assert (place.folder / "runs").read_text() == "run\n"


def test_another_secret_after_the_run_is_a_warning(place):
    place.script(INSTALLER)
    place.run(**wanted())
    assert place.warnings == []
    other = [PROMPTS[0], secret("key", "(?i)license key", "another"), PROMPTS[2]]
    assert place.run(**wanted(prompts=other))["changed"] is False
    assert "other secret answers" in place.warnings[0] and "another" not in place.warnings[0].replace("another one", "")


def failure(place, script, **more):
    place.script(script)
    error = place.fails(**more)
    assert error.result["status"] == "failed"
    return error


def test_a_question_that_nobody_knows(place):
    error = failure(
        place,
        'echo $$ >pid; read -rp "Accept the licence? [y/N] " answer',
        silence=1,
        prompts=[prompt("x", "Other:", "x")],
    )
    assert error.what == "The installer waits for input since 1 s, and no pattern of prompts fits what it asks."
    assert "    Accept the licence? [y/N]" in str(error)
    assert error.result["screen"] == "Accept the licence? [y/N]"
    assert gone(int((place.folder / "pid").read_text()))


def test_silent_because_it_works_is_no_question(place):
    place.script('printf "working: "; sleep 3; echo done')
    assert place.run(silence=1)["status"] == "done"


def test_half_a_value_is_no_question(place):
    """The same words ask on one server and tell on the other: what is not read is not answered."""
    place.script('printf "Client ID: "; sleep 1.5; echo abc; read -rp "Client ID: " id; echo "got $id"')
    result = place.run(
        prompts=[prompt("id", "Client ID:", "4711")], values=[value("id", r"^Client ID: (\S+)$", secret=False)]
    )
    assert result["values"] == {"id": "abc"}
    assert result["screen"].splitlines() == ["Client ID: abc", "Client ID: 4711", "got 4711"]


def test_a_refused_answer(place):
    script = 'while read -rp "License key: " key; do echo "Invalid key"; done'
    error = failure(place, script, prompts=[secret("key", "License key")])
    assert error.what == "The installer asked again for key: it refused the answer, which was given."
    assert "    Invalid key" in str(error) and CANARY not in str(error)
    assert error.result["screen"].splitlines() == ["License key: ********", "Invalid key", "License key:"]


def test_repeat(place):
    place.script('for try in 1 2 3; do read -rp "Password: " p; done')
    assert place.run(prompts=[secret("p", "Password", repeat=3)])["status"] == "done"
    place.run(state="absent")
    error = place.fails(prompts=[secret("p", "Password", repeat=2)])
    assert error.what.endswith("which was given 2 times.")


@pytest.mark.parametrize("code", [0, 3])
def test_a_known_error(place, code):
    script = f'echo -e "docker: \\e[31munauthorized: Incorrect login or password\\e[0m"; exit {code}'
    error = failure(
        place,
        script,
        errors=[known("never"), known("unauthorized: Incorrect", "No access.", "Open port 443.", "Manual, 5")],
    )
    assert error.what == "The installer says: docker: unauthorized: Incorrect login or password"
    assert str(error).startswith(f"{error.what} No access. Open port 443. (Manual, 5)\n")
    assert (error.result["cause"], error.result["remedy"], error.result["source"]) == (
        "No access.",
        "Open port 443.",
        "Manual, 5",
    )


def test_after_a_known_error_nothing_is_answered(place):
    script = 'echo "Error: expired"; read -rp "Remove everything? " answer; echo "$answer" >answer'
    error = failure(place, script, prompts=[prompt("all", "Remove everything", "yes")], errors=[known("expired")])
    assert error.what == "The installer says: Error: expired"
    assert not (place.folder / "answer").exists()


@pytest.mark.parametrize(
    ("script", "options", "said"),
    [
        (
            "echo no space; exit 7",
            {},
            "The installer ended with exit code 7 instead of 0, before anything was answered.",
        ),
        ("exit 7", {"exit_codes": [0, 3]}, "The installer ended with exit code 7 instead of 0 or 3, before"),
        ("kill -9 $$", {}, "The installer was killed by signal 9 before anything was answered."),
        ("true", {"success": "complete"}, "The installer ended without the text 'complete' that tells of success."),
        ("true", {"prompts": [prompt("a", "A:", "1")]}, "The installer ended well but never asked for a."),
        (
            "true",
            {"values": [value("a", "A: (.)")]},
            "The installer ended well but its output has no a (pattern 'A: (.)').",
        ),
        (
            "echo A: xyz",
            {"values": [value("a", "A: (.+)", format="[0-9]+")]},
            "What was taken for a has not the form '[0-9]+' (3 characters).",
        ),
        ("sleep 600", {"timeout": 1}, "The installer did not end within 1 s."),
    ],
    ids=["exit code", "exit codes", "signal", "success", "not asked", "no value", "format", "timeout"],
)
def test_how_a_run_fails(place, script, options, said):
    error = failure(place, script, **options)
    assert error.what.startswith(said)
    assert error.cause.endswith("?") and error.action


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"command": ["./nothing"]}, "command: ./nothing is not there, or nobody may execute it."),
        ({"command": ["no-such-program"]}, "command: no-such-program is not there"),
        ({"chdir": "/no/such"}, "chdir: there is no folder /no/such on this host."),
    ],
)
def test_nothing_to_start(place, options, said):
    with pytest.raises(InputError) as error:
        place.run(**options)
    assert error.value.what.startswith(said)
    assert not place.journal.exists()


def test_a_file_that_is_no_program(place):
    path = place.folder / "installer"
    path.write_bytes(b"\x7fELF and nothing else")
    path.chmod(0o755)
    error = place.fails()
    assert "cannot be started" in error.what and "interpreter" in error.hint
    place.script("true")
    assert place.run()["status"] == "done"


def test_after_a_failure_it_runs_again(place):
    place.script('echo "Token: first"; exit 1')
    place.fails(values=[value("token", "Token: (.*)")])
    place.script('echo "Token: second"')
    result = place.run(values=[value("token", "Token: (.*)")])
    assert result["status"] == "done"
    assert result["previous_values"][0]["values"] == {"token": "********"}
    read = place.run(state="read")
    assert read["values"] == {"token": "second"}
    assert [(run["run"], run["status"], run["values"]) for run in read["previous_values"]] == [
        (1, "failed", {"token": "first"})
    ]


def test_a_value_that_is_not_given_again(place):
    place.script('read -rp "Name: " n; echo "Token: first"; echo disk full; exit 1')
    options = {"values": [value("token", "Token: (.*)")], "prompts": [prompt("n", "Name:", "x")]}
    place.fails(**options)
    place.script("echo already installed")
    result = place.run(**options)
    assert (result["status"], result["carried_values"]) == ("done", ["token"])
    assert "the one of the earlier run" in place.warnings[0]
    assert place.read() == {"token": "first"}


def test_a_value_of_other_inputs_is_not_carried(place):
    place.script('echo "Token: first"; exit 1')
    place.fails(values=[value("token", "Token: (.*)")])
    place.script("true", name="other")
    error = place.fails(values=[value("token", "Token: (.*)")], command=["./other"])
    assert "has no token" in error.what
    assert error.result["previous_values"][0]["run"] == 1


def test_a_value_that_changes(place):
    place.script('echo "Token: one"; echo "Token: two"; echo "Token: two"; echo "Token: <see above>"')
    result = place.run(values=[value("token", "Token: (.*)$", format="[a-z]+")])
    assert result["changed_values"] == ["token"]
    assert "more than once and not the same" in place.warnings[0]
    assert place.read() == {"token": "two"}


def test_what_is_typed_is_no_value(place):
    place.script('read -rp "Client ID: " id; echo thanks')
    result = place.run(
        prompts=[prompt("id", "Client ID:", "4711")],
        values=[value("id", r"Client ID: (\S+)", secret=False, required=False)],
    )
    assert result["values"] == {}
    assert result["screen"].splitlines() == ["Client ID: 4711", "thanks"]


def test_environment_and_terminal(place, monkeypatch):
    monkeypatch.setenv("COLUMNS", "7")
    place.script(
        'echo "$TERM $LANG $GIVEN [$COLUMNS]"; tty; stty size; umask; trap; ps -o tpgid=,pgid= $$; pwd; ls /proc/$$/fd | xargs'
    )
    monkeypatch.delenv("LANG", raising=False)
    result = place.run(environment={"GIVEN": "yes", "TERM": "dumb"}, columns=97, rows=31)
    lines = result["screen"].splitlines()
    assert lines[1].startswith("/dev/pts/")
    assert [lines[0], *lines[2:4]] == ["dumb C.UTF-8 yes []", "31 97", "0022"]
    assert len(set(lines[4].split())) == 1, "it is in the foreground"
    assert lines[5] == str(place.folder)
    assert lines[6] == "0 1 2 255"


def test_signals_are_as_a_person_has_them(place):
    place.script("grep SigIgn /proc/self/status; yes | head -1; grep SigBlk /proc/self/status")
    lines = place.run()["screen"].splitlines()
    assert lines == ["SigIgn:\t0000000000000000".expandtabs(8), "y", "SigBlk:\t0000000000000000".expandtabs(8)]


def test_many_tasks_at_the_same_moment(place):
    place.script(INSTALLER)
    children = []
    for _number in range(6):
        child = os.fork()
        if not child:
            code = 1
            try:
                code = 0 if place.run(**wanted())["status"] == "done" else 1
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert (place.folder / "runs").read_text() == "run\n"


def test_a_background_service_goes_on(place):
    place.script("setsid sleep 30 >/dev/null 2>&1 </dev/null & echo $! >pid; sleep 0.5; echo started")
    assert place.run()["status"] == "done"
    pid = int((place.folder / "pid").read_text())
    assert not gone(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("what", ["link", "open to others", "a file"])
def test_a_folder_that_cannot_be_trusted(place, what):
    place.script("true")
    place.state.mkdir(mode=0o700)
    folder = place.state / "demo"
    if what == "link":
        (place.folder / "elsewhere").mkdir()
        folder.symlink_to(place.folder / "elsewhere")
    elif what == "a file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777)
    with pytest.raises(JournalError, match="cannot be trusted"):
        place.run()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}'])
def test_a_broken_journal_starts_nothing(place, text):
    place.script("touch ran")
    place.state.mkdir(mode=0o700)
    place.journal.parent.mkdir(mode=0o700)
    place.journal.write_text(text)
    with pytest.raises(JournalError, match="state=absent"):
        place.run()
    assert not (place.folder / "ran").exists()
    assert place.run(state="absent")["changed"]
    assert place.run()["status"] == "done"


def test_output_of_a_megabyte_a_second_and_a_disk_that_keeps_little(place):
    place.script(
        'head -c 3000000 /dev/zero | tr "\\0" y; echo; yes "some line of output" | head -60000; echo "Token: abc"'
    )
    assert place.run(values=[value("token", "^Token: (.*)$")])["status"] == "done"
    assert sum(path.stat().st_size for path in place.journal.parent.iterdir()) < 1_300_000
    assert place.read() == {"token": "abc"}


def test_a_caller_without_standard_streams(place):
    """The numbers of what is opened instead of them are not those that the supervisor replaces."""
    place.script(INSTALLER)
    child = os.fork()
    if not child:
        code = 1
        try:
            os.closerange(0, 3)
            code = 0 if place.run(**wanted())["status"] == "done" else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert place.read() == TOKEN


def test_a_journal_that_cannot_be_begun(place, monkeypatch):
    """Said by the task, although it is the supervisor that tries."""

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    place.script("touch ran")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DialogError, match="cannot be written: No space left on device"):
        place.run()
    assert not (place.folder / "ran").exists()
    monkeypatch.undo()
    assert place.run()["status"] == "done"
