# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From the results of the role dns's loops to one list of checks: whose they are, and what could not be asked. Pure."""

from __future__ import annotations

import typing as t

Dict = dict[str, t.Any]

# Where somebody wants to keep what exists, that it is not as described is no failure.
KEPT = ("dns.authoritative", "dns.ttl", "dns.resolver")
_NEXT = {
    "update": "See the variables of the role dns.",
    "answers": "The text names what is missing on the controller, or which variable of the role dns is wrong.",
}


def verdicts(results: list[Dict], targets: list[Dict], about: str = "answers", lenient: bool = False) -> list[Dict]:
    """The checks of all targets.

    about: answers for results of dns_info, update for those of dns_records in check mode.
    """
    checks = []
    for result, target in zip(results, targets, strict=True):
        if about == "update":
            checks.append(_update(result, target))
        elif "checks" in result:
            checks += [_of(check, target, lenient) for check in result["checks"]]
        else:
            checks.append(_broken(result, target, about))
    return checks


def _check(target: Dict, id_: str, status: str, evidence: str, hint: str = "", source: str = "") -> Dict:
    subject = target["label"]
    return {"id": id_, "subject": subject, "status": status, "evidence": evidence, "hint": hint, "source": source}


def _of(check: Dict, target: Dict, lenient: bool) -> Dict:
    subject = f"{check['subject']} ({target['name']})" if target["name"] else check["subject"]
    late = lenient and check["status"] == "fail" and check["id"] in KEPT
    return {**check, "subject": subject, "status": "warn" if late else check["status"]}


def _update(result: Dict, target: Dict) -> Dict:
    if "updates" in result:
        who = target["principal"] or target["tsig_name"] or "the session"
        evidence = f"the server is authoritative for the zone and accepted {who}"
        return _check(target, "dns.update", "pass", evidence, source="RFC 2136")
    evidence = result.get("problem") or result.get("msg") or "no reason given"
    return _check(target, "dns.update", "fail", evidence, result.get("hint") or "", "RFC 2136")


def _broken(result: Dict, target: Dict, about: str) -> Dict:
    evidence = f"the questions could not be asked: {result.get('msg') or 'no reason given'}"
    return _check(target, "dns.server", "fail", evidence, _NEXT[about])
