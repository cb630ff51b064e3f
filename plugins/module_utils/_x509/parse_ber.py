# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The shape of DER and BER (X.690), as far as it takes to tell one form from another and to see what opening it costs.

The values are read by cryptography. This only walks: it raises NotBer and nothing else, whatever the bytes are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

INTEGER, BIT_STRING, OCTET_STRING, OID, UTC_TIME, GENERALIZED_TIME, SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x17, 0x18, 0x30
CONSTRUCTED = 0x20
# No certificate, key or PKCS#12 file nests deeper; with indefinite lengths each level is walked again.
DEPTH = 24
ELEMENTS = 50_000


class NotBer(ValueError):
    """The bytes are no BER."""


class Cut(NotBer):
    """They say that there is more than there is."""


@dataclasses.dataclass(frozen=True)
class Element:
    """One element: its first byte, what is in it, and where it ends in the bytes that it was read from."""

    tag: int
    content: bytes
    end: int

    @property
    def children(self) -> list[Element]:
        """The elements in it."""
        return elements(self.content)

    @property
    def tags(self) -> list[int]:
        """The first bytes of the elements in it; none when it is not made of elements."""
        try:
            return [child.tag for child in self.children] if self.tag & CONSTRUCTED else []
        except NotBer:
            return []

    @property
    def octets(self) -> bytes:
        """What an OCTET STRING holds; old tools write it in pieces."""
        if not self.tag & CONSTRUCTED:
            return self.content
        return b"".join(child.octets for child in self.children)

    @property
    def number(self) -> int:
        """The value of an INTEGER."""
        return int.from_bytes(self.content, "big", signed=True)


def first(data: bytes, start: int = 0, depth: int = 0) -> Element:
    """The element that begins there."""
    if depth > DEPTH:
        raise NotBer("nested too deep")
    header = data[start : start + 2]
    if len(header) < 2:
        raise Cut("the end comes before an element is complete")
    tag, length = header
    at = start + 2
    if tag & 0x1F == 0x1F:
        raise NotBer("a tag number above 30, which nothing here has")
    if length == 0x80:
        if not tag & CONSTRUCTED:
            raise NotBer("no end to a primitive element")
        end = at
        for _count in range(ELEMENTS):
            if data[end : end + 2] == b"\0\0":
                return Element(tag, data[at:end], end + 2)
            end = first(data, end, depth + 1).end
        raise NotBer("too many elements")
    if length > 0x80:
        size = length - 0x80
        if size > 4:
            raise NotBer("a length of more than four bytes")
        length = int.from_bytes(data[at : at + size], "big")
        at += size
    if at + length > len(data):
        raise Cut(f"{at + length - start} bytes are announced, {len(data) - start} are there")
    return Element(tag, data[at : at + length], at + length)


def elements(content: bytes) -> list[Element]:
    """All elements, one after the other."""
    found, at = [], 0
    while at < len(content):
        if len(found) >= ELEMENTS:
            raise NotBer("too many elements")
        found.append(first(content, at))
        at = found[-1].end
    return found


def walk(data: bytes) -> Iterator[Element]:
    """Every element, also those in octet strings, as PKCS#8 and PKCS#12 nest them; what is no BER is passed over."""
    waiting, seen = [(data, 0)], 0
    while waiting:
        content, depth = waiting.pop()
        try:
            found = elements(content)
        except NotBer:
            continue
        for element in found:
            seen += 1
            if seen > ELEMENTS:
                return
            yield element
            if depth >= DEPTH:
                continue
            if element.tag & 0x1F == OCTET_STRING and element.tag < 0x40:
                try:
                    inner = element.octets
                except (NotBer, RecursionError):
                    continue
                if inner[:1] == b"\x30":
                    waiting.append((inner, depth + 1))
            elif element.tag & CONSTRUCTED:
                waiting.append((element.content, depth + 1))


def encode(tag: int, content: bytes) -> bytes:
    """One element in DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content


def kind(element: Element) -> str:
    """What a whole element is: certificate, request, crl, pkcs7, pkcs12, key, encrypted key, public key, or nothing known."""
    if element.tag != SEQUENCE:
        return ""
    try:
        children = element.children
    except NotBer:
        return ""
    tags = [child.tag for child in children]
    if tags == [SEQUENCE, SEQUENCE, BIT_STRING]:
        return _signed(children[0].tags)
    if tags == [SEQUENCE, BIT_STRING]:
        return "public key"
    if tags == [SEQUENCE, OCTET_STRING]:
        return "encrypted key"
    if tags[:2] == [OID, 0xA0]:
        return "pkcs7"
    if tags[:2] == [INTEGER, SEQUENCE]:
        # PKCS#12 says version 3; PKCS#8 has its key in an octet string.
        return "key" if tags[2:3] == [OCTET_STRING] else "pkcs12"
    if tags[:2] == [INTEGER, OCTET_STRING]:
        return "key"
    if len(tags) >= 6 and set(tags[:6]) == {INTEGER}:
        return "key"
    if tags == [INTEGER, INTEGER]:
        return "public key"
    return ""


def _signed(tags: list[int]) -> str:
    """Certificate, request and list of revoked certificates look the same from outside."""
    if tags[:3] == [INTEGER, SEQUENCE, SEQUENCE] and tags[3:4] in ([], [0xA0]):
        return "request"
    if {UTC_TIME, GENERALIZED_TIME} & set(tags[:4]):
        return "crl"
    return "certificate"
