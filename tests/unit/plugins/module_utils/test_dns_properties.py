# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every world and every wish, with all record types."""

from __future__ import annotations

import itertools
import random

import dns.ipv4
import dns.ipv6
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CAA
import dns.rdtypes.ANY.TXT
import dns.reversename
import dns.zone
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._dns import entries, names
from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import canonical
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError, PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.export import bind_zone_lines
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import update
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import (
    Intent,
    applied,
    check_intents,
    plan,
    slot,
    wanted,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import (
    TYPES,
    Key,
    is_no_service_value,
    owner_name,
    record_set,
    srv_parts,
    srv_text,
    target_name,
    txt_plain,
    value_text,
)

ZONE = "corp.test."
# The same examples in every run.
steady = settings(derandomize=True, deadline=None, max_examples=60, database=None)

# -- what users write -------------------------------------------------------------------------------------------------

labels = st.one_of(
    st.text("abcXYZ019-_*/", min_size=1, max_size=63),
    st.text("чатЧАТßü", min_size=1, max_size=10),
    st.sampled_from(["a\\.b", "a\\032b", "a\\\\b", "x" * 63, "*", "_tcp"]),
)
written_names = st.builds(
    lambda parts, end: ".".join(parts) + end,
    st.lists(labels, min_size=1, max_size=4),
    st.sampled_from(["", ".", ".corp.test", ".Corp.TEST."]),
)
hosts = st.sampled_from(["chat", "chat.corp.test", "Chat2.Example.ORG.", "чат", "a\\.b.test", "@"])
numbers = st.integers(0, 65535)
bytes_ = st.integers(0, 255)
plain_texts = st.text(max_size=600)
ca_values = st.one_of(st.sampled_from(["ca.example", ";", "ca.example; a=b"]))
caa_texts = st.builds(
    lambda flags, tag, value, blank: f'{flags}{blank}{tag}{blank}"{value}"',
    bytes_,
    st.sampled_from(["issue", "ISSUE", "issueWild", "iodef", "x1"]),
    ca_values,
    st.sampled_from([" ", "  ", "\t"]),
)


def _tlsa_text(usage, selector, matching, data, upper):
    data = {1: data[:32].ljust(32, b"1"), 2: data[:64].ljust(64, b"2")}.get(matching, data)
    text = " ".join(data.hex()[start : start + 7] for start in range(0, len(data.hex()), 7))
    return f"{usage} {selector} {matching} {text.upper() if upper else text}"


tlsa_texts = st.builds(
    _tlsa_text, bytes_, bytes_, st.one_of(st.integers(0, 3), bytes_), st.binary(min_size=1, max_size=300), st.booleans()
)
written = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).flatmap(lambda address: st.sampled_from([str(address), address.exploded.upper()])),
    "CAA": caa_texts,
    "CNAME": hosts,
    "PTR": hosts.filter(lambda host: "." in host),
    "TLSA": tlsa_texts,
    "TXT": plain_texts,
}
srv_values = st.one_of(
    st.builds(
        lambda priority, weight, port, target: srv_text(
            {"priority": priority, "weight": weight, "port": port, "target": target}, ZONE
        ),
        st.integers(0, 3),
        numbers,
        st.sampled_from([5222, 5269]),
        hosts,
    ),
    st.just("0 0 0 ."),
)


def values_of(kind):
    return srv_values if kind == "SRV" else written[kind].map(lambda text: value_text(kind, text, ZONE))


kinds = st.sampled_from(TYPES)
kinds_and_values = kinds.flatmap(lambda kind: st.tuples(st.just(kind), values_of(kind)))

# -- worlds and wishes ------------------------------------------------------------------------------------------------

# Few values, so that what is there and what is wanted often meet.
_FEW = {
    "A": ["10.0.0.1", "10.0.0.2", "10.0.0.10"],
    "AAAA": ["2001:db8::1", "2001:db8::2"],
    "CAA": ['0 issue "a.example"', '0 issue "b.example"', '128 issue ";"'],
    "CNAME": ["a.", "b."],
    "PTR": ["a.test.", "b.test."],
    "SRV": ["0 0 0 .", "5 0 5222 a.", "9 1 5222 a.", "5 0 5222 b.", "5 0 5269 b."],
    "TLSA": ["3 1 1 " + "ab" * 32, "3 1 0 0a0b"],
    "TXT": ['"a"', '"b c"', '"\\195\\188"', '"' + "x" * 255 + '" "x"'],
}


def _one_per_slot(kind, values):
    chosen = {slot(kind, value): value for value in values}
    if kind == "SRV" and len(chosen) > 1:
        chosen.pop(slot(kind, "0 0 0 ."), None)
    return tuple(chosen.values())


keys_and_values = kinds.flatmap(
    lambda kind: st.tuples(
        st.sampled_from(["a", "b", "*", "_x._tcp"]).map(lambda label: Key(f"{label}.{ZONE}", kind)),
        st.lists(st.sampled_from(_FEW[kind]), min_size=1, max_size=4).map(lambda values: _one_per_slot(kind, values)),
    )
)
ttls = st.sampled_from([60, 3600, 86400])


def _standing(pairs, ttl):
    world = {}
    for key, values in pairs:
        beside = [other for other in world if other.name == key.name and "CNAME" in (other.type, key.type)]
        if not beside or beside == [key]:
            world[key] = record_set(key, ttl, values)
    return world


worlds = st.builds(_standing, st.lists(keys_and_values, max_size=8), ttls)
wishes = st.lists(
    st.builds(
        lambda pair, state, ttl, whole: Intent(pair[0], state, () if state == "absent" and whole else pair[1], ttl),
        keys_and_values,
        st.sampled_from(["present", "exact", "absent"]),
        st.one_of(st.none(), ttls),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda intent: intent.key,
)


def planned(world, intents):
    """The plan; examples that would put something beside a CNAME are another property."""
    check_intents(intents)
    try:
        return plan(world, intents)
    except PlanError:
        assume(False)


@steady
@given(worlds, wishes)
def test_the_plan_leads_to_what_is_wanted_and_touches_nothing_else(world, intents):
    after = applied(world, planned(world, intents))
    asked = {intent.key: intent for intent in intents}
    for key in {*world, *after, *asked}:
        assert after.get(key) == (wanted(world.get(key), asked[key]) if key in asked else world.get(key))


@steady
@given(worlds, wishes)
def test_what_was_applied_needs_no_other_plan(world, intents):
    assert plan(applied(world, planned(world, intents)), intents) == ()


@steady
@given(worlds, wishes, st.randoms(use_true_random=False))
def test_the_order_of_records_and_values_does_not_matter(world, intents, rnd: random.Random):
    shuffled = [
        Intent(intent.key, intent.state, tuple(rnd.sample(intent.values, len(intent.values))), intent.ttl)
        for intent in rnd.sample(intents, len(intents))
    ]
    assert planned(dict(rnd.sample(list(world.items()), len(world))), shuffled) == planned(world, intents)


@steady
@given(worlds, wishes)
def test_a_cname_is_never_put_beside_something_else(world, intents):
    try:
        after = applied(world, plan(world, intents))
    except PlanError:
        return
    for key in after:
        if key.type == "CNAME":
            assert [other for other in after if other.name == key.name] == [key]


@steady
@given(worlds, wishes)
def test_present_removes_nothing_of_others(world, intents):
    after = applied(world, planned(world, intents))
    for intent in intents:
        if intent.state != "present" or intent.key not in world or intent.key.type == "CNAME":
            continue
        if intent.key.type == "SRV" and any(map(is_no_service_value, intent.values)):
            continue
        mine = {slot(intent.key.type, value) for value in intent.values}
        for value in world[intent.key].values:
            if not is_no_service_value(value) and slot(intent.key.type, value) not in mine:
                assert value in after[intent.key].values
        assert set(intent.values) <= set(after[intent.key].values)


@steady
@given(worlds, keys_and_values, ttls)
def test_what_was_removed_comes_back_and_goes_again(world, pair, ttl):
    key, values = pair
    world = {other: records for other, records in world.items() if other.name != key.name}
    there = applied(world, plan(world, [Intent(key, "present", values, ttl)]))
    assert there[key] == record_set(key, ttl, values)
    assert applied(there, plan(there, [Intent(key, "absent", values)])) == world
    gone = applied(there, plan(there, [Intent(key, "absent")]))
    assert gone == world
    assert applied(gone, plan(gone, [Intent(key, "present", values, ttl)])) == there


# -- messages ---------------------------------------------------------------------------------------------------------


def on_a_server(world):
    """The records of a server, as they were written."""
    return {
        key: (records.ttl, [_rdata(key, value) for value in records.as_read or records.values])
        for key, records in world.items()
    }


def _rdata(key, value):
    return dns.rdata.from_text("IN", key.type, value)


def execute(server, message):
    """What RFC 2136 3.4.2 lets a server do."""
    for rrset in message.update:
        key = Key(rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype))
        _ttl, there = server.pop(key, (0, []))
        if rrset.deleting == dns.rdataclass.NONE:
            left, ttl = [rdata for rdata in there if rdata not in rrset], _ttl
        else:
            assert rrset.deleting is None
            left, ttl = [*there, *(rdata for rdata in rrset if rdata not in there)], rrset.ttl
        if left:
            server[key] = (ttl, left)
    return server


@steady
@given(worlds, wishes)
def test_an_update_does_what_was_planned(world, intents):
    changes = planned(world, intents)
    server = execute(on_a_server(world), update(ZONE, changes, world))
    assert {key: record_set(key, ttl, map(canonical, rdatas)) for key, (ttl, rdatas) in server.items()} == applied(
        world, changes
    )


# -- values -----------------------------------------------------------------------------------------------------------


def over_the_wire(kind, value):
    """A value as a server would answer it."""
    kind = dns.rdatatype.from_text(kind)
    wire = dns.rdata.from_text(dns.rdataclass.IN, kind, value).to_wire()
    return dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire))


@steady
@given(kinds_and_values)
def test_canonical_text_survives_the_wire(pair):
    kind, value = pair
    rdata = over_the_wire(kind, value)
    assert canonical(rdata) == value
    assert entries.is_spelled_canonically(rdata)
    # What a message carries in place of it, as_read of a set, is the same record.
    assert over_the_wire(kind, rdata.to_text()) == rdata


@steady
@given(kinds_and_values)
def test_canonical_text_written_by_a_user_stays_as_it_is(pair):
    kind, value = pair
    if kind == "TXT":
        assert value_text(kind, txt_plain(value), ZONE) == value
    elif kind == "SRV":
        assert srv_text(srv_parts(value), ZONE) == value
    else:
        assert value_text(kind, value, ZONE) == value


@steady
@given(plain_texts, st.randoms(use_true_random=False))
def test_a_txt_is_known_however_it_is_cut(text, rnd: random.Random):
    data = text.encode()
    cuts = sorted({0, len(data), *range(0, len(data), 200), *(rnd.randint(0, len(data)) for _cut in range(3))})
    pieces = [data[start:end] for start, end in itertools.pairwise(cuts)] or [b""]
    rdata = dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, pieces)
    assert canonical(rdata) == value_text("TXT", text, ZONE)
    assert txt_plain(canonical(rdata)) == text


@steady
@given(bytes_, st.text("abcXYZ019", min_size=1, max_size=15), st.binary(max_size=300))
def test_any_caa_that_a_server_has_can_be_written(flags, tag, data):
    rdata = dns.rdtypes.ANY.CAA.CAA(dns.rdataclass.IN, dns.rdatatype.CAA, flags, tag.encode(), data)
    value = canonical(rdata)
    assert value_text("CAA", value, ZONE) == value
    assert entries.caa_wire(value) == rdata.to_wire().replace(tag.encode(), tag.lower().encode(), 1)


@steady
@given(st.text("0123456789. a", max_size=16))
def test_ipv4_addresses_are_those_of_dnspython(text):
    try:
        expected = dns.ipv4.inet_ntoa(dns.ipv4.inet_aton(text))
    except dns.exception.SyntaxError:
        with pytest.raises(InputError):
            value_text("A", text, ZONE)
    else:
        assert value_text("A", text, ZONE) == expected == text


@steady
@given(st.ip_addresses())
def test_every_address_has_a_reverse_name(address):
    assert dns.reversename.from_address(str(address)).to_text() == names.reverse_name(str(address))
    assert names.is_address(str(address))


# -- names ------------------------------------------------------------------------------------------------------------


@steady
@given(written_names, st.sampled_from([ZONE, "a\\.b.test.", "test."]))
def test_owner_names_are_absolute_and_stay_as_they_are(text, zone):
    try:
        name = owner_name(text, zone)
    except InputError:
        return
    assert owner_name(name, zone) == name == name.lower()
    assert dns.name.from_text(name).is_subdomain(dns.name.from_text(zone))
    assert dns.name.from_text(name).to_text() == name


@steady
@given(written_names)
def test_the_short_way_and_the_long_way_lead_to_the_same_names(text):
    assert _said(owner_name, text, ZONE) == _said(names._owner_name, text, ZONE, dns.name.from_text(ZONE))
    plain = names._is_plain
    try:
        short = _said(target_name, text, ZONE)
        names._is_plain = lambda text: False
        assert _said(target_name, text, ZONE) == short
    finally:
        names._is_plain = plain


def _said(function, *arguments):
    try:
        return function(*arguments)
    except InputError as error:
        return str(error)


# -- export -----------------------------------------------------------------------------------------------------------


@steady
@given(wishes, st.lists(kinds_and_values, max_size=4))
def test_lines_of_a_zone_file_say_what_was_wanted(intents, more):
    # Also values that no world above has, each at a name of its own.
    intents = [
        *intents,
        *(
            Intent(Key(f"more{number}.{ZONE}", kind), "exact", (value,), 60)
            for number, (kind, value) in enumerate(more)
        ),
    ]
    cnames = {intent.key.name for intent in intents if intent.key.type == "CNAME" and intent.state != "absent"}
    intents = [intent for intent in intents if intent.key.name not in cnames or intent.key.type == "CNAME"]
    zone = dns.zone.from_text(bind_zone_lines(intents, ZONE), origin=ZONE, check_origin=False, relativize=False)
    read = {}
    for name, rdataset in zone.iterate_rdatasets():
        key = Key(name.to_text(), dns.rdatatype.to_text(rdataset.rdtype))
        read[key] = record_set(key, rdataset.ttl, map(canonical, rdataset))
    assert read == {intent.key: wanted(None, intent) for intent in intents if intent.state != "absent"}


@pytest.mark.parametrize(
    ("kind", "spelled", "value"),
    [
        ("CAA", '0 ISSUE "a.example"', '0 issue "a.example"'),
        ("TXT", '"b" " c"', '"b c"'),
        ("CNAME", "A.", "a."),
        ("SRV", "5 0 5222 A.", "5 0 5222 a."),
    ],
)
def test_a_new_ttl_doubles_no_value_that_somebody_else_has_spelled(kind, spelled, value):
    key = Key(f"a.{ZONE}", kind)
    world = {key: record_set(key, 60, [value], [spelled])}
    changes = plan(world, [Intent(key, "present", (value,), 3600)])
    ((ttl, rdatas),) = execute(on_a_server(world), update(ZONE, changes, world)).values()
    assert (ttl, len(rdatas)) == (3600, 1)
