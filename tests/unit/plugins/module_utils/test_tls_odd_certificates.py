# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info and certificates that a library refuses, now or one day: something is always shown, and nothing breaks."""

from __future__ import annotations

import contextlib
import hashlib
import ssl

import pytest
from cryptography import x509

from ansible_collections.onprem.chat.plugins.module_utils._tls import command, peer, survey, view, wire
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import MaterialError
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
    DEFAULTS,
    ISSUING,
    Certificates,
    Server,
    ask,
    leaf,
    said,
    silent,
    tls,
    with_serial,
)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def presents(context, der):
    """A server that sends other bytes in place of its certificate, in TLS 1.2 where they are not encrypted.

    The handshake ends there: nobody checks the signature of what cannot be read.
    """
    message = (
        b"\x0b"
        + (len(der) + 6).to_bytes(3, "big")
        + (len(der) + 3).to_bytes(3, "big")
        + len(der).to_bytes(3, "big")
        + der
    )
    record = b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def serve(connection):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(connection.recv(4096))
        with contextlib.suppress(ssl.SSLWantReadError):
            secure.do_handshake()
        hello = outgoing.read()
        connection.sendall(hello[: 5 + int.from_bytes(hello[3:5], "big")] + record)
        silent(connection)

    return serve


def test_garbage_in_place_of_a_certificate(certificates):
    garbage = b"\x30\x82\x01\x00" + b"no certificate " * 5
    with Server(presents(certificates.context(), garbage)) as server:
        result = ask(server.port)
    status, evidence = said(result, "tls.session")
    assert status == "fail"
    assert evidence.startswith("OpenSSL cannot read the certificate that the server sent (")
    digest = hashlib.sha256(garbage).hexdigest()
    assert said(result, "tls.certificate") == ("fail", f"1 sent: one that nothing here can read, SHA-256 {digest}")
    assert result["by_id"]["tls.certificate"]["hint"].startswith("Issue a certificate that keeps to RFC 5280")
    assert result["servers"][0]["chain"] == [
        {
            "subject": "",
            "issuer": "",
            "serial": "",
            "not_before": "",
            "not_after": "",
            "days_left": None,
            "fingerprint": digest,
            "names": [],
        }
    ]
    assert not [check for check in result["checks"] if check["id"].startswith("certificate.")]


@pytest.mark.parametrize(("serial", "shown"), [(b"\x00", "00"), (b"\xff\x01", "-FF")])
def test_a_serial_number_that_is_not_positive(certificates, serial, shown):
    """As Samba makes them. Today's library reads it and warns; the judgement says what comes."""
    own = leaf()
    strange = type(own.certificate).load(with_serial(own, serial), "")
    with Server(tls(certificates.context(type(own)(strange, own.private)))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert result["servers"][0]["chain"][0]["serial"] == shown
    assert said(result, "tls.handshake")[0] == "pass"
    assert said(result, "tls.certificate")[0] == "pass"
    status, evidence = said(result, "certificate.strict")
    assert (status, "serial" in evidence) == ("warn", True)


def test_a_library_that_refuses_the_serial_number(certificates, monkeypatch):
    """As it will one day: the openssl command reads it."""
    own = leaf()
    strange = type(own.certificate).load(with_serial(own, b"\x00"), "")
    load = type(own.certificate).load.__func__

    def refuse(cls, der, origin):
        if der == strange.der:
            raise MaterialError("no") from ValueError("serial number is not positive")
        return load(cls, der, origin)

    def refuse_too(der, sha256):
        raise ValueError("serial number is not positive")

    with Server(tls(certificates.context(type(own)(strange, own.private)))) as server:
        anchors = certificates.anchors()
        monkeypatch.setattr(peer.Certificate, "load", classmethod(refuse))
        monkeypatch.setattr(view, "_with_cryptography", refuse_too)
        result = ask(server.port, trust_anchors=anchors)
    assert said(result, "tls.certificate") == (
        "fail",
        f"2 sent: CN=chat.corp.test (as openssl reads it, SHA-256 {strange.fingerprint}); CN=Company Issuing",
    )
    assert "Here: serial number is not positive." in result["by_id"]["tls.certificate"]["hint"]
    one = result["servers"][0]["chain"][0]
    assert (one["subject"], one["serial"], one["days_left"]) == ("CN=chat.corp.test", "00", 299)
    assert one["fingerprint"] == strange.fingerprint
    assert said(result, "tls.handshake")[0] == "pass"


def test_the_judgement_itself_fails(certificates, monkeypatch):
    def broken(*arguments):
        raise RuntimeError("surprise")

    monkeypatch.setattr(command.certificates, "judge", broken)
    with Server(tls(certificates.context())) as server:
        result = ask(server.port)
    assert said(result, "certificate.chain.trust") == (
        "fail",
        "the certificate cannot be judged (RuntimeError: surprise)",
    )


def seen_of(*chain):
    """A handshake in which these were sent."""
    endpoint = command.endpoint(DEFAULTS | {"port": 636, "trust_anchors": []}, 300)
    return survey.Seen(endpoint, "127.0.0.1", session=wire.Session("TLSv1.3", "TLS_AES_256_GCM_SHA384", "", chain))


def answer_to(monkeypatch, *chain):
    async def everywhere(endpoints, pems, timeout, parallel):
        return [seen_of(*chain)]

    monkeypatch.setattr(survey, "everywhere", everywhere)
    return ask(636)


def test_a_thousand_certificates_cost_no_more_than_twenty(monkeypatch):
    """And one question to the openssl command, which is a process each time."""
    asked = []

    def openssl(der, sha256):
        asked.append(der)
        raise ValueError("no")

    monkeypatch.setattr(view, "_with_openssl", openssl)
    junk = [b"junk %d" % number for number in range(1000)]
    result = answer_to(monkeypatch, leaf().certificate.der, *junk)
    assert asked == [b"junk 0"]
    assert len(result["servers"][0]["chain"]) == 20
    status, evidence = said(result, "tls.certificate")
    assert status == "warn"
    assert evidence.startswith(
        "1001 sent, the first 20 are looked at: CN=chat.corp.test; one that nothing here can read, "
    )
    assert all(len(check["evidence"]) < 2050 and len(check["hint"]) < 2050 for check in result["checks"])


def test_more_than_anybody_needs_is_a_warning_by_itself(monkeypatch):
    result = answer_to(monkeypatch, leaf().certificate.der, *[ISSUING.certificate.der] * 20)
    assert said(result, "tls.certificate")[0] == "warn"
    assert result["by_id"]["tls.certificate"]["hint"] == (
        "A server sends its own certificate and those between it and the root: two or three. Take the others away."
    )


def test_texts_of_a_peer_have_an_end(monkeypatch):
    names = [f"{number}.corp.test" for number in range(2000)]
    result = answer_to(monkeypatch, leaf(dns=names).certificate.der)
    status, evidence = said(result, "certificate.names")
    assert status == "fail"
    assert len(evidence) < 2050
    assert all(len(check["evidence"]) < 2050 and len(check["hint"]) < 2050 for check in result["checks"])
    assert len(result["servers"][0]["chain"][0]["names"]) == 2000


def test_the_handshake_proves_the_key_of_what_was_sent_first(monkeypatch):
    own = leaf()
    result = answer_to(monkeypatch, own.certificate.der, ISSUING.certificate.der)
    assert said(result, "certificate.key.match") == ("pass", "the server has the key: the handshake proves it")
    result = answer_to(monkeypatch, ISSUING.certificate.der, own.certificate.der)
    assert said(result, "certificate.key.match") == (
        "fail",
        "the handshake proves the key of the first certificate that was sent, not that of the leaf",
    )


def test_names_are_a_list(monkeypatch):
    one = leaf("a.test", uri=["https://a.test/x, y"])
    (row,) = answer_to(monkeypatch, one.certificate.der)["servers"][0]["chain"]
    assert row["names"] == ["a.test", "URI https://a.test/x, y"]
    odd = x509.SubjectAlternativeName([x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))])
    one = leaf("a.test", dns=[], more=((odd, False),))
    (row,) = answer_to(monkeypatch, one.certificate.der)["servers"][0]["chain"]
    assert row["names"] == []
