# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Compound files (MS-CFB), the container of an MSI: streams of the root by name.

Reads through a memory map and follows only the chains that are asked for, so that 2 GB cost no more than 2 MB. Every
number of the file is a claim: chains have a length that was said before and end there, a folder has a limit, nothing
is read that was not asked for.
"""

from __future__ import annotations

import struct
import typing as t

from .errors import Damaged

MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
END, FREE, LAST_SECTOR = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFA
NOBODY = 0xFFFFFFFF
HEADER, ENTRY, MINI, CUTOFF = 512, 128, 64, 4096
STORAGE, STREAM, ROOT = 1, 2, 5
# Real packages: some hundred streams, some MB in small ones.
MOST_ENTRIES = 65536
MOST_MINI = 32 << 20


class Entry(t.NamedTuple):
    """A line of the folder."""

    name: str
    kind: int
    left: int
    right: int
    child: int
    clsid: bytes
    start: int
    size: int


class CompoundFile:
    """A compound file in a buffer. Raises Damaged."""

    def __init__(self, data: t.Any, where: str) -> None:
        self.data = data
        self.where = where
        if len(data) < HEADER:
            raise self.damaged("The file ends within its header")
        major, order, shift, mini = struct.unpack_from("<HHHH", data, 26)
        if order != 0xFFFE or (major, shift) not in ((3, 9), (4, 12)) or mini != 6:
            raise self.damaged(f"The header makes no sense (version {major}, sectors of 2^{shift} bytes)")
        self.major = major
        self.size = 1 << shift
        self.per = self.size // 4
        # The last sector may be cut where its stream ends.
        self.sectors = max(0, -(-len(data) // self.size) - 1)
        (self.fat_count, self.folder, _transaction, self.cutoff, self.mini_fat, self.mini_fat_count) = (
            struct.unpack_from("<IIIIII", data, 44)
        )
        if self.cutoff != CUTOFF:
            raise self.damaged("The header makes no sense (size of small streams)")
        self.fat = self._fat()
        self._not_cut()
        self.entries = self._folder()
        self.root = self.entries[0]
        self.children = self._children()
        self._small: list[int] | None = None
        self._small_next: list[int] = []

    def names(self) -> list[str]:
        """Of the streams of the root."""
        return list(self.children)

    def has(self, name: str) -> bool:
        return name in self.children

    def stream(self, name: str, limit: int) -> bytes:
        """A stream of the root. Damaged where it is not there, cut, or has more than ``limit`` bytes."""
        entry = self.children.get(name)
        if entry is None:
            raise self.damaged(f"A stream is missing: {name!r}")
        if entry.size > limit:
            raise self.damaged(f"A stream has an impossible size ({entry.size} bytes): {name!r}")
        if not entry.size:
            return b""
        if entry.size < CUTOFF:
            return self._small_stream(entry)
        return self._big_stream(entry.start, entry.size)

    def damaged(self, what: str) -> Damaged:
        return Damaged(
            what,
            self.where,
            "It was cut, or changed on its way",
            "Fetch it again and compare its SHA-256 with the vendor's",
        )

    def _fat(self) -> list[int]:
        """Places of the sectors that hold the allocation table."""
        if self.fat_count > self.sectors // self.per + 1:
            raise self.damaged("The file is shorter than its allocation table says")
        places = list(struct.unpack_from("<109I", self.data, 76)[: self.fat_count])
        following, lists = struct.unpack_from("<II", self.data, 68)
        while len(places) < self.fat_count:
            if not lists or following >= LAST_SECTOR:
                raise self.damaged("The allocation table is incomplete")
            lists -= 1
            numbers = self._numbers(following)
            places.extend(numbers[: min(self.per - 1, self.fat_count - len(places))])
            following = numbers[-1]
        for place in places:
            if (place + 2) * self.size > len(self.data):
                raise self.damaged("The allocation table points behind the end of the file")
        return places

    def _not_cut(self) -> None:
        """What is in use last must be there: an interrupted download shows here, before anybody wants those bytes."""
        for number in range(len(self.fat) - 1, -1, -1):
            sector = self._numbers(self.fat[number])
            used = [at for at, value in enumerate(sector) if value != FREE]
            if used:
                if number * self.per + used[-1] >= self.sectors:
                    missing = (number * self.per + used[-1] + 2) * self.size - len(self.data)
                    raise self.damaged(f"The file is cut: about {missing} bytes are missing at its end")
                return
        raise self.damaged("The allocation table is empty")

    def _sector(self, number: int) -> bytes:
        if number >= self.sectors:
            raise self.damaged("A chain points behind the end of the file")
        start = (number + 1) * self.size
        return self.data[start : start + self.size]

    def _numbers(self, number: int) -> tuple[int, ...]:
        """A sector of an allocation table."""
        raw = self._sector(number)
        if len(raw) < self.size:
            raise self.damaged("An allocation table is cut")
        return struct.unpack(f"<{self.per}I", raw)

    def _next(self, number: int) -> int:
        place = number // self.per
        if place >= len(self.fat):
            raise self.damaged("A chain leaves the allocation table")
        at = (self.fat[place] + 1) * self.size + number % self.per * 4
        if at + 4 > len(self.data):
            raise self.damaged("The allocation table is cut")
        return struct.unpack_from("<I", self.data, at)[0]

    def _chain(self, start: int, most: int) -> t.Iterator[int]:
        """Sectors from a first one to the end of its chain. Damaged for more than ``most``: a circle, or a lie."""
        while start != END:
            if start >= LAST_SECTOR or most <= 0:
                raise self.damaged("A chain of sectors does not end")
            most -= 1
            yield start
            start = self._next(start)

    def _big_stream(self, start: int, size: int) -> bytes:
        parts, left = [], size
        for number in self._chain(start, size // self.size + 2):
            part = self._sector(number)[:left]
            parts.append(part)
            left -= len(part)
            if left <= 0:
                return b"".join(parts)
        raise self.damaged(f"A stream ends {left} bytes too early")

    def _small_stream(self, entry: Entry) -> bytes:
        if self._small is None:
            if self.root.size > MOST_MINI:
                raise self.damaged("The small streams have an impossible size")
            self._small = list(self._chain(self.root.start, self.root.size // self.size + 2)) if self.root.size else []
            table = b"".join(map(self._sector, self._chain(self.mini_fat, MOST_MINI // MINI // self.per)))
            self._small_next = list(struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4]))
        parts, left, number = [], entry.size, entry.start
        while left > 0:
            if number >= len(self._small_next):
                raise self.damaged(f"A small stream ends {left} bytes too early")
            place, within = divmod(number * MINI, self.size)
            if place >= len(self._small):
                raise self.damaged("A small stream lies outside of its container")
            part = self._sector(self._small[place])[within : within + min(MINI, left)]
            if not part:
                raise self.damaged("A small stream is cut")
            parts.append(part)
            left -= len(part)
            number = self._small_next[number]
        return b"".join(parts)

    def _folder(self) -> list[Entry]:
        entries = []
        for number in self._chain(self.folder, MOST_ENTRIES * ENTRY // self.size):
            sector = self._sector(number)
            for at in range(0, len(sector) - ENTRY + 1, ENTRY):
                entries.append(self._entry(sector[at : at + ENTRY]))
        if not entries or entries[0].kind != ROOT:
            raise self.damaged("The folder has no root")
        return entries

    def _entry(self, raw: bytes) -> Entry:
        length, kind = struct.unpack_from("<HB", raw, 64)
        left, right, child = struct.unpack_from("<III", raw, 68)
        start, size = struct.unpack_from("<IQ", raw, 116)
        if self.major == 3:
            # Version 3 has no files of that size; some programs leave rubbish in the upper half (MS-CFB 2.6.3).
            size &= 0xFFFFFFFF
        name = raw[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        return Entry(name, kind, left, right, child, raw[80:96], start, size)

    def _children(self) -> dict[str, Entry]:
        """Streams right below the root; those of inner storages (transforms, nested packages) are not among them."""
        found: dict[str, Entry] = {}
        seen = {0}
        waiting = [self.root.child]
        while waiting:
            number = waiting.pop()
            if number == NOBODY:
                continue
            if number in seen or number >= len(self.entries):
                raise self.damaged("The folder contradicts itself")
            seen.add(number)
            entry = self.entries[number]
            if entry.kind == STREAM:
                found.setdefault(entry.name, entry)
            waiting += (entry.left, entry.right)
        return found
