# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damage for packages: bits, cuts, splices, and numbers where the formats have numbers. The same seed, the same damage."""

from __future__ import annotations

import random
import struct

# Numbers that formats stumble over.
TELLING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


class Mutator:
    def __init__(self, seed: int, corpus: dict[str, bytes]) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same ones again is what is wanted
        self.corpus = corpus
        self.names = sorted(corpus)
        self.ways = (
            self.bit,
            self.number,
            self.number,
            self.number,
            self.cut,
            self.drop,
            self.repeat,
            self.splice,
            self.blank,
        )

    def next(self) -> tuple[str, bytes]:
        """A form and what became of it."""
        name = self.random.choice(self.names)
        data = self.corpus[name]
        for _step in range(self.random.choice((1, 1, 1, 2, 3, 6))):
            data = self.random.choice(self.ways)(data)
        return name, data

    def at(self, data: bytes) -> int:
        """A place; more often one where something is."""
        for _attempt in range(4):
            place = self.random.randrange(min(len(data), self.random.choice((512, 1024, 4096, 1 << 30))) or 1)
            if any(data[place : place + 4]):
                break
        return place

    def bit(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _count in range(self.random.choice((1, 1, 2, 8))):
            if changed:
                changed[self.at(data)] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def number(self, data: bytes) -> bytes:
        """A number of one to eight bytes that says something else."""
        size, coding = self.random.choice(((1, "<B"), (2, "<H"), (4, "<I"), (4, "<I"), (8, "<Q")))
        at = self.at(data) // size * size
        if at + size > len(data):
            return data
        value = self.random.choice(TELLING)
        if self.random.random() < 0.5:
            value = struct.unpack_from(coding, data, at)[0] + self.random.choice((-1, 1, 2, 16, 256, 1 << 16))
        return data[:at] + struct.pack(coding, value % (1 << 8 * size)) + data[at + size :]

    def cut(self, data: bytes) -> bytes:
        return data[: self.random.randrange(len(data) + 1)]

    def drop(self, data: bytes) -> bytes:
        at = self.at(data)
        return data[:at] + data[at + self.random.choice((1, 2, 16, 64, 512)) :]

    def repeat(self, data: bytes) -> bytes:
        at, size = self.at(data), self.random.choice((1, 4, 64, 128, 512))
        return data[:at] + data[at : at + size] * self.random.choice((2, 3, 40)) + data[at + size :]

    def splice(self, data: bytes) -> bytes:
        other = self.corpus[self.random.choice(self.names)]
        at, there = self.random.randrange(len(data) + 1), self.random.randrange(len(other) + 1)
        part = other[there : there + self.random.choice((8, 64, 512, 4096))]
        return data[:at] + part + data[at + self.random.choice((0, len(part))) :]

    def blank(self, data: bytes) -> bytes:
        at, size = self.at(data), self.random.choice((4, 64, 512))
        return data[:at] + self.random.choice((b"\0", b"\xff")) * min(size, len(data) - at) + data[at + size :]
