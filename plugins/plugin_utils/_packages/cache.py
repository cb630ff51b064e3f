# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A folder of the controller for downloads and for what was found out about them, shared by the processes of a run.

Ansible works on every host in a process of its own. What costs much and is the same for all of them is done by the first one
while the others wait (a lock of the kernel's, which ends with its process), and is remembered for this run only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import time
import typing as t

from .errors import Missing, PackageError
from .tidy import is_at, tidy_notes


class NotPrivate(PackageError):
    """Others may write into the cache."""


def cache_folder() -> pathlib.Path:
    """Where downloads are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "onprem-chat" / "packages"


def private(folder: pathlib.Path, where: str) -> None:
    """Make a folder that only its owner may enter. Raises NotPrivate for one that others may write into, and OSError."""
    with contextlib.suppress(FileExistsError):
        # exist_ok looks a second time, and raises when the folder was tidied away in between.
        folder.mkdir(parents=True, mode=0o700)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise NotPrivate(
            f"Others may write into the cache for packages ({folder})",
            where,
            "It belongs to another user, or its mode was changed",
            f"Remove it, or chmod 700 it, or set XDG_CACHE_HOME to a folder of {os.environ.get('USER') or 'your own'}",
        )


def this_run() -> str:
    """A name for the run of Ansible that this process works for; empty where that cannot be told.

    Every process of a run has the same parent. Its start (clock ticks since boot, proc(5)) makes the number unmistakable.
    """
    parent = os.getppid()
    try:
        started = pathlib.Path(f"/proc/{parent}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, IndexError, ValueError):
        return ""
    return f"{boot}-{parent}-{started}"


def once(
    folder: pathlib.Path, name: str, run: str, make: t.Callable[[], dict[str, t.Any]], where: str
) -> dict[str, t.Any]:
    """What ``make`` gives, which can be written as JSON: made by one process of a run, read by the others.

    Without a ``run`` everybody makes it. An error is nobody's but that of the process that met it. Raises what ``make``
    raises, NotPrivate and Missing (somebody else is making it for an hour).
    """
    if not run:
        return make()
    private(folder, where)
    file = folder / f"{name}.json"
    with alone(folder, where, 3600.0, f"{name}.lock"):
        with contextlib.suppress(OSError, ValueError):
            known = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(known, dict) and known.get("run") == run:
                return known["value"]
        value = make()
        part = folder / f"{name}.part"
        part.write_text(json.dumps({"run": run, "value": value}), encoding="utf-8")
        part.replace(file)
    tidy_notes(folder)
    return value


@contextlib.contextmanager
def alone(folder: pathlib.Path, where: str, deadline: float, name: str = "lock") -> t.Iterator[None]:
    """One process at a time for one file; the others wait for it. The lock's time says when it was used last (tidy.py)."""
    end = time.monotonic() + deadline
    while True:
        try:
            private(folder, where)
            file = (folder / name).open("w")
        except FileNotFoundError:
            if folder.is_symlink():
                raise
            continue  # tidied away since the line before
        with file:
            os.utime(file.fileno())
            _wait(file, folder, where, end, deadline)
            if is_at(file, folder / name):
                yield
                return
        # Tidied away while we waited for it: whoever comes now takes another lock.


def _wait(file: t.IO[str], folder: pathlib.Path, where: str, end: float, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= end:
                raise Missing(
                    f"Another run has been fetching the same package for {deadline:g} s",
                    where,
                    "It is slow, or hangs",
                    f"Wait for it, or end it and remove {folder}",
                ) from error
            time.sleep(0.2)
