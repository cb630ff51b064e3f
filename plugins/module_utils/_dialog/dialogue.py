# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The dialogue itself: what the installer said, what it asks, what is answered. It knows no process and no clock."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog import mask as masking
from ansible_collections.onprem.chat.plugins.module_utils._dialog.captured import Captured, with_earlier
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import PatternError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.match import limited, spans_lines, stands_at_end
from ansible_collections.onprem.chat.plugins.module_utils._dialog.screen import Screen
from ansible_collections.onprem.chat.plugins.module_utils._dialog.spec import KnownError, Prompt, Spec
from ansible_collections.onprem.chat.plugins.module_utils._dialog.waiting import BUSY, POLLING, UNKNOWN, WAITING

SETTLED = 0.15
"""Seconds without output after which a question is taken for complete, when the installer waits for input."""
SETTLED_UNPROVEN = 1.0
"""The same, where the kernel does not tell whether it waits."""
PATIENCE = 10.0
"""Seconds that an installer has to end by itself after it reported a known error."""
WINDOW = 16384
"""Characters of lines that are kept for patterns which span lines."""
BATCH = 100
"""Lines that are read at once."""
LAST_LINES = 15
LONGEST = 500
"""Characters of a line of the installer in a message."""
PATIENT = 5
"""Times ``silence``, for a program that may work, and only looks whether something is typed."""
MASKING = 0.1
"""Seconds of processor time in which one line of the screen has to be masked."""
NOT_SHOWN = "(not shown: a pattern takes too long)"


@dataclasses.dataclass
class Outcome:
    """How a run ended. ``good``: as it should. Else what happened, the likely cause, what to do and where that is written."""

    good: bool
    what: str = ""
    cause: str = ""
    remedy: str = ""
    source: str = ""
    kind: str = ""
    """done, known_error, refused, unexpected, timeout, exit_code, killed, unfinished, value, pattern, stopped, start"""


class Dialogue:
    """``say``: called with each line as it may be shown (masked). ``before``: prompts answered by earlier runs that were cut off."""

    def __init__(
        self,
        spec: Spec,
        say: t.Callable[[str], None] | None = None,
        before: t.Iterable[str] = (),
        carried: t.Sequence[dict[str, str]] = (),
    ) -> None:
        self.spec = spec
        self.screen = Screen(spec.columns, spec.rows, self._line)
        self.mask = masking.Mask(tuple(value.pattern for value in spec.values if value.secret))
        for secret in spec.secrets():
            self.mask.add(secret)
        self.values: dict[str, Captured] = {}
        self.carried = carried
        """Values of each earlier run that was cut off."""
        self.carried_now: set[str] = set()
        """Which of them had to stand in for what was not seen in this one."""
        self.answered: list[str] = []
        self.counts: collections.Counter = collections.Counter()
        self.step = ""
        self.error: KnownError | None = None
        self.error_text = ""
        self.error_at = 0.0
        self.explained: tuple[KnownError, str] | None = None
        """The last error seen that only explains a bad end, and its line."""
        self.succeeded = spec.success is None
        self.news = False
        """Whether something was seen that must be kept; whoever keeps it sets it back."""
        self._before = set(before)
        self._tell = say or (lambda line: None)
        self._lines: list[tuple[str, str]] = []
        self._window: collections.deque[str] = collections.deque()
        self._window_size = 0
        self._dirty = True
        self._prompt: Prompt | None = None

    # What comes from the installer

    def feed(self, text: str) -> None:
        """Output of the installer. Raises PatternError."""
        self._dirty = True
        self.screen.feed(text)
        self._read_lines()

    def _line(self, text: str, shown: str) -> None:
        self._lines.append((text, shown))

    def _read_lines(self) -> None:
        lines, self._lines = self._lines, []
        for start in range(0, len(lines), BATCH):
            # The limit is for patterns, not for much output: a flood is read in parts.
            batch = lines[start : start + BATCH]
            told = 0
            try:
                with limited(f"what {self.spec.command[0]} printed"):
                    for text, shown in batch:
                        self._read_line(text)
                        self._tell(self.mask.apply(shown))
                        told += 1
                    self._match_window()
            except PatternError:
                for line in self.masked([shown for _text, shown in batch[told:]]):
                    self._tell(line)
                raise

    def _read_line(self, text: str) -> None:
        if text:
            self._window.append(text)
            self._window_size += len(text) + 1
            while self._window_size > WINDOW and len(self._window) > 1:
                self._window_size -= len(self._window.popleft()) + 1
            self._match_line(text)

    def _match_line(self, text: str) -> None:
        for error in self.spec.errors:
            if not spans_lines(error.pattern) and error.pattern.search(text):
                self._known(error, text)
        if not self.succeeded and self.spec.success is not None and not spans_lines(self.spec.success):
            self.succeeded = bool(self.spec.success.search(text))
        for value in self.spec.values:
            if not value.spans_lines:
                self._capture(value, value.pattern.finditer(text))

    def _match_window(self) -> None:
        """Patterns that name a line break."""
        values = [value for value in self.spec.values if value.spans_lines]
        errors = [error for error in self.spec.errors if spans_lines(error.pattern)]
        success = self.spec.success
        success = success if success is not None and not self.succeeded and spans_lines(success) else None
        if not (values or errors or success):
            return
        text = "\n".join(self._window) + "\n"
        for error in errors:
            found = error.pattern.search(text)
            if found:
                self._known(error, found.group().strip())
        if success:
            self.succeeded = bool(success.search(text))
        for value in values:
            self._capture(value, value.pattern.finditer(text))

    def _known(self, error: KnownError, text: str) -> None:
        if not error.fatal:
            # Of several that fit a line the first counts: the special one stands before the general one.
            if self.explained is None or self.explained[1] != text.strip():
                self.explained = error, text.strip()
        elif self.error is None:
            self.error, self.error_text, self.news = error, text.strip(), True

    def _capture(self, value, matches: t.Iterable[re.Match]) -> None:
        for found in matches:
            text = (found.group(1) or "").strip()
            fits = not value.format or bool(value.format.fullmatch(text))
            if not text or (not fits and value.name in self.values):
                continue
            if value.secret:
                self.mask.add(text)
            seen = self.values.get(value.name)
            if seen is None:
                self.values[value.name] = Captured(text, 0, fits)
                self.news = True
            elif seen.value != text:
                self.values[value.name] = seen.followed_by(text, fits)
                self.news = True

    def look(self, finished: bool = False) -> None:
        """Read the screen, for what was drawn there and never ended by a line break. Raises PatternError."""
        if finished:
            self.screen.finish()
            self._read_lines()
        with limited(f"the screen of {self.spec.command[0]}"):
            for text, _shown in self.screen.lines(without_cursor=not finished):
                for error in self.spec.errors:
                    if error.pattern.search(text):
                        self._known(error, text)
                if not self.succeeded and self.spec.success is not None:
                    self.succeeded = bool(self.spec.success.search(text))
                for value in self.spec.values:
                    if not value.spans_lines and value.name not in self.values:
                        self._capture(value, value.pattern.finditer(text))

    # What is done about it

    def tick(self, quiet: float, elapsed: float, waiting: t.Callable[[], str]) -> Prompt | Outcome | None:
        """What to do now: answer a prompt, stop the installer, or (None) wait.

        quiet, elapsed: seconds since the last output and since the start. waiting: asks whether the installer reads the
        terminal. Raises PatternError.
        """
        if elapsed > self.spec.timeout:
            return self._timed_out()
        if self.error is not None:
            self.error_at = self.error_at or elapsed
            if elapsed - self.error_at > PATIENCE or (quiet >= SETTLED and waiting() == WAITING):
                return self._known_error()
            return None
        if quiet < SETTLED:
            return None
        if self._dirty:
            self.look()
            self._prompt = self._find_prompt()
            self._dirty = False
        if self.error is not None:
            return None
        if self._prompt is not None:
            state = waiting()
            if state in (WAITING, POLLING) or (state != BUSY and quiet >= SETTLED_UNPROVEN):
                return (
                    self._prompt
                    if self.counts[self._prompt.name] < self._prompt.repeat
                    else self._refused(self._prompt)
                )
        return self._silent(quiet, waiting()) if quiet >= self.spec.silence else None

    def _silent(self, quiet: float, state: str) -> Outcome | None:
        """Who reads the terminal waits for somebody. Who only looks whether there is something to read may work as well (docker
        run -it), whatever stands in its last line: there a long silence tells."""
        if state == BUSY:
            return None
        if state == WAITING or (state == UNKNOWN and self.screen.x):
            return self._unexpected(state != UNKNOWN, self.spec.silence)
        long = PATIENT * self.spec.silence
        return self._unexpected(state != UNKNOWN, long) if quiet >= long else None

    @property
    def asking(self) -> bool:
        """Whether a known question stands there, and the installer does not read yet."""
        return self._prompt is not None

    def _find_prompt(self) -> Prompt | None:
        if self.screen.echoing:
            return None
        text = self.screen.before_cursor()
        if not text.strip():
            return None
        with limited("the question at the end of the output"):
            return next((prompt for prompt in self.spec.prompts if stands_at_end(prompt.pattern, text)), None)

    def answer(self, prompt: Prompt, echo: bool) -> None:
        """It is being answered; ``echo``: what is typed will be seen."""
        self.screen.typed(prompt.answer, prompt.secret, echo)
        self.counts[prompt.name] += 1
        self.step = prompt.name
        if prompt.name not in self.answered:
            self.answered.append(prompt.name)
        self._prompt = None
        self._dirty = True

    # How it ends

    def ended(self, exit_code: int | None, signal_number: int | None) -> Outcome:
        """The installer has ended by itself. Raises PatternError."""
        self.look(finished=True)
        if self.error is not None:
            return self._known_error()
        after = f"after {self.step}" if self.step else "before anything was answered"
        if signal_number is not None:
            return self._bad(
                "killed", f"The installer was killed by signal {signal_number} {after}.",
                "Did somebody stop it, or was memory short (journalctl -k)?", "Run it again.",
            )  # fmt: skip
        if exit_code not in self.spec.exit_codes:
            wanted = " or ".join(str(code) for code in self.spec.exit_codes)
            return self._bad(
                "exit_code", f"The installer ended with exit code {exit_code} instead of {wanted}, {after}.",
                "What do its last lines say?", "Mend what they say and run it again.",
            )  # fmt: skip
        return self._complete()

    def _complete(self) -> Outcome:
        """Exit code and known errors are fine: is everything there?"""
        if not self.succeeded:
            return self._bad(
                "unfinished", f"The installer ended without the text {self.spec.success.pattern!r} that tells of success.",
                "Did it give up without an exit code, or does this version word it otherwise?",
                "Read its last lines; if it is another wording, change the option success.",
            )  # fmt: skip
        asked = set(self.answered) | self._before
        missing = [prompt.name for prompt in self.spec.prompts if not prompt.optional and prompt.name not in asked]
        if missing:
            return self._bad(
                "unfinished", f"The installer ended well but never asked for {', '.join(missing)}.",
                "Was it run before by hand, or does this version ask less?",
                "If that is right, set optional on this prompt.",
            )  # fmt: skip
        carried = with_earlier(self.values, self.carried)
        for value in self.spec.values:
            if value.name not in self.values and value.name in carried:
                text = carried[value.name]
                with limited(f"the {value.name} of an earlier run"):
                    fits = not value.format or bool(value.format.fullmatch(text))
                self.values[value.name] = Captured(text, 0, fits)
                self.carried_now.add(value.name)
            seen = self.values.get(value.name)
            if seen is None and value.required:
                return self._bad(
                    "value", f"The installer ended well but its output has no {value.name} (pattern {value.pattern.pattern!r}).",
                    "Does this version word it otherwise?",
                    "Look for it in the transcript on the host and change the pattern.",
                )  # fmt: skip
            if seen is not None and not seen.fits:
                return self._bad(
                    "value", f"What was taken for {value.name} has not the form {value.format.pattern!r} ({len(seen.value)} characters).",
                    "Does the pattern match another line as well?", "Make the pattern or the format fit.",
                )  # fmt: skip
        return Outcome(True, kind="done")

    def failed(self, kind: str, what: str, cause: str = "", remedy: str = "") -> Outcome:
        """It ended for a reason from outside."""
        return self._known_error() if self.error is not None else self._bad(kind, what, cause, remedy)

    def _bad(self, kind: str, what: str, cause: str, remedy: str) -> Outcome:
        if self.explained is None:
            return Outcome(False, what, cause, remedy, "", kind)
        error, text = self.explained
        what = f"{what} It had said: {self._quoted(text)}"
        return Outcome(False, what, error.cause, error.remedy, error.source, kind)

    def _known_error(self) -> Outcome:
        error = self.error
        what = f"The installer says: {self._quoted(self.error_text)}"
        return Outcome(False, what, error.cause, error.remedy, error.source, "known_error")

    def _quoted(self, text: str) -> str:
        """As a message has it; masked before it is cut, for half a secret is not known."""
        return self.masked([text])[0][:LONGEST]

    def _refused(self, prompt: Prompt) -> Outcome:
        times = "" if prompt.repeat == 1 else f" {self.counts[prompt.name]} times"
        return self._bad(
            "refused", f"The installer asked again for {prompt.name}: it refused the answer, which was given{times}.",
            "Is the answer right? What does the installer say above the question?",
            f"Correct the answer of {prompt.name}; if it is meant to be asked several times, raise its repeat.",
        )  # fmt: skip

    def _unexpected(self, proven: bool, seconds: int) -> Outcome:
        state = "waits for input" if proven else "seems to wait for input (the kernel does not tell)"
        return self._bad(
            "unexpected", f"The installer {state} since {seconds} s, and no pattern of prompts fits what it asks.",
            "Is its wording another one, or is this a question that was not foreseen?",
            "Change the pattern of that prompt or add one; if it was only slow, raise silence.",
        )  # fmt: skip

    def _timed_out(self) -> Outcome:
        asks = f" It shows the question {self._prompt.name} and does not read the answer." if self._prompt else ""
        return self._bad(
            "timeout", f"The installer did not end within {self.spec.timeout} s.{asks}",
            "What was it doing last?", "If it was only slow, raise timeout.",
        )  # fmt: skip

    # What may be shown

    @property
    def unrecognised(self) -> bool:
        """Whether a secret may stand on the screen that no pattern knows.

        So it is when a secret value was not seen (or not in its form) and everything that had to be asked was answered: what
        the installer generates it may have printed by now, in other words than the pattern has.
        """
        asked = set(self.answered) | self._before
        if any(not prompt.optional and prompt.name not in asked for prompt in self.spec.prompts):
            return False
        seen = {name for name, one in self.values.items() if one.fits and name not in self.carried_now}
        return any(value.secret and value.name not in seen for value in self.spec.values)

    def masked(self, lines: t.Iterable[str]) -> list[str]:
        """Lines without secrets; of one on which a pattern takes for ever, only that. Not within ``limited``."""
        found = []
        for line in lines:
            try:
                with limited("the screen", MASKING):
                    clean = self.mask.apply(line)
            except PatternError:
                clean = NOT_SHOWN
            found.append(clean)
        return found

    def drawn(self) -> list[str]:
        """The screen's lines, not yet masked but for what was typed."""
        return [shown for _text, shown in self.screen.lines()]

    def last_screen(self) -> list[str]:
        """The screen's lines, without secrets."""
        return self.masked(self.drawn())
