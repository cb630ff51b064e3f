# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reads .reg files, those of vendors and those that ``reg export`` writes, into instructions in their order.

Format: "How to add, modify, or delete registry subkeys and values by using a .reg file" of the Windows documentation; what that
leaves open (where a comment may stand, hex types of any number) is as Wine's reg.exe reads it. Nothing is passed over: a line that
makes no sense is an error with its number, because ``reg import`` would skip it in silence. Data is never shown.
"""

from __future__ import annotations

import codecs
import dataclasses
import re

from . import values
from .errors import SettingsError
from .keys import clean, clean_name, split_hive
from .values import Value

VERSION_5, VERSION_4 = "Windows Registry Editor Version 5.00", "REGEDIT4"
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_REST = re.compile(r"[ \t]*(?:;.*)?\Z")
_DWORD = re.compile(r"dword:[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\Z", re.IGNORECASE)
_HEX = re.compile(r"hex(?:\(([0-9A-Fa-f]{1,8})\))?:(.*)\Z", re.IGNORECASE | re.DOTALL)
_DELETED = re.compile(r"-[ \t]*(?:;.*)?\Z")
_BREAKS = {"n": "\n", "r": "\r", "0": "\0"}


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One line of a .reg file: a key (``name`` is None) or a value that is to be there or (``gone``) not."""

    key: str
    name: str | None = None
    value: Value | None = None
    gone: bool = False
    line: int = 0


def decode(content: bytes, encoding: str | None, where: str) -> str:
    """The text of a .reg file; ``encoding`` is Python's name of the code page of one that is not Unicode."""
    for mark, name in (
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF8, "utf-8"),
    ):
        if content.startswith(mark):
            return _decode(content[len(mark) :], name, where)
    if encoding:
        return _decode(content, encoding, where)
    if not content.isascii():
        raise SettingsError(
            "A .reg file is not Unicode and has letters beyond ASCII",
            where,
            "It was written in the code page of some Windows",
            "Name it by encoding, for instance cp1251 (Cyrillic) or cp1252 (Western Europe)",
        )
    return content.decode("ascii")


def _decode(content: bytes, encoding: str, where: str) -> str:
    try:
        return content.decode(encoding, "surrogatepass" if encoding.startswith("utf-16") else "strict")
    except LookupError:
        problem, remedy = f"The encoding {encoding} is not known", "Write it as cp1251, cp1252, cp866 or utf-8"
    except UnicodeError:
        problem, remedy = f"A .reg file is not {encoding}", "Name its real encoding, or save it once more in regedit"
    raise SettingsError(problem, where, "The file does not begin with what is read as such", remedy)


def parse(
    content: bytes, encoding: str | None = None, where: str = "a .reg file", exported: bool = False
) -> list[Instruction]:
    """All instructions of a .reg file. ``exported``: written by reg.exe itself, whose Wine spells line breaks as ``\\n``."""
    # Only these end a line: a text may hold every other separator that Unicode has.
    lines = re.split(r"\r\n|\n|\r", decode(content, encoding, where))
    header = lines[0].strip(" \t")
    if header not in (VERSION_5, VERSION_4):
        raise SettingsError(
            "A file does not begin as a .reg file does",
            where,
            "Is it another file, or is its encoding another one?",
            f"Its first line is {VERSION_5} or {VERSION_4}",
        )
    page = (encoding or "ascii") if header == VERSION_4 else None
    return _Parser(lines, page, where, exported).run()


class _Parser:
    def __init__(self, lines: list[str], page: str | None, where: str, exported: bool) -> None:
        self.lines = lines
        self.page = page
        self.file = where
        self.exported = exported
        self.at = 0
        self.key: str | None = None
        self.deleted = False
        self.found: list[Instruction] = []

    @property
    def where(self) -> str:
        return f"{self.file}, line {self.at + 1}"

    def run(self) -> list[Instruction]:
        self.at = 1
        while self.at < len(self.lines):
            line = self.lines[self.at].strip(" \t")
            if line.startswith("["):
                self._section(line)
            elif line.startswith(('"', "@")):
                self._entry(line)
            elif line and not line.startswith(";"):
                raise self._wrong("A line is neither a key, nor a value, nor a comment")
            self.at += 1
        return self.found

    def _section(self, line: str) -> None:
        # a key may have brackets in its own name, and only a comment may follow
        end = line.rfind("]")
        if not _REST.match(line[end + 1 :]):
            end = -1
        name = line[1:end] if end > 0 else ""
        self.deleted = name.startswith("-")
        hive, rest = split_hive(name[1:] if self.deleted else name)
        if not hive or not rest:
            raise self._wrong("A key in brackets does not begin with a hive and a name below it")
        self.key = f"{hive}\\{clean(rest, self.where)}"
        self.found.append(Instruction(self.key, gone=self.deleted, line=self.at + 1))

    def _entry(self, line: str) -> None:
        if self.key is None:
            raise self._wrong("A value stands before the first key")
        if self.deleted:
            raise self._wrong("A value stands below a key that is deleted")
        start = self.at
        if line.startswith("@"):
            name, rest = "", line[1:]
        else:
            name, rest = self._text(line)
            if not self.exported:
                name = clean_name(name, self.where)
        rest = rest.lstrip(" \t")
        if not rest.startswith("="):
            raise self._wrong("No = follows the name of a value")
        rest = rest[1:].lstrip(" \t")
        if _DELETED.match(rest):
            self.found.append(Instruction(self.key, name, gone=True, line=start + 1))
            return
        self.found.append(Instruction(self.key, name, self._data(rest), line=start + 1))

    def _data(self, rest: str) -> Value:
        if rest.startswith('"'):
            read, rest = self._text(rest)
            if not _REST.match(rest):
                raise self._wrong("Something follows the closing quotation mark")
            if "\0" in read and not self.exported:
                raise self._wrong("A text holds a NUL")
            return values.text(values.STRING, read)
        if found := _DWORD.match(rest):
            return values.integer(values.DWORD, int(found.group(1), 16))
        if found := _HEX.match(rest):
            number = int(found.group(1), 16) if found.group(1) else values.BINARY
            return Value(number, self._wide(number, self._hex(found.group(2))))
        raise self._wrong('The data of a value is none of "text", dword:, hex:, hex(number): and -')

    def _text(self, rest: str) -> tuple[str, str]:
        """A text in quotation marks, which may go over several lines, and what follows it."""
        while not (found := _QUOTED.match(rest)):
            if self.at + 1 >= len(self.lines):
                raise self._wrong("A quotation mark is never closed")
            self.at += 1
            rest = f"{rest}\r\n{self.lines[self.at]}"
        return re.sub(r"\\(.)", self._unescape, found.group(1), flags=re.DOTALL), rest[found.end() :]

    def _unescape(self, found: re.Match[str]) -> str:
        letter = found.group(1)
        if letter in '\\"':
            return letter
        if self.exported and letter in _BREAKS:
            return _BREAKS[letter]
        raise self._wrong("A backslash in quotation marks is not doubled")

    def _hex(self, rest: str) -> bytes:
        """The bytes of a list that may go on in the next lines, between which comments and empty lines may stand."""
        digits = []
        while True:
            line = rest.partition(";")[0].strip(" \t")
            more = line.endswith("\\")
            digits.append(line[:-1] if more else line)
            if not more:
                break
            self.at += 1
            while self.at < len(self.lines) and re.match(r"[ \t]*(;|\Z)", self.lines[self.at]):
                self.at += 1
            if self.at >= len(self.lines):
                break
            rest = self.lines[self.at]
        parts = [part.strip(" \t") for part in "".join(digits).split(",")]
        if parts[-1] == "":
            parts.pop()
        if not all(re.fullmatch(r"[0-9A-Fa-f]{1,2}", part) for part in parts):
            raise self._wrong("A list of hexadecimal bytes has something else in it")
        return bytes(int(part, 16) for part in parts)

    def _wide(self, number: int, data: bytes) -> bytes:
        """In a REGEDIT4 file the bytes of texts are those of the code page, not UTF-16."""
        if self.page is None or number not in (values.STRING, values.EXPANDSTRING, values.MULTISTRING):
            return data
        return _decode(data, self.page, self.where).encode("utf-16-le")

    def _wrong(self, what: str) -> SettingsError:
        return SettingsError(what, self.where, "reg import would pass over it in silence", "Correct the file")
