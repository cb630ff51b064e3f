# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Values that an installer gave: in one run, and in those before it."""

from __future__ import annotations

import dataclasses
import typing as t

FORMER = 20
"""Replaced values that are kept of one, so that no flood fills the journal."""


@dataclasses.dataclass
class Captured:
    """A value that was seen; ``changes``: how often another one followed."""

    value: str
    changes: int = 0
    fits: bool = True
    """Whether it has the form that was asked for."""
    former: tuple[str, ...] = ()
    """Those that fitted as well and were replaced, the first ones: one of them may be what was generated."""

    def followed_by(self, text: str, fits: bool) -> Captured:
        """Another one takes its place."""
        if not self.fits:
            return Captured(text, self.changes, fits, self.former)
        former = dict.fromkeys((*self.former, self.value))
        former.pop(text, None)
        return Captured(text, self.changes + 1, fits, tuple(former)[:FORMER])


def with_earlier(values: dict[str, Captured], earlier: t.Sequence[dict[str, str]]) -> dict[str, str]:
    """Values by name, with those of earlier runs, the latest first.

    What a run generated belongs together: of one that has another value than is known already nothing is taken.
    """
    known = {name: seen.value for name, seen in values.items()}
    for run in reversed(earlier):
        if all(known.get(name, text) == text for name, text in run.items()):
            known.update(run)
    return known
