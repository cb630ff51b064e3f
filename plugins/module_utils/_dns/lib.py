# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The one place where dnspython is imported, so that everything else can be imported without it."""

from __future__ import annotations

import importlib
import traceback

_USED = (
    "dns.exception",
    "dns.flags",
    "dns.ipv6",
    "dns.message",
    "dns.name",
    "dns.opcode",
    "dns.rcode",
    "dns.rdata",
    "dns.rdataclass",
    "dns.rdataset",
    "dns.rdatatype",
    "dns.rdtypes.ANY.TKEY",
    "dns.reversename",
    "dns.tsig",
    "dns.update",
)

DNSPYTHON_ERROR = None
try:
    dns = importlib.import_module("dns")
    for _name in _USED:
        importlib.import_module(_name)
except ImportError:
    dns = None
    DNSPYTHON_ERROR = traceback.format_exc()
