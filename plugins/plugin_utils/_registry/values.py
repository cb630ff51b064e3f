# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Typed registry values: from options, to text, and when two of them are the same.

Types and their layout: winnt.h, and "Registry Value Types" of the Windows documentation. Texts are UTF-16LE.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .errors import SettingsError

NONE, STRING, EXPANDSTRING, BINARY, DWORD, DWORD_BIG_ENDIAN, LINK, MULTISTRING = range(8)
RESOURCE_LIST, FULL_RESOURCE_DESCRIPTOR, RESOURCE_REQUIREMENTS_LIST, QWORD = range(8, 12)

NAMES = {
    NONE: "none",
    STRING: "string",
    EXPANDSTRING: "expandstring",
    BINARY: "binary",
    DWORD: "dword",
    DWORD_BIG_ENDIAN: "dword_big_endian",
    LINK: "link",
    MULTISTRING: "multistring",
    RESOURCE_LIST: "resource_list",
    FULL_RESOURCE_DESCRIPTOR: "full_resource_descriptor",
    RESOURCE_REQUIREMENTS_LIST: "resource_requirements_list",
    QWORD: "qword",
}
NUMBERS = {name: number for number, name in NAMES.items()}
TEXTS = (STRING, EXPANDSTRING, LINK)
_INTEGERS = {DWORD: (4, "little"), DWORD_BIG_ENDIAN: (4, "big"), QWORD: (8, "little")}
_HEX = re.compile(r"(?:hex:)?((?:[0-9A-Fa-f]{2}[\s,]*)*)\Z")
# What a value may hold at most: far above what anybody writes (documentation: up to 1 MB, more than 2 kB belongs in a file).
LARGEST = 1_048_576


@dataclasses.dataclass(frozen=True)
class Value:
    """A type (any 32-bit number) and the bytes as they lie in the registry. ``repr`` shows no data: it may be secret."""

    type: int
    data: bytes = dataclasses.field(repr=False)

    def same_as(self, other: Value | None) -> bool:
        """Whether a program that reads it sees no difference: what stands behind the end of a text does not count."""
        return other is not None and self.type == other.type and meaning(self) == meaning(other)


def text(type_number: int, value: str) -> Value:
    return Value(type_number, value.encode("utf-16-le", "surrogatepass") + b"\0\0")


def multi(parts: t.Iterable[str]) -> Value:
    joined = "".join(f"{part}\0" for part in parts) + "\0"
    return Value(MULTISTRING, (joined if joined != "\0" else "\0\0").encode("utf-16-le", "surrogatepass"))


def integer(type_number: int, value: int) -> Value:
    size, order = _INTEGERS[type_number]
    return Value(type_number, value.to_bytes(size, order))


def _decoded(data: bytes) -> str:
    return data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")


def meaning(value: Value) -> t.Any:
    """What a program reads: a text up to its end, a list up to the empty text, a number; else the bytes."""
    if value.type in TEXTS:
        return _decoded(value.data).partition("\0")[0]
    if value.type == MULTISTRING:
        parts = _decoded(value.data).split("\0")
        return tuple(parts[: parts.index("")] if "" in parts else parts)
    if value.type in _INTEGERS and len(value.data) == _INTEGERS[value.type][0]:
        return int.from_bytes(value.data, _INTEGERS[value.type][1])
    return value.data


def shown(value: Value) -> str:
    """One line for a diff, in the notation of options: ``dword:5222``, ``string:"text"``."""
    name = NAMES.get(value.type, f"type {value.type:#x}")
    read = meaning(value)
    if isinstance(read, str):
        return f"{name}:{_quoted(read)}"
    if isinstance(read, tuple):
        return f"{name}:[{', '.join(_quoted(part) for part in read)}]"
    if isinstance(read, int):
        return f"{name}:{read}"
    return f"{name}:{value.data.hex()}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_visible(letter) for letter in escaped) + '"'


def _visible(letter: str) -> str:
    if letter >= " " and not "\x7f" <= letter <= "\x9f" and not "\ud800" <= letter <= "\udfff":
        return letter
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter, f"\\u{ord(letter):04x}")


def from_option(type_name: str, data: t.Any, where: str) -> Value:
    """The value that options describe; SettingsError says what is wrong without showing the data."""
    number = NUMBERS[type_name]
    if number in _INTEGERS:
        value = integer(number, _whole_number(number, type_name, data, where))
    elif number == MULTISTRING:
        value = multi(_parts(data, where))
    elif number in TEXTS:
        value = text(number, _one_text("" if data is None else data, type_name, where))
    else:
        value = Value(number, _bytes(data, type_name, where))
    if len(value.data) > LARGEST:
        raise _wrong(f"data of {len(value.data)} bytes", where, f"A registry value holds {LARGEST} bytes at most")
    return value


def _whole_number(number: int, type_name: str, data: t.Any, where: str) -> int:
    size = _INTEGERS[number][0]
    found = data
    if isinstance(data, str):
        try:
            found = int(data.strip(), 16 if data.strip().lower().startswith("0x") else 10)
        except ValueError:
            found = None
    if isinstance(found, bool) or not isinstance(found, int):
        raise _wrong(f"data that is no whole number for {type_name}", where, "Write 5222 or 0x1466; yes is 1, no is 0")
    if not 0 <= found < 1 << 8 * size:
        remedy = f"{type_name} goes from 0 to {hex((1 << 8 * size) - 1)}; minus one is {hex((1 << 8 * size) - 1)}"
        raise _wrong(f"a number that does not fit into {type_name}", where, remedy)
    return found


def _one_text(data: t.Any, type_name: str, where: str) -> str:
    if isinstance(data, int) and not isinstance(data, bool):
        data = str(data)
    if not isinstance(data, str):
        raise _wrong(
            f"data that is no text for {type_name}", where, "Put it into quotation marks; a list is a multistring"
        )
    if "\0" in data:
        raise _wrong(
            f"a NUL in data of {type_name}", where, "A NUL ends a text in the registry; several texts are a multistring"
        )
    return data


def _parts(data: t.Any, where: str) -> list[str]:
    if data is None:
        data = []
    if not isinstance(data, (list, tuple)):
        data = [data]
    parts = [_one_text(part, "multistring", where) for part in data]
    if "" in parts:
        raise _wrong(
            "an empty text in a multistring", where, "An empty text ends the list in the registry: leave it out"
        )
    return parts


def _bytes(data: t.Any, type_name: str, where: str) -> bytes:
    if data is None:
        return b""
    if isinstance(data, (list, tuple)) and all(
        isinstance(part, int) and not isinstance(part, bool) and 0 <= part <= 255 for part in data
    ):
        return bytes(data)
    found = _HEX.match(data.strip()) if isinstance(data, str) else None
    if not found:
        raise _wrong(
            f"data that is not hexadecimal for {type_name}",
            where,
            "Write de,ad,be,ef or deadbeef, in quotation marks, or a list of numbers up to 255",
        )
    return bytes.fromhex(re.sub(r"[\s,]", "", found.group(1)))


def _wrong(what: str, where: str, remedy: str) -> SettingsError:
    return SettingsError(f"There is {what}", where, "Type and data do not belong together", remedy)
