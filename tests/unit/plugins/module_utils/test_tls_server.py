# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info against servers on the loopback: what is seen and judged when a handshake comes to its end."""

from __future__ import annotations

import ssl
import warnings

import pytest

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
    ISSUING,
    NAME,
    ROOT,
    Certificates,
    Server,
    ask,
    company,
    leaf,
    said,
    tls,
)

V = ssl.TLSVersion


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def good(certificates):
    """A server as it should be, and what is needed to ask it."""
    with Server(tls(certificates.context())) as server:
        yield {"port": server.port, "trust_anchors": certificates.anchors()}


def test_no_further_than_to_the_certificate(good, certificates):
    with Server(tls(certificates.context())) as server:
        result = ask(**{**good, "port": server.port, "look": "certificate"})
        assert server.connections == 1
    assert bad(result) == {}
    no_further = ("skip", "not asked: only the certificate is looked at")
    assert [said(result, id_) for id_ in ("tls.versions", "tls.handshake", "tls.sni")] == [no_further] * 3
    assert said(result, "certificate.chain.trust")[0] == "pass"
    assert result["servers"][0]["verified"] is False


def bad(result):
    return {check["id"]: check["status"] for check in result["checks"] if check["status"] in ("fail", "warn")}


def test_a_good_server(good):
    result = ask(**good)
    assert bad(result) == {}
    ids = [check["id"] for check in result["checks"]]
    assert ids[:6] == ["tls.tcp", "tls.session", "tls.versions", "tls.handshake", "tls.sni", "tls.certificate"]
    assert len(ids) == len(set(ids))
    assert {check["subject"] for check in result["checks"]} == {f"{NAME} at 127.0.0.1:{good['port']}"}
    assert said(result, "tls.tcp") == ("pass", "connected")
    assert said(result, "tls.session") == ("pass", "TLSv1.3, TLS_AES_256_GCM_SHA384")
    assert said(result, "tls.versions") == (
        "pass",
        "TLSv1 refused, TLSv1.1 refused, TLSv1.2 accepted, TLSv1.3 accepted",
    )
    assert said(result, "tls.handshake") == ("pass", f"OpenSSL: the certificate is valid for {NAME}")
    assert said(result, "tls.sni") == (
        "pass",
        "without a name: the same certificate; with another name (unknown.invalid): the same certificate",
    )
    assert said(result, "tls.certificate") == ("pass", "2 sent: CN=chat.corp.test; CN=Company Issuing")
    assert said(result, "certificate.key.match") == ("pass", "the server has the key: the handshake proves it")
    (server,) = result["servers"]
    chain = server.pop("chain")
    assert server == {
        "endpoint": f"127.0.0.1:{good['port']}",
        "host": "127.0.0.1",
        "port": good["port"],
        "protocol": "tls",
        "server_name": NAME,
        "address": "127.0.0.1",
        "error": "",
        "tls_version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "alpn": "",
        "versions": {"TLSv1": "refused", "TLSv1.1": "refused", "TLSv1.2": "accepted", "TLSv1.3": "accepted"},
        "verified": True,
    }
    assert [(one["subject"], one["issuer"], one["days_left"]) for one in chain] == [
        ("CN=chat.corp.test", "CN=Company Issuing", 299),
        ("CN=Company Issuing", "CN=Company Root", 1824),
    ]
    assert chain[0]["names"] == [NAME]
    assert chain[1]["names"] == []
    assert chain[1]["fingerprint"] == ISSUING.certificate.fingerprint
    assert set(chain[0]) == {
        "subject", "issuer", "serial", "not_before", "not_after", "days_left", "fingerprint", "names",
    }  # fmt: skip


def test_the_chain_without_the_private_method(good, monkeypatch):
    """The callback tells the same; with neither only the leaf is judged, and that is said."""
    from ansible_collections.onprem.chat.plugins.module_utils._tls import messages, wire

    class Blind:
        def __init__(self, tls):
            self.tls = tls

        def __getattr__(self, name):
            if name in ("get_unverified_chain", "_sslobj"):
                raise AttributeError(name)
            return getattr(self.tls, name)

    seeing = wire._chain
    monkeypatch.setattr(wire, "_chain", lambda tls, seen: seeing(Blind(tls), seen))
    assert [one["subject"] for one in ask(**good)["servers"][0]["chain"]] == ["CN=chat.corp.test", "CN=Company Issuing"]
    monkeypatch.setattr(messages.Messages, "watch", lambda self, context: None)
    result = ask(**good)
    assert [one["subject"] for one in result["servers"][0]["chain"]] == ["CN=chat.corp.test"]
    assert said(result, "tls.certificate") == (
        "warn",
        "1 sent: CN=chat.corp.test. this Python shows only the first certificate, the others are not judged",
    )


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_no_callback(certificates, monkeypatch, version):
    """A Python without it: the answers are shorter, and nothing else is wrong."""
    from ansible_collections.onprem.chat.plugins.module_utils._tls import messages

    monkeypatch.setattr(messages.Messages, "watch", lambda self, context: None)
    only = V.TLSv1_2 if version == "TLSv1.2" else V.TLSv1_3
    with Server(tls(certificates.context(least=only, most=only))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert bad(result) == {}
    assert result["servers"][0]["versions"][version] == "accepted"
    assert list(result["servers"][0]["versions"].values()).count("refused") == 3


# -- versions and ciphers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("least", "most", "options", "status", "evidence"),
    [
        (V.TLSv1, V.TLSv1_3, {}, "warn", "TLSv1 accepted, TLSv1.1 accepted, TLSv1.2 accepted, TLSv1.3 accepted"),
        (V.TLSv1_1, V.TLSv1_2, {"old_versions": "fail"}, "fail",
         "TLSv1 refused, TLSv1.1 accepted, TLSv1.2 accepted, TLSv1.3 refused"),
        (V.TLSv1, V.TLSv1_3, {"old_versions": "allow"}, "pass",
         "TLSv1 accepted, TLSv1.1 accepted, TLSv1.2 accepted, TLSv1.3 accepted"),
        (V.TLSv1, V.TLSv1_3, {"minimum_version": "TLSv1"}, "pass",
         "TLSv1 accepted, TLSv1.1 accepted, TLSv1.2 accepted, TLSv1.3 accepted"),
        (V.TLSv1_2, V.TLSv1_2, {"minimum_version": "TLSv1.3"}, "fail",
         "TLSv1 refused, TLSv1.1 refused, TLSv1.2 accepted, TLSv1.3 refused: none from TLSv1.3 on"),
        (V.TLSv1_3, V.TLSv1_3, {}, "pass", "TLSv1 refused, TLSv1.1 refused, TLSv1.2 refused, TLSv1.3 accepted"),
    ],
)  # fmt: skip
def test_versions(certificates, least, most, options, status, evidence):
    with Server(tls(certificates.context(least=least, most=most))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors(), **options)
    assert said(result, "tls.versions") == (status, evidence)


def test_only_old_versions(certificates):
    """An ordinary client gets nothing; the certificate is shown and judged all the same."""
    with Server(tls(certificates.context(most=V.TLSv1_1, least=V.TLSv1))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.session") == (
        "fail",
        "the server ended the TLS handshake with the alert protocol_version; with everything old and weak allowed: "
        "TLSv1.1, ECDHE-ECDSA-AES256-SHA",
    )
    assert result["by_id"]["tls.session"]["hint"] == (
        "The server speaks none of the TLS versions that were offered. Enable TLS 1.2 and 1.3 on it."
    )
    assert said(result, "tls.versions") == (
        "fail",
        "TLSv1 accepted, TLSv1.1 accepted, TLSv1.2 refused, TLSv1.3 refused: none from TLSv1.2 on",
    )
    assert result["by_id"]["tls.versions"]["hint"] == "Enable TLSv1.2 and TLSv1.3 on the server."
    assert said(result, "certificate.names")[0] == "pass"
    assert said(result, "tls.handshake") == (
        "skip",
        "the certificate was not judged: the server ended the TLS handshake with the alert protocol_version",
    )
    assert result["servers"][0]["verified"] is False


def test_a_version_that_openssl_here_does_not_speak(good, monkeypatch):
    from ansible_collections.onprem.chat.plugins.module_utils._tls import contexts

    old = contexts.old

    def without(alpn=(), version=""):
        context = old(alpn, version)
        if version == "TLSv1":
            # What a policy of the distribution does: the version can be named, and no cipher is left for it.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.options |= ssl.OP_NO_TLSv1
        if version == "TLSv1.1":
            raise ValueError("Unsupported protocol version 0x302")
        return context

    monkeypatch.setattr(contexts, "old", without)
    result = ask(**good)
    assert said(result, "tls.versions") == (
        "pass",
        "TLSv1 unknown, TLSv1.1 unknown, TLSv1.2 accepted, TLSv1.3 accepted; TLSv1, TLSv1.1: OpenSSL on this host does "
        "not speak it",
    )


def test_no_forward_secrecy(certificates):
    context = certificates.context(leaf(kind="rsa2048"), most=V.TLSv1_2, least=V.TLSv1_2, ciphers="AES256-GCM-SHA384")
    with Server(tls(context)) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    # An ordinary client of Python does not offer it at all; one of Debian's Python, which takes OpenSSL's list, does.
    offered = {cipher["name"] for cipher in ssl.create_default_context().get_ciphers()}
    if "AES256-GCM-SHA384" in offered:
        expected = ("warn", "TLSv1.2, AES256-GCM-SHA384: no forward secrecy")
    else:
        refused = "the server ended the TLS handshake with the alert handshake_failure"
        expected = ("fail", f"{refused}; with everything old and weak allowed: TLSv1.2, AES256-GCM-SHA384")
    assert said(result, "tls.session") == expected
    assert said(result, "tls.versions")[0] == "pass"


# -- names and protocols in the handshake -----------------------------------------------------------------------------


def by_name(certificates, own, other, chain=(ISSUING,)):
    """A server with two certificates: the second one for those who send the name."""
    context, named = certificates.context(other, chain), certificates.context(own)

    def choose(connection, name, first):
        if name == NAME:
            connection.context = named

    context.sni_callback = choose
    return context


def test_another_certificate_without_a_name(certificates):
    with Server(tls(by_name(certificates, leaf(), leaf("other.corp.test")))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    other = "another certificate (CN=other.corp.test)"
    assert said(result, "tls.sni") == (
        "warn",
        f"without a name: {other}; with another name (unknown.invalid): {other}",
    )
    assert result["by_id"]["tls.sni"]["hint"].startswith(
        "Clients that send no server name (old ones, and many of LDAP and Java) get a certificate that is not for "
        "chat.corp.test. Make it"
    )
    assert said(result, "tls.handshake")[0] == "pass"


def test_another_certificate_that_serves_as_well(certificates):
    other = leaf("spare", dns=["*.corp.test"])
    with Server(tls(by_name(certificates, leaf(), other))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.sni")[0] == "pass"


def test_a_server_that_knows_no_other_name(certificates):
    context = certificates.context()
    context.sni_callback = lambda connection, name, first: (
        None if name == NAME else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    )
    with Server(tls(context)) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
        wrong = ask(server.port, trust_anchors=certificates.anchors(), server_name="wrong.corp.test")
    refusal = "the server ended the TLS handshake with the alert unrecognized_name"
    assert said(result, "tls.sni") == (
        "pass",
        f"without a name: {refusal}; with another name (unknown.invalid): {refusal}",
    )
    assert said(wrong, "tls.session") == ("fail", refusal)
    assert wrong["by_id"]["tls.session"]["hint"] == (
        "The server knows no host of this name. Is server_name right, and does the server's configuration name it?"
    )


def test_by_address(certificates):
    """No name is sent; the address must be in the certificate."""
    with Server(tls(certificates.context(leaf(ip=["127.0.0.1"])))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors(), server_name=None)
    assert bad(result) == {}
    assert said(result, "tls.sni") == ("skip", "no name is sent to this server")
    assert said(result, "tls.handshake") == ("pass", "OpenSSL: the certificate is valid for 127.0.0.1")
    with Server(tls(certificates.context())) as server:
        result = ask(server.port, trust_anchors=certificates.anchors(), server_name=None)
    assert bad(result) == {"tls.handshake": "fail", "certificate.names": "fail"}
    assert said(result, "tls.handshake") == (
        "fail",
        "OpenSSL: IP address mismatch, certificate is not valid for '127.0.0.1'",
    )


def test_alpn(certificates):
    options = {"alpn": ["xmpp-client"], "domain": NAME, "trust_anchors": certificates.anchors()}
    with Server(tls(certificates.context(alpn=["xmpp-client"]))) as server:
        result = ask(server.port, **options)
        assert said(result, "tls.alpn") == ("pass", "offered xmpp-client: the server takes xmpp-client")
        assert result["servers"][0]["alpn"] == "xmpp-client"
    with Server(tls(certificates.context())) as server:
        result = ask(server.port, **options)
        assert said(result, "tls.alpn") == ("warn", "offered xmpp-client: the server takes none and goes on")
        assert "tls.alpn" not in ask(server.port)["by_id"]


def test_the_certificate_of_another_ca(certificates):
    root, issuing = company("Other")
    with Server(tls(certificates.context(leaf(issuer=issuing), (issuing, root)))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert said(result, "tls.handshake") == ("fail", "OpenSSL: self-signed certificate in certificate chain")
    assert said(result, "certificate.chain.trust")[0] == "fail"
    assert len(result["servers"][0]["chain"]) == 3


def test_faults_of_the_certificate_are_seen_by_both(certificates):
    anchors = certificates.anchors()
    for own, chain, words, id_ in (
        (leaf(end=-1), (ISSUING,), "certificate has expired", "certificate.validity"),
        (leaf(start=2), (ISSUING,), "certificate is not yet valid", "certificate.not_before"),
        (leaf(), (), "unable to get local issuer certificate", "certificate.chain.trust"),
        (leaf("other.corp.test"), (ISSUING,), f"Hostname mismatch, certificate is not valid for '{NAME}'", "certificate.names"),
    ):  # fmt: skip
        with Server(tls(certificates.context(own, chain))) as server:
            result = ask(server.port, trust_anchors=anchors)
        assert said(result, "tls.handshake") == ("fail", f"OpenSSL: {words}")
        assert said(result, id_)[0] == "fail", result["by_id"][id_]
        assert said(result, "tls.session")[0] == "pass"


def test_soon_over(certificates):
    with Server(tls(certificates.context(leaf(end=20)))) as server:
        assert said(ask(server.port, trust_anchors=certificates.anchors()), "certificate.validity")[0] == "warn"
        result = ask(server.port, trust_anchors=certificates.anchors(), valid_days=10)
        assert said(result, "certificate.validity")[0] == "pass"
        assert result["servers"][0]["chain"][0]["days_left"] == 19


def test_accepted_failures_are_warnings(certificates):
    with Server(tls(certificates.context(leaf(end=-1)))) as server:
        result = ask(
            server.port, trust_anchors=certificates.anchors(), accept=["tls.handshake", "certificate.validity"]
        )
    assert bad(result) == {"tls.handshake": "warn", "certificate.validity": "warn"}
    assert result["by_id"]["tls.handshake"]["hint"].startswith("Accepted by the task. Renew the certificate")


def test_the_root_that_is_sent_is_no_fault(certificates):
    with Server(tls(certificates.context(chain=(ISSUING, ROOT)))) as server:
        result = ask(server.port, trust_anchors=certificates.anchors())
    assert bad(result) == {}
