# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that must not be taken for facts. The same with real servers: tests/integration/test_dns_faults.py."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, NotSo, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.transport import TcpTransport
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    lose_answer,
    server_for,
)

SECRET = "c2VjcmV0LXNlY3JldA=="
KEY = dns.tsig.Key("chat-update", SECRET, "hmac-sha256")
THERE = {("chat.corp.test.", "A"): (60, {"10.203.0.20"})}
GONE = {"name": "chat", "type": "A", "state": "absent"}
CHAT = {"name": "chat", "type": "A", "ttl": 60, "entries": ["10.203.0.20"]}


def apply(fake, record, signer=None):
    return apply_intents(
        [(server_for(fake, signer), intents_by_zone([record], ZONE)[ZONE])], attempts=3, sleep=lambda seconds: None
    )


def spoil(fake, change, *numbers):
    """Change the answers to the questions with these numbers."""
    honest, asked = fake.respond, []

    def respond(wire):
        answer = dns.message.from_wire(honest(wire))
        asked.append(wire)
        if len(asked) in numbers:
            change(answer)
        return answer.to_wire()

    fake.respond = respond
    return fake


def truncate(answer):
    answer.flags |= dns.flags.TC
    answer.answer = []


def about_another_name(answer):
    answer.question[0].name = dns.name.from_text("other.corp.test.")
    answer.answer = []


@pytest.mark.parametrize(("number", "asked"), [(1, "corp.test. SOA"), (2, "chat.corp.test. A")])
@pytest.mark.parametrize(
    ("change", "seen"),
    [(truncate, "a truncated answer, over TCP,"), (about_another_name, "the answer to another question")],
)
def test_an_answer_without_records_is_not_always_one_that_there_are_none(change, seen, number, asked):
    """Otherwise state=absent would be content although the records are there."""
    fake = spoil(FakeServer(THERE), change, number)
    with pytest.raises(ServerError) as error:
        apply(fake, GONE)
    assert str(error.value) == (
        f"DNS server ns1.corp.test sent {seen} when asked for {asked}. Does something between the controller and the "
        f"server change DNS messages? Check with: dig +norecurse @ns1.corp.test {asked}"
    )
    assert fake.updates == []


def test_servfail_for_the_zone_is_not_a_wrong_name():
    fake = FakeServer()
    fake.question_rcode = "SERVFAIL"
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        "DNS server ns1.corp.test answered SERVFAIL when asked for the zone corp.test. Could it not load the zone, or, if "
        "it is a secondary, is its copy too old? See the log of the DNS server. Check with: dig +norecurse @ns1.corp.test "
        "corp.test SOA"
    )


def test_unsigned_refusal_of_a_signed_question():
    fake = FakeServer(key=KEY)

    def refuse(wire):
        answer = dns.message.make_response(dns.message.from_wire(wire, keyring=False))
        answer.tsig = None
        answer.set_rcode(dns.rcode.NOTAUTH)
        return answer.to_wire()

    fake.respond = refuse
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT, Tsig("chat-update", SECRET, "hmac-sha256"))
    assert "cannot be trusted: it is not signed (the TSIG key chat-update (hmac-sha256)). It says NOTAUTH." in str(
        error.value
    )


def test_views_are_thought_of_where_a_key_chooses_them():
    fake = FakeServer(key=KEY)
    fake.question_rcode = "REFUSED"
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT, Tsig("chat-update", SECRET, "hmac-sha256"))
    assert "With views: does the TSIG key chat-update (hmac-sha256) lead to the right one?" in error.value.cause


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-600, "the controller's clock is 10 min behind the server's"),
        (7200, "the controller's clock is 120 min ahead of the server's"),
        (5, "the clocks of the controller and of the server are too far apart"),
    ],
)
def test_how_far_the_clocks_are_apart(seconds, said):
    fake = FakeServer(key=KEY)

    def too_late(wire):
        query = dns.message.from_wire(wire, keyring=KEY)
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.NOTAUTH)
        time = query.tsig[0].time_signed - seconds
        answer.use_tsig(KEY, tsig_error=dns.rcode.BADTIME, other_data=struct.pack("!Q", time)[2:])
        answer.request_mac = query.mac
        return answer.to_wire()

    fake.respond = too_late
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT, Tsig("chat-update", SECRET, "hmac-sha256"))
    assert str(error.value) == (
        f"DNS server ns1.corp.test refused a question in the zone corp.test: BADTIME, {said}. Is time synchronisation "
        "running on both? TSIG allows 5 minutes; compare with: date"
    )


def test_reading_back_is_tried_twice():
    fake = spoil(FakeServer(), truncate, 3)
    outcome = apply(fake, CHAT)
    assert (outcome.changed, outcome.updates) == (True, 1)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            [],
            "DNS server ns1.corp.test accepted an update, and then reading back failed, so nobody has seen the result.",
        ),
        (
            [lose_answer],
            "An update was sent to DNS server ns1.corp.test, and then reading back failed, so whether it happened is unknown.",
        ),
    ],
)
def test_reading_back_fails_twice(script, said):
    fake = spoil(FakeServer(script=script), truncate, 3, 4, 5, 6)
    with pytest.raises(NotSo) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        f"{said} DNS server ns1.corp.test sent a truncated answer, over TCP, when asked for corp.test. SOA. Does something "
        "between the controller and the server change DNS messages? Run the task again: it goes on from what is there."
    )


@pytest.mark.parametrize("how", ["ask", "tell", "stream"])
def test_answers_with_another_id_are_told(how):
    transport = TcpTransport("ns1.corp.test", 53, 0.5)
    frames = [b"\x00\x02\x00\x01", b"\x00\x02\x00\x02"]

    class Socket:
        def sendall(self, data):
            pass

        def settimeout(self, seconds):
            pass

        def close(self):
            pass

        def recv(self, count):
            if not frames:
                raise TimeoutError
            piece, frames[0] = frames[0][:count], frames[0][count:]
            if not frames[0]:
                frames.pop(0)
            return piece

    def connect():
        transport._socket = Socket()

    transport._connect = connect
    with pytest.raises(LostAnswer) as error:
        list(transport.stream(b"\x00\x07")) if how == "stream" else getattr(transport, how)(
            [b"\x00\x07"] if how == "ask" else b"\x00\x07"
        )
    assert error.value.what == (
        "DNS server ns1.corp.test did not answer over TCP: no answer within 0.5 s, but 2 with another message id."
    )
