# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What was seen, as a module returns it: all answers, and what dig would print."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._dns import meaning
from ansible_collections.onprem.chat.plugins.module_utils._dns.observed import Observation, Seen
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet

# Where dig puts class, type and data on a line when names are short; tabs are 8 wide.
COLUMNS = (24, 32, 40, 48)


def answers(view: Observation) -> list[dict]:
    """Everybody's answers."""
    return [_answers_of(seen, view) for seen in view.seen]


def _answers_of(seen: Seen, view: Observation) -> dict:
    reply = seen.zone
    keys = list(dict.fromkeys(intent.key for intent in view.intents))
    known = meaning.holds_zone(seen, view.zone)
    soa = reply.soa if known else None
    return {
        "zone": view.zone,
        "server": seen.party.name,
        "address": seen.address,
        "port": seen.party.port,
        "role": seen.party.role,
        "rcode": reply.rcode,
        "aa": reply.aa,
        "error": reply.error,
        "over": reply.over,
        "serial": soa.serial if soa else None,
        "mname": soa.mname if soa else None,
        "lines": [line for key in keys for line in seen.lines(key)],
        "records": [
            {
                "name": key.name,
                "type": key.type,
                "rcode": seen.reply(key).rcode,
                "aa": seen.reply(key).aa,
                "error": seen.reply(key).error,
                "lines": seen.lines(key),
            }
            for key in keys
            if key in seen.replies
        ],
    }


def dig(view: Observation) -> list[dict]:
    """For each SRV set what ``dig SRV name +noall +answer`` prints."""
    result = []
    for key in dict.fromkeys(intent.key for intent in view.intents if intent.key.type == "SRV"):
        # What a resolver says is what a user of dig sees; its TTL runs, so the servers of the zone come first.
        servers = meaning.good_servers(view) or [seen for seen in view.resolvers if seen.zone.answered]
        seen = next((one for one in servers if one.found(key) is not None), servers[0] if servers else None)
        if seen is None:
            continue
        result.append(
            {
                "name": key.name,
                "server": seen.party.name,
                "command": _command(seen, key),
                "lines": [line for records in seen.reply(key).sets.values() for line in dig_lines(records)],
            }
        )
    return result


def _command(seen: Seen, key: Key) -> str:
    port = f" -p {seen.party.port}" if seen.party.port != 53 else ""
    recursive = "" if seen.party.recursive else " +norecurse"
    return f"dig @{seen.address}{port} SRV {key.name.rstrip('.')}{recursive} +noall +answer"


def dig_lines(records: RecordSet) -> list[str]:
    """A record set in the columns of dig."""
    return [
        columns((records.key.name, str(records.ttl), "IN", records.key.type, value), COLUMNS)
        for value in records.values
    ]


def columns(words: tuple[str, ...], stops: tuple[int, ...]) -> str:
    """Words in columns as BIND's tools set them: tabs up to the stop, at least one blank."""
    line, width = words[0], len(words[0])
    for word, stop in zip(words[1:], stops, strict=True):
        target = max(stop, width + 1)
        tabs = target // 8 - width // 8
        line += "\t" * tabs + " " * (target - (target // 8 * 8 if tabs else width)) + word
        width = target + len(word)
    return line
