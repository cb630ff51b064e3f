# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The one place where cryptography is imported, so that everything else can be imported without it.

From version 38 (Debian 12) on: what came later is asked for here, with what the older one has instead.
"""

from __future__ import annotations

import traceback

CRYPTOGRAPHY_ERROR = None
try:
    import cryptography
    from cryptography import exceptions, x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
    from cryptography.utils import CryptographyDeprecationWarning

    VERSION = int(cryptography.__version__.split(".", maxsplit=1)[0])
except ImportError:
    CRYPTOGRAPHY_ERROR = traceback.format_exc()
    cryptography = exceptions = x509 = hashes = serialization = None
    dsa = ec = ed448 = ed25519 = padding = rsa = pkcs7 = pkcs12 = None
    CryptographyDeprecationWarning = Warning
    VERSION = 0

__all__ = [
    "CRYPTOGRAPHY_ERROR",
    "VERSION",
    "CryptographyDeprecationWarning",
    "cryptography",
    "dsa",
    "ec",
    "ed448",
    "ed25519",
    "exceptions",
    "hashes",
    "padding",
    "pkcs7",
    "pkcs12",
    "rsa",
    "serialization",
    "x509",
]
