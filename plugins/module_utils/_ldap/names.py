# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The names with which users log in: does one belong to several accounts, can it be an XMPP address at all? Pure."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, WARN, Checks
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.address import IN_WORDS, forbidden_in

SHOWN = 3
MANY_USERS = 1000  # MaxPageSize of Active Directory
WHOLE_ADDRESSES = ("mail", "userprincipalname")  # other attributes hold the part before the @
SOURCE = "RFC 7622 3.3.1"


def matches(checks: Checks, subject: str, text: str, attribute: str, entries: int, unnamed: int) -> None:
    """Adds one check ``ldap.filter``. entries: how many the filter (text) finds, unnamed of them without the attribute."""
    evidence = f"{entries} entries match"
    if unnamed:
        evidence += f", {unnamed} of them without {attribute}"
    if not entries:
        checks.failed(
            "ldap.filter",
            subject,
            f"no entry matches {text}",
            "Nobody could log in. Is the filter right, are the users below this base, and is a group named in the "
            "filter by its full distinguished name?",
        )
    elif unnamed == entries:
        checks.failed(
            "ldap.filter",
            subject,
            f"{entries} entries match, none of them has {attribute}",
            f"Fill the attribute {attribute} of the users, or choose another uid_attribute.",
        )
    elif entries > MANY_USERS:
        checks.warned(
            "ldap.filter",
            subject,
            evidence,
            f"Software that does not page its searches sees only the first {MANY_USERS} of them.",
        )
    else:
        checks.passed("ldap.filter", subject, evidence)


def no_address(name: str, attribute: str, domain: str) -> str:
    """Why the name cannot be an XMPP address of the domain; empty when it can."""
    local, separator, part = name.rpartition("@")
    if attribute.casefold() not in WHOLE_ADDRESSES:
        local = name
    elif not separator or not local:
        return "no address"
    elif part.casefold() != domain.casefold():
        return "another domain"
    found = forbidden_in(local)
    return f"holds {found}" if found else ""


def is_address(checks: Checks, subject: str, name: str, attribute: str, domain: str) -> bool:
    """Adds a failure ``ldap.user`` when it is none."""
    reason = no_address(name, attribute, domain)
    if reason:
        checks.failed(
            "ldap.user",
            subject,
            f"{name} makes no XMPP address in {domain}: {reason}",
            f"Name a user of this domain. Before the @ stands none of {IN_WORDS}.",
            SOURCE,
        )
    return not reason


def without_address(
    checks: Checks, subject: str, entries: collections.abc.Sequence[list[str]], attribute: str, domain: str
) -> None:
    """Adds a warning ``ldap.user`` when there are such, a failure when all are. entries: the names of each entry that has one."""
    strangers = [
        f"{names[0]} ({no_address(names[0], attribute, domain)})"
        for names in entries
        if all(no_address(name, attribute, domain) for name in names)
    ]
    if strangers:
        more = f" and {len(strangers) - SHOWN} more" if len(strangers) > SHOWN else ""
        checks.add(
            FAIL if len(strangers) == len(entries) else WARN,
            "ldap.user",
            subject,
            f"{len(strangers)} of {len(entries)} entries can never log in, their {attribute} makes no XMPP address in {domain}: "
            + ", ".join(sorted(strangers)[:SHOWN])
            + more,
            f"Where they are to use the service: correct {attribute}. Before the @ stands none of {IN_WORDS}, behind it {domain}.",
            SOURCE,
        )


def collisions(
    checks: Checks,
    names: collections.abc.Mapping[str, list[str]],
    attribute: str,
    host: str,
    domain: str | None = None,
) -> None:
    """Adds a failure ``ldap.user`` for each name of several entries. names: case-folded name -> DNs.

    With a domain a name with which nobody can log in there is no failure, see without_address.
    """
    for value, entries in names.items():
        if len(entries) > 1 and not (domain and no_address(value, attribute, domain)):
            checks.failed(
                "ldap.user",
                f"{value} on {host}",
                f"{len(entries)} entries share {attribute}={value} (case does not count): "
                + "; ".join(sorted(entries)),
                "One name may belong to one account only: correct the attribute of the others.",
            )
