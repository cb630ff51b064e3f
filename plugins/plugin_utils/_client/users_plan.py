# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From what users have and what is wanted for them to what is to be done. Pure: nothing is asked, nothing is done."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from xml.sax.saxutils import unescape

from . import plan as machine
from .plan import Compare
from .users_detect import Person, Scene
from .users_order import DESCRIPTION, Order
from .wanted import Wanted

INSTALLED, PENDING, OUTDATED, NEWER, FAILED, UNKNOWN, ABSENT = (
    "installed", "pending", "outdated", "newer", "failed", "unknown", "absent",
)  # fmt: skip
_DESCRIPTION = re.compile(rf"<Description>\s*{re.escape(DESCRIPTION)}(\w+): (.*?)\s*</Description>", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Plan(machine.Plan):
    """What will be done for users.

    ``register``: the folder and the task; ``files``: of single users, by their names; ``now``: in whose sessions it runs at once;
    ``forget``: whose results of earlier runs go; ``finish``: nobody has it any more, so that task and folder go.
    """

    register: bool = False
    files: t.Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    now: tuple[Person, ...] = ()
    forget: tuple[Person, ...] = ()
    finish: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.register or self.files or self.now or self.forget or self.finish)


def state(person: Person, order: Order, compare: Compare) -> str:
    """One word for what a user has."""
    wanted = order.wanted
    if not person.readable:
        return UNKNOWN
    tried = person.mark.wish == order.wish and person.mark.end not in ("", "there", "newer")
    if wanted.state == "absent":
        return ABSENT if not person.installed else FAILED if tried else PENDING
    if any(_same(one.version, wanted, compare) for one in person.installed):
        return INSTALLED
    if any(compare(one.version, wanted.version) > 0 for one in person.installed):
        return NEWER
    if tried:
        return FAILED
    return OUTDATED if person.installed else PENDING


def _same(version: str, wanted: Wanted, compare: Compare) -> bool:
    return not wanted.version or (bool(version) and compare(version, wanted.version) == 0)


def plan(scene: Scene, order: Order, compare: Compare) -> Plan:
    """What is to be done on this host."""
    before = [*_registration(scene), *_shown(scene.people)]
    return _absent(scene, order, before) if order.wanted.state == "absent" else _present(scene, order, compare, before)


def complete(scene: Scene, order: Order) -> bool:
    """Whether the folder of this wish has everything, by names and sizes: it was compared by its hash when it was written."""
    sizes = {name: len(content) for name, content in order.files(scene.programs).items()}
    if order.package_name:
        sizes[order.package_name] = order.wanted.size
    return all(scene.has(name, size) for name, size in sizes.items())


def _missing(files: t.Mapping[str, bytes], scene: Scene) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not scene.has(name, len(content))}


def _present(scene: Scene, order: Order, compare: Compare, before: list[dict[str, t.Any]]) -> Plan:
    wanted = order.wanted
    register = not (scene.registered(order) and complete(scene, order))
    states = {one.sid: state(one, order, compare) for one in scene.people}
    todo = {PENDING, OUTDATED, FAILED}
    files: dict[str, bytes] = {}
    if wanted.allow_downgrade:
        todo.add(NEWER)
        for one in scene.people:
            if states[one.sid] == NEWER:
                files |= _missing(order.away(one.sid, one.installed), scene)
    if wanted.state == "repair":
        todo.add(INSTALLED)
    now = tuple(one for one in scene.people if one.user.logged_on and states[one.sid] in todo)
    gets = {one.sid for one in now}
    after = [{"name": wanted.name, "version": wanted.version, "scope": "every user, at logon"}]
    for one in scene.people:
        if one.sid in gets:
            after.append({"name": wanted.name, "version": wanted.version, "scope": _whose(one)})
        else:
            after += _shown([one])
    return Plan(
        before=tuple(before), after=tuple(after), why=_why(register, now, wanted.state == "repair", scene),
        register=register, files=files, now=now,
    )  # fmt: skip


def _why(register: bool, now: tuple[Person, ...], repair: bool, scene: Scene) -> str:
    if repair:
        return "repair was asked for"
    reasons = []
    if register:
        reasons.append("another wish is registered for users" if scene.task else "not registered for users")
    if now:
        reasons.append(f"{', '.join(one.called for one in now)} logged on without it")
    return "; ".join(reasons) or "registered for users, and whoever is logged on has it"


def _absent(scene: Scene, order: Order, before: list[dict[str, t.Any]]) -> Plan:
    having = [one for one in scene.people if one.installed]
    unknown = [one for one in scene.people if not one.readable]
    forget = tuple(one for one in scene.people if one.readable and not one.installed and one.mark.exists)
    there = bool(scene.task or scene.folders)
    if not having and not (there and unknown):
        why = "installed for nobody, and still registered" if there or forget else "not installed for anybody"
        return Plan(before=tuple(before), why=why, forget=forget, finish=there)
    register = not (scene.registered(order) and complete(scene, order))
    files: dict[str, bytes] = {}
    for one in having:
        files |= _missing(order.away(one.sid, one.installed), scene)
    now = tuple(one for one in having if one.user.logged_on)
    later = [one for one in having if not one.user.logged_on]
    after = [{"name": "removal of", "version": order.wanted.name, "scope": "every user, at logon"}] if later else []
    return Plan(
        before=tuple(before), after=(*after, *_shown(later)),
        why=f"installed for {', '.join(one.called for one in having)}" if having else "not known for everybody",
        register=register, files=files, now=now, forget=forget,
    )  # fmt: skip


def _whose(person: Person) -> str:
    return f"user {person.called}"


def _shown(people: t.Iterable[Person]) -> list[dict[str, t.Any]]:
    return [{**one.shown(), "scope": _whose(person)} for person in people for one in person.installed]


def _registration(scene: Scene) -> list[dict[str, t.Any]]:
    found = _DESCRIPTION.search(scene.task)
    if not found:
        return []
    name = unescape(found[2])
    if found[1] == "absent":
        return [{"name": "removal of", "version": name, "scope": "every user, at logon"}]
    name, _space, version = name.rpartition(" ")
    return [{"name": name, "version": version, "scope": "every user, at logon"}]


def shown(person: Person, order: Order, compare: Compare, repair: str = "") -> dict[str, t.Any]:
    """A user as the module's result tells of him. ``repair``: the word of the last repair, which everybody gets once."""
    mine = person.mark.wish == order.wish
    now = state(person, order, compare)
    return {
        "name": person.user.name,
        "sid": person.sid,
        "logged_on": person.user.logged_on,
        "state": PENDING if now == INSTALLED and repair and repair not in person.mark.repairs else now,
        "version": person.installed[0].version if person.installed else "",
        "exit_code": person.mark.code if mine else None,
    }
