# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""PKCS#12 (RFC 7292), which Windows calls PFX: certificates and a key in one file, with or without a passphrase."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from .certificate import Certificate, Material
from .errors import MaterialError
from .lib import pkcs12, serialization
from .parse_ber import INTEGER, OCTET_STRING, OID, SEQUENCE, Element, NotBer, encode
from .parse_cost import refuse_expensive
from .parse_key import material_of, none_fits, none_given

_SHA1 = bytes.fromhex("2b0e03021a")
_PBMAC1 = bytes.fromhex("2a864886f70d01050e")
_SALT = b"no check\0"


def pkcs12_material(der: bytes, whole: Element, origin: str, passphrases: Sequence[bytes]) -> Material:
    """What is in it: the key, its certificate, then the others in their order. Raises MaterialError, PassphraseError."""
    refuse_expensive(der, origin)
    unchecked = _without_check(whole, origin)
    # Many are protected by an empty passphrase, which counts as none; it is tried unasked.
    for passphrase in (None, b"", *passphrases) if unchecked else (None, *passphrases):
        data = der if unchecked is None else _with_check(*unchecked, passphrase)
        try:
            found = pkcs12.load_pkcs12(data, passphrase)
        except Exception:  # noqa: S112 - a wrong passphrase and broken content cannot be told apart
            continue
        return _material(found, origin, encrypted=bool(passphrase))
    raise none_fits(origin, passphrases) if passphrases else none_given(origin)


def _material(found, origin: str, encrypted: bool) -> Material:
    material = Material()
    if found.key is not None:
        material.add(material_of(found.key, f"{origin}, key", encrypted))
    certificates = [found.cert, *found.additional_certs]
    for number, holder in enumerate(filter(None, certificates), 1):
        where = f"{origin}, certificate {number}"
        material.certificates.append(
            Certificate.load(holder.certificate.public_bytes(serialization.Encoding.DER), where)
        )
    if not material.certificates and not material.keys and not material.notes:
        material.notes.append(f"{origin}: passed over, PKCS#12 without a certificate or key")
    return material


def _without_check(whole: Element, origin: str) -> tuple[bytes, bytes] | None:
    """Kind and octets of the content when the file has no check value, or one that older libraries do not know; else None."""
    try:
        version, content, *check = whole.children
        if (version.tag, content.tag) != (INTEGER, SEQUENCE):
            raise NotBer("no PFX")
        oid, octets = content.children[0].content, content.children[1].children[0].octets
        if not check:
            return oid, octets
        algorithm = check[0].children[0].children[0].children[0]
        return (oid, octets) if algorithm.tag == OID and algorithm.content == _PBMAC1 else None
    except (ValueError, IndexError, RecursionError) as error:  # NotBer is a ValueError
        raise MaterialError(
            f"{origin}: this is no PKCS#12 file that can be read.",
            "Is the file cut or damaged?",
            "Export it again from where it came.",
        ) from error


def _with_check(oid: bytes, octets: bytes, passphrase: bytes | None) -> bytes:
    """The same file with a check value (RFC 7292 4 and appendix B), which version 38 of cryptography insists on.

    It adds no security and takes none away: a file without a check has none, and a wrong passphrase shows when its parts are
    decrypted. With one iteration and 20 bytes the key derivation is one SHA-1.
    """
    secret = b""
    if passphrase is not None:
        try:
            text = passphrase.decode()
        except UnicodeDecodeError:
            text = passphrase.decode("latin-1")
        secret = text.encode("utf-16-be", "surrogatepass") + b"\0\0"
    block = hashlib.sha1(b"", usedforsecurity=False).block_size
    filled = b"".join((part * block)[: -(-len(part) // block) * block] for part in (_SALT, secret))
    key = hashlib.sha1(b"\3" * block + filled, usedforsecurity=False).digest()
    digest = hmac.digest(key, octets, "sha1")
    algorithm = encode(SEQUENCE, encode(OID, _SHA1) + encode(0x05, b""))
    check = encode(SEQUENCE, algorithm + encode(OCTET_STRING, digest))
    check = encode(SEQUENCE, check + encode(OCTET_STRING, _SALT) + encode(INTEGER, b"\1"))
    data = encode(SEQUENCE, encode(OID, oid) + encode(0xA0, encode(OCTET_STRING, octets)))
    return encode(SEQUENCE, encode(INTEGER, b"\3") + data + check)
