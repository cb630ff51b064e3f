# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MSI files made in memory, for what no tool here would write: any code page, any table, damaged in a chosen place.

Written from MS-CFB and from what msibuild writes; tests/integration/test_packages.py compares the reader with msiinfo on
files that wixl made, and has msiinfo read a file that was made here.
"""

from __future__ import annotations

import struct

FREE, END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._"
MSI_CLASS = bytes.fromhex("84100c0000000000c000000000000046")
SUMMARY_CLASS = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")

CODE = "{11111111-2222-3333-4444-555555555501}"
UPGRADE = "{11111111-2222-3333-4444-555555555599}"
BUILD = "{11111111-2222-3333-4444-555555555577}"
PROPERTIES = {
    "ProductCode": CODE,
    "UpgradeCode": UPGRADE,
    "ProductName": "Chat",
    "ProductVersion": "1.2.3",
    "ProductLanguage": "1033",
    "Manufacturer": "Example",
    "ALLUSERS": "1",
}


def table_name(name: str) -> str:
    """How the stream of a table is named: two characters in one, behind U+4840."""
    coded, at = "\u4840", 0
    while at < len(name):
        first = ALPHABET.find(name[at])
        second = ALPHABET.find(name[at + 1]) if at + 1 < len(name) else -1
        if first < 0:
            coded += name[at]
            at += 1
        elif second < 0:
            coded += chr(0x4800 + first)
            at += 1
        else:
            coded += chr(0x3800 + first + (second << 6))
            at += 2
    return coded


def compound(streams: dict[str, bytes], sector: int = 512, clsid: bytes = MSI_CLASS, tail: int = 0) -> bytes:
    """A compound file of streams in its root (MS-CFB); ``tail`` free sectors follow, named in its tables."""
    entries, fat, body, mini, minifat = [], [], [], bytearray(), []
    names = sorted(streams, key=lambda name: (len(name), name.upper()))

    def chain(data: bytes) -> int:
        if not data:
            return END
        first, count = len(fat), -(-len(data) // sector)
        fat.extend([*range(first + 1, first + count), END])
        body.append(data.ljust(count * sector, b"\0"))
        return first

    for name in names:
        data = streams[name]
        if len(data) >= 4096:
            start = chain(data)
        else:
            start, count = len(minifat), -(-len(data) // 64)
            minifat.extend([*range(start + 1, start + count), END] if count else [])
            mini.extend(data.ljust(count * 64, b"\0"))
            start = start if count else END
        entries.append((name, start, len(data)))
    mini_start = chain(bytes(mini))
    minifat_start = chain(
        struct.pack(f"<{len(minifat)}I", *minifat).ljust(-(-4 * len(minifat) // sector) * sector, b"\xff")
    )

    def entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int, class_id: bytes) -> bytes:
        coded = (name + "\0").encode("utf-16-le")
        return struct.pack(
            "<64sHBBIII16sIQQIQ", coded, len(coded), kind, 1, left, right, child, class_id, 0, 0, 0, start, size
        )

    directory = entry("Root Entry", 5, FREE, FREE, 1 if names else FREE, mini_start, len(mini), clsid)
    for at, (name, start, size) in enumerate(entries, 1):
        directory += entry(name, 2, FREE, at + 1 if at < len(entries) else FREE, FREE, start, size, bytes(16))
    directory_start = chain(directory.ljust(-(-len(directory) // sector) * sector, b"\0"))
    fat.extend([FREE] * tail)
    # The sectors of the table describe themselves as well, and those of the table of tables.
    per, extra = sector // 4, 0
    while True:
        count = -(-(len(fat) + extra) // per)
        lists = -(-max(0, count - 109) // (per - 1))
        if count + lists <= extra:
            break
        extra = count + lists
    first = len(fat)
    places = [first + at for at in range(count)]
    difat_start = first + count
    fat.extend([FAT_SECTOR] * count + [0xFFFFFFFC] * lists)
    body.append(bytes(tail * sector))
    body.append(struct.pack(f"<{len(fat)}I", *fat).ljust(count * sector, b"\xff"))
    rest = places[109:]
    for at in range(lists):
        part = rest[at * (per - 1) : (at + 1) * (per - 1)]
        following = difat_start + at + 1 if at + 1 < lists else END
        body.append(struct.pack(f"<{per}I", *part, *[FREE] * (per - 1 - len(part)), following))
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII",
        bytes.fromhex("d0cf11e0a1b11ae1"),
        bytes(16),
        0x3E,
        3 if sector == 512 else 4,
        0xFFFE,
        sector.bit_length() - 1,
        6,
        0 if sector == 512 else -(-len(directory) // sector),
        count,
        directory_start,
        0,
        4096,
        minifat_start,
        -(-4 * len(minifat) // sector),
        difat_start if lists else END,
        lists,
    )
    header += struct.pack("<109I", *places[:109], *[FREE] * (109 - min(109, len(places))))
    return header.ljust(sector, b"\0") + b"".join(body)


def summary(template: str = "x64;1033", words: int = 2, codepage: int = 1252, code: str = BUILD) -> bytes:
    """The stream of the summary information (MS-OLEPS): template 7, revision number 9, word count 15."""
    values = {1: struct.pack("<IhH", 2, codepage if codepage < 32768 else codepage - 65536, 0)}
    for number, text in ((2, "Installation Database"), (7, template), (9, code)):
        coded = text.encode("latin-1") + b"\0"
        values[number] = struct.pack("<II", 30, len(coded)) + coded.ljust(-(-len(coded) // 4) * 4, b"\0")
    values[14] = struct.pack("<Ii", 3, 200)
    values[15] = struct.pack("<Ii", 3, words)
    at, table, body = 8 + 8 * len(values), b"", b""
    for number, value in values.items():
        table += struct.pack("<II", number, at)
        body += value
        at += len(value)
    section = struct.pack("<II", at, len(values)) + table + body
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0x00020005, bytes(16), 1, SUMMARY_CLASS, 48) + section


class Strings:
    """The string pool; references of two or three bytes."""

    def __init__(self, codepage: int, encoding: str, wide: bool) -> None:
        self.codepage, self.encoding, self.wide = codepage, encoding, wide
        self.texts: dict[str, int] = {"": 0}

    def reference(self, text: str) -> bytes:
        number = self.texts.setdefault(text, len(self.texts))
        return number.to_bytes(3 if self.wide else 2, "little")

    def streams(self) -> dict[str, bytes]:
        pool = struct.pack("<I", self.codepage | (0x80000000 if self.wide else 0))
        data = b""
        for text in list(self.texts)[1:]:
            coded = text.encode(self.encoding)
            data += coded
            if len(coded) > 0xFFFF:
                pool += struct.pack("<HHHH", 0, 1, len(coded) & 0xFFFF, len(coded) >> 16)
            else:
                pool += struct.pack("<HH", len(coded), 1)
        return {table_name("_StringPool"): pool, table_name("_StringData"): data}


# Column types as _Columns has them: a text of up to 255 characters (a key, or with leave to be empty), numbers of 2 and 4 bytes.
KEY, TEXT, SHORT, LONG = 0x2DFF, 0x1DFF, 0x1502, 0x1104
TABLES = {
    "Property": [("Property", KEY), ("Value", TEXT)],
    "Upgrade": [
        ("UpgradeCode", KEY),
        ("VersionMin", 0x3D14),
        ("VersionMax", 0x3D14),
        ("Language", 0x3DFF),
        ("Attributes", 0x2104),
        ("Remove", TEXT),
        ("ActionProperty", TEXT),
    ],
    "Media": [("DiskId", 0x2502), ("LastSequence", SHORT), ("Cabinet", TEXT)],
}


def msi(
    properties: dict[str, str] | None = None,
    upgrades: list[tuple] = (),
    codepage: int = 1252,
    encoding: str = "cp1252",
    wide: bool = False,
    sector: int = 512,
    tail: int = 0,
    **summary_fields,
) -> bytes:
    """A Windows Installer database with Property, Upgrade and Media."""
    rows = {
        "Property": list((PROPERTIES if properties is None else properties).items()),
        "Upgrade": list(upgrades),
        "Media": [(1, 1, "#a.cab")],
    }
    strings = Strings(codepage, encoding, wide)
    streams = {"\x05SummaryInformation": summary(**summary_fields)}

    def stored(columns: list[int], table: list[tuple]) -> bytes:
        out = b""
        for at, kind in enumerate(columns):
            for row in table:
                if kind & 0x800:
                    out += strings.reference(row[at])
                elif kind & 0xFF == 2:
                    out += struct.pack("<H", (row[at] or 0) ^ 0x8000 if row[at] is not None else 0)
                else:
                    out += struct.pack("<I", row[at] ^ 0x80000000 if row[at] is not None else 0)
        return out

    described, names = [], []
    for name, columns in TABLES.items():
        names.append((name,))
        described += [(name, at, column, kind) for at, (column, kind) in enumerate(columns, 1)]
        streams[table_name(name)] = stored([kind for column, kind in columns], rows[name])
    streams[table_name("_Tables")] = stored([KEY], names)
    streams[table_name("_Columns")] = stored([KEY, SHORT, KEY, SHORT], described)
    streams |= strings.streams()
    return compound(streams, sector, tail=tail)
