"""Files of regedit: version 5 (UTF-16) and 4 (ANSI), read and written. Independent of the collection's own reader on purpose."""

from __future__ import annotations

import re

from .registry import Key, Registry

HEADER = "Windows Registry Editor Version 5.00"


def read(content: bytes, registry: Registry, view: str) -> bool:
    """Import a file. False when it is none; nothing was changed then."""
    wide = content[:2] == b"\xff\xfe"
    text = content[2:].decode("utf-16-le") if wide else content.decode("cp1252", "replace")
    lines = re.sub(r"\\\r?\n[ \t]*", "", text).replace("\r\n", "\n").split("\n")
    if lines[0].strip() not in (HEADER, "REGEDIT4"):
        return False
    wide = lines[0].strip() == HEADER
    key: Key | None = None
    pending = ""
    for line in lines[1:]:
        line = f"{pending}\n{line}" if pending else line
        # A line break within a quoted text goes on.
        pending = line if re.match(r'(?:"(?:\\.|[^"\\])*"|@)="(?:\\.|[^"\\])*\Z', line, re.DOTALL) else ""
        if pending:
            continue
        if found := re.match(r"\[(-?)(.*)\]\s*\Z", line):
            key = None
            try:
                path = registry.path(found[2], view)
            except ValueError:
                continue
            if found[1]:
                registry.delete(path)
            else:
                key = registry.create(path)
        elif key is not None and (found := re.match(r'(?:"((?:\\.|[^"\\])*)"|@)\s*=\s*(.*)\Z', line, re.DOTALL)):
            _assign(key, _plain(found[1] or ""), found[2].strip(), wide)
    return True


def _assign(key: Key, name: str, data: str, wide: bool) -> None:
    if data == "-":
        key.values.pop(name.lower(), None)
        return
    if data.startswith('"'):
        value = (1, (_plain(data[1:-1]) + "\0").encode("utf-16-le", "surrogatepass"))
    elif data.startswith("dword:"):
        value = (4, int(data[6:], 16).to_bytes(4, "little"))
    elif found := re.match(r"hex(?:\(([0-9a-fA-F]+)\))?:(.*)\Z", data, re.DOTALL):
        kind = int(found[1] or "3", 16)
        content = bytes.fromhex(found[2].replace(",", "").replace(" ", ""))
        if not wide and kind in (1, 2, 7):
            content = content.decode("cp1252", "replace").encode("utf-16-le")
        value = (kind, content)
    else:
        return
    key.values[name.lower()] = (name, *value)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def write(path: str, key: Key) -> bytes:
    """A key and all below it as regedit exports it."""
    parts = [HEADER, "\r\n"]
    _write(path, key, parts)
    return b"\xff\xfe" + "".join([*parts, "\r\n"]).encode("utf-16-le", "surrogatepass")


def _write(path: str, key: Key, parts: list[str]) -> None:
    parts.append(f"\r\n[{path}]\r\n")
    for name, kind, data in key.values.values():
        shown = f'"{_escaped(name)}"' if name else "@"
        text = data.decode("utf-16-le", "surrogatepass") if kind == 1 and len(data) % 2 == 0 else ""
        if kind == 1 and text.endswith("\0") and "\0" not in text[:-1]:
            parts.append(f'{shown}="{_escaped(text[:-1])}"\r\n')
        elif kind == 4 and len(data) == 4:
            parts.append(f"{shown}=dword:{int.from_bytes(data, 'little'):08x}\r\n")
        else:
            prefix = "hex:" if kind == 3 else f"hex({kind:x}):"
            parts.append(f"{shown}={prefix}{','.join(f'{byte:02x}' for byte in data)}\r\n")
    for below in key.keys.values():
        _write(f"{path}\\{below.name}", below, parts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
