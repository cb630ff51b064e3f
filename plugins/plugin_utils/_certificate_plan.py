# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which servers are asked for the dates of their certificates, and what is judged at each. Pure.

A fleet (thousands of desktops that are all alike) is asked in slices, one a day, so that a run stays short.
"""

from __future__ import annotations

import collections.abc
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._tls.settings import PORTS, PROTOCOLS
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._x509.names import a_label, as_address

Dict = dict[str, t.Any]

CHECK = "certificate.expiry"
TRUST = "certificate.chain.trust"
FULL, DATES = "full", "dates"
_PASSED_ON = ("domain", "alpn", "dns_names", "ip_addresses", "xmpp_domains")


def check(status: str, subject: str, evidence: str, hint: str = "", id_: str = CHECK) -> Dict:
    """One check in the collection's shape."""
    return {"id": id_, "subject": subject, "status": status, "evidence": evidence, "hint": hint, "source": ""}


def plan(
    servers: collections.abc.Iterable[collections.abc.Mapping],
    limit: int,
    days: int,
    day: int,
    missing: collections.abc.Container[str] = (),
) -> Dict:
    """What to ask of the module tls_info, and how to take its answers.

    servers: as the role names them. limit: at how many of the fleet one run looks; 0 for all.
    days: how early an end is told. day: the number of today, of which the slice depends.
    missing: trust anchors that do not exist.
    Gives endpoints (for the module), watched (the rules, in the same order), and checks (what can be said already).
    """
    known: dict[tuple, tuple[Dict, Dict]] = {}
    checks: list[Dict] = []
    for server in servers:
        try:
            endpoint, rule = _one(server, missing, checks)
        except InputError as error:
            subject = str(server.get("host") or "a server without a name")
            checks.append(check("fail", subject, error.what, error.hint or "See the variable verify_certificates."))
            continue
        key = identity(endpoint)
        if key not in known or (rule["judge"] == FULL and known[key][1]["judge"] == DATES):
            known[key] = (endpoint, rule)
    chosen = _slice(known, limit, days, day, checks)
    return {
        "endpoints": [endpoint for endpoint, _rule in chosen],
        "watched": [rule for _endpoint, rule in chosen],
        "checks": checks,
    }


def identity(endpoint: collections.abc.Mapping) -> tuple:
    """What tells one server from another, in the module's question as in its answer."""
    return endpoint["host"], int(endpoint["port"]), endpoint["protocol"], endpoint["server_name"]


def _one(server: collections.abc.Mapping, missing: collections.abc.Container[str], checks: list[Dict]) -> tuple:
    """The server as the module wants it, and its rule. Raises InputError."""
    text = str(server.get("host") or "")
    address = as_address(text)
    host = address or a_label(text)
    protocol = server.get("protocol") or "tls"
    if protocol not in PROTOCOLS:
        raise InputError(f"{protocol!r} is no protocol.", action=f"Known: {', '.join(PROTOCOLS)}.")
    try:
        port = int(server.get("port") or PORTS.get(protocol) or 0)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 65536:
        raise InputError(f"{server.get('port') or 'nothing'} is no port.", action="Give port, 1 to 65535.")
    judge = server.get("judge") or FULL
    if judge not in (FULL, DATES):
        raise InputError(f"judge: {judge!r} is unknown.", action=f"Known: {FULL}, {DATES}.")
    endpoint: Dict = {"host": host, "port": port, "protocol": protocol}
    endpoint |= {name: server.get(name) for name in _PASSED_ON if server.get(name)}
    name = server.get("server_name") or server.get("domain") or host
    endpoint["server_name"] = as_address(name) or a_label(name.removeprefix("*."))
    if protocol.startswith("xmpp") and "domain" not in endpoint:
        endpoint["domain"] = endpoint["server_name"]
    anchors = list(server.get("trust_anchors") or []) if judge == FULL else []
    if judge == DATES:
        endpoint["look"] = "certificate"
    gone = [path for path in anchors if path in missing]
    if gone:
        evidence = f"there is no {', '.join(gone)} on the controller, so only the dates are judged"
        checks.append(check("fail", f"{host}:{port}", evidence, "Name the CA's file in trust_anchors.", TRUST))
        anchors, judge = [], DATES
    if anchors:
        endpoint["trust_anchors"] = anchors
    return endpoint, {"judge": judge, "fleet": bool(server.get("fleet"))}


def _slice(known: dict[tuple, tuple[Dict, Dict]], limit: int, days: int, day: int, checks: list[Dict]) -> list[tuple]:
    """All servers that stand alone, and today's slice of the fleet: every n-th one, so that each slice is mixed."""
    alone = [one for one in known.values() if not one[1]["fleet"]]
    fleet = [known[key] for key in sorted(known) if known[key][1]["fleet"]]
    if not 0 < limit < len(fleet):
        return alone + fleet
    slices = -(-len(fleet) // limit)
    number = day % slices
    today = fleet[number::slices]
    evidence = (
        f"{len(today)} of {len(fleet)} are asked today, slice {number + 1} of {slices};"
        f" all of them once in {slices} days, when this runs every day"
    )
    if slices < days:
        checks.append(check("pass", "fleet", evidence))
    else:
        hint = f"An end is told {days} days ahead: too late for some. Raise verify_certificate_limit."
        checks.append(check("warn", "fleet", evidence, hint))
    return alone + today
