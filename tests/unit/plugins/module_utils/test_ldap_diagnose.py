# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._ldap import diagnose, probe
from ansible_collections.onprem.chat.plugins.module_utils._ldap.session import (
    Answer,
    BadFilter,
    Entry,
    Refused,
    SessionLost,
)
from ansible_collections.onprem.chat.plugins.module_utils._tls import view as certificate

NOW = 1_800_000_000.0
BASE = "OU=Company,DC=corp,DC=test"
GROUP = "CN=Chat Users,OU=Groups,OU=Company,DC=corp,DC=test"
FILTER = "(objectClass=user)"
SECRET = "canary-S3cret"


class Network:
    """The stages below LDAP, as wanted."""

    def __init__(self, addresses=("10.0.0.1",), resolve=None, connect=None, tls=None, not_after=NOW + 90 * 86400):
        self.addresses, self.errors, self.tls_error, self.not_after = list(addresses), connect or {}, tls, not_after
        self.resolve_error = resolve
        self.calls = []

    is_address = staticmethod(probe.is_address)

    def resolve(self, host, port):
        if self.resolve_error:
            raise self.resolve_error
        return self.addresses

    def connect(self, address, port, timeout):
        self.calls.append(("connect", address, port))
        if address in self.errors:
            raise self.errors[address]
        return self

    def close(self):
        pass

    def verified_tls(self, host, address, port, encryption, ca_path, timeout):
        self.calls.append(("tls", host, address, port, encryption, ca_path))
        if self.tls_error:
            raise self.tls_error
        view = certificate.CertificateView("00" * 32, "CN=dc1", "CN=Company CA", self.not_after, reader="openssl")
        return probe.TlsView("TLSv1.3", view)


class Directory:
    """A directory in a dict: {dn: attributes}; searches are answered by rules (text of the filter -> entries)."""

    def __init__(self, bind=None, rules=None, base=None):
        self.bind_answer = Answer(0) if bind is None else bind
        self.rules = rules or {}
        self.base_answer = [Entry(BASE)] if base is None else base
        self.calls = []
        self.closed = False

    def __call__(self, host, port, encryption, ca_path, timeout, search_timeout):
        self.patience = (timeout, search_timeout)
        return self

    def bind(self, bind_dn, password):
        self.calls.append(("bind", bind_dn, password))
        if isinstance(self.bind_answer, Exception):
            raise self.bind_answer
        return self.bind_answer

    def search(self, base, text, scope="SUBTREE", attributes=()):
        self.calls.append(("search", base, text, scope))
        answer = self.base_answer if (base, scope) == (BASE, "BASE") else self.rules.get(text, [])
        if base == GROUP:
            answer = self.rules.get("group", [])
        if isinstance(answer, Exception):
            raise answer
        yield from answer

    def close(self):
        self.closed = True


def question(**changes):
    options = {
        "servers": ["dc1.corp.test"],
        "port": 636,
        "encryption": "ldaps",
        "base": BASE,
        "filter": FILTER,
        "bind_dn": "CN=chat",
        "bind_password": SECRET,
        "ca_path": "/ca.pem",
    }
    options.update(changes)
    return diagnose.Question(**options)


def person(login, mail=None, **attributes):
    values = {name.lower(): [value] for name, value in attributes.items()}
    if mail is not None:
        values["mail"] = [mail]
    return Entry(f"CN={login},{BASE}", values)


ANNA = person("anna", "anna@corp.test", userAccountControl="512", pwdLastSet="1")


def ask(network=None, directory=None, **changes):
    directory = directory or Directory(rules={FILTER: [ANNA], "(mail=anna@corp.test)": [ANNA]})
    checks = diagnose.diagnose(question(**changes), network or Network(), directory, now=NOW).as_list()
    assert SECRET not in json.dumps(checks)
    assert directory.closed
    return checks


def by_id(checks, id):
    return [check for check in checks if check["id"] == id]


def one(checks, id):
    (check,) = by_id(checks, id)
    return check


def statuses(checks):
    return [(check["id"], check["status"]) for check in checks]


def test_everything_passes():
    group = Entry(GROUP, {"objectclass": ["top", "group"], "member": ["CN=a", "CN=b"]})
    rules = {FILTER: [ANNA], "(mail=anna@corp.test)": [ANNA], "group": [group]}
    rules[f"(&(objectClass=group)(memberOf={GROUP}))"] = [Entry("CN=b")]
    network, directory = Network(), Directory(rules=rules)
    checks = ask(network, directory, users=["anna@corp.test"], group=GROUP)
    assert statuses(checks) == [(stage, "pass") for stage in diagnose.STAGES]
    assert [check["evidence"] for check in checks] == [
        "10.0.0.1",
        "10.0.0.1 answers",
        "TLSv1.3, trusted and for dc1.corp.test, certificate of CN=dc1, issued by CN=Company CA, "
        "valid until 2027-04-15 (90 days)",
        "bound as CN=chat (ldaps)",
        "exists",
        "1 entries match",
        f"CN=anna,{BASE}, enabled",
        "2 direct members, 1 of them groups below the base",
    ]
    assert network.calls[-1] == ("tls", "dc1.corp.test", "10.0.0.1", 636, "ldaps", "/ca.pem")
    assert directory.calls[0] == ("bind", "CN=chat", SECRET)


def test_question_does_not_show_its_password():
    assert SECRET not in repr(question())


@pytest.mark.parametrize(
    ("network", "failed", "position"),
    [
        (Network(resolve=probe.ProbeError("dc1.corp.test does not resolve", "h")), "ldap.dns", 0),
        (Network(connect={"10.0.0.1": probe.ProbeError("10.0.0.1:636: connection refused", "h")}), "ldap.tcp", 1),
        (Network(tls=probe.ProbeError("certificate has expired", "h")), "ldap.tls", 2),
    ],
)
def test_later_stages_are_skipped_with_the_reason(network, failed, position):
    directory = Directory()
    checks = ask(network, directory, users=["anna@corp.test", "boris@corp.test"], group=GROUP)
    assert [check["status"] for check in checks] == ["pass"] * position + ["fail"] + ["skip"] * (8 - position)
    reason = f"not asked because {failed} failed for dc1.corp.test:636"
    assert {check["evidence"] for check in checks if check["status"] == "skip"} == {reason}
    assert directory.calls == []  # above all no password


def test_users_and_group_are_not_skipped_when_not_asked_for():
    checks = ask(Network(resolve=probe.ProbeError("x", "h")))
    assert [check["id"] for check in checks] == list(diagnose.STAGES[:6])


def test_every_server_is_asked():
    checks = ask(servers=["dc1.corp.test", "dc2.corp.test"])
    assert [check["subject"] for check in by_id(checks, "ldap.tcp")] == ["dc1.corp.test:636", "dc2.corp.test:636"]


REFUSED = probe.ProbeError("10.0.0.1:636: connection refused", "Is it a domain controller?")


class Hosts(Network):
    """Each name has an address of its own, but dc9 has none."""

    def resolve(self, host, port):
        if host.startswith("dc9"):
            raise probe.ProbeError(f"{host} does not resolve", "Is the name spelt right?")
        return [f"10.0.0.{host[2]}"]


def test_one_of_two_servers_is_dead():
    """Whoever asks the directory goes on to the next server."""
    checks = ask(Hosts(connect={"10.0.0.1": REFUSED}), servers=["dc1.corp.test", "dc2.corp.test"])
    dead, alive = by_id(checks, "ldap.tcp")
    assert (dead["status"], alive["status"]) == ("warn", "pass")
    assert dead["evidence"] == "10.0.0.1:636: connection refused; another server answers"
    assert dead["hint"] == "Is it a domain controller?"
    assert [check["status"] for check in by_id(checks, "ldap.bind")] == ["skip", "pass"]
    assert [check for check in checks if check["status"] == "fail"] == []


def test_one_of_two_servers_has_no_address():
    """Domain controllers that were not demoted leave SRV records behind."""
    checks = ask(Hosts(), servers=["dc1.corp.test", "dc9.corp.test"])
    alive, gone = by_id(checks, "ldap.dns")
    assert (alive["status"], gone["status"]) == ("pass", "warn")
    assert gone["evidence"] == "dc9.corp.test does not resolve; another server answers"
    assert [check for check in checks if check["status"] == "fail"] == []
    alone = ask(Hosts(connect={"10.0.0.1": REFUSED}), servers=["dc1.corp.test", "dc9.corp.test"])
    assert [check["status"] for check in alone if check["id"] == "ldap.dns"] == ["pass", "fail"]


def test_all_servers_are_dead():
    network = Hosts(connect={"10.0.0.1": REFUSED, "10.0.0.2": REFUSED})
    checks = ask(network, servers=["dc1.corp.test", "dc2.corp.test"])
    assert [check["status"] for check in by_id(checks, "ldap.tcp")] == ["fail", "fail"]
    assert by_id(checks, "ldap.tcp")[0]["evidence"] == "10.0.0.1:636: connection refused"


def test_the_same_server_twice_is_no_other_server():
    checks = ask(Hosts(connect={"10.0.0.1": REFUSED}), servers=["dc1.corp.test", "dc1.corp.test"])
    assert [check["status"] for check in by_id(checks, "ldap.tcp")] == ["fail", "fail"]


def test_address_needs_no_resolver():
    checks = ask(Network(resolve=probe.ProbeError("x", "h")), servers=["10.0.0.9"])
    assert one(checks, "ldap.dns")["evidence"] == "is an address, nothing to resolve"


def test_one_of_two_addresses_is_dead():
    network = Network(["10.0.0.1", "10.0.0.2"], connect={"10.0.0.1": probe.ProbeError("10.0.0.1:636: no answer", "fw")})
    check = one(ask(network), "ldap.tcp")
    assert check["status"] == "warn"
    assert check["evidence"] == "10.0.0.2 answers, but 10.0.0.1:636: no answer"
    assert ("tls", "dc1.corp.test", "10.0.0.2", 636, "ldaps", "/ca.pem") in network.calls


def test_without_encryption_is_a_warning():
    check = one(ask(encryption="none", port=389), "ldap.tls")
    assert check["status"] == "warn"
    assert "readable on the network" in check["evidence"]


def test_certificate_ends_soon():
    assert one(ask(Network(not_after=NOW + 10 * 86400)), "ldap.tls")["status"] == "warn"


def test_wrong_password():
    message = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1"
    checks = ask(directory=Directory(bind=Answer(49, "invalidCredentials", message)))
    check = one(checks, "ldap.bind")
    assert check["evidence"] == (
        "CN=chat: invalidCredentials (LDAP result 49), Active Directory code 52e: wrong password, or wrong account name"
    )
    assert [check["status"] for check in checks] == ["pass", "pass", "pass", "fail", "skip", "skip"]


def test_a_wrong_password_is_tried_once():
    """A domain has many controllers, which count wrong passwords together: one run would lock the account."""
    directory = Directory(bind=Answer(49, "invalidCredentials", "data 52e, v4563"))
    servers = ["dc1.corp.test", "dc2.corp.test", "dc3.corp.test"]
    checks = ask(directory=directory, servers=servers, users=["anna@corp.test"])
    assert directory.calls == [("bind", "CN=chat", SECRET)]
    assert [check["status"] for check in by_id(checks, "ldap.tls")] == ["pass"] * 3
    assert [check["status"] for check in by_id(checks, "ldap.bind")] == ["fail", "skip", "skip"]
    assert [check["evidence"] for check in by_id(checks, "ldap.bind")[1:]] == [
        "CN=chat: not tried because dc1.corp.test:636 refused it, and several wrong attempts lock an account"
    ] * 2
    assert {check["evidence"] for check in by_id(checks, "ldap.user")} == {
        "not asked because ldap.bind failed for dc1.corp.test:636"
    }


def test_other_refusals_are_asked_of_every_server():
    directory = Directory(bind=Answer(52, "unavailable"))
    checks = ask(directory=directory, servers=["dc1.corp.test", "dc2.corp.test"])
    assert [check["status"] for check in by_id(checks, "ldap.bind")] == ["fail", "fail"]


def test_empty_password_is_not_sent():
    directory = Directory()
    check = one(ask(directory=directory, bind_password=""), "ldap.bind")
    assert check["evidence"] == "CN=chat: the password is empty"
    assert directory.calls == []


def test_how_long_is_waited():
    directory = Directory()
    ask(directory=directory)
    assert directory.patience == (5, 120)
    ask(directory=directory, timeout=2, search_timeout=600)
    assert directory.patience == (2, 600)


def test_connection_lost_at_bind():
    check = one(ask(directory=Directory(bind=SessionLost("session terminated by server"))), "ldap.bind")
    assert check["evidence"] == "CN=chat: no usable answer: session terminated by server"


def test_anonymous():
    assert one(ask(bind_dn=None, bind_password=None), "ldap.bind")["evidence"] == "bound as anonymous (ldaps)"


def test_no_such_base_still_asks_for_the_group():
    group = Entry(GROUP, {"objectclass": ["group"], "member": ["CN=a"]})
    base = Refused(32, "noSuchObject", "", "DC=corp,DC=test")
    checks = ask(directory=Directory(base=base, rules={"group": [group]}), users=["anna@corp.test"], group=GROUP)
    assert one(checks, "ldap.base")["evidence"].startswith(f"{BASE} does not exist; the deepest part that exists")
    assert statuses(checks)[-4:] == [
        ("ldap.base", "fail"),
        ("ldap.filter", "skip"),
        ("ldap.user", "skip"),
        ("ldap.group", "pass"),
    ]


def test_base_is_hidden():
    assert one(ask(directory=Directory(base=[])), "ldap.base")["evidence"] == "the server shows no such entry"


def test_base_lost():
    assert one(ask(directory=Directory(base=SessionLost("gone"))), "ldap.base")["status"] == "fail"


def test_bad_filter_does_not_stop_users():
    rules = {FILTER: BadFilter("malformed filter"), "(mail=anna@corp.test)": [ANNA]}
    checks = ask(directory=Directory(rules=rules), users=["anna@corp.test"])
    assert one(checks, "ldap.filter")["evidence"] == "(objectClass=user) is no LDAP filter: malformed filter"
    assert one(checks, "ldap.user")["status"] == "pass"


def test_filter_finds_nobody():
    check = one(ask(directory=Directory()), "ldap.filter")
    assert check["evidence"] == "no entry matches (objectClass=user)"
    assert check["hint"].startswith("Nobody could log in.")


def test_filter_refused():
    check = one(ask(directory=Directory(rules={FILTER: Refused(50, "insufficientAccessRights", "")})), "ldap.filter")
    assert check["evidence"] == "insufficientAccessRights (LDAP result 50)"


def test_filter_lost():
    check = one(ask(directory=Directory(rules={FILTER: SessionLost("receive timeout")})), "ldap.filter")
    assert check["evidence"] == "no usable answer: receive timeout"


def test_nobody_has_the_attribute():
    check = one(ask(directory=Directory(rules={FILTER: [person("anna")]})), "ldap.filter")
    assert check["evidence"] == "1 entries match, none of them has mail"


def test_some_lack_the_attribute():
    check = one(ask(directory=Directory(rules={FILTER: [ANNA, person("boris")]})), "ldap.filter")
    assert (check["status"], check["evidence"]) == ("pass", "2 entries match, 1 of them without mail")


def test_more_users_than_a_page():
    many = [person(f"u{number}", f"u{number}@corp.test") for number in range(1001)]
    check = one(ask(directory=Directory(rules={FILTER: many})), "ldap.filter")
    assert (check["status"], check["evidence"]) == ("warn", "1001 entries match")
    assert "first 1000" in check["hint"]


def test_collision_when_case_is_folded():
    twins = [ANNA, person("anna2", "ANNA@Corp.Test")]
    check = one(ask(directory=Directory(rules={FILTER: twins})), "ldap.user")
    assert check["status"] == "fail"
    assert check["evidence"] == (
        f"2 entries share mail=anna@corp.test (case does not count): CN=anna,{BASE}; CN=anna2,{BASE}"
    )


def test_user_whose_password_has_expired():
    computed = {"msDS-User-Account-Control-Computed": "8388608"}
    check = user(
        [person("anna", "anna@corp.test", userAccountControl="512", pwdLastSet="132000000000000000", **computed)]
    )
    assert (check["status"], check["evidence"]) == ("warn", f"the password of CN=anna,{BASE} has expired")
    computed = {"msDS-User-Account-Control-Computed": "0"}
    assert user([person("anna", "anna@corp.test", **computed)])["status"] == "pass"


def user(found, near=(), allowed=(ANNA,), name="anna@corp.test"):
    rules = {
        FILTER: list(allowed),
        f"(mail={name})": list(found),
        f"(|(userPrincipalName={name})(sAMAccountName={name.partition('@')[0]}))": list(near),
    }
    return one(ask(directory=Directory(rules=rules), users=[name]), "ldap.user")


def test_user_missing():
    check = user([])
    assert check["evidence"] == "no entry has mail=anna@corp.test"
    assert check["hint"] == f"Is the name spelt right, is the account below {BASE}, and is mail filled?"


def test_user_has_no_mail():
    assert user([], near=[person("anna")])["hint"] == f"CN=anna,{BASE} may be meant: fill its attribute mail."


def test_user_has_another_mail():
    """Named by his userPrincipalName, whose suffix is that of the forest."""
    hint = user([], near=[person("anna", "anna@corp.example")])["hint"]
    assert hint == f"CN=anna,{BASE} may be meant: its attribute mail is anna@corp.example."


def test_user_twice():
    """And none of the two is one that the filter finds."""
    check = user([ANNA, person("anna2")], allowed=[person("boris", "boris@corp.test")])
    assert check["evidence"].startswith("2 entries have mail=anna@corp.test: CN=anna,")


def test_user_beside_others_of_the_same_name_that_cannot_log_in():
    """The account before the marriage, disabled, and a contact in the address book, both with the mail of today."""
    former = person("anna-former", "anna@corp.test", userAccountControl="514")
    contact = person("anna-contact", "anna@corp.test")
    check = user([former, ANNA, contact])
    assert (check["status"], check["evidence"]) == ("pass", f"CN=anna,{BASE}, enabled")


def test_two_enabled_users_of_one_name_beside_a_disabled_one():
    former = person("anna-former", "anna@corp.test", userAccountControl="514")
    rules = {FILTER: [ANNA, person("anna2", "anna@corp.test")]}
    rules["(mail=anna@corp.test)"] = [*rules[FILTER], former]
    shared, named = by_id(ask(directory=Directory(rules=rules), users=["anna@corp.test"]), "ldap.user")
    assert (shared["status"], named["status"]) == ("fail", "fail")
    assert named["evidence"].startswith("3 entries have mail=anna@corp.test: ")


def test_user_disabled():
    assert user([person("anna", userAccountControl="514")])["evidence"] == f"CN=anna,{BASE} is disabled"


def test_user_expired():
    assert user([person("anna", accountExpires="132000000000000000")])["evidence"] == f"CN=anna,{BASE} has expired"


@pytest.mark.parametrize("never", ["0", "9223372036854775807"])
def test_user_never_expires(never):
    assert user([person("anna", accountExpires=never)])["status"] == "pass"


def test_user_left_out_by_the_filter():
    check = user([ANNA], allowed=[person("boris", "boris@corp.test")])
    assert check["evidence"] == f"CN=anna,{BASE} exists, but the filter leaves it out"


def test_user_locked_out():
    assert user([person("anna", lockoutTime="132000000000000000")])["status"] == "warn"


def test_user_must_change_password():
    assert "must change the password" in user([person("anna", pwdLastSet="0")])["evidence"]


def test_user_names_are_escaped():
    directory = Directory(rules={FILTER: [ANNA]})
    ask(directory=directory, users=["*)(x@corp.test"])
    assert ("search", BASE, "(mail=\\2a\\29\\28x@corp.test)", "SUBTREE") in directory.calls


def addresses(found, domain="corp.test", **changes):
    directory = Directory(rules={FILTER: list(found)})
    return by_id(ask(directory=directory, domain=domain, **changes), "ldap.user")


def test_two_who_share_a_name_with_which_nobody_can_log_in():
    """Technical accounts that send as the mother company."""
    twins = [person("scan1", "it@mother.test"), person("scan2", "it@mother.test")]
    (check,) = addresses([ANNA, *twins])
    assert (check["status"], "2 of 3 entries can never log in" in check["evidence"]) == ("warn", True)
    (check,) = addresses([ANNA, *twins], domain=None)
    assert (check["status"], check["subject"]) == ("fail", "it@mother.test on dc1.corp.test")


def test_entries_that_make_no_address():
    """Clients write o\\27brien for o'brien (XEP-0106), and the directory is asked for exactly that."""
    found = [ANNA, person("none"), person("brien", "o'brien@corp.test"), person("vera", "vera@other.test")]
    (check,) = addresses(found)
    assert (check["status"], check["subject"], check["source"]) == (
        "warn",
        f"{BASE} on dc1.corp.test",
        "RFC 7622 3.3.1",
    )
    assert check["evidence"] == (
        "2 of 3 entries can never log in, their mail makes no XMPP address in corp.test: "
        "o'brien@corp.test (holds '), vera@other.test (another domain)"
    )
    assert check["hint"] == (
        "Where they are to use the service: correct mail. Before the @ stands none of \" & ' / : < > @ or a space, "
        "behind it corp.test."
    )


@pytest.mark.parametrize("char", "\"&'/:<>")
def test_characters_that_no_address_holds(char):
    (check,) = addresses([person("anna", f"an{char}na@corp.test")])
    assert f"an{char}na@corp.test (holds {char})" in check["evidence"]


def test_three_of_many_entries_that_make_no_address_are_shown():
    (check,) = addresses([person(f"u{number}", f"u{number}@other.test") for number in range(5)])
    assert check["evidence"].endswith(
        ": u0@other.test (another domain), u1@other.test (another domain), u2@other.test (another domain) and 2 more"
    )


def test_nobody_makes_an_address():
    """The users have mail in corp.test, and the chat was given the name of the forest."""
    found = [ANNA, person("boris", "boris@corp.test"), person("scanner")]
    (check,) = addresses(found, domain="corp.local")
    assert check["status"] == "fail"
    assert check["evidence"].startswith(
        "2 of 2 entries can never log in, their mail makes no XMPP address in corp.local: "
    )


def test_addresses_in_their_domain():
    assert addresses([ANNA, person("boris", "Boris@CORP.test")]) == []
    assert addresses([person("vera", "vera@other.test")], domain=None) == []


def test_one_usable_value_is_enough():
    several = Entry(f"CN=anna,{BASE}", {"mail": ["anna@other.test", "anna@corp.test"]})
    assert addresses([several]) == []


def test_names_without_a_domain():
    (check,) = addresses(
        [Entry("CN=a", {"samaccountname": ["o'brien"]}), Entry("CN=b", {"samaccountname": ["anna"]})],
        uid_attribute="sAMAccountName",
    )
    assert check["evidence"] == (
        "1 of 2 entries can never log in, their sAMAccountName makes no XMPP address in corp.test: o'brien (holds ')"
    )


def test_user_who_makes_no_address():
    (check,) = addresses([ANNA], users=["o'brien@corp.test"])
    assert (check["status"], check["evidence"]) == (
        "fail",
        "o'brien@corp.test makes no XMPP address in corp.test: holds '",
    )


def group(entries, name=GROUP):
    rules = {FILTER: [ANNA], "group": entries}
    rules["(&(objectClass=group)(|(sAMAccountName=Chat Users)(cn=Chat Users)))"] = entries
    return one(ask(directory=Directory(rules=rules), group=name), "ldap.group")


def test_group_by_name():
    assert group([Entry(GROUP, {"objectclass": ["group"], "member": ["CN=a"]})], "Chat Users")["status"] == "pass"


DOMAIN_USERS = "CN=Domain Users,CN=Users,DC=corp,DC=test"


def group_of_everybody(primary, allowed=(ANNA,)):
    """The group of the service holds Domain Users. primary: whose primary group that is."""
    rules = {
        FILTER: list(allowed),
        "group": [Entry(GROUP, {"objectclass": ["group"], "member": [DOMAIN_USERS, ANNA.dn]})],
        f"(&(objectClass=group)(memberOf={GROUP}))": [Entry(DOMAIN_USERS, {"primarygrouptoken": ["513"]})],
        "(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
        "(primaryGroupID=513))": primary,
    }
    directory = Directory(rules=rules)
    checks = by_id(ask(directory=directory, group=GROUP), "ldap.group")
    # Domain Users lies outside of the base in which users are looked for.
    inside = f"(&(objectClass=group)(memberOf={GROUP}))"
    assert ("search", "DC=corp,DC=test", inside, "SUBTREE") in directory.calls
    return checks


def test_group_with_a_primary_group_in_it():
    """Active Directory says of nobody that he is a member of his primary group."""
    seen, unseen = group_of_everybody([ANNA, person("boris"), person("vera")])
    assert seen["status"] == "pass"
    assert (unseen["status"], unseen["evidence"]) == (
        "warn",
        f"{DOMAIN_USERS} is in the group, but the filter does not find 2 users whose primary group it is",
    )


@pytest.mark.parametrize("primary", [[], [ANNA]], ids=["nobody's", "of those who are found anyway"])
def test_group_with_a_primary_group_in_it_that_makes_no_difference(primary):
    assert [check["status"] for check in group_of_everybody(primary)] == ["pass"]


def test_group_name_is_ambiguous():
    assert group([Entry("a"), Entry("b")], "Chat Users")["evidence"] == "2 groups have this name"


def test_group_missing():
    assert group([])["evidence"] == "no such group"
    assert "does not exist" in group(Refused(32, "noSuchObject", ""))["evidence"]


def test_group_is_none():
    assert group([Entry(GROUP, {"objectclass": ["person"]})])["evidence"] == f"{GROUP} is no group"


def test_group_is_empty():
    assert group([Entry(GROUP, {"objectclass": ["group"]})])["evidence"] == "the group has no members"


def test_group_above_the_range_limit():
    check = group([Entry(GROUP, {"objectclass": ["group"], "member": [f"CN={n}" for n in range(1501)]})])
    assert (check["status"], "empty group" in check["hint"]) == ("warn", True)
