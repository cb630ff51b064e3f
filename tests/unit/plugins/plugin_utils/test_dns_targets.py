# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of the role dns: what is written where, by which key, and which variables are refused."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.filter.dns_faults import dns_faults
from ansible_collections.onprem.chat.plugins.filter.dns_targets import dns_targets
from ansible_collections.onprem.chat.plugins.plugin_utils import _dns_targets as tested

SECRET = "canary-S3cret"
HOST = {"name": "chat.corp.test", "addresses": ["10.203.0.20"]}
OTHER = {"name": "chat2.corp.test", "addresses": ["10.203.0.21", "fd00::21"], "priority": 10, "weight": 3}
OWN = {
    "server": "ns1.corp.test",
    "port": 53,
    "zone": "corp.test",
    "auth": "tsig",
    "tsig_name": "own-key",
    "tsig_secret": SECRET,
    "tsig_key_file": "",
    "tsig_algorithm": "hmac-sha256",
    "principal": "",
    "password": "",
    "keytab": "",
    "kdc": "",
    "domain": "corp.test",
    "ttl": 86400,
    "no_service": "remove",
    "state": "present",
    "hosts": [HOST],
    "services": [{"service": "xmpp-client", "port": 5222, "priority": 5}, {"service": "xmpp-server", "target": "."}],
    "retired_names": [],
    "servers": None,
    "resolvers": None,
    "outside_servers": [],
    "outside_resolvers": [],
}


def make(views=(), **changed):
    return dns_targets({**OWN, **changed}, list(views))


def only(views=(), **changed):
    (target,) = make(views, **changed)
    return target


def view_of(view, **changed):
    return make([{"name": "external", **view}], **changed)[1]


def lines(target):
    """Record sets in short: state, name, type, values."""
    short = []
    for record in target["records"]:
        service = f"_{record['service']}._{record['protocol']}." if "service" in record else ""
        values = record.get("entries") or [
            f"{srv['priority']} {srv['weight']} {srv['port']} {srv['target']}" for srv in record.get("srv") or []
        ]
        short.append((record["state"], service + record["name"], record["type"], *values))
    return short


# -- records ----------------------------------------------------------------------------------------------------------


def test_what_is_published():
    assert lines(only()) == [
        ("exact", "chat.corp.test.", "A", "10.203.0.20"),
        ("absent", "chat.corp.test.", "AAAA"),
        ("exact", "_xmpp-client._tcp.corp.test.", "SRV", "5 0 5222 chat.corp.test."),
        ("absent", "_xmpp-server._tcp.corp.test.", "SRV"),
    ]


def test_a_service_without_target_is_offered_by_all_hosts():
    assert lines(only(hosts=[HOST, OTHER]))[4:5] == [
        ("exact", "_xmpp-client._tcp.corp.test.", "SRV", "5 0 5222 chat.corp.test.", "10 3 5222 chat2.corp.test."),
    ]


def test_a_priority_of_zero_is_one():
    first = {**HOST, "priority": 0}
    assert lines(only(hosts=[first]))[2][3] == "0 0 5222 chat.corp.test."


def test_a_host_in_another_zone():
    assert [record.get("zone") for record in only(hosts=[{**HOST, "zone": "ad.test"}])["records"]] == [
        "ad.test",
        "ad.test",
        None,
        None,
    ]


def test_removal_names_values_and_no_whole_sets():
    assert lines(only(state="absent", hosts=[HOST, OTHER], no_service="publish")) == [
        ("absent", "chat.corp.test.", "A", "10.203.0.20"),
        ("absent", "chat2.corp.test.", "A", "10.203.0.21"),
        ("absent", "chat2.corp.test.", "AAAA", "fd00::21"),
        ("absent", "_xmpp-client._tcp.corp.test.", "SRV", "5 0 5222 chat.corp.test.", "10 3 5222 chat2.corp.test."),
        ("absent", "_xmpp-server._tcp.corp.test.", "SRV", "0 0 0 ."),
    ]


def test_removal_of_what_was_never_published_is_nothing():
    assert [line[1] for line in lines(only(state="absent"))] == ["chat.corp.test.", "_xmpp-client._tcp.corp.test."]


def test_retired_names():
    names = ["old.corp.test", "_xmpps-client._tcp.corp.test."]
    assert lines(only(retired_names=names))[4:] == [
        ("absent", "old.corp.test.", "A"),
        ("absent", "old.corp.test.", "AAAA"),
        ("absent", "old.corp.test.", "CNAME"),
        ("absent", "_xmpps-client._tcp.corp.test.", "SRV"),
    ]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_of_a_host_only_the_cname_is_retired(state):
    """It is in the way of the addresses, and only in one step with them can it go."""
    hosts, names = [HOST, {**OTHER, "zone": "test"}], ["CHAT.corp.test.", "chat2.corp.test"]
    made = only(state=state, hosts=hosts, retired_names=names)
    assert lines(made)[-2:] == [("absent", "chat.corp.test.", "CNAME"), ("absent", "chat2.corp.test.", "CNAME")]
    assert made["records"][-1]["zone"] == "test"
    assert lines(made)[:-2] == lines(only(state=state, hosts=hosts))
    assert say(state=state, hosts=hosts, retired_names=names) == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_service_that_is_not_offered_may_be_retired_and_is_named_once(state):
    names = ["_xmpp-server._tcp.corp.test"]
    made = lines(only(state=state, retired_names=names))
    assert made[-1] == ("absent", "_xmpp-server._tcp.corp.test.", "SRV")
    assert len({line[1:3] for line in made}) == len(made)
    assert say(state=state, retired_names=names) == []


@pytest.mark.parametrize("policy", ["keep", "keep_and_warn", "keep_and_fail"])
def test_what_exists_is_kept_where_its_removal_is_only_implied(policy):
    assert lines(only(on_existing=policy, retired_names=["_old._tcp.corp.test"])) == [
        ("exact", "chat.corp.test.", "A", "10.203.0.20"),
        ("exact", "_xmpp-client._tcp.corp.test.", "SRV", "5 0 5222 chat.corp.test."),
        ("absent", "_old._tcp.corp.test.", "SRV"),
    ]
    assert lines(only(on_existing=policy, state="absent")) == lines(only(state="absent"))


# -- views ------------------------------------------------------------------------------------------------------------


def test_a_view_takes_what_it_does_not_say():
    view = view_of({"server": "ns9.corp.test", "port": None, "zone": ""})
    assert (view["server"], view["port"], view["zone"], view["tsig_name"]) == (
        "ns9.corp.test",
        53,
        "corp.test",
        "own-key",
    )
    assert view["tsig_secret"] == SECRET
    assert view["records"] == only()["records"]
    assert (view["label"], view["file"]) == ("external: corp.test on ns9.corp.test", "external.corp.test")


def test_a_view_with_a_key_of_its_own_gets_nothing_of_the_other():
    view = view_of({"tsig_key_file": "/k"})
    assert [view[name] for name in tested.KEY] == ["", "", "/k", "hmac-sha256"]
    assert view_of({"tsig_name": "x"})["tsig_secret"] == ""


def test_a_view_with_an_account_of_its_own_gets_no_password_of_the_other():
    own = {"auth": "gss_tsig", "principal": "a@CORP.TEST", "password": SECRET}
    assert view_of({"principal": "b@CORP.TEST"}, **own)["password"] == ""
    view = view_of({"keytab": "/k"}, **own)
    assert (view["principal"], view["password"], view["keytab"]) == ("a@CORP.TEST", "", "/k")


KERBEROS = {
    "auth": "gss_tsig",
    "principal": "a@CORP.TEST",
    "password": SECRET,
    "kdc": "dc1.corp.test",
    "tsig_name": "",
    "tsig_secret": "",
}


@pytest.mark.parametrize(
    ("view", "own", "auth", "left"),
    [
        ({"tsig_key_file": "/k"}, KERBEROS, "tsig", {"tsig_key_file": "/k"}),
        ({"tsig_name": "x", "tsig_secret": "y"}, KERBEROS, "tsig", {"tsig_name": "x", "tsig_secret": "y"}),
        ({"principal": "b@B.TEST", "keytab": "/k"}, {}, "gss_tsig", {"principal": "b@B.TEST", "keytab": "/k"}),
        (
            {"password": "y"},
            KERBEROS,
            "gss_tsig",
            {"principal": "a@CORP.TEST", "password": "y", "kdc": "dc1.corp.test"},
        ),
        ({"auth": "gss_tsig"}, {}, "gss_tsig", {}),
        ({"auth": "none"}, {}, "none", {}),
        ({"auth": "none"}, KERBEROS, "none", {}),
        ({"server": "ns9"}, {}, "tsig", {"tsig_name": "own-key", "tsig_secret": SECRET}),
    ],
)
def test_a_key_or_an_account_says_how_it_is_proved(view, own, auth, left):
    made = view_of(view, **own)
    given = {name: made[name] for name in (*tested.KEY[:3], *tested.ACCOUNT) if made[name]}
    assert (made["auth"], given) == (auth, left)
    assert say([{"name": "external", **view}], **own) == []


ROOT = pathlib.Path(__file__).resolve().parents[4]


def documented_views():
    spec = yaml.safe_load((ROOT / "playbooks/vars/site_spec.yml").read_text(encoding="utf-8"))
    readme = (ROOT / "roles/dns/README.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)]
    (shown,) = [block["dns_views"] for block in blocks if "dns_views" in block]
    return [spec["site_keys"]["chat_dns_views"]["example"], shown]


@pytest.mark.parametrize("views", documented_views(), ids=["site file", "role"])
def test_the_documented_view_works_beside_kerberos(views):
    assert say(views, **KERBEROS) == []
    (made,) = make(views, **KERBEROS)[1:]
    assert (made["auth"], made["principal"], made["password"]) == ("tsig", "", "")
    assert made["tsig_key_file"] or (made["tsig_name"] and made["tsig_secret"])


def test_addresses_of_a_view():
    view = view_of({"addresses": ["192.0.2.20"]}, hosts=[HOST, OTHER])
    assert [line for line in lines(view) if line[0] == "exact"] == [
        ("exact", "chat.corp.test.", "A", "192.0.2.20"),
        ("exact", "chat2.corp.test.", "A", "192.0.2.20"),
        ("exact", "_xmpp-client._tcp.corp.test.", "SRV", "5 0 5222 chat.corp.test.", "10 3 5222 chat2.corp.test."),
    ]


def test_hosts_and_services_of_a_view():
    view = view_of({"hosts": [OTHER], "services": [{"service": "x", "port": 1}]})
    assert [line for line in lines(view) if line[0] == "exact"][-1] == (
        "exact",
        "_x._tcp.corp.test.",
        "SRV",
        "10 3 1 chat2.corp.test.",
    )


def test_a_view_of_another_zone_does_not_retire_names_of_this_one():
    assert len(view_of({"zone": "b.test"}, retired_names=["old.corp.test"])["records"]) == 4
    assert len(view_of({}, retired_names=["old.corp.test"])["records"]) == 7


def test_only_its_own_server_is_asked_for_a_view():
    assert [(target["servers"], target["resolvers"]) for target in make([{"name": "external"}])] == [
        (None, None),
        ([], []),
    ]


@pytest.mark.parametrize(
    ("views", "changed", "expected"),
    [
        ([], {}, {}),
        (
            [{"name": "e", "server": "ns9", "port": 5300, "tsig_key_file": "/k"}],
            {},
            {"servers": ["ns9:5300"], "resolvers": [], "tsig_key_file": "/k", "tsig_algorithm": "hmac-sha256"},
        ),
        ([{"name": "e", "server": "fd00::9", "auth": "none"}], {}, {"servers": ["fd00::9"], "resolvers": []}),
        (
            [{"name": "e", "server": "fd00::9", "port": 54, "auth": "none"}],
            {},
            {"servers": ["[fd00::9]:54"], "resolvers": []},
        ),
        ([{"name": "e", "zone": "b.test"}], {}, {}),
        (
            [{"name": "e", "server": "ns9"}],
            {"outside_servers": ["a"], "outside_resolvers": ["r"]},
            {"servers": ["a"], "resolvers": ["r"]},
        ),
    ],
)
def test_whom_users_outside_ask(views, changed, expected):
    assert make(views, **changed)[0]["outside"] == expected


# -- faults -----------------------------------------------------------------------------------------------------------


def say(views=(), split="warn", method="update", **changed):
    said = dns_faults({**OWN, **changed}, list(views), split, method)
    assert SECRET not in " ".join(said)
    return said


def test_nothing_to_say():
    assert say([{"name": "external", "addresses": ["192.0.2.1"]}]) == []


@pytest.mark.parametrize(
    ("views", "changed", "text"),
    [
        ([{"name": "e"}, {"name": "e"}], {}, "dns_views: 'e' is the name of more than one view."),
        (
            [{"name": "../e"}],
            {},
            "dns_views[0]: the name '../e' is not one of letters, digits, dots, hyphens and underscores.",
        ),
        (
            [{"name": "e", "hosts": [HOST], "addresses": ["10.0.0.1"]}],
            {},
            "dns_views (e): addresses is for all hosts alike and hosts names each; give one of them.",
        ),
        ([{"name": "e", "addresses": ["x"]}], {}, "dns_views (e): chat.corp.test has the address 'x', which is none."),
        ([], {"zone": ""}, "dns: there is no zone; set dns_zone."),
        (
            [],
            {"server": ""},
            "dns: there is no server to write to; set dns_server, or dns_method: export to write by hand.",
        ),
        (
            [],
            {"tsig_name": ""},
            "dns: auth is tsig, and there is no key; set tsig_name and tsig_secret, or tsig_key_file.",
        ),
        (
            [],
            {"tsig_key_file": "/k"},
            "dns: tsig_name and tsig_key_file are both set; the file holds the name already.",
        ),
        (
            [],
            {"auth": "gss_tsig"},
            "dns: there is a TSIG key, and auth is gss_tsig; set auth to tsig, or leave the key away.",
        ),
        (
            [{"name": "e", "auth": "none", "tsig_key_file": "/k"}],
            {},
            "dns_views (e): there is a TSIG key, and auth is none; set auth to tsig, or leave the key away.",
        ),
        ([], {"password": SECRET, "keytab": "/k"}, "dns: password and keytab are both set; give one of them."),
        (
            [],
            {"hosts": [HOST, {**HOST, "name": "Chat.corp.test."}]},
            "dns: the host chat.corp.test is listed more than once.",
        ),
        (
            [],
            {"hosts": [{**HOST, "addresses": []}]},
            "dns: chat.corp.test has no addresses; names that shall go belong into dns_retired_names.",
        ),
        ([], {"hosts": [{**HOST, "name": ""}]}, "dns: host 1 has no name."),
        (
            [],
            {"services": [{"service": "x", "port": 0}]},
            "dns: the service x has the port 0, which is not from 1 to 65535.",
        ),
        (
            [],
            {"hosts": [], "services": [{"service": "x", "port": 1}]},
            "dns: the service x has no target, and there are no hosts.",
        ),
        ([], {"hosts": [], "services": []}, "dns: there is nothing to publish; set dns_hosts or dns_services."),
        (
            [],
            {"retired_names": ["_xmpp-server._tcp.corp.test"], "no_service": "publish"},
            "dns: _xmpp-server._tcp.corp.test is to be published and in dns_retired_names, too.",
        ),
    ],
)
def test_faults(views, changed, text):
    assert text in say(views, **changed)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DC1.corp.test.", "is the DNS server"),
        ("corp.test", "is the domain of dc1.corp.test, as domain controllers have it"),
    ],
)
def test_addresses_of_domain_controllers_are_not_replaced(name, text):
    site = {"auth": "gss_tsig", "tsig_name": "", "tsig_secret": "", "server": "dc1.corp.test"}
    site["hosts"] = [{**HOST, "name": name}]
    assert say(**site) == [
        f"dns: the host {name} {text}, and the addresses there would be replaced by those of the chat server. "
        "Give it a name of its own."
    ]
    assert say(**{**site, "hosts": [HOST]}, retired_names=[name]) == [
        f"dns: the retired name {name} {text}, and the addresses there would be removed."
    ]
    # Where it is no directory, where nothing is replaced, and in a zone below.
    assert say(hosts=site["hosts"]) == []
    assert say(**site, on_existing="keep_and_fail") == []
    assert say(**site, state="absent") == []
    assert say(**{**site, "zone": "chat.corp.test", "hosts": [{**HOST, "name": "chat.corp.test"}]}) == []


def test_an_export_needs_neither_server_nor_key():
    assert say(method="export", server="", tsig_name="", tsig_secret="") == []


def test_planned_split_dns():
    views = [{"name": "external", "addresses": ["192.0.2.1"]}, {"name": "elsewhere", "zone": "b.test"}]
    assert say(views, split="fail") == [
        "dns_views (external): chat.corp.test has other addresses there, which makes split DNS, and dns_split is fail. Give "
        "the same addresses, or set dns_split: allow."
    ]
    assert say(views, split="fail", state="absent") == []
    assert say([{"name": "external", "addresses": ["10.203.0.20"]}], split="fail") == []
