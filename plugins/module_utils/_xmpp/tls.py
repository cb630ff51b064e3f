# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""TLS contexts, and words for what a certificate says and why it was refused."""

from __future__ import annotations

import ssl

try:
    from cryptography import x509

    HAS_CRYPTOGRAPHY = True
except ImportError:  # only the evidence becomes shorter
    HAS_CRYPTOGRAPHY = False

_ISSUER = (
    "The issuer is not in ca_path. Is this the right CA file, and does the server send its intermediate certificates?"
)
# X509_V_ERR_* of OpenSSL -> what to do about it
_HINTS = {
    9: "The certificate is not valid yet: is the clock of the server or of this controller wrong?",
    10: "Renew the certificate, install it and reload the server.",
    18: "The server presents a self-signed certificate. Install one that was signed by the CA in ca_path.",
    19: "The chain ends in a root that is not in ca_path. Is this the right CA file?",
    20: _ISSUER,
    21: _ISSUER,
    26: "The certificate is not meant for servers: its extended key usage lacks serverAuth.",
    62: "The certificate must name the domain of the addresses (the part after the @), not only the host in the SRV"
    " record. Issue one whose subjectAltName contains both.",
}


def verified(ca_path: str | None) -> ssl.SSLContext:
    """A context that trusts only ca_path, or the system's CAs without it. Passwords go through this one only."""
    return ssl.create_default_context(cafile=ca_path)


def unverified() -> ssl.SSLContext:
    """A context to look at a server that was already found wanting. Nothing secret goes through it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def hint(error: ssl.SSLError) -> str:
    """What to do about a failed handshake."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _HINTS.get(
            error.verify_code,
            "Look at the chain with: openssl s_client -starttls xmpp -xmpphost DOMAIN -connect HOST:PORT -showcerts",
        )
    return "The TLS handshake itself failed. Does the server allow TLS 1.2 or newer, and can it read its key?"


def reason(error: ssl.SSLError) -> str:
    """Why a handshake failed, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    return error.reason or str(error)


def describe(der: bytes | None) -> str:
    """Names, issuer and end of a certificate in one line; empty when it cannot be read."""
    if not der or not HAS_CRYPTOGRAPHY:
        return ""
    try:
        certificate = x509.load_der_x509_certificate(der)
        try:
            san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = ", ".join(san.get_values_for_type(x509.DNSName)) or "no DNS name"
        except x509.ExtensionNotFound:
            names = "no subjectAltName"
        return (
            f"names: {names}; issuer: {certificate.issuer.rfc4514_string()};"
            f" valid until {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        )
    except Exception:  # a peer may send anything, and the verdict does not depend on this text
        return "the certificate cannot be read"
