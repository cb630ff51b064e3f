# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info and certificates that a library refuses, now or one day: something is always shown, and nothing breaks."""

from __future__ import annotations

import contextlib
import hashlib
import ssl

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._tls import command, peer, view
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import MaterialError
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
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
