# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair is replaced and the power fails: after every step, whatever the disk may have kept of it, nothing mismatches."""

from __future__ import annotations

import os

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import write
from ansible_collections.onprem.chat.plugins.module_utils._x509.disk import Rights
from ansible_collections.onprem.chat.plugins.module_utils._x509.pair import Place
from ansible_collections.onprem.chat.plugins.module_utils._x509.write import Content, Target, Writer
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_power import Disk

OLD, NEW, BEFORE = ((f"certificate {word}\n".encode(), f"key {word}\n".encode()) for word in ("old", "new", "before"))
SAME = (NEW[0], OLD[1])


def put(place, pair, layout):
    if layout == "hand":
        place.certificate.write_bytes(pair[0])
        place.key.write_bytes(pair[1])
        return
    own = (os.geteuid(), os.getegid())
    Writer(place, Target(Content(*pair), layout, Rights(0o644, *own), Rights(0o600, *own))).write()


def left_after_cuts(tmp_path, before, after, pair):
    """All pairs that somebody may find after a cut at some moment, and those after one at the end."""
    place = Place(tmp_path, "corp.test")
    if before in ("links", "files"):
        put(place, BEFORE, before)
    if before != "nothing":
        put(place, OLD, before)
    with pytest.MonkeyPatch.context() as patch:
        power = Disk(tmp_path, patch)
        put(place, pair, after)
    assert place.look().contents == pair
    found = [
        [tuple(power.read(one, f"corp.test.{end}") for end in ("crt", "key")) for one in left]
        for left in power.pictures
    ]
    assert (power.steps > 10, sum(map(len, found)) > power.steps) == (True, True)
    return set().union(*found), set(found[-1])


@pytest.mark.parametrize("pair", [NEW, SAME], ids=["pair", "certificate"])
@pytest.mark.parametrize("before", ["links", "files", "hand"])
@pytest.mark.parametrize("after", ["links", "files"])
def test_nothing_mismatches(tmp_path, before, after, pair):
    found, at_the_end = left_after_cuts(tmp_path, before, after, pair)
    assert at_the_end == {pair}
    halves = {(None, OLD[1]), (None, pair[1]), (None, None)}
    allowed = {OLD, pair} | (halves if after == "files" else set())
    assert found <= allowed
    assert {OLD, pair} <= found


@pytest.mark.parametrize("after", ["links", "files"])
def test_the_first_pair(tmp_path, after):
    found, at_the_end = left_after_cuts(tmp_path, "nothing", after, NEW)
    assert at_the_end == {NEW}
    assert found <= {(None, None), (None, NEW[1]), NEW}


def test_the_model_would_see_a_missing_sync(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "sync_folder", lambda folder: None)
    found, at_the_end = left_after_cuts(tmp_path, "links", "links", NEW)
    assert (None, None) in found
    assert at_the_end != {NEW}


def test_the_model_would_see_a_torn_file(tmp_path, monkeypatch):
    def careless(path, data, rights):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, rights.mode)
        os.write(descriptor, data)
        os.close(descriptor)

    monkeypatch.setattr(write, "create", careless)
    assert (b"", b"") in left_after_cuts(tmp_path, "links", "links", NEW)[0]
