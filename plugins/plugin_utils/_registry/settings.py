# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is wanted of a registry, out of module options and .reg files: ordered instructions, and what they come to in the end.

Later instructions win. ``[-K]`` and then values below K mean that K holds exactly these.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Iterable, Sequence

from . import keys, reg_file, values
from .errors import SettingsError
from .keys import fold
from .reg_file import Instruction
from .values import Value

MACHINE, USERS, LOADED_USERS, DEFAULT_PROFILE = "machine", "users", "loaded_users", "default_profile"
# Whose hive it is: what the scopes mean for a loaded user, for a profile that nobody uses now, and for the profile of new users.
KINDS = {
    "machine": {MACHINE},
    "loaded": {USERS, LOADED_USERS},
    "profile": {USERS},
    "default": {DEFAULT_PROFILE},
}
SWITCHES = {"default": "", "64": " /reg:64", "32": " /reg:32"}
_CLASSES = fold("Software\\Classes")


@dataclasses.dataclass(frozen=True)
class Item:
    """An instruction and where it is for. Its key is complete for the machine, and begins below the hive for users."""

    instruction: Instruction
    kinds: frozenset[str]
    view: str
    secret: bool


@dataclasses.dataclass
class ValueWish:
    """A value that is to be there, or (None) not."""

    name: str
    value: Value | None
    secret: bool


@dataclasses.dataclass
class Wish:
    """What a key is to be. ``exact``: it and everything below hold what is wished and nothing else.

    ``inside``: it lies in such a key.
    """

    key: str
    view: str
    gone: bool = False
    exact: bool = False
    inside: bool = False
    values: dict[str, ValueWish] = dataclasses.field(default_factory=dict)

    def holds(self, other: Wish) -> bool:
        return self.view == other.view and f"{fold(other.key)}\\".startswith(f"{fold(self.key)}\\")


class Settings:
    """Everything that is wanted, in order."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = tuple(items)
        self._wishes = {kind: _wishes(item for item in self.items if kind in item.kinds) for kind in KINDS}

    def wishes(self, kind: str) -> list[Wish]:
        """What is wanted of the machine, of a loaded user …: no two for one key and view."""
        return self._wishes[kind]

    @property
    def of_users(self) -> bool:
        return any(self._wishes[kind] for kind in KINDS if kind != "machine")


def from_options(
    items: Sequence[dict[str, t.Any]], read: Callable[[str], bytes] | None = None, option: str = "settings"
) -> Settings:
    """Settings from the list of options. ``read`` gives the bytes of a .reg file on the controller."""
    found: list[Item] = []
    for number, item in enumerate(items):
        where = f"{option}[{number}]"
        if bool(item.get("key")) == bool(item.get("reg_file")):
            raise _wrong("needs exactly one of key and reg_file", where, "Name a key, or a file that names keys")
        found += _from_file(item, read, where) if item.get("reg_file") else _from_item(item, where)
    return Settings(found)


def undone(settings: Settings) -> Settings:
    """What takes settings away again: the values that they would set are removed, and what they remove stays removed.

    What else is in these keys is left alone, and so are the keys: nobody knows who made them.
    """
    items = []
    for item in settings.items:
        one = item.instruction
        if one.name is not None and not one.gone:
            one = dataclasses.replace(one, value=None, gone=True)
        if one.gone:
            items.append(dataclasses.replace(item, instruction=one))
    return Settings(items)


def _from_item(item: dict[str, t.Any], where: str) -> list[Item]:
    hive, rest = keys.split_hive(str(item["key"]))
    rest = keys.clean(rest, where)
    gone = item.get("state") == "absent"
    name = item.get("name")
    value = None
    if name is not None:
        name = keys.clean_name(str(name), where)
        if not gone:
            value = values.from_option(
                item.get("type") or "string", item.get("data"), f"{where}, {rest}, {name or '(default)'}"
            )
    elif item.get("data") is not None:
        raise _wrong("has data and no name", where, "Give the name; the key's default value is name: ''")
    elif gone:
        keys.guard_deletion(hive, rest, where)
    return _placed(Instruction(rest, name, value, gone), hive, item, where)


def _from_file(item: dict[str, t.Any], read: Callable[[str], bytes] | None, where: str) -> list[Item]:
    for option in ("name", "data", "type"):
        if item.get(option) is not None:
            raise _wrong(f"has {option} beside reg_file", where, "The file says itself what is written")
    if item.get("state") == "absent":
        raise _wrong("has state absent beside reg_file", where, "A .reg file says itself what is removed")
    path = str(item["reg_file"])
    if read is None:
        raise _wrong("names a .reg file", where, "Give its content as settings")
    found = []
    for one in reg_file.parse(read(path), item.get("encoding") or None, path):
        hive, rest = keys.split_hive(one.key)
        if one.gone and one.name is None:
            keys.guard_deletion(hive, rest, f"{path}, line {one.line}")
        place = f"{path}, line {one.line}"
        found += _placed(dataclasses.replace(one, key=rest), hive, item, place, from_file=True)
    return found


def _placed(one: Instruction, hive: str, item: dict[str, t.Any], where: str, from_file: bool = False) -> list[Item]:
    """The instruction where its hive and the scopes say: once for the machine, once for users."""
    scopes = set(item.get("scope") or [])
    view, secret = item.get("view") or "default", bool(item.get("secret"))
    of_machine = dataclasses.replace(one, key=keys.machine_path("" if hive == keys.USER else hive, one.key))
    machine = Item(of_machine, frozenset({"machine"}), view, secret)
    if hive and hive != keys.USER:
        if scopes - {MACHINE} and not from_file:
            remedy = "Let the key begin with HKCU, or without a hive"
            raise _wrong(f"has a key in {hive} and is for {', '.join(sorted(scopes - {MACHINE}))}", where, remedy)
        return [machine]
    if hive and not scopes - {MACHINE}:
        remedy = "Say whose by scope: users, loaded_users, default_profile; the account of Ansible is hardly meant"
        raise _wrong("has a key in HKEY_CURRENT_USER and no users", where, remedy)
    kinds = frozenset(kind for kind, members in KINDS.items() if members & scopes) - {"machine"}
    if kinds & {"profile", "default"} and f"{fold(one.key)}\\".startswith(f"{_CLASSES}\\"):
        raise _wrong(
            "is about Software\\Classes of profiles that are not loaded",
            where,
            "It lies in another file of the profile (UsrClass.dat): use loaded_users, or HKLM\\SOFTWARE\\Classes",
        )
    found = [Item(one, kinds, view, secret)] if kinds else []
    return [machine, *found] if not hive and (MACHINE in scopes or not scopes) else found


def _wishes(items: Iterable[Item]) -> list[Wish]:
    found: dict[tuple[str, str], Wish] = {}
    for item in items:
        one = item.instruction
        here = Wish(one.key, item.view)
        place = (item.view, fold(one.key))
        if one.name is None and one.gone:
            above = [
                wish
                for wish in found.values()
                if (wish.gone or wish.exact) and wish.holds(here) and wish.key != one.key
            ]
            found = {at: wish for at, wish in found.items() if not here.holds(wish)}
            # what lies in a key that is emptied anyway needs no word of its own
            if not above:
                here.gone = True
                found[place] = here
            continue
        if one.name is not None and one.gone and any(wish.gone and wish.holds(here) for wish in found.values()):
            continue
        for wish in found.values():
            if wish.gone and wish.holds(here):
                wish.gone, wish.exact = False, True
        wish = found.setdefault(place, here)
        if one.name is not None:
            wish.values[fold(one.name)] = ValueWish(one.name, one.value, item.secret)
    result = list(found.values())
    for wish in result:
        wish.inside = any(other is not wish and other.exact and other.holds(wish) for other in result)
    return result


def _wrong(what: str, where: str, remedy: str) -> SettingsError:
    return SettingsError(f"An item {what}", where, "Its options do not belong together", remedy)
