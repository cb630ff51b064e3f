"""dns_rounds.py ROUNDS RECORDS LOOPED VENV: the measurements of bench_dns.py, run on the controller inside the laboratory.

VENV is where octodns lives. Prints JSON: the seconds of every round, and the versions of all peers. What somebody wrote is
counted by a transfer of the zone with dig after every run: who has not done his work is not measured but ends the benchmark.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plain import PLAIN

ZONE = "bulk.test"
SERVER, ADDRESS = "ns1.corp.test", "10.203.0.30"
TTL = 300
STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
KEY = STATE / "tsig" / "bulk.key"
SECRET = json.loads((STATE / "secrets.json").read_text())["tsig-bulk"]


def addresses(count: int, net: int) -> dict[str, str]:
    """Names and addresses; another ``net``, and all of them are others."""
    return {f"h{number}": f"10.{net}.{number // 250}.{number % 250 + 1}" for number in range(count)}


def there() -> set[tuple[str, str]]:
    """The address records of the zone, by an independent tool."""
    text = run("dig", "+noall", "+answer", "-k", KEY, f"@{ADDRESS}", ZONE, "AXFR")
    rows = (line.split() for line in text.splitlines())
    return {(row[0], row[4]) for row in rows if len(row) == 5 and row[3] == "A" and row[0].startswith("h")}


def expect(wanted: dict[str, str]) -> None:
    """End the benchmark when the zone is not as it should be."""
    expected = {(f"{name}.{ZONE}.", address) for name, address in wanted.items()}
    if there() != expected:
        sys.exit(f"dns_rounds: the zone holds {len(there())} addresses, and {len(expected)} others were expected")


def run(*command, text_in: str | None = None, **environment: str) -> str:
    """Run a command; what it said. Its failure ends the benchmark."""
    done = subprocess.run(
        list(map(str, command)),
        input=text_in,
        stdin=subprocess.DEVNULL if text_in is None else None,
        capture_output=True,
        text=True,
        check=False,
        env=PLAIN | environment,
    )
    if done.returncode:
        sys.exit(f"dns_rounds: {command[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


class Peers:
    """Everybody who can write the records; each method does one whole run, and its time is what counts."""

    def __init__(self, folder: Path, venv: str) -> None:
        self.folder = folder
        self.venv = venv

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch(0o600)
        path.write_text(text)
        return path

    def _play(self, name: str, task: dict, **more) -> Path:
        tasks = [{"name": "Measured", **task, **more}]
        here = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": here, "tasks": tasks}]
        return self._write(name, json.dumps(play))

    def ping(self):
        play = self._play("ping.yml", {"ansible.builtin.ping": {}})
        return lambda: run("ansible-playbook", "-i", "localhost,", play)

    def ours(self, wanted: dict[str, str], state: str = "exact"):
        records = [
            {"name": name, "type": "A", "ttl": TTL, "state": state, "entries": [address]}
            for name, address in wanted.items()
        ]
        connection = {"server": SERVER, "zone": ZONE, "auth": "tsig", "tsig_key_file": str(KEY)}
        play = self._play("ours.yml", {"onprem.chat.dns_records": {**connection, "records": records}})
        return lambda: run("ansible-playbook", "-i", "localhost,", play)

    def nsupdate(self, wanted: dict[str, str], replace: bool = False):
        lines = [f"server {ADDRESS}", f"zone {ZONE}"]
        for name, address in wanted.items():
            if replace:
                lines.append(f"update delete {name}.{ZONE} A")
            lines.append(f"update add {name}.{ZONE} {TTL} A {address}")
        batch = self._write("batch.txt", "\n".join([*lines, "send", ""]))
        return lambda: run("nsupdate", "-k", KEY, batch)

    def loop(self, wanted: dict[str, str]):
        module = {
            "server": ADDRESS,
            "zone": ZONE,
            "record": "{{ item.name }}",
            "type": "A",
            "value": "{{ item.address }}",
            "ttl": TTL,
            "key_name": "bulk-key",
            "key_secret": SECRET,
            "key_algorithm": "hmac-sha256",
            "protocol": "tcp",
        }
        items = [{"name": name, "address": address} for name, address in wanted.items()]
        play = self._play("loop.yml", {"community.general.nsupdate": module}, loop=items)
        return lambda: run("ansible-playbook", "-i", "localhost,", play)

    def octodns(self, wanted: dict[str, str]):
        zone = {name: {"type": "A", "ttl": TTL, "value": address} for name, address in wanted.items()}
        self._write(f"zones/{ZONE}.yaml", json.dumps(zone))
        config = {
            "providers": {
                "config": {
                    "class": "octodns.provider.yaml.YamlProvider",
                    "directory": str(self.folder / "zones"),
                    "enforce_order": False,
                },
                "bind": {
                    "class": "octodns_bind.Rfc2136Provider",
                    "host": ADDRESS,
                    "key_name": "bulk-key",
                    "key_secret": "env/BENCH_KEY_SECRET",
                    "key_algorithm": "hmac-sha256",
                },
            },
            "zones": {f"{ZONE}.": {"sources": ["config"], "targets": ["bind"]}},
        }
        file = self._write("octodns.yaml", json.dumps(config))
        command = [f"{self.venv}/bin/octodns-sync", "--config-file", file, "--doit", "--force", "--quiet"]
        return lambda: run(*command, BENCH_KEY_SECRET=SECRET)


def rounds_of(count: int, records: int, looped: int, peers: Peers) -> dict[str, list[float]]:
    """Seconds of each kind of run, a list of ``count`` each."""
    took = collections.defaultdict(list)
    first, second, few = addresses(records, 1), addresses(records, 2), addresses(looped, 1)

    def clean() -> None:
        names = {name for name, _address in there()}
        lines = [f"update delete {name} A" for name in names]
        run("nsupdate", "-k", KEY, text_in="\n".join([f"server {ADDRESS}", f"zone {ZONE}", *lines, "send", ""]))
        expect({})

    def timed(what: str, action, wanted: dict[str, str] | None = None) -> str:
        started = time.perf_counter()
        said = action()
        took[what].append(time.perf_counter() - started)
        if wanted is not None:
            expect(wanted)
        return said

    for _round in range(count):
        clean()
        timed("ping", peers.ping())
        timed("nsupdate new", peers.nsupdate(first), first)
        timed("nsupdate changed", peers.nsupdate(second, replace=True), second)
        clean()
        timed("ours new", peers.ours(first), first)
        before = serial()
        said = timed("ours unchanged", peers.ours(first), first)
        if "changed=0" not in said or serial() != before:
            sys.exit("dns_rounds: the second run changed something")
        timed("ours changed", peers.ours(second), second)
        clean()
        timed("octodns new", peers.octodns(first), first)
        timed("octodns unchanged", peers.octodns(first), first)
        timed("octodns changed", peers.octodns(second), second)
        clean()
        timed("loop new", peers.loop(few), few)
        clean()
    return took


def serial() -> str:
    """The zone's serial: it grows with every update that changes something."""
    return run("dig", "+short", "-k", KEY, f"@{ADDRESS}", ZONE, "SOA").split()[2]


def versions(venv: str) -> dict[str, str]:
    """Of everybody who was measured."""
    pip = json.loads(run(f"{venv}/bin/python", "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    galaxy = json.loads(run("ansible-galaxy", "collection", "list", "--format", "json"))
    return {
        "nsupdate": subprocess.run(["nsupdate", "-V"], capture_output=True, text=True, check=False).stderr.strip(),
        "community.general": next(
            found["community.general"]["version"] for found in galaxy.values() if "community.general" in found
        ),
        "ansible-core": run("ansible", "--version").splitlines()[0],
        **{entry["name"]: entry["version"] for entry in pip if "octodns" in entry["name"].lower()},
    }


def main() -> None:
    count, records, looped = map(int, sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="onprem-chat-bench-") as folder:
        seconds = rounds_of(count, records, looped, Peers(Path(folder), sys.argv[4]))
    print(json.dumps({"seconds": seconds, "versions": versions(sys.argv[4])}))


if __name__ == "__main__":
    main()
