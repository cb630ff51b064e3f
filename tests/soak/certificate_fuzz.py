# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Damaged certificates, keys, PKCS#7 and PKCS#12 files, as fast as they are read: nothing but declared errors may come out.

    tests/toolchain/with python tests/soak/certificate_fuzz.py [--minutes 10] [--seed N] [--folder build/soak]

The corpus is every form of the unit tests, made at the start. Each input is one of them after some mutations: bits, bytes, cuts,
repeats, splices of two files, lines in another order, DER elements of random shape; in half of the PEM files the bytes behind the
base64 are what is changed. It is read with no passphrase, a wrong one, the right one, or several.

A failure is: an exception that is no BundleError, or that only the last guard caught (but for a panic of the library's Rust code);
an unchanged form that is refused after others; a warning that escapes; more than --patience seconds of the processor for one
input; a text (error, note, repr) that holds the passphrase or a part of a key. Each is printed with the file that holds the
input. When the process itself dies, the file `certificate_fuzz.last` in the folder holds the input that killed it.
"""

from __future__ import annotations

import argparse
import base64
import collections
import faulthandler
import json
import mmap
import os
import pathlib
import random
import re
import resource
import sys
import time
import warnings

import cryptography
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.onprem.chat.plugins.module_utils._x509 import parse
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_ber import encode
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509 import parse_forms

LAST = 1024 * 1024
BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\n([A-Za-z0-9+/=\n]+)-----END \1-----\n")
LABELS = [
    "CERTIFICATE",
    "PKCS7",
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "PFX",
    "X",
]
PASSPHRASES = [
    [],
    [b"wrong"],
    [parse_forms.PASSPHRASE],
    [b"wrong", parse_forms.PASSPHRASE],
    [b"", "пароль".encode(), b"\xff"],
]
# Bytes that mean something in DER, PEM and base64.
TELLING = (
    b"\x00\x01\x02\x03\x04\x05\x06\x0c\x13\x17\x18\x24\x30\x31\x7f\x80\x81\x82\x83\x84\xa0\xa1\xa3\xff\n\r-:=\\ \x1a"
)


class Mutator:
    def __init__(self, seed: int, corpus: dict[str, bytes]) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same ones again is what is wanted
        self.corpus = corpus
        self.names = sorted(corpus)
        self.ways = [
            self.bit,
            self.byte,
            self.cut,
            self.drop,
            self.repeat,
            self.splice,
            self.lines,
            self.element,
            self.length,
        ]

    def next(self) -> tuple[str, bytes]:
        """A form and what became of it."""
        if self.random.random() < 0.03:
            made = self.tree(0)
            label = self.random.choice(LABELS)
            return "random DER", made if self.random.random() < 0.5 else parse_forms.armoured(label, made)
        name = self.random.choice(self.names)
        data = self.corpus[name]
        blocks = list(BLOCK.finditer(data))
        if blocks and self.random.random() < 0.5:
            block = self.random.choice(blocks)
            inner = self.mutated(base64.b64decode(block[2]))
            label = block[1].decode() if self.random.random() < 0.9 else self.random.choice(LABELS)
            data = data[: block.start()] + parse_forms.armoured(label, inner) + data[block.end() :]
            return name, data if self.random.random() < 0.9 else self.mutated(data)
        return name, self.mutated(data)

    def mutated(self, data: bytes) -> bytes:
        for _step in range(self.random.choice((1, 1, 1, 2, 3, 6))):
            data = self.random.choice(self.ways)(data)
        return data

    def at(self, data: bytes) -> int:
        # What tells forms apart is at the beginning.
        return self.random.randrange(min(len(data), self.random.choice((16, 64, 256, LAST))) or 1)

    def bit(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _count in range(self.random.choice((1, 1, 2, 8))):
            if changed:
                changed[self.at(data)] ^= 1 << self.random.randrange(8)
        return bytes(changed)

    def byte(self, data: bytes) -> bytes:
        at = self.at(data)
        return data[:at] + bytes((self.random.choice(TELLING),)) + data[at + self.random.randrange(2) :]

    def cut(self, data: bytes) -> bytes:
        at = self.at(data) if self.random.random() < 0.3 else self.random.randrange(len(data) + 1)
        return data[:at] if self.random.random() < 0.8 else data[at:]

    def drop(self, data: bytes) -> bytes:
        at = self.at(data)
        return data[:at] + data[at + self.random.choice((1, 2, 16, 64, 500)) :]

    def repeat(self, data: bytes) -> bytes:
        at, size = self.at(data), self.random.choice((1, 2, 16, 300))
        return data[:at] + data[at : at + size] * self.random.choice((2, 3, 40)) + data[at + size :]

    def splice(self, data: bytes) -> bytes:
        other = self.corpus[self.random.choice(self.names)]
        at, there = self.random.randrange(len(data) + 1), self.random.randrange(len(other) + 1)
        end = min(there + self.random.choice((8, 100, 1000, LAST)), len(other))
        return data[:at] + other[there:end] + (data[at:] if self.random.random() < 0.5 else b"")

    def lines(self, data: bytes) -> bytes:
        parts = re.split(rb"(?<=\n)", data)
        if self.random.random() < 0.5:
            self.random.shuffle(parts)
            return b"".join(parts)
        one, two = self.random.randrange(len(parts)), self.random.randrange(len(parts))
        parts[one], parts[two] = parts[two], parts[one]
        return b"".join(parts)

    def element(self, data: bytes) -> bytes:
        at = self.at(data)
        made = self.tree(3)
        return data[:at] + made + data[at + self.random.choice((0, len(made))) :]

    def length(self, data: bytes) -> bytes:
        """A number of one to four bytes that says something else: lengths, versions, iterations."""
        at, size = self.at(data), self.random.choice((1, 2, 4))
        value = int.from_bytes(data[at : at + size], "big") + self.random.choice(
            (-1, 1, 127, 128, 255, 1 << 15, 1 << 24)
        )
        return data[:at] + (value % (1 << 8 * size)).to_bytes(size, "big") + data[at + size :]

    def tree(self, depth: int) -> bytes:
        tag = self.random.choice(b"\x02\x03\x04\x05\x06\x0c\x13\x17\x24\x30\x30\x30\x31\x80\xa0\xa0\xa3")
        if tag & 0x20 and depth < 8:
            content = b"".join(self.tree(depth + 1) for _child in range(self.random.randrange(5)))
        elif tag == 6:
            content = bytes.fromhex(
                self.random.choice(("2a864886f70d010702", "2a864886f70d01050d", "2a864886f70d010701", "550403"))
            )
        else:
            content = self.random.randbytes(self.random.choice((0, 1, 1, 2, 8, 40)))
        if tag & 0x20 and self.random.random() < 0.1:
            return parse_forms.endless(tag, content)
        return encode(tag, content)


class Fuzz:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder = pathlib.Path(options.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        parse_forms.RSA_BITS = 1024
        self.forms = parse_forms.forms()
        self.secrets = secrets()
        self.outcomes: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self.errors: collections.Counter = collections.Counter()
        self.failures = self.executions = self.reads = 0
        self.slowest, self.slowest_form = 0.0, ""
        with (self.folder / "certificate_fuzz.last").open("w+b") as file:
            file.truncate(LAST)
            self.last = mmap.mmap(file.fileno(), LAST)

    def run(self) -> None:
        mutator = Mutator(self.options.seed, {name: form.data for name, form in self.forms.items()})
        end = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < end:
            name, data = mutator.next()
            self.one(name, data, mutator.random.choice(PASSPHRASES))
            if self.executions % 20 == 0:
                self.sound(mutator.random.choice(mutator.names))

    def sound(self, name: str) -> None:
        """What is in order is read as ever, right after what was not: no library keeps an error for the next caller."""
        form = self.forms[name]
        try:
            material = parse.read(form.data, "sound", [b"wrong", parse_forms.PASSPHRASE] if form.locked else [])
        except BundleError as error:
            self.fail(name, form.data, f"refused unchanged: {error} ({error.__cause__!r})")
            return
        if (len(material.certificates), len(material.keys)) != (form.certificates, form.keys):
            self.fail(name, form.data, "other content than before")
        self.reads += 1

    def one(self, name: str, data: bytes, passphrases: list[bytes]) -> None:
        self.last[:8] = len(data).to_bytes(8, "big")
        self.last[8 : 8 + len(data[: LAST - 8])] = data[: LAST - 8]
        faulthandler.dump_traceback_later(self.options.patience * 12, exit=True)
        began = time.process_time()
        texts = []
        try:
            with warnings.catch_warnings(record=True) as escaped:
                warnings.simplefilter("always")
                material = parse.read(data, "fuzz", passphrases)
            outcome = "read" if not material.notes else "read with notes"
            texts += [*material.notes, repr(material.keys), *(each.origin for each in material.certificates)]
            if not all(key.pem for key in material.keys):
                self.fail(name, data, "a key without text")
        except BundleError as error:
            escaped, outcome = [], type(error).__name__
            texts += [str(error), repr(error)]
            self.errors[plain(error.what)] += 1
            if "the library gave up" in error.what and "(PanicException)" not in error.what:
                self.fail(name, data, f"not foreseen: {error.__cause__!r}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            escaped, outcome = [], "FAILED"
            self.fail(name, data, f"{type(error).__name__}: {error}")
        took = time.process_time() - began
        faulthandler.cancel_dump_traceback_later()
        if took > self.slowest:
            self.slowest, self.slowest_form = took, name
        if took > self.options.patience:
            self.fail(name, data, f"{took:.1f} s of the processor")
        if escaped:
            self.fail(name, data, f"a warning escaped: {escaped[0].message}")
        for text in texts:
            if self.shows_secret(text):
                self.fail(name, data, "a secret is shown")
        self.executions += 1
        self.outcomes[name][outcome] += 1

    def shows_secret(self, text: str) -> bool:
        if parse_forms.PASSPHRASE.decode() in text:
            return True
        return any(run in self.secrets for run in re.findall(r"[A-Za-z0-9+/]{12,}", text))

    def fail(self, name: str, data: bytes, why: str) -> None:
        self.failures += 1
        place = self.folder / f"certificate_fuzz-{self.options.seed}-{self.executions}.input"
        place.write_bytes(data)
        # The words could be what must not be shown; only the first is told.
        print(f"FAILED: {name}, {place}: {why[:300]}", flush=True)

    def report(self, seconds: float) -> None:
        for name in sorted(self.outcomes):
            counted = ", ".join(f"{outcome} {count:,}" for outcome, count in self.outcomes[name].most_common())
            print(f"  {name}: {sum(self.outcomes[name].values()):,} ({counted})")
        print(f"distinct errors: {len(self.errors)}, the most frequent:")
        for text, count in self.errors.most_common(30):
            print(f"  {count:,} {text}")
        (self.folder / "certificate_fuzz.json").write_text(
            json.dumps({"outcomes": self.outcomes, "errors": self.errors}, indent=1, ensure_ascii=False),
            encoding="utf-8",
        )
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"certificate fuzz: cryptography {cryptography.__version__}, seed {self.options.seed}, {self.executions:,} executions "
            f"of {len(self.forms)} forms in {seconds:.0f} s, {self.reads:,} unchanged ones in between, "
            f"{len(self.errors)} distinct errors, slowest {self.slowest:.2f} s ({self.slowest_form}), {memory} MiB at most, failures: {self.failures}"
        )


def secrets() -> str:
    """Private numbers and keys in the ways in which a text could show them."""
    shown = []
    for key in (
        parse_forms.rsa_key(),
        parse_forms.ec_key(),
        parse_forms.ec_key(0),
        parse_forms.ed25519_key(),
        parse_forms.ed448_key(),
    ):
        for style in (parse_forms.PKCS8, parse_forms.TRADITIONAL):
            try:
                der = key.private_bytes(parse_forms.DER, style, parse_forms.OPEN)
            except ValueError:  # Ed25519 has one form only
                continue
            shown += [base64.b64encode(der).decode(), der.hex(), der.hex().upper()]
        if isinstance(key, rsa.RSAPrivateKey):
            numbers = key.private_numbers()
            shown += [str(numbers.d), str(numbers.p), str(numbers.q), hex(numbers.d), hex(numbers.p), hex(numbers.q)]
    return "\n".join(shown)


def plain(text: str) -> str:
    """An error without what differs from input to input."""
    return re.sub(r"[0-9]+", "N", re.sub(r"fuzz(, (block|part|certificate) [0-9]+|, key)*", "FILE", text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="the same seed makes the same mutations, of new keys"
    )
    parser.add_argument("--patience", type=float, default=5, help="seconds of the processor for one input")
    parser.add_argument("--folder", default="build/soak", help="for inputs that failed and all errors")
    options = parser.parse_args()
    os.environ.pop("RUST_BACKTRACE", None)
    fuzz = Fuzz(options)
    began = time.monotonic()
    fuzz.run()
    fuzz.report(time.monotonic() - began)
    return 1 if fuzz.failures else 0


if __name__ == "__main__":
    sys.exit(main())
