# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for a Windows host at the Runner interface, for unit tests: no cmd.exe, no quoting, no WinRM.

    desk = Desk({"reg query HKLM\\X": Answer(0, b"..."), re.compile("^msiexec "): Answer(3010)}, files={r"C:\a": b"x"})
    desk.run("msiexec /i x.msi")           # Answer(3010)
    desk.commands                          # ["msiexec /i x.msi"]

A rule's value is an Answer, a list of Answers (one a time, the last one stays), an exception to raise, or a function of
the command that gives an Answer. The first rule that fits answers; a command without a rule is an AssertionError, and so
is a command that the real channel would refuse. Paths of files are compared without regard to case, as NTFS does.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import MissingFile
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask

Reaction = Answer | list[Answer] | Exception | Callable[[str], Answer]


class Desk:
    """A Runner that answers from a table and remembers what it was asked."""

    def __init__(
        self,
        rules: Mapping[str | re.Pattern[str], Reaction] | None = None,
        *,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.rules: list[tuple[str | re.Pattern[str], Reaction]] = list((rules or {}).items())
        self.files = {path.lower(): content for path, content in (files or {}).items()}
        self.commands: list[str] = []
        """Every command, questions included, in order."""
        self.inputs: list[bytes | None] = []
        """What each command of ``run`` got on its standard input."""
        self.batches: list[list[str]] = []
        """The names asked in each batch: its length is the number of round trips."""
        self.written: list[tuple[str, bytes]] = []

    def rule(self, command: str | re.Pattern[str], reaction: Reaction) -> None:
        """A rule that is asked before the others."""
        self.rules.insert(0, (command, reaction))

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        assert deadline > 0
        self.inputs.append(stdin)
        return self._answer(command)

    def batch(self, asks: Sequence[Ask], *, deadline: float = 60.0) -> dict[str, Answer]:
        assert deadline > 0
        names = [ask.name for ask in asks]
        assert len(set(names)) == len(names), f"two questions of one name: {names}"
        if asks:
            self.batches.append(names)
        return {ask.name: self._answer(ask.command) for ask in asks}

    def write_file(self, path: str, content: bytes, *, deadline: float = 120.0) -> None:
        assert deadline > 0
        self.files[path.lower()] = content
        self.written.append((path, content))

    def write_files(self, contents: Mapping[str, bytes], *, deadline: float = 120.0) -> None:
        for path, content in contents.items():
            self.write_file(path, content, deadline=deadline)

    def read_file(self, path: str, *, limit: int = 1_000_000, deadline: float = 60.0) -> bytes:
        assert deadline > 0
        if path.lower() not in self.files:
            raise MissingFile(f"{path} is not there", "desk", "Nothing wrote it", "Write it first")
        content = self.files[path.lower()]
        assert len(content) <= limit
        return content

    def _answer(self, command: str) -> Answer:
        assert len(command.encode("utf-16-le")) // 2 <= 8000, "longer than a command line may be"
        assert not re.search(r"[\r\n\0]", command), "cmd.exe would stop at the line's end"
        self.commands.append(command)
        for pattern, reaction in self.rules:
            if pattern == command if isinstance(pattern, str) else pattern.search(command):
                return self._react(reaction, command)
        raise AssertionError(f"nobody told the desk what to answer to: {command}")

    @staticmethod
    def _react(reaction: t.Any, command: str) -> Answer:
        if isinstance(reaction, Exception):
            raise reaction
        if isinstance(reaction, list):
            return reaction.pop(0) if len(reaction) > 1 else reaction[0]
        return reaction(command) if callable(reaction) else reaction
