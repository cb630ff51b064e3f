"""What a stage is, how a command is run for it, how its tests are counted."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build"
TOOLCHAIN = ROOT / "tests" / "toolchain"
LAB = ROOT / "tests" / "lab" / "lab"
CACHE = Path(os.environ["ONPREM_CHAT_CACHE"])


@dataclass
class Count:
    """How many tests of one stage ended how; remarks say why something was skipped or failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    remarks: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.remarks += other.remarks

    @classmethod
    def one(cls, passed: bool, remark: str = "") -> "Count":
        """A gate is one test."""
        return cls(int(passed), int(not passed), 0, [remark] if remark and not passed else [])

    @classmethod
    def skip(cls, why: str) -> "Count":
        return cls(skipped=1, remarks=[f"skipped: {why}"])

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Stage:
    """A named step of `make test`; `only` narrows those that consist of parts."""

    name: str
    text: str
    run: Callable[[str], Count]


def shell(*command: str | Path, **options) -> int:
    """Run a command with its output on the terminal."""
    sys.stdout.flush()
    options.setdefault("cwd", ROOT)
    return subprocess.run([str(word) for word in command], check=False, stdin=subprocess.DEVNULL, **options).returncode


def environment(name: str) -> tuple[Path | None, str]:
    """A virtual environment of the toolchain, or None and the reason why it cannot be had here."""
    result = subprocess.run(
        [TOOLCHAIN / "bootstrap", name],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if result.returncode == 3:
        return None, result.stderr.strip().splitlines()[-1]
    if result.returncode:
        raise SystemExit(result.stderr)
    return Path(result.stdout.strip()), ""


def gate(*command: str | Path, **options) -> Count:
    """One command that passes or fails as a whole."""
    code = shell(*command, **options)
    return Count.one(code == 0, f"`{' '.join(str(word) for word in command)}` ended with {code}")


def junit(files: list[Path], code: int, what: str) -> Count:
    """Counts out of JUnit files; a run that ended badly without a failed test (or without any) counts as a failure."""
    count = Count()
    for file in files:
        for case in ElementTree.parse(file).getroot().iter("testcase"):  # noqa: S314 -- written by our own pytest
            name = f"{case.get('classname')}.{case.get('name')}"
            problems = [*case.findall("failure"), *case.findall("error")]
            if problems:
                count.failed += 1
                # Often all that a reader gets to see of a run elsewhere is its end.
                why = " ".join((problems[0].get("message") or "").split())
                count.remarks.append(f"failed: {name}: {why[:400]}")
            elif (skipped := case.find("skipped")) is not None:
                count.skipped += 1
                count.remarks.append(f"skipped: {name}: {skipped.get('message')}")
            else:
                count.passed += 1
    if (code and not count.failed) or not count.passed + count.failed + count.skipped:
        count.failed += 1
        count.remarks.append(f"{what} ended with {code}" + ("" if files else " and left no results"))
    return count


def run(stages: list[Stage], only: str, result: Path | None = None) -> int:
    """Run stages in order; a failed one does not hide the next. The last line is the count of everything."""
    total = Count()
    rows, counts = [], {}
    for stage in stages:
        print(f"\n══ {stage.name}: {stage.text}", flush=True)
        started = time.monotonic()
        count = stage.run(only)
        rows.append(f"{stage.name:<14} {count!s:<40} {time.monotonic() - started:7.1f} s")
        print(f"── {rows[-1]}", flush=True)
        total.add(count)
        counts[stage.name] = asdict(count)
    if result:
        # A part of a bigger run, which sums up itself.
        result.write_text(json.dumps(counts))
        return 0
    print("\n" + "\n".join(rows))
    for remark in total.remarks:
        print(remark)
    print(total, flush=True)
    return 1 if total.failed else 0
