# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real sockets on the loopback, real TLS; only name resolution and routes are pretended."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from ansible_collections.onprem.chat.plugins.module_utils._net import issuer, reach
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import tls_fake as workshop
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import make

HERE = "127.0.0.1"
FIREWALL = x509.Name(
    [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Corp Security"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Firewall Inspection CA"),
    ]
)


@pytest.fixture(name="certificates")
def _certificates(tmp_path):
    return workshop.Certificates(tmp_path)


@pytest.fixture(name="anchors")
def _anchors(certificates):
    return certificates.anchors()


@pytest.fixture(name="names")
def _names(monkeypatch):
    """Says which addresses names have, and what happens at addresses that no test machine has."""
    known = {}
    real = socket.getaddrinfo

    def getaddrinfo(name, port, **more):
        if name not in known:
            return real(name, port, **more)
        if isinstance(known[name], Exception):
            raise known[name]
        return [info for address in known[name] for info in real(address, port, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture(name="ways")
def _ways(monkeypatch):
    """Address -> error of connecting there."""
    errors = {}

    class Socket(socket.socket):
        def connect(self, sockaddr):
            if sockaddr[0] in errors:
                raise errors[sockaddr[0]]
            super().connect(sockaddr)

    monkeypatch.setattr(reach.socket, "socket", Socket)
    return errors


def free_port():
    with socket.socket() as taken:
        taken.bind((HERE, 0))
        return taken.getsockname()[1]


def ask(port, protocol="tls", host=workshop.NAME, timeout=5, anchors=(), connect_to=HERE):
    return reach.reach(host, port, protocol, timeout, anchors, connect_to)


# -- what answers -----------------------------------------------------------------------------------------------------


def test_answered(certificates, anchors):
    with workshop.Server(workshop.tls(certificates.context())) as server:
        answer = ask(server.port, anchors=anchors)
    assert answer.kind == "answered"
    assert (answer.address, answer.tls_version, answer.detail) == (HERE, "TLSv1.3", "answered with TLSv1.3")
    assert answer.issuer == "Company Issuing"
    assert answer.others == ()
    assert server.connections == 1


def test_a_dot_at_the_end_of_a_name_is_no_part_of_it(certificates, anchors):
    with workshop.Server(workshop.tls(certificates.context())) as server:
        assert ask(server.port, anchors=anchors, host=workshop.NAME + ".").kind == "answered"


def test_an_address_instead_of_a_name(certificates, anchors):
    own = workshop.leaf("box", dns=[], ip=[ipaddress.ip_address(HERE)])
    with workshop.Server(workshop.tls(certificates.context(own))) as server:
        assert reach.reach(HERE, server.port, "tls", 5, anchors).kind == "answered"


def test_tcp_ends_when_the_connection_stands():
    with workshop.Server(workshop.silent) as server:
        answer = ask(server.port, "tcp")
    assert answer._replace(milliseconds=0) == reach.Answer("answered", HERE, "connected")


# -- what does not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_refused(protocol, anchors):
    answer = ask(free_port(), protocol, anchors=anchors)
    assert (answer.kind, answer.address, answer.detail) == ("refused", HERE, "connection refused")


def test_nobody_takes_the_connection():
    """Linux drops connections for a queue that is full, as a firewall would."""
    with socket.socket() as listener:
        listener.bind((HERE, 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _number in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex((HERE, port))
        answer = ask(port, "tcp", timeout=0.3)
        for one in waiting:
            one.close()
    assert (answer.kind, answer.address, answer.detail) == ("timed_out", HERE, "no connection within 0.3 s")


def test_taken_and_silent(anchors):
    with workshop.Server(workshop.silent) as server:
        answer = ask(server.port, anchors=anchors, timeout=0.3)
    assert (answer.kind, answer.detail) == ("timed_out", "connected, but no answer in TLS within 0.3 s")


@pytest.mark.parametrize(
    ("number", "kind", "detail"),
    [
        (errno.ENETUNREACH, "unreachable", "Network is unreachable"),
        (errno.EHOSTUNREACH, "unreachable", "No route to host"),
        (errno.EACCES, "unreachable", "Permission denied"),
        (errno.EPERM, "unreachable", "Operation not permitted"),
        (errno.ETIMEDOUT, "timed_out", "no connection within 5 s"),
    ],
)
def test_no_way(ways, number, kind, detail):
    ways[HERE] = OSError(number, detail if kind == "unreachable" else "Connection timed out")
    answer = ask(443, "tcp")
    assert (answer.kind, answer.address, answer.detail) == (kind, HERE, detail)


# -- certificates -----------------------------------------------------------------------------------------------------


def test_intercepted(certificates, anchors):
    firewall = make(FIREWALL, ca=True, start=workshop.TODAY - 30, end=workshop.TODAY + 300)
    own = workshop.leaf(issuer=firewall)
    with workshop.Server(workshop.tls(certificates.context(own, chain=(firewall,)))) as server:
        answer = ask(server.port, anchors=anchors)
    assert (answer.kind, answer.address) == ("intercepted", HERE)
    assert answer.issuer == "Firewall Inspection CA (Corp Security)"
    assert answer.detail == "self-signed certificate in certificate chain"


def test_self_signed(certificates, anchors):
    own = make(workshop.NAME, dns=[workshop.NAME], start=workshop.TODAY - 1, end=workshop.TODAY + 9)
    with workshop.Server(workshop.tls(certificates.context(own, chain=()))) as server:
        answer = ask(server.port, anchors=anchors)
    assert (answer.kind, answer.issuer, answer.detail) == ("intercepted", workshop.NAME, "self-signed certificate")


def test_intermediate_certificates_are_missing(certificates, anchors):
    with workshop.Server(workshop.tls(certificates.context(chain=()))) as server:
        answer = ask(server.port, anchors=anchors)
    assert (answer.kind, answer.issuer) == ("intercepted", "Company Issuing")
    assert answer.detail == "unable to get local issuer certificate"


def test_the_system_does_not_know_the_company(certificates, monkeypatch):
    monkeypatch.setattr(reach, "trusts_nobody", lambda: "")
    with workshop.Server(workshop.tls(certificates.context())) as server:
        assert ask(server.port).kind == "intercepted"


def test_a_system_without_any_ca_is_no_interception(certificates, monkeypatch):
    monkeypatch.setattr(reach, "trusts_nobody", lambda: "/etc/ssl/certs")
    with workshop.Server(workshop.tls(certificates.context())) as server:
        answer = ask(server.port)
    assert (answer.kind, answer.detail) == ("bad_certificate", "this host trusts no CA at all, /etc/ssl/certs is empty")


@pytest.mark.parametrize(
    ("own", "detail"),
    [
        ({"name": "other.corp.test"}, "Hostname mismatch, certificate is not valid for 'chat.corp.test'"),
        ({"end": -1}, "certificate has expired"),
        ({"start": 2}, "certificate is not yet valid"),
    ],
)
def test_bad_certificate(certificates, anchors, own, detail):
    with workshop.Server(workshop.tls(certificates.context(workshop.leaf(**own)))) as server:
        answer = ask(server.port, anchors=anchors)
    assert (answer.kind, answer.detail, answer.issuer) == ("bad_certificate", detail, "Company Issuing")


def test_the_store_is_looked_for_where_openssl_does(tmp_path, monkeypatch):
    paths = ssl.get_default_verify_paths()._replace(cafile=None, capath=str(tmp_path))
    monkeypatch.setattr(reach.ssl, "get_default_verify_paths", lambda: paths)
    assert reach.trusts_nobody() == str(tmp_path)
    (tmp_path / "README").write_text("")
    assert reach.trusts_nobody() == str(tmp_path)
    (tmp_path / "0123abcd.0").write_text("")
    assert reach.trusts_nobody() == ""
    paths = paths._replace(capath=str(tmp_path / "missing"))
    assert reach.trusts_nobody() == str(tmp_path / "missing")
    (tmp_path / "cert.pem").write_text("")
    paths = paths._replace(cafile=str(tmp_path / "cert.pem"))
    assert reach.trusts_nobody() == ""


# -- other things than TLS ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "serve",
    [
        workshop.says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        workshop.says(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", wait=False),
        workshop.says(b"220 mail.corp.test ESMTP\r\n", wait=False),
        workshop.says(b"<?xml version='1.0'?><stream:stream>"),
    ],
)
def test_not_tls(anchors, serve):
    with workshop.Server(serve) as server:
        answer = ask(server.port, anchors=anchors)
    assert (answer.kind, answer.detail) == ("not_tls", "what answered does not speak TLS")


@pytest.mark.parametrize("serve", [workshop.hangs_up, workshop.hangs_up_later])
def test_closed(anchors, serve):
    with workshop.Server(serve) as server:
        answer = ask(server.port, anchors=anchors)
    assert answer.kind == "closed"
    assert answer.detail.startswith("closed the connection in the TLS handshake")


def test_the_handshake_is_refused(anchors):
    handshake_failure = bytes.fromhex("15 0303 0002 02 28")
    with workshop.Server(workshop.says(handshake_failure)) as server:
        answer = ask(server.port, anchors=anchors)
    assert answer.kind == "closed"
    assert answer.detail.endswith("alert handshake failure")


# -- names and addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "nope.corp.test does not resolve"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "the resolver gives no answer about nope.corp.test"),
    ],
)
def test_no_address(names, error, detail):
    names["nope.corp.test"] = error
    answer = ask(443, host="nope.corp.test", connect_to="")
    assert (answer.kind, answer.address, answer.detail) == ("no_address", "", detail)


def test_a_resolver_that_hangs(monkeypatch):
    waiting = reach.threading.Event()
    monkeypatch.setattr(reach.socket, "getaddrinfo", lambda *_any, **_more: waiting.wait(20))
    answer = ask(443, host="slow.corp.test", connect_to="", timeout=0.1)
    waiting.set()
    assert answer.detail == "the resolver gives no answer about slow.corp.test within 0.1 s"


@pytest.mark.parametrize("host", ["a" * 70 + ".test", "a..test", "a\0b"])
def test_no_host_name(host):
    assert ask(443, host=host, connect_to="").kind == "no_address"


def test_no_name():
    assert ask(443, host="", connect_to="").detail == "no name was given"


@pytest.mark.parametrize("port", [0, 65536, -1])
def test_no_port(port):
    assert ask(port).detail == f"{port} is no port number"


def test_a_name_that_no_certificate_can_have(certificates, anchors):
    with workshop.Server(workshop.tls(certificates.context())) as server:
        assert ask(server.port, host="a" * 70 + ".test", anchors=anchors).kind == "bad_certificate"


def test_one_of_several_addresses_answers(names, ways, certificates, anchors):
    names["many.corp.test"] = ["192.0.2.1", "2001:db8::1", HERE]
    ways["192.0.2.1"] = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    ways["2001:db8::1"] = OSError(errno.ENETUNREACH, "Network is unreachable")
    with workshop.Server(workshop.tls(certificates.context(workshop.leaf("many.corp.test")))) as server:
        answer = ask(server.port, host="many.corp.test", connect_to="", anchors=anchors)
    assert (answer.kind, answer.address) == ("answered", HERE)
    assert [(other.address, other.kind) for other in answer.others] == [
        ("192.0.2.1", "refused"),
        ("2001:db8::1", "unreachable"),
    ]


def test_the_most_telling_of_several_faults(names, ways):
    names["many.corp.test"] = ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    ways["2001:db8::1"] = OSError(errno.ENETUNREACH, "Network is unreachable")
    ways["192.0.2.1"] = TimeoutError("timed out")
    ways["192.0.2.2"] = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    answer = ask(443, host="many.corp.test", connect_to="")
    assert [one.kind for one in (answer, *answer.others)] == ["refused", "timed_out", "unreachable"]


def test_ipv6(certificates, anchors):
    own = workshop.leaf("box", dns=[], ip=[ipaddress.ip_address("::1")])
    server = workshop.Server.__new__(workshop.Server)
    server.serve, server.connections = workshop.tls(certificates.context(own)), 0
    try:
        server.listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    server.port = server.listener.getsockname()[1]
    workshop.threading.Thread(target=server._listen, daemon=True).start()
    with server:
        answer = reach.reach("::1", server.port, "tls", 5, anchors)
    assert (answer.kind, answer.address) == ("answered", "::1")


# -- trust anchors -----------------------------------------------------------------------------------------------------


def test_anchors_that_are_not_there(tmp_path):
    with pytest.raises(reach.Unreadable) as caught:
        ask(443, anchors=[str(tmp_path / "no.crt")])
    assert str(caught.value) == f"{tmp_path}/no.crt: No such file or directory"


def test_anchors_without_a_certificate(tmp_path):
    (tmp_path / "empty.crt").write_text("nothing\n")
    with pytest.raises(reach.Unreadable) as caught:
        ask(443, anchors=[str(tmp_path / "empty.crt")])
    assert str(caught.value) == f"{tmp_path}/empty.crt holds no certificate in PEM form"


# -- the issuer of a certificate that nobody vouches for ----------------------------------------------------------------


def issued_by(*attributes):
    name = x509.Name([x509.NameAttribute(*attribute) for attribute in attributes])
    return issuer.issuer_of(make(name, start=workshop.TODAY, end=workshop.TODAY + 9).certificate.der)


COMMON, ORGANISATION, UNIT = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ([(COMMON, "Proxy")], "Proxy"),
        ([(COMMON, "Proxy"), (ORGANISATION, "Corp")], "Proxy (Corp)"),
        ([(ORGANISATION, "Corp")], "Corp"),
        ([(UNIT, "Gateway"), (ORGANISATION, "Corp")], "Gateway (Corp)"),
        ([(COMMON, "Прокси")], "Прокси"),
        ([(COMMON, "A\nB\x1b[31mC")], "A B [31mC"),
        ([(NameOID.COUNTRY_NAME, "RU")], ""),
    ],
)
def test_issuer(attributes, shown):
    assert issued_by(*attributes) == shown


def test_a_long_issuer_is_cut(monkeypatch):
    monkeypatch.setattr(issuer, "_LONGEST", 5)
    assert issued_by((COMMON, "A" * 20)) == "AAAAA..."


def test_no_broken_certificate_breaks_it():
    der = make(FIREWALL, start=workshop.TODAY, end=workshop.TODAY + 9).certificate.der
    results = {issuer.issuer_of(der[:length]) for length in range(len(der))}
    results |= {issuer.issuer_of(der[:place] + b"\xff" + der[place + 1 :]) for place in range(200)}
    assert all(isinstance(result, str) for result in results)
    assert issuer.issuer_of(der) == "Firewall Inspection CA (Corp Security)"
