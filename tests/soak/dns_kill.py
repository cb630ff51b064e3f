"""Kills dns_records with SIGKILL again and again: nothing is ever half-written, and the next run brings what was asked for.

    ONPREM_CHAT_LAB=NAME tests/toolchain/with tests/lab/lab exec users -- python tests/soak/dns_kill.py [--count N] [--server bind|samba]

The module runs as a process of its own. A proxy (tests/integration/dns_proxy.py) holds its update at the moment of the kill, so
that nothing is left to chance:

    before    killed between reading and writing: the update has left the process, and no server ever sees it
    lost      killed between writing and answer: the update is on its way; the server gets it after the process is dead
    answered  killed between writing and answer: the server has done it, and the process never reads the answer

Each round: dig shows all or nothing after the kill, the second run brings everything, the third one changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from dns_proxy import Proxy
from dns_workshop import hosts_file, key, result_of, start

PORT = 5398  # not that of the fault tests
STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
SECRETS = json.loads((STATE / "secrets.json").read_text())
SERVERS = {
    "bind": ("10.203.0.30", "ns1.corp.test", "bulk.test"),
    "samba": ("10.203.0.10", "dc1.corp.test", "corp.test"),
}
MOMENTS = ("before", "lost", "answered")


class Wrong(Exception):
    """A round that must not end like this."""


class Zone:
    """A zone, the module's arguments for it, and an independent look at it."""

    def __init__(self, kind: str, hosts: Path) -> None:
        self.kind, self.hosts = kind, hosts
        self.address, self.server, self.zone = SERVERS[kind]
        self.names = (f"kill.{self.zone}.", f"_kill._tcp.{self.zone}.", f"text.kill.{self.zone}.")
        self.account = {"auth": "tsig", "tsig_name": "bulk-key", "tsig_secret": SECRETS["tsig-bulk"]}
        if kind == "samba":
            self.account = {
                "principal": "svc-chat-dns@CORP.TEST",
                "password": SECRETS["svc-chat-dns"],
                "kdc": self.address,
            }
        self.proxy = Proxy((self.address, 53), key("bulk-key", SECRETS["tsig-bulk"]), PORT)

    def lines(self, number: int) -> list[str]:
        """What the zone holds after a round."""
        host, service, text = self.names
        return sorted(
            [
                f"{host} 300 IN A 192.0.2.{1 + number % 250}",
                f"{host} 300 IN A 198.51.100.{1 + number % 250}",
                f"{service} 300 IN SRV 5 0 {5000 + number} kill.{self.zone}.",
                f'{text} 300 IN TXT "round {number}"',
            ]
        )

    def there(self) -> list[str]:
        """What the server says, asked by dig."""
        questions = [word for name, kind in zip(self.names, ("A", "SRV", "TXT"), strict=True) for word in (name, kind)]
        argv = ["dig", "+norecurse", "+noall", "+answer", "+time=3", f"@{self.address}", *questions]
        output = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        return sorted(" ".join(line.split()) for line in output.splitlines())

    def begin(self, number: int) -> subprocess.Popen:
        """Start the module: all three sets are replaced."""
        addresses = [line.split()[-1] for line in self.lines(number) if " IN A " in line]
        srv = {"priority": 5, "port": 5000 + number, "target": f"kill.{self.zone}"}
        wanted = {"state": "exact", "ttl": 300}
        records = [
            {"name": self.names[0], "type": "A", "entries": addresses, **wanted},
            {"name": self.names[1], "type": "SRV", "srv": [srv], **wanted},
            {"name": self.names[2], "type": "TXT", "entries": [f"round {number}"], **wanted},
        ]
        arguments = {"server": self.server, "port": PORT, "zone": self.zone, "timeout": 10, "records": records}
        return start({**arguments, **self.account}, hosts=self.hosts)

    def run(self, number: int) -> bool:
        """A run without a kill; whether it changed something."""
        result = result_of(self.begin(number))
        if result.get("failed"):
            raise Wrong(f"the run after the kill failed: {result['msg']}")
        return result["changed"]

    def clear(self) -> None:
        """Remove the records."""
        records = [
            {"name": name, "type": kind, "state": "absent"}
            for name, kind in zip(self.names, ("A", "SRV", "TXT"), strict=True)
        ]
        self.proxy.told()
        process = start(
            {"server": self.server, "port": PORT, "zone": self.zone, "records": records, **self.account},
            hosts=self.hosts,
        )
        if result_of(process).get("failed"):
            raise Wrong("the records cannot be removed")


def killed(zone: Zone, number: int, moment: str) -> list[str]:
    """Kill the module in this moment; what the server says then."""
    proxy = zone.proxy
    proxy.told("update:1:" + ("forward,hold" if moment == "answered" else "hold"))
    process = zone.begin(number)
    proxy.held.get(timeout=60)
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    proxy.release("forward" if moment == "lost" else "drop")
    if moment != "before":
        deadline = time.monotonic() + 10
        while not any(kind == "update" for kind, _name in proxy.reached):
            if time.monotonic() > deadline:
                raise Wrong("the update never reached the server")
            time.sleep(0.01)
    return zone.there()


def one_round(zone: Zone, number: int, moment: str, before: list[str]) -> list[str]:
    """Kill, look, run, look, run again."""
    wanted = zone.lines(number)
    after_kill = killed(zone, number, moment)
    if after_kill != (before if moment == "before" else wanted):
        raise Wrong(f"after the kill: {after_kill}, before it: {before}, wanted: {wanted}")
    zone.proxy.told()
    changed = zone.run(number)
    if changed != (moment == "before"):
        raise Wrong(f"the second run says changed={changed}")
    if zone.there() != wanted:
        raise Wrong(f"after the second run: {zone.there()}, wanted: {wanted}")
    if zone.run(number):
        raise Wrong("the third run changed something")
    updates = [kind for kind, _name in zone.proxy.seen].count("update")
    if updates != (moment == "before"):
        raise Wrong(f"{updates} updates in the second and third run")
    return wanted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="rounds for each moment")
    parser.add_argument("--server", choices=SERVERS, action="append", help="default: all of them")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.server or SERVERS:
            zone = Zone(kind, hosts_file(folder))
            zone.clear()
            before: list[str] = []
            for moment in MOMENTS:
                good, began = 0, time.monotonic()
                for turn in range(options.count):
                    try:
                        before = one_round(zone, MOMENTS.index(moment) * options.count + turn, moment, before)
                        good += 1
                    except Wrong as error:
                        print(f"soak dns_kill {kind} {moment} round {turn}: {error}", flush=True)
                        before = zone.there()
                failed += options.count - good
                seconds = time.monotonic() - began
                print(
                    f"soak dns_kill {kind}, killed {moment}: {good} of {options.count} all or nothing, then converged, then "
                    f"unchanged ({seconds:.0f} s)",
                    flush=True,
                )
            zone.clear()
            zone.proxy.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
