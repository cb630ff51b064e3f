"""One client on Windows desktops by win_client, against ansible.windows at its best, and against one bare command of pywinrm.

The desktops are modelled (tests/lab/desktops/light, a stand-in in Python) behind the laboratory's WinRM endpoint, on loopback, over
HTTP with NTLM and encrypted messages. Requests and bytes are counted there: head and body, both ways, logins included. What Windows
itself takes is not in any figure: real hosts answer both sides later.

nothing-…   One desktop on which all is done: package, six registry values, one value of each user. The peer is win_package and six
            times win_regedit with pipelining, and its PowerShell is canned (windows_endpoint.py): it reads its input and has its
            answer at once. No host can be that fast, so that is the peer's best case; it looks at nothing of users either.
            `task` is the wall time of one task more in a play; `process` is without Ansible's processes, all libraries loaded.
            The goals: 8 requests after the login; twice the wall of the bare command; a fifth of the peer's requests and a tenth
            of its bytes.
first-…     Whole plays on a desktop without any of it; ours sends the package (a few kB) through the channel and installs it. The
            peer is the same as before: it is spared the transfer and the installation as well. The goal: not more than that.
many-…      So many desktops with nothing to do, every request 20 ms late. `raw` is a task of Ansible that only reaches each host
            and has the canned answer; `nothing` is one with the arguments of ours that does nothing and goes nowhere
            (action_plugins/bench_nothing.py). They are what Ansible costs by itself: it keeps a task's arguments and result of
            each host until the task has ended. Endpoint and controller share the cores of this machine. The rate is of whole
            plays. CPU and memory are of ansible-playbook with its workers (memory: of its biggest process), for each host beyond
            a play with one. The goals: half of the rate of `raw`, twice its CPU, twice the memory of `nothing`; and a host
            among the most costs at most a fifth more than among the fewest (growth).
            Memory is judged beyond `nothing`: what its cost for each host grows by, ours may grow by, and a fifth. Ansible's
            own is not flat, as the first hundred find what its start has left free; it is printed beside it.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

COUNTS = sorted(int(count) for count in os.environ.get("BENCH_WINDOWS_HOSTS", "100,1000,2000").split(","))
FORKS = int(os.environ.get("BENCH_WINDOWS_FORKS", "20"))
# So many tasks, or visits, in a row; what is compared is the time for one.
TIMES = max(2, int(os.environ.get("BENCH_WINDOWS_TIMES", "10")))
LATENCY = 0.02
ALLOWED = 8
FLAT = round(1 / 1.2, 3)
PEER = "ansible.windows-with-canned-PowerShell(best-case)"
BARE = "bare-pywinrm-command"


def measure(rounds: int) -> list[dict]:
    """The figures; raises when anybody did not do what it was asked for."""
    import windows_desktops

    with tempfile.TemporaryDirectory(prefix="onprem-chat-bench-") as name:
        folder = Path(name)
        with (
            windows_desktops.running(folder / "near") as near,
            windows_desktops.running(folder / "far", LATENCY) as far,
        ):
            alone = [_alone(near, far) for _round in range(rounds)]
        with windows_desktops.running(folder / "new", done=False) as new:
            first = [_first(new, number) for number in range(rounds)]
        many = []
        for number in range(rounds):
            with windows_desktops.running(folder / f"many{number}", LATENCY) as far:
                many.append(_many(far))
    return list(_figures(alone, first, many))


def _alone(near, far) -> dict:
    """One desktop, nothing to do: everybody in turn."""
    import windows_desktops

    one = windows_desktops.hosts(1)
    sides = {
        "ours": windows_desktops.ours(near.package),
        "peer": windows_desktops.peer(),
        "raw": windows_desktops.raw(),
    }
    seen = {}
    near.play(sides["raw"], one)
    for name, tasks in sides.items():
        once, often = near.play(tasks, one), near.play(tasks * TIMES, one)
        seen[name] = once.kept() | {"task": (often.wall - once.wall) / (TIMES - 1)}
    bare = [sys.executable, str(windows_desktops.BENCHMARKS / "windows_bare.py")]
    program = near.run([*bare, near.url(one[0]), near.user], near.password)
    seen["bare"] = program.kept()
    visits = [sys.executable, str(windows_desktops.BENCHMARKS / "windows_visits.py")]
    for where, desktops in (("near", near), ("far", far)):
        job = {
            "vars": desktops.variables | {"ansible_host": one[0]},
            "task": windows_desktops.ours(desktops.package)[0]["onprem.chat.win_client"],
            "count": TIMES + 1,
        }
        took = {
            "ours": desktops.run(visits, json.dumps(job)),
            "bare": desktops.run([*bare, desktops.url(one[0]), desktops.user, str(TIMES + 1)], desktops.password),
        }
        for name, cost in took.items():
            # The first loads what is loaded only when it is needed.
            seconds = json.loads(cost.said.splitlines()[-1])[1:]
            seen[name] |= {f"process {where}": statistics.median(seconds)}
    return seen


def _first(new, number: int) -> dict:
    """A desktop that nobody was on before, for each."""
    import windows_desktops

    host = [windows_desktops.hosts(number + 1)[-1]]
    return {
        "ours": new.play(windows_desktops.ours(new.package, delivery="channel"), host, changed=1).kept(),
        "peer": new.play(windows_desktops.peer(), host).kept(),
    }


def _many(far) -> dict:
    """Ours on every number of desktops, and the task that does nothing."""
    import windows_desktops

    hosts = windows_desktops.hosts(COUNTS[-1])
    sides = {
        "ours": windows_desktops.ours(far.package),
        "raw": windows_desktops.raw(),
        "nothing": windows_desktops.nothing(far.package),
    }
    # A desktop is made when it is first talked to, in a millisecond; ours meets most of the new ones.
    far.play(sides["raw"], hosts[:1])
    seen = {name: {} for name in sides}
    for count in (1, *COUNTS):
        for name, tasks in sides.items():
            seen[name][str(count)] = far.play(tasks, hosts[:count], FORKS).kept()
    return seen


def _figures(alone: list[dict], first: list[dict], many: list[dict]):
    common = {"versions": versions(), "raw": {"alone": alone, "first": first, "many": many}}

    def figure(name, unit, ours, peer_name, peer, goal, goal_is=">="):
        return {
            "name": f"windows-{name}",
            "unit": unit,
            "ours": ours,
            "peer_name": peer_name,
            "peer": peer,
            "goal_is": goal_is,
            "goal": goal,
            **common,
        }

    def of(rounds, side, part, scale=1):
        return [scale * one[side][part] for one in rounds]

    limit = [ALLOWED for _one in alone]
    messages = of(alone, "ours", "messages")
    yield figure("nothing-requests-after-login", "requests", messages, f"goal-of-{ALLOWED}-requests", limit, 1)
    task, program = of(alone, "ours", "task", 1000), of(alone, "bare", "wall", 1000)
    yield figure("nothing-wall-task", "ms", task, "bare-pywinrm-program", program, 0.5)
    for where, text in (("near", ""), ("far", f"-{1000 * LATENCY:.0f}ms-late")):
        process, bare = of(alone, "ours", f"process {where}", 1000), of(alone, "bare", f"process {where}", 1000)
        yield figure(f"nothing-wall-process{text}", "ms", process, BARE, bare, 0.5)
    yield figure("nothing-requests", "requests", of(alone, "ours", "requests"), PEER, of(alone, "peer", "requests"), 5)
    kilo = 1 / 1000
    yield figure("nothing-bytes", "kB", of(alone, "ours", "bytes", kilo), PEER, of(alone, "peer", "bytes", kilo), 10)
    yield figure("nothing-wall", "ms", task, PEER, of(alone, "peer", "task", 1000), 1)
    for part, unit, scale in (("requests", "requests", 1), ("bytes", "kB", kilo), ("wall", "s", 1)):
        yield figure(f"first-{part}", unit, of(first, "ours", part, scale), PEER, of(first, "peer", part, scale), 1)

    def each(side, count, part, scale):
        """For one host more. Memory of few hosts may be that of one to the byte: then it is one byte, to be divided by."""
        more = [one[side][str(count)][part] - one[side]["1"][part] for one in many]
        return [scale * (seen or 1) / (count - 1) for seen in more]

    for count in COUNTS:
        rate, of_raw = ([count / one[side][str(count)]["wall"] for one in many] for side in ("ours", "raw"))
        yield figure(f"many-{count}-rate", "hosts/s", rate, "raw-task", of_raw, 2, "<=")
        used, floor = each("ours", count, "cpu", 1000), each("raw", count, "cpu", 1000)
        yield figure(f"many-{count}-cpu", "ms/host", used, "raw-task", floor, 0.5)
        used, floor = each("ours", count, "memory", kilo), each("nothing", count, "memory", kilo)
        yield figure(f"many-{count}-memory", "kB/host", used, "nothing-with-our-arguments", floor, 0.5)
    least, most = COUNTS[0], COUNTS[-1]

    def growth(side, part):
        """How many times as much a host costs among the most as among the fewest; less than nothing is noise."""
        pairs = zip(each(side, most, part, 1), each(side, least, part, 1), strict=True)
        return [at_most / at_least if at_most > 0 < at_least else 1.0 for at_most, at_least in pairs]

    flat = [1.0 for _one in many]
    for part in ("wall", "cpu"):
        yield figure(f"many-{most}-{part}-growth", "times", growth("ours", part), f"among-{least}", flat, FLAT)
        yield figure(
            f"many-{most}-{part}-growth-of-raw-task", "times", growth("raw", part), f"among-{least}", flat, FLAT
        )
    own = growth("nothing", "memory")
    ours = growth("ours", "memory")
    yield figure(f"many-{most}-memory-growth-beyond-Ansible", "times", ours, "nothing-with-our-arguments", own, FLAT)
    yield figure(f"many-{most}-memory-growth-all", "times", ours, f"among-{least}", flat, FLAT)


def versions() -> dict[str, str]:
    """Of everything that was measured."""

    def said(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    galaxy = json.loads(said("ansible-galaxy", "collection", "list", "--format", "json"))
    return {
        "ansible.windows": next(
            found["ansible.windows"]["version"] for found in galaxy.values() if "ansible.windows" in found
        ),
        "ansible-core": metadata.version("ansible-core"),
        "pywinrm": metadata.version("pywinrm"),
        "pyspnego": metadata.version("pyspnego"),
        "python": platform.python_version(),
    }
