# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_info against BIND 9 (primary, secondary, two views, a cache), Knot and Samba; changed and read back with nsupdate and dig."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import threading
import time

import pytest
import yaml
from lab_dns import NameServers

MODULE = "onprem.chat.dns_info"
NUMBERS = itertools.count(1)
RUN = f"i{os.getpid()}"
CACHE_PORT = 5354
# A caching resolver: BIND beside the secondary, which forwards everything to the primary.
CACHE = f"""
options {{
    directory "/run/dns-info-cache";
    pid-file "/run/dns-info-cache/pid";
    session-keyfile none;
    listen-on port {CACHE_PORT} {{ 10.203.0.31; }};
    listen-on-v6 {{ none; }};
    recursion yes;
    allow-recursion {{ any; }};
    dnssec-validation no;
    forward only;
    forwarders {{ 10.203.0.30; }};
}};
controls {{ }};
"""


class Info:
    def __init__(self, servers: NameServers):
        self.servers = servers
        self.lab = servers.lab

    def run(self, records, *more, **arguments):
        given = {"zone": "example.test", "resolvers": [], "records": records, **arguments}
        given = {key: value for key, value in given.items() if value is not None}
        result = self.lab.module(MODULE, given, *more)
        assert not result.get("failed"), result["msg"]
        assert result["changed"] is False
        return Result(result)

    def write(self, target, *changes):
        done = self.servers.nsupdate(target, *changes, key=target.key_file)
        assert (done.returncode, done.stderr) == (0, "")


class Result(dict):
    def all(self, id_):
        return [check for check in self["checks"] if check["id"] == id_]

    def one(self, id_):
        (check,) = self.all(id_)
        return check

    def said(self, id_):
        return self.one(id_)["status"], self.one(id_)["evidence"]

    @property
    def bad(self):
        return sorted({check["id"] for check in self["checks"] if check["status"] in ("warn", "fail")})


@pytest.fixture(scope="module")
def info(name_servers):
    return Info(name_servers)


@pytest.fixture
def name():
    """A name that no other test has, complete."""
    return f"{RUN}-{next(NUMBERS)}.example.test"


def a(name, *values, ttl=300, state="exact"):
    return {"name": name, "type": "A", "state": state, "ttl": ttl, "entries": list(values)}


BOTH = ["ns1.corp.test", "ns2.corp.test"]


# -- primary and secondary --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [(), ("--check",)])
def test_both_servers_have_it(info, name, mode):
    info.write(info.servers.internal, f"add {name} 300 A 192.0.2.1")
    result = info.run([a(name, "192.0.2.1")], *mode, servers=BOTH, wait=10)
    assert result.bad == []
    assert result.said("dns.authoritative") == (
        "pass",
        f"[{name}. 300 IN A 192.0.2.1] at ns1.corp.test (10.203.0.30), ns2.corp.test (10.203.0.31)",
    )
    serial = info.servers.serial("10.203.0.31", "example.test")
    assert result.said("dns.serial") == (
        "pass",
        f"{serial} at ns1.corp.test (10.203.0.30), ns2.corp.test (10.203.0.31)",
    )
    assert [(one["serial"], one["aa"], one["rcode"]) for one in result["answers"]] == [(serial, True, "NOERROR")] * 2


def test_a_stuck_secondary_is_named_and_later_waited_for(info, name):
    servers = info.servers
    with servers.secondary_stuck():
        before = servers.serial(servers.secondary, "example.test")
        info.write(servers.internal, f"add {name} 300 A 192.0.2.1")
        result = info.run([a(name, "192.0.2.1")], servers=BOTH, wait=3, interval=1)
        assert result["laggards"] == ["ns2.corp.test"]
        assert 3 <= result["waited"] < 5
        check = result.one("dns.authoritative")
        assert (check["status"], check["evidence"]) == (
            "fail",
            f"after 3 s: NXDOMAIN at ns2.corp.test (10.203.0.31); wanted: [{name}. 300 IN A 192.0.2.1] and no other; "
            "as wanted at ns1.corp.test (10.203.0.30)",
        )
        assert check["hint"].startswith(
            "Does ns2.corp.test get the zone from its primary (NOTIFY, transfer over TCP port 53"
        )
        assert result.said("dns.serial") == (
            "fail",
            f"after 3 s: ns2.corp.test (10.203.0.31) has {before}, 1 behind; ns1.corp.test (10.203.0.30) has {before + 1}",
        )
    result = info.run([a(name, "192.0.2.1")], servers=BOTH, wait=30)
    assert (result.bad, result["laggards"]) == ([], [])


def test_an_old_value_and_an_old_ttl_at_the_secondary(info, name):
    servers = info.servers
    info.write(servers.internal, f"add {name} 300 A 192.0.2.1")
    servers.wait_for(servers.secondary, name, "192.0.2.1")
    with servers.secondary_stuck():
        info.write(servers.internal, f"delete {name}", f"add {name} 600 A 192.0.2.2")
        result = info.run([a(name, "192.0.2.2", ttl=600)], servers=BOTH)
    assert result.said("dns.authoritative")[1].startswith(
        f"[{name}. 300 IN A 192.0.2.1] at ns2.corp.test (10.203.0.31); "
    )
    assert result.said("dns.ttl") == (
        "fail",
        "600 s at ns1.corp.test (10.203.0.30); 300 s at ns2.corp.test (10.203.0.31); wanted: 600 s",
    )


def test_waits_for_what_somebody_else_publishes(info, name):
    """As with a provider: the record comes while the module waits."""

    def publish():
        time.sleep(4)
        info.write(info.servers.internal, f"add {name} 300 A 192.0.2.1")

    thread = threading.Thread(target=publish)
    thread.start()
    result = info.run([a(name, "192.0.2.1")], servers=BOTH, wait=60, interval=0.5)
    thread.join()
    assert (result.bad, result["laggards"]) == ([], [])
    assert 0 < result["waited"] < 30


def test_one_variable_for_both_modules(info):
    label = f"{RUN}-{next(NUMBERS)}"
    target = info.servers.bulk
    records = [
        {"name": label, "type": "A", "state": "exact", "ttl": 86400, "entries": ["10.203.0.10"]},
        {
            "name": label,
            "service": "ldap",
            "protocol": "tcp",
            "type": "SRV",
            "ttl": 86400,
            "srv": [{"priority": 5, "port": 389, "target": f"{label}.bulk.test"}],
        },
        {"name": f"{label}-text", "type": "TXT", "entries": ['said "hello" ' + "x" * 300]},
        {"name": f"{label}-caa", "type": "CAA", "entries": ['0 issue "ca.example"']},
        {"name": f"{label}-gone", "type": "A", "state": "absent"},
    ]
    shared = {
        "server": target.server,
        "zone": target.zone,
        "auth": "tsig",
        "tsig_name": target.key_name,
        "tsig_secret": target.secret,
        "records": records,
    }
    before = Result(info.lab.module(MODULE, {**shared, "servers": BOTH, "resolvers": []}))
    assert [check["status"] for check in before.all("dns.authoritative")] == ["fail"] * 4 + ["pass"]
    assert info.lab.module("onprem.chat.dns_records", shared)["changed"] is True
    result = info.run(**{**shared, "servers": BOTH, "wait": 10, "connect": True})
    assert result.bad == []
    assert result["answers"][0]["role"] == "primary"
    assert result.said("dns.srv.target.connect") == ("pass", "10.203.0.10: accepts")
    (dig,) = result["dig"]
    printed = info.lab.exec("users", dig["command"].split(), check=True).stdout
    assert (
        printed.splitlines()
        == dig["lines"]
        == [f"_ldap._tcp.{label}.bulk.test. 86400 IN\tSRV\t5 0 389 {label}.bulk.test."]
    )


# -- servers of no use ------------------------------------------------------------------------------------------------


def test_servers_of_no_use_are_failed_checks(info, name):
    info.write(info.servers.internal, f"add {name} 300 A 192.0.2.1")
    servers = ["ns1.corp.test", "10.203.0.99", "ns9.corp.test", "knot.corp.test", "10.203.0.30:5399"]
    result = info.run([a(name, "192.0.2.1")], servers=servers, timeout=2)
    found = {check["subject"]: (check["status"], check["evidence"]) for check in result.all("dns.server")}
    assert found.pop("ns1.corp.test (10.203.0.30)")[0] == "pass"
    status, evidence = found.pop("10.203.0.99")
    assert status == "fail"
    assert evidence.startswith("no answer (UDP: no answer within 1.3 s; TCP: ")
    assert found == {
        "ns9.corp.test": ("fail", "the name has no address"),
        "knot.corp.test (10.203.0.32)": ("fail", "answers REFUSED when asked for the zone example.test"),
        "10.203.0.30 port 5399": ("fail", "no answer (UDP: no answer within 1.3 s; TCP: Connection refused)"),
    }
    assert result.said("dns.authoritative")[0] == "pass"
    assert len(result["laggards"]) == 4


def test_no_ns_set_of_a_zone_that_the_resolver_does_not_know(info):
    result = info.run([], resolvers=["10.203.0.10"])
    check = result.all("dns.server")[0]
    assert check["status"] == "fail"
    assert check["evidence"].startswith("the name servers of the zone were not found: 10.203.0.10: ")


def test_a_wrong_key(info):
    result = info.run([], servers=["10.203.0.30"], tsig_name="internal-key", tsig_secret=info.servers.external.secret)
    assert result.said("dns.server") == ("fail", "BADSIG: it does not accept the TSIG key internal-key (hmac-sha256)")
    result = info.run([], servers=["10.203.0.30"], tsig_name="no-key", tsig_secret=info.servers.external.secret)
    assert result.said("dns.server") == ("fail", "BADKEY: it does not accept the TSIG key no-key (hmac-sha256)")


def test_a_server_without_udp(info, name):
    info.write(info.servers.internal, f"add {name} 300 A 192.0.2.1")
    rules = "table inet dnsinfo { chain in { type filter hook input priority 0; ip saddr 10.203.0.30 udp sport 53 drop; }; }"
    info.lab.exec("users", ["nft", "-f", "-"], input=rules, check=True)
    try:
        result = info.run([a(name, "192.0.2.1")], servers=["10.203.0.30"], timeout=3)
    finally:
        info.lab.exec("users", ["nft", "delete", "table", "inet", "dnsinfo"], check=True)
    status, evidence = result.said("dns.server")
    assert (status, evidence.partition("; ")[2]) == ("warn", "UDP: no answer within 2.0 s")
    assert result.said("dns.authoritative")[0] == "pass"


# -- inside and outside -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["address", "key"])
@pytest.mark.parametrize(("policy", "status"), [("allow", "pass"), ("warn", "warn"), ("fail", "fail")])
def test_split_dns(info, by, policy, status):
    inside, outside = info.servers.internal, info.servers.external
    if by == "address":
        arguments = {"servers": ["ns1.corp.test"], "outside": {"servers": ["ns1-external.corp.test"]}}
        where = ("ns1.corp.test (10.203.0.30)", "ns1-external.corp.test (10.203.0.40)")
    else:
        arguments = {
            "servers": ["10.203.0.30"],
            "tsig_key_file": str(inside.key_file),
            "outside": {"servers": ["10.203.0.30"], "tsig_name": outside.key_name, "tsig_secret": outside.secret},
        }
        where = ("10.203.0.30", "10.203.0.30")
    result = info.run([a("www", "10.203.0.20", ttl=3600)], split=policy, **arguments)
    word = "split DNS, which split=allow permits" if policy == "allow" else "split DNS"
    assert result.said("dns.split") == (
        status,
        f"{word}; inside: [www.example.test. 3600 IN A 10.203.0.20] at {where[0]}; "
        f"outside: [www.example.test. 3600 IN A 203.0.113.20] at {where[1]}",
    )
    assert result.said("dns.authoritative")[0] == "pass"


def test_the_same_inside_and_outside(info, name):
    for target in (info.servers.internal, info.servers.external):
        info.write(target, f"add {name} 300 A 192.0.2.1")
    result = info.run([a(name, "192.0.2.1")], servers=BOTH, wait=10, outside={"servers": ["10.203.0.40"]}, split="fail")
    assert result.said("dns.split")[0] == "pass"


# -- resolvers that remember ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cache(info):
    """A caching resolver, forgetful when it starts."""
    begin = "mkdir -p /run/dns-info-cache && cat > /run/dns-info-cache/conf && named -c /run/dns-info-cache/conf -n 1"
    info.lab.exec("ns2", ["bash", "-c", begin], input=CACHE, check=True)
    address = f"10.203.0.31:{CACHE_PORT}"
    for _attempt in range(50):
        if (
            "NOERROR"
            in info.lab.exec("users", ["dig", "@10.203.0.31", "-p", str(CACHE_PORT), "example.test", "SOA"]).stdout
        ):
            break
        time.sleep(0.2)
    yield address
    info.lab.exec("ns2", ["bash", "-c", "kill $(cat /run/dns-info-cache/pid); rm -r /run/dns-info-cache/conf"])


def ask_cache(info, name):
    info.lab.exec("users", ["dig", "@10.203.0.31", "-p", str(CACHE_PORT), name, "A"], check=True)


def test_a_resolver_that_was_asked_too_early(info, cache, name):
    ask_cache(info, name)  # NXDOMAIN, kept for the 300 s of the zone's SOA record
    info.write(info.servers.internal, f"add {name} 300 A 192.0.2.1")
    time.sleep(1.1)
    result = info.run([a(name, "192.0.2.1")], servers=["ns1.corp.test"], resolvers=[cache], wait=2)
    status, evidence = result.said("dns.resolver")
    head = f"10.203.0.31 port {CACHE_PORT}: NXDOMAIN; resolvers may keep NXDOMAIN for 300 s, this one for another "
    assert evidence.startswith(head)
    left = int(evidence.removesuffix(" s").split()[-1])
    assert (status, 250 < left < 300) == ("warn", True)
    assert result["waited"] < 1.5  # without wait_for_resolvers nobody waits for it
    assert result["laggards"] == []
    assert result.bad == ["dns.resolver"]


def test_a_resolver_with_an_old_answer_is_waited_for(info, cache, name):
    # So long that the cache still has it when a slow machine asks.
    info.write(info.servers.internal, f"add {name} 20 A 192.0.2.1")
    ask_cache(info, name)
    info.write(info.servers.internal, f"delete {name}", f"add {name} 20 A 192.0.2.2")
    records = [a(name, "192.0.2.2", ttl=20)]
    result = info.run(records, servers=["ns1.corp.test"], resolvers=[cache])
    status, evidence = result.said("dns.resolver")
    assert status == "warn"
    assert "; it may keep this old answer for another " in evidence
    result = info.run(records, servers=["ns1.corp.test"], resolvers=[cache], wait=60, wait_for_resolvers=True)
    assert (result.bad, result.said("dns.resolver")[0]) == ([], "pass")


# -- SRV targets ------------------------------------------------------------------------------------------------------


def test_targets_with_faults(info):
    label = f"{RUN}-{next(NUMBERS)}"
    target = info.servers.bulk
    service = f"_xmpp-client._tcp.{label}.bulk.test"
    info.write(
        target,
        f"add {service} 60 SRV 5 0 5222 {label}-alias.bulk.test.",
        f"add {service} 60 SRV 6 0 5299 {label}-host.bulk.test.",
        f"add {service} 60 SRV 7 0 53 {label}-host.bulk.test.",
        f"add {service} 60 SRV 8 0 5222 {label}-nowhere.bulk.test.",
        f"add {service} 60 SRV 9 0 389 dc1.corp.test.",
        f"add {label}-alias.bulk.test 60 CNAME {label}-host.bulk.test.",
        f"add {label}-host.bulk.test 60 A 10.203.0.10",
        f"add {label}-host.bulk.test 60 AAAA 2001:db8::10",
    )
    record = {"name": service, "type": "SRV", "srv": [{"priority": 9, "port": 389, "target": "dc1.corp.test"}]}
    # One target lies in another zone, about which only a resolver knows.
    more = {"servers": ["ns1.corp.test"], "resolvers": ["10.203.0.10"]}
    result = info.run([record], zone="bulk.test", connect=True, connect_timeout=1, **more)
    found = {
        (check["id"].removeprefix("dns.srv.target."), check["subject"].removeprefix(f"{label}-")): (
            check["status"],
            check["evidence"],
        )
        for check in result["checks"]
        if check["id"].startswith("dns.srv.target.")
    }
    both = "A: 10.203.0.10; AAAA: 2001:db8::10"
    unreachable = {key: found.pop(key) for key in list(found) if key[0] == "connect" and "host" in key[1]}
    alias = found.pop(("connect", "alias.bulk.test. port 5222"))
    assert found == {
        ("address", "alias.bulk.test."): ("pass", both),
        ("address", "host.bulk.test."): ("pass", both),
        ("address", "nowhere.bulk.test."): ("fail", "A: none; AAAA: none at ns1.corp.test (10.203.0.30)"),
        ("address", "dc1.corp.test."): ("pass", "A: 10.203.0.10; AAAA: none"),
        ("cname", "alias.bulk.test."): ("fail", f"is a CNAME to {label}-host.bulk.test."),
        ("cname", "host.bulk.test."): ("pass", "is no CNAME"),
        ("cname", "nowhere.bulk.test."): ("pass", "is no CNAME"),
        ("cname", "dc1.corp.test."): ("pass", "is no CNAME"),
        ("connect", "nowhere.bulk.test. port 5222"): ("skip", "it has no address"),
        ("connect", "dc1.corp.test. port 389"): ("pass", "10.203.0.10: accepts"),
    }
    assert alias[0] == "fail"
    assert alias[1].startswith("10.203.0.10: Connection refused; 2001:db8::10: ")
    closed, half = (
        unreachable["connect", "host.bulk.test. port 5299"],
        unreachable["connect", "host.bulk.test. port 53"],
    )
    assert (closed[0], closed[1].startswith("10.203.0.10: Connection refused; 2001:db8::10: ")) == ("fail", True)
    # IPv6 is in the DNS, and the network has none.
    assert (half[0], half[1].startswith("10.203.0.10: accepts; 2001:db8::10: ")) == ("warn", True)


def test_no_service(info):
    service = f"_{RUN}-none._tcp.bulk.test"
    info.write(info.servers.bulk, f"add {service} 60 SRV 0 0 0 .")
    record = {"name": service, "type": "SRV", "state": "exact", "srv": [{"target": "."}]}
    result = info.run([record], zone="bulk.test", servers=BOTH, wait=10, connect=True)
    assert result.bad == []
    assert result.said("dns.srv.target.address") == ("skip", 'the target "." says that there is no such service')


# -- other servers ----------------------------------------------------------------------------------------------------


def test_active_directory_by_its_own_name_servers(info):
    """Nothing is given but the zone: the name servers come from the resolver, the resolver from the system."""
    records = [{"name": "_ldap._tcp", "type": "SRV", "srv": [{"weight": 100, "port": 389, "target": "dc1.corp.test"}]}]
    result = info.run(records, zone="corp.test", resolvers=None, primaries=["10.203.0.10"], connect=True)
    assert result.bad == []
    assert [(one["server"], one["role"]) for one in result["answers"]] == [
        ("10.203.0.10", "primary"),
        ("dc1.corp.test", "server"),
        ("10.203.0.10", "resolver"),
    ]
    status, evidence = result.said("dns.serial")
    assert status == "skip"
    assert evidence.startswith(
        "Active Directory (_ldap._tcp.dc._msdcs.corp.test. exists): every domain controller counts"
    )
    printed = info.lab.exec("users", result["dig"][0]["command"].split(), check=True).stdout
    assert printed.splitlines() == result["dig"][0]["lines"]


def test_knot(info):
    label = f"{RUN}-{next(NUMBERS)}.knot.test"
    target = info.servers.knot
    info.write(target, f"add {label} 300 A 192.0.2.1")
    result = info.run(
        [a(label, "192.0.2.1")], zone="knot.test", servers=["knot.corp.test"], tsig_key_file=str(target.key_file)
    )
    assert result.bad == []


def test_the_examples_run(info, tmp_path):
    module = importlib.import_module("ansible_collections.onprem.chat.plugins.modules.dns_info")
    tasks = yaml.safe_load(module.EXAMPLES)
    for task in tasks:
        if MODULE in task and "wait" in task[MODULE]:
            task[MODULE]["wait"] = 5
    playbook = tmp_path / "examples.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    info.lab.playbook(str(playbook), check=True)


def test_no_secret_in_the_loudest_output(info, tmp_path):
    inside, outside = info.servers.internal, info.servers.external
    task = {
        MODULE: {
            "zone": "example.test",
            "servers": ["10.203.0.30"],
            "resolvers": [],
            "records": [],
            "tsig_key_file": str(inside.key_file),
            "outside": {"servers": ["10.203.0.40"], "tsig_name": "external-key", "tsig_secret": outside.secret},
        }
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    result = info.lab.playbook(str(playbook), "-vvvv", "--diff", check=True)
    for secret in (inside.secret, outside.secret):
        assert secret not in result.stdout + result.stderr
