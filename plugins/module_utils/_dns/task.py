# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A whole task: any number of zones on one server. First everything is read and planned, then it is written."""

from __future__ import annotations

import collections.abc
import dataclasses
import time

from ansible_collections.onprem.chat.plugins.module_utils._dns.chunks import chunks, intents_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.engine import ATTEMPTS, FATES, Plan, prepare, write
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, Intent, applied, unusual_types
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.refresh import refresh
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import RecordSet


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was done.

    before, after: the sets that were (or would be) changed, as they were first read and as they were read back.
    records: every set that was asked for, as it is now (in check mode: as it would be), with its zone.
    answer: the worst of the answers: ``none`` (no update was sent), ``verified``, ``unverifiable`` or ``lost``.
    kept: what is there in place of what was asked for, a sentence each.
    refreshed: the sets whose values were sent again although they were as wanted. warnings: why that could not be done.
    """

    changed: bool
    before: tuple[RecordSet | None, ...]
    after: tuple[RecordSet | None, ...]
    records: tuple[tuple[str, RecordSet], ...]
    updates: int = 0
    answer: str = "none"
    kept: tuple[str, ...] = ()
    refreshed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclasses.dataclass
class _Progress:
    """One zone on its way."""

    plan: Plan
    now: dict
    changed: bool = False
    updates: int = 0
    answer: str = "none"
    kept: tuple[Change, ...] = ()
    refreshed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def add(self, written, names: set[str]) -> None:
        self.now = {key: records for key, records in self.now.items() if key.name not in names} | dict(written.now)
        self.changed = self.changed or written.wrote
        self.updates += written.updates
        self.answer = max(self.answer, written.answer, key=FATES.index)
        self.kept += written.kept


def apply_intents(
    work: collections.abc.Iterable[tuple[object, collections.abc.Sequence[Intent]]],
    policy: Policy | None = None,
    check_mode: bool = False,
    attempts: int = ATTEMPTS,
    sleep: collections.abc.Callable[[float], None] = time.sleep,
    refreshing: bool = False,
) -> Outcome:
    """Make the intents so, each list on its server (a server is one zone), and prove it; or say why not.

    Nothing is sent before every zone was read and planned. ``refreshing``: what was as wanted is sent again. Raises DnsError;
    its ``partial`` is the Outcome of what had been written before.
    """
    policy = policy or Policy()
    plans = [prepare(server, intents, policy) for server, intents in work]
    policy.admitted([change for plan in plans for change in plan.changes])  # the limit counts over all zones
    progress = [_Progress(plan, dict(plan.first)) for plan in plans]
    if check_mode:
        for one in progress:
            if one.plan.changes:
                one.plan.server.open_session()  # a wrong password shall be found by the check, not by the run after it
                one.now = applied(one.plan.first, one.plan.changes)
                one.changed = True
        return _outcome(progress, policy)
    parts = [(one, chunk) for one in progress for chunk in _messages(one.plan)]
    # A server refuses a message as a whole, and types that it cannot do only then: they go first, so that nothing was written.
    parts.sort(key=lambda part: not unusual_types(part[1]))
    try:
        for one, chunk in parts:
            intents = intents_of(chunk, one.plan.intents)
            written = write(one.plan, intents, chunk, policy, attempts, sleep)
            one.add(written, {intent.key.name for intent in intents})
        for one in progress if refreshing else ():
            refresh(one, policy, attempts, sleep)
    except DnsError as error:
        partial = _outcome(progress, policy)
        if partial.changed:
            count = f"{len(partial.after)} record set{'s' if len(partial.after) > 1 else ''}"
            raise error.after(partial, f"{count} of this task had been written before.") from error
        raise
    return _outcome(progress, policy)


def _messages(plan: Plan) -> list[tuple[Change, ...]]:
    return chunks(plan.changes, plan.server.max_sets, zone=plan.server.zone)


def _outcome(progress: list[_Progress], policy: Policy) -> Outcome:
    before, after, records, kept = [], [], [], []
    for one in progress:
        first, now = one.plan.first, one.now
        keys = sorted(intent.key for intent in one.plan.intents)
        touched = [key for key in keys if first.get(key) != now.get(key)] if one.changed else []
        before += [first.get(key) for key in touched]
        after += [now.get(key) for key in touched]
        records += [(one.plan.server.zone, now[key]) for key in keys if key in now]
        kept += [*one.plan.kept, *one.kept]
    return Outcome(
        changed=any(one.changed for one in progress),
        before=tuple(before),
        after=tuple(after),
        records=tuple(records),
        updates=sum(one.updates for one in progress),
        answer=max((one.answer for one in progress), key=FATES.index, default="none"),
        kept=tuple(policy.told(change) for change in kept),
        refreshed=tuple(name for one in progress for name in one.refreshed),
        warnings=tuple(text for one in progress for text in one.warnings),
    )
