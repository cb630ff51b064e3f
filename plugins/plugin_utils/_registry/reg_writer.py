# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Writes instructions as a .reg file that ``reg import`` reads: UTF-16 with a byte order mark, version 5.00.

Only what needs no knowledge of a reader's habits is written in quotation marks; every other text goes as hex(1).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from . import values
from .errors import SettingsError
from .reg_file import VERSION_5, Instruction
from .values import Value

# The name takes its part of the first line; the others are as long as those that regedit writes.
_FIRST, _OTHERS = 20, 25


def render(instructions: Iterable[Instruction]) -> bytes:
    """The bytes of the file. A key stands once for all its values that follow each other."""
    lines = [VERSION_5]
    key = None
    for one in instructions:
        if one.name is None:
            lines += ["", f"[{'-' if one.gone else ''}{one.key}]"]
            key = None if one.gone else one.key
            continue
        if one.key != key:
            lines += ["", f"[{one.key}]"]
            key = one.key
        lines += _value(one)
    lines += ["", ""]
    return codecs.BOM_UTF16_LE + "\r\n".join(lines).encode("utf-16-le", "surrogatepass")


def _value(one: Instruction) -> list[str]:
    name = f'"{_escaped(one.name)}"' if one.name else "@"
    if one.gone:
        return [f"{name}=-"]
    data = _data(one.value)
    if isinstance(data, str):
        return [f"{name}={data}"]
    prefix, content = data
    pieces = [content[:_FIRST]] + [content[at : at + _OTHERS] for at in range(_FIRST, len(content), _OTHERS)]
    texts = [",".join(f"{byte:02x}" for byte in piece) for piece in pieces]
    lines = [f"{name}={prefix}{texts[0]}"] + [f"  {text}" for text in texts[1:]]
    return [f"{line},\\" for line in lines[:-1]] + lines[-1:]


def _data(value: Value) -> str | tuple[str, bytes]:
    if value.type == values.STRING and value == values.text(values.STRING, str(values.meaning(value))):
        read = values.meaning(value)
        # Very long texts in one line have met readers with a fixed buffer.
        if len(read) <= 1000 and not any(letter < " " or "\ud800" <= letter <= "\udfff" for letter in read):
            return f'"{_escaped(read)}"'
    if value.type == values.DWORD and len(value.data) == 4:
        return f"dword:{values.meaning(value):08x}"
    prefix = "hex:" if value.type == values.BINARY else f"hex({value.type:x}):"
    return prefix, value.data


def _escaped(text: str) -> str:
    if any(letter < " " for letter in text):
        raise SettingsError(
            "A name has a control character", "writing a .reg file", "No .reg file can say it", "Correct the name"
        )
    return text.replace("\\", "\\\\").replace('"', '\\"')
