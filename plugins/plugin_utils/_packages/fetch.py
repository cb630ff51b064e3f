# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Brings a package to the controller: a path that is there, or an https URL into a cache, resumed and verified.

A URL needs the SHA-256 of the file: the file is named by it, so a second run asks nobody, and another file under the same URL
is no surprise on a thousand desktops. Where somebody else vouches for the content (a signature by a named signer), it may be
left out: then the file is fetched once in a run and is the same for all hosts of it. The cache lies outside of any checkout
(XDG_CACHE_HOME, else ~/.cache). What was begun stays beside it and is continued by the next attempt or the next run; several
runs at once wait for the first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
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
from ansible.module_utils.urls import open_url

from .cache import alone, cache_folder, once, private
from .fetch_errors import MOST, NotFetched, Why, WrongHash, because, too_big, wrong
from .read import BLOCK, sha256
from .source import opened
from .tidy import tidy_packages

DIGEST = re.compile(r"[0-9a-f]{64}\Z")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# Characters that neither a file system nor a Windows command line stumbles over.
UNSAFE = re.compile(r"[^\w.+-]", re.ASCII)
ATTEMPTS = 4
SILENCE = 30  # seconds without a byte
# Bytes that stay free on the controller's disk.
SPARE = 64 << 20


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A verified file on the controller."""

    path: str
    sha256: str
    size: int  # bytes
    transferred: int = 0  # bytes that came over the network now


def fetch(
    source: str,
    digest: str = "",
    *,
    cache: str = "",
    ca_path: str = "",
    deadline: float = 3600.0,
    run: str = "",
) -> Fetched:
    """A controller's path or an https URL as a verified file. Raises PackageError.

    ``digest`` is the SHA-256 in hexadecimal; a URL needs one, a path is compared with it where one is given. ``run`` is the
    name of a run (cache.this_run) for a URL without one: whoever calls vouches for the content by other means. ``ca_path`` is
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
    if not is_url(source):
        return _local(os.path.expanduser(source), digest, where)  # noqa: PTH111 - stays the text that was given
    parts = _checked(source, digest or run, where)
    folder = pathlib.Path(cache).expanduser() if cache else cache_folder()
    name = UNSAFE.sub("_", urllib.parse.unquote(pathlib.PurePosixPath(parts.path).name)) or "package"
    asked = Asked(source, ca_path, time.monotonic() + deadline, where)
    try:
        private(folder, where)
        if not digest:
            return _once_in_a_run(asked, folder, name, run)
        target = folder / digest / name
        with alone(target.parent, where, deadline):
            if target.exists():
                with target.open("rb") as file:
                    if sha256(file) == digest:
                        return Fetched(str(target), digest, target.stat().st_size)
                target.unlink()
            got = _download(asked, digest, target)
        tidy_packages(folder)
        return got
    except OSError as error:
        raise NotFetched(
            f"The cache for packages cannot be used: {error.strerror or error} ({folder})",
            where,
            "The folder belongs to another user, or the disk is full",
            "Correct the permissions, make room, or set XDG_CACHE_HOME",
        ) from error


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is to be fetched. ``end`` is the deadline on the monotonic clock, ``where`` stands in errors."""

    source: str = dataclasses.field(repr=False)
    ca_path: str
    end: float
    where: str


def _once_in_a_run(asked: Asked, folder: pathlib.Path, name: str, run: str) -> Fetched:
    """Fetched by the first host of a run that comes; it lies where it would lie with its SHA-256."""
    # The URL may hold a ticket, so it is no name for a file.
    key = hashlib.sha256(asked.source.encode("utf-8", "surrogatepass")).hexdigest()
    place = folder / "runs" / key

    def make() -> dict[str, t.Any]:
        private(place, asked.where)
        (place / "part").unlink(missing_ok=True)
        got = _download(asked, "", place / "whole")
        target = folder / got.sha256 / name
        with alone(target.parent, asked.where, max(1.0, asked.end - time.monotonic())):
            pathlib.Path(got.path).replace(target)
        tidy_packages(folder)
        return {"path": str(target), "sha256": got.sha256, "size": got.size, "transferred": got.transferred}

    private(place.parent, asked.where)
    known = once(place.parent, key, run, make, asked.where)
    path = pathlib.Path(known["path"])
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        os.utime(path.parent / "lock")
        if sha256(file) == known["sha256"]:
            return Fetched(**known)
    raise NotFetched(
        "A file of the cache was changed while this run used it",
        asked.where,
        f"Somebody wrote to {known['path']} or removed it",
        "Run again",
    )


def is_url(source: str) -> bool:
    """Whether it is a URL and not a path of the controller."""
    return bool(SCHEME.match(source))


def shown(source: str) -> str:
    """For messages: without the password and the query of a URL, which may be a ticket."""
    if not is_url(source):
        return source
    parts = urllib.parse.urlsplit(source)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _local(path: str, digest: str, where: str) -> Fetched:
    with opened(path) as source:
        found = sha256(source.file)
        if digest and found != digest:
            raise wrong(found, digest, where)
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
    if not digest:
        raise WrongHash(
            "A URL needs the SHA-256 of its file",
            where,
            "What a server hands out today may be another file tomorrow",
            "Add sha256: from the vendor, or from a download that you trust (sha256sum FILE); or demand a signature by its signer",
        )
    return parts


def _download(asked: Asked, digest: str, target: pathlib.Path) -> Fetched:
    part = target.parent / "part"
    where = asked.where
    transferred, resumed, why = 0, part.exists(), Why("nothing came")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(max(0.0, min(2.0**attempt / 4, asked.end - time.monotonic())))
        try:
            transferred += _attempt(asked, part)
        except (OSError, http.client.HTTPException, UrlConnectionError) as error:
            transferred += getattr(error, "came", 0)
            why = because(error, where, asked.ca_path)
            if time.monotonic() >= asked.end:
                break
            continue
        with part.open("rb") as file:
            found = sha256(file)
        if digest in ("", found):
            part.replace(target)
            return Fetched(str(target), found, target.stat().st_size, transferred)
        part.unlink()
        if not resumed:
            raise wrong(found, digest, where)
        # It was continued: the beginning may be of another file. Once more from there.
        resumed, why = False, Why("the continued file had another content")
    raise NotFetched(
        f"The package could not be fetched within {ATTEMPTS} attempts: {why.reason}",
        where,
        why.cause,
        why.remedy,
    )


class _Cut(OSError):
    """The answer ended too early; ``came`` bytes of it are kept."""

    def __init__(self, words: str, came: int) -> None:
        super().__init__(words)
        self.came = came


def _attempt(asked: Asked, part: pathlib.Path) -> int:
    """Continues a partial file to its end; the number of bytes that came."""
    where, end = asked.where, asked.end
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    url, user, password = _credentials(asked.source)
    try:
        answer = open_url(
            url,
            headers=headers,
            timeout=SILENCE,
            ca_path=asked.ca_path or None,
            url_username=user,
            url_password=password,
            force_basic_auth=user is not None,
            # A server to which this one sends us on does not get the password.
            unredirected_headers=["Authorization"],
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
                    raise too_big(have + came, where)
                if time.monotonic() >= end:
                    raise _Cut(f"the deadline came after {have + came} bytes", came)
    if expected > came:
        raise _Cut(f"the connection ended {expected - came} bytes too early", came)
    return came


def _credentials(source: str) -> tuple[str, str | None, str | None]:
    """The URL without what stands before its @, and that as user and password."""
    parts = urllib.parse.urlsplit(source)
    before, separator, host = parts.netloc.rpartition("@")
    if not separator:
        return source, None, None
    user, _colon, password = before.partition(":")
    return (
        urllib.parse.urlunsplit(parts._replace(netloc=host)),
        urllib.parse.unquote(user),
        urllib.parse.unquote(password),
    )


def _room(folder: pathlib.Path, have: int, expected: int, where: str) -> None:
    if have + expected > MOST:
        raise too_big(have + expected, where)
    free = shutil.disk_usage(folder).free
    if expected > free - SPARE:
        raise NotFetched(
            f"The disk of the controller is too full: {expected} bytes are to come, {free} are free ({folder})",
            where,
            "Old packages lie in the cache, or the disk is small",
            "Remove what is not needed any more, or set XDG_CACHE_HOME",
        )
