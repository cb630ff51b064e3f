# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Files and folders as they come, and words for those that are something else."""

from __future__ import annotations

import os
import pathlib
import stat
from collections.abc import Iterator

from .errors import MaterialError

# Bytes of one file. All roots of Mozilla are 220 KiB.
FILE_SIZE = 4 * 1024 * 1024
# Files in one folder.
FILES = 2000

_STORE = "keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12 makes one that is read."
_KEYGEN = "That one is for logging in by ssh. If it is the right one, ssh-keygen -p -m PEM -f COPY makes PEM of it."
# First bytes of files that are delivered instead of certificates: what they are, what to do.
_KNOWN = (
    (b"PK\3\4", "a ZIP archive", "Unpack it, and name the files in it."),
    (b"\x1f\x8b", "a compressed file (gzip)", "Unpack it, and name the files in it."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it, and name the files in it."),
    (b"Rar!", "a RAR archive", "Unpack it, and name the files in it."),
    (b"\xfe\xed\xfe\xed", "a Java key store", _STORE),
    (b"\xce\xce\xce\xce", "a Java key store", _STORE),
    (b"PuTTY-User-Key-File", "a key of PuTTY", _KEYGEN),
    (b"ssh-", "a public key of OpenSSH", _KEYGEN),
    (b"ecdsa-", "a public key of OpenSSH", _KEYGEN),
    (b"%PDF", "a PDF document", "Give the files that the certificate authority delivered."),
    (b"<", "a page of the web", "Was it saved when the log-in had expired? Download the certificate again."),
)


class NothingError(MaterialError):
    """No certificate and no key in it: wrong for a file that was named, passed over in a folder."""


class DeniedError(MaterialError):
    """The user who reads may not."""


def unknown(data: bytes, text: str, origin: str) -> NothingError:
    """What to say about bytes that are no PEM, no DER and no base64."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:20]
    for beginning, what, action in _KNOWN:
        if start.startswith(beginning):
            return NothingError(f"{origin} is {what}, and no certificate or key.", action=action)
    if "BEGIN CERTIFICATE" in text or "PRIVATE KEY" in text:
        return NothingError(
            f"{origin} has a line BEGIN, but without five hyphens on both sides.",
            "Did a word processor or a mail program make dashes of them?",
            "Copy it again from where it came, as a file.",
        )
    return NothingError(
        f"{origin} is of no known form.",
        "Is it a certificate or a key at all, or is its beginning lost?",
        "Known are PEM, DER, PKCS#7 and PKCS#12.",
    )


def too_big(origin: str, size: int) -> NothingError:
    """No certificate is like that."""
    return NothingError(
        f"{origin} is too big: {size:,} bytes, at most {FILE_SIZE:,} are read.",
        "Is it a certificate at all?",
        "Name the files with the certificates and the key.",
    )


def is_folder(path: pathlib.Path) -> bool:
    """Whether a path that was named is a folder. Raises MaterialError when it is no file either."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise _denied(path, error) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise MaterialError(
            f"{path} is no file and no folder.", "Is it a pipe or a device?", "Name a file, or a folder with files."
        )
    return stat.S_ISDIR(mode)


def files_of(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, str]]:
    """What lies in a folder, by name, each with the reason why it is passed over, if there is one."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise _denied(folder, error) from error
    if len(paths) > FILES:
        raise MaterialError(
            f"The folder {folder} holds {len(paths):,} files; at most {FILES:,} are read.",
            "Is it the right folder?",
            "Name the files that are meant, or put them into a folder of their own.",
        )
    for path in paths:
        if path.name.startswith("."):
            yield path, f"passed over: {path} is hidden"
        elif path.is_dir():
            yield path, f"passed over: {path} is a folder in a folder"
        elif not path.is_file():
            yield path, f"passed over: {path} is no regular file"
        else:
            yield path, ""


def contents_of(folder: pathlib.Path) -> Iterator[tuple[str, bytes, str]]:
    """Name and content of what lies in a folder, by name; or, without content, the reason why it is passed over."""
    for path, excuse in files_of(folder):
        data = b""
        if not excuse:
            try:
                data = bytes_of(path)
            except NothingError as error:
                excuse = passed_over(error)
        yield str(path), data, excuse


def passed_over(error: NothingError) -> str:
    """The note about a file of a folder that is nothing."""
    return f"passed over: {error.what.removesuffix('.')}"


def bytes_of(path: pathlib.Path) -> bytes:
    """What a file holds, and not more than a little too much of it. Raises MaterialError."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123 - a pipe must not block
            size = os.fstat(file.fileno()).st_size
            # Room for what is announced: room for all that may be there takes longer to get than the rest of the work.
            data = file.read((size if 0 < size < FILE_SIZE else FILE_SIZE) + 1)
    except (OSError, ValueError) as error:
        raise _denied(path, error) from error
    if len(data) > FILE_SIZE:
        raise too_big(str(path), max(size, len(data)))
    return data


def _denied(path: pathlib.Path, error: Exception) -> MaterialError:
    if isinstance(error, FileNotFoundError):
        return MaterialError(
            f"There is no file or folder {str(path)!r}.",
            "Is the name right, and does it lie on the host that reads it?",
            "Give an absolute path.",
        )
    if isinstance(error, PermissionError):
        return DeniedError(
            f"{path} may not be read by the user who reads it (uid {os.geteuid()}).",
            "Is it a key that only root may read?",
            "Use become, or change its owner or mode.",
        )
    return MaterialError(
        f"{path} cannot be read: {getattr(error, 'strerror', None) or 'the name is impossible'}.",
        "Is the disk or the network share in order?",
        "Try to read it by hand as the same user.",
    )
