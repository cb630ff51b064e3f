# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One entry of the journal: a run, and what is kept of those before it."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import HISTORY, VERSION
from ansible_collections.onprem.chat.plugins.module_utils._dialog.spec import Spec

RUNNING, DONE, FAILED, INTERRUPTED, ABSENT = "running", "done", "failed", "interrupted", "absent"
_ROUNDS = 20000
_KEPT = ("number", "run", "state", "started", "finished", "step", "answered", "values", "inputs")


def now() -> str:
    """This moment, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def digests(secrets: t.Iterable[str], salt: str) -> list[str]:
    """What tells whether the same secrets are given again, without telling them."""
    return [
        hashlib.pbkdf2_hmac("sha256", one.encode("utf-8", "surrogateescape"), bytes.fromhex(salt), _ROUNDS).hex()
        for one in secrets
    ]


def begin(spec: Spec, before: dict | None, boot: str) -> dict:
    """The entry of a new run."""
    salt = os.urandom(16).hex()
    return {
        "version": VERSION,
        "name": spec.name,
        "state": RUNNING,
        "run": os.urandom(8).hex(),
        "number": (before["number"] if before else 0) + 1,
        "boot": boot,
        "supervisor": None,
        "installer": None,
        "inputs": spec.inputs(),
        "timeout": spec.timeout,
        "salt": salt,
        "secrets": digests(spec.secrets(), salt),
        "started": now(),
        "finished": "",
        "step": "",
        "answered": [],
        "values": {},
        "carried": [],
        "exit_code": None,
        "outcome": None,
        "screen": [],
        "history": history(before),
    }


def history(entry: dict | None) -> list[dict]:
    """An entry and those before it, as a later one keeps them. A run that was cut off is called so."""
    if entry is None:
        return []
    kept = {key: entry[key] for key in _KEPT}
    if kept["state"] == RUNNING:
        kept["state"] = INTERRUPTED
    kept["what"] = (entry.get("outcome") or {}).get("what", "")
    runs = [*entry["history"], kept]
    return [run for number, run in enumerate(runs) if run["values"] or number >= len(runs) - HISTORY]


def earlier(entry: dict) -> tuple[set[str], dict[str, str]]:
    """Of earlier runs with the same inputs that did not end well: the prompts that were answered, the latest values."""
    answered: set[str] = set()
    values: dict[str, str] = {}
    for run in entry["history"]:
        if run["inputs"] == entry["inputs"]:
            answered.update(run["answered"])
            values.update({name: seen["value"] for name, seen in run["values"].items()})
    return answered, values


def difference(entry: dict, spec: Spec) -> list[str]:
    """In what the inputs of a run differ from those that are asked for; in words, without secrets."""
    there, wanted = entry["inputs"], spec.inputs()
    found = [
        f"{option} was {there[option]!r} and is {wanted[option]!r}"
        for option in ("command", "chdir")
        if there[option] != wanted[option]
    ]
    before, after = there["prompts"], wanted["prompts"]
    gone, new = [name for name in before if name not in after], [name for name in after if name not in before]
    if gone:
        found.append(f"without the prompts {', '.join(gone)}")
    if new:
        found.append(f"with the new prompts {', '.join(new)}")
    for name in before:
        if name in after and before[name] != after[name]:
            secret = before[name] is None or after[name] is None
            found.append(
                f"the answer of {name} "
                + ("is secret now or was" if secret else f"was {before[name]!r} and is {after[name]!r}")
            )
    return found


def other_secrets(entry: dict, spec: Spec) -> bool:
    """Whether secret answers differ from those of the run."""
    return not hmac.compare_digest("".join(entry["secrets"]), "".join(digests(spec.secrets(), entry["salt"])))
