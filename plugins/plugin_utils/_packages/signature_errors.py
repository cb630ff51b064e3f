# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Why a signature does not hold: each reason with a text of its own.

What osslsigncode says is in English whatever the locale, and only chooses between these texts.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from .errors import PackageError

try:
    from cryptography import x509
except ImportError:
    # signature.py says so before anything here is used.
    x509 = None

TIMESTAMP = re.compile(r"^\s*(?:Timestamp time|The signature is timestamped): (.+?)\s*$", re.MULTILINE)
_REASON = re.compile(r"(?:^\s*Error|Verify error): (.+?)\s*$", re.MULTILINE)


class Unsigned(PackageError):
    """There is no signature."""


class Altered(PackageError):
    """The file is not what was signed."""


class Expired(PackageError):
    """The certificate is not valid at the time that counts."""


class NotTrusted(PackageError):
    """None of the given authorities vouches for the signer."""


class WrongSigner(PackageError):
    """Signed well, but by somebody else."""


class NotVerified(PackageError):
    """The signature could not be verified, for a reason that is none of the others."""


def altered(how: str, where: str) -> Altered:
    return Altered(
        f"The package is not what was signed: {how}",
        where,
        "It was changed or damaged after it was signed",
        "Fetch it from the vendor again, and do not use this one",
    )


def failure(code: int, said: str, leaf: t.Any, where: str) -> PackageError:
    by = f"signed by {name_of(leaf)!r}"
    if not code:
        return NotVerified(
            f"The package has several signatures, the first {by}, and one of them does not hold",
            where,
            "The osslsigncode of this controller is too old to check the first alone, as Windows does",
            "Install osslsigncode 2.6 or newer",
        )
    # The last is about the signature; one before it is about the timestamp.
    reason = next(reversed(_REASON.findall(said)), "")
    if "expired" in reason or "not yet valid" in reason:
        when = iso(leaf.not_valid_after_utc) if "expired" in reason else iso(leaf.not_valid_before_utc)
        word = "expired" if "expired" in reason else "is not valid before"
        stamped = TIMESTAMP.search(said)
        return Expired(
            f"The certificate of the signature, {by}, {word} {when}"
            + (", and nobody who is trusted vouches for its timestamp" if stamped else ", and it has no timestamp"),
            where,
            "The timestamp's authority is not among the trusted ones"
            if stamped
            else "An authority in its chain ended, or the controller's clock is wrong, or it was signed without a timestamp",
            "Add the timestamp's authority to the trusted ones"
            if stamped
            else "Ask the vendor for a package signed anew",
        )
    if "revoked" in reason:
        return NotTrusted(
            f"The certificate of the signature, {by}, was revoked",
            where,
            "Its key was stolen, or its owner is gone",
            "Do not use this package; ask its vendor",
        )
    if "issuer" in reason or "self" in reason:
        return NotTrusted(
            f"Nobody who is trusted vouches for the signature, {by}, issuer {leaf.issuer.rfc4514_string()!r}: {reason}",
            where,
            "The authority is not among the trusted ones; the system's own list is meant for web servers",
            "Compare the thumbprint with the vendor's, then name a PEM file with the authority",
        )
    if not _may_sign(leaf):
        return NotTrusted(
            f"The certificate of the signature, {by}, is not meant for signing software",
            where,
            "It is one for a server, a person or a timestamp",
            "Do not use this package; ask its vendor",
        )
    return NotVerified(
        f"The signature, {by}, does not hold: {reason or words(said, -1)}",
        where,
        "It is damaged, or of a kind that cannot be checked here",
        "Fetch the file from the vendor again, or check it on Windows",
    )


def _may_sign(leaf: t.Any) -> bool:
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return True
    return x509.oid.ExtendedKeyUsageOID.CODE_SIGNING in usage


def name_of(leaf: t.Any) -> str:
    names = attributes(leaf, x509.oid.NameOID.COMMON_NAME)
    return names[0] if names else leaf.subject.rfc4514_string()


def attributes(leaf: t.Any, oid: t.Any) -> list[str]:
    return [str(attribute.value) for attribute in leaf.subject.get_attributes_for_oid(oid)]


def iso(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def words(said: str, which: int) -> str:
    """A line of what osslsigncode said, without those that stand in every answer: 0 the first, -1 the last."""
    noise = (
        "Failed",
        "Succeeded",
        "PE checksum",
        "Current PE checksum",
        "Calculated PE checksum",
        "Warning",
        "Number of",
    )
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.strip().startswith(noise)]
    return lines[which][:300] if lines else "it said nothing"
