# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reads a Windows client package on the controller, without any Windows: ``read_package(path)``.

The file is looked at through a memory map, so that a package of some gigabytes costs reading it once for its hash.
Whatever the file holds, the outcome is a Package or a PackageError.
"""

from __future__ import annotations

import hashlib
import os
import typing as t

from .compound import MAGIC as COMPOUND
from .errors import NotSupported
from .exe import read_exe
from .model import Package
from .msi import read_msi
from .source import opened

BLOCK = 1 << 20

# What people hand over instead of a package, by the first bytes: said in the error.
STRANGERS = (
    (b"PK\x03\x04", "a ZIP archive (or MSIX, APPX, NUPKG)"),
    (b"MSCF", "a cabinet file (or MSU)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x7fELF", "a Linux program"),
    (b"!<arch>", "a Debian package or a static library"),
    (b"<", "a web page or XML (an error page instead of the file?)"),
    (b"version https://git-lfs", "a pointer of Git LFS instead of the file"),
)


def read_package(path: str | os.PathLike[str]) -> Package:
    """What an MSI or EXE file says about itself. Raises PackageError."""
    path = os.fspath(path)
    with opened(path) as source:
        start = source.data[:32]
        if start[:8] != COMPOUND and start[:2] != b"MZ":
            raise stranger(start, path)
        digest = sha256(source.file)
        if start[:8] == COMPOUND:
            return read_msi(source.data, path, digest)
        return read_exe(source.data, path, digest, source.window)


def sha256(file: t.BinaryIO) -> str:
    """Of an open binary file from its beginning, read in blocks."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def stranger(start: bytes, path: str) -> NotSupported:
    kind = next((kind for magic, kind in STRANGERS if start.lstrip().startswith(magic)), "")
    return NotSupported(
        "The file is neither an MSI nor an EXE" + (f", but {kind}" if kind else f", it begins with {start[:8].hex()}"),
        repr(path),
        "Another file was meant, or it has to be unpacked first",
        "Give the .msi or .exe itself",
    )
