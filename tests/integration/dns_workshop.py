# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs dns_records many times in little time: as a process of its own, without a playbook, directly or through dns_proxy.py.

The tests use ``Workshop``. The program, which it starts where users are, reads orders as lines of JSON and answers each of
them with a line of JSON; standard input, because orders hold passwords.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import dns.name
import dns.tsig
from dns_proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]
MODULE = "ansible_collections.onprem.chat.plugins.modules.dns_records"
PORT = 5399
# Kerberos knows a server by its name: for a run through the proxy the names lead to the proxy.
HOSTS = "127.0.0.1 localhost dc1.corp.test ns1.corp.test knot.corp.test\n"
ELSEWHERE = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Workshop:
    """The tests' side."""

    def __init__(self, lab) -> None:
        command = [lab, "exec", "users", "--", "python", __file__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
        )

    def ask(self, do: str, **order):
        """Give one order and wait for the answer."""
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")
        answer = self._process.stdout.readline()
        assert answer, "the workshop has ended"
        said = json.loads(answer)
        assert "error" not in said, said["error"]
        return said["said"]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)


# -- what runs where users are ----------------------------------------------------------------------------------------


def start(
    arguments: dict, hosts: Path | None = None, prefix=(), check: bool = False, environment: dict | None = None
) -> subprocess.Popen:
    """The module with these arguments, as a process; its id is that of the Python that runs it."""
    arguments = {**arguments, "_ansible_check_mode": check, "_ansible_diff": True}
    elsewhere = ["unshare", "--mount", "sh", "-c", ELSEWHERE, str(hosts)] if hosts else []
    process = subprocess.Popen(
        [*elsewhere, *prefix, sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    process.stdin.close()
    process.stdin = None
    return process


def result_of(process: subprocess.Popen) -> dict:
    """What the module returned."""
    output, errors = process.communicate(timeout=120)
    try:
        return json.loads(output)
    except ValueError:
        raise RuntimeError(f"no result: {output}{errors}") from None


def hosts_file(folder: str) -> Path:
    file = Path(folder, "hosts")
    file.write_text(HOSTS)
    return file


def key(name: str, secret: str) -> dict:
    """A TSIG key as the proxy wants it."""
    return {dns.name.from_text(name): dns.tsig.Key(name, base64.b64decode(secret), "hmac-sha256")}


class _Orders:
    def __init__(self, folder: str) -> None:
        self.proxy = Proxy(("10.203.0.30", 53), port=PORT)
        self.hosts = hosts_file(folder)
        self.process: subprocess.Popen | None = None

    def begin(self, arguments, faults=None, server="10.203.0.30", keys=(), **options):
        """Start the module; with ``faults`` (an empty list is one, too) through the proxy."""
        self.proxy.server = (server, 53)
        self.proxy.keys = {name: value for pair in keys for name, value in key(*pair).items()}
        self.proxy.told(*(faults or ()))
        if faults is not None:
            arguments = {**arguments, "port": PORT}
            options["hosts"] = self.hosts
        self.process = start(arguments, **options)

    def held(self):
        return self.proxy.held.get(timeout=20)

    def release(self, what):
        self.proxy.release(what)

    def end(self):
        """The result, and what went through the proxy."""
        result = result_of(self.process)
        return {"result": result, "seen": self.proxy.seen, "reached": self.proxy.reached}

    def run(self, **order):
        self.begin(**order)
        return self.end()

    def call(self, argv, text="", environment=None):
        """Another program: dig, nsupdate, kinit."""
        done = subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
        )
        return {"code": done.returncode, "output": done.stdout, "errors": done.stderr}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        orders = _Orders(folder)
        for line in sys.stdin:
            order = json.loads(line)
            try:
                said = {"said": getattr(orders, order.pop("do"))(**order)}
            except Exception as error:  # whatever it is, the test shall show it
                said = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
