# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Who is asked what, and again until it is as wanted or time is up. Judges nothing for the user and knows no sockets."""

from __future__ import annotations

import collections.abc
import concurrent.futures
import dataclasses
import ipaddress

from ansible_collections.onprem.chat.plugins.module_utils._dns import meaning
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lookup import NO_ADDRESS, Reply
from ansible_collections.onprem.chat.plugins.module_utils._dns.observed import (
    OUTSIDE_RESOLVER,
    OUTSIDE_SERVER,
    PRIMARY,
    RESOLVER,
    SERVER,
    Observation,
    Party,
    Seen,
    Target,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, is_no_service_value, srv_parts

WORKERS = 16


@dataclasses.dataclass(frozen=True)
class Question:
    """One run. ``servers``: None means the zone's NS set; ``resolvers``: None means those of this host."""

    zone: str
    intents: tuple[Intent, ...]
    servers: tuple[str, ...] | None = None
    primaries: tuple[str, ...] = ()
    resolvers: tuple[str, ...] | None = None
    outside_servers: tuple[str, ...] = ()
    outside_resolvers: tuple[str, ...] = ()
    signer: object = None
    outside_signer: object = None
    wait: float = 0
    interval: float = 2
    wait_for_resolvers: bool = False
    connect: bool = False
    connect_timeout: float = 3
    compare_serials: bool = True


def party(text: str, role: str, signer=None, found: bool = False) -> Party:
    """``name``, ``name:port``, ``address``, ``[IPv6]:port``."""
    host, port = text.strip(), "53"
    if host.startswith("["):
        host, _bracket, rest = host[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif host.count(":") == 1:
        host, _colon, port = host.partition(":")
    if not host.strip(".") or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(
            f"{text!r} is no DNS server.",
            action="Give a name or an address, with another port than 53 as name:port or [IPv6 address]:port.",
        )
    return Party(host.rstrip(".").lower(), int(port), role, signer, found)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


class Observer:
    """Asks everybody through ``network`` (lookup.Network)."""

    def __init__(self, question: Question, network) -> None:
        self.question = question
        self.network = network
        names = network.own_resolvers() if question.resolvers is None else question.resolvers
        self.resolvers = [party(text, RESOLVER) for text in names]
        # Somebody must find the name servers, also when no resolver is to be judged.
        self.helpers = self.resolvers or [party(text, RESOLVER) for text in network.own_resolvers()]

    def observe(self) -> Observation:
        """Everything that was seen, after waiting if that was asked for."""
        question, network = self.question, self.network
        ns_error, servers = "", question.servers
        if servers is None:
            servers, ns_error = self._name_servers()
        view = Observation(question.zone, self._everybody(servers), question.intents, ns_error=ns_error)
        start = network.now()
        deadline = start + question.wait
        servers = [seen for seen in view.seen if not seen.party.recursive]
        pending = servers
        while True:
            self._ask(pending, question.intents)
            if question.compare_serials:
                view.directory = view.directory or self._directory(view)
            if question.wait_for_resolvers:
                late = [seen for seen in view.resolvers if not self._settled(seen, view)]
                self._ask(late, self._published(view, bool(view.authoritative)))
            view.waited = network.now() - start
            unsettled = [seen for seen in view.seen if not self._settled(seen, view)]
            left = deadline - network.now()
            if all(meaning.may_be_silent(seen, view) for seen in unsettled) or left <= 0:
                break
            network.sleep(min(question.interval, left))
            # Serials are compared between servers, so all of them are asked again.
            pending = [seen for seen in view.seen if seen.party.authoritative]
        self._ask_resolvers(view)
        view.laggards = [seen for seen in view.seen if not self._settled(seen, view)]
        view.waited = view.waited if question.wait else 0.0
        view.targets = self._targets(view)
        return view

    # A resolver that is asked for what is not there yet remembers just that, for minutes or hours: then the question would
    # cause what it looks for. So a resolver is asked for a set only when every server of the zone has it.

    def _published(self, view: Observation, must_be_known: bool) -> list[Intent]:
        """The intents that every server of the zone shows. Without a word of any server: none if it must be known."""
        good = meaning.good_servers(view)
        if not good:
            return [] if must_be_known else list(self.question.intents)
        return [intent for intent in self.question.intents if all(meaning.is_right(seen, intent) for seen in good)]

    def _ask_resolvers(self, view: Observation) -> None:
        published = self._published(view, bool(view.authoritative))
        fresh = [seen for seen in view.resolvers if not self.question.wait_for_resolvers or not seen.replies]
        self._ask(fresh, published)
        servers = [seen for seen in view.outside if not seen.party.recursive and meaning.holds_zone(seen, view.zone)]
        there = [intent for intent in published if all(seen.lines(intent.key) for seen in servers)]
        self._ask([seen for seen in view.outside if seen.party.recursive], there)

    # -- whom ---------------------------------------------------------------------------------------------------------

    def _name_servers(self) -> tuple[tuple[str, ...], str]:
        """The zone's NS set as the first resolver that knows it gives it."""
        key = Key(self.question.zone, "NS")
        said = []
        for helper in self.helpers:
            reply = self.network.ask(helper.name, helper.port, key, recursive=True)
            records = reply.sets.get(key)
            if records is not None:
                return tuple(records.values), ""
            said.append(
                f"{helper.label}: {reply.error or (reply.rcode if reply.rcode != 'NOERROR' else 'no NS record')}"
            )
        return (), "; ".join(said) or "there is no resolver to ask"

    def _everybody(self, servers: collections.abc.Iterable[str]) -> list[Seen]:
        question = self.question
        parties = [party(text, PRIMARY, question.signer) for text in question.primaries]
        found = question.servers is None
        parties += [party(text, SERVER, question.signer, found) for text in servers]
        parties += self.resolvers
        parties += [party(text, OUTSIDE_SERVER, question.outside_signer) for text in question.outside_servers]
        parties += [party(text, OUTSIDE_RESOLVER) for text in question.outside_resolvers]
        once = {(one.name, one.port, one.side): one for one in reversed(parties)}
        return [Seen(one) for one in parties if once.get((one.name, one.port, one.side)) is one]

    # -- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, pending: list[Seen], intents: collections.abc.Iterable[Intent]) -> None:
        """Everybody the SOA record first; who answers it, also everything that is not yet as wanted."""
        intents = list(intents)
        self._each(self._probe, [(seen,) for seen in pending])
        todo = [
            (seen, intent.key)
            for seen in pending
            if seen.zone.answered
            for intent in intents
            if not meaning.is_fine(seen, intent)
        ]
        self._each(self._look, todo)

    def _probe(self, seen: Seen) -> None:
        soa = Key(self.question.zone, "SOA")
        seen.zone = Reply(problem=NO_ADDRESS, error="the name has no address")
        addresses = [seen.address] if seen.address else self._addresses(seen.party.name)
        for address in addresses:
            seen.zone = self._one(seen.party, address, soa)
            if seen.zone.answered:
                seen.address = address
                return

    def _addresses(self, name: str) -> list[str]:
        if is_address(name):
            return [name]
        found = self.network.addresses(name)
        for helper in self.helpers:
            for kind in ("A", "AAAA"):
                if not found:
                    key = Key(f"{name}.", kind)
                    found = list(self.network.ask(helper.name, helper.port, key, recursive=True).addresses)
        return found

    def _look(self, seen: Seen, key: Key) -> None:
        seen.replies[key] = self._one(seen.party, seen.address, key)

    def _one(self, who: Party, address: str, key: Key) -> Reply:
        return self.network.ask(address, who.port, key, recursive=who.recursive, signer=who.signer)

    @staticmethod
    def _each(function, arguments: list[tuple]) -> None:
        if not arguments:
            return
        with concurrent.futures.ThreadPoolExecutor(min(WORKERS, len(arguments))) as pool:
            for future in [pool.submit(function, *given) for given in arguments]:
                future.result()

    def _settled(self, seen: Seen, view: Observation) -> bool:
        """Whether nothing is gained by asking this one again."""
        if seen.party.role == RESOLVER and not self.question.wait_for_resolvers:
            return True
        if not seen.party.inside:
            return True
        if not meaning.holds_zone(seen, view.zone):
            return False
        if not all(meaning.is_fine(seen, intent) for intent in self.question.intents):
            return False
        if not seen.party.authoritative or not self.question.compare_serials or view.directory:
            return True
        return not meaning.is_behind(seen, view)

    def _directory(self, view: Observation) -> str:
        """What shows that the servers are domain controllers, each of which counts serials of its own; or ""."""
        good = [seen for seen in view.authoritative if meaning.holds_zone(seen, view.zone)]
        if len(good) < 2:
            return ""
        own = {seen.zone.soa.mname for seen in good}
        if len(own) > 1:
            return "the SOA record names another primary at each server: " + ", ".join(sorted(own))
        key = Key(f"_ldap._tcp.dc._msdcs.{view.zone}", "SRV")
        for seen in good:
            if key in self._one(seen.party, seen.address, key).sets:
                return f"{key.name} exists"
        return ""

    # -- targets ------------------------------------------------------------------------------------------------------

    def _targets(self, view: Observation) -> list[Target]:
        """The addresses of every SRV target that is wanted or there, and whether they take a connection."""
        targets: dict[tuple[str, int, bool], Target] = {}
        for intent in self.question.intents:
            if intent.key.type != "SRV" or intent.state == "absent":
                continue
            values = set(intent.values)
            for seen in view.seen:
                if meaning.may_lag(seen, view, intent) and not meaning.is_right(seen, intent):
                    continue
                records = seen.found(intent.key)
                if records is not None and seen.party.inside and (seen.party.authoritative or not view.authoritative):
                    values.update(records.values)
            for value in sorted(values):
                parts = srv_parts(value)
                tcp = "._udp." not in f".{intent.key.name}"
                slot = (parts["target"], parts["port"], tcp)
                if not is_no_service_value(value) and slot not in targets:
                    targets[slot] = Target(intent.key.name, parts["target"], parts["port"], tcp)
        self._each(self._resolve, [(target, view) for target in targets.values()])
        if self.question.connect:
            self._each(
                self._try, [(target, one) for target in targets.values() if target.tcp for one in target.addresses]
            )
        return list(targets.values())

    def _resolve(self, target: Target, view: Observation) -> None:
        """Asks the zone's own servers about names in it, the resolvers about all others."""
        lies_here = target.name == view.zone or target.name.endswith(f".{view.zone}")
        good = [seen for seen in view.authoritative if lies_here and meaning.holds_zone(seen, view.zone)]
        if lies_here and view.authoritative and not good:
            return  # The same as in _ask_resolvers: whether the name is there yet is not known.
        askers = [(seen.party, seen.address) for seen in good]
        if not self._gather(target, askers):
            target.replies.clear()
            resolvers = [(seen.party, seen.address) for seen in view.resolvers if seen.zone.answered]
            helpers = [] if self.question.resolvers == () else self.helpers
            self._gather(target, resolvers or [(helper, helper.name) for helper in helpers])

    def _gather(self, target: Target, askers: list[tuple[Party, str]]) -> bool:
        """Whether the answers were given by somebody who knows: a delegated name has no authority here."""
        for who, address in askers:
            for kind in ("A", "AAAA"):
                reply = self._one(who, address, Key(target.name, kind))
                if who.authoritative and reply.usable and not reply.aa:
                    return False
                target.replies[who.at(address), kind] = reply
        return bool(askers)

    def _try(self, target: Target, address: str) -> None:
        target.connections[address] = self.network.connect(address, target.port, self.question.connect_timeout)
