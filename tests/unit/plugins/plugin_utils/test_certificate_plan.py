# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers are asked for their dates."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.filter.certificate_plan import certificate_plan
from ansible_collections.onprem.chat.plugins.modules.tls_info import ENDPOINT_SPEC

DC = {"host": "DC1.corp.test.", "port": 636, "trust_anchors": ["/ca.pem"]}


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
        "watched": [{"judge": "full", "fleet": False}],
        "checks": [],
    }


def test_only_options_of_the_module_are_sent():
    everything = {**{key: ["x"] for key in ("alpn", "dns_names", "ip_addresses", "xmpp_domains")}, **DC}
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
    ],
)
def test_nonsense_is_a_failed_check_and_the_others_are_asked(server, evidence):
    plan = certificate_plan([server, DC])
    assert hosts(plan) == {"dc1.corp.test"}
    ((status, seen),) = [(check["status"], check["evidence"]) for check in plan["checks"]]
    assert (status, seen) == ("fail", evidence)
    assert plan["checks"][0]["hint"]


def test_twice_the_same_is_asked_once_and_judged_as_strictly_as_either_wants():
    plan = certificate_plan([{"host": "dc1.corp.test", "port": 636, "judge": "dates"}, DC, DC])
    assert plan["watched"] == [{"judge": "full", "fleet": False}]
    assert plan["endpoints"][0]["trust_anchors"] == ["/ca.pem"]
    assert "look" not in plan["endpoints"][0]


def test_dates_need_no_trust_anchors():
    plan = certificate_plan([DC | {"judge": "dates"}], missing=["/ca.pem"])
    assert "trust_anchors" not in plan["endpoints"][0]
    assert plan["endpoints"][0]["look"] == "certificate"
    assert plan["checks"] == []


def test_without_its_ca_file_the_dates_are_judged_still():
    plan = certificate_plan([DC], missing=["/ca.pem"])
    assert plan["watched"] == [{"judge": "dates", "fleet": False}]
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
