# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The judgement of a certificate bundle, the same for files and for what a server sends: one check for each question."""

from __future__ import annotations

import collections.abc
import datetime

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, WARN, Checks

from . import judge_chain, judge_leaf, judge_strict
from .certificate import Certificate, Key
from .chain import Chain, leaf_among, solve
from .judge_case import Case
from .policy import Wanted

# The question, who answers it, and the document that asks for it.
TABLE = (
    ("certificate.key.match", judge_leaf.key_match, "RFC 8446 4.4.3"),
    ("certificate.key.strength", judge_leaf.key_strength, "CA/B BR 6.1.5"),
    ("certificate.names", judge_leaf.names, "RFC 9525 6, RFC 6120 13.7"),
    ("certificate.usage", judge_leaf.usage, "RFC 5280 4.2.1.3, 4.2.1.12"),
    ("certificate.leaf", judge_leaf.leaf, "RFC 5280 4.2.1.9"),
    ("certificate.validity", judge_leaf.validity, "RFC 5280 6.1.3"),
    ("certificate.not_before", judge_leaf.not_before, "RFC 5280 4.1.2.5"),
    ("certificate.signature", judge_chain.signatures, "RFC 9155, CA/B BR 7.1.3.2"),
    ("certificate.authority", judge_chain.authorities, "RFC 5280 4.2.1.9, 4.2.1.10"),
    ("certificate.chain.trust", judge_chain.trust, "RFC 5280 6.1"),
    ("certificate.chain.order", judge_chain.order, "RFC 8446 4.4.2"),
    ("certificate.chain.root", judge_chain.root, "RFC 8446 4.4.2"),
    ("certificate.chain.extra", judge_chain.extra, "RFC 8446 4.4.2"),
    ("certificate.extensions", judge_strict.extensions, "RFC 5280 4.2"),
    ("certificate.strict", judge_strict.strict, "RFC 5280 4, CA/B BR 7.1.2"),
)


def judge(
    presented: collections.abc.Sequence[Certificate],
    wanted: Wanted,
    anchors: collections.abc.Iterable[Certificate],
    now: datetime.datetime,
    subject: str,
    key: Key | None = None,
    extra: collections.abc.Iterable[Certificate] = (),
    path: Chain | None = None,
) -> Checks:
    """Every question of TABLE, in its order, each exactly once.

    presented: the certificates as they stand in the file or were sent; at least one.
    anchors: what is trusted. now: a moment with its zone. subject: what the checks are about, for texts.
    extra: candidates that clients do not get; a chain that needs them is told to be incomplete, with what is missing.
    """
    if not presented:
        raise ValueError("nothing to judge: there is no certificate")
    anchors = anchors if isinstance(anchors, frozenset) else frozenset(anchors)
    if path is None:
        path = solve(leaf_among(presented, key), (*presented, *extra), anchors, now, wanted.purposes)
    case = Case(tuple(presented), path, wanted, anchors, now, key)
    checks = Checks()
    for id_, question, source in TABLE:
        status, evidence, hint = question(case)
        if status == FAIL and id_ in wanted.accept:
            status, hint = WARN, f"Accepted by the task. {hint}".strip()
        checks.add(status, id_, subject, evidence, hint, source)
    return checks
