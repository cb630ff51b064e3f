# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wildcard answers for names that do not exist, and no answer tells: it neither blocks, nor is kept, nor counts as deleted or as done."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import PlanError, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    execute,
    lose_request,
    refuse,
    sent,
    server_for,
)

STAR = {("*.corp.test.", "A"): (60, {"10.0.0.1"})}
ALIAS = {("*.corp.test.", "CNAME"): (60, {"web.corp.test."})}
CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 300, "entries": ["10.0.0.9"]}
SAME = {"name": "chat", "type": "A", "state": "exact", "ttl": 60, "entries": ["10.0.0.1"]}
REAL = ("chat.corp.test.", "A")
# Only a condition and nothing to do: the answer says whether it exists.
ASKED = (["some chat.corp.test. A"], [])
GONE = {"name": "chat", "type": "A", "state": "absent"}


def apply(fake, *records, check_mode=False, **policy):
    work = [(server_for(fake), intents_by_zone(list(records), ZONE)[ZONE])]
    return apply_intents(work, Policy(**policy), check_mode=check_mode, sleep=lambda seconds: None)


def behind(records):
    return FakeServer(dict(records), wildcards=True)


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_wildcard_alias_does_not_stand_in_the_way(check_mode):
    fake = behind(ALIAS)
    assert apply(fake, CHAT, check_mode=check_mode).changed
    assert sent(fake.updates[0]) == (["some chat.corp.test. CNAME"], [])
    if check_mode:
        assert len(fake.updates) == 1
        return
    assert sent(fake.updates[1]) == (
        ["no chat.corp.test. A", "no chat.corp.test. CNAME"],
        ["add chat.corp.test. A 300 10.0.0.9"],
    )
    assert len(fake.updates) == 2
    assert not apply(fake, CHAT).changed


def test_a_real_alias_that_equals_the_wildcard_stands_in_the_way():
    fake = behind({**ALIAS, ("chat.corp.test.", "CNAME"): (60, {"web.corp.test."})})
    with pytest.raises(PlanError, match=r"^chat\.corp\.test\. cannot have a CNAME and A at the same time"):
        apply(fake, CHAT)
    assert [sent(message) for message in fake.updates] == [(["some chat.corp.test. CNAME"], [])]


@pytest.mark.parametrize("on_existing", ["keep", "keep_and_warn", "keep_and_fail"])
def test_the_answer_of_a_wildcard_is_nothing_to_keep(on_existing):
    fake = behind(STAR)
    outcome = apply(fake, CHAT, on_existing=on_existing)
    assert (outcome.changed, outcome.updates, outcome.kept) == (True, 1, ())
    assert fake.records["chat.corp.test.", "A"] == (300, {"10.0.0.9"})


def test_what_a_wildcard_answers_cannot_be_deleted():
    fake = behind(STAR)
    outcome = apply(fake, GONE, max_delete=0)
    assert (outcome.changed, outcome.updates) == (False, 0)
    assert [sent(message) for message in fake.updates] == [ASKED]


@pytest.mark.parametrize("state", ["exact", "present"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_set_that_only_a_wildcard_answers_is_not_as_wanted(state, check_mode):
    fake = behind(STAR)
    outcome = apply(fake, {**SAME, "state": state}, check_mode=check_mode)
    assert (outcome.changed, outcome.before) == (True, (None,))
    assert sent(fake.updates[0]) == ASKED
    if check_mode:
        assert (len(fake.updates), outcome.updates, fake.records) == (1, 0, STAR)
        return
    assert [sent(message) for message in fake.updates[1:2]] == [
        (["no chat.corp.test. A", "no chat.corp.test. CNAME"], ["add chat.corp.test. A 60 10.0.0.1"])
    ]
    assert (outcome.updates, fake.records[REAL]) == (1, (60, {"10.0.0.1"}))
    assert not apply(fake, SAME).changed


def test_a_real_set_that_equals_the_wildcard_is_as_wanted_and_one_message_shows_it():
    fake = behind({**STAR, REAL: (60, {"10.0.0.1"}), ("www.corp.test.", "A"): (60, {"10.0.0.1"})})
    outcome = apply(fake, SAME, {**SAME, "name": "www"})
    assert (outcome.changed, outcome.updates, outcome.answer) == (False, 0, "none")
    assert [sent(message) for message in fake.updates] == [(["some chat.corp.test. A", "some www.corp.test. A"], [])]


def test_of_several_sets_that_equal_the_wildcard_only_those_are_written_that_do_not_exist():
    fake = behind({**STAR, REAL: (60, {"10.0.0.1"})})
    outcome = apply(fake, SAME, {**SAME, "name": "www"})
    assert [line for records in outcome.after for line in records.lines] == ["www.corp.test. 60 IN A 10.0.0.1"]
    assert sent(fake.updates[3])[1] == ["add www.corp.test. A 60 10.0.0.1"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_real_set_that_equals_the_wildcard_is_removed(check_mode):
    fake = behind({**STAR, REAL: (60, {"10.0.0.1"})})
    outcome = apply(fake, GONE, check_mode=check_mode)
    assert (outcome.changed, outcome.updates) == (True, 0 if check_mode else 1)
    assert (REAL in fake.records) is check_mode
    assert not apply(fake, GONE).changed or check_mode


def test_a_wildcard_with_other_values_is_no_reason_to_send_anything():
    fake = behind({**STAR, REAL: (300, {"10.0.0.9"})})
    assert not apply(fake, CHAT).changed
    assert fake.updates == []


def test_an_update_that_never_arrived_is_not_taken_for_done_because_a_wildcard_gives_the_same():
    fake = FakeServer(dict(STAR), wildcards=True, script=[execute, lose_request])
    outcome = apply(fake, SAME)
    assert (outcome.changed, outcome.updates, outcome.answer) == (True, 2, "lost")
    assert fake.records[REAL] == (60, {"10.0.0.1"})


def test_the_question_whether_a_set_exists_is_refused():
    fake = FakeServer(dict(STAR), wildcards=True, script=[refuse("REFUSED")])
    with pytest.raises(ServerError) as error:
        apply(fake, SAME)
    assert error.value.what == (
        "DNS server ns1.corp.test refused the question whether chat.corp.test. A exists beside a wildcard with the same "
        "values in the zone corp.test: REFUSED."
    )


def test_the_question_whether_a_set_exists_gets_no_answer():
    fake = FakeServer(dict(STAR), wildcards=True, script=[lose_request, lose_request])
    with pytest.raises(ServerError) as error:
        apply(fake, SAME)
    assert str(error.value) == (
        "DNS server ns1.corp.test did not say whether chat.corp.test. A exists beside a wildcard with the same values: DNS "
        "server ns1.corp.test did not answer over TCP: the connection was closed. Does the server, or a firewall on the "
        "way, drop updates silently? See the log of the DNS server."
    )


def test_a_real_alias_stands_in_the_way():
    fake = behind({**ALIAS, ("chat.corp.test.", "CNAME"): (60, {"old.corp.test."})})
    with pytest.raises(PlanError, match=r"^chat\.corp\.test\. cannot have a CNAME and A at the same time"):
        apply(fake, CHAT)
    assert fake.updates == []


def test_a_real_set_beside_a_wildcard_is_kept():
    fake = behind({**STAR, ("chat.corp.test.", "A"): (60, {"10.0.0.7"})})
    outcome = apply(fake, CHAT, on_existing="keep")
    assert (outcome.changed, len(outcome.kept)) == (False, 1)


def test_a_new_set_that_equals_the_wildcard_beside_one_that_does_not():
    fake = behind({**STAR, ("*.corp.test.", "TXT"): (60, {'"w"'})})
    outcome = apply(fake, SAME, {"name": "chat", "type": "TXT", "state": "exact", "ttl": 60, "entries": ["mine"]})
    assert outcome.changed
    assert outcome.updates <= 3
    assert fake.records["chat.corp.test.", "TXT"] == (60, {'"mine"'})
