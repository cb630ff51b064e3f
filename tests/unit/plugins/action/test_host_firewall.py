# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall makes of what ss, sshd and systemd say: roles/host/vars/main.yml, evaluated by Ansible."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture
def value():
    """The value of a variable of the role, with what tasks registered and what the user set."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROOT / "roles" / "host" / "vars" / "main.yml"), trusted_as_template=True)

    def value(name, **others):
        return Templar(loader, variables=variables | others).template(trust_as_template("{{ " + name + " }}"))

    return value


def said(stdout, returncode=0):
    return {"stdout": stdout, "stdout_lines": stdout.splitlines(), "rc": returncode}


SSHD = 'users:(("sshd",pid=812,fd=4),("sshd",pid=790,fd=4))'
# An administrator with X11, -R, -R to everybody, -L and a ProxyJump through this host; he came in by an old port of sshd.
TUNNELS = f"""tcp   LISTEN 0      128             0.0.0.0:22           0.0.0.0:*     users:(("sshd",pid=500,fd=3))
tcp   LISTEN 0      128                [::]:22              [::]:*     users:(("sshd",pid=500,fd=4))
tcp   LISTEN 0      128           127.0.0.1:6010         0.0.0.0:*     {SSHD}
tcp   LISTEN 0      128               [::1]:6010            [::]:*     {SSHD}
tcp   LISTEN 0      128           127.0.0.1:8443         0.0.0.0:*     {SSHD}
tcp   LISTEN 0      511                   *:8080               *:*     users:(("nginx",pid=1,fd=3))
tcp   ESTAB  0      0           10.203.0.20:2222     10.203.0.100:51444 {SSHD}
tcp   ESTAB  0      0           10.203.0.20:41822     10.203.0.10:443  {SSHD}
tcp   ESTAB  0      0      [fd00:203::20]:47312  [fd00:203::30]:22   {SSHD}
tcp   ESTAB  0      0    [::ffff:127.0.0.1]:8443 [::ffff:127.0.0.1]:40000 {SSHD}
"""
ASKED = {
    "__host_sockets": said(TUNNELS),
    "__host_port_range": said("32768\t60999\n"),
    "__host_sshd": said("port 22\npermitrootlogin no\n"),
    "__host_ssh_socket": said("ActiveState=inactive\nListen=[::]:2022 (Stream)\n"),
}


def test_tunnels_of_ssh_are_no_ports_of_ssh(value):
    assert value("__host_ssh_ports", **ASKED) == [22, 2222]


@pytest.mark.parametrize(
    ("asked", "ports"),
    [
        ({"__host_sshd": said("", 255), "__host_sockets": {"skipped": True}}, []),
        ({"__host_port_range": said("", 1)}, [22, 2222]),
        ({"__host_sshd": said("port 22\nport 47312\n")}, [22, 2222, 47312]),
        ({"__host_ssh_socket": said("ActiveState=active\nListen=[::]:41822 (Stream)\n")}, [22, 2222, 41822]),
        ({"__host_sockets": said(TUNNELS.replace("0.0.0.0:22 ", "0.0.0.0:50022 "))}, [22, 2222, 50022]),
        (
            {"__host_sockets": said(TUNNELS.replace("0.0.0.0:22 ", "10.203.0.20%eth0:41822 "))},
            [22, 2222, 41822],
        ),
        ({"__host_port_range": said("1024\t60999\n")}, [22]),
    ],
    ids=["check mode on a fresh host", "no range", "sshd -T", "ssh.socket", "high port", "of one interface", "range"],
)
def test_ports_of_ssh_are_found(value, asked, ports):
    assert value("__host_ssh_ports", **ASKED | asked) == ports


@pytest.mark.parametrize(
    ("role", "asked"),
    [({}, True), ({"__host_missing": []}, True), ({"__host_missing": ["nftables", "iproute2"]}, False)],
    ids=["entered by tasks_from", "all there", "not installed yet"],
)
def test_check_mode_asks_for_sockets_where_it_can(role, asked):
    tasks = DataLoader().load_from_file(str(ROOT / "roles/host/tasks/firewall.yml"), trusted_as_template=True)
    templar = Templar(DataLoader(), variables={"ansible_check_mode": True} | role)
    assert templar.evaluate_conditional(tasks[0]["when"]) is asked


SERVICES = """tcp   LISTEN 0 128          0.0.0.0:22    0.0.0.0:* users:(("sshd",pid=500,fd=3))
tcp   LISTEN 0 511          0.0.0.0:8080  0.0.0.0:* users:(("nginx",pid=2,fd=6),("nginx",pid=1,fd=6))
tcp   LISTEN 0 511             [::]:8080     [::]:* users:(("nginx",pid=2,fd=7),("nginx",pid=1,fd=7))
tcp   LISTEN 0 4096               *:10050       *:* users:(("zabbix agentd",pid=9,fd=4))
tcp   LISTEN 0 4096         0.0.0.0:443   0.0.0.0:* users:(("docker-proxy",pid=30,fd=7))
tcp   LISTEN 0 4096         0.0.0.0:2049  0.0.0.0:*
tcp   LISTEN 0 244        127.0.0.1:5432  0.0.0.0:* users:(("postgres",pid=40,fd=5))
tcp   LISTEN 0 4096   127.0.0.53%lo:53    0.0.0.0:* users:(("systemd-resolve",pid=41,fd=5))
tcp   ESTAB  0 0        10.203.0.20:41822 10.203.0.10:443 users:(("curl",pid=50,fd=5))
udp   UNCONN 0 0            0.0.0.0:8080  0.0.0.0:* users:(("nginx",pid=2,fd=9))
udp   UNCONN 0 0            0.0.0.0:161   0.0.0.0:* users:(("snmpd",pid=60,fd=6))
udp   UNCONN 0 0            0.0.0.0:51820 0.0.0.0:*
udp   UNCONN 0 0            0.0.0.0:40404 0.0.0.0:* users:(("rsyslogd",pid=61,fd=6))
udp   UNCONN 0 0   10.203.0.20%eth0:68    0.0.0.0:* users:(("systemd-network",pid=62,fd=6))
udp   UNCONN 0 0      [fe80::1]%eth0:546     [::]:* users:(("systemd-network",pid=62,fd=7))
udp   UNCONN 0 0          127.0.0.1:323   0.0.0.0:* users:(("chronyd",pid=63,fd=6))
udp   ESTAB  0 0        10.203.0.20:39999 10.203.0.10:123 users:(("chronyd",pid=63,fd=7))
"""


def test_services_that_would_be_cut_off(value):
    asked = ASKED | {"__host_sockets": said(SERVICES), "host_ssh_sources": []}
    services = {
        "8080/tcp (nginx)",
        "10050/tcp (zabbix agentd)",
        "2049/tcp (kernel)",
        "8080/udp (nginx)",
        "161/udp (snmpd)",
        "51820/udp (kernel)",
    }
    assert set(value("__host_cut_off", host_open_ports=[], **asked)) == services
    opened = [{"port": 8080}, {"port": 10050, "protocol": "tcp", "sources": []}, {"port": 161, "protocol": "udp"}]
    assert value("__host_cut_off", host_open_ports=opened, **asked) == [
        "2049/tcp (kernel)",
        "8080/udp (nginx)",
        "51820/udp (kernel)",
    ]
    nothing = asked | {"__host_sockets": {"skipped": True}}
    assert value("__host_cut_off", host_open_ports=[], **nothing) == []


def chain(table, **others):
    return {"chain": {"family": "ip", "table": table, "name": "INPUT", "handle": 1} | others}


def test_other_firewalls(value):
    base = {"type": "filter", "hook": "input", "prio": 0}
    chains = [
        {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
        chain("filter", policy="drop", **base),
        chain("filter", name="FORWARD", policy="drop", type="filter", hook="forward", prio=0),
        chain("open", policy="accept", **base),
        chain("onprem_chat", family="inet", policy="drop", **base),
        chain("theirs"),
    ]
    asked = {
        "__host_chains": said(json.dumps({"nftables": chains})),
        "__host_other_firewalls": said("active\ninactive\n"),
    }
    assert value("__host_others", **asked) == ["ufw", "chain INPUT of table ip filter (policy drop)"]
    asked = {"__host_chains": said("", 2), "__host_other_firewalls": said("inactive\nactive\n", 3)}
    assert value("__host_others", **asked) == ["firewalld"]
    asked = {"__host_chains": said(json.dumps({"nftables": chains[:1]})), "__host_other_firewalls": said("")}
    assert value("__host_others", **asked) == []
