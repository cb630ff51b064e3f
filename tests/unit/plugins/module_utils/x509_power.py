# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk whose power may fail: notes what a program does below a folder, and says all that may be left after a cut.

What POSIX promises is the model: a file's content is sure after fsync of the file, names in a folder are after fsync of the
folder. Of what came later in a folder any number of steps, in their order, may be left; folders are independent of each other,
and a file that was not synced may be empty. A name moved from one folder to another is a step in each.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

TORN = b""  # what an unsynced file may hold


class Node:
    """A file, a folder or a link."""

    def __init__(self, kind: str, target: str = "") -> None:
        self.kind, self.target = kind, target
        self.data, self.durable = b"", TORN
        self.steps: list[dict[str, Node | None]] = []  # of a folder: names that change together
        self.sure = 0

    def names(self, steps: int | None = None) -> dict[str, Node]:
        """The folder after so many steps, or after all."""
        found: dict[str, Node | None] = {}
        for step in self.steps[:steps]:
            found.update(step)
        return {name: node for name, node in found.items() if node is not None}


class Disk:
    """Puts itself between the program and the functions of os, and keeps a picture after each step."""

    def __init__(self, top: Path, monkeypatch) -> None:
        self.top, self.files, self.steps, self.pictures = str(top), {}, 0, []
        self.root = self._read(top)
        self.folders = [self.root]
        for name in ("open", "write", "fsync", "mkdir", "rename", "replace", "symlink", "unlink", "rmdir", "close"):
            monkeypatch.setattr(os, name, self._between(name, getattr(os, name)))

    def _read(self, path: Path) -> Node:
        """What is there already is sure."""
        if path.is_symlink():
            return Node("link", str(path.readlink()))
        node = Node("folder" if path.is_dir() else "file")
        if node.kind == "file":
            node.data = node.durable = path.read_bytes()
        else:
            node.steps = [{child.name: self._read(child) for child in path.iterdir()}]
            node.sure = 1
        return node

    def _between(self, name: str, real):
        note = getattr(self, f"_{name}")

        def function(*arguments, **options):
            result = real(*arguments, **options)
            if options.get("dir_fd") is None:
                note(result, *arguments)
            elif name == "open":  # by shutil.rmtree, as what follows
                self.files[result] = self.files[options["dir_fd"]].names().get(arguments[0])
            else:
                self._entry(self.files[options["dir_fd"]], arguments[0], None)
            return result

        return function

    def _place(self, path) -> tuple[Node, str] | None:
        """Folder and name of a path that is ours; links on the way are followed."""
        parent, name = os.path.split(os.fspath(path))
        parent = os.path.realpath(parent)
        if not (parent == self.top or parent.startswith(self.top + "/")):
            return None
        node = self.root
        for part in Path(parent).relative_to(self.top).parts:
            node = node.names()[part]
        return node, name

    def _find(self, path) -> Node | None:
        if os.path.realpath(path) == self.top:
            return self.root
        place = self._place(os.path.realpath(path))
        return place[0].names().get(place[1]) if place else None

    def _entry(self, folder: Node, name: str, node: Node | None, **more: Node | None) -> None:
        folder.steps.append({**more, name: node})
        self._step()

    def _step(self) -> None:
        self.steps += 1
        self.pictures.append(list(self.left()))

    def _open(self, descriptor, path, flags, mode=0o777, *_more) -> None:
        place = self._place(path)
        if place and flags & os.O_CREAT and place[1] not in place[0].names():
            node = Node("file")
            self._entry(*place, node)
        self.files[descriptor] = self._find(path)

    def _close(self, _result, descriptor) -> None:
        self.files.pop(descriptor, None)

    def _write(self, written, descriptor, data) -> None:
        if self.files.get(descriptor):
            self.files[descriptor].data += bytes(data[:written])

    def _fsync(self, _result, descriptor) -> None:
        node = self.files.get(descriptor)
        if node:
            node.durable, node.sure = node.data, len(node.steps)
            self._step()

    def _mkdir(self, _result, path, *_more) -> None:
        if place := self._place(path):
            self._entry(*place, Node("folder"))

    def _symlink(self, _result, target, path, *_more) -> None:
        if place := self._place(path):
            self._entry(*place, Node("link", str(target)))

    def _unlink(self, _result, path, *_more) -> None:
        if place := self._place(path):
            self._entry(*place, None)

    _rmdir = _unlink

    def _rename(self, _result, source, target) -> None:
        (old, old_name), (new, new_name) = self._place(source), self._place(target)
        node = old.names()[old_name]
        if old is new:
            old.steps.append({old_name: None, new_name: node})
        else:
            new.steps.append({new_name: node})
            old.steps.append({old_name: None})
        self._step()

    _replace = _rename

    # What may be left

    def left(self) -> Iterator[dict[int, int]]:
        """Every combination of how many steps of each folder are left."""
        folders = list(self._all(self.root))
        ranges = [range(folder.sure, len(folder.steps) + 1) for folder in folders]
        for counts in itertools.product(*ranges):
            yield dict(zip(map(id, folders), counts, strict=True)) | {-1: self._durable()}

    def _all(self, folder: Node) -> Iterator[Node]:
        yield folder
        seen = {id(folder)}
        for step in folder.steps:
            for node in step.values():
                if node is not None and node.kind == "folder" and id(node) not in seen:
                    seen.add(id(node))
                    yield from self._all(node)

    def _durable(self) -> dict[int, bytes]:
        files, waiting = {}, [self.root]
        while waiting:
            for step in waiting.pop().steps:
                for node in step.values():
                    if node is not None and node.kind == "file":
                        files[id(node)] = node.durable
                    elif node is not None and node.kind == "folder":
                        waiting.append(node)
        return files

    def read(self, picture: dict, path: str) -> bytes | None:
        """What somebody reads below the folder after the power came back; None when nothing is there."""
        node, parts, folders = self.root, list(Path(path).parts), [self.root]
        while parts:
            node = folders[-1].names(picture[id(folders[-1])]).get(parts.pop(0))
            if node is None:
                return None
            if node.kind == "link":
                parts = [*Path(node.target).parts, *parts]
            elif node.kind == "folder":
                folders.append(node)
        return picture[-1][id(node)] if node.kind == "file" else None
