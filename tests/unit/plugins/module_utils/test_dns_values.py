# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users write becomes values, and what is wrong is said in words."""

from __future__ import annotations

import dns.rdata
import dns.reversename
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import entries, names, values
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import check_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone

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
        ("ЧАТ", "xn--80a0bn.corp.test."),
        ("XN--80A0BN", "xn--80a0bn.corp.test."),
        ("*.чат", "*.xn--80a0bn.corp.test."),
        ("_xmpp-client._tcp.чат。corp.test", "_xmpp-client._tcp.xn--80a0bn.corp.test."),
        ("straße", "xn--strae-oqa.corp.test."),
        ("", "corp.test."),
        ("*", "*.corp.test."),
        ("Corp.TEST.", "corp.test."),
        ("a\\.b", "a\\.b.corp.test."),
        ("big\\032printer", "big\\032printer.corp.test."),
        ("x" * 63, "x" * 63 + ".corp.test."),
        (".".join(["x" * 60] * 4), ".".join(["x" * 60] * 4) + ".corp.test."),
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
        ("@", "corp.test."),
        ("чат.example.org", "xn--80a0bn.example.org."),
        ("чат", "xn--80a0bn.corp.test."),
        ("a\\.b", "a\\.b.corp.test."),
    ],
)
def test_targets_with_a_dot_are_complete(text, name):
    assert values.target_name(text, ZONE) == name


def test_a_zone_with_escapes_goes_the_long_way():
    zone = names.zone_name("a\\.b.test")
    assert zone == "a\\.b.test."
    assert values.owner_name("chat", zone) == "chat.a\\.b.test."
    assert values.owner_name("Chat.a\\.b.test", zone) == "chat.a\\.b.test."
    assert values.target_name("chat", zone) == "chat.a\\.b.test."


def test_zone_names():
    assert names.zone_name("Corp.Test") == "corp.test."
    assert names.zone_name("чат.рф") == "xn--80a0bn.xn--p1ai."
    with pytest.raises(
        InputError, match=r"^zone '\.' is no zone that records are written to\. Give its name, e\.g\. corp"
    ):
        names.zone_name(".")
    with pytest.raises(InputError) as error:
        names.zone_name("10.203.0.0/24")
    assert str(error.value) == (
        "zone '10.203.0.0/24' is a network, not the name of a zone. Is its reverse zone meant? "
        "Give the name of the reverse zone, as in 0.203.10.in-addr.arpa."
    )


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.203.0.20", "20.0.203.10.in-addr.arpa."),
        ("2001:DB8::20", "0.2." + "0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa."),
    ],
)
def test_reverse_names(address, name):
    assert values.reverse_name(address) == name
    zone = ".".join(name.split(".")[2:])
    assert values.owner_key(address, "PTR", zone) == values.Key(name, "PTR")
    assert dns.reversename.to_address(dns.name.from_text(name)) == address.lower()


@pytest.mark.parametrize(
    ("name", "kind", "zone", "owner"),
    [
        ("20", "PTR", "0.203.10.in-addr.arpa.", "20.0.203.10.in-addr.arpa."),
        ("20.0", "PTR", "203.10.in-addr.arpa.", "20.0.203.10.in-addr.arpa."),
        ("20.0/25", "PTR", "0.203.10.in-addr.arpa.", "20.0/25.0.203.10.in-addr.arpa."),
        ("10.0.0.1", "A", "corp.test.", "10.0.0.1.corp.test."),
        ("_x._tcp", "SRV", "corp.test.", "_x._tcp.corp.test."),
        ("*._tcp", "SRV", "corp.test.", "*._tcp.corp.test."),
    ],
)
def test_owner_keys(name, kind, zone, owner):
    assert values.owner_key(name, kind, zone) == values.Key(owner, kind)


def test_srv_under_a_name_where_nobody_looks_can_only_be_removed():
    with pytest.raises(InputError) as error:
        values.owner_key("xmpp-client._tcp", "SRV", ZONE)
    assert str(error.value) == (
        "xmpp-client._tcp.corp.test. SRV: clients ask for SRV records at _service._protocol (RFC 2782), and this name "
        "begins otherwise. Is an underscore missing? Write it as in _xmpp-client._tcp, or give service and protocol."
    )
    assert values.owner_key("xmpp-client._tcp", "SRV", ZONE, new=False).name == "xmpp-client._tcp.corp.test."


def test_an_address_whose_reverse_name_lies_elsewhere():
    with pytest.raises(InputError) as error:
        values.owner_key("10.203.1.20", "PTR", "0.203.10.in-addr.arpa.")
    assert str(error.value) == (
        "name '10.203.1.20' has the reverse name 20.1.203.10.in-addr.arpa., which does not lie in the zone "
        "0.203.10.in-addr.arpa. Is zone the reverse zone of this network, as in 203.10.in-addr.arpa? Give the zone that "
        "holds it. Where a part of a network is delegated (RFC 2317) write the name itself."
    )


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
        ("TXT", "x" * 254 + "ü", '"' + "x" * 254 + '\\195" "\\188"'),
        ("TXT", "a\udcffb", '"a\\255b"'),
        ("A", "255.0.10.9", "255.0.10.9"),
        ("AAAA", "::FFFF:102:304", "::ffff:1.2.3.4"),
        ("PTR", "Chat.Corp.Test", "chat.corp.test."),
        ("PTR", "@", "corp.test."),
        ("CAA", '0 issue "ca.example"', '0 issue "ca.example"'),
        ("CAA", "  128  ISSUE\tca.example ", '128 issue "ca.example"'),
        ("CAA", '0 issue ";"', '0 issue ";"'),
        ("CAA", '0 issuewild "CA.example; account=230"', '0 issuewild "CA.example; account=230"'),
        ("CAA", '0 iodef "mailto:a\\"b\\064c\\\\d"', '0 iodef "mailto:a\\"b@c\\\\d"'),
        ("CAA", '0 tbs "ü"', '0 tbs "\\195\\188"'),
        ("TLSA", "3 1 1 " + "AB" * 32, "3 1 1 " + "ab" * 32),
        ("TLSA", " 3  1 1 " + "aB " * 32, "3 1 1 " + "ab" * 32),
        ("TLSA", "3 1 2 " + "ab" * 64, "3 1 2 " + "ab" * 64),
        ("TLSA", "3 0 0 " + "00ff" * 500, "3 0 0 " + "00ff" * 500),
        ("TLSA", "255 255 255 00", "255 255 255 00"),
    ],
)
def test_values(kind, text, value):
    assert values.value_text(kind, text, ZONE) == value


@pytest.mark.parametrize(
    ("kind", "answered", "value"),
    [
        ("TXT", '"a" "b c"', '"ab c"'),
        ("TXT", '"' + "x" * 10 + '" "' + "x" * 250 + '"', '"' + "x" * 255 + '" "xxxxx"'),
        ("CAA", '0 Issue "CA.example"', '0 issue "CA.example"'),
        ("TLSA", "3 1 2 " + "AB" * 64, "3 1 2 " + "ab" * 64),
        ("TLSA", "3 0 0 " + "AB" * 300, "3 0 0 " + "ab" * 300),
        ("PTR", "Chat.Corp.TEST.", "chat.corp.test."),
        ("CNAME", "Chat.Corp.TEST.", "chat.corp.test."),
        ("SRV", "5 0 5222 Chat.Corp.TEST.", "5 0 5222 chat.corp.test."),
        ("AAAA", "2001:DB8:0:0::1", "2001:db8::1"),
        ("A", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_what_a_server_answers_becomes_what_was_asked_for(kind, answered, value):
    assert entries.canonical(dns.rdata.from_text("IN", kind, answered)) == value


@pytest.mark.parametrize(
    ("kind", "answered", "same"),
    [
        ("TXT", '"a" "b"', False),
        ("TXT", '"ab"', True),
        ("CAA", '0 Issue "ca.example"', False),
        ("CAA", '0 issue "ca.example"', True),
        ("CNAME", "Chat.Corp.TEST.", True),
    ],
)
def test_a_value_that_a_server_would_not_take_for_its_canonical_text(kind, answered, same):
    assert entries.is_spelled_canonically(dns.rdata.from_text("IN", kind, answered)) is same


def test_bytes_of_a_caa_value():
    value = values.value_text("CAA", '128 issue "ca.example; a=\\"\\195"', ZONE)
    assert entries.caa_wire(value) == dns.rdata.from_text("IN", "CAA", value).to_wire()


@pytest.mark.parametrize("text", ["", "a;b", 'a "b" \\ c', "ü" * 200, "x" * 600])
def test_txt_comes_back_as_it_was_written(text):
    wire_text = entries.canonical(dns.rdata.from_text("IN", "TXT", values.value_text("TXT", text, ZONE)))
    assert wire_text == values.value_text("TXT", text, ZONE)
    assert values.txt_plain(wire_text) == text


def test_the_order_of_values_is_stable():
    key = values.Key("a.corp.test.", "TXT")
    assert values.record_set(key, 60, ['"x 7 y"', '"x 07 y"']) == values.record_set(key, 60, ['"x 07 y"', '"x 7 y"'])
    assert values.record_set(key, 60, ["1" * 5000, "2"]).values == ("2", "1" * 5000)


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
        check_intents(intents_by_zone([record], ZONE)[ZONE])
    assert text in str(error.value)


def test_one_set_given_twice():
    records = [
        {"name": "a", "type": "A", "entries": ["10.0.0.1"]},
        {"name": "A.corp.test", "type": "A", "entries": ["10.0.0.2"]},
    ]
    with pytest.raises(InputError) as error:
        check_intents(intents_by_zone(records, ZONE)[ZONE])
    assert (
        str(error.value) == "a.corp.test. A is given twice. Give one entry for each name and type, with all its values."
    )


def test_service_and_protocol_make_the_name():
    record = {"name": "branch", "service": "xmpp-client", "protocol": "tcp", "type": "SRV", "srv": [srv()]}
    (intent,) = intents_by_zone([record], ZONE)[ZONE]
    assert intent.key.name == "_xmpp-client._tcp.branch.corp.test."
    assert intent.values == ("5 0 5222 chat.corp.test.",)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "a..b",
            "name 'a..b' is no DNS name: a dot begins it or two dots follow each other. "
            "Is a variable empty from which it is made?",
        ),
        (
            "a" * 64,
            f"name '{'a' * 64}' is no DNS name: a part between two dots has more than 63 octets (RFC 1035 2.3.4). "
            "Is a dot missing? Shorten this part.",
        ),
        (
            "ж" * 60,
            f"name '{'ж' * 60}' is no DNS name: a part between two dots has more than 63 octets (RFC 1035 2.3.4). "
            "Is a dot missing? Shorten this part; it counts in its form xn--...",
        ),
        (
            ".".join(["abc"] * 62),
            f"name '{('abc.' * 15)}...' with the zone corp.test has more than 255 octets (RFC 1035 2.3.4). "
            "Is something in it twice? Shorten the name.",
        ),
        (
            ".".join(["abc"] * 70) + ".",
            f"name '{('abc.' * 15)}...' has more than 255 octets (RFC 1035 2.3.4). "
            "Is something in it twice? Shorten the name.",
        ),
        (
            "chat\n",
            "name 'chat\\n' has a blank in it. Are these two names, or is there a blank or a line break at the end? "
            "Remove it. If the name really has one, write it as \\032.",
        ),
        (
            "☃",
            "name '☃' is no internationalised domain name (RFC 5891): Codepoint U+2603 at position 1 of '☃' not allowed. "
            "Is there a sign in it that is no letter and no digit? Write the name without it.",
        ),
        (
            "a\\300b",
            "name 'a\\\\300b' is no DNS name: An escaped code in a text format of DNS name is invalid. "
            "Is a backslash meant as itself? In names a backslash stands before a character or before its number in three "
            "digits.",
        ),
    ],
)
def test_wrong_names_in_words(text, error):
    with pytest.raises(InputError) as raised:
        values.owner_name(text, ZONE)
    assert str(raised.value) == error


def test_international_names_need_their_library(monkeypatch):
    monkeypatch.setattr("dns.name.have_idna_2008", False)
    with pytest.raises(InputError) as error:
        values.owner_name("чат", ZONE)
    assert str(error.value) == (
        "name 'чат' has letters beyond ASCII, and they need the Python library idna. Is it missing on the controller? "
        "Install it (pip install idna), or write the name in its form xn--..."
    )


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [
        (
            "A",
            "10.0.0.300",
            "'10.0.0.300' is not an IPv4 address. Is it a name or an IPv6 address? "
            "Write four numbers from 0 to 255 without leading zeros, as in 10.203.0.20.",
        ),
        (
            "AAAA",
            "2001:db8::1/64",
            "'2001:db8::1/64' is not an IPv6 address. Is it an IPv4 address, or does an interface (%eth0) or a prefix "
            "length (/64) follow it? Write it as in 2001:db8::20.",
        ),
        (
            "CNAME",
            "10.0.0.3",
            "CNAME '10.0.0.3' is an address, and such a record points to a name. "
            "Is there an A or AAAA record for this address? Give its name.",
        ),
        (
            "CNAME",
            "",
            "CNAME is empty. Is the variable that it comes from empty? "
            'Give the name of a host. SRV has "." for: no such service here.',
        ),
        ("CNAME", ".", 'CNAME "." points to nothing. Is it meant for SRV? Give the name of a host.'),
        (
            "PTR",
            "chat",
            "PTR 'chat' is not a complete name. A name relative to the reverse zone corp.test makes no sense: in which "
            "domain is this host? Write the whole name, as in chat.corp.test.",
        ),
        (
            "CAA",
            "0 issue ca.example; account=1",
            "CAA '0 issue ca.example; account=1' does not consist of flags, tag and value. Is a part missing, or is a "
            'value with a blank or a semicolon not in double quotes? Write it as in: 0 issue "ca.example"',
        ),
        (
            "CAA",
            '256 issue "ca.example"',
            "CAA flags '256' is not a number from 0 to 255. Is a part missing, or are the parts in another order? "
            'Write it as in: 0 issue "ca.example"',
        ),
        (
            "CAA",
            '0 is-sue "ca.example"',
            "CAA tag 'is-sue' does not consist of letters and digits (RFC 8659 4.1). Are the parts in another order? "
            'Write it as in: 0 issue "ca.example"',
        ),
        (
            "CAA",
            '0 issue "https://ca.example"',
            "CAA '0 issue \"https://ca.example\"' does not name a CA: what stands before the first semicolon is no domain "
            "name. With such a record no CA may issue (RFC 8659 4.2). Is it the address of a web page, or a name in letters "
            'beyond ASCII? Write the name that the CA gives for this purpose, as in: 0 issue "ca.example"; for none: '
            '0 issue ";"',
        ),
        (
            "CAA",
            '0 iodef "a\\999"',
            "CAA '0 iodef \"a\\\\999\"' has a backslash with a number over 255. Is the backslash meant as itself? "
            "Write it twice.",
        ),
        (
            "TLSA",
            "3 1 1",
            "TLSA '3 1 1' does not consist of usage, selector, matching type and data. Is a part missing? "
            "Write it as in: 3 1 1 and the digest in hexadecimal",
        ),
        (
            "TLSA",
            "3 1 x 00",
            "TLSA matching type 'x' is not a number from 0 to 255. Is a part missing, or are the parts in another order? "
            "Write it as in: 3 1 1 and the digest in hexadecimal",
        ),
        (
            "TLSA",
            "3 1 1 00:11",
            "The data of TLSA '3 1 1 00:11' is not hexadecimal with two digits for each byte. Has it colons between the "
            "bytes, is it base64, or is a digit missing? Print the digest of a public key with: openssl x509 -in server.crt "
            "-noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256",
        ),
        (
            "TLSA",
            "3 1 2 " + "00" * 32,
            "TLSA '3 1 2 "
            + "00" * 32
            + "' has 32 bytes of data, and matching type 2 is SHA-512 with 64. Is the matching "
            "type right, and is the digest complete? Matching type 1 is SHA-256, 2 is SHA-512, 0 is the whole certificate "
            "or public key.",
        ),
        (
            "TXT",
            "x" * 65280,
            "A TXT value has 65280 bytes, and 65279 are the most that fit into a record. Was a whole file given? "
            "Shorten it or spread it over several names.",
        ),
    ],
)
def test_wrong_entries_in_words(kind, text, error):
    with pytest.raises(InputError) as raised:
        values.value_text(kind, text, ZONE)
    assert str(raised.value) == error
    key = values.Key("a.corp.test.", kind)
    with pytest.raises(InputError) as raised:
        values.entry_values(key, [text], ZONE)
    assert str(raised.value) == f"a.corp.test. {kind}: {error}"


def test_an_empty_srv_target_is_not_the_dot():
    with pytest.raises(InputError, match=r"^target is empty\."):
        values.srv_text(srv(target=""), ZONE)
    assert values.srv_text(srv(target="@"), ZONE) == "5 0 5222 corp.test."


def test_the_largest_txt_fits_into_a_record():
    value = values.value_text("TXT", "x" * 65279, ZONE)
    assert len(dns.rdata.from_text("IN", "TXT", value).to_wire()) == 65535
