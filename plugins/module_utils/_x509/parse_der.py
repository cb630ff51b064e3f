# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Binary forms, told apart by their shape and not by what somebody called them."""

from __future__ import annotations

from collections.abc import Sequence

from .certificate import Certificate, Material, one_line
from .errors import MaterialError
from .lib import pkcs7, serialization
from .parse_ber import Cut, NotBer, first, kind
from .parse_key import key_material, words
from .parse_pkcs12 import pkcs12_material

# Items (certificates, keys, other blocks) in one file.
ITEMS = 2000

OTHERS = {
    "request": "a certificate request",
    "crl": "a list of revoked certificates",
    "public key": "a public key",
}


def der_material(der: bytes, origin: str, passphrases: Sequence[bytes], expected: str = "") -> Material:
    """One or several elements. expected: the kind that a PEM label promised, for bytes with no known shape.

    Raises MaterialError, PassphraseError.
    """
    material = Material()
    rest = der
    for number in range(1, ITEMS + 2):
        if number > ITEMS:
            raise too_many(origin)
        where = origin if number == 1 else f"{origin}, part {number}"
        try:
            whole = first(rest)
            what = kind(whole)
        except (NotBer, RecursionError) as error:
            what, whole = "", error
        if number > 1 and not what:
            material.notes.append(f"{origin}: {len(rest)} bytes after what was read, passed over")
            break
        if not what and isinstance(whole, Exception) and (not expected or isinstance(whole, Cut)):
            raise damaged(where, whole)
        end = len(rest) if isinstance(whole, Exception) else whole.end
        material.add(_one(what or expected, rest[:end], whole, where, passphrases))
        rest = rest[end:]
        if not rest.strip():
            break
    return material


def damaged(origin: str, error: Exception) -> MaterialError:
    """Bytes that end too early or make no sense."""
    return MaterialError(
        f"{origin} is cut or damaged ({one_line(error)}).",
        "Was the copy interrupted, or made in text mode?",
        "Copy it again from where it came, and compare the sizes.",
    )


def too_many(origin: str) -> MaterialError:
    """More than anybody needs."""
    return MaterialError(
        f"{origin} holds more than {ITEMS:,} certificates, keys and other blocks.",
        "Is it the right file?",
        "Name the files that are meant.",
    )


def _one(what: str, der: bytes, whole, origin: str, passphrases: Sequence[bytes]) -> Material:
    if what == "certificate":
        return Material([Certificate.load(der, origin)])
    if what in ("key", "encrypted key"):
        return key_material(der, origin, passphrases, what == "encrypted key")
    if what == "pkcs12":
        return pkcs12_material(der, whole, origin, passphrases)
    if what == "pkcs7":
        return _pkcs7(der, origin)
    if what in OTHERS:
        return Material(notes=[f"{origin}: passed over, {OTHERS[what]}"])
    raise MaterialError(
        f"{origin} is of no known form.",
        "Is it a certificate or a key at all?",
        "Known are PEM, DER, PKCS#7 and PKCS#12.",
    )


def _pkcs7(der: bytes, origin: str) -> Material:
    """All certificates of a PKCS#7 file (RFC 2315), in their order."""
    try:
        found = [each.public_bytes(serialization.Encoding.DER) for each in pkcs7.load_der_pkcs7_certificates(der)]
    except Exception as error:  # the library raises many kinds for bytes that anybody may have made
        raise MaterialError(
            f"{origin}: this is no PKCS#7 file with certificates that can be read ({words(error)}).",
            "Is it cut or damaged, encrypted, or a signature without certificates?",
            "Export the chain again, with all certificates.",
        ) from error
    certificates = [Certificate.load(each, f"{origin}, certificate {number}") for number, each in enumerate(found, 1)]
    notes = [] if certificates else [f"{origin}: passed over, PKCS#7 without certificates"]
    return Material(certificates, notes=notes)
