"""Watches what every user of a machine can see of a running command: its arguments."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path


class CommandLines(threading.Thread):
    """Samples the command line of every process of this laboratory: where users are, and in the containers."""

    def __init__(self, namespace: str, *containers: int) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self._done = threading.Event()
        networks = [Path("/run/netns", namespace), *(Path(f"/proc/{pid}/ns/net") for pid in containers)]
        self._networks = {path.stat().st_ino for path in networks}
        # What runs already, and elsewhere, is none of this laboratory's: looking at it again and again only costs time.
        self._others = {pid for pid in self._running() if not self._is_ours(pid)}

    def run(self) -> None:
        while not self._done.is_set():
            running = self._running()
            self._others &= running
            for pid in running - self._others:
                try:
                    if self._is_ours(pid):
                        self.seen.add(Path("/proc", pid, "cmdline").read_bytes())
                except OSError:
                    continue
            time.sleep(0.02)

    @staticmethod
    def _running() -> set[str]:
        return set(filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208 - fifty times a second: paths would cost a third of a processor

    def _is_ours(self, pid: str) -> bool:
        """In one of this laboratory's networks; what ended meanwhile is not."""
        try:
            return Path("/proc", pid, "ns/net").stat().st_ino in self._networks
        except OSError:
            return False

    def stop(self) -> bytes:
        self._done.set()
        self.join()
        return b"\n".join(self.seen)
