"""Backend `wine`: `cmd.exe /C LINE` in a Wine prefix, as the Unix user that it belongs to, by ../launcher.c."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

from .base import CTRL_C_EXIT, Backend, Job, MissingDirectory, MissingProgram, Process, TooLong
from .process import Child

ERROR_DIRECTORY = 267
INTERVAL = 0.02  # seconds between two looks at the launcher's answer


class WineChild(Child):
    """The launcher, and what it says of the command. It stays while processes that the command left behind run."""

    def __init__(self, child: asyncio.subprocess.Process, console: bool, folder: Path) -> None:
        self.folder = folder
        super().__init__(child, console)

    def said(self) -> list[str]:
        """Words of the last complete line of the launcher's answer."""
        try:
            lines = (self.folder / "answer").read_text().split("\n")[:-1]
        except FileNotFoundError:
            return []
        return lines[-1].split() if lines else []

    async def started(self) -> None:
        """Wait for the command to begin. Raises MissingProgram, MissingDirectory."""
        while not self.said() and self.child.returncode is None:
            await asyncio.sleep(INTERVAL)
        if self.said()[:1] == ["error"]:
            code = int(self.said()[1])
            raise MissingDirectory if code == ERROR_DIRECTORY else MissingProgram

    async def _run(self) -> None:
        copies = asyncio.gather(self._copy("stdout", self.child.stdout), self._copy("stderr", self.child.stderr))
        ended = asyncio.ensure_future(self._ended())
        done, _pending = await asyncio.wait({copies, ended}, return_when=asyncio.FIRST_COMPLETED)
        if ended not in done:
            await ended
        # The command ended. What it left behind may hold its pipes: only what is in them by now counts.
        before = -1
        while not copies.done() and (self.total != before or not self.room.is_set()):
            before = self.total
            await asyncio.wait({copies}, timeout=0.5)
        said = self.said()
        self.finish(self.killed or (int(said[1]) if said[:1] == ["exit"] else 1))
        await self.child.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def _ended(self) -> None:
        while self.child.returncode is None and self.said()[:1] not in (["exit"], ["error"]):
            await asyncio.sleep(INTERVAL)

    async def close(self) -> None:
        """End what the command left behind."""
        if self.child.returncode is None:
            self._kill(signal.SIGKILL)

    async def interrupt(self) -> None:
        """Ctrl+C. There is no console: the command is ended, with the exit code that Ctrl+C gives."""
        self.killed = CTRL_C_EXIT
        await self.terminate()


class WineBackend(Backend):
    """Commands in one prefix.

    `environment`: file of NAME=VALUE for Wine (WINEPREFIX …); `user`: the Unix account; `launcher`: the built launcher.c;
    `directory`: where commands start, a Windows path. There is no console: what Wine's
    programs write has the code page that the image gives them (UTF-8, by manifests), whatever the shell asks for.
    """

    def __init__(
        self,
        environment: str = "/etc/wine.env",
        user: str = "windows",
        launcher: str = "/usr/local/lib/desktop/launcher.exe",
        directory: str = "C:\\",
    ) -> None:
        self.account = pwd.getpwnam(user)
        self.launcher = launcher
        self.directory = directory
        pairs = (line.split("=", 1) for line in Path(environment).read_text().splitlines() if "=" in line)
        self.environment = dict(pairs) | {
            "HOME": self.account.pw_dir,
            "USER": user,
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }

    async def start(self, job: Job) -> Process:
        """Start it. Raises MissingProgram, MissingDirectory."""
        if job.too_long:
            return TooLong()
        line = job.line if job.skip_shell else f"C:\\windows\\system32\\cmd.exe /C {job.line}"
        folder = Path(tempfile.mkdtemp(prefix="winrs-"))
        fields = [
            job.directory or self.directory,
            *(f"{name}={value}" for name, value in job.environment.items() if name),
        ]
        request = "\0".join([*fields, "", line])
        (folder / "request").write_bytes(request.encode("utf-16-le", "surrogatepass"))
        options = {}
        if os.geteuid() == 0:
            os.chown(folder, self.account.pw_uid, self.account.pw_gid)
            options = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        child = await asyncio.create_subprocess_exec(
            "wine",
            self.launcher,
            *("Z:" + str(folder / name).replace("/", "\\") for name in ("request", "answer")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
            cwd=self.account.pw_dir,
            start_new_session=True,
            **options,
        )
        process = WineChild(child, job.console, folder)
        # cmd.exe is always there; anything else may fail, and then there is no command.
        if job.skip_shell or job.directory:
            await process.started()
        return process
