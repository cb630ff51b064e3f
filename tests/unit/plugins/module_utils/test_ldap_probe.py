# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network stages against real sockets on the loopback."""

from __future__ import annotations

import datetime
import errno
import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.onprem.chat.plugins.module_utils._ldap import probe
from ansible_collections.onprem.chat.plugins.module_utils._tls import view as certificate

NOW = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)  # noqa: UP017
DAY = datetime.timedelta(days=1)


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    def __init__(self, title):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(title)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 400 * DAY)
            .not_valid_after(NOW + 400 * DAY)
            .add_extension(x509.BasicConstraints(True, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, True, True, False, False),
                critical=True,
            )
            .sign(self.key, hashes.SHA256())
        )

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, names=("localhost",), start=-DAY, end=60 * DAY):
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = [
            x509.IPAddress(ipaddress.ip_address(item)) if item[0].isdigit() else x509.DNSName(item) for item in names
        ]
        leaf = (
            x509.CertificateBuilder()
            .subject_name(name(names[0]))
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + start)
            .not_valid_after(NOW + end)
            .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return leaf, key


class Listener:
    """Serves TLS on the loopback, after a StartTLS answer if wanted."""

    def __init__(self, folder, leaf=None, key=None, starttls=None):
        self.starttls = starttls
        self.context = None
        if leaf is not None:
            path = folder / "server.pem"
            path.write_bytes(
                leaf.public_bytes(serialization.Encoding.PEM)
                + key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(path)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                client, _peer = self.socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                try:
                    if self.starttls is not None:
                        self.received.append(client.recv(100))
                        client.sendall(self.starttls)
                    if self.context is not None:
                        with self.context.wrap_socket(client, server_side=True) as secure:
                            secure.recv(1)
                except OSError:
                    pass

    def close(self):
        self.socket.close()


STARTTLS_OK = bytes.fromhex("300c02010178070a010004000400")
STARTTLS_REFUSED = bytes.fromhex("300c02010178070a013404000400")


@pytest.fixture(scope="module")
def authority():
    return Authority("Company CA")


@pytest.fixture()
def ca_path(authority, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.pem())
    return str(path)


@pytest.fixture()
def listen(tmp_path):
    started = []

    def start(*arguments, **options):
        listener = Listener(tmp_path, *arguments, **options)
        started.append(listener)
        return listener

    yield start
    for listener in started:
        listener.close()


def handshake(listener, ca_path, host="localhost", encryption="ldaps", timeout=5):
    return probe.verified_tls(host, "127.0.0.1", listener.port, encryption, ca_path, timeout)


def refusal(listener, ca_path, **options):
    with pytest.raises(probe.ProbeError) as caught:
        handshake(listener, ca_path, **options)
    return caught.value


def test_verified(authority, ca_path, listen):
    view = handshake(listen(*authority.issue()), ca_path)
    assert view.version.startswith("TLSv1.")
    assert view.certificate.names == ("localhost",)
    assert "CN=localhost, issued by CN=Company CA, valid until " in view.certificate.summary()


def test_untrusted(ca_path, listen):
    error = refusal(listen(*Authority("Other CA").issue()), ca_path)
    assert error.evidence.startswith(
        "certificate is not signed by a trusted CA: unable to get local issuer certificate"
    )
    assert "issued by CN=Other CA" in error.evidence
    assert error.hint.startswith("Put the certificate of the CA that issued it into ")


def test_wrong_name(authority, ca_path, listen):
    error = refusal(listen(*authority.issue(["dc1.corp.test", "corp.test"])), ca_path)
    assert error.evidence.startswith("certificate is not for localhost; it is for dc1.corp.test, corp.test")
    assert error.hint == "Use a name that is in the certificate, or issue a certificate that holds localhost."


def test_wrong_address(authority, ca_path, listen):
    error = refusal(listen(*authority.issue()), ca_path, host="127.0.0.1")
    assert error.evidence.startswith("certificate is not for 127.0.0.1")
    assert error.hint == "Give the server by its DNS name instead of its address."


def test_expired(authority, ca_path, listen):
    error = refusal(listen(*authority.issue(start=-30 * DAY, end=-DAY)), ca_path)
    assert error.evidence.startswith("certificate has expired (certificate of CN=localhost")
    assert "expired on " in error.evidence
    assert error.hint.startswith("Renew the domain controller's certificate.")


def test_not_yet_valid(authority, ca_path, listen):
    error = refusal(listen(*authority.issue(start=DAY)), ca_path)
    assert error.evidence.startswith("certificate is not yet valid")


def test_missing_ca_file(authority, listen, tmp_path):
    error = refusal(listen(*authority.issue()), str(tmp_path / "none.pem"))
    assert error.evidence.endswith("none.pem cannot be used: No such file or directory")


def test_no_tls_here(ca_path, listen):
    error = refusal(listen(), ca_path)
    assert "closed the connection during the TLS handshake" in error.evidence or "handshake failed" in error.evidence


def test_starttls(authority, ca_path, listen):
    listener = listen(*authority.issue(), starttls=STARTTLS_OK)
    assert handshake(listener, ca_path, encryption="starttls").certificate.names == ("localhost",)
    assert listener.received[0] == probe.STARTTLS_REQUEST


def test_starttls_refused(ca_path, listen):
    error = refusal(listen(starttls=STARTTLS_REFUSED), ca_path, encryption="starttls")
    assert error.evidence == "the server refuses StartTLS (LDAP result 52)"


def test_starttls_is_not_ldap(ca_path, listen):
    error = refusal(listen(starttls=b"220 mail.corp.test ESMTP\r\n" + b" " * 60), ca_path, encryption="starttls")
    assert error.evidence == "the answer to StartTLS is not LDAP"


def test_starttls_closed(ca_path, listen):
    error = refusal(listen(starttls=b""), ca_path, encryption="starttls")
    assert error.evidence == "the server closed the connection at the StartTLS request"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (STARTTLS_OK, 0),
        (STARTTLS_REFUSED, 52),
        (bytes.fromhex("3084000000100201017884000000070a010004000400"), 0),  # long form, as Active Directory writes it
        (b"", None),
        (b"\x30\x03abc", None),
        (b"\x30\x04\x02\x01\x01\x78", None),
    ],
)
def test_starttls_result(answer, code):
    assert probe.starttls_result(answer) == code


def test_connection_refused():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(probe.ProbeError) as caught:
        probe.connect("127.0.0.1", port, 2)
    assert caught.value.evidence == f"127.0.0.1:{port}: connection refused"
    assert "nothing listens" in caught.value.hint


@pytest.mark.parametrize(
    ("error", "evidence", "hint"),
    [
        (TimeoutError(), "192.0.2.1:636: no answer within 5 s", "firewall"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "192.0.2.1:636: unreachable (No route to host)", "route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "192.0.2.1:636: unreachable (Network is", "route"),
        (OSError(errno.EPERM, "Operation not permitted"), "192.0.2.1:636: Operation not permitted", "network"),
    ],
)
def test_socket_errors_are_told_apart(error, evidence, hint):
    explained = probe.explain_socket(error, "192.0.2.1", 636, 5)
    assert explained.evidence.startswith(evidence)
    assert hint in explained.hint


def test_ipv6_is_written_in_brackets():
    assert probe.explain_socket(ConnectionRefusedError(), "fd00::1", 389, 5).evidence == (
        "[fd00::1]:389: connection refused"
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(socket.EAI_NONAME, "dc9.corp.test does not resolve"), (socket.EAI_AGAIN, "no answer from the resolver for dc9")],
)
def test_resolve_errors(monkeypatch, number, text):
    def fail(*_arguments, **_options):
        raise socket.gaierror(number, "x")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(probe.ProbeError) as caught:
        probe.resolve("dc9.corp.test", 636)
    assert caught.value.evidence.startswith(text)


def test_resolve_gives_each_address_once(monkeypatch):
    answer = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 636))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_o: [answer, answer])
    assert probe.resolve("dc1", 636) == ["10.0.0.1"]


def test_no_host_name():
    with pytest.raises(probe.ProbeError) as caught:
        probe.resolve("a" * 70 + ".test", 636)
    assert "a.test" in caught.value.evidence


# -- certificates that cannot be read -------------------------------------------------------------------------------


def der(authority):
    return authority.issue()[0].public_bytes(serialization.Encoding.DER)


def test_openssl_is_asked_when_cryptography_gives_up(authority, monkeypatch):
    def refuse(_der, _sha256):
        raise ValueError("serial number is not positive")

    monkeypatch.setattr(certificate, "_with_cryptography", refuse)
    view = certificate.read_certificate(der(authority))
    assert view.reader == "openssl"
    assert view.subject == "CN=localhost"
    assert view.not_after is not None


def test_garbage_gives_its_hash():
    view = certificate.read_certificate(b"no certificate")
    assert view.reader == "raw"
    assert view.summary().startswith("certificate cannot be parsed, SHA-256 ")


def test_expiry_words():
    assert certificate.expiry(0, 86400) == "expired on 1970-01-01"
    assert certificate.expiry(10 * 86400, 0) == "valid until 1970-01-11 (10 days)"
