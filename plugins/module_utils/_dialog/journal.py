# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is remembered of the runs: one JSON file for root only, replaced as a whole, and a transcript beside it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pathlib
import stat
import time

from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import JournalError

VERSION = 1
RESERVE = 256 * 1024
"""Bytes kept on the disk for the next entry, so that values can be written down when the installer has filled it."""
LEAST = 8 * 1024
"""Bytes that are still worth keeping when there is not as much."""
TRANSCRIPT = 512 * 1024
"""Bytes of one of the two transcript files."""
HISTORY = 50
"""Earlier runs that are kept; those with values are never dropped."""


class Journal:
    """The folder of one dialogue."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.path = folder / "journal.json"
        self.lock_path = folder / "lock"
        self.transcripts = (folder / "transcript.log", folder / "transcript.old.log")
        self._next = folder / "journal.json.new"
        self._keeps = False

    def exists(self) -> bool:
        """Whether anything was ever remembered here."""
        return self.path.exists()

    def prepared(self) -> bool:
        """Whether its folder is there. Raises JournalError."""
        try:
            self.folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise self.trouble("read", error) from error
        return True

    def prepare(self) -> None:
        """Make the folder, for its owner only. Raises JournalError."""
        try:
            for path in (*reversed(self.folder.parents), self.folder):
                # One by one: the mode is that of each folder that is made.
                with contextlib.suppress(FileExistsError):
                    if not path.is_dir():
                        path.mkdir(mode=0o700)
        except OSError as error:
            raise self.trouble("made", error) from error
        self.check()
        if stat.S_IMODE(self.folder.stat().st_mode) != 0o700:
            self.folder.chmod(0o700)

    def check(self) -> None:
        """Secrets are only written to, and believed from, a place that nobody else can change. Raises JournalError."""
        for path in (self.folder.parent, self.folder):
            try:
                seen = path.lstat()
            except OSError as error:
                raise self.trouble("looked at", error) from error
            open_to_others = seen.st_mode & 0o022 and not (path != self.folder and seen.st_mode & stat.S_ISVTX)
            if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (0, os.geteuid()) or open_to_others:
                raise JournalError(
                    f"{path} cannot be trusted: it is no folder, or belongs to user {seen.st_uid}, "
                    f"or others may write there (mode {stat.S_IMODE(seen.st_mode):04o}).",
                    "Was it made by somebody else?",
                    "Look at it, then remove it or give it to the user that runs the task, mode 0700.",
                )

    def load(self) -> dict | None:
        """The latest entry, None when there is none. Raises JournalError."""
        try:
            entry = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise JournalError(
                f"The journal {self.path} cannot be read: {error}.",
                "Was it changed by hand, or is the disk damaged?",
                "Save what it holds of values, then forget it with state=absent.",
            ) from error
        if not isinstance(entry, dict) or entry.get("version") != VERSION:
            raise JournalError(
                f"The journal {self.path} has another form than this version writes.",
                "Was it written by a newer version of this collection?",
                "Use that version, or save its values and forget it with state=absent.",
            )
        return entry

    def save(self, entry: dict) -> None:
        """Replace the entry; when this returns it is on the disk. Raises JournalError."""
        data = json.dumps(entry, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
        try:
            self._write(data)
        except OSError as error:
            raise self.trouble("written", error) from error
        if self._keeps:
            # What the old entry took is free again, and so is what this one did not need.
            with contextlib.suppress(OSError):
                self._allocate(LEAST)

    def _write(self, data: bytes) -> None:
        """Into the room that was kept: nothing is given back before the entry is whole, for others could take it."""
        with os.fdopen(self._open_next(), "wb") as file:
            file.write(data)
            file.flush()
            file.truncate(len(data))
            os.fsync(file.fileno())
        os.replace(self._next, self.path)  # noqa: PTH105
        self._sync_folder()

    def _open_next(self) -> int:
        return os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep_reserve(self) -> None:
        """From now on keep room for the next entry. Raises JournalError when there is not even that."""
        try:
            self._allocate(RESERVE)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EINVAL):
                return
            raise self.trouble("written", error) from error
        self._keeps = True

    def _allocate(self, least: int) -> None:
        """As much of RESERVE as there is. Raises OSError when there is less than ``least``."""
        descriptor, size = self._open_next(), RESERVE
        try:
            while True:
                try:
                    return os.posix_fallocate(descriptor, 0, size)
                except OSError as error:
                    size //= 2
                    if error.errno not in (errno.ENOSPC, errno.EDQUOT) or size < least:
                        raise
        finally:
            os.close(descriptor)

    def drop_reserve(self) -> None:
        """It is not needed any more."""
        self._keeps = False
        with contextlib.suppress(OSError):
            self._next.unlink()

    def forget(self) -> list[str]:
        """Remove everything that is known to be ours; returns what else lies there. Raises JournalError."""
        try:
            # transcript.new and transcript.old.new: see Transcript.close.
            names = ("journal.json", "journal.json.new", "transcript.log", "transcript.old.log")
            for name in (*names, "transcript.new", "transcript.old.new", "lock"):
                with contextlib.suppress(FileNotFoundError):
                    (self.folder / name).unlink()
            left = sorted(path.name for path in self.folder.iterdir())
            if not left:
                self.folder.rmdir()
        except OSError as error:
            raise self.trouble("removed", error) from error
        return left

    def trouble(self, what: str, error: OSError) -> JournalError:
        """The words for an error of the system."""
        return JournalError(
            f"The journal in {self.folder} cannot be {what}: {error.strerror}.",
            "Is the disk full or read-only, or does the task not run as root (become)?",
            "Make room or rights there, or choose another state_directory.",
        )


class Transcript:
    """What was seen, without secrets: two files of bounded size, the older one replaced. It never fails a run."""

    def __init__(self, journal: Journal, limit: int = TRANSCRIPT) -> None:
        self.path, self.old = journal.transcripts
        self._limit = limit
        self._second, self._stamp = 0, ""
        self._file = None
        self._size = 0
        with contextlib.suppress(OSError):
            self._open()

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._size = os.fstat(descriptor).st_size
        self._file = os.fdopen(descriptor, "ab")

    def write(self, line: str) -> None:
        """One line, with the time."""
        if self._file is None:
            return
        now = int(time.time())
        if now != self._second:
            self._second, self._stamp = now, time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime(now))
        data = (self._stamp + line + "\n").encode("utf-8", "replace")
        try:
            if self._size + len(data) > self._limit:
                self._file.close()
                os.replace(self.path, self.old)  # noqa: PTH105
                self._open()
            self._file.write(data)
            self._size += len(data)
        except OSError:
            self._file = None

    def flush(self) -> None:
        """Let readers see it."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError:
                self._file = None

    def close(self, masked) -> None:
        """The end. ``masked``: takes the secrets out that were not known yet when their line was written."""
        self.flush()
        for path in (self.path, self.old):
            with contextlib.suppress(OSError, ValueError):
                text = path.read_text(encoding="utf-8", errors="replace")
                clean = "\n".join(masked(line) for line in text.split("\n"))
                if clean != text:
                    new = path.with_suffix(".new")
                    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
                    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                        file.write(clean)
                    os.replace(new, path)  # noqa: PTH105
