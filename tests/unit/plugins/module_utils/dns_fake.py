# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A primary DNS server in memory, in place of the transport: answers questions, gives whole zones, executes updates by
RFC 2136, keeps what it was sent, and behaves badly where a script says so."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Unsigned
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents

ZONE = "corp.test."
SOA = "ns1.corp.test. hostmaster.corp.test. 1 900 600 86400 3600"


class FakeServer:
    """``records``: {(name, type): (ttl, {value, ...})}; ``script``: one step for each update, then it behaves well.

    transfer: its code for a transfer (AXFR), which it gives with NOERROR; per_message: so many records in each message of
    it; unsigned: the numbers of those messages that carry no signature (RFC 8945 5.3.1); spoil: makes other messages of
    them. events: everything that it was asked to do, in order.
    """

    def __init__(self, records=(), script=(), key=None, wildcards=False, zones=(ZONE,), transfer="REFUSED"):
        self.host = "ns1.corp.test"
        self.port = 53
        self.records = dict(records)
        self.script = list(script)
        self.key = key
        self.wildcards = wildcards
        self.authoritative = True
        self.question_rcode = "NOERROR"
        self.updates = []
        self.questions = []
        self.zones = tuple(zones)
        self.transfer = transfer
        self.per_message = 100
        self.unsigned = ()
        self.spoil = iter
        self.transfers = []
        self.events = []
        self.closed = False

    def __str__(self):
        return self.host

    def close(self):
        self.closed = True

    # -- questions ----------------------------------------------------------------------------------------------------

    def ask(self, wires):
        return [self.respond(wire) for wire in wires]

    def respond(self, wire):
        query = self._parse(wire)
        self.questions.append(query)
        reply = dns.message.make_response(query)
        if self.authoritative:
            reply.flags |= dns.flags.AA
        if self.question_rcode != "NOERROR":
            reply.set_rcode(dns.rcode.from_text(self.question_rcode))
            return reply.to_wire()
        name, kind = query.question[0].name.to_text(), dns.rdatatype.to_text(query.question[0].rdtype)
        self.events.append(f"question {name} {kind}")
        if name in self.zones and kind == "SOA":
            reply.answer.append(dns.rrset.from_text(name, 3600, "IN", "SOA", SOA))
            return reply.to_wire()
        reply.authority.append(dns.rrset.from_text(self._zone_of(name.lower()), 3600, "IN", "SOA", SOA))
        found = self._find(name.lower(), kind) or (kind != "CNAME" and self._find(name.lower(), "CNAME", "CNAME"))
        if found:
            reply.answer.append(dns.rrset.from_text(name, found[0], "IN", found[2], *sorted(found[1])))
        elif not any(owner == name.lower() for owner, _kind in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()

    def _zone_of(self, name):
        return next((zone for zone in self.zones if name == zone or name.endswith(f".{zone}")), self.zones[0])

    def _find(self, name, kind, shown=None):
        if (name, kind) in self.records:
            return (*self.records[(name, kind)], shown or kind)
        exists = any(owner == name for owner, _kind in self.records)
        if self.wildcards and not exists:
            star = (f"*.{name.partition('.')[2]}", kind)
            if star in self.records:
                return (*self.records[star], kind)
        return None

    # -- transfers ----------------------------------------------------------------------------------------------------

    def stream(self, wire):
        query = self._parse(wire)
        self.transfers.append(query)
        self.events.append(f"transfer {query.question[0].name}")
        yield from self.spoil(self._messages_of(query))

    def _messages_of(self, query):
        if self.transfer != "NOERROR":
            return [self.reply(query, self.transfer)]
        zone = query.question[0].name.to_text()
        records = [(zone, 3600, "SOA", SOA)]
        for (name, kind), (ttl, values) in sorted(self.records.items()):
            if self._zone_of(name) == zone:
                records += [(name, ttl, kind, value) for value in sorted(values)]
        records.append(records[0])
        pieces = [records[start : start + self.per_message] for start in range(0, len(records), self.per_message)]
        wires, context = [], None
        for number, piece in enumerate(pieces):
            message = dns.message.make_response(query)
            message.answer = [dns.rrset.from_text(name, ttl, "IN", kind, text) for name, ttl, kind, text in piece]
            if self.key is None or number in self.unsigned:
                message.tsig = None
                wires.append(message.to_wire())
                if context:
                    context.update(wires[-1])
            else:
                wires.append(message.to_wire(multi=True, tsig_ctx=context))
                context = message.tsig_ctx
        return wires

    # -- updates ------------------------------------------------------------------------------------------------------

    def tell(self, wire):
        message = self._parse(wire)
        if message.opcode() != dns.opcode.UPDATE:
            return self.negotiate(message)
        self.updates.append(message)
        self.events.append(f"update {message.zone[0].name}")
        step = self.script.pop(0) if self.script else execute
        return step(self, message)

    def negotiate(self, message):
        raise AssertionError("no negotiation expected")

    def _parse(self, wire):
        # Prerequisites and updates one by one, as they were sent; the signature is checked when there is a key.
        return dns.message.from_wire(wire, keyring=self.key or False, one_rr_per_rrset=True)

    def reply(self, message, rcode, sign_with=None):
        response = dns.message.make_response(message)
        response.set_rcode(dns.rcode.from_text(rcode))
        key = sign_with or self.key
        if key:
            response.use_tsig(key)
            response.request_mac = message.mac
        return response.to_wire()

    def execute(self, message):
        """Check the prerequisites and make the changes; the code that RFC 2136 asks for."""
        code = self._check(message)
        if code == "NOERROR":
            for rrset in message.update:
                self._change(rrset)
        return code

    def _check(self, message):
        exact = {}
        for rrset in message.prerequisite:
            key = (rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype))
            if rrset.deleting == dns.rdataclass.ANY:
                # What exists, not what would be answered: no wildcard counts (RFC 2136 3.2.5).
                if key not in self.records:
                    return "NXRRSET"
            elif rrset.deleting == dns.rdataclass.NONE:
                if key in self.records or (key[1] == "SOA" and key[0] in self.zones):
                    return "YXRRSET"
            else:
                exact.setdefault(key, set()).update(rdata.to_text() for rdata in rrset)
        for key, expected in exact.items():
            if key not in self.records or self.records[key][1] != expected:
                return "NXRRSET"
        return "NOERROR"

    def _change(self, rrset):
        key = (rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype))
        if rrset.deleting == dns.rdataclass.ANY:
            self.records.pop(key, None)
        elif rrset.deleting == dns.rdataclass.NONE:
            ttl, values = self.records.pop(key)
            left = values - {rdata.to_text() for rdata in rrset}
            if left:
                self.records[key] = (ttl, left)
        else:
            values = self.records.get(key, (0, set()))[1] | {rdata.to_text() for rdata in rrset}
            self.records[key] = (rrset.ttl, values)


# -- steps of a script ------------------------------------------------------------------------------------------------


def execute(server, message):
    """Do it and say what happened."""
    return server.reply(message, server.execute(message))


def refuse(rcode):
    """Do nothing and say this code."""
    return lambda server, message: server.reply(message, rcode)


def ignore(server, message):
    """Say that it is done and do nothing."""
    return server.reply(message, "NOERROR")


def lose_answer(server, message):
    """Do it, and the answer is lost."""
    server.execute(message)
    raise LostAnswer("DNS server ns1.corp.test did not answer over TCP: the connection was closed.")


def lose_request(server, message):
    """Do nothing, and no answer comes."""
    raise LostAnswer("DNS server ns1.corp.test did not answer over TCP: the connection was closed.")


def meddle(key, ttl, *values):
    """Somebody else writes one moment before."""

    def step(server, message):
        server.records[key] = (ttl, set(values))
        return execute(server, message)

    return step


def wrongly_signed(step_rcode=None):
    """Do it (or say a code), and sign the answer with a key that we do not know: the answer of Samba 4.17."""

    def step(server, message):
        rcode = step_rcode or server.execute(message)
        other = dns.tsig.Key(server.key.name, b"another secret", dns.tsig.HMAC_SHA256)
        return server.reply(message, rcode, sign_with=other)

    return step


def tsig_error(code):
    """The server does not like the signature."""

    def step(server, message):
        response = dns.message.make_response(message)
        response.set_rcode(dns.rcode.NOTAUTH)
        response.use_tsig(server.key, tsig_error=code)
        response.request_mac = message.mac
        return response.to_wire()

    return step


def server_for(fake, signer=None, zone=ZONE, read_by="auto"):
    """The server under test on top of the fake one."""
    return Server(fake, zone, signer or Unsigned(), read_by)


def apply_zones(fake, *records, policy=None, max_sets=1000, signer=None, **options):
    """A whole task, whose records may name their zones."""
    work = []
    for zone, intents in intents_by_zone(list(records), ZONE).items():
        server = server_for(fake, signer, zone)
        server.max_sets = max_sets
        work.append((server, intents))
    return apply_intents(work, policy, sleep=lambda seconds: None, **options)


def sent(message):
    """What an update asks for, as text: (prerequisites, updates)."""
    return sorted(map(_condition, message.prerequisite)), [_action(rrset) for rrset in message.update]


def _condition(rrset):
    what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
    if rrset.deleting == dns.rdataclass.NONE:
        return f"no {what}"
    if rrset.deleting == dns.rdataclass.ANY:
        return f"some {what}"
    return f"exactly {what} {' '.join(rdata.to_text() for rdata in rrset)} (ttl {rrset.ttl})"


def _action(rrset):
    what = f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)}"
    if rrset.deleting == dns.rdataclass.ANY:
        return f"delete {what}"
    if rrset.deleting == dns.rdataclass.NONE:
        return f"delete {what} {' '.join(rdata.to_text() for rdata in rrset)}"
    return f"add {what} {rrset.ttl} {' '.join(rdata.to_text() for rdata in rrset)}"
