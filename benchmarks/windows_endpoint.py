"""windows_endpoint.py --config FILE: the laboratory's WinRM endpoint (a stand-in) with desktops made ready, and a canned PowerShell.

The desktops are the modelled ones (tests/lab/desktops/light). Whatever is started as PowerShell has its input read to the end and
gets one and the same answer at once: nothing is interpreted, and no process is started. A real host cannot be as fast, so what is
measured of others with it is their best case. Options of the backend, beside `model`:

    answer      what PowerShell prints
    files       path on the desktop -> path here; there from the beginning
    commands    command lines that run when a desktop is made, to bring it to the wanted state; each has to end with 0
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "lab" / "desktops"))

from endpoint import __main__ as program
from endpoint import backends
from endpoint.backends.base import Job, Process
from endpoint.backends.light import LightBackend


class Canned(Process):
    """PowerShell that knows one answer."""

    def __init__(self, answer: bytes, job: Job) -> None:
        super().__init__()
        self._answer = answer
        if job.console:
            self._end()

    def _end(self) -> None:
        self.put("stdout", self._answer)
        self.finish(0)

    async def feed(self, data: bytes, end: bool) -> None:
        """Input is read, as PowerShell would, and not looked at."""
        if end:
            self._end()

    async def terminate(self) -> None:
        """There is nothing to end."""
        self.finish(1)


class Prepared(LightBackend):
    """A modelled desktop in the state that the benchmark wants."""

    def __init__(self, computer: str, model: dict, answer: str, files: dict[str, str], commands: list[str]) -> None:
        super().__init__(computer, model)
        self._answer = answer.encode()
        for path, source in files.items():
            self.desktop.files.write(path, Path(source).read_bytes())
        for command in commands:
            _out, err, code = self.desktop.run(command)
            if code:
                raise RuntimeError(f"{command} ended with {code}: {err.decode(errors='replace')}")

    async def start(self, job: Job) -> Process:
        """PowerShell by the can, everything else on the model."""
        if job.line.casefold().startswith("powershell"):
            return Canned(self._answer, job)
        return await super().start(job)


def make(name: str, options: dict, computer: str) -> LightBackend:
    """In the place of endpoint.backends.make."""
    if name != "light":
        raise ValueError(f"the benchmark has no backend {name!r}")
    return Prepared(computer, **options)


if __name__ == "__main__":
    backends.make = make
    program.main()
