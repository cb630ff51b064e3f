# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kills certificate_bundle with SIGKILL while it replaces a pair: never a mismatched pair, never a key for others to read.

    tests/toolchain/with python tests/soak/certificate_kill.py [--count N] [--every N] [--layout links|files]

The module runs as a process of its own. It is killed once before every single step that it takes on the disk (Python tells of
each by an audit event; writing and syncing are steps as well, and a write is cut in half), and count times for each layout at
a random moment. The scenarios take turns: the pair is renewed, the certificate alone is renewed, a pair that somebody
made by hand (with the key in the certificate's file as well, too) or that has the other layout is replaced, and the old pair
is put back.

After each kill both files are from the same pair, or (never with a renewal in layout links) one of them is missing. No file
with a key in it is for anybody but its owner; a second process, as the user nobody where that is possible, looks all the time.
When the kill came after the change had begun, every second time the old pair is put back first, and must be the old one.
Then a run without a kill brings the new pair and keeps the old one, another one changes nothing, and nothing is left over.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import io
import json
import multiprocessing
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.modules import certificate_bundle
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_workshop as workshop

NAME = "corp.test"
NOBODY = 65534
EVENTS = {
    *("open", "shutil.rmtree"),
    *(f"os.{name}" for name in ("rename", "remove", "rmdir", "mkdir", "chmod", "chown", "symlink", "link")),
}


class Wrong(Exception):
    """A round that must not end like this."""


@dataclasses.dataclass(frozen=True)
class Scenario:
    """layout: of the new pair. before: of the old one; ``hand`` are files without a store, ``combined`` such with
    the key in both. same_key: only the certificate
    is another. back: the old pair is put back."""

    layout: str
    before: str
    same_key: bool = False
    back: bool = False

    def __str__(self) -> str:
        what = "put back" if self.back else "certificate renewed" if self.same_key else "pair renewed"
        return f"{what}, {self.before} to {self.layout}"


SCENARIOS = {
    "links": [
        Scenario("links", "links"),
        Scenario("links", "hand"),
        Scenario("links", "combined"),
        Scenario("links", "files"),
        Scenario("links", "links", same_key=True),
        Scenario("links", "links", back=True),
    ],
    "files": [
        Scenario("files", "files"),
        Scenario("files", "hand"),
        Scenario("files", "combined"),
        Scenario("files", "links"),
        Scenario("files", "files", same_key=True),
        Scenario("files", "files", back=True),
    ],
}


# -- the process that is killed ---------------------------------------------------------------------------------------


class Steps:
    """Counts what this process does to the disk below a folder, and ends it before one of the steps."""

    def __init__(self, folder: Path, last: int) -> None:
        self.folder, self.last, self.number = str(folder), last, 0
        sys.addaudithook(self.audit)
        self.write, self.fsync = os.write, os.fsync
        os.write, os.fsync = self.write_half, self.sync

    def audit(self, event: str, arguments: tuple) -> None:
        if event in EVENTS and (isinstance(arguments[0], int) or os.fsdecode(arguments[0]).startswith(self.folder)):
            self.step()

    def step(self) -> bool:
        self.number += 1
        if self.number == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    def write_half(self, descriptor: int, data) -> int:
        if self.number + 1 == self.last:
            self.write(descriptor, bytes(data[: len(data) // 2]))
        self.step()
        return self.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        self.step()
        self.fsync(descriptor)


def module(arguments: dict, answer: Path, folder: Path | None = None, last: int = 0) -> None:
    """The module as it is, in this process; its answer goes to a file."""
    output = io.StringIO()
    steps = Steps(folder, last) if folder else None
    with contextlib.redirect_stdout(output), patch_module_args(arguments), contextlib.suppress(SystemExit):
        certificate_bundle.main()
    answer.write_text(json.dumps({**json.loads(output.getvalue()), "steps": steps.number if steps else 0}))


def start(arguments: dict, answer: Path, **more) -> multiprocessing.Process:
    """Start the module by fork: everything is imported already."""
    process = multiprocessing.get_context("fork").Process(target=module, args=(arguments, answer), kwargs=more)
    process.start()
    return process


# -- who looks on -----------------------------------------------------------------------------------------------------


def look_on(folder: Path, known: list[tuple[bytes, bytes]], done, found) -> None:
    """Another user tries to read every key, and root reads pairs as a service would, until it is told to stop."""
    certificate, key = folder / f"{NAME}.crt", folder / f"{NAME}.key"
    looks = pairs = 0
    while not done.wait(0.002):
        looks += 1
        first, second, again = read(certificate), read(key), read(certificate)
        if first is not None and first == again and second is not None:
            pairs += 1
            if (first, second) not in known:
                found.put("somebody who looked on saw a mismatched pair")
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
            try:
                seen = [str(path) for path in files(folder) if b"PRIVATE KEY" in (read(path) or b"")]
            finally:
                os.seteuid(0)
            if seen:
                found.put(f"the user nobody could read {', '.join(seen)}")
    found.put((looks, pairs))


def read(path: Path) -> bytes | None:
    """What is in a file, if there is one that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def files(folder: Path) -> list[Path]:
    """All files below a folder, as far as one may look."""
    return [Path(top, name) for top, _folders, names in os.walk(folder) for name in names]


# -- the rounds -------------------------------------------------------------------------------------------------------


class Loop:
    """A folder, an old and a new pair, and rounds of kill, look, run, run again."""

    def __init__(self, top: Path) -> None:
        self.folder, self.answer, self.anchor = top / "certs", top / "answer.json", top / "root.crt"
        top.chmod(0o755)  # the user nobody shall come as far as a service does
        workshop.NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        workshop.company.cache_clear()
        root, self.issuing = workshop.company()
        self.anchor.write_bytes(root.certificate.pem)
        self.old = workshop.good_leaf(name="old.corp.test", key="old")
        self.new = workshop.good_leaf(name="new.corp.test", key="new")
        self.same = workshop.good_leaf(name="same.corp.test", key="old")
        self.steps: dict[Scenario, int] = {}
        self.random = random.Random(4)  # noqa: S311 - moments, not secrets
        self.duration = 0.1
        self.put_back = 0

    def pair(self, leaf) -> tuple[bytes, bytes]:
        """What the two files hold of a leaf."""
        return leaf.certificate.pem + self.issuing.certificate.pem, leaf.key_pem()

    def before(self, scenario: Scenario) -> tuple[bytes, bytes]:
        """What the two files hold before the run."""
        certificate, key = self.pair(self.old)
        return (certificate + key if scenario.before == "combined" else certificate), key

    def arguments(self, scenario: Scenario, leaf=None, **more) -> dict:
        leaf = leaf or (self.same if scenario.same_key else self.new)
        texts = [part.decode() for part in self.pair(leaf)]
        wanted = {"path": str(self.folder), "name": NAME, "trust_anchors": [str(self.anchor)], "remote_src": True}
        return {**wanted, "content": texts, "layout": scenario.layout, **more}

    def target(self, scenario: Scenario) -> dict:
        """The run that is killed."""
        if scenario.back:
            return {"path": str(self.folder), "name": NAME, "layout": scenario.layout, "state": "previous"}
        return self.arguments(scenario)

    def run(self, arguments: dict, **more) -> dict:
        """A run that nobody kills."""
        self.answer.unlink(missing_ok=True)
        process = start(arguments, self.answer, **more)
        process.join()
        result = json.loads(self.answer.read_text())
        if result.get("failed"):
            raise Wrong(f"a run without a kill failed: {result['msg']}")
        return result

    def prepare(self, scenario: Scenario) -> None:
        """The old pair, as the scenario has it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        if scenario.before in ("hand", "combined"):
            for ending, data in zip(("crt", "key"), self.before(scenario), strict=True):
                path = self.folder / f"{NAME}.{ending}"
                path.touch(mode=0o600)
                path.write_bytes(data)
            return
        before = dataclasses.replace(scenario, layout=scenario.before)
        self.run(
            self.arguments(before, self.new if scenario.back else self.same if not scenario.same_key else self.new)
        )
        self.run(self.arguments(before, self.old))

    def count(self, scenario: Scenario) -> int:
        """How many steps the run takes on the disk."""
        if scenario not in self.steps:
            self.prepare(scenario)
            began = time.monotonic()
            self.steps[scenario] = self.run(self.target(scenario), folder=self.folder)["steps"]
            self.duration = time.monotonic() - began
        return self.steps[scenario]

    def round(self, scenario: Scenario, at: int = 0) -> str:
        """One kill, before a step or (0) at a random moment, and what comes after it; what was on the disk after it."""
        steps = self.count(scenario)
        self.prepare(scenario)
        with self.watched(scenario):
            self.answer.unlink(missing_ok=True)
            process = start(self.target(scenario), self.answer, folder=self.folder, last=at)
            if not at:
                time.sleep(self.random.uniform(0, self.duration))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            process.join()
            if at and process.exitcode != -signal.SIGKILL:
                raise Wrong(f"it was not killed at step {at} of {steps} (exit code {process.exitcode})")
            state = self.judge(scenario)
            if state != "old" and (at or self.random.randrange(2)) % 2:
                self.undo()
            self.run(self.arguments(scenario))
        self.look_again(scenario)
        return state

    def undo(self) -> None:
        """Put back what the killed run took away."""
        self.run({"path": str(self.folder), "name": NAME, "state": "previous"})
        self.look_for_open_keys()
        if (read(self.folder / f"{NAME}.crt"), read(self.folder / f"{NAME}.key")) != self.pair(self.old):
            raise Wrong("not the pair was put back that the killed run took away")
        self.put_back += 1

    @contextlib.contextmanager
    def watched(self, scenario: Scenario):
        """Somebody looks on."""
        known = [self.before(scenario), self.pair(self.old), self.pair(self.same if scenario.same_key else self.new)]
        context = multiprocessing.get_context("fork")
        done, found = context.Event(), context.SimpleQueue()
        watcher = context.Process(target=look_on, args=(self.folder, known, done, found))
        watcher.start()
        try:
            yield
        finally:
            done.set()
            seen = found.get()
            watcher.join()
        if isinstance(seen, str):
            raise Wrong(seen)

    def judge(self, scenario: Scenario) -> str:
        """What is on the disk now: the old pair, the new one, or none."""
        self.look_for_open_keys()
        there = (read(self.folder / f"{NAME}.crt"), read(self.folder / f"{NAME}.key"))
        old, new = self.before(scenario), self.pair(self.same if scenario.same_key else self.new)
        if there == old:
            return "old"
        if there == new:
            return "new"
        if None in there and there[0] in (None, old[0], new[0]) and there[1] in (None, old[1], new[1]):
            if scenario.layout == "links" or scenario.same_key:
                raise Wrong("a file is missing, though one step changes both")
            return "none"
        raise Wrong("certificate and key mismatch")

    def look_for_open_keys(self) -> None:
        for path in files(self.folder):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and b"PRIVATE" in path.read_bytes() and status.st_mode & 0o077:
                raise Wrong(f"{path} has mode {stat.S_IMODE(status.st_mode):04o}")

    def look_again(self, scenario: Scenario) -> None:
        """The new pair is there, the old one is kept, another run changes nothing, nothing is left over."""
        if self.judge(scenario) != "new":
            raise Wrong("the run after the kill did not bring the new pair")
        store = self.folder / f"{NAME}.d"
        kept = store / "previous"
        if (read(kept / f"{NAME}.crt"), read(kept / f"{NAME}.key")) not in (
            self.before(scenario),
            self.pair(self.old),
        ):
            raise Wrong("the old pair was lost")
        if self.run(self.arguments(scenario))["changed"]:
            raise Wrong("the third run changed something")
        wanted = {"previous", str(kept.readlink())}
        if scenario.layout == "links":
            wanted |= {"current", str((store / "current").readlink())}
        if (left := {path.name for path in store.iterdir()} ^ wanted) or len(list(self.folder.iterdir())) != 3:
            raise Wrong(f"left over: {', '.join(sorted(left)) or list(self.folder.iterdir())}")


def rounds(loop: Loop, layout: str, count: int, every: int) -> Iterator[tuple[Scenario, int]]:
    """Every step of every scenario, then random moments in turn."""
    scenarios = SCENARIOS[layout]
    for scenario in scenarios:
        for step in range(1, loop.count(scenario) + 1, every):
            yield scenario, step
    for number in range(count):
        yield scenarios[number % len(scenarios)], 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="kills at random moments for each layout")
    parser.add_argument("--every", type=int, default=1, help="only every so manieth step is one to be killed at")
    parser.add_argument("--layout", choices=SCENARIOS, action="append", help="default: both")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as top:
        loop = Loop(Path(top))
        for layout in options.layout or SCENARIOS:
            began, good, bad, loop.put_back = time.monotonic(), 0, 0, 0
            states = {at: {"old": 0, "none": 0, "new": 0} for at in ("step", "moment")}
            for scenario, at in rounds(loop, layout, options.count, options.every):
                try:
                    states["step" if at else "moment"][loop.round(scenario, at)] += 1
                    good += 1
                except Wrong as error:
                    bad += 1
                    print(f"soak certificate_kill {scenario}, step {at}: {error}", flush=True)
            failed += bad
            seen = "; ".join(
                f"after kills at {what}: {one['old']} old, {one['none']} none, {one['new']} new"
                for what, one in (("steps", states["step"]), ("random moments", states["moment"]))
            )
            print(
                f"soak certificate_kill {layout}: {good} of {good + bad} without a mismatch or an open key, then converged, then "
                f"unchanged; pair on the disk {seen}; put back after a kill: {loop.put_back} ({time.monotonic() - began:.0f} s)",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
