# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The stages below LDAP: does the name resolve, does the port answer, is the certificate trusted and for this name.

Standard library only. Every function returns what it saw and raises nothing but what it documents.
"""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import socket
import ssl

from ansible_collections.onprem.chat.plugins.module_utils._tls.view import CertificateView, read_certificate

# LDAPMessage 1, ExtendedRequest 1.3.6.1.4.1.1466.20037 (RFC 4511 4.14)
STARTTLS_REQUEST = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"

# X509_V_ERR_* of OpenSSL
EXPIRED = 10
NOT_YET_VALID = 9
UNTRUSTED = (2, 18, 19, 20, 21)
WRONG_NAME = (62, 64)


class ProbeError(Exception):
    """evidence and hint of a stage that did not pass."""

    def __init__(self, evidence: str, hint: str) -> None:
        super().__init__(evidence)
        self.evidence = evidence
        self.hint = hint


@dataclasses.dataclass(frozen=True)
class TlsView:
    """A handshake that was verified."""

    version: str
    certificate: CertificateView


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, each once, in the resolver's order; raises ProbeError."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise ProbeError(f"{host!r} is no host name", "Give the domain controller's full DNS name.") from error
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise ProbeError(
                f"no answer from the resolver for {host}",
                "Is a DNS server reachable from the controller? See /etc/resolv.conf; it should ask the DNS of the "
                "Active Directory domain.",
            ) from error
        raise ProbeError(
            f"{host} does not resolve",
            "Is the name spelt right, and does the controller ask the DNS servers of the Active Directory domain? "
            f"Try: dig {host}",
        ) from error
    return list(dict.fromkeys(answer[4][0] for answer in answers))


def explain_socket(error: OSError, address: str, port: int, timeout: float) -> ProbeError:
    """Refused, silent and unreachable are three different mistakes."""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return ProbeError(
            f"{where}: connection refused",
            f"The host is up, but nothing listens on port {port}. Does this domain controller have a certificate for "
            "LDAPS, and is the port right?",
        )
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return ProbeError(
            f"{where}: no answer within {timeout:g} s",
            f"Is the domain controller down, or does a firewall drop packets to port {port}?",
        )
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN):
        return ProbeError(
            f"{where}: unreachable ({error.strerror})",
            "Is the domain controller switched on, and is there a route to its network from the controller?",
        )
    return ProbeError(f"{where}: {error.strerror or error}", "Look at the network between controller and server.")


def connect(address: str, port: int, timeout: float) -> socket.socket:
    """An open TCP connection; raises ProbeError."""
    try:
        return socket.create_connection((address, port), timeout=timeout)
    except OSError as error:
        raise explain_socket(error, address, port, timeout) from error


def start_tls(connection: socket.socket) -> None:
    """Asks for TLS on an LDAP connection; raises ProbeError when the server refuses."""
    connection.sendall(STARTTLS_REQUEST)
    answer = b""
    while len(answer) < 2 or len(answer) < _ber_size(answer):
        piece = connection.recv(4096)
        if not piece:
            raise ProbeError(
                "the server closed the connection at the StartTLS request",
                "Does an LDAP server listen here? For port 636 use encryption ldaps.",
            )
        answer += piece
    code = starttls_result(answer)
    if code is None:
        raise ProbeError("the answer to StartTLS is not LDAP", "Does an LDAP server listen on this port?")
    if code != 0:
        raise ProbeError(
            f"the server refuses StartTLS (LDAP result {code})",
            "Does this domain controller have a certificate? Use encryption ldaps where only that is offered.",
        )


def _ber_size(data: bytes) -> int:
    """Whole size of the BER element that begins here, as far as it can be told."""
    length = data[1]
    if length < 0x80:
        return 2 + length
    octets = length & 0x7F
    if octets == 0 or octets > 4:
        return 2
    if len(data) < 2 + octets:
        return 2 + octets
    return 2 + octets + int.from_bytes(data[2 : 2 + octets], "big")


def starttls_result(answer: bytes) -> int | None:
    """The result code in an ExtendedResponse, or None when it is none."""
    if not answer or answer[0] != 0x30:
        return None
    marker = answer.find(b"\x78", 2)
    if marker < 0:
        return None
    enumerated = answer.find(b"\x0a\x01", marker, marker + 9)
    if enumerated < 0 or len(answer) <= enumerated + 2:
        return None
    return answer[enumerated + 2]


def verified_tls(host: str, address: str, port: int, encryption: str, ca_path: str | None, timeout: float) -> TlsView:
    """A verified handshake with one address in the server's name; raises ProbeError with the cause."""
    try:
        context = ssl.create_default_context(cafile=ca_path)
    except (OSError, ssl.SSLError) as error:
        raise ProbeError(
            f"CA file {ca_path} cannot be used: {getattr(error, 'strerror', None) or error}",
            "Give ca_path the PEM file on the controller that holds the CA which signed the server's certificate.",
        ) from error
    try:
        with connect(address, port, timeout) as plain:
            if encryption == "starttls":
                start_tls(plain)
            with context.wrap_socket(plain, server_hostname=host) as secure:
                return TlsView(secure.version() or "TLS", read_certificate(secure.getpeercert(binary_form=True) or b""))
    except ssl.SSLCertVerificationError as error:
        view = _unverified(address, port, encryption, timeout)
        raise explain_verification(error.verify_code, error.verify_message, host, ca_path, view) from error
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        hint = "Does this port speak TLS? Port 389 needs encryption starttls, port 636 needs ldaps."
        if "PROTOCOL" in reason or "VERSION" in reason:
            hint = "The server offers only old TLS. Enable TLS 1.2 or newer on the domain controller."
        raise ProbeError(f"TLS handshake failed: {reason}", hint) from error
    except OSError as error:
        if isinstance(error, (socket.timeout, TimeoutError)):
            raise ProbeError(
                f"no TLS answer within {timeout:g} s",
                "Does this port speak TLS? Port 389 needs encryption starttls, port 636 needs ldaps.",
            ) from error
        raise ProbeError(
            f"the server closed the connection during the TLS handshake ({error.strerror or error})",
            "A domain controller without a usable certificate does this: look for event 36869/36870 or Samba's log.",
        ) from error


def _unverified(address: str, port: int, encryption: str, timeout: float) -> CertificateView | None:
    """Shows the certificate that was refused. No credentials ever travel on this connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with connect(address, port, timeout) as plain:
            if encryption == "starttls":
                start_tls(plain)
            with context.wrap_socket(plain) as secure:
                return read_certificate(secure.getpeercert(binary_form=True) or b"")
    except (OSError, ProbeError):
        return None


def explain_verification(
    code: int, message: str, host: str, ca_path: str | None, view: CertificateView | None
) -> ProbeError:
    """OpenSSL's verdict in words that tell whom to ask."""
    shown = f" ({view.summary()})" if view else ""
    if code == EXPIRED:
        return ProbeError(
            f"certificate has expired{shown}",
            "Renew the domain controller's certificate. Is the controller's clock right?",
        )
    if code == NOT_YET_VALID:
        return ProbeError(f"certificate is not yet valid{shown}", "Is the clock right, here and on the server?")
    if code in WRONG_NAME:
        names = f"; it is for {', '.join(view.names)}" if view and view.names else ""
        hint = f"Use a name that is in the certificate, or issue a certificate that holds {host}."
        if is_address(host):
            hint = "Give the server by its DNS name instead of its address."
        return ProbeError(f"certificate is not for {host}{names}{shown}", hint)
    if code in UNTRUSTED:
        return ProbeError(
            f"certificate is not signed by a trusted CA: {message}{shown}",
            f"Put the certificate of the CA that issued it into {ca_path or 'ca_path'} (PEM, with intermediates).",
        )
    return ProbeError(f"certificate was refused: {message}{shown}", "Look at the certificate with openssl s_client.")
