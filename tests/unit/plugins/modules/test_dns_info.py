# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_info as a module: its input, literally what it says about bad input, and what it returns."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dns import lib
from ansible_collections.onprem.chat.plugins.modules import dns_info
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_observe_fake import Fake, FakeNetwork, resolver

CANARY = "Y2FuYXJ5LXNlY3JldC03ZjNh"
NS1, NS2, RES, OUT = "10.0.0.1", "10.0.0.2", "10.0.0.53", "203.0.113.1"
SRV = ("_xmpp-client._tcp.example.test.", "SRV")
RECORDS = {SRV: (86400, "5 0 5222 chat.example.test."), ("chat.example.test.", "A"): (3600, "10.0.0.20")}
WANTED = [
    {
        "service": "xmpp-client",
        "protocol": "tcp",
        "type": "SRV",
        "ttl": 86400,
        "srv": [{"priority": 5, "port": 5222, "target": "chat.example.test"}],
    },
    {"name": "chat", "type": "A", "state": "exact", "entries": ["10.0.0.20"]},
]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module; gives its result."""

    def _run(network=None, check_mode=False, **arguments):
        network = network or FakeNetwork({NS1: Fake(dict(RECORDS)), NS2: Fake(dict(RECORDS)), RES: resolver(RECORDS)})
        monkeypatch.setattr(dns_info, "Network", lambda timeout: network)
        wanted = {"zone": "example.test", "records": WANTED, "servers": [NS1, NS2], "resolvers": [RES], **arguments}
        wanted = {key: value for key, value in wanted.items() if value is not None}
        with patch_module_args({**wanted, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            dns_info.main()
        output = capsys.readouterr().out
        assert CANARY not in output
        return json.loads(output)

    return _run


def bad(result):
    return [check["id"] for check in result["checks"] if check["status"] in ("warn", "fail")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_result(run, check_mode):
    result = run(connect=True, check_mode=check_mode)
    assert result["changed"] is False
    assert bad(result) == []
    assert {check["id"] for check in result["checks"]} == {
        "dns.server",
        "dns.serial",
        "dns.authoritative",
        "dns.ttl",
        "dns.resolver",
        "dns.split",
        "dns.srv.target.address",
        "dns.srv.target.cname",
        "dns.srv.target.connect",
    }
    assert [(one["server"], one["role"], one["serial"]) for one in result["answers"]] == [
        (NS1, "server", 7),
        (NS2, "server", 7),
        (RES, "resolver", 7),
    ]
    assert result["answers"][0]["lines"] == [
        "_xmpp-client._tcp.example.test. 86400 IN SRV 5 0 5222 chat.example.test.",
        "chat.example.test. 3600 IN A 10.0.0.20",
    ]
    assert result["dig"][0]["lines"] == ["_xmpp-client._tcp.example.test.\t86400 IN SRV\t5 0 5222 chat.example.test."]
    assert (result["laggards"], result["waited"]) == ([], 0.0)


def test_failed_checks_do_not_fail_the_module(run):
    result = run(FakeNetwork({NS1: Fake(dict(RECORDS)), NS2: Fake(dict(RECORDS), rcodes={"SOA": "SERVFAIL"})}))
    assert "failed" not in result
    assert bad(result) == ["dns.server", "dns.server"]
    assert result["laggards"] == [NS2]


def test_the_defaults_of_dns_records_are_taken(run):
    """module_defaults of the group go to both modules."""
    result = run(
        server="ns1.example.test",
        port=5353,
        auth="gss_tsig",
        principal="svc@EXAMPLE.TEST",
        password=CANARY,
        kdc="kdc",
        read_by="auto",
        servers=[NS2],
        network=FakeNetwork(
            {(NS1, 5353): Fake(dict(RECORDS)), NS2: Fake(dict(RECORDS)), RES: resolver(RECORDS)},
            names={"ns1.example.test": [NS1]},
        ),
    )
    assert bad(result) == []
    first = result["answers"][0]
    assert (first["server"], first["address"], first["port"], first["role"]) == (
        "ns1.example.test",
        NS1,
        5353,
        "primary",
    )


@pytest.mark.parametrize(("server", "port", "asked"), [("fd00::1", 53, "fd00::1"), ("ns1.example.test.", 54, NS1)])
def test_server_by_address_and_name(run, server, port, asked):
    network = FakeNetwork({(asked, port): Fake(dict(RECORDS))}, names={"ns1.example.test": [NS1]})
    result = run(network, server=server, port=port, servers=[], resolvers=[])
    assert (result["answers"][0]["address"], result["answers"][0]["port"]) == (asked, port)
    assert bad(result) == []


def test_keys_for_inside_and_outside(run, tmp_path):
    file = tmp_path / "outside.key"
    file.touch(0o600)
    file.write_text(f'key "outside-key" {{ algorithm hmac-sha512; secret "{CANARY}"; }};')
    network = FakeNetwork({NS1: Fake(dict(RECORDS))})
    result = run(
        network,
        servers=[NS1],
        resolvers=[],
        auth="tsig",
        tsig_name="inside-key",
        tsig_secret=CANARY,
        outside={"servers": [NS1], "tsig_key_file": str(file)},
    )
    assert bad(result) == []
    assert sorted({signer.label for _address, signer in network.signers}) == [
        "the TSIG key inside-key (hmac-sha256)",
        "the TSIG key outside-key (hmac-sha512)",
    ]
    assert [one["role"] for one in result["answers"]] == ["server", "outside_server"]


def test_a_weak_key_is_told(run, monkeypatch):
    warned = []
    monkeypatch.setattr(dns_info.AnsibleModule, "warn", lambda module, text: warned.append(text))
    run(tsig_name="old", tsig_secret=CANARY, tsig_algorithm="hmac-sha1")
    assert warned == ["hmac-sha1 is weak (RFC 8945 6): make a new TSIG key with hmac-sha256."]


def test_split_is_a_decision(run):
    outside = dict(RECORDS) | {("chat.example.test.", "A"): (3600, "203.0.113.20")}
    for policy, status in (("allow", "pass"), ("warn", "warn"), ("fail", "fail")):
        network = FakeNetwork({NS1: Fake(dict(RECORDS)), OUT: Fake(outside)})
        result = run(network, servers=[NS1], resolvers=[], outside={"servers": [OUT]}, split=policy)
        found = {check["subject"]: check["status"] for check in result["checks"] if check["id"] == "dns.split"}
        assert found == {"_xmpp-client._tcp.example.test. SRV": "pass", "chat.example.test. A": status}


def test_several_zones_in_one_task(run):
    other = Fake({("www.other.test.", "A"): (60, "10.0.0.9")}, zone="other.test.", mname="ns1.other.test.")
    network = FakeNetwork({NS1: Fake(dict(RECORDS)), NS2: other})
    records = [*WANTED, {"zone": "other.test", "name": "www", "type": "A", "entries": ["10.0.0.9"]}]
    result = run(network, records=records, servers=[NS1, NS2], resolvers=[], wait=3)
    # Each server holds one of the zones only, and that is said, zone by zone.
    assert [(one["zone"], one["serial"]) for one in result["answers"]] == [
        ("example.test.", 7),
        ("example.test.", None),
        ("other.test.", None),
        ("other.test.", 7),
    ]
    assert result["laggards"] == [NS2, NS1]
    assert (result["waited"], sum(network.slept)) == (3.0, 3.0)  # together, not for each zone


def test_a_zone_alone(run):
    result = run(records=[])
    assert [check["id"] for check in result["checks"]] == ["dns.server"] * 3 + ["dns.serial", "dns.split"]
    assert bad(result) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"zone": None, "records": []},
            "Neither zone nor records is given. Give the zone, or records with their zones.",
        ),
        (
            {"zone": None},
            "records[0] (@ SRV) has no zone. Set zone for the whole task, or in this record.",
        ),
        ({"wait": -1}, "wait: -1 is less than 0 seconds. With 0 the module looks once."),
        ({"interval": 0}, "interval: 0 is not more than 0 seconds."),
        ({"timeout": 0}, "timeout: 0 is not more than 0 seconds."),
        ({"connect_timeout": -0.5}, "connect_timeout: -0.5 is not more than 0 seconds."),
        (
            {"servers": ["ns1:dns"]},
            "'ns1:dns' is no DNS server. Give a name or an address, with another port than 53 as name:port or "
            "[IPv6 address]:port.",
        ),
        (
            {"records": [WANTED[1], WANTED[1]]},
            "chat.example.test. A is given twice. Give one entry for each name and type, with all its values.",
        ),
        ({"tsig_name": "key"}, "missing parameter(s) required by 'tsig_name': tsig_secret"),
        (
            {"outside": {"tsig_name": "key"}},
            "missing parameter(s) required by 'tsig_name': tsig_secret found in outside",
        ),
        (
            {"tsig_name": "key", "tsig_secret": "&%$"},
            'The secret of the TSIG key key is not base64. Is it the whole value of "secret" in the server\'s key file?',
        ),
        ({"split": "maybe"}, "value of split must be one of: allow, warn, fail, got: maybe"),
    ],
)
def test_input_that_makes_no_sense(run, arguments, text):
    result = run(**arguments)
    assert (result["failed"], result["msg"]) == (True, text)


def test_without_dnspython(run, monkeypatch):
    monkeypatch.setattr(lib, "DNSPYTHON_ERROR", "Traceback: no dns")
    result = run()
    assert result["failed"] is True
    assert result["msg"].startswith("Failed to import the required Python library (dnspython)")


def test_every_example_is_accepted(run):
    for task in yaml.safe_load(dns_info.EXAMPLES):
        arguments = task.get("onprem.chat.dns_info")
        if arguments:
            result = run(FakeNetwork({}), **{"resolvers": None, **arguments, "wait": 0})
            assert "failed" not in result
            assert result["checks"]
