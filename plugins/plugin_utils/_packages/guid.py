# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""GUIDs as packages write them, and packed as the registry of Windows Installer has them as key names.

Packed: the first three groups reversed as a whole, the bytes of the last two with swapped digits, no punctuation
({11111111-2222-3333-4444-555555555501} is 11111111222233334444555555555510; seen in the registry that msiexec wrote).
"""

from __future__ import annotations

import re

_BRACED = re.compile(r"\{?([0-9A-Fa-f]{8})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{12})\}?\Z")
_PACKED = re.compile(r"[0-9A-Fa-f]{32}\Z")


def is_guid(text: str) -> bool:
    """Whether it is a GUID with hyphens, with or without braces."""
    return _BRACED.match(text) is not None


def normal(text: str) -> str:
    """With braces and in upper case; ValueError for what is no GUID."""
    found = _BRACED.match(text.strip())
    if not found:
        raise ValueError(f"no GUID: {text!r}")
    return "{" + "-".join(found.groups()).upper() + "}"


def packed(text: str) -> str:
    """The name of the key below …\\Installer\\Products and \\UpgradeCodes; ValueError for what is no GUID."""
    groups = normal(text)[1:-1].split("-")
    return "".join(group[::-1] for group in groups[:3]) + _swapped(groups[3] + groups[4])


def unpacked(text: str) -> str:
    """The GUID of such a key's name; ValueError for what is no packed GUID."""
    if not _PACKED.match(text):
        raise ValueError(f"no packed GUID: {text!r}")
    text = text.upper()
    tail = _swapped(text[16:])
    return "{" + "-".join((text[:8][::-1], text[8:12][::-1], text[12:16][::-1], tail[:4], tail[4:])) + "}"


def from_bytes(data: bytes) -> str:
    """A GUID structure of 16 bytes, little endian (MS-DTYP 2.3.4.2)."""
    first = int.from_bytes(data[:4], "little")
    second = int.from_bytes(data[4:6], "little")
    third = int.from_bytes(data[6:8], "little")
    tail = data[8:16].hex().upper()
    return f"{{{first:08X}-{second:04X}-{third:04X}-{tail[:4]}-{tail[4:]}}}"


def _swapped(digits: str) -> str:
    return "".join(digits[at + 1] + digits[at] for at in range(0, len(digits), 2))
