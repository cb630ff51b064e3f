# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person at the prompt: talks to a command in a pseudo-terminal, with nothing of the collection's own code."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Talk:
    """What came of it."""

    screen: str
    code: int
    open_questions: tuple[str, ...]

    def value(self, label: str) -> str:
        """What stands behind a label at the end of a line."""
        return re.findall(rf"{re.escape(label)}: (\S+)\s*$", self.screen, re.MULTILINE)[-1]


def talk(command: list[str], answers: Iterable[tuple[str, str]], seconds: float = 60, until: str = "\0") -> Talk:
    """Run it; each answer is typed when its words are the last that stand there. Kills it in the end, or when `until` stands there last."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvp(command[0], command)
    raw, mark, left = b"", 0, list(answers)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:
                break
            if not more:
                break
            raw += more
        seen = plain(raw[mark:])
        # However it is broken into lines.
        if left and "".join(seen.split()).endswith("".join(left[0][0].split())):
            os.write(terminal, left.pop(0)[1].encode() + b"\n")
            mark = len(raw)
        if seen.rstrip().endswith(until):
            deadline = 0
    else:
        os.kill(pid, signal.SIGKILL)
    # In this order: where the leader of the session dies while the terminal is closed, the kernel may hang up nobody.
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(terminal)
    return Talk(plain(raw), code, tuple(words for words, _answer in left))


def plain(raw: bytes) -> str:
    """Without colours; a line that was written again and again is there once, as it was last."""
    text = CONTROL.sub("", raw.decode(errors="replace")).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
