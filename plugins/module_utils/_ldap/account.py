# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""May this account log in, as far as its attributes tell? Pure."""

from __future__ import annotations

import collections.abc
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks

if t.TYPE_CHECKING:
    from ansible_collections.onprem.chat.plugins.module_utils._ldap.session import Entry

# MS-ADTS 2.2.16: UF_ACCOUNT_DISABLE.
DISABLED = 0x2
# MS-ADA1 2.1: both mean that an account never expires.
NEVER = (0, 0x7FFFFFFFFFFFFFFF)
# MS-ADTS 2.2.16: UF_PASSWORD_EXPIRED, which Active Directory works out by the policy that holds for this very account.
PASSWORD_EXPIRED = 0x800000
COMPUTED = "msDS-User-Account-Control-Computed"
ATTRIBUTES = ("userAccountControl", "accountExpires", "lockoutTime", "pwdLastSet", COMPUTED)


def judge(
    checks: Checks, subject: str, entry: Entry, now: float, allowed: collections.abc.Container[str] | None = None
) -> None:
    """Adds one check ``ldap.user``. ``now``: seconds since 1970; ``allowed``: case-folded DNs that the filter finds."""
    control = _number(entry.first("userAccountControl"))
    expires = _number(entry.first("accountExpires"))
    if control & DISABLED:
        checks.failed("ldap.user", subject, f"{entry.dn} is disabled", "Enable the account, or name another user.")
    elif expires not in NEVER and _unix(expires) < now:
        checks.failed("ldap.user", subject, f"{entry.dn} has expired", "Move the account's expiry date.")
    elif allowed is not None and entry.dn.casefold() not in allowed:
        checks.failed(
            "ldap.user",
            subject,
            f"{entry.dn} exists, but the filter leaves it out",
            "Is the account in the group that may use the service, and of the type that the filter asks for?",
        )
    elif _number(entry.first("lockoutTime")):
        checks.warned("ldap.user", subject, f"{entry.dn} is or was locked out", "Unlock it if the login is refused.")
    elif entry.first("pwdLastSet") == "0":
        checks.warned(
            "ldap.user",
            subject,
            f"{entry.dn} must change the password at the next logon",
            "Until then the directory refuses a simple bind with this password.",
        )
    elif _number(entry.first(COMPUTED)) & PASSWORD_EXPIRED:
        checks.warned(
            "ldap.user",
            subject,
            f"the password of {entry.dn} has expired",
            'Set a new one, for an account that only proves something with "password never expires". Until then the login is refused.',
        )
    else:
        checks.passed("ldap.user", subject, f"{entry.dn}, enabled")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return 0


def _unix(filetime: int) -> float:
    """Seconds since 1970 of a FILETIME (MS-DTYP 2.3.3: 100 ns since 1601)."""
    return filetime / 10_000_000 - 11_644_473_600
