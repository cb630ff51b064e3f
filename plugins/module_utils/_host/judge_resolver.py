# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The file that says which name servers this host asks."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import system
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

MAX_NAME_SERVERS = 3
_SUBJECT = "/etc/resolv.conf"


def judge_resolver(_wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.resolver."""
    servers = system.name_servers(machine.root)
    if not servers:
        seen = "the file is missing" if servers is None else "no nameserver line"
        checks.failed(
            "host.resolver", _SUBJECT, seen, "This host resolves nothing. Name the company's DNS servers there."
        )
    elif len(servers) > MAX_NAME_SERVERS:
        checks.warned(
            "host.resolver",
            _SUBJECT,
            f"{len(servers)} name servers: {', '.join(servers)}",
            f"Only the first {MAX_NAME_SERVERS} are asked. Remove the others.",
        )
    else:
        checks.passed("host.resolver", _SUBJECT, ", ".join(servers))


def judge_search(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.resolver.search."""
    if wanted.search_domains != "forbid":
        return
    id_ = "host.resolver.search"
    lines = system.search_lines(machine.root)
    writer = system.resolver_writer(machine.root)
    last = f"The file is written by {writer}: change it there, or the line comes back." if writer else (
        "Does a DHCP client or another service write the file? Then change it there, or the line comes back."
    )  # fmt: skip
    last += " The role host may mend it: give host_mend the words resolver and resolver_writer."
    if not lines:
        checks.passed(id_, _SUBJECT, "no domain or search line")
    elif all(line.split()[1:] in ([], ["."]) for line in lines):
        seen = f"{'; '.join(lines)} (names no domain)"
        checks.warned(id_, _SUBJECT, seen, f"It changes nothing, but who looks for the word finds it. {last}")
    else:
        checks.failed(id_, _SUBJECT, "; ".join(lines), f"Remove it. {last}")
