# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Read, plan, apply, read back: one zone. Knows no notation and no transport."""

from __future__ import annotations

import collections.abc
import dataclasses
import random
import time

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import ConflictError, DnsError, NotSo, PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import (
    Change,
    Intent,
    World,
    check_intents,
    keys_to_read,
    plan,
    zone_lines,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy, deleted
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet

ATTEMPTS = 20
LOOKS = 4
# How often an update is sent of which nobody knows what became of it.
UNKNOWN = 3
# From the best to the worst that an answer can be worth.
FATES = ("none", "verified", "unverifiable", "lost")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was read from one zone and what has to change there; nothing was sent yet.

    kept: changes that are not made, because ``on_existing`` says so.
    """

    server: object
    intents: tuple[Intent, ...]
    first: World
    changes: tuple[Change, ...]
    kept: tuple[Change, ...] = ()
    # Whether ``first`` is what lies behind wildcards.
    through_wildcards: bool = False


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of one update: the world of its names as it was read back.

    answer: the worst of the answers. wrote: whether it was, or may have been, us who changed something.
    kept: changes that were not made, because somebody else was faster and ``on_existing`` says so.
    """

    now: World
    wrote: bool
    updates: int
    answer: str
    kept: tuple[Change, ...] = ()


def prepare(server, intents: collections.abc.Iterable[Intent], policy: Policy) -> Plan:
    """Read everything that has to be known and plan."""
    intents = tuple(intents)
    check_intents(intents)
    keys = keys_to_read(intents)
    first = server.read(keys)
    problem = None
    try:
        changes, kept = policy.admitted(plan(first, intents))
    except PlanError as error:
        problem = error
    if problem or kept or deleted(changes) or _seem_done(intents, first, changes):
        # What stands in the way, shall go, or is as wanted may be the answer of a wildcard for a name that does not exist.
        second = server.existing(first)
        if second != first:
            changes, kept = policy.admitted(plan(second, intents))
            return Plan(server, intents, second, changes, kept, through_wildcards=True)
    if problem:
        raise problem
    return Plan(server, intents, first, changes, kept)


def _seem_done(
    intents: collections.abc.Iterable[Intent], world: World, changes: collections.abc.Iterable[Change]
) -> bool:
    """Whether a set that shall exist is as wanted, if what was read exists."""
    left = {change.key for change in changes}
    return any(one.state != "absent" and one.key in world and one.key not in left for one in intents)


@dataclasses.dataclass(frozen=True)
class _View:
    """What reading back shows, and what is still to be done."""

    now: dict[Key, RecordSet]
    left: tuple[Change, ...]
    kept: tuple[Change, ...] = ()


def write(
    prepared: Plan,
    intents: collections.abc.Sequence[Intent],
    changes: tuple[Change, ...],
    policy: Policy,
    attempts: int = ATTEMPTS,
    sleep: collections.abc.Callable[[float], None] = time.sleep,
) -> Written:
    """Make some of the changes of a plan on its server, all in one step, and prove it; or say why not.

    The update is guarded: it happens only if everything it touches is still what was read. So it can be sent again
    without fear when nobody knows what became of it, and when somebody else was faster the plan is made anew.
    """
    server, world = prepared.server, prepared.first
    through_wildcards = prepared.through_wildcards
    keys = keys_to_read(intents)
    maybe = renewed = False
    unknown = 0
    fate = "none"
    for updates in range(1, attempts + 1):
        answer = server.update(changes, world)
        fate = max(fate, answer.fate, key=FATES.index)
        # Of what was lost nobody knows, and a server that fails while it writes may have written.
        maybe = maybe or answer.rcode in ("", "NOERROR", "SERVFAIL")
        ours = {change.key for change in changes} if answer.rcode == "NOERROR" else ()
        view = _look(server, keys, intents, policy, answer, through_wildcards, ours, sleep)
        now, left = view.now, view.left
        if not left:
            policy.spend(changes if maybe else ())
            return Written(now, maybe, updates, fate, view.kept)
        if answer.is_refusal:
            if answer.tsig_error and not renewed and server.signer.renew():
                # Samba keeps 128 contexts and forgets the oldest: one new negotiation is the cure.
                renewed, world, changes = True, now, left
                continue
            raise server.refused(answer, changes=changes)
        if answer.is_conflict or answer.is_success:
            if not through_wildcards and _touched(now, changes) == _touched(world, changes):
                # Refused as changed, or done, and yet unchanged: a wildcard may answer for a name that does not exist.
                through_wildcards = True
                now = server.read(keys, through_wildcards=True)
                left, kept = policy.admitted(plan(now, intents), ours)
                if not left:
                    policy.spend(changes if maybe else ())
                    return Written(now, maybe, updates, fate, kept)
            if answer.is_success and _touched(now, changes) == _touched(world, changes):
                raise _not_so(server, left)
        world, changes = now, left
        # A success, and yet not as wanted: somebody else wrote in between. Samba (4.17) takes a condition for fulfilled when the
        # values are there, whatever is beside them.
        unknown += not answer.is_conflict
        if unknown == UNKNOWN:
            break
        sleep(random.uniform(0, min(0.02 * 2**updates, 1.0)))  # noqa: S311 - no secret, only to part two writers
    if answer.is_success:
        raise _not_so(server, changes)
    raise _gave_up(server, updates, world, changes, answer, maybe)


def _look(server, keys, intents, policy: Policy, answer, through_wildcards: bool, ours, sleep) -> _View:
    """Read back; a little patience when the server may still be at work, and a second try when a question fails."""
    looks = LOOKS if answer.rcode in ("", "NOERROR") else 1
    failed = False
    while True:
        try:
            view = _view(server, keys, intents, policy, through_wildcards, ours)
        except PlanError:
            raise
        except DnsError as error:
            if failed:
                raise _unseen(server, answer, error) from error
            failed = True
            sleep(0.2)
            continue
        looks -= 1
        if not view.left or not looks:
            return view
        sleep(0.1 * 2 ** (LOOKS - looks))


def _view(server, keys, intents, policy: Policy, through_wildcards: bool, ours) -> _View:
    now = server.read(keys, through_wildcards)
    return _View(now, *policy.admitted(plan(now, intents), ours))


def _unseen(server, answer, error: DnsError) -> NotSo:
    sent = (
        f"An update was sent to DNS server {server}, and then reading back failed, so whether it happened is unknown."
    )
    if answer.rcode == "NOERROR" and answer.verified:
        sent = f"DNS server {server} accepted an update, and then reading back failed, so nobody has seen the result."
    return NotSo(f"{sent} {error.what}", error.cause, "Run the task again: it goes on from what is there.")


def _touched(world: World, changes: collections.abc.Iterable[Change]) -> list[RecordSet | None]:
    return [world.get(change.key) for change in changes]


def _shown(sets: collections.abc.Iterable[RecordSet | None]) -> str:
    return "; ".join(zone_lines(sets).splitlines()) or "nothing"


def _not_so(server, left: collections.abc.Iterable[Change]) -> NotSo:
    left = list(left)
    return NotSo(
        f"DNS server {server} accepted the update, but reading back shows something else. "
        f"Wanted: [{_shown(change.after for change in left)}]. There is: [{_shown(change.before for change in left)}].",
        "Does somebody else write the same records, or does the server ignore this kind of record?",
        "See the log of the DNS server.",
    )


def _gave_up(server, attempts: int, world: World, changes, answer, maybe: bool) -> Exception:
    wanted = _shown(change.after for change in changes)
    there = _shown(world.get(change.key) for change in changes)
    if answer.is_conflict:
        told = "What an earlier attempt of this update may have written was overwritten." if maybe else ""
        return ConflictError(
            f"DNS server {server}: the records were changed by somebody else before each of {attempts} attempts. "
            f"Wanted: [{wanted}]. There is: [{there}].",
            "Does another play or host write the same records all the time?",
            f"{told or 'Nothing of this update was written.'} Use state=present where several writers share a record set.",
        )
    seen = (answer.why or answer.rcode).rstrip(".")
    return NotSo(
        f"DNS server {server}: the update was sent {attempts} times, its outcome could not be learnt from the answers "
        f"({seen}), and reading back shows that it did not happen. Wanted: [{wanted}]. There is: [{there}].",
        "Does the server, or a firewall on the way, drop updates silently?",
        "See the log of the DNS server.",
    )
