# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of installer_dialog share: options, a module that is none, installers as small scripts."""

from __future__ import annotations

import os
import random
import textwrap
import time
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._dialog import spec as specs
from ansible_collections.onprem.chat.plugins.module_utils._dialog.client import Client
from ansible_collections.onprem.chat.plugins.module_utils._dialog.dialogue import Dialogue
from ansible_collections.onprem.chat.plugins.module_utils._dialog.errors import DialogError
from ansible_collections.onprem.chat.plugins.module_utils._dialog.waiting import WAITING

CANARY = "k9-canary'\\\"ж-1"
"""A secret with everything that is written differently somewhere."""

_DEFAULTS = {
    "command": ["./installer"],
    "chdir": None,
    "environment": {},
    "prompts": [],
    "values": [],
    "errors": [],
    "success": "",
    "exit_codes": [0],
    "timeout": 60,
    "silence": 20,
    "columns": 80,
    "rows": 24,
    "interrupted": "rerun",
    "state": "present",
    "name": "demo",
    "state_directory": "/nowhere",
}


def prompt(name: str, pattern: str, answer: str | None = None, **more) -> dict:
    """An entry of prompts."""
    return {
        "name": name,
        "pattern": pattern,
        "answer": answer,
        "secret_answer": None,
        "enter": True,
        "repeat": 1,
        "optional": False,
        **more,
    }


def secret(name: str, pattern: str, answer: str = CANARY, **more) -> dict:
    """An entry of prompts whose answer is secret."""
    return prompt(name, pattern, secret_answer=answer, **more)


def value(name: str, pattern: str, **more) -> dict:
    """An entry of values."""
    return {"name": name, "pattern": pattern, "secret": True, "required": True, "format": "", **more}


def known(
    pattern: str, cause: str = "The cause.", remedy: str = "The remedy.", source: str = "", fatal: bool = True
) -> dict:
    """An entry of errors."""
    return {"pattern": pattern, "cause": cause, "remedy": remedy, "source": source, "fatal": fatal}


def options(**given) -> dict:
    """All options of the module."""
    unknown = set(given) - set(_DEFAULTS)
    assert not unknown, unknown
    return {**_DEFAULTS, **given}


def spec(**given) -> specs.Spec:
    """What the options mean."""
    return specs.read(options(**given))


class Talk:
    """A dialogue without a process: time goes on by itself, and the installer always waits."""

    def __init__(self, **given) -> None:
        self.said: list[str] = []
        self.dialogue = Dialogue(spec(**given), self.said.append)
        self.elapsed = 0.0

    def feed(self, text: str) -> None:
        self.dialogue.feed(text)

    def tick(self, quiet: float = 1.0, waiting: str = WAITING):
        self.elapsed += quiet
        return self.dialogue.tick(quiet, self.elapsed, lambda: waiting)

    def asked(self, echo: bool = True) -> str:
        """Answers what stands there, as a terminal that echoes shows it; the name of the prompt, "" for none."""
        action = self.tick()
        if action is None or not hasattr(action, "answer"):
            return ""
        self.dialogue.answer(action, echo)
        if echo:
            self.feed(action.answer + "\r\n")
        return action.name

    @property
    def values(self) -> dict[str, str]:
        return {name: seen.value for name, seen in self.dialogue.values.items()}


def cut(text: str, seed: int) -> list[str]:
    """The text in pieces of random size."""
    dice = random.Random(seed)  # noqa: S311
    pieces, start = [], 0
    while start < len(text):
        size = dice.choice((1, 1, 2, 3, 7, 40, 4096))
        pieces.append(text[start : start + size])
        start += size
    return pieces


class FakeModule:
    """What the client uses of an AnsibleModule."""

    def __init__(self, check_mode: bool = False, **given) -> None:
        self.params = options(**given)
        self.check_mode = check_mode
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Place:
    """A folder with an installer and its journals."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.warnings: list[str] = []

    def script(self, text: str, interpreter: str = "/bin/bash", name: str = "installer") -> Path:
        path = self.folder / name
        path.write_text(f"#!{interpreter}\n" + textwrap.dedent(text))
        path.chmod(0o755)
        return path

    def options(self, **given) -> dict:
        return {"state_directory": str(self.state), "chdir": str(self.folder), **given}

    def run(self, check_mode: bool = False, **given) -> dict:
        """Raises DialogError."""
        module = FakeModule(check_mode, **self.options(**given))
        try:
            return Client(module).run()
        finally:
            self.warnings = module.warnings

    def fails(self, **given) -> DialogError:
        """The error by which a run ends."""
        try:
            result = self.run(**given)
        except DialogError as error:
            return error
        raise AssertionError(f"it did not fail: {result}")

    def read(self, name: str = "demo") -> dict:
        return self.run(state="read", name=name)["captured_values"]

    @property
    def journal(self) -> Path:
        return self.state / "demo" / "journal.json"

    def everything(self) -> str:
        """All that was written down but for the journal and its values."""
        return "".join(path.read_text() for path in sorted(self.state.glob("demo/transcript*")))


def wait_for(condition, seconds: float = 60):
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came true")


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def is_root() -> bool:
    return os.geteuid() == 0
