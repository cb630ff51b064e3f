"""`make test`: all stages as jobs on a few workers, each with a laboratory of its own, printed in the order of the stages.

A job is this same program, started for one stage or one part of it. Half of a laboratory's time is waiting (boots, ssh,
packages), so there are two workers more than cores. What a job prints is kept and shown when everything before it was shown.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

from .core import BUILD, CACHE, LAB, ROOT, Count

LOGS = BUILD / "test"
# Seconds after which a job hangs: far beyond what any of them takes. The whole run must end, whatever happens.
LONGEST = 2400
DURATIONS = CACHE / "durations.json"
# Where no run was measured yet: about what they take beside three others. A job that stands nowhere is taken for a long one.
USUAL = {
    "gates": 700,
    "gates-next": 560,
    "integration-acme_lab": 200,
    "integration-backup": 300,
    "integration-bench": 70,
    "integration-bench_windows": 60,
    "integration-certificate_bundle": 120,
    "integration-certificates": 150,
    "integration-certificates_acme": 170,
    "integration-certificates_dns": 160,
    "integration-certificates_files": 80,
    "integration-certificates_service": 200,
    "integration-company_ca": 30,
    "integration-clients": 200,
    "integration-clients_domains": 210,
    "integration-desktops": 90,
    "integration-desktops_curl": 60,
    "integration-desktops_people": 110,
    "integration-dns": 100,
    "integration-dns_faults": 20,
    "integration-dns_faults_kerberos": 35,
    "integration-dns_faults_network": 55,
    "integration-dns_info": 70,
    "integration-dns_kill": 25,
    "integration-dns_refresh": 40,
    "integration-dns_role": 220,
    "integration-dns_wildcards": 30,
    "integration-name_servers": 25,
    "integration-domains_inventory": 70,
    "integration-ejabberd": 330,
    "integration-host_info": 90,
    "integration-host_firewall": 230,
    "integration-host_role": 500,
    "integration-init": 80,
    "integration-installer_dialog": 200,
    "integration-lab": 100,
    "integration-mts_link_preflight": 290,
    "integration-mts_link_resume": 650,
    "integration-mts_link_site": 430,
    "integration-mts_link_standin": 110,
    "integration-packages": 20,
    "integration-preflight": 160,
    "integration-preflight_certificate": 90,
    "integration-remove": 100,
    "integration-site": 400,
    "integration-tls_info": 150,
    "integration-toolchain": 10,
    "integration-verify": 200,
    "integration-verify_expiry": 80,
    "integration-verify_given": 25,
    "integration-web_info": 100,
    "integration-win_client": 170,
    "integration-win_client_cut": 260,
    "integration-win_client_failures": 100,
    "integration-win_client_files": 100,
    "integration-win_client_names": 45,
    "integration-win_client_paths": 230,
    "integration-win_client_sources": 165,
    "integration-win_client_transport": 110,
    "integration-win_client_users": 190,
    "integration-win_client_users_msi": 130,
    "integration-win_client_users_paths": 170,
    "integration-win_client_users_weigh": 60,
    "integration-win_client_info": 100,
    "integration-win_registry": 160,
    "integration-win_registry_cut": 130,
    "integration-winrm_certificate_credssp": 20,
    "integration-windows_dry_run": 240,
    "integration-windows_dry_run_client": 560,
    "integration-windows_dry_run_fails": 120,
    "integration-winrm_channel": 40,
    "integration-winrm_cmd": 175,
    "integration-winrm_endpoint": 60,
    "integration-winrm_endpoint_refusals": 40,
    "integration-winrm_endpoint_wine": 60,
    "integration-winrm_light": 30,
    "molecule-certificates": 80,
    "molecule-dns": 40,
    "molecule-ejabberd": 150,
    "molecule-host": 140,
    "molecule-mts_link_chats": 160,
    "molecule-mts_link_meetings": 100,
    "molecule-verify": 120,
    "molecule-windows_client": 60,
    "installed": 60,
}
UNKNOWN = 200


@dataclass
class Job:
    """One run of the suite with its own laboratory."""

    name: str
    arguments: list[str]
    after: "Job | None" = None
    done: threading.Event = field(default_factory=threading.Event)
    seconds: float = 0

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    @property
    def result(self) -> Path:
        return LOGS / f"{self.name}.json"

    def run(self, laboratory: str) -> None:
        if self.after:
            self.after.done.wait()
        started = time.monotonic()
        command = [sys.executable, str(ROOT / "tests/toolchain/suite"), *self.arguments, "--result", str(self.result)]
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ | {"ONPREM_CHAT_LAB": laboratory},
            )
            try:
                process.wait(LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                log.write(f"\n{self.name} did not end within {LONGEST} s and was killed\n".encode())
        self.seconds = time.monotonic() - started
        self.done.set()

    def counts(self) -> dict[str, Count]:
        """By stage; a job that died is a failure."""
        try:
            return {stage: Count(**values) for stage, values in json.loads(self.result.read_text()).items()}
        except (OSError, ValueError):
            return {self.name: Count.one(False, f"{self.name} died, see above")}


def laboratories() -> list[str]:
    """A name for each worker's laboratory."""
    base = os.environ.get("ONPREM_CHAT_LAB") or "test"
    return [f"{base}{number + 1}" for number in range((os.cpu_count() or 1) + 2)]


def jobs(gates: list[str]) -> list[Job]:
    """Everything that there is, in the order in which it is shown."""
    # Those of the newest core have a virtual environment and a copy of the checkout of their own.
    newest = [name for name in gates if name.endswith("-next")]
    static = Job("gates", [name for name in gates if name not in newest])
    suites = sorted(path.stem.removeprefix("test_") for path in (ROOT / "tests/integration").glob("test_*.py"))
    scenarios = sorted(path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml"))
    return [
        static,
        Job("gates-next", newest),
        *(Job(f"integration-{name}", ["integration", "--only", name]) for name in suites),
        *(Job(f"molecule-{name}", ["molecule", "--only", name]) for name in scenarios if name != "default"),
        Job("installed", ["installed"], after=static),
    ]


class UnknownJobError(Exception):
    """A word of `only` with which the name of no job begins."""


def choose(all_jobs: list[Job], chosen: str) -> list[Job]:
    """All jobs, or those whose names begin with one of some words, which commas or spaces separate."""
    words = re.split(r"[\s,]+", chosen.strip(" ,")) if chosen.strip(" ,") else [""]
    for word in words:
        if not any(job.name.startswith(word) for job in all_jobs):
            near = [job.name for job in all_jobs if word in job.name]
            raise UnknownJobError(
                f"no job begins with {word!r}"
                + (f"; did you mean {' or '.join(near)}?" if near else ".")
                + f" There are:\n  {' '.join(job.name for job in all_jobs)}"
            )
    todo = [job for job in all_jobs if job.name.startswith(tuple(words))]
    for job in todo:
        if job.after and job.after not in todo:
            # Nobody makes the tarball for it.
            job.after, job.arguments = None, ["build", *job.arguments]
    return todo


def run(gates: list[str], chosen: str = "") -> int:
    """Run all jobs, or the chosen ones; the last line is the count of everything."""
    try:
        todo = choose(jobs(gates), chosen)
    except UnknownJobError as error:
        print(f"make test: {error}", file=sys.stderr)
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.iterdir():
        old.unlink()
    queue: Queue[Job] = Queue()
    for job in _longest_first(todo):
        queue.put(job)

    def work(laboratory: str) -> None:
        while True:
            try:
                job = queue.get_nowait()
            except Empty:
                break
            # Nothing that one job left in the domain or on a host helps or hurts the next one.
            _down(laboratory)
            job.run(laboratory)
        _down(laboratory)

    workers = [threading.Thread(target=work, args=(name,), daemon=True) for name in laboratories()]
    for worker in workers:
        worker.start()
    totals: dict[str, Count] = {}
    for job in todo:
        job.done.wait()
        sys.stdout.write(job.log.read_text(errors="replace"))
        sys.stdout.flush()
        for stage, count in job.counts().items():
            totals.setdefault(stage, Count()).add(count)
    for worker in workers:
        worker.join()
    DURATIONS.write_text(json.dumps(_durations() | {job.name: round(job.seconds) for job in todo}))
    total = Count()
    print()
    for stage, count in totals.items():
        print(f"{stage:<14} {count}")
        total.add(count)
    for remark in total.remarks:
        print(remark)
    print(total, flush=True)
    return 1 if total.failed else 0


def _durations() -> dict[str, int]:
    try:
        return USUAL | json.loads(DURATIONS.read_text())
    except (OSError, ValueError):
        return USUAL


def _longest_first(todo: list[Job]) -> list[Job]:
    """So that no long job is left for the end; by the times of the last run, where there was one. The gates come first."""
    seconds = _durations()
    return sorted(todo, key=lambda job: (job.after is not None, job.name != "gates", -seconds.get(job.name, UNKNOWN)))


def _down(laboratory: str) -> None:
    subprocess.run(
        [LAB, "down"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"ONPREM_CHAT_LAB": laboratory},
    )
