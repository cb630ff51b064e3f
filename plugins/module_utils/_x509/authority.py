# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What verifiers refuse in a certificate wherever it stands: the search for a chain avoids it, the judgement tells it."""

from __future__ import annotations

import collections.abc

from .certificate import Certificate
from .lib import dsa, ec, rsa, x509

NETSCAPE = "2.16.840.1.113730.1.1"  # Netscape certificate type
MIN_RSA = 2048
MIN_EC = 256
PURPOSES = {"server": "1.3.6.1.5.5.7.3.1", "client": "1.3.6.1.5.5.7.3.2"}

# Critical extensions with which OpenSSL accepts a certificate for a TLS server. Of those that its X509_supported_extension
# names, RFC 3779's are left out (the resources would have to be nested up to the root), and so are proxy certificates,
# which it refuses unless an application allows them.
HANDLED = frozenset(
    {
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.30",  # name constraints
        "2.5.29.31",  # CRL distribution points
        "2.5.29.32",  # certificate policies
        "2.5.29.33",  # policy mappings
        "2.5.29.36",  # policy constraints
        "2.5.29.37",  # extended key usage
        "2.5.29.54",  # inhibit anyPolicy
        "1.3.6.1.5.5.7.48.1.5",  # OCSP no check
        NETSCAPE,  # see below
    }
)


def unhandled(certificate: Certificate) -> list[str]:
    """Critical extensions that a verifier must refuse, since it does not know them: their object identifiers."""
    return [
        extension.oid.dotted_string
        for extension in certificate.parsed.extensions
        if extension.critical and extension.oid.dotted_string not in HANDLED
    ]


def excluded(certificate: Certificate, purposes: collections.abc.Iterable[str]) -> list[str]:
    """Which of these purposes (server, client) its extended key usage leaves out. anyExtendedKeyUsage stands for none, as
    with OpenSSL."""
    extension = certificate.extension(x509.ExtendedKeyUsage)
    if extension is None:
        return []
    found = {oid.dotted_string for oid in extension.value}
    return [purpose for purpose in purposes if PURPOSES[purpose] not in found]


def excluded_by_netscape(certificate: Certificate, purposes: collections.abc.Iterable[str]) -> list[str]:
    """The same for an old extension of a leaf that OpenSSL still heeds, critical or not."""
    for extension in certificate.parsed.extensions:
        if extension.oid.dotted_string == NETSCAPE:
            bits = getattr(extension.value, "value", b"")[3:4] or b"\0"  # a BIT STRING in DER
            return [purpose for purpose in purposes if not bits[0] & {"client": 0x80, "server": 0x40}[purpose]]
    return []


def is_weak(certificate: Certificate) -> bool:
    """Whether its key is of a size or kind that fails in any bundle."""
    public = certificate.public
    if isinstance(public, rsa.RSAPublicKey):
        return public.key_size < MIN_RSA
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.curve.key_size < MIN_EC
    return isinstance(public, dsa.DSAPublicKey)
