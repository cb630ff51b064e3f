# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What the exit code of an installer means, what probably caused it and what to do.

Codes of Windows Installer: learn.microsoft.com/windows/win32/msi/error-codes. An EXE may give whatever its author liked; most
pass on the code of an MSI inside, so that the codes above 1600 mean the same. Below that only 0 is certain; of the tools that many
are built with it is known what they say (NSIS, "Error Levels"; Inno Setup, "Setup Exit Codes").
"""

from __future__ import annotations

import dataclasses

#: What a caller has to do next. "success": look whether it is there. "reboot": the same, and a restart is needed.
#: "busy": wait and try again. "gone": nothing was there to remove. "failed": say so.
SUCCESS, REBOOT, BUSY, GONE, FAILED = "success", "reboot", "busy", "gone", "failed"


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What an exit code means: the class, and for people its name, likely cause and remedy (without full stops)."""

    outcome: str
    name: str
    cause: str = ""
    remedy: str = ""


_BUSY = Meaning(
    BUSY,
    "another installation is running (1618)",
    "Windows Installer runs one installation at a time, and another one went on until the deadline",
    "Wait for it, or give retry_busy more seconds",
)
_GONE_CAUSE = "Windows Installer knows no such product for this account"
_GONE_REMEDY = "Check product_code, and whether the product was installed for a single user"
_LOG_REMEDY = "Look at log_lines; they are around the place where the installation gave up"

_MSI = {
    0: Meaning(SUCCESS, "done"),
    1601: Meaning(
        FAILED,
        "the Windows Installer service cannot be reached (1601)",
        "The service is disabled, or it does not serve this session",
        "Check the service msiserver, or set run_as to system",
    ),
    1602: Meaning(
        FAILED,
        "the installation was cancelled (1602)",
        "Somebody, or a program on the host, answered a question of the installer with cancel",
        "Run it again; where it shows a dialog give the arguments that make it silent",
    ),
    1603: Meaning(
        FAILED,
        "a fatal error during installation (1603)",
        "A file in use, missing rights, a failing custom action or a condition of the package",
        _LOG_REMEDY,
    ),
    1605: Meaning(GONE, "the product is not installed (1605)", _GONE_CAUSE, _GONE_REMEDY),
    1606: Meaning(
        FAILED,
        "a folder cannot be reached (1606)",
        "A folder of the profile or of the package is redirected to a share that the account cannot reach",
        "Set run_as to system, or mend the folder that log_lines name",
    ),
    1608: Meaning(
        FAILED,
        "an unknown property (1608)",
        "A property is misspelt or the package does not know it",
        "Check properties",
    ),
    1610: Meaning(
        FAILED,
        "the product's configuration data is corrupt (1610)",
        "An earlier installation was interrupted",
        "Run the task with state=repair, or remove the product and install it again",
    ),
    1612: Meaning(
        FAILED,
        "the source of the installation is not available (1612)",
        "Windows Installer wants the package from which the product was installed, and its cached copy is gone",
        "Give the same package with state=repair, or bring the old package back to where it was",
    ),
    1613: Meaning(
        FAILED,
        "the package needs a newer Windows Installer (1613)",
        "The package was built for a newer Windows",
        "Update the host or take a package for this Windows",
    ),
    1614: Meaning(GONE, "the product is already uninstalled (1614)", _GONE_CAUSE, _GONE_REMEDY),
    1618: _BUSY,
    1619: Meaning(
        FAILED,
        "the package could not be opened (1619)",
        "The file is not there, or the account that installs may not read it",
        "With delivery=share check that the host's account may read the share; else set delivery to pull, smb or channel",
    ),
    1620: Meaning(
        FAILED,
        "the package is not valid (1620)",
        "The file is no Windows Installer package",
        "Get the package again and compare its SHA-256 with the vendor's",
    ),
    1622: Meaning(
        FAILED,
        "the log file could not be opened (1622)",
        "The disk is full, or a program keeps the folder of the log from being written",
        "Look at the free space and at the virus scanner of the host",
    ),
    1623: Meaning(
        FAILED,
        "the package has not this language (1623)",
        "The language of the package is not supported here",
        "Take the package of another language",
    ),
    1624: Meaning(
        FAILED,
        "a transform could not be applied (1624)",
        "The transform is not there, or was made for another package",
        "Make the transform again from this very package",
    ),
    1625: Meaning(
        FAILED,
        "the system's policy forbids this installation (1625)",
        "A Group Policy (DisableMSI, software restriction, AppLocker, WDAC) forbids it for this account or this file",
        "Allow the package in the policy, or set run_as to system where only accounts are restricted",
    ),
    1627: Meaning(
        FAILED,
        "a function of the installation failed (1627)",
        "Windows Installer could not work at all; the folder for temporary files may be missing",
        "Check TEMP of the account that installs, and the service msiserver",
    ),
    1628: Meaning(
        FAILED,
        "an invalid parameter (1628)",
        "A property or an argument has a value that Windows Installer refuses",
        "Check properties and arguments",
    ),
    1632: Meaning(
        FAILED,
        "the folder for temporary files is full or cannot be used (1632)",
        "The disk is full, or the account may not write its TEMP folder",
        "Free space on the host, or set run_as to system",
    ),
    1633: Meaning(
        FAILED,
        "the package is not for this processor (1633)",
        "A 64-bit package on a 32-bit Windows, or one for ARM on another processor",
        "Take the package for the architecture of the host",
    ),
    1638: Meaning(
        FAILED,
        "another version of the product is installed already (1638)",
        "The installed product has the same ProductCode and another version, or the package refuses to go over it",
        "Look at found; set state to absent first, or allow_downgrade when an older version is meant",
    ),
    1639: Meaning(
        FAILED,
        "the command line was not understood (1639)",
        "Arguments or properties do not fit together",
        "Check arguments and properties",
    ),
    1640: Meaning(
        FAILED,
        "installing from a remote session is not allowed (1640)",
        "The policy EnableAdminTSRemote does not allow it",
        "Set run_as to system",
    ),
    1641: Meaning(REBOOT, "done; the installer has begun to restart the host (1641)"),
    1642: Meaning(
        FAILED,
        "the patch fits no installed product (1642)",
        "The product is missing or has another version",
        "Install the product first",
    ),
    1643: Meaning(
        FAILED, "the system's policy forbids the patch (1643)", "A Group Policy forbids it", "Allow it there"
    ),
    1644: Meaning(
        FAILED, "the system's policy forbids the transform (1644)", "A Group Policy forbids it", "Allow it there"
    ),
    1654: Meaning(
        FAILED,
        "the host refuses this package (1654)",
        "The package is not for this kind of Windows",
        "Take the package for the architecture of the host",
    ),
    3010: Meaning(REBOOT, "done; a restart is required (3010)"),
}

_ANY = {
    2: Meaning(
        FAILED,
        "a file was not found (2)",
        "The installer or a file that it needs is missing",
        "Check the package and the paths in arguments and transforms",
    ),
    5: Meaning(
        FAILED,
        "access denied (5)",
        "The account may not do this, or a program on the host blocked it",
        "Set run_as to system, and look at the host's virus scanner",
    ),
    1223: Meaning(
        FAILED,
        "cancelled (1223)",
        "The installer asked for administrator rights and nobody answered",
        "Set run_as to system, or scope to user when the package installs for single users",
    ),
    0xC0000005: Meaning(
        FAILED,
        "the installer crashed (access violation, 0xC0000005)",
        "A fault in the installer",
        "Run it by hand on one host; ask the vendor",
    ),
    0xC000013A: Meaning(
        FAILED, "the installer was interrupted (0xC000013A)", "The session it ran in was ended", "Set run_as to system"
    ),
    0xC0000135: Meaning(
        FAILED,
        "a library is missing (0xC0000135)",
        "The installer needs a runtime the host does not have",
        "Install the runtime that the vendor names",
    ),
}

# Where those of a whole installation differ from the errors of Windows with the same number.
_EXE = {
    1: Meaning(
        FAILED,
        "the installer was cancelled or could not begin (1)",
        "A dialog was answered with cancel, or the installer met something that it does not go on with",
        "Check the arguments that make it silent, and run it by hand on one host",
    ),
    2: Meaning(
        FAILED,
        "the installer gave up (2)",
        "One made with NSIS says so when a file cannot be written, because it is in use or the disk is full; one made with Inno "
        "Setup when it was cancelled",
        "Name the running program in close, with force_close where it may be ended; look at the free space of the host",
    ),
}


def meaning(kind: str, code: int) -> Meaning:
    """What ``code`` (unsigned, 32 bit) of an installer of this ``kind`` ("msi" or "exe") means."""
    if code in _MSI:
        return _MSI[code]
    if kind != "msi" and code in _EXE:
        return _EXE[code]
    if code in _ANY:
        return _ANY[code]
    number = str(code) if code < 0x80000000 else f"0x{code:08X}"
    if kind == "msi":
        return Meaning(FAILED, f"exit code {number}", "Not an exit code that is known here", _LOG_REMEDY)
    return Meaning(
        FAILED,
        f"exit code {number}",
        "The vendor of an EXE decides what its exit codes mean",
        "Look it up in the vendor's documentation; when it means success, add it to success_codes",
    )
