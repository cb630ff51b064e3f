"""What the server wants of a backend."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

CTRL_C_EXIT = 0xC000013A  # STATUS_CONTROL_C_EXIT
# What cmd.exe reads of a line, with "C:\Windows\system32\cmd.exe /C " in front of it.
LONGEST = 8191
SHELL = "C:\\Windows\\system32\\cmd.exe /C "


@dataclass(frozen=True)
class Job:
    """One command as WinRS was told to start it."""

    line: str
    skip_shell: bool = False
    console: bool = False  # WINRS_CONSOLEMODE_STDIN: input is typed, not piped
    code_page: int = 437
    user: str = ""
    directory: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def too_long(self) -> bool:
        """Whether cmd.exe refuses the line."""
        return not self.skip_shell and len((SHELL + self.line).encode("utf-16-le", "surrogatepass")) // 2 > LONGEST


class MissingProgram(Exception):
    """WINRS_SKIP_CMD_SHELL with a program that is not there."""


class MissingDirectory(Exception):
    """The shell's working directory is not there."""


class Process:
    """A command that runs or ran. Output waits in `pieces`; `changed` is set when there is more, or the end."""

    LIMIT = 4_000_000  # bytes that may wait to be received before the program is held up

    def __init__(self) -> None:
        self.pieces: deque[tuple[str, bytes]] = deque()
        self.waiting = 0
        self.total = 0
        self.exit_code: int | None = None
        self.changed = asyncio.Event()
        self.room = asyncio.Event()
        self.room.set()

    def put(self, stream: str, data: bytes) -> None:
        """Output came."""
        if data:
            self.pieces.append((stream, data))
            self.waiting += len(data)
            self.total += len(data)
            if self.waiting >= self.LIMIT:
                self.room.clear()
            self.changed.set()

    def finish(self, exit_code: int) -> None:
        """It ended, and all of its output was put."""
        if self.exit_code is None:
            self.exit_code = exit_code & 0xFFFFFFFF
        self.changed.set()

    def take(self, limit: int) -> list[tuple[str, bytes]]:
        """Output of at most that many bytes, in the order in which it came."""
        taken: list[tuple[str, bytes]] = []
        while self.pieces and limit > 0:
            stream, data = self.pieces.popleft()
            if len(data) > limit:
                self.pieces.appendleft((stream, data[limit:]))
                data = data[:limit]
            limit -= len(data)
            self.waiting -= len(data)
            taken.append((stream, data))
        if self.waiting < self.LIMIT:
            self.room.set()
        return taken

    @property
    def done(self) -> bool:
        """Ended, and everything was received."""
        return self.exit_code is not None and not self.pieces

    async def feed(self, data: bytes, end: bool) -> None:
        """Standard input. Raises BrokenPipeError when nobody reads any more."""

    async def interrupt(self) -> None:
        """Ctrl+C."""
        await self.terminate()

    async def terminate(self) -> None:
        """End it and everything that it started."""

    async def close(self) -> None:
        """Its shell ends: so does what a command that ended left behind."""


class TooLong(Process):
    """What cmd.exe says of a line that it cannot read."""

    def __init__(self) -> None:
        super().__init__()
        self.put("stderr", b"The command line is too long.\r\n")
        self.finish(1)


class Backend:
    """Starts commands on one desktop."""

    async def start(self, job: Job) -> Process:
        """Start a command line. Raises MissingProgram, MissingDirectory."""
        raise NotImplementedError

    async def close(self) -> None:
        """The endpoint stops."""
