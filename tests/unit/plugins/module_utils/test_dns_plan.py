# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: examples, and properties that hold for every world."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import (
    Intent,
    applied,
    keys_to_read,
    plan,
    wanted,
    zone_lines,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set

A = Key("chat.corp.test.", "A")
SRV = Key("_xmpp-client._tcp.corp.test.", "SRV")
CNAME = Key("chat.corp.test.", "CNAME")


def srv(*values, ttl=60):
    return record_set(SRV, ttl, values)


@pytest.mark.parametrize(
    ("before", "intent", "after"),
    [
        # exact
        (None, Intent(SRV, "exact", ("5 0 1 a.",), 60), srv("5 0 1 a.")),
        (srv("5 0 1 b."), Intent(SRV, "exact", ("5 0 1 a.",), 60), srv("5 0 1 a.")),
        (srv("5 0 1 a.", ttl=9), Intent(SRV, "exact", ("5 0 1 a.",)), srv("5 0 1 a.", ttl=9)),
        (None, Intent(SRV, "exact", ("5 0 1 a.",)), srv("5 0 1 a.", ttl=3600)),
        # present: others keep theirs, the same target is replaced
        (srv("5 0 1 b."), Intent(SRV, "present", ("5 0 1 a.",), 60), srv("5 0 1 a.", "5 0 1 b.")),
        (srv("9 9 1 a.", "5 0 1 b."), Intent(SRV, "present", ("5 0 1 a.",), 60), srv("5 0 1 a.", "5 0 1 b.")),
        (srv("5 0 2 a."), Intent(SRV, "present", ("5 0 1 a.",), 60), srv("5 0 1 a.", "5 0 2 a.")),
        (srv("0 0 0 ."), Intent(SRV, "present", ("5 0 1 a.",), 60), srv("5 0 1 a.")),
        (srv("5 0 1 a."), Intent(SRV, "present", ("0 0 0 .",), 60), srv("0 0 0 .")),
        # absent
        (srv("5 0 1 a.", "5 0 1 b."), Intent(SRV, "absent"), None),
        (srv("5 0 1 a.", "5 0 1 b."), Intent(SRV, "absent", ("7 7 1 a.",)), srv("5 0 1 b.")),
        (srv("5 0 1 a."), Intent(SRV, "absent", ("5 0 1 a.",)), None),
        (srv("5 0 1 a."), Intent(SRV, "absent", ("5 0 1 z.",)), srv("5 0 1 a.")),
        (None, Intent(SRV, "absent"), None),
    ],
)
def test_what_a_set_becomes(before, intent, after):
    assert wanted(before, intent) == after


def test_a_name_has_one_cname():
    old = record_set(CNAME, 60, ["old."])
    assert wanted(old, Intent(CNAME, "present", ("new.",))).values == ("new.",)
    assert wanted(old, Intent(CNAME, "absent", ("other.",))) == old


def test_neighbours_of_a_cname_are_read():
    assert keys_to_read([Intent(A, "present", ("10.0.0.1",))]) == [A, CNAME]
    assert [key.type for key in keys_to_read([Intent(CNAME, "exact", ("a.",))])] == [
        "A",
        "AAAA",
        "CNAME",
        "PTR",
        "SRV",
        "TXT",
    ]
    assert keys_to_read([Intent(A, "absent")]) == [A]


def test_a_set_that_nobody_asked_about_is_left_alone_even_if_broken():
    world = {CNAME: record_set(CNAME, 60, ["a."]), A: record_set(A, 60, ["10.0.0.1"])}
    assert plan(world, [Intent(SRV, "absent")]) == ()


def test_cname_next_to_addresses_is_refused():
    with pytest.raises(PlanError, match=r"cannot have a CNAME and A at the same time"):
        plan({}, [Intent(A, "exact", ("10.0.0.1",)), Intent(CNAME, "exact", ("a.",))])


def test_lines_of_a_zone_file():
    assert zone_lines([None, srv("5 0 1 a.", "5 0 1 b.")]) == (
        "_xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 a.\n_xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 b.\n"
    )


names = st.sampled_from([f"{label}.corp.test." for label in "abcd"])
addresses = st.sets(st.integers(1, 6).map("10.0.0.{}".format), min_size=1, max_size=4)
targets = st.sets(
    st.tuples(st.integers(0, 2), st.sampled_from(["a.", "b.", "c."])),
    min_size=1,
    max_size=3,
)
ttls = st.one_of(st.none(), st.sampled_from([60, 3600]))
states = st.sampled_from(["present", "exact", "absent"])


@st.composite
def key_and_values(draw):
    kind = draw(st.sampled_from(["A", "SRV"]))
    key = Key(draw(names), kind)
    if kind == "A":
        return key, tuple(sorted(draw(addresses)))
    by_target = {target: priority for priority, target in sorted(draw(targets))}
    return key, tuple(f"{priority} 0 5222 {target}" for target, priority in sorted(by_target.items()))


worlds = st.lists(key_and_values(), max_size=6).map(
    lambda pairs: {key: record_set(key, 60, values) for key, values in pairs}
)
intents_lists = st.lists(
    st.builds(
        lambda pair, state, ttl, whole: Intent(pair[0], state, () if state == "absent" and whole else pair[1], ttl),
        key_and_values(),
        states,
        ttls,
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda intent: intent.key,
)


@given(worlds, intents_lists)
def test_applying_the_plan_gives_what_is_wanted(world, intents):
    after = applied(world, plan(world, intents))
    for intent in intents:
        assert after.get(intent.key) == wanted(world.get(intent.key), intent)


@given(worlds, intents_lists)
def test_planning_again_gives_nothing(world, intents):
    assert plan(applied(world, plan(world, intents)), intents) == ()


@given(worlds, intents_lists, st.randoms())
def test_the_order_of_input_does_not_matter(world, intents, rnd: random.Random):
    shuffled = list(intents)
    rnd.shuffle(shuffled)
    assert plan(world, shuffled) == plan(world, intents)


@given(worlds, intents_lists)
def test_nothing_else_is_touched(world, intents):
    after = applied(world, plan(world, intents))
    asked = {intent.key for intent in intents}
    assert {key: value for key, value in after.items() if key not in asked} == {
        key: value for key, value in world.items() if key not in asked
    }


@given(worlds, key_and_values(), key_and_values())
def test_two_owners_do_not_erase_each_other(world, mine, yours):
    for key, values in (mine, yours):
        world = applied(world, plan(world, [Intent(key, "present", values)]))
    if mine[0] != yours[0] or not {value.split(" ", 1)[-1] for value in mine[1]} & {
        value.split(" ", 1)[-1] for value in yours[1]
    }:
        assert set(mine[1]) <= set(world[mine[0]].values)
