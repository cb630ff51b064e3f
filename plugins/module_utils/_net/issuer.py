# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Who issued a certificate, read without any library.

``ssl`` shows the fields of a verified certificate only, and here the others matter: the firewall that opens TLS has
its name in them. What stands there was written by a stranger and is shown as such: short, and printable.
"""

from __future__ import annotations

import typing as t

_SEQUENCE, _SET, _OID, _VERSION = 0x30, 0x31, 0x06, 0xA0
_ENCODINGS = {0x0C: "utf-8", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
# X.520: common name, organisation, organisational unit
_COMMON_NAME, _ORGANISATION, _UNIT = b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b"
_LONGEST = 120


class _Malformed(ValueError):
    pass


def issuer_of(der: bytes) -> str:
    """The issuer's common name and organisation, ``NAME (ORGANISATION)``; empty where it cannot be read."""
    try:
        names = dict(_issuer_attributes(der))
    except _Malformed:
        return ""
    common = _shown(names.get(_COMMON_NAME) or names.get(_UNIT) or "")
    organisation = _shown(names.get(_ORGANISATION) or "")
    if common and organisation and organisation != common:
        return f"{common} ({organisation})"
    return common or organisation


def _issuer_attributes(der: bytes) -> t.Iterator[tuple[bytes, str]]:
    """(object identifier, text) of every attribute of the issuer. RFC 5280 4.1."""
    certificate = _inside(der, _SEQUENCE)
    fields = list(_elements(_inside(certificate, _SEQUENCE)))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 3 or fields[2][0] != _SEQUENCE:  # serial number, algorithm, issuer
        raise _Malformed
    for tag, several in _elements(fields[2][1]):
        if tag != _SET:
            raise _Malformed
        for _tag, attribute in _elements(several):
            parts = list(_elements(attribute))
            if len(parts) == 2 and parts[0][0] == _OID:
                encoding = _ENCODINGS.get(parts[1][0])
                if encoding:
                    yield parts[0][1], parts[1][1].decode(encoding, "replace")


def _inside(data: bytes, wanted: int) -> bytes:
    """The content of the first element."""
    for tag, content in _elements(data):
        if tag == wanted:
            return content
        break
    raise _Malformed


def _elements(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """(tag, content) of each element in turn. X.690 8.1, definite lengths."""
    position = 0
    while position < len(data):
        if position + 2 > len(data):
            raise _Malformed
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= 4 or position + size > len(data):
                raise _Malformed
            length = int.from_bytes(data[position : position + size], "big")
            position += size
        if position + length > len(data):
            raise _Malformed
        yield tag, data[position : position + length]
        position += length


def _shown(text: str) -> str:
    """One printable line."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
