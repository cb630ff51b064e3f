# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reads what ``reg query KEY`` prints, and says where the text leaves a doubt; then ``reg export`` has to be asked.

    HKEY_LOCAL_MACHINE\\SOFTWARE\\X               missing where a key has no values
        (Default)    REG_SZ    text              the name in brackets is in the host's language
        Name    REG_DWORD    0x1466

    HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Subkey

Nothing is quoted: a line break in data, or a text that looks like another value, cannot be told from the real thing. So what is read
here is only believed where it can mean one thing.
"""

from __future__ import annotations

import dataclasses
import re

from . import values
from .keys import fold
from .values import Value

_TYPES = {
    "REG_NONE": values.NONE,
    "REG_SZ": values.STRING,
    "REG_EXPAND_SZ": values.EXPANDSTRING,
    "REG_BINARY": values.BINARY,
    "REG_DWORD": values.DWORD,
    "REG_MULTI_SZ": values.MULTISTRING,
    "REG_QWORD": values.QWORD,
}
_NUMBER = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")
_BYTES = re.compile(r"(?:[0-9a-fA-F]{2})*\Z")
# The name is as short as it can be: one that holds a type's name itself is a doubt, see _entry.
_ENTRY = re.compile(r"    (.*?)    (REG_[A-Z_]+)(?:    (.*))?\Z", re.DOTALL)
_TYPE = re.compile(r"    REG_[A-Z_]+(?:    |\Z)")
# Between the texts of a list reg.exe writes \0, which may as well be part of a text (C:\0). A letter that nobody uses can be asked
# for instead; reg.exe of Wine cannot.
SEPARATOR = "\ue000"


class DoubtError(Exception):
    """The text could mean more than one thing."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One value as it was printed."""

    name: str
    type: str
    data: str


@dataclasses.dataclass
class Listing:
    """What a key's listing shows: lines by the folded name, and the complete names of keys below."""

    lines: dict[str, list[Line]]
    subkeys: list[str]
    tidy: bool = True

    def one(self, name: str) -> Line | None:
        """The line of a named value, None where there is none; DoubtError where it cannot be told."""
        if not self.tidy or (name.startswith("(") and name.endswith(")")):
            raise DoubtError
        found = self.lines.get(fold(name), [])
        if len(found) > 1:
            raise DoubtError
        return found[0] if found else None

    def default(self, asked: Listing | None) -> Line | None:
        """The line of the default value. ``asked`` is the answer to ``/ve``: None where there was none.

        ``/ve`` gives the label of the host's language. It also gives a line where nothing is set, on some versions of Windows: so
        the value is there only if the key's own listing has the same line.
        """
        if asked is None:
            return None
        labels = [line for lines in asked.lines.values() for line in lines]
        if not self.tidy or not asked.tidy or len(labels) != 1:
            raise DoubtError
        found = self.lines.get(fold(labels[0].name), [])
        if not found:
            return None
        if len(found) > 1 or found[0] != labels[0]:
            raise DoubtError
        return found[0]


def read(text: str) -> Listing:
    """The listing of one key. ``tidy`` is False where a line is neither a value nor a key."""
    listing = Listing({}, [])
    after_values = False
    for line in text.split("\r\n") if "\r\n" in text else text.split("\n"):
        if not line:
            after_values = bool(listing.lines) or after_values
        elif line.startswith("HKEY_"):
            listing.subkeys.append(line)
        elif (found := _ENTRY.match(line)) and not after_values and "\n" not in line and "\r" not in line:
            name, kind, data = found.group(1), found.group(2), found.group(3) or ""
            listing.lines.setdefault(fold(name), []).append(Line(name, kind, data))
            if _TYPE.search(f"    {data}"):
                listing.tidy = False  # a name that looks like a value's beginning, or data that does
        else:
            listing.tidy = False
    return listing


def value(line: Line) -> Value:
    """The value that a line shows; DoubtError where the data may be another one."""
    kind = _TYPES.get(line.type)
    if kind is None or "\ufffd" in line.data:
        raise DoubtError
    if kind in (values.STRING, values.EXPANDSTRING):
        return values.text(kind, line.data)
    if kind == values.MULTISTRING:
        if "\\0" in line.data:
            raise DoubtError
        return values.multi([part for part in line.data.split(SEPARATOR) if part])
    if kind in (values.DWORD, values.QWORD):
        found = _NUMBER.match(line.data)
        size = 4 if kind == values.DWORD else 8
        if not found or int(found.group(1), 16) >= 1 << 8 * size:
            raise DoubtError
        return values.integer(kind, int(found.group(1), 16))
    if not _BYTES.match(line.data):
        raise DoubtError
    return Value(kind, bytes.fromhex(line.data))
