# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing versions."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.9", "1.10"),
        ("1.2", "1.2.0.1"),
        ("1.2.3-beta", "1.2.3"),
        ("1.2.3-alpha", "1.2.3-beta"),
        ("1.2.3-beta.2", "1.2.3-beta.10"),
        ("1.2.3-rc.1", "1.2.3"),
        ("1.2rc1", "1.2rc2"),
        ("1.2a1", "1.2"),
        ("1.2", "1.2a"),
        ("1.2", "1.2-hotfix1"),
        ("1.2 build 7", "1.2 build 10"),
        ("1, 2, 3, 4", "1.2.3.5"),
        ("v1.2", "V1.3"),
        ("24.1", "24.10.2"),
        ("1.2.3-dev", "1.2.3-alpha"),
        ("0.9", "1.0.0-alpha"),
        ("1.2.3-preview", "1.2.3-rc"),
    ],
)
def test_order(older, newer):
    assert versions.compare(older, newer) == -1
    assert versions.compare(newer, older) == 1


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("1.2", "1.2.0.0"),
        ("1.02.003", "1.2.3"),
        ("1, 2, 3, 4", "1.2.3.4"),
        ("v1.2", "1.2"),
        ("1.2+build5", "1.2+build6"),
        ("1.2-RC1", "1.2-rc1"),
        (" 1.2 ", "1.2"),
        ("0", "0.0.0"),
        ("1.2 (beta)", "1.2-beta"),
    ],
)
def test_same(one, two):
    assert versions.compare(one, two) == 0


def test_windows_installer_looks_at_three_fields():
    assert versions.compare_msi("1.2.3.4", "1.2.3.5") == 0
    assert versions.compare_msi("1.2.3", "1.2.4.0") == -1
    assert versions.compare_msi("2", "1.9.9") == 1
    assert versions.compare_msi("1.2", "1.2.0") == 0


@pytest.mark.parametrize("text", ["", "beta", "-", "{11111111-2222-3333-4444-555555555501}"[:1], "١.٢"])
def test_without_a_number_there_is_nothing_to_compare(text):
    with pytest.raises(versions.NoVersion, match="no version"):
        versions.compare(text, "1.0")


def test_numbers_without_end_are_cut():
    assert versions.compare("9" * 100_000, "1") == 1


VERSIONS = st.from_regex(
    r"\A[vV]?[0-9]{1,5}([.,] ?[0-9]{1,5}){0,4}([- ]?[a-z]{0,6}[.]?[0-9]{0,3}){0,2}(\+[a-z0-9]{0,4})?\Z"
)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_it_is_an_order(one, two, three):
    assert versions.compare(one, one) == 0
    assert versions.compare(one, two) == -versions.compare(two, one)
    if versions.compare(one, two) <= 0 and versions.compare(two, three) <= 0:
        assert versions.compare(one, three) <= 0


@given(st.text())
def test_any_text_is_a_version_or_is_none(text):
    with contextlib.suppress(versions.NoVersion):
        assert versions.compare(text, text) == 0
