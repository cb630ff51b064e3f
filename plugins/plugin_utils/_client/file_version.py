# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The version in a program's file, for clients that update themselves without telling the registry.

Without PowerShell only Windows Script Host can tell it (FileSystemObject.GetFileVersion; wmic is no longer part of Windows 11 24H2).
Its one line of JScript lies in the account's own Temp folder for as long as it runs, under a name that nobody can foretell.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import typing as t
from collections.abc import Mapping, Sequence

from .._winrm import quoting
from .._winrm.files import BESIDE, NOT_FROM_HERE
from .._winrm.runner import Answer, Ask
from .errors import ClientError, OptionError

NAME = "client.version_file"
_SCRIPT = "WScript.Echo(new ActiveXObject('Scripting.FileSystemObject').GetFileVersion(WScript.Arguments.Item(0)))"
_PATH = re.compile(r'[A-Za-z]:\\[^<>"|?*/:\t\n]+[^\\<>"|?*/:\t\n]\Z')
_VERSION = re.compile(r"\d+(?:\.\d+){1,3}\Z")
_ABSENT = "absent"


class Versioned(t.Protocol):
    """What is used here of an installation: a frozen dataclass."""

    __dataclass_fields__: t.ClassVar[dict[str, t.Any]]

    @property
    def scope(self) -> str: ...


One = t.TypeVar("One", bound=Versioned)


def option(options: Mapping[str, t.Any]) -> str:
    """The path as the option ``version_file`` gives it, or an empty text. OptionError when it can be none."""
    path = options.get("version_file") or ""
    if path and not _PATH.match(path):
        raise OptionError(
            "version_file is no path of a file on the host",
            repr(path),
            "It must be DRIVE:\\FOLDER\\NAME",
            "Give the whole path, as it is on the hosts, without variables and quotation marks",
        )
    if path and options.get("scope") == "user":
        raise OptionError(
            "version_file does not go together with scope=user",
            repr(path),
            "Each user has a file of his own, which only his registry can be asked about",
            "Leave version_file away, or set scope to machine",
        )
    return path


def questions(path: str) -> list[Ask]:
    """None without a path."""
    if not path:
        return []
    file, script = quoting.path(path), f"{BESIDE}{secrets.token_hex(12)}.js"
    written = re.sub(r"([()])", r"^\1", _SCRIPT)
    # The engine is named, for files that end with .js may belong to an editor; where cscript does not know that switch, they do not.
    run = f"cscript //nologo //e:jscript {script} {file} 2>nul||cscript //nologo {script} {file}"
    # The variable before the path: Wine's cmd.exe takes a % in that and the next one in the line for a name between them.
    steps = [
        NOT_FROM_HERE,
        'pushd "%TEMP%"',
        f">{script} echo {written}",
        f"(if exist {file} ({run}) else (echo {_ABSENT}))",
    ]
    return [Ask(NAME, "&".join([*steps, f"del /q {script}", "popd"]))]


def counted(path: str, installed: Sequence[One], answers: Mapping[str, Answer]) -> list[One]:
    """The same installations, but the one of the machine has the version of the file; "" where the file is not there.

    Of two it is not known whose the file is: they keep what the registry says. Raises ClientError when the host cannot tell.
    """
    machine = [one for one in installed if one.scope == "machine"]
    if not path or len(machine) != 1:
        return list(installed)
    version = _read(path, answers[NAME])
    return [dataclasses.replace(one, version=version) if one is machine[0] else one for one in installed]


def _read(path: str, answer: Answer) -> str:
    lines = [line.strip() for line in answer.text.splitlines() if line.strip()]
    if lines == [_ABSENT]:
        return ""
    if lines and _VERSION.match(lines[-1]):
        return lines[-1]
    raise ClientError(
        "The host cannot tell the version of a file",
        path,
        f"The file has none, or Windows Script Host is switched off there{': ' + lines[0][:200] if lines else ''}",
        "Leave version_file away, so that the version in the registry counts, or allow cscript.exe to the account",
    )
