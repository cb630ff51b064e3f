"""Many records in one zone of a real BIND 9: one dns_records task against what others do for the same records.

The peers: `nsupdate` with one batch file (the least that an update can cost), community.general.nsupdate in a loop, and
octodns-bind. All of them run on the controller inside the laboratory, in turn in every round (see dns_rounds.py).

The goals are those that a whole task shall reach: not more than a task that does nothing (ping), half a second, and twice the
batch of nsupdate; and when nothing is to be done, without the batch. octodns-bind is a program of its own and pays no start of
Ansible, which is most of our time; it is compared as a whole all the same.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "tests" / "lab" / "lab"
RECORDS = int(os.environ.get("BENCH_DNS_RECORDS", "1000"))
# A loop takes so long that it is run with fewer records; what is compared is the time for each.
LOOPED = int(os.environ.get("BENCH_DNS_LOOPED", "100"))
ALLOWANCE = 0.5


def measure(rounds: int) -> list[dict]:
    """The figures; raises when anybody did not do what it was asked for."""
    subprocess.run([LAB, "up", "users", "ns1"], check=True, stdout=subprocess.DEVNULL)
    octodns = subprocess.run(
        [ROOT / "tests/toolchain/bootstrap", "bench"], check=True, stdout=subprocess.PIPE, text=True
    )
    inside = [LAB, "exec", "users", "--", "python", ROOT / "benchmarks/dns_rounds.py"]
    seen = json.loads(
        subprocess.run(
            [*inside, str(rounds), str(RECORDS), str(LOOPED), octodns.stdout.strip()],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    )
    return list(_figures(seen))


def _figures(seen: dict):
    def figure(name, ours, peer_name, peer, goal, unit="s"):
        return {
            "name": f"dns-{name}",
            "unit": unit,
            "ours": ours,
            "peer_name": peer_name,
            "peer": peer,
            "goal_is": ">=",
            "goal": goal,
            "versions": seen["versions"],
            "raw": seen["seconds"],
        }

    took = seen["seconds"]
    for what in ("new", "changed"):
        limit = [
            ping + ALLOWANCE + 2 * batch for ping, batch in zip(took["ping"], took[f"nsupdate {what}"], strict=True)
        ]
        yield figure(f"{what}-{RECORDS}", took[f"ours {what}"], "ping-task+0.5s+2*nsupdate-batch", limit, 1)
    limit = [ping + ALLOWANCE for ping in took["ping"]]
    yield figure(f"unchanged-{RECORDS}", took["ours unchanged"], "ping-task+0.5s", limit, 1)
    each = [1000 * seconds / RECORDS for seconds in took["ours new"]]
    looped = [1000 * seconds / LOOPED for seconds in took["loop new"]]
    yield figure("new-each", each, f"loop-of-community.general.nsupdate({LOOPED},scaled)", looped, 50, "ms")
    for what in ("new", "unchanged", "changed"):
        yield figure(f"{what}-{RECORDS}-octodns", took[f"ours {what}"], "octodns-bind", took[f"octodns {what}"], 1)
