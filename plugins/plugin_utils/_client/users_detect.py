# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""For whom a client is installed: every profile of the host, whether its user is logged on or not, and what is registered for them.

EXE packages: the uninstall keys in each user's own hive, both views; hives of users who are not logged on are loaded for as long as it
takes to ask (:mod:`.._registry.commands`). MSI: HKLM\…\Installer\UserData\SID, which needs no hive. What earlier runs left:
HKCU\Software\onprem.chat\Clients (users_script.py).
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from .._registry import commands
from .._windows import reg_tool, users
from .._windows.users import User
from .._winrm import quoting
from .._winrm.runner import Answer, Ask
from . import detect, users_script
from .detect import Installed
from .users_order import USERS, Order
from .wanted import EXE, MSI, Wanted

PLACE, TASK, FOLDERS, LOADED, LEFTOVER, FILES, REPAIR = (
    f"people.{name}" for name in ("place", "task", "folders", "loaded", "leftover", "files", "repair")
)
_ANY = "HKEY_USERS\\onprem-chat-any"
_ROOT = "HKEY_USERS\\"


@dataclasses.dataclass(frozen=True)
class Mark:
    """What a user's own run left in his hive. ``code`` is unsigned, None when the installer gave none."""

    wish: str = ""
    version: str = ""
    end: str = ""
    code: int | None = None
    tries: int = 1
    repairs: frozenset[str] = frozenset()
    log: str = ""
    runs: frozenset[str] = frozenset()
    exists: bool = False

    @property
    def by_deadline(self) -> bool:
        return self.end == "deadline"


@dataclasses.dataclass(frozen=True)
class Person:
    """A user, what he has, and what his last run left. Not ``readable``: his hive could not be asked.

    ``namesake``: there is another one of this name, for instance of the host where this one is of the domain.
    """

    user: User
    installed: tuple[Installed, ...] = ()
    mark: Mark = Mark()
    readable: bool = True
    namesake: bool = False

    @property
    def sid(self) -> str:
        return self.user.sid

    @property
    def called(self) -> str:
        """For people who read it."""
        return f"{self.user.name} ({self.sid})" if self.namesake else self.user.name


@dataclasses.dataclass(frozen=True)
class Scene:
    """What is on the host. ``files``: what dir says of the folder of this wish; ``folders``: of all wishes."""

    programs: str
    people: tuple[Person, ...] = ()
    task: str = ""
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    repair: str = ""
    still_loaded: bool = False

    def registered(self, order: Order) -> bool:
        """Whether the task is there, for this wish and for the group, and not switched off.

        Everybody may make tasks for himself, and give them our name. For a group only administrators can: MS-TSCH 3.2.5.1.1.
        """
        mine = re.search(rf"<Arguments>[^<]*\\{order.wish}\\user\.cmd", self.task) and "<GroupId>" in self.task
        return bool(mine) and not re.search(r"<Enabled>\s*false", self.task)

    def has(self, name: str, size: int) -> bool:
        """Whether the folder has a file of this name and size (bytes). Columns before the size are the host's own."""
        return any(line.endswith(f" {size} {name.lower()}") for line in self.files)

    @property
    def once(self) -> bool:
        """Whether a run that was interrupted has left tasks of single users."""
        names = [line.rpartition(" ")[2] for line in self.files]
        return any(name.startswith("s-1-") and name.endswith(".xml") for name in names)

    def person(self, sid: str) -> Person | None:
        return next((one for one in self.people if one.sid == sid), None)


def questions(order: Order) -> list[Ask]:
    """What has to be asked at once."""
    wanted = order.wanted
    above = rf"%ProgramFiles%\{USERS}\{wanted.users_identity}"
    folder = rf"{above}\{order.wish}"
    asks = [
        Ask(PLACE, f"echo %ProgramFiles%&{reg_tool.ANSWERS}"),
        *users.questions(),
        Ask(TASK, f"schtasks /query /tn {quoting.argument(order.task)} /xml 2>nul"),
        Ask(FOLDERS, f'dir /b /ad "{above}" 2>nul'),
        Ask(FILES, f'dir /-c /a-d "{folder}" 2>nul'),
        Ask(REPAIR, f'type "{folder}\\repair.txt" 2>nul'),
        Ask(LOADED, commands.with_loaded([(n, c.replace(_ANY, "%k")) for n, c in _parts(wanted, "%k", _ANY)])),
    ]
    return [*asks, *detect.questions(wanted)] if wanted.kind == MSI else asks


def more(order: Order, answers: t.Mapping[str, Answer]) -> list[Ask]:
    """What is still to be asked, now that it is known who has a profile: those whose hives are not loaded."""
    asks = []
    if commands.MOUNT in [hive.lower() for hive in users.hives(answers)]:
        asks.append(Ask(LEFTOVER, commands.unload()))
    for user in users.understand(answers):
        if user.loadable:
            parts = _parts(order.wanted, user.sid, commands.MOUNTED)
            asks.append(Ask(f"people.{user.sid}", commands.with_hive(user.profile, parts)))
    return [ask for ask in asks if ask.name not in answers]


def _parts(wanted: Wanted, name: str, root: str) -> list[tuple[str, str]]:
    """Name and command line of each question about one user's hive."""
    parts = [(f"{name}.mark", f"reg query {quoting.argument(mark_key(wanted, root))} /s 2>nul")]
    for view in (64, 32) if wanted.kind == EXE else ():
        key = quoting.argument(f"{root}\\{users_script.UNINSTALL}\\{wanted.uninstall_key}")
        parts.append((f"{name}.{view}", f"reg query {key} /reg:{view} 2>nul"))
    return parts


def mark_key(wanted: Wanted, root: str) -> str:
    """Where a user's runs leave their results, in the hive ``root``."""
    return f"{root}\\{users_script.KEY}\\{wanted.users_identity}"


def within(path: str, folder: str) -> bool:
    """Whether a path is one below a folder of a local drive.

    What stands in a user's hive is what he wrote there, and an administrator reads it: the path of another's file, or of a server
    that waits for somebody to log in, is not taken.
    """
    below = path.lower().startswith(f"{folder.lower()}\\")
    return bool(
        folder[1:3] == ":\\" and below and ":" not in path[2:] and "/" not in path and ".." not in path.split("\\")
    )


def forget(wanted: Wanted, root: str) -> str:
    """Takes a user's results away, and the keys above them where nothing else is in them."""
    above = f"{root}\\{users_script.KEY}"
    parts = [f"reg delete {quoting.argument(mark_key(wanted, root))} /f {commands.QUIET}"]
    for key in (above, above.rpartition("\\")[0]):
        name = quoting.argument(key)
        parts.append(f"(reg query {name} 2>nul | findstr . >nul || reg delete {name} /f {commands.QUIET})")
    return " & ".join(parts)


def understand(order: Order, answers: t.Mapping[str, Answer]) -> Scene:
    """What the answers to all questions say."""
    wanted = order.wanted
    products = detect.understand(wanted, answers).installed if wanted.kind == MSI else ()
    loaded = {name.removeprefix(_ROOT): answer for name, answer in commands.parts_of(answers[LOADED]).items()}
    people, still_loaded = [], LEFTOVER in answers and not answers[LEFTOVER].ok
    everybody = users.understand(answers)
    names = collections.Counter(user.name.lower() for user in everybody)
    for user in everybody:
        given, readable = loaded, True
        if not user.loaded:
            given = commands.parts_of(answers[f"people.{user.sid}"]) if f"people.{user.sid}" in answers else {}
            code = given[commands.LOAD].exit_code if commands.LOAD in given else commands.NO_HIVE
            readable = code != commands.REFUSED and not user.roaming
            still_loaded |= code == commands.LOADED and not given.get(commands.UNLOAD, Answer(1)).ok
        person = _person(wanted, user, given, readable, products)
        people.append(dataclasses.replace(person, namesake=names[user.name.lower()] > 1))
    return Scene(
        programs=answers[PLACE].text.strip(),
        people=tuple(people),
        # Some versions of schtasks write UTF-16, and what is looked for has no other letters than ASCII.
        task=answers[TASK].text.replace("\0", ""),
        files=tuple(line.rstrip().lower() for line in answers[FILES].text.splitlines() if line.strip()),
        folders=tuple(line.strip() for line in answers[FOLDERS].text.splitlines() if line.strip()),
        repair=answers[REPAIR].text.strip(),
        still_loaded=still_loaded,
    )


def _person(wanted: Wanted, user: User, given: t.Mapping[str, Answer], readable: bool, products) -> Person:
    # A key is named as Windows spells it; a SID has no letters but the first.
    here = {name.upper(): answer for name, answer in given.items()}
    sid = user.sid.upper()
    found: dict[tuple[str, str], Installed] = {}
    for view in (64, 32):
        for key, values in detect.keys_of(here[f"{sid}.{view}"].text) if f"{sid}.{view}" in here else ():
            one = _installed(key, values, view, user.sid)
            if one is not None:
                # Windows shows the same key of a user in both views.
                found.setdefault((one.version, one.uninstall), one)
    mine = [dataclasses.replace(one, sid=user.sid) for one in products if one.sid.upper() == sid]
    mark = _mark(here[f"{sid}.MARK"].text) if f"{sid}.MARK" in here else Mark()
    return Person(user, (*found.values(), *mine), mark, readable or wanted.kind == MSI)


def _installed(path: str, values: dict[str, str], view: int, sid: str) -> Installed | None:
    if not values:
        return None
    return Installed(
        key=path.rsplit("\\", 1)[-1],
        version=values.get("displayversion", ""),
        name=values.get("displayname", ""),
        sid=sid,
        view=view,
        uninstall=values.get("uninstallstring", ""),
        quiet_uninstall=values.get("quietuninstallstring", ""),
        location=values.get("installlocation", ""),
    )


def _mark(text: str) -> Mark:
    keys = detect.keys_of(text)
    if not keys:
        return Mark()
    values = {name: data for path, own in keys if not path.lower().endswith("\\runs") for name, data in own.items()}
    runs = frozenset(name for path, own in keys if path.lower().endswith("\\runs") for name in own)
    try:
        code = int(values.get("exitcode", "")) & 0xFFFFFFFF
    except ValueError:
        code = None
    tries = values.get("tries", "")
    return Mark(
        wish=values.get("wish", ""),
        version=values.get("version", ""),
        end=values.get("end", ""),
        code=code,
        tries=int(tries) if tries.isdigit() else 1,
        repairs=frozenset(data for name, data in values.items() if name.startswith("repair.")),
        log=values.get("log", ""),
        runs=runs,
        exists=True,
    )
