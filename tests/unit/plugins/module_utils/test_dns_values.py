# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users write becomes values, and what is wrong is said in words."""

from __future__ import annotations

import dns.rdata
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import values
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import check_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_from

ZONE = "corp.test."


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@", "corp.test."),
        ("corp.test", "corp.test."),
        ("chat", "chat.corp.test."),
        ("CHAT.Corp.Test", "chat.corp.test."),
        ("chat.corp.test.", "chat.corp.test."),
        ("a.b", "a.b.corp.test."),
        ("_xmpp-client._tcp", "_xmpp-client._tcp.corp.test."),
        ("*.im", "*.im.corp.test."),
        ("notcorp.test", "notcorp.test.corp.test."),
        ("чат", "xn--80a0bn.corp.test."),
    ],
)
def test_owner_names(text, name):
    assert values.owner_name(text, ZONE) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (".", "."),
        ("chat", "chat.corp.test."),
        ("chat.corp.test", "chat.corp.test."),
        ("Chat.Example.ORG.", "chat.example.org."),
    ],
)
def test_targets_with_a_dot_are_complete(text, name):
    assert values.target_name(text, ZONE) == name


def test_zone_names():
    assert values.zone_name("Corp.Test") == "corp.test."
    with pytest.raises(
        InputError, match=r"^zone '\.' is no zone that records are written to\. Give its name, e\.g\. corp"
    ):
        values.zone_name(".")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("A", "10.203.0.20", "10.203.0.20"),
        ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
        ("CNAME", "Chat", "chat.corp.test."),
        ("TXT", "plain", '"plain"'),
        ("TXT", 'a "b" \\ c', '"a \\"b\\" \\\\ c"'),
        ("TXT", "ü", '"\\195\\188"'),
        ("TXT", "", '""'),
        ("TXT", "x" * 256, '"' + "x" * 255 + '" "x"'),
    ],
)
def test_values(kind, text, value):
    assert values.value_text(kind, text, ZONE) == value


@pytest.mark.parametrize("text", ["", "a;b", 'a "b" \\ c', "ü" * 200, "x" * 600])
def test_txt_comes_back_as_it_was_written(text):
    wire_text = values.canonical(dns.rdata.from_text("IN", "TXT", values.value_text("TXT", text, ZONE)))
    assert wire_text == values.value_text("TXT", text, ZONE)
    assert values.txt_plain(wire_text) == text


def test_addresses_sort_by_number():
    key = values.Key("a.corp.test.", "A")
    assert values.record_set(key, 60, ["10.0.0.10", "10.0.0.9", "10.0.0.9"]).values == ("10.0.0.9", "10.0.0.10")


def test_result_has_the_shape_of_the_option():
    key = values.Key("_xmpp-client._tcp.corp.test.", "SRV")
    assert values.as_result(values.record_set(key, 60, ["5 0 5222 chat.corp.test."])) == {
        "name": "_xmpp-client._tcp.corp.test.",
        "type": "SRV",
        "ttl": 60,
        "srv": [{"priority": 5, "weight": 0, "port": 5222, "target": "chat.corp.test."}],
    }
    text = values.record_set(values.Key("t.corp.test.", "TXT"), 60, ['"a \\"b\\"" "c"'])
    assert values.as_result(text)["entries"] == ['a "b"c']


def srv(**parts):
    return {"priority": 5, "weight": 0, "port": 5222, "target": "chat", **parts}


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"name": "a", "type": "A", "entries": ["10.0.0.300"]}, "'10.0.0.300' is not an IPv4 address."),
        ({"name": "a", "type": "AAAA", "entries": ["10.0.0.3"]}, "'10.0.0.3' is not an IPv6 address."),
        (
            {"name": "chat.example.org.", "type": "A", "entries": ["10.0.0.3"]},
            "name 'chat.example.org.' does not lie in the zone corp.test. Does the record belong to another zone? "
            "Write it with a task of its own for that zone.",
        ),
        ({"name": "a" * 64, "type": "A", "entries": ["10.0.0.3"]}, "is no DNS name: A DNS label is > 63 octets long."),
        ({"name": "a..b", "type": "A", "entries": ["10.0.0.3"]}, "name 'a..b' is no DNS name: A DNS label is empty."),
        (
            {"name": "_x._tcp", "type": "SRV", "entries": ["5 0 5222 chat"]},
            "_x._tcp.corp.test. SRV: records of type SRV are given by srv, not by entries.",
        ),
        (
            {"name": "a", "type": "A", "srv": [srv()]},
            "a.corp.test. A: records of type A are given by entries, not by srv.",
        ),
        (
            {"name": "_x._tcp", "type": "SRV", "srv": [srv(port=70000)]},
            "SRV port 70000 is not a number from 0 to 65535.",
        ),
        (
            {"name": "_x._tcp", "type": "SRV", "srv": [srv(port=0)]},
            "SRV target chat.corp.test. has port 0: nothing can be reached there.",
        ),
        (
            {"name": "_x._tcp", "type": "SRV", "srv": [srv(), srv(target=".", port=0)]},
            '_x._tcp.corp.test. SRV has the target "." next to others. "." says that there is no such service (RFC 2782), '
            "so it must be the only target.",
        ),
        (
            {"name": "_x._tcp", "type": "SRV", "srv": [srv(), srv(priority=9)]},
            "_x._tcp.corp.test. SRV names the same value twice: 5 0 5222 chat.corp.test., 9 0 5222 chat.corp.test.",
        ),
        (
            {"name": "a", "type": "CNAME", "entries": ["b", "c"]},
            "a.corp.test. CNAME has more than one CNAME: b.corp.test., c.corp.test.",
        ),
        (
            {"name": "a", "type": "A"},
            "a.corp.test. A has no values. Give at least one value, or state=absent to remove the record set.",
        ),
        (
            {"name": "a", "type": "A", "ttl": -1, "entries": ["10.0.0.3"]},
            "a.corp.test. A: ttl -1 is not a number from 0 to 2147483647.",
        ),
        (
            {"name": "a", "type": "A", "service": "x", "protocol": "tcp", "entries": ["10.0.0.3"]},
            "service and protocol make the name of an SRV record, and 'a' is of type A.",
        ),
    ],
)
def test_wrong_input_in_words(record, text):
    with pytest.raises(InputError) as error:
        check_intents(intents_from([record], ZONE))
    assert text in str(error.value)


def test_one_set_given_twice():
    records = [
        {"name": "a", "type": "A", "entries": ["10.0.0.1"]},
        {"name": "A.corp.test", "type": "A", "entries": ["10.0.0.2"]},
    ]
    with pytest.raises(InputError) as error:
        check_intents(intents_from(records, ZONE))
    assert (
        str(error.value) == "a.corp.test. A is given twice. Give one entry for each name and type, with all its values."
    )


def test_service_and_protocol_make_the_name():
    record = {"name": "branch", "service": "xmpp-client", "protocol": "tcp", "type": "SRV", "srv": [srv()]}
    (intent,) = intents_from([record], ZONE)
    assert intent.key.name == "_xmpp-client._tcp.branch.corp.test."
    assert intent.values == ("5 0 5222 chat.corp.test.",)
