# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Brings a host's registry to its settings, and believes only what is read back."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t
from collections.abc import Mapping

from .._winrm.files import BESIDE
from .._winrm.runner import Answer, Ask, Runner
from . import commands
from .errors import AnswerError, NotConverged
from .plan import Change, Plan, plan
from .questions import LEFTOVER, State, Target, questions, understand
from .settings import Settings

# The users, their hives, exports where a listing is in doubt, and one more; beyond that the answers make no sense.
_ROUNDS = 6


@dataclasses.dataclass
class Outcome:
    """What was found and done."""

    changed: bool
    diff: dict[str, str]
    changes: list[dict[str, t.Any]]
    users: list[dict[str, t.Any]]
    warnings: list[str]


def ask_all(
    runner: Runner, settings: Settings, answers: Mapping[str, Answer] | None = None, deadline: float = 120.0
) -> dict[str, Answer]:
    """All answers that :func:`understand` needs; ``answers`` are those that somebody has already."""
    found = dict(answers or {})
    for _round in range(_ROUNDS):
        asks = questions(settings, found)
        if not asks:
            return found
        found.update(runner.batch(asks, deadline=commands.patience(asks, deadline)))
    raise AnswerError(
        "The host answers questions about its registry incompletely",
        ", ".join(ask.name for ask in questions(settings, found)[:5]),
        "Something between reg.exe and here cuts or changes what it prints",
        "Run reg query by hand there, and report what is odd",
    )


def apply(runner: Runner, settings: Settings, todo: Plan, state: State, deadline: float = 120.0) -> dict[str, Answer]:
    """Write everything, and ask the first questions of reading back in the same breath; gives all answers afterwards.

    What is written travels in files, never in a command line. They lie in Windows' own Temp folder for as long as the import
    takes. Users may make files there and cannot list it: names that nobody can foretell keep them from reading ours, and from
    being there first. Those that a run left that was killed meanwhile go as well, and what had not come whole.

    A batch whose answer was lost is sent again, although it may have run to its end: it must do no harm the second time.
    """
    asks: list[Ask] = []
    files = todo.files()
    place = f"{state.windows}\\Temp\\{commands.MOUNT}-"
    paths = [f"{place}{secrets.token_hex(12)}.reg" for _file in files]
    contents = {path: file.content for path, file in zip(paths, files, strict=True) if file.content}
    runner.write_files(contents, deadline=deadline)
    for number, (path, file) in enumerate(zip(paths, files, strict=True)):
        for key in file.removed:
            command = commands.delete_key(key, file.view)
            # Without its file the import was before: the key is the new one.
            command = commands.where_exists(path, command) if file.content else command
            asks.append(Ask(f"registry.write.{number}.{key}", command))
        if not file.content:
            continue
        write = commands.import_file(path, file.view)
        if not file.profiles:
            asks.append(Ask(f"registry.write.{number}", write))
        for target in file.profiles:
            command = commands.with_hive(target.profile, [("import", write)])
            asks.append(Ask(f"registry.write.{number}.{target.id}", command))
    asks.append(Ask("registry.clean", commands.delete_files(f"{place}*", f"{state.windows}\\Temp\\{BESIDE}*")))
    asks += questions(settings)
    answers = runner.batch(asks, deadline=commands.patience(asks, deadline))
    read_back = {
        name: answer for name, answer in answers.items() if not name.startswith(("registry.write.", "registry.clean"))
    }
    return ask_all(runner, settings, read_back, deadline)


def converge(
    runner: Runner,
    settings: Settings,
    check_mode: bool = False,
    answers: Mapping[str, Answer] | None = None,
    deadline: float = 120.0,
) -> Outcome:
    """Everything: ask, plan, and unless ``check_mode`` write and read back.

    ``answers`` to :func:`questions` that were asked together with others save a round trip. Raises NotConverged with what
    is not as wanted, after everything else was done.
    """
    state = understand(settings, ask_all(runner, settings, answers, deadline))
    if state.refused or state.still_loaded:
        # Somebody logged on between two questions, or has just logged off: his hive is loaded now, or soon is not.
        state = understand(settings, ask_all(runner, settings, None, deadline))
    todo = plan(state, settings)
    after, left = state, Plan((), "", "")
    if todo.changed and not check_mode:
        after = understand(settings, apply(runner, settings, todo, state, deadline))
        left = plan(after, settings)
        if left.changed and [target.id for target in after.targets] != [target.id for target in state.targets]:
            # who was not loaded is now, or the other way round
            after = understand(settings, apply(runner, settings, left, after, deadline))
            left = plan(after, settings)
    outcome = Outcome(
        changed=todo.changed,
        diff=todo.diff,
        changes=[change.result() for change in todo.changes],
        users=[dataclasses.asdict(user) for user in after.users],
        warnings=passed_over(after),
    )
    _complain(runner, left.changes, after, outcome)
    return outcome


def passed_over(state: State) -> list[str]:
    """The warnings about profiles that are passed over."""
    found = [
        f"{_who(target)} has no NTUSER.DAT in {target.profile}: nothing of his can be set. Is this a rest of a profile?"
        for target in state.no_hive
    ]
    return found + [
        f"{user.name} has a roaming profile and is not logged on: nothing of his was looked at or set. Loading this copy of it would"
        " make it newer than the server's, and he would lose what he has set elsewhere. Run it again when he is logged on"
        for user in state.roaming
    ]


def _who(target: Target) -> str:
    return target.name or "The default profile"


def _complain(runner: Runner, left: tuple[Change, ...], state: State, outcome: Outcome) -> None:
    if state.still_loaded and not runner.batch([Ask(LEFTOVER, commands.unload())])[LEFTOVER].ok:
        raise NotConverged(
            "A user's hive stays loaded after it was read",
            f"HKU\\{commands.MOUNT}",
            "Some program, a virus scanner for instance, holds it open; its user would get a temporary profile",
            f"Run it again, or: reg unload HKU\\{commands.MOUNT}",
            **_details(outcome),
        )
    if left:
        places = "; ".join(
            dict.fromkeys(f"{change.shown}: {change.instruction.name or '(key)'}" for change in left[:10])
        )
        raise NotConverged(
            f"After writing, {len(left)} of {len(outcome.changes)} settings are not as wanted",
            f"{places}{' …' if len(left) > 10 else ''}",
            "The account may not write there, or a policy or a program writes something else",
            "Try one of them with reg add as the same account, and look for a Group Policy that sets it",
            **_details(outcome),
        )
    if state.refused:
        raise NotConverged(
            "The hives of some profiles could not be loaded; everything else is done",
            ", ".join(f"{_who(target)} ({target.profile})" for target in state.refused),
            "Is another program using it, or is NTUSER.DAT damaged? The account needs the rights of an administrator",
            "Try again when he is logged off; scope loaded_users leaves such profiles out",
            **_details(outcome),
        )


def _details(outcome: Outcome) -> dict[str, t.Any]:
    return {"changed": outcome.changed, "diff": outcome.diff, "changes": outcome.changes, "users": outcome.users}
