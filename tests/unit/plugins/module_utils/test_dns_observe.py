# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_info from questions to checks, literally, against scripted servers: nobody is on the network here."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._dns import judge, meaning, observe_answers
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.judge_users import survey
from ansible_collections.onprem.chat.plugins.module_utils._dns.lookup import BAD_ANSWER, BAD_KEY
from ansible_collections.onprem.chat.plugins.module_utils._dns.observe import Observer, Question, party
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Intent
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, record_set
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_observe_fake import (
    ZONE,
    Fake,
    FakeNetwork,
    dead,
    resolver,
)

NS1, NS2, RES, OUT = "10.0.0.1", "10.0.0.2", "10.0.0.53", "203.0.113.1"
WWW = Key("www.example.test.", "A")
SRV = Key("_xmpp-client._tcp.example.test.", "SRV")
GOOD = {("www.example.test.", "A"): (3600, "10.0.0.20")}
OLD = {("www.example.test.", "A"): (3600, "10.0.0.19")}
WANTED = Intent(WWW, "exact", ("10.0.0.20",), 3600)
SRV_GOOD = {
    ("_xmpp-client._tcp.example.test.", "SRV"): (86400, "5 0 5222 chat.example.test."),
    ("chat.example.test.", "A"): (3600, "10.0.0.20"),
    ("chat.example.test.", "AAAA"): (3600, "fd00::20"),
}
SRV_WANTED = Intent(SRV, "exact", ("5 0 5222 chat.example.test.",), 86400)


class Outcome:
    def __init__(self, network, intents=(WANTED,), split="warn", **question):
        given = {"servers": (NS1, NS2), "resolvers": ()} | question
        self.network = network
        self.question = Question(ZONE, tuple(intents), **given)
        self.view = Observer(self.question, network).observe()
        self.checks = survey(self.view, split, self.question.connect, self.question.compare_serials).as_list()

    def all(self, id_):
        return [check for check in self.checks if check["id"] == id_]

    def one(self, id_):
        (check,) = self.all(id_)
        return check

    def __getitem__(self, id_):
        check = self.one(id_)
        return check["status"], check["evidence"]

    def hint(self, id_):
        return self.one(id_)["hint"]

    @property
    def bad(self):
        return sorted({check["id"] for check in self.checks if check["status"] in ("fail", "warn")})


def two(first=None, second=None, **more):
    """Two servers of the zone, ns1 and ns2."""
    servers = {NS1: first or Fake(dict(GOOD)), NS2: second or Fake(dict(GOOD))}
    return FakeNetwork(servers | more.pop("servers", {}), **more)


# -- whom -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [
        ("ns1.example.test", "ns1.example.test", 53),
        ("NS1.Example.test.", "ns1.example.test", 53),
        ("ns1.example.test:5353", "ns1.example.test", 5353),
        ("10.0.0.1", "10.0.0.1", 53),
        ("10.0.0.1:54", "10.0.0.1", 54),
        ("fd00::1", "fd00::1", 53),
        ("[fd00::1]", "fd00::1", 53),
        ("[fd00::1]:5353", "fd00::1", 5353),
    ],
)
def test_how_servers_are_written(text, name, port):
    one = party(text, "server")
    assert (one.name, one.port) == (name, port)


@pytest.mark.parametrize("text", ["", ":53", "ns1:", "ns1:0", "ns1:65536", "ns1:dns", "[fd00::1]x", "[]:53"])
def test_what_is_no_server(text):
    with pytest.raises(InputError) as error:
        party(text, "server")
    assert str(error.value) == (
        f"{text!r} is no DNS server. Give a name or an address, with another port than 53 as name:port or "
        "[IPv6 address]:port."
    )


def test_the_ns_set_comes_from_the_resolvers_and_dead_ones_are_passed_over():
    ns = {(ZONE, "NS"): (3600, "NS1.example.test.", "ns2.example.test.")}
    network = two(
        servers={RES: dead(), "10.0.0.54": resolver(ns | GOOD)},
        names={"ns1.example.test": [NS1], "ns2.example.test": [NS2]},
    )
    seen = Outcome(network, servers=None, resolvers=(RES, "10.0.0.54"))
    assert [str(one) for one in seen.view.authoritative] == [
        "ns1.example.test (10.0.0.1)",
        "ns2.example.test (10.0.0.2)",
    ]
    assert seen["dns.authoritative"][0] == "pass"
    assert [check["status"] for check in seen.all("dns.server")] == ["pass", "pass", "fail", "pass"]


def test_names_that_only_the_given_resolver_knows():
    records = {(ZONE, "NS"): (3600, "ns1.example.test."), ("ns1.example.test.", "A"): (3600, NS1)}
    seen = Outcome(two(servers={RES: resolver(records | GOOD)}), servers=None, resolvers=(RES,))
    assert seen["dns.authoritative"] == (
        "pass",
        "[www.example.test. 3600 IN A 10.0.0.20] at ns1.example.test (10.0.0.1)",
    )


def test_the_zone_is_not_known_to_the_resolvers():
    seen = Outcome(two(servers={RES: resolver(rcodes={"NS": "SERVFAIL"})}, own=[RES]), servers=None, resolvers=None)
    first = seen.all("dns.server")[0]
    assert (first["status"], first["subject"]) == ("fail", ZONE)
    assert first["evidence"] == "the name servers of the zone were not found: 10.0.0.53: SERVFAIL"
    assert first["hint"] == (
        "Is the zone known to these resolvers? Name its servers in servers, or resolvers that know the zone."
    )


@pytest.mark.parametrize(
    ("own", "text"),
    [([], "there is no resolver to ask"), ([RES], "10.0.0.53: NXDOMAIN"), (["10.0.0.99"], None)],
)
def test_no_name_servers_in_other_words(own, text):
    seen = Outcome(two(servers={RES: resolver()}, own=own), servers=None, resolvers=())
    evidence = seen.all("dns.server")[0]["evidence"].partition("found: ")[2]
    assert evidence == (text or "10.0.0.99: no answer (UDP: no answer within 4 s; TCP: Connection refused)")


def test_no_ns_record_at_all():
    seen = Outcome(two(servers={RES: resolver({(ZONE, "TXT"): (1, '"x"')})}, own=[RES]), servers=None)
    assert seen.all("dns.server")[0]["evidence"].endswith("10.0.0.53: no NS record")


def test_no_servers_asked_for_is_said():
    seen = Outcome(two(), servers=())
    assert seen["dns.server"] == ("skip", "no server of the zone is to be asked (servers is empty)")
    assert seen["dns.authoritative"] == ("skip", "no server of the zone answered")


def test_a_server_that_is_named_twice_is_asked_once():
    seen = Outcome(two(), servers=(NS1, NS2, NS1), primaries=(NS1,), resolvers=(NS1,))
    assert [(one.party.name, one.party.role) for one in seen.view.seen] == [
        (NS1, "primary"),
        (NS2, "server"),
        (NS1, "resolver"),
    ]


def test_servers_are_asked_without_recursion_and_resolvers_with():
    network = two(servers={RES: resolver(GOOD)})
    Outcome(network, resolvers=(RES,))
    flags = {
        address: {recursive for who, _name, _kind, recursive in network.asked if who == address}
        for address in (NS1, RES)
    }
    assert flags == {NS1: {False}, RES: {True}}


def test_keys_pick_the_view():
    network = two(servers={OUT: Fake(dict(GOOD)), RES: resolver(GOOD)})
    Outcome(network, resolvers=(RES,), outside_servers=(OUT,), signer="inside", outside_signer="outside")
    assert set(network.signers) == {(NS1, "inside"), (NS2, "inside"), (RES, None), (OUT, "outside")}


def test_the_next_address_when_the_first_is_dead():
    network = two(names={"ns1.example.test": ["10.0.0.99", NS1]})
    seen = Outcome(network, servers=("ns1.example.test",))
    assert seen.view.seen[0].address == NS1


# -- whom the zone may do without ----------------------------------------------------------------------------------

NS_SET = {(ZONE, "NS"): (3600, "ns1.example.test.", "ns2.example.test.")}
NAMES = {"ns1.example.test": [NS1], "ns2.example.test": [NS2]}
OR_NAME_THEM = "Or name the servers that matter in servers (role dns: dns_servers)."


def found(first=None, second=None, names=(), intents=(WANTED,), ns=None, **question):
    """Two servers that only the NS records name, and a resolver that nobody judges."""
    network = two(first, second, servers={RES: resolver(ns or NS_SET)}, names={**NAMES, **dict(names)}, own=[RES])
    return Outcome(network, intents, **{"servers": None, **question})


def test_a_silent_server_of_the_ns_set_is_a_warning_and_not_waited_for():
    seen = found(second=dead(), wait=10)
    check = seen.all("dns.server")[1]
    assert (check["status"], check["subject"]) == ("warn", "ns2.example.test")
    assert check["hint"].endswith(OR_NAME_THEM)
    assert seen["dns.authoritative"][0] == "pass"
    assert seen.bad == ["dns.server"]
    assert seen.network.slept == []
    assert [str(one) for one in seen.view.laggards] == ["ns2.example.test"]


def test_a_server_of_the_ns_set_without_address_is_a_warning():
    seen = found(names={"ns2.example.test": []})
    assert [check["status"] for check in seen.all("dns.server")] == ["pass", "warn"]
    assert seen.all("dns.server")[1]["evidence"] == "the name has no address"


def test_a_silent_server_that_somebody_named_fails():
    seen = found(second=dead(), primaries=("ns2.example.test",))
    assert sorted(check["status"] for check in seen.all("dns.server")) == ["fail", "pass"]


@pytest.mark.parametrize("first", [dead(), Fake(rcodes={"SOA": "REFUSED"}), Fake(aa=False)])
def test_a_silent_server_counts_when_no_other_has_the_zone(first):
    assert found(first, dead()).all("dns.server")[1]["status"] == "fail"


def test_a_silent_server_excuses_no_other():
    seen = found(Fake(dict(OLD)), dead(), wait=4)
    assert seen.network.slept == [2, 2]
    assert seen["dns.authoritative"][0] == "fail"


def test_a_server_of_the_ns_set_that_says_something_wrong_fails():
    assert found(second=Fake(rcodes={"SOA": "REFUSED"})).all("dns.server")[1]["status"] == "fail"
    assert found(second=Fake(dict(OLD)))["dns.authoritative"][0] == "fail"


DC = {("_ldap._tcp.dc._msdcs.example.test.", "SRV"): (600, "0 100 389 ns1.example.test.")}


def test_a_domain_controller_that_lags_is_a_warning_when_the_one_written_to_is_right():
    new = {**SRV_GOOD, **DC}
    chat = Intent(Key("chat.example.test.", "A"), "exact", ("10.0.0.20",), 3600)
    old = {**DC, (SRV.name, "SRV"): (60, "5 0 5222 gone.example.test.")}
    seen = found(Fake(new), Fake(old), intents=(chat, SRV_WANTED), primaries=("ns1.example.test",))
    assert {check["status"] for check in seen.checks} == {"pass", "warn", "skip"}
    assert [check["hint"] for check in seen.all("dns.authoritative")] == [judge.REPLICATION] * 2
    assert "gone.example.test." not in [check["subject"] for check in seen.checks]
    lacks = seen["dns.srv.target.address"]
    assert lacks == ("warn", "A: 10.0.0.20; AAAA: fd00::20; but none at ns2.example.test (10.0.0.2)")


@pytest.mark.parametrize(
    "question",
    [{}, {"primaries": ("ns2.example.test",)}, {"primaries": ("ns1.example.test", "ns2.example.test")}],
    ids=["nobody is written to", "the late one is written to", "the late one is named"],
)
def test_a_domain_controller_that_lags_and_matters_fails(question):
    seen = found(Fake({**GOOD, **DC}), Fake({**OLD, **DC}), **question)
    assert seen["dns.authoritative"][0] == "fail"


def test_a_domain_controller_with_an_old_ttl():
    old = {**DC, ("www.example.test.", "A"): (60, "10.0.0.20")}
    seen = found(Fake({**GOOD, **DC}), Fake(old), primaries=("ns1.example.test",))
    assert (seen["dns.ttl"][0], seen.hint("dns.ttl")) == ("warn", judge.REPLICATION)


# -- dns.server -------------------------------------------------------------------------------------------------------


def test_everything_as_it_should_be():
    seen = Outcome(two(servers={RES: resolver(GOOD)}), resolvers=(RES,))
    assert seen.bad == []
    assert [(check["subject"], check["evidence"]) for check in seen.all("dns.server")] == [
        ("10.0.0.1", "authoritative, serial 7, asked over UDP"),
        ("10.0.0.2", "authoritative, serial 7, asked over UDP"),
        ("resolver 10.0.0.53", "answers over UDP"),
    ]
    assert seen["dns.authoritative"] == ("pass", "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2")
    assert seen["dns.ttl"] == ("pass", "3600 s at 10.0.0.1, 10.0.0.2")
    assert seen["dns.serial"] == ("pass", "7 at 10.0.0.1, 10.0.0.2")
    assert seen["dns.resolver"] == ("pass", "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.53")
    assert seen["dns.split"] == ("skip", "nobody outside is to be asked (outside is not given)")
    assert seen.view.laggards == []


@pytest.mark.parametrize(
    ("server", "evidence", "hint"),
    [
        (
            dead(),
            "no answer (UDP: no answer within 4 s; TCP: Connection refused)",
            "Is the DNS service running there, and is port 53 open for UDP and TCP between the controller and it? "
            "Check with: dig +norecurse @10.0.0.2 example.test. SOA",
        ),
        (
            dead("BADKEY: it does not accept the TSIG key internal-key (hmac-sha256)", BAD_KEY),
            "BADKEY: it does not accept the TSIG key internal-key (hmac-sha256)",
            "Are name, algorithm and secret of the key those in the server's configuration, and is the difference of the "
            "clocks below 5 minutes? For servers that do not know the key leave out tsig_name, tsig_secret and tsig_key_file "
            "(role dns: dns_sign_questions: false).",
        ),
        (
            dead("an answer that cannot be used: ShortHeader", BAD_ANSWER),
            "an answer that cannot be used: ShortHeader",
            "Does something else than a DNS server listen there? Check with: dig +norecurse @10.0.0.2 example.test. SOA",
        ),
        (
            Fake(rcodes={"SOA": "REFUSED"}),
            "answers REFUSED when asked for the zone example.test",
            "Does it hold the zone (expired, not loaded, another view), and may the controller ask it? "
            "Check with: dig +norecurse @10.0.0.2 example.test. SOA",
        ),
        (
            Fake(rcodes={"SOA": "SERVFAIL"}),
            "answers SERVFAIL when asked for the zone example.test",
            "Does it hold the zone (expired, not loaded, another view), and may the controller ask it? "
            "Check with: dig +norecurse @10.0.0.2 example.test. SOA",
        ),
        (
            Fake(aa=False),
            "is not authoritative for the zone example.test (its answer: NOERROR, flag AA is not set)",
            "Is it a resolver? Then name it in resolvers. Is the zone delegated to it, but not configured there? "
            "Check with: dig +norecurse @10.0.0.2 example.test. SOA",
        ),
        (
            Fake(zone="test."),
            "example.test is no zone of its own there; it lies in test",
            "Is test the zone that is meant?",
        ),
    ],
)
def test_a_server_that_is_of_no_use_is_a_failed_check_and_the_others_count(server, evidence, hint):
    seen = Outcome(two(second=server))
    check = seen.all("dns.server")[1]
    assert (check["status"], check["subject"], check["evidence"], check["hint"]) == ("fail", "10.0.0.2", evidence, hint)
    assert seen["dns.authoritative"] == ("pass", "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1")
    assert seen["dns.serial"] == ("skip", "nothing to compare: 7 at 10.0.0.1")
    assert [str(one) for one in seen.view.laggards] == ["10.0.0.2"]


def test_a_name_without_address():
    seen = Outcome(two(), servers=(NS1, "ns9.example.test"))
    check = seen.all("dns.server")[1]
    assert (check["subject"], check["evidence"]) == ("ns9.example.test", "the name has no address")
    assert check["hint"] == "Is it spelt right, and do the resolvers know it? Check with: getent hosts ns9.example.test"


def test_udp_that_does_not_come_through():
    seen = Outcome(two(second=Fake(dict(GOOD), over="TCP", udp_error="no answer within 4 s")))
    check = seen.all("dns.server")[1]
    assert (check["status"], check["evidence"]) == (
        "warn",
        "authoritative, serial 7, asked over TCP; UDP: no answer within 4 s",
    )
    assert check["hint"] == (
        "Everybody asks over UDP first. Is UDP port 53 open between the controller and the server?"
    )


def test_other_port_in_texts():
    seen = Outcome(FakeNetwork({}), servers=("ns1.example.test:5353",), intents=())
    assert seen.one("dns.server")["subject"] == "ns1.example.test port 5353"
    seen = Outcome(FakeNetwork({}), servers=("10.0.0.1:5353",), intents=())
    assert seen.hint("dns.server").endswith("Check with: dig +norecurse @10.0.0.1 -p 5353 example.test. SOA")


@pytest.mark.parametrize(
    ("server", "status", "evidence", "hint"),
    [
        (
            resolver(rcodes={"SOA": "REFUSED"}),
            "fail",
            "answers REFUSED",
            "Does it resolve for the controller's network? Check with: dig @10.0.0.53 example.test. SOA",
        ),
        (
            dead(),
            "fail",
            "no answer (UDP: no answer within 4 s; TCP: Connection refused)",
            "Is the DNS service running there, and is port 53 open for UDP and TCP between the controller and it? "
            "Check with: dig @10.0.0.53 example.test. SOA",
        ),
        (
            resolver(GOOD, ra=False),
            "warn",
            "answers over UDP, but offers no recursion",
            "Is it a resolver, and may the controller use it? A server that answers for its own zones only belongs into "
            "servers.",
        ),
    ],
)
def test_a_resolver_that_is_of_no_use(server, status, evidence, hint):
    seen = Outcome(two(servers={RES: server}), resolvers=(RES,))
    check = seen.all("dns.server")[2]
    assert (check["subject"], check["status"], check["evidence"], check["hint"]) == (
        "resolver 10.0.0.53",
        status,
        evidence,
        hint,
    )
    if status == "fail":
        assert seen["dns.resolver"] == ("skip", "no resolver answered")


# -- dns.authoritative ------------------------------------------------------------------------------------------------


def test_a_secondary_with_an_old_copy_is_named():
    seen = Outcome(two(second=Fake(dict(OLD), serial=5)))
    assert seen["dns.authoritative"] == (
        "fail",
        "[www.example.test. 3600 IN A 10.0.0.19] at 10.0.0.2; wanted: [www.example.test. 3600 IN A 10.0.0.20] and no other; "
        "as wanted at 10.0.0.1",
    )
    assert seen.hint("dns.authoritative") == (
        "Does 10.0.0.2 get the zone from its primary (NOTIFY, transfer over TCP port 53, the key for it), and does it serve "
        "the same view? With wait the module gives it time. Check with: dig +norecurse @10.0.0.2 www.example.test. A"
    )
    assert seen["dns.serial"] == ("fail", "10.0.0.2 has 5, 2 behind; 10.0.0.1 has 7")
    assert [str(one) for one in seen.view.laggards] == ["10.0.0.2"]


@pytest.mark.parametrize(
    ("records", "intent", "evidence", "hint"),
    [
        (
            {},
            WANTED,
            "NXDOMAIN at 10.0.0.1, 10.0.0.2; wanted: [www.example.test. 3600 IN A 10.0.0.20] and no other",
            "Was it published, in this zone and this view (dns_records, or the provider of the zone)?",
        ),
        (
            {("www.example.test.", "TXT"): (1, '"x"')},
            Intent(WWW, "present", ("10.0.0.20",)),
            "no A record at 10.0.0.1, 10.0.0.2; wanted: [www.example.test. IN A 10.0.0.20]",
            "Was it published, in this zone and this view (dns_records, or the provider of the zone)?",
        ),
        (
            OLD,
            WANTED,
            "[www.example.test. 3600 IN A 10.0.0.19] at 10.0.0.1, 10.0.0.2; "
            "wanted: [www.example.test. 3600 IN A 10.0.0.20] and no other",
            "Was the change made, or does somebody else write the same records?",
        ),
        (
            GOOD,
            Intent(WWW, "absent"),
            "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2; wanted: no A record",
            "Is it still to be removed (dns_records), or does a wildcard above it answer?",
        ),
        (
            GOOD,
            Intent(WWW, "absent", ("10.0.0.20",)),
            "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2; wanted: not [www.example.test. IN A 10.0.0.20]",
            "Is it still to be removed (dns_records), or does a wildcard above it answer?",
        ),
    ],
)
def test_not_as_wanted_anywhere(records, intent, evidence, hint):
    seen = Outcome(two(Fake(dict(records)), Fake(dict(records))), [intent])
    assert seen["dns.authoritative"] == ("fail", evidence)
    assert seen.hint("dns.authoritative") == f"{hint} Check with: dig +norecurse @10.0.0.1 www.example.test. A"


def test_an_alias_in_place_of_an_address():
    records = {
        ("www.example.test.", "CNAME"): (60, "host.example.test."),
        ("host.example.test.", "A"): (60, "10.0.0.20"),
    }
    seen = Outcome(two(Fake(dict(records)), Fake(dict(records))))
    assert seen["dns.authoritative"][1].startswith("[www.example.test. 60 IN CNAME host.example.test.] at 10.0.0.1")
    assert seen.hint("dns.authoritative") == (
        "Beside a CNAME nothing can stand (RFC 1034 3.6.2): remove it, or name the host that it points to."
    )


def test_an_alias_that_is_wanted():
    key = Key("www.example.test.", "CNAME")
    records = {("www.example.test.", "CNAME"): (60, "host.example.test.")}
    seen = Outcome(two(Fake(dict(records)), Fake(dict(records))), [Intent(key, "exact", ("host.example.test.",))])
    assert seen["dns.authoritative"][0] == "pass"


def test_a_delegated_name_has_no_authority_here():
    seen = Outcome(two(Fake(dict(GOOD), no_authority=(WWW.name,)), Fake(dict(GOOD), no_authority=(WWW.name,))))
    assert seen["dns.authoritative"][1].startswith("an answer without authority at 10.0.0.1, 10.0.0.2; wanted: ")
    assert seen.hint("dns.authoritative") == (
        "Is a zone below example.test. delegated to another server? Then give that zone. "
        "Check with: dig +norecurse @10.0.0.1 www.example.test. A"
    )
    assert seen["dns.ttl"] == ("skip", "no server of the zone has the record set")


def test_a_server_that_fails_for_one_name():
    seen = Outcome(two(second=Fake(dict(GOOD), rcodes={"A": "SERVFAIL"})))
    assert seen["dns.authoritative"][1].startswith("SERVFAIL at 10.0.0.2; wanted: ")
    assert seen.hint("dns.authoritative").startswith("Is the server overloaded, or is its copy of the zone damaged?")


@pytest.mark.parametrize(
    ("intent", "met"),
    [
        (Intent(SRV, "present", ("5 0 5222 a.example.test.",)), True),
        (Intent(SRV, "present", ("5 0 5222 b.example.test.",)), True),
        (Intent(SRV, "present", ("6 0 5222 a.example.test.",)), False),
        (Intent(SRV, "present", ("5 0 5222 c.example.test.",)), False),
        (Intent(SRV, "exact", ("5 0 5222 b.example.test.", "5 0 5222 a.example.test.")), True),
        (Intent(SRV, "exact", ("5 0 5222 a.example.test.",)), False),
        (Intent(SRV, "absent", ("5 0 5222 c.example.test.",)), True),
        (Intent(SRV, "absent", ("5 0 5222 a.example.test.",)), False),
        (Intent(SRV, "absent"), False),
        (Intent(SRV, "present", ("0 0 0 .",)), False),
    ],
)
def test_states_mean_what_they_mean_in_dns_records(intent, met):
    assert meaning.is_met(intent, record_set(SRV, 60, ("5 0 5222 a.example.test.", "5 0 5222 b.example.test."))) is met


@pytest.mark.parametrize(("state", "met"), [("present", False), ("exact", False), ("absent", True)])
def test_nothing_there(state, met):
    assert meaning.is_met(Intent(WWW, state, ("10.0.0.20",)), None) is met


def test_what_others_put_into_a_shared_set_is_shown_and_fine():
    shared = {("www.example.test.", "A"): (3600, "10.0.0.20", "10.0.0.21")}
    seen = Outcome(two(Fake(shared), Fake(dict(GOOD))), [Intent(WWW, "present", ("10.0.0.20",))])
    assert seen["dns.authoritative"] == (
        "pass",
        "[www.example.test. 3600 IN A 10.0.0.20; www.example.test. 3600 IN A 10.0.0.21] at 10.0.0.1; "
        "[www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.2",
    )


def test_long_sets_are_cut():
    many = {("www.example.test.", "A"): (3600, *(f"10.1.{number}.1" for number in range(100)))}
    evidence = Outcome(two(Fake(many), Fake(many)))["dns.authoritative"][1]
    assert " ... at 10.0.0.1, 10.0.0.2; wanted: " in evidence
    assert len(evidence) < 900


# -- dns.ttl ----------------------------------------------------------------------------------------------------------


def test_another_ttl_than_wanted():
    other = {("www.example.test.", "A"): (60, "10.0.0.20")}
    seen = Outcome(two(second=Fake(other)))
    assert seen["dns.authoritative"][0] == "pass"
    assert seen["dns.ttl"] == ("fail", "3600 s at 10.0.0.1; 60 s at 10.0.0.2; wanted: 3600 s")
    assert seen.hint("dns.ttl") == (
        "Was the change made on the primary, and did it reach every server? Some providers set a TTL of their own: then give "
        "that one, or none."
    )
    assert [str(one) for one in seen.view.laggards] == ["10.0.0.2"]


def test_servers_disagree_about_a_ttl_that_nobody_asked_for():
    other = {("www.example.test.", "A"): (60, "10.0.0.20")}
    seen = Outcome(two(second=Fake(other)), [Intent(WWW, "exact", ("10.0.0.20",))])
    assert seen["dns.ttl"] == ("warn", "3600 s at 10.0.0.1; 60 s at 10.0.0.2")
    assert seen.hint("dns.ttl") == "Does a server serve an old copy of the zone? See dns.serial."


def test_no_ttl_of_what_shall_not_be():
    assert Outcome(two(Fake(), Fake()), [Intent(WWW, "absent")]).all("dns.ttl") == []


# -- dns.serial -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "distance"),
    [
        (1, 2, 1),
        (2, 1, -1),
        (7, 7, 0),
        (4294967295, 0, 1),
        (4294967290, 5, 11),
        (5, 4294967290, -11),
        (0, 2147483647, 2147483647),
        (0, 2147483648, None),
        (2026112201, 1, 2268855096),
    ],
)
def test_serial_arithmetic(old, new, distance):
    expected = distance if distance is None or distance < 2**31 else distance - 2**32
    assert meaning.serial_distance(old, new) == expected


def test_a_serial_behind_whose_records_are_right_is_a_warning():
    seen = Outcome(two(second=Fake(dict(GOOD), serial=6)))
    assert seen["dns.serial"] == ("warn", "10.0.0.2 has 6, 1 behind; 10.0.0.1 has 7")
    assert seen.hint("dns.serial") == (
        "May 10.0.0.2 transfer the zone from 10.0.0.1 (TCP port 53, address or key), and does it get NOTIFY? See the log of "
        "the secondary; with wait the module gives it time."
    )


def test_a_serial_behind_when_no_records_were_asked_for_fails():
    assert Outcome(two(second=Fake(serial=6)), [])["dns.serial"][0] == "fail"


def test_the_serial_wraps_around():
    seen = Outcome(two(Fake(dict(GOOD), serial=3), Fake(dict(OLD), serial=4294967295)))
    assert seen["dns.serial"] == ("fail", "10.0.0.2 has 4294967295, 4 behind; 10.0.0.1 has 3")


def test_the_primary_counts_even_when_it_is_behind():
    seen = Outcome(two(Fake(dict(GOOD), serial=3), Fake(dict(GOOD), serial=9)), primaries=(NS1,), servers=(NS2,))
    assert seen["dns.serial"] == ("fail", "10.0.0.2 has 9, 6 ahead; 10.0.0.1 has 3")
    assert seen.hint("dns.serial") == (
        "Is 10.0.0.1 the primary, and was its zone restored or its serial set back? Until it has passed the secondary's, "
        "10.0.0.2 takes no change: raise the primary's serial beyond it."
    )


def test_the_primary_is_known_by_the_soa_record():
    network = two(
        Fake(dict(GOOD), serial=3),
        Fake(dict(GOOD), serial=9),
        names={"ns1.example.test": [NS1], "ns2.example.test": [NS2]},
    )
    seen = Outcome(network, servers=("ns2.example.test", "ns1.example.test"))
    assert seen["dns.serial"][1] == ("ns2.example.test (10.0.0.2) has 9, 6 ahead; ns1.example.test (10.0.0.1) has 3")


def test_serials_that_cannot_be_ordered():
    seen = Outcome(two(Fake(dict(GOOD), serial=0), Fake(dict(OLD), serial=2**31)))
    assert seen["dns.serial"] == ("fail", "10.0.0.2 has 2147483648, and the two cannot be ordered; 10.0.0.1 has 0")


def test_domain_controllers_count_each_for_itself():
    seen = Outcome(
        two(Fake(dict(GOOD), mname="dc1.example.test."), Fake(dict(GOOD), serial=99, mname="dc2.example.test."))
    )
    assert seen["dns.serial"] == (
        "skip",
        "Active Directory (the SOA record names another primary at each server: dc1.example.test., dc2.example.test.): every "
        "domain controller counts a serial of its own, so only the records are compared. 7 at 10.0.0.1, 99 at 10.0.0.2",
    )
    assert seen.view.laggards == []


def test_domain_controllers_by_their_srv_records():
    records = GOOD | {("_ldap._tcp.dc._msdcs.example.test.", "SRV"): (600, "0 100 389 dc1.example.test.")}
    seen = Outcome(two(Fake(dict(records)), Fake(dict(GOOD), serial=99)))
    assert seen["dns.serial"][1].startswith(
        "Active Directory (_ldap._tcp.dc._msdcs.example.test. exists): every domain "
    )
    assert seen.view.laggards == []


def test_serials_are_not_compared_when_told_so():
    network = two(second=Fake(dict(GOOD), serial=6))
    seen = Outcome(network, compare_serials=False)
    assert seen["dns.serial"] == ("skip", "serials=ignore")
    assert seen.view.laggards == []
    assert not [name for _address, name, _kind, _recursive in network.asked if "_msdcs" in name]


# -- waiting ----------------------------------------------------------------------------------------------------------


def transfer(network):
    network.servers[NS2] = Fake(dict(GOOD))


def test_waits_until_the_secondary_follows():
    network = two(second=Fake(dict(OLD), serial=6), later=[(5, transfer)])
    seen = Outcome(network, wait=60, interval=2)
    assert seen.bad == []
    assert network.slept == [2, 2, 2]
    assert seen.view.waited == 6


def test_names_the_laggard_when_time_is_up():
    network = two(second=Fake(dict(OLD), serial=6), later=[(100, transfer)])
    seen = Outcome(network, wait=5, interval=2)
    assert network.slept == [2, 2, 1]
    assert seen["dns.authoritative"] == (
        "fail",
        "after 5 s: [www.example.test. 3600 IN A 10.0.0.19] at 10.0.0.2; wanted: [www.example.test. 3600 IN A 10.0.0.20] and "
        "no other; as wanted at 10.0.0.1",
    )
    assert seen["dns.serial"] == ("fail", "after 5 s: 10.0.0.2 has 6, 1 behind; 10.0.0.1 has 7")
    assert [str(one) for one in seen.view.laggards] == ["10.0.0.2"]


def test_does_not_wait_when_everything_is_there():
    network = two()
    assert Outcome(network, wait=60).view.waited == 0
    assert network.slept == []


def test_looks_once_without_wait():
    network = two(second=dead())
    Outcome(network)
    assert network.slept == []


def test_waits_for_a_dead_server_too():
    network = two(second=dead(), later=[(3, transfer)])
    seen = Outcome(network, wait=10)
    assert seen.bad == []
    assert seen.view.waited == 4


def test_what_is_right_already_is_not_asked_again():
    network = two(second=dead(), later=[(3, transfer)])
    Outcome(network, wait=10)
    assert network.asked.count((NS1, WWW.name, "A", False)) == 1


def test_waits_for_a_ttl_and_for_a_serial():
    slow = {("www.example.test.", "A"): (60, "10.0.0.20")}
    assert Outcome(two(second=Fake(slow), later=[(3, transfer)]), wait=10).view.waited == 4
    assert Outcome(two(second=Fake(dict(GOOD), serial=6), later=[(3, transfer)]), wait=10).view.waited == 4


def test_resolvers_are_waited_for_only_when_told_so():
    def forget(network):
        network.servers[RES] = resolver(GOOD)

    def ask(**more):
        return Outcome(two(servers={RES: resolver(OLD)}, later=[(7, forget)]), resolvers=(RES,), wait=10, **more)

    assert ask().view.waited == 0
    assert ask()["dns.resolver"][0] == "warn"
    assert ask(wait_for_resolvers=True).view.waited == 8
    assert ask(wait_for_resolvers=True)["dns.resolver"][0] == "pass"


# -- dns.resolver -----------------------------------------------------------------------------------------------------

LATE = "Wait, or clear the resolver's cache for this name. Whoever asks before a record is there causes this."


@pytest.mark.parametrize(
    ("server", "status", "evidence", "hint"),
    [
        (
            resolver(soa_ttl=212),
            "warn",
            "10.0.0.53: NXDOMAIN; resolvers may keep NXDOMAIN for 300 s, this one for another 212 s",
            LATE,
        ),
        (
            resolver(no_soa=True),
            "warn",
            "10.0.0.53: NXDOMAIN; resolvers may keep NXDOMAIN for 300 s",
            LATE,
        ),
        (
            resolver({("www.example.test.", "TXT"): (1, '"x"')}, soa_ttl=100),
            "warn",
            "10.0.0.53: no A record; resolvers may keep this for 300 s, this one for another 100 s",
            LATE,
        ),
        (
            resolver({("www.example.test.", "A"): (77, "10.0.0.19")}),
            "warn",
            "10.0.0.53: [www.example.test. 77 IN A 10.0.0.19]; it may keep this old answer for another 77 s",
            LATE,
        ),
        (
            resolver(rcodes={"A": "SERVFAIL"}),
            "fail",
            "10.0.0.53: SERVFAIL",
            "Does this resolver reach the servers of the zone? Check with: dig @10.0.0.53 www.example.test. A",
        ),
        (
            resolver(OLD, aa=True),
            "warn",
            "10.0.0.53: [www.example.test. 3600 IN A 10.0.0.19], with authority: it serves the zone itself (serial 7)",
            "Is it a domain controller or a secondary to which the change has not come yet? Then wait, and ask again. If it "
            "stays so, it holds another copy of the zone (split DNS). Check with: dig @10.0.0.53 www.example.test. A",
        ),
        (
            resolver(OLD, aa=True, zone="www.example.test."),
            "fail",
            "10.0.0.53: [www.example.test. 3600 IN A 10.0.0.19], with authority: it has a zone of its own for this name",
            "Does it hold another copy of the zone (split DNS), or one that is not kept up to date? Waiting does not help. "
            "Check with: dig @10.0.0.53 www.example.test. A",
        ),
    ],
)
def test_a_resolver_that_lags(server, status, evidence, hint):
    seen = Outcome(two(servers={RES: server}), resolvers=(RES,))
    assert seen["dns.resolver"] == (status, evidence)
    assert seen.hint("dns.resolver") == hint


def test_a_resolver_counts_its_ttl_down():
    seen = Outcome(two(servers={RES: resolver({("www.example.test.", "A"): (5, "10.0.0.20")})}), resolvers=(RES,))
    assert seen["dns.resolver"] == ("pass", "[www.example.test. 5 IN A 10.0.0.20] at 10.0.0.53")


def test_a_removed_record_that_a_resolver_still_has():
    seen = Outcome(two(Fake(), Fake(), servers={RES: resolver(GOOD)}), [Intent(WWW, "absent")], resolvers=(RES,))
    assert seen["dns.resolver"] == (
        "warn",
        "10.0.0.53: [www.example.test. 3600 IN A 10.0.0.20]; it may keep this old answer for another 3600 s",
    )


NOT_ASKED = (
    "skip",
    "not asked: a resolver that is asked before every server of the zone has it remembers the old state",
)


def asked_names(network, address):
    return [name for who, name, kind, _recursive in network.asked if who == address and kind not in ("SOA", "NS")]


@pytest.mark.parametrize("second", [Fake(), Fake(dict(OLD)), Fake(dict(GOOD), rcodes={"A": "SERVFAIL"})])
def test_resolvers_are_not_asked_too_early(second):
    network = two(second=second, servers={RES: resolver(), OUT: resolver()})
    seen = Outcome(network, resolvers=(RES,), outside_resolvers=(OUT,), wait=4, wait_for_resolvers=True)
    assert seen["dns.resolver"] == NOT_ASKED
    assert seen["dns.split"] == ("skip", "nobody outside gave an answer to compare")
    assert asked_names(network, RES) == asked_names(network, OUT) == []
    assert [check["status"] for check in seen.all("dns.server")] == ["pass"] * 4


@pytest.mark.parametrize("wait_for_resolvers", [False, True])
def test_resolvers_are_asked_once_it_is_there(wait_for_resolvers):
    network = two(second=Fake(dict(OLD), serial=6), servers={RES: resolver(GOOD)}, later=[(3, transfer)])
    seen = Outcome(network, resolvers=(RES,), wait=10, wait_for_resolvers=wait_for_resolvers)
    assert seen["dns.resolver"][0] == "pass"
    assert asked_names(network, RES) == [WWW.name]
    assert seen.view.waited == 4


def test_of_several_sets_those_are_asked_for_that_are_there():
    network = two(servers={RES: resolver(GOOD)})
    seen = Outcome(network, [WANTED, SRV_WANTED], resolvers=(RES,))
    assert [check["status"] for check in seen.all("dns.resolver")] == ["pass", "skip"]
    assert asked_names(network, RES) == [WWW.name]


def test_outside_resolvers_are_not_asked_for_what_outside_servers_do_not_have():
    network = two(servers={OUT: Fake(), "203.0.113.53": resolver()})
    seen = Outcome(network, outside_servers=(OUT,), outside_resolvers=("203.0.113.53",))
    assert asked_names(network, "203.0.113.53") == []
    assert seen["dns.split"][1].endswith("outside: NXDOMAIN at 203.0.113.1")


def test_resolvers_are_not_asked_when_no_server_says_what_is_there():
    network = two(dead(), dead(), servers={RES: resolver(SRV_GOOD)})
    seen = Outcome(network, (WANTED, SRV_WANTED), resolvers=(RES,))
    assert [(check["status"], check["evidence"]) for check in seen.all("dns.resolver")] == [NOT_ASKED] * 2
    assert seen["dns.srv.target.address"] == ("skip", "nobody could be asked for its address")
    assert asked_names(network, RES) == []


def test_resolvers_alone_when_no_server_is_to_be_asked():
    seen = Outcome(two(servers={RES: resolver()}), servers=(), resolvers=(RES,))
    assert seen["dns.resolver"] == (
        "fail",
        "10.0.0.53: NXDOMAIN; wanted: [www.example.test. 3600 IN A 10.0.0.20] and no other",
    )
    assert seen.hint("dns.resolver").startswith(
        "No server of the zone could be asked, so whether it is there is not known."
    )
    assert Outcome(two(servers={RES: resolver(GOOD)}), servers=(), resolvers=(RES,))["dns.resolver"][0] == "pass"


def test_the_worst_resolver_gives_status_and_hint():
    network = two(servers={RES: resolver(soa_ttl=9), "10.0.0.54": resolver(rcodes={"A": "SERVFAIL"})})
    seen = Outcome(network, resolvers=(RES, "10.0.0.54"))
    assert seen["dns.resolver"] == (
        "fail",
        "10.0.0.53: NXDOMAIN; resolvers may keep NXDOMAIN for 300 s, this one for another 9 s; 10.0.0.54: SERVFAIL",
    )
    assert seen.hint("dns.resolver").startswith("Does this resolver reach the servers of the zone?")


def test_the_resolvers_of_the_controller_by_default():
    seen = Outcome(two(servers={RES: resolver(GOOD)}, own=[RES]), resolvers=None)
    assert seen["dns.resolver"][0] == "pass"
    assert Outcome(two(own=[RES]), resolvers=())["dns.resolver"] == ("skip", "no resolver is to be asked")


# -- dns.split --------------------------------------------------------------------------------------------------------

OUTSIDE = {("www.example.test.", "A"): (60, "203.0.113.20")}
BOTH = (
    "split DNS; inside: [www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2; "
    "outside: [www.example.test. 60 IN A 203.0.113.20] at 203.0.113.1"
)
SPLIT_HINT = (
    "Users get another answer outside than inside (split DNS), and some products do not work with that. Publish the same "
    "records for both, or set split=allow if it is meant."
)


@pytest.mark.parametrize(
    ("policy", "status", "evidence", "hint"),
    [
        ("allow", "pass", BOTH.replace("split DNS;", "split DNS, which split=allow permits;"), ""),
        ("warn", "warn", BOTH, SPLIT_HINT),
        ("fail", "fail", BOTH, SPLIT_HINT),
    ],
)
def test_split_dns_is_a_decision(policy, status, evidence, hint):
    seen = Outcome(two(servers={OUT: Fake(dict(OUTSIDE))}), outside_servers=(OUT,), split=policy)
    assert seen["dns.split"] == (status, evidence)
    assert seen.hint("dns.split") == hint
    assert seen.all("dns.server")[2]["subject"] == "outside server 203.0.113.1"


def test_the_same_inside_and_outside_whatever_the_ttl():
    outside = {("www.example.test.", "A"): (60, "10.0.0.20")}
    seen = Outcome(two(servers={OUT: resolver(outside)}), outside_resolvers=(OUT,), split="fail")
    assert seen["dns.split"] == (
        "pass",
        "the same inside and outside: [www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2; "
        "[www.example.test. 60 IN A 10.0.0.20] at 203.0.113.1",
    )


def test_an_outside_resolver_may_be_late():
    seen = Outcome(two(servers={OUT: resolver()}), outside_resolvers=(OUT,))
    assert seen["dns.split"] == (
        "warn",
        "split DNS; inside: [www.example.test. 3600 IN A 10.0.0.20] at 10.0.0.1, 10.0.0.2; outside: NXDOMAIN at 203.0.113.1",
    )
    assert seen.hint("dns.split") == SPLIT_HINT + (
        " A resolver may also still keep an old answer: then it passes by itself."
    )


def test_nobody_outside_answers():
    seen = Outcome(two(), outside_servers=(OUT,), split="fail")
    assert seen["dns.split"] == ("skip", "nobody outside gave an answer to compare")
    assert seen.all("dns.server")[2]["status"] == "fail"


def test_inside_by_resolvers_when_there_is_no_server():
    network = FakeNetwork({RES: resolver(GOOD), OUT: Fake(dict(OUTSIDE))})
    seen = Outcome(network, servers=(), resolvers=(RES,), outside_servers=(OUT,), split="fail")
    assert seen["dns.split"][0] == "fail"
    assert Outcome(FakeNetwork({OUT: Fake(dict(OUTSIDE))}), outside_servers=(OUT,))["dns.split"] == (
        "skip",
        "nobody inside gave an answer to compare",
    )


def test_an_alias_outside_is_another_answer():
    records = {("www.example.test.", "CNAME"): (60, "cdn.example.")}
    assert Outcome(two(servers={OUT: Fake(records)}), outside_servers=(OUT,))["dns.split"][0] == "warn"


def test_the_same_server_with_two_keys_is_two_views():
    network = two()
    seen = Outcome(network, outside_servers=(NS1,), signer="inside", outside_signer="outside")
    assert (NS1, "outside") in network.signers
    assert seen["dns.split"][0] == "pass"


def test_what_is_wrong_outside_is_not_waited_for():
    network = two(servers={OUT: Fake(dict(OUTSIDE))})
    assert Outcome(network, outside_servers=(OUT,), wait=10).view.waited == 0


# -- dns.srv.target.* -------------------------------------------------------------------------------------------------


def test_a_target_that_is_as_it_should_be():
    network = two(Fake(dict(SRV_GOOD)), Fake(dict(SRV_GOOD)))
    seen = Outcome(network, [SRV_WANTED], connect=True, connect_timeout=1.5)
    assert seen["dns.srv.target.address"] == ("pass", "A: 10.0.0.20; AAAA: fd00::20")
    assert seen["dns.srv.target.cname"] == ("pass", "is no CNAME")
    assert seen["dns.srv.target.connect"] == ("pass", "10.0.0.20: accepts; fd00::20: accepts")
    assert sorted(network.connected) == [("10.0.0.20", 5222, 1.5), ("fd00::20", 5222, 1.5)]
    assert seen.one("dns.srv.target.connect")["subject"] == "chat.example.test. port 5222"


def test_no_connection_unless_asked_for():
    network = two(Fake(dict(SRV_GOOD)), Fake(dict(SRV_GOOD)))
    seen = Outcome(network, [SRV_WANTED])
    assert network.connected == []
    assert seen.all("dns.srv.target.connect") == []


@pytest.mark.parametrize(
    ("closed", "status", "evidence"),
    [
        (
            {"10.0.0.20": "Connection refused", "fd00::20": "Network is unreachable"},
            "fail",
            "10.0.0.20: Connection refused; fd00::20: Network is unreachable",
        ),
        ({"fd00::20": "Network is unreachable"}, "warn", "10.0.0.20: accepts; fd00::20: Network is unreachable"),
        ({"10.0.0.20": "no answer within 3 s"}, "warn", "10.0.0.20: no answer within 3 s; fd00::20: accepts"),
    ],
)
def test_a_closed_port(closed, status, evidence):
    network = two(Fake(dict(SRV_GOOD)), Fake(dict(SRV_GOOD)), closed=closed)
    seen = Outcome(network, [SRV_WANTED], connect=True)
    assert seen["dns.srv.target.connect"] == (status, evidence)
    first = sorted(closed)[0]
    assert seen.hint("dns.srv.target.connect").endswith(f"Check with: nc -vz {first} 5222")


def test_a_target_without_address():
    records = {("_xmpp-client._tcp.example.test.", "SRV"): SRV_GOOD["_xmpp-client._tcp.example.test.", "SRV"]}
    seen = Outcome(two(Fake(dict(records)), Fake(dict(records))), [SRV_WANTED], connect=True)
    assert seen["dns.srv.target.address"] == ("fail", "A: none; AAAA: none at 10.0.0.1, 10.0.0.2")
    assert seen.hint("dns.srv.target.address") == (
        "Clients that are sent to chat.example.test. by _xmpp-client._tcp.example.test. cannot connect. Is the name spelt "
        "right? Publish its A or AAAA record."
    )
    assert seen["dns.srv.target.connect"] == ("skip", "it has no address")


def test_a_target_whose_address_one_server_lacks():
    less = {key: value for key, value in SRV_GOOD.items() if key[1] == "SRV"}
    seen = Outcome(two(Fake(dict(SRV_GOOD)), Fake(less)), [SRV_WANTED])
    assert seen["dns.srv.target.address"] == ("fail", "A: 10.0.0.20; AAAA: fd00::20; but none at 10.0.0.2")


def test_a_target_that_is_an_alias():
    records = {
        ("_xmpp-client._tcp.example.test.", "SRV"): (86400, "5 0 5222 chat.example.test."),
        ("chat.example.test.", "CNAME"): (60, "host.example.test."),
        ("host.example.test.", "A"): (60, "10.0.0.20"),
    }
    seen = Outcome(two(Fake(dict(records)), Fake(dict(records))), [SRV_WANTED], connect=True)
    assert seen["dns.srv.target.cname"] == ("fail", "is a CNAME to host.example.test.")
    assert seen.hint("dns.srv.target.cname") == (
        "The target of an SRV record must be the name of the host itself: name host.example.test. in "
        "_xmpp-client._tcp.example.test., or give chat.example.test. address records in place of the CNAME."
    )
    assert seen["dns.srv.target.address"] == ("pass", "A: 10.0.0.20; AAAA: none")
    assert seen["dns.srv.target.connect"] == ("pass", "10.0.0.20: accepts")


def test_the_target_that_means_no_service():
    records = {("_xmpp-client._tcp.example.test.", "SRV"): (60, "0 0 0 .")}
    seen = Outcome(
        two(Fake(dict(records)), Fake(dict(records))), [Intent(SRV, "exact", ("0 0 0 .",), 60)], connect=True
    )
    assert seen["dns.authoritative"][0] == "pass"
    assert seen["dns.srv.target.address"] == ("skip", 'the target "." says that there is no such service')
    assert seen.all("dns.srv.target.connect") == []
    assert seen.bad == []


def test_targets_that_others_have_put_there_count_too():
    records = dict(SRV_GOOD)
    records["_xmpp-client._tcp.example.test.", "SRV"] = (
        86400,
        "5 0 5222 chat.example.test.",
        "9 0 5222 gone.example.test.",
    )
    seen = Outcome(
        two(Fake(dict(records)), Fake(dict(records))), [Intent(SRV, "present", ("5 0 5222 chat.example.test.",))]
    )
    assert {check["subject"]: check["status"] for check in seen.all("dns.srv.target.address")} == {
        "chat.example.test.": "pass",
        "gone.example.test.": "fail",
    }


def test_a_target_in_another_zone_is_asked_from_the_resolvers():
    records = {("_xmpp-client._tcp.example.test.", "SRV"): (86400, "5 0 5222 chat.other.test.")}
    network = two(
        Fake(dict(records)),
        Fake(dict(records)),
        servers={RES: resolver({("chat.other.test.", "A"): (60, "10.9.9.9"), **records})},
    )
    seen = Outcome(network, [Intent(SRV, "exact", ("5 0 5222 chat.other.test.",))], resolvers=(RES,))
    assert seen["dns.srv.target.address"] == ("pass", "A: 10.9.9.9; AAAA: none")
    assert (NS1, "chat.other.test.", "A", False) not in network.asked


def test_a_target_in_a_delegated_zone_is_asked_from_the_resolvers():
    network = two(
        Fake(dict(SRV_GOOD), no_authority=("chat.example.test.",)),
        Fake(dict(SRV_GOOD), no_authority=("chat.example.test.",)),
        servers={RES: resolver({("chat.example.test.", "A"): (60, "10.9.9.9")})},
        own=[RES],
    )
    seen = Outcome(network, [SRV_WANTED], resolvers=())
    assert seen["dns.srv.target.address"] == ("skip", "nobody could be asked for its address")
    assert asked_names(network, RES) == []
    seen = Outcome(network, [SRV_WANTED], resolvers=None)
    assert seen["dns.srv.target.address"] == ("pass", "A: 10.9.9.9; AAAA: none")


def test_nobody_to_ask_about_a_target():
    seen = Outcome(FakeNetwork({}), [SRV_WANTED], connect=True)
    assert seen["dns.srv.target.address"] == ("skip", "nobody could be asked for its address")
    assert seen["dns.srv.target.cname"] == ("skip", "nobody could be asked for it")
    assert seen["dns.srv.target.connect"] == ("skip", "it has no address")


def test_a_resolver_that_fails_about_a_target():
    records = {("_xmpp-client._tcp.example.test.", "SRV"): (86400, "5 0 5222 chat.other.test.")}
    network = two(
        Fake(dict(records)), Fake(dict(records)), servers={RES: resolver(rcodes={"A": "SERVFAIL", "AAAA": "SERVFAIL"})}
    )
    seen = Outcome(network, [Intent(SRV, "exact", ("5 0 5222 chat.other.test.",))], resolvers=(RES,))
    assert seen["dns.srv.target.address"] == ("fail", "no answer from 10.0.0.53 (SERVFAIL)")


def test_a_service_over_udp_takes_no_connection():
    key = Key("_stun._udp.example.test.", "SRV")
    records = {(key.name, "SRV"): (60, "0 0 3478 chat.example.test."), **SRV_GOOD}
    network = two(Fake(dict(records)), Fake(dict(records)))
    seen = Outcome(network, [Intent(key, "exact", ("0 0 3478 chat.example.test.",))], connect=True)
    assert seen["dns.srv.target.connect"] == ("skip", "a service over UDP: it takes no connection")
    assert network.connected == []


def test_two_services_on_one_host_are_two_connections_and_one_address():
    other = Key("_xmpp-server._tcp.example.test.", "SRV")
    records = {**SRV_GOOD, (other.name, "SRV"): (86400, "5 0 5269 chat.example.test.")}
    seen = Outcome(
        two(Fake(dict(records)), Fake(dict(records)), closed={("10.0.0.20", 5269): "Connection refused"}),
        [SRV_WANTED, Intent(other, "exact", ("5 0 5269 chat.example.test.",))],
        connect=True,
    )
    assert len(seen.all("dns.srv.target.address")) == 1
    assert [check["status"] for check in seen.all("dns.srv.target.connect")] == ["pass", "warn"]


def test_targets_of_what_shall_be_absent_are_left_alone():
    network = two(Fake(dict(SRV_GOOD)), Fake(dict(SRV_GOOD)))
    seen = Outcome(network, [Intent(SRV, "absent")], connect=True)
    assert seen.all("dns.srv.target.address") == []
    assert network.connected == []


# -- answers and dig --------------------------------------------------------------------------------------------------


def test_answers_of_everybody():
    seen = Outcome(two(second=dead()))
    first, second = observe_answers.answers(seen.view)
    assert first == {
        "zone": ZONE,
        "server": NS1,
        "address": NS1,
        "port": 53,
        "role": "server",
        "rcode": "NOERROR",
        "aa": True,
        "error": "",
        "over": "UDP",
        "serial": 7,
        "mname": "ns1.example.test.",
        "lines": ["www.example.test. 3600 IN A 10.0.0.20"],
        "records": [
            {
                "name": "www.example.test.",
                "type": "A",
                "rcode": "NOERROR",
                "aa": True,
                "error": "",
                "lines": ["www.example.test. 3600 IN A 10.0.0.20"],
            }
        ],
    }
    assert (second["rcode"], second["serial"], second["address"], second["records"]) == ("", None, "", [])
    assert second["error"] == "no answer (UDP: no answer within 4 s; TCP: Connection refused)"


def test_what_dig_prints():
    seen = Outcome(two(Fake(dict(SRV_GOOD)), Fake(dict(SRV_GOOD))), [SRV_WANTED, WANTED])
    assert observe_answers.dig(seen.view) == [
        {
            "name": "_xmpp-client._tcp.example.test.",
            "server": NS1,
            "command": "dig @10.0.0.1 SRV _xmpp-client._tcp.example.test +norecurse +noall +answer",
            "lines": ["_xmpp-client._tcp.example.test.\t86400 IN SRV\t5 0 5222 chat.example.test."],
        }
    ]


def test_dig_by_the_server_that_has_it_and_by_a_resolver():
    seen = Outcome(two(Fake(), Fake(dict(SRV_GOOD))), [SRV_WANTED])
    assert observe_answers.dig(seen.view)[0]["server"] == NS2
    seen = Outcome(FakeNetwork({(RES, 54): resolver(SRV_GOOD)}), [SRV_WANTED], servers=(), resolvers=(f"{RES}:54",))
    assert observe_answers.dig(seen.view)[0]["command"] == (
        "dig @10.0.0.53 -p 54 SRV _xmpp-client._tcp.example.test +noall +answer"
    )
    seen = Outcome(two(Fake(), Fake()), [SRV_WANTED])
    assert observe_answers.dig(seen.view)[0]["lines"] == []
    assert observe_answers.dig(Outcome(FakeNetwork({}), [SRV_WANTED]).view) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        # As dig 9.18 prints them.
        ("a.test.", "a.test.\t\t\t60\tIN\tSRV\t0 0 1 b.test."),
        ("_x._tcp.example.test.", "_x._tcp.example.test.\t60\tIN\tSRV\t0 0 1 b.test."),
        ("_sip._tcp.1.example.test.", "_sip._tcp.1.example.test. 60\tIN\tSRV\t0 0 1 b.test."),
        ("_xmpp-client._tcp.corp.test.", "_xmpp-client._tcp.corp.test. 60\tIN\tSRV\t0 0 1 b.test."),
        ("_xmpp-client._tcp.chat.corp.test.", "_xmpp-client._tcp.chat.corp.test. 60 IN\tSRV\t0 0 1 b.test."),
    ],
)
def test_columns_of_dig(name, line):
    assert observe_answers.dig_lines(record_set(Key(name, "SRV"), 60, ["0 0 1 b.test."])) == [line]
