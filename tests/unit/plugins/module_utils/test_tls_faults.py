# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info against what is no good server: every fault is a check with a clear text, and the next server is asked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._tls import judge, messages, peer, survey, wire
from ansible_collections.onprem.chat.plugins.module_utils._tls.settings import Endpoint
from ansible_collections.onprem.chat.plugins.module_utils._tls.trouble import Trouble
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
    NAME,
    Certificates,
    Server,
    ask,
    hangs_up,
    hangs_up_later,
    said,
    says,
    silent,
    tls,
)

V = ssl.TLSVersion
CLIENT_CERTIFICATE = (
    "It wants to know who is asking, which this module never says. Ask the service that has such a certificate, or let "
    "the server take clients without one on this port."
)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def anchors(certificates):
    return certificates.anchors()


def skipped(result, *ids, reason):
    for id_ in ids:
        status, evidence = said(result, id_)
        assert (status, evidence.partition(": ")[2]) == ("skip", reason), id_


# -- no connection ----------------------------------------------------------------------------------------------------


def fail_to_connect(monkeypatch, error):
    async def refuse(*arguments, **more):
        raise error

    monkeypatch.setattr(asyncio, "open_connection", refuse)


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = ask(port)
    assert said(result, "tls.tcp") == ("fail", "connection refused")
    assert result["by_id"]["tls.tcp"]["hint"] == (
        f"The host is up, but nothing listens on port {port}. Does the service run, and is the port right?"
    )
    assert [check["id"] for check in result["checks"]] == [
        "tls.tcp", "tls.session", "tls.versions", "tls.handshake", "tls.sni", "tls.certificate",
    ]  # fmt: skip
    skipped(
        result,
        "tls.session",
        "tls.versions",
        "tls.handshake",
        "tls.sni",
        "tls.certificate",
        reason="connection refused",
    )
    (server,) = result["servers"]
    assert (server["error"], server["chain"], server["verified"]) == ("connection refused", [], False)
    assert set(server["versions"].values()) == {"unknown"}


@pytest.mark.parametrize(
    ("error", "evidence", "hint"),
    [
        (TimeoutError(), "no connection within 5 s", "Is the host down, or does a firewall drop packets to port 636?"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "No route to host",
         "Is the host switched on, and is there a route to its network from here?"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable (no route from here)",
         "Ask from a host that has this network."),
        (OSError(errno.EPERM, "Operation not permitted"), "Operation not permitted",
         "Look at the network between here and the server."),
    ],
)  # fmt: skip
def test_no_way_to_it(monkeypatch, error, evidence, hint):
    fail_to_connect(monkeypatch, error)
    result = ask(636)
    assert said(result, "tls.tcp") == ("fail", evidence)
    assert result["by_id"]["tls.tcp"]["hint"] == hint


@pytest.mark.parametrize(
    ("error", "evidence", "hint"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dc9.corp.test does not resolve",
         "Is the name spelt right, and does this host ask the right DNS server? Try: dig dc9.corp.test"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the resolver gives no answer about dc9.corp.test",
         "Is a DNS server reachable? See /etc/resolv.conf."),
        (TimeoutError(), "the resolver gives no answer about dc9.corp.test",
         "Is a DNS server reachable? See /etc/resolv.conf."),
        (UnicodeError("label too long"), "'dc9.corp.test' is no host name", "Give the full DNS name."),
    ],
)  # fmt: skip
def test_no_address(monkeypatch, error, evidence, hint):
    def fail(*arguments, **more):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    result = ask(636, host="dc9.corp.test", server_name=None)
    assert said(result, "tls.tcp") == ("fail", evidence)
    assert result["by_id"]["tls.tcp"]["hint"] == hint
    assert result["by_id"]["tls.tcp"]["subject"] == "dc9.corp.test:636"
    assert result["servers"][0]["address"] == ""


def test_names_that_hang_stand_in_nobodys_way(certificates, monkeypatch):
    """asyncio's own threads are few: with these all taken every other name would be late, too, and so would the end."""
    ask_system, free = socket.getaddrinfo, threading.Event()

    def hang(host, *arguments, **more):
        if host.startswith("dead"):
            free.wait(20)
        return ask_system("127.0.0.1" if host == NAME else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with Server(tls(certificates.context())) as server:
        dead = [{"host": f"dead{number}.corp.test"} for number in range(40)]
        result = ask(server.port, endpoints=[*dead, {"host": NAME}, {"host": "127.0.0.1"}], timeout=0.5, parallel=50)
    free.set()
    assert [one["error"] for one in result["servers"][-2:]] == ["", ""]
    assert {one["error"] for one in result["servers"][:40]} == {
        f"the resolver gives no answer about dead{number}.corp.test" for number in range(40)
    }


def test_an_address_needs_no_resolver(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert asyncio.run(wire.resolve("127.0.0.1", 636, 1)) == ["127.0.0.1"]
    assert asyncio.run(wire.resolve("fe80::1%eth0", 636, 1)) == ["fe80::1%eth0"]


def test_a_system_without_threads(monkeypatch):
    def none(*arguments):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    with pytest.raises(Trouble, match="the resolver gives no answer"):
        asyncio.run(wire.resolve("dc9.corp.test", 636, 1))


def test_one_of_two_addresses_has_no_route(certificates, monkeypatch):
    connect = asyncio.open_connection

    async def resolve(host, port, timeout):
        return ["::1", "127.0.0.1"]

    async def open_connection(address, port):
        if address == "::1":
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        return await connect(address, port)

    monkeypatch.setattr(wire, "resolve", resolve)
    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    with Server(tls(certificates.context())) as server:
        result = ask(server.port, host=NAME, trust_anchors=certificates.anchors())
    assert said(result, "tls.tcp") == ("warn", "Network is unreachable (no route from here)")
    assert result["by_id"]["tls.tcp"]["hint"].startswith("Another address of this host answers. ")
    assert [one["address"] for one in result["servers"]] == ["::1", "127.0.0.1"]
    assert [one["verified"] for one in result["servers"]] == [False, True]


# -- no TLS -----------------------------------------------------------------------------------------------------------


def test_silence():
    with Server(silent) as server:
        result = ask(server.port, timeout=0.3)
        assert server.connections == 1
    evidence = "the server took the connection and did not answer in TLS within 0.3 s"
    assert said(result, "tls.session") == ("fail", evidence)
    assert result["by_id"]["tls.session"]["hint"] == (
        "Does this port begin with TLS? If not, choose the protocol of its STARTTLS. Else the server hangs."
    )
    skipped(result, "tls.versions", "tls.handshake", "tls.sni", "tls.certificate", reason=evidence)


@pytest.mark.parametrize("serve", [hangs_up, hangs_up_later])
def test_it_hangs_up(serve):
    with Server(serve) as server:
        result = ask(server.port)
    evidence = "the server closed the connection at the first word of TLS"
    assert said(result, "tls.session") == ("fail", evidence)
    assert result["by_id"]["tls.session"]["hint"].startswith("A server without a usable certificate and key does this,")
    skipped(result, "tls.versions", "tls.handshake", "tls.sni", "tls.certificate", reason=evidence)


@pytest.mark.parametrize(
    ("data", "wait", "shown"),
    [
        (b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", True, '"HTTP/1.1 400 Bad Request"'),
        (b"220 mail.corp.test ESMTP\r\n", False, '"220 mail.corp.test ESMTP"'),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False, '"SSH-2.0-OpenSSH_9.2"'),
        (b"\x00\x01\xfe\xff\x00\x01\xfe\xff\x00\x01", True, "bytes 00 01 fe ff 00 01 fe ff 00 01"),
        (b"\r\n\r\n\r\n", True, "bytes 0d 0a 0d 0a 0d 0a"),
    ],
)
def test_another_protocol(data, wait, shown):
    with Server(says(data, wait)) as server:
        result = ask(server.port)
    assert said(result, "tls.session") == ("fail", f"the server does not speak TLS here, it answers {shown}")
    assert result["by_id"]["tls.session"]["hint"] == (
        "Is it another service's port, or one whose TLS begins with STARTTLS (protocol)?"
    )


def test_cut_in_the_middle(certificates):
    context = certificates.context()

    def serve(connection):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(connection.recv(4096))
        with contextlib.suppress(ssl.SSLWantReadError):
            secure.do_handshake()
        connection.sendall(outgoing.read()[:300])

    with Server(serve) as server:
        result = ask(server.port)
    assert said(result, "tls.session") == (
        "fail",
        "the server closed the connection in the middle of the TLS handshake",
    )

    def stop(connection):
        serve(connection)
        silent(connection)

    with Server(stop) as server:
        result = ask(server.port, timeout=0.3)
    assert said(result, "tls.session") == (
        "fail",
        "the server stopped in the middle of the TLS handshake, silent for 0.3 s",
    )
    assert result["by_id"]["tls.session"]["hint"].startswith("Does a firewall drop large packets (MTU)?")


@pytest.mark.parametrize(
    ("number", "name"),
    [(40, "handshake_failure"), (80, "internal_error"), (112, "unrecognized_name"), (200, "number 200")],
)
def test_alerts(number, name):
    with Server(says(bytes([21, 3, 3, 0, 2, 2, number]))) as server:
        result = ask(server.port)
    assert said(result, "tls.session") == ("fail", f"the server ended the TLS handshake with the alert {name}")
    assert result["by_id"]["tls.session"]["hint"]
    assert said(result, "tls.versions") == (
        "fail",
        "TLSv1 refused, TLSv1.1 refused, TLSv1.2 refused, TLSv1.3 refused: none from TLSv1.2 on",
    )


@pytest.mark.parametrize(
    ("most", "evidence"),
    [
        (V.TLSv1_2, "the server demands a client certificate (alert handshake_failure)"),
        (V.TLSv1_3, "the server demands a client certificate (alert certificate_required)"),
    ],
)
def test_a_client_certificate_is_demanded(certificates, most, evidence):
    context = certificates.context(ask=ssl.CERT_REQUIRED)
    context.maximum_version = most
    with Server(tls(context)) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.session") == ("fail", evidence)
    assert result["by_id"]["tls.session"]["hint"] == CLIENT_CERTIFICATE
    # The certificate was seen, so it is judged.
    assert said(result, "tls.handshake") == ("pass", f"OpenSSL: the certificate is valid for {NAME}")
    assert said(result, "tls.certificate") == ("pass", "2 sent: CN=chat.corp.test; CN=Company Issuing")
    assert said(result, "certificate.names")[0] == "pass"
    assert result["servers"][0]["versions"]["TLSv1.2"] == "accepted"
    assert result["servers"][0]["verified"] is True


def test_a_client_certificate_is_asked_for(certificates):
    with Server(tls(certificates.context(ask=ssl.CERT_OPTIONAL))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.session") == (
        "pass",
        "TLSv1.3, TLS_AES_256_GCM_SHA384, asks for a client certificate and takes clients without one",
    )


def test_it_asks_for_a_client_certificate_and_hangs_up(certificates):
    context = certificates.context(ask=ssl.CERT_OPTIONAL)

    def serve(connection):
        context.wrap_socket(connection, server_side=True).close()

    with Server(serve) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.session") == (
        "fail",
        "the server asked for a client certificate and closed the connection when it got none",
    )


# -- many, and anything -----------------------------------------------------------------------------------------------


def test_the_others_are_asked_all_the_same(certificates):
    with Server(tls(certificates.context())) as good, Server(silent) as mute, Server(hangs_up) as rude:
        ports = [mute.port, rude.port, good.port, good.port]
        result = ask(
            endpoints=[{"host": "127.0.0.1", "port": port} for port in ports],
            host=None,
            timeout=0.5,
            trust_anchors=certificates.anchors(),
        )
    assert [(one["port"], one["verified"]) for one in result["servers"]] == list(
        zip(ports, [False, False, True, True], strict=True)
    )


def test_no_more_at_the_same_time_than_allowed(monkeypatch):
    now = most = 0

    async def count(endpoint, address, pem, timeout):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return survey.Seen(endpoint, address)

    monkeypatch.setattr(survey, "look", count)
    endpoints = [Endpoint("127.0.0.1", port) for port in range(1, 21)]
    seen = asyncio.run(survey.everywhere(endpoints, {}, 1, 3))
    assert [one.endpoint.port for one in seen] == list(range(1, 21))
    assert most == 3


def test_what_should_never_be_seen(certificates, monkeypatch):
    async def broken(*arguments, **more):
        raise RuntimeError("surprise")

    monkeypatch.setattr(survey, "_version", broken)
    with Server(tls(certificates.context())) as server:
        result = ask(server.port)
    assert said(result, "tls.session") == ("fail", "the server cannot be looked at (RuntimeError: surprise)")


def test_the_message_of_certificates():
    def entry(data, extra=b""):
        return len(data).to_bytes(3, "big") + data + extra

    old = b"\x0b\0\0\x0e" + b"\0\0\x0b" + entry(b"one") + entry(b"no")
    assert messages.sent_certificates(old, False) == (b"one", b"no")
    assert messages.sent_certificates(old[:-1], False) == (b"one",)
    new = b"\x0b\0\0\x12" + b"\x01x" + b"\0\0\x10" + entry(b"one", b"\0\x02ab") + entry(b"two", b"\0\0")
    assert messages.sent_certificates(new, True) == (b"one", b"two")
    for data in (b"", b"\x0b", b"\x0b\0\0\0"):
        assert messages.sent_certificates(data, True) == messages.sent_certificates(data, False) == ()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    protocol=st.sampled_from(["tls", "xmpp-client", "ldap", "smtp"]),
    data=st.binary(max_size=300)
    | st.binary(max_size=60).map(lambda body: b"\x16\x03\x03" + len(body).to_bytes(2, "big") + body)
    | st.binary(max_size=60).map(lambda body: b"0\x84\0\0\0\x18\x02\x01\x01\x78" + body)
    | st.text(max_size=60).map(lambda text: f"<stream:stream xmlns:stream='x'>{text}".encode())
    | st.text(max_size=60).map(lambda text: f"220 {text}\r\n250 STARTTLS\r\n220 {text}\r\n".encode()),
)
def test_whatever_a_server_says(anchors, protocol, data):
    """Always one failed check with a hint, never an exception."""
    with Server(says(data, wait=False)) as server:
        result = ask(server.port, protocol=protocol, domain=NAME, timeout=0.5, trust_anchors=anchors)
    failed = [check for check in result["checks"] if check["status"] == "fail" and check["id"] != "tls.versions"]
    assert len(failed) == 1
    assert failed[0]["hint"]
    assert failed[0]["evidence"].isprintable()


def test_a_server_that_falls_silent_after_its_certificate():
    """Nothing further was asked, and not because nobody wanted to."""
    first = Trouble("tls", "silent", "silent for 5 s", "hint", messages.Messages(certificates=(b"x",), size=9))
    endpoint = Endpoint("127.0.0.1", 636, server_name=NAME)
    checks = {
        one.id: one for one in judge.server(survey.Seen(endpoint, "127.0.0.1", trouble=first), [peer.read(b"x", 1)])
    }
    assert checks["tls.handshake"].evidence == "the certificate was not judged: silent for 5 s"
    assert checks["tls.session"].evidence == "silent for 5 s"


def test_the_zone_of_an_address_is_not_sent(monkeypatch):
    async def everywhere(endpoints, pems, timeout, parallel):
        return [survey.Seen(one, one.host, trouble=Trouble("tcp", "refused", "no", "hint")) for one in endpoints]

    monkeypatch.setattr(survey, "everywhere", everywhere)
    result = ask(636, host="fe80::1%eth0", server_name=None)
    (server,) = result["servers"]
    assert (server["host"], server["server_name"]) == ("fe80::1%eth0", "fe80::1")
    assert result["checks"][0]["subject"] == "[fe80::1%eth0]:636"
