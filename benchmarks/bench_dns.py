"""Publishing many records in an AD zone: one dns_records task against a loop over BIND's `nsupdate -g`.

The loop is what a playbook does today: community.general.nsupdate has no GSS-TSIG in the releases for ansible-core 2.19, and
one task writes one record set. Each round adds the records and removes them again; only adding is timed.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "tests" / "lab" / "lab"
RECORDS = int(os.environ.get("BENCH_DNS_RECORDS", "30"))
CONNECTION = {
    "server": "dc1.corp.test",
    "zone": "corp.test",
    "auth": "gss_tsig",
    "principal": "svc-chat-dns@CORP.TEST",
    "password": "{{ (lookup('ansible.builtin.file', lookup('ansible.builtin.env', 'ONPREM_CHAT_LAB_STATE') + '/secrets.json') | from_json)['svc-chat-dns'] }}",
}


def _records(state: str) -> list[dict]:
    return [
        {"name": f"bench{number}.corp.test", "type": "A", "state": state, "entries": [f"10.203.1.{number + 1}"]}
        for number in range(RECORDS)
    ]


def _play(tasks: list[dict]) -> float:
    """Run tasks on the controller inside the laboratory; seconds it took."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as playbook:
        json.dump([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}], playbook)
        playbook.flush()
        started = time.perf_counter()
        subprocess.run(
            [LAB, "exec", "users", "--", "ansible-playbook", "-i", "inventories/lab", playbook.name],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT,
        )  # fmt: skip
        return time.perf_counter() - started


def _ours() -> float:
    return _play([{"onprem.chat.dns_records": {**CONNECTION, "records": _records("present")}}])


def _clean() -> None:
    _play([{"onprem.chat.dns_records": {**CONNECTION, "records": _records("absent")}}])


def _peer() -> float:
    # nsupdate -g wants a ticket in the ambient cache; it answers 2 for the answer that it cannot verify, though it was applied.
    script = "server dc1.corp.test\nzone corp.test\nupdate add {{ item.name }} 86400 A {{ item.entries[0] }}\nsend\n"
    return _play(
        [
            {
                "ansible.builtin.command": {"cmd": "kinit svc-chat-dns@CORP.TEST", "stdin": CONNECTION["password"]},
                "environment": {"KRB5CCNAME": "/tmp/onprem-chat-bench-ccache"},  # noqa: S108 -- inside the laboratory
                "no_log": True,
            },
            {
                "ansible.builtin.command": {"cmd": "nsupdate -g", "stdin": script},
                "environment": {"KRB5CCNAME": "/tmp/onprem-chat-bench-ccache"},  # noqa: S108
                "loop": _records("present"),
                "register": "answer",
                "failed_when": "answer.rc not in [0, 2]",
            },
        ]
    )


def measure(rounds: int) -> list[dict]:
    """Both sides in turn, so that a slow moment of the machine hits both."""
    subprocess.run([LAB, "up", "users", "dc1"], check=True, stdout=subprocess.DEVNULL)
    ours, peer = [], []
    for _round in range(rounds):
        _clean()
        ours.append(_ours())
        _clean()
        peer.append(_peer())
    _clean()
    Path("/tmp/onprem-chat-bench-ccache").unlink(missing_ok=True)  # noqa: S108
    version = subprocess.run(["nsupdate", "-V"], capture_output=True, text=True, check=False)
    return [
        {
            "name": f"dns-publish-{RECORDS}-records",
            "unit": "s",
            "ours": ours,
            "peer_name": "loop-of-nsupdate-g",
            "peer": peer,
            "goal_is": ">=",
            "goal": 5,
            "versions": {"nsupdate": (version.stdout + version.stderr).strip()},
        }
    ]
