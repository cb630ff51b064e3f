# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Detection on the host: the questions, and what their answers say.

Where Windows Installer keeps its products: HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Installer, in UserData\\SID\\Products\\
PACKED GUID\\InstallProperties (S-1-5-18: for the machine) and UpgradeCodes\\PACKED GUID (one value for each product). Any
installer: ...\\CurrentVersion\\Uninstall\\NAME in both views. The words that reg.exe prints around them are localised; names of
keys, values and types are not.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._packages import guid
from .._winrm import quoting
from .._winrm.runner import Answer, Ask
from . import file_version
from .wanted import MSI, Wanted

INSTALLER = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer"
UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
MACHINE_SID = "S-1-5-18"
BASE = r"%ProgramFiles%\onprem.chat"
JOBS = BASE + r"\jobs"

_VALUE = re.compile(r"^ {4}(?P<name>.*?) {4}(?P<type>REG_[A-Z_]+)(?: {4}(?P<data>.*))?$")


@dataclasses.dataclass(frozen=True)
class Installed:
    """One installation as the registry tells of it. ``sid`` is S-1-5-18 for the machine; ``view`` 64, 32 or 0 (an MSI)."""

    key: str
    version: str
    name: str = ""
    sid: str = MACHINE_SID
    view: int = 0
    product_code: str = ""
    uninstall: str = ""
    quiet_uninstall: str = ""
    location: str = ""

    @property
    def scope(self) -> str:
        return "machine" if self.sid == MACHINE_SID else "user"

    def shown(self) -> dict[str, t.Any]:
        """For results."""
        return {"key": self.key, "name": self.name, "version": self.version, "scope": self.scope, "sid": self.sid}


@dataclasses.dataclass(frozen=True)
class Found:
    """What is on the host: installations of this client, and jobs of earlier runs (name -> running|finished|dead)."""

    installed: tuple[Installed, ...] = ()
    jobs: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def machine(self) -> tuple[Installed, ...]:
        return tuple(one for one in self.installed if one.scope == "machine")


def questions(wanted: Wanted) -> list[Ask]:
    """What has to be asked to know what is installed and whether a job of an earlier run is there."""
    registered = _msi(wanted) if wanted.kind == MSI else _uninstall(wanted)
    return [*registered, *file_version.questions(wanted.version_file), Ask("client.jobs", jobs_command())]


def jobs_command() -> str:
    """Says of each job of an earlier run how it is; :func:`job_states` reads it."""
    # Windows does not remove a folder that is the current one of a process: script.py says what hold is.
    return (
        each_in(JOBS, folders=True) + ' @if exist "%~b\\%j\\result.txt" (echo finished %j) else '
        'if not exist "%~b\\%j\\hold" (echo dead %j) else '
        '(2>nul rd "%~b\\%j\\hold" && (echo dead %j) || (echo running %j))'
    )


def each_in(folder: str, *, folders: bool = False) -> str:
    """The beginning of a loop over the names in a folder, as %j, the folder being %~b; behind it comes what is done with each.

    Not for /d with a pattern: cmd.exe of Wine finds nothing by one in quotation marks. And not the folder itself where it is
    used: for Wine, what stands between the % of a loop's variable and the next % is a name, so the one behind is not replaced.
    """
    kind = "/ad" if folders else "/a-d"
    return f'for /f "delims=" %b in (\'echo "{folder}"\') do @for /f "delims=" %j in (\'dir /b {kind} %b 2^>nul\') do'


def _msi(wanted: Wanted) -> t.Iterator[Ask]:
    users = f'for /f "delims=" %s in (\'reg query "{INSTALLER}\\UserData" /reg:64 2^>nul\')'
    if wanted.product_code:
        yield Ask(
            "client.product",
            f'{users} do @reg query "%s\\Products\\{guid.packed(wanted.product_code)}'
            '\\InstallProperties" /reg:64 2>nul',
        )
    if wanted.upgrade_code:
        family = (
            f'for /f "tokens=1" %p in (\'reg query "{INSTALLER}\\UpgradeCodes\\{guid.packed(wanted.upgrade_code)}" '
            "/reg:64 2^>nul')"
        )
        yield Ask(
            "client.family", f'{family} do @{users} do @reg query "%s\\Products\\%p\\InstallProperties" /reg:64 2>nul'
        )


def _uninstall(wanted: Wanted) -> t.Iterator[Ask]:
    for view in (64, 32):
        key = quoting.argument(f"HKLM\\{UNINSTALL}\\{wanted.uninstall_key}")
        yield Ask(f"client.uninstall{view}", f"reg query {key} /reg:{view}")


def understand(wanted: Wanted, answers: t.Mapping[str, Answer]) -> Found:
    """What the answers to :func:`questions` say."""
    installed: dict[tuple[str, str, int], Installed] = {}
    for name, view in (
        ("client.product", 0),
        ("client.family", 0),
        ("client.uninstall64", 64),
        ("client.uninstall32", 32),
    ):
        if name in answers:
            for key, values in keys_of(answers[name].text):
                one = _of_product(key, values) if view == 0 else _of_uninstall(key, values, view)
                if one is not None:
                    installed[one.sid, one.key.lower(), one.view] = one
    seen = file_version.counted(wanted.version_file, list(_without_mirrors(installed.values())), answers)
    return Found(tuple(seen), job_states(answers["client.jobs"].text))


def keys_of(text: str) -> list[tuple[str, dict[str, str]]]:
    """The output of reg.exe: paths of keys, each with the text of its values (DWORDs as 0x...)."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.replace("\r", "").split("\n"):
        match = _VALUE.match(line)
        if match and found:
            found[-1][1][match["name"].lower()] = match["data"] or ""
        elif line.startswith("HKEY_"):
            found.append((line.rstrip(), {}))
    return found


def _of_product(path: str, values: dict[str, str]) -> Installed | None:
    parts = path.split("\\")
    try:
        code, sid = guid.unpacked(parts[-2]), parts[-4]
    except (ValueError, IndexError):
        return None
    if parts[-1].lower() != "installproperties" or not values.get("displayversion", values.get("displayname")):
        return None
    return Installed(
        key=code,
        version=values.get("displayversion", ""),
        name=values.get("displayname", ""),
        sid=sid,
        product_code=code,
        location=values.get("installlocation", ""),
    )


def _of_uninstall(path: str, values: dict[str, str], view: int) -> Installed | None:
    if not values:
        return None
    return Installed(
        key=path.rsplit("\\", 1)[-1],
        version=values.get("displayversion", ""),
        name=values.get("displayname", ""),
        view=view,
        uninstall=values.get("uninstallstring", ""),
        quiet_uninstall=values.get("quietuninstallstring", ""),
        location=values.get("installlocation", ""),
    )


def _without_mirrors(found: t.Iterable[Installed]) -> t.Iterator[Installed]:
    """A 32-bit Windows shows the same key in both views."""
    seen: set[Installed] = set()
    for one in found:
        face = dataclasses.replace(one, view=0)
        if face not in seen:
            seen.add(face)
            yield one


def job_states(text: str) -> dict[str, str]:
    """Name of a job -> running, finished or dead."""
    jobs = {}
    for line in text.splitlines():
        state, _space, name = line.strip().partition(" ")
        if state in ("running", "finished", "dead") and name:
            jobs[name] = state
    return jobs
