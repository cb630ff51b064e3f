# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole task on a server in memory: several zones, several messages, and what a failure leaves."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import (
    ConflictError,
    InputError,
    NotSo,
    PlanError,
    ServerError,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Unsigned
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import Outcome, apply_intents
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    execute,
    ignore,
    lose_answer,
    meddle,
    refuse,
    sent,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    apply_zones as apply,
)

REVERSE = "0.203.10.in-addr.arpa."
ZONES = (ZONE, REVERSE)
CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 60, "entries": ["10.203.0.20"]}
POINTER = {
    "zone": REVERSE,
    "name": "20",
    "type": "PTR",
    "state": "exact",
    "ttl": 60,
    "entries": ["chat.corp.test"],
}
CHAT_KEY = ("chat.corp.test.", "A")
POINTER_KEY = (f"20.{REVERSE}", "PTR")
CHAT_LINE = "chat.corp.test. 60 IN A 10.203.0.20"
POINTER_LINE = f"20.{REVERSE} 60 IN PTR chat.corp.test."
AGAIN = "Run the task again: it goes on from what is there."


def host(number, **more):
    return {"name": f"h{number}", "type": "A", "state": "exact", "ttl": 60, "entries": [f"10.0.0.{number}"], **more}


class Counting(Unsigned):
    """Counts how often a session is opened."""

    def __init__(self):
        self.opened_sessions = 0

    def prepare(self, transport):
        self.opened_sessions += 1


def failure(kind, fake, *records, **options):
    with pytest.raises(kind) as error:
        apply(fake, *records, **options)
    return error.value


def lines(sets):
    return [line for records in sets if records for line in records.lines]


# -- several zones ----------------------------------------------------------------------------------------------------


def test_nothing_is_sent_before_every_zone_was_read():
    fake = FakeServer(zones=ZONES)
    outcome = apply(fake, CHAT, POINTER)
    first_update = fake.events.index("update corp.test.")
    assert fake.events[:first_update] == [
        "question corp.test. SOA",
        "question chat.corp.test. A",
        f"question {REVERSE} SOA",
        f"question 20.{REVERSE} PTR",
    ]
    assert [event for event in fake.events if event.startswith("update")] == ["update corp.test.", f"update {REVERSE}"]
    assert [sent(message)[1] for message in fake.updates] == [
        ["add chat.corp.test. A 60 10.203.0.20"],
        [f"add 20.{REVERSE} PTR 60 chat.corp.test."],
    ]
    assert (outcome.changed, outcome.updates, outcome.answer) == (True, 2, "verified")
    assert lines(outcome.after) == [CHAT_LINE, POINTER_LINE]
    assert outcome.before == (None, None)
    assert [(zone, str(records.key)) for zone, records in outcome.records] == [
        (ZONE, " ".join(CHAT_KEY)),
        (REVERSE, " ".join(POINTER_KEY)),
    ]


def test_second_run_over_several_zones_sends_nothing():
    fake = FakeServer(zones=ZONES)
    first = apply(fake, CHAT, POINTER)
    second = apply(fake, CHAT, POINTER)
    assert second == Outcome(changed=False, before=(), after=(), records=first.records)
    assert len(fake.updates) == 2


def test_only_the_zone_that_differs_is_written():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20"})}, zones=ZONES)
    outcome = apply(fake, CHAT, POINTER)
    assert [message.zone[0].name.to_text() for message in fake.updates] == [REVERSE]
    assert lines(outcome.after) == [POINTER_LINE]
    assert len(outcome.records) == 2


def test_second_zone_that_cannot_be_read_stops_the_first_from_being_written():
    fake = FakeServer()
    error = failure(InputError, fake, CHAT, {**POINTER, "zone": "sub.corp.test"})
    assert error.what == "sub.corp.test is not a zone of its own on DNS server ns1.corp.test; it lies in corp.test."
    assert error.partial is None
    assert fake.updates == []


def test_second_zone_that_cannot_be_planned_stops_the_first_from_being_written():
    fake = FakeServer({(f"20.{REVERSE}", "CNAME"): (60, {"x."})}, zones=ZONES)
    error = failure(PlanError, fake, CHAT, POINTER)
    assert error.what.startswith(f"20.{REVERSE} cannot have a CNAME and PTR at the same time")
    assert fake.updates == []


def test_nothing_to_do():
    assert apply_intents([]) == Outcome(changed=False, before=(), after=(), records=())


# -- check mode -------------------------------------------------------------------------------------------------------


def test_check_mode_says_what_a_run_says():
    fake = FakeServer({CHAT_KEY: (300, {"10.203.0.7"})}, zones=ZONES)
    checked = apply(fake, CHAT, POINTER, check_mode=True)
    assert (fake.updates, checked.updates, checked.answer) == ([], 0, "none")
    done = apply(fake, CHAT, POINTER)
    assert (checked.changed, checked.before, checked.after, checked.records) == (
        done.changed,
        done.before,
        done.after,
        done.records,
    )
    assert lines(checked.before) == ["chat.corp.test. 300 IN A 10.203.0.7"]


def test_check_mode_opens_a_session_only_where_something_would_change():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20"})}, zones=ZONES)
    signer = Counting()
    apply(fake, CHAT, check_mode=True, signer=signer)
    assert signer.opened_sessions == 0
    apply(fake, CHAT, POINTER, check_mode=True, signer=signer)
    assert signer.opened_sessions == 1


def test_check_mode_finds_what_a_run_would_refuse():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.7"})})
    assert "max_delete allows 0" in str(
        failure(
            PlanError, fake, {**CHAT, "state": "absent", "entries": None}, policy=Policy(max_delete=0), check_mode=True
        )
    )


# -- several messages for a zone --------------------------------------------------------------------------------------


def test_as_many_messages_as_needed():
    fake = FakeServer()
    outcome = apply(fake, *map(host, range(1, 8)), max_sets=3)
    assert [len(sent(message)[1]) for message in fake.updates] == [3, 3, 1]
    assert (outcome.changed, outcome.updates, len(outcome.after), len(outcome.records)) == (True, 3, 7, 7)
    assert not apply(fake, *map(host, range(1, 8)), max_sets=3).changed


def test_each_message_is_guarded_and_read_back_for_itself():
    fake = FakeServer()
    apply(fake, host(1), host(2), max_sets=1)
    assert sent(fake.updates[1]) == (
        ["no h2.corp.test. A", "no h2.corp.test. CNAME"],
        ["add h2.corp.test. A 60 10.0.0.2"],
    )
    assert fake.events[4:] == [
        "question corp.test. SOA",
        "question h1.corp.test. A",
        "update corp.test.",
        "question corp.test. SOA",
        "question h2.corp.test. A",
    ]


def test_conflict_in_a_later_message_is_planned_again():
    fake = FakeServer(script=[execute, meddle(("h2.corp.test.", "A"), 300, "10.9.9.9")])
    outcome = apply(fake, host(1), host(2), max_sets=1)
    assert outcome.updates == 3
    assert fake.records == {("h1.corp.test.", "A"): (60, {"10.0.0.1"}), ("h2.corp.test.", "A"): (60, {"10.0.0.2"})}


def test_the_worst_answer_counts():
    fake = FakeServer(script=[execute, lose_answer, execute])
    assert apply(fake, *map(host, (1, 2, 3)), max_sets=1).answer == "lost"


def test_a_large_task_is_read_by_transfers_where_they_are_allowed():
    fake = FakeServer(transfer="NOERROR")
    records = [host(number) for number in range(1, 52)]  # 102 sets have to be known: each has a CNAME beside it
    assert apply(fake, *records).changed
    assert fake.events == ["transfer corp.test.", "update corp.test.", "transfer corp.test."]
    assert not apply(fake, *records).changed
    assert apply(fake, *records[:50], check_mode=True).changed is False
    assert fake.questions[0].question[0].to_text() == "corp.test. IN SOA"
    assert len(fake.questions) == 52  # one of them for the wildcard above all of them
    assert fake.events[-1] == "question *.corp.test. A"


def test_a_large_task_is_read_by_questions_where_they_are_not():
    fake = FakeServer()
    assert apply(fake, *map(host, range(1, 52))).changed
    assert fake.events.count("transfer corp.test.") == 1
    assert len(fake.questions) == 2 * 52


# -- types that a server may not know ---------------------------------------------------------------------------------

CAA = {"name": "@", "type": "CAA", "ttl": 60, "entries": ['0 issue "ca.example"']}
TLSA = {"name": "_5222._tcp.chat", "type": "TLSA", "ttl": 60, "entries": ["3 1 1 " + "ab" * 32]}


def test_unusual_types_are_in_the_first_of_several_messages():
    fake = FakeServer()
    apply(fake, host(1), CAA, TLSA, host(2), max_sets=2)
    assert [sent(message)[1] for message in fake.updates] == [
        [f"add _5222._tcp.chat.corp.test. TLSA 60 3 1 1 {'ab' * 32}", 'add corp.test. CAA 60 0 issue "ca.example"'],
        ["add h1.corp.test. A 60 10.0.0.1", "add h2.corp.test. A 60 10.0.0.2"],
    ]


def test_type_that_the_server_does_not_know_is_found_before_anything_is_written():
    fake = FakeServer(script=[refuse("NOTIMP")])
    error = failure(ServerError, fake, host(1), CAA, TLSA, max_sets=1)
    assert str(error) == (
        "DNS server ns1.corp.test refused the update in the zone corp.test: NOTIMP. Is this Samba? Its DNS server cannot "
        "take records of type TLSA by dynamic update. Leave them out, or keep them in a zone on another server."
    )
    assert (len(fake.updates), fake.records, error.partial) == (1, {}, None)


def test_unusual_type_in_the_second_zone_goes_before_the_first_zone():
    fake = FakeServer(zones=ZONES, script=[refuse("NOTIMP")])
    failure(ServerError, fake, CHAT, {**CAA, "zone": REVERSE})
    assert [event for event in fake.events if event.startswith("update")] == [f"update {REVERSE}"]
    assert fake.records == {}


def test_removing_an_unusual_type_is_nothing_unusual():
    fake = FakeServer({("zz.corp.test.", "CAA"): (60, {'0 issue "ca.example"'})})
    apply(fake, host(1), {**CAA, "name": "zz", "state": "absent", "entries": None}, max_sets=1)
    assert sent(fake.updates[0])[1] == ["add h1.corp.test. A 60 10.0.0.1"]


# -- failures in between ----------------------------------------------------------------------------------------------


def test_failure_in_the_first_message_is_told_as_it_is():
    error = failure(ServerError, FakeServer(zones=ZONES, script=[refuse("REFUSED")]), CHAT, POINTER)
    assert error.partial is None
    assert error.what == "DNS server ns1.corp.test refused the update in the zone corp.test: REFUSED."


def test_failure_in_the_second_zone_says_what_was_written_in_the_first():
    fake = FakeServer(zones=ZONES, script=[execute, refuse("NOTZONE")])
    error = failure(ServerError, fake, CHAT, POINTER)
    assert str(error) == (
        "DNS server ns1.corp.test refused the update in the zone 0.203.10.in-addr.arpa: NOTZONE. 1 record set of this task "
        "had been written before. Do all records lie in this zone? Give zone the name of the zone that holds them. "
        "Run the task again: it goes on from what is there."
    )
    assert (error.partial.changed, error.partial.updates, error.partial.answer) == (True, 1, "verified")
    assert lines(error.partial.after) == [CHAT_LINE]
    assert [records.key.name for _zone, records in error.partial.records] == ["chat.corp.test."]
    assert apply(fake, CHAT, POINTER).changed
    assert set(fake.records) == {CHAT_KEY, POINTER_KEY}


def test_failure_in_the_last_of_several_messages():
    fake = FakeServer(script=[execute, execute, refuse("SERVFAIL")])
    error = failure(ServerError, fake, *map(host, (1, 2, 3, 4, 5)), max_sets=2)
    assert error.what == (
        "DNS server ns1.corp.test refused the update in the zone corp.test: SERVFAIL. 4 record sets of this task had been "
        "written before."
    )
    assert lines(error.partial.after) == [f"h{number}.corp.test. 60 IN A 10.0.0.{number}" for number in (1, 2, 3, 4)]


def test_conflict_without_end_after_something_was_written():
    script = [execute, *(meddle(("h2.corp.test.", "A"), 300, f"10.9.9.{number}") for number in range(3))]
    error = failure(ConflictError, FakeServer(script=script), host(1), host(2), max_sets=1, attempts=3)
    assert str(error) == (
        "DNS server ns1.corp.test: the records were changed by somebody else before each of 3 attempts. "
        "Wanted: [h2.corp.test. 60 IN A 10.0.0.2]. There is: [h2.corp.test. 300 IN A 10.9.9.2]. "
        "1 record set of this task had been written before. "
        "Does another play or host write the same records all the time? Nothing of this update was written. "
        "Use state=present where several writers share a record set. " + AGAIN
    )


def test_update_that_did_not_happen_after_one_that_did():
    error = failure(NotSo, FakeServer(script=[execute, ignore]), host(1), host(2), max_sets=1)
    assert "There is: [nothing]. 1 record set of this task had been written before. Does somebody else" in str(error)
    assert str(error).endswith("See the log of the DNS server. " + AGAIN)


def test_advice_is_not_given_twice():
    def vanish(server, message):
        server.question_rcode = "SERVFAIL"
        return execute(server, message)

    error = failure(NotSo, FakeServer(script=[execute, vanish]), host(1), host(2), max_sets=1)
    assert "so nobody has seen the result." in error.what
    assert str(error).count(AGAIN) == 1
