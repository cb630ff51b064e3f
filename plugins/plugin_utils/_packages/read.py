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
import mmap
import os

from .errors import Damaged, Missing, NotSupported
from .exe import read_exe
from .image import WINDOW
from .model import Package
from .msi import read_msi

COMPOUND = bytes.fromhex("d0cf11e0a1b11ae1")
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
    try:
        file = open(path, "rb")  # noqa: SIM115, PTH123 - closed below
    except (OSError, ValueError) as error:
        raise Missing(
            f"The package cannot be opened: {getattr(error, 'strerror', None) or error}",
            repr(path),
            "The path is wrong, or the user who runs Ansible on the controller may not read it",
            "Correct the path or the permissions",
        ) from error
    with file:
        try:
            if not os.path.isfile(path):  # noqa: PTH113
                raise OSError("it is no regular file")
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise Damaged("The package is empty", repr(path), "A download was interrupted", "Fetch it again")
            digest = sha256(file)
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise Missing(
                f"The package cannot be read: {error.strerror or error}",
                repr(path),
                "It is a folder or a device, or the disk has errors",
                "Give the path of a file",
            ) from error
        with data:
            if data[:8] == COMPOUND:
                return read_msi(data, path, digest)
            if data[:2] == b"MZ":
                if size <= WINDOW:
                    return read_exe(data, path, digest)
                with mmap.mmap(file.fileno(), WINDOW, access=mmap.ACCESS_READ) as window:
                    return read_exe(data, path, digest, window)
            raise _stranger(data[:32], path)


def sha256(file) -> str:
    """Of an open binary file from its beginning, read in blocks."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _stranger(start: bytes, path: str) -> NotSupported:
    kind = next((kind for magic, kind in STRANGERS if start.lstrip().startswith(magic)), "")
    return NotSupported(
        "The file is neither an MSI nor an EXE" + (f", but {kind}" if kind else f", it begins with {start[:8].hex()}"),
        repr(path),
        "Another file was meant, or it has to be unpacked first",
        "Give the .msi or .exe itself",
    )
