# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The process that runs the installer: detached from whoever started it, so that it outlives the connection.

Everything that it needs is imported before it is forked: the archive that Ansible sent is gone soon after.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import pathlib
import signal
import sys
import time
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog import record
from ansible_collections.onprem.chat.plugins.module_utils._dialog.dialogue import SETTLED, Dialogue, Outcome
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError, JournalError, PatternError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import Journal, Transcript
from ansible_collections.onprem.chat.plugins.module_utils._dialog.lock import Lock, beyond_standard, identity
from ansible_collections.onprem.chat.plugins.module_utils._dialog.process import Installer
from ansible_collections.onprem.chat.plugins.module_utils._dialog.spec import Prompt, Spec

STARTED = "started"
LAST_WORD = 60
"""Seconds in which the last entry is tried again when the disk takes nothing."""


def detach(lock: Lock, work: t.Callable[[t.Callable[[str], None]], None]) -> str:
    """Run ``work`` in a process of its own session that nobody waits for; returns what it tells once, "" when it dies before.

    ``work`` gets the function by which it tells. Only the lock goes with it; standard streams and everything else that was
    inherited are closed, so that the connection can end.
    """
    reader, writer = (beyond_standard(descriptor) for descriptor in os.pipe())
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            os.setsid()
            if os.fork():
                os._exit(0)
            _let_go({writer, lock.descriptor})
            work(_teller(writer))
        finally:
            # Neither the caller's clean-up nor its exception handlers are ours.
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, encoding="utf-8", errors="replace") as file:
        return file.read()


def _let_go(keep: set[int]) -> None:
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for entry in list(pathlib.Path("/proc/self/fd").iterdir()):
        if int(entry.name) > 2 and int(entry.name) not in keep:
            try:
                os.close(int(entry.name))
            except OSError:
                continue
    for name in ("stdin", "stdout", "stderr"):
        setattr(sys, name, open(os.devnull, "r+" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def _teller(writer: int) -> t.Callable[[str], None]:
    def tell(text: str) -> None:
        # Who started it may be gone already; that changes nothing.
        with contextlib.suppress(OSError):
            os.write(writer, text.encode("utf-8", "replace"))
        os.close(writer)

    return tell


class Supervisor:
    """One run from start to end. ``entry``: that of the journal; ``tell``: called once, when it runs or cannot."""

    def __init__(self, spec: Spec, journal: Journal, lock: Lock, entry: dict, tell: t.Callable[[str], None]) -> None:
        self.spec, self.journal, self.lock, self.entry, self.tell = spec, journal, lock, entry, tell
        self.installer: Installer | None = None
        self.transcript: Transcript | None = None
        self.stopped_by = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._last_output = 0.0
        self._screen: list[str] | None = None
        """What stood there before the installer was stopped, not yet masked."""
        self._unsaved = ""
        """Why the journal could not be written, while it is behind."""
        self._saved_at = 0.0
        answered, carried = record.earlier(entry)
        self.dialogue = Dialogue(spec, self._said, answered, carried)
        for values in carried:
            for value in values.values():
                self.dialogue.mask.add(value)

    def run(self) -> None:
        """Everything, up to the last word in the journal."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self.entry["supervisor"] = identity(os.getpid())
        try:
            self._begin()
        except DialogError as error:
            self.journal.drop_reserve()
            self.tell(json.dumps({"what": error.what, "cause": error.cause, "action": error.action}))
            return
        self.tell(STARTED)
        try:
            outcome = self._run()
        except DialogError as error:
            kind = "pattern" if isinstance(error, PatternError) else "start"
            outcome = self._give_up(Outcome(False, error.what, error.cause, error.action, kind=kind))
        except Exception as error:
            outcome = self._give_up(
                Outcome(
                    False, f"The supervisor failed ({type(error).__name__} in {_place(error)}).", "Is this a bug?",
                    "Report it with the journal's outcome; then run it again.", kind="bug",
                )
            )  # fmt: skip
        self._end(outcome)

    def _stop(self, number: int, _frame) -> None:
        self.stopped_by = number

    def _begin(self) -> None:
        try:
            self._sign()
        except OSError as error:
            raise self.journal.trouble("written", error) from error
        self.journal.keep_reserve()
        self.journal.save(self.entry)
        self.transcript = Transcript(self.journal)
        self.transcript.write(f"== run {self.entry['number']} ({self.entry['run']}) begins")

    def _sign(self, **more: str) -> None:
        self.lock.sign({"process": self.entry["supervisor"], "run": self.entry["run"], **more})

    def _said(self, line: str) -> None:
        self.transcript.write(line)

    # The loop

    def _run(self) -> Outcome:
        self.installer = Installer.start(self.spec, self.entry["run"])
        began = self._last_output = time.monotonic()
        self.entry["installer"] = identity(self.installer.pid)
        self._save()
        while True:
            self.installer.wait_for_output(self._pause(time.monotonic() - self._last_output))
            self._read()
            if self.installer.poll():
                return self._ended()
            if self.stopped_by:
                return self._give_up(self._terminated())
            now = time.monotonic()
            action = self.dialogue.tick(now - self._last_output, now - began, self.installer.waiting)
            if isinstance(action, Prompt):
                self._answer(action)
            elif action is not None:
                return self._give_up(action)
            if self.dialogue.news or (self._unsaved and now - self._saved_at > 1):
                self._save()

    def _pause(self, quiet: float) -> float:
        """Seconds to wait for output at most."""
        if quiet < SETTLED:
            return SETTLED - quiet + 0.01
        if self.dialogue.asking:
            return 0.1
        return 0.3 if quiet < 5 else 1.0

    def _read(self) -> None:
        data = self.installer.read()
        if not data:
            return
        self._last_output = time.monotonic()
        self.dialogue.feed(self._decoder.decode(data))
        replies = self.dialogue.screen.replies()
        if replies and not self.installer.modes()[1]:
            # Only a program that reads single characters can have asked for that; others would take it for an answer.
            self.installer.write("".join(replies).encode())
        if self.dialogue.news:
            self._save()
        self.transcript.flush()

    def _answer(self, prompt: Prompt) -> None:
        echo, whole_lines, translated = self.installer.modes()
        self.dialogue.answer(prompt, echo or not whole_lines)
        self.transcript.write(f"== answered {prompt.name}")
        enter = (b"\r" if translated or not whole_lines else b"\n") if prompt.enter else b""
        self.installer.write(prompt.answer.encode("utf-8", "surrogateescape") + enter)
        self._last_output = time.monotonic()
        self._save()

    def _save(self) -> bool:
        """Write down where we are; whether that worked. A disk that is full stops nothing: it is tried again."""
        self.dialogue.news = False
        dialogue = self.dialogue
        secret = {value.name: value.secret for value in self.spec.values}
        self.entry.update(
            step=dialogue.step,
            answered=list(dialogue.answered),
            values={
                name: {
                    "value": seen.value,
                    "secret": secret[name],
                    "changes": seen.changes,
                    "former": list(seen.former),
                }
                for name, seen in dialogue.values.items()
            },
        )
        before, self._unsaved = self._unsaved, ""
        try:
            self.journal.save(self.entry)
        except JournalError as error:
            self._unsaved = error.what
            if not before:
                self.transcript.write(f"== {error.what}")
        self._saved_at = time.monotonic()
        return not self._unsaved

    # The end

    def _ended(self) -> Outcome:
        """The installer's first process has ended: what it wrote before may still be on its way."""
        deadline = time.monotonic() + 2
        while not self.installer.silent and time.monotonic() < deadline:
            self.installer.wait_for_output(0.05)
            self._read()
        self.dialogue.feed(self._decoder.decode(b"", final=True))
        self.entry["exit_code"] = self.installer.exit_code
        outcome = self.dialogue.ended(self.installer.exit_code, self.installer.signal)
        # At a shutdown everybody is told to end; one that had just ended well has ended well.
        return self._terminated() if self.stopped_by and not outcome.good else outcome

    def _terminated(self) -> Outcome:
        return Outcome(
            False, f"The supervisor was told to end (signal {self.stopped_by}), and stopped the installer.",
            "Was the host shut down?", "Run it again.", kind="stopped",
        )  # fmt: skip

    def _give_up(self, outcome: Outcome) -> Outcome:
        """Stop the installer. What it writes while it is stopped may still hold a value."""
        self._screen = self.dialogue.drawn()
        if self.installer is not None:
            self.installer.stop(self._drain)
            self.entry["exit_code"] = self.installer.exit_code
        return outcome

    def _drain(self) -> None:
        try:
            self._read()
        except PatternError:
            return

    def _end(self, outcome: Outcome) -> None:
        try:
            self.dialogue.look(finished=True)
        except PatternError:
            self.transcript.write("== the patterns took too long on the last screen")
        cut_off = outcome.kind in ("stopped", "killed")
        self.entry["state"] = record.DONE if outcome.good else record.INTERRUPTED if cut_off else record.FAILED
        self.entry["finished"] = record.now()
        self.entry["withheld"] = self.dialogue.unrecognised
        if not self.entry["withheld"]:
            self.entry["screen"] = self.dialogue.masked(self._screen or self.dialogue.drawn())
        self.entry["carried"] = sorted(self.dialogue.carried_now)
        self.entry["outcome"] = {
            "what": outcome.what, "cause": outcome.cause, "remedy": outcome.remedy,
            "source": outcome.source, "kind": outcome.kind,
        }  # fmt: skip
        self.transcript.write(
            f"== run {self.entry['number']} ends: {self.entry['state']} {self.entry['outcome']['what']}".rstrip()
        )
        if self.installer is not None:
            self.installer.close()
        deadline = time.monotonic() + LAST_WORD
        while not self._save() and time.monotonic() < deadline:
            time.sleep(1)
        if self._unsaved:
            # The lock's file needs no more room than it has: who waits reads there why there is no result.
            with contextlib.suppress(OSError):
                self._sign(unsaved=self._unsaved)
        self.journal.drop_reserve()
        # Last: the result is worth more.
        self.transcript.close(self.dialogue.mask.known)


def _place(error: BaseException) -> str:
    """Where an exception came from: file, line and function, none of its data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    code = trace.tb_frame.f_code
    return f"{pathlib.PurePath(code.co_filename).name}:{trace.tb_lineno} {code.co_name}"
