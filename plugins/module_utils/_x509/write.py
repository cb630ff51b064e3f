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

from .disk import Rights, create, make_folder, put_link, remove_tree, rights_of_copy, set_rights, sync_folder, target_of
from .judge_files import holds_key
from .pair import LINKS, Pair, Place, Seen, look_at


@dataclasses.dataclass(frozen=True)
class Content:
    """What shall stand in the two files."""

    certificate: bytes
    key: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Target:
    """The pair as it shall be.

    backup: keep the replaced pair for ever.
    """

    content: Content
    layout: str
    certificate: Rights
    key: Rights
    backup: bool = False

    @property
    def pair(self) -> Pair:
        """What will be seen of it."""
        kind = "ours" if self.layout == LINKS else "file"
        return Pair(Seen(kind, self.content.certificate, self.certificate), Seen(kind, self.content.key, self.key))

    def differences(self, before: Pair) -> list[str]:
        """In what the pair that is there is not as wanted: ``content``, ``layout``, ``rights``; empty when in nothing."""
        found = []
        if before.contents != self.pair.contents:
            found.append("content")
        if before.kinds != self.pair.kinds:
            found.append("layout")
        if (before.certificate.rights, before.key.rights) != (self.certificate, self.key):
            found.append("rights")
        return found


def tidy(place: Place) -> None:
    """Finish or undo what a killed run had begun, and remove what nothing points to. The caller holds the lock."""
    if not place.store.is_dir():
        return
    _settle_journal(place)
    place.spare.unlink(missing_ok=True)
    kept = {place.current_version(), place.previous_version()}
    kept |= {path.resolve().parent.name for path in (place.certificate, place.key) if path.is_symlink()}
    for path in place.store.iterdir():
        if path.name.startswith(".new-"):
            remove_tree(path)
    for name in place.versions():
        if name not in kept:
            remove_tree(place.store / name)


def _settle_journal(place: Place) -> None:
    """The journal names the old pair from before the change until ``previous`` names it."""
    if target_of(place.journal) is None:
        return
    if place.pending_version():
        place.journal.replace(place.previous)
    else:
        place.journal.unlink()
    sync_folder(place.store)


class Writer:
    """Brings one place to its target. The caller holds the lock (see disk.locked).

    replaced: after ``write``: folder with the pair that was replaced, if there was one.
    """

    def __init__(self, place: Place, target: Target) -> None:
        self.place = place
        self.target = target
        self.replaced: Path | None = None

    def write(self) -> None:
        """Do it. Raises OSError; whatever has been done by then is a state that the next run continues from."""
        place, target = self.place, self.target
        make_folder(place.store)
        self.tidy()
        before = place.look()
        same = "content" not in target.differences(before)
        if target.backup and not same and self._worth_keeping(before):
            self._back_up(before)
        if target.layout == LINKS:
            self._write_links(before, same)
        else:
            self._write_files(before, same)
        self._repair()
        self.tidy()

    def tidy(self) -> None:
        """As the function, and without the current pair of layout ``links`` when plain files have taken its place."""
        place = self.place
        if self.target.layout != LINKS and place.look().kinds == {"file"}:
            place.current.unlink(missing_ok=True)
        tidy(place)

    # What both layouts have in common

    def _worth_keeping(self, pair: Pair) -> bool:
        """Half a pair is kept only when there is nothing better to put back."""
        return pair.complete or (not pair.empty and self.place.previous_version() is None)

    def _prepare(self, pair: Pair) -> Path:
        """A folder that only its owner can enter, with a pair in it that has its final rights."""
        place = self.place
        folder = place.store / f".new-{self._free_version()}"
        folder.mkdir(mode=0o700)
        for path, file in ((place.key, pair.key), (place.certificate, pair.certificate)):
            if file.data is not None:
                create(folder / path.name, file.data, file.rights)
        sync_folder(folder)
        return folder

    def _copy_of(self, pair: Pair) -> Pair:
        """A pair that was there, for nobody who could not read it there. A certificate file with a key in it is kept as one."""
        target = self.target

        def copy(seen: Seen, rights: Rights) -> Seen:
            if seen.data is None:
                return seen
            if holds_key(seen.data):
                rights = dataclasses.replace(rights, mode=rights.mode & target.key.mode)
            return Seen("file", seen.data, rights_of_copy(seen.rights, rights))

        return Pair(copy(pair.certificate, target.certificate), copy(pair.key, target.key))

    def _publish(self, folder: Path, target: Path) -> None:
        """Give a prepared folder its name."""
        folder.chmod(0o755)
        folder.rename(target)
        sync_folder(target.parent)

    def _store(self, pair: Pair) -> str:
        """Make a version of the store; its name."""
        folder = self._prepare(pair)
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
        folder = self._prepare(self._copy_of(pair))
        self.replaced = backups / folder.name.removeprefix(".new-")
        self._publish(folder, self.replaced)

    def _repair(self) -> None:
        """Rights that somebody changed."""
        for path, rights in ((self.place.key, self.target.key), (self.place.certificate, self.target.certificate)):
            if look_at(path).rights != rights:
                set_rights(path, rights)

    # Layout links

    def _write_links(self, before: Pair, same: bool) -> None:
        place, target = self.place, self.target
        strange = before.kinds & {"file", "link"} or place.current_version() is None
        if strange and not before.empty:
            self._adopt(before)
        if not same:
            old = place.current_version()
            self._switch(self._store(target.pair))
            if old and place.previous_version() == old:
                self.replaced = self.replaced or place.store / old
        self._point()

    def _adopt(self, before: Pair) -> None:
        """Files from another time become a version of the store. What is read under the two names is the same all the while."""
        if self.place.version(self.place.current_version()).contents != before.contents:
            self._switch(self._store(self._copy_of(before)))
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
        place, target = self.place, self.target
        if same and before.kinds == {"file"}:
            return
        old = None if same else self._keep(before)
        folder = self._prepare(target.pair)
        if before.key.kind != "file" or before.key.data != target.content.key:
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
        old = current if before.kinds == {"ours"} and current else self._store(self._copy_of(before))
        put_link(place.journal, old, place.spare)
        self.replaced = self.replaced or place.store / old
        return old
