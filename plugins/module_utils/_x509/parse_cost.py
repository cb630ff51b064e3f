# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What it would cost to open something, seen before it is opened: a file may ask for hours of computing."""

from __future__ import annotations

from .errors import MaterialError
from .parse_ber import INTEGER, OCTET_STRING, OID, SEQUENCE, Element, NotBer, walk

# Firefox writes 600,000 for each of three parts; 4,000,000 are about two seconds for each passphrase that is tried.
ITERATIONS = 4_000_000
# Bits of an RSA key. Libraries test its primes when they read it, in time that grows with the fourth power: 8 seconds for
# this. Clients (Go among them) refuse more.
RSA_BITS = 8192
# Bytes of a private key: RSA with 8,192 bits is 4,700, as PEM 6,500.
KEY_SIZE = 12 * 1024

_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_SCRYPT = bytes.fromhex("2b06010401da47040b")
# pbeWith...: PKCS#5 (1.2.840.113549.1.5.1 to 11) and PKCS#12 (1.2.840.113549.1.12.1.1 to 6); both have {salt, iterations}.
_PKCS5 = bytes.fromhex("2a864886f70d0105")
_PKCS12 = bytes.fromhex("2a864886f70d010c01")


def refuse_expensive(der: bytes, origin: str) -> None:
    """Raises MaterialError when the iterations that it asks for, or the numbers in it, are beyond reason.

    What is inside of an encrypted part is not seen: who could put it there knows the passphrase.
    """
    total = 0
    for element in walk(der):
        if element.tag == SEQUENCE:
            total += _iterations(element)
            _refuse_numbers(element, origin)
    if total > ITERATIONS:
        raise MaterialError(
            f"{origin} asks for more than {ITERATIONS:,} iterations to be opened.",
            "Is it damaged, or made to keep computers busy?",
            "Export it again, with the iterations that the tool proposes.",
        )


def _refuse_numbers(sequence: Element, origin: str) -> None:
    """A key as PKCS#1 has it is nine numbers: version, modulus, two exponents; two primes and what is made of them."""
    try:
        numbers = [len(child.content) for child in sequence.children if child.tag == INTEGER]
    except NotBer:
        return
    whole, half = RSA_BITS // 8 + 1, RSA_BITS // 16 + 1
    if any(size > whole for size in numbers) or (len(numbers) >= 9 and any(size > half for size in numbers[4:])):
        raise MaterialError(
            f"{origin}: the numbers of the key are too big, at most {RSA_BITS} bits are read.",
            "Is it an RSA key of that size, or damaged?",
            "Take one with 2048 to 4096 bits.",
        )


def _iterations(sequence: Element) -> int:
    """The iterations that this very SEQUENCE asks for, 0 when it is no such parameter."""
    try:
        children = sequence.children
        tags = [child.tag for child in children]
        if tags == [SEQUENCE, OCTET_STRING, INTEGER]:  # MacData of PKCS#12
            return max(children[2].number, 0)
        if tags[:2] != [OID, SEQUENCE]:
            return 0
        oid = children[0].content
        numbers = [max(child.number, 0) for child in children[1].children if child.tag == INTEGER]
    except NotBer:
        return 0
    if oid == _SCRYPT and len(numbers) >= 3:
        cost = 1
        for number in numbers[:3]:
            cost = min(cost * number, ITERATIONS + 1)
        return cost
    if oid == _PBKDF2 or oid[:-1] in (_PKCS5, _PKCS12):
        return numbers[0] if numbers else 0
    return 0
