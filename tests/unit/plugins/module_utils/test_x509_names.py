# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in certificates, what they cover, what is wanted, and constraints on them."""

from __future__ import annotations

import ipaddress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._x509 import constraints, judge, names
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._x509.names import Names, covers, covers_xmpp, names_of
from ansible_collections.onprem.chat.plugins.module_utils._x509.policy import PROFILES, wanted
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_referees
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    NOW,
    SRV_NAME,
    XMPP_ADDRESS,
    dn,
    good_leaf,
    make,
    tlv,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    constraints as x509_constraints,
)

LABEL = st.from_regex(r"\A[a-z]([a-z0-9-]{0,8}[a-z0-9])?\Z")


def test_all_kinds_of_names():
    made = make(
        "chat.corp.test",
        dns=["Chat.corp.test", "*.corp.test"],
        ip=["10.0.0.1", "fd00::1"],
        srv=["_xmpp-client.Corp.test"],
        xmpp=["corp.test"],
        email=["a@corp.test"],
        uri=["https://corp.test/"],
    )
    found = names_of(made.certificate)
    assert found == Names(
        dns=("chat.corp.test", "*.corp.test"),
        ip=("10.0.0.1", "fd00::1"),
        srv=("_xmpp-client.corp.test",),
        xmpp=("corp.test",),
        email=("a@corp.test",),
        uri=("https://corp.test/",),
        cn=("chat.corp.test",),
    )
    assert str(found) == (
        "chat.corp.test, *.corp.test, IP 10.0.0.1, IP fd00::1, SRV-ID _xmpp-client.corp.test, xmppAddr corp.test, "
        "e-mail a@corp.test, URI https://corp.test/"
    )
    assert found.any


def test_no_names():
    found = names_of(make("Somebody").certificate)
    assert (found, str(found), found.any) == (Names(cn=("Somebody",)), "no name", False)


@pytest.mark.parametrize(
    "value",
    [
        b"\x0c",
        b"\x0c\x05abc",
        b"\x0c\x03abcd",
        b"\x02\x01\x05",
        b"\x0c\x02\xff\xfe",
        b"\x16\x02\xc3\xbc",
        b"\x0c\x84\0\0\0\x01a",
        b"\x0c\x82\x01",
    ],
)
def test_texts_of_another_form(value):
    assert names._short_text(value) is None


def test_names_of_another_form_are_counted_only():
    more = x509.SubjectAlternativeName([x509.OtherName(XMPP_ADDRESS, b"\x05\0")])
    found = names_of(make("x", more=((more, False),)).certificate)
    assert (found.xmpp, found.other, found.any) == ((), 1, True)


def test_long_names_of_servers():
    domain = ".".join(["a" * 60] * 4)
    for text in (domain, f"{domain}.{domain}"):
        more = x509.SubjectAlternativeName([x509.OtherName(SRV_NAME, tlv(0x16, text.encode()))])
        assert names_of(make("x", more=((more, False),)).certificate).srv == (text,)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("chat.corp.test", "chat.corp.test", True),
        ("chat.corp.test", "CHAT.corp.test.", True),
        ("chat.corp.test", "chat.corp.test.evil", False),
        ("corp.test", "chat.corp.test", False),
        ("*.corp.test", "chat.corp.test", True),
        ("*.corp.test", "corp.test", False),
        ("*.corp.test", "a.chat.corp.test", False),
        ("*.corp.test", "xn--bcher-kva.corp.test", True),
        ("*.corp.test", "bücher.corp.test", True),
        ("c*.corp.test", "chat.corp.test", False),
        ("*at.corp.test", "chat.corp.test", False),
        ("chat.*.test", "chat.corp.test", False),
        ("*.*.test", "chat.corp.test", False),
        ("*", "corp", False),
        ("*.test", "corp.test", False),
        ("chat.corp.test.", "chat.corp.test", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("*.0.0.1", "10.0.0.1", False),
    ],
)
def test_covers(pattern, name, covered):
    assert covers(Names(dns=(pattern,)), name) is covered


def test_addresses_by_value_not_by_text():
    found = Names(ip=("fd00::1", "10.0.0.1"))
    assert covers(found, "FD00:0:0:0::1")
    assert covers(found, "[fd00::1]")
    assert covers(found, "10.0.0.1")
    assert not covers(found, "10.0.0.2")


def test_the_common_name_covers_nothing():
    assert not covers(Names(cn=("chat.corp.test",)), "chat.corp.test")


@given(st.lists(LABEL, min_size=3, max_size=5))
def test_a_wildcard_is_one_label(labels):
    found = Names(dns=("*." + ".".join(labels[1:]),))
    assert covers(found, ".".join(labels))
    assert not covers(found, ".".join(labels[1:]))
    assert not covers(found, ".".join(["x", *labels]))


@pytest.mark.parametrize(
    ("found", "services", "by"),
    [
        (Names(dns=("corp.test",), srv=("_xmpp-client.corp.test",)), ("client",), "DNS-ID"),
        (Names(srv=("_xmpp-client.corp.test",)), ("client",), "SRV-ID"),
        (Names(srv=("_xmpp-client.corp.test",)), ("client", "server"), ""),
        (Names(srv=("_xmpp-client.corp.test", "_xmpp-server.corp.test")), ("client", "server"), "SRV-ID"),
        (Names(srv=("_xmpp-client.chat.corp.test",)), ("client",), ""),
        (Names(xmpp=("corp.test",)), ("client",), "xmppAddr"),
        (Names(xmpp=("bücher.test",)), ("client",), ""),
        (Names(xmpp=("not a domain",)), ("client",), ""),
        (Names(dns=("chat.corp.test",), cn=("corp.test",)), ("client",), ""),
    ],
)
def test_covers_a_domain_of_jids(found, services, by):
    assert covers_xmpp(found, "corp.test", services) == by
    assert covers_xmpp(Names(xmpp=("bücher.test",)), "xn--bcher-kva.test") == "xmppAddr"


def test_international_names_without_the_library(monkeypatch):
    monkeypatch.setattr(names, "HAS_IDNA", False)
    assert names.a_label("Bücher.test") == "xn--bcher-kva.test"
    with pytest.raises(InputError) as caught:
        names.a_label("straße.test")
    assert str(caught.value) == (
        "'straße.test' cannot be written in A-labels (these characters need the Python library idna). "
        "Give it in A-labels (xn--...)."
    )


@pytest.mark.parametrize(
    "text", ["", ".", "a..b", "https://corp.test", "*.corp.test", "a b", "-a.test", "a" * 64, "a." * 130]
)
def test_what_is_no_name(text):
    with pytest.raises(InputError) as caught:
        names.a_label(text)
    assert str(caught.value) == (
        f"{text!r} is no name of a host or domain. Is it a URL, an address, or a wildcard? "
        "Give a name as users type it, for example chat.corp.test."
    )


# -- what is wanted ---------------------------------------------------------------------------------------------------


def test_wanted_is_brought_to_one_form():
    found = wanted(
        "xmpp",
        dns=["CHAT.corp.test.", "*.Corp.test", "10.0.0.1"],
        ip=["fd00:0::1"],
        xmpp_domains=["Bücher.test"],
        days=None,
    )
    assert (found.dns, found.ip, found.xmpp_domains, found.days) == (
        ("chat.corp.test", "*.corp.test"),
        ("10.0.0.1", "fd00::1"),
        ("xn--bcher-kva.test",),
        30,
    )


def test_profiles():
    assert {"server", "xmpp", "mts_link"} == PROFILES
    assert (wanted("server").root, wanted("server").order) == ("any", "any")
    assert (wanted("mts_link").root, wanted("mts_link").order) == ("include", "strict")
    assert wanted("mts_link", root="exclude").root == "exclude"


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({"profile": "zulip"}, "There is no profile 'zulip'. Known: mts_link, server, xmpp."),
        ({"root": "keep"}, "root 'keep' is unknown. Known: include, exclude, any."),
        ({"purposes": ["mail"]}, "purposes 'mail' is unknown. Known: server, client."),
        ({"days": -1}, "valid_days -1 makes no sense. Expected 0 to 36500."),
        ({"days": 36501}, "valid_days 36501 makes no sense. Expected 0 to 36500."),
        ({"skew": -1}, "clock_skew -1 makes no sense. Expected 0 to 86400."),
        ({"skew": 86401}, "clock_skew 86401 makes no sense. Expected 0 to 86400."),
        (
            {"profile": "xmpp", "dns": ["chat.corp.test"], "complete": True},
            "The profile xmpp needs xmpp_domains. Clients compare with the domain of the JID, not with the name of the host. "
            "Name the domains, or take the profile server.",
        ),
        (
            {"ip": ["chat.corp.test"]},
            "'chat.corp.test' is no IP address. Is it a host name? Names belong to the DNS names.",
        ),
    ],
)
def test_wanted_makes_no_sense(given_, text):
    with pytest.raises(InputError) as caught:
        wanted(**given_)
    assert str(caught.value) == text


# -- constraints ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base", "inside"),
    [
        (x509.DNSName("chat.corp.test"), x509.DNSName("corp.test"), True),
        (x509.DNSName("corp.test"), x509.DNSName("corp.test"), True),
        (x509.DNSName("evilcorp.test"), x509.DNSName("corp.test"), False),
        (x509.DNSName("*.corp.test"), x509.DNSName("CORP.test"), True),
        (x509.DNSName("corp.test"), x509.DNSName(".corp.test"), False),
        (x509.DNSName("a.corp.test"), x509.DNSName(".corp.test"), True),
        (x509.DNSName("a.corp.test"), x509.DNSName(""), True),
        (x509.RFC822Name("a@corp.test"), x509.RFC822Name("corp.test"), True),
        (x509.RFC822Name("a@x.corp.test"), x509.RFC822Name("corp.test"), False),
        (x509.RFC822Name("a@x.corp.test"), x509.RFC822Name(".corp.test"), True),
        (x509.RFC822Name("a@corp.test"), x509.RFC822Name(".corp.test"), False),
        (x509.RFC822Name("a@Corp.test"), x509.RFC822Name("a@corp.test"), True),
        (x509.RFC822Name("b@corp.test"), x509.RFC822Name("a@corp.test"), False),
        (x509.UniformResourceIdentifier("https://corp.test:8/x"), x509.UniformResourceIdentifier("corp.test"), True),
        (x509.UniformResourceIdentifier("https://a.corp.test"), x509.UniformResourceIdentifier("corp.test"), False),
        (x509.UniformResourceIdentifier("https://a.corp.test"), x509.UniformResourceIdentifier(".corp.test"), True),
        (x509.UniformResourceIdentifier("https://10.0.0.1/"), x509.UniformResourceIdentifier(".1"), False),
        (x509.UniformResourceIdentifier("urn:x"), x509.UniformResourceIdentifier("corp.test"), False),
        (x509.UniformResourceIdentifier("https://[::1"), x509.UniformResourceIdentifier("corp.test"), False),
        (x509.DirectoryName(dn("CN=a,O=Corp,C=DE")), x509.DirectoryName(dn("O=CORP,C=de")), True),
        (x509.DirectoryName(dn("CN=a,C=DE")), x509.DirectoryName(dn("O=Corp,C=DE")), False),
        (x509.DirectoryName(dn("O=Corp")), x509.DirectoryName(dn("CN=a,O=Corp")), False),
    ],
)
def test_within(name, base, inside):
    assert constraints.within(name, base) is inside


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("10.0.0.1", "10.0.0.0/8", True),
        ("11.0.0.1", "10.0.0.0/8", False),
        ("fd00::1", "fd00::/8", True),
        ("10.0.0.1", "::/0", False),
    ],
)
def test_within_a_network(address, network, inside):
    name, base = x509.IPAddress(ipaddress.ip_address(address)), x509.IPAddress(ipaddress.ip_network(network))
    assert constraints.within(name, base) is inside


# -- what a certificate says must not act on a terminal ---------------------------------------------------------------


def test_control_characters_are_written_out():
    evil = "evil\n\x1b[31m\u202e"
    root = make(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, evil)]), ca=True, origin="root.pem")
    leaf = good_leaf(issuer=root, email=["a\x1b@corp.test"], uri=["http://a.test/\n"], origin="leaf.pem").certificate
    assert leaf.issuer == root.certificate.subject == "CN=evil\\0A\\1B[31m\\E2\\80\\AE"
    assert str(names.names_of(leaf)) == "chat.corp.test, e-mail a\\1B@corp.test, URI http://a.test/\\0A"
    checks = judge.judge([leaf, root.certificate], wanted(dns=["b.test"]), [], NOW, "x")
    assert all((check.evidence + check.hint).isprintable() for check in checks)


def test_other_scripts_are_left_as_they_are():
    assert make("CN=Компания – Корень", ca=True).certificate.subject == "CN=Компания – Корень"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Root CA", " root\t ca ", True),
        ("Ärzte", "ärzte", False),
        ("Straße", "Strasse", False),
        ("a\u00a0b", "a b", False),
        ("\u212a", "k", False),
    ],
)
def test_names_that_are_equal_for_openssl(one, other, equal, tmp_path):
    """The referee has the last word: an issuer's name that is written in another way."""

    def name(text):
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    assert (names.same_name_key(name(one)) == names.same_name_key(name(other))) is equal
    root = make(name(one), ca=True, origin="root.pem")
    leaf = good_leaf(issuer=root, issuer_name=name(other))
    said = x509_referees.openssl(x509_referees.Bundle((leaf.certificate,), (root.certificate,)), [], tmp_path)
    assert said == ("" if equal else "unable to get local issuer certificate")


def test_what_is_no_mail_address_in_a_subject():
    subject = [
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "chat.corp.test"),
        x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "Admin <admin@corp.test>"),
    ]
    leaf = make(x509.Name(subject), dns=["chat.corp.test"], origin="leaf.pem").certificate
    of_dns = make("A", ca=True, named=x509_constraints([x509.DNSName("corp.test")])).certificate
    of_mail = make("B", ca=True, named=x509_constraints([x509.RFC822Name("corp.test")])).certificate
    assert constraints.violations(of_dns, [leaf]) == []
    assert constraints.violations(of_mail, [leaf]) == [
        "Admin <admin@corp.test> in the subject is no mail address, which constraints on those ask for"
    ]


def names_of_dns(*values):
    return [x509.DNSName(value) for value in values]


def test_constraints_of_a_peer_that_wants_to_be_asked_for_long():
    root = make("Root", ca=True, named=x509_constraints(names_of_dns(*(f"a{n}.test" for n in range(400)))))
    leaf = make("b", root, dns=[f"b{n}.test" for n in range(400)])
    assert constraints.violations(root.certificate, [leaf.certificate]) == [
        "401 names and 400 subtrees are too many to compare"
    ]


def test_of_many_violations_some_are_told():
    root = make("Root", ca=True, named=x509_constraints(names_of_dns(*(f"a{n}.test" for n in range(7)))))
    leaf = make("b", root, dns=[f"b{n}.test" for n in range(7)])
    told = constraints.violations(root.certificate, [leaf.certificate])
    assert told[0] == "b0.test is not within a0.test, a1.test, a2.test, a3.test, a4.test, 2 more"
    assert (len(told), told[-1]) == (6, "2 more")
