# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task may do to records that are there already."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, Intent, plan
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import ON_EXISTING, Policy, deleted, replaces
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set

A = Key("chat.corp.test.", "A")
SRV = Key("_xmpp-client._tcp.corp.test.", "SRV")
CNAME = Key("im.corp.test.", "CNAME")
TXT = Key("corp.test.", "TXT")


def world(*sets):
    return {records.key: records for records in sets}


def addresses(*numbers, ttl=60):
    return record_set(A, ttl, [f"10.0.0.{number}" for number in numbers])


def targets(*values, ttl=60):
    return record_set(SRV, ttl, values)


def change(before, after):
    return Change((before or after).key, before, after)


# -- what counts as a replacement -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "intent", "expected"),
    [
        # new sets and new values beside others take nothing away
        (None, Intent(A, "exact", ("10.0.0.1",), 60), False),
        (addresses(1), Intent(A, "present", ("10.0.0.2",)), False),
        (addresses(1), Intent(A, "exact", ("10.0.0.1", "10.0.0.2")), False),
        (targets("5 0 1 a."), Intent(SRV, "present", ("5 0 1 b.",)), False),
        # values that go
        (addresses(1), Intent(A, "exact", ("10.0.0.2",)), True),
        (addresses(1, 2), Intent(A, "exact", ("10.0.0.1",)), True),
        (targets("5 0 1 a."), Intent(SRV, "present", ("9 0 1 a.",)), True),
        (targets("0 0 0 ."), Intent(SRV, "present", ("5 0 1 a.",)), True),
        (record_set(CNAME, 60, ["old."]), Intent(CNAME, "present", ("new.",)), True),
        # another TTL
        (addresses(1), Intent(A, "present", ("10.0.0.1",), 61), True),
        (addresses(1), Intent(A, "present", ("10.0.0.2",), 61), True),
        # a removal is what was asked for, even of some values only
        (addresses(1), Intent(A, "absent"), False),
        (addresses(1, 2), Intent(A, "absent", ("10.0.0.1",)), False),
        (targets("5 0 1 a.", "5 0 1 b."), Intent(SRV, "absent", ("7 7 1 a.",)), False),
    ],
)
def test_what_replaces(before, intent, expected):
    (made,) = plan(world(before) if before else {}, [intent])
    assert replaces(made) is expected
    for word in ON_EXISTING[:3]:
        left_undone = expected and word != "replace"
        assert Policy(word).admitted([made]) == (((), (made,)) if left_undone else ((made,), ()))


def test_replace_is_the_default():
    made = change(addresses(1), addresses(2))
    assert Policy().admitted([made]) == ((made,), ())
    assert (Policy().on_existing, Policy().max_delete) == ("replace", None)


@pytest.mark.parametrize("word", ["keep", "keep_and_warn"])
def test_keep_leaves_only_what_would_be_replaced(word):
    new = change(None, targets("5 0 1 a."))
    other = change(addresses(1, ttl=300), addresses(2))
    gone = change(record_set(TXT, 60, ['"x"']), None)
    assert Policy(word).admitted([new, other, gone]) == ((new, gone), (other,))


def test_what_is_kept_in_words():
    assert Policy.told(change(addresses(1, 2, ttl=300), addresses(3))) == (
        "chat.corp.test. A exists with other values: [chat.corp.test. 300 IN A 10.0.0.1; chat.corp.test. 300 IN A 10.0.0.2] "
        "where [chat.corp.test. 60 IN A 10.0.0.3] is asked for."
    )


def test_keep_and_fail_names_every_set():
    made = [
        change(addresses(1), addresses(2)),
        change(None, record_set(CNAME, 60, ["chat.corp.test."])),
        change(targets("5 0 1 a."), targets("9 0 1 a.")),
    ]
    with pytest.raises(PlanError) as error:
        Policy("keep_and_fail").admitted(made)
    assert str(error.value) == (
        "chat.corp.test. A exists with other values: [chat.corp.test. 60 IN A 10.0.0.1] where "
        "[chat.corp.test. 60 IN A 10.0.0.2] is asked for. "
        "_xmpp-client._tcp.corp.test. SRV exists with other values: [_xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 a.] where "
        "[_xmpp-client._tcp.corp.test. 60 IN SRV 9 0 1 a.] is asked for. "
        "Does another service use this name? "
        "Set on_existing=replace to replace them, or on_existing=keep to leave them as they are."
    )


def test_keep_and_fail_has_nothing_against_new_records_and_removals():
    made = (change(None, addresses(1)), change(targets("5 0 1 a."), targets("5 0 1 a.", "5 0 1 b.")))
    gone = plan(world(addresses(1, 2)), [Intent(A, "absent", ("10.0.0.1",))])
    assert Policy("keep_and_fail").admitted((*made, *gone)) == ((*made, *gone), ())


# -- what counts as deleted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (None, addresses(1), []),
        (addresses(1), addresses(1, 2), []),
        # one for another: a host gets another address
        (addresses(1), addresses(2), []),
        (addresses(1, 2), addresses(3, 4), []),
        (addresses(1, 2), addresses(3, 4, 5), []),
        # fewer than before
        (addresses(1, 2), addresses(3), ["chat.corp.test. 60 IN A 10.0.0.2"]),
        (addresses(1, 2), addresses(1), ["chat.corp.test. 60 IN A 10.0.0.2"]),
        (addresses(1, 2), None, ["chat.corp.test. 60 IN A 10.0.0.1", "chat.corp.test. 60 IN A 10.0.0.2"]),
        # the line has the TTL that it had
        (addresses(1, 2, ttl=300), addresses(2), ["chat.corp.test. 300 IN A 10.0.0.1"]),
        (addresses(1, ttl=300), addresses(1), []),
        # an SRV target is known by name and port, whatever its priority and weight
        (targets("5 0 1 a."), targets("9 7 1 a."), []),
        (targets("5 0 1 a."), targets("5 0 2 a."), []),
        (targets("5 0 1 a.", "5 0 1 b."), targets("5 0 1 a."), ["_xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 b."]),
        # a target with another priority is not another one in the place of the target that goes
        (targets("5 0 1 a.", "5 0 1 b."), targets("9 0 1 a."), ["_xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 b."]),
        (targets("5 0 1 a.", "5 0 1 b."), targets("9 0 1 a.", "5 0 1 c."), []),
        (targets("5 0 1 a."), targets("0 0 0 ."), []),
        # a name has one CNAME
        (record_set(CNAME, 60, ["old."]), record_set(CNAME, 60, ["new."]), []),
        (record_set(CNAME, 60, ["old."]), None, ["im.corp.test. 60 IN CNAME old."]),
    ],
)
def test_deleted(before, after, lines):
    assert deleted([change(before, after)]) == lines


def test_a_cname_that_gives_way_to_addresses_is_deleted():
    old = record_set(Key(A.name, "CNAME"), 60, ["old."])
    assert deleted([change(old, None), change(None, addresses(1))]) == ["chat.corp.test. 60 IN CNAME old."]


# -- how many may go --------------------------------------------------------------------------------------------------


def test_without_a_limit_everything_may_go():
    made = (change(addresses(*range(1, 250)), None),)
    assert Policy().admitted(made) == (made, ())


def test_as_many_as_allowed():
    made = (change(addresses(1, 2), None), change(targets("5 0 1 a."), None))
    assert Policy(max_delete=3).admitted(made) == (made, ())


def test_one_more_than_allowed():
    made = (change(addresses(1, 2), None), change(targets("5 0 1 a."), None))
    with pytest.raises(PlanError) as error:
        Policy(max_delete=2).admitted(made)
    assert str(error.value) == (
        "This task would delete 3 records, and max_delete allows 2: [chat.corp.test. 60 IN A 10.0.0.1; "
        "chat.corp.test. 60 IN A 10.0.0.2; _xmpp-client._tcp.corp.test. 60 IN SRV 5 0 1 a.]. "
        "Is a list of addresses or targets in the task incomplete? Set max_delete to 3 if they shall go."
    )


def test_zero_forbids_deletions_and_nothing_else():
    made = (change(None, addresses(1)), change(targets("5 0 1 a."), targets("9 0 1 a.")))
    assert Policy(max_delete=0).admitted(made) == (made, ())
    with pytest.raises(
        PlanError, match=r"would delete 1 records, and max_delete allows 0: \[chat\.corp\.test\. 60 IN A"
    ):
        Policy(max_delete=0).admitted([change(addresses(1), None)])


def test_the_text_shows_five_of_many():
    with pytest.raises(PlanError) as error:
        Policy(max_delete=0).admitted([change(addresses(*range(1, 8)), None)])
    shown = "; ".join(f"chat.corp.test. 60 IN A 10.0.0.{number}" for number in range(1, 6))
    assert error.value.what == f"This task would delete 7 records, and max_delete allows 0: [{shown}; ...]."


def test_what_is_kept_is_not_deleted():
    made = change(addresses(1, 2), addresses(3))
    assert Policy("keep", max_delete=0).admitted([made]) == ((), (made,))


def test_what_was_spent_counts():
    policy = Policy(max_delete=3)
    policy.spend([change(addresses(1, 2), addresses(3)), change(targets("5 0 1 a."), None)])
    assert policy.spent == 2
    last = (change(addresses(1), None),)
    assert policy.admitted(last) == (last, ())
    with pytest.raises(PlanError) as error:
        policy.admitted([change(addresses(1, 2), None)])
    assert error.value.what.startswith("This task would delete 4 records, and max_delete allows 3: [chat.corp.test. 60")
    assert error.value.action == "Set max_delete to 4 if they shall go."


def test_a_spent_budget_does_not_stop_what_deletes_nothing():
    policy = Policy(max_delete=1)
    policy.spend([change(addresses(1), None)])
    made = (change(None, addresses(1)),)
    assert policy.admitted(made) == (made, ())
