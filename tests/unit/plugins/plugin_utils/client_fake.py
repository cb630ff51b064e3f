# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Windows host for unit tests of win_client: it answers what was written down, and remembers everything it was told.

A stand-in. It knows no cmd.exe: commands are recognised by a piece of them, and one that nobody expected is an error.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

from ansible_collections.onprem.chat.plugins.plugin_utils._client.wanted import Wanted
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import guid
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError, MissingFile
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer, Ask

OLD = "{A1111111-2222-3333-4444-5555555555B1}"
NEW = "{A1111111-2222-3333-4444-5555555555B2}"
FAMILY = "{11111111-2222-3333-4444-5555555555AA}"
PRODUCTS = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer\\UserData"
BYTES = b"a package"
HASH = hashlib.sha256(BYTES).hexdigest()


def product(code: str, version: str, sid: str = "S-1-5-18", name: str = "Corp Chat") -> str:
    """What reg query says about an installed MSI."""
    return (
        f"\r\n{PRODUCTS}\\{sid}\\Products\\{guid.packed(code)}\\InstallProperties\r\n"
        f"    DisplayName    REG_SZ    {name}\r\n    DisplayVersion    REG_SZ    {version}\r\n    EstimatedSize    REG_DWORD    0x1\r\n"
    )


def uninstall(key: str, version: str, command: str = "", quiet: str = "") -> str:
    """What reg query says about an EXE's key."""
    lines = [
        f"\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{key}",
        f"    DisplayName    REG_SZ    {key}",
        f"    DisplayVersion    REG_SZ    {version}",
    ]
    lines += [f"    UninstallString    REG_SZ    {command}"] if command else []
    lines += [f"    QuietUninstallString    REG_SZ    {quiet}"] if quiet else []
    return "\r\n".join([*lines, ""])


def msi(**changes) -> Wanted:
    """A wish for version 2.0.0 of an MSI."""
    wish = Wanted(
        state="present", kind="msi", name="Corp Chat", version="2.0.0", product_code=NEW, upgrade_code=FAMILY,
        path="/packages/chat.msi", size=len(BYTES), sha256=HASH,
    )  # fmt: skip
    return dataclasses.replace(wish, **changes)


def exe(**changes) -> Wanted:
    """A wish for version 2.0.0 of an EXE."""
    wish = Wanted(
        state="present", kind="exe", name="Corp Voice", version="2.0.0", uninstall_key="Corp Voice",
        path="/packages/voice.exe", size=len(BYTES), sha256=HASH, install_arguments=("/S",),
    )  # fmt: skip
    return dataclasses.replace(wish, **changes)


def said(text: str = "", code: int = 0) -> Answer:
    return Answer(code, text.encode())


def done(code: int, end: str = "installer", tries: int = 1) -> Answer:
    """What a job prints."""
    return said(f"end={end}\r\ncode={code}\r\ntries={tries}\r\n")


@dataclasses.dataclass
class Host:
    """``answers``: a piece of a command -> an answer, an error, a list of these (the last stays), or a function."""

    answers: dict[str, object]
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    commands: list[str] = dataclasses.field(default_factory=list)
    inputs: list[bytes | None] = dataclasses.field(default_factory=list)
    asked: list[list[str]] = dataclasses.field(default_factory=list)

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        self.commands.append(command)
        self.inputs.append(stdin)
        return self._answer(command)

    def batch(self, asks: list[Ask], *, deadline: float = 60.0) -> dict[str, Answer]:
        self.asked.append([ask.command for ask in asks])
        return {ask.name: self._answer(ask.command) for ask in asks}

    def write_file(self, path: str, content: bytes, *, deadline: float = 120.0) -> None:
        self.files[path] = content

    def write_files(self, contents: dict[str, bytes], *, deadline: float = 120.0) -> None:
        self.files |= contents

    def read_file(self, path: str, *, limit: int = 1_000_000, deadline: float = 60.0) -> bytes:
        if path not in self.files:
            raise MissingFile("no such file", path, "it is not there", "look")
        return self.files[path]

    @property
    def batches(self) -> int:
        """How often several questions were asked at once."""
        return len(self.asked)

    def started(self) -> list[str]:
        """The jobs that were started in the session, in their order."""
        return [command for command in self.commands if command.startswith("call ")]

    def _answer(self, command: str) -> Answer:
        for piece, answer in self.answers.items():
            if piece in command:
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if isinstance(answer, Callable):
                    answer = answer()
                if isinstance(answer, ChannelError):
                    raise answer
                return answer
        raise AssertionError(f"nobody expected {command}")


def nothing_installed(**more: object) -> dict[str, object]:
    """Answers of a host that has nothing and on which everything succeeds."""
    usual = {
        "echo %ProgramFiles%": said("C:\\Program Files\r\n"),
        "(echo jobs)": said(),
        "onprem.chat\\jobs\"')": said(),
        "UpgradeCodes": said(),
        "Products": said(),
        "certutil": said(f"SHA256 of file:\r\n{HASH}\r\nCertUtil: ok\r\n"),
        "dir /-c": said("  6 Dir(s)  99000000000 bytes free\r\n"),
        "for %A": said("ECHO is on.\r\n"),
        "if not exist": said(),
        "rd /s /q": said(),
        'rd "': said(),
        "call ": done(0),
    }
    return more | {piece: answer for piece, answer in usual.items() if piece not in more}
