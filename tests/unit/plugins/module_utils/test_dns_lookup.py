# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One question over real sockets on the loopback interface: UDP, TCP, keys, and servers that behave badly."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import lookup
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key

WWW = Key("www.example.test.", "A")
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
KEY = dns.tsig.Key("mine.", SECRET, "hmac-sha256")


def answer(query, *rrsets, aa=True, rcode=0):
    reply = dns.message.make_response(query)
    if aa:
        reply.flags |= dns.flags.AA
    reply.set_rcode(rcode)
    reply.answer += rrsets
    return reply


def address(*values, name="www.example.test.", kind="A", ttl=60):
    return dns.rrset.from_text(name, ttl, "IN", kind, *values)


def good(query, _over):
    return answer(query, address("10.0.0.20")).to_wire()


@contextlib.contextmanager
def server(handler, tcp=True):
    """``handler(query, "UDP" or "TCP")`` gives the bytes of the answer, a list of such, or None for silence."""
    seen = []
    # The same free port for both.
    for _attempt in range(50):
        stream = socket.create_server(("127.0.0.1", 0))
        port = stream.getsockname()[1]
        packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            packets.bind(("127.0.0.1", port))
            break
        except OSError:
            stream.close()
            packets.close()
    if not tcp:
        stream.close()

    def parse(wire, over):
        query = dns.message.from_wire(wire, keyring=KEY if b"\x04mine\x00" in wire else None)
        seen.append((over, bool(query.flags & dns.flags.RD), query.had_tsig))
        return query

    def serve_udp():
        with contextlib.suppress(OSError):
            while True:
                wire, peer = packets.recvfrom(65535)
                if not wire:
                    return
                said = handler(parse(wire, "UDP"), "UDP")
                for one in said if isinstance(said, list) else [said]:
                    if one is not None:
                        packets.sendto(one, peer)

    def serve_tcp():
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = stream.accept()
                with connection, contextlib.suppress(OSError):
                    (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                    wire = connection.recv(length, socket.MSG_WAITALL)
                    said = handler(parse(wire, "TCP"), "TCP")
                    if said is not None:
                        connection.sendall(struct.pack("!H", len(said)) + said)

    threads = [threading.Thread(target=serve_udp, daemon=True)]
    if tcp:
        threads.append(threading.Thread(target=serve_tcp, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield port, seen
    finally:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("127.0.0.1", port))
        if tcp:
            stream.shutdown(socket.SHUT_RDWR)
            stream.close()
        for thread in threads:
            thread.join(5)
        packets.close()


def ask(handler, tcp=True, key=WWW, **more):
    with server(handler, tcp) as (port, seen):
        reply = lookup.Network(0.6).ask("127.0.0.1", port, key, **more)
    return reply, seen


def test_a_plain_answer():
    reply, seen = ask(good)
    assert (reply.rcode, reply.aa, reply.over, reply.udp_error, reply.error) == ("NOERROR", True, "UDP", "", "")
    assert reply.sets[WWW].lines == ["www.example.test. 60 IN A 10.0.0.20"]
    assert reply.addresses == ("10.0.0.20",)
    assert seen == [("UDP", False, False)]


def test_recursion_is_asked_for_where_it_is_wanted():
    _reply, seen = ask(good, recursive=True)
    assert seen == [("UDP", True, False)]


def test_an_answer_behind_an_alias():
    def handler(query, _over):
        alias = address("host.example.test.", kind="CNAME")
        return answer(query, alias, address("10.0.0.20", name="host.example.test.")).to_wire()

    reply, _seen = ask(handler)
    assert list(reply.sets) == [Key("www.example.test.", "CNAME")]
    assert reply.addresses == ("10.0.0.20",)


def test_a_negative_answer_with_its_soa():
    def handler(query, _over):
        reply = answer(query, rcode=3, aa=False)
        text = "NS1.example.test. hostmaster.example.test. 7 1 1 1 300"
        reply.authority.append(dns.rrset.from_text("Example.test.", 120, "IN", "SOA", text))
        return reply.to_wire()

    reply, _seen = ask(handler)
    assert (reply.rcode, reply.aa, reply.usable, dict(reply.sets)) == ("NXDOMAIN", False, True, {})
    assert reply.soa == lookup.Soa("example.test.", 120, "ns1.example.test.", 7, 300)
    assert reply.soa.negative_ttl == 120


@pytest.mark.parametrize(("rcode", "text"), [(2, "SERVFAIL"), (5, "REFUSED"), (4, "NOTIMP")])
def test_refusals_are_replies(rcode, text):
    reply, _seen = ask(lambda query, over: answer(query, rcode=rcode, aa=False).to_wire())
    assert (reply.rcode, reply.answered, reply.usable) == (text, True, False)


def test_a_truncated_answer_is_asked_for_again_over_tcp():
    def handler(query, over):
        if over == "TCP":
            return good(query, over)
        reply = answer(query)
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    reply, seen = ask(handler)
    assert (reply.over, reply.udp_error, reply.addresses) == ("TCP", "", ("10.0.0.20",))
    assert [over for over, _rd, _signed in seen] == ["UDP", "TCP"]


def test_silence_over_udp_is_told_and_tcp_tried():
    reply, seen = ask(lambda query, over: None if over == "UDP" else good(query, over))
    assert (reply.over, reply.udp_error) == ("TCP", "no answer within 0.4 s")
    assert [over for over, _rd, _signed in seen] == ["UDP", "UDP", "TCP"]


def test_the_second_attempt_counts():
    count = []

    def handler(query, over):
        count.append(over)
        return None if len(count) == 1 else good(query, over)

    reply, _seen = ask(handler)
    assert (reply.over, count) == ("UDP", ["UDP", "UDP"])


@pytest.mark.parametrize("wrong", ["id", "question", "garbage"])
def test_what_is_no_answer_to_the_question_is_ignored(wrong):
    def handler(query, over):
        forged = answer(query, address("10.66.66.66"))
        if wrong == "id":
            forged.id ^= 1
        if wrong == "question":
            forged = answer(dns.message.make_query("other.example.test.", "A"), address("10.66.66.66"))
            forged.id = query.id
        wire = b"garbage" if wrong == "garbage" else forged.to_wire()
        return [wire, good(query, over)] if over == "UDP" else good(query, over)

    reply, _seen = ask(handler)
    assert (reply.over, reply.addresses) == ("UDP", ("10.0.0.20",))


def test_only_forged_answers_over_udp():
    def handler(query, over):
        forged = answer(query, address("10.66.66.66"))
        forged.id ^= 1
        return forged.to_wire() if over == "UDP" else good(query, over)

    reply, _seen = ask(handler)
    assert (reply.over, reply.addresses) == ("TCP", ("10.0.0.20",))


def test_nothing_listens():
    with server(good, tcp=False) as (port, _seen):
        pass
    reply = lookup.Network(0.6).ask("127.0.0.1", port, WWW)
    assert (reply.problem, reply.answered) == (lookup.SILENT, False)
    assert reply.error == "no answer (UDP: no answer within 0.4 s; TCP: Connection refused)"


def test_a_server_that_closes_the_connection():
    reply, _seen = ask(lambda query, over: None)
    assert reply.error == "no answer (UDP: no answer within 0.4 s; TCP: the connection was closed)"


def test_garbage_over_tcp():
    reply, _seen = ask(lambda query, over: None if over == "UDP" else b"hello")
    assert (reply.problem, reply.answered) == (lookup.BAD_ANSWER, False)
    assert reply.error.startswith("an answer that cannot be used: ")


# -- keys -------------------------------------------------------------------------------------------------------------


def signed(query, over):
    reply = answer(query, address("10.0.0.20"))
    reply.use_tsig(KEY)
    reply.request_mac = query.mac
    return reply.to_wire()


def mine(secret=SECRET):
    return Tsig("mine", secret, "hmac-sha256")


def test_a_signed_question():
    reply, seen = ask(signed, signer=mine())
    assert reply.addresses == ("10.0.0.20",)
    assert seen == [("UDP", False, True)]


def test_an_answer_without_signature_does_not_count():
    def handler(query, _over):
        plain = dns.message.make_query(WWW.name, WWW.type, id=query.id)  # make_response() would sign
        return answer(plain, rcode=5).to_wire()

    reply, _seen = ask(handler, signer=mine())
    assert (reply.problem, reply.answered) == (lookup.BAD_KEY, False)
    assert reply.error in (
        "an answer that cannot be used: it has no TSIG",
        "an answer that cannot be used: response requires a TSIG but does not have one",  # dnspython 2.9 itself
    )


def test_an_answer_with_a_wrong_signature_does_not_count():
    def handler(query, over):
        wire = bytearray(signed(query, over))
        wire[wire.index(bytes([10, 0, 0, 20])) + 3] = 66
        return bytes(wire)

    reply, _seen = ask(handler, signer=mine())
    assert not reply.answered
    assert reply.problem == lookup.BAD_KEY
    assert reply.error == "an answer whose signature does not verify with the TSIG key mine (hmac-sha256)"


@pytest.mark.parametrize(("code", "text"), [(17, "BADKEY"), (16, "BADSIG"), (18, "BADTIME")])
def test_a_key_that_the_server_does_not_take(code, text):
    def handler(query, _over):
        reply = answer(query, rcode=9)
        reply.use_tsig(KEY, tsig_error=code)
        reply.request_mac = query.mac
        return reply.to_wire()

    reply, _seen = ask(handler, signer=mine())
    assert (reply.problem, reply.error) == (
        lookup.BAD_KEY,
        f"{text}: it does not accept the TSIG key mine (hmac-sha256)",
    )
    assert SECRET not in repr(reply)


# -- connections and names --------------------------------------------------------------------------------------------


def test_connections():
    network = lookup.Network(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert network.connect("127.0.0.1", port, 1) == ""
    assert network.connect("127.0.0.1", port, 1) == "Connection refused"


def test_a_connection_that_takes_too_long(monkeypatch):
    def hang(*_arguments, **_options):
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", hang)
    assert lookup.Network(1).connect("10.0.0.20", 5222, 1.5) == "no answer within 1.5 s"


def test_names():
    network = lookup.Network(1)
    assert network.addresses("127.0.0.1") == ["127.0.0.1"]
    assert network.addresses("does-not-exist.invalid") == []
    assert network.addresses("x" * 64 + ".test") == []


def test_ipv4_comes_first(monkeypatch):
    def infos(*_arguments, **_options):
        return [(socket.AF_INET6, 2, 17, "", ("fd00::1", 0, 0, 0)), (socket.AF_INET, 2, 17, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", infos)
    assert lookup.Network(1).addresses("ns1.example.test") == ["10.0.0.1", "fd00::1"]


def test_no_resolver_on_the_controller(monkeypatch):
    def none(*_arguments, **_options):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    assert lookup.Network(1).own_resolvers() == []
