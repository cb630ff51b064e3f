# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Brings a package to the controller: a path that is there, or an https URL into a cache, resumed and verified.

A URL needs the SHA-256 of the file: the file is named by it, so a second run asks nobody, and another file under the same URL
is no surprise on a thousand desktops. The cache lies outside of any checkout (XDG_CACHE_HOME, else ~/.cache). What was
begun stays beside it and is continued by the next attempt or the next run; several runs at once wait for the first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import http.client
import os
import pathlib
import re
import shutil
import time
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import SSLValidationError, open_url

from .errors import Missing, PackageError
from .read import BLOCK, sha256
from .source import opened

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Characters that neither a file system nor a Windows command line stumbles over.
UNSAFE = re.compile(r"[^\w.+-]", re.ASCII)
ATTEMPTS = 4
SILENCE = 30  # seconds without a byte
MOST = 8 << 30
# Bytes that stay free on the controller's disk.
SPARE = 64 << 20
# Faults of the own disk: asking the server again does not mend them.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


class NotFetched(PackageError):
    """The download did not come to its end. What came is kept, the next run goes on from there."""


class WrongHash(PackageError):
    """Another file than the one that was wanted."""


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A verified file on the controller."""

    path: str
    sha256: str
    size: int  # bytes
    transferred: int = 0  # bytes that came over the network now


def cache_folder() -> pathlib.Path:
    """Where downloads are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "onprem-chat" / "packages"


def fetch(
    source: str,
    digest: str = "",
    *,
    cache: str = "",
    ca_path: str = "",
    deadline: float = 3600.0,
) -> Fetched:
    """A controller's path or an https URL as a verified file. Raises PackageError.

    ``digest`` is the SHA-256 in hexadecimal; a URL needs one, a path is compared with it where one is given. ``ca_path`` is
    a PEM file with authorities for the server, instead of the system's. ``deadline`` is in seconds, for everything.
    """
    digest = digest.strip().lower()
    where = repr(shown(source))
    if digest and not DIGEST.match(digest):
        raise WrongHash(
            "The SHA-256 that is demanded is none: it needs 64 hexadecimal digits",
            where,
            "It was cut, or is that of another algorithm",
            "Take the SHA-256 from the vendor, or from a download that you trust: sha256sum FILE",
        )
    if not SCHEME.match(source):
        return _local(os.path.expanduser(source), digest, where)  # noqa: PTH111 - stays the text that was given
    parts = _checked(source, digest, where)
    folder = pathlib.Path(cache).expanduser() if cache else cache_folder()
    target = (
        folder / digest / (UNSAFE.sub("_", urllib.parse.unquote(pathlib.PurePosixPath(parts.path).name)) or "package")
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(target.parent, where, deadline):
            if target.exists():
                with target.open("rb") as file:
                    if sha256(file) == digest:
                        return Fetched(str(target), digest, target.stat().st_size)
                target.unlink()
            return _download(source, digest, target, ca_path, time.monotonic() + deadline, where)
    except OSError as error:
        raise NotFetched(
            f"The cache for packages cannot be used: {error.strerror or error} ({folder})",
            where,
            "The folder belongs to another user, or the disk is full",
            "Correct the permissions, make room, or set XDG_CACHE_HOME",
        ) from error


def shown(source: str) -> str:
    """For messages: without the password and the query of a URL, which may be a ticket."""
    if not SCHEME.match(source):
        return source
    parts = urllib.parse.urlsplit(source)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _local(path: str, digest: str, where: str) -> Fetched:
    with opened(path) as source:
        found = sha256(source.file)
        if digest and found != digest:
            raise _wrong(found, digest, where)
        return Fetched(path, found, len(source.data))


def _checked(source: str, digest: str, where: str) -> urllib.parse.SplitResult:
    parts = urllib.parse.urlsplit(source)
    if parts.scheme.lower() != "https" or not parts.hostname:
        raise NotFetched(
            "Packages are fetched by https only",
            where,
            "Anybody in between could read or exchange what comes by another way",
            "Give an https URL, or a path on the controller",
        )
    if parts.username or parts.password:
        raise NotFetched(
            "The URL holds a password",
            where,
            "It would stand in logs and process lists",
            "Use a URL that needs none, or copy the file to the controller",
        )
    if not digest:
        raise WrongHash(
            "A URL needs the SHA-256 of its file",
            where,
            "What a server hands out today may be another file tomorrow",
            "Add it: from the vendor, or from a download that you trust (sha256sum FILE)",
        )
    return parts


def _download(source: str, digest: str, target: pathlib.Path, ca_path: str, end: float, where: str) -> Fetched:
    part = target.parent / "part"
    transferred, resumed, reason = 0, part.exists(), "nothing came"
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(max(0.0, min(2.0**attempt / 4, end - time.monotonic())))
        try:
            transferred += _attempt(source, part, ca_path, end, where)
        except (OSError, http.client.HTTPException, UrlConnectionError) as error:
            transferred += getattr(error, "came", 0)
            reason = _because(error, where, ca_path)
            if time.monotonic() >= end:
                break
            continue
        with part.open("rb") as file:
            found = sha256(file)
        if found == digest:
            part.replace(target)
            return Fetched(str(target), digest, target.stat().st_size, transferred)
        part.unlink()
        if not resumed:
            raise _wrong(found, digest, where)
        # It was continued: the beginning may be of another file. Once more from there.
        resumed, reason = False, "the continued file had another content"
    raise NotFetched(
        f"The package could not be fetched within {ATTEMPTS} attempts: {reason}",
        where,
        "The server or the network between was interrupted, or a proxy is needed",
        "Run again, it goes on where it stopped; or set https_proxy, or copy the file to the controller",
    )


class _Cut(OSError):
    """The answer ended too early; ``came`` bytes of it are kept."""

    def __init__(self, words: str, came: int) -> None:
        super().__init__(words)
        self.came = came


def _attempt(source: str, part: pathlib.Path, ca_path: str, end: float, where: str) -> int:
    """Continues a partial file to its end; the number of bytes that came."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        answer = open_url(
            source,
            headers=headers,
            timeout=SILENCE,
            ca_path=ca_path or None,
            follow_redirects="safe",
            http_agent="onprem.chat",
            decompress=False,
        )
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:
            # All of it is there already, or more than all: the hash decides.
            return 0
        raise
    with contextlib.closing(answer):
        if urllib.parse.urlsplit(answer.geturl()).scheme != "https":
            raise NotFetched(
                "The server sent us on to a URL that is not https",
                where,
                "Anybody in between could read or exchange what comes from there",
                "Give the URL of the file itself",
            )
        if answer.status != 206:
            have = 0
        length = answer.headers.get("Content-Length", "")
        expected = int(length) if length.isdecimal() and len(length) < 20 else -1
        _room(part.parent, have, expected, where)
        came = 0
        with part.open("r+b" if have else "wb") as out:
            out.seek(have)
            while True:
                try:
                    block = answer.read1(BLOCK)
                except (OSError, http.client.HTTPException) as error:
                    raise _Cut(str(error) or type(error).__name__, came) from error
                if not block:
                    break
                out.write(block)
                came += len(block)
                if have + came > MOST:
                    raise _too_big(have + came, where)
                if time.monotonic() >= end:
                    raise _Cut(f"the deadline came after {have + came} bytes", came)
    if expected > came:
        raise _Cut(f"the connection ended {expected - came} bytes too early", came)
    return came


def _room(folder: pathlib.Path, have: int, expected: int, where: str) -> None:
    if have + expected > MOST:
        raise _too_big(have + expected, where)
    free = shutil.disk_usage(folder).free
    if expected > free - SPARE:
        raise NotFetched(
            f"The disk of the controller is too full: {expected} bytes are to come, {free} are free ({folder})",
            where,
            "Old packages lie in the cache, or the disk is small",
            "Remove what is not needed any more, or set XDG_CACHE_HOME",
        )


def _too_big(size: int, where: str) -> NotFetched:
    return NotFetched(
        f"The file is too big for a package: {size} bytes or more, {MOST} at most",
        where,
        "The URL is that of something else",
        "Correct the URL, or copy the file to the controller",
    )


def _because(error: Exception, where: str, ca_path: str) -> str:
    """Why an attempt failed; what another attempt cannot mend is raised."""
    if isinstance(error, SSLValidationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise NotFetched(
            "The server's certificate is not trusted",
            where,
            "It was issued by the company's own authority, is for another name, or has expired",
            "Name a PEM file with the authority"
            if not ca_path
            else f"Compare the authority in {ca_path} with the server's",
        ) from error
    if isinstance(error, urllib.error.HTTPError):
        if error.code < 500 and error.code not in (408, 429):
            raise NotFetched(
                f"The server answers {error.code} {error.reason}",
                where,
                "The file is not there, or nobody may read it without a password",
                "Correct the URL",
            ) from error
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, OSError) and error.errno in DISK:
        raise NotFetched(
            f"The package cannot be written on the controller: {error.strerror} ({error.filename or 'cache'})",
            where,
            "The disk is full or read-only, or the folder belongs to another user",
            "Make room, correct the permissions, or set XDG_CACHE_HOME",
        ) from error
    return str(getattr(error, "reason", None) or error) or type(error).__name__


def _wrong(found: str, digest: str, where: str) -> WrongHash:
    return WrongHash(
        f"The file is another one: its SHA-256 is {found}, not {digest}",
        where,
        "There is a new version under the same name, or somebody exchanged it",
        "Compare with the vendor's SHA-256, and correct the option only when that one is right",
        found=found,
        wanted=digest,
    )


@contextlib.contextmanager
def _alone(folder: pathlib.Path, where: str, deadline: float) -> t.Iterator[None]:
    """One process at a time for one file; the others wait for it."""
    end = time.monotonic() + deadline
    with (folder / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    raise Missing(
                        f"Another run has been fetching the same package for {deadline:g} s",
                        where,
                        "It is slow, or hangs",
                        f"Wait for it, or end it and remove {folder}",
                    ) from error
                time.sleep(0.2)
        yield
