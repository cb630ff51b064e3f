# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Record sets as plain values, and how what a user writes becomes one.

A value is kept as canonical zone-file text: addresses in their shortest form, names in lower case, absolute and with
the trailing dot. So sets compare with ``==`` and nothing but this file knows about notations.
"""

from __future__ import annotations

import dataclasses
import re

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns

TYPES = ("A", "AAAA", "CNAME", "SRV", "TXT")
MAX_TTL = 2**31 - 1


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


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"[ .]", text)]


def record_set(key: Key, ttl: int, values, as_read=()) -> RecordSet:
    """A record set whose values are unique and in a stable order."""
    return RecordSet(key, ttl, tuple(sorted(set(values), key=_natural)), tuple(as_read))


def _to_name(text: str, what: str):
    try:
        if text.isascii():
            name = dns.name.from_text(text, origin=None)
        else:
            codec = dns.name.IDNA_2008_UTS_46 if dns.name.have_idna_2008 else dns.name.IDNA_2003
            name = dns.name.from_unicode(text, origin=None, idna_codec=codec)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise InputError(f"{what} {text!r} is no DNS name: {error}") from error
    return name


def zone_name(text: str) -> str:
    """The zone as an absolute name in lower case."""
    name = _to_name(text, "zone").derelativize(dns.name.root)
    if name == dns.name.root:
        raise InputError(
            f"zone {text!r} is no zone that records are written to.", action="Give its name, e.g. corp.test."
        )
    return name.to_text().lower()


def owner_name(text: str, zone: str) -> str:
    """The absolute name of a record: ``@`` is the zone, a name that ends in the zone is complete, others lie below."""
    origin = dns.name.from_text(zone)
    if text in ("@", ""):
        return zone
    name = _to_name(text, "name")
    if not name.is_absolute():
        complete = name.derelativize(dns.name.root)
        try:
            name = complete if complete.is_subdomain(origin) else name.derelativize(origin)
        except dns.exception.DNSException as error:
            raise InputError(f"name {text!r} is too long below the zone {zone}") from error
    if not name.is_subdomain(origin):
        raise InputError(
            f"name {text!r} does not lie in the zone {zone.rstrip('.')}.",
            "Does the record belong to another zone?",
            "Write it with a task of its own for that zone.",
        )
    return name.to_text().lower()


def target_name(text: str, zone: str) -> str:
    """The absolute name that a record points to: a single label lies below the zone, everything else is complete."""
    if text == ".":
        return "."
    name = _to_name(text, "target")
    if not name.is_absolute():
        name = name.derelativize(dns.name.from_text(zone) if len(name) == 1 else dns.name.root)
    return name.to_text().lower()


def _txt(text: str) -> str:
    """Plain text as the strings of a TXT record: cut into pieces of 255 bytes."""
    data = text.encode("utf-8")
    pieces = [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]
    return " ".join('"' + "".join(_escaped(byte) for byte in piece) + '"' for piece in pieces)


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def canonical(rdata) -> str:
    """A value read from a server as canonical text."""
    # Only for types whose text holds nothing but names and numbers. The text of a TXT record is data.
    text = rdata.to_text()
    return text.lower() if rdata.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.SRV, dns.rdatatype.AAAA) else text


def value_text(kind: str, text: str, zone: str) -> str:
    """What a user wrote for one value of a type, as canonical text."""
    if kind == "TXT":
        return _txt(text)
    if kind == "CNAME":
        return target_name(text, zone)
    try:
        return canonical(dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text))
    except (dns.exception.DNSException, ValueError) as error:
        wanted = {"A": "an IPv4 address", "AAAA": "an IPv6 address"}.get(kind, f"a value of type {kind}")
        raise InputError(f"{text!r} is not {wanted}.") from error


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


def txt_plain(text: str) -> str:
    """The plain text of a TXT value in canonical text, its strings joined."""
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, text)
    return b"".join(rdata.strings).decode("utf-8", "backslashreplace")


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
