# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One run at a time: a lock that its holder cannot forget, because the kernel gives it back when the holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib

from ansible_collections.onprem.chat.plugins.module_utils._dialog.waiting import stat

BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


def boot_id(path: pathlib.Path = BOOT_ID) -> str:
    """Differs after each boot (random(4)); "" where there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def identity(pid: int) -> dict:
    """A process, so that it is not taken for a later one with the same number."""
    fields = stat(pid)
    return {"pid": pid, "start": fields[19] if len(fields) > 19 else ""}


def lives(process: dict | None) -> bool:
    """Whether this very process still runs."""
    if not process or not process.get("pid"):
        return False
    fields = stat(process["pid"])
    return len(fields) > 19 and fields[19] == process.get("start") and fields[0] not in "ZX"


def beyond_standard(descriptor: int) -> int:
    """The same file under a number that is no standard stream's, should one of them be closed: those are replaced later."""
    if descriptor > 2:
        return descriptor
    other = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 3)
    os.close(descriptor)
    return other


class Lock:
    """A file that is locked (flock(2)) by the supervisor for as long as it lives, and says who that is."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.descriptor = -1

    def take(self) -> bool:
        """Lock it for this process and those that it forks; False when another one has it. Raises OSError."""
        return self._flock(fcntl.LOCK_EX)

    def free(self) -> bool:
        """Whether nobody has it. Raises OSError."""
        if not self.path.exists():
            return True
        free = self._flock(fcntl.LOCK_SH)
        self.close()
        return free

    def _flock(self, kind: int) -> bool:
        while True:
            descriptor = beyond_standard(
                os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            )
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):  # noqa: PTH116
                    self.descriptor = descriptor
                    return True
            # Somebody removed the file in between: what was locked is nothing any more.
            os.close(descriptor)

    def close(self) -> None:
        """Forget it here; a forked process keeps it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def sign(self, words: dict) -> None:
        """Say who has it; for its holder. Raises OSError; with a full disk only when there was less before."""
        data = json.dumps(words).encode()
        os.pwrite(self.descriptor, data, 0)
        os.ftruncate(self.descriptor, len(data))

    def words(self) -> dict:
        """What its holder said of itself, also one that is gone; {} when that cannot be read."""
        try:
            words = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return words if isinstance(words, dict) else {}

    def holder(self) -> dict | None:
        """The same of one that lives; None when there is none."""
        words = self.words()
        return words if lives(words.get("process")) else None
