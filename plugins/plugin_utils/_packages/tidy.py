# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What lies in the controller's cache and was not used for long goes when something new is put in.

A lock's time is when its file was used last (cache.alone sets it). Here a lock is only taken, never waited for: who cannot have it
leaves the file to whoever has. It is removed last and while it is held, so that somebody who waited for it finds that it is no more,
and begins anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import time
import typing as t

UNUSED = 30 * 24 * 3600.0
"""Seconds. A rollout may take some weeks, ring by ring, and comes back to its package."""
_GOING = ".going"
_ENTRY = re.compile(r"[0-9a-f]{64}\Z")


def tidy_packages(folder: pathlib.Path) -> None:
    """Packages: folders named by a SHA-256, each with its lock. Other names are not ours."""
    for entry in _names(folder):
        if entry.suffix == _GOING and _ENTRY.match(entry.stem):
            shutil.rmtree(entry, ignore_errors=True)
        elif _ENTRY.match(entry.name):
            with _unused(entry / "lock", entry) as unused, contextlib.suppress(OSError):
                if unused:
                    # At once, so that nobody finds a part of it.
                    shutil.rmtree(entry.rename(entry.with_suffix(_GOING)), ignore_errors=True)


def tidy_notes(folder: pathlib.Path) -> None:
    """What was found out for one run (cache.once): NAME.lock, NAME.json, and a folder NAME for what was fetched."""
    for lock in _names(folder):
        if lock.suffix == ".lock" and _ENTRY.match(lock.stem):
            with _unused(lock, lock) as unused:
                if unused:
                    lock.with_suffix(".json").unlink(missing_ok=True)
                    lock.with_suffix(".part").unlink(missing_ok=True)
                    shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                    lock.unlink(missing_ok=True)


def _names(folder: pathlib.Path) -> list[pathlib.Path]:
    with contextlib.suppress(OSError):
        return list(folder.iterdir())
    return []


@contextlib.contextmanager
def _unused(lock: pathlib.Path, otherwise: pathlib.Path) -> t.Iterator[bool]:
    """Whether the lock's file was not used for long, and nobody else uses or removes it while this one looks."""
    try:
        if not _is_old(lock if lock.exists() else otherwise):
            yield False
            return
        known = lock.exists()
        file = lock.open("a")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Of two who tidy up the second may hold the lock of what the first removed, while the place is taken again.
            free = is_at(file, lock) and (not known or _is_old(lock))
        except OSError:
            free = False
        yield free


def is_at(file: t.IO[t.Any], place: pathlib.Path) -> bool:
    """Whether the open file still lies there. A lock on one that was removed keeps nobody out."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), place.stat())
    except FileNotFoundError:
        return False


def _is_old(path: pathlib.Path) -> bool:
    return path.stat().st_mtime < time.time() - UNUSED
