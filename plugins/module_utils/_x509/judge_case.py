# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is judged, and how an answer is put together. Pure: no network, no clock, no disk."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import itertools

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, PASS, SKIP, WARN

from .certificate import Certificate, Key, printable
from .chain import Chain, is_self_signed
from .names import Names, names_of
from .policy import Wanted

DAY = 86400


@dataclasses.dataclass(frozen=True)
class Case:
    """One bundle to be judged.

    presented: as it stands in the file or was sent; never empty.
    path: from its leaf, through presented and extra certificates, to where it ends.
    """

    presented: tuple[Certificate, ...]
    path: Chain
    wanted: Wanted
    anchors: frozenset[Certificate]
    now: datetime.datetime
    key: Key | None = None

    @property
    def leaf(self) -> Certificate:
        return self.path.leaf

    @functools.cached_property
    def names(self) -> Names:
        return names_of(self.leaf)

    @property
    def links(self) -> list[tuple[Certificate, Certificate]]:
        """Each certificate of the path with the one that signed it."""
        chain = self.path.certificates
        return list(itertools.pairwise(chain))

    def who(self, certificate: Certificate) -> str:
        """A certificate in a text: what it is here, its subject, where it came from."""
        if certificate == self.leaf:
            kind = "the leaf"
        elif is_self_signed(certificate):
            kind = "the root"
        elif certificate in self.path.certificates:
            kind = "the intermediate"
        else:
            kind = "the certificate"
        place = f" ({certificate.origin})" if certificate.origin else ""
        return f"{kind} {certificate.subject}{place}"


class Answer:
    """Collects what was found for one question; the worst counts.

    Findings of the same kind are told together, each hint once.
    """

    def __init__(self) -> None:
        self._found: list[tuple[str, str, str]] = []
        self._skipped = ""

    def fail(self, evidence: str, hint: str) -> None:
        self._found.append((FAIL, evidence, hint))

    def warn(self, evidence: str, hint: str) -> None:
        self._found.append((WARN, evidence, hint))

    def skip(self, evidence: str) -> None:
        self._skipped = evidence

    @property
    def clean(self) -> bool:
        return not self._found

    def told(self, otherwise: str) -> tuple[str, str, str]:
        """Status, evidence and hint; otherwise: the evidence when nothing was found."""
        if self._skipped and not self._found:
            return SKIP, printable(self._skipped), ""
        if not self._found:
            return PASS, printable(otherwise), ""
        worst = FAIL if any(status == FAIL for status, _evidence, _hint in self._found) else WARN
        ordered = sorted(self._found, key=lambda one: one[0] != FAIL)
        evidence = "; ".join(dict.fromkeys(evidence for _status, evidence, _hint in ordered))
        hint = " ".join(dict.fromkeys(hint for _status, _evidence, hint in ordered if hint))
        return worst, printable(evidence), printable(hint)


def day(moment: datetime.datetime) -> str:
    """A moment for texts; certificates say UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
