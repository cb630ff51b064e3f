# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several writers of one set on a server that tests of a set only whether the values are there, as Samba does."""

from __future__ import annotations

import dns.rdatatype
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    FakeServer,
    apply_zones,
    execute,
    lose_request,
    wrongly_signed,
)

SECRET = "c2VjcmV0LXNlY3JldA=="
KEY = ("_race._tcp.corp.test.", "SRV")
OLD, MINE, OTHER = (f"5 0 5222 {name}.corp.test." for name in ("old", "mine", "other"))


class LikeSamba(FakeServer):
    def _check(self, message):
        for rrset in message.prerequisite:
            there = self.records.get((rrset.name.to_text(), dns.rdatatype.to_text(rrset.rdtype)), (0, set()))[1]
            if rrset.deleting is not None and there:
                return "YXRRSET"
            if rrset.deleting is None and not {rdata.to_text() for rdata in rrset} <= there:
                return "NXRRSET"
        return "NOERROR"


def record(state, *targets, ttl=60):
    srv = [{"priority": 5, "weight": 0, "port": 5222, "target": target} for target in targets]
    return {"name": "_race._tcp", "type": "SRV", "state": state, "ttl": ttl, "srv": srv}


# Samba's answers do not verify; another server with the same conditions may answer better.
ANSWERS = {"unverifiable": wrongly_signed(), "verified": execute}


def other_writes(change, answer):
    """Somebody else changes the set between our reading and our writing; nobody sees it from the condition."""

    def step(server, message):
        ttl, values = server.records[KEY]
        server.records[KEY] = (ttl, change(values))
        return answer(server, message)

    return step


def run(wish, change, answer=ANSWERS["unverifiable"]):
    key = dns.tsig.Key("chat-update", SECRET, "hmac-sha256")
    fake = LikeSamba({KEY: (60, {OLD})}, script=[other_writes(change, answer), *[answer] * 5], key=key)
    outcome = apply_zones(fake, wish, signer=Tsig("chat-update", SECRET, "hmac-sha256"))
    return outcome, fake.records.get(KEY)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("wish", "updates", "left"),
    [
        (record("present", "mine"), 1, {OLD, MINE, OTHER}),
        (record("present", "mine", ttl=300), 1, {OLD, MINE, OTHER}),
        (record("absent", "old"), 1, {OTHER}),
        # Everybody who adds keeps what he has added; who wants the set for himself sees by reading back that there is more.
        (record("exact", "mine"), 2, {MINE}),
        ({**record("absent"), "srv": None}, 2, None),
    ],
)
def test_what_was_added_since_reading_is_neither_lost_nor_overlooked(wish, updates, left, answer):
    outcome, found = run(wish, lambda values: values | {OTHER}, ANSWERS[answer])
    assert (outcome.changed, outcome.updates) == (True, updates)
    assert (found and found[1]) == left


def test_what_was_removed_since_reading_does_not_come_back():
    outcome, found = run(record("present", "mine", ttl=300), lambda values: {OTHER})
    assert outcome.updates == 2
    assert found == (300, {MINE, OTHER})


def test_a_lost_update_that_lands_late_is_our_change():
    late = []

    def lose(server, message):
        late.append(message)
        return lose_request(server, message)

    def lands(server, message):
        server.execute(late[0])
        return execute(server, message)

    fake = FakeServer({KEY: (60, {OLD})}, script=[lose, lands])
    outcome = apply_zones(fake, record("present", "mine"))
    assert (outcome.changed, outcome.updates, outcome.answer) == (True, 2, "lost")
    assert fake.records[KEY][1] == {OLD, MINE}


def test_what_somebody_else_made_meanwhile_is_kept_and_told():
    def other(server, message):
        server.records[KEY] = (60, {OTHER})
        return execute(server, message)

    fake = FakeServer(script=[other])
    outcome = apply_zones(fake, record("exact", "mine"), policy=Policy("keep"))
    assert (outcome.changed, fake.records[KEY][1]) == (False, {OTHER})
    assert outcome.kept == (
        "_race._tcp.corp.test. SRV exists with other values: [_race._tcp.corp.test. 60 IN SRV 5 0 5222 other.corp.test.] "
        "where [_race._tcp.corp.test. 60 IN SRV 5 0 5222 mine.corp.test.] is asked for.",
    )
