# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""xmpp_info against a scripted server: what is asked, what is answered, and that nothing stops at a bad answer."""

from __future__ import annotations

import asyncio
import json

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._xmpp import discovery
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Account, Service, Settings
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.survey import CHECK_IDS, survey
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.xmpp_fake import (
    Authority,
    FakeResolver,
    FakeServer,
    one_server,
)

ANNA = Account("anna@corp.test", "canary-anna-7Qx")
BORIS = Account("boris@corp.test", "canary-boris-2Wv")
GONE = Account("gone@corp.test", "canary-gone-9Kp")
PASSWORDS = {"anna": ANNA.password, "boris": BORIS.password}
NAMES = {"anna": "Anna Abel", "boris": "Boris Berg"}


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def other_ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "Other CA")


class Outcome:
    def __init__(self, result, server):
        self.result = result
        self.server = server
        self.checks = result["checks"]

    def __getitem__(self, id_):
        """The only check with this id, as (status, evidence)."""
        (check,) = self.all(id_)
        return check["status"], check["evidence"]

    def all(self, id_):
        return [check for check in self.checks if check["id"] == id_]

    def hint(self, id_):
        return self.all(id_)[0]["hint"]

    @property
    def failed(self):
        return sorted({check["id"] for check in self.checks if check["status"] == "fail"})


def ask(ca, server, resolver=None, **settings):
    """Run the whole survey against this server."""
    given = {"users": (ANNA, BORIS), "disabled_user": GONE, "ca_path": str(ca.path), "timeout": 5} | settings

    async def scenario():
        async with server:
            chosen = resolver(server.port) if callable(resolver) else resolver
            found = await survey(Settings("corp.test", **given), chosen or one_server(server.port))
            return Outcome(found, server)

    outcome = asyncio.run(scenario())
    # Whatever happens: every question has an answer, and no password is in it.
    assert {check["id"] for check in outcome.checks} == set(CHECK_IDS)
    text = json.dumps(outcome.result)
    for account in (ANNA, BORIS, GONE):
        assert account.password not in text
    return outcome


def good(ca, **changes):
    options = {"tls": ca.context("corp.test", "chat.corp.test"), "passwords": PASSWORDS, "names": NAMES} | changes
    return FakeServer(**options)


def test_all_is_well(ca):
    seen = ask(ca, good(ca))
    assert seen.failed == []
    assert {check["status"] for check in seen.checks} == {"pass"}
    assert [check["id"] for check in seen.checks][-1] == "xmpp.message"
    assert seen.all("xmpp.message")[0]["subject"] == "anna@corp.test <-> boris@corp.test"
    assert seen.result["round_trip"]["from"] == "anna@corp.test"
    assert seen.result["round_trip"]["to"] == "boris@corp.test"
    assert seen.result["round_trip"]["milliseconds"] >= 0


def test_all_is_well_evidence(ca):
    seen = ask(ca, good(ca))
    assert seen["xmpp.tls.starttls_required"] == ("pass", "STARTTLS is offered and required")
    _status, evidence = seen["xmpp.tls.certificate"]
    assert evidence.startswith(
        "valid for corp.test; TLSv1.3; names: corp.test, chat.corp.test; issuer: CN=Test CA; valid"
    )
    assert "SCRAM is impossible with LDAP" in seen["xmpp.sasl.after_tls"][1]
    assert seen["xmpp.login.wrong_password"] == ("pass", "refused: not-authorized")
    assert seen["xmpp.login.disabled"] == ("pass", "refused: not-authorized")
    assert [c["evidence"] for c in seen.all("xmpp.vcard")] == ["full name: Anna Abel", "full name: Boris Berg"]
    assert [c["subject"] for c in seen.all("xmpp.archive")] == ["anna@corp.test", "boris@corp.test"]


def test_nothing_is_said_to_others(ca):
    seen = ask(ca, good(ca))
    assert "presence" not in seen.server.received


def test_the_wrong_password_is_tried_before_the_right_one(ca):
    # The right one resets the directory's counter of bad attempts.
    tried = []

    class Watch(dict):
        def get(self, user, default=None):
            tried.append(user)
            return super().get(user, default)

    ask(ca, good(ca, passwords=Watch(PASSWORDS)))
    assert tried[0] == "anna"
    assert sorted(tried[1:3]) == ["anna", "boris"]
    assert tried[3:] == ["gone"]


# What the stream shows


def test_starttls_not_required(ca):
    seen = ask(ca, good(ca, starttls="optional"))
    assert seen["xmpp.tls.starttls_required"] == ("fail", "STARTTLS is offered but not required")
    assert "starttls_required: true" in seen.hint("xmpp.tls.starttls_required")
    assert seen.failed == ["xmpp.tls.starttls_required"]


def test_no_starttls_at_all(ca):
    seen = ask(ca, good(ca, starttls="", before=("PLAIN",)))
    assert seen["xmpp.tls.starttls_required"] == ("fail", "STARTTLS is not offered")
    assert seen["xmpp.tls.certificate"] == ("skip", "no TLS to look at: STARTTLS is not offered")
    assert seen["xmpp.sasl.after_tls"] == ("skip", "no stream after TLS: STARTTLS is not offered")
    assert seen.all("xmpp.login")[0]["status"] == "skip"
    assert "auth" not in seen.server.received


def test_plain_before_tls(ca):
    seen = ask(ca, good(ca, before=("PLAIN", "EXTERNAL")))
    assert seen["xmpp.sasl.before_tls"] == ("fail", "offered without TLS: PLAIN")


def test_external_before_tls_is_allowed(ca):
    assert ask(ca, good(ca, before=("EXTERNAL",)))["xmpp.sasl.before_tls"][0] == "pass"


def test_registration_offered(ca):
    seen = ask(ca, good(ca, register=True))
    assert seen["xmpp.register"] == ("fail", "in-band registration is offered")
    assert "mod_register" in seen.hint("xmpp.register")


def test_registration_not_offered_but_possible(ca):
    assert ask(ca, good(ca, form=True))["xmpp.register"] == ("fail", "a stranger gets the registration form")


def test_anonymous_offered(ca):
    seen = ask(ca, good(ca, after=("PLAIN", "ANONYMOUS")))
    assert seen["xmpp.anonymous"] == ("fail", "login without an account is offered")


def test_no_mechanism_after_tls(ca):
    seen = ask(ca, good(ca, after=()))
    assert seen["xmpp.sasl.after_tls"] == ("fail", "no mechanism is offered after TLS")
    assert seen.all("xmpp.login")[0]["evidence"] == "the server offers no login"


def test_obsolete_mechanism_is_a_warning(ca):
    seen = ask(ca, good(ca, after=("PLAIN", "DIGEST-MD5")), users=())
    assert seen["xmpp.sasl.after_tls"] == ("warn", "PLAIN, DIGEST-MD5")


def test_scram_needs_no_excuse(ca):
    seen = ask(ca, good(ca, after=("PLAIN", "SCRAM-SHA-256")), users=())
    assert seen["xmpp.sasl.after_tls"] == ("pass", "PLAIN, SCRAM-SHA-256")


@pytest.mark.parametrize(
    ("speaks", "evidence"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "this is not XML, so it is no XMPP server"),
        (b"<html><body>Hello</body></html>", "this is no XMPP stream, it begins with html"),
        (
            b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><stream:error><host-unknown "
            b"xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
            "expected stream features, got error / host-unknown",
        ),
    ],
)
def test_something_else_listens_there(ca, speaks, evidence):
    seen = ask(ca, good(ca, speaks=speaks))
    assert seen["xmpp.tcp"][0] == "pass"
    status, text = seen["xmpp.tls.starttls_required"]
    assert status == "fail"
    assert evidence in text


def test_a_banned_address_is_told_so(ca):
    error = (
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><stream:error><policy-violation "
        b"xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Too many (20) "
        b"failed authentications from this IP address</text></stream:error></stream:stream>"
    )
    seen = ask(ca, good(ca, speaks=error))
    assert "error / policy-violation: Too many (20) failed" in seen["xmpp.tls.starttls_required"][1]
    assert "ejabberdctl unban_ip" in seen.hint("xmpp.tls.starttls_required")


# Certificates


def test_certificate_for_the_host_only(ca):
    seen = ask(ca, good(ca, tls=ca.context("chat.corp.test")))
    status, evidence = seen["xmpp.tls.certificate"]
    assert status == "fail"
    assert "Hostname mismatch, certificate is not valid for 'corp.test'" in evidence
    assert "not only the host in the SRV record" in seen.hint("xmpp.tls.certificate")


def test_certificate_of_another_ca(ca, other_ca):
    seen = ask(ca, good(ca, tls=other_ca.context("corp.test")))
    assert seen["xmpp.tls.certificate"][1].startswith("unable to get local issuer certificate")
    assert "Is this the right CA file" in seen.hint("xmpp.tls.certificate")


def test_certificate_expired(ca):
    seen = ask(ca, good(ca, tls=ca.context("corp.test", start=-30, end=-1)))
    assert seen["xmpp.tls.certificate"][1].startswith("certificate has expired")
    assert "Renew" in seen.hint("xmpp.tls.certificate")


def test_certificate_not_yet_valid(ca):
    seen = ask(ca, good(ca, tls=ca.context("corp.test", start=1)))
    assert seen["xmpp.tls.certificate"][1].startswith("certificate is not yet valid")
    assert "clock" in seen.hint("xmpp.tls.certificate")


def test_certificate_ends_soon(ca):
    seen = ask(ca, good(ca, tls=ca.context("corp.test", end=3)))
    assert seen["xmpp.tls.certificate"][0] == "pass"
    assert seen["xmpp.tls.expiry"][0] == "warn"
    assert seen.failed == []


def test_no_password_goes_to_an_untrusted_server(ca, other_ca):
    seen = ask(ca, good(ca, tls=other_ca.context("corp.test")))
    assert "auth" not in seen.server.received
    reason = "no server with a verified certificate answered, and a password goes to no other"
    assert {c["evidence"] for c in seen.all("xmpp.login")} == {reason}
    assert [c["subject"] for c in seen.all("xmpp.login")] == ["anna@corp.test", "boris@corp.test"]


def test_an_untrusted_server_is_still_looked_at(ca, other_ca):
    seen = ask(ca, good(ca, tls=other_ca.context("corp.test"), after=("PLAIN", "ANONYMOUS"), form=True))
    assert seen["xmpp.sasl.after_tls"][0] == "pass"
    assert seen["xmpp.anonymous"][0] == "fail"
    assert seen["xmpp.register"][0] == "fail"
    assert seen["xmpp.tls.expiry"] == ("skip", "the certificate was not accepted, see xmpp.tls.certificate")


# Logins


def test_login_refused(ca):
    seen = ask(ca, good(ca, passwords={"boris": BORIS.password}))
    anna, boris = seen.all("xmpp.login")
    assert (anna["status"], anna["evidence"]) == ("fail", "refused: not-authorized")
    assert boris["status"] == "pass"
    assert seen["xmpp.message"] == ("skip", "one of the first two users could not log in")
    assert seen.result["round_trip"] is None


def test_a_refusal_of_everybody_proves_nothing(ca):
    seen = ask(ca, good(ca, passwords={}))
    assert seen["xmpp.login.wrong_password"] == (
        "warn",
        "refused: not-authorized, but the right password was not accepted either",
    )
    assert seen["xmpp.login.disabled"] == (
        "warn",
        "refused: not-authorized, but enabled accounts were not let in either",
    )


def test_any_password_is_accepted(ca):
    seen = ask(ca, good(ca, passwords={"anna": "*", "boris": "*"}))
    assert seen["xmpp.login.wrong_password"] == ("fail", "a random password was accepted")
    assert "Stop the server now" in seen.hint("xmpp.login.wrong_password")


def test_disabled_user_gets_in(ca):
    seen = ask(ca, good(ca, passwords=PASSWORDS | {"gone": GONE.password}))
    assert seen["xmpp.login.disabled"] == ("fail", "a disabled account could log in")
    assert "auth_cache_life_time" in seen.hint("xmpp.login.disabled")


def test_temporary_failure_is_no_refusal(ca):
    seen = ask(ca, good(ca, passwords={}, refusal="temporary-auth-failure"))
    assert seen["xmpp.login.wrong_password"] == ("fail", "neither accepted nor refused: temporary-auth-failure")
    assert seen.all("xmpp.login")[0]["evidence"] == "temporary-auth-failure"


def test_account_disabled_is_a_refusal(ca):
    seen = ask(ca, good(ca, refusal="account-disabled"))
    assert seen["xmpp.login.disabled"] == ("pass", "refused: account-disabled")


def test_a_server_that_quotes_the_password(ca):
    ask(ca, good(ca, passwords={}, refusal_text="no such password: PASSWORD"))  # ask() looks for it


def test_no_users_given(ca):
    seen = ask(ca, good(ca), users=(), disabled_user=None)
    assert seen["xmpp.login"] == ("skip", "no user was given")
    assert seen["xmpp.login.disabled"] == ("skip", "no disabled user was given")
    assert seen["xmpp.message"] == ("skip", "two users are needed")
    assert seen.failed == []


def test_one_user_given(ca):
    seen = ask(ca, good(ca), users=(ANNA,))
    assert seen["xmpp.login"][0] == "pass"
    assert seen["xmpp.message"] == ("skip", "two users are needed")
    assert seen["xmpp.vcard"] == ("pass", "full name: Anna Abel")


# Deadlines: the server is silent for ever, the answer comes nevertheless


@pytest.mark.parametrize(
    ("hang", "id_"),
    [("stream", "xmpp.tls.starttls_required"), ("tls", "xmpp.tls.certificate"), ("auth", "xmpp.login.wrong_password")],
)
def test_a_silent_server(ca, hang, id_):
    seen = ask(ca, good(ca, hang=hang), timeout=0.3)
    status, evidence = seen[id_]
    assert status == "fail"
    assert "no answer within 0.3 s" in evidence


def test_a_login_that_hangs_names_the_directory(ca):
    seen = ask(ca, good(ca, hang="auth"), timeout=0.3)
    assert {c["evidence"] for c in seen.all("xmpp.login")} == {"no answer within 0.3 s"}
    assert "cannot reach its directory" in seen.hint("xmpp.login")
    assert seen["xmpp.login.disabled"][0] == "fail"


def test_messages_are_dropped(ca):
    seen = ask(ca, good(ca, deliver=False), timeout=0.5)
    status, evidence = seen["xmpp.message"]
    assert status == "fail"
    assert evidence == "the message anna@corp.test -> boris@corp.test did not arrive within 0.5 s"
    assert seen["xmpp.archive"][0] == "skip"


def test_no_archive(ca):
    seen = ask(ca, good(ca, archives=False))
    assert {c["evidence"] for c in seen.all("xmpp.archive")} == {"the archive does not answer: service-unavailable"}
    assert seen["xmpp.message"][0] == "pass"


def test_no_archive_where_none_is_wanted(ca):
    seen = ask(ca, good(ca, archives=False), check_archive=False)
    assert seen["xmpp.archive"] == ("skip", "not asked: the server is not to keep every message")
    assert seen.failed == []
    assert "urn:xmpp:mam:2" not in seen.server.received


def test_archive_without_the_message(ca):
    class Forgetful(list):
        def append(self, item):
            pass

    seen = ask(ca, good(ca, archive=Forgetful(["older"])), timeout=0.5)
    assert {c["evidence"] for c in seen.all("xmpp.archive")} == {"not found"}


def test_no_vcard_is_a_warning(ca):
    seen = ask(ca, good(ca, names={}))
    assert {(c["status"], c["evidence"]) for c in seen.all("xmpp.vcard")} == {
        ("warn", "the vCard has no full name (FN)")
    }
    assert seen.failed == []


# Finding the server


def test_nothing_listens(ca, unused_port):
    seen = ask(ca, good(ca), one_server(unused_port))
    assert seen["xmpp.tcp"][0] == "fail"
    assert "systemctl status ejabberd" in seen.hint("xmpp.tcp")
    assert seen.failed == ["xmpp.tcp"]
    assert seen["xmpp.message"] == ("skip", "no server answered")


def test_no_srv_record_falls_back_to_the_domain(ca):
    resolver = FakeResolver()
    seen = ask(ca, good(ca), resolver)
    assert seen["xmpp.srv.client"] == ("fail", "no SRV record")
    assert "corp.test" in resolver.asked
    assert seen.all("xmpp.tcp")[0]["subject"] == "corp.test:5222 (127.0.0.1)"


def test_service_declined(ca):
    name = "_xmpp-client._tcp.corp.test"
    seen = ask(ca, good(ca), FakeResolver({name: discovery.Answer(name, discovery.DECLINED)}))
    assert seen["xmpp.srv.client"] == ("fail", "the only SRV record has the target '.': no service here")


def test_target_is_an_alias(ca):
    def resolver(port):
        service = Service(5, 0, port, "chat.corp.test")
        return FakeResolver(
            {"_xmpp-client._tcp.corp.test": [service]},
            {"chat.corp.test": discovery.Target(service, ("127.0.0.1",), alias="host7.corp.test")},
        )

    seen = ask(ca, good(ca), resolver)
    assert seen["xmpp.srv.target"] == ("fail", "is an alias of host7.corp.test")
    assert seen["xmpp.message"][0] == "pass"


def test_target_without_address(ca):
    service = Service(5, 0, 5222, "chat.corp.test")
    resolver = FakeResolver(
        {"_xmpp-client._tcp.corp.test": [service]},
        {"chat.corp.test": discovery.Target(service, error="this name does not exist")},
    )
    seen = ask(ca, good(ca), resolver)
    assert seen["xmpp.srv.target"] == ("fail", "this name does not exist")
    assert seen["xmpp.tcp"] == ("skip", "no address to ask")


def test_the_second_target_helps_when_the_first_is_down(ca, unused_port):
    def resolver(port):
        services = [Service(1, 0, unused_port, "first.corp.test"), Service(2, 0, port, "second.corp.test")]
        return FakeResolver({"_xmpp-client._tcp.corp.test": services})

    seen = ask(ca, good(ca), resolver)
    assert [c["status"] for c in seen.all("xmpp.tcp")] == ["fail", "pass"]
    assert seen["xmpp.message"][0] == "pass"


def test_host_replaces_the_srv_records(ca):
    resolver = FakeResolver()

    async def scenario():
        async with good(ca) as server:
            settings = Settings(
                "corp.test", users=(ANNA, BORIS), ca_path=str(ca.path), host="127.0.0.1", port=server.port, timeout=5
            )
            return Outcome(await survey(settings, resolver), server)

    seen = asyncio.run(scenario())
    assert seen["xmpp.srv.client"][0] == "skip"
    assert seen["xmpp.message"][0] == "pass"
    assert resolver.asked == ["_xmpp-server._tcp.corp.test"]


# Server to server


def test_s2s_record_although_off(ca):
    def resolver(port):
        return FakeResolver(
            {
                "_xmpp-client._tcp.corp.test": [Service(5, 0, port, "chat.corp.test")],
                "_xmpp-server._tcp.corp.test": [Service(5, 0, 5269, "chat.corp.test")],
            }
        )

    seen = ask(ca, good(ca), resolver)
    record, port = seen.all("xmpp.s2s")
    assert record["status"] == "fail"
    assert "points to chat.corp.test:5269" in record["evidence"]
    assert port["evidence"] == "the port does not answer, as wanted"


def test_s2s_port_answers_although_off(ca, monkeypatch):
    async def scenario():
        async with good(ca) as server, FakeServer() as other:
            monkeypatch.setattr(
                "ansible_collections.onprem.chat.plugins.module_utils._xmpp.survey.SERVER_PORT", other.port
            )
            settings = Settings("corp.test", ca_path=str(ca.path), timeout=5)
            return Outcome(await survey(settings, one_server(server.port)), server)

    seen = asyncio.run(scenario())
    assert seen.failed == ["xmpp.s2s"]
    assert "the port answers" in seen.all("xmpp.s2s")[1]["evidence"]


def s2s_resolver(port):
    services = [Service(5, 0, port, "chat.corp.test")]
    return FakeResolver({"_xmpp-client._tcp.corp.test": services, "_xmpp-server._tcp.corp.test": services})


def test_s2s_wanted_and_there(ca):
    seen = ask(ca, good(ca), s2s_resolver, expect_s2s=True)
    assert seen["xmpp.s2s"] == ("pass", "STARTTLS, valid for corp.test, TLSv1.3")


def test_s2s_wanted_but_not_published(ca):
    seen = ask(ca, good(ca), expect_s2s=True)
    assert seen["xmpp.s2s"] == ("fail", "no SRV record")


def test_s2s_wanted_but_without_tls(ca):
    seen = ask(ca, good(ca, starttls=""), s2s_resolver, expect_s2s=True)
    assert seen["xmpp.s2s"] == ("fail", "STARTTLS is not offered")


@pytest.fixture
def unused_port():
    import socket

    # Bound but not listening: connections are refused, and nobody else can take the port meanwhile.
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
