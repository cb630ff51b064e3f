# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From what is there and what is wanted to what has to be written, and to a diff that shows no secret. Asks nobody."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Iterable

from . import reg_writer, values
from .keys import fold, short
from .questions import Found, State, Target, Tree
from .reg_file import Instruction
from .settings import Settings, ValueWish, Wish

HIDDEN, HIDDEN_NEW = "********", "******** (new)"


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing that has to be different. Its instruction has the complete key, as it is written on the host."""

    target: Target
    view: str
    instruction: Instruction
    shown: str

    @property
    def action(self) -> str:
        what = "key" if self.instruction.name is None else "value"
        return f"{'remove' if self.instruction.gone else 'set'}_{what}"

    def result(self) -> dict[str, t.Any]:
        """For the module's result; no data."""
        return {
            "key": self.shown,
            "name": self.instruction.name,
            "view": self.view,
            "action": self.action,
            "user": self.target.name or None,
            "sid": self.target.id if self.target.kind in ("loaded", "profile") else None,
        }


@dataclasses.dataclass(frozen=True)
class File:
    """A .reg file to import; empty where there is none. ``profiles`` are the hives to import it into, one after the other; without
    any, directly. ``removed``: keys that go before that, by reg delete.
    """

    content: bytes = dataclasses.field(repr=False)
    view: str = "default"
    profiles: tuple[Target, ...] = ()
    removed: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Plan:
    """What has to be done."""

    changes: tuple[Change, ...]
    before: str
    after: str

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    @property
    def diff(self) -> dict[str, str]:
        return {"before": self.before, "after": self.after}

    def files(self) -> list[File]:
        """As few files as possible: all loaded hives of one view share one, and so do profiles that need the same."""
        direct: dict[str, list[Instruction]] = {}
        profiles: dict[tuple[Target, str], list[Instruction]] = {}
        for change in self.changes:
            if change.target.profile:
                profiles.setdefault((change.target, change.view), []).append(change.instruction)
            else:
                direct.setdefault(change.view, []).append(change.instruction)
        shared: dict[tuple[bytes, str], list[Target]] = {}
        for (target, view), instructions in profiles.items():
            shared.setdefault((reg_writer.render(instructions), view), []).append(target)
        files = [_direct(view, instructions) for view, instructions in direct.items()]
        return files + [File(content, view, tuple(targets)) for (content, view), targets in shared.items()]


def _direct(view: str, instructions: list[Instruction]) -> File:
    """Nobody says which view ``[-KEY]`` of an imported file means: reg.exe of Wine removes the 64-bit key, whatever /reg: says.

    reg delete has /reg:32 for it. Nothing is lost by removing first: what is written below a removed key is written after it.
    """
    removed = []
    if view == "32":
        removed = [one.key for one in instructions if one.gone and one.name is None]
        instructions = [one for one in instructions if not (one.gone and one.name is None)]
    return File(reg_writer.render(instructions) if instructions else b"", view, removed=tuple(removed))


class _Diff:
    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.before: list[str] = []
        self.after: list[str] = []

    def plan(self) -> Plan:
        return Plan(tuple(self.changes), "".join(self.before), "".join(self.after))


def plan(state: State, settings: Settings) -> Plan:
    """Everything that differs. Profiles whose hive could not be read are left out: ``state`` names them."""
    diff = _Diff()
    for target in state.targets:
        wishes = settings.wishes(target.kind)
        for index, wish in enumerate(wishes):
            if wish.inside:
                continue
            found = state.found[target.id, index]
            if wish.exact:
                _replaced(target, wish, [one for one in wishes if wish.holds(one)], found.tree or {}, diff)
            elif wish.gone:
                _removed(target, wish, found, diff)
            else:
                _adjusted(target, wish, found, diff)
    return diff.plan()


def _title(target: Target, wish: Wish, key: str | None = None) -> str:
    """The key for people: of a user by SID and name, whether his hive is loaded or not."""
    path = wish.key if key is None else key
    place = {"machine": short(path), "default": f"Default profile\\{path}"}.get(target.kind)
    place = place or f"HKU\\{target.id} ({target.name})\\{path}"
    return f"{place} ({wish.view}-bit)" if wish.view != "default" else place


def _removed(target: Target, wish: Wish, found: Found, diff: _Diff) -> None:
    if found.exists:
        title = _title(target, wish)
        diff.changes.append(Change(target, wish.view, Instruction(target.path(wish.key), gone=True), title))
        diff.before.append(f"[{title}] and everything below\n")


def _adjusted(target: Target, wish: Wish, found: Found, diff: _Diff) -> None:
    title, key = _title(target, wish), target.path(wish.key)
    before, after, instructions = [], [], []
    for name, one in wish.values.items():
        there = found.values.get(name)
        if (there is None and one.value is None) or (one.value is not None and one.value.same_as(there)):
            continue
        if there is not None:
            before.append(_line(one, there))
        if one.value is not None:
            after.append(_line(one, one.value, new=there is not None))
        instructions.append(Instruction(key, one.name, one.value, one.value is None))
    if not found.exists:
        wanted = [one for one in instructions if not one.gone]
        # no key is made just to have nothing in it
        instructions = [Instruction(key), *wanted] if wanted or not wish.values else []
    diff.changes += [Change(target, wish.view, one, title) for one in instructions]
    if instructions:
        _section(diff.before, title, before, found.exists)
        _section(diff.after, title, after, True)


def _replaced(target: Target, root: Wish, wishes: list[Wish], there: Tree, diff: _Diff) -> None:
    """A key that holds exactly what is wished: removed and written anew where it holds anything else."""
    wanted: dict[str, dict[str, ValueWish]] = {}
    spelled: dict[str, str] = {}
    for wish in wishes:
        parts = wish.key.split("\\")
        for count in range(root.key.count("\\") + 1, len(parts) + 1):
            path = "\\".join(parts[:count])
            wanted.setdefault(fold(target.path(path)), {})
            spelled.setdefault(fold(target.path(path)), path)
        wanted[fold(target.path(wish.key))].update(
            {name: one for name, one in wish.values.items() if one.value is not None}
        )
    if _same(wanted, there):
        return
    title = _title(target, root)
    if there:
        diff.changes.append(Change(target, root.view, Instruction(target.path(root.key), gone=True), title))
    for folded, ones in wanted.items():
        path = spelled[folded]
        shown = _title(target, root, path)
        instructions = [Instruction(target.path(path))]
        instructions += [Instruction(target.path(path), one.name, one.value) for one in ones.values()]
        diff.changes += [Change(target, root.view, instruction, shown) for instruction in instructions]
        _section(diff.after, shown, [_line(one, one.value) for one in ones.values() if one.value], True)
    for folded, entries in there.items():
        # What is thrown away was never declared: whether it is secret is not known, so only names and types are shown.
        shown = spelled.get(folded) or folded.removeprefix(fold(target.root) + "\\" if target.root else "")
        lines = [_entry(name, values.NAMES.get(value.type, "?")) for name, value in entries.values()]
        _section(diff.before, _title(target, root, shown), lines, True)


def _same(wanted: dict[str, dict[str, ValueWish]], there: Tree) -> bool:
    if set(wanted) != set(there):
        return False
    for path, ones in wanted.items():
        if set(ones) != set(there[path]):
            return False
        if any(one.value is not None and not one.value.same_as(there[path][name][1]) for name, one in ones.items()):
            return False
    return True


def _section(text: list[str], title: str, lines: Iterable[str], exists: bool) -> None:
    if exists:
        text.append(f"[{title}]\n" + "".join(f"{line}\n" for line in lines))


def _line(one: ValueWish, value: values.Value, new: bool = False) -> str:
    if one.secret:
        return _entry(one.name, f"{values.NAMES.get(value.type, '?')}:{HIDDEN_NEW if new else HIDDEN}")
    return _entry(one.name, values.shown(value))


def _entry(name: str, data: str) -> str:
    return f"  {name or '(default)'} = {data}"
