# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From what is and what shall be to what has to change. Pure: no network, no clock, no order of input."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError, PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import (
    Key,
    RecordSet,
    is_no_service_value,
    record_set,
)

DEFAULT_TTL = 3600
# What is looked for beside a CNAME. Not every type: a server may not even know the others (Samba: CAA, TLSA).
NEIGHBOURS = ("A", "AAAA", "CNAME", "PTR", "SRV", "TXT")
STATES = ("present", "exact", "absent")

# What was read: record sets that exist. A key that was read and is not in it does not exist.
World = collections.abc.Mapping[Key, RecordSet]


@dataclasses.dataclass(frozen=True)
class Intent:
    """What one record set shall be.

    ``exact``: these values and no others. ``present``: these values, whoever owns the others keeps them.
    ``absent``: not these values; without values: not the set.
    """

    key: Key
    state: str
    values: tuple[str, ...] = ()
    ttl: int | None = None


@dataclasses.dataclass(frozen=True)
class Change:
    """One record set before and after; ``None``: it does not exist. ``removes``: nothing but a removal is asked for."""

    key: Key
    before: RecordSet | None
    after: RecordSet | None
    removes: bool = False


def slot(kind: str, value: str) -> str:
    """What a value occupies in its set: of two values with the same slot only one can stand.

    An SRV target is known by name and port, whatever its priority and weight; a name has only one CNAME.
    """
    if kind == "CNAME":
        return ""
    if kind == "SRV":
        return value.split(" ", 2)[2]
    return value


def _merged(kind: str, old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    if kind == "SRV":
        # "." says that there is no such service (RFC 2782): it never stands next to a target.
        if any(map(is_no_service_value, new)):
            return list(new)
        old = tuple(value for value in old if not is_no_service_value(value))
    taken = {slot(kind, value) for value in new}
    return [value for value in old if slot(kind, value) not in taken] + list(new)


def wanted(current: RecordSet | None, intent: Intent) -> RecordSet | None:
    """What the set becomes when the intent is met."""
    kind = intent.key.type
    old = current.values if current else ()
    if intent.state == "absent":
        if not intent.values or current is None:
            return None
        known_by = (lambda value: value) if kind == "CNAME" else (lambda value: slot(kind, value))
        gone = {known_by(value) for value in intent.values}
        left = [value for value in old if known_by(value) not in gone]
        return record_set(intent.key, current.ttl, left, current.as_read) if left else None
    ttl = intent.ttl if intent.ttl is not None else (current.ttl if current else DEFAULT_TTL)
    values = intent.values if intent.state == "exact" else _merged(kind, old, intent.values)
    return record_set(intent.key, ttl, values)


def keys_to_read(intents: collections.abc.Iterable[Intent]) -> list[Key]:
    """Every set that has to be known before a plan can be made.

    A CNAME stands alone at its name and a server ignores silently what breaks this rule, so the neighbours count.
    """
    keys = set()
    for intent in intents:
        keys.add(intent.key)
        if intent.state == "absent":
            continue
        neighbours = NEIGHBOURS if intent.key.type == "CNAME" else ("CNAME",)
        keys.update(Key(intent.key.name, kind) for kind in neighbours)
    return sorted(keys)


def check_intents(intents: collections.abc.Iterable[Intent]) -> None:
    """Refuse what contradicts itself."""
    seen = set()
    for intent in intents:
        if intent.key in seen:
            raise InputError(
                f"{intent.key} is given twice.",
                action="Give one entry for each name and type, with all its values.",
            )
        seen.add(intent.key)
        if intent.state != "absent" and not intent.values:
            raise InputError(
                f"{intent.key} has no values.",
                action="Give at least one value, or state=absent to remove the record set.",
            )
        slots = [slot(intent.key.type, value) for value in intent.values]
        if len(slots) != len(set(slots)):
            detail = "has more than one CNAME" if intent.key.type == "CNAME" else "names the same value twice"
            raise InputError(f"{intent.key} {detail}: {', '.join(intent.values)}")
        if intent.key.type == "SRV" and len(slots) > 1 and any(map(is_no_service_value, intent.values)):
            raise InputError(
                f'{intent.key} has the target "." next to others.',
                action='"." says that there is no such service (RFC 2782), so it must be the only target.',
            )


def plan(current: World, intents: collections.abc.Iterable[Intent]) -> tuple[Change, ...]:
    """What has to change, sorted by name and type; empty when everything is as it shall be."""
    changes = []
    after = dict(current)
    for intent in sorted(intents, key=lambda intent: intent.key):
        old = current.get(intent.key)
        new = wanted(old, intent)
        if new is None:
            after.pop(intent.key, None)
        else:
            after[intent.key] = new
        if old != new:
            changes.append(Change(intent.key, old, new, intent.state == "absent"))
    _refuse_cname_with_neighbours(current, after, {intent.key for intent in intents})
    return tuple(changes)


def _refuse_cname_with_neighbours(current: World, after: World, keys: set[Key]) -> None:
    for key in sorted(after):
        if key.type != "CNAME":
            continue
        neighbours = [other for other in sorted(after) if other.name == key.name and other.type != "CNAME"]
        if not neighbours or not (keys & {key, *neighbours}):
            continue
        present = ", ".join(str(other.type) for other in neighbours)
        there = [str(other) for other in (key, *neighbours) if other in current and other not in keys]
        raise PlanError(
            f"{key.name} cannot have a CNAME and {present} at the same time (RFC 1034 3.6.2).",
            f"Is {', '.join(there)} left from an earlier set-up?" if there else "",
            "Remove one of them: give it with state=absent in the same task, then both happen in one step (role dns: a CNAME in "
            "the way of a host goes when dns_retired_names names the host).",
        )


def applied(current: World, changes: collections.abc.Iterable[Change]) -> dict[Key, RecordSet]:
    """The world after the changes."""
    after = dict(current)
    for change in changes:
        if change.after is None:
            after.pop(change.key, None)
        else:
            after[change.key] = change.after
    return after


def unusual_types(changes: collections.abc.Iterable[Change]) -> list[str]:
    """The types of records to be written that not every server takes by update (Samba 4.17: NOTIMP)."""
    return sorted({change.key.type for change in changes if change.after and change.key.type not in NEIGHBOURS})


def zone_lines(sets: collections.abc.Iterable[RecordSet | None]) -> str:
    """Record sets as lines of a zone file."""
    return "".join(f"{line}\n" for records in sets if records is not None for line in records.lines)
