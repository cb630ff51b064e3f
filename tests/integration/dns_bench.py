# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task of three record sets at names of its own, run where things go wrong; what is there is asked from the real server."""

from __future__ import annotations

import uuid

from conftest import LAB
from dns_workshop import PORT, Workshop
from lab_dns import NameServers, Target

TIMEOUT = 1


class Task:
    """An address set that exists already in zones with a key, a service and a text. Either all of it is written or nothing."""

    def __init__(self, bench: Bench, target: Target, options: dict) -> None:
        self.bench = bench
        self.target = target
        self.label = f"f{uuid.uuid4().hex[:8]}"
        self.name = f"{self.label}.{target.zone}."
        self.service, self.text = f"_{self.label}._tcp.{target.zone}.", f"text.{self.name}"
        self.before = [f"{self.name} 60 IN A 192.0.2.9"] if target.key_file else []
        self.after = [
            f"{self.service} 300 IN SRV 5 0 5222 {self.name}",
            f"{self.name} 300 IN A 192.0.2.1",
            f"{self.name} 300 IN A 192.0.2.2",
            f'{self.text} 300 IN TXT "new"',
        ]
        srv = {"priority": 5, "port": 5222, "target": self.name.rstrip(".")}
        records = [
            {"name": self.label, "type": "A", "state": "exact", "ttl": 300, "entries": ["192.0.2.1", "192.0.2.2"]},
            {"name": f"_{self.label}._tcp", "type": "SRV", "state": "exact", "ttl": 300, "srv": [srv]},
            {"name": f"text.{self.label}", "type": "TXT", "state": "exact", "ttl": 300, "entries": ["new"]},
        ]
        account = {"server": target.server, "zone": target.zone, "timeout": TIMEOUT}
        if target.key_file:
            account |= {"auth": "tsig", "tsig_name": target.key_name, "tsig_secret": target.secret}
        self.arguments = {**account, "records": records, **options}

    def prepare(self) -> None:
        """The address that is to be replaced, written by nsupdate."""
        if self.before:
            lines = (
                f"server {self.target.address}\nzone {self.target.zone}\nupdate add {self.name} 60 A 192.0.2.9\nsend\n"
            )
            done = self.bench.call("nsupdate", "-k", str(self.target.key_file), text=lines)
            assert (done["code"], done["errors"]) == (0, "")

    def there(self) -> list[str]:
        """What the real server says about all names, asked by dig, not through the proxy."""
        questions = [self.name, "A", self.service, "SRV", self.text, "TXT"]
        options = ["+norecurse", "+noall", "+answer", "+time=2", "+tries=1"]
        lines = self.bench.call("dig", *options, f"@{self.target.address}", *questions)["output"].splitlines()
        assert not any(line.startswith(";") for line in lines), lines
        return sorted((" ".join(line.split()) for line in lines), key=self._place)

    def _place(self, line: str) -> tuple[int, str]:
        return [self.service, self.name, self.text].index(line.split()[0]), line

    def order(self, faults: tuple[str, ...] | None, options: dict) -> dict:
        keys = [(self.target.key_name, self.target.secret)] if self.target.key_file else []
        return {
            "arguments": self.arguments,
            "faults": faults,
            "server": self.target.address,
            "keys": keys,
            **options,
        }


class Run:
    """What a run returned, and how often which kind of message was sent and reached the server (through the proxy only)."""

    def __init__(self, said: dict) -> None:
        self.result = said["result"]
        self.seen = [kind for kind, _name in said["seen"]]
        self.reached = [kind for kind, _name in said["reached"]]
        self.message = self.result.get("msg")
        self.outcome = tuple(self.result.get(word) for word in ("changed", "updates", "answer"))


class Bench:
    """All targets of the laboratory, and tasks for them. What the tasks have written goes when the bench is closed."""

    def __init__(self, name_servers: NameServers) -> None:
        self.name_servers = name_servers
        self.lab = name_servers.lab
        self.samba = Target("dc1.corp.test", "10.203.0.10", "corp.test")
        self.account = {"principal": "svc-chat-dns@CORP.TEST", "password": self.lab.secrets["svc-chat-dns"]}
        self.workshop = Workshop(LAB)
        self._tasks: list[Task] = []

    def call(self, *argv: str, **options) -> dict:
        """Another program, where users are."""
        return self.workshop.ask("call", argv=argv, **options)

    def task(self, target: Target, **options) -> Task:
        """A new task; without an option: leave it out with None."""
        if not target.key_file and "principal" not in options:
            options = {**self.account, **options}
        task = Task(self, target, {})
        task.arguments = {name: value for name, value in {**task.arguments, **options}.items() if value is not None}
        task.prepare()
        self._tasks.append(task)
        return task

    def run(self, task: Task, *faults: str, proxy: bool = True, **options) -> Run:
        """Run it through the proxy with these faults, or directly."""
        return Run(self.workshop.ask("run", **task.order(faults if proxy else None, options)))

    def begin(self, task: Task, *faults: str, **options) -> None:
        """Start it, and go on: for ``held``, ``release`` and ``end`` of the workshop."""
        self.workshop.ask("begin", **task.order(faults, options))

    def end(self) -> Run:
        return Run(self.workshop.ask("end"))

    def close(self) -> None:
        """Remove what was written: one task for each zone."""
        zones = {task.target: [] for task in self._tasks}
        for task in self._tasks:
            zones[task.target] += [(task.name, "A"), (task.service, "SRV"), (task.text, "TXT")]
        for target, names in zones.items():
            self.clear(target, names)
        self.workshop.close()

    def clear(self, target: Target, names: list[tuple[str, str]]) -> None:
        """Remove record sets."""
        records = [{"name": name, "type": kind, "state": "absent"} for name, kind in names]
        task = Task(self, target, {"records": records, "timeout": 10, **({} if target.key_file else self.account)})
        run = self.run(task, proxy=False)
        assert run.message is None, run.message


def through(server: str) -> str:
    """A server as messages name it when it is reached through the proxy."""
    return f"DNS server {server}.corp.test port {PORT}"
