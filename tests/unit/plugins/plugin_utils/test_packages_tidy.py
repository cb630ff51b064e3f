# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's cache: what was not used for long goes, what somebody uses stays, and nobody finds half of anything."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import time

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import cache, tidy

OLD, NEW = "a" * 64, "b" * 64


def put(folder, name, days, lock=True):
    """A package that was used so many days ago."""
    entry = folder / name
    entry.mkdir(parents=True)
    (entry / "chat.msi").write_bytes(b"package")
    when = time.time() - days * 86400
    if lock:
        (entry / "lock").touch()
        os.utime(entry / "lock", (when, when))
    os.utime(entry, (when, when))
    return entry


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("lock", [True, False], ids=["lock", "no lock"])
def test_what_was_not_used_for_thirty_days_goes(tmp_path, lock):
    put(tmp_path, OLD, 31, lock)
    put(tmp_path, NEW, 29, lock)
    put(tmp_path, "somebody's", 99)
    (tmp_path / "file").touch()
    tidy.tidy_packages(tmp_path)
    assert names(tmp_path) == [NEW, "file", "somebody's"]


def test_what_is_in_use_stays(tmp_path):
    entry = put(tmp_path, OLD, 31)
    with (entry / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        tidy.tidy_packages(tmp_path)
    assert (entry / "chat.msi").exists()
    with cache.alone(entry, "here", 1.0):
        pass
    tidy.tidy_packages(tmp_path)
    assert (entry / "chat.msi").exists()


def test_what_a_killed_run_left_half_gone_goes(tmp_path):
    put(tmp_path, f"{OLD}.going", 0)
    tidy.tidy_packages(tmp_path)
    assert names(tmp_path) == []


def test_who_waited_for_what_is_tidied_away_begins_anew(tmp_path, monkeypatch):
    entry = put(tmp_path, OLD, 31)
    waited = []

    def while_waiting(*arguments):
        if not waited:
            waited.append(entry.rename(tmp_path / "gone"))

    monkeypatch.setattr(cache, "_wait", while_waiting)
    with cache.alone(entry, "here", 1.0):
        assert waited and names(entry) == ["lock"]


def test_no_folder_is_no_error(tmp_path):
    tidy.tidy_packages(tmp_path / "none")
    tidy.tidy_notes(tmp_path / "none")


def test_notes_of_runs_go_with_their_parts(tmp_path):
    for key, days in ((OLD, 31), (NEW, 0)):
        assert cache.once(tmp_path, key, "monday", lambda: {"a": 1}, "here") == {"a": 1}
        (tmp_path / key).mkdir()
        when = time.time() - days * 86400
        os.utime(tmp_path / f"{key}.lock", (when, when))
    tidy.tidy_notes(tmp_path)
    assert names(tmp_path) == [NEW, f"{NEW}.json", f"{NEW}.lock"]


def _use(folder, number, results):
    """One fork: the package is there, or is put there, and stays as long as it is looked at."""
    entry = folder / OLD
    for _time in range(20):
        with cache.alone(entry, "here", 30.0):
            if not (entry / "chat.msi").exists():
                (entry / "chat.msi").write_bytes(b"package")
            if number % 2:
                when = time.time() - 31 * 86400
                os.utime(entry / "lock", (when, when))
            results.append((entry / "chat.msi").read_bytes() == b"package")
        tidy.tidy_packages(folder)


def test_many_at_once(tmp_path):
    """Some forks make it look old all the time, all tidy up: nobody loses what he holds, and nobody fails."""
    with multiprocessing.get_context("fork").Manager() as manager:
        results = manager.list()
        forks = [
            multiprocessing.get_context("fork").Process(target=_use, args=(tmp_path, n, results)) for n in range(8)
        ]
        for fork in forks:
            fork.start()
        for fork in forks:
            fork.join(120)
        assert [fork.exitcode for fork in forks] == [0] * 8
        assert len(results) == 160 and all(results)
