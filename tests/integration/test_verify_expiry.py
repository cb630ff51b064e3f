# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""verify tells when certificates end: of a real domain controller, and of stand-ins for what this laboratory has not.

The role's part that looks at certificates, alone; with the rest of the proof it is seen in test_verify.py.
"""

from __future__ import annotations

import datetime
import json

import pytest
from certificate_servers import ADDRESS, WINRM, CertificateServers
from company_ca import CompanyCA

SOON, GONE, STRANGE, DEAD = 9441, 9442, 9443, 9449
PLAYBOOK = [
    {
        "name": "Look at certificates",
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Look",
                "ansible.builtin.include_role": {"name": "onprem.chat.verify", "tasks_from": "certificates"},
            },
            {
                "name": "Keep what was seen",
                "ansible.builtin.copy": {
                    "content": "{{ __verify_dates | to_json }}",
                    "dest": "{{ out }}",
                    "mode": "0600",
                },
            },
            {
                "name": "Show it",
                "ansible.builtin.debug": {"msg": "{{ __verify_dates.checks | onprem.chat.check_table }}"},
            },
        ],
    }
]


@pytest.fixture(scope="module")
def standing(lab, tmp_path_factory):
    """The stand-ins."""
    servers = CertificateServers(lab, tmp_path_factory.mktemp("servers"))
    authority = CompanyCA(lab.state)
    try:
        # An hour more, so that it is ten whole days when it is looked at.
        servers.issued(SOON, authority.issue([ADDRESS], days=10 + 1 / 24))
        servers.issued(GONE, authority.issue([ADDRESS], days=-3))
        servers.issued(STRANGE, authority.issue(["other.corp.test"], days=200))
        servers.self_signed(WINRM, "PC17", days=365)
        yield servers
    finally:
        servers.stop()


@pytest.fixture
def look(lab, standing, tmp_path):
    def look(certificates, **variables):
        """Run the role's part; gives the lines of the table, and the rows of the report."""
        book, out, extra = tmp_path / "look.yml", tmp_path / "out.json", tmp_path / "extra.json"
        book.write_text(json.dumps(PLAYBOOK))
        extra.write_text(json.dumps({"verify_certificates": certificates, "out": str(out), **variables}))
        result = lab.playbook(str(book), "-e", f"@{extra}", check=True)
        assert "changed=1 " in result.stdout  # the file of this test
        seen = json.loads(out.read_text())
        return seen["checks"], seen["certificates"], result.stdout

    return look


def day(days):
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)).strftime("%Y-%m-%d")


def ends_of(checks):
    return [(c["status"], c["subject"], c["evidence"]) for c in checks if c["id"] == "certificate.expiry"]


def test_every_kind_of_certificate_the_nearest_end_first(lab, look):
    anchors = [str(lab.state / "company-ca.crt")]
    checks, rows, output = look(
        [
            {"host": "dc1.corp.test", "port": 636, "trust_anchors": anchors},
            {"host": ADDRESS, "port": WINRM, "judge": "dates", "fleet": True},
            {"host": ADDRESS, "port": SOON, "trust_anchors": anchors},
            {"host": ADDRESS, "port": GONE, "trust_anchors": anchors},
            {"host": ADDRESS, "port": DEAD, "trust_anchors": anchors},
        ]
    )
    issuer = "CN=Corp Test Company CA,O=Corp Test"
    dead, gone, soon, winrm, dc1, *others = ends_of(checks)
    assert dead[:2] == ("fail", f"{ADDRESS}:{DEAD}")
    assert dead[2].startswith("no certificate was seen: ")
    assert "refused" in dead[2]
    assert gone == ("fail", f"{ADDRESS}:{GONE}", f"expired on {day(-3)}: CN={ADDRESS}, issued by {issuer}")
    assert soon == (
        "warn",
        f"{ADDRESS}:{SOON}",
        f"expires on {day(10 + 1 / 24)}, in 10 days: CN={ADDRESS}, issued by {issuer}",
    )
    assert winrm[:2] == ("pass", f"{ADDRESS}:{WINRM}")
    assert winrm[2].endswith(" (364 days): CN=PC17, self-signed")
    assert dc1[:2] == ("pass", "dc1.corp.test:636 (10.203.0.10)")
    assert dc1[2].endswith(f"CN=dc1.corp.test, issued by {issuer}")
    # The issuing CA, which three servers send: one line.
    assert [(status, f"in its chain, {issuer}" in evidence) for status, _subject, evidence in others] == [
        ("pass", True)
    ]
    # Nothing else is wrong with any of them.
    assert [check["id"] for check in checks if check["id"] != "certificate.expiry"] == []
    assert f"WARN  certificate.expiry  {ADDRESS}:{SOON}" in output
    assert "-> Renew it and put it in place before that day." in output

    (row,) = [row for row in rows if row["host"] == "dc1.corp.test" and row["kind"] == "server"]
    assert (row["port"], row["subject"], row["issuer"], row["judge"]) == (636, "CN=dc1.corp.test", issuer, "full")
    # OpenSSL reads the same end.
    shown = lab.exec(
        "users",
        [
            "sh",
            "-c",
            "openssl s_client -connect dc1.corp.test:636 </dev/null 2>/dev/null | openssl x509 -noout -enddate",
        ],
        check=True,
    ).stdout
    end = datetime.datetime.strptime(shown.strip(), "notAfter=%b %d %H:%M:%S %Y GMT")
    assert row["not_after"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert row["days_left"] == (end - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)).days
    (row,) = [row for row in rows if row["port"] == DEAD]
    assert (row["not_after"], row["days_left"], row["status"]) == ("", None, "fail")
    assert "refused" in row["error"]


def test_dates_alone_or_everything(look):
    checks, _rows, _output = look(
        [{"host": ADDRESS, "port": WINRM}, {"host": ADDRESS, "port": STRANGE, "judge": "dates"}]
    )
    failed = {(check["id"], check["subject"]) for check in checks if check["status"] == "fail"}
    assert failed >= {(id_, f"{ADDRESS}:{WINRM}") for id_ in ("certificate.names", "certificate.chain.trust")}
    assert {subject for _id, subject in failed} == {f"{ADDRESS}:{WINRM}"}


def test_the_wrong_name(lab, look):
    anchors = [str(lab.state / "company-ca.crt")]
    checks, _rows, _output = look([{"host": ADDRESS, "port": STRANGE, "trust_anchors": anchors}])
    assert [check["id"] for check in checks if check["status"] == "fail"] == ["certificate.names"]


def test_how_early_is_told(look):
    one = [{"host": ADDRESS, "port": SOON, "judge": "dates"}]
    assert [status for status, *_rest in ends_of(look(one, verify_certificate_days=10)[0])] == ["pass", "pass"]
    assert ends_of(look(one, verify_certificate_days=11)[0])[0][0] == "warn"


def test_a_fleet_of_which_most_are_off(look):
    fleet = [{"host": f"10.203.0.{last}", "port": WINRM, "judge": "dates", "fleet": True} for last in range(90, 110)]
    checks, rows, _output = look(fleet, verify_certificate_limit=0, verify_certificate_timeout=2)
    assert [check["status"] for check in checks] == ["pass", "warn"]
    assert checks[1]["subject"] == "19 of the fleet"
    assert checks[1]["evidence"].startswith("no certificate was seen: 10.203.0.101:5986")
    assert len(rows) == 20


def test_another_server_stands_in_for_one_that_is_down(look):
    dc1 = {"host": "dc1.corp.test", "port": 636, "judge": "dates", "spare": True}
    dead = {"host": ADDRESS, "port": DEAD, "judge": "dates", "spare": True}
    nowhere = {"host": "dc9.corp.test", "port": 636, "judge": "dates", "spare": True}
    ends = {subject: (status, evidence) for status, subject, evidence in ends_of(look([dc1, dead, nowhere])[0])}
    for subject in (f"{ADDRESS}:{DEAD}", "dc9.corp.test:636"):
        status, evidence = ends[subject]
        assert status == "warn"
        assert evidence.startswith("no certificate was seen: ")
        assert evidence.endswith("; another server stands in for it")
    assert [status for status, _evidence in ends.values()].count("pass") == len(ends) - 2
    assert [status for status, *_rest in ends_of(look([dead, nowhere])[0])] == ["fail", "fail"]


def test_what_makes_no_sense_is_told_and_the_others_are_asked(look, tmp_path):
    (tmp_path / "empty.crt").touch()
    checks, rows, _output = look(
        [
            {"host": "no name", "port": 1},
            {"host": ADDRESS, "port": SOON, "trust_anchors": ["/nowhere/ca.crt"]},
        ]
    )
    assert [(check["id"], check["status"]) for check in checks] == [
        ("certificate.expiry", "fail"),
        ("certificate.chain.trust", "fail"),
        ("certificate.expiry", "warn"),
        ("certificate.expiry", "pass"),
    ]
    assert len(rows) == 2
    checks, rows, _output = look([{"host": ADDRESS, "port": SOON, "trust_anchors": [str(tmp_path / "empty.crt")]}])
    (trust,) = [check for check in checks if check["status"] == "fail"]
    assert (trust["id"], trust["subject"]) == ("certificate.chain.trust", f"{ADDRESS}:{SOON}")
    assert "empty.crt" in trust["evidence"]
    assert trust["evidence"].endswith(", so only the dates are judged")
    assert [status for status, *_rest in ends_of(checks)] == ["warn", "pass"]
    assert len(rows) == 2
