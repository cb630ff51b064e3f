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
_KEPT = ("number", "run", "state", "started", "finished", "step", "answered", "values", "inputs", "salt", "secrets")


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
    # That of the run before, so that the digests of all runs can be compared.
    salt = before["salt"] if before else os.urandom(16).hex()
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
        "withheld": False,
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


def earlier(entry: dict) -> tuple[set[str], list[dict[str, str]]]:
    """Of earlier runs with the same inputs and secrets that did not end well: the prompts that were answered, each one's values."""
    answered: set[str] = set()
    values: list[dict[str, str]] = []
    for run in entry["history"]:
        if all(run.get(key) == entry[key] for key in ("inputs", "salt", "secrets")):
            answered.update(run["answered"])
            values.append({name: seen["value"] for name, seen in run["values"].items()})
    return answered, values


def difference(entry: dict, spec: Spec, ended: bool = False) -> list[str]:
    """In what the inputs of a run differ from those that are asked for; in words, without secrets.

    ended: it is complete, so prompts do not matter that it did without and that may be left out now.
    """
    there, wanted = entry["inputs"], spec.inputs()
    found = [
        f"{option} was {there[option]!r} and is {wanted[option]!r}"
        for option in ("command", "chdir")
        if there[option] != wanted[option]
    ]
    ignored = _never_asked(entry, spec) if ended else set()
    before, after = (
        {name: answer for name, answer in one["prompts"].items() if name not in ignored} for one in (there, wanted)
    )
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


def _never_asked(entry: dict, spec: Spec) -> set[str]:
    """Prompts that a complete run was not asked, and that are optional now, or gone."""
    asked = set(entry["answered"]) | earlier(entry)[0]
    needed = {prompt.name for prompt in spec.prompts if not prompt.optional}
    return ({*entry["inputs"]["prompts"]} | {prompt.name for prompt in spec.prompts}) - asked - needed


def other_secrets(entry: dict, spec: Spec) -> bool:
    """Whether secret answers differ from those of the run, among the prompts that both have."""
    names = [name for name, answer in entry["inputs"]["prompts"].items() if answer is None]
    there = dict(zip(names, entry["secrets"]))  # noqa: B905 - Python 3.8
    given = [prompt for prompt in spec.prompts if prompt.secret and prompt.name in there]
    wanted = digests([prompt.answer for prompt in given], entry["salt"])
    return not hmac.compare_digest("".join(there[prompt.name] for prompt in given), "".join(wanted))
