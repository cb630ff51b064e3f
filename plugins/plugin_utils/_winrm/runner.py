# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The interface to a Windows host: run a native command, get bytes and the 32-bit exit code; files in and out.

Everything above the transport codes against :class:`Runner`. :mod:`.channel` is the one over WinRM.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command gave.

    ``exit_code`` is unsigned, 32 bit (3010, 0xC0000005), as GetExitCodeProcess gives it. ``stdout`` and ``stderr`` are
    the bytes that came; the shell runs with code page 65001, so tools that write in the console's code page write UTF-8.
    """

    exit_code: int
    stdout: bytes = b""
    stderr: bytes = b""
    complete: bool = True
    """False where the connection was lost meanwhile: the exit code is true, output may be missing."""

    @property
    def text(self) -> str:
        """stdout as text with line feeds only; what is no UTF-8 is replaced. To show or to split, not to compare."""
        return self.stdout.decode("utf-8", errors="replace").replace("\r\n", "\n")

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


@dataclasses.dataclass(frozen=True)
class Ask:
    """A question: a command line of cmd.exe that may be given twice, with a name to find its answer by.

    It changes nothing, or nothing more when it comes again, as after a lost connection. It reads no standard input and does
    not end the command processor (no bare ``exit``); ``if`` and ``for`` may be used, unquoted parentheses only in pairs. It
    stands in a command line, not in a batch file: one ``%`` for the variables of ``for``.
    """

    name: str
    command: str


class Runner(t.Protocol):
    """Runs native commands on one Windows host. All errors are :class:`.errors.ChannelError`."""

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        """Run one command line of cmd.exe and wait for its end, ``deadline`` seconds at most.

        ``stdin`` is fed to the command, followed by the end of file; without it the command finds a console at which nobody
        types, and one that reads waits until the deadline (``<nul`` gives it an empty input).
        Raises CommandTooLong before anything is sent; DeadlineError after the command was terminated on the host, with
        what it wrote until then. A command whose connection is lost after it may have begun is never started again by
        itself: it is waited for over a new connection, and where the host knows it no more, Lost is raised.
        After Lost it may still run, unless it was given ``stdin``.
        """

    def batch(self, asks: Sequence[Ask], *, deadline: float = 60.0) -> dict[str, Answer]:
        """Ask many questions in as few command lines as possible; ``deadline`` seconds for all.

        Each answer has its own exit code and stdout. stderr is not split: every answer has what its command line wrote.
        After a lost connection the questions are asked again.
        """

    def write_file(self, path: str, content: bytes, *, deadline: float = 120.0) -> None:
        """Write a small file (some MB at most): beside its place, checked by SHA-256 on the host, then renamed.

        Missing folders are made. A file that already has this content is left alone.
        """

    def write_files(self, contents: Mapping[str, bytes], *, deadline: float = 120.0) -> None:
        """The same for several, by path; small ones of one folder travel together. All are there, or an error says why not."""

    def read_file(self, path: str, *, limit: int = 1_000_000, deadline: float = 60.0) -> bytes:
        """The exact bytes of a file of at most ``limit`` bytes; MissingFile where there is none."""
