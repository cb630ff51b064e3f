# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is as wanted is sent again where that is asked for, so that the server renews its time stamps; it is no change."""

from __future__ import annotations

import dns.name
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.command import result_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import AuthenticationError, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.policy import Policy
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig, Unsigned
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    apply_zones,
    execute,
    lose_answer,
    lose_request,
    meddle,
    refuse,
    sent,
    tsig_error,
)

REVERSE = "0.203.10.in-addr.arpa."
CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 60, "entries": ["10.203.0.20"]}
CHAT_KEY = ("chat.corp.test.", "A")
SERVICE = {
    "name": "_xmpp-client._tcp",
    "type": "SRV",
    "ttl": 60,
    "srv": [{"priority": 5, "weight": 0, "port": 5222, "target": "chat.corp.test"}],
}
SERVICE_KEY = ("_xmpp-client._tcp.corp.test.", "SRV")
THERE = {CHAT_KEY: (60, {"10.203.0.20"}), SERVICE_KEY: (60, {"5 0 5222 chat.corp.test."})}
POINTER = {"zone": REVERSE, "name": "20", "type": "PTR", "ttl": 60, "entries": ["chat.corp.test"]}
NOT_RENEWED = "The records are as wanted, but the time stamps of [chat.corp.test. A] on DNS server ns1.corp.test could not be renewed. "


def apply(fake, *records, **options):
    return apply_zones(fake, *records, **{"refreshing": True, **options})


def test_one_guarded_message_for_all_sets_and_no_change():
    fake = FakeServer(dict(THERE))
    outcome = apply(fake, CHAT, SERVICE)
    assert [sent(message) for message in fake.updates] == [
        (
            [
                "exactly _xmpp-client._tcp.corp.test. SRV 5 0 5222 chat.corp.test. (ttl 0)",
                "exactly chat.corp.test. A 10.203.0.20 (ttl 0)",
            ],
            [
                "add _xmpp-client._tcp.corp.test. SRV 60 5 0 5222 chat.corp.test.",
                "add chat.corp.test. A 60 10.203.0.20",
            ],
        )
    ]
    assert (outcome.changed, outcome.updates, outcome.answer, outcome.warnings) == (False, 0, "none", ())
    assert outcome.refreshed == ("_xmpp-client._tcp.corp.test. SRV", "chat.corp.test. A")
    assert result_of(outcome)["refreshed"] == list(outcome.refreshed)
    assert "diff" not in result_of(outcome)
    assert fake.records == THERE


@pytest.mark.parametrize("options", [{"check_mode": True}, {"refreshing": False}])
def test_nothing_is_sent_in_check_mode_or_without_being_asked(options):
    fake = FakeServer(dict(THERE))
    outcome = apply(fake, CHAT, SERVICE, **options)
    assert (outcome.changed, outcome.refreshed, fake.updates) == (False, (), [])


def test_what_was_written_just_now_is_not_sent_again():
    fake = FakeServer({CHAT_KEY: THERE[CHAT_KEY]})
    outcome = apply(fake, CHAT, SERVICE)
    assert (outcome.changed, outcome.updates, outcome.refreshed) == (True, 1, ("chat.corp.test. A",))
    assert [sent(message)[1] for message in fake.updates] == [
        ["add _xmpp-client._tcp.corp.test. SRV 60 5 0 5222 chat.corp.test."],
        ["add chat.corp.test. A 60 10.203.0.20"],
    ]


def test_of_a_shared_set_only_the_own_values_are_sent_in_the_spelling_of_the_server():
    fake = FakeServer({SERVICE_KEY: (60, {"5 0 5222 Chat.corp.test.", "5 0 5222 other.corp.test."})})
    apply(fake, SERVICE)
    assert sent(fake.updates[0])[1] == ["add _xmpp-client._tcp.corp.test. SRV 60 5 0 5222 Chat.corp.test."]
    assert len(sent(fake.updates[0])[0]) == 2


def test_the_ttl_stays_where_none_is_given():
    fake = FakeServer({CHAT_KEY: (300, {"10.203.0.20"})})
    apply(fake, {"name": "chat", "type": "A", "entries": ["10.203.0.20"]})
    assert sent(fake.updates[0])[1] == ["add chat.corp.test. A 300 10.203.0.20"]


def test_neither_what_is_kept_nor_what_shall_be_gone_is_sent():
    fake = FakeServer({CHAT_KEY: (60, {"10.9.9.9"}), ("old.corp.test.", "A"): (60, {"10.9.9.8"})})
    gone = {"name": "old", "type": "A", "state": "absent", "entries": ["10.9.9.7"]}
    outcome = apply(fake, CHAT, gone, policy=Policy("keep"))
    assert (len(outcome.kept), outcome.refreshed, fake.updates) == (1, (), [])


def test_each_zone_and_as_many_messages_as_needed():
    hosts = [{"name": f"h{n}", "type": "A", "ttl": 60, "entries": [f"10.0.0.{n}"]} for n in (1, 2, 3)]
    fake = FakeServer(zones=(ZONE, REVERSE))
    apply(fake, *hosts, POINTER, refreshing=False)
    fake.updates.clear()
    outcome = apply(fake, *hosts, POINTER, max_sets=2)
    assert [len(sent(message)[1]) for message in fake.updates] == [2, 1, 1]
    assert [message.zone[0].name.to_text() for message in fake.updates] == [ZONE, ZONE, REVERSE]
    assert len(outcome.refreshed) == 4


def test_a_shared_set_that_fits_into_no_message_is_a_warning():
    many = {f"5 0 5222 {'x' * 50}{number}.corp.test." for number in range(500)}
    fake = FakeServer({SERVICE_KEY: (60, {*many, "5 0 5222 chat.corp.test."})})
    outcome = apply(fake, SERVICE)
    assert (outcome.changed, outcome.refreshed, len(outcome.warnings), fake.updates) == (False, (), 1, [])
    assert "do not fit into one DNS message of 64 KiB." in outcome.warnings[0]


def test_the_message_is_signed():
    key = dns.tsig.Key(dns.name.from_text("chat."), b"secret", dns.name.from_text("hmac-sha256"))
    fake = FakeServer(dict(THERE), key=key)
    outcome = apply(fake, CHAT, signer=Tsig("chat", "c2VjcmV0", "hmac-sha256"))
    assert fake.updates[0].had_tsig
    assert outcome.refreshed == ("chat.corp.test. A",)


def test_values_that_somebody_else_changed_meanwhile_are_planned_again():
    fake = FakeServer(dict(THERE), script=[meddle(CHAT_KEY, 300, "10.9.9.9")])
    outcome = apply(fake, CHAT, SERVICE)
    assert (outcome.changed, outcome.updates) == (True, 1)
    assert [line for records in outcome.before for line in records.lines] == ["chat.corp.test. 300 IN A 10.9.9.9"]
    assert [line for records in outcome.after for line in records.lines] == ["chat.corp.test. 60 IN A 10.203.0.20"]
    assert outcome.refreshed == ("_xmpp-client._tcp.corp.test. SRV",)
    assert fake.records == THERE
    assert len(outcome.records) == 2


def test_values_that_somebody_else_added_meanwhile_stay():
    fake = FakeServer(
        dict(THERE), script=[meddle(SERVICE_KEY, 60, "5 0 5222 chat.corp.test.", "9 0 5222 other.corp.test.")]
    )
    outcome = apply(fake, SERVICE)
    assert (outcome.changed, outcome.updates, outcome.refreshed) == (False, 0, (" ".join(SERVICE_KEY),))
    assert len(fake.updates) == 2
    assert fake.records[SERVICE_KEY] == (60, {"5 0 5222 chat.corp.test.", "9 0 5222 other.corp.test."})


def test_what_somebody_else_changed_and_cannot_be_made_as_wanted_again_is_a_failure():
    fake = FakeServer(dict(THERE), script=[meddle(CHAT_KEY, 300, "10.9.9.9"), refuse("REFUSED")])
    with pytest.raises(
        ServerError, match=r"^DNS server ns1\.corp\.test refused the update in the zone corp\.test: REFUSED"
    ):
        apply(fake, CHAT)


def test_somebody_else_who_never_ends():
    script = [meddle(SERVICE_KEY, 60, "5 0 5222 chat.corp.test.", f"9 0 5222 o{number}.") for number in range(3)]
    outcome = apply(FakeServer(dict(THERE), script=script), SERVICE, attempts=3)
    assert outcome.warnings == (
        "The records are as wanted, but the time stamps of [_xmpp-client._tcp.corp.test. SRV] on DNS server ns1.corp.test "
        "could not be renewed. Somebody else changed them before each of 3 attempts.",
    )
    assert (outcome.changed, outcome.refreshed) == (False, ())


def test_a_refusal_is_a_warning_because_the_records_are_as_wanted():
    outcome = apply(FakeServer(dict(THERE), script=[refuse("REFUSED")]), CHAT)
    assert (outcome.changed, outcome.refreshed) == (False, ())
    assert len(outcome.warnings) == 1
    assert outcome.warnings[0].startswith(
        NOT_RENEWED
        + "DNS server ns1.corp.test refused the refresh in the zone corp.test: REFUSED. Is an unsigned update "
    )


def belongs_to_others(*names, rcode="REFUSED"):
    """A server refuses a message as a whole, whoever the other sets in it belong to."""

    def step(server, message):
        if any(rrset.name.to_text() in names for rrset in message.update):
            return server.reply(message, rcode)
        return execute(server, message)

    return [step] * 20


@pytest.mark.parametrize("rcode", ["REFUSED", "SERVFAIL", "NOTIMP"])
def test_one_set_of_somebody_else_does_not_keep_the_others_from_being_renewed(rcode):
    fake = FakeServer(dict(THERE), script=belongs_to_others("chat.corp.test.", rcode=rcode))
    outcome = apply(fake, CHAT, SERVICE)
    assert (outcome.changed, outcome.refreshed) == (False, ("_xmpp-client._tcp.corp.test. SRV",))
    assert [len(sent(message)[1]) for message in fake.updates] == [2, 1, 1]
    (warning,) = outcome.warnings
    assert warning.startswith(
        f"{NOT_RENEWED}DNS server ns1.corp.test refused the refresh in the zone corp.test: {rcode}. "
    )


def test_a_refused_message_does_not_keep_the_next_ones_from_being_sent():
    hosts = [{"name": f"h{n}", "type": "A", "ttl": 60, "entries": [f"10.0.0.{n}"]} for n in range(1, 10)]
    fake = FakeServer()
    apply(fake, *hosts, refreshing=False)
    fake.script = belongs_to_others(*(f"h{n}.corp.test." for n in (1, 2, 3, 4, 6, 8)))
    fake.updates.clear()
    outcome = apply(fake, *hosts, max_sets=2)
    assert outcome.refreshed == ("h5.corp.test. A", "h7.corp.test. A", "h9.corp.test. A")
    assert [len(sent(message)[1]) for message in fake.updates] == [2, 1, 1] * 4 + [1]
    (warning,) = outcome.warnings
    named = ", ".join(f"h{n}.corp.test. A" for n in (1, 2, 3, 4, 6, 8))
    assert warning.startswith(
        f"The records are as wanted, but the time stamps of [{named}] on DNS server ns1.corp.test could not be renewed. "
        "DNS server ns1.corp.test refused the refresh in the zone corp.test: REFUSED. "
    )


def test_values_that_somebody_else_changed_meanwhile_are_planned_again_one_by_one_too():
    script = [*belongs_to_others("chat.corp.test.")[:1], meddle(SERVICE_KEY, 60, "9 0 5222 other.corp.test.")]
    fake = FakeServer(dict(THERE), script=script)
    outcome = apply(fake, CHAT, SERVICE)
    assert (outcome.changed, outcome.refreshed) == (True, ("chat.corp.test. A",))
    assert fake.records[SERVICE_KEY] == (60, {"5 0 5222 chat.corp.test.", "9 0 5222 other.corp.test."})


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (refuse("NOTAUTH"), "DNS server ns1.corp.test refused the refresh in the zone corp.test: NOTAUTH. "),
        (
            tsig_error(dns.rcode.BADTIME),
            "DNS server ns1.corp.test refused the refresh in the zone corp.test: BADTIME, ",
        ),
    ],
)
def test_what_concerns_the_account_or_the_server_ends_it_with_one_warning(step, why):
    signer = Tsig("chat", "c2VjcmV0", "hmac-sha256")
    fake = FakeServer(dict(THERE), key=signer.key, script=[step])
    outcome = apply(fake, CHAT, SERVICE, signer=signer, max_sets=1)
    assert (outcome.changed, outcome.refreshed, len(fake.updates)) == (False, (), 1)
    (warning,) = outcome.warnings
    assert warning.startswith(
        "The records are as wanted, but the time stamps of [_xmpp-client._tcp.corp.test. SRV, chat.corp.test. A] on DNS server "
        f"ns1.corp.test could not be renewed. {why}"
    )


def test_a_server_that_is_gone_ends_it_and_what_was_refused_before_is_told():
    script = [*belongs_to_others("chat.corp.test.")[:1], *[refuse("REFUSED")], lose_request, lose_request]
    outcome = apply(FakeServer(dict(THERE), script=script), CHAT, SERVICE)
    first, second = outcome.warnings
    assert "[chat.corp.test. A]" in first
    assert first.endswith("did not answer over TCP: the connection was closed.")
    assert "[_xmpp-client._tcp.corp.test. SRV]" in second
    assert "refused the refresh in the zone corp.test: REFUSED." in second


def test_a_wrong_password_is_a_warning_too():
    class Locked(Unsigned):
        def prepare(self, transport):
            raise AuthenticationError("The password is wrong.")

    outcome = apply(FakeServer(dict(THERE)), CHAT, signer=Locked())
    assert outcome.warnings == (NOT_RENEWED + "The password is wrong.",)


@pytest.mark.parametrize("loss", [lose_answer, lose_request])
def test_a_lost_answer_is_asked_for_once_more(loss):
    fake = FakeServer(dict(THERE), script=[loss, execute])
    assert apply(fake, CHAT).refreshed == ("chat.corp.test. A",)
    outcome = apply(FakeServer(dict(THERE), script=[loss, loss]), CHAT)
    assert outcome.warnings == (
        NOT_RENEWED + "DNS server ns1.corp.test did not answer over TCP: the connection was closed.",
    )


def test_a_forgotten_context_is_negotiated_once_more():
    class Renewable(Tsig):
        renewals = 0

        def renew(self):
            self.renewals += 1
            return True

    signer = Renewable("chat", "c2VjcmV0", "hmac-sha256")
    fake = FakeServer(dict(THERE), key=signer.key, script=[tsig_error(dns.rcode.BADKEY)])
    assert apply(fake, CHAT, signer=signer).refreshed == ("chat.corp.test. A",)
    assert signer.renewals == 1


def test_a_negotiation_that_fails_is_a_warning():
    class Locked(Tsig):
        def renew(self):
            raise AuthenticationError("The password is wrong.")

    signer = Locked("chat", "c2VjcmV0", "hmac-sha256")
    fake = FakeServer(dict(THERE), key=signer.key, script=[tsig_error(dns.rcode.BADKEY)])
    assert apply(fake, CHAT, signer=signer).warnings == (NOT_RENEWED + "The password is wrong.",)


def test_what_only_a_wildcard_answers_is_written_and_not_refreshed():
    fake = FakeServer({("*.corp.test.", "A"): (60, {"10.203.0.20"})}, wildcards=True)
    outcome = apply(fake, CHAT)
    assert (outcome.changed, outcome.refreshed) == (True, ())
