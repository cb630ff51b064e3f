# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Proxies in the way."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import proxies
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements


def judge_proxies(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.proxy."""
    if not wanted.proxies:
        return
    found = proxies.find(machine)
    hidden = f"; not readable without root: {', '.join(found.hidden)}" if found.hidden else ""
    if not found.proxies:
        checks.passed("host.proxy", "proxy settings", f"none found{hidden}")
        return
    checks.warned(
        "host.proxy",
        "proxy settings",
        "; ".join(dict.fromkeys(str(proxy) for proxy in found.proxies)) + hidden,
        "Behind a proxy, downloads and connections between servers may fail or be opened. Remove it for this host, or"
        " name all own names and addresses in no_proxy.",
    )
