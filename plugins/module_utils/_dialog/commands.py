# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What control characters and sequences do to a screen."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog.cells import Row

MOST_REPLIES = 16
"""Answers that are kept for a program that asks its terminal and does not read them."""


class Commands:
    """The half of ``screen.Screen`` that moves the cursor and removes what was drawn."""

    rows: list[Row]
    x: int
    y: int
    top: int
    bottom: int
    columns: int
    height: int
    base: int
    mark: tuple[int, int]
    asked: list[str]

    # Control characters and sequences

    def _control(self, character: str) -> None:
        if character in "\n\x0b\x0c\x85":
            self._line_feed()
            if character == "\x85":
                self.x = 0
        elif character == "\r":
            self.x = 0
        elif character == "\x08":
            self.x = max(0, min(self.x, self.columns - 1) - 1)
        elif character == "\t":
            self.x = min(self.columns - 1, (self.x // 8 + 1) * 8)
        elif character == "\x84":
            self._line_feed()
        elif character == "\x8d":
            self._reverse_index()

    def _line_feed(self) -> None:
        if self._echo:
            self._no_echo()
        self._say(self.y)
        self._index()

    def _index(self) -> None:
        """Down by one row; at the lower margin everything moves up."""
        if self.y == self.bottom:
            self._scroll(1)
        elif self.y < self.height - 1:
            self.y += 1

    def _reverse_index(self) -> None:
        if self.y == self.top:
            self._move_down(self.top)
        elif self.y:
            self.y -= 1

    def _scroll(self, count: int) -> None:
        for _number in range(min(count, self.height)):
            first = self.rows[self.top]
            if not first.said and first.cells:
                self._say(self.top)
            self._take_out(self.top)
            self._part(self.bottom + 1)
            del self.rows[self.top]
            self.rows.insert(self.bottom, Row())
            if self.top == 0:
                self.base += 1

    def _move_down(self, y: int) -> None:
        """An empty row at this place; the one at the lower margin is gone."""
        self._say(self.bottom)
        self._part(y)
        self._take_out(self.bottom)
        self.rows.insert(y, Row())
        del self.rows[self.bottom + 1]

    def _take_out(self, y: int) -> None:
        self._part(y)
        self._part(y + 1)

    def _part(self, y: int, say: bool = True) -> None:
        """The row above this one goes away, or elsewhere: if this one continues it, it is a rest from now on."""
        if y >= self.height or not self.rows[y].joined:
            return
        first = self._first(y)
        if say and not self.rows[first].said:
            self._say(y)
        row = self.rows[y]
        row.joined, row.cut = False, True
        # The halves of a line that was handed out are nothing new.
        row.said = self._line(y, self._last(y))[1]
        if say:
            self.rows[first].said = self._line(first, y - 1)[1]

    def _touched(self) -> list[str]:
        """The cells of the cursor's row, of which some are to change: what is drawn over a rest is a line of its own."""
        row = self.rows[self.y]
        if row.cut:
            self._part(self.y + 1, say=False)
            row.hide()
        return row.cells

    def _escape(self, content: str) -> None:
        if content == "7":
            self.saved = (self.x, self.y)
        elif content == "8":
            self.x, self.y = self.saved
        elif content in ("D", "E"):
            self._line_feed()
            self.x = 0 if content == "E" else self.x
        elif content == "M":
            self._reverse_index()
        elif content == "c":
            self.finish()
            self.base += self.height
            self._reset()

    def _csi(self, content: str) -> None:
        final, parameters = content[-1], content[:-1]
        if parameters[:1] in ("?", ">", "=", "<") or parameters[-1:] in (" ", "!", '"', "$", "'", "*", "+"):
            if parameters[:1] == "?" and final in "hl":
                self._mode(parameters[1:], final == "h")
            return
        numbers = [min(int(one), 9999) if one.isdigit() and len(one) < 6 else 0 for one in parameters.split(";")]
        method = self._METHODS.get(final)
        if method:
            method(self, numbers[0], numbers)

    def _mode(self, parameters: str, on: bool) -> None:
        for mode in parameters.split(";"):
            if mode == "7":
                self.wrap = on
            elif mode in ("47", "1047", "1049") and on and not self.main:
                self.main = (self.rows, self.x, self.y, self.mark)
                self.rows = [Row() for _number in range(self.height)]
                self._seen_anew(0, 0)
            elif mode in ("47", "1047", "1049") and not on and self.main:
                self._leave_alternate()

    def _leave_alternate(self) -> None:
        self._say_rest(0, self.height - 1)
        self.rows, self.x, self.y, mark = self.main
        self.mark = mark or (self.base + self.y, self.x)
        self.main = None

    def _move(self, x: int, y: int) -> None:
        self.x = max(0, min(x, self.columns - 1))
        self.y = max(0, min(y, self.height - 1))

    def _up(self, count: int, _all: list[int]) -> None:
        limit = self.top if self.y >= self.top else 0
        self._move(self.x, max(limit, self.y - (count or 1)))

    def _down(self, count: int, _all: list[int]) -> None:
        limit = self.bottom if self.y <= self.bottom else self.height - 1
        self._move(self.x, min(limit, self.y + (count or 1)))

    def _right(self, count: int, _all: list[int]) -> None:
        self._move(self.x + (count or 1), self.y)

    def _left(self, count: int, _all: list[int]) -> None:
        self._move(min(self.x, self.columns - 1) - (count or 1), self.y)

    def _next_line(self, count: int, all_: list[int]) -> None:
        self._down(count, all_)
        self.x = 0

    def _previous_line(self, count: int, all_: list[int]) -> None:
        self._up(count, all_)
        self.x = 0

    def _column(self, column: int, _all: list[int]) -> None:
        self._move((column or 1) - 1, self.y)

    def _to_row(self, row: int, _all: list[int]) -> None:
        self._move(self.x, (row or 1) - 1)

    def _position(self, row: int, numbers: list[int]) -> None:
        self._move((numbers[1] if len(numbers) > 1 and numbers[1] else 1) - 1, (row or 1) - 1)

    def _erase_line(self, how: int, _all: list[int]) -> None:
        cells = self._touched()
        if how == 2 or (how == 0 and not self.x):
            self._part(self.y + 1, say=False)
            self.rows[self.y].joined = False
        if how == 0:
            del cells[self.x :]
        elif how == 1:
            size = min(self.x + 1, len(cells))
            cells[:size] = [" "] * size
        elif how == 2:
            cells.clear()
        self._seen_anew(self.y, self.x if how == 0 else 0)

    def _erase_screen(self, how: int, _all: list[int]) -> None:
        if how == 0:
            self._erase_line(0, _all)
            self._clear(self.y + 1, self.height - 1)
        elif how == 1:
            self._clear(0, self.y - 1)
            self._erase_line(1, _all)
        elif how == 2:
            self._clear(0, self.height - 1)

    def _clear(self, first: int, last: int) -> None:
        if first > last:
            return
        self._say_rest(first, last)
        self._part(last + 1)
        for y in range(first, last + 1):
            self.rows[y] = Row()
        self._seen_anew(first, 0)

    def _seen_anew(self, y: int, x: int) -> None:
        """What is drawn there from now on was not there when the last answer was given."""
        self.mark = min(self.mark, (self.base + y, x))

    def _erase_characters(self, count: int, _all: list[int]) -> None:
        cells = self._touched()
        last = min(self.x + (count or 1), len(cells))
        if last > self.x:
            cells[self.x : last] = [" "] * (last - self.x)

    def _delete_characters(self, count: int, _all: list[int]) -> None:
        del self._touched()[self.x : self.x + (count or 1)]

    def _insert_characters(self, count: int, _all: list[int]) -> None:
        cells = self._touched()
        if self.x < len(cells):
            cells[self.x : self.x] = [" "] * min(count or 1, self.columns)
            del cells[self.columns :]

    def _insert_lines(self, count: int, _all: list[int]) -> None:
        if self.top <= self.y <= self.bottom:
            for _number in range(min(count or 1, self.bottom - self.y + 1)):
                self._move_down(self.y)
            self.x = 0

    def _delete_lines(self, count: int, _all: list[int]) -> None:
        if self.top <= self.y <= self.bottom:
            for _number in range(min(count or 1, self.bottom - self.y + 1)):
                self._say(self.y)
                self._take_out(self.y)
                self._part(self.bottom + 1)
                del self.rows[self.y]
                self.rows.insert(self.bottom, Row())
            self.x = 0

    def _scroll_up(self, count: int, _all: list[int]) -> None:
        self._scroll(count or 1)

    def _scroll_down(self, count: int, _all: list[int]) -> None:
        for _number in range(min(count or 1, self.height)):
            self._move_down(self.top)

    def _margins(self, top: int, numbers: list[int]) -> None:
        bottom = numbers[1] if len(numbers) > 1 and numbers[1] else self.height
        top, bottom = max(top, 1) - 1, min(bottom, self.height) - 1
        if top < bottom:
            self.top, self.bottom = top, bottom
            self.x = self.y = 0

    def _save(self, _count: int, _all: list[int]) -> None:
        self.saved = (self.x, self.y)

    def _restore(self, _count: int, _all: list[int]) -> None:
        self.x, self.y = self.saved

    def _report(self, what: int, _all: list[int]) -> None:
        if what == 6 and len(self.asked) < MOST_REPLIES:
            self.asked.append(f"\x1b[{self.y + 1};{min(self.x, self.columns - 1) + 1}R")
        elif what == 5 and len(self.asked) < MOST_REPLIES:
            self.asked.append("\x1b[0n")

    def _identify(self, what: int, _all: list[int]) -> None:
        if what == 0 and len(self.asked) < MOST_REPLIES:
            self.asked.append("\x1b[?6c")

    _METHODS: t.ClassVar[dict] = {
        "A": _up, "B": _down, "C": _right, "D": _left, "E": _next_line, "F": _previous_line, "G": _column, "H": _position,
        "J": _erase_screen, "K": _erase_line, "L": _insert_lines, "M": _delete_lines, "P": _delete_characters,
        "S": _scroll_up, "T": _scroll_down, "X": _erase_characters, "@": _insert_characters, "`": _column, "a": _right,
        "c": _identify, "d": _to_row, "e": _down, "f": _position, "n": _report, "r": _margins, "s": _save, "u": _restore,
    }  # fmt: skip
