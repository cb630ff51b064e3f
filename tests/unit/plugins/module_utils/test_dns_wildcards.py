# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wildcard answers for names that do not exist, and no answer tells: it neither blocks, nor is kept, nor counts as deleted."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import PlanError
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import ZONE, FakeServer, sent, server_for

STAR = {("*.corp.test.", "A"): (60, {"10.0.0.1"})}
ALIAS = {("*.corp.test.", "CNAME"): (60, {"web.corp.test."})}
CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 300, "entries": ["10.0.0.9"]}
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
    if check_mode:
        assert fake.updates == []
        return
    assert sent(fake.updates[0]) == (
        ["no chat.corp.test. A", "no chat.corp.test. CNAME"],
        ["add chat.corp.test. A 300 10.0.0.9"],
    )
    assert len(fake.updates) == 1
    assert not apply(fake, CHAT).changed


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
    same = {"name": "chat", "type": "A", "state": "exact", "ttl": 60, "entries": ["10.0.0.1"]}
    outcome = apply(fake, same, {"name": "chat", "type": "TXT", "state": "exact", "ttl": 60, "entries": ["mine"]})
    assert outcome.changed
    assert outcome.updates <= 3
    assert fake.records["chat.corp.test.", "TXT"] == (60, {'"mine"'})
