# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acceptance table of the judgement; the rows are in x509_rows_*.py.

Each row is judged by us, by ``openssl verify -purpose sslserver -x509_strict`` and by cryptography's ServerVerifier. Where
they differ the row says why, and a row that says so without need fails, too.
"""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import judge as judging
from ansible_collections.onprem.chat.plugins.module_utils._x509.policy import wanted
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import (
    x509_referees,
    x509_rows_authority,
    x509_rows_chain,
    x509_rows_forms,
    x509_rows_keys,
    x509_rows_names,
    x509_rows_purposes,
    x509_rows_strict,
    x509_rows_trust,
    x509_rows_ways,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW

ROWS = [
    *x509_rows_chain.ROWS,
    *x509_rows_trust.ROWS,
    *x509_rows_names.ROWS,
    *x509_rows_authority.ROWS,
    *x509_rows_purposes.ROWS,
    *x509_rows_keys.ROWS,
    *x509_rows_strict.ROWS,
    *x509_rows_forms.ROWS,
    *x509_rows_ways.ROWS,
]
WORDS_OF = 50  # the version of cryptography whose words the rows have
IDS = [id_ for id_, _question, _source in judging.TABLE]


def judged(row, bundle):
    """All checks of a row."""
    given = wanted(row.wanted.get("profile", "server"), **{k: v for k, v in row.wanted.items() if k != "profile"})
    return judging.judge(bundle.presented, given, bundle.anchors, NOW, row.id, bundle.key, bundle.extra), given


def differs(accepted: bool, words: str, declared: tuple[str, str] | None, literally: bool = True) -> str:
    """What is wrong with what a row says about another verifier; empty when nothing. literally: its words count, too."""
    if accepted == (not words):
        return f"declared to differ, but it does not: {declared}" if declared else ""
    if declared is None:
        return f"differs: it says {words or 'that all is well'!r}"
    right = declared[0] in words if declared[0] else not words
    return "" if right or (words and not literally) else f"differs by {words!r}, declared is {declared}"


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_row(row, tmp_path):
    if row.needs > x509_referees.VERSION:
        pytest.skip(f"cryptography {row.needs}")
    bundle = row.bundle()
    checks, given = judged(row, bundle)
    assert [check.id for check in checks] == IDS
    assert all(check.subject == row.id and check.evidence and check.source for check in checks)
    bad = {check.id: (check.status, check.evidence, check.hint) for check in checks if check.status != "pass"}
    assert bad == row.bad
    names = x509_referees.askable((*given.dns, *given.ip, *given.xmpp_domains))
    accepted = not checks.failures
    assert not differs(accepted, x509_referees.openssl(bundle, names, tmp_path), row.openssl)
    if x509_referees.HAS_LIBRARY:
        literally = x509_referees.VERSION == WORDS_OF
        assert not differs(accepted, x509_referees.library(bundle, names), row.library, literally)


def test_the_table_is_as_big_as_it_must_be():
    assert len(ROWS) >= 60
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_every_check_fails_or_warns_somewhere():
    assert {id_ for row in ROWS for id_ in row.bad} == set(IDS)
