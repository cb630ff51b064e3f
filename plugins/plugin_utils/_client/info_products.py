# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is installed on a host: for the machine, and for each of its users.

Programs stand below ...\\CurrentVersion\\Uninstall: in HKLM in both views, in the hive of a user for him alone. Products of
Windows Installer stand in HKLM for everybody, in Installer\\UserData\\SID (S-1-5-18: for the machine), usually beside an
uninstall key that is called by the ProductCode. All of it from the registry; only names, versions and keys are asked for, because
a desktop has hundreds of these keys and each of them a page of values.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import typing as t
from collections.abc import Mapping, Sequence

from .._packages import guid
from .._registry import commands
from .._windows.users import User
from .._winrm import quoting
from .._winrm.runner import Answer, Ask
from .detect import INSTALLER, MACHINE_SID, UNINSTALL, keys_of

VIEWS = (64, 32)
_NAMES = ("DisplayName", "DisplayVersion")
# Programs of 32 bit usually share the key of a user with the others; some write into their own.
_OF_USER = (UNINSTALL, UNINSTALL.replace("SOFTWARE\\", "SOFTWARE\\WOW6432Node\\", 1))
_LETTERS = "kstuvxyz"
_ANY_ROOT = "HKEY_USERS\\onprem-chat-any"
_HIVE = "info.hive."


@dataclasses.dataclass(frozen=True)
class Filter:
    """Which products are wanted: at most one of these is set. ``name`` is a pattern with * and ?, case does not matter."""

    name: str = ""
    product_code: str = ""
    upgrade_code: str = ""
    uninstall_key: str = ""

    @property
    def key(self) -> str:
        """The uninstall key that is asked for alone."""
        return self.uninstall_key or self.product_code

    @property
    def code(self) -> str:
        """The ProductCode that is asked for alone. An uninstall key may be one, too."""
        key = self.product_code or self.uninstall_key
        return guid.normal(key) if guid.is_guid(key) else ""

    def takes(self, product: Product) -> bool:
        # A bracket is one: "Chat [beta]" is a name, and no set of letters.
        pattern = self.name.casefold().replace("[", "[[]")
        return not self.name or fnmatch.fnmatchcase(product.name.casefold(), pattern)


@dataclasses.dataclass(frozen=True)
class Product:
    """One installation. ``sid`` is S-1-5-18 for the machine; ``view`` is 64 or 32, 0 where there is no uninstall key."""

    key: str
    name: str
    version: str
    scope: str = "machine"
    sid: str = MACHINE_SID
    installer: str = "other"
    product_code: str = ""
    view: int = 0

    def shown(self, names: Mapping[str, str]) -> dict[str, t.Any]:
        """For results. ``names``: SID in upper case -> name of the user."""
        user = "" if self.scope == "machine" else names.get(self.sid.upper(), "")
        return {**dataclasses.asdict(self), "user": user}


def questions(wanted: Filter) -> list[Ask]:
    """What is asked once; profiles whose hives are not loaded come later, see :func:`of_profiles`."""
    asks = [] if wanted.uninstall_key and not wanted.code else [Ask("info.msi", _msi(wanted))]
    if not wanted.upgrade_code:
        machine = f"HKLM\\{UNINSTALL}"
        asks += [Ask(f"info.machine{view}", _uninstall(machine, wanted.key, f" /reg:{view}")) for view in VIEWS]
        asks.append(Ask("info.users", _everybody(wanted.key)))
    return asks


def of_profiles(wanted: Filter, found: Sequence[User]) -> list[Ask]:
    """Questions about the profiles of users whose hives are not loaded: each is loaded for as long as its question takes."""
    if wanted.upgrade_code:
        return []
    parts = [
        (f"info.{number}", _uninstall(f"{commands.MOUNTED}\\{root}", wanted.key))
        for number, root in enumerate(_OF_USER)
    ]
    return [Ask(f"{_HIVE}{user.sid}", commands.with_hive(user.profile, parts)) for user in found if user.loadable]


def _uninstall(root: str, key: str, view: str = "") -> str:
    """The keys below ``root``, or the one that is wanted. Of all keys only two values, each in one go."""
    if key:
        return f"reg query {quoting.argument(f'{root}{chr(92)}{key}')}{view} 2>nul"
    return "&".join(f'reg query "{root}" /s /v {name}{view} 2>nul' for name in _NAMES)


def _everybody(key: str) -> str:
    # The name of a loop's variable must not be in what is asked for, and it is put in when everything else is quoted.
    letter = next(one for one in _LETTERS if f"%{one}" not in key)
    inside = "&".join(_uninstall(f"{_ANY_ROOT}\\{root}", key) for root in _OF_USER)
    return f"for /f \"delims=\" %{letter} in ('reg query HKU') do @({inside.replace(_ANY_ROOT, f'%{letter}')})"


def _msi(wanted: Filter) -> str:
    everybody = f'for /f "delims=" %s in (\'reg query "{INSTALLER}\\UserData" /reg:64 2^>nul\') do @'
    if wanted.code:
        return f'{everybody}reg query "%s\\Products\\{guid.packed(wanted.code)}\\InstallProperties" /reg:64 2>nul'
    if wanted.upgrade_code:
        family = f'reg query "{INSTALLER}\\UpgradeCodes\\{guid.packed(wanted.upgrade_code)}" /reg:64 2^>nul'
        return (
            f"for /f \"tokens=1\" %p in ('{family}') do @{everybody}"
            'reg query "%s\\Products\\%p\\InstallProperties" /reg:64 2>nul'
        )
    every = "&".join(f'reg query "%s\\Products" /s /v {name} /reg:64 2>nul' for name in _NAMES)
    return f"{everybody}({every})"


def understand(wanted: Filter, answers: Mapping[str, Answer], found: Sequence[User]) -> list[Product]:
    """What is installed, for the machine first, then user by user."""
    msi = {(one.sid, one.key): one for one in _products_of_msi(answers)}
    others: dict[tuple[str, str], Product] = {}

    def add(key: str, values: Mapping[str, str], sid: str, scope: str, view: int) -> None:
        code = guid.normal(key) if guid.is_guid(key) else ""
        if (sid, code) in msi:
            if not msi[sid, code].view:
                msi[sid, code] = dataclasses.replace(msi[sid, code], view=view)
            return
        one = Product(key, values.get("displayname", ""), values.get("displayversion", ""), scope, sid, view=view)
        twin = others.get((f"{scope} {sid}", key.lower()))
        # A Windows of 32 bit shows the same key in both views.
        if twin is None:
            others[f"{scope} {sid}", key.lower()] = one
        elif (twin.name, twin.version) != (one.name, one.version):
            others[f"{scope} {sid}", f"{key.lower()} {view}"] = one

    for view in VIEWS:
        for path, values in _merged(answers, f"info.machine{view}"):
            add(_last(path), values, MACHINE_SID, "machine", view)
    for path, values in _merged(answers, "info.users"):
        sid = path.split("\\")[1]
        # .DEFAULT is another name of S-1-5-18's hive, and a rest of ours may be mounted.
        if sid.upper() != ".DEFAULT" and sid.lower() != commands.MOUNT:
            add(_last(path), values, sid, "user", 32 if "\\wow6432node\\" in path.lower() else 64)
    for user in found:
        parts = commands.parts_of(answers[_HIVE + user.sid]) if _HIVE + user.sid in answers else {}
        for number, view in enumerate(VIEWS):
            for path, values in _merged(parts, f"info.{number}"):
                add(_last(path), values, user.sid, "user", view)
    products = [one for one in (*msi.values(), *others.values()) if (one.name or one.version) and wanted.takes(one)]
    return sorted(products, key=lambda one: (one.scope, one.sid, one.name.casefold(), one.version, one.key))


def not_read(answers: Mapping[str, Answer], found: Sequence[User]) -> tuple[list[User], bool]:
    """Users whose profiles could not be read, and whether a hive stayed loaded."""
    refused, stayed = [], False
    for user in found:
        if _HIVE + user.sid not in answers:
            continue
        parts = commands.parts_of(answers[_HIVE + user.sid])
        code = parts[commands.LOAD].exit_code if commands.LOAD in parts else commands.REFUSED
        if code == commands.REFUSED:
            refused.append(user)
        stayed |= commands.UNLOAD in parts and not parts[commands.UNLOAD].ok
    return refused, stayed


def names_of(found: Sequence[User]) -> dict[str, str]:
    """SID in upper case -> name. What is installed in the hive of the account SYSTEM is nobody's, and worth to be seen."""
    return {MACHINE_SID: "SYSTEM", **{user.sid.upper(): user.name for user in found}}


def _merged(answers: Mapping[str, Answer], name: str) -> list[tuple[str, dict[str, str]]]:
    """Keys with their values; what was asked value by value is put together."""
    keys: dict[str, dict[str, str]] = {}
    for path, values in keys_of(answers[name].text) if name in answers else ():
        if values:
            keys.setdefault(path, {}).update(values)
    return list(keys.items())


def _products_of_msi(answers: Mapping[str, Answer]) -> t.Iterator[Product]:
    for path, values in _merged(answers, "info.msi"):
        parts = path.split("\\")
        if len(parts) < 4 or parts[-1].lower() != "installproperties":
            continue
        try:
            code = guid.unpacked(parts[-2])
        except ValueError:
            continue
        sid = parts[-4]
        scope = "machine" if sid == MACHINE_SID else "user"
        name, version = values.get("displayname", ""), values.get("displayversion", "")
        yield Product(code, name, version, scope, sid, "msi", code)


def _last(path: str) -> str:
    return path.rsplit("\\", 1)[-1]
