# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

r"""One wish for all users, as it lies on a host: a folder of its own with what users run, and the task that runs it at logon.

%ProgramFiles%\onprem.chat\users\IDENTITY\WISH\…, where WISH is made of everything that is in it. A new wish is a new folder, so that
nobody's running batch file is changed under him, and the task is registered last: when it names the folder, the folder is complete.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import typing as t

from . import delivery, script, task_xml, users_script
from .command_lines import CommandLine, command_line
from .detect import Installed
from .errors import DeliveryError
from .plan import INSTALL, UNINSTALL, UPDATE, Step
from .wanted import MSI, Wanted

USERS = r"onprem.chat\users"
# For the name of a wish, which must not depend on where the host's programs lie.
_ANYWHERE = "?"
DESCRIPTION = "onprem.chat for every user, "
# Stands for the log until the line is one of a batch file, which knows the user's folder. No file of a package has such a name.
_LOG = "?:msi.log"
_GRACE = 600


@dataclasses.dataclass(frozen=True)
class Order:
    """A wish and how it may be fulfilled. Times are seconds; ``transforms`` are paths on the controller."""

    wanted: Wanted
    deadline: int = 1800
    retry_busy: int = 900
    close: tuple[str, ...] = ()
    force: bool = False
    transforms: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """The task that runs it at logon."""
        return f"\\{USERS}\\{self.wanted.users_identity}"

    def task_once(self, sid: str) -> str:
        """A task that runs it once for one user."""
        return f"\\onprem.chat\\now\\{self.wanted.users_identity} {sid}"

    @property
    def patience(self) -> int:
        """How long one user's run may take at most. Twice: another run of his may have to end first."""
        once = self.deadline + self.retry_busy + 10 * len(self.close) + 120
        return once * (1 + users_script.MOST if self.wanted.state == "absent" or self.wanted.allow_downgrade else 1)

    @property
    def limit(self) -> int:
        """After this time the task's service ends it."""
        return 2 * self.patience + _GRACE

    @functools.cached_property
    def wish(self) -> str:
        """The name of this wish: another one for anything that would be done differently."""
        seed = hashlib.sha256()
        files = {**self._files(_ANYWHERE, _ANYWHERE), "logon.xml": self.logon_xml(_ANYWHERE), **self._own()}
        for name, content in sorted(files.items()):
            seed.update(f"{name} {len(content)}\n".encode() + content)
        seed.update(f"{self.package_name} {self.wanted.sha256}".encode())
        return seed.hexdigest()[:16]

    @property
    def package_name(self) -> str:
        """The package's name on the host; empty without one."""
        absent = self.wanted.state == "absent"
        return "" if absent or not self.wanted.path else delivery.file_name(self.wanted.path)

    def above(self, programs: str) -> str:
        """The folder of all wishes of this client. ``programs`` is the host's %ProgramFiles%."""
        return f"{programs}\\{USERS}\\{self.wanted.users_identity}"

    def folder(self, programs: str) -> str:
        return f"{self.above(programs)}\\{self.wish}"

    def batch_file(self, programs: str) -> str:
        return f"{self.folder(programs)}\\user.cmd"

    def files(self, programs: str) -> dict[str, bytes]:
        """What has to lie in the folder, beside the package."""
        return {**self._files(self.folder(programs), self.wish), **self._own()}

    def _own(self) -> dict[str, bytes]:
        found = {}
        for number, path in enumerate(self.transforms if self.package_name else ()):
            try:
                found[f"{number}.mst"] = pathlib.Path(path).read_bytes()
            except OSError as problem:
                raise DeliveryError(
                    "A file of the controller cannot be read", path, problem.strerror or str(problem), "Check the path"
                ) from problem
        return found

    def _files(self, folder: str, wish: str) -> dict[str, bytes]:
        files = {"user.cmd": users_script.user(self.wanted, wish, self.patience)}
        if self.package_name:
            files["install.cmd"] = self._job(self._line(folder, Step(INSTALL)))
            if self.wanted.kind == MSI:
                # UPDATE and not REPAIR: its properties are those of this wish.
                files["again.cmd"] = self._job(self._line(folder, Step(UPDATE)))
        return files

    def _line(self, folder: str, step: Step) -> CommandLine:
        package = f"{folder}\\{self.package_name}"
        transforms = tuple(f"{folder}\\{number}.mst" for number in range(len(self.transforms)))
        return command_line(step, self.wanted, package, _LOG, transforms)

    def _job(self, line: CommandLine) -> bytes:
        place = users_script.place(self.wanted)
        job = script.job(
            line,
            deadline=self.deadline,
            retry_busy=self.retry_busy,
            close=self.close,
            force=self.force,
            place=place,
        )
        return job.replace(f'/L*V "{_LOG}"'.encode(), f'/L*V "{place}\\msi.log"'.encode())

    def away(self, sid: str, installed: t.Sequence[Installed]) -> dict[str, bytes]:
        """The files with which one user removes what he has. ClientError when it is not known how."""
        files = {}
        for number, one in enumerate(installed[: users_script.MOST]):
            line = command_line(Step(UNINSTALL, one), self.wanted, "", _LOG)
            files[f"away-{sid}-{number}.cmd"] = self._job(line)
            if "_?=" in line.arguments:
                files[f"tidy-{sid}-{number}.cmd"] = users_script.tidy(line.program)
        return files

    def logon_xml(self, programs: str) -> bytes:
        """The definition of the task that runs it at logon."""
        # Without the wish's own name, of which this is a part.
        path = programs if programs == _ANYWHERE else self.batch_file(programs)
        wanted = self.wanted
        state = "absent" if wanted.state == "absent" else "present"
        text = f"{DESCRIPTION}{state}: {wanted.name} {wanted.version}".rstrip()
        return task_xml.at_logon(path, text, self.limit)

    def once_xml(self, programs: str, sid: str, word: str) -> bytes:
        """The definition of the task that runs it once in the session of one user."""
        return task_xml.once_as(sid, self.batch_file(programs), word, self.limit)
