# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults in any combination, and authorities that signed each other at random: what others refuse never passes."""

from __future__ import annotations

import pathlib
import tempfile

import pytest
from cryptography import x509
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._x509 import judge, policy
from ansible_collections.onprem.chat.plugins.module_utils._x509.chain import solve
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_referees
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import bundle
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    ANY,
    CLIENT,
    NOW,
    SERVER,
    constraints,
    good_leaf,
    make,
    san,
)

NAME = "chat.corp.test"
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\0")
# What any certificate may have wrong, what authorities may, and what leaves may. (Names of authorities are left out:
# cryptography holds them to their own constraints, which are meant for those below, RFC 5280 4.2.1.10.)
ANYWHERE = (
    {"end": -1},
    {"start": 1},
    {"authority_id": False},
    {"authority_id": "serial"},
    {"authority_id": b"another key"},
    {"subject_id": False},
    {"basic_critical": False},
    {"usage": None},
    {"usage": ("crl_sign",)},
    {"usage": ("key_encipherment",)},
    {"purposes": (CLIENT,)},
    {"purposes": (ANY,)},
    {"purposes": (SERVER, CLIENT)},
    {"more": ((UNKNOWN, True),)},
)
AUTHORITIES = (
    {"ca": False},
    {"ca": None},
    {"pathlen": 0},
    {"pathlen": 1},
    {"named": constraints(san(dns=["corp.test"]))},
    {"named": constraints(san(dns=["other.test"]))},
    {"named": constraints(None, san(dns=[NAME]))},
    {"named": constraints(san(email=["a@corp.test"]))},
)
LEAVES = (
    {"ca": True, "usage": ("digital_signature", "key_cert_sign"), "purposes": (SERVER,)},
    {"dns": ["*.corp.test"]},
    {"dns": [NAME, "x.other.test"]},
    {"dns": ["other.test"]},
    {"dns": []},
    {"name": ""},
    {"email": ["a@corp.test"]},
    {"email": ["a@other.test"]},
    {"purposes": None},
)
# Faults that neither verifier looks for: see the table.
OURS_ALONE = {"certificate.usage"}


def faults(*pools):
    """None to two of them."""
    known = [fault for pool in pools for fault in pool]
    return st.lists(st.sampled_from(known), max_size=2).map(lambda many: {k: v for one in many for k, v in one.items()})


def verdicts(made):
    """Ours (the worst status, the ids of failures), and the words of the two others."""
    checks = judge.judge(made.presented, policy.wanted(dns=[NAME], trust="given"), made.anchors, NOW, "x", made.key)
    statuses = {check.status for check in checks}
    worst = next(status for status in ("fail", "warn", "pass") if status in statuses)
    with tempfile.TemporaryDirectory() as folder:
        strict = x509_referees.openssl(made, [NAME], pathlib.Path(folder))
    library = x509_referees.library(made, [NAME]) if x509_referees.HAS_LIBRARY else None
    return worst, {check.id for check in checks.failures}, strict, library


QUIET = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.filter_too_much])


@QUIET
@given(
    faults(ANYWHERE, AUTHORITIES),
    faults(ANYWHERE, AUTHORITIES),
    st.none() | faults(ANYWHERE, AUTHORITIES),
    faults(ANYWHERE, LEAVES),
)
def test_what_others_refuse_does_not_pass(top, middle, lower, leaf):
    try:
        root = make("Root", **({"ca": True} | top))
        chain = [make("Policy", root, **({"ca": True} | middle))]
        if lower is not None:
            chain.insert(0, make("Issuing", chain[0], **({"ca": True} | lower)))
        end = good_leaf(issuer=chain[0], **leaf)
    except ValueError:  # a combination that the library does not make
        assume(False)
    worst, failures, strict, library = verdicts(bundle(end, *chain, anchors=(root,)))
    assert worst != "pass" or not (strict or library), (strict, library)
    if library is not None and not strict and not library:
        assert failures <= OURS_ALONE


@pytest.mark.skipif(not x509_referees.HAS_LIBRARY, reason="only cryptography tries every way")
@QUIET
@given(
    st.lists(st.sampled_from([400, -1]), min_size=3, max_size=5),
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([300, 300, -1]), st.sampled_from([None, 0, 1])),
        max_size=12,
    ),
    st.data(),
)
def test_a_way_is_found_exactly_when_there_is_one(ends, crossings, data):
    roots = [make(f"CA {number}", ca=True, end=end) for number, end in enumerate(ends)]
    size = len(roots)
    crossed = [
        make(f"CA {a % size}", roots[b % size], ca=True, end=end, pathlen=length, origin=f"{a % size}<{b % size}")
        for a, b, end, length in crossings
        if a % size != b % size
    ]
    candidates = data.draw(st.permutations([*crossed, *data.draw(st.lists(st.sampled_from(roots), unique=True))]))
    leaf, top = good_leaf(issuer=roots[0]), roots[-1]
    worst, _failures, _strict, library = verdicts(bundle(leaf, *candidates, anchors=(top,)))
    if worst == "fail":
        assert library
        return
    # Both may go astray among all of them, but not on the way that was found.
    way = solve(leaf.certificate, [one.certificate for one in candidates], [top.certificate], NOW).certificates
    alone = x509_referees.Bundle(way[:-1], (top.certificate,), leaf.key)
    assert verdicts(alone)[2:] == ("", "")
