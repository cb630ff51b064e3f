# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a directory server's refusal means, and what to do about it. Tables and pure functions only."""

from __future__ import annotations

import re

SUCCESS = 0
OPERATIONS_ERROR = 1
STRONGER_AUTH_REQUIRED = 8
REFERRAL = 10
CONFIDENTIALITY_REQUIRED = 13
NO_SUCH_OBJECT = 32
INVALID_DN_SYNTAX = 34
INVALID_CREDENTIALS = 49
INSUFFICIENT_ACCESS = 50
BUSY = 51
UNAVAILABLE = 52
SIZE_LIMIT_EXCEEDED = 4
TIME_LIMIT_EXCEEDED = 3

# Microsoft, "LDAP bind error codes": the "data" of AcceptSecurityContext.
AD_BIND_CODES = {
    "525": ("no such account", "Is the bind DN spelt right, and does the account exist in this domain?"),
    "52e": (
        "wrong password, or wrong account name",
        "Check the password in the vault and the bind DN; in doubt reset the account's password in Active Directory.",
    ),
    "530": ("not permitted to log on at this time", "Remove the logon hours restriction of the bind account."),
    "531": ("not permitted to log on at this computer", 'Remove the "Log On To" restriction of the bind account.'),
    "532": (
        "password expired",
        'Set a new password for the bind account and give it "password never expires".',
    ),
    "533": ("account disabled", "Enable the bind account in Active Directory."),
    "701": ("account expired", "Remove the expiry date of the bind account."),
    "773": (
        "password must be changed at first logon",
        'Clear "user must change password at next logon" of the bind account.',
    ),
    "775": ("account locked out", "Unlock the bind account, then find out who tries with an old password."),
}

USE_TLS_HINT = (
    "Active Directory refuses a simple bind without TLS. Use encryption ldaps (port 636) or starttls (port 389) "
    "instead of none."
)

_AD_CODE = re.compile(r"\bdata\s+0*([0-9a-f]{3})\b", re.IGNORECASE)


def ad_bind_code(message: str) -> str:
    """The sub code in Active Directory's diagnostic message, lower case, or an empty string."""
    found = _AD_CODE.search(message or "")
    return found.group(1).lower() if found else ""


def one_line(text: str, limit: int = 300) -> str:
    """Server texts come with line ends and NUL bytes."""
    flat = " ".join(str(text or "").replace("\x00", " ").split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def explain_bind(code: int, description: str, message: str) -> tuple[str, str]:
    """(evidence, hint) for a bind that the server answered with anything but success."""
    description = description or f"result {code}"
    shown = f"{description} (LDAP result {code})"
    if code == INVALID_CREDENTIALS:
        sub_code = ad_bind_code(message)
        if sub_code in AD_BIND_CODES:
            meaning, advice = AD_BIND_CODES[sub_code]
            return f"{shown}, Active Directory code {sub_code}: {meaning}", advice
        if sub_code:
            return f"{shown}, Active Directory code {sub_code}", "Look the code up under LDAP bind error codes."
        return shown, "Is the bind DN complete, and the password the right one?"
    if code in (STRONGER_AUTH_REQUIRED, CONFIDENTIALITY_REQUIRED):
        return f"{shown}: {one_line(message)}" if message else shown, USE_TLS_HINT
    if code == INVALID_DN_SYNTAX:
        return shown, "Give the bind DN in full, for example CN=chat,OU=Service,DC=corp,DC=test."
    if code in (BUSY, UNAVAILABLE):
        return shown, "The server is busy or starting. Try again; look at its event log if it lasts."
    return f"{shown}: {one_line(message)}" if message else shown, "See the directory server's log for the refusal."


def explain_search(code: int, description: str, message: str, base: str, matched: str = "") -> tuple[str, str]:
    """(evidence, hint) for a search that the server refused."""
    description = description or f"result {code}"
    shown = f"{description} (LDAP result {code})"
    if code == NO_SUCH_OBJECT:
        evidence = f"{base} does not exist" + (f"; the deepest part that exists is {matched}" if matched else "")
        return evidence, (
            "Is the search base spelt right? Active Directory also answers so when the bind account may not see it."
        )
    if code == INVALID_DN_SYNTAX:
        return f"{shown}: {base} is no distinguished name", "Write it like OU=Company,DC=corp,DC=test."
    if code == REFERRAL:
        return (
            f"{shown}: {base} belongs to another domain",
            "Ask a domain controller of the domain that holds this search base.",
        )
    # Windows says the first, Samba the second.
    if code == OPERATIONS_ERROR and re.search("successful bind|without authentication", message or ""):
        return f"{shown}: the server answers nothing to an anonymous client", "Give bind_dn and bind_password."
    if code == INSUFFICIENT_ACCESS:
        return shown, "Give the bind account read access to this part of the directory."
    if code in (SIZE_LIMIT_EXCEEDED, TIME_LIMIT_EXCEEDED):
        return shown, "The server's limits cut the answer. Narrow the base or the filter."
    return f"{shown}: {one_line(message)}" if message else shown, "See the directory server's log for the refusal."
