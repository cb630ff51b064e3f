# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Asks all questions in order and never stops at a bad answer."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import dataclasses
import secrets
import ssl
import time
from typing import Any

from .._checks import Checks
from . import discovery, judge_dns, judge_s2s, judge_stream, judge_users, probe, talk
from .client import BROKEN, LoginFailed, Session, silence
from .mask import Masker
from .settings import SERVER_PORT, Account, Endpoint, Service, Settings
from .stream import NS_SERVER
from .tls import verified

#: Every question, in the order of the report.
CHECK_IDS = (
    "xmpp.srv.client",
    "xmpp.srv.target",
    "xmpp.tcp",
    "xmpp.tls.starttls_required",
    "xmpp.tls.certificate",
    "xmpp.tls.expiry",
    "xmpp.sasl.before_tls",
    "xmpp.sasl.after_tls",
    "xmpp.register",
    "xmpp.anonymous",
    "xmpp.s2s",
    "xmpp.login",
    "xmpp.login.wrong_password",
    "xmpp.login.disabled",
    "xmpp.vcard",
    "xmpp.archive",
    "xmpp.message",
)

#: Seconds after which a port that must be closed counts as silent. A firewall that drops never says so, and hosts that
#: answer on the client port answer on an open one as fast.
SILENCE = 3.0


def run(settings: Settings) -> dict[str, Any]:
    """The answer of the module."""
    silence()
    return asyncio.run(survey(settings))


async def survey(settings: Settings, resolver: Any = None) -> dict[str, Any]:
    """All questions. A resolver is given by tests only."""
    # Whatever a background task of the library raises must not be printed: it may quote what was sent.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    trusted = verified(settings.ca_path)
    checks = Checks()
    resolver = resolver or discovery.Resolver(settings.nameservers, settings.timeout)
    targets = await _find(checks, settings, resolver)
    endpoints = list(dict.fromkeys(endpoint for target in targets for endpoint in target.endpoints))
    probes = await asyncio.gather(
        *(probe.look(endpoint, settings.domain, trusted, settings.timeout) for endpoint in endpoints)
    )
    judge_stream.judge(checks, probes, settings.domain, time.time())
    await _server_to_server(checks, settings, resolver, endpoints, trusted)
    usable = next((p.endpoint for p in probes if p.verified and p.after and p.after.mechanisms), None)
    trip = await _users(checks, settings, usable, trusted, probes)
    return {"checks": Masker(settings.secrets).checks(checks), "round_trip": trip}


async def _find(checks: Checks, settings: Settings, resolver: Any) -> list[discovery.Target]:
    name = f"_xmpp-client._tcp.{settings.domain}"
    if settings.host:
        judge_dns.client_srv(checks, None, name, f"{settings.host}:{settings.port}")
        service = Service(0, 0, settings.port, settings.host)
        targets = [await discovery.system_target(service, settings.timeout)]
    else:
        answer = await resolver.services(name)
        judge_dns.client_srv(checks, answer, name, None)
        services = discovery.in_order(answer.services)
        targets = await asyncio.gather(*(resolver.target(service) for service in services))
    judge_dns.targets(checks, targets, "there is no SRV record")
    if not targets:
        # What a client falls back to (RFC 6120 3.2.2): so the other questions can be asked nevertheless.
        fallback = await resolver.target(Service(0, 0, settings.port, settings.domain))
        targets = [fallback]
    return list(targets)


async def _server_to_server(
    checks: Checks,
    settings: Settings,
    resolver: Any,
    endpoints: collections.abc.Sequence[Endpoint],
    trusted: ssl.SSLContext,
) -> None:
    answer = await resolver.services(f"_xmpp-server._tcp.{settings.domain}")
    if settings.expect_s2s:
        targets = await asyncio.gather(*(resolver.target(s) for s in discovery.in_order(answer.services)))
        found = [endpoint for target in targets for endpoint in target.endpoints]
        probes = await asyncio.gather(
            *(probe.look(e, settings.domain, trusted, settings.timeout, NS_SERVER) for e in found)
        )
        judge_s2s.opened(checks, answer, probes, settings.domain)
        return
    asked = list(dict.fromkeys(dataclasses.replace(endpoint, port=SERVER_PORT) for endpoint in endpoints))
    seen = await asyncio.gather(*(probe.answers(endpoint, min(settings.timeout, SILENCE)) for endpoint in asked))
    judge_s2s.closed(checks, answer, [e for e, is_open in zip(asked, seen, strict=True) if is_open], asked)


async def _users(
    checks: Checks,
    settings: Settings,
    endpoint: Endpoint | None,
    trusted: ssl.SSLContext,
    probes: collections.abc.Sequence[probe.Probe],
) -> dict[str, Any] | None:
    users, disabled = settings.users, settings.disabled_user
    reasons = {
        "xmpp.login": "" if users else "no user was given",
        "xmpp.login.wrong_password": "" if users else "no user was given",
        "xmpp.login.disabled": "" if disabled else "no disabled user was given",
    }
    if endpoint is None:
        blind = _no_login(probes)
        subjects = {
            "xmpp.login": [user.jid for user in users],
            "xmpp.login.wrong_password": [user.jid for user in users[:1]],
            "xmpp.login.disabled": [disabled.jid] if disabled else [],
        }
        for id_, reason in reasons.items():
            for subject in subjects[id_] or [settings.domain]:
                checks.skipped(id_, subject, reason or blind)
        judge_users.skipped(checks, ("xmpp.vcard", "xmpp.archive", "xmpp.message"), settings.domain, blind)
        return None

    async def enter(account: Account) -> Session | LoginFailed:
        try:
            return await Session.login(account, endpoint, trusted, settings.timeout)
        except LoginFailed as error:
            return error
        except Exception as error:  # the library's, whatever it is: the other questions are still to be asked
            return LoginFailed(BROKEN, f"{type(error).__name__}: {error}")

    sessions: list[Session] = []
    try:
        # The wrong password first: the right one then resets the directory's counter of bad attempts.
        wrong = await enter(Account(users[0].jid, secrets.token_urlsafe(24))) if users else None
        entered = await asyncio.gather(*(enter(user) for user in users))
        refused = await enter(disabled) if disabled else None
        sessions += [item for item in (wrong, *entered, refused) if isinstance(item, Session)]
        failures = [item if isinstance(item, LoginFailed) else None for item in entered]
        for user, failure in zip(users, failures, strict=True):
            judge_users.login(checks, user.jid, failure)
        if users:
            outcome = wrong if isinstance(wrong, LoginFailed) else None
            judge_users.wrong_password(checks, users[0].jid, outcome, failures[0])
        else:
            judge_users.skipped(
                checks, ("xmpp.login", "xmpp.login.wrong_password"), settings.domain, "no user was given"
            )
        if disabled:
            outcome = refused if isinstance(refused, LoginFailed) else None
            judge_users.disabled(checks, disabled.jid, outcome, bool(failures) and all(failures))
        else:
            checks.skipped("xmpp.login.disabled", settings.domain, reasons["xmpp.login.disabled"])
        return await _talk(checks, settings, [s for s in entered if isinstance(s, Session)])
    finally:
        for session in sessions:
            with contextlib.suppress(Exception):
                await session.close()


async def _talk(checks: Checks, settings: Settings, sessions: list[Session]) -> dict[str, Any] | None:
    for user in settings.users:
        session = next((s for s in sessions if s.account is user), None)
        if session is None:
            checks.skipped("xmpp.vcard", user.jid, "this user could not log in")
        else:
            judge_users.vcard(checks, user.jid, *await talk.full_name(session, settings.timeout))
    if not settings.users:
        checks.skipped("xmpp.vcard", settings.domain, "no user was given")
    if len(settings.users) < 2 or any(s.account not in settings.users[:2] for s in sessions[:2]) or len(sessions) < 2:
        reason = "two users are needed" if len(settings.users) < 2 else "one of the first two users could not log in"
        judge_users.skipped(checks, ("xmpp.archive", "xmpp.message"), settings.domain, reason)
        return None
    first, second = sessions[:2]
    trip = await talk.round_trip(first, second, settings.timeout)
    if not settings.check_archive:
        checks.skipped("xmpp.archive", settings.domain, "not asked: the server is not to keep every message")
    elif trip.milliseconds is None:
        checks.skipped("xmpp.archive", settings.domain, "no message arrived that could be looked for")
    else:
        for session, peer in ((first, second), (second, first)):
            reason = await talk.in_archive(session, peer.account.jid, trip.back, settings.timeout)
            judge_users.archive(checks, session.account.jid, reason)
    # The round trip is the last line: it is what everything before was for.
    judge_users.message(checks, first.account.jid, second.account.jid, trip)
    if trip.milliseconds is None:
        return None
    return {"from": first.account.jid, "to": second.account.jid, "milliseconds": round(trip.milliseconds, 1)}


def _no_login(probes: collections.abc.Sequence[probe.Probe]) -> str:
    if any(p.verified for p in probes):
        return "the server offers no login"
    if any(p.connected for p in probes):
        return "no server with a verified certificate answered, and a password goes to no other"
    return "no server answered"
