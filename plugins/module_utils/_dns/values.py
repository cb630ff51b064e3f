# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Record sets as plain values, and how what a user writes becomes one.

A value is kept as canonical zone-file text (entries.py), a name absolute and in lower case (names.py). So sets compare
with ``==`` and nothing else knows about notations.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from ansible_collections.onprem.chat.plugins.module_utils._dns import entries as _text
from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import txt_plain
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.names import (
    complete_name,
    is_address,
    owner_name,
    reverse_name,
    target_name,
)

TYPES = ("A", "AAAA", "CAA", "CNAME", "PTR", "SRV", "TLSA", "TXT")
MAX_TTL = 2**31 - 1
_ENTRIES = {"A": _text.ipv4, "AAAA": _text.ipv6, "CAA": _text.caa, "TLSA": _text.tlsa, "TXT": _text.txt}
_SRV_OWNER = re.compile(r"_[^.]+\._|\*\.")


@dataclasses.dataclass(frozen=True, order=True)
class Key:
    """What identifies a record set: ``name`` is absolute, in lower case and ends in a dot."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name} {self.type}"


@dataclasses.dataclass(frozen=True)
class RecordSet:
    """One record set. ``as_read`` keeps the server's own spelling for the prerequisites of an update."""

    key: Key
    ttl: int
    values: tuple[str, ...]
    as_read: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    @property
    def lines(self) -> list[str]:
        """The set as lines of a zone file."""
        return [f"{self.key.name} {self.ttl} IN {self.key.type} {value}" for value in self.values]


def _natural(text: str) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.split(r"[ .]", text)
    numbers = [(0, int(part), "") if part.isdigit() and len(part) < 20 else (1, 0, part) for part in parts]
    return numbers, text  # the text, too: "07" and "7" are equal as numbers


def record_set(key: Key, ttl: int, values, as_read=()) -> RecordSet:
    """A record set whose values are unique and in a stable order."""
    unique = set(values)
    return RecordSet(key, ttl, tuple(sorted(unique, key=_natural) if len(unique) > 1 else unique), tuple(as_read))


def owner_key(name: str, kind: str, zone: str, new: bool = True) -> Key:
    """The key of a record set by what a user calls it.

    The name of PTR records may be an address. With ``new`` (all states but absent) names are refused under which nobody
    would look; what is there already under such a name can still be removed.
    """
    if kind == "PTR" and is_address(name):
        owner = reverse_name(name)
        if not owner.endswith(f".{zone}") and owner != zone:
            raise InputError(
                f"name {name!r} has the reverse name {owner}, which does not lie in the zone {zone.rstrip('.')}.",
                "Is zone the reverse zone of this network, as in 203.10.in-addr.arpa?",
                "Give the zone that holds it. Where a part of a network is delegated (RFC 2317) write the name itself.",
            )
        return Key(owner, kind)
    owner = owner_name(name, zone)
    if kind == "SRV" and new and not _SRV_OWNER.match(owner):
        raise InputError(
            f"{owner} SRV: clients ask for SRV records at _service._protocol (RFC 2782), and this name begins otherwise.",
            "Is an underscore missing?",
            "Write it as in _xmpp-client._tcp, or give service and protocol.",
        )
    return Key(owner, kind)


def value_text(kind: str, text: str, zone: str) -> str:
    """What a user wrote for one value of a type, as canonical text."""
    if kind in _ENTRIES:
        return _ENTRIES[kind](text)
    if text == ".":
        raise InputError(f'{kind} "." points to nothing.', "Is it meant for SRV?", "Give the name of a host.")
    return (complete_name if kind == "PTR" else target_name)(text, zone, kind)


def entry_values(key: Key, entries: Iterable[str], zone: str) -> tuple[str, ...]:
    """What a user wrote for the values of one set, as canonical text; errors name the set."""
    try:
        return tuple(value_text(key.type, text, zone) for text in entries)
    except InputError as error:
        raise InputError(f"{key}: {error.what}", error.cause, error.action) from error


def srv_text(srv: dict, zone: str) -> str:
    """The named parts of one SRV record as canonical text."""
    for part in ("priority", "weight", "port"):
        if not 0 <= srv[part] <= 65535:
            raise InputError(f"SRV {part} {srv[part]} is not a number from 0 to 65535.")
    target = target_name(srv["target"], zone)
    if target != "." and srv["port"] == 0:
        raise InputError(f"SRV target {target} has port 0: nothing can be reached there.")
    return f"{srv['priority']} {srv['weight']} {srv['port']} {target}"


def srv_parts(text: str) -> dict:
    """The named parts of an SRV value in canonical text."""
    priority, weight, port, target = text.split(" ")
    return {"priority": int(priority), "weight": int(weight), "port": int(port), "target": target}


def is_no_service_value(value: str) -> bool:
    """Whether an SRV value says that there is no such service (RFC 2782)."""
    return value.endswith(" .")


def is_no_service(records: RecordSet) -> bool:
    """Whether a record set says that there is no such service."""
    return records.key.type == "SRV" and any(map(is_no_service_value, records.values))


def as_result(records: RecordSet) -> dict:
    """A record set in the shape of the option that it came from."""
    result: dict = {"name": records.key.name, "type": records.key.type, "ttl": records.ttl}
    if records.key.type == "SRV":
        result["srv"] = [srv_parts(value) for value in records.values]
    elif records.key.type == "TXT":
        result["entries"] = [txt_plain(value) for value in records.values]
    else:
        result["entries"] = list(records.values)
    return result
