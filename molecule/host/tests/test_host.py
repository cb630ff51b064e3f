# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role host left, seen by nft, systemd, chrony and from where users are."""

from __future__ import annotations

import json
import socket

import pytest


def rules(host):
    """The rules of our table as nft's own JSON."""
    ruleset = json.loads(host.check_output("nft --json list ruleset"))["nftables"]
    return [item["rule"] for item in ruleset if item.get("rule", {}).get("table") == "onprem_chat"]


def test_input_is_dropped_unless_a_rule_says_otherwise(host):
    ruleset = json.loads(host.check_output("nft --json list ruleset"))["nftables"]
    chains = [item["chain"] for item in ruleset if "chain" in item]
    assert [(chain["table"], chain["hook"], chain["policy"]) for chain in chains] == [("onprem_chat", "input", "drop")]


def test_only_the_named_ports_are_open(host):
    ports = [
        match["match"]["right"]
        for rule in rules(host)
        for match in rule["expr"]
        if match.get("match", {}).get("left", {}).get("payload", {}).get("field") == "dport"
    ]
    assert sorted(set(ports)) == [22, 546, 5222, 5269]


def test_a_port_with_sources_is_open_for_both_families(host):
    text = host.check_output("nft --stateless list table inet onprem_chat")
    assert 'ip saddr 10.203.0.0/24 tcp dport 5269 accept comment "XMPP servers"' in text
    assert 'ip6 saddr fd00:203::/64 tcp dport 5269 accept comment "XMPP servers"' in text
    assert "\t\ttcp dport 5269" not in text


@pytest.mark.parametrize(("port", "reached"), [(22, True), (8080, False)])
def test_seen_from_where_users_are(host, port, reached):
    """An open port answers, at least with a refusal; a closed one is silent."""
    with socket.socket() as client:
        client.settimeout(1.5)
        try:
            client.connect(("10.203.0.20", port))
            answered = True
        except ConnectionRefusedError:
            answered = True
        except TimeoutError:
            answered = False
    assert answered is reached


def test_the_firewall_comes_with_the_host(host):
    unit = host.service("onprem-chat-firewall")
    assert unit.is_enabled
    assert unit.is_running
    assert not host.run("systemctl cat onprem-chat-firewall-undo.timer").succeeded


def test_other_tables_survive(host):
    host.check_output("nft add table inet somebody_else")
    try:
        host.check_output("systemctl reload-or-restart onprem-chat-firewall")
        tables = host.check_output("nft list tables").splitlines()
        assert tables == ["table inet somebody_else", "table inet onprem_chat"]
    finally:
        host.check_output("nft delete table inet somebody_else")


def test_the_name_belongs_to_the_address(host):
    lines = host.file("/etc/hosts").content_string.splitlines()
    assert "10.203.0.20 chat.corp.test chat talk.corp.test talk-storage.corp.test" in lines
    assert "fd00:203::20 talk-storage.corp.test" in lines
    assert not [line for line in lines if line.startswith("127.0.1.1")]
    assert host.check_output("hostname --fqdn") == "chat.corp.test"


@pytest.mark.parametrize("name", ["chat.corp.test", "chat", "talk.corp.test", "talk-storage.corp.test"])
def test_names_lead_to_the_address(host, name):
    assert host.check_output(f"getent ahostsv4 {name}").split()[0] == "10.203.0.20"


def test_resolv_conf_has_servers_only(host):
    assert host.file("/etc/resolv.conf").content_string == "nameserver 10.203.0.10\n"


def test_the_clock_is_right(host):
    reference, *_rest, leap = host.check_output("chronyc -n -c tracking").split(",")
    assert (reference, leap) == ("0ACB000A", "Normal")


def test_chrony_asks_the_company_only(host):
    assert host.service("chrony").is_enabled
    assert host.check_output("chronyc -n -c sources").splitlines()[0].split(",")[2] == "10.203.0.10"
    assert len(host.check_output("chronyc -n -c sources").splitlines()) == 1


def test_nothing_waits_for_configuration(host):
    assert host.check_output("dpkg --audit") == ""
