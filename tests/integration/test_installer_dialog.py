# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""installer_dialog over ssh with sudo: what is killed, what is seen by others, and that the next run has the same values.

The installer is a small script of these tests (DEMO); that of a vendor comes with the stand-in in tests/lab/standins.
It asks three questions, waits at every step where a test wants it to, writes down what it asked, and gives the same token
whenever it runs, as an installer does that can be run again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LAB, ROOT

CANARIES = ["c4nary'q\\uote\"ж-key", "c4nary-client-secret-77", "tok-c4nary-"]
STEPS = range(1, 7)
EVERY = bool(os.environ.get("ONPREM_CHAT_EVERY_STEP"))
"""Whether to kill at every step (`make soak-dialog`), and not only once in every way."""
FOLDER = "/opt/dialog-demo"
DEMO = rf"""#!/bin/bash
cd {FOLDER}
step() {{ echo "$1" >>steps; while [ -e hold-$1 ]; do sleep 0.1; done; }}
ask() {{ echo "$1" >>asked; }}
echo run >>runs
printf '\e[1mDemo installer\e[0m\n'
step 1
ask domain; read -rp "Chat domain name: " domain
step 2
ask key; IFS= read -rsp "License key: " key; echo
step 3
ask secret; read -rp "Client secret: " secret
step 4
[ -e token ] || (umask 077; echo "{CANARIES[2]}$RANDOM$RANDOM" >token)
echo "Integrational token: $(cat token)"
step 5
echo "$domain $(printf %s "$key" | sha256sum | cut -c1-8) $(printf %s "$secret" | sha256sum | cut -c1-8)" >given
echo "Installation complete"
step 6
"""
TASK = {
    "name": "demo",
    "command": [f"{FOLDER}/installer.sh"],
    "chdir": FOLDER,
    "prompts": [
        {"name": "domain", "pattern": "(?i)chat domain name", "answer": "corp.test"},
        {"name": "key", "pattern": "(?i)license key", "secret_answer": CANARIES[0]},
        {"name": "secret", "pattern": "(?i)client secret", "secret_answer": CANARIES[1]},
    ],
    "values": [{"name": "token", "pattern": r"Integrational token:\s+(\S+)$"}],
    "success": "Installation complete",
    "timeout": 300,
}
ALL = ["domain", "key", "secret"]


class Host:
    """The chat host, as these tests use it."""

    def __init__(self, lab) -> None:
        self.lab = lab

    def sh(self, script: str, check: bool = True) -> str:
        return self.lab.exec("chat", ["sh", "-c", script], check=check).stdout

    def fresh(self, *holds: int) -> None:
        """No journal, no trace; the installer waits at these steps."""
        for pid in self.pids("supervisor", "installer"):
            self.sh(f"kill -9 {pid}", check=False)
        self.sh(f"rm -rf /var/lib/onprem-chat/dialogs/demo {FOLDER}; mkdir -p {FOLDER}")
        self.lab.exec(
            "chat", ["sh", "-c", f"cat >{FOLDER}/installer.sh; chmod 755 {FOLDER}/installer.sh"], input=DEMO, check=True
        )
        for step in holds:
            self.sh(f"touch {FOLDER}/hold-{step}")

    def journal(self) -> dict:
        text = self.sh("cat /var/lib/onprem-chat/dialogs/demo/journal.json 2>/dev/null", check=False)
        return json.loads(text) if text else {}

    def pids(self, *names: str) -> list[int]:
        """Of the journal, those that still live."""
        journal = self.journal()
        found = [journal[name]["pid"] for name in names if journal.get(name)]
        return [pid for pid in found if self.sh(f"grep -c . /proc/{pid}/stat 2>/dev/null", check=False).strip() == "1"]

    def lines(self, name: str) -> list[str]:
        return self.sh(f"cat {FOLDER}/{name} 2>/dev/null", check=False).split()

    def at_step(self, step: int) -> None:
        self.wait(lambda: str(step) in self.lines("steps"))

    def release(self) -> None:
        self.sh(f"rm -f {FOLDER}/hold-*")

    def kill(self, name: str) -> None:
        self.sh(f"kill -9 {self.journal()[name]['pid']}")

    def wait(self, condition, seconds: float = 60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError("it never came true")

    def run(self, **more) -> dict:
        return self.lab.module("onprem.chat.installer_dialog", {**TASK, **more}, host="chat")

    def read(self) -> dict:
        result = self.lab.module("onprem.chat.installer_dialog", {"name": "demo", "state": "read"}, host="chat")
        return result.get("captured_values", {})

    @contextlib.contextmanager
    def running(self, tmp_path: Path, *arguments: str, **more):
        """ansible-playbook in the background, in a process group of its own; killed at the end if it still runs."""
        folder = self.lab.state / "dialog"
        folder.mkdir(mode=0o700, exist_ok=True)
        playbook = folder / "play.yml"
        playbook.touch(mode=0o600)
        task = {"name": "Install", "onprem.chat.installer_dialog": {**TASK, **more}}
        playbook.write_text(json.dumps([{"name": "Play", "hosts": "chat", "gather_facts": False, "tasks": [task]}]))
        output = tmp_path / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [
                    LAB,
                    "exec",
                    "users",
                    "--",
                    "ansible-playbook",
                    "-i",
                    str(self.lab.inventory),
                    str(playbook),
                    *arguments,
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process.output = output
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def host(laboratory) -> Iterator[Host]:
    laboratory.up("users", "dc1", "chat")
    # python3-systemd as well: with it Ansible writes its options to the journal field by field.
    laboratory.install("chat", "python3-ptyprocess", "python3-systemd")
    host = Host(laboratory)
    yield host
    host.fresh()
    host.sh(f"rm -rf {FOLDER} /mnt/small /etc/sudoers.d/dialog-demo")


def completes(host: Host, runs: int, token: str | None = None, again: bool = EVERY) -> None:
    """The next run ends well, has the token that was given before, and (again) the one after it changes nothing."""
    result = host.run()
    assert (result["failed"], result.get("status")) == (False, "done"), result
    assert result["captured_values"] == {"token": "********"}
    given = host.sh(f"cat {FOLDER}/token").strip()
    assert host.journal()["values"]["token"]["value"] == given
    assert token in (None, given)
    assert host.lines("runs") == ["run"] * runs
    if again:
        assert host.read() == {"token": given}
        assert host.run()["changed"] is False
        assert host.lines("runs") == ["run"] * runs


def test_without_the_library(laboratory):
    laboratory.up("users", "dc1", "chat")
    host = Host(laboratory)
    laboratory.exec("chat", ["apt-get", "purge", "-y", "-qq", "python3-ptyprocess"])
    host.fresh()
    assert "Failed to import the required Python library (ptyprocess)" in host.run()["msg"]
    assert host.lines("runs") == []


def test_check_mode_then_a_run_then_unchanged(host):
    host.fresh()
    check = host.lab.module("onprem.chat.installer_dialog", TASK, "--check", "--diff", host="chat")
    assert (check["changed"], check["status"]) == (True, "absent")
    assert host.lines("runs") == [] and host.journal() == {}
    completes(host, runs=1, again=True)
    assert host.lines("asked") == ALL
    assert host.lines("given")[0] == "corp.test"


def seen_by_others(canaries: list[str]) -> list[str]:
    """Canaries in arguments and environments of all processes of this machine, those of the laboratory included."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            for name in ("cmdline", "environ", "comm"):
                with contextlib.suppress(OSError):
                    content = (folder / name).read_bytes().decode("utf-8", "replace")
                    found += [f"{folder}/{name}" for canary in canaries if canary in content]
    return found


@pytest.mark.parametrize("pipelining", [True, False])
def test_nobody_sees_a_secret(host, tmp_path, pipelining):
    host.fresh(4, 5)
    with host.running(tmp_path, "-vvv", "-e", f"ansible_pipelining={str(pipelining).lower()}") as process:
        host.at_step(4)
        assert seen_by_others(CANARIES) == []
        host.sh(f"rm {FOLDER}/hold-4")
        host.at_step(5)
        host.wait(lambda: host.journal()["values"])
        assert seen_by_others(CANARIES) == []
        host.release()
        assert process.wait(timeout=120) == 0
        output = process.output.read_text()
    token = host.read()["token"]
    assert token.startswith(CANARIES[2])
    forms = {
        form for canary in [*CANARIES[:2], token] for form in (canary, repr(canary)[1:-1], json.dumps(canary)[1:-1])
    }
    assert "status" in output and [form for form in forms if form in output] == []
    log = host.sh(
        "journalctl --no-pager --output=verbose --all; cat /var/log/syslog /var/log/auth.log 2>/dev/null || true"
    )
    assert "installer_dialog" in log and [form for form in forms if form in log] == []
    # Beside the demo's own file and the journal, no file has one; and of these none is for others.
    pattern = tmp_path / "patterns"
    pattern.write_text("\n".join(sorted(forms)))
    searched = host.lab.exec(
        "chat", ["sh", "-c", "cat >/root/patterns; grep -rlFf /root/patterns /var /etc /home /tmp /opt /run /root 2>/dev/null; rm /root/patterns"],
        input=pattern.read_text(),
    )  # fmt: skip
    files = sorted(set(searched.stdout.split()) - {"/root/patterns"})
    assert files == [f"{FOLDER}/token", "/var/lib/onprem-chat/dialogs/demo/journal.json"]
    assert (
        host.sh("stat -c %a:%U /var/lib/onprem-chat/dialogs /var/lib/onprem-chat/dialogs/demo").split()
        == ["700:root"] * 2
    )
    assert set(host.sh("stat -c %a:%U /var/lib/onprem-chat/dialogs/demo/*").split()) == {"600:root"}
    assert host.lab.exec(
        "chat", ["runuser", "-u", "nobody", "--", "ls", "/var/lib/onprem-chat/dialogs/demo"]
    ).returncode


def end_controller(process, _host) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def end_connection(_process, host) -> None:
    """sshd's process of the session dies; ansible-playbook sees a lost connection."""
    host.sh(
        "for folder in /proc/[0-9]*; do case $(tr '\\0' ' ' <$folder/cmdline 2>/dev/null) in "
        "'sshd: deploy'*) kill -9 ${folder#/proc/};; esac; done"
    )


def end_module(_process, host) -> None:
    """The module on the host dies: every Python there but the supervisor, and the leader of the installer's session."""
    supervisor, leader = (host.journal()[name]["pid"] for name in ("supervisor", "installer"))
    host.sh(
        'for folder in /proc/[0-9]*; do pid=${folder#/proc/}; [ "$(cat $folder/comm 2>/dev/null)" = python3 ] || continue; '
        f"[ $pid = {supervisor} ] || [ $pid = {leader} ] || kill -9 $pid; done"
    )


ENDS = [(end_controller, 3), (end_connection, 5), (end_module, 1)]


@pytest.mark.parametrize(("end", "step"), [(end, step) for end, _step in ENDS for step in (1, 3, 5)] if EVERY else ENDS)
def test_who_started_it_is_gone(host, tmp_path, end, step):
    host.fresh(step)
    with host.running(tmp_path) as process:
        host.at_step(step)
        end(process, host)
        process.wait(timeout=60)
    assert process.returncode, "the task did not end well"
    assert host.pids("supervisor", "installer") == [
        host.journal()["supervisor"]["pid"],
        host.journal()["installer"]["pid"],
    ]
    with host.running(tmp_path) as process:
        time.sleep(3)
        assert process.poll() is None, "the second task waits for the end"
        host.release()
        assert process.wait(timeout=120) == 0
    assert host.lines("asked") == ALL, "nothing is asked twice"
    result = host.run()
    assert (result["changed"], result["status"]) == (False, "done")
    assert host.journal()["values"]["token"]["value"] == host.sh(f"cat {FOLDER}/token").strip()
    assert host.lines("runs") == ["run"]


def token_so_far(host: Host) -> str | None:
    return host.sh(f"cat {FOLDER}/token 2>/dev/null", check=False).strip() or None


KILLS = [("installer", 4), ("supervisor", 5)]


@pytest.mark.parametrize(
    ("victim", "step"), [(name, step) for name, _step in KILLS for step in STEPS] if EVERY else KILLS
)
def test_killed_at_a_step(host, tmp_path, victim, step):
    host.fresh(step)
    with host.running(tmp_path) as process:
        host.at_step(step)
        if step == 5:
            host.wait(lambda: host.journal()["values"])
        token = token_so_far(host)
        pid = host.journal()["installer"]["pid"]
        host.kill(victim)
        assert process.wait(timeout=60) == 2
        output = process.output.read_text()
    said = "The installer was killed by signal 9" if victim == "installer" else "ended without a word"
    assert said in output
    host.wait(lambda: not host.sh(f"cat /proc/{pid}/stat 2>/dev/null | grep -v ' Z '", check=False))
    if victim == "installer":
        refused = host.run(interrupted="fail")
        assert refused["failed"] and "(the installer was killed)" in refused["msg"]
    host.release()
    completes(host, runs=2, token=token)


@pytest.mark.parametrize("hard", [False, True], ids=["in order", "power failure"])
def test_the_host_is_restarted(host, tmp_path, hard):
    host.fresh(5)
    with host.running(tmp_path):
        host.at_step(5)
        host.wait(lambda: host.journal()["values"])
        token = token_so_far(host)
        subprocess.run(
            [LAB, "reboot", "chat", *(["--hard"] if hard else [])], check=True, capture_output=True, cwd=ROOT
        )
    journal = host.journal()
    assert journal["state"] == ("running" if hard else "interrupted")
    assert journal["values"]["token"]["value"] == token, "what was given is on the disk"
    host.release()
    refused = host.run(interrupted="fail")
    assert refused["failed"] and refused["status"] == "interrupted"
    assert ("the host was rebooted" if hard else "was told to end") in refused["msg"]
    completes(host, runs=2, token=token)


def test_two_tasks_at_a_time_with_other_inputs(host, tmp_path):
    host.fresh(2)
    with host.running(tmp_path) as process:
        host.at_step(2)
        other = [{**TASK["prompts"][0], "answer": "other.test"}, *TASK["prompts"][1:]]
        refused = host.run(prompts=other)
        assert refused["failed"] and refused["status"] == "running"
        assert f"is being run by somebody else (pid {host.journal()['supervisor']['pid']}, since" in refused["msg"]
        assert "the answer of domain was 'corp.test' and is 'other.test'" in refused["msg"]
        host.release()
        assert process.wait(timeout=120) == 0
    completes(host, runs=1)
    refused = host.run(prompts=other)
    assert refused["failed"] and "state=absent" in refused["msg"]


def test_asynchronous(host, tmp_path):
    host.fresh()
    folder = host.lab.state / "dialog"
    folder.mkdir(mode=0o700, exist_ok=True)
    playbook = folder / "async.yml"
    playbook.touch(mode=0o600)
    task = {"name": "Install", "onprem.chat.installer_dialog": TASK, "async": 300, "poll": 1}
    playbook.write_text(json.dumps([{"name": "Play", "hosts": "chat", "gather_facts": False, "tasks": [task]}]))
    result = host.lab.playbook(str(playbook), check=True)
    assert "changed=1" in result.stdout
    completes(host, runs=1)


@pytest.mark.parametrize("through", ["", "sudo "], ids=["direct", "sudo with a terminal of its own"])
def test_the_kernel_tells_that_it_waits(host, through):
    """In a container as well, so that nothing rests on silence."""
    host.fresh()
    host.sh("echo 'Defaults use_pty' >/etc/sudoers.d/dialog-demo; chmod 440 /etc/sudoers.d/dialog-demo")
    script = f"printf 'Client ID: '; {through}sleep 3; echo abc; {through}bash -c \"read -rp 'Accept? ' a\""
    result = host.run(command=["bash", "-c", script], success="", values=[], silence=1)
    assert "The installer waits for input since 1 s" in result["msg"]
    assert result["screen"] == "Client ID: abc\nAccept?"


def test_the_disk_is_full(host):
    """Values are written down when the installer has filled the disk; the run says what it was, and can be resumed."""
    host.fresh()
    host.sh("mkdir -p /mnt/small && (mountpoint -q /mnt/small || mount -t tmpfs -o size=2m,mode=700 none /mnt/small)")
    try:
        # The disk is filled again after each value: what the journal gives back is taken as well.
        fill = "cat /dev/zero >/mnt/small/fill$RANDOM"
        script = (
            f"echo; echo 'Client ID: 4711'; sleep 1; {fill}; echo 'Client secret: s3'; sleep 1; {fill}; "
            f"echo 'Integrational token: abcdef'; sleep 1; {fill}; exit 1"
        )
        values = [
            {"name": name, "pattern": rf"{text}: (\S+)$"}
            for name, text in (("id", "Client ID"), ("secret", "Client secret"), ("token", "Integrational token"))
        ]
        options = {
            "command": ["bash", "-c", script], "success": "", "prompts": [], "state_directory": "/mnt/small/dialogs",
            "values": values,
            "errors": [{"pattern": "No space left on device", "cause": "The disk is full.", "remedy": "Make room."}],
        }  # fmt: skip
        result = host.run(**options)
        assert result["failed"] and result["status"] == "failed", result
        assert "The disk is full. Make room." in result["msg"]
        journal = json.loads(host.sh("cat /mnt/small/dialogs/demo/journal.json"))
        assert {name: seen["value"] for name, seen in journal["values"].items()} == {
            "id": "4711", "secret": "s3", "token": "abcdef"
        }  # fmt: skip
        host.sh("cat /dev/zero >/mnt/small/fill", check=False)
        refused = host.run(**{**options, "state_directory": "/mnt/small/other"})
        assert "cannot be written: No space left on device. Is the disk full" in refused["msg"]
        host.sh("rm /mnt/small/fill*")
        result = host.run(**{**options, "command": ["true"]})
        assert "has no id" in result["msg"], "another command is another installer: its values are not carried"
    finally:
        host.sh("umount /mnt/small")


def test_killed_many_times():
    """Some of the kills of `make soak-dialog`."""
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "soak" / "dialog_kill.py"), "--count", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [re.sub(r" \(.*\)$", "", line) for line in result.stdout.splitlines()]
    assert len(lines) == 3 and all(re.search(r": \d+ of \d+ completed with the same values", line) for line in lines), (
        lines
    )
