# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers are asked for their dates."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.filter import certificate_plan as from_filter
from ansible_collections.onprem.chat.plugins.modules.tls_info import ENDPOINT_SPEC
from ansible_collections.onprem.chat.plugins.plugin_utils._certificate_plan import plan
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import ROOT

DC = {"host": "DC1.corp.test.", "port": 636, "trust_anchors": ["/ca.pem"]}


def certificate_plan(servers, limit=0, days=30, day=0, unusable=lambda paths: ""):
    return plan(servers, limit, days, day, unusable)


def gone(paths):
    return f"there is no {', '.join(paths)} on the controller"


def fleet(count):
    return [{"host": f"pc{number}", "port": 5986, "judge": "dates", "fleet": True} for number in range(count)]


def hosts(plan):
    return {endpoint["host"] for endpoint in plan["endpoints"]}


def test_a_server_as_the_module_wants_it():
    assert certificate_plan([DC]) == {
        "endpoints": [
            {
                "host": "dc1.corp.test",
                "port": 636,
                "protocol": "tls",
                "server_name": "dc1.corp.test",
                "trust_anchors": ["/ca.pem"],
            }
        ],
        "watched": [{"judge": "full", "fleet": False, "spare": False}],
        "checks": [],
    }


def test_only_options_of_the_module_are_sent():
    everything = {**{key: ["x"] for key in ("alpn", "dns_names", "xmpp_domains")}, "ip_addresses": ["10.0.0.1"], **DC}
    (endpoint,) = certificate_plan([everything | {"domain": "corp.test", "server_name": "x.test"}])["endpoints"]
    assert set(endpoint) <= set(ENDPOINT_SPEC)
    assert endpoint["server_name"] == "x.test"


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"host": "chat.test", "protocol": "xmpp-client", "domain": "corp.test"}, (5222, "corp.test")),
        ({"host": "corp.test", "protocol": "xmpp-server"}, (5269, "corp.test")),
        ({"host": "mail.test", "protocol": "smtp"}, (25, "mail.test")),
        ({"host": "2001:DB8::1", "port": "443"}, (443, "2001:db8::1")),
        ({"host": "büro.test", "port": 443}, (443, "xn--bro-hoa.test")),
    ],
)
def test_what_follows_from_what_was_said(server, expected):
    (endpoint,) = certificate_plan([server])["endpoints"]
    assert (endpoint["port"], endpoint["server_name"]) == expected


@pytest.mark.parametrize(
    ("server", "evidence"),
    [
        ({"host": "https://x", "port": 1}, "'https://x' is no name of a host or domain."),
        ({"host": "", "port": 1}, "'' is no name of a host or domain."),
        ({"host": "x.test"}, "nothing is no port."),
        ({"host": "x.test", "port": 70000}, "70000 is no port."),
        ({"host": "x.test", "port": "ldaps"}, "ldaps is no port."),
        ({"host": "x.test", "protocol": "ftp"}, "'ftp' is no protocol."),
        ({"host": "x.test", "port": 1, "judge": "some"}, "judge: 'some' is unknown."),
        ({"host": "10.0.0.1", "protocol": "xmpp-client"}, "10.0.0.1: domain is missing."),
        (
            {"host": "x.test", "protocol": "xmpp-client", "domain": "10.0.0.1"},
            "x.test: domain 10.0.0.1 is an address.",
        ),
        ({"host": "x.test", "port": 1, "ip_addresses": ["dc1.test"]}, "'dc1.test' is no IP address."),
        ({"host": "x.test", "port": 1, "dns_names": ["a b"]}, "'a b' is no name of a host or domain."),
        ({"host": "x.test", "port": 1, "dns_names": [7]}, "dns_names: [7] is no list of texts."),
        ({"host": "x.test", "port": 1, "dns_names": {"a": 1}}, "dns_names: {'a': 1} is no list of texts."),
        ({"host": "x.test", "port": 1, "alpn": [""]}, "x.test: alpn '' cannot be offered."),
        ({"host": "x.test", "port": 1, "server_name": "a/b"}, "'a/b' is no name of a host or domain."),
        ({"host": "x.test", "port": 1, "fleet": "some"}, "fleet: 'some' is neither true nor false."),
        ({"host": "x.test", "port": 1, "spare": "some"}, "spare: 'some' is neither true nor false."),
        ({"host": "x.test", "problem": "no port"}, "no port"),
        ("x.test:443", "'x.test:443' is no server."),
    ],
)
def test_nonsense_is_a_failed_check_and_the_others_are_asked(server, evidence):
    plan = certificate_plan([server, DC])
    assert hosts(plan) == {"dc1.corp.test"}
    ((status, seen),) = [(check["status"], check["evidence"]) for check in plan["checks"]]
    assert (status, seen) == ("fail", evidence)
    assert plan["checks"][0]["hint"]


def test_lists_of_one_and_words_for_no_and_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    asked = []
    found = certificate_plan(
        [DC | {"trust_anchors": "~/ca.pem", "alpn": "h2", "fleet": "false"}],
        unusable=lambda paths: asked.append(paths) or "",
    )
    assert asked == [("/home/anna/ca.pem",)]
    assert found["endpoints"][0]["trust_anchors"] == ["/home/anna/ca.pem"]
    assert found["endpoints"][0]["alpn"] == ["h2"]
    assert found["watched"] == [{"judge": "full", "fleet": False, "spare": False}]


def test_a_file_is_looked_for_where_the_user_is(monkeypatch, tmp_path):
    """The module runs in the playbook's folder."""
    monkeypatch.chdir(tmp_path)
    (endpoint,) = certificate_plan([DC | {"trust_anchors": ["ca/root.crt"]}])["endpoints"]
    assert endpoint["trust_anchors"] == [str(tmp_path / "ca" / "root.crt")]


def test_files_that_hold_no_certificate(tmp_path):
    good, bad, none = (tmp_path / name for name in ("good.pem", "bad.pem", "none.pem"))
    good.write_bytes(ROOT.certificate.pem)
    bad.write_text("no certificate")
    servers = [{"host": f"{path.stem}.test", "port": 636, "trust_anchors": [str(path)]} for path in (good, bad, none)]
    found = from_filter.certificate_plan(servers)
    assert [rule["judge"] for rule in found["watched"]] == ["full", "dates", "dates"]
    assert [endpoint.get("look") for endpoint in found["endpoints"]] == [None, "certificate", "certificate"]
    assert [endpoint.get("trust_anchors") for endpoint in found["endpoints"]] == [[str(good)], None, None]
    first, second = found["checks"]
    assert (first["subject"], first["status"], first["id"]) == ("bad.test:636", "fail", "certificate.chain.trust")
    assert str(bad) in first["evidence"]
    assert first["evidence"].endswith(", so only the dates are judged")
    assert second["evidence"] == f"there is no {none} on the controller, so only the dates are judged"


def test_a_file_is_read_once(monkeypatch, tmp_path):
    path = tmp_path / "ca.pem"
    path.write_bytes(ROOT.certificate.pem)
    read = []
    monkeypatch.setattr(from_filter.trust, "anchors", read.append)
    from_filter.certificate_plan([DC | {"port": port, "trust_anchors": [str(path)]} for port in (1, 2, 3)])
    assert read == [(str(path),)]


def test_computers_of_a_fleet_with_broken_variables_are_warnings():
    broken = [{"host": f"pc{number}", "problem": "no port", "judge": "dates", "fleet": True} for number in range(25)]
    found = certificate_plan([*broken, DC])
    assert hosts(found) == {"dc1.corp.test"}
    assert [(one["status"], one["subject"]) for one in found["checks"]] == [
        *(("warn", f"pc{number}") for number in range(20)),
        ("warn", "5 more of the fleet"),
    ]
    assert found["checks"][20]["evidence"] == "their variables cannot be used either, for example pc20"


def test_the_later_of_two_counts_but_judges_no_milder():
    own = DC | {"trust_anchors": ["/own.pem"], "dns_names": ["other.test"]}
    found = certificate_plan([DC, own])
    assert found["endpoints"][0]["trust_anchors"] == ["/own.pem"]
    assert found["endpoints"][0]["dns_names"] == ["other.test"]
    found = certificate_plan([DC, {"host": "dc1.corp.test", "port": 636, "judge": "dates", "fleet": True}])
    assert found["watched"] == [{"judge": "full", "fleet": False, "spare": False}]
    assert found["endpoints"][0]["trust_anchors"] == ["/ca.pem"]
    found = certificate_plan([*fleet(1), {"host": "pc0", "port": 5986, "judge": "dates"}])
    assert found["watched"] == [{"judge": "dates", "fleet": False, "spare": False}]


@pytest.mark.parametrize("judge", ["dates", "full"])
def test_a_server_is_spare_when_all_that_name_it_say_so(judge):
    spare = DC | {"spare": "yes", "judge": judge}
    for servers, expected in (([spare, spare], True), ([spare, DC], False), ([DC, spare], False)):
        (rule,) = certificate_plan(servers)["watched"]
        assert rule["spare"] is expected


def test_the_zone_of_an_address_is_no_part_of_its_name():
    (endpoint,) = certificate_plan([{"host": "fe80::1%eth0", "port": 636}])["endpoints"]
    assert (endpoint["host"], endpoint["server_name"]) == ("fe80::1%eth0", "fe80::1")


def test_twice_the_same_is_asked_once_and_judged_as_strictly_as_either_wants():
    plan = certificate_plan([{"host": "dc1.corp.test", "port": 636, "judge": "dates"}, DC, DC])
    assert plan["watched"] == [{"judge": "full", "fleet": False, "spare": False}]
    assert plan["endpoints"][0]["trust_anchors"] == ["/ca.pem"]
    assert "look" not in plan["endpoints"][0]


def test_dates_need_no_trust_anchors():
    plan = certificate_plan([DC | {"judge": "dates"}], unusable=gone)
    assert "trust_anchors" not in plan["endpoints"][0]
    assert plan["endpoints"][0]["look"] == "certificate"
    assert plan["checks"] == []


def test_without_its_ca_file_the_dates_are_judged_still():
    plan = certificate_plan([DC], unusable=gone)
    assert plan["watched"] == [{"judge": "dates", "fleet": False, "spare": False}]
    assert [(check["id"], check["status"], check["evidence"]) for check in plan["checks"]] == [
        ("certificate.chain.trust", "fail", "there is no /ca.pem on the controller, so only the dates are judged")
    ]


@pytest.mark.parametrize(("count", "limit"), [(0, 10), (10, 10), (10, 0), (500, 0)])
def test_a_fleet_within_the_limit_is_asked_whole(count, limit):
    plan = certificate_plan(fleet(count), limit)
    assert len(plan["endpoints"]) == count
    assert plan["checks"] == []


@pytest.mark.parametrize(("count", "limit"), [(11, 10), (95, 10), (5000, 1000)])
def test_slices_are_small_enough_differ_and_cover_everything(count, limit):
    slices = -(-count // limit)
    days = [certificate_plan([DC, *fleet(count)], limit, 30, 739000 + day) for day in range(slices)]
    assert all(len(plan["endpoints"]) <= limit + 1 and "dc1.corp.test" in hosts(plan) for plan in days)
    assert set().union(*(hosts(plan) for plan in days)) == hosts(certificate_plan([DC, *fleet(count)]))
    assert sum(len(plan["endpoints"]) - 1 for plan in days) == count


def test_it_is_said_which_slice_it_was():
    (check,) = certificate_plan(fleet(25), 10, 30, 4)["checks"]
    assert (check["status"], check["subject"]) == ("pass", "fleet")
    assert check["evidence"] == (
        "8 of 25 are asked today, slice 2 of 3; all of them once in 3 days, when this runs every day"
    )


def test_a_round_that_takes_longer_than_the_warning_comes_ahead():
    (check,) = certificate_plan(fleet(310), 10, 30, 0)["checks"]
    assert check["status"] == "warn"
    assert "Raise verify_certificate_limit." in check["hint"]
