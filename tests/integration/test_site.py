"""The whole rollout as a user runs it: plan, first run, second run, bad input, dead host.

The first run is watched, at the highest verbosity that people use: no password ever reaches output, a log, a command line, or a file
that others can read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import ROOT
from secrecy import logs, readable_by_others, watch

SITE = "onprem.chat.site"
# What a connection by ssh with sudo leaves anywhere, and what a running system writes by itself.
NOISE = re.compile(
    r"^(run|tmp|proc|sys|dev|var/log|var/tmp|var/lib/(systemd|chrony|sudo)|home/deploy/\.ansible|root/\.ansible)(/|$)"
)


def written(lab) -> dict[str, tuple]:
    """Every file of the chat host that differs from its image, seen from outside through the overlay's upper layer."""
    upper = lab.state / "chat" / "upper"
    found = {}
    for path in sorted(upper.rglob("*")):
        name = str(path.relative_to(upper))
        if not NOISE.match(name) and not path.is_dir():
            status = path.lstat()
            found[name] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def recap(output: str) -> dict[str, int]:
    """The counts of the chat host in Ansible's last lines."""
    line = re.findall(r"^chat +: (.*)$", output, re.MULTILINE)[-1]
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


def zone(lab) -> str:
    """What the domain controller's own tool says about the names that the rollout publishes."""
    names = ("chat.corp.test A", "_xmpp-client._tcp.corp.test SRV", "_xmpp-server._tcp.corp.test SRV")
    return "".join(lab.exec("users", ["dig", "+short", "@10.203.0.10", *name.split()]).stdout for name in names)


@pytest.fixture
def inventory(lab, tmp_path) -> Path:
    """A copy of the laboratory's inventory that a test may spoil."""
    copy = tmp_path / "inventory"
    shutil.copytree(lab.inventory, copy)
    return copy


@pytest.fixture(scope="module")
def untouched(laboratory):
    """A domain and a host to which nothing was done."""
    laboratory.reset()
    # The controller's own authority outlives the hosts: another suite may have made it.
    shutil.rmtree(laboratory.state / "pki", ignore_errors=True)
    return laboratory


@pytest.fixture(scope="module")
def rollout(untouched):
    """The first run, what it printed, and every command line that was seen meanwhile."""
    sampler = watch(untouched, "chat")
    result = untouched.playbook(
        SITE, "--diff", "-vvv", env={**os.environ, "ANSIBLE_LOG_PATH": str(untouched.state / "ansible.log")}
    )
    command_lines = sampler.stop()
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr
    return untouched, result.stdout + result.stderr, command_lines


def test_plan_on_a_fresh_site_changes_nothing(untouched):
    before = written(untouched)
    result = untouched.playbook(SITE, "--check", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert recap(result.stdout)["changed"] > 0
    assert written(untouched) == before
    assert zone(untouched) == ""
    assert not (untouched.state / "pki").exists()
    assert untouched.exec("chat", ["dpkg-query", "-W", "ejabberd"]).returncode != 0


def test_first_run_ends_with_two_users_talking(rollout):
    lab, output = rollout[:2]
    assert recap(output)["changed"] > 0
    assert re.search(r"anna@corp\.test sent a message to boris@corp\.test over XMPP with verified TLS", output)
    assert zone(lab) == "10.203.0.20\n5 0 5222 chat.corp.test.\n"


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
    text = logs(rollout[0], "chat")
    assert "ejabberd" in text
    assert [secret[:6] for secret in canaries if secret in text] == []


def test_not_in_files_that_others_can_read(rollout, canaries, tmp_path):
    assert readable_by_others(rollout[0], canaries, tmp_path, "chat") == []


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


def test_second_run_changes_nothing(untouched, rollout):
    before = written(untouched)
    result = untouched.playbook(SITE, "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert recap(result.stdout)["changed"] == 0
    after = written(untouched)
    assert {name: value for name, value in after.items() if before.get(name) != value and not _alive(name)} == {}


def _alive(name: str) -> bool:
    """Files that services write while they run, and lists that apt refreshes."""
    return name.startswith(("var/lib/ejabberd/", "var/lib/apt/", "var/cache/apt/", "etc/chrony/sources"))


def test_plan_on_a_converged_site_finds_nothing_to_do(untouched):
    result = untouched.playbook(SITE, "--check", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert recap(result.stdout)["changed"] == 0


def test_a_stock_client_finds_the_server_and_talks(untouched):
    """curl's and OpenSSL's own view: the certificate is for the JID domain, whatever host answers."""
    target = untouched.exec("users", ["dig", "+short", "SRV", "_xmpp-client._tcp.corp.test"]).stdout.split()
    result = untouched.exec(
        "users",
        [
            *("openssl", "s_client", "-connect", f"{target[3].rstrip('.')}:{target[2]}", "-starttls", "xmpp", "-brief"),
            *("-xmpphost", "corp.test", "-verify_hostname", "corp.test", "-verify_return_error"),
            *("-CAfile", str(untouched.state / "pki" / "root.crt")),
        ],
    )
    assert "Verification: OK" in result.stdout + result.stderr
    assert "Verified peername: corp.test" in result.stdout + result.stderr


def test_misspelt_key_of_the_site_file(untouched, inventory):
    site = inventory / "group_vars/all/site.yml"
    site.write_text(site.read_text().replace("chat_dns_server:", "chat_dns_sever:"))
    before = written(untouched)
    result = untouched.playbook(SITE, inventory=inventory)
    assert result.returncode != 0
    text = re.sub(r"\s+", " ", result.stdout + result.stderr)
    assert "chat_dns_sever" in text
    assert "chat_dns_server" in text
    assert written(untouched) == before


def test_dead_host_is_named_and_the_other_questions_are_still_asked(untouched, inventory):
    hosts = inventory / "hosts.yml"
    hosts.write_text(hosts.read_text().replace("10.203.0.20", "10.203.0.99"))
    result = untouched.playbook("onprem.chat.preflight", inventory=inventory)
    assert result.returncode != 0
    assert "10.203.0.99" in result.stdout + result.stderr
    assert "ldap.bind" in result.stdout
