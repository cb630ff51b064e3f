"""A file system: folders and contents by folded absolute path."""

from __future__ import annotations

import fnmatch


class Files:
    """`names` has what exists as it was written; `contents` the bytes of files; everything else in `names` is a folder."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {"c:": "C:"}
        self.contents: dict[str, bytes] = {}

    @staticmethod
    def fold(path: str) -> str:
        """How a path is found."""
        return path.rstrip("\\").lower()

    def exists(self, path: str) -> bool:
        """A file or folder; the last part may hold wildcards. A backslash at the end means a folder."""
        folded = self.fold(path)
        if "*" in folded or "?" in folded:
            return bool(self.matching(path))
        return folded in self.names and not (path.endswith("\\") and folded in self.contents)

    def folder(self, path: str) -> bool:
        """Whether that is a folder."""
        folded = self.fold(path)
        return folded in self.names and folded not in self.contents

    def matching(self, pattern: str) -> list[str]:
        """Full paths whose last part fits."""
        above, _slash, last = self.fold(pattern).rpartition("\\")
        found = []
        for folded, name in self.names.items():
            place, _slash, own = folded.rpartition("\\")
            if place == above and fnmatch.fnmatchcase(own, last):
                found.append(name)
        return sorted(found, key=str.lower)

    def make(self, path: str) -> bool:
        """mkdir with everything above it. False when something is there."""
        if self.fold(path) in self.names:
            return False
        parts = path.rstrip("\\").split("\\")
        for number in range(1, len(parts) + 1):
            part = "\\".join(parts[:number])
            if self.fold(part) in self.contents:
                return False
            self.names.setdefault(self.fold(part), part)
        return True

    def read(self, path: str) -> bytes | None:
        """Content, or None."""
        return self.contents.get(self.fold(path))

    def write(self, path: str, content: bytes) -> bool:
        """False when the folder is not there, or the name is a folder's."""
        folded = self.fold(path)
        above = folded.rpartition("\\")[0]
        if not self.folder(above) or self.folder(path):
            return False
        self.names.setdefault(folded, path)
        self.contents[folded] = content
        return True

    def remove(self, path: str) -> bool:
        """A file, or files that fit. False when there is none."""
        found = [item for item in self.matching(path) if self.fold(item) in self.contents]
        for item in found:
            del self.contents[self.fold(item)], self.names[self.fold(item)]
        return bool(found)

    def remove_folder(self, path: str, deep: bool) -> bool:
        """False when it is none, or not empty."""
        folded = self.fold(path)
        inside = [name for name in self.names if name.startswith(f"{folded}\\")]
        if not self.folder(path) or (inside and not deep):
            return False
        for name in [*inside, folded]:
            self.names.pop(name)
            self.contents.pop(name, None)
        return True
