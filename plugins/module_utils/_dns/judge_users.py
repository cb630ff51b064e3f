# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What users get: from their resolvers, from outside, and behind SRV records, as checks. Pure: no network, no clock."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, PASS, WARN, Checks
from ansible_collections.onprem.chat.plugins.module_utils._dns import judge, meaning
from ansible_collections.onprem.chat.plugins.module_utils._dns.observed import Observation, Seen, Target
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, is_no_service_value

POLICIES = {"allow": PASS, "warn": WARN, "fail": FAIL}

# -- resolvers --------------------------------------------------------------------------------------------------------


def resolver(checks: Checks, view: Observation, intent: Intent) -> None:
    """dns.resolver: the resolvers of the users give what the servers of the zone have."""
    id_, subject, source = "dns.resolver", str(intent.key), "RFC 2308"
    asked = [seen for seen in view.resolvers if meaning.holds_zone(seen, view.zone)]
    servers = meaning.good_servers(view)
    if not view.resolvers:
        return
    if not asked:
        checks.skipped(id_, subject, "no resolver answered", "See the checks dns.server.", source)
    elif not any(intent.key in seen.replies for seen in asked):
        checks.skipped(
            id_,
            subject,
            "not asked: a resolver that is asked before every server of the zone has it remembers the old state",
            "See the check dns.authoritative.",
            source,
        )
    else:
        late = [seen for seen in asked if not meaning.is_right(seen, intent)]
        if not late:
            checks.passed(id_, subject, judge.by_answer(asked, intent.key), source)
            return
        verdicts = [_late(view, seen, intent, bool(servers)) for seen in late]
        status = FAIL if any(status == FAIL for status, _text, _hint in verdicts) else WARN
        checks.add(
            status,
            id_,
            subject,
            judge.after(view) + "; ".join(text for _status, text, _hint in verdicts),
            next(hint for one, _text, hint in verdicts if one == status),
            source,
        )


def _late(view: Observation, seen: Seen, intent: Intent, published: bool) -> tuple[str, str, str]:
    reply = seen.reply(intent.key)
    answer = judge.said(seen, intent.key)
    check = f"Check with: {judge.dig(seen, intent.key)}"
    if not reply.usable:
        return FAIL, f"{seen}: {answer}", f"Does this resolver reach the servers of the zone? {check}"
    if not published:
        return (
            FAIL,
            f"{seen}: {answer}; wanted: {judge.asked_for(intent)}",
            f"No server of the zone could be asked, so whether it is there is not known. {check}",
        )
    if reply.aa and seen.zone.aa and seen.zone.soa is not None and seen.zone.soa.name == view.zone:
        return (
            WARN,
            f"{seen}: {answer}, with authority: it serves the zone itself (serial {seen.zone.soa.serial})",
            "Is it a domain controller or a secondary to which the change has not come yet? Then wait, and ask again. If it stays "
            f"so, it holds another copy of the zone (split DNS). {check}",
        )
    if reply.aa:
        return (
            FAIL,
            f"{seen}: {answer}, with authority: it has a zone of its own for this name",
            "Does it hold another copy of the zone (split DNS), or one that is not kept up to date? Waiting does not help. "
            + check,
        )
    hint = "Wait, or clear the resolver's cache for this name. Whoever asks before a record is there causes this."
    if not seen.lines(intent.key):
        return WARN, f"{seen}: {answer}; {_negative(view, seen, intent.key)}", hint
    left = max((records.ttl for records in reply.sets.values()), default=0)
    return WARN, f"{seen}: {answer}; it may keep this old answer for another {left} s", hint


def _negative(view: Observation, seen: Seen, key: Key) -> str:
    """For how long resolvers keep that there is nothing (RFC 2308 5)."""
    first = meaning.reference(view)
    reply = seen.reply(key)
    what = "NXDOMAIN" if reply.rcode == "NXDOMAIN" else "this"
    limit = first.zone.soa.negative_ttl if first is not None else None
    left = reply.soa.negative_ttl if reply.soa is not None else None
    limit = left if limit is None else limit
    if limit is None:
        return f"resolvers may keep {what} for some hours (its answer has no SOA record)"
    text = f"resolvers may keep {what} for {limit} s"
    return f"{text}, this one for another {left} s" if left is not None else text


# -- inside and outside -----------------------------------------------------------------------------------------------


def split(checks: Checks, view: Observation, intent: Intent, policy: str) -> None:
    """dns.split: users outside get the same answer as those inside."""
    id_, subject, source = "dns.split", str(intent.key), "RFC 9499 6"
    key = intent.key
    outside = [seen for seen in view.outside if meaning.holds_zone(seen, view.zone) and _opinion(seen, key) is not None]
    servers = meaning.good_servers(view) or view.resolvers
    inside = [seen for seen in servers if _opinion(seen, key) is not None]
    if not view.outside:
        return
    if not outside or not inside:
        side = "inside" if outside else "outside"
        checks.skipped(
            id_,
            subject,
            f"nobody {side} gave an answer to compare",
            "See the checks dns.server and dns.authoritative.",
            source,
        )
        return
    known = {_opinion(seen, key) for seen in inside}
    other = [seen for seen in outside if _opinion(seen, key) not in known]
    evidence = f"inside: {judge.by_answer(inside, key)}; outside: {judge.by_answer(other or outside, key)}"
    if not other:
        checks.passed(id_, subject, f"the same inside and outside: {judge.by_answer([*inside, *outside], key)}", source)
    elif policy == "allow":
        checks.passed(id_, subject, f"split DNS, which split=allow permits; {evidence}", source)
    else:
        hint = (
            "Users get another answer outside than inside (split DNS), and some products do not work with that. Publish the "
            "same records for both, or set split=allow if it is meant."
        )
        if any(seen.party.recursive for seen in other):
            hint += " A resolver may also still keep an old answer: then it passes by itself."
        checks.add(POLICIES[policy], id_, subject, f"split DNS; {evidence}", hint, source)


def _opinion(seen: Seen, key: Key) -> tuple[str, ...] | None:
    """The values that it gives, () for nothing; None when it gave no answer that counts."""
    reply = seen.reply(key)
    if not reply.usable or (not seen.party.recursive and not reply.aa):
        return None
    records = seen.found(key)
    if records is not None:
        return records.values
    return (f"CNAME {seen.alias(key)}",) if seen.alias(key) else ()


# -- SRV targets ------------------------------------------------------------------------------------------------------


def targets(checks: Checks, view: Observation, connect: bool) -> None:
    """dns.srv.target.*: what SRV records point to exists, is no alias and takes connections."""
    for intent in view.intents:
        if intent.key.type == "SRV" and intent.state != "absent" and any(map(is_no_service_value, intent.values)):
            checks.skipped(
                "dns.srv.target.address",
                intent.key.name,
                'the target "." says that there is no such service',
                source="RFC 2782",
            )
    names: dict[str, Target] = {}
    for target in view.targets:
        names.setdefault(target.name, target)
    for target in names.values():
        _address(checks, view, target)
        _alias(checks, target)
    for target in view.targets:
        if connect:
            _connection(checks, target)


def _address(checks: Checks, view: Observation, target: Target) -> None:
    id_, subject, source = "dns.srv.target.address", target.name, "RFC 2782"
    family: dict[str, set[str]] = {"A": set(), "AAAA": set()}
    lacks, errors = [], []
    asked = dict.fromkeys(who for who, _kind in target.replies)
    for who in asked:
        mine = {kind: target.replies.get((who, kind)) for kind in family}
        for kind, reply in mine.items():
            family[kind].update(reply.addresses if reply else ())
        if not any(reply and reply.addresses for reply in mine.values()):
            bad = next((reply for reply in mine.values() if reply and not reply.usable), None)
            (errors if bad else lacks).append(f"{who} ({bad.error or bad.rcode})" if bad else who)
    evidence = "; ".join(f"{kind}: {judge.listed(sorted(values)) or 'none'}" for kind, values in family.items())
    if not asked:
        checks.skipped(id_, subject, "nobody could be asked for its address", "See the checks dns.server.", source)
    elif len(lacks) + len(errors) == len(asked):
        seen = "; ".join(
            [f"{evidence} at {judge.listed(lacks)}"] * bool(lacks) + [f"no answer from {e}" for e in errors]
        )
        checks.failed(
            id_,
            subject,
            seen,
            f"Clients that are sent to {target.name} by {target.service} cannot connect. Is the name spelt right? Publish "
            "its A or AAAA record.",
            source,
        )
    elif lacks or errors:
        spare = not errors and set(lacks) <= _may_lack(view, target)
        hint = "Does this server have the newest copy of the zone, and the same view? See dns.serial."
        checks.add(
            WARN if spare else FAIL,
            id_,
            subject,
            f"{evidence}; but none at {judge.listed([*lacks, *errors])}",
            judge.REPLICATION if spare else hint,
            source,
        )
    else:
        checks.passed(id_, subject, evidence, source)


def _may_lack(view: Observation, target: Target) -> set[str]:
    """The domain controllers to which the name may still have to come."""
    mine = [intent for intent in view.intents if intent.key.name == target.name and intent.state != "absent"]
    return {
        str(seen) for seen in view.authoritative if mine and all(meaning.may_lag(seen, view, intent) for intent in mine)
    }


def _alias(checks: Checks, target: Target) -> None:
    id_, subject, source = "dns.srv.target.cname", target.name, "RFC 2782"
    if target.alias:
        checks.failed(
            id_,
            subject,
            f"is a CNAME to {target.alias}",
            f"The target of an SRV record must be the name of the host itself: name {target.alias} in {target.service}, or "
            f"give {target.name} address records in place of the CNAME.",
            source,
        )
    elif any(reply.usable for reply in target.replies.values()):
        checks.passed(id_, subject, "is no CNAME", source)
    else:
        checks.skipped(id_, subject, "nobody could be asked for it", "See the checks dns.server.", source)


def _connection(checks: Checks, target: Target) -> None:
    id_, subject, source = "dns.srv.target.connect", f"{target.name} port {target.port}", target.service
    if not target.tcp:
        checks.skipped(id_, subject, "a service over UDP: it takes no connection", source=source)
        return
    if not target.connections:
        checks.skipped(id_, subject, "it has no address", "See the check dns.srv.target.address.", source)
        return
    parts = [f"{address}: {error or 'accepts'}" for address, error in sorted(target.connections.items(), key=_family)]
    bad = [address for address, error in sorted(target.connections.items(), key=_family) if error]
    if not bad:
        checks.passed(id_, subject, "; ".join(parts), source)
        return
    checks.add(
        FAIL if len(bad) == len(parts) else WARN,
        id_,
        subject,
        "; ".join(parts),
        f"Is the service running and listening on {judge.listed(bad)}, and is TCP port {target.port} open between the "
        f"controller and it? Clients may try this address first. Check with: nc -vz {bad[0]} {target.port}",
        source,
    )


def _family(item: tuple[str, str]) -> tuple[bool, str]:
    return ":" in item[0], item[0]


def survey(view: Observation, split_policy: str, connect: bool, compare_serials: bool) -> Checks:
    """All checks of one observation, in the order in which one would look."""
    checks = Checks()
    judge.servers(checks, view)
    judge.serial(checks, view, compare_serials)
    questions: list[collections.abc.Callable[[Intent], None]] = [
        lambda intent: judge.authoritative(checks, view, intent),
        lambda intent: judge.ttl(checks, view, intent),
        lambda intent: resolver(checks, view, intent),
        lambda intent: split(checks, view, intent, split_policy),
    ]
    for intent in view.intents:
        for ask in questions:
            ask(intent)
    if not view.resolvers:
        checks.skipped("dns.resolver", view.zone, "no resolver is to be asked", source="RFC 2308")
    if not view.outside:
        checks.skipped(
            "dns.split", view.zone, "nobody outside is to be asked (outside is not given)", source="RFC 9499 6"
        )
    targets(checks, view, connect)
    return checks
