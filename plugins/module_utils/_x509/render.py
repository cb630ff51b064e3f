# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""A pair and its chain as a person reads them: for diffs and results. Never a private key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .certificate import Certificate, Key
from .chain import Chain, is_self_signed
from .errors import BundleError
from .pair import Pair, Place
from .parse import read

_KINDS = {"ours": "link", "file": "file", "link": "link to elsewhere", "missing": "missing"}


def row(certificate: Certificate) -> dict[str, str]:
    """A certificate as the module returns it."""
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": serial(certificate),
        "not_before": moment(certificate.not_before),
        "not_after": moment(certificate.not_after),
        "fingerprint": certificate.fingerprint,
        "origin": certificate.origin,
    }


def serial(certificate: Certificate) -> str:
    """The serial number in hexadecimal, as openssl prints it; negative ones exist."""
    number = certificate.serial
    digits = f"{abs(number):X}"
    return ("-" if number < 0 else "") + ("0" if len(digits) % 2 else "") + digits


def moment(when) -> str:
    """A moment in UTC, ISO 8601."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def line(certificate: Certificate) -> str:
    """A certificate in one line."""
    return (
        f"{certificate.subject}, issuer {certificate.issuer}, serial {serial(certificate)}, "
        f"{moment(certificate.not_before)} to {moment(certificate.not_after)}, sha256 {certificate.fingerprint}"
    )


def key_line(key: Key) -> str:
    """A private key by its public half."""
    return f"SPKI sha256 {hashlib.sha256(key.spki).hexdigest()}"


def certificate_lines(data: bytes | None) -> list[str]:
    """What a certificate file holds."""
    if data is None:
        return []
    try:
        found = read(data, "the file").certificates
    except BundleError:
        return ["certificate: cannot be read"]
    return [f"certificate {number}: {line(one)}" for number, one in enumerate(found, start=1)]


def key_lines(data: bytes | None) -> list[str]:
    """What a key file holds."""
    if data is None:
        return []
    try:
        found = read(data, "the file").keys
    except BundleError:
        return ["private key: cannot be read"]
    return [f"private key: {key_line(one)}" for one in found] or ["private key: none in the file"]


def text(place: Place, pair: Pair) -> str:
    """Both files with their rights, for a diff."""
    lines = []
    for path, seen, content in (
        (place.certificate, pair.certificate, certificate_lines),
        (place.key, pair.key, key_lines),
    ):
        if seen.kind != "missing":
            lines.append(f"{path}: {_KINDS[seen.kind]}, {seen.rights or 'leads nowhere'}")
            lines += content(seen.data)
    return "".join(f"{one}\n" for one in lines)


def dropped(delivered: Iterable[Certificate], chain: Chain, installed: Iterable[Certificate]) -> list[dict[str, str]]:
    """Every certificate that was delivered and is not installed, with the reason."""
    installed, seen, found = list(installed), set(), []
    subjects = {one.subject for one in chain.certificates}
    for one in delivered:
        if one in seen:
            reason = "a duplicate"
        elif one in installed:
            reason = ""
        elif one in chain.certificates:
            reason = "the root, which is left out here"
        elif one.subject in subjects:
            reason = f"another certificate of {one.subject} makes the better chain"
        elif is_self_signed(one):
            reason = "a root to which the chain does not lead"
        else:
            reason = f"foreign: it is not in the chain of {chain.leaf.subject}"
        seen.add(one)
        if reason:
            found.append({**row(one), "reason": reason})
    return found
