# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged Windows packages, as fast as they are read: nothing but a package or a PackageError may come out.

    tests/toolchain/with python tests/soak/package_fuzz.py [--minutes 10] [--seed N] [--folder build/soak] [FILE...]

The corpus is every form of the unit tests and the files that are given (real setup programs and MSI files, below 1 MB). Each
input is one of them after some mutations: bits, numbers, cuts, repeats, splices. Every twentieth is one unchanged.

A failure is: an exception that is no PackageError; an unchanged form that is read otherwise than at first; a text without end;
more than --patience seconds of the processor for one input; more memory than --memory MiB. Each is printed with the
file that holds the input. When the process itself dies, `package_fuzz.last` in the folder holds the input that killed it.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import json
import mmap
import pathlib
import re
import resource
import sys
import time
import warnings

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import compound, exe, msi
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import PackageError
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms, packages_programs
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.packages_mutations import Mutator

BIGGEST = 1 << 20
LONGEST_TEXT = 4000


def corpus(files: list[str]) -> dict[str, bytes]:
    forms = {f"exe, {name}": form[0] for name, form in packages_programs.forms().items()}
    cyrillic = {**packages_forms.PROPERTIES, "ProductName": "Чат"}
    rows = [(packages_forms.UPGRADE, "", "1.2.3", "", 1, "", "OLDER")]
    forms |= {
        "msi": packages_forms.msi(upgrades=rows),
        "msi, sectors of 4096": packages_forms.msi(upgrades=rows, sector=4096),
        "msi, wide references": packages_forms.msi(upgrades=rows, wide=True, tail=3),
        "msi, code page 1251": packages_forms.msi(codepage=1251, encoding="cp1251", properties=cyrillic),
        "msi, two tables of tables": packages_forms.msi(tail=14_000)[: BIGGEST * 8],
    }
    for name in files:
        data = pathlib.Path(name).read_bytes()
        if len(data) <= BIGGEST:
            forms[pathlib.Path(name).name] = data
    return forms


class Fuzz:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.forms = corpus(options.files)
        self.mutator = Mutator(options.seed, self.forms)
        self.good = {name: repr(self.read(data)) for name, data in self.forms.items()}
        self.outcomes: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self.errors: collections.Counter = collections.Counter()
        self.executions = self.reads = self.failures = 0
        self.slowest, self.slowest_form = 0.0, ""
        size = max(map(len, self.forms.values())) * 8
        with (self.folder / "package_fuzz.last").open("w+b") as file:
            file.truncate(size)
            self.last = mmap.mmap(file.fileno(), size)

    def read(self, data: bytes) -> object:
        reader = msi.read_msi if data[:8] == compound.MAGIC else exe.read_exe
        return reader(data, "/srv/package", "0" * 64)

    def run(self) -> None:
        end = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < end:
            self.one(*self.mutator.next())
            if self.executions % 20 == 0:
                name = self.mutator.random.choice(self.mutator.names)
                self.reads += 1
                if repr(self.read(self.forms[name])) != self.good[name]:
                    self.fail(name, self.forms[name], "unchanged, but read otherwise than at first")

    def one(self, name: str, data: bytes) -> None:
        kept = data[: len(self.last) - 8]
        self.last[:8] = len(kept).to_bytes(8, "little")
        self.last[8 : 8 + len(kept)] = kept
        faulthandler.dump_traceback_later(self.options.patience * 12, exit=True)
        began = time.process_time()
        try:
            with warnings.catch_warnings(record=True) as escaped:
                warnings.simplefilter("always")
                package = self.read(data)
            outcome, text = f"read as {package.technology}", str(package)
            if escaped:
                self.fail(name, data, f"a warning escaped: {escaped[0].message}")
        except PackageError as error:
            outcome, text = type(error).__name__, str(error)
            self.errors[re.sub(r"[0-9]+", "N", error.what)[:100]] += 1
        except Exception as error:
            outcome, text = "FAILED", ""
            self.fail(name, data, f"{type(error).__name__}: {error}")
        took = time.process_time() - began
        faulthandler.cancel_dump_traceback_later()
        if took > self.slowest:
            self.slowest, self.slowest_form = took, name
        if took > self.options.patience:
            self.fail(name, data, f"{took:.1f} s of the processor")
        if len(text) > LONGEST_TEXT:
            self.fail(name, data, f"a text of {len(text)} characters")
        self.executions += 1
        self.outcomes[name][outcome] += 1

    def fail(self, name: str, data: bytes, why: str) -> None:
        self.failures += 1
        place = self.folder / f"package_fuzz-{self.options.seed}-{self.executions}.input"
        place.write_bytes(data)
        print(f"FAILED: {name}, {place}: {why[:300]}", flush=True)

    def report(self, seconds: float) -> None:
        for name in sorted(self.outcomes):
            counted = ", ".join(f"{outcome} {count:,}" for outcome, count in self.outcomes[name].most_common(4))
            print(f"  {name}: {sum(self.outcomes[name].values()):,} ({counted})")
        print(f"distinct errors: {len(self.errors)}, the most frequent:")
        for text, count in self.errors.most_common(30):
            print(f"  {count:,} {text}")
        (self.folder / "package_fuzz.json").write_text(
            json.dumps({"outcomes": self.outcomes, "errors": self.errors}, indent=1, ensure_ascii=False),
            encoding="utf-8",
        )
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        if memory > self.options.memory:
            self.failures += 1
            print(f"FAILED: {memory} MiB of memory")
        print(
            f"package fuzz: seed {self.options.seed}, {self.executions:,} executions of {len(self.forms)} forms in {seconds:.0f} s, "
            f"{self.reads:,} unchanged ones in between, {len(self.errors)} distinct errors, slowest {self.slowest:.2f} s "
            f"({self.slowest_form}), {memory} MiB at most, failures: {self.failures}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed makes the same mutations")
    parser.add_argument("--patience", type=float, default=5, help="seconds of the processor for one input")
    parser.add_argument("--memory", type=int, default=512, help="MiB of memory for everything")
    parser.add_argument("--folder", default="build/soak", help="for inputs that failed and all errors")
    parser.add_argument("files", nargs="*", help="more packages")
    options = parser.parse_args()
    fuzz = Fuzz(options)
    began = time.monotonic()
    fuzz.run()
    fuzz.report(time.monotonic() - began)
    return 1 if fuzz.failures else 0


if __name__ == "__main__":
    sys.exit(main())
