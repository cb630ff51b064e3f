"""The whole rollout as a user runs it: plan, first run, second run, bad input, dead host."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

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


def test_plan_on_a_fresh_site_changes_nothing(untouched):
    before = written(untouched)
    result = untouched.playbook(SITE, "--check", "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert recap(result.stdout)["changed"] > 0
    assert written(untouched) == before
    assert zone(untouched) == ""
    assert not (untouched.state / "pki").exists()
    assert untouched.exec("chat", ["dpkg-query", "-W", "ejabberd"]).returncode != 0


def test_first_run_ends_with_two_users_talking(untouched):
    result = untouched.playbook(SITE, "--diff")
    assert result.returncode == 0, result.stdout + result.stderr
    assert recap(result.stdout)["changed"] > 0
    assert re.search(r"anna@corp\.test sent a message to boris@corp\.test over XMPP with verified TLS", result.stdout)
    assert zone(untouched) == "10.203.0.20\n5 0 5222 chat.corp.test.\n"


def test_second_run_changes_nothing(untouched):
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
