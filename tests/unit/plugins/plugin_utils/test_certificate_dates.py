# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what servers present to dates."""

from __future__ import annotations

import json

import pytest

from ansible_collections.onprem.chat.plugins.filter.certificate_dates import certificate_dates
from ansible_collections.onprem.chat.plugins.filter.certificate_plan import certificate_plan
from ansible_collections.onprem.chat.plugins.filter.check_table import check_table

NOW = "2026-11-22T09:00:00Z"
DC = {"host": "dc1.corp.test", "port": 636}
SUBJECT = "dc1.corp.test:636 (192.0.2.1)"


def certificate(left, end, name="dc1", issuer="CN=ca", **other):
    return {
        "subject": f"CN={name}",
        "issuer": issuer,
        "serial": "01",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": f"{end}T12:00:00Z" if end else "",
        "days_left": left,
        "fingerprint": name.ljust(64, "0"),
        "names": [],
        **other,
    }


def server(*chain, host="dc1.corp.test", port=636, error="", **other):
    return {
        "host": host,
        "port": port,
        "protocol": "tls",
        "server_name": host,
        "address": "192.0.2.1",
        "error": error,
        "chain": list(chain),
        **other,
    }


def told(id_, status, evidence="why", subject=SUBJECT):
    return {"id": id_, "subject": subject, "status": status, "evidence": evidence, "hint": "do", "source": "RFC"}


def judged(servers, checks=(), watched=(DC,), days=30):
    answer = {"servers": servers, "checks": list(checks)}
    return certificate_dates(answer, certificate_plan(list(watched)), days, NOW)


def seen(result):
    return [(check["id"], check["status"], check["evidence"]) for check in result["checks"]]


@pytest.mark.parametrize(
    ("chain", "status", "evidence"),
    [
        (certificate(70, "2027-01-31"), "pass", "valid until 2027-01-31 (70 days): CN=dc1, issued by CN=ca"),
        (certificate(30, "2026-12-22"), "pass", "valid until 2026-12-22 (30 days): CN=dc1, issued by CN=ca"),
        (certificate(29, "2026-12-21"), "warn", "expires on 2026-12-21, in 29 days: CN=dc1, issued by CN=ca"),
        (certificate(1, "2026-11-23"), "warn", "expires on 2026-11-23, in 1 day: CN=dc1, issued by CN=ca"),
        (certificate(0, "2026-11-22"), "warn", "expires on 2026-11-22, in less than a day: CN=dc1, issued by CN=ca"),
        (certificate(-1, "2026-11-21"), "fail", "expired on 2026-11-21: CN=dc1, issued by CN=ca"),
        (
            certificate(70, "2027-01-31", issuer="CN=dc1"),
            "pass",
            "valid until 2027-01-31 (70 days): CN=dc1, self-signed",
        ),
        (
            certificate(70, "2027-01-31", not_before="2026-11-23T00:00:00Z"),
            "fail",
            "not valid before 2026-11-23T00:00:00Z: CN=dc1, issued by CN=ca",
        ),
        (
            certificate(None, "", subject="", issuer="", fingerprint="ab"),
            "fail",
            "nobody can read when it ends: no subject, SHA-256 ab, issued by nobody",
        ),
    ],
)
def test_the_words_for_an_end(chain, status, evidence):
    ((id_, said, words),) = seen(judged([server(chain)]))
    assert (id_, said, words) == ("certificate.expiry", status, evidence)


def test_the_row_of_the_report():
    (row,) = judged([server(certificate(10, "2026-12-02"))])["certificates"]
    assert row == {
        "host": "dc1.corp.test",
        "port": 636,
        "protocol": "tls",
        "address": "192.0.2.1",
        "judge": "full",
        "subject": "CN=dc1",
        "issuer": "CN=ca",
        "serial": "01",
        "fingerprint": "dc1".ljust(64, "0"),
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2026-12-02T12:00:00Z",
        "days_left": 10,
        "status": "warn",
        "kind": "server",
        "error": "",
    }


def test_the_nearest_end_comes_first_and_what_was_not_seen_before_all():
    watched = [{"host": f"s{number}.test", "port": 443} for number in range(3)]
    servers = [
        server(certificate(90, "2027-02-20", "s0"), host="s0.test", port=443),
        server(certificate(10, "2026-12-02", "s1"), host="s1.test", port=443),
        server(host="s2.test", port=443, error="refused"),
    ]
    result = judged(servers, watched=watched)
    assert [row["host"] for row in result["certificates"]] == ["s2.test", "s1.test", "s0.test"]
    table = check_table(result["checks"])
    assert table[0] == "FAIL  certificate.expiry  s2.test:443 (192.0.2.1)  no certificate was seen: refused"
    assert table[1].startswith("WARN  certificate.expiry  s1.test:443 (192.0.2.1)  expires on 2026-12-02, in 10 days")
    assert table[2] == "      -> Renew it and put it in place before that day."


def test_certificates_of_the_chain_have_a_line_once():
    ca = certificate(5, "2026-11-27", "ca", "CN=root")
    watched = [DC, DC | {"port": 3269}]
    result = judged(
        [server(certificate(70, "2027-01-31"), ca), server(certificate(70, "2027-01-31"), ca, port=3269)],
        watched=watched,
    )
    assert [(row["port"], row["kind"], row["subject"]) for row in result["certificates"]] == [
        (636, "chain", "CN=ca"),
        (636, "server", "CN=dc1"),
        (3269, "server", "CN=dc1"),
    ]
    assert seen(result)[0][2] == "expires on 2026-11-27, in 5 days: in its chain, CN=ca, issued by CN=root"


def test_a_dead_server_fails_with_the_reason_and_what_to_do():
    result = judged(
        [server(error="refused")], [told("tls.tcp", "fail", "port 636 refuses"), told("tls.session", "skip")]
    )
    (check,) = result["checks"]
    assert (check["status"], check["evidence"]) == ("fail", "no certificate was seen: port 636 refuses")
    assert check["hint"] == "do"
    assert result["certificates"][0]["error"] == "port 636 refuses"
    assert result["certificates"][0]["days_left"] is None


SPARE = [{"host": f"dc{number}.corp.test", "port": 636, "spare": True} for number in (1, 2)]
OTHER = "dc2.corp.test:636 (192.0.2.1)"
REFUSED = told("tls.tcp", "fail", "port 636 refuses", OTHER)


def by_server(result):
    return {check["subject"]: (check["status"], check["evidence"]) for check in result["checks"]}


def test_a_dead_server_is_a_warning_where_another_one_stands_in_for_it():
    servers = [server(FINE), server(host="dc2.corp.test", error="refused")]
    result = judged(servers, [REFUSED], SPARE)
    assert by_server(result)[OTHER] == (
        "warn",
        "no certificate was seen: port 636 refuses; another server stands in for it",
    )
    assert [row["status"] for row in result["certificates"]] == ["warn", "pass"]
    assert result["certificates"][0]["error"] == "port 636 refuses"
    # Another server that is no spare one does not stand in.
    assert by_server(judged(servers, [REFUSED], [DC, SPARE[1]]))[OTHER][0] == "fail"


def test_when_all_that_stand_in_for_each_other_are_dead_all_fail():
    web = {"host": "chat.corp.test", "port": 443}
    servers = [server(error="refused"), server(host="dc2.corp.test", error="refused")]
    result = judged([*servers, server(FINE, host="chat.corp.test", port=443)], [REFUSED], [*SPARE, web])
    assert [row["status"] for row in result["certificates"]] == ["fail", "fail", "pass"]
    assert by_server(result)[OTHER] == ("fail", "no certificate was seen: port 636 refuses")


def test_what_a_spare_server_shows_is_judged_as_ever():
    shown = judged([server(FINE), server(GONE, host="dc2.corp.test")], watched=SPARE)
    assert by_server(shown)[OTHER][0] == "fail"
    wrong = told("certificate.names", "fail", subject=OTHER)
    named = judged([server(FINE), server(FINE, host="dc2.corp.test")], [wrong], SPARE)
    assert named["checks"][-1] == wrong
    # It is there, but without a certificate: preflight fails for that as well.
    mute = told("tls.session", "fail", "no certificate", OTHER)
    reached = judged([server(FINE), server(host="dc2.corp.test", error="reset")], [mute], SPARE)
    assert by_server(reached)[OTHER] == ("fail", "no certificate was seen: no certificate")


def test_an_address_that_has_no_route_here_is_a_warning_where_another_one_answers():
    (check,) = judged([server(error="no route")], [told("tls.tcp", "warn", "no route")])["checks"]
    assert check["status"] == "warn"


def test_a_task_that_failed_is_a_failed_check():
    result = certificate_dates({"failed": True, "msg": "no cryptography"}, certificate_plan([DC]), 30, NOW)
    assert seen(result) == [("certificate.expiry", "fail", "the certificates could not be looked at: no cryptography")]
    assert result["certificates"] == []


def test_nobody_to_ask_and_a_skipped_task():
    assert certificate_dates({"skipped": True}, certificate_plan([]), 30, NOW) == {"checks": [], "certificates": []}


FINE = certificate(70, "2027-01-31")
SOON = certificate(10, "2026-12-02")
GONE = certificate(-1, "2026-11-21")


@pytest.mark.parametrize(
    ("chain", "checks", "expected"),
    [
        (FINE, [told("certificate.names", "fail")], ["certificate.names"]),
        # OpenSSL's word stands alone only when nothing of ours explains it.
        (FINE, [told("certificate.names", "fail"), told("tls.handshake", "fail")], ["certificate.names"]),
        (FINE, [told("tls.handshake", "fail")], ["tls.handshake"]),
        (GONE, [told("certificate.validity", "fail"), told("tls.handshake", "fail")], []),
        (GONE, [told("certificate.names", "fail"), told("certificate.validity", "fail")], ["certificate.names"]),
        # A root that the server does not send.
        (FINE, [told("certificate.validity", "warn")], ["certificate.validity"]),
        (FINE, [told("certificate.strict", "warn"), told("tls.versions", "fail"), told("tls.sni", "warn")], []),
        (FINE, [told("tls.certificate", "fail")], ["tls.certificate"]),
        (FINE, [told("tls.session", "fail")], ["tls.session"]),
        # That the server's own certificate ends soon does not explain why clients refuse it now.
        (SOON, [told("certificate.validity", "fail"), told("tls.handshake", "fail")], ["certificate.validity"]),
        (SOON, [told("certificate.validity", "warn"), told("tls.handshake", "fail")], ["tls.handshake"]),
        (SOON, [told("certificate.validity", "warn")], []),
    ],
)
def test_what_clients_refuse_follows_where_everything_is_judged(chain, checks, expected):
    result = judged([server(chain)], checks)
    assert [check["id"] for check in result["checks"]] == ["certificate.expiry", *expected]
    dates_only = judged([server(chain)], checks, [DC | {"judge": "dates"}])
    assert [check["id"] for check in dates_only["checks"]] == ["certificate.expiry"]


def fleet(count):
    return [{"host": f"pc{number:03}", "port": 5986, "judge": "dates", "fleet": True} for number in range(count)]


def test_a_fleet_shares_lines_and_the_report_has_all():
    servers = [server(certificate(100 + n, "2027-03-01", f"pc{n:03}"), host=f"pc{n:03}", port=5986) for n in range(98)]
    servers[50]["chain"][0] |= {"days_left": 3, "not_after": "2026-11-25T12:00:00Z"}
    servers += [server(host=f"pc{n:03}", port=5986, error="timeout") for n in (98, 99)]
    result = judged(servers, watched=fleet(100))
    assert len(result["certificates"]) == 100
    assert result["certificates"][2]["host"] == "pc050"
    table = check_table(result["checks"])
    assert table[0].startswith("WARN  certificate.expiry  pc050:5986 (192.0.2.1)  expires on 2026-11-25, in 3 days")
    assert len(result["checks"]) == 1 + 20 + 2
    assert seen(result)[-2][2].startswith("valid until 2027-03-01 (")
    assert result["checks"][-2]["subject"] == "77 more of the fleet"
    assert result["checks"][-1]["subject"] == "2 of the fleet"
    assert seen(result)[-1][1:] == (
        "warn",
        "no certificate was seen: pc098:5986 (192.0.2.1), pc099:5986 (192.0.2.1)",
    )


def test_one_silent_desktop_is_a_warning_and_names_are_not_endless():
    (check,) = judged([server(host="pc000", port=5986, error="timeout")], watched=fleet(1))["checks"]
    assert check["status"] == "warn"
    silent = [server(host=f"pc{n:03}", port=5986, error="timeout") for n in range(500)]
    (check,) = judged(silent, watched=fleet(500))["checks"]
    assert check["evidence"].endswith("pc019:5986 (192.0.2.1) and 480 more")


def test_a_subject_without_end_is_cut():
    result = judged([server(certificate(70, "2027-01-31", "x" * 5000))])
    assert len(result["checks"][0]["evidence"]) < 300


def test_the_result_is_data():
    assert json.loads(json.dumps(judged([server(FINE)])))
