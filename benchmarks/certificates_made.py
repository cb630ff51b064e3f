"""The chains of bench_certificates.py, made when it starts: many leaves under a few two-tier CAs, RSA and EC, cross-signed ones.

Keys are used again, or making them would take most of the time. Every other leaf is delivered with its issuing CA's certificate.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from pathlib import Path

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW, Made, make

# What is wrong, in words that both sides can say.
CHAIN, VALIDITY, NAMES = "chain", "validity", "names"
# Of twenty bundles twelve are plain, four are cross-signed, and each of four has another fault.
ROTATION = tuple(
    kind for bad in ("expired", "foreign", "missing", "name") for kind in ("good", "good", "cross", "good", bad)
)
FAULTS = {"expired": {VALIDITY}, "foreign": {CHAIN}, "missing": {CHAIN}, "name": {NAMES}}
# Company, its root's key, its issuing CA's key. The roots of Alfa and Charlie are also certified by the one after them.
COMPANIES = (
    ("Alfa", "rsa2048", "rsa2048"),
    ("Bravo", "p256", "p256"),
    ("Charlie", "rsa2048", "p256"),
    ("Delta", "p384", "rsa2048"),
)
# The workshop counts days from a moment that stands still; the peers know only the clock.
TODAY = (datetime.datetime.now(datetime.UTC) - NOW).total_seconds() / 86400


@dataclasses.dataclass(frozen=True)
class Bundle:
    """One thing to judge.

    host: the name that it must cover. file: the leaf, perhaps with its issuer. candidates: files and folders of intermediates.
    root: what is trusted. faults: the right verdict.
    """

    kind: str
    host: str
    file: Path
    key: Path
    candidates: tuple[Path, ...]
    root: Path
    faults: frozenset[str] = frozenset()


class Maker:
    """Makes the CAs at once and bundles when asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.roots = [_made(f"{name} Root", kind=kind, ca=True, end=3650) for name, kind, _issuing in COMPANIES]
        self.issuing = [
            _made(f"{name} Issuing", root, kind=kind, ca=True, pathlen=0, end=1825)
            for (name, _root, kind), root in zip(COMPANIES, self.roots, strict=True)
        ]
        self.crossed = {
            number: _made(f"{COMPANIES[number][0]} Root", self.roots[number + 1], kind=kind, ca=True, end=1825)
            for number, kind in ((0, COMPANIES[0][1]), (2, COMPANIES[2][1]))
        }
        self.stranger = _made("Stranger Root", ca=True, end=3650)
        for name, root in zip((name for name, *_kinds in COMPANIES), self.roots, strict=True):
            self._write(f"roots/{name}.pem", root)
        self._write("roots/Stranger.pem", self.stranger)
        for missing in (None, *range(len(COMPANIES))):
            for number, made in enumerate(self.issuing):
                if number != missing:
                    self._write(f"{_candidates(missing)}/issuing-{number}.pem", made)
            for number, made in self.crossed.items():
                self._write(f"{_candidates(missing)}/crossed-{number}.pem", made)

    def bundles(self, count: int) -> list[Bundle]:
        """Always the same ones for a count, but for keys and serial numbers."""
        return [self._bundle(number, ROTATION[number % len(ROTATION)]) for number in range(count)]

    def _bundle(self, number: int, kind: str) -> Bundle:
        company = (number + number // len(ROTATION)) % len(COMPANIES)
        if kind == "cross":
            company -= company % 2
        host = f"h{number}.corp.test"
        leaf = self._leaf(number, host, company, kind)
        above = [self.issuing[company]] if number % 2 and kind != "missing" else []
        trusted = {"cross": company + 1, "foreign": None}.get(kind, company)
        return Bundle(
            kind=kind,
            host=host,
            file=self._write(f"bundles/{number}.pem", leaf, *above),
            key=self._write_key(f"bundles/{number}.key", leaf),
            candidates=(self.folder / _candidates(company if kind == "missing" else None),),
            root=self.folder / f"roots/{'Stranger' if trusted is None else COMPANIES[trusted][0]}.pem",
            faults=frozenset(FAULTS.get(kind, ())),
        )

    def _leaf(self, number: int, host: str, company: int, kind: str = "good") -> Made:
        key_kind = ("rsa2048", "p256")[number // 2 % 2]
        return _made(
            host,
            self.issuing[company],
            kind=key_kind,
            key=f"leaf {number % 5}",
            dns=[f"not-{host}" if kind == "name" else host],
            end=-1 if kind == "expired" else 335,
        )

    def traps(self) -> list[Bundle]:
        """Good bundles with candidates among which one must choose, each in both orders of them.

        root: the cross-signed root, and itself, which is not trusted. issuer: the issuing CA, also certified by a stranger.
        expired: the issuing CA's certificate, and the one before it.
        """
        more = {"kind": COMPANIES[0][2], "ca": True, "pathlen": 0}
        pairs = {
            "root": (1, self.crossed[0], self.roots[0]),
            "issuer": (0, self.issuing[0], _made("Alfa Issuing", self.stranger, end=1825, **more)),
            "expired": (0, self.issuing[0], _made("Alfa Issuing", self.roots[0], start=-700, end=-1, **more)),
        }
        always = self._write("traps/issuing.pem", self.issuing[0])
        found = []
        for number, (name, (trusted, *two)) in enumerate(pairs.items()):
            host = f"trap{number}.corp.test"
            leaf = self._leaf(number, host, 0)
            files = [self._write(f"traps/{name}-{at}.pem", made) for at, made in enumerate(two)]
            for ordered in itertools.permutations(files):
                found.append(
                    Bundle(
                        kind=f"trap-{name}",
                        host=host,
                        file=self._write(f"traps/{number}.pem", leaf),
                        key=self._write_key(f"traps/{number}.key", leaf),
                        candidates=(*ordered, always) if name == "root" else ordered,
                        root=self.folder / f"roots/{COMPANIES[trusted][0]}.pem",
                    )
                )
        return found

    def _write(self, name: str, *made: Made) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(one.certificate.pem for one in made))
        return path

    def _write_key(self, name: str, made: Made) -> Path:
        path = self.folder / name
        path.touch(0o600)
        path.write_bytes(made.key_pem())
        return path


def _candidates(missing: int | None) -> str:
    return "candidates/all" if missing is None else f"candidates/without-{missing}"


def _made(name: str, issuer: Made | None = None, *, start: float = -30, end: float, **more) -> Made:
    return make(name, issuer, start=TODAY + start, end=TODAY + end, **more)
