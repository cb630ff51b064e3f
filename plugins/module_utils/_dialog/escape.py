# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a program writes to a terminal, cut into text and commands (ECMA-48, as xterm reads it).

A parser of its own because what comes is not to be trusted: no sequence, however long or unfinished, may take more than
``LONGEST`` characters of memory or swallow what follows it. The terminal emulation is compared with pyte in the tests.
"""

from __future__ import annotations

import re

LONGEST = 4096
"""An unfinished sequence of more characters is dropped, and what follows is text again."""

TEXT, CONTROL, CSI, ESC = "text", "control", "csi", "esc"

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|(?:\x1b\[|\x9b)(?P<csi>[0-?]*[ -/]*[@-~])"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])(?P<string>[^\x07\x1b\x9c\x18\x1a]*(?:\x07|\x1b\\|\x9c|[\x18\x1a]|\x1b(?=[^\\])))"
    r"|\x1b(?P<esc>[ -/]*[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x8f\x91-\x97\x99\x9a\x9c])"
)
# A sequence that may still become one.
_UNFINISHED = re.compile(
    r"\x1b\Z|(?:\x1b\[|\x9b)[0-?]*[ -/]*\Z|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\x18\x1a]*\x1b?\Z|\x1b[ -/]+\Z"
)


class Parser:
    """Cuts text that comes in pieces of any size."""

    def __init__(self) -> None:
        self._rest = ""

    @property
    def unfinished(self) -> bool:
        """Whether what was fed ends within a sequence."""
        return bool(self._rest)

    def feed(self, text: str):
        """Yields (kind, content): text; one control character; parameters and final character of CSI; of ESC."""
        text = self._rest + text
        self._rest = ""
        position, end = 0, len(text)
        match = _TOKEN.match
        while position < end:
            found = match(text, position)
            if found:
                position = found.end()
                kind = found.lastgroup
                if kind != "string":
                    yield kind, found.group(kind)
                continue
            if end - position < LONGEST and _UNFINISHED.match(text, position):
                self._rest = text[position:]
                return
            # Nothing that a terminal knows, or too long: the introducer is dropped.
            position += 2 if text[position] == "\x1b" and text[position + 1 : position + 2] in "[]PX^_" else 1
