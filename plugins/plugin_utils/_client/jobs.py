# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Jobs on the host: write the batch file, start it in the WinRM session or as SYSTEM, wait for its result, take it away.

A lost connection never starts an installer a second time: the job's own files tell how far it came.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._winrm import quoting
from .._winrm.errors import ChannelError, DeadlineError, Lost, Refused, Unsupported, Untrusted
from .._winrm.runner import Answer, Runner
from . import script, task_xml
from .command_lines import CommandLine
from .errors import InstallerError

SESSION, SYSTEM = "session", "system"
_GRACE = 90.0
_ONE_WAIT = 20
_START = 60.0
_NEXT_LOGIN = 60.0

T = t.TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Job:
    """One step on one host. ``folder`` is the absolute path of its own folder there; times are seconds."""

    name: str
    folder: str
    line: CommandLine
    deadline: int
    retry_busy: int = 0
    close: tuple[str, ...] = ()
    force: bool = False

    @property
    def script(self) -> str:
        return f"{self.folder}\\job.cmd"

    @property
    def log(self) -> str:
        return f"{self.folder}\\msi.log"

    @property
    def task(self) -> str:
        return f"\\onprem.chat\\{self.name}"

    @property
    def patience(self) -> float:
        """How long the host may need at most; its own deadline comes first."""
        return self.deadline + self.retry_busy + 10 * len(self.close) + _GRACE


def run(runner: Runner, job: Job, run_as: str, sleep: t.Callable[[float], None] = time.sleep) -> script.Result | None:
    """Run the job once and wait for its end. None: it was interrupted (its session was ended, the host restarted).

    Raises InstallerError when it does not begin, ChannelError when the host cannot be reached any more.
    """
    runner.write_file(job.script, text(job, run_as))
    if run_as == SYSTEM:
        return _as_system(runner, job, sleep)
    try:
        answer = runner.run(f"call {quoting.path(job.script)}", deadline=job.patience)
    except (Lost, DeadlineError):
        # The connection is gone, not the job. When it never began it is as if it had been interrupted: nothing happened.
        return wait(runner, job, sleep)
    result = script.understand(answer.text)
    if result is not None:
        return result
    if answer.exit_code in (script.LOCKED, script.STARTED_BEFORE) or not answer.complete:
        return wait(runner, job, sleep)
    raise _not_begun(job, answer)


def text(job: Job, run_as: str) -> bytes:
    """The batch file of a job. OptionError when its command line is none."""
    return script.job(
        job.line,
        deadline=job.deadline,
        retry_busy=job.retry_busy,
        close=job.close,
        force=job.force,
        system=run_as == SYSTEM,
    )


def run_script(
    runner: Runner, job: Job, content: bytes, sleep: t.Callable[[float], None] = time.sleep
) -> script.Result | None:
    """Run a batch file of one's own, which keeps the same journal, as SYSTEM. Otherwise as run()."""
    runner.write_file(job.script, content)
    return _as_system(runner, job, sleep)


def _as_system(runner: Runner, job: Job, sleep: t.Callable[[float], None]) -> script.Result | None:
    path = f"{job.folder}\\task.xml"
    runner.write_file(path, task_xml.as_system(job.script, int(job.patience) + 600))
    name = quoting.argument(job.task)
    for command in (f"schtasks /create /tn {name} /xml {quoting.path(path)} /f", f"schtasks /run /tn {name}"):
        answer = runner.run(command)
        if not answer.ok:
            raise _not_begun(job, answer)
    return wait(runner, job, sleep)


def wait(runner: Runner, job: Job, sleep: t.Callable[[float], None] = time.sleep) -> script.Result | None:
    """Wait for a job that runs already. None when it does not run any more and left no result."""
    end = time.monotonic() + job.patience
    begin_until = time.monotonic() + _START
    command = wait_command(job.folder)
    while True:
        answer = asked_again(lambda: runner.run(command, deadline=_ONE_WAIT + 60.0), end, sleep)
        result = script.understand(answer.text)
        if result is not None:
            return result
        # The last word: in front of it stands what the host's AutoRun prints, such as that of chcp 65001.
        state = (answer.text.split() or [""])[-1]
        if not state and answer.ok and answer.complete:
            # It ended, and there was no room left for its result.
            return script.Result(None)
        if state == "dead" or (state == "waiting" and time.monotonic() > begin_until):
            return None
        if time.monotonic() > end:
            raise InstallerError(
                "The job on the host neither ends nor gives a result",
                job.folder,
                "The host is very slow, or its clock of seconds (ping) does not run",
                "Look at the processes of the host; the task can be started again at any time",
            )
        if state == "waiting":
            sleep(1.0)


def asked_again(ask: t.Callable[[], T], end: float, sleep: t.Callable[[float], None]) -> T:
    """Waiting changes nothing, so it may be asked again over every new connection; an installer may restart WinRM."""
    refused = False
    while True:
        try:
            return ask()
        except (Untrusted, Unsupported):
            raise
        except ChannelError as error:
            if time.monotonic() > end:
                raise
            if not isinstance(error, Refused) or error.details.get("reason") == "no_kdc":
                sleep(5.0)
                continue
            # Each login that is refused counts, and locks the account; but a host that just starts may know nobody yet.
            if refused:
                raise
            refused = True
            sleep(_NEXT_LOGIN)


def wait_command(folder: str) -> str:
    """Waits up to some seconds for the result and prints it, or one word: waiting (not begun), running, dead."""
    result, started, hold = (quoting.path(f"{folder}\\{name}") for name in ("result.txt", "started.txt", "hold"))
    return (
        f"(for /l %i in (1,1,{_ONE_WAIT}) do @if exist {started} if exist {hold} if not exist {result} "
        f"ping -n 2 127.0.0.1 >nul) & if exist {result} (type {result}) else if not exist {started} (echo waiting) else "
        f"if not exist {hold} (echo dead) else (rd {hold} 2>nul && (echo dead) || (echo running))"
    )


def clean(runner: Runner, job: Job, run_as: str) -> bool:
    """Take the job's folder and task away. False when something of it is in use; a later run takes it away then."""
    try:
        return runner.run(clean_command(job, run_as)).ok
    except ChannelError:
        return False


def clean_command(job: Job, run_as: str) -> str:
    """The same as a command that may be given twice, among others in one line."""
    folder = quoting.path(job.folder)
    task = f"schtasks /delete /tn {quoting.argument(job.task)} /f >nul 2>&1 & " if run_as == SYSTEM else ""
    # Who waited for result.txt is here before the batch file has ended, and it keeps the folder until then.
    again = " & ".join(
        f"if exist {folder} (ping -n {seconds + 1} 127.0.0.1 >nul & rd /s /q {folder} 2>nul)" for seconds in (1, 3)
    )
    return f"{task}rd /s /q {folder} 2>nul & {again} & {gone(folder)}"


def gone(folder: str) -> str:
    """A command that ends with 0 when the folder (in quotation marks) is no more, whatever was in front of it."""
    return f"if exist {folder} (cmd /c exit 1) else (ver >nul)"


def _not_begun(job: Job, answer: Answer) -> InstallerError:
    said = (answer.stderr or answer.stdout).decode("utf-8", errors="replace").strip()
    return InstallerError(
        f"The job could not be started (exit code {answer.exit_code})",
        job.script,
        "The account is no administrator of the host, or a policy forbids batch files or tasks",
        "Check the account and the host's policies (AppLocker, DisableCMD, Task Scheduler)",
        output=said[-2000:],
    )
