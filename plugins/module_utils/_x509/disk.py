# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Files, folders and links that a killed process or a power cut leaves either as they were or as they shall be."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import grp
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError, WriteError


@dataclasses.dataclass(frozen=True)
class Rights:
    """Who may do what with a file: permission bits, numeric user and numeric group."""

    mode: int
    uid: int
    gid: int

    def __str__(self) -> str:
        return f"mode {self.mode:04o}, owner {user_name(self.uid)}, group {group_name(self.gid)}"


def rights_of_copy(before: Rights, wanted: Rights) -> Rights:
    """Rights for a copy of a file: at most what is wanted, and nobody who could not read the file can read the copy."""
    mode = before.mode & wanted.mode
    if os.geteuid() == 0 or (before.uid, before.gid) == (wanted.uid, wanted.gid):
        return Rights(mode, before.uid, before.gid)
    # Only root gives files away. Who is not root and read this one keeps the copy for itself.
    return Rights(mode & 0o700, os.geteuid(), os.getegid())


def user_name(uid: int) -> str:
    """The user's name, or the number when there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The group's name, or the number when there is none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def user_id(owner: str) -> int | None:
    """Number of a user given by name or number; None when this host does not know the name."""
    try:
        return pwd.getpwnam(owner).pw_uid
    except KeyError:
        return int(owner) if owner.isdecimal() else None


def group_id(group: str) -> int | None:
    """The same for a group."""
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return int(group) if group.isdecimal() else None


def sync_folder(folder: Path) -> None:
    """Names in a folder survive a power cut from here on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems do not offer it for folders
            raise
    finally:
        os.close(descriptor)


def create(path: Path, data: bytes, rights: Rights) -> None:
    """Make a file that does not exist. Nobody but its owner can open it before it has its owner and group."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, rights.mode & 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if (rights.uid, rights.gid) != (os.geteuid(), os.fstat(descriptor).st_gid):
            os.fchown(descriptor, rights.uid, rights.gid)
        os.fchmod(descriptor, rights.mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_rights(path: Path, rights: Rights) -> None:
    """Give an existing file other rights. At no moment has anybody more than before and after allow together."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        now = os.fstat(descriptor)
        os.fchmod(descriptor, stat.S_IMODE(now.st_mode) & rights.mode)
        if (rights.uid, rights.gid) != (now.st_uid, now.st_gid):
            os.fchown(descriptor, rights.uid, rights.gid)
        os.fchmod(descriptor, rights.mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def target_of(link: Path) -> str | None:
    """What a symbolic link says; None when there is no link."""
    try:
        return str(link.readlink())
    except OSError:
        return None


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and the ones above it that are missing; what exists is left as it is."""
    if path.is_dir():
        return
    if path != path.parent:
        make_folder(path.parent, mode)
    umask = os.umask(0o777 & ~mode)
    try:
        path.mkdir(mode)
    finally:
        os.umask(umask)
    sync_folder(path.parent)


def put_link(link: Path, target: str, spare: Path) -> None:
    """Make a link or turn an existing one (or a file in its place) by one rename.

    spare: a free name on the same file system for the time between.
    """
    spare.unlink(missing_ok=True)
    spare.symlink_to(target)
    spare.replace(link)
    sync_folder(link.parent)


def remove_tree(path: Path) -> None:
    """Remove a folder and everything in it; nothing happens when it is gone already."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


@contextlib.contextmanager
def locked(folder: Path, patience: float = 60.0) -> Iterator[None]:
    """Keep a second run out of this folder. The lock is on the folder itself: it leaves no file and dies with its process.

    patience: seconds to wait for another run.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise WriteError(
                        f"{folder} is in use by another run since {patience:.0f} seconds. Nothing was changed.",
                        "Do two plays run on this host?",
                        "Run it again when the other one is done.",
                    ) from error
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def mode_of(value: object, option: str) -> int:
    """Permission bits from an option: ``"0640"``, ``"640"``, or the number that YAML makes of an unquoted 0640."""
    try:
        mode = value if isinstance(value, int) and not isinstance(value, bool) else int(str(value), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise InputError(
            f"{option}: {value!r} is no file mode.", "Is it a symbolic one?", 'Write it in octal and quoted, "0640".'
        )
    return mode
