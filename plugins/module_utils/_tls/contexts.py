# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""TLS contexts for every question: as an ordinary client, as one that verifies, and as one that takes anything old."""

from __future__ import annotations

import contextlib
import ssl
import warnings

#: Everything that has a certificate, however weak: to look, not to talk.
_ANY_CIPHER = "ALL:!aNULL:@SECLEVEL=0"
_LEGACY_SERVER = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT; ssl has a name for it from Python 3.12 on
_VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


def ordinary(alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """What a client of today offers. Nothing is verified: nothing secret goes through it, and we judge ourselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # Python's own default, which Debian's build leaves to OpenSSL
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def old(alpn: tuple[str, ...] = (), version: str = "") -> ssl.SSLContext:
    """Takes every version that OpenSSL here can speak, or one alone, with every cipher. Raises ValueError for one that it cannot."""
    context = ordinary(alpn)
    context.options |= _LEGACY_SERVER
    with contextlib.suppress(ssl.SSLError):  # a library without security levels
        context.set_ciphers(_ANY_CIPHER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that these versions are old is what is asked
        context.minimum_version = _VERSIONS[version] if version else ssl.TLSVersion.MINIMUM_SUPPORTED
        if version:
            context.maximum_version = _VERSIONS[version]
    return context


def verifying(pem: str | None, alpn: tuple[str, ...] = (), named: bool = True) -> ssl.SSLContext:
    """As OpenSSL judges by itself, for the name that is sent; pem: the trusted certificates instead of the system's.

    Flags are set, not left to the version of Python: 3.13 switched strictness on.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = named
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
    if pem is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif pem:
        context.load_verify_locations(cadata=pem)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
