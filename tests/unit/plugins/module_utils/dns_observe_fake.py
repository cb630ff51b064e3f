# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers, resolvers and a clock in memory, in place of lookup.Network."""

from __future__ import annotations

import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.lookup import SILENT, Reply, Soa
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set

ZONE = "example.test."
CLOSED = "no answer (UDP: no answer within 4 s; TCP: Connection refused)"


@dataclasses.dataclass
class Fake:
    """One server. ``records``: {(name, type): (ttl, value, ...)}; ``rcodes``: {(name, type) or type: rcode}."""

    records: dict = dataclasses.field(default_factory=dict)
    serial: int = 7
    mname: str = "ns1.example.test."
    zone: str = ZONE
    aa: bool = True
    ra: bool = False
    rcodes: dict = dataclasses.field(default_factory=dict)
    problem: str = ""
    error: str = ""
    over: str = "UDP"
    udp_error: str = ""
    soa_ttl: int = 3600
    minimum: int = 300
    no_soa: bool = False
    no_authority: tuple = ()

    def answer(self, key: Key) -> Reply:
        if self.problem:
            return Reply(problem=self.problem, error=self.error)
        soa = None if self.no_soa else Soa(self.zone, self.soa_ttl, self.mname, self.serial, self.minimum)
        rcode = self.rcodes.get((key.name, key.type), self.rcodes.get(key.type, ""))
        head = {
            "aa": self.aa and key.name not in self.no_authority,
            "ra": self.ra,
            "over": self.over,
            "udp_error": self.udp_error,
        }
        if rcode:
            return Reply(rcode, **head)
        if key.type == "SOA":
            return Reply("NOERROR", soa=soa, **head)
        here = {kind for name, kind in self.records if name == key.name}
        kind = key.type if key.type in here else "CNAME" if "CNAME" in here else ""
        if not kind:
            return Reply("NOERROR" if here else "NXDOMAIN", soa=soa, **head)
        ttl, *values = self.records[key.name, kind]
        found = Key(key.name, kind)
        addresses = values
        if kind == "CNAME" != key.type:
            addresses = self.records.get((values[0], key.type), (0,))[1:]
        return Reply(
            "NOERROR",
            sets={found: record_set(found, ttl, values)},
            addresses=tuple(addresses) if key.type in ("A", "AAAA") else (),
            **head,
        )


def resolver(records=(), **more) -> Fake:
    return Fake(**{"records": dict(records), "aa": False, "ra": True, **more})


def dead(error: str = CLOSED, problem: str = SILENT) -> Fake:
    return Fake(problem=problem, error=error)


class FakeNetwork:
    """``servers``: {address or (address, port): Fake}; ``later``: [(second, function)] for what happens meanwhile."""

    timeout = 10

    def __init__(self, servers, names=(), own=(), later=(), closed=()):
        self.servers = dict(servers)
        self.names = dict(names)
        self.own = list(own)
        self.later = sorted(later, key=lambda item: item[0])
        self.closed = dict(closed)
        self.clock = 1000.0
        self.asked = []
        self.signers = []
        self.slept = []
        self.connected = []

    def now(self):
        return self.clock

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.clock += seconds
        while self.later and self.clock - 1000 >= self.later[0][0]:
            self.later.pop(0)[1](self)

    def own_resolvers(self):
        return self.own

    def addresses(self, name):
        return list(self.names.get(name, ()))

    def ask(self, address, port, key, recursive=False, signer=None):
        self.asked.append((address, key.name, key.type, recursive))
        self.signers.append((address, signer))
        server = self.servers.get((address, port)) or self.servers.get(address) or dead()
        return server.answer(key)

    def connect(self, address, port, limit):
        self.connected.append((address, port, limit))
        return self.closed.get((address, port), self.closed.get(address, ""))
