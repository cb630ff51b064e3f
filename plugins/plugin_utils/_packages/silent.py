# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Silent switches of the installer technologies.

From their vendors' documents: Windows Installer, Inno Setup ("Setup Command Line Parameters"), NSIS ("Installer Usage"),
InstallShield ("Setup.exe and Update.exe Command-Line Parameters"), WiX Burn, Squirrel, Advanced Installer ("Advanced
Installer EXE Setup"), electron-builder, IExpress, 7-Zip SFX. Every one can be built so that its switches mean something
else, so a module must let its user say them.
"""

from __future__ import annotations

import dataclasses

from .model import MACHINE, UNKNOWN, USER


@dataclasses.dataclass(frozen=True)
class Switches:
    """Pieces of a command line as they are (joined by one space, not quoted again), and what to know about them."""

    install: tuple[str, ...] = ()
    uninstall: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    scope: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


_INNO = ("/VERYSILENT", "/SUPPRESSMSGBOXES", "/NORESTART")

TABLE = {
    "msi": Switches(
        ("/qn", "/norestart", "REBOOT=ReallySuppress"),
        ("/qn", "/norestart", "REBOOT=ReallySuppress"),
    ),
    "inno": Switches(
        (*_INNO, "/SP-"),
        _INNO,
        scope={MACHINE: ("/ALLUSERS",), USER: ("/CURRENTUSER",)},
        notes=("/ALLUSERS and /CURRENTUSER work only where the package lets the command line override the scope",),
    ),
    "nsis": Switches(
        ("/S",),
        ("/S",),
        notes=(
            "The uninstaller goes on in a copy of itself and returns at once; with _?=FOLDER (last, unquoted) it waits "
            "and leaves itself behind",
        ),
    ),
    "installshield": Switches(
        ("/s", '/v"/qn /norestart REBOOT=ReallySuppress"'),
        ("/s", "/x", '/v"/qn /norestart REBOOT=ReallySuppress"'),
        notes=("Packages of the kind InstallScript ignore /v and want a recorded answer file: /s /f1FILE.iss",),
    ),
    "burn": Switches(("/quiet", "/norestart"), ("/uninstall", "/quiet", "/norestart")),
    "squirrel": Switches(
        ("--silent",),
        ("--uninstall", "-s"),
        notes=("It installs into the profile of whoever runs it; the switches for removal are Update.exe's",),
    ),
    "advanced_installer": Switches(
        ("/exenoui", "/qn", "/norestart"),
        notes=("It is removed through the MSI package inside: msiexec /x CODE",),
    ),
    "electron_builder": Switches(
        ("/S",),
        ("/S",),
        scope={MACHINE: ("/allusers",), USER: ("/currentuser",)},
        notes=("/allusers and /currentuser work only in packages with a choice of the scope",),
    ),
    "wextract": Switches(("/Q", "/R:N"), notes=("The program inside decides how it is removed",)),
    "7zsfx": Switches(
        ("-y",),
        notes=("It only unpacks without asking; everything else on the command line goes to the program inside",),
    ),
}


def switches(technology: str) -> Switches:
    """Those of a technology; none for one that is not known."""
    return TABLE.get(technology, Switches())


def install(technology: str, scope: str = UNKNOWN) -> list[str]:
    """For a silent installation, with what chooses the scope where the technology has such a switch."""
    found = switches(technology)
    return [*found.install, *found.scope.get(scope, ())]
