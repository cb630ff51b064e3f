# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for a chain: loops, crowds, cross-signed authorities in any order, renewals, identifiers that do not agree."""

from __future__ import annotations

import datetime
import functools
import itertools

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._x509 import chain, judge, signature
from ansible_collections.onprem.chat.plugins.module_utils._x509.certificate import Material
from ansible_collections.onprem.chat.plugins.module_utils._x509.chain import leaf_among, pick_leaf, solve
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError, MaterialError
from ansible_collections.onprem.chat.plugins.module_utils._x509.policy import wanted
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    CLIENT,
    NOW,
    SERVER,
    company,
    constraints,
    dn,
    good_leaf,
    make,
    material,
    san,
)


def certificates(*made):
    return [one.certificate for one in made]


def solved(leaf, candidates=(), anchors=()):
    return solve(leaf.certificate, certificates(*candidates), certificates(*anchors), NOW)


def names(path):
    return [one.origin.removesuffix(".pem") for one in path.certificates]


def test_a_chain_from_candidates_in_any_order():
    root, issuing = company()
    leaf, other = good_leaf(), make("Other", ca=True)
    path = solved(leaf, (other, root, leaf, issuing, other), (root,))
    assert names(path) == ["chat.corp.test", "Company Issuing", "Company Root"]
    assert (path.anchor, path.complete) == (root.certificate, True)
    assert path.spare == (other.certificate,)
    assert (path.leaf, path.root) == (leaf.certificate, root.certificate)


def test_without_the_intermediate_it_ends_at_the_leaf():
    path = solved(good_leaf(), (), company()[:1])
    assert names(path) == ["chat.corp.test"]
    assert (path.anchor, path.complete, path.root) == (None, False, None)


def test_a_root_that_nobody_trusts_is_still_the_end():
    path = solved(good_leaf(), company(), (make("Other", ca=True),))
    assert names(path) == ["chat.corp.test", "Company Issuing", "Company Root"]
    assert (path.anchor, path.complete) == (None, True)


def test_an_intermediate_that_is_trusted_is_an_end():
    root, issuing = company()
    assert names(solved(good_leaf(), (root,), (issuing,))) == ["chat.corp.test", "Company Issuing"]
    assert names(solved(good_leaf(), (), (issuing, root))) == ["chat.corp.test", "Company Issuing", "Company Root"]


def test_a_self_signed_leaf_is_its_own_end():
    leaf = make("chat.corp.test", dns=["chat.corp.test"])
    assert solved(leaf).complete
    assert solved(leaf).anchor is None
    assert solved(leaf, (), (leaf,)).anchor == leaf.certificate
    assert solved(leaf).root is None


def test_a_forged_intermediate_is_not_followed():
    root, issuing = company()
    forged = make("Company Issuing", root, ca=True, key="forger", origin="forged")
    path = solved(good_leaf(), (forged, issuing), (root,))
    assert names(path) == ["chat.corp.test", "Company Issuing", "Company Root"]
    assert path.spare == (forged.certificate,)
    assert names(solved(good_leaf(), (forged,), (root,))) == ["chat.corp.test"]


# -- cross-signed -----------------------------------------------------------------------------------------------------


@functools.cache
def crossed():
    """Three roots that signed each other, an intermediate with two certificates, some of all that expired."""
    old, new, far = (make(name, ca=True, end=end) for name, end in (("Old", -1), ("New", 900), ("Far", 900)))
    bridges = [
        make(one.certificate.origin[:-4], other, ca=True, end=end, origin=f"{one.certificate.origin[:-4]}<{label}")
        for one, other, end, label in (
            (new, old, 100, "Old"),
            (old, new, -1, "New"),
            (far, new, 100, "New"),
            (new, far, 100, "Far"),
            (old, far, 100, "Far"),
        )
    ]
    middle = make("Issuing", new, ca=True, end=400)
    under_old = make("Issuing", old, ca=True, end=300, origin="Issuing<Old")
    return old, new, far, bridges, middle, under_old, good_leaf(issuer=middle)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["new", "old", "far", "all", "none"]))
def test_the_order_of_the_input_is_of_no_matter(shuffle, trust):
    old, new, far, bridges, middle, under_old, leaf = crossed()
    anchors = {"new": [new], "old": [old], "far": [far], "all": [old, new, far], "none": []}[trust]
    candidates = [old, new, far, *bridges, middle, under_old, leaf]
    shuffle.shuffle(candidates)
    shuffle.shuffle(anchors)
    expected = {
        "new": ["chat.corp.test", "Issuing", "New"],
        "old": ["chat.corp.test", "Issuing<Old", "Old"],
        "far": ["chat.corp.test", "Issuing", "New<Far", "Far"],
        "all": ["chat.corp.test", "Issuing", "New"],
        "none": ["chat.corp.test", "Issuing", "New"],
    }
    assert names(solved(leaf, candidates, anchors)) == expected[trust]


def test_every_order_of_a_small_one():
    old, new, _far, bridges, middle, _under_old, leaf = crossed()
    found = {
        tuple(names(solved(leaf, order, anchors)))
        for order in itertools.permutations([old, new, bridges[0], middle])
        for anchors in ((old, new), (new, old))
    }
    assert found == {("chat.corp.test", "Issuing", "New")}


def test_a_trusted_way_with_a_fault_is_better_than_a_good_one_that_nobody_trusts():
    old, new, _far, bridges, middle, _under_old, leaf = crossed()
    path = solved(leaf, (new, bridges[0], middle), (old,))
    assert names(path) == ["chat.corp.test", "Issuing", "New<Old", "Old"]
    assert path.anchor == old.certificate


@pytest.mark.parametrize(
    "fault",
    [
        {"end": -1},
        {"start": 1},
        {"ca": False},
        {"usage": ("crl_sign",)},
        {"named": constraints(san(dns=["other.test"]))},
        {"digest": "sha1"},
        {"purposes": (CLIENT,)},
        {"more": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),)},
    ],
    ids=["expired", "not yet", "no CA", "may not sign", "constrained", "SHA-1", "for clients", "unknown extension"],
)
def test_of_two_ways_the_one_without_a_fault(fault):
    root = make("Root", ca=True)
    good = make("Issuing", root, ca=True, end=100, origin="good")
    bad = make("Issuing", root, **({"ca": True, "end": 300, "origin": "bad"} | fault))
    leaf = good_leaf(issuer=good)
    assert names(solved(leaf, (bad, good), (root,))) == ["chat.corp.test", "good", "Root"]
    assert names(solved(leaf, (bad,), (root,))) == ["chat.corp.test", "bad", "Root"]


def test_a_strong_key_is_the_better_way():
    weak = make("Root", ca=True, kind="rsa1024", end=3000, origin="weak")
    strong = make("Root", ca=True, kind="rsa2048", key="strong", end=900, origin="strong")
    issuing = make("Issuing", strong, ca=True, end=100, origin="under strong")
    again = make("Issuing", weak, ca=True, end=300, origin="under weak")
    path = solved(good_leaf(issuer=issuing), (again, issuing), (weak, strong))
    assert names(path) == ["chat.corp.test", "under strong", "strong"]


def test_constraints_on_authorities_decide_between_two_ways():
    """The upper CA may certify names of O=Corp only: one certificate of the lower CA has another subject below it."""
    root = make("Root", ca=True)
    inside = constraints([x509.DirectoryName(dn("O=Other"))])
    bad = make("Policy", root, ca=True, end=300, named=constraints(excluded=inside.permitted_subtrees), origin="bad")
    good = make("Policy", root, ca=True, end=200, origin="good")
    issuing = make("CN=Issuing,O=Other", good, ca=True, origin="issuing")
    assert names(solved(good_leaf(issuer=issuing), (bad, good, issuing), (root,))) == [
        "chat.corp.test",
        "issuing",
        "good",
        "Root",
    ]


def test_the_purpose_decides_between_two_ways():
    root = make("Root", ca=True)
    one = make("Issuing", root, ca=True, end=300, purposes=(SERVER,), origin="servers")
    both = make("Issuing", root, ca=True, end=200, purposes=(SERVER, CLIENT), origin="both")
    leaf = good_leaf(issuer=one).certificate
    for purposes, expected in ((("server",), "servers"), (("server", "client"), "both")):
        path = solve(leaf, certificates(one, both), certificates(root), NOW, purposes)
        assert names(path)[1] == expected


def test_path_length_decides_between_two_ways():
    root = make("Root", ca=True)
    narrow = make("Policy", root, ca=True, pathlen=0, end=300, origin="narrow")
    wide = make("Policy", root, ca=True, pathlen=1, end=200, origin="wide")
    issuing = make("Issuing", wide, ca=True)
    assert names(solved(good_leaf(issuer=issuing), (narrow, wide, issuing), (root,)))[2] == "wide"


# -- renewals ---------------------------------------------------------------------------------------------------------


def test_of_renewals_with_one_key_the_one_that_lasts_longest():
    root = make("Root", ca=True)
    renewals = [make("Issuing", root, ca=True, end=end, origin=f"until {end}") for end in (-1, 100, 400, 200)]
    leaf = good_leaf(issuer=renewals[1])
    for order in itertools.permutations(renewals):
        assert names(solved(leaf, order, (root,))) == ["chat.corp.test", "until 400", "Root"]


def test_a_renewed_root_is_found_by_its_old_certificate():
    old = make("Root", ca=True, end=20, origin="old root")
    new = make("Root", ca=True, end=2000, origin="new root")
    issuing = make("Issuing", old, ca=True)
    path = solved(good_leaf(issuer=issuing), (issuing, new), (old,))
    assert names(path) == ["chat.corp.test", "Issuing", "old root"]
    assert path.anchor == old.certificate


def test_same_subject_and_another_key():
    root = make("Root", ca=True)
    first = make("Issuing", root, ca=True, key="first", origin="first")
    second = make("Issuing", root, ca=True, key="second", origin="second")
    for issuer, expected in ((first, "first"), (second, "second")):
        leaf = good_leaf(issuer=issuer)
        for order in ((first, second), (second, first)):
            assert names(solved(leaf, order, (root,)))[1] == expected


def test_a_new_key_signed_by_the_old_one():
    """RFC 4210 4.4: the new root with the old key links the old trust to the new chain; it is self-issued, not self-signed."""
    old = make("Root", ca=True, key="old key", origin="old")
    new = make("Root", ca=True, key="new key", origin="new")
    link = make("Root", old, ca=True, key="new key", origin="new with old")
    leaf = good_leaf(issuer=new)
    assert names(solved(leaf, (new, link), (old,))) == ["chat.corp.test", "new with old", "old"]
    assert names(solved(leaf, (new, link, old), (new,))) == ["chat.corp.test", "new"]


# -- identifiers ------------------------------------------------------------------------------------------------------


def test_identifiers_that_do_not_agree_are_the_last_choice():
    root = make("Root", ca=True)
    right = make("Issuing", root, ca=True, end=100, origin="right")
    wrong = make("Issuing", root, ca=True, end=300, subject_id=b"another identifier..", origin="wrong")
    leaf = good_leaf(issuer=right)
    assert names(solved(leaf, (wrong, right), (root,)))[1] == "right"
    assert names(solved(leaf, (wrong,), (root,)))[1] == "wrong"
    assert not chain.identifiers_agree(leaf.certificate, wrong.certificate)


def test_issuer_and_serial_number_name_one_of_two_renewals():
    root = make("Root", ca=True)
    old = make("Issuing", root, ca=True, end=100, origin="old")
    new = make("Issuing", root, ca=True, end=300, origin="new")
    leaf = good_leaf(issuer=old, authority_id="serial")
    assert names(solved(leaf, (new, old), (root,)))[1] == "old"
    assert chain.identifiers_agree(leaf.certificate, old.certificate)
    assert not chain.identifiers_agree(leaf.certificate, new.certificate)


# -- crowds -----------------------------------------------------------------------------------------------------------


def test_a_loop_without_a_root_ends():
    one = make("One", make("Two", ca=True), ca=True)
    two = make("Two", make("One", ca=True), ca=True)
    path = solved(good_leaf(issuer=one), (one, two))
    assert names(path) == ["chat.corp.test", "One", "Two"]
    assert not path.complete


@pytest.fixture
def verified(monkeypatch):
    """Every signature that is verified, as (child, issuer)."""
    calls = []
    verify = signature.verify
    monkeypatch.setattr(signature, "verify", lambda *pair: calls.append(pair) or verify(*pair))
    return calls


def test_everybody_signed_everybody(verified):
    roots = [make(f"CA {number}", ca=True) for number in range(15)]
    signed = [
        make(f"CA {a}", roots[b], ca=True, origin=f"CA {a}<CA {b}") for a in range(15) for b in range(15) if a != b
    ]
    assert len(signed) == 210
    leaf = good_leaf(issuer=roots[0])
    path = solved(leaf, signed, (roots[14],))
    assert len(verified) < 2 * 212
    assert names(path) == ["chat.corp.test", "CA 0<CA 14", "CA 14"]
    assert not solved(leaf, signed).complete


def test_two_hundred_of_one_name(verified):
    """Each with a key of its own, each signed by the next."""
    made = [make("Crowd", ca=True, key="crowd 0")]
    for number in range(1, 200):
        made.append(make("Crowd", made[-1], ca=True, key=f"crowd {number}"))
    leaf = good_leaf(issuer=made[-1])
    candidates = [*made[199:0:-3], *made[198:0:-3], *made[197:0:-3]]
    assert len(candidates) == 199
    chain.is_self_signed.cache_clear()
    path = solved(leaf, candidates, made[:1])
    assert len(verified) < 3 * 201
    assert len(path.certificates) == 201
    assert path.anchor == made[0].certificate


def test_a_crowd_without_identifiers_ends_soon(verified):
    """A hundred of one name that signed each other: whose key fits can only be tried."""
    made = [make("Blind", ca=True, key="blind 0", subject_id=False)]
    for number in range(1, 120):
        made.append(
            make("Blind", made[-1], ca=True, key=f"blind {number}", subject_id=False, authority_id=False, origin="")
        )
    leaf = good_leaf(issuer=made[-1], authority_id=False)
    chain.is_self_signed.cache_clear()
    path = solved(leaf, made[1:], made[:1])
    assert chain.SIGNATURES <= len(verified) < chain.SIGNATURES + 500
    assert (path.cut, path.anchor, path.complete) == (True, None, False)
    checks = judge.judge(certificates(leaf, *made[1:]), wanted(), certificates(made[0]), NOW, "x", leaf.key, (), path)
    trust = next(check for check in checks if check.id == "certificate.chain.trust")
    assert (trust.status, trust.evidence, trust.hint) == (
        "fail",
        "the search for a chain ended after 5000 signatures, there are too many certificates of one name",
        "Leave out those that do not belong to this chain.",
    )


# -- which one is the leaf --------------------------------------------------------------------------------------------


def test_the_leaf_is_the_one_that_is_no_authority():
    leaf = good_leaf()
    assert pick_leaf(material(*company(), leaf)) == leaf.certificate
    assert pick_leaf(material(leaf, leaf, *company())) == leaf.certificate


def test_of_several_leaves_the_one_whose_key_is_there():
    one, other = good_leaf(), good_leaf(name="other.corp.test")
    assert pick_leaf(material(one, other, keys=(other,))) == other.certificate
    old = good_leaf(start=-300, end=60)
    assert pick_leaf(material(old, one, keys=(one,)), NOW) == one.certificate


def test_of_renewals_one_that_is_valid_now():
    old, one, soon = good_leaf(start=-300, end=-1), good_leaf(), good_leaf(start=1, end=400)
    for order in itertools.permutations((old, one, soon)):
        assert pick_leaf(material(*order, keys=(one,)), NOW) == one.certificate
    assert pick_leaf(material(old, soon, keys=(one,)), NOW) == soon.certificate
    day = datetime.timedelta(days=1)
    assert pick_leaf(material(one, soon, keys=(one,)), NOW + 2 * day) == soon.certificate


def test_the_key_decides_also_among_authorities():
    one = make("chat.corp.test", ca=True)
    assert pick_leaf(material(*company(), one, keys=(one,))) == one.certificate
    assert pick_leaf(material(one)) == one.certificate


@pytest.mark.parametrize(
    ("given_", "error", "text"),
    [
        (
            Material,
            MaterialError,
            "There is no certificate in what was given. Does the file hold only the key, or a certificate request (CSR)? "
            "Give the file that the CA delivered.",
        ),
        (
            lambda: material(*company()),
            MaterialError,
            "All 2 certificates are those of authorities: CN=Company Root (Company Root.pem); CN=Company Issuing "
            "(Company Issuing.pem). Was the server's own certificate left out? Give it, too.",
        ),
        (
            lambda: material(good_leaf(), good_leaf(name="b.corp.test")),
            InputError,
            "There are 2 certificates that are no authority's: CN=chat.corp.test (chat.corp.test.pem); CN=b.corp.test "
            "(b.corp.test.pem). Which one is meant, and is the key of one of them given? Give the one that is to be used, "
            "with its key.",
        ),
        (
            lambda: material(a := good_leaf(), b := good_leaf(name="b.corp.test"), keys=(a, b)),
            InputError,
            "There are 2 certificates that are no authority's: CN=chat.corp.test (chat.corp.test.pem); CN=b.corp.test "
            "(b.corp.test.pem). Which one is meant? Give the one that is to be used, with its key.",
        ),
    ],
    ids=["nothing", "authorities only", "two and no key", "two and both keys"],
)
def test_no_leaf_can_be_told(given_, error, text):
    with pytest.raises(error) as caught:
        pick_leaf(given_())
    assert str(caught.value) == text


def test_what_a_server_sends_has_its_leaf_first():
    leaf = good_leaf()
    assert leaf_among(certificates(leaf, *company())) == leaf.certificate
    assert leaf_among(certificates(company()[1], leaf)) == leaf.certificate
    assert leaf_among(certificates(*company())) == company()[0].certificate
    assert leaf_among(certificates(*company()), company()[1].key) == company()[1].certificate
    # The key of a CA was delivered in place of the leaf's: it is the wrong one, the leaf stays the leaf.
    assert leaf_among(certificates(*company(), leaf), company()[1].key) == leaf.certificate
    other = good_leaf(name="other.corp.test")
    assert leaf_among(certificates(leaf, *company(), other), other.key) == other.certificate
