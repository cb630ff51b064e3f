"""A thousand certificate bundles judged: ours against community.crypto.certificate_complete_chain and x509_certificate_info.

Two levels. In one process (certificates_judged.py): our reading, solving and judging against the code of the two modules, on the
same files. As tasks (certificates_tasks.py): one certificate_bundle in check mode against the tasks that say as much.

What the peer says is less: it looks at no key, purpose, constraint, order or signature hash. Where both can say something, both
must say what is right, or nothing is measured. There are two figures against it on each level: with a look at each link of the
chain, without which nobody knows that one expired, and with a look at the leaf only, which is the least that somebody may do.

The goals: in process not slower than the peer. As tasks half of its time where both look at each link, one task in the place of
at least two, and not slower than the least.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import tempfile
from pathlib import Path

BUNDLES = int(os.environ.get("BENCH_CERTIFICATES_BUNDLES", "1000"))
# A task for each takes so long that fewer are run; what is compared is the time for each. A multiple of 20 has all kinds.
LOOPED = max(2, int(os.environ.get("BENCH_CERTIFICATES_LOOPED", "20")))
COMPLETE = "community.crypto.certificate_complete_chain"


def measure(rounds: int) -> list[dict]:
    """The figures; raises when anybody was wrong."""
    import certificates_judged
    import certificates_tasks
    from certificates_made import Maker

    with tempfile.TemporaryDirectory(prefix="onprem-chat-bench-") as name:
        folder = Path(name)
        maker = Maker(folder)
        bundles, looped = maker.bundles(BUNDLES), maker.bundles(LOOPED)
        traps = certificates_judged.trapped(maker.traps())
        tasks = certificates_tasks.Tasks(folder)
        judged, tasked = [], []
        for _round in range(rounds):
            judged.append(certificates_judged.one_round(bundles))
            tasked.append(certificates_tasks.one_round(tasks, looped))
    return list(_figures(judged, tasked, traps))


def _figures(judged: list[dict], tasked: list[dict], traps: dict[str, str]):
    common = {"versions": versions(), "peer_right_about": traps, "raw": {"process": judged, "tasks": tasked}}

    def figure(name, unit, seen, ours, peer_name, peer, goal, scale=1.0):
        """ours, peer: the parts whose seconds are added."""
        took = {
            clock: [[scale * sum(one[clock][part] for part in parts) for one in seen] for parts in (ours, peer)]
            for clock in ("wall", "user")
        }
        user_ours, user_peer = took["user"]
        return {
            "name": f"certificates-{name}",
            "unit": unit,
            "ours": took["wall"][0],
            "peer_name": peer_name,
            "peer": took["wall"][1],
            "goal_is": ">=",
            "goal": goal,
            "user_seconds": {"ours": user_ours, "peer": user_peer},
            "user_ratio": statistics.median(user_peer) / max(statistics.median(user_ours), 1e-9),
            **common,
        }

    leaf, links = ["peer chain", "peer leaf"], ["peer chain", "peer leaf", "peer other links"]
    info = f"{COMPLETE}+x509_certificate_info"
    yield figure(f"judged-{BUNDLES}", "s", judged, ["ours"], f"{info}-of-each-link", links, 1)
    yield figure(f"judged-{BUNDLES}-least", "s", judged, ["ours"], f"{info}-of-the-leaf", leaf, 1)
    # The peer's modules remember nothing from bundle to bundle; ours does, when one process judges many.
    yield figure(
        f"judged-{BUNDLES}-in-one-process", "s", judged, ["ours, one process"], f"{info}-of-each-link", links, 1
    )
    key = f"{info}-of-each-link+openssl_privatekey_info"
    yield figure(f"judged-{BUNDLES}-with-key", "s", judged, ["ours with key"], key, [*links, "peer key"], 1)
    per_task = {"unit": "s", "seen": tasked, "ours": ["ours"], "scale": 1000}
    label = f"({LOOPED},scaled)"
    yield figure("tasks-1000", peer_name=f"{info}-of-each-link{label}", peer=["peer links"], goal=2, **per_task)
    yield figure("tasks-1000-least", peer_name=f"{info}-of-the-leaf{label}", peer=["peer leaf"], goal=1, **per_task)


def versions() -> dict[str, str]:
    """Of everything that was measured."""
    from cryptography import __version__ as cryptography
    from cryptography.hazmat.backends.openssl import backend

    def said(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    galaxy = json.loads(said("ansible-galaxy", "collection", "list", "--format", "json"))
    return {
        "community.crypto": next(
            found["community.crypto"]["version"] for found in galaxy.values() if "community.crypto" in found
        ),
        "ansible-core": said("ansible", "--version").splitlines()[0],
        "cryptography": cryptography,
        "openssl": backend.openssl_version_text(),
        "python": platform.python_version(),
    }
