# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Comparing versions: of files and programs field by field, and as Windows Installer does.

Windows Installer compares the first three fields of ProductVersion only (vendor document "ProductVersion property").
Programs write more: four fields, a leading v, suffixes (1.2.3-beta, 1.2.3 build 7, 1.2a). Order here:

- Numbers as numbers: 1.10 is newer than 1.9, 1.02 equals 1.2, missing fields are 0 (1.2 equals 1.2.0.0).
- Commas part fields as dots do ("1, 2, 3, 4" stands in many version resources).
- What follows the numbers is a suffix. Words for something before a release (dev, alpha, beta, preview, pre, rc) make the
  version older than the plain one, any other suffix makes it newer (1.2.3a, 1.2.3-hotfix1). Suffixes compare
  piece by piece, numbers in them as numbers, words without regard to case.
- A part behind "+" says how it was built and is not compared.
"""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"\s*[vV]?\.?\s*([0-9]+(?:\s*[.,]\s*[0-9]+)*)")
_PIECES = re.compile(r"[0-9]+|[^\W\d_]+")
BEFORE = {"dev": -7, "a": -6, "alpha": -6, "b": -5, "beta": -5, "m": -4, "preview": -4, "pre": -4, "rc": -3}
# Single letters are pre-releases only between numbers and a number as Python writes them (1.2b1), not in "1.2b".
SHORT = {"a", "b", "m"}
# Numbers of more digits than any real version has: compared as what they are, but never as a task without an end.
LONGEST = 4096


class NoVersion(ValueError):
    """A text has no number in it to compare by."""


def compare(a: str, b: str) -> int:
    """-1 when ``a`` is older than ``b``, 0 when they mean the same, 1 when it is newer. NoVersion for texts without numbers."""
    one, two = key(a), key(b)
    return (one > two) - (one < two)


def compare_msi(a: str, b: str) -> int:
    """The same by the rule of Windows Installer: three numeric fields, everything behind them does not count."""
    one, two = msi_fields(a), msi_fields(b)
    return (one > two) - (one < two)


def msi_fields(version: str) -> tuple[int, int, int]:
    """The three fields that Windows Installer looks at."""
    fields = [*fields_of(version)[:3], 0, 0, 0]
    return fields[0], fields[1], fields[2]


def fields_of(version: str) -> list[int]:
    """The leading numbers of a version. NoVersion where there is none."""
    return _split(version)[0]


def _split(version: str) -> tuple[list[int], str]:
    version = version[:LONGEST]
    found = _NUMBERS.match(version)
    if not found:
        raise NoVersion(f"no version: {version[:80]!r}")
    return [_number(field) for field in re.split(r"\s*[.,]\s*", found[1])], version[found.end() :]


def _number(digits: str) -> int:
    return int(digits[:LONGEST]) if digits.isascii() else 0


def key(version: str) -> tuple[list[int], list[tuple[int, int, str]]]:
    """What :func:`compare` compares: the numbers without zeros at the end, and the pieces of the suffix with their ranks."""
    numbers, suffix = _split(version)
    while numbers and not numbers[-1]:
        numbers.pop()
    pieces = [piece.lower() for piece in _PIECES.findall(suffix.partition("+")[0])]
    return numbers, [*_suffix(pieces), (0, 0, "")]


def _suffix(pieces: list[str]) -> list[tuple[int, int, str]]:
    """Each piece as something that sorts: a pre-release below nothing (0), numbers and other words above."""
    keys = []
    for at, piece in enumerate(pieces):
        if piece.isdecimal():
            keys.append((1, _number(piece), ""))
            continue
        short = piece in SHORT and not (at + 1 < len(pieces) and pieces[at + 1].isdecimal())
        rank = 2 if short else BEFORE.get(piece, 2)
        keys.append((rank, 0, "" if rank < 0 else piece))
    return keys
