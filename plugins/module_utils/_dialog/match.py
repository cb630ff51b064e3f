# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Patterns that a person wrote, asked of text that an installer wrote: both may be anything."""

from __future__ import annotations

import contextlib
import re
import signal
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import InputError, PatternError

SECONDS = 2.0
"""Processor time that one look at the output may take. Backtracking patterns take for ever on some texts."""

_NO_WORD = re.compile(r"[^\w\n]*")


def compiled(source: str, where: str) -> re.Pattern:
    """The pattern; ``^`` and ``$`` stand for lines. Raises InputError that says where it is and what is wrong with it."""
    try:
        pattern = re.compile(source, re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(
            f"{where}: {source!r} is no regular expression of Python: {error}.",
            "Is a bracket or a backslash missing, or meant literally?",
            "Escape ( ) [ ] { } . * + ? | ^ $ \\ by a backslash where they are meant literally.",
        ) from error
    if pattern.match(""):
        raise InputError(
            f"{where}: {source!r} matches nothing as well, so it would match everywhere.",
            action="Name at least one character that must be there.",
        )
    return pattern


def spans_lines(pattern: re.Pattern) -> bool:
    """Whether it names a line break; all others are asked of single lines, so that ``\\s`` never reaches the next one."""
    return "\\n" in pattern.pattern or "\n" in pattern.pattern


def stands_at_end(pattern: re.Pattern, text: str) -> bool:
    """Whether the text ends with what the pattern describes; only spaces, punctuation and signs may follow in the same line.

    A line break at the end counts only when the pattern names one.
    """
    breaks = spans_lines(pattern)
    for found in pattern.finditer(text):
        if not found.group().strip():
            continue
        tail = _NO_WORD.match(text, found.end())
        whole = tail is not None and tail.end() == len(text)
        if whole and not breaks and "\n" in found.group()[len(found.group().rstrip()) :]:
            whole = False
        if whole or (not text.endswith("\n") and pattern.fullmatch(text, found.start())):
            return True
    return False


@contextlib.contextmanager
def limited(what: str, seconds: float = SECONDS) -> t.Iterator[None]:
    """Ends what takes more than so many seconds of processor time. Raises PatternError. For the main thread only."""

    def stop(_number, _frame) -> None:
        raise PatternError(
            f"The patterns took more than {seconds:g} s of processor time on {what}.",
            "Is there a repetition within a repetition, as in (a+)+ or (.*)*?",
            "Write a simpler pattern.",
        )

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before if before is not None else signal.SIG_DFL)
