# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a row of the acceptance table is; the rows are in x509_rows_*.py, the test is test_x509_table.py."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._x509.chain import pick_leaf, solve
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_referees import Bundle
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    NOW,
    Made,
    company,
    good_leaf,
    make,
)

# Why another verifier says something else: reasons that several rows share.
NOT_LOOKED_AT = "verifiers do not look at it"
STRICT = "only strict verifiers refuse it, and private CAs often make it: a warning"
BROWSER_PROFILE = "asked for by the CA/Browser Forum's profile alone: a warning"
WEAK = "openssl verify has no lower bound by default (security level 0)"
NO_BOUND_FOR_LEAVES = "it measures the keys of CAs only"
PARTIAL = "without -partial_chain openssl takes roots only; Python from 3.13 on and cryptography do not mind: a warning"
UNTRUSTED = (
    "the root is delivered, but not trusted on this host; whether clients trust it cannot be seen here: a warning"
)
NOT_BUILT = "it does not support this kind of constraint and refuses all"


@dataclasses.dataclass(frozen=True)
class Row:
    """One case.

    bundle: makes it. wanted: profile and what differs from it.
    bad: id of each check that does not pass, with status, evidence and hint to the letter; all others pass.
    openssl, library: where that verifier's verdict differs from ours: its words (empty when it accepts) and why.
    needs: the version of cryptography that it takes.
    """

    id: str
    bundle: collections.abc.Callable[[], Bundle]
    wanted: dict
    bad: dict[str, tuple[str, str, str]]
    openssl: tuple[str, str] | None = None
    library: tuple[str, str] | None = None
    needs: int = 0


CHAT = {"dns": ("chat.corp.test",)}
# The names of a certificate for MTS Link Chats.
LINK = ["chat.corp.test", "chat-gateway.corp.test", "chat-storage.corp.test"]


def bundle(*made: Made, anchors: tuple[Made, ...] | None = None, key: Made | None = None, extra=()) -> Bundle:
    """A bundle as it is presented; trusted is the company's root when nothing is said, the key is that of the first."""
    trusted = company()[:1] if anchors is None else anchors
    return Bundle(
        tuple(one.certificate for one in made),
        tuple(one.certificate for one in trusted),
        (key or made[0]).key,
        tuple(one.certificate for one in extra),
    )


def delivered(material, anchors: tuple[Made, ...] | None = None) -> Bundle:
    """What is made of files of any form: the leaf and what leads to the root, without it."""
    trusted = tuple(one.certificate for one in (company()[:1] if anchors is None else anchors))
    leaf = pick_leaf(material, NOW)
    path = solve(leaf, material.certificates, trusted, NOW)
    key = next((key for key in material.keys if key.spki == leaf.spki), None)
    return Bundle(tuple(one for one in path.certificates if one != path.root), trusted, key)


def simple(**leaf) -> Bundle:
    """A leaf of the company's CA with the intermediate, good but for what is said of the leaf."""
    made = good_leaf(**leaf)
    return bundle(made, company()[1], key=made)


def tiers(root: dict | None = None, issuing: dict | None = None, leaf: dict | None = None) -> Bundle:
    """A two-tier CA of its own, good but for what is said; leaf and intermediate are presented, the root is trusted."""
    top = make("Root", **({"ca": True, "end": 3650} | (root or {})))
    middle = make("Issuing", top, **({"ca": True, "end": 1825} | (issuing or {})))
    end = good_leaf(issuer=middle, **(leaf or {}))
    return bundle(end, middle, anchors=(top,))
