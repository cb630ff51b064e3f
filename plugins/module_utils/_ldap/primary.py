# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Members of a group by their primary group, such as Domain Users: neither member nor memberOf names them.

So a filter for the members of a group does not find them, although the group holds their primary group.
"""

from __future__ import annotations

import collections.abc
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._ldap.session import Entry, escape_filter

_DOMAIN = re.compile(r"(?:^|,)\s*(DC=.*)$", re.IGNORECASE)
_ENABLED = "(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))"


def unseen(
    checks: Checks, subject: str, group: Entry, base: str, allowed: collections.abc.Container[str], session: t.Any
) -> None:
    """Adds a warning ``ldap.group`` for each group inside that has such members.

    allowed: case-folded DNs that the filter finds. primaryGroupToken is what the primaryGroupID of such members holds (MS-ADTS 3.1.1.4.5.11).
    """
    domain = _DOMAIN.search(group.dn)
    inside = f"(&(objectClass=group)(memberOf={escape_filter(group.dn)}))"
    for inner in list(session.search(domain.group(1) if domain else base, inside, attributes=["primaryGroupToken"])):
        token = inner.first("primaryGroupToken")
        if not token:
            continue
        people = session.search(base, f"(&{_ENABLED}(primaryGroupID={escape_filter(token)}))")
        missing = sum(1 for one in people if one.dn.casefold() not in allowed)
        if missing:
            checks.warned(
                "ldap.group",
                subject,
                f"{inner.dn} is in the group, but the filter does not find {missing} users whose primary group it is",
                "Active Directory counts nobody as a member of his primary group, for example Domain Users. Put the users themselves, or "
                "another group of them, into the group; or ask for no group to let everybody in.",
            )
