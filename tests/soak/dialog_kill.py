# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills what takes part in installer_dialog with SIGKILL at random moments: the next run completes with the same values.

    tests/toolchain/with python tests/soak/dialog_kill.py [--count N] [--seed N] [--victim task|installer|supervisor]

The installer is a small script that can be run again: what it generated once, it gives again. It asks three questions, one
of them hidden, and gives two values. For each victim, count times: a task is started, the victim is killed at a random moment (the
first rounds: as early as it exists), and then a task is run without a kill. That one must end well, return what the installer
generated, and, where only the task was killed, not have started the installer twice. A last run must change nothing. At no
moment may the journal be anything but one whole entry, and every value that the killed run wrote down must still be there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import (
    CANARY,
    Place,
    gone,
    prompt,
    secret,
    value,
    wait_for,
)

VICTIMS = ("task", "installer", "supervisor")
INSTALLER = """
    echo run >>runs
    pause() { sleep 0.0$((RANDOM % 10)); }
    make() { [ -e "$1" ] || { echo "$1-$RANDOM$RANDOM" >"$1.new"; mv "$1.new" "$1"; }; }
    pause; read -rp "Chat domain name: " domain
    pause; IFS= read -rsp "License key: " key; echo
    pause; make id; echo "Client ID: $(cat id)"
    pause; read -rp "Continue? [y/N] " sure
    pause; make secret; echo -e "\\e[1mClient secret:\\e[0m $(cat secret)"
    pause; [ "$domain" = corp.test ] || exit 9
    echo "Installation complete"
"""
OPTIONS = {
    "prompts": [
        prompt("domain", "domain name", "corp.test"),
        secret("key", "License key"),
        prompt("sure", r"Continue\? \[y/N\]", "y"),
    ],
    "values": [value("id", r"Client ID:\s+(\S+)$"), value("secret", r"Client secret:\s+(\S+)$")],
    "success": "Installation complete",
}


class Wrong(Exception):
    """A round that must not end like this."""


class Loop:
    """Rounds for one victim."""

    def __init__(self, folder: Path, victim: str, dice: random.Random) -> None:
        self.folder, self.victim, self.dice = folder, victim, dice
        self.place = Place(folder)
        self.cut_off = self.early = 0

    def entry(self) -> dict:
        """The journal, whole at any moment; {} before there is one."""
        try:
            return json.loads(self.place.journal.read_text())
        except FileNotFoundError:
            return {}

    def start(self) -> int:
        child = os.fork()
        if not child:
            with contextlib.suppress(DialogError):
                self.place.run(**OPTIONS)
            os._exit(0)
        return child

    def target(self, child: int) -> int:
        """Process id of the victim, 0 while (or when) there is none."""
        if self.victim == "task":
            return child
        journal = self.entry()
        process = journal.get(self.victim) if journal.get("state") == "running" else None
        return process["pid"] if process else 0

    def round(self, number: int) -> None:
        """One kill, and what comes after it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.place.script(INSTALLER)
        moment = time.monotonic() + (0 if number < 3 else self.dice.uniform(0, 1.6))
        child = self.start()
        killed = 0
        while not killed:
            pid = self.target(child)
            if pid and time.monotonic() >= moment:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                killed = pid
            elif self.entry().get("state", "running") != "running":
                break  # it was quicker
            time.sleep(0.002)
        os.waitpid(child, 0)
        self.judge(killed)

    def judge(self, killed: int) -> None:
        before = self.entry()
        done = before.get("state") == "done"
        if self.victim == "task":
            # The run goes on without it; when it had not begun, nothing is left of it.
            runs = 1
        else:
            if killed:
                wait_for(lambda: gone(killed))
            runs = 1 if done else 2 if self.lines("runs") else 1
        self.cut_off += not done
        self.early += not self.lines("runs")
        kept = {name: seen["value"] for name, seen in before.get("values", {}).items()}
        result = self.place.run(**OPTIONS)
        if result["status"] != "done" or result["answered"] != ["domain", "key", "sure"]:
            raise Wrong(f"the next run ended {result['status']}, answered {result['answered']}")
        values = self.place.read()
        if values != {name: self.lines(name)[0] for name in ("id", "secret")}:
            raise Wrong(f"the values are {values}")
        if any(values[name] != seen for name, seen in kept.items()):
            raise Wrong(f"before the kill the values were {kept}, then {values}")
        if len(self.lines("runs")) > runs:
            raise Wrong(f"the installer was started {len(self.lines('runs'))} times instead of {runs}")
        if self.place.run(**OPTIONS)["changed"]:
            raise Wrong("another run changed something")
        if CANARY in self.place.everything() + self.place.journal.read_text():
            raise Wrong("a secret was written down")

    def lines(self, name: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / name).read_text().split()
        return []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--victim", choices=VICTIMS, action="append")
    options = parser.parse_args()
    wrong = 0
    for victim in options.victim or VICTIMS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            loop = Loop(Path(folder) / "demo", victim, random.Random(options.seed))  # noqa: S311 - moments, not secrets
            good = 0
            for number in range(options.count):
                try:
                    loop.round(number)
                    good += 1
                except (Wrong, DialogError) as error:
                    wrong += 1
                    print(f"soak dialog_kill {victim}, round {number}: {error}", file=sys.stderr)
        print(
            f"soak dialog_kill, {victim} killed: {good} of {options.count} completed with the same values, then unchanged "
            f"({loop.cut_off} cut off, {loop.early} before the installer began, {time.monotonic() - began:.0f} s)",
            flush=True,
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
