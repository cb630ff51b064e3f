# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Texts in a command line of cmd.exe, as WinRM's shell starts it: ``cmd.exe /c LINE``, which is not a batch file.

What the line goes through, in this order (learn.microsoft.com, "cmd"; the order of the phases is folklore, tested for
years): ``%NAME%`` is replaced where such a variable exists and stays as it is otherwise (there is no ``%%``); outside of
quotation marks ``^`` takes the meaning from the next character, and ``& | < > ( )`` have theirs; then the program splits
what is left by the rules of Microsoft's C runtime, where ``\\"`` is a quotation mark. ``!`` means nothing, unless the
host's registry switches delayed expansion on for every cmd.exe.
"""

from __future__ import annotations

import re

from .errors import CommandTooLong, Unspeakable

LIMIT = 8191
"""UTF-16 units that cmd.exe takes in one line."""

LINE_LIMIT = LIMIT - len(r'C:\Windows\system32\cmd.exe /c ""')
"""Units left for a command, whichever way the host counts its own part."""

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NO_FILE_NAME = re.compile(r'[\t"<>|?*]')
_BACKSLASHES = re.compile(r'(\\*)"')
_SPECIAL = re.compile(r'([()%!^"<>&|:])')


def units(text: str) -> int:
    """UTF-16 code units, the measure of every limit on Windows: an emoji counts two."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def argument(text: str) -> str:
    """One argument of a program, which gets exactly this text (if it splits its line as Microsoft's C runtime does).

    In a line with pipes a text with a quotation mark cannot be used: cmd.exe reads both sides of a pipe twice.
    Raises Unspeakable for control characters.
    """
    _refuse_controls(text, "an argument")
    if '"' not in text:
        return _quoted(text)
    doubled = _BACKSLASHES.sub(r'\1\1\\"', text)
    trailing = len(doubled) - len(doubled.rstrip("\\"))
    return _SPECIAL.sub(r"^\1", f'"{doubled}{trailing * chr(92)}"')


def path(text: str) -> str:
    """A path, for programs, for cmd.exe's own commands (``type``, ``if exist``, ``move``) and behind ``>``.

    Raises Unspeakable for what no file name can have: ``" < > | ? *`` and control characters.
    """
    _refuse_controls(text, "a path")
    bad = _NO_FILE_NAME.search(text)
    if bad:
        raise Unspeakable(
            f"{text!r} is not a path of Windows",
            "controller",
            f"No file name can have {'a tab' if bad.group() == chr(9) else bad.group()}",
            "Give the path without it and without quotation marks around it",
        )
    return _quoted(text)


def line(command: str, where: str = "controller") -> str:
    """A whole command line as it is sent.

    ``cmd /c "C:\\a b\\c.exe" "d"`` would lose its first and its last quotation mark; behind ``@`` the first character is
    none, and nothing is taken away. Raises CommandTooLong and Unspeakable.
    """
    _refuse_controls(command, "a command line")
    if command.lstrip().startswith('"'):
        command = f"@{command.lstrip()}"
    length = units(command)
    if length > LINE_LIMIT:
        raise CommandTooLong(
            f"A command line of {length} characters cannot be sent",
            where,
            f"cmd.exe takes {LIMIT}, of which {LINE_LIMIT} are left for the command",
            "Give fewer or shorter arguments, or let the command read them from a file",
        )
    return command


def _quoted(text: str) -> str:
    """In quotation marks; of ``%NAME%`` each ``%`` between two of them: a variable's name would have to contain one.

    A ``%`` alone stays: up to the next one in the line there is a quotation mark anyway. Not so before a colon: of
    ``%NAME:this=that%`` only the name must not contain one. Nothing is escaped, so that it can
    be read a second time, as cmd.exe does with both sides of a pipe. Backslashes in front of a quotation mark are doubled
    for the C runtime; two in a row are one for everything that opens files.
    """
    _before, percent, behind = text.partition("%")
    parts = text.split("%") if percent and ("%" in behind or ":" in behind) else [text]
    closed = [part + "\\" * (len(part) - len(part.rstrip("\\"))) for part in parts]
    return '"' + '"%"'.join(closed) + '"'


def _refuse_controls(text: str, what: str) -> None:
    bad = _CONTROLS.search(text)
    if bad:
        raise Unspeakable(
            f"{what.capitalize()} has the character U+{ord(bad.group()):04X}",
            "controller",
            "A command line of cmd.exe ends there, or the host cannot be told about it",
            "Remove it, or hand the text over in a file",
        )
