"""Faults on demand. Tests write a JSON list into the rules file; it is looked at for every message, the first that fits counts.

    {"request": 3, "do": "reset_before"}      the third SOAP message since the file changed: TCP reset, nothing executed
    {"verb": "Receive", "do": "reset_after"}  executed, and the answer is lost
    {"request": 2, "do": "truncate"}          half of the answer, then a reset
    {"do": "delay", "seconds": 2}             later than usual
    {"do": "status", "status": 503}           an HTTP status without a body
    {"do": "fault", "fault": "operations"}    shells, operations, processes, busy, timed_out, denied, unknown_shell
    {"do": "forget"}                          401: the session is gone, as after a restart of the service; shells are gone, too

`verb` and `request` (a number or [first, last]) restrict, `user` and `desktop` too; `times` says how often (default: always).
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from . import faults

LOG = logging.getLogger(__name__)
FAULTS = {
    "shells": lambda: faults.too_many_shells(30),
    "operations": lambda: faults.too_many_operations(1500),
    "processes": faults.too_many_processes,
    "busy": faults.busy,
    "timed_out": faults.timed_out,
    "denied": faults.access_denied,
    "unknown_shell": lambda: faults.unknown_shell("00000000-0000-0000-0000-000000000000"),
}


class Rules:
    """The rules file, and what was counted since it changed."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._state: tuple[int, int] | None = None
        self._rules: list[dict[str, Any]] = []
        self._requests: Counter[str] = Counter()
        self._used: Counter[int] = Counter()

    def find(self, desktop: str, verb: str, user: str) -> dict[str, Any]:
        """The rule for this message, or nothing. Counts it."""
        self._read()
        self._requests[desktop] += 1
        number = self._requests[desktop]
        for index, rule in enumerate(self._rules):
            first, last = _span(rule.get("request"))
            if (
                first <= number <= last
                and rule.get("verb", verb) == verb
                and rule.get("user", user) == user
                and rule.get("desktop", desktop) == desktop
                and self._used[index] < rule.get("times", 1 << 60)
            ):
                self._used[index] += 1
                return rule
        return {}

    def _read(self) -> None:
        if self._path is None:
            return
        try:
            status = self._path.stat()
            state = (status.st_mtime_ns, status.st_ino)
            if state == self._state:
                return
            rules = json.loads(self._path.read_text(encoding="utf-8") or "[]")
        except FileNotFoundError:
            state, rules = None, []
            if self._state is None:
                return
        except ValueError:
            LOG.warning("%s is no JSON, for now", self._path)
            return
        self._state, self._rules = state, rules
        self._requests.clear()
        self._used.clear()


def _span(request: Any) -> tuple[int, int]:
    if request is None:
        return 0, 1 << 60
    first, last = request if isinstance(request, list) else (request, request)
    return int(first), int(last)
