# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""The roots that this host trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

from .certificate import Certificate
from .errors import MaterialError

# Debian and what comes from it, Red Hat, SUSE, Alpine.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def system_store() -> list[Certificate]:
    """All roots of the system's store. What cannot be read in it is left out: nobody trusts it. Empty without a store."""
    for name in (*_BUNDLES, ssl.get_default_verify_paths().cafile):
        if name and Path(name).is_file():
            return roots_in(Path(name))
    return []


def roots_in(path: Path) -> list[Certificate]:
    """The readable certificates of one PEM file."""
    found = []
    for number, block in enumerate(path.read_text(errors="replace").split("-----BEGIN CERTIFICATE-----")[1:], start=1):
        try:
            der = ssl.PEM_cert_to_DER_cert(
                "-----BEGIN CERTIFICATE-----"
                + block.partition("-----END CERTIFICATE-----")[0]
                + "-----END CERTIFICATE-----"
            )
            found.append(Certificate.load(der, f"{path}, block {number}"))
        except (ValueError, MaterialError):
            continue
    return found
