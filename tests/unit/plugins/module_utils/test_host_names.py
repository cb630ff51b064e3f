# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses, NAT and resolv.conf of a pretended host."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import interfaces
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host

INSIDE, OUTSIDE = "10.203.0.20", "198.51.100.7"
CHATS = {"name": "chats.corp.test", "addresses": [INSIDE]}
STORAGE = {"name": "chats-storage.corp.test", "addresses": [INSIDE]}


@pytest.fixture(name="host")
def _host(tmp_path):
    return Host(tmp_path)


# -- /etc/hosts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{INSIDE} chats.corp.test",
        f"{INSIDE}\tchats.corp.test\tchats # ours",
        f"  {INSIDE}   other.corp.test CHATS.corp.test.\n",
        f"# {OUTSIDE} chats.corp.test\n{INSIDE} chats.corp.test",
        f"{INSIDE} a.corp.test\n{INSIDE} chats.corp.test\n{INSIDE} chats.corp.test",
    ],
)
def test_a_line(host, text):
    host.write("etc/hosts", text)
    status, evidence = host.said("host.hosts", names=[CHATS], names_in_hosts_file="required", loopback_names="fail")
    assert (status, evidence.startswith(f"chats.corp.test is {INSIDE}")) == ("pass", True)


def test_every_name_is_asked(host):
    host.write("etc/hosts", f"{INSIDE} chats.corp.test\n{OUTSIDE} chats-storage.corp.test\n")
    third = {"name": "chats-gateway.corp.test", "addresses": [INSIDE]}
    assert host.all("host.hosts", names=[CHATS, STORAGE, third], names_in_hosts_file="required") == [
        ("pass", "/etc/hosts", f"chats.corp.test is {INSIDE}"),
        ("fail", "/etc/hosts", f"chats-storage.corp.test is {OUTSIDE}, wanted {INSIDE}"),
        ("fail", "/etc/hosts", "has no line for chats-gateway.corp.test"),
    ]


def test_the_line_that_is_missing_is_told(host):
    check = host.one("host.hosts", names=[CHATS], names_in_hosts_file="required")
    assert check["hint"] == f"Add the line: {INSIDE} chats.corp.test"
    check = host.one("host.hosts", names=[{"name": "a.test"}], names_in_hosts_file="required")
    assert check["hint"] == "Add the line: ADDRESS a.test"


def test_no_line_is_needed(host):
    assert host.said("host.hosts", names=[CHATS]) == ("pass", "has no line for chats.corp.test, DNS is asked")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.0.1.1", "::1", "127.255.0.9", "::ffff:127.0.0.1", "::FFFF:127.0.1.1", "0.0.0.0", "::"],  # noqa: S104
)
@pytest.mark.parametrize("decision", ["warn", "fail"])
def test_a_line_of_the_loopback(host, address, decision):
    host.write("etc/hosts", f"{address} localhost chats.corp.test\n{INSIDE} chats.corp.test\n")
    check = host.one("host.hosts", names=[CHATS], loopback_names=decision)
    assert check["status"] == decision
    assert check["evidence"] == f"chats.corp.test is {address}, an address of this host alone"


def test_a_name_within_a_name_is_another(host):
    host.write("etc/hosts", "127.0.1.1 my-chats.corp.test chats.corp.test.local\n")
    assert host.said("host.hosts", names=[CHATS])[0] == "pass"


def test_one_address_in_two_ways_of_writing(host):
    host.write("etc/hosts", "FD00:203:0:0::20 chats.corp.test\n")
    host.machine.resolve = lambda _name: ["fd00:203:0::20"]
    wanted = {"names": [{"name": "chats.corp.test", "addresses": ["fd00:203::20"]}]}
    assert host.said("host.hosts", **wanted) == ("pass", "chats.corp.test is FD00:203:0:0::20")
    assert host.said("host.name", **wanted)[0] == "pass"


def test_a_second_address_that_is_stale(host):
    host.machine.resolve = lambda _name: ["10.0.0.20", "203.0.113.5"]
    check = host.one("host.name", names=[{"name": "chats.corp.test", "addresses": ["10.0.0.20"]}])
    assert (check["status"], check["evidence"]) == ("warn", "is 10.0.0.20, 203.0.113.5 here, wanted 10.0.0.20")
    assert check["hint"] == (
        "Correct its addresses in DNS and in /etc/hosts. One too many is used by half of those who ask."
    )
    both = ["203.0.113.5", "10.0.0.20", "fd00::20"]
    assert host.said("host.name", names=[{"name": "chats.corp.test", "addresses": both}])[0] == "pass"


def test_fqdn_is_one_more_name(host):
    wanted = {"fqdn": "Chat.corp.test.", "addresses": [INSIDE], "names": [CHATS]}
    assert [one[2] for one in host.all("host.hosts", **wanted)] == [
        f"chat.corp.test is {INSIDE}",
        "has no line for chats.corp.test, DNS is asked",
    ]
    assert [one[1] for one in host.all("host.name", **wanted)] == ["chat.corp.test", "chats.corp.test"]


def test_a_name_that_is_given_twice(host):
    both = [CHATS, {"name": "CHATS.corp.test", "addresses": [INSIDE, "fd00::20"]}]
    host.write("etc/hosts", "fd00::20 chats.corp.test\n")
    assert host.all("host.hosts", names=both) == [("pass", "/etc/hosts", "chats.corp.test is fd00::20")]


def test_every_name_is_resolved_once_and_together(host):
    asked, together = [], threading.Barrier(3, timeout=20)

    def resolve(name):
        asked.append(name)
        together.wait()
        return [INSIDE]

    host.machine.resolve = resolve
    third = {"name": "chats-gateway.corp.test", "addresses": [INSIDE]}
    wanted = {"names": [CHATS, STORAGE, third], "external_addresses": [OUTSIDE]}
    assert [one[0] for one in host.all("host.name", **wanted)] == ["pass"] * 3
    assert sorted(asked) == ["chats-gateway.corp.test", "chats-storage.corp.test", "chats.corp.test"]


# -- addresses and NAT ---------------------------------------------------------------------------------------------------


def test_own_addresses(host):
    host.machine.addresses = lambda: [("lo", "127.0.0.1"), ("eth0", INSIDE), ("eth0", "fe80::1"), ("eth1", "fd00::20")]
    names = [CHATS, {"name": "b.corp.test", "addresses": ["fd00:0::20", "10.9.9.9"]}]
    assert host.all("host.address", names=names, local_addresses=True) == [
        ("pass", INSIDE, "on eth0"),
        ("pass", "fd00:0::20", "on eth1"),
        ("fail", "10.9.9.9", f"on no interface; this host has {INSIDE} (eth0), fd00::20 (eth1)"),
    ]


def test_addresses_without_a_name(host):
    assert host.all("host.address", addresses=[INSIDE], local_addresses=True) == [("pass", INSIDE, "on eth0")]


def test_only_the_loopback(host):
    host.machine.addresses = lambda: [("lo", "127.0.0.1")]
    check = host.one("host.address", names=[CHATS], local_addresses=True)
    assert check["evidence"] == "on no interface; this host has none but the loopback"
    assert check["hint"].startswith("Is it the outer address of a router or firewall (NAT)?")


def test_many_addresses_are_cut(host):
    host.machine.addresses = lambda: [(f"eth{number}", f"10.0.0.{number}") for number in range(9)]
    assert host.one("host.address", names=[CHATS], local_addresses=True)["evidence"].endswith(
        "10.0.0.5 (eth5) and 3 more"
    )


def test_addresses_cannot_be_listed(host):
    host.machine.addresses = lambda: None
    assert host.said("host.address", names=[CHATS], local_addresses=True) == (
        "skip",
        "the kernel does not list its addresses",
    )


def test_no_addresses_are_asked(host):
    assert host.all("host.address", names=[CHATS]) == []
    assert host.all("host.nat", names=[CHATS]) == []


def nat(host, *external):
    return host.said("host.nat", names=[CHATS, STORAGE], external_addresses=list(external or [OUTSIDE]))


def test_behind_nat(host):
    assert nat(host) == ("pass", f"behind NAT: inside {INSIDE}, outside {OUTSIDE}")


def test_no_nat(host):
    host.machine.addresses = lambda: [("eth0", OUTSIDE)]
    assert nat(host) == ("pass", f"no NAT: {OUTSIDE} on eth0")


def test_the_outer_address_in_the_hosts_file(host):
    host.write("etc/hosts", f"{OUTSIDE} other.corp.test chats-storage.corp.test\n")
    check = host.one("host.nat", names=[CHATS, STORAGE], external_addresses=[OUTSIDE])
    assert (check["status"], check["evidence"]) == (
        "fail",
        f"behind NAT: inside {INSIDE}, outside {OUTSIDE}; chats-storage.corp.test is {OUTSIDE} in /etc/hosts",
    )
    assert check["hint"] == (
        f"On this host its names must have the inner address ({INSIDE}): put them into /etc/hosts."
    )


def test_the_outer_address_by_dns(host):
    host.machine.resolve = lambda name: [OUTSIDE if name == "chats.corp.test" else INSIDE]
    status, evidence = nat(host)
    assert (status, evidence.partition("; ")[2]) == ("fail", f"chats.corp.test resolves to {OUTSIDE}")


@pytest.mark.parametrize("address", ["10.1.1.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "ten"])
def test_an_outer_address_that_is_inside(host, address):
    assert nat(host, address) == (
        "warn",
        f"behind NAT: inside {INSIDE}, outside {address}; {address} is no address of the Internet",
    )


@pytest.mark.parametrize("address", ["172.32.0.1", "203.0.113.9", "2001:db8::1", "8.8.8.8"])
def test_an_outer_address(host, address):
    assert nat(host, address)[0] == "pass"


# -- the same domain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "other", "status", "evidence"),
    [
        ("chats.corp.test", "meet.corp.test", "pass", "in corp.test, as meet.corp.test"),
        ("chats.corp.test", "MEET.Corp.test.", "pass", "in corp.test, as MEET.Corp.test."),
        ("chats.a.corp.test", "meet.corp.test", "warn", "in a.corp.test, but meet.corp.test in corp.test"),
        ("chats.corp.test", "corp.test", "warn", "in corp.test, but corp.test is a registered domain of its own"),
        ("chats.corp.test", "meet.corp.ru", "fail", "in corp.test, but meet.corp.ru in corp.ru"),
        ("chats.corp.test", "meet.other.test", "fail", "in corp.test, but meet.other.test in other.test"),
        ("chats.one.co.uk", "meet.two.co.uk", "fail", "in one.co.uk, but meet.two.co.uk in two.co.uk"),
        ("chats.one.co.uk", "meet.x.one.co.uk", "warn", "in one.co.uk, but meet.x.one.co.uk in x.one.co.uk"),
        ("chats.ru", "meet.ru", "fail", "is a registered domain of its own, as meet.ru"),
        ("chats.ru", "meet.chats.ru", "warn", "is a registered domain of its own, but meet.chats.ru in chats.ru"),
        ("chats.meet.ru", "meet.ru", "warn", "in meet.ru, but meet.ru is a registered domain of its own"),
        ("chats.co.uk", "meet.co.uk", "fail", "is a registered domain of its own, as meet.co.uk"),
        ("chats.corp.com.ru", "meet.corp.com.ru", "pass", "in corp.com.ru, as meet.corp.com.ru"),
        ("chats", "meet.corp.test", "fail", "in no domain, but meet.corp.test in corp.test"),
        ("chats.corp.test", "meet", "fail", "in corp.test, but meet in no domain"),
        ("chats.пример.test", "meet.xn--e1afmkfd.test", "pass", "in xn--e1afmkfd.test, as meet.xn--e1afmkfd.test"),
    ],
)
def test_domain(host, name, other, status, evidence):
    assert host.all("host.domain", names=[{"name": name}], same_domain_as=[other]) == [(status, name, evidence)]


def test_the_worst_of_several_domains_is_told(host):
    others = ["a.corp.test", "b.other.test", "c.x.corp.test"]
    assert host.said("host.domain", names=[CHATS], same_domain_as=others) == (
        "fail",
        "in corp.test, but b.other.test in other.test",
    )


# -- resolv.conf -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "status", "evidence"),
    [
        ("nameserver 10.0.0.1\n", "pass", "no domain or search line"),
        ("# search corp.test\n; domain corp.test\nnameserver 10.0.0.1\n", "pass", "no domain or search line"),
        ("options ndots:2 search\nsearchlight x\n", "pass", "no domain or search line"),
        ("domain corp.test\n", "fail", "domain corp.test"),
        ("search corp.test  example.com\n", "fail", "search corp.test example.com"),
        ("domain\tcorp.test\nsearch a.test\n", "fail", "domain corp.test; search a.test"),
        (" search corp.test\n", "fail", "search corp.test"),
        ("search .\n", "warn", "search . (names no domain)"),
        ("search\n", "warn", "search (names no domain)"),
        ("search . corp.test\n", "fail", "search . corp.test"),
    ],
)
def test_search(host, text, status, evidence):
    host.write("etc/resolv.conf", text)
    assert host.all("host.resolver.search", search_domains="forbid") == [(status, "/etc/resolv.conf", evidence)]


def test_search_is_allowed(host):
    assert host.all("host.resolver.search") == []


@pytest.mark.parametrize(
    ("comment", "writer"),
    [
        ("# Generated by NetworkManager", "NetworkManager"),
        ("# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).", "systemd-resolved"),
        ("# Dynamic resolv.conf(5) file for glibc resolver(3) generated by resolvconf(8)", "resolvconf"),
        ("; generated by /sbin/dhclient-script", "dhclient"),
        ("# Generated by dhcpcd from eth0.dhcp", "dhcpcd"),
        ("# --- BEGIN PVE ---", "Proxmox VE"),
    ],
)
def test_the_writer_of_the_file(host, comment, writer):
    host.write("etc/resolv.conf", f"{comment}\nsearch corp.test\n")
    assert host.one("host.resolver.search", search_domains="forbid")["hint"] == (
        f"Remove it. The file is written by {writer}: change it there, or the line comes back."
        " The role host may mend it: give host_mend the words resolver and resolver_writer."
    )


def test_the_writer_by_the_link(host):
    (host.root / "etc/resolv.conf").unlink()
    host.write("run/systemd/resolve/stub-resolv.conf", "search corp.test\n")
    (host.root / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    assert "written by systemd-resolved" in host.one("host.resolver.search", search_domains="forbid")["hint"]


def test_an_unknown_writer(host):
    assert host.one("host.resolver.search", search_domains="forbid")["hint"] == (
        "Remove it. Does a DHCP client or another service write the file? Then change it there, or the line comes back."
        " The role host may mend it: give host_mend the words resolver and resolver_writer."
    )


# -- what the kernel says ------------------------------------------------------------------------------------------------


def test_addresses_of_this_machine():
    assert ("lo", "127.0.0.1") in interfaces.addresses_here()


class Kernel:
    """Stands in for rtnetlink."""

    def __init__(self, *replies):
        self.replies = list(replies)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def settimeout(self, seconds):
        pass

    def send(self, request):
        assert struct.unpack_from("=IHHII", request) == (24, 22, 0x301, 1, 0)

    def recv(self, _size):
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def message(kind, body=b""):
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def address(family, index, **attributes):
    body = struct.pack("=BBBBI", family, 24, 0, 0, index)
    for kind, text in ((1, attributes.get("peer")), (2, attributes.get("local"))):
        if text:
            raw = socket.inet_pton(family, text)
            body += struct.pack("=HH", 4 + len(raw), kind) + raw
    return message(20, body)


def pretend(monkeypatch, *replies):
    monkeypatch.setattr(interfaces.socket, "socket", lambda *_any: Kernel(*replies))
    monkeypatch.setattr(interfaces.socket, "if_indextoname", {2: "eth0", 3: "ppp0"}.__getitem__)
    return interfaces.addresses_here()


def test_addresses_in_several_messages(monkeypatch):
    one = address(socket.AF_INET, 2, peer="10.0.0.1", local="10.0.0.1") + address(socket.AF_INET6, 2, peer="fd00::1")
    two = address(socket.AF_INET, 3, peer="10.0.9.1", local="10.0.9.2") + message(3, bytes(4))
    assert pretend(monkeypatch, one, two) == [("eth0", "10.0.0.1"), ("eth0", "fd00::1"), ("ppp0", "10.0.9.2")]


@pytest.mark.parametrize("reply", [message(2, bytes(20)), OSError(1, "Operation not permitted"), TimeoutError()])
def test_the_kernel_lists_no_addresses(monkeypatch, reply):
    assert pretend(monkeypatch, reply) is None
