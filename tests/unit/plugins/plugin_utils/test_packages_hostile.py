# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a file holds: a package or a PackageError, within bounds."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import exe, msi
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms as forms
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_programs as programs
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.packages_mutations import Mutator

SMALL = forms.msi()
PROGRAM = programs.described(overlay=programs.nsis_overlay(packed=True))


def judged(data: bytes) -> bool:
    """Read, whether a package came out; anything but a package or a PackageError is the test's failure."""
    reader = msi.read_msi if data[:8] == SMALL[:8] else exe.read_exe
    try:
        package = reader(data, "/srv/package", "0" * 64)
    except PackageError as error:
        assert error.what
        assert error.remedy
        assert len(str(error)) < 2000
        return False
    assert isinstance(package, Package)
    return True


@given(st.binary(max_size=4000))
@settings(deadline=None)
def test_rubbish_behind_a_magic_number(tail):
    assert not judged(SMALL[:8] + tail)
    assert not judged(b"MZ" + tail)


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=8))
@settings(deadline=None, max_examples=300)
def test_an_msi_with_something_else_in_it(at, other):
    judged(SMALL[:at] + other + SMALL[at + len(other) :])


@given(st.integers(0, len(PROGRAM) - 1), st.binary(min_size=1, max_size=8))
@settings(deadline=None, max_examples=300)
def test_a_program_with_something_else_in_it(at, other):
    judged(PROGRAM[:at] + other + PROGRAM[at + len(other) :])


@given(st.integers(0, len(SMALL) - 513))
@settings(deadline=None)
def test_a_cut_msi_is_never_read(left):
    assert not judged(SMALL[:left])


@pytest.mark.parametrize("seed", range(4))
def test_damage_by_seed(seed):
    corpus = {name: data for name, (data, technology, confidence) in programs.forms().items()}
    corpus |= {"msi": SMALL, "msi 4096": forms.msi(sector=4096), "msi wide": forms.msi(wide=True, tail=9)}
    mutator = Mutator(seed, corpus)
    outcomes = [judged(mutator.next()[1]) for number in range(400)]
    assert any(outcomes)
    assert not all(outcomes)


def test_a_cut_table_of_tables():
    # 7 MB: the allocation table has a table of its own, and the file ends within it.
    data = forms.msi(tail=14_000)
    assert judged(data)
    assert not judged(data[:-300])


def circle(field: int, value: int = 0) -> bytes:
    """An MSI whose header says another first sector, and whose allocation table has a circle there."""
    data = bytearray(forms.msi(tail=200_000))
    data[field : field + 4] = value.to_bytes(4, "little")
    table = int.from_bytes(data[76:80], "little")
    data[512 * (table + 1) : 512 * (table + 1) + 4] = bytes(4)
    return bytes(data)


@pytest.mark.parametrize("field", [48, 60])
def test_circles_cost_no_memory(field):
    """100 MB in which the folder, or the table of small streams, has no end."""
    data = circle(field)
    tracemalloc.start()
    try:
        assert not judged(data)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


def test_many_rows_that_name_one_long_text_cost_it_once():
    """A text of 1 MB that 20,000 rows refer to."""
    long = "x" * (1 << 20)
    properties = {**forms.PROPERTIES, **{f"P{number}": long for number in range(20_000)}}
    data = forms.msi(properties=properties)
    tracemalloc.start()
    try:
        assert judged(data)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
