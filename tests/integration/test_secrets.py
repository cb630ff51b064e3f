"""No password ever reaches output, a log, a command line, or a file that others can read."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT


class CommandLines(threading.Thread):
    """Samples the command line of every process of this laboratory: where users are, and in the containers."""

    def __init__(self, namespace: str, *containers: int) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._done = threading.Event()
        networks = [Path("/run/netns", namespace), *(Path(f"/proc/{pid}/ns/net") for pid in containers)]
        self._networks = {path.stat().st_ino for path in networks}
        # What runs already, and elsewhere, is none of this laboratory's: looking at it again and again only costs time.
        self._others = {pid for pid in self._running() if not self._is_ours(pid)}

    def run(self) -> None:
        while not self._done.is_set():
            running = self._running()
            self._others &= running
            for pid in running - self._others:
                try:
                    if self._is_ours(pid):
                        self.seen.add(Path("/proc", pid, "cmdline").read_bytes())
                except OSError:
                    continue
            time.sleep(0.02)

    @staticmethod
    def _running() -> set[str]:
        return {process.name for process in Path("/proc").iterdir() if process.name.isdigit()}

    def _is_ours(self, pid: str) -> bool:
        """In one of this laboratory's networks; what ended meanwhile is not."""
        try:
            return Path("/proc", pid, "ns/net").stat().st_ino in self._networks
        except OSError:
            return False

    def stop(self) -> bytes:
        self._done.set()
        self.join()
        return b"\n".join(self.seen)


@pytest.fixture(scope="module")
def rollout(fresh_chat):
    """A whole rollout on a fresh host at the highest verbosity that people use, with its command lines."""
    lab = fresh_chat
    pid = int((lab.state / "chat" / "pid").read_text())
    inside = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    sampler = CommandLines(f"opc-{lab.instance}-users", inside)
    sampler.start()
    result = lab.playbook(
        "onprem.chat.site", "--diff", "-vvv", env={**os.environ, "ANSIBLE_LOG_PATH": str(lab.state / "ansible.log")}
    )
    command_lines = sampler.stop()
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr
    return lab, result.stdout + result.stderr, command_lines


@pytest.fixture(scope="module")
def canaries(rollout) -> list[str]:
    """Every drawn password, and the private keys' first lines of content."""
    lab = rollout[0]
    found = [value for key, value in lab.secrets.items() if isinstance(value, str)] + list(
        lab.secrets["users"].values()
    )
    assert len(found) >= 24
    key = lab.exec("chat", ["cat", "/etc/onprem-chat/certs/corp.test.key"], check=True).stdout.splitlines()
    assert key[0].startswith("-----BEGIN")
    return [*found, key[1], key[2]]


def test_canaries_are_where_they_must_be(rollout, canaries):
    """The search below would find them: the server's configuration holds the bind password."""
    lab = rollout[0]
    hits = lab.exec("chat", ["grep", "-rlF", lab.secrets["svc-chat-ldap"], "/etc/ejabberd"]).stdout
    assert hits.strip()
    assert "svc-chat-ldap" in rollout[1]  # the account's name is no secret and shows that the output was kept


def test_not_in_output_at_vvv(rollout, canaries):
    assert [secret[:6] for secret in canaries if secret in rollout[1]] == []


def test_not_in_the_controllers_log(rollout, canaries):
    text = (rollout[0].state / "ansible.log").read_text()
    assert len(text) > 10000
    assert [secret[:6] for secret in canaries if secret in text] == []


def test_not_on_any_command_line(rollout, canaries):
    assert b"ansible-playbook" in rollout[2]
    assert b"/usr/bin/python3" in rollout[2]
    assert [secret[:6] for secret in canaries if secret.encode() in rollout[2]] == []


def test_not_in_the_report(rollout, canaries):
    text = (rollout[0].state / "report" / "verify.json").read_text()
    assert "xmpp.login" in text
    assert [secret[:6] for secret in canaries if secret in text] == []


def test_not_in_the_chat_hosts_logs(rollout, canaries):
    lab = rollout[0]
    logs = lab.exec(
        "chat", ["sh", "-c", "journalctl --no-pager; find /var/log -type f ! -path '*/journal/*' -exec cat {} +"]
    ).stdout
    assert "ejabberd" in logs
    assert [secret[:6] for secret in canaries if secret in logs] == []


def test_not_in_files_that_others_can_read(rollout, canaries, tmp_path):
    """On the chat host: everything that differs from its image; on the controller: the folders that a run writes into."""
    lab = rollout[0]
    patterns = tmp_path / "patterns"
    patterns.write_text("\n".join(canaries) + "\n")
    roots = [
        lab.state / "chat" / "upper",
        lab.state / "pki",
        lab.state / "report",
        Path("/tmp"),
        Path(os.environ["ANSIBLE_HOME"]),
    ]
    files = subprocess.run(
        # Where others may not enter, they may not read.
        [
            *("find", *[str(root) for root in roots if root.exists()]),
            *("-type", "d", "!", "-perm", "/o=x", "-prune", "-o", "-type", "f", "-perm", "/o=r", "-print0"),
        ],
        capture_output=True,
        check=False,
    ).stdout
    found = subprocess.run(
        ["xargs", "-0r", "grep", "-lFf", str(patterns)], input=files, capture_output=True, check=False
    ).stdout.decode()
    mine = [line for line in found.splitlines() if str(tmp_path) not in line]
    assert files.count(b"\0") > 50
    assert mine == []


def test_private_keys_and_configuration_are_not_for_others(rollout):
    lab = rollout[0]
    modes = lab.exec(
        "chat", ["sh", "-c", "stat -Lc '%a %n' /etc/onprem-chat/certs/*.key /etc/ejabberd/*.yml"], check=True
    ).stdout
    assert modes.strip()
    for line in modes.splitlines():
        assert re.match(r"[0-7]?[0-7][0-7]0 ", line), line


def test_nothing_secret_is_committed():
    """The laboratory draws its passwords; none stands in the repository."""
    text = subprocess.run(
        ["git", "-C", str(ROOT), "grep", "-nE", "BEGIN (RSA |EC |ENCRYPTED )?PRIVATE KEY", "--", ":!tests"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert text.stdout == ""
