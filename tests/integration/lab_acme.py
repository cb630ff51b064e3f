# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's ACME server as tests use it: where it is, what it sees, its root, and faults on demand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Lab

HOST = "acme.corp.test"
ADDRESS = "10.203.0.50"
GET = (
    "import ssl, sys, urllib.request as r\n"
    "trust = ssl.create_default_context(cafile=sys.argv[2])\n"
    "data = sys.stdin.buffer.read() or None\n"
    "sys.stdout.write(r.urlopen(sys.argv[1], data, 10, context=trust).read().decode())\n"
)
RULES = "/run/acme-faults/rules.json"


class Acme:
    """Pebble in the part `acme`."""

    directory = f"https://{HOST}:14000/dir"
    # The same server behind the stand-in for faults.
    faulty_directory = f"https://{HOST}:14001/dir"

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ca_file: Path = lab.state / "company-ca.crt"

    def get(self, url: str, data: bytes = b"") -> str:
        """Fetch (or post to) a URL from where users are; a certificate that does not fit is an error."""
        argv = ["python3", "-c", GET, url, str(self.ca_file)]
        return self.lab.exec("users", argv, check=True, input=data.decode()).stdout

    def root(self) -> str:
        """PEM of the root of what it issues. It is drawn when pebble starts: after a restart it is another one."""
        return self.get(f"https://{HOST}:15000/roots/0")

    def sees(self, name: str, kind: str = "A") -> str:
        """What its resolver answers, as `dig +short` prints it."""
        return self.lab.exec(
            "users", ["dig", "+short", "+time=2", "+tries=1", f"@{ADDRESS}", name, kind]
        ).stdout.strip()

    def lie(self, command: str, **what: object) -> None:
        """Tell the challenge test server what to answer below lies.test: lie("set-txt", host="_acme-challenge.a.lies.test.", value="…")."""
        self.get(f"http://{HOST}:8055/{command}", json.dumps(what).encode())

    def status(self, serial: str) -> str:
        """Valid or Revoked: what the server knows of a certificate, by its serial number in hexadecimal digits."""
        return json.loads(self.get(f"https://{HOST}:15000/cert-status-by-serial/{serial.lower()}"))["Status"]

    @contextlib.contextmanager
    def faults(self, *rules: dict) -> Iterator[None]:
        """faulty_directory does these things wrong, as acme_faults.py describes; afterwards nothing."""
        script = f"cat > {RULES}.new && chmod 644 {RULES}.new && mv {RULES}.new {RULES}"
        self.lab.exec("acme", ["sh", "-c", script], check=True, input=json.dumps(rules))
        try:
            yield
        finally:
            self.lab.exec("acme", ["rm", "-f", RULES], check=True)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody answers on its port; afterwards it is another CA that knows none of its accounts."""
        self.lab.exec("acme", ["systemctl", "stop", "pebble"], check=True)
        try:
            yield
        finally:
            self.lab.exec("acme", ["systemctl", "start", "pebble"], check=True)
            self.lab.up("acme")
