# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kind of host it is: for the report, and to know which checks make sense there. No names of machines or people."""

from __future__ import annotations

import re
import typing as t

from machine import Machine

VERSION = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
WANTED = ("ProductName", "EditionID", "DisplayVersion", "ReleaseId", "CurrentBuild", "UBR", "InstallationType")
_VALUE = re.compile(r"^    (\S+)    REG_[A-Z_]+    (.*)$", re.MULTILINE)


def gather(machine: Machine) -> dict[str, t.Any]:
    """Asks in one command line. Raises Unreachable."""
    found = machine.ask(
        version=f'reg query "{VERSION}"',
        ver="ver",
        language=r"reg query HKLM\SYSTEM\CurrentControlSet\Control\Nls\Language /v InstallLanguage",
        ansi=r"reg query HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage /v ACP",
        oem=r"reg query HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage /v OEMCP",
        autorun=r'reg query "HKLM\SOFTWARE\Microsoft\Command Processor" /v AutoRun',
        processor="echo %PROCESSOR_ARCHITECTURE%",
        tar="where tar.exe >nul 2>nul",
        curl="where curl.exe >nul 2>nul",
        wine="if not exist %SystemRoot%\\system32\\winecfg.exe cmd /c exit 1",
    )
    values = {name: data for name, data in _VALUE.findall(found["version"].text) if name in WANTED}
    if values.get("UBR", "").startswith("0x"):
        values["UBR"] = str(int(values["UBR"], 16))
    return {
        "windows": values,
        "ver": found["ver"].text.strip(),
        "wine": found["wine"].code == 0,
        "processor": found["processor"].text.strip(),
        "language": _one(found["language"].text),
        "code_pages": {"ansi": _one(found["ansi"].text), "oem": _one(found["oem"].text)},
        "autorun_of_cmd": found["autorun"].code == 0,
        "tar": found["tar"].code == 0,
        "curl": found["curl"].code == 0,
    }


def described(facts: dict[str, t.Any]) -> str:
    """One line for people."""
    windows = facts["windows"]
    names = [windows.get("ProductName", ""), windows.get("DisplayVersion") or windows.get("ReleaseId", "")]
    build = ".".join(part for part in (windows.get("CurrentBuild", ""), windows.get("UBR", "")) if part)
    text = " ".join(part for part in [*names, f"build {build}" if build else facts["ver"], facts["processor"]] if part)
    return f"Wine, which is not Windows ({text})" if facts["wine"] else text


def _one(text: str) -> str:
    found = _VALUE.search(text)
    return found[2] if found else ""
