# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What an answer means for what was asked for. Pure: no network, no clock, no texts."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._dns import lookup
from ansible_collections.onprem.chat.plugins.module_utils._dns.observed import Observation, Seen
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent, wanted
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import RecordSet

HALF = 2**31

# -- what an answer means ---------------------------------------------------------------------------------------------


def is_met(intent: Intent, current: RecordSet | None) -> bool:
    """Whether the values of a set are as wanted; its TTL is another question."""
    new = wanted(current, intent)
    if new is None or current is None:
        return new is current
    return new.values == current.values


def has_other_ttl(intent: Intent, current: RecordSet | None) -> bool:
    if intent.state == "absent" or intent.ttl is None or current is None:
        return False
    return current.ttl != intent.ttl


def holds_zone(seen: Seen, zone: str) -> bool:
    """Whether it can be asked about the zone: with authority, or as a resolver that resolves."""
    reply = seen.zone
    if seen.party.recursive:
        return reply.usable
    return reply.rcode == "NOERROR" and reply.aa and reply.soa is not None and reply.soa.name == zone


def is_right(seen: Seen, intent: Intent) -> bool:
    """Whether its answer about a set is one, comes from who knows, and shows the wanted values."""
    reply = seen.reply(intent.key)
    if not reply.usable or (not seen.party.recursive and not reply.aa):
        return False
    if intent.state != "absent" and seen.alias(intent.key):
        return False
    return is_met(intent, seen.found(intent.key))


def is_fine(seen: Seen, intent: Intent) -> bool:
    """Whether nothing about it needs to be asked again. Resolvers count TTLs down, so theirs says nothing."""
    if not is_right(seen, intent):
        return False
    return seen.party.recursive or not has_other_ttl(intent, seen.found(intent.key))


# -- whom the zone may do without ------------------------------------------------------------------------------------
# Old sites and branches leave NS records behind. Who is named by the user must answer, who is only found there need not.


def may_be_silent(seen: Seen, view: Observation) -> bool:
    """Whether it was only found, gives no answer, and another server of the zone can be judged in its place."""
    if not seen.party.found or seen.zone.problem not in (lookup.NO_ADDRESS, lookup.SILENT):
        return False
    return bool(good_servers(view))


def may_lag(seen: Seen, view: Observation, intent: Intent) -> bool:
    """Whether it is one of several domain controllers, only found, and those that are written to have the set."""
    if not seen.party.found or not view.directory:
        return False
    written = [other for other in good_servers(view) if other.party.role == "primary"]
    return bool(written) and all(is_fine(other, intent) for other in written)


# -- serials (RFC 1982) -----------------------------------------------------------------------------------------------


def serial_distance(old: int, new: int) -> int | None:
    """How far ``new`` is ahead of ``old``, negative when it is behind; None when the two cannot be ordered."""
    difference = (new - old) % 2**32
    if difference == HALF:
        return None
    return difference if difference < HALF else difference - 2**32


def reference(view: Observation) -> Seen | None:
    """Who tells the serial that all others should have: the primary, or else the newest."""
    good = [seen for seen in view.authoritative if holds_zone(seen, view.zone)]
    named = [seen for seen in good if seen.party.role == "primary"]
    named = named or [seen for seen in good if f"{seen.party.name}." == seen.zone.soa.mname]
    newest = None
    for seen in named or good:
        if newest is None or (serial_distance(newest.zone.soa.serial, seen.zone.soa.serial) or 0) > 0:
            newest = seen
    return newest


def is_behind(seen: Seen, view: Observation) -> bool:
    """Whether it has another serial than the primary."""
    first = reference(view)
    return first is not None and holds_zone(seen, view.zone) and seen.zone.soa.serial != first.zone.soa.serial


def good_servers(view: Observation) -> list[Seen]:
    return [seen for seen in view.authoritative if holds_zone(seen, view.zone)]
