"""The laboratory's name servers as tests use them: what to ask where, with which key, by dig and nsupdate."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Lab

PARTS = ("ns1", "ns2", "knot")
SECONDARY = "10.203.0.31"


@dataclass(frozen=True)
class Target:
    """A zone on a server, and the TSIG key that may change it (none where Kerberos is asked for)."""

    server: str
    address: str
    zone: str
    key_name: str | None = None
    key_file: Path | None = None
    secret: str | None = None


class NameServers:
    """All targets, and the independent tools."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.secondary = SECONDARY
        self.internal = self._target("ns1", "10.203.0.30", "example.test", "internal")
        self.external = self._target("ns1-external", "10.203.0.40", "example.test", "external")
        self.bulk = self._target("ns1", "10.203.0.30", "bulk.test", "bulk")
        self.closed = self._target("ns1", "10.203.0.30", "closed.test", "bulk")
        self.knot = self._target("knot", "10.203.0.32", "knot.test", "knot")
        self.kerberos = Target("ns1.corp.test", "10.203.0.30", "krb.corp.test")

    def _target(self, host: str, address: str, zone: str, key: str) -> Target:
        file = self.lab.state / "tsig" / f"{key}.key"
        return Target(f"{host}.corp.test", address, zone, f"{key}-key", file, self.lab.secrets[f"tsig-{key}"])

    def dig(self, address: str, name: str, kind: str = "A", key: Path | None = None) -> str:
        """What `dig +short` prints; of a transfer, the whole text."""
        argv = [
            "dig",
            "+norecurse",
            "+time=2",
            "+tries=1",
            *(["-k", str(key)] if key else []),
            f"@{address}",
            name,
            kind,
        ]
        return self.lab.exec("users", argv if kind == "AXFR" else [*argv, "+short"]).stdout.strip()

    def serial(self, address: str, zone: str, key: Path | None = None) -> int:
        """The SOA serial that a server has."""
        return int(self.dig(address, zone, "SOA", key).split()[2])

    def wait_for(self, address: str, name: str, expected: str, kind: str = "A", seconds: float = 5) -> float:
        """Ask until the answer is as expected; the seconds it took. AssertionError with the last answer if it never is."""
        started = time.monotonic()
        while (answer := self.dig(address, name, kind)) != expected:
            assert time.monotonic() - started < seconds, f"{address} says {answer!r} for {name} {kind}"
            time.sleep(0.1)
        return time.monotonic() - started

    def nsupdate(self, target: Target, *changes: str, key: Path | None = None) -> subprocess.CompletedProcess:
        """Send one update message; unsigned without a key."""
        options = ["-k", str(key)] if key else []
        return self.lab.exec("users", ["nsupdate", *options], input=script(target, *changes))

    def nsupdate_as(self, principal: str, password: str, target: Target, *changes: str) -> subprocess.CompletedProcess:
        """The same, signed with Kerberos, with a ticket of its own."""
        with tempfile.TemporaryDirectory(dir=self.lab.state) as folder:
            environment = ["env", f"KRB5CCNAME=FILE:{folder}/ccache"]
            self.lab.exec("users", [*environment, "kinit", principal], check=True, input=f"{password}\n")
            return self.lab.exec("users", [*environment, "nsupdate", "-g"], input=script(target, *changes))

    @contextlib.contextmanager
    def secondary_stuck(self) -> Iterator[None]:
        """ns2 goes on answering but reaches ns1 no more; afterwards it fetches what it missed."""
        self.lab.exec("ns2", ["ip", "route", "replace", "blackhole", self.internal.address], check=True)
        try:
            yield
        finally:
            self.lab.exec("ns2", ["ip", "route", "delete", "blackhole", self.internal.address], check=True)
            for zone in (self.internal.zone, self.bulk.zone):
                self.lab.exec("ns2", ["rndc", "refresh", zone], check=True)


def script(target: Target, *changes: str) -> str:
    """What nsupdate reads: `add NAME TTL TYPE VALUE` and `delete NAME [TYPE]`."""
    lines = [f"server {target.server if target.key_name is None else target.address}", f"zone {target.zone}"]
    return "\n".join([*lines, *(f"update {change}" for change in changes), "send", ""])
