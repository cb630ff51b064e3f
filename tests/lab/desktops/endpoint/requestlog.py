"""The log of requests: one JSON object a line, no payload. README.md names the fields."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, TextIO


class RequestLog:
    """Appends lines to a file; without a file, nothing."""

    def __init__(self, path: str) -> None:
        self._file: TextIO | None = None
        if path:
            Path(path).touch(mode=0o600)
            self._file = Path(path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - open as long as the server runs

    def write(self, **values: Any) -> None:
        """One line; what is empty is left out."""
        if self._file:
            line = {"time": round(time.time(), 3)} | {
                key: value for key, value in values.items() if value not in (None, "")
            }
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """No more lines."""
        if self._file:
            self._file.close()
            self._file = None
