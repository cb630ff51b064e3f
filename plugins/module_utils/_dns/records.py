# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The option ``records``: from what a user writes to intents."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.names import zone_name
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import (
    MAX_TTL,
    TYPES,
    Key,
    entry_values,
    owner_key,
    owner_name,
    srv_text,
)


def records_argument_spec(states) -> dict:
    """The option ``records``."""
    return {
        "records": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "default": "@"},
                "zone": {"type": "str"},
                "service": {"type": "str"},
                "protocol": {"type": "str", "choices": ["tcp", "udp"]},
                "type": {"type": "str", "choices": list(TYPES), "required": True},
                "state": {"type": "str", "choices": list(states), "default": "present"},
                "ttl": {"type": "int"},
                "entries": {"type": "list", "elements": "str"},
                "srv": {
                    "type": "list",
                    "elements": "dict",
                    "options": {
                        "priority": {"type": "int", "default": 0},
                        "weight": {"type": "int", "default": 0},
                        "port": {"type": "int", "default": 0},
                        "target": {"type": "str", "required": True},
                    },
                },
            },
            "required_together": [("service", "protocol")],
        },
    }


def intents_by_zone(records: list[dict], zone: str | None) -> dict[str, list[Intent]]:
    """The intents of a task for each of its zones; ``zone`` is that of records that name none."""
    zones: dict[str | None, str] = {}
    result: dict[str, list[Intent]] = {}
    for number, record in enumerate(records):
        for option in ("name", "zone", "service"):
            if record.get(option) == "":
                raise InputError(
                    f"records[{number}] ({record['type']}): {option} is empty.",
                    "Is the variable empty that it comes from?",
                    'The name of the zone itself is "@".'
                    if option == "name"
                    else f"Give {option} a value or leave it out.",
                )
        written = record.get("zone") or zone
        if written is None:
            raise InputError(
                f"records[{number}] ({record.get('name') or '@'} {record['type']}) has no zone.",
                action="Set zone for the whole task, or in this record.",
            )
        if written not in zones:
            zones[written] = zone_name(written)
        result.setdefault(zones[written], []).append(_intent(record, zones[written]))
    return result


def _intent(record: dict, zone: str) -> Intent:
    kind = record["type"]
    name = record.get("name") or "@"
    state = record.get("state") or "present"
    if record.get("service"):
        if kind != "SRV":
            raise InputError(f"service and protocol make the name of an SRV record, and {name!r} is of type {kind}.")
        service = f"_{record['service'].lstrip('_')}._{record['protocol']}"
        name = f"{service}.{owner_name(name, zone)}"
    key = owner_key(name, kind, zone, new=state != "absent")
    if kind == "CNAME" and key.name == zone and state != "absent":
        raise InputError(
            f"{key}: a zone cannot have a CNAME at its own name, where its SOA and NS records are (RFC 1034 3.6.2).",
            "Is an address record meant?",
        )
    ttl = record.get("ttl")
    if ttl is not None and not 0 <= ttl <= MAX_TTL:
        raise InputError(f"{key}: ttl {ttl} is not a number from 0 to {MAX_TTL}.")
    _refuse_empty(key, record, state)
    wrong, right = ("entries", "srv") if kind == "SRV" else ("srv", "entries")
    if record.get(wrong):
        raise InputError(f"{key}: records of type {kind} are given by {right}, not by {wrong}.")
    if kind == "SRV":
        values = tuple(_target(key, srv, zone) for srv in record.get("srv") or ())
    else:
        values = entry_values(key, record.get("entries") or (), zone)
    return Intent(key, state, values, ttl)


def _refuse_empty(key: Key, record: dict, state: str) -> None:
    """An empty list is a variable that went wrong; to remove everything on that account would be the worst answer."""
    for option in ("entries", "srv"):
        if state == "absent" and record.get(option) is not None and not record[option]:
            raise InputError(
                f"{key}: {option} is an empty list, and state is absent.",
                "Is the variable empty that it comes from?",
                f"Leave out {option} to remove the whole record set.",
            )


def _target(key: Key, srv: dict, zone: str) -> str:
    try:
        return srv_text(srv, zone)
    except InputError as error:
        raise InputError(f"{key}: {error.what}", error.cause, error.action) from error
