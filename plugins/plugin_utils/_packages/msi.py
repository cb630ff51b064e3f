# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reads an MSI: what Windows Installer would take it for."""

from __future__ import annotations

import typing as t

from . import guid, silent
from .compound import CompoundFile
from .errors import NotSupported
from .model import EITHER, MACHINE, MSI, SURE, USER, Package, Related
from .msi_summary import PAGES, REVISION, STREAM, TEMPLATE, WORDS, NoSummary, read_summary
from .msi_tables import Database, stream_name

# The class of the root storage tells what the database is for.
CLASSES = {
    "{000C1082-0000-0000-C000-000000000046}": "a transform (MST), which is applied to a package, not installed",
    "{000C1086-0000-0000-C000-000000000046}": "a patch (MSP), which is applied to an installed product",
}
ARCHITECTURES = {"intel": "x86", "": "x86", "x64": "x64", "amd64": "x64", "arm64": "arm64"}
# Word count, bit 3: nobody has to be an administrator (vendor document "Word Count Summary property").
NO_ELEVATION = 8
MINIMUM_INCLUDED, MAXIMUM_INCLUDED, DETECT_ONLY, LANGUAGES_EXCLUDED = 0x100, 0x200, 0x2, 0x400
MOST_SUMMARY = 64 << 10


def read_msi(data: t.Any, path: str, sha256: str) -> Package:
    """``data`` is the whole file as a buffer. Raises PackageError."""
    where = repr(path)
    compound = CompoundFile(data, where)
    kind = CLASSES.get(guid.from_bytes(compound.root.clsid))
    if kind:
        raise _no_package(kind, where)
    if not compound.has(stream_name("_StringPool")):
        raise _no_package("another kind of compound file, for instance a document of an old Office", where)
    database = Database(compound)
    properties: dict[str, str] = {}
    for row in database.rows("Property"):
        properties.setdefault(str(row.get("Property") or ""), str(row.get("Value") or ""))
    if not properties and database.rows("ModuleSignature"):
        raise _no_package("a merge module (MSM), which is a part of packages", where)
    code = properties.get("ProductCode", "")
    if not guid.is_guid(code):
        raise compound.damaged(f"The property ProductCode is no GUID: {code[:80]!r}")
    upgrade = properties.get("UpgradeCode", "")
    try:
        summary = read_summary(compound.stream(STREAM, MOST_SUMMARY))
    except NoSummary as error:
        raise compound.damaged(f"The summary information cannot be read: {error}") from error
    words = summary.get(WORDS)
    scope, default = scope_of(properties, words if isinstance(words, int) else 0)
    platform = str(summary.get(TEMPLATE, "")).partition(";")[0].strip().lower()
    revision = str(summary.get(REVISION, "")).strip()[:38]
    notes = []
    if not properties.get("ProductVersion"):
        notes.append("The package names no ProductVersion")
    pages = summary.get(PAGES)
    if ARCHITECTURES.get(platform) in ("x64", "arm64") and isinstance(pages, int) and pages < 200:
        notes.append(f"It is a 64-bit package for Windows Installer {pages / 100:g}, which knows none")
    switches = silent.switches("msi")
    return Package(
        kind=MSI,
        path=path,
        size=len(data),
        sha256=sha256,
        name=properties.get("ProductName", ""),
        version=properties.get("ProductVersion", ""),
        manufacturer=properties.get("Manufacturer", ""),
        language=properties.get("ProductLanguage", ""),
        architecture=ARCHITECTURES.get(platform, ""),
        scope=scope,
        default_scope=default,
        product_code=guid.normal(code),
        upgrade_code=guid.normal(upgrade) if guid.is_guid(upgrade) else "",
        properties=properties,
        technology="msi",
        confidence=SURE,
        evidence=("tables of Windows Installer",),
        silent_install=list(switches.install),
        silent_uninstall=list(switches.uninstall),
        notes=tuple(notes),
        package_code=guid.normal(revision) if guid.is_guid(revision) else "",
        related=tuple(_related(database)),
    )


def scope_of(properties: dict[str, str], words: int) -> tuple[str, str]:
    """Scope and default scope (vendor documents "ALLUSERS property", "Single Package Authoring", "Word Count Summary").

    ALLUSERS=1 is for the machine. ALLUSERS=2 is for both, MSIINSTALLPERUSER=1 chooses the user. Without ALLUSERS a
    package installs for the user who runs it; one that says "no elevation" is made for that, any other can be told
    ALLUSERS=1.
    """
    everybody = properties.get("ALLUSERS", "").strip()
    if everybody == "1":
        return MACHINE, MACHINE
    if everybody == "2":
        return EITHER, USER if properties.get("MSIINSTALLPERUSER", "").strip() == "1" else MACHINE
    return (USER if words & NO_ELEVATION else EITHER), USER


def _related(database: Database) -> t.Iterator[Related]:
    for row in database.rows("Upgrade"):
        code = str(row.get("UpgradeCode") or "")
        flags = row.get("Attributes")
        flags = flags if isinstance(flags, int) else 0
        if guid.is_guid(code):
            yield Related(
                upgrade_code=guid.normal(code),
                minimum=str(row.get("VersionMin") or ""),
                maximum=str(row.get("VersionMax") or ""),
                minimum_included=bool(flags & MINIMUM_INCLUDED),
                maximum_included=bool(flags & MAXIMUM_INCLUDED),
                detect_only=bool(flags & DETECT_ONLY),
                languages=str(row.get("Language") or ""),
                languages_excluded=bool(flags & LANGUAGES_EXCLUDED),
            )


def _no_package(kind: str, where: str) -> NotSupported:
    return NotSupported(
        f"The file is no MSI package, but {kind}",
        where,
        "Another file of the vendor was meant",
        "Give the package itself",
    )
