# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Turns what the users could do into checks. Pure: no network."""

from __future__ import annotations

import collections.abc

from .._checks import Checks
from .client import REFUSED, TIMEOUT, LoginFailed
from .talk import RoundTrip

ARCHIVE = "XEP-0313"
SLOW = (
    "A login that hangs mostly means that the server cannot reach its directory: look for LDAP in the server's log,"
    " and run the LDAP checks (module ldap_info)."
)


def login(checks: Checks, jid: str, outcome: LoginFailed | None) -> None:
    """xmpp.login: this user can log in."""
    id_ = "xmpp.login"
    if outcome is None:
        checks.passed(id_, jid, "logged in over verified TLS")
    elif outcome.kind == REFUSED:
        checks.failed(
            id_,
            jid,
            f"refused: {outcome.text}",
            "Is the password right, is the account enabled, and do the LDAP base, filter and uid attribute of the"
            " server find exactly this user? The module ldap_info tells.",
        )
    elif outcome.kind == TIMEOUT:
        checks.failed(id_, jid, outcome.text, SLOW)
    else:
        checks.failed(id_, jid, outcome.text, "Look into the server's log at this time.")


def wrong_password(checks: Checks, jid: str, outcome: LoginFailed | None, right: LoginFailed | None) -> None:
    """xmpp.login.wrong_password: and not with any password."""
    _must_refuse(
        checks,
        "xmpp.login.wrong_password",
        jid,
        outcome,
        "a random password was accepted",
        "Anybody can log in as anybody. Stop the server now and look at auth_method.",
        "the right password was not accepted either" if right is not None else "",
    )


def disabled(checks: Checks, jid: str, outcome: LoginFailed | None, others_fail: bool) -> None:
    """xmpp.login.disabled: an account that is disabled in the directory is out."""
    _must_refuse(
        checks,
        "xmpp.login.disabled",
        jid,
        outcome,
        "a disabled account could log in",
        "Was it disabled a moment ago? Then the server's login cache still knows it: shorten auth_cache_life_time, or"
        " clear the cache (ejabberdctl clear_cache). Else exclude disabled accounts in the LDAP filter.",
        "enabled accounts were not let in either" if others_fail else "",
    )


def _must_refuse(
    checks: Checks, id_: str, jid: str, outcome: LoginFailed | None, accepted: str, accepted_hint: str, doubt: str
) -> None:
    if outcome is None:
        checks.failed(id_, jid, accepted, accepted_hint)
    elif outcome.kind == TIMEOUT:
        checks.failed(id_, jid, f"neither accepted nor refused: {outcome.text}", SLOW)
    elif outcome.kind != REFUSED:
        checks.failed(
            id_, jid, f"neither accepted nor refused: {outcome.text}", "Look into the server's log at this time."
        )
    elif doubt:
        checks.warned(
            id_, jid, f"refused: {outcome.text}, but {doubt}", "This proves nothing until the login above works."
        )
    else:
        checks.passed(id_, jid, f"refused: {outcome.text}")


def message(checks: Checks, first: str, second: str, trip: RoundTrip) -> None:
    """xmpp.message: two users can talk."""
    id_, subject = "xmpp.message", f"{first} <-> {second}"
    if trip.milliseconds is None:
        checks.failed(
            id_,
            subject,
            trip.error,
            "Both users are logged in, so the server itself drops messages: look into its log.",
        )
    else:
        checks.passed(id_, subject, f"delivered and answered in {trip.milliseconds:.0f} ms")


def archive(checks: Checks, jid: str, reason: str) -> None:
    """xmpp.archive: what was said can be read later, on another device."""
    if reason:
        checks.failed(
            "xmpp.archive", jid, reason, "Is mod_mam loaded, with default: always and a SQL database?", ARCHIVE
        )
    else:
        checks.passed("xmpp.archive", jid, "the message is in the archive", ARCHIVE)


def vcard(checks: Checks, jid: str, name: str, reason: str) -> None:
    """xmpp.vcard: clients can show people's names."""
    if name:
        checks.passed("xmpp.vcard", jid, f"full name: {name}", "XEP-0054")
    else:
        checks.warned(
            "xmpp.vcard",
            jid,
            reason,
            "Clients will show addresses instead of names. Is mod_vcard fed from the directory?",
            "XEP-0054",
        )


def skipped(checks: Checks, ids: collections.abc.Iterable[str], subject: str, reason: str) -> None:
    """The same reason for several questions."""
    for id_ in ids:
        checks.skipped(id_, subject, reason)
