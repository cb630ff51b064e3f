# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.
"""Puts a pair in its place so that at no moment, not even of a kill or a power cut, certificate and key mismatch.

Layout ``links``: NAME.crt and NAME.key are links through one link, NAME.d/current. Turning that one is the whole change.

Layout ``files``: two files cannot be changed in one step, so the old certificate goes first, then comes the key, then the
certificate. In between there is none, and whoever reads then finds a missing file and not a wrong one. A certificate that
belongs to the key that is there already is changed in one step.
"""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from .disk import Rights, create, make_folder, put_link, remove_tree, set_rights, sync_folder, target_of
from .pair import LINKS, Pair, Place, Seen


@dataclasses.dataclass(frozen=True)
class Content:
    """What shall stand in the two files."""

    certificate: bytes
    key: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The pair as it shall be.

    backup: keep the replaced pair for ever.
    """

    content: Content
    layout: str
    certificate: Rights
    key: Rights
    backup: bool = False

    def differences(self, before: Pair) -> list[str]:
        """In what the pair that is there is not as wanted: ``content``, ``layout``, ``rights``; empty when in nothing."""
        found = []
        if before.contents != (self.content.certificate, self.content.key):
            found.append("content")
        if before.kinds != {"ours" if self.layout == LINKS else "file"}:
            found.append("layout")
        if (before.certificate.rights, before.key.rights) != (self.certificate, self.key):
            found.append("rights")
        return found


class Writer:
    """Brings one place to what is wanted. The caller holds the lock (see disk.locked).

    replaced: after ``write``: folder with the pair that was replaced, if there was one.
    """

    def __init__(self, place: Place, wanted: Wanted) -> None:
        self.place = place
        self.wanted = wanted
        self.replaced: Path | None = None

    def write(self) -> None:
        """Do it. Raises OSError; whatever has been done by then is a state that the next run continues from."""
        place, wanted = self.place, self.wanted
        make_folder(place.store)
        self.tidy()
        before = place.look()
        same = "content" not in wanted.differences(before)
        if wanted.backup and not same and self._worth_keeping(before):
            self._back_up(before)
        if wanted.layout == LINKS:
            self._write_links(before, same)
        else:
            self._write_files(before, same)
        self._repair()
        self.tidy()

    def tidy(self) -> None:
        """Finish or undo what a killed run had begun, and remove what nothing points to."""
        place = self.place
        if not place.store.is_dir():
            return
        self._settle_journal()
        place.spare.unlink(missing_ok=True)
        if self.wanted.layout != LINKS and place.look().kinds == {"file"}:
            place.current.unlink(missing_ok=True)
        kept = {place.current_version(), place.previous_version()}
        kept |= {path.resolve().parent.name for path in (place.certificate, place.key) if path.is_symlink()}
        for path in place.store.iterdir():
            if path.name.startswith(".new-"):
                remove_tree(path)
        for name in place.versions():
            if name not in kept:
                remove_tree(place.store / name)

    # What both layouts have in common

    def _settle_journal(self) -> None:
        """The journal names the old pair from before the change until ``previous`` names it."""
        place = self.place
        old = target_of(place.journal)
        if old is None:
            return
        if self.wanted.layout == LINKS:
            begun = place.current_version() != old
        else:
            begun = place.look().contents != place.version(old).contents
        if begun and (place.store / old).is_dir():
            place.journal.replace(place.previous)
        else:
            place.journal.unlink()
        sync_folder(place.store)

    def _worth_keeping(self, pair: Pair) -> bool:
        """Half a pair is kept only when there is nothing better to put back."""
        return pair.complete or (not pair.empty and self.place.previous_version() is None)

    def _prepare(self, certificate: bytes | None, key: bytes | None) -> Path:
        """A folder that only its owner can enter, with a pair in it that has its final rights."""
        place, wanted = self.place, self.wanted
        folder = place.store / f".new-{self._free_version()}"
        folder.mkdir(mode=0o700)
        for path, data, rights in ((place.key, key, wanted.key), (place.certificate, certificate, wanted.certificate)):
            if data is not None:
                create(folder / path.name, data, rights)
        sync_folder(folder)
        return folder

    def _publish(self, folder: Path, target: Path) -> None:
        """Give a prepared folder its name."""
        folder.chmod(0o755)
        folder.rename(target)
        sync_folder(target.parent)

    def _store(self, certificate: bytes | None, key: bytes | None) -> str:
        """Make a version of the store; its name."""
        folder = self._prepare(certificate, key)
        name = folder.name.removeprefix(".new-")
        self._publish(folder, self.place.store / name)
        return name

    def _free_version(self) -> str:
        base = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        taken = set(self.place.versions())
        taken |= {path.name for path in self.place.backups.iterdir()} if self.place.backups.is_dir() else set()
        number, name = 1, base
        while name in taken or (self.place.store / f".new-{name}").exists():
            number += 1
            name = f"{base}-{number}"
        return name

    def _back_up(self, pair: Pair) -> None:
        """A copy under backup/, unless there is one of the same content."""
        backups = self.place.backups
        make_folder(backups)
        for folder in backups.iterdir():
            if self.place.pair_in(folder).contents == pair.contents:
                self.replaced = folder
                return
        folder = self._prepare(*pair.contents)
        self.replaced = backups / folder.name.removeprefix(".new-")
        self._publish(folder, self.replaced)

    def _repair(self) -> None:
        """Rights that somebody changed."""
        for path, rights in ((self.place.key, self.wanted.key), (self.place.certificate, self.wanted.certificate)):
            if look_rights(path) != rights:
                set_rights(path, rights)

    # Layout links

    def _write_links(self, before: Pair, same: bool) -> None:
        place, content = self.place, self.wanted.content
        strange = before.kinds & {"file", "link"} or place.current_version() is None
        if strange and not before.empty:
            self._adopt(before)
        if not same:
            old = place.current_version()
            self._switch(self._store(content.certificate, content.key))
            if old and place.previous_version() == old:
                self.replaced = self.replaced or place.store / old
        self._point()

    def _adopt(self, before: Pair) -> None:
        """Files from another time become a version of the store. What is read under the two names is the same all the while."""
        if self.place.version(self.place.current_version()).contents != before.contents:
            self._switch(self._store(*before.contents))
        self._point(before)

    def _switch(self, version: str) -> None:
        """The one step that changes certificate and key."""
        place = self.place
        old = place.current_version()
        keep = old is not None and self._worth_keeping(place.version(old))
        if keep:
            put_link(place.journal, old, place.spare)
        put_link(place.current, version, place.spare)
        if keep:
            place.journal.replace(place.previous)
            sync_folder(place.store)

    def _point(self, before: Pair | None = None) -> None:
        """The two names lead to the current pair; with ``before``, only those that have content."""
        place = self.place
        kinds = {place.key: before.key, place.certificate: before.certificate} if before else {}
        for path in (place.key, place.certificate):
            text = place.link_text(path)
            if target_of(path) != text and kinds.get(path, Seen("")).kind != "missing":
                put_link(path, text, place.spare)

    # Layout files

    def _write_files(self, before: Pair, same: bool) -> None:
        place, content = self.place, self.wanted.content
        if same and before.kinds == {"file"}:
            return
        old = None if same else self._keep(before)
        folder = self._prepare(content.certificate, content.key)
        if before.key.kind != "file" or before.key.data != content.key:
            if not same:
                place.certificate.unlink(missing_ok=True)
                sync_folder(place.folder)
            (folder / place.key.name).replace(place.key)
            sync_folder(place.folder)
        (folder / place.certificate.name).replace(place.certificate)
        sync_folder(place.folder)
        if old:
            place.journal.replace(place.previous)
            sync_folder(place.store)

    def _keep(self, before: Pair) -> str | None:
        """The store has what is about to be replaced, and the journal names it."""
        place = self.place
        if not self._worth_keeping(before):
            return None
        current = place.current_version()
        old = current if before.kinds == {"ours"} and current else self._store(*before.contents)
        put_link(place.journal, old, place.spare)
        self.replaced = self.replaced or place.store / old
        return old


def look_rights(path: Path) -> Rights:
    """The rights of a file, through links."""
    status = path.stat()
    return Rights(status.st_mode & 0o7777, status.st_uid, status.st_gid)
