# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The lines of a Windows Installer log (/L*V) that say why it failed.

The words of the log are those of the host's language; what is looked for is not: the number 3 at the end of a line that
begins with an action's end (its time and name are there), messages with an error number between 1000 and 2999 behind two
hyphens, and what stands before the first of them.
"""

from __future__ import annotations

import re

_ENDED = re.compile(r"^\D*\d{1,2}:\d\d:\d\d: [\w.]+[.:]? .*\b3\.?$")
_ERROR = re.compile(
    r"^MSI \(\w\) .*\]: [^:]{1,40}: .* -- |-- \D{0,40}\b[12]\d{3}\b|^\D{0,40}\b[12]\d{3}\. |\b1: [12]\d{3} 2: "
)
BEFORE, MOST = 8, 40


def text_of(content: bytes) -> str:
    """The log as text: UTF-16 with or without a mark, or the code page of an older Windows."""
    if content[:2] == b"\xff\xfe" or content[1:2] == b"\0":
        return content.decode("utf-16", errors="replace").lstrip("\ufeff")
    return content.decode("utf-8", errors="replace")


def decisive(content: bytes) -> list[str]:
    """At most MOST lines: around the first action that ended with 3, and every message with an error number."""
    lines = [line.strip() for line in text_of(content).splitlines()]
    ended = [at for at, line in enumerate(lines) if _ENDED.search(line)]
    wanted = {at for at, line in enumerate(lines) if _ERROR.search(line)}
    wanted = set(sorted(wanted)[: MOST // 2])
    if ended:
        wanted |= set(range(max(0, ended[0] - BEFORE), ended[0] + 1)) | set(ended[:4])
    if not wanted:
        wanted = set(range(max(0, len(lines) - BEFORE), len(lines)))
    return [lines[at][:500] for at in sorted(wanted) if lines[at]][:MOST]
