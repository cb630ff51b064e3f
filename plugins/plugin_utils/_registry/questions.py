# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What has to be asked to know how far a host is from its settings, and what the answers mean.

Questions come in rounds, because users are known only after the first, and doubts only after the listings: :func:`questions` gives
those that are open, until there are none. Usually that is one round for the machine and for loaded users, two with profiles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from .._windows import reg_tool, users
from .._windows.users import User
from .._winrm.quoting import units
from .._winrm.runner import Answer, Ask
from . import commands, query, reg_file, values
from .errors import AnswerError
from .keys import fold
from .settings import Settings, ValueWish, Wish
from .values import Value

WINDOWS = "registry.windows"
LEFTOVER = "registry.leftover"
EVERYBODY = "registry.everybody"
# Each is asked of services' hives, too.
_AT_ONCE = 5
_ANY_ROOT = "HKEY_USERS\\onprem-chat-any"
Tree = dict[str, dict[str, tuple[str, Value]]]


@dataclasses.dataclass(frozen=True)
class Target:
    """A hive with settings: the machine's, or a user's. ``root`` stands before the keys of a user."""

    kind: str
    id: str
    root: str = ""
    name: str = ""
    profile: str = ""

    def path(self, key: str) -> str:
        return f"{self.root}\\{key}" if self.root else key


@dataclasses.dataclass
class Found:
    """A key as it is. ``tree``: everything in and below it, by folded paths, where all of it counts."""

    exists: bool
    values: dict[str, Value] = dataclasses.field(default_factory=dict)
    tree: Tree | None = None


@dataclasses.dataclass
class State:
    """A host's registry, as far as settings are about it."""

    windows: str
    targets: list[Target] = dataclasses.field(default_factory=list)
    found: dict[tuple[str, int], Found] = dataclasses.field(default_factory=dict)
    users: list[User] = dataclasses.field(default_factory=list)
    no_hive: list[Target] = dataclasses.field(default_factory=list)
    roaming: list[User] = dataclasses.field(default_factory=list)
    refused: list[Target] = dataclasses.field(default_factory=list)
    still_loaded: bool = False


def questions(settings: Settings, answers: Mapping[str, Answer] | None = None) -> list[Ask]:
    """What is still to be asked, given the answers so far. Everything may be asked twice."""
    given = _spread(answers or {})
    asks = [Ask(WINDOWS, f"echo %SystemRoot%&{reg_tool.ANSWERS}"), *_direct(_machine(), settings, given)]
    if settings.of_users:
        asks += [*users.questions(), *_everybody(settings)]
        if all(ask.name in given for ask in users.questions()):
            if commands.MOUNT in [hive.lower() for hive in users.hives(given)]:
                asks.append(Ask(LEFTOVER, commands.unload()))
            for target in _targets(settings, given):
                asks += _hive(target, settings, given) if target.profile else _direct(target, settings, given)
    return [ask for ask in asks if ask.name not in given]


def understand(settings: Settings, answers: Mapping[str, Answer]) -> State:
    """The state that the answers to all questions show. AnswerError where one makes no sense."""
    answers = _spread(answers)
    if problem := reg_tool.silent(answers[WINDOWS]):
        raise AnswerError(*problem)
    state = State(answers[WINDOWS].text.strip() or "C:\\Windows")
    targets = [_machine()]
    if settings.of_users:
        state.users = users.understand(answers)
        targets += _targets(settings, answers)
        if settings.wishes("profile"):
            state.roaming = [user for user in state.users if user.roaming and not user.loaded]
        if LEFTOVER in answers and not answers[LEFTOVER].ok:
            state.still_loaded = True
    for target in targets:
        given = answers
        if target.profile:
            given = _opened(target, answers)
            code = given[commands.LOAD].exit_code if commands.LOAD in given else commands.REFUSED
            if code:
                (state.no_hive if code == commands.NO_HIVE else state.refused).append(target)
                continue
            state.still_loaded |= not given.get(commands.UNLOAD, Answer(1)).ok
        state.targets.append(target)
        for index, wish in enumerate(settings.wishes(target.kind)):
            if not wish.inside:
                state.found[target.id, index] = _judge(target, wish, index, given)
    return state


def _machine() -> Target:
    return Target("machine", "machine")


def _targets(settings: Settings, answers: Mapping[str, Answer]) -> list[Target]:
    """Users and profiles that some settings are for."""
    found = []
    for user in users.understand(answers):
        if user.loaded and settings.wishes("loaded"):
            found.append(Target("loaded", user.sid, f"HKEY_USERS\\{user.sid}", user.name))
        elif not user.loaded and not user.roaming and settings.wishes("profile"):
            found.append(Target("profile", user.sid, commands.MOUNTED, user.name, user.profile))
    if settings.wishes("default"):
        found.append(Target("default", "default", commands.MOUNTED, "", users.default_profile(answers)))
    return found


def _direct(target: Target, settings: Settings, answers: Mapping[str, Answer]) -> list[Ask]:
    return [Ask(name, command) for name, command in _parts(target, settings, answers)]


def _everybody(settings: Settings) -> list[Ask]:
    """Questions about all loaded hives at once, which save a round trip. Not where these could mean something else.

    ``%`` in a key is one where that of the loop could be seen in it, and a key that has to be exported takes a file.
    """
    wishes = settings.wishes("loaded")
    if settings.wishes("profile") or settings.wishes("default"):
        return []  # those need a second round trip anyway
    if not wishes or len(wishes) > _AT_ONCE or any("%" in wish.key or wish.exact for wish in wishes):
        return []
    command = commands.with_loaded(
        [
            (name, part.replace(_ANY_ROOT, "%k"))
            for name, part in _parts(Target("loaded", "%k", _ANY_ROOT), settings, {})
        ]
    )
    return [Ask(EVERYBODY, command)] if units(command) <= commands.LONGEST else []


def _spread(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers with those about all loaded hives under the names that questions about one user have."""
    found = dict(answers)
    if EVERYBODY in found:
        for name, answer in commands.parts_of(found[EVERYBODY]).items():
            found.setdefault(name.replace("HKEY_USERS\\", "", 1), answer)
    return found


def _hive(target: Target, settings: Settings, answers: Mapping[str, Answer]) -> list[Ask]:
    """Questions about a profile, in as few loads of its hive as fit into command lines."""
    opened = _opened(target, answers)
    if opened and (commands.LOAD not in opened or opened[commands.LOAD].exit_code):
        return []
    number = sum(name.startswith(f"registry.{target.id}.hive.") for name in answers)
    asks: list[Ask] = []
    chosen: list[tuple[str, str]] = []
    for part in _parts(target, settings, opened):
        if part[0] in opened:
            continue
        if chosen and units(commands.with_hive(target.profile, [*chosen, part])) > commands.LONGEST:
            asks.append(
                Ask(f"registry.{target.id}.hive.{number + len(asks)}", commands.with_hive(target.profile, chosen))
            )
            chosen = []
        chosen.append(part)
    if chosen:
        asks.append(Ask(f"registry.{target.id}.hive.{number + len(asks)}", commands.with_hive(target.profile, chosen)))
    return asks


def _opened(target: Target, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """All answers about a profile; of several loads the worst counts."""
    found: dict[str, Answer] = {}
    for name, answer in answers.items():
        if name.startswith(f"registry.{target.id}.hive."):
            parts = commands.parts_of(answer) or {commands.LOAD: Answer(commands.REFUSED)}
            for part, given in parts.items():
                worse = part in found and found[part].exit_code >= given.exit_code and "." not in part
                found[part] = found[part] if worse else given
    return found


def _parts(target: Target, settings: Settings, given: Mapping[str, Answer]) -> Iterator[tuple[str, str]]:
    """Name and command line of each question about a target: the listings, and exports where these leave doubts."""
    for index, wish in enumerate(settings.wishes(target.kind)):
        if wish.inside:
            continue
        key, names = target.path(wish.key), _names(target, index)
        if wish.exact:
            yield names["exact"], commands.export(key, wish.view)
        elif wish.gone or not wish.values:
            yield names["list"], commands.exists(key, wish.view)
        else:
            lists = any(one.value and one.value.type == values.MULTISTRING for one in wish.values.values())
            yield names["list"], commands.listing(key, wish.view, lists)
            if "" in wish.values:
                yield names["default"], commands.default(key, wish.view)
            if names["list"] in given and _doubtful(target, wish, index, given):
                yield names["exact"], commands.export(key, wish.view)


def _names(target: Target, index: int) -> dict[str, str]:
    return {kind: f"registry.{target.id}.{index}.{kind}" for kind in ("list", "default", "exact")}


def _doubtful(target: Target, wish: Wish, index: int, given: Mapping[str, Answer]) -> bool:
    try:
        _listed(target, wish, index, given)
    except query.DoubtError:
        return True
    return False


def _judge(target: Target, wish: Wish, index: int, given: Mapping[str, Answer]) -> Found:
    names = _names(target, index)
    if names["exact"] in given:
        where = target.path(wish.key)
        return _exact(wish, where, commands.exported(given[names["exact"]], where))
    if wish.gone or not wish.values:
        return Found(given[names["list"]].ok)
    try:
        return _listed(target, wish, index, given)
    except query.DoubtError:
        raise AnswerError(
            "The host's answer about a key cannot be understood",
            target.path(wish.key),
            "It is a mistake in this collection",
            "Report it",
        ) from None


def _listed(target: Target, wish: Wish, index: int, given: Mapping[str, Answer]) -> Found:
    names = _names(target, index)
    answer = given[names["list"]]
    if not answer.ok:
        return Found(False)
    listing = query.read(answer.stdout.decode("utf-8", "replace"))
    asked = given.get(names["default"])
    default = query.read(asked.stdout.decode("utf-8", "replace")) if asked and asked.ok else None
    found = Found(True)
    for name, one in wish.values.items():
        line = listing.default(default) if not name else listing.one(one.name)
        if line is None and not one.name.isascii() and any("?" in other for other in listing.lines):
            raise query.DoubtError  # letters that the code page of the host's console does not have
        if line is not None:
            found.values[name] = _believed(one, line)
    return found


def _believed(one: ValueWish, line: query.Line) -> Value:
    value = query.value(line)
    if one.value is not None and not one.value.same_as(value) and "?" in line.data:
        raise query.DoubtError
    # A line break in what is wanted means that a listing may have been cut there.
    wanted = values.meaning(one.value) if one.value is not None else ""
    if any(
        mark in part
        for part in ((wanted,) if isinstance(wanted, str) else wanted if isinstance(wanted, tuple) else ())
        for mark in "\r\n"
    ):
        raise query.DoubtError
    return value


def _exact(wish: Wish, where: str, content: bytes | None) -> Found:
    if content is None:
        return Found(False, tree={} if wish.exact else None)
    tree: Tree = {}
    for one in reg_file.parse(content, None, f"what reg export gave of {where}", exported=True):
        below = tree.setdefault(fold(one.key), {})
        if one.name is not None and one.value is not None:
            below[fold(one.name)] = (one.name, one.value)
    found = Found(True, tree=tree if wish.exact else None)
    found.values = {name: value for name, (_spelled, value) in tree.get(fold(where), {}).items() if name in wish.values}
    return found
