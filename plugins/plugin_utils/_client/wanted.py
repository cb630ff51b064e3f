# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What somebody wants on a desktop: the options of a task together with what its package says about itself."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from .._packages import guid, silent
from . import file_version
from .errors import OptionError

MSI, EXE = "msi", "exe"
MACHINE, USER = "machine", "user"
_PROPERTY = re.compile(r"[A-Z_][A-Z0-9_.]*\Z")
_HASH = re.compile(r"[0-9a-fA-F]{64}\Z")
_YAML = (
    (bool, "true or false"),
    (float, "a number with a point"),
    (list, "a list"),
    (dict, "a dictionary"),
    (type(None), "nothing"),
)


class PackageLike(t.Protocol):
    """What is used here of a package that was read (``_packages.read.Package``)."""

    kind: str
    path: str
    size: int
    sha256: str
    name: str
    version: str
    scope: str
    product_code: str
    upgrade_code: str
    technology: str
    silent_uninstall: t.Sequence[str]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One client in one state. Texts that are not known are empty; ``size`` is in bytes and 0 without a package."""

    state: str
    kind: str
    name: str
    version: str = ""
    product_code: str = ""
    upgrade_code: str = ""
    uninstall_key: str = ""
    allow_downgrade: bool = False
    keep_newer: bool = False
    version_file: str = ""
    path: str = ""
    size: int = 0
    sha256: str = ""
    install_arguments: tuple[str, ...] = ()
    uninstall_arguments: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    success_codes: tuple[int, ...] = ()
    scope: str = MACHINE

    @property
    def identity(self) -> str:
        """A name for folders and tasks on the host: the same for the same client, whatever its version is."""
        return self._named(self.name)

    @property
    def users_identity(self) -> str:
        """The same for what stays on a host between runs: it does not depend on whether the package is given."""
        return self._named(self.uninstall_key or "msi")

    def owns(self, job: str) -> bool:
        """Whether a job on the host is one of this client, with the package or without: the word for people does not count."""
        return job.rpartition("-")[0].endswith(f"-{self._digest}")

    @property
    def folder(self) -> str:
        """The name of the package's folder on the host: whose it is, and which package it is."""
        return f"{self._digest}-{self.sha256[:16]}"

    def owns_folder(self, name: str) -> bool:
        """Whether it is the folder of a package of this client, of whatever version."""
        return name.startswith(f"{self._digest}-")

    @property
    def _digest(self) -> str:
        seed = (self.upgrade_code or self.product_code or self.uninstall_key).lower()
        return hashlib.sha256(seed.encode()).hexdigest()[:8]

    def _named(self, name: str) -> str:
        word = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:24] or "client"
        return f"{word}-{self._digest}"


def wanted(options: t.Mapping[str, t.Any], package: PackageLike | None) -> Wanted:
    """Options (as validated) and the package as one wish; OptionError when they make no sense together."""
    where = options.get("package") or "the task's options"
    kind = _kind(options, package, where)
    codes = {name: code(options, name, package if kind == MSI else None) for name in ("product_code", "upgrade_code")}
    key = uninstall_key(options)
    if kind == MSI and not any(codes.values()):
        raise OptionError(
            "The product is not known",
            where,
            "No package, product_code or upgrade_code was given",
            "Give the package, or the product_code of what shall be removed",
        )
    if kind == EXE and not key:
        raise OptionError(
            "It is not known how to find this client on a host",
            where,
            "An EXE does not say under which key it registers itself",
            "Give uninstall_key: the name of its key below Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall on a "
            "host that has it",
        )
    if package is None and options["state"] != "absent":
        raise OptionError(f"state={options['state']} needs the package", where, "package was not given", "Give package")
    if kind == EXE and options.get("properties"):
        raise OptionError(
            "properties are of Windows Installer packages", where, "The package is an EXE", "Give arguments instead"
        )
    if options.get("allow_downgrade") and options.get("keep_newer"):
        raise OptionError(
            "allow_downgrade and keep_newer do not go together",
            where,
            "The one removes a newer version, the other leaves it alone",
            "Give one of them",
        )
    _check_hash(options, package, where)
    _check_scope(options, package, where)
    return Wanted(
        state=options["state"],
        kind=kind,
        name=(package.name if package else "") or key or codes["product_code"] or codes["upgrade_code"],
        version=options.get("version") or (package.version if package else ""),
        product_code=codes["product_code"],
        upgrade_code=codes["upgrade_code"],
        uninstall_key=key,
        allow_downgrade=bool(options.get("allow_downgrade")),
        keep_newer=bool(options.get("keep_newer")),
        version_file=file_version.option(options) if options["state"] != "absent" else "",
        path=package.path if package else "",
        size=package.size if package else 0,
        sha256=package.sha256.lower() if package else "",
        install_arguments=_arguments(options, kind, package, where),
        uninstall_arguments=_lines(
            options.get("uninstall_arguments") or (package.silent_uninstall if package else ()), "uninstall_arguments"
        ),
        properties=_properties(options, package),
        success_codes=tuple(_exit_code(number) for number in options.get("success_codes") or ()),
        scope=options.get("scope") or MACHINE,
    )


def _exit_code(number: int) -> int:
    """Without a sign, as results have it; Windows and most documents write 32 bits with one."""
    if not -(2**31) <= number < 2**32:
        raise OptionError(
            f"{number} is no exit code",
            "success_codes",
            "Exit codes of Windows have 32 bits",
            f"Give a number from {-(2**31)} to {2**32 - 1}",
        )
    return number & 0xFFFFFFFF


def _kind(options, package, where) -> str:
    if package is not None:
        if package.kind not in (MSI, EXE):
            raise OptionError(
                f"Packages of the kind {package.kind} cannot be installed",
                where,
                "Only MSI and EXE packages are known",
                "Take the MSI or EXE of the vendor",
            )
        return package.kind
    return EXE if options.get("uninstall_key") else MSI


def code(options: t.Mapping[str, t.Any], name: str, package: PackageLike | None = None) -> str:
    """A GUID as the option ``name`` gives it, otherwise the package's own, otherwise an empty text."""
    given = (options.get(name) or "").strip()
    if given and not guid.is_guid(given):
        raise OptionError(f"{name} is not understood", repr(given), "It is no GUID", "Correct it")
    found = given or (getattr(package, name, "") if package else "")
    return guid.normal(found) if guid.is_guid(found) else ""


def uninstall_key(options: t.Mapping[str, t.Any]) -> str:
    """The name of the key as the option gives it, or an empty text."""
    key = options.get("uninstall_key") or ""
    if "\\" in key or "\n" in key:
        raise OptionError(
            "uninstall_key is not the name of a key",
            repr(key),
            "It holds a backslash or a line feed",
            "Give the last part of the path alone",
        )
    return key


def _check_hash(options, package, where) -> None:
    given = options.get("sha256") or ""
    if not given:
        return
    if not _HASH.match(given):
        raise OptionError("sha256 is not understood", repr(given), "It is not 64 hexadecimal digits", "Correct it")
    if package is not None and given.lower() != package.sha256.lower():
        raise OptionError(
            "The package is not the one that was meant",
            where,
            f"Its SHA-256 is {package.sha256.lower()}, not {given.lower()}: another version, or the file was damaged or "
            "exchanged",
            "Get the package again; change sha256 only after comparing it with the vendor's",
        )


def _check_scope(options, package, where) -> None:
    scope = options.get("scope") or MACHINE
    if scope == USER and options.get("run_as") in ("session", "system"):
        raise OptionError(
            "run_as does not go together with scope=user",
            f"run_as={options['run_as']}",
            "With scope=user every user runs the installer in a session of his own",
            "Leave run_as away",
        )
    if scope == USER and str((options.get("properties") or {}).get("ALLUSERS", "")) == "1":
        raise OptionError(
            "ALLUSERS=1 does not go together with scope=user",
            "properties",
            "It makes Windows Installer install for all users of the machine",
            "Leave it away, or set scope to machine",
        )
    if package is None or options.get("arguments") is not None or options.get("properties"):
        return
    if package.scope == USER and scope == MACHINE:
        raise OptionError(
            "The package installs for a single user only",
            where,
            "It was built per user, and scope is machine",
            "Set scope to user, or take the vendor's package for all users; when this one can do it, say so by properties or "
            "arguments",
        )
    if package.scope == MACHINE and scope == USER and options["state"] != "absent":
        raise OptionError(
            "The package installs for all users of a machine only",
            where,
            "It was built for the machine, and scope is user",
            "Set scope to machine, or take the vendor's package for single users; when this one can do it, say so by properties "
            "or arguments",
        )


def _properties(options, package) -> tuple[tuple[str, str], ...]:
    """As given. A package that may do both is told to take the user (vendor document "Single Package Authoring")."""
    given = {name: _property(name, value) for name, value in (options.get("properties") or {}).items()}
    if options["state"] != "absent":  # a removal does not use them
        for name, value in given.items():
            check_property(name)
            check_line(value, f"properties, {name}")
    of_users = package is not None and USER in (package.scope, getattr(package, "default_scope", ""))
    if options.get("scope") == USER and package is not None and package.kind == MSI and not of_users:
        given = {"ALLUSERS": "2", "MSIINSTALLPERUSER": "1"} | given
    return tuple(sorted(given.items()))


def check_property(name: str) -> None:
    """OptionError for what Windows Installer would not take as the name of a public property."""
    if not _PROPERTY.match(name):
        raise OptionError(
            f"{name!r} is no name of a public property",
            "properties",
            "Public properties have upper case letters, digits, points and underscores only",
            "Correct the name",
        )


def check_line(text: str, where: str) -> None:
    """OptionError for what cmd.exe would not read as one line. The text is not shown: it may be what its user regards as secret."""
    if any(sign in text for sign in "\r\n\0"):
        raise OptionError(
            "A command line holds a line break",
            where,
            "cmd.exe would end the line there",
            "Write arguments without line breaks",
        )


def _lines(texts: t.Iterable[str], where: str) -> tuple[str, ...]:
    found = tuple(texts)
    for text in found:
        check_line(text, where)
    return found


def _property(name: str, value: t.Any) -> str:
    """The value as a text. Digits without quotation marks are a number to YAML; yes, 1.10 and nothing at all lose what was written."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise OptionError(
            f"The value of the property {name} is no text",
            "properties",
            f"YAML reads it as {next((word for python, word in _YAML if isinstance(value, python)), 'something else')}",
            'Write it in quotation marks, an empty one as ""',
        )
    return str(value)


def _arguments(options, kind, package, where) -> tuple[str, ...]:
    given = options.get("arguments")
    if options["state"] == "absent":
        return tuple(given or ())
    if kind == MSI or given is not None:
        return _lines(given or (), "arguments")
    flags = silent.install(package.technology, options.get("scope") or MACHINE)
    if not flags:
        raise OptionError(
            "It is not known how this EXE installs without questions",
            where,
            "It was built with a tool that is not known",
            "Give arguments as the vendor documents them (for instance /S or /quiet)",
        )
    return tuple(flags)
