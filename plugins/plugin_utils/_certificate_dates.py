# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From what servers present to dates: a check for each certificate, the nearest end first, and rows for the report. Pure."""

from __future__ import annotations

import collections.abc
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._tls.settings import Endpoint

from ._certificate_plan import FULL, check, identity

Dict = dict[str, t.Any]

#: So many servers of a fleet get a line of their own when nothing is wrong with them, or are named when they are silent.
LINES = 20
_VISIT = ("tls.tcp", "tls.starttls", "tls.session")
_DATED = ("certificate.validity", "certificate.not_before")
_WIDEST = 120


def dates(answer: collections.abc.Mapping, plan: collections.abc.Mapping, days: int, now: str) -> Dict:
    """The checks and the report's rows.

    answer: of the module tls_info to the endpoints of the plan. days: an end nearer than that is a warning.
    now: UTC, as 2026-01-31T12:00:00Z.
    """
    checks = list(plan["checks"])
    if not plan["endpoints"]:
        return {"checks": checks, "certificates": []}
    if "servers" not in answer:
        reason = answer.get("msg") or "no reason given"
        hint = "The text names what is missing on the controller, or which entry of verify_certificates is wrong."
        checks.append(check("fail", "all servers", f"the certificates could not be looked at: {reason}", hint))
        return {"checks": checks, "certificates": []}
    rules = {identity(one): rule for one, rule in zip(plan["endpoints"], plan["watched"], strict=True)}
    told = _by_subject(answer["checks"])
    # When all of them are silent, none stands in for another.
    standing_in = any(rules.get(identity(server), {}).get("spare") and server["chain"] for server in answer["servers"])
    rows: list[Dict] = []
    refused: list[Dict] = []
    for server in answer["servers"]:
        subject = _subject(server)
        rule = rules.get(identity(server), {"judge": FULL, "fleet": False, "spare": False})
        rule = rule | {"spare": rule["spare"] and standing_in}
        own = _rows(server, subject, rule, told.get(subject, []), days, now, {row["fingerprint"] for row in rows})
        rows += own
        if rule["judge"] == FULL and own[0]["not_after"]:
            refused += _refused(told.get(subject, []), own)
    rows.sort(key=lambda row: (row["not_after"], row["host"], row["port"], row["address"]))
    return {"checks": checks + _lines(rows) + refused, "certificates": [_public(row) for row in rows]}


def _by_subject(checks: collections.abc.Iterable[Dict]) -> dict[str, list[Dict]]:
    found: dict[str, list[Dict]] = {}
    for one in checks:
        found.setdefault(one["subject"], []).append(one)
    return found


def _subject(server: collections.abc.Mapping) -> str:
    """As tls_info writes it."""
    name = "" if server["server_name"] == server["host"] else server["server_name"]
    return Endpoint(server["host"], server["port"], server["protocol"], server_name=name).subject(server["address"])


def _rows(
    server: collections.abc.Mapping, subject: str, rule: Dict, told: list[Dict], days: int, now: str, listed: set[str]
) -> list[Dict]:
    """The server's own certificate, then those sent with it that were not seen anywhere yet."""
    base = {
        "host": server["host"],
        "port": server["port"],
        "protocol": server["protocol"],
        "address": server["address"],
        "judge": rule["judge"],
        "_fleet": rule["fleet"],
        "_subject": subject,
    }
    if not server["chain"]:
        return [base | _unseen(server, rule, told)]
    rows = []
    for number, certificate in enumerate(server["chain"]):
        if number and certificate["fingerprint"] in listed:
            continue
        status, evidence, hint = _end(certificate, days, now, "in its chain, " if number else "")
        rows.append(
            base
            | {name: certificate[name] for name in ("subject", "issuer", "serial", "fingerprint")}
            | {name: certificate[name] for name in ("not_before", "not_after", "days_left")}
            | {"status": status, "kind": "chain" if number else "server", "error": ""}
            | {"_evidence": evidence, "_hint": hint}
        )
    return rows


def _unseen(server: collections.abc.Mapping, rule: Dict, told: list[Dict]) -> Dict:
    """A server that showed no certificate. That a computer of a fleet is off is nobody's fault.

    One that others stand in for is let off when it cannot be reached, but not when it is there and has no certificate.
    """
    reasons = [one for one in told if one["id"] in _VISIT and one["status"] in ("warn", "fail")]
    reason = reasons[0] if reasons else {"id": "", "status": "fail", "evidence": "", "hint": ""}
    what = reason["evidence"] or server["error"] or "the server sent no certificate"
    spared = rule["spare"] and reason["id"] == "tls.tcp"
    return {
        **dict.fromkeys(("subject", "issuer", "serial", "fingerprint", "not_before", "not_after"), ""),
        "days_left": None,
        "status": "warn" if rule["fleet"] or spared else reason["status"],
        "kind": "server",
        "error": what,
        "_evidence": f"no certificate was seen: {what}" + ("; another server stands in for it" if spared else ""),
        "_hint": reason["hint"],
    }


def _end(certificate: collections.abc.Mapping, days: int, now: str, where: str) -> tuple[str, str, str]:
    """Status, evidence and hint for the dates of one certificate. where: a word before its subject."""
    issuer = certificate["issuer"] or "nobody"
    by = "self-signed" if certificate["subject"] == issuer else f"issued by {issuer}"
    who = (
        f"{where}{_short(certificate['subject'] or 'no subject, SHA-256 ' + certificate['fingerprint'])}, {_short(by)}"
    )
    end, left = certificate["not_after"], certificate["days_left"]
    if not end:
        hint = "Look at it with: openssl s_client -showcerts. It needs to be issued anew."
        return "fail", f"nobody can read when it ends: {who}", hint
    if left < 0:
        return "fail", f"expired on {end[:10]}: {who}", "Renew it and put it in place now; clients refuse it."
    if certificate["not_before"] > now:
        hint = "Is the clock of this host or of the CA wrong? Otherwise clients refuse it until then."
        return "fail", f"not valid before {certificate['not_before']}: {who}", hint
    count = {0: "in less than a day", 1: "in 1 day"}.get(left, f"in {left} days")
    if left < days:
        return "warn", f"expires on {end[:10]}, {count}: {who}", "Renew it and put it in place before that day."
    return "pass", f"valid until {end[:10]} ({left} days): {who}", ""


def _refused(told: list[Dict], rows: list[Dict]) -> list[Dict]:
    """Why clients refuse what was shown, besides its dates; and ends in the chain that the server did not send."""
    failed = [one for one in told if one["status"] == "fail"]
    found = [one for one in failed if one["id"].startswith("certificate.") and one["id"] not in _DATED]
    found += [one for one in failed if one["id"] in ("tls.certificate", "tls.session")]
    shown = {row["status"] for row in rows}
    if "fail" not in shown:
        # A row that warns explains a warning, but no failure.
        unexplained = ("fail",) if "warn" in shown else ("warn", "fail")
        found += [one for one in told if one["id"] in _DATED and one["status"] in unexplained]
        if not any(one["status"] == "fail" for one in found):
            found += [one for one in failed if one["id"] == "tls.handshake"]
    return [dict(one) for one in found]


def _lines(rows: list[Dict]) -> list[Dict]:
    """A check for each row; of a fleet, what is well and what is silent is told together."""
    fine = [row for row in rows if row["_fleet"] and row["status"] == "pass"]
    folded = fine[LINES:] if len(fine) > LINES + 1 else []
    silent = [row for row in rows if row["_fleet"] and row["error"]]
    skip = {id(row) for row in (*folded, *silent)}
    checks = [
        check(row["status"], row["_subject"], row["_evidence"], row["_hint"]) for row in rows if id(row) not in skip
    ]
    if folded:
        evidence = f"valid until {folded[0]['not_after'][:10]} ({folded[0]['days_left']} days) or longer; all are in the report"
        checks.append(check("pass", f"{len(folded)} more of the fleet", evidence))
    if silent:
        names = ", ".join(row["_subject"] for row in silent[:LINES])
        more = f" and {len(silent) - LINES} more" if len(silent) > LINES else ""
        hint = (
            f"Off, or away? {silent[0]['_hint']}" if len(silent) == 1 else "Off, or away? The report has the reasons."
        )
        checks.append(check("warn", f"{len(silent)} of the fleet", f"no certificate was seen: {names}{more}", hint))
    return checks


def _public(row: Dict) -> Dict:
    return {name: value for name, value in row.items() if not name.startswith("_")}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
