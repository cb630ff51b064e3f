# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The lines of a Windows Installer log (/L*V) that say why it failed.

The words of the log are those of the host's language; what is looked for is not: lines that tell the end of an action (a time,
its name, and a number last), and messages with an error number between 1000 and 2999 behind two hyphens.

Windows ends an action that failed with 3, and every one around it. Wine ends it with 0, as it does those that have nothing to
do; there the outermost one ended with 0, too, and what ended right before that is what failed. Values of properties (at the end of
the log, where one changes, in command lines, and handed to a custom action) say nothing about the reason, and may be what
somebody regards as secret: they are left out.
"""

from __future__ import annotations

import re

_ENDED = re.compile(r"^\D*\d{1,2}:\d\d:\d\d: (?P<name>[\w.]+?)[.:]? .*\b(?P<value>\d)\.?$")
_PROPERTY = re.compile(r"^Property\(\w\): |\]: (?:PROPERTY CHANGE: |[ \t]*Command ?Line: )|^[ \t]*CommandLine: ")
_DATA = re.compile(r"\bCustomActionData=.*")
# The sequences of msiexec, which every installation is in (learn.microsoft.com, "Using a Sequence Table").
_OUTERMOST = ("INSTALL", "ADMIN", "ADVERTISE")
_FAILED, _DONE, _NOTHING = "3", "1", "0"
_ERROR = re.compile(
    r"^MSI \(\w\) .*\]: [^:]{1,40}: .* -- |-- \D{0,40}\b[12]\d{3}\b|^\D{0,40}\b[12]\d{3}\. |"
    # tables that a package has not, which every log begins with
    r"\b1: (?!22(?:05|28|61|62)\b)[12]\d{3} 2: "
)
BEFORE, MOST = 8, 40
LIMIT, DEADLINE = 32 * 1024 * 1024, 600.0
"""Bytes of the largest log that is read, and the seconds for it: one of some thousand files has more than ten million."""


def text_of(content: bytes) -> str:
    """The log as text: UTF-16 with or without a mark, or the code page of an older Windows."""
    if content[:2] == b"\xff\xfe" or content[1:2] == b"\0":
        return content.decode("utf-16", errors="replace").lstrip("\ufeff")
    return content.decode("utf-8", errors="replace")


def decisive(content: bytes) -> list[str]:
    """At most MOST lines: around the action that failed first, and the messages with an error number that are nearest to it."""
    lines = [_DATA.sub("CustomActionData=********", line.strip()) for line in text_of(content).splitlines()]
    lines = [line for line in lines if line and not _PROPERTY.search(line)]
    ended = _failed(lines)
    wanted = {at for at, line in enumerate(lines) if _ERROR.search(line)}
    failed = ended[0] if ended else len(lines)
    wanted = set(sorted(wanted, key=lambda at: abs(at - failed))[: MOST // 2])
    if ended:
        wanted |= set(range(max(0, ended[0] - BEFORE), ended[0] + 1)) | set(ended[:4])
    if not wanted:
        wanted = set(range(max(0, len(lines) - BEFORE), len(lines)))
    return [lines[at][:500] for at in sorted(wanted)][:MOST]


def _failed(lines: list[str]) -> list[int]:
    """Where the actions that failed ended, in the order in which they did."""
    ends = [(at, found) for at, line in enumerate(lines) if (found := _ENDED.match(line))]
    failed = [at for at, found in ends if found["value"] == _FAILED]
    if failed:
        return failed
    for place, (at, found) in enumerate(ends):
        if found["name"] in _OUTERMOST and found["value"] == _NOTHING:
            before = ends[place - 1] if place else (at, found)
            return [before[0], at] if before[1]["value"] != _DONE else [at]
    return []
