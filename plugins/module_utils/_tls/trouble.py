# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What went wrong between here and a server, in words: what was seen, and what to do."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import ssl

from .messages import Messages

# RFC 8446 6, RFC 5246 7.2, RFC 7301 3.2
ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}
_LOG = "Look into the server's log."
_ALERT_HINTS = {
    "handshake_failure": "Client and server have no cipher or signature algorithm in common, or the server has no usable"
    " certificate and key. Look into the server's log.",
    "internal_error": "Can the server read its certificate and key, and do they belong together? Look into its log.",
    "protocol_version": "The server speaks none of the TLS versions that were offered. Enable TLS 1.2 and 1.3 on it.",
    "insufficient_security": "The server wants stronger ciphers than were offered. Look into its TLS settings.",
    "unrecognized_name": "The server knows no host of this name. Is server_name right, and does the server's"
    " configuration name it?",
    "no_application_protocol": "The server takes none of the protocols in alpn. Is this the right port, and is the"
    " service behind it configured?",
}
_CLIENT_CERTIFICATE = (
    "It wants to know who is asking, which this module never says. Ask the service that has such a certificate, or let"
    " the server take clients without one on this port."
)
# X509_V_ERR_* of OpenSSL
_VERIFY_HINTS = {
    9: "The certificate is not valid yet: is the clock of the server, of its CA or of this host wrong?",
    10: "Renew the certificate, install it and reload the server.",
    18: "The server presents a self-signed certificate. Install one that a CA signed, or add it to trust_anchors.",
    19: "The chain ends in a root that is not trusted here. Add it to trust_anchors; is it the right one?",
    20: "Does the server send its intermediate certificates, and is the root among trust_anchors?",
    21: "Does the server send its intermediate certificates, and is the root among trust_anchors?",
    26: "The certificate is not meant for servers: its extended key usage lacks serverAuth.",
    62: "Issue a certificate whose subjectAltName holds this name, or ask for the name that it holds.",
    64: "Issue a certificate whose subjectAltName holds this address, or ask for the server by its name.",
}


_PLACE = re.compile(r"^\[SSL[^\]]*\] | \(_ssl\.c:\d+\)$")  # where in Python's source: of no use to anybody here


class Trouble(Exception):
    """Why a visit ended early.

    stage: how far it came: dns, tcp, starttls or tls.
    kind: dns, refused, silent, unreachable, no_route, closed, plain, alert, client_certificate, local, verify or other.
    seen: what the server said in its handshake until then.
    """

    def __init__(self, stage: str, kind: str, what: str, hint: str, seen: Messages | None = None) -> None:
        super().__init__(what)
        self.stage = stage
        self.kind = kind
        self.what = what
        self.hint = hint
        self.seen = seen or Messages()


def of_name(error: Exception, host: str) -> Trouble:
    """Why a name has no address."""
    if isinstance(error, TimeoutError) or getattr(error, "errno", None) == socket.EAI_AGAIN:
        what, hint = f"the resolver gives no answer about {host}", "Is a DNS server reachable? See /etc/resolv.conf."
    elif isinstance(error, UnicodeError):
        what, hint = f"{host!r} is no host name", "Give the full DNS name."
    else:
        what = f"{host} does not resolve"
        hint = f"Is the name spelt right, and does this host ask the right DNS server? Try: dig {host}"
    return Trouble("dns", "dns", what, hint)


def of_socket(error: OSError, port: int, timeout: float) -> Trouble:
    """Refused, silent and unreachable are three different mistakes."""
    if isinstance(error, ConnectionRefusedError):
        return Trouble(
            "tcp",
            "refused",
            "connection refused",
            f"The host is up, but nothing listens on port {port}. Does the service run, and is the port right?",
        )
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Trouble(
            "tcp",
            "silent",
            f"no connection within {timeout:g} s",
            f"Is the host down, or does a firewall drop packets to port {port}?",
        )
    text = error.strerror or str(error)
    if error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return Trouble("tcp", "no_route", f"{text} (no route from here)", "Ask from a host that has this network.")
    if error.errno in (errno.EHOSTUNREACH, errno.EHOSTDOWN):
        return Trouble(
            "tcp", "unreachable", text, "Is the host switched on, and is there a route to its network from here?"
        )
    return Trouble("tcp", "other", text, "Look at the network between here and the server.")


def silent(stage: str, timeout: float, protocol: str, seen: Messages | None = None) -> Trouble:
    """The server took the connection and then said nothing (more)."""
    if stage == "starttls":
        return Trouble(
            stage,
            "silent",
            f"the server took the connection and did not speak {protocol} within {timeout:g} s",
            "Is this the right port for the protocol? A port that begins with TLS waits for the client: protocol: tls.",
        )
    if seen and seen.size:
        what = f"the server stopped in the middle of the TLS handshake, silent for {timeout:g} s"
        return Trouble(stage, "silent", what, "Does a firewall drop large packets (MTU)? " + _LOG, seen)
    return Trouble(
        stage,
        "silent",
        f"the server took the connection and did not answer in TLS within {timeout:g} s",
        "Does this port begin with TLS? If not, choose the protocol of its STARTTLS. Else the server hangs.",
        seen,
    )


def closed(seen: Messages, protocol: str) -> Trouble:
    """The server ended the connection instead of ending the handshake."""
    if seen.request and not seen.finished:
        return no_client_certificate(seen)
    if seen.size:
        return Trouble(
            "tls", "closed", "the server closed the connection in the middle of the TLS handshake", _LOG, seen
        )
    hint = "A server without a usable certificate and key does this, and so does one that refuses this address."
    if protocol == "tls":
        hint += " Does the port begin with TLS? If not, choose the protocol of its STARTTLS."
    return Trouble("tls", "closed", "the server closed the connection at the first word of TLS", f"{hint} {_LOG}", seen)


def no_client_certificate(seen: Messages) -> Trouble:
    """It asked who we are, and went away."""
    what = "the server asked for a client certificate and closed the connection when it got none"
    return Trouble("tls", "client_certificate", what, _CLIENT_CERTIFICATE, seen)


def of_tls(error: ssl.SSLError, seen: Messages, sent: bool) -> Trouble:
    """Why a handshake failed. sent: whether anything had gone to the server before."""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _VERIFY_HINTS.get(error.verify_code, "Look at the chain with: openssl s_client -showcerts")
        return Trouble("tls", "verify", str(error.verify_message).rstrip("."), hint, seen)
    reason = error.reason or _PLACE.sub("", " ".join(str(error).split()))[:200] or "unknown reason"
    if not sent:
        what = f"OpenSSL on this host cannot ask this ({reason})"
        return Trouble("tls", "local", what, "Its policy or its build leaves this version out.", seen)
    if seen.alert is not None:
        return of_alert(seen)
    if seen.plain:
        return Trouble(
            "tls",
            "plain",
            f"the server does not speak TLS here, it answers {shown(seen.head)}",
            "Is it another service's port, or one whose TLS begins with STARTTLS (protocol)?",
            seen,
        )
    if seen.certificates and not seen.finished and ("ASN1" in reason or error.library in ("ASN1", "X509", "RSA", "EC")):
        what = f"OpenSSL cannot read the certificate that the server sent ({reason})"
        return Trouble("tls", "certificate", what, "Install a certificate that was made by a CA's tools.", seen)
    return Trouble("tls", "other", f"the TLS handshake failed: {reason}", _LOG, seen)


def of_alert(seen: Messages) -> Trouble:
    """The server ended the handshake, and said why."""
    name = ALERTS.get(seen.alert, f"number {seen.alert}")
    if name == "certificate_required" or (seen.request and name in ("handshake_failure", "bad_certificate")):
        what = f"the server demands a client certificate (alert {name})"
        return Trouble("tls", "client_certificate", what, _CLIENT_CERTIFICATE, seen)
    return Trouble(
        "tls", "alert", f"the server ended the TLS handshake with the alert {name}", _ALERT_HINTS.get(name, _LOG), seen
    )


def shown(data: bytes, most: int = 60) -> str:
    """The first line of what a server sent, safe to print; bytes as hexadecimal when it is no text."""
    line = data.lstrip(b"\r\n").splitlines()[0] if data.strip() else data
    text = line[:most].decode("ascii", "replace")
    if not text.isprintable() or "\ufffd" in text:
        return f"bytes {data[:16].hex(' ')}"
    return f'"{text}"'


def unexpected(error: Exception) -> Trouble:
    """What should never be seen."""
    what = f"the server cannot be looked at ({type(error).__name__}: {' '.join(str(error).split())[:160]})"
    return Trouble("tls", "other", what, "Look at it with: openssl s_client -showcerts. Please report it.")


def is_address(text: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
