# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The parameters of RSA-PSS (RFC 4055 3.1), read from the certificate itself: cryptography tells them from version 41 on."""

from __future__ import annotations

import dataclasses

from .lib import exceptions, hashes, padding
from .parse_ber import OID, SEQUENCE, Element, NotBer, first

_MGF1 = bytes.fromhex("2a864886f70d010108")
_NIST = bytes.fromhex("6086480165030402")
_NAMES = {
    bytes.fromhex("2b0e03021a"): "SHA1",
    bytes.fromhex("2a864886f70d0205"): "MD5",
    _NIST + b"\x01": "SHA256",
    _NIST + b"\x02": "SHA384",
    _NIST + b"\x03": "SHA512",
    _NIST + b"\x04": "SHA224",
    _NIST + b"\x05": "SHA512_224",
    _NIST + b"\x06": "SHA512_256",
    _NIST + b"\x07": "SHA3_224",
    _NIST + b"\x08": "SHA3_256",
    _NIST + b"\x09": "SHA3_384",
    _NIST + b"\x0a": "SHA3_512",
}


@dataclasses.dataclass(frozen=True)
class Parameters:
    """hash: of what is signed. padding: with the hash of MGF1 and the length of the salt; both in the library's classes."""

    hash: object
    padding: object


def parameters(der: bytes) -> Parameters:
    """Those of a certificate, DER. Raises UnsupportedAlgorithm when they cannot be read or are of no kind that is in use."""
    try:
        _signed, algorithm, _signature = first(der).children
        given = algorithm.children[1:]
        fields = {} if not given else _fields(given[0])
        hash_ = _hash(fields.get(0))
        mask = _mask(fields.get(1))
        salt = fields[2].number if 2 in fields else 20
        trailer = fields[3].number if 3 in fields else 1
    except (NotBer, ValueError, IndexError) as error:
        raise exceptions.UnsupportedAlgorithm("its parameters cannot be read") from error
    if salt < 0 or trailer != 1:
        raise exceptions.UnsupportedAlgorithm("its parameters make no sense")
    return Parameters(hash_, padding.PSS(padding.MGF1(mask), salt))


def _fields(sequence: Element) -> dict[int, Element]:
    """What is in [0] to [3]."""
    if sequence.tag != SEQUENCE:
        raise NotBer("no parameters")
    found = {}
    for child in sequence.children:
        if not 0xA0 <= child.tag <= 0xA3 or child.tag - 0xA0 in found:
            raise NotBer("no parameter")
        (found[child.tag - 0xA0],) = child.children
    return found


def _hash(algorithm: Element | None):
    """SHA-1 when nothing is said."""
    if algorithm is None:
        return hashes.SHA1()
    name = _NAMES.get(_oid(algorithm), "")
    if not name:
        raise exceptions.UnsupportedAlgorithm("its hash is unknown")
    return getattr(hashes, name)()


def _mask(algorithm: Element | None):
    """The hash of MGF1."""
    if algorithm is None:
        return hashes.SHA1()
    if _oid(algorithm) != _MGF1:
        raise exceptions.UnsupportedAlgorithm("its mask is not made with MGF1")
    return _hash(algorithm.children[1])


def _oid(algorithm: Element) -> bytes:
    name = algorithm.children[0]
    if name.tag != OID:
        raise NotBer("no algorithm")
    return name.content
