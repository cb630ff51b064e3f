# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the laboratory's WinRM endpoint (tests/lab/desktops/endpoint, a stand-in) for one test and looks into its log."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

DESKTOPS = Path(__file__).resolve().parents[1] / "lab" / "desktops"
ADMIN = {"name": "rollout", "domain": "CORP", "realm": "corp.test", "password": "Pa:ss w0rd-Ы"}
PLAIN = {"name": "plain", "domain": "CORP", "realm": "corp.test", "password": "plain-1", "administrator": False}
OTHER = {"name": "other", "domain": "CORP", "realm": "corp.test", "password": "other-1"}
LOCAL = {"name": "admin", "domain": "DESK", "password": "local-1"}


class Endpoint:
    """A running endpoint: where it listens, its rules, its log."""

    def __init__(self, folder: Path, ports: dict[str, int], address: str) -> None:
        self.folder = folder
        self.ports = ports
        self.address = address

    def url(self, scheme: str = "http") -> str:
        return f"{scheme}://{self.address}:{self.ports[scheme]}/wsman"

    def rules(self, *rules: dict) -> None:
        """Faults on demand; the numbering of requests begins anew."""
        fresh = self.folder / "rules.new"
        fresh.write_text(json.dumps(rules))
        fresh.replace(self.folder / "rules.json")

    def log(self) -> list[dict]:
        """What was asked so far."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def verbs(self) -> list[str]:
        """The messages among it."""
        return [line["verb"] for line in self.log() if "verb" in line]


@contextlib.contextmanager
def running(folder: Path, within: Sequence[str] = (), address: str = "127.0.0.1", **config) -> Iterator[Endpoint]:
    """An endpoint with this configuration; `within` is a command that starts it somewhere else."""
    config = {
        "computer": "DESK",
        "users": [ADMIN, PLAIN, OTHER, LOCAL],
        "listeners": [{"address": address, "port": 0}],
        "rules": str(folder / "rules.json"),
        "log": str(folder / "log"),
    } | config
    (folder / "config.json").write_text(json.dumps(config))
    process = subprocess.Popen(
        [*within, sys.executable, "-m", "endpoint", "--config", str(folder / "config.json")],
        cwd=DESKTOPS,
        env=os.environ | {"PYTHONPATH": str(DESKTOPS), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        ports = {}
        while (line := process.stdout.readline().split()) != ["ready"]:
            if not line:
                raise RuntimeError(f"the endpoint ended with {process.wait()}")
            if line[0] == "listening":
                ports[line[1]] = int(line[3])
        yield Endpoint(folder, ports, address)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def certificate(folder: Path, address: str = "127.0.0.1") -> str:
    """A certificate that signs itself, with its key in the same file."""
    key, leaf = folder / "key.pem", folder / "leaf.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=desk.corp.test"),
            *("-addext", f"subjectAltName=IP:{address},DNS:desk.corp.test", "-keyout", key, "-out", leaf),
        ],
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.touch(0o600)
    both.write_text(leaf.read_text() + key.read_text())
    return str(both)
