# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What was seen: plain values between those who ask (observe) and those who judge (judge)."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.lookup import Reply
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet

PRIMARY = "primary"
SERVER = "server"
RESOLVER = "resolver"
OUTSIDE_SERVER = "outside_server"
OUTSIDE_RESOLVER = "outside_resolver"


@dataclasses.dataclass(frozen=True)
class Party:
    """Somebody who is asked. ``name`` is a name without the final dot, or an address.

    found: only the NS records of the zone name it, nobody has said that it must answer.
    """

    name: str
    port: int
    role: str
    signer: object = dataclasses.field(default=None, compare=False)
    found: bool = False

    @property
    def authoritative(self) -> bool:
        """Whether it must know by itself what is in the zone that users inside see."""
        return self.role in (PRIMARY, SERVER)

    @property
    def recursive(self) -> bool:
        return self.role in (RESOLVER, OUTSIDE_RESOLVER)

    @property
    def inside(self) -> bool:
        return self.role in (PRIMARY, SERVER, RESOLVER)

    @property
    def side(self) -> str:
        """The same address may be asked as server, as resolver, and from outside with another key."""
        return "server" if self.authoritative else self.role

    @property
    def label(self) -> str:
        return self.name if self.port == 53 else f"{self.name} port {self.port}"

    def at(self, address: str) -> str:
        """The label with the address that was asked."""
        return self.label if address in ("", self.name) else f"{self.label} ({address})"


@dataclasses.dataclass
class Seen:
    """What one of them answered: about the zone (SOA), and about each record set."""

    party: Party
    address: str = ""
    zone: Reply = dataclasses.field(default_factory=Reply)
    replies: dict[Key, Reply] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.party.at(self.address)

    def reply(self, key: Key) -> Reply:
        return self.replies.get(key, Reply())

    def found(self, key: Key) -> RecordSet | None:
        return self.reply(key).sets.get(key)

    def alias(self, key: Key) -> str:
        """Where the name points to, if it is a CNAME and something else was asked for."""
        records = self.reply(key).sets.get(Key(key.name, "CNAME")) if key.type != "CNAME" else None
        return records.values[0] if records is not None else ""

    def lines(self, key: Key) -> list[str]:
        """What was answered, as lines of a zone file."""
        return [line for records in self.reply(key).sets.values() for line in records.lines]


@dataclasses.dataclass
class Target:
    """One host and port that an SRV record names."""

    service: str
    name: str
    port: int
    tcp: bool = True
    replies: dict[tuple[str, str], Reply] = dataclasses.field(default_factory=dict)
    connections: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """IPv4 first."""
        found = [address for reply in self.replies.values() for address in reply.addresses]
        return sorted(set(found), key=lambda address: (":" in address, address))

    @property
    def alias(self) -> str:
        here = Key(self.name, "CNAME")
        for reply in self.replies.values():
            if here in reply.sets:
                return reply.sets[here].values[0]
        return ""


@dataclasses.dataclass
class Observation:
    """One look, or the last of several."""

    zone: str
    seen: list[Seen]
    intents: collections.abc.Sequence[Intent] = ()
    ns_error: str = ""
    directory: str = ""
    waited: float = 0.0
    laggards: list[Seen] = dataclasses.field(default_factory=list)
    targets: list[Target] = dataclasses.field(default_factory=list)

    @property
    def authoritative(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.party.authoritative]

    @property
    def resolvers(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.party.role == RESOLVER]

    @property
    def outside(self) -> list[Seen]:
        return [seen for seen in self.seen if not seen.party.inside]
