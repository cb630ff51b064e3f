"""reg.exe: query, add, delete, import, export, load, unload. Exit codes 0 and 1; texts in English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from . import regfile
from .registry import TYPES, Key, copy

if TYPE_CHECKING:
    from .desktop import Desktop, Streams

MISSING = "ERROR: The system was unable to find the specified registry key or value.\r\n"
SYNTAX = "ERROR: Invalid syntax.\r\n"
NUMBERS = {name: number for number, name in TYPES.items()}


def run(desktop: Desktop, arguments: list[str], streams: Streams) -> int:
    """One call."""
    words = [word for word in arguments[1:] if not word.lower().startswith("/reg:")]
    view = next((word[5:] for word in arguments if word.lower().startswith("/reg:")), "64")
    verbs = {
        "query": _query,
        "add": _add,
        "delete": _delete,
        "import": _import,
        "export": _export,
        "load": _load,
        "unload": _unload,
    }
    verb = verbs.get(arguments[0].lower()) if arguments else None
    if verb is None or not words:
        streams.error(SYNTAX)
        return 1
    try:
        return verb(desktop, words, view, streams)
    except ValueError:
        streams.error("ERROR: Invalid key name.\r\n")
        return 1


def _option(words: list[str], name: str) -> str | None:
    lowered = [word.lower() for word in words]
    return words[lowered.index(name) + 1] if name in lowered[:-1] else None


def _has(words: list[str], name: str) -> bool:
    return name in [word.lower() for word in words]


def shown(kind: int, data: bytes, separator: str = "\\0") -> str:
    """Data as reg query prints it."""
    if kind in (1, 2):
        return data.decode("utf-16-le", "replace").removesuffix("\0")
    if kind == 7:
        return data.decode("utf-16-le", "replace").rstrip("\0").replace("\0", separator)
    if kind in (4, 11):
        return f"0x{int.from_bytes(data, 'little'):x}"
    return data.hex().upper()


def _line(name: str, kind: int, data: bytes, separator: str) -> str:
    return f"    {name or '(Default)'}    {TYPES.get(kind, 'REG_NONE')}    {shown(kind, data, separator)}\r\n"


def _query(desktop: Desktop, words: list[str], view: str, streams: Streams) -> int:
    path = desktop.registry.path(words[0], view)
    key = desktop.registry.find(path)
    separator = _option(words, "/se") or "\\0"
    name = "" if _has(words, "/ve") else _option(words, "/v")
    deep = _has(words, "/s")
    if key is None or (name is not None and not deep and name.lower() not in key.values):
        streams.error(MISSING)
        return 1
    # The 32-bit view is shown under the name that was asked for.
    top = "\\".join(desktop.registry.path(words[0]))
    if name is not None and deep:
        found = list(_everywhere(top, key, name.lower(), separator))
        streams.write("".join(found) + f"\r\nEnd of search: {len(found)} match(es) found.\r\n")
        return 0 if found else 1
    if name is not None:
        streams.write(f"\r\n{top}\r\n{_line(*key.values[name.lower()], separator)}\r\n")
        return 0
    streams.write(_listing(top, key, deep, separator))
    return 0


def _everywhere(path: str, key: Key, name: str, separator: str) -> Iterator[str]:
    """A value by its name in a key and all keys below."""
    if name in key.values:
        yield f"\r\n{path}\r\n{_line(*key.values[name], separator)}"
    for below in key.keys.values():
        yield from _everywhere(f"{path}\\{below.name}", below, name, separator)


def _listing(path: str, key: Key, deep: bool, separator: str) -> str:
    text = "\r\n"
    if key.values:
        text += f"{path}\r\n" + "".join(_line(*value, separator) for value in key.values.values()) + "\r\n"
    for below in key.keys.values():
        text += _below(f"{path}\\{below.name}", below, separator) if deep else f"{path}\\{below.name}\r\n"
    return text


def _below(path: str, key: Key, separator: str) -> str:
    text = f"{path}\r\n" + "".join(_line(*value, separator) for value in key.values.values()) + "\r\n"
    return text + "".join(_below(f"{path}\\{item.name}", item, separator) for item in key.keys.values())


def _add(desktop: Desktop, words: list[str], view: str, streams: Streams) -> int:
    key = desktop.registry.create(desktop.registry.path(words[0], view))
    name = "" if _has(words, "/ve") else _option(words, "/v")
    if name is None:
        return 0
    kind, data = NUMBERS.get((_option(words, "/t") or "REG_SZ").upper()), _option(words, "/d") or ""
    if kind is None:
        streams.error(SYNTAX)
        return 1
    if kind in (4, 11):
        content = int(data or "0", 0).to_bytes(4 if kind == 4 else 8, "little")
    elif kind == 7:
        texts = data.split(_option(words, "/s") or "\\0")
        content = ("".join(text + "\0" for text in texts) + "\0").encode("utf-16-le")
    elif kind in (1, 2):
        content = (data + "\0").encode("utf-16-le")
    else:
        content = bytes.fromhex(data)
    key.values[name.lower()] = (name, kind, content)
    return 0


def _delete(desktop: Desktop, words: list[str], view: str, streams: Streams) -> int:
    path = desktop.registry.path(words[0], view)
    key = desktop.registry.find(path)
    name = "" if _has(words, "/ve") else _option(words, "/v")
    if key is None or (name is not None and key.values.pop(name.lower(), None) is None):
        streams.error(MISSING)
        return 1
    if name is None:
        desktop.registry.delete(path)
    return 0


def _import(desktop: Desktop, words: list[str], view: str, streams: Streams) -> int:
    content = desktop.files.read(desktop.absolute(words[0]))
    if content is None or not regfile.read(content, desktop.registry, view):
        streams.error("ERROR: Error opening the file. There may be a disk or file system error.\r\n")
        return 1
    streams.error("The operation completed successfully.\r\n")
    return 0


def _export(desktop: Desktop, words: list[str], view: str, streams: Streams) -> int:
    key = desktop.registry.find(desktop.registry.path(words[0], view))
    if key is None:
        streams.error(MISSING)
        return 1
    path = "\\".join(desktop.registry.path(words[0]))
    desktop.files.write(desktop.absolute(words[1]), regfile.write(path, key))
    return 0


def _load(desktop: Desktop, words: list[str], _view: str, streams: Streams) -> int:
    path, file = desktop.registry.path(words[0]), desktop.absolute(words[1]).lower()
    hive = desktop.hives.get(file)
    if len(path) != 2 or hive is None or file in desktop.loaded.values() or desktop.registry.find(path):
        streams.error("ERROR: The process cannot access the file because it is being used by another process.\r\n")
        return 1
    desktop.registry.create(path[:1]).keys[path[1].lower()] = copy(hive, path[1])
    desktop.loaded[path[1].lower()] = file
    return 0


def _unload(desktop: Desktop, words: list[str], _view: str, streams: Streams) -> int:
    path = desktop.registry.path(words[0])
    file = desktop.loaded.pop(path[-1].lower(), None)
    if len(path) != 2 or file is None:
        streams.error("ERROR: The parameter is incorrect.\r\n")
        return 1
    desktop.hives[file] = desktop.registry.find(path)
    desktop.registry.delete(path)
    return 0
