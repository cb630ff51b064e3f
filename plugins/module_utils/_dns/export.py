# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Record sets as text for people who write them by hand: lines of a zone file, a table for a DNS provider.

For a Windows DNS server see export_windows.py. Nothing is read from a server, so the texts also say what has to go.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import txt_bytes
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import DEFAULT_TTL, Intent, wanted
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import RecordSet, srv_parts


def in_order(intents: Iterable[Intent]) -> list[Intent]:
    """Removals first: what stays of a CNAME is in the way of everything else at its name."""
    return sorted(intents, key=lambda intent: (intent.state != "absent", intent.key))


def relative(name: str, zone: str) -> str:
    """The name within its zone; ``@`` is the zone itself."""
    return "@" if name == zone else name.removesuffix(f".{zone}")


def set_of(intent: Intent) -> RecordSet:
    """The set of an intent that is not ``absent``, as it is where nothing was before."""
    return wanted(None, intent)


# -- zone file --------------------------------------------------------------------------------------------------------


def bind_zone_lines(intents: Iterable[Intent], zone: str) -> str:
    """Lines for a zone file (RFC 1035 5), with comments that say what has to go."""
    lines = [
        f"; Zone {zone.rstrip('.')}: lines for its file. All names are complete and all lines have their TTL, so that",
        "; $ORIGIN and $TTL of the file do not matter. Then raise the serial number of the SOA record and reload the zone.",
    ]
    for intent in in_order(intents):
        if intent.state == "absent":
            lines += _removals(intent)
        else:
            lines += _rules(intent)
            lines += set_of(intent).lines
    return "".join(f"{line}\n" for line in lines)


def _removals(intent: Intent) -> list[str]:
    name, kind = intent.key.name, intent.key.type
    if not intent.values:
        return [f"; remove: {name} IN {kind} (all)"]
    return [f"; remove: {name} IN {kind} {_known_by(kind, value)}" for value in intent.values]


def _known_by(kind: str, value: str) -> str:
    if kind != "SRV":
        return value
    parts = srv_parts(value)
    return f"(any priority) (any weight) {parts['port']} {parts['target']}"


def _rules(intent: Intent) -> list[str]:
    rules = []
    if intent.state == "exact" or intent.key.type == "CNAME":
        rules.append("remove all others")
    elif intent.key.type == "SRV":
        rules.append("remove others with the same port and target")
    if intent.ttl is None:
        rules.append(f"where there are some already, keep their TTL instead of {DEFAULT_TTL}")
    return [f"; {intent.key}: {'; '.join(rules)}"] if rules else []


# -- table ------------------------------------------------------------------------------------------------------------

_COLUMNS = ("do", "name", "TTL", "type", "priority", "weight", "port", "value")


def table(intents: Iterable[Intent], zone: str) -> str:
    """A table to hand to whoever runs the DNS."""
    rows = [_COLUMNS]
    for intent in in_order(intents):
        rows += _rows(intent, zone)
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS) - 1)]
    lines = [
        f"Zone {zone.rstrip('.')}. Names are relative to the zone, @ is the zone itself. Names in the last column are complete.",
        "add: this, next to what is there already (SRV: in place of the same port and target). only: this and no other of the",
        "same name and type. remove: not this.",
        "",
        *(_aligned(row, widths) for row in rows),
    ]
    return "".join(f"{line}\n" for line in lines)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _rows(intent: Intent, zone: str) -> list[tuple[str, ...]]:
    name, kind = relative(intent.key.name, zone), intent.key.type
    if intent.state == "absent":
        start = ("remove", name, "any", kind)
        values = intent.values
        if not values:
            return [(*start, *["any" if kind == "SRV" else "-"] * 3, "(all)")]
    else:
        records = set_of(intent)
        only = intent.state == "exact" or kind == "CNAME"
        start = ("only" if only else "add", name, str(records.ttl), kind)
        values = records.values
    return [(*start, *_cells(kind, value, intent.state == "absent")) for value in values]


def _cells(kind: str, value: str, gone: bool) -> tuple[str, ...]:
    if kind == "SRV":
        parts = srv_parts(value)
        ranks = ("any", "any") if gone else (str(parts["priority"]), str(parts["weight"]))
        return (*ranks, str(parts["port"]), parts["target"])
    return ("-", "-", "-", _plain(value) if kind == "TXT" else value)


def _plain(value: str) -> str:
    """A text as it is where nobody can misread it, otherwise as in a zone file."""
    text = txt_bytes(value).decode("latin-1")
    return text if text.isascii() and text.isprintable() and text and text.strip() == text else value
