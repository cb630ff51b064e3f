# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The screen that the installer draws on, and the lines that it writes.

Much as pyte's Screen, with three things that it has not: a row knows that it continues the one above it (so that what was
wrapped can be joined), a cell knows that it was typed and not printed (the echo of an answer), and a megabyte a second is no
load. Colours are not kept. Memory is bounded: the screen, and the lines of one ``feed``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog.cells import (
    Row,
    Secret,
    Typed,
    width,
    without_secrets,
)
from ansible_collections.onprem.chat.plugins.module_utils._dialog.commands import Commands
from ansible_collections.onprem.chat.plugins.module_utils._dialog.escape import CONTROL, CSI, TEXT, Parser

# Characters that may take no cell or two.
_ODD = re.compile(
    r"[^\x20-\x7e\xa0-\u02ff\u0370-\u0482\u048a-\u058f\u2010-\u2027\u2030-\u205e\u2070-\u20cf\u2100-\u2319\u2400-\u2613]"
)
LONG = 8192
"""A line of more characters is handed out in pieces."""


class Screen(Commands):
    """A terminal of ``columns`` and ``rows``. ``said``: called with each line that is finished (text, text as it may be shown)."""

    def __init__(self, columns: int, rows: int, said: t.Callable[[str, str], None] | None = None) -> None:
        self.columns, self.height = columns, rows
        self.said = said or (lambda text, shown: None)
        self.parser = Parser()
        self.base = 0
        """Rows that have gone off the top; ``base + y`` names a row for ever."""
        self._reset()

    def _reset(self) -> None:
        self.rows = [Row() for _number in range(self.height)]
        self.x = self.y = 0
        self.top, self.bottom = 0, self.height - 1
        self.wrap = True
        self.saved = (0, 0)
        self.main: tuple | None = None
        """While the alternate screen is in use: rows, x, y and mark of the other one."""
        self.asked: list[str] = []
        self._echo = ""
        self._echo_class: type[Typed] = Typed
        self._echo_cells: list[tuple[Row, int]] = []
        self.mark = (self.base, 0)
        """Where the cursor was when the last answer was given."""

    # What is read from it

    def feed(self, text: str) -> None:
        """Draw what the installer wrote."""
        for kind, content in self.parser.feed(text):
            if kind == TEXT:
                self._draw(content)
            elif kind == CONTROL:
                self._control(content)
            elif kind == CSI:
                self._csi(content)
            else:
                self._escape(content)

    def replies(self) -> list[str]:
        """Answers to what a program asked the terminal itself since the last call."""
        asked, self.asked = self.asked, []
        return asked

    def typed(self, answer: str, secret: bool, echo: bool = True) -> None:
        """An answer is being sent: the next prompt stands behind this place, and the echo (if one is due) is known as such."""
        self.mark = (self.base + self.y, min(self.x, self.columns))
        if self.main:
            self.main = (*self.main[:3], None)
        self._echo = answer if echo else ""
        self._echo_class = Secret if secret else Typed
        self._echo_cells = []

    @property
    def echoing(self) -> bool:
        """Whether the echo of the answer has begun and not ended: what is seen may be what was typed."""
        return bool(self._echo and self._echo_cells)

    def before_cursor(self, most: int = 4096) -> str:
        """What was printed between the last answer and the cursor, at most its last characters; wrapped rows are joined."""
        parts: list[str] = []
        size, y = 0, self.y
        while y >= 0 and size < most and self.base + y >= self.mark[0]:
            row = self.rows[y]
            first = self.mark[1] if self.base + y == self.mark[0] else 0
            text = row.text(first, self.x if y == self.y else None)
            if y == self.y and self.x > len(row.cells):
                text += " " * min(self.x - max(len(row.cells), first), self.columns)
            if y != self.y and not self.rows[y + 1].joined:
                text = text.rstrip() + "\n"
            parts.append(text)
            size += len(text)
            y -= 1
        return "".join(reversed(parts))[-most:]

    def lines(self, without_cursor: bool = False) -> list[tuple[str, str]]:
        """What stands on the screen, one (text, shown) a line; wrapped rows are joined, empty lines at the end left out."""
        found: list[tuple[str, str]] = []
        y = 0
        while y < self.height:
            last = self._last(y)
            # Of a line whose beginning is gone the rest is left out: a secret in it would not be known by its end.
            if not self.rows[y].cut and not (without_cursor and y <= self.y <= last):
                found.append(self._line(y, last))
            y = last + 1
        while found and not found[-1][1]:
            found.pop()
        return found

    def finish(self) -> None:
        """The installer has ended: hand out what was not yet."""
        if self.main:
            self._leave_alternate()
        self._say_rest(0, self.height - 1)

    # Lines

    def _first(self, y: int) -> int:
        while y > 0 and self.rows[y].joined:
            y -= 1
        return y

    def _last(self, y: int) -> int:
        while y + 1 < self.height and self.rows[y + 1].joined:
            y += 1
        return y

    def _line(self, first: int, last: int) -> tuple[str, str]:
        rows = self.rows[first : last + 1]
        return "".join([row.text() for row in rows]).rstrip(), without_secrets(
            "".join([row.shown() for row in rows])
        ).rstrip()

    def _say(self, y: int) -> None:
        """Hand out the line of a row, unless it was and is unchanged."""
        first, last = self._first(y), self._last(y)
        text, shown = self._line(first, last)
        row = self.rows[first]
        if shown != row.said:
            row.said = shown
            self.said(text, shown)

    def _say_rest(self, first: int, last: int) -> None:
        y = first
        while y <= last:
            self._say(y)
            y = self._last(y) + 1

    # Drawing

    def _draw(self, text: str) -> None:
        if self._echo:
            text = self._draw_echo(text)
            if not text:
                return
        if _ODD.search(text):
            for character in text:
                self._put_odd(character)
            return
        start, end = 0, len(text)
        while start < end:
            if self.x >= self.columns:
                if not self.wrap:
                    self._put_run(text[-1], self.columns - 1)
                    return
                self._wrap()
            run = text[start : start + self.columns - self.x]
            self._put_run(run, self.x)
            self.x += len(run)
            start += len(run)

    def _put_run(self, run: t.Sequence[str], x: int) -> None:
        place = (self.base + self.y, x)
        if place < self.mark:
            self.mark = place
        cells = self._touched()
        if len(cells) < x:
            cells.extend(" " * (x - len(cells)))
        cells[x : x + len(run)] = run

    def _draw_echo(self, text: str) -> str:
        """Draws the part of the text that repeats what was typed; returns the rest."""
        size = 0
        for one, other in zip(text, self._echo):  # noqa: B905 - the shorter one ends it
            if one != other:
                break
            size += 1
        for character in text[:size]:
            self._put_odd(character, self._echo_class)
        self._echo = self._echo[size:]
        if self._echo and size < len(text):
            self._no_echo()
        return text[size:]

    def _no_echo(self) -> None:
        """What looked like the echo was not: the first characters happened to be the same."""
        for row, x in self._echo_cells:
            if x < len(row.cells):
                row.cells[x] = str(row.cells[x])
        self._echo, self._echo_cells = "", []

    def _put_odd(self, character: str, kind: type = str) -> None:
        cells = width(character)
        if not cells:
            row = self.rows[self.y].cells
            if 0 < self.x <= len(row) and len(row[self.x - 1]) < 8:
                row[self.x - 1] = type(row[self.x - 1])(row[self.x - 1] + character)
            return
        if self.x + cells > self.columns:
            if self.wrap:
                self._wrap()
            else:
                self.x = self.columns - cells
        self._put_run([kind(character)] + [kind("")] * (cells - 1), self.x)
        if kind is not str:
            row = self.rows[self.y]
            row.typed = True
            self._echo_cells += [(row, x) for x in range(self.x, self.x + cells)]
        self.x += cells

    def _wrap(self) -> None:
        """The text goes on in the next row."""
        first = self._first(self.y)
        if (self.y - first + 2) * self.columns > LONG or (first == 0 and self.y == self.height - 1):
            # Too long to be kept as one: hand it out, and begin another with its last two rows.
            text, shown = self._line(first, self.y)
            self.said(text, shown)
            for row in self.rows[first : self.y + 1]:
                row.said = row.shown().rstrip()
            if self.y > first + 1:
                self.rows[self.y - 1].joined = False
                self.rows[self.y - 1].said = ""
        self.x = 0
        self._index()
        self.rows[self.y].joined = True
