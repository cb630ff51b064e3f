"""Bundles judged by tasks of Ansible, one after another in a loop, as a user would; on the controller itself.

A play is measured with all bundles and with one. The difference, for each bundle more, is what a task costs without the start of
ansible-playbook and without what it does once for each module.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from certificates_judged import expect, faults_of_checks, faults_of_peer
from certificates_made import CHAIN, Bundle
from plain import PLAIN

ITEM = "{{ item.%s }}"
COMPLETE = {
    "name": "The chain",
    "community.crypto.certificate_complete_chain": {
        "input_chain": "{{ lookup('ansible.builtin.file', item.file, rstrip=false) }}",
        "intermediate_certificates": ITEM % "candidates",
        "root_certificates": [ITEM % "root"],
    },
    "loop": "{{ bundles }}",
    "register": "completed",
}
LEAF = {
    "name": "The leaf",
    "community.crypto.x509_certificate_info": {"path": ITEM % "file", "valid_at": {"now": "+0s"}},
    "loop": "{{ bundles }}",
    "register": "seen",
}
LINKS = {
    "name": "Each link",
    "community.crypto.x509_certificate_info": {"content": "{{ item.1 }}", "valid_at": {"now": "+0s"}},
    "loop": "{{ completed.results | subelements('complete_chain', skip_missing=True) }}",
    "register": "seen",
}


class Tasks:
    """Who can judge bundles with tasks; each method runs one play, and returns the verdicts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ours(self, bundles: list[Bundle]) -> list[frozenset[str]]:
        task = {
            "name": "The bundle",
            "onprem.chat.certificate_bundle": {
                "path": str(self.folder / "installed"),
                "name": ITEM % "host",
                "sources": [ITEM % "file", ITEM % "key"],
                "intermediates": ITEM % "candidates",
                "trust_anchors": [ITEM % "root"],
                "dns_names": [ITEM % "host"],
            },
            "loop": "{{ bundles }}",
            "register": "told",
        }
        told = self._play([task], {"told": "{{ told.results }}"}, bundles)["told"]
        for one in told:
            if "checks" not in one:
                sys.exit(f"bench certificates: certificate_bundle did not judge: {one.get('msg')}")
        return [faults_of_checks((check["id"], check["status"]) for check in one["checks"]) for one in told]

    def peer_leaf(self, bundles: list[Bundle]) -> list[frozenset[str]]:
        said = self._play(
            [COMPLETE, LEAF], {"completed": "{{ completed.results }}", "seen": "{{ seen.results }}"}, bundles
        )
        return [
            faults_of_peer(bundle, completed, [seen])
            for bundle, completed, seen in zip(bundles, said["completed"], said["seen"], strict=True)
        ]

    def peer_links(self, bundles: list[Bundle]) -> list[frozenset[str]]:
        said = self._play(
            [COMPLETE, LINKS], {"completed": "{{ completed.results }}", "seen": "{{ seen.results }}"}, bundles
        )
        links = iter(said["seen"])
        verdicts = []
        for bundle, completed in zip(bundles, said["completed"], strict=True):
            if "complete_chain" in completed:
                seen = [next(links) for _pem in completed["complete_chain"]]
                verdicts.append(faults_of_peer(bundle, completed, seen))
            else:
                verdicts.append(frozenset({CHAIN}))
        return verdicts

    def nothing(self, bundles: list[Bundle]) -> list[frozenset[str]]:
        """A task that does nothing, to tell what a task is without its work."""
        self._play([{"name": "Nothing", "ansible.builtin.ping": {}, "loop": "{{ bundles }}"}], {}, bundles)
        return [bundle.faults for bundle in bundles]

    def _play(self, tasks: list[dict], results: dict[str, str], bundles: list[Bundle]) -> dict:
        """Run the tasks, none of which stops the play, and read what they registered."""
        items = [
            {
                "host": bundle.host,
                "file": str(bundle.file),
                "key": str(bundle.key),
                "candidates": [str(path) for path in bundle.candidates],
                "root": str(bundle.root),
            }
            for bundle in bundles
        ]
        output, file = self.folder / "results.json", self.folder / "play.json"
        output.unlink(missing_ok=True)
        keep = {
            "name": "Results",
            "ansible.builtin.copy": {"content": "{{ results | to_json }}", "dest": str(output), "mode": "0600"},
            "check_mode": False,
            "vars": {"results": results},
        }
        label = {"loop_control": {"label": "{{ loop_number }}", "index_var": "loop_number"}, "failed_when": False}
        play = {
            "name": "Measured",
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "check_mode": True,
            "vars": {"bundles": items, "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [*({**task, **label} for task in tasks), keep],
        }
        file.write_text(json.dumps([play]))
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", file],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=PLAIN,
        )
        if done.returncode:
            sys.exit(f"bench certificates: ansible-playbook: {(done.stdout + done.stderr)[-2000:]}")
        return json.loads(output.read_text())


def one_round(tasks: Tasks, bundles: list[Bundle]) -> dict[str, dict[str, float]]:
    """Seconds for one bundle more, of everybody."""
    took = {"wall": {}, "user": {}}
    sides = {
        "nothing": tasks.nothing,
        "ours": tasks.ours,
        "peer leaf": tasks.peer_leaf,
        "peer links": tasks.peer_links,
    }
    for name, judged in sides.items():
        alone, many = (_timed(name, judged, some) for some in (bundles[:1], bundles))
        for clock, seconds in took.items():
            seconds[name] = (many[clock] - alone[clock]) / (len(bundles) - 1)
            seconds[f"{name}, play of one"] = alone[clock]
    return took


def _timed(name: str, judged, bundles: list[Bundle]) -> dict[str, float]:
    user, wall = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
    verdicts = judged(bundles)
    took = {
        "wall": time.perf_counter() - wall,
        "user": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - user,
    }
    for bundle, faults in zip(bundles, verdicts, strict=True):
        expect(name, bundle, faults)
    return took
