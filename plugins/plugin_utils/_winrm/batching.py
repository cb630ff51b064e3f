# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Many questions in one command line, each with its own exit code.

    echo M&(question 1)<nul&call echo M.0.%^errorlevel%&ver>nul&(question 2)<nul&call echo M.1.%^errorlevel%&…

``%errorlevel%`` would be replaced before anything runs. ``%^errorlevel%`` names no variable and stays; then ``^`` goes,
and ``call`` reads its line a second time, when the question has ended. So neither delayed expansion (``cmd /v:on``, which
eats every ``!`` of the line) nor a batch file on the host is needed. ``ver`` sets the exit code back to 0 for questions
that never set one. M is drawn for each line: no output can be taken for it, and what a host's AutoRun prints is in front
of the first. A question that breaks the line's grammar, or ends cmd.exe, leaves answers out: they are asked for alone.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import Sequence

from .quoting import LINE_LIMIT, line, units
from .runner import Answer, Ask

EXIT_CODES = 1 << 32
NO_GRAMMAR = 255
"""What cmd.exe gives in a batch file for a line that it cannot read; from /c some give 0."""


@dataclasses.dataclass(frozen=True)
class Bundle:
    """One command line and what it asks."""

    asks: tuple[Ask, ...]
    marker: str
    command: str

    def share(self, output: bytes) -> float:
        """How much of it has been answered in this output, from 0.0 to 1.0."""
        return min(1.0, output.count(f"{self.marker}.".encode()) / len(self.asks))


def new_marker() -> str:
    """A word that no output contains by chance."""
    return f"~{secrets.token_hex(5)}"


def bundles(asks: Sequence[Ask], *, limit: int = LINE_LIMIT, marker: str = "") -> list[Bundle]:
    """The questions in their order, in as few command lines as fit. Raises CommandTooLong for one that never fits.

    Raises ValueError for two questions of one name.
    """
    names = [ask.name for ask in asks]
    if len(set(names)) != len(names):
        raise ValueError(f"two questions of one name: {sorted({name for name in names if names.count(name) > 1})}")
    result: list[Bundle] = []
    word = marker or new_marker()
    chosen: list[Ask] = []
    length = 0
    for ask in asks:
        # written for the position that makes it longest, so that the line's length is never more than their sum
        needed = units(_part(word, 9999, ask))
        if chosen and length + needed > limit:
            result.append(_bundle(chosen, word))
            chosen, length = [], 0
        length = (length or units(_head(word))) + needed
        chosen.append(ask)
    if chosen:
        result.append(_bundle(chosen, word))
    return result


def _bundle(asks: list[Ask], marker: str) -> Bundle:
    text = _head(marker) + "".join(_part(marker, index, ask) for index, ask in enumerate(asks))
    return Bundle(tuple(asks), marker, line(text.removesuffix("&ver>nul")))


def _head(marker: str) -> str:
    return f"echo {marker}"


def _part(marker: str, index: int, ask: Ask) -> str:
    return f"&({ask.command})<nul&call echo {marker}.{index}.%^errorlevel%&ver>nul"


def read(bundle: Bundle, whole: Answer) -> tuple[dict[str, Answer], tuple[Ask, ...]]:
    """The answers that are in a command line's output, and the questions without one.

    A question that was asked alone always has one: the line's own exit code, if it has no other.
    """
    output = whole.stdout
    marker = re.escape(bundle.marker.encode())
    start = re.search(marker + rb"[ ]*\r?\n", output)
    answers: dict[str, Answer] = {}
    position = start.end() if start else 0
    for found in re.finditer(marker + rb"\.(\d+)\.(-?\d+)[ ]*\r?\n", output):
        index, code = int(found[1]), int(found[2]) % EXIT_CODES
        if index < len(bundle.asks):
            answers[bundle.asks[index].name] = Answer(code, output[position : found.start()], whole.stderr)
        position = found.end()
    if len(bundle.asks) == 1 and not answers:
        # without even the first marker nothing ran: whatever cmd.exe says, that is no success
        code = whole.exit_code or (0 if start else NO_GRAMMAR)
        answers[bundle.asks[0].name] = Answer(code, output[position:], whole.stderr)
    return answers, tuple(ask for ask in bundle.asks if ask.name not in answers)
