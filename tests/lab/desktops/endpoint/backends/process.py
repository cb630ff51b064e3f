"""Backend `process`: `/bin/sh -c` on this machine, for tests of the protocol alone. Exit codes have 8 bits here, as Linux has it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path

from .base import CTRL_C_EXIT, Backend, Job, MissingDirectory, MissingProgram, Process, TooLong


class Child(Process):
    """A process of this machine in a session of its own."""

    def __init__(self, child: asyncio.subprocess.Process, console: bool) -> None:
        super().__init__()
        self.child = child
        self.console = console
        self.killed = 0
        self._watch = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        await asyncio.gather(self._copy("stdout", self.child.stdout), self._copy("stderr", self.child.stderr))
        code = await self.child.wait()
        self.finish(await self.result(code))

    async def result(self, code: int) -> int:
        """The exit code as Windows would say it."""
        return self.killed or (code if code >= 0 else 128 - code)

    async def _copy(self, name: str, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(65536):
            await self.room.wait()
            self.put(name, data)

    async def feed(self, data: bytes, end: bool) -> None:
        """Console input is lines that are typed: Enter is CR, Ctrl+Z at the start of a line is the end, End is none."""
        pipe = self.child.stdin
        if pipe.is_closing():
            raise BrokenPipeError
        if self.console:
            lines = data.replace(b"\r\n", b"\r").replace(b"\r", b"\r\n").splitlines(keepends=True)
            typed = []
            for line in lines:
                if line.startswith(b"\x1a"):
                    end = True
                    break
                typed.append(line)
            else:
                end = False
            data = b"".join(typed)
        pipe.write(data)
        with contextlib.suppress(ConnectionError):
            await pipe.drain()
        if end:
            pipe.close()

    async def interrupt(self) -> None:
        """Ctrl+C."""
        self._kill(signal.SIGINT)
        self.killed = CTRL_C_EXIT

    async def terminate(self) -> None:
        """End the whole session."""
        self.killed = self.killed or 1
        self._kill(signal.SIGKILL)
        self.room.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._watch), 5)

    def _kill(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child.pid, number)


class ProcessBackend(Backend):
    """Commands of this machine."""

    async def start(self, job: Job) -> Process:
        """Start the line by sh, or the program alone without a shell."""
        if job.too_long:
            return TooLong()
        if job.directory and not Path(job.directory).is_dir():
            raise MissingDirectory(job.directory)
        argv = ["/bin/sh", "-c", job.line]
        if job.skip_shell:
            argv = job.line.split()
            if not argv or "/" not in argv[0] or not shutil.which(argv[0]):
                raise MissingProgram(job.line)
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=job.directory or None,
            env=os.environ | job.environment,
            start_new_session=True,
        )
        return Child(child, job.console)
