# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The one shape of every question that the collection asks: preflight, verification and info modules."""

from __future__ import annotations

import dataclasses

PASS = "pass"  # noqa: S105 -- a status
WARN = "warn"
FAIL = "fail"
SKIP = "skip"
STATUSES = (PASS, WARN, FAIL, SKIP)


@dataclasses.dataclass(frozen=True)
class Check:
    """One answered question.

    id: stable dotted name of the question, for example ``xmpp.tls.name``.
    subject: what was asked about, for example ``corp.test`` or ``chat.corp.test:5222``.
    status: ``pass``, ``warn``, ``fail`` or ``skip``.
    evidence: what was seen; never a secret.
    hint: what to do when it did not pass.
    source: the document that asks for it, for example ``RFC 6120 13.7``.
    """

    id: str
    subject: str
    status: str
    evidence: str
    hint: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(
                f"{self.id}: {self.status!r} is no status of a check, expected one of {', '.join(STATUSES)}"
            )

    def as_dict(self) -> dict[str, str]:
        """The check as a module returns it."""
        return dataclasses.asdict(self)


class Checks:
    """Collects checks in the order in which they were asked; a failing one never stops the next."""

    def __init__(self) -> None:
        self._checks: list[Check] = []

    def __iter__(self):
        return iter(self._checks)

    def __len__(self) -> int:
        return len(self._checks)

    def add(self, status: str, id: str, subject: str, evidence: str, hint: str = "", source: str = "") -> Check:
        """Add one check and return it."""
        check = Check(id=id, subject=subject, status=status, evidence=evidence, hint=hint, source=source)
        self._checks.append(check)
        return check

    def passed(self, id: str, subject: str, evidence: str, source: str = "") -> Check:
        return self.add(PASS, id, subject, evidence, source=source)

    def warned(self, id: str, subject: str, evidence: str, hint: str, source: str = "") -> Check:
        return self.add(WARN, id, subject, evidence, hint, source)

    def failed(self, id: str, subject: str, evidence: str, hint: str, source: str = "") -> Check:
        return self.add(FAIL, id, subject, evidence, hint, source)

    def skipped(self, id: str, subject: str, evidence: str, hint: str = "", source: str = "") -> Check:
        return self.add(SKIP, id, subject, evidence, hint, source)

    @property
    def failures(self) -> list[Check]:
        return [check for check in self._checks if check.status == FAIL]

    def as_list(self) -> list[dict[str, str]]:
        """All checks as a module returns them."""
        return [check.as_dict() for check in self._checks]
