# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions about what exists, over a whole task on a server in memory."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import (
    PlanError,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    execute,
    meddle,
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


def failure(kind, fake, *records, **options):
    with pytest.raises(kind) as error:
        apply(fake, *records, **options)
    return error.value


def lines(sets):
    return [line for records in sets if records for line in records.lines]


OTHER = {CHAT_KEY: (300, {"10.203.0.7"})}


def test_kept_sets_are_told_and_everything_else_is_written():
    fake = FakeServer(OTHER, zones=ZONES)
    outcome = apply(fake, CHAT, POINTER, policy=Policy("keep"))
    assert outcome.kept == (
        "chat.corp.test. A exists with other values: [chat.corp.test. 300 IN A 10.203.0.7] where "
        "[chat.corp.test. 60 IN A 10.203.0.20] is asked for.",
    )
    assert lines(outcome.after) == [POINTER_LINE]
    assert lines(records for _zone, records in outcome.records) == ["chat.corp.test. 300 IN A 10.203.0.7", POINTER_LINE]
    assert fake.records[CHAT_KEY] == (300, {"10.203.0.7"})
    again = apply(fake, CHAT, POINTER, policy=Policy("keep"))
    assert (again.changed, again.updates, again.kept) == (False, 0, outcome.kept)


def test_keep_and_fail_in_the_second_zone_stops_everything():
    fake = FakeServer({POINTER_KEY: (60, {"old.corp.test."})}, zones=ZONES)
    error = failure(PlanError, fake, CHAT, POINTER, policy=Policy("keep_and_fail"))
    assert error.what.startswith(f"20.{REVERSE} PTR exists with other values: [20.{REVERSE} 60 IN PTR old.corp.test.]")
    assert fake.updates == []


def test_keep_lets_a_removal_pass():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20", "10.203.0.21"})})
    outcome = apply(fake, {**CHAT, "state": "absent"}, policy=Policy("keep"))
    assert (outcome.changed, outcome.kept) == (True, ())
    assert fake.records == {CHAT_KEY: (60, {"10.203.0.21"})}


def test_somebody_else_takes_the_name_in_between():
    fake = FakeServer(script=[meddle(CHAT_KEY, 300, "10.203.0.7")])
    outcome = apply(fake, CHAT, policy=Policy("keep"))
    assert (outcome.changed, fake.records) == (False, OTHER)
    error = failure(
        PlanError, FakeServer(script=[meddle(CHAT_KEY, 300, "10.203.0.7")]), CHAT, policy=Policy("keep_and_fail")
    )
    assert error.what.startswith("chat.corp.test. A exists with other values: [chat.corp.test. 300 IN A 10.203.0.7]")


GONE = [{**CHAT, "state": "absent", "entries": None}, {**POINTER, "state": "absent", "entries": None}]
BOTH = {CHAT_KEY: (60, {"10.203.0.20"}), POINTER_KEY: (60, {"chat.corp.test."})}


def test_the_limit_of_deletions_counts_over_all_zones():
    fake = FakeServer(BOTH, zones=ZONES)
    error = failure(PlanError, fake, *GONE, policy=Policy(max_delete=1))
    assert error.what == (f"This task would delete 2 records, and max_delete allows 1: [{CHAT_LINE}; {POINTER_LINE}].")
    assert fake.updates == []
    assert apply(fake, *GONE, policy=Policy(max_delete=2)).changed
    assert fake.records == {}


def test_what_somebody_else_adds_in_between_does_not_widen_the_limit():
    fake = FakeServer(BOTH, zones=ZONES, script=[execute, meddle(POINTER_KEY, 60, "a.corp.test.", "b.corp.test.")])
    error = failure(PlanError, fake, *GONE, policy=Policy(max_delete=2))
    assert error.what.startswith(
        "This task would delete 3 records, and max_delete allows 2: [20.0.203.10.in-addr.arpa."
    )
    assert error.what.endswith("1 record set of this task had been written before.")
    assert fake.records == {POINTER_KEY: (60, {"a.corp.test.", "b.corp.test."})}
