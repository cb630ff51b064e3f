# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Command lines of installers, as the new process gets them, and the same in the language of batch files."""

from __future__ import annotations

import dataclasses
import re

from .detect import Installed
from .errors import ClientError, OptionError
from .plan import REPAIR, UNINSTALL, UPDATE, Step
from .wanted import MSI, Wanted, check_line, check_property

MSIEXEC = r"%SystemRoot%\System32\msiexec.exe"
# What makes Windows Installer ask nothing, restart nothing, and leave the programs of users alone.
_QUIET = "/qn /norestart REBOOT=ReallySuppress MSIRESTARTMANAGERCONTROL=Disable"
# v: this package instead of the cached one; o, m, u, s: files, the machine's and the user's registry, shortcuts.
_AGAIN = "REINSTALL=ALL REINSTALLMODE=vomus"
_UNINSTALLER = re.compile(r"unins\d{3}\.exe\Z", re.IGNORECASE)
_NSIS = re.compile(r"unins[^\\]*\.exe\Z", re.IGNORECASE)
_VARIABLE = re.compile(r"%[A-Za-z_][A-Za-z0-9_]*(?:\([A-Za-z0-9_]+\))?%")
_MSI_UNINSTALL = re.compile(r'"?(?:[^"]*\\)?msiexec(?:\.exe)?"?\s+/[ix]\s*(\{[0-9a-f-]{36}\})', re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class CommandLine:
    """What is started. ``program`` may hold %VARIABLES%, ``arguments`` are as the process gets them.

    ``kind`` decides how exit codes are read, ``image`` is the name by which the process is found when it has to be ended.
    """

    kind: str
    program: str
    arguments: str

    @property
    def image(self) -> str:
        return self.program.rsplit("\\", 1)[-1]


def command_line(step: Step, wanted: Wanted, package: str, log: str, transforms: tuple[str, ...] = ()) -> CommandLine:
    """The command line of a step. ``package``, ``log`` and ``transforms`` are paths on the host."""
    if step.action == UNINSTALL:
        return _uninstall(_target(step), wanted, log)
    if wanted.kind == MSI:
        return _msi(step, wanted, package, log, transforms)
    return CommandLine("exe", package, " ".join(wanted.install_arguments))


def _target(step: Step) -> Installed:
    if step.target is None:
        raise ValueError(f"{step.action} has no target")
    return step.target


def _msi(step: Step, wanted: Wanted, package: str, log: str, transforms: tuple[str, ...]) -> CommandLine:
    parts = ["/i", quoted(package), _QUIET, "/L*V", quoted(log)]
    if step.action == REPAIR:
        # As it was installed: the properties of the first time count.
        return CommandLine("msi", MSIEXEC, " ".join([*parts, _AGAIN, *wanted.install_arguments]))
    machine = wanted.scope == "machine"
    parts += ["ALLUSERS=1"] if machine else []
    parts += [
        f"{name}={quoted_value(name, value)}" for name, value in wanted.properties if name != "ALLUSERS" or not machine
    ]
    if transforms:
        parts.append(f'TRANSFORMS="{";".join(transforms)}"')
    if step.action == UPDATE:
        parts.append(_AGAIN)
    return CommandLine("msi", MSIEXEC, " ".join([*parts, *wanted.install_arguments]))


def _uninstall(target: Installed, wanted: Wanted, log: str) -> CommandLine:
    code = target.product_code
    match = _MSI_UNINSTALL.match(target.uninstall)
    if not code and match:
        code = match[1]
    if code:
        extra = wanted.uninstall_arguments if wanted.kind == MSI else ()
        return CommandLine("msi", MSIEXEC, " ".join(["/x", code, _QUIET, "/L*V", quoted(log), *extra]))
    registered = target.quiet_uninstall or target.uninstall
    if not registered:
        raise ClientError(
            f"{target.name or target.key} cannot be removed",
            target.key,
            "Its uninstall key names no command",
            "Remove it by hand, or repair it first",
        )
    program, arguments = split(registered)
    added = list(wanted.uninstall_arguments)
    if not added and not target.quiet_uninstall:
        added = _guessed(program)
    if not added and not target.quiet_uninstall:
        raise OptionError(
            f"It is not known how {target.name or target.key} is removed without questions",
            registered,
            "Its uninstall key has no QuietUninstallString",
            "Give uninstall_arguments as the vendor documents them",
        )
    if "/S" in [*arguments.split(), *added] and _NSIS.search(program) and "_?=" not in arguments:
        # An NSIS uninstaller goes on in a copy of itself and ends at once; so it stays, and its exit code is the true one.
        added.append(f"_?={program.rsplit(chr(92), 1)[0]}")
    return CommandLine("exe", program, " ".join(part for part in [arguments, *added] if part))


def _guessed(program: str) -> list[str]:
    return ["/VERYSILENT", "/SUPPRESSMSGBOXES", "/NORESTART"] if _UNINSTALLER.search(program) else []


def split(registered: str) -> tuple[str, str]:
    """A registered command in program and arguments; many write a path with spaces without quotation marks."""
    text = registered.strip()
    if text.startswith('"'):
        program, _quote, rest = text[1:].partition('"')
        return program, rest.strip()
    match = re.match(r"(.+?\.(?:exe|com|cmd|bat))(?=\s|$)", text, re.IGNORECASE)
    if match:
        return match[1], text[match.end() :].strip()
    program, _space, rest = text.partition(" ")
    return program, rest.strip()


def quoted(path: str) -> str:
    """A path in quotation marks."""
    if '"' in path:
        raise OptionError("A path holds a quotation mark", path, "Windows does not allow it", "Correct the path")
    return f'"{path}"'


def quoted_value(name: str, value: str) -> str:
    """The value of a property for msiexec, which wants quotation marks doubled."""
    check_property(name)
    return '"' + value.replace('"', '""') + '"'


def for_batch(text: str, *, variables: bool = False) -> str:
    """Text as it has to stand in a line of a batch file (delayed expansion off), so that cmd.exe passes it on unchanged.

    Inside of quotation marks only the percent sign means something; outside the operators do, too. With ``variables``
    %NAMES% as environment variables have them stay what they are; other percent signs are those of a folder's name.
    """
    check_line(text, "made of the options")
    written, inside = [], False
    kept = {at for found in _VARIABLE.finditer(text) for at in (found.start(), found.end() - 1)} if variables else set()
    for at, sign in enumerate(text):
        if sign == '"':
            inside = not inside
        elif sign == "%" and at not in kept:
            written.append("%")
        elif sign in "&|<>()^" and not inside:
            written.append("^")
        written.append(sign)
    return "".join(written)
