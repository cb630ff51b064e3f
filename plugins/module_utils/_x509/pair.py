# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Where a pair lies, and what is there: certificate and key under two names, the one before it, what a killed run left."""

from __future__ import annotations

import dataclasses
import re
import stat
from pathlib import Path

from .disk import Rights, target_of
from .errors import WriteError

LINKS, FILES = LAYOUTS = ("links", "files")
_VERSION = re.compile(r"\d{8}T\d{6}(-\d+)?")
_LIMIT = 16 * 1024 * 1024  # bytes; nothing that large is a certificate or a key


@dataclasses.dataclass(frozen=True)
class Seen:
    """One of the two names as it was found.

    kind: ``missing``, ``file``, ``ours`` (the link that layout ``links`` makes) or ``link`` (any other one).
    data: content, through links; None when there is none.
    rights: those of the file at the end of the link; None when there is none.
    """

    kind: str
    data: bytes | None = dataclasses.field(default=None, repr=False)
    rights: Rights | None = None


@dataclasses.dataclass(frozen=True)
class Pair:
    """Certificate file and key file."""

    certificate: Seen
    key: Seen

    @property
    def complete(self) -> bool:
        """Whether both have content."""
        return self.certificate.data is not None and self.key.data is not None

    @property
    def empty(self) -> bool:
        """Whether none has."""
        return self.certificate.data is None and self.key.data is None

    @property
    def contents(self) -> tuple[bytes | None, bytes | None]:
        """What stands in them."""
        return self.certificate.data, self.key.data

    @property
    def kinds(self) -> set[str]:
        return {self.certificate.kind, self.key.kind}


def look_at(path: Path, our_link: str | None = None) -> Seen:
    """Read one name. Raises WriteError when something is there that this module must not touch."""
    link = target_of(path)
    kind = "missing" if not path.exists() and link is None else "file"
    if link is not None:
        kind = "ours" if link == our_link else "link"
    try:
        status = path.stat()
    except FileNotFoundError:
        return Seen(kind)
    except OSError as error:
        raise WriteError(f"{path} cannot be read: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LIMIT:
        raise WriteError(
            f"{path} is no ordinary file, or far too large for one of a certificate. Nothing was changed.",
            "Does something else use this name?",
            "Move it away, or take another path or name.",
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WriteError(
            f"{path} cannot be read: {error.strerror}.", "Does the task run as root?", "Set become: true."
        ) from error
    return Seen(kind, data, Rights(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid))


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder and a name, and the names that follow from them.

    NAME.crt, NAME.key   what services read
    NAME.d/VERSION/      a pair, complete before the folder gets this name
    NAME.d/current       layout ``links``: the pair in use, to which NAME.crt and NAME.key point
    NAME.d/previous      the pair that was replaced
    NAME.d/backup/       replaced pairs that are kept for ever
    NAME.d/.previous     while a pair is being replaced: what ``previous`` becomes when that is done
    """

    folder: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    @property
    def store(self) -> Path:
        return self.folder / f"{self.name}.d"

    @property
    def current(self) -> Path:
        return self.store / "current"

    @property
    def previous(self) -> Path:
        return self.store / "previous"

    @property
    def backups(self) -> Path:
        return self.store / "backup"

    @property
    def journal(self) -> Path:
        return self.store / ".previous"

    @property
    def spare(self) -> Path:
        return self.store / ".link"

    def link_text(self, path: Path) -> str:
        """What NAME.crt or NAME.key says as a link, relative so that the folder can be moved or mounted elsewhere."""
        return f"{self.store.name}/{self.current.name}/{path.name}"

    def look(self) -> Pair:
        """The pair in use, however it lies there."""
        self._refuse_strange_store()
        return Pair(*(look_at(path, self.link_text(path)) for path in (self.certificate, self.key)))

    def version(self, name: str | None) -> Pair:
        """A pair in the store."""
        if name is None:
            return Pair(Seen("missing"), Seen("missing"))
        return self.pair_in(self.store / name)

    def pair_in(self, folder: Path) -> Pair:
        """The pair in a folder."""
        return Pair(look_at(folder / self.certificate.name), look_at(folder / self.key.name))

    def current_version(self) -> str | None:
        """The version that ``current`` names, if it is there."""
        return self._existing(target_of(self.current))

    def previous_version(self) -> str | None:
        """The version that can be put back, also when the run that replaced it was killed."""
        return self.pending_version() or self._existing(target_of(self.previous))

    def pending_version(self) -> str | None:
        """What a killed run has taken away, wholly or half, without making it ``previous``."""
        old = self._existing(target_of(self.journal))
        if old is None:
            return None
        seen = self.look()
        if seen.kinds == {"ours"}:
            return None if self.current_version() == old else old
        return None if seen.contents == self.version(old).contents else old

    def layout(self) -> str:
        """How the pair lies there; plain files unless there are links, or only what they led to."""
        kinds = self.look().kinds
        if "file" in kinds:
            return FILES
        return LINKS if kinds & {"ours", "link"} or self.current_version() else FILES

    def versions(self) -> list[str]:
        """Names of all folders in the store that hold or held a pair."""
        if not self.store.is_dir():
            return []
        return sorted(path.name for path in self.store.iterdir() if _VERSION.fullmatch(path.name) and path.is_dir())

    def _existing(self, name: str | None) -> str | None:
        folder = self.store / (name or ".")
        known = folder.parent == self.store and not folder.name.startswith(".") and folder.is_dir()
        return folder.name if known else None

    def _refuse_strange_store(self) -> None:
        links = (self.current, self.previous)
        wrong = [path for path in links if path.exists() and not path.is_symlink()]
        if (self.store.exists() or self.store.is_symlink()) and (self.store.is_symlink() or not self.store.is_dir()):
            wrong.insert(0, self.store)
        if wrong:
            raise WriteError(
                f"{wrong[0]} is not the {'folder' if wrong[0] == self.store else 'link'} that this module keeps pairs with. "
                "Nothing was changed.",
                "Does something else use this name?",
                "Move it away, or take another path or name.",
            )
