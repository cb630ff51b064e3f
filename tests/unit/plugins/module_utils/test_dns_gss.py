# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GSS-TSIG without Kerberos: a scripted security context; and Kerberos errors in words."""

from __future__ import annotations

import hashlib
import os
import pathlib

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TKEY
import dns.rrset
import dns.tsig
import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import kerberos
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import (
    AuthenticationError,
    InputError,
    ServerError,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.gss import GssTsig
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.task import apply_intents
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    ZONE,
    FakeServer,
    execute,
    server_for,
)

CHAT = {"name": "chat", "type": "A", "ttl": 60, "entries": ["10.203.0.20"]}


class FakeContext:
    """Agrees after ``rounds`` and signs with a hash."""

    def __init__(self, rounds=1):
        self.rounds = rounds
        self.tokens = []
        self.complete = False

    def step(self, token):
        self.tokens.append(token)
        self.complete = len(self.tokens) > self.rounds
        return b"client %d" % len(self.tokens)

    def get_signature(self, data):
        return hashlib.sha256(data).digest()

    def verify_signature(self, data, signature):
        if signature != hashlib.sha256(data).digest():
            raise ValueError("bad signature")


class NumberedContext(FakeContext):
    """Numbers its signatures, as Kerberos does: the next one expected must come next."""

    def __init__(self, rounds=1):
        super().__init__(rounds)
        self.made = self.expected = 0

    def get_signature(self, data):
        self.made += 1
        return b"%d" % self.made + super().get_signature(data)

    def verify_signature(self, data, signature):
        self.expected += 1
        if signature[:1] != b"%d" % self.expected:
            raise ValueError("out of turn")
        super().verify_signature(data, signature[1:])


class FakeKerberos:
    principal = "svc-chat-dns@CORP.TEST"
    server = "ns1.corp.test"

    def __init__(self, rounds=1):
        self.rounds = rounds
        self.contexts = []
        self.closed = False

    def new_context(self):
        self.contexts.append(FakeContext(self.rounds))
        return self.contexts[-1]

    def explained(self, error, doing):
        return AuthenticationError(f"explained {error} while {doing}")

    def close(self):
        self.closed = True


class GssServer(FakeServer):
    """Negotiates, and knows the keys that were negotiated. signs: the context with which it signs already the last
    answer of the negotiation."""

    def __init__(self, *arguments, refuse=None, signs=None, **options):
        super().__init__(*arguments, **options)
        self.negotiations = []
        self.refuse = refuse
        self.signs = signs

    def negotiate(self, message):
        tkey = message.additional[0][0]
        self.negotiations.append((message.question[0].name, tkey))
        reply = dns.message.make_response(message)
        if self.refuse == "REFUSED":
            reply.set_rcode(dns.rcode.REFUSED)
            return reply.to_wire()
        name = message.question[0].name
        rdata = dns.rdtypes.ANY.TKEY.TKEY(
            dns.rdataclass.ANY,
            dns.rdatatype.TKEY,
            dns.tsig.GSS_TSIG,
            tkey.inception,
            tkey.expiration,
            3,
            self.refuse or 0,
            b"server %d" % len(self.negotiations),
        )
        reply.answer.append(dns.rrset.from_rdata(name, 0, rdata))
        self.key = dns.tsig.Key(name, (self.signs or FakeContext)(), dns.tsig.GSS_TSIG)
        if self.signs:
            reply.use_tsig(self.key)
        return reply.to_wire()

    def respond(self, wire):
        key, self.key = self.key, None
        try:
            return super().respond(wire)
        finally:
            self.key = key


def apply(fake, signer, **options):
    return apply_intents(
        [(server_for(fake, signer), intents_by_zone([CHAT], ZONE)[ZONE])], sleep=lambda seconds: None, **options
    )


def test_negotiates_and_signs():
    fake, krb = GssServer(), FakeKerberos()
    outcome = apply(fake, GssTsig(krb))
    assert outcome.changed
    assert outcome.answer == "verified"
    ((name, tkey),) = fake.negotiations
    assert (tkey.mode, tkey.key, tkey.algorithm) == (3, b"client 1", dns.tsig.GSS_TSIG)
    assert krb.contexts[0].tokens == [None, b"server 1"]
    assert fake.updates[0].had_tsig
    assert fake.updates[0].keyname == name
    assert not any(question.had_tsig for question in fake.questions)


def test_the_signature_of_the_negotiation_counts_as_the_first(monkeypatch):
    fake, krb = GssServer(signs=NumberedContext), FakeKerberos()
    monkeypatch.setattr(krb, "new_context", NumberedContext)
    assert apply(fake, GssTsig(krb)).answer == "verified"


def test_a_negotiation_whose_last_answer_is_wrongly_signed_is_still_one(monkeypatch):
    fake, krb = GssServer(signs=FakeContext), FakeKerberos()
    monkeypatch.setattr(fake, "negotiate", lambda message: _spoilt(GssServer.negotiate(fake, message)))
    assert apply(fake, GssTsig(krb)).answer == "verified"


def _spoilt(wire):
    """The last byte of the signature is another one; id, error and other data come after it."""
    return wire[:-7] + bytes([wire[-7] ^ 0xFF]) + wire[-6:]


def test_key_name_shares_no_suffix_with_any_zone():
    fake = GssServer()
    apply(fake, GssTsig(FakeKerberos()))
    assert fake.negotiations[0][0].is_subdomain(dns.name.from_text("key.invalid."))


def test_several_rounds_keep_the_key_name():
    fake, krb = GssServer(), FakeKerberos(rounds=3)
    assert apply(fake, GssTsig(krb)).changed
    assert krb.contexts[0].tokens == [None, b"server 1", b"server 2", b"server 3"]
    assert len({name for name, _tkey in fake.negotiations}) == 1


def test_check_mode_opens_the_session_and_sends_no_update():
    fake = GssServer()
    assert apply(fake, GssTsig(FakeKerberos()), check_mode=True).changed
    assert len(fake.negotiations) == 1
    assert fake.updates == []


def test_nothing_to_change_needs_no_ticket():
    fake = GssServer({("chat.corp.test.", "A"): (60, {"10.203.0.20"})})
    krb = FakeKerberos()
    assert not apply(fake, GssTsig(krb)).changed
    assert krb.contexts == []


def test_samba_signs_so_that_nobody_can_verify_it():
    fake = GssServer()

    def samba(server, message):
        rcode = server.execute(message)
        context = FakeContext()
        context.get_signature = lambda data: b"wrong" * 5
        return server.reply(message, rcode, sign_with=dns.tsig.Key(server.key.name, context, dns.tsig.GSS_TSIG))

    fake.script = [samba]
    outcome = apply(fake, GssTsig(FakeKerberos()))
    assert outcome.changed
    assert (outcome.updates, outcome.answer) == (1, "unverifiable")


def bad_key(server, message):
    response = dns.message.make_response(message)
    response.set_rcode(dns.rcode.NOTAUTH)
    response.use_tsig(server.key, tsig_error=dns.rcode.BADKEY)
    response.request_mac = message.mac
    return response.to_wire()


def test_forgotten_context_is_negotiated_once_more():
    fake = GssServer(script=[bad_key])
    outcome = apply(fake, GssTsig(FakeKerberos()))
    assert outcome.changed
    assert len(fake.negotiations) == 2
    assert fake.negotiations[0][0] != fake.negotiations[1][0]


def test_context_that_is_never_accepted():
    fake = GssServer(script=[bad_key, bad_key, execute])
    with pytest.raises(ServerError, match=r"BADKEY, it does not know svc-chat-dns@CORP\.TEST"):
        apply(fake, GssTsig(FakeKerberos()))
    assert len(fake.updates) == 2


@pytest.mark.parametrize(("refuse", "said"), [("REFUSED", "REFUSED"), (dns.rcode.BADKEY, "BADKEY"), (18, "BADTIME")])
def test_server_that_refuses_the_session(refuse, said):
    fake = GssServer(refuse=refuse)
    with pytest.raises(AuthenticationError) as error:
        apply(fake, GssTsig(FakeKerberos()))
    assert str(error.value) == (
        f"DNS server ns1.corp.test refused the GSS-TSIG session of svc-chat-dns@CORP.TEST: {said}. Does it accept secure "
        "updates (Active Directory), and are the clocks of all three the same? Check with: nsupdate -g and the line: "
        "server ns1.corp.test"
    )
    assert fake.updates == []


def test_endless_negotiation_ends():
    with pytest.raises(AuthenticationError, match="did not finish the GSS-TSIG negotiation in 8 rounds"):
        apply(GssServer(), GssTsig(FakeKerberos(rounds=99)))


def test_error_of_the_library_is_explained():
    krb = FakeKerberos()
    krb.new_context = type("Broken", (), {"step": lambda self, token: 1 / 0})
    with pytest.raises(AuthenticationError, match=r"^explained .* while opening a session with DNS@ns1\.corp\.test"):
        apply(GssServer(), GssTsig(krb))


def test_close_forgets_the_tickets():
    krb = FakeKerberos()
    server_for(GssServer(), GssTsig(krb)).close()
    assert krb.closed


# -- Kerberos ---------------------------------------------------------------------------------------------------------


class GssError(Exception):
    def __init__(self, minor, text="Unspecified GSS failure"):
        super().__init__(text)
        self.min_code = minor & 0xFFFFFFFF


WHO = "svc-chat-dns@CORP.TEST"


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (
            -1765328360,
            f"the password (or key) of {WHO} is wrong. Was it changed in Active Directory? Check with: kinit {WHO}",
        ),
        (
            -1765328378,
            f"the realm CORP.TEST does not know the principal {WHO}. Is the name spelt right, with the realm in capitals? "
            f"Check with: kinit {WHO}",
        ),
        (
            -1765328377,
            "the realm CORP.TEST does not know the service DNS/dc1.corp.test. Is server an alias or an address instead of "
            "the domain controller's own full name? Set server to that name.",
        ),
        (
            -1765328366,
            f"the account {WHO} is disabled or locked. Was it locked after wrong passwords? Enable it in Active Directory.",
        ),
        (
            -1765328347,
            "the clocks of the controller and of the domain controller are too far apart. Is time synchronisation running "
            "on both? Kerberos allows 5 minutes; compare with: date",
        ),
        (
            -1765328228,
            "no domain controller (KDC) of the realm CORP.TEST could be reached. Does the controller's resolver know "
            "_kerberos._udp.CORP.TEST, and is port 88 open? Set the option kdc to name one, or check with: dig SRV "
            "_kerberos._udp.CORP.TEST",
        ),
        (
            -1765328189,
            "there is no Kerberos ticket for the user who runs Ansible. Was kinit forgotten? Set principal with password "
            "or keytab, or run kinit before.",
        ),
        (
            -1765328352,
            "the Kerberos ticket of the user who runs Ansible has expired. When did kinit run last? Run kinit again, or "
            "set principal with password or keytab.",
        ),
    ],
)
def test_kerberos_errors_in_words(minor, text):
    error = kerberos.explained(GssError(minor), WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket")
    assert str(error) == f"Kerberos failed while getting a ticket: {text}"


@pytest.mark.parametrize("minor", [-1765328316, -1765328237])
def test_the_ending_of_a_user_principal_name_is_no_realm(minor):
    """As in svc@example.com of the domain corp.test, or svc@corp.test: the domain controller says so, or there is none."""
    error = kerberos.explained(GssError(minor), "svc@corp.test", "corp.test", "dc1.corp.test", "getting a ticket")
    assert str(error) == (
        "Kerberos failed while getting a ticket: the domain controller knows svc@corp.test in another realm than corp.test. "
        "Is the realm not in capitals, or is it only the ending of the user principal name? Write the account as NAME@REALM, "
        "where the realm is the name of its domain in capitals."
    )
    error = kerberos.explained(
        GssError(-1765328230), "svc@EXAMPLE.COM", "EXAMPLE.COM", "dc1.corp.test", "getting a ticket"
    )
    assert str(error) == (
        "Kerberos failed while getting a ticket: no domain controller (KDC) of the realm EXAMPLE.COM could be reached. "
        "Is EXAMPLE.COM only the ending of the user principal name? The realm is the account's domain, for dc1.corp.test it "
        "is CORP.TEST. Write the account as NAME@CORP.TEST if it is one of that domain; otherwise check with: dig SRV "
        "_kerberos._udp.EXAMPLE.COM"
    )


def test_an_account_without_aes_is_told():
    error = kerberos.explained(GssError(-1765328370), WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket")
    assert error.what.endswith(f"no encryption type in common for {WHO} or DNS/dc1.corp.test.")
    assert "limited to RC4 or DES?" in error.cause


def test_clocks_are_told_whoever_compares_them():
    error = kerberos.explained(GssError(-1765328236), WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket")
    assert "the clocks of the controller and of the domain controller are too far apart" in error.what


def test_named_kdc_is_named():
    error = kerberos.explained(GssError(-1765328228), WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket", "10.0.0.9")
    assert str(error) == (
        "Kerberos failed while getting a ticket: the domain controller (KDC) 10.0.0.9 of the realm CORP.TEST could not be "
        "reached. Is it running, and is port 88 open between the controller and it? Leave out the option kdc to find one "
        "by the realm's SRV records."
    )


def test_a_ticket_that_has_expired_when_it_arrives_tells_of_the_clock():
    expired = type("ExpiredCredentialsError", (Exception,), {})
    for error in (expired(), GssError(-1765328352)):
        said = kerberos.explained(error, WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket", fresh=True)
        assert str(said).startswith(
            "Kerberos failed while getting a ticket: the clocks of the controller and of the domain"
        )
        said = kerberos.explained(error, "", "CORP.TEST", "dc1.corp.test", "looking for a ticket")
        assert "the Kerberos ticket of the user who runs Ansible has expired" in str(said)


def test_unknown_kerberos_error_is_shown_as_it_is():
    error = kerberos.explained(GssError(7, "Major:\n  strange"), WHO, "CORP.TEST", "dc1.corp.test", "getting a ticket")
    assert str(error) == (
        f"Kerberos failed while getting a ticket: Major: strange. Are {WHO} and the realm CORP.TEST right?"
    )


def test_principal_without_a_realm_gets_it():
    assert kerberos.Kerberos("dc1.corp.test", "CORP.TEST", "svc").principal == "svc@CORP.TEST"
    other = kerberos.Kerberos("dc1.corp.test", "CORP.TEST", "svc@OTHER.TEST")
    assert (other.principal, other.realm) == ("svc@OTHER.TEST", "OTHER.TEST")


def test_missing_keytab():
    with pytest.raises(InputError, match=r"^The keytab /nowhere/x\.keytab cannot be read on the controller\. Does it"):
        kerberos.Kerberos("dc1.corp.test", "CORP.TEST", "svc", keytab="/nowhere/x.keytab")


def test_our_defaults_stand_behind_the_configuration_of_the_controller(monkeypatch, tmp_path):
    monkeypatch.setenv("KRB5_CONFIG", "/site/krb5.conf")
    krb = kerberos.Kerberos("dc1.corp.test", "CORP.TEST", "svc", tmpdir=str(tmp_path), kdc="10.0.0.9")
    krb._configure()
    first, site, last = os.environ["KRB5_CONFIG"].split(":")
    assert site == "/site/krb5.conf"
    assert "kdc = 10.0.0.9" in pathlib.Path(first).read_text(encoding="utf-8")
    assert "rdns = false" in pathlib.Path(last).read_text(encoding="utf-8")
    assert "dns_canonicalize_hostname = false" in pathlib.Path(last).read_text(encoding="utf-8")
    assert pathlib.Path(last).parent.stat().st_mode & 0o777 == 0o700
    krb.close()
    assert os.environ["KRB5_CONFIG"] == "/site/krb5.conf"
    assert list(tmp_path.iterdir()) == []


def test_without_a_configuration_nothing_stays_in_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("KRB5_CONFIG", raising=False)
    krb = kerberos.Kerberos("dc1.corp.test", "CORP.TEST", "svc", tmpdir=str(tmp_path))
    krb._configure()
    assert os.environ["KRB5_CONFIG"].startswith("/etc/krb5.conf:")
    krb.close()
    assert "KRB5_CONFIG" not in os.environ
