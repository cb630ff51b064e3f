# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""verify without XMPP: what the caller asked, and certificates, get the same table, report and verdict. Nobody logs in."""

from __future__ import annotations

import json

import pytest

WEB = "http://dc1.corp.test:9/"
GOOD = {
    "id": "web.answer",
    "subject": "Login page",
    "status": "pass",
    "evidence": "200 OK",
    "hint": "",
    "source": "Manual, 1",
}
PLAY = {
    "name": "Verify without XMPP",
    "hosts": "chat_servers",
    "gather_facts": False,
    "tasks": [
        {
            "name": "Ask a server that is none",
            "onprem.chat.web_info": {"requests": [{"url": WEB, "source": "Manual, 2"}]},
            "delegate_to": "localhost",
            "register": "web",
        },
        {
            "name": "Judge and report it",
            "ansible.builtin.include_role": {"name": "onprem.chat.verify"},
            "vars": {
                "verify_domain": "chats.corp.test",
                "verify_xmpp": False,
                # Accounts that there are not: nobody may try.
                "verify_users": [{"jid": "nobody@chats.corp.test", "password": "canary-4711"}],
                "verify_checks": "{{ given + (web.checks if with_web else []) }}",
            },
        },
    ],
}


@pytest.fixture
def verify(lab, tmp_path):
    book, extra, folder = tmp_path / "verify.yml", tmp_path / "extra.json", tmp_path / "report"
    book.write_text(json.dumps([PLAY]))

    def verify(*arguments, given=(), with_web=False, **variables):
        """Run the role; gives its result and the report."""
        variables |= {"given": list(given), "with_web": with_web, "verify_report_directory": str(folder)}
        extra.write_text(json.dumps(variables))
        result = lab.playbook(str(book), "-e", f"@{extra}", *arguments)
        report = folder / "verify.json"
        assert "canary-4711" not in result.stdout + result.stderr
        assert "xmpp" not in result.stdout.replace("verify_xmpp", "").lower().replace("verify without xmpp", "")
        return result, json.loads(report.read_text()) if report.exists() else None

    return verify


def test_a_failed_check_of_the_caller_fails_the_run_with_the_table(verify):
    result, report = verify(given=[GOOD], with_web=True)
    assert result.returncode == 2
    assert "1 of 5 checks failed for chats.corp.test:" in result.stdout
    assert f"FAIL  web.connect  {WEB}  10.203.0.10 port 9: connection refused" in result.stdout
    assert "nothing listens on port 9" in result.stdout
    assert report["checks"][0] == GOOD
    assert [(check["id"], check["status"]) for check in report["checks"][1:]] == [
        ("web.name", "pass"),
        ("web.connect", "fail"),
        ("web.tls", "skip"),
        ("web.answer", "skip"),
    ]
    assert (report["failed"], report["round_trip"], report["certificates"]) == (True, None, [])
    assert "two users" not in result.stdout.lower()
    assert "it was delivered" not in result.stdout


def test_what_passes_is_reported_with_certificates(verify, lab):
    anchors = [str(lab.state / "company-ca.crt")]
    result, report = verify(
        given=[GOOD], verify_certificates=[{"host": "dc1.corp.test", "port": 636, "trust_anchors": anchors}]
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "changed=0" in result.stdout
    assert (report["domain"], report["failed"], report["round_trip"]) == ("chats.corp.test", False, None)
    assert [check["id"] for check in report["checks"]] == ["web.answer", "certificate.expiry", "certificate.expiry"]
    assert {check["status"] for check in report["checks"]} == {"pass"}
    assert [row["subject"] for row in report["certificates"] if row["kind"] == "server"] == ["CN=dc1.corp.test"]


def test_a_proof_of_nothing_is_none(verify):
    result, report = verify()
    assert result.returncode == 2
    assert [(check["id"], check["status"], check["evidence"]) for check in report["checks"]] == [
        ("verify.checks", "fail", "nothing was asked, so nothing is proven")
    ]
    assert "With verify_xmpp false give verify_checks or verify_certificates." in result.stdout


def test_check_mode_reports_and_does_not_fail(verify):
    result, report = verify("--check", with_web=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert report is None
    assert "Check mode: 1 checks failed, but nothing was rolled out in this run." in result.stdout
