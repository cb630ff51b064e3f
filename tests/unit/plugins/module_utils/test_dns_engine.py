# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The algorithm on a server in memory: what is sent, what is believed, what is said."""

from __future__ import annotations

import dns.rcode
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import (
    ConflictError,
    InputError,
    NotSo,
    PlanError,
    ServerError,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.server import Server
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig, Unsigned
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    ignore,
    lose_answer,
    lose_request,
    meddle,
    refuse,
    sent,
    server_for,
    tsig_error,
    wrongly_signed,
)

CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 86400, "entries": ["10.203.0.20"]}
CLIENT = {
    "service": "xmpp-client",
    "protocol": "tcp",
    "type": "SRV",
    "state": "exact",
    "ttl": 86400,
    "srv": [{"priority": 5, "weight": 0, "port": 5222, "target": "chat.corp.test"}],
}
CHAT_KEY = ("chat.corp.test.", "A")
CLIENT_KEY = ("_xmpp-client._tcp.corp.test.", "SRV")
SECRET = "c2VjcmV0LXNlY3JldA=="
KEY = dns.tsig.Key("chat-update", SECRET, "hmac-sha256")


def apply(fake, *records, signer=None, naps=None, **options):
    sleep = naps.append if naps is not None else lambda seconds: None
    return apply_intents(
        [(server_for(fake, signer), intents_by_zone(list(records), ZONE)[ZONE])], sleep=sleep, **options
    )


def signed(**options):
    return FakeServer(key=KEY, **options), Tsig("chat-update", SECRET, "hmac-sha256")


def test_creates_everything_in_one_guarded_message():
    fake = FakeServer()
    outcome = apply(fake, CHAT, CLIENT)
    assert outcome.changed
    assert (outcome.updates, outcome.answer) == (1, "verified")
    assert len(fake.updates) == 1
    assert sent(fake.updates[0]) == (
        [
            "no _xmpp-client._tcp.corp.test. CNAME",
            "no _xmpp-client._tcp.corp.test. SRV",
            "no chat.corp.test. A",
            "no chat.corp.test. CNAME",
        ],
        [
            "add _xmpp-client._tcp.corp.test. SRV 86400 5 0 5222 chat.corp.test.",
            "add chat.corp.test. A 86400 10.203.0.20",
        ],
    )
    assert fake.updates[0].zone[0].name.to_text() == ZONE


def test_questions_are_not_recursive():
    fake = FakeServer()
    apply(fake, CHAT, check_mode=True)
    assert {int(question.flags) for question in fake.questions} == {0}


def test_second_run_sends_no_update():
    fake = FakeServer()
    apply(fake, CHAT, CLIENT)
    outcome = apply(fake, CHAT, CLIENT)
    assert not outcome.changed
    assert (outcome.updates, outcome.answer) == (0, "none")
    assert len(fake.updates) == 1
    assert [str(records.key) for _zone, records in outcome.records] == [" ".join(CLIENT_KEY), " ".join(CHAT_KEY)]


def test_check_mode_sends_no_update_and_says_what_would_be():
    fake = FakeServer()
    outcome = apply(fake, CHAT, check_mode=True)
    assert fake.updates == []
    assert fake.records == {}
    assert outcome.changed
    assert outcome.before == (None,)
    assert outcome.after[0].lines == ["chat.corp.test. 86400 IN A 10.203.0.20"]
    assert outcome.records[0][1].values == ("10.203.0.20",)


def test_replaces_exactly_what_was_read():
    fake = FakeServer({CHAT_KEY: (3600, {"10.203.0.7", "10.203.0.8"})})
    outcome = apply(fake, CHAT)
    assert sent(fake.updates[0]) == (
        [
            "exactly chat.corp.test. A 10.203.0.7 (ttl 0)",
            "exactly chat.corp.test. A 10.203.0.8 (ttl 0)",
            "no chat.corp.test. CNAME",
        ],
        [
            "delete chat.corp.test. A 10.203.0.7",
            "delete chat.corp.test. A 10.203.0.8",
            "add chat.corp.test. A 86400 10.203.0.20",
        ],
    )
    assert outcome.before[0].lines == ["chat.corp.test. 3600 IN A 10.203.0.7", "chat.corp.test. 3600 IN A 10.203.0.8"]
    assert fake.records[CHAT_KEY] == (86400, {"10.203.0.20"})


def test_prerequisite_keeps_the_spelling_of_the_server():
    fake = FakeServer({CLIENT_KEY: (86400, {"9 0 5222 Chat.CORP.test."})})
    assert apply(fake, CLIENT).changed
    assert "exactly _xmpp-client._tcp.corp.test. SRV 9 0 5222 Chat.CORP.test. (ttl 0)" in sent(fake.updates[0])[0]


def test_only_the_values_that_differ_are_sent():
    other = "5 0 5222 other.corp.test."
    fake = FakeServer({CLIENT_KEY: (86400, {other, "9 0 5222 Chat.corp.test."})})
    assert apply(fake, {**CLIENT, "state": "present"}).changed
    assert sent(fake.updates[0])[1] == [
        "delete _xmpp-client._tcp.corp.test. SRV 9 0 5222 Chat.corp.test.",
        "add _xmpp-client._tcp.corp.test. SRV 86400 5 0 5222 chat.corp.test.",
    ]


def test_a_new_ttl_is_given_to_every_value():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20", "10.203.0.21"})})
    apply(fake, {**CHAT, "entries": ["10.203.0.20", "10.203.0.22"]})
    assert sent(fake.updates[0])[1] == [
        "delete chat.corp.test. A 10.203.0.21",
        "add chat.corp.test. A 86400 10.203.0.20",
        "add chat.corp.test. A 86400 10.203.0.22",
    ]


def test_another_case_is_no_difference():
    fake = FakeServer({CLIENT_KEY: (86400, {"5 0 5222 Chat.CORP.test."})})
    assert not apply(fake, CLIENT).changed


def test_only_the_ttl_differs():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20"})})
    assert apply(fake, CHAT).changed
    assert fake.records[CHAT_KEY] == (86400, {"10.203.0.20"})


def test_removes_a_set():
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20"})})
    outcome = apply(fake, {"name": "chat", "type": "A", "state": "absent"})
    assert outcome.changed
    assert outcome.records == ()
    assert sent(fake.updates[0]) == (
        ["exactly chat.corp.test. A 10.203.0.20 (ttl 0)"],
        ["delete chat.corp.test. A 10.203.0.20"],
    )


def test_cname_gives_way_to_addresses_in_one_message():
    fake = FakeServer({("chat.corp.test.", "CNAME"): (60, {"old.corp.test."})})
    apply(fake, CHAT, {"name": "chat", "type": "CNAME", "state": "absent"})
    assert sent(fake.updates[0]) == (
        ["exactly chat.corp.test. CNAME old.corp.test. (ttl 0)", "no chat.corp.test. A"],
        ["delete chat.corp.test. CNAME old.corp.test.", "add chat.corp.test. A 86400 10.203.0.20"],
    )
    assert set(fake.records) == {CHAT_KEY}


def test_new_cname_is_guarded_against_neighbours():
    fake = FakeServer()
    apply(fake, {"name": "im", "type": "CNAME", "entries": ["chat"]})
    assert sent(fake.updates[0]) == (
        [f"no im.corp.test. {kind}" for kind in ("A", "AAAA", "CNAME", "PTR", "SRV", "TXT")],
        ["add im.corp.test. CNAME 3600 chat.corp.test."],
    )


def test_cname_in_the_way_is_said_before_anything_is_sent():
    fake = FakeServer({("chat.corp.test.", "CNAME"): (60, {"old.corp.test."})})
    with pytest.raises(PlanError) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        "chat.corp.test. cannot have a CNAME and A at the same time (RFC 1034 3.6.2). Is chat.corp.test. CNAME left from "
        "an earlier set-up? Remove one of them: give it with state=absent in the same task, then both happen in one step "
        "(role dns: a CNAME in the way of a host goes when dns_retired_names names the host)."
    )
    assert fake.updates == []


# -- somebody else writes ---------------------------------------------------------------------------------------------


def test_conflict_is_read_and_planned_again_and_nobody_loses_a_target():
    mine = {**CLIENT, "state": "present"}
    fake = FakeServer(script=[meddle(CLIENT_KEY, 86400, "5 0 5222 other.corp.test.")])
    outcome = apply(fake, mine)
    assert outcome.updates == 2
    assert fake.records[CLIENT_KEY] == (86400, {"5 0 5222 chat.corp.test.", "5 0 5222 other.corp.test."})
    assert "exactly _xmpp-client._tcp.corp.test. SRV 5 0 5222 other.corp.test. (ttl 0)" in sent(fake.updates[1])[0]


def test_conflict_where_the_other_wrote_what_we_want_is_no_change_of_ours():
    fake = FakeServer(script=[meddle(CHAT_KEY, 86400, "10.203.0.20")])
    outcome = apply(fake, CHAT)
    assert not outcome.changed
    assert outcome.updates == 1


def test_endless_conflict_ends_with_both_values():
    naps = []
    fake = FakeServer(script=[meddle(CHAT_KEY, 60, f"10.9.9.{number}") for number in range(5)])
    with pytest.raises(ConflictError) as error:
        apply(fake, CHAT, attempts=5, naps=naps)
    assert str(error.value) == (
        "DNS server ns1.corp.test: the records were changed by somebody else before each of 5 attempts. "
        "Wanted: [chat.corp.test. 86400 IN A 10.203.0.20]. There is: [chat.corp.test. 60 IN A 10.9.9.4]. "
        "Does another play or host write the same records all the time? "
        "Nothing of this update was written. Use state=present where several writers share a record set."
    )
    assert len(fake.updates) == 5
    assert len(naps) == 5
    assert fake.records == {CHAT_KEY: (60, {"10.9.9.4"})}


def test_a_wildcard_is_seen_through():
    fake = FakeServer({("*.corp.test.", "A"): (300, {"10.9.9.9"})}, wildcards=True)
    outcome = apply(fake, CHAT)
    assert outcome.changed
    assert outcome.updates == 2
    assert sent(fake.updates[1]) == (["some chat.corp.test. A"], [])
    assert "no chat.corp.test. A" in sent(fake.updates[2])[0]
    assert fake.records == {("*.corp.test.", "A"): (300, {"10.9.9.9"}), CHAT_KEY: (86400, {"10.203.0.20"})}


def test_removing_what_only_a_wildcard_answers_changes_nothing():
    fake = FakeServer({("*.corp.test.", "A"): (300, {"10.9.9.9"})}, wildcards=True)
    assert not apply(fake, {"name": "chat", "type": "A", "state": "absent"}).changed
    assert set(fake.records) == {("*.corp.test.", "A")}


# -- answers that prove nothing ---------------------------------------------------------------------------------------


def test_unverifiable_answer_is_settled_by_reading_back():
    fake, signer = signed(script=[wrongly_signed()])
    outcome = apply(fake, CHAT, signer=signer)
    assert outcome.changed
    assert (outcome.updates, outcome.answer) == (1, "unverifiable")


def test_unverifiable_refusal_is_a_refusal_when_nothing_was_written():
    fake, signer = signed(script=[wrongly_signed("REFUSED")])
    with pytest.raises(ServerError, match=r"refused the update in the zone corp\.test: REFUSED"):
        apply(fake, CHAT, signer=signer)


def test_unverifiable_conflict_is_planned_again():
    fake, signer = signed()

    def conflict(server, message):
        server.records[CHAT_KEY] = (60, {"10.9.9.9"})
        return wrongly_signed()(server, message)

    fake.script = [conflict]
    outcome = apply(fake, CHAT, signer=signer)
    assert outcome.updates == 2
    assert fake.records[CHAT_KEY] == (86400, {"10.203.0.20"})


def test_lost_answer_of_an_update_that_happened():
    fake = FakeServer(script=[lose_answer])
    outcome = apply(fake, CHAT)
    assert outcome.changed
    assert (outcome.updates, outcome.answer) == (1, "lost")


def test_lost_request_is_sent_again_with_the_same_guard():
    fake = FakeServer(script=[lose_request])
    outcome = apply(fake, CHAT)
    assert outcome.updates == 2
    assert sent(fake.updates[0]) == sent(fake.updates[1])


def test_update_that_never_arrives():
    fake = FakeServer(script=[lose_request] * 9)
    with pytest.raises(NotSo) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        "DNS server ns1.corp.test: the update was sent 3 times, its outcome could not be learnt from the answers "
        "(DNS server ns1.corp.test did not answer over TCP: the connection was closed), and reading back shows that it "
        "did not happen. Wanted: [chat.corp.test. 86400 IN A 10.203.0.20]. There is: [nothing]. "
        "Does the server, or a firewall on the way, drop updates silently? See the log of the DNS server."
    )


def test_noerror_is_no_proof():
    fake = FakeServer(script=[ignore])
    with pytest.raises(NotSo) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        "DNS server ns1.corp.test accepted the update, but reading back shows something else. "
        "Wanted: [chat.corp.test. 86400 IN A 10.203.0.20]. There is: [nothing]. "
        "Does somebody else write the same records, or does the server ignore this kind of record? "
        "See the log of the DNS server."
    )


def test_server_that_goes_away_after_the_update():
    fake = FakeServer()

    def vanish(server, message):
        server.execute(message)
        server.question_rcode = "SERVFAIL"
        return server.reply(message, "NOERROR")

    fake.script = [vanish]
    with pytest.raises(NotSo, match="accepted an update, and then reading back failed, so nobody has seen the result"):
        apply(fake, CHAT)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rcode", "text"),
    [
        (
            "REFUSED",
            "DNS server ns1.corp.test refused the update in the zone corp.test: REFUSED. Is an unsigned update allowed to "
            "write in this zone? In Active Directory: give the account the right to create and write records in the zone "
            "(or make it a member of DnsAdmins), see whether the zone takes secure updates at all (Get-DnsServerZone: "
            "DynamicUpdate), and name a domain controller that is not read-only; with BIND: see allow-update and update-policy.",
        ),
        (
            "NOTAUTH",
            "DNS server ns1.corp.test refused the update in the zone corp.test: NOTAUTH. Is this the primary server of "
            "the zone, and does it know the key? Name the primary in server; for secondaries the SOA record tells it.",
        ),
        (
            "NOTZONE",
            "DNS server ns1.corp.test refused the update in the zone corp.test: NOTZONE. Do all records lie in this zone? "
            "Give zone the name of the zone that holds them.",
        ),
        (
            "NOTIMP",
            "DNS server ns1.corp.test refused the update in the zone corp.test: NOTIMP. Does this server know dynamic "
            "update and every record type in the task? Leave out types that it cannot do, or create them with the "
            "server's own tools.",
        ),
        (
            "SERVFAIL",
            "DNS server ns1.corp.test refused the update in the zone corp.test: SERVFAIL. Is an unsigned update allowed to "
            "change these records? Samba says SERVFAIL when they belong to another account. Give the account write access "
            "to the records or make it a member of DnsAdmins; otherwise see the log of the DNS server.",
        ),
        (
            "FORMERR",
            "DNS server ns1.corp.test refused the update in the zone corp.test: FORMERR. See the log of the DNS server.",
        ),
    ],
)
def test_refusals_in_words(rcode, text):
    fake = FakeServer(script=[refuse(rcode)])
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT)
    assert str(error.value) == text
    assert len(fake.updates) == 1
    assert fake.records == {}


def test_samba_cannot_store_the_target_that_means_no_service():
    fake = FakeServer(script=[refuse("SERVFAIL")])
    with pytest.raises(ServerError) as error:
        apply(fake, {"name": "_xmpp-server._tcp", "type": "SRV", "srv": [none_there()]})
    assert str(error.value) == (
        "DNS server ns1.corp.test refused the update in the zone corp.test: SERVFAIL. Is this Samba? Its DNS server cannot "
        'take the SRV target "." of _xmpp-server._tcp.corp.test. by dynamic update. Use state=absent there instead, or add '
        "that record once with samba-tool dns add."
    )


def none_there():
    return {"priority": 0, "weight": 0, "port": 0, "target": "."}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            dns.rcode.BADKEY,
            "DNS server ns1.corp.test refused the update in the zone corp.test: BADKEY, it does not know the TSIG key "
            "chat-update (hmac-sha256). Are the name and the algorithm of the key the same as in the server's "
            "configuration?",
        ),
        (
            dns.rcode.BADSIG,
            "DNS server ns1.corp.test refused the update in the zone corp.test: BADSIG, the signature is wrong (the TSIG "
            "key chat-update (hmac-sha256)). Is the secret of the key right?",
        ),
        (
            dns.rcode.BADTIME,
            "DNS server ns1.corp.test refused the update in the zone corp.test: BADTIME, the clocks of the controller and "
            "of the server are too far apart. Is time synchronisation running on both? TSIG allows 5 minutes; compare "
            "with: date",
        ),
    ],
)
def test_signature_errors_in_words(code, text):
    fake, signer = signed(script=[tsig_error(code)])
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT, signer=signer)
    assert str(error.value) == text


def test_questions_are_signed_with_tsig_because_the_key_chooses_the_view():
    fake, signer = signed()
    apply(fake, CHAT, signer=signer)
    assert all(question.had_tsig for question in fake.questions)
    assert fake.updates[0].had_tsig


def test_unsigned_answer_to_a_signed_question_is_not_believed():
    fake, signer = signed()
    honest = fake.respond

    def unsigned(wire):
        fake.key = None
        try:
            return honest(wire)
        finally:
            fake.key = KEY

    fake.respond = unsigned
    with pytest.raises(ServerError, match="gave an answer that cannot be trusted"):
        apply(fake, CHAT, signer=signer)
    assert fake.updates == []


# -- questions that go wrong ------------------------------------------------------------------------------------------


def test_server_without_the_zone():
    fake = FakeServer()
    fake.question_rcode = "REFUSED"
    with pytest.raises(ServerError) as error:
        apply(fake, CHAT)
    assert str(error.value) == (
        "DNS server ns1.corp.test is not authoritative for the zone corp.test (its answer: REFUSED). Is the name of the "
        "zone right, and is this the primary server for it? Check with: dig +norecurse @ns1.corp.test corp.test SOA"
    )


def test_resolver_instead_of_a_primary():
    fake = FakeServer()
    fake.authoritative = False
    with pytest.raises(ServerError, match=r"is not authoritative for the zone corp\.test"):
        apply(fake, CHAT)


def test_name_that_is_no_zone():
    server = Server(FakeServer(), "sub.corp.test.", Unsigned())
    with pytest.raises(InputError) as error:
        server.read([])
    assert str(error.value) == (
        "sub.corp.test is not a zone of its own on DNS server ns1.corp.test; it lies in corp.test. "
        "Is corp.test the zone that is meant? Set zone to corp.test."
    )


def test_too_much_for_one_message():
    many = {"name": "big", "type": "TXT", "entries": [f"{number:05d}" + "x" * 250 for number in range(300)]}
    fake = FakeServer()
    with pytest.raises(
        InputError,
        match=r"^The changes of big.corp.test. and the names that hang together with it do not fit into one DNS message of 64 KiB\. Split the records",
    ):
        apply(fake, many)
    assert fake.updates == []
