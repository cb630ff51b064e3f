# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many writers of one SRV set at the same moment, round after round: no target is lost, none comes back.

    tests/lab/lab exec users -- python tests/soak/dns_race.py [--server bind] [--writers 8] [--rounds 200] [--turns 1] [--log FILE]

Every writer is a process with connections of its own. In a round all of them add a target of their own at the same moment;
then dig, which knows nothing of the writers, must see every target and no other. In odd rounds each takes its target away
again, as often as --turns says with an addition in between, and half of them add it again while the others still remove;
dig must see that half. At the end all take away what is left, at the same moment, and dig must see nothing.

Every second writer keeps its connection and its Kerberos session for the whole run, so that Samba forgets it in between (it
keeps 128); the others open new ones for every step, as plays do.

The only failure allowed is the declared one (ConflictError after bounded attempts), and it is counted. Prints one line for each
deviation and one at the end; the exit code is 1 when a target was lost or was left, or something else failed.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
import dns_writers

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import ConflictError

PATIENCE = 120


class Writer:
    """One process: waits for its step, does it, tells what came of it."""

    def __init__(self, kind: str, number: int, log: str) -> None:
        self.kind = kind
        self.number = number
        self.keeps = number % 2 == 1
        self.server = None
        self.log = Path(f"{log}.{number}").open("w", encoding="utf-8") if log else None  # noqa: SIM115 - as long as we live
        self.answers: collections.Counter = collections.Counter()

    def run(self, start, inbox, outbox) -> None:
        while (step := inbox.get()) is not None:
            error = None
            try:
                if self.server is None:
                    self.server = self._watched(dns_writers.server(self.kind))
                self.server.open_session()
                start.wait(PATIENCE)
                for state in step:
                    dns_writers.write(self.server, f"h{self.number}", state)
            except Exception as caught:  # whatever it is, it has to be told
                start.abort()  # nobody waits for who failed before the start; nothing when all have started
                error = {
                    "kind": type(caught).__name__,
                    "text": str(caught),
                    "declared": isinstance(caught, ConflictError),
                }
            if not self.keeps and self.server is not None:
                self.server.close()
                self.server = None
            outbox.put({"writer": self.number, "error": error, "answers": dict(self.answers)})
            self.answers.clear()

    def _watched(self, server):
        """Counts the answers to updates, and writes a log of every message when asked to."""
        update, read = server.update, server.read

        def watched_update(changes, world):
            began = time.time()
            answer = update(changes, world)
            self.answers["conflict" if answer.is_conflict else answer.tsig_error or answer.rcode or "lost"] += 1
            self._note(began, "update", [self._short(change.before, change.after) for change in changes], str(answer))
            return answer

        def watched_read(keys, through_wildcards=False):
            began = time.time()
            found = read(keys, through_wildcards)
            self._note(began, "read", [self._names(records) for records in found.values()], "")
            return found

        server.update, server.read = watched_update, watched_read
        return server

    def _short(self, before, after) -> str:
        return f"{self._names(before)} -> {self._names(after)}"

    @staticmethod
    def _names(records) -> str:
        return ",".join(value.split()[-1].partition(".")[0] for value in records.values) if records else "-"

    def _note(self, began: float, what: str, about: list, answer: str) -> None:
        if self.log:
            line = {"began": began, "ended": time.time(), "what": what, "about": about, "answer": answer}
            self.log.write(json.dumps({"writer": self.number, **line}) + "\n")
            self.log.flush()


class Race:
    def __init__(self, kind: str, writers: int, log: str) -> None:
        self.kind = kind
        self.host, self.zone, _key = dns_writers.SERVERS[kind]
        self.start = multiprocessing.Barrier(writers)
        self.outbox = multiprocessing.Queue()
        self.inboxes = [multiprocessing.Queue() for _writer in range(writers)]
        self.processes = [
            multiprocessing.Process(
                target=Writer(kind, number, log).run, args=(self.start, inbox, self.outbox), daemon=True
            )
            for number, inbox in enumerate(self.inboxes)
        ]
        self.answers: collections.Counter = collections.Counter()
        self.lost = self.left = self.declared = self.failed = 0
        for process in self.processes:
            process.start()

    def close(self) -> None:
        for inbox in self.inboxes:
            inbox.put(None)
        for process in self.processes:
            process.join(PATIENCE)

    def step(self, where: str, steps: dict[int, list[str]], expected: set[int]) -> None:
        """What each writer does, all at the same moment; then what dig must see."""
        self.start.reset()
        for number, inbox in enumerate(self.inboxes):
            inbox.put(steps[number])
        excused = set()
        for _writer in self.processes:
            said = self.outbox.get(timeout=PATIENCE * 3)
            self.answers.update(said["answers"])
            if said["error"]:
                excused.add(said["writer"])
                self.declared += said["error"]["declared"]
                self.failed += not said["error"]["declared"]
                print(f"{where}: writer {said['writer']}: {said['error']['kind']}: {said['error']['text']}", flush=True)
        seen = self.seen()
        # Who has failed has said so: of its target nothing is known.
        lost, left = expected - seen - excused, seen - expected - excused
        self.lost += len(lost)
        self.left += len(left)
        if lost or left:
            print(f"{where}, {time.time():.3f}: lost {sorted(lost)}, left {sorted(left)}", flush=True)

    def seen(self) -> set[int]:
        """The writers whose targets dig sees."""
        name = f"{dns_writers.NAME}.{self.zone}"
        argv = ["dig", "+tcp", "+norecurse", "+short", "+time=10", f"@{self.host}", name, "SRV"]
        output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        return {int(line.split()[-1].partition(".")[0].removeprefix("h")) for line in output.splitlines()}

    def round(self, number: int, turns: int) -> None:
        everybody = range(len(self.processes))
        self.step(f"round {number}, adding", {writer: ["present"] for writer in everybody}, set(everybody))
        left = set(everybody)
        if number % 2:
            left = {
                writer for writer in everybody if (writer // 2) % 2
            }  # of those with and without a session of their own
            churn = ["absent", *["present", "absent"] * (turns - 1)]
            steps = {writer: [*churn, "present"] if writer in left else churn for writer in everybody}
            self.step(f"round {number}, removing and half adding again", steps, left)
        self.step(f"round {number}, removing", {writer: ["absent"] for writer in everybody}, set())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", choices=sorted(dns_writers.SERVERS), default="bind")
    parser.add_argument("--writers", type=int, default=8, help="processes that write at the same moment")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--turns", type=int, default=1, help="how often each removes (and adds) in an odd round")
    parser.add_argument("--log", default="", help="write every message with its time to FILE.WRITER")
    options = parser.parse_args()
    dns_writers.clear(dns_writers.server(options.server), f"{dns_writers.NAME}:SRV")
    began = time.monotonic()
    race = Race(options.server, options.writers, options.log)
    for number in range(1, options.rounds + 1):
        race.round(number, options.turns)
    race.close()
    answers = ", ".join(f"{count} {what}" for what, count in race.answers.most_common())
    print(
        f"dns race on {options.server}: {options.writers} writers, {options.rounds} rounds in {time.monotonic() - began:.0f} s; "
        f"answers to updates: {answers}; lost targets: {race.lost}, targets left: {race.left}, "
        f"declared conflicts: {race.declared}, other failures: {race.failed}"
    )
    return 1 if race.lost or race.left or race.failed else 0


if __name__ == "__main__":
    sys.exit(main())
