# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a task may do to records that are there already. Pure."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, slot, zone_lines

ON_EXISTING = ("replace", "keep", "keep_and_warn", "keep_and_fail")


def replaces(change: Change) -> bool:
    """Whether a set that shall exist exists already, and some of its values or its TTL would go."""
    if change.before is None or change.after is None or change.removes:
        return False
    return change.before.ttl != change.after.ttl or not set(change.before.values) <= set(change.after.values)


def deleted(changes: collections.abc.Iterable[Change]) -> list[str]:
    """The records that go without another one in their place, as lines of a zone file."""
    lines = []
    for change in changes:
        if change.before is None or (change.after and change.key.type == "CNAME"):
            continue
        there = {slot(change.key.type, value) for value in change.before.values}
        stay = {slot(change.key.type, value) for value in change.after.values} if change.after else set()
        gone = [value for value in change.before.values if slot(change.key.type, value) not in stay]
        # As many new values as old ones went: that is a replacement, as when a host gets another address.
        new = len(stay - there)
        lines += [f"{change.key.name} {change.before.ttl} IN {change.key.type} {value}" for value in gone[new:]]
    return lines


@dataclasses.dataclass
class Policy:
    """``on_existing``: what to do with a set that is there with other values. ``max_delete``: how many records may go."""

    on_existing: str = "replace"
    max_delete: int | None = None
    spent: int = 0

    def admitted(
        self, changes: collections.abc.Iterable[Change], ours: collections.abc.Container = ()
    ) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
        """The changes that may be made, and those that are left undone; raises where a decision is to fail.

        ours: keys of sets that this task has just written: they are no longer somebody else's.
        """
        changes = tuple(changes)
        kept: tuple[Change, ...] = ()
        if self.on_existing != "replace":
            kept = tuple(change for change in changes if replaces(change) and change.key not in ours)
            changes = tuple(change for change in changes if change not in kept)
        if kept and self.on_existing == "keep_and_fail":
            raise PlanError(
                " ".join(map(self.told, kept)),
                "Does another service use this name?",
                "Set on_existing=replace to replace them, or on_existing=keep to leave them as they are.",
            )
        gone = deleted(changes) if self.max_delete is not None else []
        if gone and self.spent + len(gone) > self.max_delete:
            shown = "; ".join(gone[:5]) + ("; ..." if len(gone) > 5 else "")
            raise PlanError(
                f"This task would delete {self.spent + len(gone)} records, and max_delete allows {self.max_delete}: "
                f"[{shown}].",
                "Is a list of addresses or targets in the task incomplete?",
                f"Set max_delete to {self.spent + len(gone)} if they shall go.",
            )
        return changes, kept

    def spend(self, changes: collections.abc.Iterable[Change]) -> None:
        """Changes that were made count for what may still be made."""
        self.spent += len(deleted(changes))

    @staticmethod
    def told(change: Change) -> str:
        """What is there in place of what was asked for."""
        return f"{change.key} exists with other values: [{_shown(change.before)}] where [{_shown(change.after)}] is asked for."


def _shown(records) -> str:
    return "; ".join(zone_lines([records]).splitlines())
