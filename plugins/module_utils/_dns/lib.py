# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The one place where dnspython is imported, so that everything else can be imported without it."""

from __future__ import annotations

import traceback

DNSPYTHON_ERROR = None
try:
    import dns
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.opcode
    import dns.rcode
    import dns.rdata
    import dns.rdataclass
    import dns.rdataset
    import dns.rdatatype
    import dns.rdtypes.ANY.TKEY
    import dns.tsig
    import dns.update
except ImportError:
    dns = None
    DNSPYTHON_ERROR = traceback.format_exc()
