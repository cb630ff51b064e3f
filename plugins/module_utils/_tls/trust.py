# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which certificates are trusted: those that were named, or those of the system."""

from __future__ import annotations

from pathlib import Path

from .._x509.certificate import Certificate
from .._x509.errors import InputError
from .._x509.parse import read_paths
from .._x509.system_store import system_store


def anchors(paths: tuple[str, ...]) -> list[Certificate]:
    """The certificates in these files and folders, or the system's when none are named. Raises a BundleError."""
    if not paths:
        return system_store()
    for path in paths:
        if not Path(path).exists():
            raise InputError(
                f"trust_anchors: there is no {path} on the host where this module runs.",
                "Does it lie on the controller?",
                "Copy it there, or delegate the task to the controller (delegate_to: localhost).",
            )
    found = read_paths(list(paths)).certificates
    if not found:
        raise InputError(
            f"trust_anchors: there is no certificate in {', '.join(paths)}.", "Are these the files of the CA?"
        )
    return list(dict.fromkeys(found))


def pem(paths: tuple[str, ...], found: list[Certificate]) -> str | None:
    """The same for OpenSSL; None means its own store."""
    return "".join(anchor.pem.decode("ascii") for anchor in found) if paths else None
