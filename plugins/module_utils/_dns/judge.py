# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What the servers of a zone answered, as checks. Pure: no network, no clock."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, WARN, Checks
from ansible_collections.onprem.chat.plugins.module_utils._dns import lookup, meaning
from ansible_collections.onprem.chat.plugins.module_utils._dns.observed import Observation, Seen
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key

LONGEST = 600
NAME_THEM = "Or name the servers that matter in servers (role dns: dns_servers)."
REPLICATION = (
    "The domain controller that is written to has it; the others get it by replication, which takes up to some hours between "
    "sites. Compare with: repadmin /showrepl, or samba-tool drs showrepl. Name those that must have it at once in servers "
    "(role dns: dns_servers)."
)

# -- texts ------------------------------------------------------------------------------------------------------------


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def listed(many: collections.abc.Iterable[object]) -> str:
    return ", ".join(map(str, many))


def said(seen: Seen, key: Key) -> str:
    """What it answered about a set, in words."""
    reply = seen.reply(key)
    if not reply.answered:
        return reply.error or "was not asked"
    if not reply.usable:
        return reply.rcode
    if not seen.party.recursive and not reply.aa:
        return "an answer without authority"
    lines = seen.lines(key)
    if lines:
        return cut(f"[{'; '.join(lines)}]")
    return "NXDOMAIN" if reply.rcode == "NXDOMAIN" else f"no {key.type} record"


def by_answer(many: collections.abc.Iterable[Seen], key: Key) -> str:
    """Who said what, those with the same answer together."""
    groups: dict[str, list[Seen]] = {}
    for seen in many:
        groups.setdefault(said(seen, key), []).append(seen)
    return "; ".join(f"{text} at {listed(group)}" for text, group in groups.items())


def asked_for(intent: Intent) -> str:
    """The intent as text."""
    ttl = "" if intent.ttl is None or intent.state == "absent" else f"{intent.ttl} "
    lines = "; ".join(f"{intent.key.name} {ttl}IN {intent.key.type} {value}" for value in intent.values)
    if intent.state == "absent":
        return cut(f"not [{lines}]") if lines else f"no {intent.key.type} record"
    return cut(f"[{lines}]") + (" and no other" if intent.state == "exact" else "")


def after(view: Observation) -> str:
    return f"after {view.waited:.0f} s: " if view.waited >= 0.5 else ""


def dig(seen: Seen, key: Key) -> str:
    port = f" -p {seen.party.port}" if seen.party.port != 53 else ""
    recursive = "" if seen.party.recursive else " +norecurse"
    return f"dig{recursive} @{seen.address or seen.party.name}{port} {key.name} {key.type}"


# -- servers ----------------------------------------------------------------------------------------------------------


def servers(checks: Checks, view: Observation) -> None:
    """dns.server: everybody who is asked answers, and knows the zone."""
    source = "RFC 1034 4.2.2"
    if view.ns_error:
        checks.failed(
            "dns.server",
            view.zone,
            f"the name servers of the zone were not found: {view.ns_error}",
            "Is the zone known to these resolvers? Name its servers in servers, or resolvers that know the zone.",
            source,
        )
    for seen in view.seen:
        _server(checks, view, seen, source)
    if not view.authoritative and not view.ns_error:
        checks.skipped(
            "dns.server", view.zone, "no server of the zone is to be asked (servers is empty)", source=source
        )


def who(seen: Seen) -> str:
    """Whom a check is about."""
    role = {"primary": "primary ", "server": ""}.get(seen.party.role, seen.party.role.replace("_", " ") + " ")
    return f"{role}{seen}"


def _server(checks: Checks, view: Observation, seen: Seen, source: str) -> None:
    reply, key = seen.zone, Key(view.zone, "SOA")
    if not meaning.holds_zone(seen, view.zone):
        evidence, hint = _why_not(seen, view.zone, key)
        spare = meaning.may_be_silent(seen, view)
        hint = f"{hint} {NAME_THEM}" if spare else hint
        checks.add(WARN if spare else FAIL, "dns.server", who(seen), after(view) + evidence, hint, source)
        return
    if seen.party.recursive:
        evidence = f"answers over {reply.over}"
    else:
        evidence = f"authoritative, serial {reply.soa.serial}, asked over {reply.over}"
    if reply.udp_error:
        checks.warned(
            "dns.server",
            who(seen),
            f"{evidence}; UDP: {reply.udp_error}",
            f"Everybody asks over UDP first. Is UDP port {seen.party.port} open between the controller and the server?",
            source,
        )
    elif seen.party.recursive and not reply.ra:
        checks.warned(
            "dns.server",
            who(seen),
            f"{evidence}, but offers no recursion",
            "Is it a resolver, and may the controller use it? A server that answers for its own zones only belongs "
            "into servers.",
            source,
        )
    else:
        checks.passed("dns.server", who(seen), evidence, source)


def _why_not(seen: Seen, zone: str, key: Key) -> tuple[str, str]:
    reply, name = seen.zone, zone.rstrip(".")
    check = f"Check with: {dig(seen, key)}"
    if reply.problem == lookup.NO_ADDRESS:
        return (
            reply.error,
            f"Is it spelt right, and do the resolvers know it? Check with: getent hosts {seen.party.name}",
        )
    if reply.problem == lookup.SILENT:
        port = seen.party.port
        return reply.error, (
            f"Is the DNS service running there, and is port {port} open for UDP and TCP between the controller and it? "
            f"{check}"
        )
    if reply.problem == lookup.BAD_KEY:
        return reply.error, (
            "Are name, algorithm and secret of the key those in the server's configuration, and is the difference of the "
            "clocks below 5 minutes? For servers that do not know the key leave out tsig_name, tsig_secret and tsig_key_file "
            "(role dns: dns_sign_questions: false)."
        )
    if not reply.answered:
        return reply.error, f"Does something else than a DNS server listen there? {check}"
    if seen.party.recursive:
        return f"answers {reply.rcode}", f"Does it resolve for the controller's network? {check}"
    if not reply.usable:
        return f"answers {reply.rcode} when asked for the zone {name}", (
            f"Does it hold the zone (expired, not loaded, another view), and may the controller ask it? {check}"
        )
    if reply.soa is not None and reply.soa.name != zone and reply.aa:
        above = reply.soa.name.rstrip(".")
        return f"{name} is no zone of its own there; it lies in {above}", f"Is {above} the zone that is meant?"
    return f"is not authoritative for the zone {name} (its answer: {reply.rcode}, flag AA is not set)", (
        f"Is it a resolver? Then name it in resolvers. Is the zone delegated to it, but not configured there? {check}"
    )


# -- sets -------------------------------------------------------------------------------------------------------------


def authoritative(checks: Checks, view: Observation, intent: Intent) -> None:
    """dns.authoritative: every server of the zone has the set as wanted."""
    id_, subject, source = "dns.authoritative", str(intent.key), "RFC 1034 4.2.2"
    good = meaning.good_servers(view)
    if not good:
        checks.skipped(id_, subject, "no server of the zone answered", "See the checks dns.server.", source)
        return
    right = [seen for seen in good if meaning.is_right(seen, intent)]
    wrong = [seen for seen in good if seen not in right]
    if not wrong:
        checks.passed(id_, subject, by_answer(right, intent.key), source)
        return
    evidence = f"{after(view)}{by_answer(wrong, intent.key)}; wanted: {asked_for(intent)}"
    if right:
        evidence += f"; as wanted at {listed(right)}"
    spare = all(meaning.may_lag(seen, view, intent) for seen in wrong)
    hint = REPLICATION if spare else _what_to_do(intent, right, wrong, view)
    checks.add(WARN if spare else FAIL, id_, subject, evidence, hint, source)


def _what_to_do(intent: Intent, right: list[Seen], wrong: list[Seen], view: Observation) -> str:
    first = wrong[0]
    reply = first.reply(intent.key)
    check = f"Check with: {dig(first, intent.key)}"
    if reply.usable and not reply.aa:
        return f"Is a zone below {view.zone} delegated to another server? Then give that zone. {check}"
    if not reply.usable:
        return f"Is the server overloaded, or is its copy of the zone damaged? See its log. {check}"
    if right:
        return (
            f"Does {first.party.label} get the zone from its primary (NOTIFY, transfer over TCP port 53, the key for it), "
            f"and does it serve the same view? With wait the module gives it time. {check}"
        )
    if intent.state == "absent":
        return f"Is it still to be removed (dns_records), or does a wildcard above it answer? {check}"
    if first.alias(intent.key):
        return "Beside a CNAME nothing can stand (RFC 1034 3.6.2): remove it, or name the host that it points to."
    if all(seen.found(intent.key) is None for seen in wrong):
        return f"Was it published, in this zone and this view (dns_records, or the provider of the zone)? {check}"
    return f"Was the change made, or does somebody else write the same records? {check}"


def ttl(checks: Checks, view: Observation, intent: Intent) -> None:
    """dns.ttl: the TTL that was asked for, at every server."""
    if intent.state == "absent":
        return
    id_, subject, source = "dns.ttl", str(intent.key), "RFC 2181 5.2"
    found: dict[int, list[Seen]] = {}
    for seen in meaning.good_servers(view):
        records = seen.found(intent.key)
        if records is not None and seen.reply(intent.key).aa:
            found.setdefault(records.ttl, []).append(seen)
    evidence = "; ".join(f"{value} s at {listed(group)}" for value, group in found.items())
    if not found:
        checks.skipped(id_, subject, "no server of the zone has the record set", source=source)
    elif intent.ttl is not None and set(found) != {intent.ttl}:
        late = [seen for value, group in found.items() if value != intent.ttl for seen in group]
        spare = all(meaning.may_lag(seen, view, intent) for seen in late)
        hint = (
            "Was the change made on the primary, and did it reach every server? Some providers set a TTL of their own: "
            "then give that one, or none."
        )
        checks.add(
            WARN if spare else FAIL,
            id_,
            subject,
            f"{after(view)}{evidence}; wanted: {intent.ttl} s",
            REPLICATION if spare else hint,
            source,
        )
    elif len(found) > 1:
        checks.warned(
            id_,
            subject,
            f"{after(view)}{evidence}",
            "Does a server serve an old copy of the zone? See dns.serial.",
            source,
        )
    else:
        checks.passed(id_, subject, evidence, source)


def serial(checks: Checks, view: Observation, compare: bool) -> None:
    """dns.serial: the secondaries have the primary's copy of the zone."""
    id_, subject, source = "dns.serial", view.zone, "RFC 1982"
    good = meaning.good_servers(view)
    evidence = ", ".join(f"{seen.zone.soa.serial} at {seen}" for seen in good)
    if not compare:
        checks.skipped(id_, subject, "serials=ignore", source=source)
    elif len(good) < 2:
        checks.skipped(
            id_, subject, f"nothing to compare: {evidence or 'no server of the zone answered'}", source=source
        )
    elif view.directory:
        checks.skipped(
            id_,
            subject,
            f"Active Directory ({view.directory}): every domain controller counts a serial of its own, so only the records "
            f"are compared. {evidence}",
            source=source,
        )
    else:
        first = meaning.reference(view)
        late = [seen for seen in good if meaning.is_behind(seen, view)]
        if not late:
            checks.passed(id_, subject, f"{first.zone.soa.serial} at {listed(good)}", source)
            return
        parts = [_distance(seen, first) for seen in late]
        # A zone in which much is written has a secondary behind at any moment; what was asked for may be there all the same.
        complete = all(meaning.is_fine(seen, intent) for seen in late for intent in view.intents) and bool(view.intents)
        ahead = any((meaning.serial_distance(first.zone.soa.serial, seen.zone.soa.serial) or 0) > 0 for seen in late)
        checks.add(
            WARN if complete and not ahead else FAIL,
            id_,
            subject,
            f"{after(view)}{'; '.join(parts)}; {first} has {first.zone.soa.serial}",
            _late(late[0], first, ahead),
            source,
        )


def _distance(seen: Seen, first: Seen) -> str:
    distance = meaning.serial_distance(first.zone.soa.serial, seen.zone.soa.serial)
    number = seen.zone.soa.serial
    if distance is None:
        return f"{seen} has {number}, and the two cannot be ordered"
    return f"{seen} has {number}, {abs(distance)} {'ahead' if distance > 0 else 'behind'}"


def _late(seen: Seen, first: Seen, ahead: bool) -> str:
    if ahead:
        return (
            f"Is {first.party.label} the primary, and was its zone restored or its serial set back? Until it has passed the "
            f"secondary's, {seen.party.label} takes no change: raise the primary's serial beyond it."
        )
    return (
        f"May {seen.party.label} transfer the zone from {first.party.label} (TCP port 53, address or key), and does it get "
        "NOTIFY? See the log of the secondary; with wait the module gives it time."
    )
