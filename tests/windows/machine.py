# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Windows host as checks see it: commands, questions, files, and the collection's modules, all as Ansible tasks."""

from __future__ import annotations

import base64
import functools
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_tasks import Host

NAME = "onprem.chat test"
"""Of everything that the tests make on a host: a folder, keys of the registry, a folder of scheduled tasks."""
KEY = f"HKLM\\SOFTWARE\\{NAME}"
USER_KEY = f"HKCU\\Software\\{NAME}"
TASKS = f"\\{NAME}"


class Unreachable(Exception):
    """No task can be run on the host; the message says why and what to do."""


@dataclass(frozen=True)
class Ran:
    """What a command left. ``error`` is the channel's, with which the command has no exit code (-1)."""

    code: int
    out: bytes = b""
    err: bytes = b""
    error: dict[str, t.Any] | None = None

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace").replace("\r\n", "\n")


class Machine:
    """One host. ``packages`` is the folder with the test packages on the controller."""

    def __init__(self, host: Host, packages: Path) -> None:
        self.host = host
        self.packages = packages

    # -- commands -----------------------------------------------------------------------------------------------------

    def probe(self, *steps: list, look: bool = False) -> dict[str, t.Any]:
        """Steps in one shell, as plugins/action/windows_probe.py has them. Raises Unreachable."""
        found = self.host.task("windows_probe", {"do": list(steps), "look": look})
        if found["failed"]:
            raise Unreachable(found.get("msg", "The host cannot be reached"))
        return found

    def run(self, line: str, stdin: bytes | None = None, deadline: float = 120) -> Ran:
        """One command line of cmd.exe, as it is."""
        return self.lines((line, stdin, deadline))[0]

    def lines(self, *lines: str | tuple[str, bytes | None, float]) -> list[Ran]:
        """Command lines, one after the other in one shell."""
        return [_ran(one) for one in self.probe(*(_step(line) for line in lines))["results"]]

    def ask(self, **questions: str) -> dict[str, Ran]:
        """Questions as the modules ask them: many in one command line, each with its own exit code."""
        return self.ask_all(questions)

    def ask_all(self, questions: dict[str, str]) -> dict[str, Ran]:
        """The same, with names that are no identifiers."""
        answers = self.probe(["batch", questions])["results"][0]
        if "error" in answers:
            raise AssertionError(f"the questions were not answered: {answers['error'].get('msg')}")
        return {name: _ran(answer) for name, answer in answers.items()}

    def write(self, path: str, content: bytes) -> None:
        """A small file on the host, with the folders above it."""
        (done,) = self.probe(["write", path, base64.b64encode(content).decode()])["results"]
        if "error" in done:
            raise AssertionError(done["error"].get("msg"))

    def read(self, path: str) -> bytes:
        """A small file of the host."""
        (done,) = self.probe(["read", path])["results"]
        if "error" in done:
            raise AssertionError(done["error"].get("msg"))
        return base64.b64decode(done["content"])

    # -- modules ------------------------------------------------------------------------------------------------------

    def registry(self, *settings: dict[str, t.Any], check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """A task win_registry."""
        return self.host.task("onprem.chat.win_registry", {"settings": list(settings), **options}, check=check)

    def client(self, package: str = "", *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """A task win_client with a test package."""
        given = {"package": str(self.packages / package), **options} if package else options
        return self.host.task("onprem.chat.win_client", given, check=check)

    def cut(self, package: str, *cut: t.Any, forget: t.Sequence[str] = (), **options: t.Any) -> dict[str, t.Any]:
        """A task win_client that is cut, as plugins/action/windows_cut.py has it. ``cut``: number of the request, and how."""
        given: dict[str, t.Any] = {"client": {"package": str(self.packages / package), **options}}
        given |= {"cut": list(cut), "forget": list(forget)}
        found = self.host.task("windows_cut", given)
        if found["failed"]:
            raise Unreachable(found.get("msg", "The host cannot be reached"))
        return found

    # -- places -------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def program_files(self) -> str:
        """Where users can write nothing: what administrators run lies below it."""
        return self.run("echo %ProgramFiles%").text.strip()

    @property
    def folder(self) -> str:
        """The folder of the tests."""
        return f"{self.program_files}\\{NAME}"

    def place(self, name: str) -> str:
        """A path in the folder of the tests."""
        return f"{self.folder}\\{name}"


def good(result: dict[str, t.Any], changed: bool | None = None) -> dict[str, t.Any]:
    """The task succeeded, and changed something or not."""
    message = result.get("msg", "")
    assert not result["failed"], f"the task failed: {message}{_details(result)}"
    assert changed is None or result["changed"] is changed, (
        f"changed is {result['changed']}; reason: {result.get('reason')}"
    )
    return result


def bad(result: dict[str, t.Any], text: str) -> dict[str, t.Any]:
    """The task failed, and said this."""
    assert result["failed"], f"the task succeeded; expected was: {text}"
    assert text in result.get("msg", ""), f"the task failed with: {result.get('msg')}{_details(result)}"
    return result


def _details(result: dict[str, t.Any]) -> str:
    shown = {
        name: result[name] for name in ("exit_code", "log_lines", "output", "installed", "steps") if result.get(name)
    }
    return f" {shown}" if shown else ""


def _step(line: str | tuple[str, bytes | None, float]) -> list:
    if isinstance(line, str):
        return ["run", line, {}]
    command, stdin, deadline = line
    options: dict[str, t.Any] = {"deadline": deadline}
    if stdin is not None:
        options["stdin"] = base64.b64encode(stdin).decode()
    return ["run", command, options]


def _ran(found: dict[str, t.Any]) -> Ran:
    if "error" in found:
        return Ran(-1, error=found["error"])
    return Ran(found["code"], base64.b64decode(found["stdout"]), base64.b64decode(found["stderr"]))
