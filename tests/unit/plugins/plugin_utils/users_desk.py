# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of a Windows host for unit tests of win_client's scope user: what the host says of them. A stand-in."""

from __future__ import annotations

import dataclasses

from ansible_collections.onprem.chat.plugins.plugin_utils._client import delivery, users_detect
from ansible_collections.onprem.chat.plugins.plugin_utils._client.users_order import Order
from ansible_collections.onprem.chat.plugins.plugin_utils._registry import commands
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.runner import Answer
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import said

ANNA, IVAN = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
NAMES = {ANNA: "anna maria", IVAN: "иван"}
PROGRAMS = "C:\\Program Files"


@dataclasses.dataclass
class Someone:
    """A user: version installed, exit code and wish of his last run, whether he is logged on; a hive of another's may be refused."""

    version: str = ""
    code: int | None = None
    wish: str = ""
    on: bool = True
    end: str = "installer"
    runs: tuple[str, ...] = ()
    refused: bool = False
    roaming: bool = False
    command: str = '"C:\\Users\\x\\uninstall.exe" /S'

    def parts(self, order: Order, root: str, name: str) -> str:
        """What the questions about his hive print."""
        key = f"{root}\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{order.wanted.uninstall_key}"
        lines = []
        if self.wish or self.runs:
            mark = users_detect.mark_key(order.wanted, root)
            lines += [mark, f"    Wish    REG_SZ    {self.wish}", f"    End    REG_SZ    {self.end}"]
            lines += [f"    ExitCode    REG_SZ    {'' if self.code is None else self.code}", "", f"{mark}\\Runs"]
            lines += [f"    {run}    REG_SZ    1" for run in self.runs]
        lines.append(f"{commands.WORD} {name}.mark 0")
        for view in (64, 32):
            if self.version:
                lines += [
                    key,
                    "    DisplayName    REG_SZ    Corp Voice",
                    f"    DisplayVersion    REG_SZ    {self.version}",
                ]
                lines += [f"    QuietUninstallString    REG_SZ    {self.command}"]
            lines.append(f"{commands.WORD} {name}.{view} 0")
        return "\r\n".join([*lines, ""])


def hive(order: Order, sid: str, one: Someone) -> Answer:
    """What loading the hive of somebody who is not logged on prints."""
    if one.refused:
        return said(f"{commands.WORD} load 1\r\n")
    root = "HKEY_USERS\\onprem-chat-registry"
    return said(f"{commands.WORD} load 0\r\n{one.parts(order, root, sid)}{commands.WORD} unload 0\r\n")


def listing(order: Order, *more: tuple[str, int]) -> str:
    """What dir says of the folder of a wish."""
    files = {name: len(content) for name, content in order.files(PROGRAMS).items()} | dict(more)
    if order.package_name:
        files[order.package_name] = order.wanted.size
    return "".join(f"22.11.2026  19:41      {size:>12} {name}\r\n" for name, size in files.items())


def answers(
    order: Order, people: dict[str, Someone], *, registered: bool = True, files: str | None = None, **more: str
):
    """What the host answers to all questions. ``more``: task, folders, repair as they are."""
    loaded = [sid for sid, one in people.items() if one.on]
    profiles = "".join(
        f"HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\{sid}\r\n"
        f"    ProfileImagePath    REG_EXPAND_SZ    C:\\Users\\{NAMES[sid]}\r\n"
        f"    CentralProfile    REG_SZ    {'//files/profiles' if one.roaming else ''}\r\n\r\n"
        for sid, one in people.items()
    )
    sessions = "".join(
        f"HKEY_USERS\\{sid}\\Volatile Environment\r\n    USERNAME    REG_SZ    {NAMES[sid]}\r\n\r\n" for sid in loaded
    )
    task = order.logon_xml(PROGRAMS).decode("utf-16") if registered else ""
    listed = listing(order) if registered else ""
    return {
        users_detect.PLACE: said(f"{PROGRAMS}\r\n"),
        "users.hives": said("".join(f"HKEY_USERS\\{sid}\r\n" for sid in loaded)),
        "users.profiles": said(profiles),
        "users.logged_on": said(sessions),
        "users.drive": said("C:\r\nC:\\Windows\r\n"),
        users_detect.TASK: said(more.get("task", task)),
        users_detect.FOLDERS: said(more.get("folders", f"{order.wish}\r\n" if registered else "")),
        users_detect.FILES: said(listed if files is None else files),
        users_detect.REPAIR: said(more.get("repair", "")),
        users_detect.LOADED: said(
            "".join(people[sid].parts(order, f"HKEY_USERS\\{sid}", f"HKEY_USERS\\{sid}") for sid in loaded)
        ),
        **{f"people.{sid}": hive(order, sid, one) for sid, one in people.items() if not one.on},
    }


class Desktop:
    """A host with users. ``installs``: what running the wish in a session does, given the SID; unknown commands succeed."""

    def __init__(self, order: Order, people: dict[str, Someone], installs=None, registered: bool = False) -> None:
        self.order, self.people, self.installs = order, people, installs or (lambda sid: None)
        self.registered = registered
        self.commands: list[str] = []
        self.files: dict[str, bytes] = {}
        self.asked: list[list[str]] = []

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        self.commands.append(command)
        if f'/create /tn "{self.order.task}"' in command:
            self.registered = True
        if f'/delete /tn "{self.order.task}"' in command:
            self.registered = False
        for sid in self.people:
            if f'schtasks /run /tn "{self.order.task_once(sid)}"' in command:
                xml = self.files[f"{self.order.folder(PROGRAMS)}\\{sid}.xml"].decode("utf-16")
                word = xml.partition("user.cmd")[2].partition("</")[0].strip('" ').replace("&quot;", "").strip()
                self.installs(sid)
                self.people[sid].runs = (f"{word}.begun", f"{word}.done") if self.people[sid].on else ()
        return said()

    def batch(self, asks, *, deadline: float = 60.0) -> dict[str, Answer]:
        self.asked.append([ask.name for ask in asks])
        extra = tuple(
            (path.rpartition("\\")[2], len(content)) for path, content in self.files.items() if path.endswith(".cmd")
        )
        files = listing(self.order, *extra) if self.registered else ""
        known = answers(self.order, self.people, registered=self.registered, files=files)
        found = {}
        for ask in asks:
            sid = ask.name.removeprefix("session.")
            if sid in self.people:
                runs = "".join(f"    {run}    REG_SZ    1\r\n" for run in self.people[sid].runs)
                here = "here\r\n" if self.people[sid].on else ""
                found[ask.name] = said(f"{here}HKEY_USERS\\{sid}\\Runs\r\n{runs}")
            elif ask.name == "delivery.space":
                found[ask.name] = said("  6 Dir(s)  99000000000 bytes free\r\n")
            else:
                found[ask.name] = known.get(ask.name, said())
        return found

    def write_file(self, path: str, content: bytes, *, deadline: float = 120.0) -> None:
        self.files[path] = content

    def write_files(self, contents: dict[str, bytes], *, deadline: float = 120.0) -> None:
        self.files |= contents

    def read_file(self, path: str, *, limit: int = 1_000_000, deadline: float = 60.0) -> bytes:
        return self.files[path]


SOURCE = delivery.Source(way="channel")
