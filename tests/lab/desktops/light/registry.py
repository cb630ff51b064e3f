"""A registry: keys with values of a type number and bytes, two views of HKLM\\SOFTWARE, hives that are loaded from files."""

from __future__ import annotations

from dataclasses import dataclass, field

ROOTS = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
TYPES = {
    0: "REG_NONE",
    1: "REG_SZ",
    2: "REG_EXPAND_SZ",
    3: "REG_BINARY",
    4: "REG_DWORD",
    7: "REG_MULTI_SZ",
    11: "REG_QWORD",
}
SOFTWARE = ("hkey_local_machine", "software")


@dataclass
class Key:
    """A key: its name as it was written, values by folded name (name, type, bytes), keys below by folded name."""

    name: str
    values: dict[str, tuple[str, int, bytes]] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)


class Registry:
    """All roots. HKEY_CURRENT_USER is the hive of the account that WinRM logged on."""

    def __init__(self, current_user: str) -> None:
        self.root = Key("")
        self.current_user = current_user
        for name in ("HKEY_LOCAL_MACHINE", "HKEY_USERS"):
            self.root.keys[name.lower()] = Key(name)
        self.create(self.path("HKLM\\SOFTWARE\\WOW6432Node"))

    def path(self, text: str, view: str = "64") -> list[str]:
        """The names of a key's path. Raises ValueError for a root that there is not."""
        parts = [part for part in text.split("\\") if part]
        root = ROOTS.get(parts[0].upper(), parts[0].upper()) if parts else ""
        if root == "HKEY_CURRENT_USER":
            parts = ["HKEY_USERS", self.current_user, *parts[1:]]
        elif root == "HKEY_CLASSES_ROOT":
            parts = ["HKEY_LOCAL_MACHINE", "SOFTWARE", "Classes", *parts[1:]]
        elif root in ("HKEY_LOCAL_MACHINE", "HKEY_USERS"):
            parts[0] = root
        else:
            raise ValueError(text)
        folded = tuple(part.lower() for part in parts[:3])
        if view == "32" and folded[:2] == SOFTWARE and folded[2:] not in (("wow6432node",), ("classes",)):
            parts.insert(2, "WOW6432Node")
        return parts

    def find(self, path: list[str]) -> Key | None:
        """The key, or None."""
        key = self.root
        for part in path:
            below = key.keys.get(part.lower())
            if below is None:
                return None
            key = below
        return key

    def create(self, path: list[str]) -> Key:
        """The key; made if need be."""
        key = self.root
        for part in path:
            key = key.keys.setdefault(part.lower(), Key(part))
        return key

    def delete(self, path: list[str]) -> bool:
        """Remove a key with all below it."""
        above = self.find(path[:-1])
        return above is not None and above.keys.pop(path[-1].lower(), None) is not None

    def set(self, path: str, name: str, kind: int, data: bytes) -> None:
        """Set one value."""
        self.create(self.path(path)).values[name.lower()] = (name, kind, data)

    def text(self, path: str, name: str, text: str) -> None:
        """Set a REG_SZ."""
        self.set(path, name, 1, (text + "\0").encode("utf-16-le"))


def copy(key: Key, name: str = "") -> Key:
    """A deep copy, for instance of a hive."""
    return Key(name or key.name, dict(key.values), {below: copy(value) for below, value in key.keys.items()})
