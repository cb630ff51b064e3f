# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a zone by transfer: what is asked, what is believed, what is said when it gives nothing."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import transfer
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, Unreachable
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import MANY
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.transfer import TransferRefused
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    server_for,
    tsig_error,
)

SECRET = "c2VjcmV0LXNlY3JldA=="
KEY = dns.tsig.Key("chat-update", SECRET, "hmac-sha256")
HOSTS = {(f"h{number:03d}.corp.test.", "A"): (60, {f"10.0.0.{number}"}) for number in range(1, 41)}
ALL = [Key(f"h{number:03d}.corp.test.", "A") for number in range(1, 41)]
CHANGED = "Does something between the controller and the server change DNS messages?"
NOT_ALLOWED = "Allow it there (BIND: allow-transfer), or set read_by=questions."


def fake_zone(records=HOSTS, signed=False, **options):
    return FakeServer(records, transfer="NOERROR", key=KEY if signed else None, **options)


def transfer_of(fake, signed=False):
    return server_for(fake, Tsig("chat-update", SECRET, "hmac-sha256") if signed else None, read_by="transfer")


def refusal_of(fake, signed=False, keys=ALL):
    server = transfer_of(fake, signed)
    with pytest.raises(TransferRefused) as error:
        server.read(keys)
    assert fake.closed
    assert fake.questions == []
    assert server.transfers.refused == error.value.what
    return str(error.value)


# -- what is read -----------------------------------------------------------------------------------------------------


def test_one_question_for_the_whole_zone():
    fake = fake_zone()
    found = transfer_of(fake).read([*ALL, Key("missing.corp.test.", "A")])
    assert found == {key: record_set(key, 60, [f"10.0.0.{number}"]) for number, key in enumerate(ALL, 1)}
    assert fake.events == ["transfer corp.test."]
    (query,) = fake.transfers
    assert (query.question[0].to_text(), int(query.flags), query.had_tsig) == ("corp.test. IN AXFR", 0, False)
    assert fake.closed


@pytest.mark.parametrize("per_message", [1, 2, 7, 41, 42, 1000])
@pytest.mark.parametrize("signed", [False, True])
def test_however_it_is_cut_into_messages(per_message, signed):
    fake = fake_zone(signed=signed)
    fake.per_message = per_message
    assert len(transfer_of(fake, signed).read(ALL)) == 40
    assert fake.transfers[0].had_tsig is signed


def test_only_what_was_asked_for():
    fake = fake_zone({**HOSTS, ("h001.corp.test.", "TXT"): (60, {'"x"'})})
    assert set(transfer_of(fake).read([ALL[0]])) == {ALL[0]}
    assert transfer_of(fake).read([]) == {}


def test_a_set_spread_over_several_messages():
    fake = fake_zone({("chat.corp.test.", "A"): (60, {f"10.0.0.{number}" for number in range(1, 31)})})
    fake.per_message = 4
    key = Key("chat.corp.test.", "A")
    assert transfer_of(fake).read([key])[key].values == tuple(f"10.0.0.{number}" for number in range(1, 31))


def test_spelling_of_the_server_is_kept_beside_the_canonical_one():
    key = Key("_xmpp-client._tcp.corp.test.", "SRV")
    fake = fake_zone({("_XMPP-client._tcp.corp.test.", "SRV"): (300, {"5 0 5222 Chat.CORP.test."})})
    found = transfer_of(fake).read([key])[key]
    assert (found.ttl, found.values, found.as_read) == (
        300,
        ("5 0 5222 chat.corp.test.",),
        ("5 0 5222 Chat.CORP.test.",),
    )


def test_types_that_point_into_the_zone_itself():
    records = {("corp.test.", "CAA"): (60, {'0 issue ";"'}), ("corp.test.", "TXT"): (60, {'"a" "b"'})}
    found = transfer_of(fake_zone(records)).read([Key(ZONE, "CAA"), Key(ZONE, "TXT"), Key(ZONE, "SOA")])
    assert found[Key(ZONE, "CAA")].values == ('0 issue ";"',)
    assert found[Key(ZONE, "TXT")].values == ('"ab"',)


def test_no_wildcard_answers_for_a_name_that_does_not_exist():
    fake = fake_zone({("*.corp.test.", "A"): (60, {"10.9.9.9"})}, wildcards=True)
    assert transfer_of(fake).read([Key("chat.corp.test.", "A")]) == {}


def test_an_empty_zone():
    assert transfer_of(fake_zone({})).read(ALL) == {}


# -- when it is tried -------------------------------------------------------------------------------------------------


def many(count):
    return [Key(f"h{number:03d}.corp.test.", "A") for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("read_by", "count", "events"),
    [
        ("auto", MANY, ["question corp.test. SOA", "question h001.corp.test. A"]),
        ("auto", MANY + 1, ["transfer corp.test."]),
        ("questions", MANY + 1, ["question corp.test. SOA", "question h001.corp.test. A"]),
        ("transfer", 1, ["transfer corp.test."]),
    ],
)
def test_how_it_is_read(read_by, count, events):
    fake = fake_zone()
    found = server_for(fake, read_by=read_by).read(many(count))
    assert set(found) == set(ALL[:count])
    assert fake.events[:2] == events
    assert len(fake.questions) == (0 if fake.transfers else count + 1)


def test_many_means_more_than_a_hundred():
    assert MANY == 100


@pytest.mark.parametrize("rcode", ["REFUSED", "NOTAUTH", "NOTIMP", "FORMERR", "SERVFAIL"])
def test_refused_transfer_falls_back_to_questions_and_is_not_tried_again(rcode):
    fake = FakeServer(HOSTS, transfer=rcode)
    server = server_for(fake)
    assert set(server.read(many(MANY + 1))) == set(ALL)
    assert len(fake.questions) == MANY + 2
    assert set(server.read(many(MANY + 1))) == set(ALL)
    assert fake.events.count("transfer corp.test.") == 1
    assert server.transfers.refused == (
        f"DNS server ns1.corp.test gave no usable transfer of the zone corp.test: {rcode}."
    )


def test_what_cannot_be_used_falls_back_to_questions():
    fake = fake_zone()
    fake.spoil = lambda wires: iter(wires[:-1])
    assert set(server_for(fake).read(many(MANY + 1))) == set(ALL)
    assert len(fake.questions) == MANY + 2


# -- what gives nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [False, True])
def test_refused(signed):
    fake = FakeServer(HOSTS, key=KEY if signed else None)
    assert refusal_of(fake, signed) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: REFUSED. "
        f"May this key or address transfer the zone? {NOT_ALLOWED}"
    )


def test_refused_without_a_signature():
    fake = fake_zone(signed=True)
    fake.spoil = lambda wires: [refused_wire(fake)]
    assert refusal_of(fake, signed=True).startswith(
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: REFUSED. May this key"
    )


def refused_wire(fake):
    answer = dns.message.make_response(fake.transfers[-1])
    answer.tsig = None
    answer.set_rcode(dns.rcode.REFUSED)
    return answer.to_wire()


def test_no_records_at_all():
    fake = FakeServer(HOSTS, transfer="NOERROR")
    fake.spoil = lambda wires: [dns.message.make_response(fake.transfers[-1]).to_wire()]
    assert "the zone corp.test: NOERROR. May this key" in refusal_of(fake)


CUT = (
    "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: it ended before its last record. Was the "
    "server restarted meanwhile? Run the task again, or set read_by=questions."
)


@pytest.mark.parametrize("kept", [0, 1, 2, 5])
@pytest.mark.parametrize("signed", [False, True])
def test_cut_before_the_last_soa(kept, signed):
    fake = fake_zone(signed=signed)
    fake.per_message = 7
    fake.spoil = lambda wires: iter(wires[:kept])
    assert refusal_of(fake, signed) == CUT


def test_cut_within_the_only_message():
    fake = fake_zone()
    fake.spoil = lambda wires: [without(wires[0], -1)]
    assert refusal_of(fake) == CUT


def without(wire, position):
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    del message.answer[position]
    return message.to_wire()


def test_does_not_begin_with_the_soa():
    fake = fake_zone()
    fake.spoil = lambda wires: [without(wires[0], 0)]
    assert refusal_of(fake) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: it does not begin with the SOA record. "
        + NOT_ALLOWED
    )


def test_too_large_a_zone(monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 25)
    fake = fake_zone()
    fake.per_message = 10
    assert refusal_of(fake, keys=ALL[:1]) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: the zone has more than 30 records. "
        "Set read_by=questions."
    )


def test_a_large_zone_is_read_where_much_of_it_is_wanted(monkeypatch):
    monkeypatch.setattr(transfer, "LARGE", 25)
    fake = fake_zone()
    fake.per_message = 10
    assert len(transfer_of(fake).read(ALL[:2])) == 2


def test_large_means_twenty_thousand():
    assert transfer.LARGE == 20_000


# -- signatures -------------------------------------------------------------------------------------------------------


def test_messages_between_the_first_and_the_last_need_no_signature():
    fake = fake_zone(signed=True)
    fake.per_message = 7
    fake.unsigned = (1, 2, 4)
    assert len(transfer_of(fake, signed=True).read(ALL)) == 40


@pytest.mark.parametrize("unsigned", [(0,), (5,), range(6), range(1, 6)])
def test_the_first_and_the_last_message_must_be_signed(unsigned):
    fake = fake_zone(signed=True)
    fake.per_message = 7
    fake.unsigned = unsigned
    assert refusal_of(fake, signed=True) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: it is not signed. "
        f"Does the server know the key? {NOT_ALLOWED}"
    )


@pytest.mark.parametrize(("unsigned", "tampered"), [((), 0), ((), 1), ((), 5), ((1, 2), 1), ((1, 2), 2)])
def test_changed_on_the_way(unsigned, tampered):
    fake = fake_zone(signed=True)
    fake.per_message = 7
    fake.unsigned = unsigned

    def tamper(wires):
        octets = {0: (1, 9), 1: (7, 9), 2: (15, 9), 5: (36, 9)}[tampered]
        wires[tampered] = wires[tampered].replace(bytes([10, 0, 0, octets[0]]), bytes([10, 9, 9, octets[1]]))
        return iter(wires)

    fake.spoil = tamper
    assert refusal_of(fake, signed=True) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: a message of it cannot be trusted or read "
        f"(The TSIG signature fails to verify). {CHANGED} Run the task again."
    )


def test_a_message_left_out_on_the_way():
    fake = fake_zone(signed=True)
    fake.per_message = 7
    fake.unsigned = (1, 2)
    fake.spoil = lambda wires: iter([*wires[:1], *wires[2:]])
    assert "(The TSIG signature fails to verify)" in refusal_of(fake, signed=True)


def test_signed_with_another_key():
    fake = fake_zone(signed=True)
    server = server_for(fake, Tsig("chat-update", "b3RoZXI=", "hmac-sha256"), read_by="transfer")
    fake._parse = lambda wire: parsed_and_answered_with(KEY, wire)
    with pytest.raises(TransferRefused, match=r"\(The TSIG signature fails to verify\)"):
        server.read(ALL)


def parsed_and_answered_with(key, wire):
    message = dns.message.from_wire(wire, keyring=False)
    message.keyring = key
    return message


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            dns.rcode.BADKEY,
            "BADKEY, it does not know the TSIG key chat-update (hmac-sha256). Are the name and the algorithm of the key the "
            "same as in the server's configuration?",
        ),
        (
            dns.rcode.BADSIG,
            "BADSIG, the signature is wrong (the TSIG key chat-update (hmac-sha256)). Is the secret of the key right?",
        ),
        (
            dns.rcode.BADTIME,
            "BADTIME, the clocks of the controller and of the server are too far apart. Is time synchronisation running on "
            "both? TSIG allows 5 minutes; compare with: date",
        ),
    ],
)
def test_server_that_does_not_like_the_signature(code, said):
    fake = fake_zone(signed=True)
    fake.spoil = lambda wires: [tsig_error(code)(fake, fake.transfers[-1])]
    assert refusal_of(fake, signed=True) == (
        f"DNS server ns1.corp.test refused a transfer in the zone corp.test: {said}"
    )


def test_truncated():
    fake = fake_zone()

    def truncate(wires):
        message = dns.message.from_wire(wires[0])
        message.flags |= dns.flags.TC
        message.answer = []
        return [message.to_wire()]

    fake.spoil = truncate
    assert refusal_of(fake) == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: a message of it is truncated. "
        f"{CHANGED} Run the task again, or set read_by=questions."
    )


def test_no_dns_at_all():
    fake = fake_zone()
    fake.spoil = lambda wires: [wires[0][:2] + b"HTTP/1.1 400"]
    assert "a message of it cannot be trusted or read (" in refusal_of(fake)


# -- the connection ---------------------------------------------------------------------------------------------------


RESET = "DNS server ns1.corp.test did not answer over TCP: Connection reset by peer."


def broken_zone(kind):
    fake = fake_zone()
    fake.per_message = 7

    def reset(wires):
        yield from wires[:2]
        raise kind(RESET)

    fake.spoil = reset
    return fake


@pytest.mark.parametrize(
    ("read_by", "kind"), [("auto", Unreachable), ("transfer", Unreachable), ("transfer", LostAnswer)]
)
def test_connection_that_breaks_fails_where_nothing_else_is_left(read_by, kind):
    fake = broken_zone(kind)
    with pytest.raises(kind) as error:
        server_for(fake, read_by=read_by).read(many(MANY + 1))
    assert str(error.value) == RESET
    assert fake.closed
    assert fake.questions == []


def test_transfer_that_breaks_is_followed_by_questions():
    fake = broken_zone(LostAnswer)
    server = server_for(fake, read_by="auto")
    server.read(many(MANY + 1))
    assert len(fake.questions) > MANY
    assert server.transfers.refused == RESET


def test_nothing_is_read_beyond_the_last_record():
    fake = fake_zone()
    read = []

    def more(wires):
        for wire in [*wires, b"no message"]:
            read.append(wire)
            yield wire

    fake.spoil = more
    assert len(transfer_of(fake).read(ALL)) == 40
    assert b"no message" not in read


@pytest.mark.parametrize("name", ["sub", "x.sub", "a.b.sub"])
def test_what_lies_below_a_delegation_is_not_ours(name):
    fake = fake_zone()
    fake.records["sub.corp.test.", "NS"] = (60, {"ns.other.test."})
    key = Key(f"{name}.corp.test.", "A")
    server = server_for(fake, read_by="transfer")
    with pytest.raises(TransferRefused) as error:
        server.read([key])
    assert error.value.what == (
        "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: "
        f"{key.name} belongs to the zone sub.corp.test, which is delegated to other servers."
    )
    assert server.read([Key("xsub.corp.test.", "A")]) == {}
