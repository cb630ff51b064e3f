# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is known of a package: the value that everything else of this folder fills or uses."""

from __future__ import annotations

import dataclasses
import typing as t

MSI, EXE = "msi", "exe"

MACHINE, USER, EITHER, UNKNOWN = "machine", "user", "either", "unknown"

SURE, LIKELY = "sure", "likely"


@dataclasses.dataclass(frozen=True)
class Related:
    """A row of an MSI's Upgrade table: products that this one replaces, or refuses to replace.

    Versions are texts as they stand there, "" for no bound; the flags are msidbUpgradeAttributes (vendor document
    "Upgrade table").
    """

    upgrade_code: str
    minimum: str
    maximum: str
    minimum_included: bool
    maximum_included: bool
    detect_only: bool
    languages: str = ""
    languages_excluded: bool = False


@dataclasses.dataclass(frozen=True)
class Package:
    """A package as read on the controller. Texts are "" where the package does not say."""

    kind: str  # "msi" or "exe"
    path: str
    size: int  # bytes
    sha256: str  # lower case hexadecimal
    name: str = ""
    version: str = ""
    manufacturer: str = ""
    language: str = ""  # decimal LANGID, as ProductLanguage has it: "1049"
    # Of the installer: "x64", "x86", "arm64" or "". An x86 EXE may well install an x64 program.
    architecture: str = ""
    # "machine", "user", "either" (the command line decides) or "unknown"
    scope: str = UNKNOWN
    # What happens when the command line says nothing: "machine", "user" or "unknown"
    default_scope: str = UNKNOWN
    # MSI: {GUID} in upper case. Burn: the bundle's code, which is its uninstall key.
    product_code: str = ""
    upgrade_code: str = ""
    # MSI: the Property table. EXE: the strings of the version resource.
    properties: dict[str, str] = dataclasses.field(default_factory=dict)
    # "msi", "inno", "nsis", "installshield", "burn", "squirrel", "advanced_installer", "electron_builder", "wextract",
    # "7zsfx" or "unknown"
    technology: str = UNKNOWN
    # How sure that is: "sure" (a structure was read and fits), "likely" (only words were found), "unknown"
    confidence: str = UNKNOWN
    # What it was told by, for messages
    evidence: tuple[str, ...] = ()
    # Pieces of a command line as they are: joined by one space, never quoted again. For an MSI they follow
    # "msiexec /i FILE" and "msiexec /x CODE".
    silent_install: list[str] = dataclasses.field(default_factory=list)
    silent_uninstall: list[str] = dataclasses.field(default_factory=list)
    # What one has to know before using them, as sentences
    notes: tuple[str, ...] = ()
    # EXE: FileVersion of the version resource as four numbers; MSI: ""
    file_version: str = ""
    # MSI: the package code (one for each build), {GUID}
    package_code: str = ""
    related: tuple[Related, ...] = ()

    @classmethod
    def restored(cls, saved: dict[str, t.Any]) -> Package:
        """From what ``dataclasses.asdict`` gave and JSON brought back, which knows no tuples."""
        texts = {name: tuple(saved[name]) for name in ("evidence", "notes")}
        return cls(**{**saved, **texts, "related": tuple(Related(**one) for one in saved["related"])})

    def __str__(self) -> str:
        return f"{self.name or 'package'} {self.version}".rstrip() + f" ({self.kind}, {self.technology})"
