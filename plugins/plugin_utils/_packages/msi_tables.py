# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Tables of a Windows Installer database: string pool, columns, rows.

The layout is not in a vendor's document; it is as Wine, msitools and the Rust crate msi read and write it, and was
compared with what msibuild writes. A table is stored column by column. Numbers are stored with their sign turned over, so
that 0 means "null"; texts are references of two or three bytes into the pool.
"""

from __future__ import annotations

import array
import codecs
import struct

from .compound import CompoundFile

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
WIDE = 0x80000000
STRING, BINARY = 0x0800, 0x0900
MOST_POOL = 8 << 20
MOST_TEXT = 64 << 20
MOST_TABLE = 1 << 20
MOST_COLUMNS = 32  # Windows Installer's own limit
SCHEMA = {
    "_Tables": [("Name", STRING)],
    "_Columns": [("Table", STRING), ("Number", 2), ("Name", STRING), ("Type", 2)],
}
# Those that Python calls otherwise. 0 means "neutral": ASCII by the book, the author's own code page in practice.
CODEPAGES = {
    0: "cp1252",
    10000: "mac-roman",
    20127: "ascii",
    20866: "koi8-r",
    21866: "koi8-u",
    65000: "utf-7",
    65001: "utf-8",
}

Row = dict[str, "str | int | None"]


def stream_name(table: str) -> str:
    """How the stream of a table is named: U+4840, then two characters in one."""
    coded, at = "\u4840", 0
    while at < len(table):
        pair = [ALPHABET.find(letter) for letter in table[at : at + 2]]
        if pair[0] < 0:
            coded += table[at]
            at += 1
        elif len(pair) == 2 and pair[1] >= 0:
            coded += chr(0x3800 + pair[0] + (pair[1] << 6))
            at += 2
        else:
            coded += chr(0x4800 + pair[0])
            at += 1
    return coded


def decode(raw: bytes, codepage: int) -> str:
    """Text of a Windows code page; what does not fit it becomes U+FFFD. UTF-8 where the code page is "neutral" and it fits."""
    name = CODEPAGES.get(codepage) or (f"iso8859-{codepage - 28590}" if 28591 <= codepage <= 28605 else f"cp{codepage}")
    if codepage == 0:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
    try:
        codecs.lookup(name)
    except LookupError:
        name = "cp1252"
    return raw.decode(name, "replace")


class Database:
    """The tables of an MSI. Raises Damaged."""

    def __init__(self, compound: CompoundFile) -> None:
        self.compound = compound
        pool = compound.stream(stream_name("_StringPool"), MOST_POOL)
        self.text = compound.stream(stream_name("_StringData"), MOST_TEXT)
        if len(pool) < 4:
            raise compound.damaged("The string pool is empty")
        head = struct.unpack_from("<I", pool)[0]
        self.codepage = head & ~WIDE
        self.reference = 3 if head & WIDE else 2
        # Where each text ends; text 0 is empty.
        self.ends = array.array("Q", [0])
        self.decoded: dict[int, str] = {}
        at = 0
        sizes = struct.iter_unpack("<HH", pool[4 : len(pool) // 4 * 4])
        for size, count in sizes:
            if not size and count:
                # Longer than 65,535 bytes: the length stands in the next four.
                low, high = next(sizes, (0, 0))
                size = high << 16 | low
            at += size
            self.ends.append(at)
        if at > len(self.text):
            raise compound.damaged("The string pool is longer than its text")
        self.columns = self._columns()

    def string(self, reference: int) -> str:
        if reference >= len(self.ends):
            raise self.compound.damaged("A table refers to a text that is not there")
        # Kept: a million rows may refer to one long text.
        if reference not in self.decoded:
            raw = self.text[self.ends[reference - 1] : self.ends[reference]] if reference else b""
            self.decoded[reference] = decode(raw, self.codepage)
        return self.decoded[reference]

    def rows(self, table: str) -> list[Row]:
        """Of a table; none where there is no such table, or nothing in it."""
        columns = self.columns.get(table)
        if not columns or not self.compound.has(stream_name(table)):
            return []
        return self._read(table, columns)

    def _columns(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, dict[int, tuple[str, int]]] = {}
        for row in self._read("_Columns", SCHEMA["_Columns"]):
            number, kind = row["Number"], row["Type"]
            if not isinstance(number, int) or not isinstance(kind, int) or not 1 <= number <= MOST_COLUMNS:
                raise self.compound.damaged("The description of the tables makes no sense")
            found.setdefault(str(row["Table"]), {})[number] = (str(row["Name"]), kind & 0xFFFF)
        return {table: [columns[number] for number in sorted(columns)] for table, columns in found.items()}

    def _width(self, kind: int) -> int:
        if kind & STRING:
            return 2 if kind & 0xF00 == BINARY else self.reference
        return 4 if kind & 0xFF > 2 else 2

    def _read(self, table: str, columns: list[tuple[str, int]]) -> list[Row]:
        raw = self.compound.stream(stream_name(table), MOST_TABLE)
        widths = [self._width(kind) for name, kind in columns]
        count, rest = divmod(len(raw), sum(widths))
        if rest:
            raise self.compound.damaged(f"The table {table!r} has {rest} bytes too many")
        rows: list[Row] = [{} for number in range(count)]
        at = 0
        for (name, kind), width in zip(columns, widths, strict=True):
            for row in rows:
                value = int.from_bytes(raw[at : at + width], "little")
                at += width
                if kind & STRING:
                    row[name] = None if kind & 0xF00 == BINARY else self.string(value)
                else:
                    row[name] = value - (1 << 8 * width - 1) if value else None
        return rows
