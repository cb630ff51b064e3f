# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One client for every user of a host: look, register, run it for those who are logged on, look again.

What is registered does the rest at everybody's next logon. A run that was interrupted anywhere is taken up by the next one: a user's
own batch file looks before it installs, and two of his wait for each other.
"""

from __future__ import annotations

import secrets
import time
import typing as t

from .._registry import commands
from .._windows import reg_tool
from .._winrm import quoting
from .._winrm.errors import ChannelError
from .._winrm.runner import Answer, Ask, Runner
from . import exit_codes, msi_log, users_detect, users_plan, users_script, users_sessions
from .command_lines import CommandLine
from .converge import LOOK, Task, Visit
from .detect import Found
from .errors import ClientError, InstallerError, RefusedError
from .plan import INSTALL, UNINSTALL, Step
from .script import Result
from .users_detect import Person, Scene
from .users_order import USERS, Order
from .wanted import MSI

_ROUNDS = 6
_AGAIN = 3


class UserVisit(Visit):
    """One visit to a host for the scope user. Its parts may be looked at after an error: what was done until then."""

    def __init__(self, runner: Runner, task: Task, sleep: t.Callable[[float], None] = time.sleep) -> None:
        super().__init__(runner, task, sleep)
        self.order = Order(
            task.wanted, task.deadline, task.retry_busy, tuple(task.close), task.force, tuple(task.transforms)
        )
        self.scene = Scene("")
        self.ends: dict[str, str] = {}

    def converge(self) -> dict[str, t.Any]:
        """Bring the host to the wanted state and give the module's result. Errors carry what was done until then."""
        try:
            result = super().converge()
        except ClientError as error:
            error.details = {**error.details, "users": self._users()}
            raise
        return {**result, "users": self._users()}

    def _converge(self) -> dict[str, t.Any]:
        task = self.task
        self._see()
        planned = users_plan.plan(self.scene, self.order, task.compare)
        self.report.planned(self._found(), planned)
        if task.settings is not None:
            self.report.settings(task.settings)
        if not task.check_mode:
            if planned.changed:
                self._act(planned)
            self._tidy()
            if task.settings is not None:
                self._apply_settings(planned.changed)
            self.report.found_after(self._found(), [])
        self._judge()
        return self.report.result()

    # -- looking ------------------------------------------------------------------------------------------------------

    def _see(self, settings: bool = True) -> None:
        """Ask the host for everything; users and their hives are known only after the first answers."""
        part = self.task.settings if settings else None
        answers = self._batch([*users_detect.questions(self.order), *(part.questions() if part else ())])
        if problem := reg_tool.silent(answers[users_detect.PLACE]):
            raise ClientError(*problem)
        for _round in range(_ROUNDS):
            more = [*users_detect.more(self.order, answers), *(part.questions(answers) if part else ())]
            if not more:
                break
            answers |= self._batch(more)
        if part is not None:
            part.understand(answers)
        self.scene = users_detect.understand(self.order, answers)
        self.place = self.scene.programs

    def _batch(self, asks: t.Sequence[Ask]) -> dict[str, Answer]:
        """The answers; both parts ask who the users are, in the same words."""
        once = list({ask.name: ask for ask in asks}.values())
        return self.runner.batch(once, deadline=commands.patience(once, LOOK))

    def _found(self) -> Found:
        return Found(tuple(one for person in self.scene.people for one in person.installed))

    def _users(self) -> list[dict[str, t.Any]]:
        scene, order = self.scene, self.order
        shown = [users_plan.shown(one, order, self.task.compare, scene.repair) for one in scene.people]
        failed = {one.sid for one, _why in self._failures()}
        return [{**one, "state": users_plan.FAILED} if one["sid"] in failed else one for one in shown]

    # -- doing --------------------------------------------------------------------------------------------------------

    def _folder(self) -> str:
        return self.order.folder(self.place)

    def _act(self, planned: users_plan.Plan) -> None:
        files = dict(planned.files)
        if self.task.wanted.state == "repair":
            files["repair.txt"] = f"{secrets.token_hex(8)}\r\n".encode()
        if planned.register:
            self._register(files)
        else:
            self._write(files)
        tried: set[str] = set()
        for _round in range(_AGAIN):
            now = [one for one in planned.now if one.sid not in tried]
            if now:
                tried |= {one.sid for one in now}
                word = secrets.token_hex(8)  # an old result is never taken for a new one
                self.ends |= users_sessions.run(self.runner, self.order, self.place, now, word, self.sleep)
            self._see(settings=False)
            planned = users_plan.plan(self.scene, self.order, self.task.compare)
            self._write(planned.files)
            # Somebody may have logged on since it was looked, and before it was registered.
            if all(one.sid in tried for one in planned.now):
                break
        for sid in tried:
            self._tell(sid)
        self._forget(planned.forget)
        if planned.finish:
            self._finish()
        elif planned.register:
            raise InstallerError(
                "What was registered for the users' logon is not there",
                self.order.task,
                "A policy or another tool changes tasks or files below Program Files",
                "Look at the task and at " + self._folder(),
            )

    def _register(self, files: t.Mapping[str, bytes]) -> None:
        """The folder first, the task last: when it names this folder, the folder is complete. ``files``: of single users."""
        order = self.order
        if order.package_name:
            self._bring()
        self._write({**order.files(self.place), **files, "logon.xml": order.logon_xml(self.place)})
        path = f"{self._folder()}\\logon.xml"
        created = f"schtasks /create /tn {quoting.argument(order.task)} /xml {quoting.path(path)} /f"
        answer = self.runner.run(f"{created} >nul")
        if not answer.ok:
            raise InstallerError(
                f"The task for the users' logon could not be registered (exit code {answer.exit_code})",
                order.task,
                "The account is no administrator of the host, or the Task Scheduler service is disabled",
                "Check the account and the service Schedule",
                output=answer.stderr.decode("utf-8", errors="replace").strip()[-2000:],
            )

    def _write(self, files: t.Mapping[str, bytes]) -> None:
        self.runner.write_files({f"{self._folder()}\\{name}": content for name, content in files.items()})

    def _tidy(self) -> None:
        """Take away what interrupted runs and earlier wishes have left. What is in use is left for a later run."""
        above, mine = self.order.above(self.place), self.order.wish
        old = [f"{above}\\{name}" for name in self.scene.folders if name.lower() != mine]
        left = self.scene.once
        if old or left:
            users_sessions.sweep(self.runner, self.order, [*old, *([self._folder()] if left else [])])
        if old:
            try:
                self.runner.run("&".join(f"rd /s /q {quoting.path(path)} 2>nul" for path in old))
            except ChannelError:
                self.report.warn(f"Earlier folders below {above} could not be removed; a later run will do it")
        if self.scene.still_loaded:
            self.report.warn(
                "The registry of a user who is not logged on could not be unloaded; a later run will do it"
            )

    def _forget(self, people: t.Iterable[Person]) -> None:
        """Take away the results of earlier runs from the hives of those who have nothing of it any more."""
        asks = []
        for one in people:
            root = f"HKEY_USERS\\{one.sid}" if one.user.loaded else commands.MOUNTED
            command = users_detect.forget(self.task.wanted, root)
            if not one.user.loaded:
                command = commands.with_hive(one.user.profile, [("forget", command)])
            asks.append(Ask(f"forget.{one.sid}", command))
        if asks:
            self._batch(asks)

    def _finish(self) -> None:
        """Nobody has it: the task goes, then the folder, and those above it when they are empty."""
        order = self.order
        above = order.above(self.place)
        users_sessions.sweep(self.runner, order, [f"{above}\\{name}" for name in {*self.scene.folders, order.wish}])
        parents = [f"{self.place}\\{USERS}", f"{self.place}\\{USERS.partition(chr(92))[0]}"]
        gone = self.runner.run(
            f"(schtasks /delete /tn {quoting.argument(order.task)} /f >nul 2>nul & rd /s /q {quoting.path(above)} 2>nul & "
            + " & ".join(f"rd {quoting.path(path)} 2>nul" for path in parents)
            + f" & if exist {quoting.path(above)} exit 1)"
        )
        if not gone.ok:
            self.report.warn(f"{above} could not be removed; a later run will do it")
        self.scene = Scene(self.place, self.scene.people)

    def _apply_settings(self, changed: bool) -> None:
        settings = self.task.settings
        if changed:
            # An installer may have written some of them itself.
            settings.understand(self._asked(settings.questions(), settings))
            self.report.settings(settings)
        if settings.changed:
            settings.apply(self.runner)

    # -- judging ------------------------------------------------------------------------------------------------------

    def _action(self) -> str:
        return UNINSTALL if self.task.wanted.state == "absent" else INSTALL

    def _tell(self, sid: str) -> None:
        """What was run for one user, for the result."""
        person = self.scene.person(sid)
        if person is None or self.ends.get(sid) != users_sessions.DONE:
            return
        mark, kind = person.mark, self.task.wanted.kind
        result = Result(mark.code, mark.end, mark.tries)
        self.report.ran(Step(self._action()), CommandLine(kind, "", ""), result, "user", person.called)
        if mark.code is not None and exit_codes.meaning(kind, mark.code).outcome == exit_codes.REBOOT:
            self.report.reboot_required = True

    def _failures(self) -> list[tuple[Person, str]]:
        """For whom it was tried in this run and failed, and why."""
        found = []
        for person in self.scene.people:
            end = self.ends.get(person.sid)
            if end is None or end == users_sessions.GONE:
                continue
            why = self._why(person, end)
            if why:
                found.append((person, why))
        return found

    def _why(self, person: Person, end: str) -> str:
        mark, wanted = person.mark, self.task.wanted
        state = users_plan.state(person, self.order, self.task.compare)
        good = state in (users_plan.INSTALLED, users_plan.ABSENT)
        if good and wanted.state != "repair" and end != users_sessions.DONE:
            return ""  # another run of his did it: of a second controller, or at his logon
        if end == users_sessions.REFUSED:
            return "a task in the user's session could not be started" if person.user.logged_on else ""
        if end == users_sessions.SILENT:
            return "nothing began in the user's session" if person.user.logged_on else ""
        if end == users_sessions.CUT:
            return (
                "it was cut off: its window was closed, or the user logged off and on again"
                if person.user.logged_on
                else ""
            )
        if end == users_sessions.ENDLESS or mark.end == users_script.STUCK:
            return "it neither ended nor gave a result"
        if mark.end == users_script.NO_FOLDER:
            return "the user's folder for local data cannot be written"
        if mark.by_deadline:
            return f"it did not end within {self.task.deadline} seconds and was ended"
        if mark.code is None or mark.wish != self.order.wish:
            return "" if good or state == users_plan.NEWER else "it left no exit code"
        meaning = exit_codes.meaning(wanted.kind, mark.code)
        fine = (exit_codes.SUCCESS, exit_codes.REBOOT, *((exit_codes.GONE,) if wanted.state == "absent" else ()))
        if mark.code not in wanted.success_codes and meaning.outcome not in fine:
            return f"exit code {mark.code}, {meaning.name}"
        if good:
            return ""
        return (
            f"exit code {mark.code}, but it is {'still' if wanted.state == 'absent' else 'not'} registered for the user"
        )

    def _judge(self) -> None:
        """InstallerError for those for whom it failed, RefusedError for those who have a newer version."""
        wanted = self.task.wanted
        for person in self.scene.people:
            if not person.readable:
                why = "the registry could not be read"
                if person.user.roaming:
                    why = "the profile roams, and this copy of it is only looked at while its user is logged on"
                self.report.warn(f"Whether {person.called} has {wanted.name} is not known: {why}")
        failures = self._failures()
        if failures:
            self._fail(failures)
        newer = [
            one
            for one in self.scene.people
            if users_plan.state(one, self.order, self.task.compare) == users_plan.NEWER
            and not (wanted.allow_downgrade or wanted.keep_newer)
        ]
        if newer:
            names = ", ".join(f"{one.called} ({one.installed[0].version})" for one in newer)
            raise RefusedError(
                f"{wanted.name} is installed in a version newer than {wanted.version} for {names}",
                wanted.path or wanted.name,
                "The package is older than what these users have; a client may have updated itself",
                "Take a newer package; or set keep_newer where the client updates itself, or allow_downgrade to remove the newer one first",
            )

    def _fail(self, failures: list[tuple[Person, str]]) -> None:
        wanted = self.task.wanted
        first = failures[0][0].mark
        # What was ended gives an exit code that nobody chose.
        code = first.code if first.wish == self.order.wish and not first.by_deadline else None
        meaning = exit_codes.meaning(wanted.kind, code) if code is not None else None
        details: dict[str, t.Any] = {} if code is None else {"exit_code": code}
        if wanted.kind == MSI and first.log:
            details["log_lines"] = self._log_of(failures[0][0])
        who = "; ".join(f"{person.called}: {why}" for person, why in failures)
        cause = (
            "The installer needs rights that the user does not have, shows a dialog, or a policy forbids what it does"
        )
        remedy = (
            "Run the installer by hand as this user; check arguments, and policies: AppLocker, DisableRegistryTools"
        )
        if meaning and meaning.outcome in (exit_codes.SUCCESS, exit_codes.REBOOT) and wanted.state != "absent":
            cause = "It registers itself under another key, with another version or for all users, or did nothing without a dialog"
            remedy = "Ask win_client_info with profiles=true what the host has now, and compare version, product_code or uninstall_key"
        raise InstallerError(
            f"The {self._action()} of {wanted.name} {wanted.version}".rstrip() + f" failed for {who}",
            self.order.task,
            (meaning.cause if meaning else "") or cause,
            (meaning.remedy if meaning else "") or remedy,
            **details,
        )

    def _log_of(self, person: Person) -> list[str]:
        path = person.mark.log
        if not users_detect.within(path, person.user.profile):
            return [f"(the log was not read: {path!r} is not within the user's profile)"]
        try:
            return msi_log.decisive(self.runner.read_file(path, limit=msi_log.LIMIT, deadline=msi_log.DEADLINE))
        except ChannelError as problem:
            return [f"(the log could not be read: {problem.what})"]
