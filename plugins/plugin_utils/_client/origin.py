# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Where a package comes from and how it is trusted, on the controller: fetched, read, its signature verified, in this order.

Everything is about the same bytes. Reading gives their SHA-256, which the host has to find in what arrives there. A file that is
exchanged or written to while it is looked at is noticed by its inode and the time of its last change, which nobody but the
kernel sets.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pathlib
import typing as t

from .._packages import cache, fetch
from .._packages.compound import MAGIC
from .._packages.errors import PackageError
from .._packages.model import Package
from .._packages.read import read_package
from .._packages.signature import verify

Read = t.Callable[[str], Package]
LARGE = 4 << 20
"""Bytes of a package that is worth a note for the other desktops of a run."""
_SIZE = 2


class Exchanged(PackageError):
    """The file changed while it was looked at."""


def obtain(
    options: t.Mapping[str, t.Any], *, run: str = "", read: Read = read_package
) -> tuple[Package | None, dict[str, t.Any] | None]:
    """The package of the options and, where a signature was demanded, who signed it. Raises PackageError.

    ``run`` is the name of the run of Ansible (cache.this_run): what is the same for every host is done once in it. With
    state=absent nothing of the package is run, so its signature is not asked for.
    """
    source = options.get("package") or ""
    if not source:
        return None, None
    demanded = options.get("signature") or {}
    if fetch.is_url(source):
        named = bool(demanded.get("signer") or demanded.get("thumbprint")) and options["state"] != "absent"
        got = fetch.fetch(
            source, options.get("sha256") or "", ca_path=options.get("ca_path") or "", run=run if named else ""
        )
        source = got.path
    before = _state(source)
    package = _read_once(source, before, run, read)
    if not demanded or options["state"] == "absent":
        return package, None
    signature = _signature(package, demanded, run)
    if _state(source) != before:
        raise Exchanged(
            "The package was changed while it was looked at",
            repr(source),
            "Somebody copies a new version there, or others may write to it",
            "Run again when that is done; keep packages where only those may write who roll them out",
        )
    return package, signature


def _read_once(path: str, state: tuple[int, ...], run: str, read: Read) -> Package:
    """A large package is read by one process of a run for all, while the file stays what it is; small ones cost no more than that."""
    if not run or not state or state[_SIZE] < LARGE:
        return read(path)
    key = hashlib.sha256(json.dumps([path, state]).encode()).hexdigest()
    try:
        saved = cache.once(
            cache.cache_folder().parent / "read", key, run, lambda: dataclasses.asdict(read(path)), repr(path)
        )
    except (OSError, cache.NotPrivate):
        # Without a place for notes it only takes longer.
        return read(path)
    return Package.restored(saved)


def _signature(package: Package, demanded: t.Mapping[str, t.Any], run: str) -> dict[str, t.Any]:
    """Verified once in a run for the same bytes and the same demands."""
    wanted = {name: demanded.get(name) or "" for name in ("signer", "thumbprint")}
    anchors = list(demanded.get("trust_anchors") or ())

    def make() -> dict[str, t.Any]:
        found = verify(package.path, **wanted, trust_anchors=anchors)
        return {
            "signer": found.signer,
            "subject": found.subject,
            "issuer": found.issuer,
            "thumbprint": found.thumbprint,
            "not_after": found.not_after,
            "time": found.timestamp,
        }

    demands = json.dumps([package.sha256, wanted, [_content(path) for path in anchors]])
    key = hashlib.sha256(demands.encode()).hexdigest()
    return cache.once(cache.cache_folder().parent / "signatures", key, run, make, repr(package.path))


def _content(path: str) -> str:
    """Its hash; what cannot be read is told when it is verified."""
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return f"unreadable {path}"


def _state(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 - as the readers do
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def check_transforms(paths: t.Iterable[str]) -> None:
    """Each must be what Windows Installer calls a transform: a compound file. Raises PackageError."""
    for path in paths:
        try:
            with pathlib.Path(path).open("rb") as file:
                start = file.read(len(MAGIC))
        except OSError as error:
            raise PackageError(
                f"A transform cannot be read: {error.strerror or error}",
                repr(path),
                "The path is wrong, or the user who runs Ansible may not read it",
                "Correct the path or the permissions",
            ) from error
        if start != MAGIC:
            raise PackageError(
                f"The file is no transform: it begins with {start.hex() or 'nothing'}",
                repr(path),
                "Another file was meant, or a download was interrupted",
                "Give the .mst itself",
            )
