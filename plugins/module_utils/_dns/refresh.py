# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Values that are as wanted, sent again, so that the server renews their time stamps.

A Windows DNS server with scavenging deletes records of dynamic updates that nobody has sent again for some weeks.
"""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.chunks import chunks, intents_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.engine import prepare, write
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, Intent, World
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set


def stale(
    intents: collections.abc.Iterable[Intent], world: World, fresh: collections.abc.Container[Key]
) -> list[Change]:
    """What is there without having been written just now: the set as the guard, and those of its values that were asked for."""
    return [
        Change(intent.key, world[intent.key], record_set(intent.key, world[intent.key].ttl, intent.values))
        for intent in sorted(intents, key=lambda intent: intent.key)
        if intent.state != "absent" and intent.key in world and intent.key not in fresh
    ]


def refresh(one, policy: Policy, attempts: int, sleep: collections.abc.Callable[[float], None]) -> None:
    """Send again what was as wanted in one zone (task._Progress).

    The records are there, so what the server does not take is only told. Raises DnsError when they no longer are, because
    somebody else was faster, and cannot be made so again.
    """
    server = one.plan.server
    fresh = {change.key for change in (*one.plan.changes, *one.plan.kept, *one.kept)}
    old = stale(one.plan.intents, one.now, fresh)
    try:
        parts = chunks(old, server.max_sets, zone=server.zone)
    except DnsError as error:
        one.warnings += (_told(server, old, str(error)),)
        return
    queue = [list(chunk) for chunk in parts]
    refused: dict[str, list[Change]] = {}
    while queue:
        left = queue.pop(0)
        for _attempt in range(attempts):
            fate, why = _sent(server, left)
            if fate == "taken":
                one.refreshed += tuple(str(change.key) for change in left)
            elif fate == "refused" and len(left) > 1:
                # As a whole, perhaps because of a single set that belongs to somebody else.
                queue[:0] = [[change] for change in left]
            elif fate == "refused":
                refused.setdefault(why, []).extend(left)
            elif fate == "ended":
                one.warnings += (_told(server, [change for part in (left, *queue) for change in part], why),)
                queue = []
            else:
                left = _planned_again(one, left, policy, attempts, sleep)
                if left:
                    continue
            break
        else:
            one.warnings += (_told(server, left, f"Somebody else changed them before each of {attempts} attempts."),)
    one.warnings += tuple(_told(server, changes, why, len(changes)) for why, changes in refused.items())


def _sent(server, chunk: collections.abc.Sequence[Change]) -> tuple[str, str]:
    """What became of one message, and why: taken, changed (a set is no longer what it was), refused, or ended.

    Another message to the same server could fare better than one that was refused, and not better than one with which it ended.
    """
    # Samba keeps 128 contexts and forgets the oldest, and an answer may be lost: once more does no harm.
    try:
        for last in (False, True):
            answer = server.refresh(chunk)
            if answer.rcode == "NOERROR" or answer.is_conflict:
                return "taken" if answer.rcode == "NOERROR" else "changed", ""
            if last or not (answer.rcode == "" or (answer.tsig_error and server.signer.renew())):
                break
    except DnsError as error:
        return "ended", str(error)
    if not answer.rcode:
        return "ended", answer.why
    why = str(server.refused(dataclasses.replace(answer, verified=True), "the refresh"))
    # NOTAUTH: the server has no such zone to write, or does not know who asks.
    return "ended" if answer.tsig_error or answer.rcode == "NOTAUTH" else "refused", why


def _told(server, changes: collections.abc.Sequence[Change], why: str, most: int = 5) -> str:
    shown = ", ".join(str(change.key) for change in changes[:most]) + (", ..." if len(changes) > most else "")
    return f"The records are as wanted, but the time stamps of [{shown}] on DNS server {server} could not be renewed. {why}"


def _planned_again(one, chunk: collections.abc.Sequence[Change], policy: Policy, attempts: int, sleep) -> list[Change]:
    """Somebody else was faster: make everything as wanted once more. What is then still to be refreshed."""
    keys = {change.key for change in chunk}
    again = prepare(one.plan.server, intents_of(chunk, one.plan.intents), policy)
    names = {key.name for key in keys}
    first = {key: records for key, records in one.plan.first.items() if key not in keys}
    one.plan = dataclasses.replace(
        one.plan,
        first=first | {key: records for key, records in again.first.items() if key in keys},
        kept=one.plan.kept + again.kept,
    )
    one.now = {key: records for key, records in one.now.items() if key.name not in names} | dict(again.first)
    if again.changes:
        one.add(write(again, again.intents, again.changes, policy, attempts, sleep), names)
    fresh = {change.key for change in (*again.changes, *again.kept)}
    return stale([intent for intent in again.intents if intent.key in keys], one.now, fresh)
