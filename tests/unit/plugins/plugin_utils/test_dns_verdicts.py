# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the role dns's loops as one list of checks."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.filter.check_table import check_table
from ansible_collections.onprem.chat.plugins.filter.dns_verdicts import dns_verdicts

OWN = {"name": "", "label": "corp.test on dc1", "principal": "svc@CORP.TEST", "tsig_name": ""}
VIEW = {"name": "external", "label": "external: corp.test on ns9", "principal": "", "tsig_name": "key"}


def check(status="pass", id_="dns.authoritative"):
    return {"id": id_, "subject": "chat A", "status": status, "evidence": "e", "hint": "h", "source": "s"}


def test_it_is_said_whose_answers_they_are():
    checks = dns_verdicts([{"checks": [check()]}, {"checks": [check("fail")]}], [OWN, VIEW])
    assert [(one["subject"], one["status"]) for one in checks] == [("chat A", "pass"), ("chat A (external)", "fail")]


def test_what_could_not_be_asked_is_a_failed_check():
    checks = dns_verdicts([{"failed": True, "msg": "no dnspython"}, {"checks": []}], [OWN, VIEW])
    assert (
        check_table(checks)[0] == "FAIL  dns.server  corp.test on dc1  the questions could not be asked: no dnspython"
    )


@pytest.mark.parametrize(
    ("id_", "status"),
    [("dns.authoritative", "warn"), ("dns.ttl", "warn"), ("dns.resolver", "warn"), ("dns.server", "fail")],
)
def test_what_was_to_be_kept_only_warns(id_, status):
    assert dns_verdicts([{"checks": [check("fail", id_)]}], [OWN], lenient=True)[0]["status"] == status


def test_updates():
    refused = {"failed": True, "msg": "long", "problem": "REFUSED", "hint": "Is it allowed?"}
    checks = dns_verdicts([{"updates": 0}, refused], [OWN, VIEW], "update")
    assert checks == [
        {
            "id": "dns.update",
            "subject": "corp.test on dc1",
            "status": "pass",
            "evidence": "the server is authoritative for the zone and accepted svc@CORP.TEST",
            "hint": "",
            "source": "RFC 2136",
        },
        {
            "id": "dns.update",
            "subject": "external: corp.test on ns9",
            "status": "fail",
            "evidence": "REFUSED",
            "hint": "Is it allowed?",
            "source": "RFC 2136",
        },
    ]


def test_a_failure_without_words():
    assert dns_verdicts([{}], [OWN], "update")[0]["evidence"] == "no reason given"
