# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The summary information of an MSI: a property set (MS-OLEPS) with what Windows looks at before it opens the tables."""

from __future__ import annotations

import struct

from .msi_tables import decode

STREAM = "\x05SummaryInformation"
CODEPAGE, TITLE, TEMPLATE, REVISION, PAGES, WORDS = 1, 2, 7, 9, 14, 15
I2, I4, LPSTR, LPWSTR = 2, 3, 30, 31
MOST = 64 << 10
MOST_PROPERTIES = 256


class NoSummary(ValueError):
    """The bytes are no property set."""


def read_summary(raw: bytes) -> dict[int, int | str]:
    """Numbers and texts by their number; other kinds are left out. NoSummary where it makes no sense."""
    try:
        return _read(raw)
    except struct.error as error:
        raise NoSummary("it is cut") from error


def _read(raw: bytes) -> dict[int, int | str]:
    order, _version = struct.unpack_from("<HH", raw)
    (sets,) = struct.unpack_from("<I", raw, 24)
    if order != 0xFFFE or not sets:
        raise NoSummary("it is no property set")
    (start,) = struct.unpack_from("<I", raw, 44)
    size, count = struct.unpack_from("<II", raw, start)
    if count > MOST_PROPERTIES:
        raise NoSummary(f"{count} properties are said to be in {size} bytes")
    places = dict(struct.iter_unpack("<II", raw[start + 8 : start + 8 + 8 * count]))
    codepage = 0
    values: dict[int, int | str] = {}
    # The code page first: it says how the texts are written.
    for number in sorted(places, key=lambda number: number != CODEPAGE):
        at = start + places[number]
        (kind,) = struct.unpack_from("<I", raw, at)
        if kind == I2:
            values[number] = struct.unpack_from("<h", raw, at + 4)[0]
            if number == CODEPAGE:
                codepage = values[number] & 0xFFFF
        elif kind == I4:
            values[number] = struct.unpack_from("<i", raw, at + 4)[0]
        elif kind in (LPSTR, LPWSTR):
            (length,) = struct.unpack_from("<I", raw, at + 4)
            text = raw[at + 8 : at + 8 + length * (2 if kind == LPWSTR else 1)]
            text = text.decode("utf-16-le", "replace") if kind == LPWSTR else decode(text, codepage)
            values[number] = text.split("\0", 1)[0]
    return values
