# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals in words, for whatever was refused; those of updates by code are in test_dns_engine.py."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import ConflictError, DnsError, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import Answer
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change
from ansible_collections.onprem.chat.plugins.module_utils._dns.refusals import refusal
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set

KEY = "the TSIG key chat-update (hmac-sha256)"
NO_SERVICE = record_set(Key("_xmpp-server._tcp.corp.test.", "SRV"), 60, ["0 0 0 ."])
SERVICE = record_set(Key("_xmpp-client._tcp.corp.test.", "SRV"), 60, ["5 0 5222 chat.corp.test."])


def said(answer, *arguments, **options):
    error = refusal("ns1.corp.test", "corp.test", KEY, answer, *arguments, **options)
    assert isinstance(error, ServerError)
    return error


@pytest.mark.parametrize(
    ("what", "begin"),
    [
        ((), "DNS server ns1.corp.test refused the update in the zone corp.test: "),
        (("a question",), "DNS server ns1.corp.test refused a question in the zone corp.test: "),
        (("types CAA, TLSA",), "DNS server ns1.corp.test refused types CAA, TLSA in the zone corp.test: "),
    ],
)
@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (Answer("NOTAUTH", False, "BADKEY", "BADKEY"), f"BADKEY, it does not know {KEY}."),
        (Answer("NOTAUTH", False, "BADSIG", "BADSIG"), f"BADSIG, the signature is wrong ({KEY})."),
        (
            Answer("NOTAUTH", False, "BADTIME", "BADTIME"),
            "BADTIME, the clocks of the controller and of the server are too far apart.",
        ),
        (Answer("REFUSED", True), "REFUSED."),
        (Answer("FORMERR", True), "FORMERR."),
    ],
)
def test_what_was_refused_is_named(what, begin, answer, end):
    assert said(answer, *what).what == begin + end


def test_the_key_is_named_where_it_matters():
    error = said(Answer("REFUSED", True))
    assert error.cause == f"Is {KEY} allowed to write in this zone?"
    assert error.action.startswith("With BIND: see allow-update and update-policy; with Knot: see acl.")
    assert said(Answer("SERVFAIL", True)).cause == (
        "Can the server write the files of the zone (BIND: its journal), and is there room on the disk?"
    )


def test_advice_is_for_the_servers_that_know_such_a_key():
    error = refusal("dc1.corp.test", "corp.test", "svc@CORP.TEST", Answer("REFUSED", True))
    assert error.cause == "Is svc@CORP.TEST allowed to write in this zone?"
    assert error.action.startswith("In Active Directory: give the account the right to create and write records")
    # What Windows says of a zone that is set to take none, too.
    assert "see whether the zone takes secure updates at all (Get-DnsServerZone: DynamicUpdate)" in error.action
    assert "name a domain controller that is not read-only" in error.action
    error = refusal("dc1.corp.test", "corp.test", "svc@CORP.TEST", Answer("SERVFAIL", True))
    assert error.cause == (
        "Is svc@CORP.TEST allowed to change these records? Samba says SERVFAIL when they belong to another account."
    )


def test_unsigned_refusal_is_told_as_a_rumour():
    error = said(Answer("NOTAUTH", False, "", "it is not signed"), "a question")
    assert str(error) == (
        f"DNS server ns1.corp.test gave an answer that cannot be trusted: it is not signed ({KEY}). It says NOTAUTH. "
        "Does the server have this zone and know the same key, and are the clocks the same?"
    )


def test_clocks_are_told_where_the_server_says_its_time():
    why = "the controller's clock is 10 min behind the server's"
    assert said(Answer("NOTAUTH", False, "BADTIME", why)).what == (
        f"DNS server ns1.corp.test refused the update in the zone corp.test: BADTIME, {why}."
    )


@pytest.mark.parametrize("what", ["a question", "types CAA"])
def test_answer_that_cannot_be_trusted_is_no_refusal_of_the_server(what):
    error = said(Answer("NOERROR", False, "", "its signature does not verify"), what)
    assert str(error) == (
        f"DNS server ns1.corp.test gave an answer that cannot be trusted: its signature does not verify ({KEY}). "
        "Does the server know the same key, and are the clocks the same?"
    )


def test_refusal_of_an_update_is_told_even_if_unverifiable():
    error = said(Answer("REFUSED", False, "", "its signature does not verify"))
    assert error.what == "DNS server ns1.corp.test refused the update in the zone corp.test: REFUSED."


@pytest.mark.parametrize(
    ("rcode", "after", "is_samba"),
    [
        ("SERVFAIL", NO_SERVICE, True),
        ("SERVFAIL", SERVICE, False),
        ("SERVFAIL", None, False),
        ("REFUSED", NO_SERVICE, False),
    ],
)
def test_samba_and_the_target_that_means_no_service(rcode, after, is_samba):
    changes = [Change(SERVICE.key, None, SERVICE), Change(NO_SERVICE.key, NO_SERVICE if after is None else None, after)]
    error = said(Answer(rcode, True), changes=changes)
    assert (
        error.cause
        == 'Is this Samba? Its DNS server cannot take the SRV target "." of _xmpp-server._tcp.corp.test. by '
        "dynamic update."
    ) is is_samba
    assert ("samba-tool dns add" in error.action) is is_samba


# -- what an answer is worth ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "conflict", "refused", "fate"),
    [
        (Answer("NOERROR", True), False, False, "verified"),
        (Answer("NOERROR", False, "", "why"), False, False, "unverifiable"),
        (Answer("", False, "", "why"), False, False, "lost"),
        (Answer("YXRRSET", True), True, False, "verified"),
        (Answer("NXRRSET", False, "", "why"), True, False, "unverifiable"),
        (Answer("YXDOMAIN", True), True, False, "verified"),
        (Answer("NXDOMAIN", True), True, False, "verified"),
        (Answer("REFUSED", True), False, True, "verified"),
        (Answer("NOTAUTH", False, "BADKEY", "BADKEY"), False, True, "unverifiable"),
        (Answer("NXRRSET", False, "BADTIME", "BADTIME"), False, True, "unverifiable"),
    ],
)
def test_answers(answer, conflict, refused, fate):
    assert (answer.is_conflict, answer.is_refusal, answer.fate) == (conflict, refused, fate)


# -- errors after something was written -------------------------------------------------------------------------------

AGAIN = "Run the task again: it goes on from what is there."


@pytest.mark.parametrize(
    ("cause", "action", "text"),
    [
        ("Why?", "Do it.", f"It failed. Two were written. Why? Do it. {AGAIN}"),
        ("", "", f"It failed. Two were written. {AGAIN}"),
        ("Why?", AGAIN, f"It failed. Two were written. Why? {AGAIN}"),
    ],
)
@pytest.mark.parametrize("kind", [DnsError, ConflictError, ServerError])
def test_error_that_says_what_was_done_before(kind, cause, action, text):
    first = kind("It failed.", cause, action)
    error = first.after("what was done", "Two were written.")
    assert (type(error), str(error), error.partial) == (kind, text, "what was done")
    assert first.partial is None
