# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which changes go into one message. Pure.

A message is at most 64 KiB, and everything in it happens in one step. What must change together stays together: all sets of
a name, and a name with the names that point to it (a host's addresses with its SRV records).
"""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import NEIGHBOURS, Change, Intent

# Bytes; what is left to 65,535 is for the header, the zone and the signature.
MAX_BYTES = 60_000
# Samba's time for one message grows faster than its size, above some 400 sets by far; see docs/decisions.md.
MAX_SETS = {"gss_tsig": 250}
MAX_SETS_ELSE = 1000


def _names(change: Change) -> set[str]:
    """The owner and, for types that point somewhere, the targets."""
    names = {change.key.name}
    if change.key.type in ("SRV", "CNAME"):
        for records in (change.before, change.after):
            names.update(value.rpartition(" ")[2] for value in (records.values if records else ()))
    return names


# Bytes of values that have always the same length.
_FIXED = {"A": 4, "AAAA": 16}


def size(change: Change, zone: str = "") -> int:
    """An upper bound of the bytes that a change takes in a message for ``zone``: guard, deletions and additions.

    Owner names end in a pointer to the name of the zone, which comes first in every message. Values are counted with their
    whole text, which is never shorter than what goes over the wire, but for the lengths that are added here.
    """
    name = len(change.key.name) - len(zone) + 2
    # The guards of sets that do not exist: this one, and its neighbours or their CNAME.
    count = (len(NEIGHBOURS) if change.key.type == "CNAME" else 2) * (name + 10)
    for records in (change.before, change.before, change.after):
        for value in (records.as_read or records.values) if records else ():
            count += name + 10 + _FIXED.get(change.key.type, len(value) + 14)
    return count


def _groups(changes: collections.abc.Sequence[Change]) -> list[list[Change]]:
    """The changes that hang together, in the order of their first member."""
    owners = {change.key.name for change in changes}
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for change in changes:
        for name in _names(change) & owners:
            first, second = find(change.key.name), find(name)
            if first != second:
                leader[second] = first
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(find(change.key.name), []).append(change)
    return list(groups.values())


def chunks(
    changes: collections.abc.Sequence[Change],
    max_sets: int = MAX_SETS_ELSE,
    max_bytes: int = MAX_BYTES,
    zone: str = "",
) -> list[tuple[Change, ...]]:
    """The changes in as few messages as possible without parting what hangs together."""
    result: list[list[Change]] = []
    sets = room = 0
    for group in _groups(changes):
        weight = sum(size(change, zone) for change in group)
        if weight > max_bytes:
            raise InputError(
                f"The changes of {group[0].key.name} and the names that hang together with it do not fit into one DNS "
                "message of 64 KiB.",
                action="Split the records over several tasks, addresses first; what belongs together should stay together.",
            )
        if not result or sets + len(group) > max_sets or weight > room:
            result.append([])
            sets, room = 0, max_bytes
        result[-1] += group
        sets += len(group)
        room -= weight
    return [tuple(chunk) for chunk in result]


def intents_of(chunk: collections.abc.Iterable[Change], intents: collections.abc.Iterable[Intent]) -> list[Intent]:
    """The intents that a chunk fulfils: those for its names, so that a neighbour is planned together with it."""
    names = {change.key.name for change in chunk}
    return [intent for intent in intents if intent.key.name in names]
