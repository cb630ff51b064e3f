# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One client on one host: look, plan, deliver, run, look again. The order of things; each of them is done elsewhere."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._registry import commands
from .._registry.part import Part
from .._windows import reg_tool
from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import delivery, detect, exit_codes, jobs, msi_log, plan, report, source_name
from .command_lines import CommandLine, command_line
from .errors import ClientError, InstallerError
from .wanted import EXE, MSI, Wanted

AUTO = "auto"
# Exit codes of a WinRM session that is no place for Windows Installer; as SYSTEM the same package installs.
_SESSION_IS_IT = (1601, 1640)
_SETTLE = 45.0
LOOK = 180.0
"""Seconds for all questions. A host on which fifty users are logged on starts some hundred programs for them."""
_ROUNDS = 6
# What a run that was killed may have left when everything else was done: an empty folder of jobs, packages of whatever version. The
# loop is last and alone: it starts programs.
_FILES = detect.BASE + r"\files"
_LEFT = (
    f'(if exist "{detect.JOBS}\\" (echo jobs))&if exist "{_FILES}\\" {detect.each_in(_FILES, folders=True)} @echo %j'
)
_MOST_LEFT = 10


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
        self.left_jobs = False
        self.left_files: list[str] = []
        self._away: dict[str, Ask] = {}

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
        if planned.warning:
            self.report.warn(planned.warning)
        if task.settings is not None:
            self.report.settings(task.settings)
        self._check(planned)
        if task.check_mode:
            return self.report.result()
        if planned.changed:
            found = self._carry_out(planned)
        elif self.left_files or (self.left_jobs and not found.jobs):
            self._clean_files(self.left_files)
            self._clean_now()
        if task.settings is not None and task.settings.changed:
            task.settings.apply(self.runner)
        self.report.found_after(found, plan.left_over(found, task.wanted, task.compare))
        return self.report.result()

    # -- looking ------------------------------------------------------------------------------------------------------

    def _look(self, settings: bool = True) -> detect.Found:
        """What is there. What is to be taken away goes first, in the same breath."""
        wanted, registry = self.task.wanted, self.task.settings if settings else None
        asks = [Ask("client.place", f"echo %ProgramFiles%&{reg_tool.ANSWERS}"), Ask("client.left", _LEFT)]
        asks += [*detect.questions(wanted), *(registry.questions() if registry else ())]
        # Loops last: Wine's cmd.exe takes %j of a loop and the beginning of a later %NAME% for one variable.
        asks.sort(key=lambda ask: " in (" in ask.command)
        answers = self._asked([*self._away.values(), *asks], registry)
        self._cleaned(answers)
        if problem := reg_tool.silent(answers["client.place"]):
            raise ClientError(*problem)
        self.place = answers["client.place"].text.strip()
        left = answers["client.left"].text.split()
        self.left_jobs = "jobs" in left
        self.left_files = [name for name in left if wanted.owns_folder(name)][:_MOST_LEFT]
        if registry is not None:
            registry.understand(answers)
        return detect.understand(wanted, answers)

    def _asked(self, asks: t.Sequence[Ask], registry: Part | None = None) -> dict[str, Answer]:
        """The answers; those about the registry may lead to more questions (users and their hives)."""
        answers = self.runner.batch(asks, deadline=LOOK)
        for _round in range(_ROUNDS):
            more = registry.questions(answers) if registry else []
            if not more:
                break
            answers |= self.runner.batch(more, deadline=commands.patience(more, LOOK))
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
            self._clean(job.folder, jobs.clean_command(job, jobs.SYSTEM))
        return self._look(settings=False)

    def _settled(self) -> detect.Found:
        """What is there now. An EXE may have left its work to a process of its own, so it gets some time."""
        task = self.task
        end = time.monotonic() + _SETTLE
        found = self._look()
        at_once = True
        while missing := plan.shortfall(found, task.wanted, task.compare):
            if task.wanted.kind == MSI or time.monotonic() > end:
                raise InstallerError(
                    f"The installer of {task.wanted.name} said that it succeeded, but {missing}",
                    task.wanted.path or task.wanted.name,
                    "The installer did something else than it was taken for: another scope, another version, or nothing without a "
                    "dialog",
                    "Ask win_client_info what the host has now, and compare version, product_code or uninstall_key with it",
                    installed=[one.shown() for one in found.installed],
                )
            self.sleep(3.0)
            found = self._look(settings=False)
            at_once = False
        if task.settings is not None:
            # The installer may have written some of them itself.
            if not at_once:
                task.settings.understand(self._asked(task.settings.questions(), task.settings))
            self.report.settings(task.settings)
        return found

    # -- doing --------------------------------------------------------------------------------------------------------

    def _folder(self) -> str:
        return self._in_files(self.task.wanted.folder)

    def _in_files(self, name: str) -> str:
        return f"{self.place}\\onprem.chat\\files\\{name}"

    def _own_folder(self) -> list[str]:
        """The name of the package's folder; none without a package."""
        return [self.task.wanted.folder] if self.task.wanted.sha256 else []

    def _strays(self) -> list[str]:
        """Folders of other packages of this client: no run needs them, for its jobs were waited for before."""
        return [name for name in self.left_files if name not in self._own_folder()]

    def _check(self, planned: plan.Plan) -> None:
        """Options of which no command line can be made are told before anything is delivered or removed, and in check mode."""
        for number, step in enumerate(planned.steps):
            jobs.text(self._prepared(step, self._package(), number), self.task.run_as)

    def _carry_out(self, planned: plan.Plan) -> detect.Found:
        """Deliver, run, take away what was needed for it, and look; what was needed goes whatever happened."""
        if self._strays():
            # They may be what the disk is full of.
            self._clean_files(self._strays())
            self._clean_now()
        try:
            package = self._deliver() if planned.needs_package else ""
            for number, step in enumerate(planned.steps):
                self._step(step, package, number)
        except BaseException:
            self._clean_files(self._own_folder())
            self._clean_now()
            raise
        self._clean_files(self._own_folder())
        return self._settled()

    def _deliver(self) -> str:
        path = self._bring()
        delivery.write(self.runner, dict(zip(self._transforms(), self.task.transforms, strict=True)))
        return path

    def _bring(self) -> str:
        """The package alone; where it is on the host."""
        task = self.task
        path = self._package()
        way = delivery.deliver(self.runner, task.source, task.wanted, path, float(task.deadline), self.report.warn)
        self.report.delivered(way)
        return path

    def _package(self) -> str:
        return f"{self._folder()}\\{delivery.file_name(self.task.wanted.path)}"

    def _transforms(self) -> tuple[str, ...]:
        return tuple(f"{self._folder()}\\{number}.mst" for number in range(len(self.task.transforms)))

    def _job(self, name: str, line: CommandLine) -> jobs.Job:
        task = self.task
        folder = f"{self.place}\\onprem.chat\\jobs\\{name}"
        return jobs.Job(name, folder, line, task.deadline, task.retry_busy, task.close, task.force)

    def _prepared(self, step: plan.Step, package: str, number: int) -> jobs.Job:
        job = self._job(f"{self.task.wanted.identity}-{number}", CommandLine(EXE, "", ""))
        line = command_line(step, self.task.wanted, package, job.log, self._transforms())
        return dataclasses.replace(job, line=line)

    def _step(self, step: plan.Step, package: str, number: int) -> None:
        if step.action in (plan.REPAIR, plan.UPDATE) and step.target is not None and step.target.product_code:
            package = source_name.named_as_before(self.runner, step.target.product_code, package)
        job = self._prepared(step, package, number)
        run_as = jobs.SESSION if self.task.run_as == AUTO else self.task.run_as
        result = self._run(step, job, run_as)
        if self.task.run_as == AUTO and result is not None and result.code in _SESSION_IS_IT and not result.by_deadline:
            # The same folder again, and its journal says that the job was started.
            self._clean_now()
            self._run(step, job, jobs.SYSTEM)
        if "_?=" in job.line.arguments:
            folder = job.line.program.rsplit("\\", 1)[0]
            self._clean(folder, f"del /f /q {quoting.path(job.line.program)} & rd {quoting.path(folder)} & ver >nul")

    def _run(self, step: plan.Step, job: jobs.Job, run_as: str):
        try:
            result = jobs.run(self.runner, job, run_as, self.sleep)
            self.report.ran(step, job.line, result, run_as)
            self._judge(step, job, result, run_as)
        finally:
            self._clean(job.folder, jobs.clean_command(job, run_as))
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
            return msi_log.decisive(self.runner.read_file(job.log, limit=msi_log.LIMIT, deadline=msi_log.DEADLINE))
        except ChannelError as problem:
            return [f"(the log could not be read: {problem.what})"]

    # -- taking away --------------------------------------------------------------------------------------------------

    def _clean(self, what: str, command: str) -> None:
        """Have something taken away when the host is talked to the next time, by a command that may be given twice."""
        self._away.pop(what, None)
        self._away[what] = Ask(f"clean.{what}", command)

    def _clean_files(self, names: t.Sequence[str]) -> None:
        """The same for folders of packages, and for those above them when they are empty: rd without /s takes no others."""
        above = [f"{self.place}\\onprem.chat{name}" for name in ("\\files", "\\jobs", "")]
        empty = " & ".join(f"rd {quoting.path(path)} 2>nul" for path in above)
        for place in map(self._in_files, names):
            folder = quoting.path(place)
            self._clean(place, f"rd /s /q {folder} 2>nul & {empty} & {jobs.gone(folder)}")
        if not names:
            self._clean(above[-1], f"{empty} & ver >nul")

    def _clean_now(self) -> None:
        """Take it away at once."""
        try:
            answers = self.runner.batch(list(self._away.values())) if self._away else {}
        except ChannelError:
            answers = {}
        self._cleaned(answers)

    def _cleaned(self, answers: t.Mapping[str, Answer]) -> None:
        """What was to go and is still there is no error."""
        for what, ask in self._away.items():
            if ask.name not in answers or not answers[ask.name].ok:
                self.report.warn(f"{what} could not be removed; a later run will do it")
        self._away.clear()
