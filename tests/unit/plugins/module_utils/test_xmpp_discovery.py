# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How xmpp_info finds servers: the order of RFC 2782, and real DNS messages from a scripted name server."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._xmpp import discovery
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Endpoint, Service


def service(priority, weight, name):
    return Service(priority, weight, 5222, name)


def names(services, pick):
    return [item.target for item in discovery.in_order(services, pick)]


def test_priority_first():
    services = [service(20, 0, "c"), service(5, 0, "a"), service(10, 0, "b")]
    assert names(services, lambda top: 0) == ["a", "b", "c"]


def test_weight_decides_within_a_priority():
    services = [service(5, 10, "small"), service(5, 90, "large")]
    assert names(services, lambda top: top) == ["large", "small"]
    assert names(services, lambda top: min(top, 10)) == ["small", "large"]


def test_weight_is_drawn_from_what_is_left():
    tops = []

    def pick(top):
        tops.append(top)
        return top

    names([service(5, 10, "a"), service(5, 20, "b"), service(5, 30, "c"), service(6, 7, "d")], pick)
    assert tops == [60, 30, 10, 7]


def test_a_heavy_weight_does_not_beat_a_priority():
    assert names([service(5, 0, "first"), service(6, 65535, "heavy")], lambda top: top) == ["first", "heavy"]


def test_weight_zero_has_its_turn():
    assert names([service(5, 0, "zero"), service(5, 10, "ten")], lambda top: 0) == ["zero", "ten"]


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_whatever_is_drawn(seed):
    import random

    services = [service(p, w, f"{p}-{w}") for p in (1, 2) for w in (0, 1, 50)]
    random_numbers = random.Random(seed)  # noqa: S311
    ordered = discovery.in_order(services, lambda top: random_numbers.randint(0, top))
    assert sorted(item.target for item in ordered) == sorted(item.target for item in services)
    assert [item.priority for item in ordered] == [1, 1, 1, 2, 2, 2]


def test_no_service_no_order():
    assert discovery.in_order([]) == []


# Real DNS messages


class NameServer(asyncio.DatagramProtocol):
    """Answers from a table {(name, type): [text, ...]}; a name that is nowhere in it does not exist."""

    def __init__(self, zone):
        self.zone = zone

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if self.zone == "refuse":
            answer.set_rcode(dns.rcode.REFUSED)
        else:
            alias = self.zone.get((name, "CNAME"))
            if alias:
                answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", alias[0]))
                name = alias[0].rstrip(".")
            records = self.zone.get((name, kind))
            if records:
                answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, *records))
            elif not any(known == name for known, _kind in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


def resolve(zone, question):
    """What question(resolver) gives when this zone answers."""

    async def scenario():
        loop = asyncio.get_running_loop()
        transport, _server = await loop.create_datagram_endpoint(lambda: NameServer(zone), ("127.0.0.1", 0))
        resolver = discovery.Resolver(["127.0.0.1"], 3)
        resolver._resolver.port = transport.get_extra_info("sockname")[1]
        try:
            return await question(resolver)
        finally:
            transport.close()

    return asyncio.run(scenario())


SRV = "_xmpp-client._tcp.corp.test"


def test_services_found():
    zone = {(SRV, "SRV"): ["5 0 5222 chat.corp.test.", "10 20 5223 other.corp.test."]}
    answer = resolve(zone, lambda r: r.services(SRV))
    assert answer.status == discovery.FOUND
    assert sorted(answer.services, key=lambda s: s.priority) == [
        Service(5, 0, 5222, "chat.corp.test"),
        Service(10, 20, 5223, "other.corp.test"),
    ]


def test_service_declined_by_a_dot():
    answer = resolve({(SRV, "SRV"): ["0 0 0 ."]}, lambda r: r.services(SRV))
    assert (answer.status, answer.services) == (discovery.DECLINED, ())


def test_service_name_does_not_exist():
    assert resolve({}, lambda r: r.services(SRV)).status == discovery.ABSENT


def test_service_name_exists_without_srv():
    assert resolve({(SRV, "TXT"): ['"x"']}, lambda r: r.services(SRV)).status == discovery.ABSENT


def test_name_server_refuses():
    answer = resolve("refuse", lambda r: r.services(SRV))
    assert answer.status == discovery.ERROR
    assert "REFUSED" in answer.error
    assert "\n" not in answer.error


CHAT = Service(5, 0, 5222, "chat.corp.test")


def test_target_with_both_families():
    zone = {("chat.corp.test", "A"): ["10.203.0.20"], ("chat.corp.test", "AAAA"): ["fd00::20"]}
    target = resolve(zone, lambda r: r.target(CHAT))
    assert target.endpoints == [
        Endpoint("chat.corp.test", 5222, "fd00::20"),
        Endpoint("chat.corp.test", 5222, "10.203.0.20"),
    ]
    assert (target.alias, target.error) == ("", "")


def test_target_is_an_alias():
    zone = {("chat.corp.test", "CNAME"): ["host7.corp.test."], ("host7.corp.test", "A"): ["10.203.0.20"]}
    target = resolve(zone, lambda r: r.target(CHAT))
    assert (target.alias, target.addresses) == ("host7.corp.test", ("10.203.0.20",))


def test_target_does_not_exist():
    assert resolve({}, lambda r: r.target(CHAT)).error == "this name does not exist"


def test_target_without_address():
    zone = {("chat.corp.test", "TXT"): ['"x"']}
    assert resolve(zone, lambda r: r.target(CHAT)).error == "this name has neither an A nor an AAAA record"


def test_a_host_that_the_user_named_may_be_an_address():
    target = asyncio.run(discovery.system_target(Service(0, 0, 5222, "127.0.0.1"), 3))
    assert [str(endpoint) for endpoint in target.endpoints] == ["127.0.0.1:5222"]
