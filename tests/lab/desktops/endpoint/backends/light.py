"""Backend `light`: a modelled desktop (../../light). Options: `model`, see Desktop.of; all addresses begin with the same one."""

from __future__ import annotations

from typing import Any

from light.desktop import Desktop
from light.programs import READERS

from .base import Backend, Job, MissingProgram, Process, TooLong


class LightProcess(Process):
    """Runs at once; where a program reads standard input, when that has ended."""

    def __init__(self, desktop: Desktop, job: Job) -> None:
        super().__init__()
        self._desktop = desktop
        self._job = job
        self._input = bytearray()
        if not READERS.search(job.line):
            self._run()

    def _run(self) -> None:
        out, err, code = self._desktop.run(
            self._job.line, bytes(self._input), self._job.environment, self._job.directory
        )
        self.put("stdout", out)
        self.put("stderr", err)
        self.finish(code)

    async def feed(self, data: bytes, end: bool) -> None:
        """Input; console input never ends."""
        if self.exit_code is not None:
            raise BrokenPipeError
        self._input += data
        if end and not self._job.console:
            self._run()

    async def terminate(self) -> None:
        """There is nothing to end."""
        self.finish(1)


class LightBackend(Backend):
    """One desktop for each address."""

    def __init__(self, computer: str, model: dict[str, Any] | None = None) -> None:
        self.desktop = Desktop.of(computer, model or {})

    async def start(self, job: Job) -> Process:
        """Run the line on the model."""
        if job.too_long:
            return TooLong()
        if job.skip_shell:
            raise MissingProgram(job.line)
        return LightProcess(self.desktop, job)
