# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reads an EXE: version resource, technology of the installer, its silent switches."""

from __future__ import annotations

import re
import typing as t

from . import silent, technology
from .image import Image, damaged, read_image
from .model import EITHER, EXE, MACHINE, SURE, UNKNOWN, USER, Package
from .versions import NoVersion, fields_of

_LEVEL = re.compile(r"requestedExecutionLevel\b[^>]*\blevel\s*=\s*[\"']?([A-Za-z]+)")


def read_exe(data: t.Any, path: str, sha256: str, window: t.Any = None) -> Package:
    """``data`` is the whole file as a buffer, ``window`` see read_image. Raises PackageError."""
    image = read_image(data, repr(path), window)
    made = technology.recognise(image)
    if made.missing:
        raise damaged(f"The file is cut: {made.missing} bytes are missing at its end", repr(path))
    switches = silent.switches(made.name)
    scope, default = scope_of(image, made.name)
    notes = list(switches.notes)
    if made.name == UNKNOWN:
        notes.append("The technology of this installer is not known: its silent switches have to be given")
    elif made.confidence != SURE:
        notes.insert(0, "The technology of this installer is not known for sure: try its switches on one host first")
    return Package(
        kind=EXE,
        path=path,
        size=len(data),
        sha256=sha256,
        name=image.strings.get("ProductName") or image.strings.get("FileDescription", ""),
        version=version_of(image),
        manufacturer=image.strings.get("CompanyName", ""),
        language=image.language,
        architecture=image.architecture,
        scope=scope,
        default_scope=default,
        product_code=made.product_code,
        properties=image.strings,
        technology=made.name,
        confidence=made.confidence,
        evidence=made.evidence,
        silent_install=list(switches.install),
        silent_uninstall=list(switches.uninstall),
        notes=tuple(notes),
        file_version=image.file_version,
    )


def version_of(image: Image) -> str:
    """ProductVersion as text is what installers write as DisplayVersion; then FileVersion, then the numbers beside them."""
    for text in (
        image.strings.get("ProductVersion", ""),
        image.strings.get("FileVersion", ""),
        image.product_version,
        image.file_version,
    ):
        try:
            if any(fields_of(text)):
                return ".".join(part.strip() for part in text.split(",")) if "," in text else text
        except NoVersion:
            continue
    return ""


def scope_of(image: Image, made_by: str) -> tuple[str, str]:
    """What can be told without running it: Squirrel is per user, a program that demands an administrator is for the machine.

    A program that demands nothing may still ask for elevation later, so that says nothing.
    """
    if made_by == "squirrel":
        return USER, USER
    if made_by == "electron_builder":
        return EITHER, UNKNOWN
    found = _LEVEL.search(image.manifest)
    if found and found[1] == "requireAdministrator":
        return MACHINE, MACHINE
    return UNKNOWN, UNKNOWN
