# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A journal's entry as the module returns it."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._dialog import record
from ansible_collections.onprem.chat.plugins.module_utils._dialog.dialogue import LAST_LINES
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import RunError, sentence
from ansible_collections.onprem.chat.plugins.module_utils._dialog.journal import Journal
from ansible_collections.onprem.chat.plugins.module_utils._dialog.mask import MASK


def result(
    entry: dict | None,
    journal: Journal,
    reveal: bool,
    attached: bool = False,
    changed: bool = False,
    running: bool = False,
) -> dict:
    """``reveal``: with secret values in clear. ``running``: its supervisor lives; else a run without an end was cut off."""
    entry = entry or {}
    outcome = entry.get("outcome") or {}
    status = entry.get("state", record.ABSENT)
    if running:
        status = record.RUNNING
    elif status == record.RUNNING:
        status = record.INTERRUPTED
    values = entry.get("values", {})
    return {
        "changed": changed,
        "status": status,
        "step": entry.get("step", ""),
        "answered": entry.get("answered", []),
        "captured_values": shown(values, reveal),
        "previous_values": _previous(entry, reveal),
        "carried_values": entry.get("carried", []),
        "former_values": _former(values, reveal),
        "changed_values": sorted(name for name, seen in values.items() if seen["changes"]),
        "exit_code": entry.get("exit_code"),
        "screen": withheld(journal) if entry.get("withheld") else "\n".join(entry.get("screen", [])),
        "cause": outcome.get("cause", ""),
        "remedy": outcome.get("remedy", ""),
        "source": outcome.get("source", ""),
        "started": entry.get("started", ""),
        "finished": entry.get("finished", ""),
        "attached": attached,
        "journal": str(journal.path),
        "transcript": str(journal.transcripts[0]),
    }


def withheld(journal: Journal) -> str:
    """Instead of a screen on which a secret may stand that no pattern knows."""
    return (
        "The screen is not shown, because a value that was not recognised may stand there; "
        f"see {journal.transcripts[0]} on the host (root only)."
    )


def shown(values: dict, reveal: bool) -> dict:
    """Values by name."""
    return {name: seen["value"] if reveal or not seen["secret"] else MASK for name, seen in values.items()}


def _former(values: dict, reveal: bool) -> dict:
    """Those that were replaced, by name. An earlier version kept none."""
    found = {name: seen.get("former", []) for name, seen in values.items()}
    return {
        name: former if reveal or not values[name]["secret"] else [MASK] * len(former)
        for name, former in found.items()
        if former
    }


def _previous(entry: dict, reveal: bool) -> list[dict]:
    """Values of earlier runs that are not those of this one: nothing that an installer generated is lost."""
    now = {name: seen["value"] for name, seen in entry.get("values", {}).items()}
    found = []
    for run in entry.get("history", []):
        other = {name: seen for name, seen in run["values"].items() if now.get(name) != seen["value"]}
        former = _former(run["values"], reveal)
        if other or former:
            found.append(
                {
                    "run": run["number"],
                    "started": run["started"],
                    "status": run["state"],
                    "values": shown(other, reveal),
                    "former_values": former,
                }
            )
    return found


def ended(entry: dict, said: dict) -> RunError:
    """The error by which a run that ended badly is told."""
    outcome = entry["outcome"]
    lines = [line for line in entry["screen"] if line.strip()][-LAST_LINES:]
    what = outcome["what"]
    hint = " ".join(part for part in (outcome["cause"], outcome["remedy"]) if part)
    source = f" ({outcome['source']})" if outcome["source"] else ""
    screen = "\nThe last lines of its screen:\n" + "\n".join(f"    {line}" for line in lines) if lines else ""
    if entry.get("withheld"):
        screen = f"\n{said['screen']}"
    error = RunError(what, outcome["cause"], outcome["remedy"], said)
    error.args = (f"{sentence(what)} {hint}{source}{screen}",)
    return error
