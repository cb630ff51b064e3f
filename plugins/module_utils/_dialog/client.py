# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What the module does: start a run, attach to one, or say how the last one ended."""

from __future__ import annotations

import errno
import json
import time

from ansible_collections.onprem.chat.plugins.module_utils._dialog import record
from ansible_collections.onprem.chat.plugins.module_utils._dialog import spec as specs
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError, JournalError, RunError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import Journal
from ansible_collections.onprem.chat.plugins.module_utils._dialog.lock import Lock, boot_id
from ansible_collections.onprem.chat.plugins.module_utils._dialog.process import end_leftovers
from ansible_collections.onprem.chat.plugins.module_utils._dialog.result import ended, result
from ansible_collections.onprem.chat.plugins.module_utils._dialog.supervisor import STARTED, Supervisor, detach

PATIENCE = 120
"""Seconds that a supervisor may take beyond the installer's timeout: stopping it, a slow disk."""
UNKNOWN_HOLDER = 30
"""Seconds after which somebody who has the lock and does not say who he is, is an error."""


class Client:
    """One task. ``module``: what is used of an AnsibleModule: ``params``, ``check_mode`` and ``warn()``."""

    def __init__(self, module) -> None:
        self.module = module
        self.params = module.params
        self.journal = Journal(specs.folder(self.params))
        self.lock = Lock(self.journal.lock_path)

    def run(self) -> dict:
        """Raises DialogError."""
        if self.params["state"] == "read":
            return self._read()
        if self.params["state"] == "absent":
            return self._forget()
        spec = specs.read(self.params)
        if self.module.check_mode:
            return self._would(spec)
        self.journal.prepare()
        return self._present(spec)

    # state=present

    def _present(self, spec: specs.Spec) -> dict:
        deadline = time.monotonic() + UNKNOWN_HOLDER
        while True:
            if self._take():
                try:
                    return self._decide(spec)
                finally:
                    self.lock.close()
            holder = self.lock.holder()
            entry = self.journal.load() if holder else None
            if holder and entry and entry["run"] == holder["run"]:
                return self._attach(spec, holder, entry)
            # It is about to begin, or to give up.
            if time.monotonic() > deadline:
                raise RunError(
                    f"{self.journal.lock_path} is locked by a process that has written no journal.",
                    "Does another program hold this file, or does the disk hang?", f"Look with: fuser -v {self.journal.lock_path}",
                )  # fmt: skip
            time.sleep(0.05)

    def _take(self) -> bool:
        try:
            return self.lock.take()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                raise self.journal.trouble("locked", error) from error
            raise JournalError(
                f"{self.journal.lock_path} cannot be locked: {error.strerror}.",
                "Does state_directory lie on a file system without locks?", "Choose another state_directory.",
            ) from error  # fmt: skip

    def _free(self) -> bool:
        try:
            return self.lock.free()
        except OSError as error:
            raise self.journal.trouble("read", error) from error

    def _decide(self, spec: specs.Spec) -> dict:
        """Nobody runs it, and nobody can start it now."""
        entry = self.journal.load()
        if entry and entry["state"] == record.DONE:
            return self._done(entry, spec)
        if entry and entry["state"] in (record.RUNNING, record.INTERRUPTED):
            self._cut_off(entry)
        specs.check_host(spec)
        fresh = record.begin(spec, entry, boot_id())
        answer = detach(self.lock, lambda tell: Supervisor(spec, self.journal, self.lock, fresh, tell).run())
        self.lock.close()
        if answer != STARTED:
            self._not_started(answer)
        return self._wait(spec, fresh, attached=False)

    def _done(self, entry: dict, spec: specs.Spec) -> dict:
        different = record.difference(entry, spec, ended=True)
        missing = [value.name for value in spec.values if value.required and value.name not in entry["values"]]
        if missing:
            different.append(f"it did not look for the values {', '.join(missing)}")
        if different:
            raise RunError(
                f"{spec.name} was run to its end on {entry['finished']} with other inputs: {'; '.join(different)}. Nothing was run.",
                "Is this another installation under the same name?",
                "Give it another name; or, if it shall really run again, forget the earlier run with state=absent first.",
                result(entry, self.journal, reveal=False),
            )
        if record.other_secrets(entry, spec):
            self.module.warn(
                f"{spec.name} was run to its end on {entry['finished']} with other secret answers than those given now; "
                "they were not used. To run it again with them, forget that run with state=absent first."
            )
        return result(entry, self.journal, reveal=False)

    def _cut_off(self, entry: dict) -> None:
        """An earlier run was cut off: its installer may still be there."""
        if self.params["interrupted"] == "fail":
            raise RunError(
                f"The run of {entry['name']} that began on {entry['started']} was cut off "
                f"{_where(entry)} ({_why(entry)}), and interrupted=fail does not let it run again.",
                "In what state did it leave the host?",
                "Look at the transcript; then set interrupted=rerun, or forget the run with state=absent.",
                result(entry, self.journal, reveal=False),
            )
        self.module.warn(
            f"The run that began on {entry['started']} was cut off {_where(entry)} ({_why(entry)}); it runs again."
        )
        installer = entry["installer"]
        if installer and entry["boot"] == boot_id() and not end_leftovers(installer["pid"], entry["run"]):
            raise RunError(
                f"The installer of the run that was cut off still runs (session {installer['pid']}) and cannot be ended.",
                "Does it hang in the kernel, on a disk or a network file system?", "End it or reboot, then run again.",
            )  # fmt: skip

    def _not_started(self, answer: str) -> None:
        try:
            words = json.loads(answer)
        except ValueError:
            raise RunError(
                "The supervisor ended before it had begun.",
                "Was it killed, or is memory short (journalctl -k)?",
                "Run it again.",
            ) from None
        raise DialogError(words["what"], words["cause"], words["action"])

    def _attach(self, spec: specs.Spec, holder: dict, entry: dict) -> dict:
        who = f"pid {holder['process']['pid']}, since {entry['started']}"
        different = record.difference(entry, spec)
        if record.other_secrets(entry, spec):
            different.append("the secret answers differ")
        if different:
            raise RunError(
                f"{spec.name} is being run by somebody else ({who}) with other inputs: {'; '.join(different)}.",
                "Was it started by another play, or by an earlier one that lost its connection?",
                "Wait until it has ended, or end it (SIGTERM), then run this again.",
                result(entry, self.journal, reveal=False, running=True),
            )
        return self._wait(spec, entry, attached=True)

    def _wait(self, spec: specs.Spec, begun: dict, attached: bool) -> dict:
        """Until the supervisor has ended; it holds the lock so long. ``begun``: the entry with which it began."""
        deadline = time.monotonic() + begun["timeout"] + PATIENCE
        pause = 0.02
        while not self._free():
            if time.monotonic() > deadline:
                raise RunError(
                    f"The run of {spec.name} has not ended {PATIENCE} s after its timeout.",
                    "Does the disk hang?", "Look at the transcript; end the supervisor by hand, then run again.",
                    result(self.journal.load(), self.journal, reveal=False, attached=attached, running=True),
                )  # fmt: skip
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        entry = self.journal.load()
        if entry is None or entry["run"] != begun["run"]:
            raise RunError(
                "Another run was started, or the journal forgotten, while this one waited.",
                "Do two plays work on this host?", "Run it again.",
            )  # fmt: skip
        said = result(entry, self.journal, reveal=False, attached=attached, changed=True)
        if entry["state"] == record.DONE:
            for name in said["changed_values"]:
                self.module.warn(
                    f"The installer gave {name} more than once and not the same; the last one counts. "
                    "The former ones are in former_values of state=read."
                )
            for name in said["carried_values"]:
                self.module.warn(
                    f"The installer did not give {name} again; it is the one of the earlier run that was cut off."
                )
            return said
        words = self.lock.words()
        if words.get("run") == entry["run"] and words.get("unsaved"):
            raise RunError(
                f"{words['unsaved']} The run of {spec.name} has ended, and how could not be written down.",
                "Has the installer filled the disk?",
                "Make room there and look at the transcript; then run it again, which starts the installer anew.",
                said,
            )
        if entry["state"] == record.RUNNING:
            raise RunError(
                f"The supervisor of {spec.name} ended without a word {_where(entry)}; the installer was hung up.",
                "Was it killed?", "Run it again: with interrupted=rerun the installer is started anew.",
                said,
            )  # fmt: skip
        raise ended(entry, said)

    def _would(self, spec: specs.Spec) -> dict:
        if self.journal.prepared():
            self.journal.check()
        entry = self.journal.load()
        if not self._free():
            return {
                **result(entry, self.journal, reveal=False, changed=True, running=True),
                "msg": "It runs; would wait for its end.",
            }
        if entry and entry["state"] == record.DONE:
            return self._done(entry, spec)
        return {**result(entry, self.journal, reveal=False, changed=True), "msg": f"Would run {spec.command[0]}."}

    # state=read, state=absent

    def _read(self) -> dict:
        if self.journal.prepared():
            self.journal.check()
        running = not self._free()
        entry = self.journal.load()
        said = result(entry, self.journal, reveal=True, running=running)
        if said["status"] == record.DONE:
            return said
        outcome = (entry or {}).get("outcome") or {}
        given = bool(said["captured_values"] or said["previous_values"])
        state = f"{said['status']}: {outcome['what']}" if outcome.get("what") and not running else f"{said['status']}."
        if given:
            raise RunError(
                f"{self.params['name']} was not run to its end on this host: it is {state}",
                "Was it cut off, or does the installer refuse to run again?",
                "Run it again (state=present). What it gave so far is in captured_values and previous_values of this result, "
                f"and for root in {self.journal.path}.",
                said,
            )
        raise RunError(
            f"There are no values of {self.params['name']} on this host: it is {state}",
            "Was it not run yet, or under another name or state_directory?",
            "Run it first (state=present).",
            said,
        )

    def _forget(self) -> dict:
        if not self.journal.prepared():
            return result(None, self.journal, reveal=False)
        self.journal.check()
        deadline = time.monotonic() + 1
        while not self._take():
            # Who only looks has it for a moment.
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = self.lock.holder() or {"process": {"pid": "?"}}
            raise RunError(
                f"{self.params['name']} runs (pid {holder['process']['pid']}); it cannot be forgotten now.",
                "Did an earlier play start it?", "Wait until it has ended, or end it (SIGTERM to this process).",
            )  # fmt: skip
        try:
            there = self.journal.exists()
            if there and not self.module.check_mode:
                left = self.journal.forget()
                if left:
                    self.module.warn(f"{self.journal.folder} is kept, as it also holds: {', '.join(left)}")
            return result(None, self.journal, reveal=False, changed=there)
        finally:
            self.lock.close()


def _where(entry: dict) -> str:
    return f"after {entry['step']} was answered" if entry["step"] else "before anything was answered"


def _why(entry: dict) -> str:
    if entry["state"] == record.INTERRUPTED:
        killed = (entry["outcome"] or {}).get("kind") == "killed"
        return "the installer was killed" if killed else "its supervisor was told to end"
    return "the host was rebooted" if entry["boot"] != boot_id() else "its supervisor was killed"


def run(module) -> dict:
    """Everything between options and result. Raises DialogError."""
    return Client(module).run()
