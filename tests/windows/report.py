# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is printed, and the file that can be sent to the maintainers: no password, no names of machines or people."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import typing as t
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from parameters import Parameters

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = "********"
_SHOWN = {"passed": "ok", "failed": "FAILED", "skipped": "skipped", "not run": "NOT RUN"}
_SID = re.compile(r"S-1-(5-21|12-1)-[0-9-]+")
_PROFILE = re.compile(r"(?i)([A-Z]:\\+Users\\+)(?!Default\b|Public\b)[^\\\"'\r\n]+")


def say(text: str, stream: t.TextIO | None = None) -> None:
    """A line for people, at once."""
    stream = stream or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


class Report:
    """Collects what the checks tell."""

    def __init__(self, chosen: Parameters) -> None:
        self.chosen = chosen
        self.begun = time.time()
        self.host: dict[str, t.Any] = {}
        self.checks: dict[tuple[str, str], dict[str, t.Any]] = {}
        self.problems: list[str] = []
        self.refused = ""
        self.touched = False
        self.interrupted = False
        self.exit_code: int | None = None

    def hear(self, kind: str, told: t.Any) -> None:
        """A message of the checks."""
        if kind == "host":
            from facts import described

            self.host = told
            say(f"The host is {described(told)}.\n")
        elif kind == "touched":
            self.touched = True
        elif kind == "refused":
            self.refused = self.shown(told)
        elif kind == "broken":
            self.problems.append(self.shown(told))
        elif kind == "planned":
            for group, name in told:
                reason = "the run ended before"
                self.checks[group, name] = {
                    "group": group,
                    "name": name,
                    "outcome": "not run",
                    "seconds": 0,
                    "reason": reason,
                }
        elif kind == "check":
            self._check(told)

    def _check(self, told: dict[str, t.Any]) -> None:
        known = self.checks.get((told["group"], told["name"]), {})
        if known.get("outcome") == "failed":
            return  # the end of a failed one may fail, too
        told = {**told, "reason": self.shown(told["reason"])}
        self.checks[told["group"], told["name"]] = told
        say(f"{_SHOWN[told['outcome']]:<8} {told['group']:<20} {told['name']} ({told['seconds']:.1f} s)")
        if told["outcome"] == "skipped":
            say(f"         {told['reason']}")
        elif told["outcome"] == "failed":
            say(
                "".join(f"         {line}\n" for line in told["reason"].splitlines()[:12])
                + f"         {told['relied_on_by']}"
            )

    def ended(self, exit_code: int | None) -> None:
        self.exit_code = exit_code

    def shown(self, text: str) -> str:
        """Without the password."""
        return text.replace(self.chosen.password, HIDDEN) if self.chosen.password else text

    def anonymous(self, text: str) -> str:
        """Without what is nobody's business: for the file."""
        text = self.shown(text)
        for given, word in ((self.chosen.host, "HOST"), (self.chosen.user, "ACCOUNT")):
            if given:
                text = re.sub(re.escape(given), word, text, flags=re.IGNORECASE)
        return _PROFILE.sub(r"\1SOMEBODY", _SID.sub(r"S-1-\1-…", text))

    @property
    def passed(self) -> bool:
        """Everything that could be done was right, and something was done."""
        outcomes = Counter(check["outcome"] for check in self.checks.values())
        done = bool(outcomes["passed"]) and not outcomes["failed"] and not outcomes["not run"]
        return done and not self.problems and not self.refused and not self.interrupted and not self.exit_code

    def finish(self) -> int:
        """The table and the file; the exit code of the program."""
        if self.refused:
            say(f"\n{self.refused}", sys.stderr)
        self._table()
        for problem in self.problems:
            say(f"PROBLEM  {self.shown(problem)}")
        path = (
            Path(self.chosen.report) if self.chosen.report else ROOT / f"build/test-windows-{_stamp(self.begun)}.json"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self._file(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        say(f"\nReport: {path} (no password, no names: it can be sent to the maintainers)")
        if self.interrupted:
            return 130
        if self.refused and not self.checks:
            return 3
        say("All checks passed." if self.passed else "Not all checks passed.")
        return 0 if self.passed else 1

    def _table(self) -> None:
        if not self.checks:
            return
        rows: dict[str, Counter[str]] = {}
        for check in self.checks.values():
            rows.setdefault(check["group"], Counter())[check["outcome"]] += 1
        total: Counter[str] = Counter()
        say(f"\n{'':<20} {'passed':>8} {'failed':>8} {'skipped':>8} {'not run':>8}")
        for group, counts in rows.items():
            total += counts
            say(f"{group:<20} " + " ".join(f"{counts[name]:>8}" for name in _SHOWN))
        say(f"{'all':<20} " + " ".join(f"{total[name]:>8}" for name in _SHOWN))
        failed = [check for check in self.checks.values() if check["outcome"] == "failed"]
        for check in failed:
            say(f"FAILED   {check['group']}: {check['name']}")

    def _file(self) -> dict[str, t.Any]:
        checks = [{**check, "reason": self.anonymous(str(check["reason"]))} for check in self.checks.values()]
        return {
            "format": 1,
            "collection": {"commit": _commit()},
            "time": datetime.fromtimestamp(self.begun, UTC).isoformat(timespec="seconds"),
            "seconds": round(time.time() - self.begun),
            "connection": {
                "transport": "of the inventory" if self.chosen.inventory else self.chosen.transport,
                "scheme": "of the inventory" if self.chosen.inventory else self.chosen.scheme,
            },
            "only": list(self.chosen.only),
            "host": self.host,
            "passed": self.passed,
            "interrupted": self.interrupted,
            "refused": self.anonymous(self.refused),
            "counts": dict(Counter(check["outcome"] for check in self.checks.values())),
            "checks": checks,
            "cleanup": [self.anonymous(problem) for problem in self.problems],
        }


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%d-%H%M%S")


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.stdout.strip()
