# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is to be run, what it may ask and what it will say: the options, checked."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.match import compiled, spans_lines

LONGEST_ANSWER = 4000
"""Bytes; a terminal's line buffer takes 4095 (termios(3), canonical mode)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclasses.dataclass(frozen=True)
class Prompt:
    """A question of the installer and its answer."""

    name: str
    pattern: re.Pattern
    answer: str = dataclasses.field(repr=False)
    secret: bool
    repeat: int
    optional: bool
    enter: bool = True
    """Whether Enter is pressed after it."""


@dataclasses.dataclass(frozen=True)
class Value:
    """Something that the installer prints and that must be kept; group 1 of ``pattern``."""

    name: str
    pattern: re.Pattern
    secret: bool
    required: bool
    format: re.Pattern | None

    @property
    def spans_lines(self) -> bool:
        return spans_lines(self.pattern)


@dataclasses.dataclass(frozen=True)
class KnownError:
    """A text by which the installer says what is wrong, and what a person does about it."""

    pattern: re.Pattern
    cause: str
    remedy: str
    source: str
    fatal: bool
    """Whether it ends the run; else it only explains one that ends badly."""


@dataclasses.dataclass(frozen=True)
class Spec:
    """One dialogue. ``timeout`` and ``silence`` in seconds."""

    name: str
    command: tuple[str, ...]
    chdir: str
    environment: dict[str, str]
    prompts: tuple[Prompt, ...]
    values: tuple[Value, ...]
    errors: tuple[KnownError, ...]
    success: re.Pattern | None
    exit_codes: tuple[int, ...]
    timeout: int
    silence: int
    columns: int
    rows: int

    def inputs(self) -> dict[str, t.Any]:
        """What decides whether two runs are the same, without secrets."""
        return {
            "command": list(self.command),
            "chdir": self.chdir,
            "prompts": {prompt.name: None if prompt.secret else prompt.answer for prompt in self.prompts},
        }

    def secrets(self) -> list[str]:
        """The secret answers, in the order of their prompts."""
        return [prompt.answer for prompt in self.prompts if prompt.secret]


def folder(params: dict) -> pathlib.Path:
    """Where the journal lies. Raises InputError for a name that is none."""
    if not _NAME.fullmatch(params["name"]):
        raise InputError(
            f"name: {params['name']!r} cannot be used.",
            "Does it hold a folder or a space?",
            "Take letters, digits, dot, dash and underscore; it begins with a letter or a digit.",
        )
    base = pathlib.Path(params["state_directory"])
    if not base.is_absolute():
        raise InputError(f"state_directory: {base} does not begin with /.", action="Give the whole path.")
    return base / params["name"]


def read(params: dict) -> Spec:
    """The options of ``state=present``. Raises InputError."""
    command = tuple(params["command"] or ())
    if not command or not command[0]:
        raise InputError("command is not given.", action="Give the installer and its arguments as a list.")
    if any("\0" in word for word in command):
        raise InputError("command: a word holds a NUL character.", action="Remove it.")
    for option, least, most in (
        ("timeout", 1, 7 * 86400),
        ("silence", 1, 86400),
        ("columns", 20, 1000),
        ("rows", 5, 500),
    ):
        if not least <= params[option] <= most:
            raise InputError(
                f"{option}: {params[option]} is not between {least} and {most}.", action="Give another number."
            )
    prompts = tuple(_prompt(number, entry) for number, entry in enumerate(params["prompts"] or ()))
    values = tuple(_value(number, entry) for number, entry in enumerate(params["values"] or ()))
    for option, names in (("prompts", [one.name for one in prompts]), ("values", [one.name for one in values])):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                f"{option}: {', '.join(twice)} is there twice.", action="Give each entry a name of its own."
            )
    return Spec(
        name=params["name"],
        command=command,
        chdir=params["chdir"] or "/",
        environment=_environment(params["environment"] or {}),
        prompts=prompts,
        values=values,
        errors=tuple(_error(number, entry) for number, entry in enumerate(params["errors"] or ())),
        success=compiled(params["success"], "success") if params["success"] else None,
        exit_codes=tuple(params["exit_codes"]),
        timeout=params["timeout"],
        silence=params["silence"],
        columns=params["columns"],
        rows=params["rows"],
    )


def program(spec: Spec) -> str | None:
    """The file that ``command`` begins with, None when there is none that can be executed."""
    name = spec.command[0]
    if "/" in name:
        name = str(pathlib.Path(spec.chdir) / name)
    return shutil.which(name, path=spec.environment.get("PATH", os.environ.get("PATH", os.defpath)))


def check_host(spec: Spec) -> None:
    """What must be there before the installer can start. Raises InputError."""
    if not pathlib.Path(spec.chdir).is_dir():
        raise InputError(
            f"chdir: there is no folder {spec.chdir} on this host.",
            "Is the name right, and was it made by an earlier task?",
            "Make it first (ansible.builtin.file).",
        )
    if program(spec) is None:
        raise InputError(
            f"command: {spec.command[0]} is not there, or nobody may execute it.",
            "Was it copied by an earlier task, with mode 0755? Is its interpreter meant to come first in command?",
            "Copy it first, or give its interpreter: [bash, installer.sh].",
        )


def _prompt(number: int, entry: dict) -> Prompt:
    where = f"prompts[{number}] ({entry['name']})"
    answer, secret = entry.get("answer"), entry.get("secret_answer")
    if (answer is None) == (secret is None):
        raise InputError(
            f"{where}: {'both answer and secret_answer are' if answer is not None else 'neither answer nor secret_answer is'} given.",
            action="Give one of them; an empty answer is the Enter key.",
        )
    text = answer if secret is None else secret
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise InputError(
            f"{where}: the answer holds a line break or another control character.",
            "Was it read from a file with its line end?",
            "Give one line; of a file for instance with the filter trim.",
        )
    if len(text.encode("utf-8", "surrogateescape")) > LONGEST_ANSWER:
        raise InputError(
            f"{where}: the answer has more than {LONGEST_ANSWER} bytes.", action="A terminal takes no longer line."
        )
    if not text and not entry["enter"]:
        raise InputError(
            f"{where}: nothing would be typed.", action="Give a key as answer, or let Enter be pressed (enter: true)."
        )
    if entry["repeat"] < 1:
        raise InputError(f"{where}: repeat is {entry['repeat']}.", action="Give 1 or more.")
    return Prompt(
        entry["name"],
        compiled(entry["pattern"], f"{where}: pattern"),
        text,
        secret is not None,
        entry["repeat"],
        entry["optional"],
        entry["enter"],
    )


def _value(number: int, entry: dict) -> Value:
    where = f"values[{number}] ({entry['name']})"
    pattern = compiled(entry["pattern"], f"{where}: pattern")
    if not pattern.groups:
        raise InputError(
            f"{where}: pattern {entry['pattern']!r} has no group.",
            action="Put the part that is the value in round brackets.",
        )
    form = compiled(entry["format"], f"{where}: format") if entry.get("format") else None
    return Value(entry["name"], pattern, entry["secret"], entry["required"], form)


def _error(number: int, entry: dict) -> KnownError:
    pattern = compiled(entry["pattern"], f"errors[{number}]: pattern")
    return KnownError(pattern, entry["cause"], entry["remedy"], entry.get("source") or "", entry["fatal"])


def _environment(entries: dict) -> dict[str, str]:
    environment = {}
    for name, value in entries.items():
        if not name or "=" in name or "\0" in f"{name}{value}":
            raise InputError(
                f"environment: {name!r} is no name of a variable.", action="Give letters, digits and underscores."
            )
        environment[str(name)] = "" if value is None else str(value)
    return environment
