# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which changes go into one message: examples, and properties of random changes measured on real messages."""

from __future__ import annotations

import dns.message
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._dns.chunks import (
    MAX_BYTES,
    MAX_SETS,
    MAX_SETS_ELSE,
    chunks,
    intents_of,
    size,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import rendered, sets_in, update
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import TYPES, Key, record_set, value_text

ZONE = "corp.test."


def new(name, kind, *values, zone=ZONE):
    key = Key(f"{name}.{zone}", kind)
    return Change(key, None, record_set(key, 60, values))


def host(number):
    return new(f"h{number}", "A", f"10.0.{number // 250}.{number % 250}")


def service(name, *targets):
    return new(f"_{name}._tcp", "SRV", *(f"5 0 5222 {target}.{ZONE}" for target in targets))


def named(parts):
    return [[str(change.key).replace(f".{ZONE}", "") for change in part] for part in parts]


# -- groups and order -------------------------------------------------------------------------------------------------


def test_nothing():
    assert chunks([]) == []


def test_everything_goes_into_one_message_in_its_order():
    changes = [host(3), service("b", "h1"), host(1), host(2)]
    assert chunks(changes) == [tuple(changes)]


def test_what_points_to_a_name_goes_with_it():
    changes = [service("a", "h1"), service("b", "h3"), host(1), host(2), host(3)]
    assert named(chunks(changes, max_sets=2)) == [["_a._tcp SRV", "h1 A"], ["_b._tcp SRV", "h3 A"], ["h2 A"]]


def test_all_types_of_a_name_stay_together():
    changes = [host(1), host(2), new("h1", "AAAA", "fd00::1"), new("h1", "TXT", '"x"')]
    assert named(chunks(changes, max_sets=3)) == [["h1 A", "h1 AAAA", "h1 TXT"], ["h2 A"]]


def test_groups_grow_over_several_steps():
    changes = [
        host(9),
        new("im", "CNAME", f"chat.{ZONE}"),
        service("a", "h1", "h2"),
        service("b", "h2", "chat"),
        new("chat", "CNAME", f"h3.{ZONE}"),
        host(3),
    ]
    # h2 is a target of both services, but nothing about it changes
    assert named(chunks(changes, max_sets=2)) == [
        ["h9 A"],
        ["im CNAME", "_b._tcp SRV", "chat CNAME", "h3 A"],
        ["_a._tcp SRV"],
    ]


def test_the_old_target_counts_as_the_new_one():
    key = Key(f"im.{ZONE}", "CNAME")
    moved = Change(key, record_set(key, 60, [f"h1.{ZONE}"]), record_set(key, 60, [f"h2.{ZONE}"]))
    gone = Change(host(1).key, host(1).after, None)
    assert named(chunks([gone, host(5), host(2), moved], max_sets=1)) == [["h1 A", "h2 A", "im CNAME"], ["h5 A"]]


def test_names_that_do_not_change_tie_nothing_together():
    changes = [service("a", "chat"), service("b", "chat")]
    assert named(chunks(changes, max_sets=1)) == [["_a._tcp SRV"], ["_b._tcp SRV"]]


def test_ptr_and_txt_point_nowhere():
    changes = [new("20", "PTR", f"h1.{ZONE}"), new("note", "TXT", f'"see h1.{ZONE}"'), host(1)]
    assert named(chunks(changes, max_sets=1)) == [["20 PTR"], ["note TXT"], ["h1 A"]]


# -- limits -----------------------------------------------------------------------------------------------------------


def test_the_limit_of_sets():
    assert (MAX_SETS, MAX_SETS_ELSE) == ({"gss_tsig": 250}, 1000)
    changes = [host(number) for number in range(2001)]
    assert [len(part) for part in chunks(changes, max_bytes=10**6)] == [1000, 1000, 1]
    assert [len(part) for part in chunks(changes, max_sets=500)] == [500, 500, 500, 500, 1]


def test_a_group_above_the_limit_of_sets_still_goes_in_one_message():
    changes = [host(0), *(new("h1", kind, "x") for kind in ("A", "AAAA", "TXT")), host(2)]
    assert [len(part) for part in chunks(changes, max_sets=2)] == [1, 3, 1]


def test_the_limit_of_bytes():
    changes = [new(f"t{number}", "TXT", '"' + "x" * 200 + '"') for number in range(600)]
    parts = chunks(changes)
    assert len(parts) == 3
    assert [change for part in parts for change in part] == changes
    for part in parts:
        assert sum(map(size, part)) <= MAX_BYTES
        assert len(rendered(update(ZONE, part, {}))) < 65535 - 1000


def test_a_group_that_fits_into_no_message():
    strings = " ".join(['"' + "x" * 255 + '"'] * 200)
    changes = [host(1), new("big", "TXT", strings), new("big", "A", "10.0.0.1"), new("www", "CNAME", f"big.{ZONE}")]
    assert len(chunks(changes)) == 1
    second = new("big", "CAA", f'0 issue "{"x" * 20000}"')
    with pytest.raises(InputError) as error:
        chunks([*changes, second])
    assert str(error.value) == (
        "The changes of big.corp.test. and the names that hang together with it do not fit into one DNS message of 64 KiB. "
        "Split the records over several tasks, addresses first; what belongs together should stay together."
    )


@pytest.mark.parametrize("kind", ["CNAME", "AAAA"])
def test_thousands_of_small_sets_in_a_zone_with_a_short_name_fit(kind):
    value = "a.io." if kind == "CNAME" else "::1"
    changes = [new(f"{number}", kind, value, zone="io.") for number in range(3000)]
    for part in chunks(changes):
        assert len(rendered(update("io.", part, {}))) < 65535 - 1000


# -- intents of a part ------------------------------------------------------------------------------------------------


def test_intents_of_a_part_are_those_of_its_names():
    intents = [
        Intent(host(1).key, "exact", ("10.0.0.1",)),
        Intent(Key(f"h1.{ZONE}", "CNAME"), "absent"),
        Intent(host(2).key, "exact", ("10.0.0.2",)),
    ]
    assert intents_of([host(1)], intents) == intents[:2]
    assert intents_of([], intents) == []


# -- properties -------------------------------------------------------------------------------------------------------

labels = st.text("abcxyz0-_", min_size=1, max_size=12)
host_names = st.lists(labels, min_size=1, max_size=4).map(lambda parts: ".".join(parts) + ".")
short_v6 = st.sampled_from(["::", "::1", "1::", "fe80::1"])
by_type = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": short_v6 | st.ip_addresses(v=6).map(str),
    "CAA": st.text("abc.", min_size=1, max_size=30).map(lambda text: f'0 iodef "{text}"'),
    "CNAME": host_names,
    "PTR": host_names,
    "SRV": st.tuples(st.integers(0, 9), host_names).map(lambda pair: f"{pair[0]} 0 5222 {pair[1]}"),
    "TLSA": st.binary(min_size=1, max_size=40).map(lambda data: f"3 1 0 {data.hex()}"),
    "TXT": st.text(max_size=600),
}
zones = st.sampled_from(["b.", "ex.io.", ZONE, "a.very.long.zone.of.the.company.example."])


@st.composite
def one_change(draw, zone):
    kind = draw(st.sampled_from(TYPES))
    name = draw(
        st.sampled_from([zone, *(f"{label}.{zone}" for label in ("a", "b", "*", "c\\032d", "long-label-here"))])
    )
    key = Key(name, kind)

    def some():
        most = 1 if kind == "CNAME" else 4
        texts = draw(st.lists(by_type[kind], min_size=1, max_size=most))
        values = [text if kind in ("SRV", "CNAME", "PTR") else value_text(kind, text, zone) for text in texts]
        return record_set(key, draw(st.sampled_from([60, 3600])), values)

    before, after = draw(st.sampled_from([(False, True), (True, True), (True, False)]))
    return Change(key, some() if before else None, some() if after else None)


@st.composite
def zone_and_changes(draw):
    zone = draw(zones)
    return zone, draw(st.lists(one_change(zone), min_size=1, max_size=12, unique_by=lambda change: change.key))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(zone_and_changes())
def test_size_is_never_too_small(pair):
    zone, changes = pair
    head = 12 + len(zone) + 1 + 4
    for part in ([change] for change in changes):
        assert len(rendered(update(zone, part, {}))) <= head + size(part[0], zone) <= head + size(part[0])
    assert len(rendered(update(zone, changes, {}))) <= head + sum(size(change, zone) for change in changes)


def test_a_thousand_addresses_fit_into_one_message():
    changes = [
        Change(key, None, record_set(key, 300, [f"10.1.{number // 250}.{number % 250 + 1}"]))
        for number in range(1000)
        for key in [Key(f"h{number}.bulk.test.", "A")]
    ]
    (chunk,) = chunks(changes, zone="bulk.test.")
    assert len(rendered(update("bulk.test.", chunk, {}))) < 60_000


def test_size_counts_how_the_server_has_cut_a_txt():
    query = dns.message.make_query("t.corp.test.", "TXT")
    answer = dns.message.make_response(query)
    strings = " ".join(['"x"'] * 200)
    answer.answer.append(dns.rrset.from_text("t.corp.test.", 60, "IN", "TXT", strings))
    key = Key("t.corp.test.", "TXT")
    before = sets_in(answer, key)[key]
    assert before.values == ('"' + "x" * 200 + '"',)
    gone = Change(key, before, None)
    assert len(rendered(update(ZONE, [gone], {}))) <= 12 + len(ZONE) + 5 + size(gone)


@settings(max_examples=200, deadline=None)
@given(zone_and_changes(), st.integers(1, 5))
def test_nothing_is_lost_and_names_stay_together(pair, limit):
    _zone, changes = pair
    parts = chunks(changes, max_sets=limit)
    assert sorted((change for part in parts for change in part), key=lambda change: change.key) == sorted(
        changes, key=lambda change: change.key
    )
    place = {change.key.name: number for number, part in enumerate(parts) for change in part}
    for number, part in enumerate(parts):
        for change in part:
            assert place[change.key.name] == number
            for records in (change.before, change.after):
                if records and change.key.type in ("SRV", "CNAME"):
                    assert {place.get(value.split(" ")[-1], number) for value in records.values} == {number}
    assert chunks(changes, max_sets=limit) == parts
