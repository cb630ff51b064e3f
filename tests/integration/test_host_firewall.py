# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewall of the role host: rules that let nobody in are taken back, and what runs already is not cut off without a word."""

from __future__ import annotations

import json

import pytest
from lab_host import Host

FILE = "/etc/onprem-chat/firewall.nft"
# The way back is tried in seconds instead of a minute.
BASE = {"host_firewall": True, "__host_firewall_trial": 20, "__host_firewall_come_in": 3}
NOWHERE = {"host_ssh_sources": ["192.0.2.1"]}


def ports(*numbers: int) -> dict:
    return BASE | {"host_open_ports": [{"port": number} for number in numbers]}


class Firewall(Host):
    def rules(self) -> str:
        """What is in force."""
        return self.sh("nft --stateless list table inet onprem_chat")

    def tables(self) -> str:
        return self.sh("nft list tables")

    def taken_back(self) -> None:
        """Wait until the way back was gone."""
        self.sh(
            f"timeout 40 sh -c 'while test -e {FILE}.new; do sleep 0.2; done'; sleep 1\n"
            "test -z \"$(systemctl list-units --all --no-legend 'onprem-chat-firewall-undo*')\""
        )

    def kept(self) -> tuple[str, str]:
        return self.rules(), self.read(FILE)


@pytest.fixture
def host(laboratory, tmp_path):
    """A chat host to which nothing was done."""
    laboratory.up()
    laboratory.reset("chat")
    return Firewall(laboratory, tmp_path)


def test_rules_that_let_nobody_in_are_taken_back(host):
    # The very first ones.
    locked = host.run(ports(443) | NOWHERE)
    assert locked.returncode != 0
    assert "Nobody comes in by SSH with the new rules of the firewall on chat" in " ".join(locked.stdout.split())
    host.taken_back()
    assert (host.tables(), host.sh("ls /etc/onprem-chat")) == ("", "")

    assert host.done(ports(443)) > 0
    assert host.done(ports(443)) == 0
    before = host.kept()
    assert "tcp dport 443 accept" in before[0]

    # Only the way back has it, and only for a minute.
    locked = host.run(ports(443, 8443) | NOWHERE)
    assert locked.returncode != 0
    assert '+    tcp dport 8443 accept comment "' not in locked.stdout
    assert "+    tcp dport 8443 accept\n" in locked.stdout
    assert "8443" in host.rules()
    host.taken_back()
    assert host.kept() == before
    # What comes again is what was in force, not what the file says: somebody had opened his way by hand.
    host.sh("nft insert rule inet onprem_chat input tcp dport 7777 accept")
    locked = host.run(ports(443) | NOWHERE)
    assert locked.returncode != 0
    host.taken_back()
    assert "tcp dport 7777 accept" in host.rules()
    assert host.sh("ls /etc/onprem-chat") == "firewall.nft\n"
    assert host.done(ports(443)) == 1
    assert host.kept() == before
    # Restarted before the minute was over.
    locked = host.run(ports(443, 8443) | NOWHERE | {"__host_firewall_trial": 300})
    assert locked.returncode != 0
    host.restart()
    assert host.kept() == before

    predicted = host.run(ports(443, 9443), "--check")
    assert predicted.returncode == 0, predicted.stdout
    assert "+    tcp dport 9443 accept\n" in predicted.stdout
    assert "8443" not in predicted.stdout
    assert host.done(ports(443)) == 1
    assert host.sh("ls /etc/onprem-chat") == "firewall.nft\n"
    assert host.done(ports(443)) == 0
    assert host.kept() == before


def test_a_run_that_died_is_no_matter(host):
    assert host.done(ports(443)) > 0
    # It died after it loaded its rules, and its way back is armed.
    arm = "systemd-run --quiet --unit onprem-chat-firewall-undo"
    host.sh(f"sed 's/dport 443/dport 8443/' {FILE} >{FILE}.new && nft -f {FILE}.new && {arm} --on-active=300 true")
    assert host.done(ports(443)) > 0
    assert "8443" not in host.rules()
    assert host.sh("ls /etc/onprem-chat") == "firewall.nft\n"
    assert host.done(ports(443)) == 0

    # A way back that failed keeps its name. nft refuses to load, and there is nothing in force.
    host.sh(
        f"systemctl stop onprem-chat-firewall && {arm} false; sleep 1; systemctl is-failed onprem-chat-firewall-undo"
    )
    host.sh(
        "mv /usr/sbin/nft /usr/sbin/nft.real\n"
        'printf \'#!/bin/sh\\n[ "$1" = -f ] && exit 1\\nexec nft.real "$@"\\n\' >/usr/sbin/nft && chmod 0755 /usr/sbin/nft'
    )
    failed = host.run(ports(443, 8443))
    assert failed.returncode != 0
    assert "Load the rules" in failed.stdout
    assert host.sh("systemctl is-active onprem-chat-firewall-undo.timer") == "active\n"
    host.taken_back()
    host.sh("mv /usr/sbin/nft.real /usr/sbin/nft")
    assert host.tables() == ""
    assert host.done(ports(443, 8443)) > 0
    assert "tcp dport 8443 accept" in host.rules()
    assert not host.lab.exec("chat", ["systemctl", "cat", "onprem-chat-firewall-undo.timer"]).stdout
    assert host.done(ports(443, 8443)) == 0

    # As the playbook certificates enters the role.
    task = {"name": "Ports", "ansible.builtin.include_role": {"name": "onprem.chat.host", "tasks_from": "firewall"}}
    play = {"name": "Host", "hosts": "chat_servers", "gather_facts": False, "become": True, "tasks": [task]}
    host.playbook.write_text(json.dumps([play]))
    assert host.done(ports(443, 8443), "--check") == 0


def test_other_services_are_not_cut_off_without_a_word(host):
    host.lab.install("chat", "nftables", "iproute2")
    host.sh(
        "systemd-run --quiet --unit other python3 -m http.server 8000\n"
        "systemd-run --quiet --unit own python3 -m http.server --bind 127.0.0.1 8001\n"
        "nft add table ip theirs\n"
        "nft add chain ip theirs INPUT '{ type filter hook input priority 0; policy drop; }'\n"
        "nft add rule ip theirs INPUT accept\n"
        "timeout 20 sh -c 'until ss -Hltn | grep -q :8001; do sleep 0.2; done'"
    )
    services = (
        "services on chat that others reach until now and that the firewall cuts off, because their ports are not in "
        "host_open_ports (in the site file: chat_open_ports): 8000/tcp (python3)"
    )
    predicted = host.run(ports(443), "--check")
    assert predicted.returncode == 0, predicted.stdout
    text = " ".join(predicted.stdout.split())
    # Before it happens, and at the end.
    assert (text.count(f'"WARNING: {services}"'), text.count(services)) == (1, 2)
    assert (
        "WARNING: on chat another firewall is active: chain INPUT of table ip theirs (policy drop). "
        "A packet must be accepted by each firewall, so open 22, 443 there as well, or set host_firewall to false."
        in text
    )
    assert host.tables() == "table ip theirs\n"
    result = host.run(ports(443, 8000))
    assert result.returncode == 0, result.stdout
    assert "that the firewall cuts off" not in result.stdout
    assert host.done(ports(443, 8000)) == 0


def test_a_name_as_a_source_is_refused(host):
    """The rules are loaded before the network is up: a name would leave the host without any after its next start."""
    for wish in (
        {"host_open_ports": [{"port": 443, "sources": ["monitor.corp.test"]}]},
        {"host_ssh_sources": ["localhost"]},
    ):
        refused = host.run(BASE | wish)
        assert refused.returncode != 0
        assert "no names: the firewall is loaded before the host can resolve any" in " ".join(refused.stdout.split())
    assert host.sh("ls -d /etc/onprem-chat 2>&1 || true").endswith("No such file or directory\n")
