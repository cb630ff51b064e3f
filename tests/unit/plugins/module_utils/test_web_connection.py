# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""web_info and servers that nobody reaches, or whose TLS no browser accepts."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._net import reach
from ansible_collections.onprem.chat.plugins.module_utils._web import client, judge, wire
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import (
    ISSUING,
    NAME,
    ROOT,
    Certificates,
    Server,
    company,
    leaf,
    silent,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import says as says_at_once
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.web_fake import ask, ask_server, page, says

TITLE = b"<title>Log in</title>"
UNKNOWN_CA = (
    "Is this the server's own CA? Then name its root in trust_anchors, and let the server send its intermediate certificates. "
    "Is it a firewall or proxy that opens TLS? Then exempt this host from it."
)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def anchors(certificates):
    return certificates.anchors()


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# -- no connection ----------------------------------------------------------------------------------------------------


def test_nothing_listens():
    port = closed_port()
    result = ask(f"https://127.0.0.1:{port}/")
    assert result.statuses == ["skip", "fail", "skip", "skip"]
    assert result.said("web.name") == ("skip", "no name to resolve: 127.0.0.1 is an address")
    assert result.said("web.connect") == ("fail", f"127.0.0.1 port {port}: connection refused")
    assert result.check("web.connect")["hint"] == (
        f"The host is up, but nothing listens on port {port}, or a firewall rejects. Does the service run, and is the port right?"
    )
    assert result.said("web.tls") == ("skip", "no connection: connection refused")
    assert result.said("web.answer") == ("skip", "no connection: connection refused")
    assert (result["answers"][0]["status"], result["answers"][0]["milliseconds"]) == (None, None)


@pytest.mark.parametrize(
    ("kind", "detail", "hint"),
    [
        (reach.TIMED_OUT, "no connection within 5 s", "Is the host down, or does a firewall drop packets to port 443?"),
        (
            reach.UNREACHABLE,
            "No route to host",
            "Is the host switched on, and is there a route to its network from here?",
        ),
    ],
)
def test_no_way_to_it(monkeypatch, kind, detail, hint):
    monkeypatch.setattr(client, "reach", lambda *given, **more: reach.Answer(kind, "10.203.0.20", detail))
    result = ask("https://chat.corp.test/")
    assert result.said("web.name") == ("pass", "chat.corp.test has 10.203.0.20")
    assert result.said("web.connect") == ("fail", f"10.203.0.20 port 443: {detail}")
    assert result.check("web.connect")["hint"] == hint
    assert result.said("web.answer") == ("skip", f"no connection: {detail}")


def test_half_of_the_time_is_for_the_connection(monkeypatch):
    asked = []

    def answer(*given, **more):
        asked.append((given, more))
        return reach.Answer(reach.REFUSED, "10.0.0.1", "connection refused")

    monkeypatch.setattr(client, "reach", answer)
    ask("https://chat.corp.test:8443/", timeout=3)
    assert asked == [(("chat.corp.test", 8443, "tcp", 1.5), {"connect_to": ""})]


def resolve(monkeypatch, answer):
    ask_system = socket.getaddrinfo

    def getaddrinfo(host, port, *arguments, **more):
        if not host.endswith("corp.test"):
            return ask_system(host, port, *arguments, **more)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_no_such_name(monkeypatch):
    resolve(monkeypatch, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    result = ask("https://chat.corp.test/")
    assert result.statuses == ["fail", "skip", "skip", "skip"]
    assert result.said("web.name") == ("fail", "chat.corp.test does not resolve")
    assert result.check("web.name")["hint"] == (
        "Is the name spelt right, and does this host ask the right DNS server? Try: dig chat.corp.test"
    )
    assert result.said("web.answer") == ("skip", "no address: chat.corp.test does not resolve")
    assert result["answers"][0]["address"] == ""


def test_no_such_name_in_connect_to(monkeypatch):
    resolve(monkeypatch, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    result = ask("https://127.0.0.1/", connect_to="new.corp.test")
    assert result.said("web.name") == ("fail", "connect_to: new.corp.test does not resolve")


def test_a_resolver_that_hangs(monkeypatch):
    free = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **more: free.wait(20) and [])
    result = ask("https://chat.corp.test/", timeout=0.4)
    free.set()
    assert result.said("web.name") == ("fail", "the resolver gives no answer about chat.corp.test within 0.2 s")


def test_every_address_is_connected_to(monkeypatch):
    resolve(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with Server(says(page(TITLE))) as server:
        result = ask(f"http://{NAME}:{server.port}/")
    assert result.said("web.name") == ("pass", f"{NAME} has 127.0.0.1, 127.0.0.2")
    port = server.port
    evidence = f"127.0.0.1 port {port}: connected; 127.0.0.2 port {port}: connection refused"
    assert result.said("web.connect") == ("warn", evidence)
    assert result.check("web.connect")["hint"] == (
        f"Not every address of the name answers, so some users will wait or fail. The host is up, but nothing listens on port "
        f"{port}, or a firewall rejects. Does the service run, and is the port right?"
    )
    assert result.said("web.answer") == ("pass", '127.0.0.1 answers 200 OK, title "Log in"')
    assert result["answers"][0]["passed"] is True


def test_ipv6():
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    port = listener.getsockname()[1]

    def serve():
        for _count in range(2):
            connection, _peer = listener.accept()
            with connection:
                says(page(TITLE))(connection)

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        result = ask(f"http://[::1]:{port}/")
    assert result.said("web.connect") == ("pass", f"::1 port {port}: connected")
    assert result.said("web.answer") == ("pass", '::1 answers 200 OK, title "Log in"')
    assert result["answers"][0]["url"] == f"http://[::1]:{port}/"


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
        monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{closed_port()}")
    assert ask_server(says(page(TITLE))).said("web.answer")[0] == "pass"


# -- TLS --------------------------------------------------------------------------------------------------------------


def ask_tls(certificates, anchors, own=None, body=TITLE, **more):
    context = certificates.context(own, **more)
    return ask_server(says(page(body), context=context), scheme="https", trust_anchors=anchors)


def test_verified_tls(certificates, anchors):
    own = leaf(end=300)
    result = ask_tls(certificates, anchors, own)
    until = own.certificate.not_after.strftime("%Y-%m-%d")
    assert result.statuses == ["skip", "pass", "pass", "pass"]
    assert result.said("web.tls") == (
        "pass",
        f"TLSv1.3, certificate valid for {NAME}, issued by Company Issuing, valid until {until}",
    )
    (answer,) = result["answers"]
    assert (answer["tls_version"], answer["issuer"]) == ("TLSv1.3", "Company Issuing")
    assert answer["not_after"] == own.certificate.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_tls_for_an_address_and_for_an_international_name(certificates, anchors):
    own = leaf(dns=["xn--bcher-kva.test"], ip=["127.0.0.1"])
    with Server(says(page(TITLE), context=certificates.context(own))) as server:
        urls = [f"https://127.0.0.1:{server.port}/", f"https://b\u00fccher.test:{server.port}/"]
        result = ask(*urls, options={"trust_anchors": anchors, "connect_to": "127.0.0.1"})
    assert result.said("web.tls", 0)[1].startswith("TLSv1.3, certificate valid for 127.0.0.1, issued by ")
    assert result.said("web.tls", 1)[1].startswith("TLSv1.3, certificate valid for xn--bcher-kva.test, issued by ")
    assert result.check("web.tls", 1)["subject"] == f"https://xn--bcher-kva.test:{server.port}/"


def test_the_server_is_asked_by_the_name_of_the_url(certificates, anchors):
    asked, names = [], []
    context = certificates.context()
    context.sni_callback = lambda connection, name, context: names.append(name)
    with Server(says(page(TITLE), asked=asked, context=context)) as server:
        result = ask(f"https://{NAME}:{server.port}/", connect_to="127.0.0.1", trust_anchors=anchors)
    assert result.said("web.answer")[0] == "pass"
    assert set(names) == {NAME}
    assert f"\r\nHost: {NAME}:{server.port}\r\n".encode() in asked[0]


@pytest.mark.parametrize(
    ("made", "evidence", "hint"),
    [
        ({"own": leaf("other.corp.test")},
         f"Hostname mismatch, certificate is not valid for '{NAME}', issued by Company Issuing",
         f"Issue a certificate whose subjectAltName holds {NAME}, or ask for the name that it holds."),
        ({"own": leaf(end=-1)}, "certificate has expired, issued by Company Issuing",
         "Renew the certificate, install it and reload the server."),
        ({"own": leaf(start=1)}, "certificate is not yet valid, issued by Company Issuing",
         "Is the clock of the server, of its CA or of this host wrong?"),
        ({"own": leaf(issuer=company("Firewall")[1]), "chain": ()},
         "the certificate is not trusted here (unable to get local issuer certificate), issued by Firewall Issuing", UNKNOWN_CA),
        ({"chain": ()},
         "the certificate is not trusted here (unable to get local issuer certificate), issued by Company Issuing", UNKNOWN_CA),
        ({"own": leaf(issuer=None), "chain": ()},
         f"the certificate is not trusted here (self-signed certificate), issued by {NAME}", UNKNOWN_CA),
    ],
)  # fmt: skip
def test_certificates_that_browsers_refuse(certificates, anchors, made, evidence, hint):
    result = ask_tls(certificates, anchors, **made)
    status, seen = result.said("web.tls")
    assert (status, seen.partition(": ")[2].replace("self signed", "self-signed")) == ("fail", evidence)
    assert result.check("web.tls")["hint"] == hint
    status, reason = result.said("web.answer")
    assert status == "skip"
    assert reason.startswith("no verified TLS: ")
    assert result["answers"][0]["not_after"] == ""


def test_nothing_is_sent_to_a_server_that_is_not_trusted(certificates):
    asked = []
    other = company("Other")[0]
    context = certificates.context()
    with Server(says(page(TITLE), asked=asked, context=context)) as server:
        result = ask(
            f"https://{NAME}:{server.port}/", connect_to="127.0.0.1", trust_anchors=certificates.anchors(other)
        )
    assert (result.said("web.tls")[0], asked) == ("fail", [])


def test_several_trust_anchors(certificates, tmp_path):
    other, own = tmp_path / "other.crt", tmp_path / "own.crt"
    other.write_bytes(company("Other")[0].certificate.pem)
    own.write_bytes(b"Our root:\n" + ROOT.certificate.pem + ISSUING.certificate.pem)
    assert ask_tls(certificates, [str(other), str(own)], chain=()).said("web.tls")[0] == "pass"


def test_plain_http_at_a_port_that_should_speak_tls():
    result = ask_server(says_at_once(page(b"", b"400 Bad Request")), scheme="https")
    status, evidence = result.said("web.tls")
    assert (status, evidence.partition(": ")[2]) == ("fail", "what answered does not speak TLS")
    assert result.said("web.answer") == ("skip", "no verified TLS: what answered does not speak TLS")
    port = result["answers"][0]["url"].rpartition(":")[2].strip("/")
    assert result.check("web.tls")["hint"] == (
        f"Does the service speak plain HTTP on port {port}? Configure TLS there, or ask for http://."
    )


def test_tls_at_a_port_that_is_asked_in_plain(certificates):
    def serve(connection):
        with certificates.context().wrap_socket(connection, server_side=True) as secure:
            secure.recv(1)

    result = ask_server(serve)
    assert result.said("web.tls") == ("skip", "http:// is asked for, which has no TLS")
    assert result.said("web.answer")[0] == "fail"


def test_a_server_that_never_speaks_tls():
    result = ask_server(silent, scheme="https", timeout=0.6)
    status, evidence = result.said("web.tls")
    assert (status, "no answer in TLS" in evidence) == ("fail", True)
    assert result.check("web.tls")["hint"] == (
        "Does this port begin with TLS, and does a firewall drop large packets (MTU)? Look into the server's log."
    )


def test_a_client_certificate_is_demanded(certificates, anchors):
    result = ask_tls(certificates, anchors, ask=ssl.CERT_REQUIRED, most=ssl.TLSVersion.TLSv1_2)
    assert result.said("web.tls")[0] == "fail"
    assert "does it take clients without a certificate?" in result.check("web.tls")["hint"]


def test_a_client_certificate_is_demanded_when_the_handshake_is_done(certificates, anchors):
    """In TLS 1.3 the server says so when it is asked something."""
    context = certificates.context(ask=ssl.CERT_REQUIRED)

    def serve(connection):
        with connection.dup() as raw:
            secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            with secure, contextlib.suppress(ssl.SSLError):
                secure.do_handshake()
            while raw.recv(4096):  # what is unread at the end would throw the alert away
                pass

    result = ask_server(serve, scheme="https", trust_anchors=anchors)
    assert result.said("web.answer") == ("fail", "127.0.0.1 demands a client certificate")
    assert result.check("web.answer")["hint"] == (
        "It wants to know who is asking, which this module never says. Let the server take clients without one."
    )


@pytest.mark.parametrize(
    ("kind", "detail", "hint"),
    [
        (reach.REFUSED, "connection refused", "It had accepted a connection just before. Is the service starting again and again?"),
        (reach.UNREACHABLE, "No route to host",
         "A connection had been accepted just before. Look at the network between here and the server."),
        (reach.CLOSED, "closed the connection in the TLS handshake",
         "Has the server a certificate and key for chat.corp.test, and does it take clients without a certificate? Look into "
         "its log."),
        (reach.BAD_CERTIFICATE, "this host trusts no CA at all, /etc/ssl/certs is empty",
         "Install the package ca-certificates on this host, or name the CA in trust_anchors."),
        (reach.BAD_CERTIFICATE, "something new", "Look at the certificate with: openssl s_client -showcerts"),
    ],
)  # fmt: skip
def test_every_other_end_of_tls(monkeypatch, kind, detail, hint):
    def answer(host, port, protocol, *given, **more):
        return reach.Answer(reach.ANSWERED if protocol == "tcp" else kind, "10.203.0.20", detail)

    monkeypatch.setattr(client, "reach", answer)
    result = ask("https://chat.corp.test/")
    assert result.said("web.tls") == ("fail", f"10.203.0.20 port 443: {detail}")
    assert result.check("web.tls")["hint"] == hint
    assert result.said("web.answer") == ("skip", f"no verified TLS: {detail}")


def test_every_kind_of_fault_has_a_hint():
    kinds = set(reach.TELLING) - {reach.ANSWERED}
    assert kinds <= set(judge._TLS) | {reach.BAD_CERTIFICATE}
    assert {reach.REFUSED, reach.TIMED_OUT, reach.UNREACHABLE} == set(judge._CONNECT)
    assert {wire.TIMED_OUT, wire.CLOSED, wire.NOT_HTTP, wire.TOO_MUCH, wire.REFUSED} == set(judge._FAULTS)
