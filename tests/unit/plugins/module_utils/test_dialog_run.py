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
import sys

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dialog import supervisor
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError, InputError, JournalError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import Journal
from ansible_collections.onprem.chat.plugins.module_utils._dialog.lock import Lock
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
    assert result["captured_values"] == {"token": "********"}
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
        ({"prompts": [*PROMPTS, prompt("new", "new", "x")]}, "with the new prompts new"),
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


def test_prompts_that_were_never_asked_do_not_matter_afterwards(place):
    place.script(INSTALLER)
    place.run(
        **wanted(prompts=[*PROMPTS, secret("old", "Old:", optional=True), prompt("both", "Both:", "x", optional=True)])
    )
    other = [*PROMPTS, prompt("both", "Both:", "y", optional=True), secret("new", "New:", optional=True)]
    assert place.run(**wanted(prompts=other))["changed"] is False
    assert place.warnings == []
    error = place.fails(**wanted(prompts=[*PROMPTS, prompt("both", "Both:", "y")]))
    assert "the answer of both was 'x' and is 'y'" in error.what


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
    assert result["captured_values"] == {"id": "abc"}
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


@pytest.mark.parametrize("options", ["", "-s"])
def test_a_question_that_takes_one_key(place, options):
    place.script(
        f"""
        read -rn 1 {options} -p "Accept the agreement? [y/N] " agreed; echo
        read -rp "License key: " key
        echo "$agreed,$key" >got
    """
    )
    agreement = prompt("agreement", r"agreement\? \[y/N", "y", enter=False)
    assert place.run(prompts=[agreement, prompt("key", "License key", "4711")])["answered"] == ["agreement", "key"]
    assert (place.folder / "got").read_text() == "y,4711\n"


@pytest.mark.parametrize("code", [0, 3])
def test_a_known_error(place, code):
    script = f'echo -e "docker: \\e[31munauthorized: Incorrect login or password\\e[0m"; exit {code}'
    error = failure(
        place,
        script,
        errors=[known("never"), known("unauthorized: Incorrect", "No access.", "Open port 443.", "Manual, 5")],
    )
    assert error.what == "The installer says: docker: unauthorized: Incorrect login or password"
    assert str(error).startswith(f"{error.what}. No access. Open port 443. (Manual, 5)\n")
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
    ids=["exit code", "exit codes", "success", "not asked", "no value", "format", "timeout"],
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
    assert read["captured_values"] == {"token": "second"}
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


def test_what_was_given_for_another_secret_is_not_carried(place):
    """The value of a wrong key, and that it was asked for, count for nothing once the key is right."""
    place.script(
        'if [ -e key ]; then echo Installed; exit 0; fi; read -rp "Key: " key; touch key; echo "Token: of-$key"; exit 3'
    )

    def key(answer):
        return {"prompts": [secret("key", "Key:", answer)], "values": [value("token", "Token: (.*)")]}

    place.fails(**key("wrong-key"))
    error = place.fails(**key("right-key"))
    assert error.what == "The installer ended well but never asked for key."
    assert error.result["carried_values"] == []
    assert "of-wrong" not in str(error)
    assert place.run(**key("wrong-key"))["carried_values"] == ["token"]
    assert place.read() == {"token": "of-wrong-key"}


def test_a_value_of_other_inputs_is_not_carried(place):
    place.script('echo "Token: first"; exit 1')
    place.fails(values=[value("token", "Token: (.*)")])
    place.script("true", name="other")
    error = place.fails(values=[value("token", "Token: (.*)")], command=["./other"])
    assert "has no token" in error.what
    assert error.result["previous_values"][0]["run"] == 1


def test_what_there_is_can_be_read_when_the_installer_refuses_to_run_again(place):
    """Nothing that it generated is lost."""
    place.script(
        'if [ -e done ]; then echo "already installed"; exit 1; fi; touch done; echo "Token: tok-1"; kill -9 $$'
    )
    options = {"values": [value("token", "Token: (.*)")], "errors": [known("already installed")]}
    place.fails(**options)
    assert place.fails(state="read").result["captured_values"] == {"token": "tok-1"}
    place.fails(**options)
    error = place.fails(state="read")
    assert str(error).startswith(
        "demo was not run to its end on this host: it is failed: The installer says: already installed. Was it cut off, or does"
    )
    assert f"and for root in {place.journal}." in error.action
    assert (error.result["status"], error.result["captured_values"]) == ("failed", {})
    assert [run["values"] for run in error.result["previous_values"]] == [{"token": "tok-1"}]


def test_an_installer_that_is_killed_is_cut_off(place):
    place.script("echo run >>runs; [ $(wc -l <runs) = 1 ] && kill -9 $$; true")
    error = place.fails(interrupted="fail")
    assert error.what == "The installer was killed by signal 9 before anything was answered."
    assert error.result["status"] == "interrupted"
    error = place.fails(interrupted="fail")
    assert "was cut off before anything was answered (the installer was killed), and interrupted=fail" in error.what
    assert (place.folder / "runs").read_text() == "run\n"
    assert place.run()["status"] == "done"


@pytest.mark.parametrize(
    "script",
    [
        'echo "Integrational token for chats.corp.test: oq5Dsecret77"; echo Done',
        'printf "Integrational token:\\n    oq5Dsecret77\\nDone\\n"',
        'echo "The token is oq5Dsecret77"; exit 3',
        'echo "The token is oq5Dsecret77"; kill -9 $$',
        'echo "The token is oq5Dsecret77"; read -rp "Show it again? "',
        'echo "The token is oq5Dsecret77"; read -rp "License key: "',
        'echo "The token is oq5Dsecret77"; sleep 600',
        'echo "The token is oq5Dsecret77"; echo "write error"; exit 1',
        'echo "Integrational token: oq5Dsecret77?"',
    ],
    ids=["worded otherwise", "next line", "exit code", "signal", "question", "refused", "timeout", "error", "format"],
)
def test_a_secret_that_no_pattern_knows_is_not_shown(place, script):
    place.script(f'read -rp "License key: " key; {script}')
    error = place.fails(
        prompts=[secret("key", "License key:"), prompt("more", "More:", "x", optional=True)],
        values=[value("token", r"^Integrational token: (\S+)$", format="[A-Za-z0-9]+")],
        errors=[known("write error")],
        silence=1,
        timeout=3,
    )
    transcript = place.journal.parent / "transcript.log"
    said = (
        "The screen is not shown, because a value that was not recognised may stand there; "
        f"see {transcript} on the host (root only)."
    )
    assert error.result["screen"] == said
    assert str(error).endswith(f"\n{said}")
    assert "oq5Dsecret77" not in f"{error} {error.result}"
    entry = json.loads(place.journal.read_text())
    assert (entry["screen"], entry["withheld"]) == ([], True)
    if "format" not in script and "token: oq5D" not in script:
        assert "oq5Dsecret77" in transcript.read_text(), "there it can be looked up"


def test_a_screen_is_shown_while_nothing_can_have_been_generated(place):
    """The question that was not foreseen comes before the last one that was."""
    error = failure(
        place,
        'read -rp "Accept the licence? " a; read -rp "License key: " key; echo "Token: abc"',
        prompts=[secret("key", "License key:")],
        values=[value("token", "Token: (.*)")],
        silence=1,
    )
    assert error.result["screen"] == "Accept the licence?"


def test_an_error_that_is_not_fatal_only_explains(place):
    errors = [known("already exists", "It was there.", "Look.", "Manual, 7", fatal=False)]
    script = 'echo "Error: network chats already exists"; '
    place.script(f"{script} sleep 1; echo Installed")
    assert place.run(errors=errors)["status"] == "done"
    place.run(state="absent")
    error = failure(place, f"{script} exit 3", errors=errors)
    assert str(error).startswith(
        "The installer ended with exit code 3 instead of 0, before anything was answered. "
        "It had said: Error: network chats already exists. It was there. Look. (Manual, 7)\n"
    )
    error = failure(place, f'{script} read -rp "Go on? "', errors=errors, silence=1)
    assert error.what.startswith("The installer waits for input since 1 s") and error.cause == "It was there."
    error = failure(place, f"{script} echo broken", errors=[*errors, known("broken")])
    assert (error.what, error.cause) == ("The installer says: broken", "The cause.")


def test_a_program_that_works_and_looks_at_the_terminal_meanwhile(place):
    place.script('import select\nprint("Migrating ...", flush=True)\nselect.select([0], [], [], 3)', sys.executable)
    assert place.run(silence=1)["status"] == "done"


@pytest.mark.parametrize("end", ["\\n", " "], ids=["line ended", "line unfinished"])
def test_a_program_that_works_and_reads_the_terminal_meanwhile(place, end):
    """As docker run -it does: one of its threads reads all the time, for what is typed is handed on to the container."""
    place.script(
        f"""
        import os, threading, time
        print("Migrating the database ...", end="{end}", flush=True)
        threading.Thread(target=os.read, args=(0, 1), daemon=True).start()
        time.sleep(3)
        print("done", flush=True)
        os._exit(0)
        """,
        sys.executable,
    )
    assert place.run(silence=1)["status"] == "done"


def test_the_disk_is_full_at_the_end(place, monkeypatch):
    """The last entry is tried again for a while; when that does not help, it is said why there is no result."""
    save, tried = Journal.save, []

    def full(self, entry):
        if entry["state"] != "running" and len(tried) < times:
            tried.append(entry)
            raise self.trouble("written", OSError(errno.ENOSPC, "No space left on device"))
        save(self, entry)

    monkeypatch.setattr(Journal, "save", full)
    monkeypatch.setattr(supervisor, "LAST_WORD", 3)
    place.script("echo run >>runs")
    times = 99
    error = place.fails()
    assert error.what == (
        f"The journal in {place.journal.parent} cannot be written: No space left on device. "
        "The run of demo has ended, and how could not be written down."
    )
    times = 1
    assert place.run()["status"] == "done"
    assert place.journal.read_text().count('"state": "done"') == 1


def test_a_transcript_that_cannot_be_closed(place, monkeypatch):
    """It is not worth the result of a run."""

    def broken(_self, _masked):
        raise ValueError("the unexpected")

    monkeypatch.setattr(supervisor.Transcript, "close", broken)
    place.script("echo run >>runs")
    assert place.run()["status"] == "done"
    assert place.run()["changed"] is False
    assert (place.folder / "runs").read_text() == "run\n"


def test_a_lock_that_cannot_be_signed(place, monkeypatch):
    """With a full disk there is not even room for its words."""

    def full(_self, _words):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Lock, "sign", full)
    place.script("touch ran")
    error = place.fails()
    assert error.what.endswith("cannot be written: No space left on device.") and "Is the disk full" in error.cause
    assert not (place.folder / "ran").exists()


def test_a_value_that_changes(place):
    place.script('echo "Token: one"; echo "Token: two"; echo "Token: two"; echo "Token: <see above>"')
    result = place.run(values=[value("token", "Token: (.*)$", format="[a-z]+")])
    assert result["changed_values"] == ["token"]
    assert result["former_values"] == {"token": ["********"]}
    assert place.warnings == [
        "The installer gave token more than once and not the same; the last one counts. The former ones are in former_values of state=read."
    ]
    assert place.read() == {"token": "two"}


def test_a_value_that_another_line_replaces_is_kept(place):
    """Of the same form, but not it: what was generated is nowhere else."""
    values = [value("token", r"(?i)\bintegrational token: (\S+)$"), value("id", r"Client ID: (\S+)$", secret=False)]
    place.script(
        """
        for id in a b a; do echo "Client ID: $id"; done
        echo "Integrational token: REALtoken123456"; echo "Saving Integrational token: OK"; exit $(cat code)
        """
    )
    (place.folder / "code").write_text("1")
    error = place.fails(values=values)
    assert error.result["former_values"] == {"token": ["********"], "id": ["b"]}
    assert "REALtoken123456" not in place.everything() + f"{error} {error.result}"
    place.script('echo "Integrational token: OK"; echo "Client ID: a"')
    result = place.run(values=values)
    assert (result["former_values"], result["changed_values"]) == ({}, [])
    (first,) = place.run(state="read")["previous_values"]
    assert (first["values"], first["former_values"]) == ({}, {"token": ["REALtoken123456"], "id": ["b"]})


def test_only_so_many_former_values_are_kept(place):
    """The first ones: the journal has its bounds."""
    place.script('for n in $(seq 100); do echo "Token: t-$n"; done')
    place.run(values=[value("token", "Token: (.*)$")])
    read = place.run(state="read")
    assert read["captured_values"] == {"token": "t-100"}
    assert read["former_values"] == {"token": [f"t-{n}" for n in range(1, 21)]}


def test_values_of_two_runs_are_not_mixed(place):
    """A Client ID of this run has no secret of another one."""
    values = [value("secret", r"Client secret: (\S+)$"), value("id", r"Client ID: (\S+)$")]

    def script(*words, code):
        place.script("\n".join(f'echo "Client {word}"' for word in words) + f"\nexit {code}")

    script("ID: ID-1", "secret: S-1", code=1)
    place.fails(values=values)
    script("ID: ID-2", code=0)
    error = place.fails(values=values)
    assert error.what.startswith("The installer ended well but its output has no secret (pattern")
    script(code=0)
    error = place.fails(values=values)
    assert error.what.startswith("The installer ended well but its output has no secret (pattern")
    script("ID: ID-1", code=0)
    assert place.run(values=values)["carried_values"] == ["secret"]
    assert place.read() == {"id": "ID-1", "secret": "S-1"}


def test_what_is_typed_is_no_value(place):
    place.script('read -rp "Client ID: " id; echo thanks')
    result = place.run(
        prompts=[prompt("id", "Client ID:", "4711")],
        values=[value("id", r"Client ID: (\S+)", secret=False, required=False)],
    )
    assert result["captured_values"] == {}
    assert result["screen"].splitlines() == ["Client ID: 4711", "thanks"]


def test_environment_and_terminal(place, monkeypatch):
    monkeypatch.setenv("COLUMNS", "7")
    place.script(
        'echo "$TERM $LANG $GIVEN [$COLUMNS]"; tty; stty size; umask; trap; ps -o tpgid=,pgid= $$; pwd; ls /proc/$$/fd >fds; xargs <fds'
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
    ignored, piped, blocked = place.run()["screen"].splitlines()
    assert piped == "y"
    # Those above 31 are the C library's own; whoever started the tests may have left one of them ignored.
    assert [int(line.split()[1], 16) & 0x7FFFFFFF for line in (ignored, blocked)] == [0, 0]


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


@pytest.mark.parametrize("code", [0, 3])
def test_the_last_lines_of_an_installer_that_prints_through_another_program(place, code):
    place.script(
        f"""
        exec > >(sleep 1; tee install.log) 2>&1
        echo "Integrational token: late-1"
        echo "Installation complete"
        exit {code}
    """
    )
    if code:
        assert place.fails(values=VALUES).what.startswith("The installer ended with exit code 3")
    else:
        place.run(values=VALUES, success="Installation complete")
    assert json.loads(place.journal.read_text())["values"]["token"]["value"] == "late-1"


@pytest.mark.parametrize("command", ["setsid sleep 30 >/dev/null 2>&1 </dev/null", "sleep 30"])
def test_a_background_service_goes_on(place, command):
    place.script(f"{command} & echo $! >pid; sleep 0.5; echo started")
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
