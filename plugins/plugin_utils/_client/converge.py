# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One client on one host: look, plan, deliver, run, look again. The order of things; each of them is done elsewhere."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._registry.part import Part
from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import delivery, detect, exit_codes, jobs, msi_log, plan, report
from .command_lines import CommandLine, command_line
from .errors import ClientError, InstallerError
from .wanted import EXE, MSI, Wanted

AUTO = "auto"
# Exit codes of a WinRM session that is no place for Windows Installer; as SYSTEM the same package installs.
_SESSION_IS_IT = (1601, 1640)
_LOG_LIMIT = 8 * 1024 * 1024
_SETTLE = 45.0
_ROUNDS = 6


@dataclasses.dataclass(frozen=True)
class Task:
    """A wish and how it may be fulfilled. Times are seconds; ``transforms`` are paths on the controller."""

    wanted: Wanted
    source: delivery.Source
    compare: plan.Compare
    run_as: str = AUTO
    deadline: int = 1800
    retry_busy: int = 900
    close: tuple[str, ...] = ()
    force: bool = False
    transforms: tuple[str, ...] = ()
    check_mode: bool = False
    settings: Part | None = None


class Visit:
    """One visit to a host. Its parts may be looked at after an error: what was done until then."""

    def __init__(self, runner: Runner, task: Task, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self.runner = runner
        self.task = task
        self.sleep = sleep
        self.report = report.Report(task.wanted)
        self.place = ""
        self.left: list[str] = []

    def converge(self) -> dict[str, t.Any]:
        """Bring the host to the wanted state and give the module's result. Errors carry what was done until then."""
        try:
            return self._converge()
        except ClientError as error:
            error.details = {**self.report.so_far(), **error.details}
            raise

    def _converge(self) -> dict[str, t.Any]:
        task = self.task
        found = self._after_earlier_runs(self._look())
        planned = plan.plan(found, task.wanted, task.compare)
        self.report.planned(found, planned)
        if task.settings is not None:
            self.report.settings(task.settings)
        if task.check_mode:
            return self.report.result()
        if planned.changed:
            try:
                package = self._deliver() if planned.needs_package else ""
                for number, step in enumerate(planned.steps):
                    self._step(step, package, number)
            finally:
                self._clean_files()
            found = self._settled()
        elif "files" in self.left or ("jobs" in self.left and not found.jobs):
            self._clean_files()
        if task.settings is not None:
            if planned.changed:
                # The installer may have written some of them itself.
                task.settings.understand(self._asked(task.settings.questions(), task.settings))
                self.report.settings(task.settings)
            if task.settings.changed:
                task.settings.apply(self.runner)
        self.report.found_after(found, plan.left_over(found, task.wanted, task.compare))
        return self.report.result()

    # -- looking ------------------------------------------------------------------------------------------------------

    def _look(self, settings: bool = True) -> detect.Found:
        wanted, registry = self.task.wanted, self.task.settings if settings else None
        asks = [Ask("client.place", "echo %ProgramFiles%"), Ask("client.left", self._left_command())]
        asks += [*detect.questions(wanted), *(registry.questions() if registry else ())]
        # Loops last: Wine's cmd.exe takes %j of a loop and the beginning of a later %NAME% for one variable.
        asks.sort(key=lambda ask: " in (" in ask.command)
        answers = self._asked(asks, registry)
        self.place = answers["client.place"].text.strip()
        self.left = answers["client.left"].text.split()
        if registry is not None:
            registry.understand(answers)
        return detect.understand(wanted, answers)

    def _left_command(self) -> str:
        """What a run that was killed may have left when everything else was done: the package, an empty folder of jobs."""
        package = f'if exist "{detect.BASE}\\files\\{self._package_folder()}\\" (echo files)&'
        return f'{package if self.task.wanted.sha256 else ""}if exist "{detect.JOBS}\\" (echo jobs)'

    def _asked(self, asks: t.Sequence[Ask], registry: Part | None = None) -> dict[str, Answer]:
        """The answers; those about the registry may lead to more questions (users and their hives)."""
        answers = self.runner.batch(asks)
        for _round in range(_ROUNDS):
            more = registry.questions(answers) if registry else []
            if not more:
                break
            answers |= self.runner.batch(more)
        return answers

    def _after_earlier_runs(self, found: detect.Found) -> detect.Found:
        """Wait for a job of this client that still runs, take away what is left of others, and look again."""
        mine = {name: state for name, state in found.jobs.items() if self.task.wanted.owns(name)}
        if not mine or self.task.check_mode:
            return found
        for name, state in mine.items():
            job = self._job(name, CommandLine(EXE, "", ""))
            if state == "running":
                self.report.warn(f"An earlier run's installation ({name}) was still going on; it was waited for")
                jobs.wait(self.runner, job, self.sleep)
            jobs.clean(self.runner, job, jobs.SYSTEM)
        return self._look(settings=False)

    def _settled(self) -> detect.Found:
        """What is there now. An EXE may have left its work to a process of its own, so it gets some time."""
        task = self.task
        end = time.monotonic() + _SETTLE
        while True:
            found = self._look(settings=False)
            missing = plan.shortfall(found, task.wanted, task.compare)
            if not missing:
                return found
            if task.wanted.kind == MSI or time.monotonic() > end:
                break
            self.sleep(3.0)
        raise InstallerError(
            f"The installer of {task.wanted.name} said that it succeeded, but {missing}",
            task.wanted.path or task.wanted.name,
            "The installer did something else than it was taken for: another scope, another version, or nothing without a "
            "dialog",
            "Look at installed, and compare version, product_code or uninstall_key with it",
            installed=[one.shown() for one in found.installed],
        )

    # -- doing --------------------------------------------------------------------------------------------------------

    def _folder(self) -> str:
        return f"{self.place}\\onprem.chat\\files\\{self._package_folder()}"

    def _package_folder(self) -> str:
        return self.task.wanted.sha256[:16]

    def _deliver(self) -> str:
        task = self.task
        path = f"{self._folder()}\\{delivery.file_name(task.wanted.path)}"
        answers = self.runner.batch(delivery.questions(self.place, path), deadline=600.0)
        if delivery.digest(answers["delivery.hash"]) == task.wanted.sha256:
            self.report.delivered("present")
        else:
            free = delivery.free_bytes(answers["delivery.space"])
            delivery.check_space(free, task.wanted, task.source.free_space, self.place)
            way = delivery.deliver(self.runner, task.source, task.wanted, path, float(task.deadline), self.report.warn)
            self.report.delivered(way)
        for local, remote in zip(task.transforms, self._transforms(), strict=True):
            delivery.write(self.runner, local, remote)
        return path

    def _transforms(self) -> tuple[str, ...]:
        return tuple(f"{self._folder()}\\{number}.mst" for number in range(len(self.task.transforms)))

    def _job(self, name: str, line: CommandLine) -> jobs.Job:
        task = self.task
        folder = f"{self.place}\\onprem.chat\\jobs\\{name}"
        return jobs.Job(name, folder, line, task.deadline, task.retry_busy, task.close, task.force)

    def _step(self, step: plan.Step, package: str, number: int) -> None:
        name = f"{self.task.wanted.identity}-{number}"
        job = self._job(name, CommandLine(EXE, "", ""))
        line = command_line(step, self.task.wanted, package, job.log, self._transforms())
        job = dataclasses.replace(job, line=line)
        run_as = jobs.SESSION if self.task.run_as == AUTO else self.task.run_as
        result = self._run(step, job, run_as)
        if self.task.run_as == AUTO and result is not None and result.code in _SESSION_IS_IT and not result.by_deadline:
            result = self._run(step, job, jobs.SYSTEM)
        if "_?=" in line.arguments:
            program = quoting.path(line.program)
            self.runner.run(f"del /f /q {program} & rd {quoting.path(line.program.rsplit(chr(92), 1)[0])}")

    def _run(self, step: plan.Step, job: jobs.Job, run_as: str):
        try:
            result = jobs.run(self.runner, job, run_as, self.sleep)
            self.report.ran(step, job.line, result, run_as)
            self._judge(step, job, result, run_as)
        finally:
            if not jobs.clean(self.runner, job, run_as):
                self.report.warn(f"{job.folder} could not be removed; a later run will do it")
        return result

    def _judge(self, step: plan.Step, job: jobs.Job, result, run_as: str) -> None:
        """InstallerError unless the step succeeded; for an interrupted one looking again decides."""
        wanted = self.task.wanted
        what = f"{step.action} of {wanted.name} {wanted.version}".rstrip()
        if result is None:
            if plan.shortfall(self._look(settings=False), wanted, self.task.compare):
                raise InstallerError(
                    f"The {what} was interrupted",
                    job.folder,
                    "The session was ended, or the host was restarted, before the installer was done",
                    "Run the task again; with run_as=system an installation does not depend on the connection",
                )
            return
        if result.by_deadline:
            raise InstallerError(
                f"The {what} did not end within {job.deadline} seconds and was ended",
                job.line.image,
                "The installer shows a dialog that nobody sees, or waits for something that does not come",
                "Check that arguments make it silent, or give a greater deadline",
                exit_code=result.code,
                log_lines=self._log(job),
            )
        if result.code is None:
            raise InstallerError(
                f"The {what} left no exit code", job.folder, "The disk of the host is full", "Free space there"
            )
        if result.code in wanted.success_codes:
            return
        meaning = exit_codes.meaning(job.line.kind, result.code)
        if meaning.outcome == exit_codes.REBOOT:
            self.report.reboot_required = True
        gone = meaning.outcome == exit_codes.GONE and step.action == plan.UNINSTALL
        if meaning.outcome in (exit_codes.SUCCESS, exit_codes.REBOOT) or gone:
            return
        if result.code in _SESSION_IS_IT and self.task.run_as == AUTO and run_as == jobs.SESSION:
            return
        raise InstallerError(
            f"The {what} failed: {meaning.name}",
            job.line.image,
            meaning.cause,
            meaning.remedy,
            exit_code=result.code,
            log_lines=self._log(job),
        )

    def _log(self, job: jobs.Job) -> list[str]:
        if job.line.kind != MSI:
            return []
        try:
            return msi_log.decisive(self.runner.read_file(job.log, limit=_LOG_LIMIT, deadline=180.0))
        except ChannelError as problem:
            return [f"(the log could not be read: {problem.what})"]

    def _clean_files(self) -> None:
        """Take the package away, and the folders above it when they are empty: rd without /s takes no others."""
        above = [f"{self.place}\\onprem.chat{name}" for name in ("\\files", "\\jobs", "")]
        parts = [f"rd {quoting.path(path)} 2>nul" for path in above]
        if self.task.wanted.sha256:
            folder = quoting.path(self._folder())
            parts = [f"rd /s /q {folder} 2>nul", *parts, f"if exist {folder} exit 1"]
        else:
            parts.append("ver >nul")
        try:
            done = self.runner.run(f"({' & '.join(parts)})").ok
        except ChannelError:
            done = False
        if not done:
            self.report.warn(f"{self._folder()} could not be removed; a later run will do it")
