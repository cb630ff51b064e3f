# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Command lines of reg.exe: one key asked, one key exported exactly, one profile's hive loaded for as long as it takes.

A hive that stays loaded gives its user a temporary profile at his next logon. So it is loaded and unloaded in one command line,
under one name that nobody else uses, and whatever a cut connection has left under it is unloaded first.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Sequence

from .._winrm import quoting
from .._winrm.runner import Answer, Ask
from .errors import AnswerError
from .query import SEPARATOR
from .settings import SWITCHES

MOUNT = "onprem-chat-registry"
MOUNTED = f"HKEY_USERS\\{MOUNT}"
QUIET = ">nul 2>nul"
# A command line may have 8191 characters, and the batch that it is part of needs some around it.
LONGEST = 7000
# Users write what they like into their hives, and it is printed among this: so it is another word in each process.
WORD = f"onprem-chat-registry-part-{secrets.token_hex(5)}"
_PARTS = re.compile(rf"{WORD} (\S+) (\d+) *\r?\n".encode())
_BLOCK = re.compile(rb"-----BEGIN [A-Z ]+-----(.*?)-----END [A-Z ]+-----", re.DOTALL)
LOAD, UNLOAD = "load", "unload"
_LOADS = f'reg load "HKU\\{MOUNT}" '
LOADED, REFUSED, NO_HIVE = 0, 1, 2
PER_HIVE = 5.0
"""Seconds for one profile: five programs are started for it, and unloading may have to be tried three times."""


def exists(key: str, view: str) -> str:
    return f"reg query {quoting.argument(key)}{SWITCHES[view]} {QUIET}"


def listing(key: str, view: str, lists: bool) -> str:
    """All values of a key; with ``lists`` one is wanted that is a list of texts."""
    plain = f"reg query {quoting.argument(key)}{SWITCHES[view]}"
    return f"{plain} /se {quoting.argument(SEPARATOR)} 2>nul||{plain} 2>nul" if lists else f"{plain} 2>nul"


def default(key: str, view: str) -> str:
    return f"reg query {quoting.argument(key)}{SWITCHES[view]} /ve 2>nul"


def export(key: str, view: str) -> str:
    """A key and all below it, byte for byte, as text that every code page can carry.

    Users may make files in Windows' Temp and cannot list it: under a name that nobody can foretell none of theirs is written into.
    """
    place = rf"%SystemRoot%\Temp\{MOUNT}-{secrets.token_hex(12)}"
    saved = f'reg export {quoting.argument(key)} "{place}.tmp" /y{SWITCHES[view]} {QUIET}'
    printed = f'certutil -f -encode "{place}.tmp" "{place}.b64" >nul&type "{place}.b64"'
    return f'{saved}&&(echo exported&{printed})&del "{place}.tmp" "{place}.b64" 2>nul'


def exported(answer: Answer, where: str) -> bytes | None:
    """The .reg file that :func:`export` printed; None where there is no such key."""
    if b"exported" not in answer.stdout:
        return None
    found = _BLOCK.search(answer.stdout)
    try:
        return base64.b64decode(b"".join((found.group(1) if found else b"-").split()), validate=True)
    except binascii.Error:
        raise AnswerError(
            "A key was exported and its content did not arrive",
            where,
            "certutil.exe, which carries it, is missing or blocked, or the disk is full",
            "Run reg export and certutil -encode by hand there",
        ) from None


def import_file(path: str, view: str) -> str:
    return f"reg import {quoting.path(path)}{SWITCHES[view]} {QUIET}"


def delete_key(key: str, view: str) -> str:
    """With everything below it; 1 when there is none."""
    return f"reg delete {quoting.argument(key)} /f{SWITCHES[view]} {QUIET}"


def where_exists(path: str, command: str) -> str:
    """A command that is run only where there is such a file."""
    return f"if exist {quoting.path(path)} {command}"


def delete_files(*patterns: str) -> str:
    quoted = " ".join(f'"{pattern}"' for pattern in patterns)
    return f"del /q {quoted} 2>nul"


def unload() -> str:
    """Unload what we have loaded. Something may hold it open for a moment (a virus scanner): asked three times."""
    once = f'reg unload "HKU\\{MOUNT}" {QUIET}'
    return f"{once}||(ping -n 2 127.0.0.1 >nul&{once})||(ping -n 3 127.0.0.1 >nul&{once})"


def with_hive(profile: str, parts: Sequence[tuple[str, str]]) -> str:
    """Load a profile's hive, run the named commands, unload it; :func:`parts_of` reads what each of them gave."""
    file = quoting.path(rf"{profile}\NTUSER.DAT")
    body = "&".join([f"({command}){_mark(name)}" for name, command in parts])
    loaded = f"{_say(LOAD, LOADED)}&{body}&({unload()}){_mark(UNLOAD)}"
    load = f"{_LOADS}{file} {QUIET}&(if errorlevel 1 ({_say(LOAD, REFUSED)}) else ({loaded}))"
    return f'reg unload "HKU\\{MOUNT}" {QUIET}&(if exist {file} ({load}) else ({_say(LOAD, NO_HIVE)}))'


def patience(asks: Sequence[Ask], deadline: float) -> float:
    """The deadline (seconds) for these questions: more where hives are loaded, as shared hosts have hundreds of profiles.

    What is ended in the middle may leave a hive loaded, and the next run would not come further.
    """
    return deadline + PER_HIVE * sum(_LOADS in ask.command for ask in asks)


def with_loaded(parts: Sequence[tuple[str, str]]) -> str:
    """Run the named commands for every hive that is loaded, whoever's it is, before anybody knows whose these are.

    ``%k`` in names and commands becomes HKEY_USERS\\SID; :func:`parts_of` reads what each of them gave.
    """
    body = "&".join([f"({command}){_mark(name)}" for name, command in parts])
    return f"for /f \"delims=\" %k in ('reg query HKU') do @({body})"


def parts_of(answer: Answer) -> dict[str, Answer]:
    """The answers within that of :func:`with_hive`, by their names; ``load`` and ``unload`` are among them."""
    found: dict[str, Answer] = {}
    position = 0
    for part in _PARTS.finditer(answer.stdout):
        found.setdefault(
            part[1].decode("ascii", "replace"), Answer(int(part[2]), answer.stdout[position : part.start()])
        )
        position = part.end()
    return found


def _say(name: str, code: int) -> str:
    return f"echo {WORD} {name} {code}"


def _mark(name: str) -> str:
    # What follows an if belongs to it, up to the next bracket. ver sets the code back to 0: not every command sets its own.
    return f"&(if errorlevel 1 ({_say(name, 1)}) else ({_say(name, 0)}))&ver >nul"
