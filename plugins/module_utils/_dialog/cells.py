# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Rows of a terminal's screen."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = "\0"  # a character that no cell has
_HIDDEN = re.compile(f"{HIDDEN}+")


class Typed(str):
    """A cell that shows what was typed."""

    __slots__ = ()


class Secret(Typed):
    """A cell that shows a secret that was typed."""

    __slots__ = ()


class Row:
    """One row.

    cells: one string each, "" beside a wide character. joined: it continues the row above. cut: it continued one that is gone.
    said: it was handed out as this text. typed: some cells are ``Typed``.
    """

    __slots__ = ("cells", "cut", "joined", "said", "typed")

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.joined = False
        self.cut = False
        self.said = ""
        self.typed = False

    def hide(self) -> None:
        """What stands in it is a rest that would not be known as a secret: show nothing of it."""
        self.cells[:] = [cell if cell == " " else Secret(cell) for cell in self.cells]
        self.typed = True
        self.cut = False

    def text(self, first: int = 0, last: int | None = None) -> str:
        """What was printed, without what was typed."""
        cells = self.cells[first:last]
        return "".join([cell for cell in cells if not isinstance(cell, Typed)] if self.typed else cells)

    def shown(self) -> str:
        """What is seen, with ``HIDDEN`` for each character of a secret that was typed."""
        if not self.typed:
            return "".join(self.cells)
        return "".join([HIDDEN if isinstance(cell, Secret) else cell for cell in self.cells])


def without_secrets(shown: str) -> str:
    """One mask for each typed secret, however long it is and however many rows it takes."""
    return _HIDDEN.sub("********", shown) if HIDDEN in shown else shown


def width(character: str) -> int:
    """Cells that it takes: 0, 1 or 2."""
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
