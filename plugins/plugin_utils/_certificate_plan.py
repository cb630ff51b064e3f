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
from pathlib import Path

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.onprem.chat.plugins.module_utils._tls.command import OF_ENDPOINT, endpoint
from ansible_collections.onprem.chat.plugins.module_utils._tls.settings import PORTS, PROTOCOLS
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._x509.names import a_label, as_address

Dict = dict[str, t.Any]

CHECK = "certificate.expiry"
TRUST = "certificate.chain.trust"
FULL, DATES = "full", "dates"
_YES_OR_NO = ("fleet", "spare")
_LISTS = ("alpn", "dns_names", "ip_addresses", "xmpp_domains")
# What the module takes for the rest: here only to see whether it would take an entry.
_MODULE = dict.fromkeys(OF_ENDPOINT) | {"minimum_version": "TLSv1.2", "old_versions": "allow", "look": "full"}
#: So many hosts with broken variables have a line each.
LINES = 20
_SEE = "See the variable verify_certificates."


def check(status: str, subject: str, evidence: str, hint: str = "", id_: str = CHECK) -> Dict:
    """One check in the collection's shape."""
    return {"id": id_, "subject": subject, "status": status, "evidence": evidence, "hint": hint, "source": ""}


def plan(
    servers: collections.abc.Iterable[collections.abc.Mapping],
    limit: int,
    days: int,
    day: int,
    unusable: collections.abc.Callable[[tuple[str, ...]], str] = lambda paths: "",
) -> Dict:
    """What to ask of the module tls_info, and how to take its answers.

    servers: as the role names them. limit: at how many of the fleet one run looks; 0 for all.
    days: how early an end is told. day: the number of today, of which the slice depends.
    unusable: why these trust anchors (absolute paths) cannot be taken; empty when they can.
    Gives endpoints (for the module), watched (the rules, in the same order), and checks (what can be said already).

    The module takes all endpoints or none, so nothing that it would refuse may reach it: a wrong entry is one failed
    check here. Of two entries for one server the later one counts (a site's own ones come last), but it never makes
    the judgement milder.
    """
    known: dict[tuple, tuple[Dict, Dict]] = {}
    checks: list[Dict] = []
    broken: list[Dict] = []
    for server in servers:
        try:
            asked, rule = _one(server, unusable, checks)
        except InputError as error:
            fleet = isinstance(server, collections.abc.Mapping) and "problem" in server and server.get("fleet") is True
            told = check("warn" if fleet else "fail", _name(server), error.what, error.hint or _SEE)
            (broken if fleet else checks).append(told)
            continue
        key = identity(asked)
        if key in known:
            before, rule_before = known[key]
            milder = {name: rule[name] and rule_before[name] for name in _YES_OR_NO}
            if rule["judge"] == DATES and rule_before["judge"] == FULL:
                asked, rule = before, rule_before
            rule = rule | milder
        known[key] = (asked, rule)
    checks += broken[:LINES]
    if len(broken) > LINES:
        evidence = f"their variables cannot be used either, for example {broken[LINES]['subject']}"
        checks.append(check("warn", f"{len(broken) - LINES} more of the fleet", evidence, broken[0]["hint"]))
    chosen = _slice(known, limit, days, day, checks)
    return {
        "endpoints": [one for one, _rule in chosen],
        "watched": [rule for _one, rule in chosen],
        "checks": checks,
    }


def identity(endpoint: collections.abc.Mapping) -> tuple:
    """What tells one server from another, in the module's question as in its answer."""
    return endpoint["host"], int(endpoint["port"]), endpoint["protocol"], endpoint["server_name"]


def _one(
    server: collections.abc.Mapping,
    unusable: collections.abc.Callable[[tuple[str, ...]], str],
    checks: list[Dict],
) -> tuple[Dict, Dict]:
    """The server as the module wants it, and its rule. Raises InputError."""
    if not isinstance(server, collections.abc.Mapping):
        raise InputError(f"{_shown(server)} is no server.", action="Give at least host, and port or protocol.")
    if server.get("problem"):
        raise InputError(str(server["problem"]), action="Correct the variables of this host.")
    text = str(server.get("host") or "").strip()
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
    marks = {name: _yes_or_no(server, name) for name in _YES_OR_NO}
    asked: Dict = {"host": host, "port": port, "protocol": protocol}
    asked |= {name: str(server[name]) for name in ("domain", "server_name") if server.get(name)}
    asked |= {name: _texts(server, name) for name in _LISTS if server.get(name)}
    # The same that the module does with it: whatever it would refuse is refused here.
    understood = endpoint(_MODULE | asked, 0)
    asked["server_name"] = understood.server_name
    if understood.domain:
        asked["domain"] = understood.domain
    anchors = [_absolute(path) for path in _texts(server, "trust_anchors")]
    if judge == FULL and anchors:
        problem = unusable(tuple(anchors))
        if problem:
            evidence = f"{problem}, so only the dates are judged"
            checks.append(check("fail", f"{host}:{port}", evidence, "Name the CA's file in trust_anchors.", TRUST))
            judge = DATES
        else:
            asked["trust_anchors"] = anchors
    if judge == DATES:
        asked["look"] = "certificate"
    return asked, {"judge": judge, **marks}


def _texts(server: collections.abc.Mapping, name: str) -> list[str]:
    """A list of texts; one alone stands for a list of one. Raises InputError."""
    values = server.get(name) or []
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, (list, tuple)) or not all(isinstance(one, str) for one in values):
        raise InputError(f"{name}: {_shown(values)} is no list of texts.", action=f"Give {name} as a list.")
    return [str(one) for one in values]


def _absolute(path: str) -> str:
    """The module has a folder of its own: relative means from where Ansible was started."""
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError:  # ~ of somebody unknown: no such file
        return str(Path(path).absolute())


def _yes_or_no(server: collections.abc.Mapping, name: str) -> bool:
    """Raises InputError for what is neither yes nor no."""
    value = server.get(name) or False
    try:
        return boolean(value)
    except TypeError:
        raise InputError(f"{name}: {_shown(value)} is neither true nor false.", action="Give true or false.") from None


def _name(server: object) -> str:
    host = server.get("host") if isinstance(server, collections.abc.Mapping) else ""
    return _shown(host) if host and not isinstance(host, str) else str(host or "a server without a name")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


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
