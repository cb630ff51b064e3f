"""A rollout to a thousand desktops by the playbook clients, some of which are off, refuse the login, or fail to install.

    tests/toolchain/with python tests/soak/clients_many.py [--desktops 1000] [--forks 50] [--runs 4] [--shown FOLDER]

The desktops are modelled ones (tests/lab/desktops/light, a stand-in) on loopback addresses: no evidence for Windows, but for whom
Ansible asks, in which order, what a human is shown, and what it costs the controller. Rings: one desktop, ten, a quarter, the rest.

stopped     one of the ring of ten fails: nobody of the next rings is asked
most        20 per cent of a ring may fail: everybody is asked; the rollout ends with a list of those that did not work
retry       what was wrong is put right; --limit @clients.retry asks the listed ones alone
again       nothing changes anywhere
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))

from modelled_packages import package
from winrm_endpoint import ADMIN, Endpoint, running

# Of a thousand; at least one of each.
OFF, REFUSED, BAD = 7, 3, 5
# So that a handful of desktops, among which one of each is much, passes as well.
ALLOWED = 20
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
SUMMARY = re.compile(r'"msg": (\[\n\s+"\d+ desktops? in this run",.*?\n\s+\])', re.DOTALL)


def check(what: str, seen: object, wanted: object) -> None:
    """Ends the program unless both are equal."""
    if seen != wanted:
        sys.exit(f"clients_many: {what}: {str(seen)[:2000]}, and not {str(wanted)[:2000]}")


@dataclass
class Run:
    """What a run left, and what it took."""

    code: int
    output: str
    wall: float
    cpu: float
    memory: int  # bytes, of the biggest process

    @property
    def changed(self) -> int:
        """On how many hosts something was changed."""
        return sum(int(changed) > 0 for _host, changed, _unreachable, _failed in RECAP.findall(self.output))

    def summary(self) -> list[str]:
        """The last one, as it is shown."""
        return json.loads(SUMMARY.findall(self.output)[-1])

    def counts(self) -> dict[str, int]:
        """Of the last summary: what is not zero."""
        found = re.findall(r"^ +(\d+)  ([a-z ]+)", "\n".join(self.summary()), re.MULTILINE)
        return {words: int(number) for number, words in found if int(number)}


class Company:
    """So many desktops in four rings, and the inventory of them."""

    def __init__(self, folder: Path, given: argparse.Namespace, endpoint: Endpoint, packages: dict[str, Path]) -> None:
        count = given.desktops
        self.folder = folder
        self.shown = given.shown or folder
        self.forks = given.forks
        self.before = 0
        self.endpoint = endpoint
        self.packages = packages
        self.names = [f"pc{number:04d}" for number in range(1, count + 1)]
        self.addresses = {name: f"127.77.{at // 250}.{at % 250 + 1}" for at, name in enumerate(self.names)}
        last = 11 + count // 4
        self.rings = {"first": self.names[:1], "ten": self.names[1:11], "quarter": self.names[11:last]}
        # The others are spread over the rest, by turns.
        off, refused, bad = (max(1, part * count // 1000) for part in (OFF, REFUSED, BAD))
        more = iter(self.names[last :: max(1, (count - last) // (off + refused + bad))])
        self.bad = [self.names[5]] + [next(more) for _one in range(max(1, bad - 1))]
        self.off = [self.names[7]] + [next(more) for _one in range(off - 1)]
        self.refused = [next(more) for _one in range(refused)]

    def inventory(self, wrong: bool, closed: int) -> Path:
        """The hosts; with what is wrong, or put right."""
        hosts = {name: {"ansible_host": address} for name, address in self.addresses.items()}
        for name in self.bad:
            hosts[name]["chat_clients"] = [{"package": str(self.packages["bad"]), "delivery": "channel"}]
        if wrong:
            for name in self.off:
                hosts[name]["ansible_port"] = closed
            for name in self.refused:
                hosts[name]["ansible_password"] = "wrong"
        variables = {
            "ansible_connection": "winrm",
            "ansible_port": self.endpoint.ports["http"],
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "ntlm",
            "ansible_user": f"{ADMIN['domain']}\\{ADMIN['name']}",
            "ansible_password": ADMIN["password"],
            "chat_clients": [{"package": str(self.packages["good"]), "delivery": "channel"}],
            "chat_client_rings": list(self.rings),
            "chat_report_directory": str(self.folder / "report"),
        }
        groups = {ring: {"hosts": {name: {} for name in names}} for ring, names in self.rings.items()}
        groups["chat_desktops"] = {"hosts": hosts, "vars": variables}
        path = self.folder / "hosts.json"
        path.touch(0o600)
        path.write_text(json.dumps({"all": {"children": groups}}))
        return path

    def run(self, what: str, *arguments: str, wrong: bool) -> Run:
        """The playbook with Ansible's own output, as a human sees it."""
        output = self.shown / f"{what}.txt"
        self.before = len(self.endpoint.log())
        with socket.socket() as nobody, output.open("wb") as file:
            nobody.bind(("127.0.0.1", 0))  # and does not listen
            inventory = self.inventory(wrong, nobody.getsockname()[1])
            command = ["ansible-playbook", "onprem.chat.clients", "-i", inventory, "--forks", str(self.forks)]
            begin = time.monotonic()
            process = subprocess.Popen(
                [*command, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        cpu = used.ru_utime + used.ru_stime
        text = output.read_text(errors="replace")
        run = Run(process.returncode, text, time.monotonic() - begin, cpu, 1024 * used.ru_maxrss)
        if not SUMMARY.search(text):
            sys.exit(f"clients_many: {what}: no summary, exit code {run.code}: {text[-3000:]}")
        print(
            f"{what}: {', '.join(f'{number} {words}' for words, number in run.counts().items())}; {run.wall:.0f} s, "
            f"processors {run.cpu:.0f} s, memory {run.memory / 1e6:.0f} MB, {len(text.splitlines())} lines shown, "
            f"summary of {len(run.summary())}",
            flush=True,
        )
        return run

    def retry(self) -> list[str]:
        """The names to be done again."""
        file = self.folder / "report" / "clients.retry"
        return file.read_text().split() if file.exists() else []

    def asked(self) -> set[str]:
        """The desktops that the last run has asked."""
        names = {address: name for name, address in self.addresses.items()}
        lines = self.endpoint.log()[self.before :]
        return {names[line["desktop"]] for line in lines if line.get("desktop") in names}


def roll_out(company: Company, runs: int) -> None:
    """The runs one after the other; each needs what the ones before it have left."""
    listed = []
    if runs > 0:
        stopped(company)
    if runs > 1:
        listed = most(company)
    if runs > 2:
        retried(company, listed)
    if runs > 3:
        again(company)


def stopped(company: Company) -> None:
    """One of ten fails, and another one is off."""
    begun = company.rings["first"] + company.rings["ten"]
    run = company.run("stopped", wrong=True)
    check("exit code of a bad ring", run.code, 2)
    numbers = {"changed": 9, "failed": 1, "unreachable": 1, "not begun yet": len(company.names) - 11}
    check("summary of a bad ring", run.counts(), numbers)
    check("asked up to the bad ring", company.asked(), set(begun) - set(company.off))
    check("retry after the bad ring", company.retry(), [company.bad[0], company.off[0]])


def most(company: Company) -> list[str]:
    """Everybody is asked; who is to be tried again."""
    some = json.dumps({"chat_client_max_fail_percentage": ALLOWED})
    run = company.run("most", "-e", some, wrong=True)
    left = {"failed": company.bad[1:] + company.refused, "unreachable": company.off}
    listed = sorted(left["failed"] + left["unreachable"])
    check("exit code with failures within the limit", run.code, 2)
    numbers = {"unchanged": 9, **{words: len(hosts) for words, hosts in left.items()}}
    numbers["changed"] = len(company.names) - sum(numbers.values())
    check("summary of everybody", run.counts(), numbers)
    check("retry after everybody", sorted(company.retry()), listed)
    told = Counter(line.partition(":")[0] for line in run.summary() if ": pc" in line)
    check("each that did not work has its line", told, {words: len(hosts) for words, hosts in left.items()})
    for word, hosts in (("1603", company.bad[1:]), ("refused the credentials", company.refused)):
        lines = [line.split(": ")[1] for line in run.summary() if word in line]
        check(f"the summary says {word}", sorted(lines), sorted(hosts))
    return listed


def retried(company: Company, listed: list[str]) -> None:
    """Those alone, and all of them work now."""
    run = company.run("retry", "--limit", f"@{company.folder}/report/clients.retry", wrong=False)
    check("exit code of the retry", run.code, 0)
    check("summary of the retry", run.counts(), {"changed": len(listed)})
    check("asked by the retry", sorted(company.asked()), listed)
    check("nobody is to be tried again", company.retry(), [])


def again(company: Company) -> None:
    """Nothing is to be done."""
    run = company.run("again", wrong=False)
    check("exit code of the second run", run.code, 0)
    check("summary of the second run", run.counts(), {"unchanged": len(company.names)})
    check("hosts that the second run changed", run.changed, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--desktops", type=int, default=1000, help="at least 30")
    parser.add_argument("--forks", type=int, default=50)
    parser.add_argument("--runs", type=int, default=4, help="so many of them, from the first on")
    parser.add_argument("--shown", type=Path, help="keep there what a human is shown")
    given = parser.parse_args()
    if given.desktops < 30:
        parser.error("--desktops: at least 30, or the rings have nobody")
    with tempfile.TemporaryDirectory(prefix="onprem-chat-soak-") as name:
        folder = Path(name)
        packages = {kind: folder / f"{kind}.msi" for kind in ("good", "bad")}
        # One and the same product; the file's bytes say how its first installation ends.
        products = [
            package(packages[kind], manufacturer=kind, exit_codes=codes)
            for kind, codes in (("good", []), ("bad", [1603]))
        ]
        (folder / "endpoint").mkdir()
        with running(
            folder / "endpoint",
            users=[ADMIN],
            listeners=[{"address": "0.0.0.0", "port": 0}],  # noqa: S104 - every loopback address is a desktop
            backend="light",
            backend_options={"model": {"products": products}},
        ) as endpoint:
            roll_out(Company(folder, given, endpoint, packages), given.runs)
    print("ok: everybody ended as expected", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
