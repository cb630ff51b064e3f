# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Certificates and keys out of files of any form: the two functions that everything else uses.

Nothing but BundleError leaves them, whatever the bytes are, and no error or note holds a passphrase or any part of a key.
"""

from __future__ import annotations

import functools
import os
import pathlib
import platform
import warnings
from collections.abc import Callable, Iterable, Sequence

from .certificate import Material
from .errors import BundleError, InputError, MaterialError
from .lib import CRYPTOGRAPHY_ERROR
from .parse_ber import SEQUENCE, Cut, NotBer, first, kind
from .parse_der import damaged, der_material
from .parse_files import FILE_SIZE, NothingError, bytes_of, contents_of, is_folder, passed_over, too_big, unknown
from .parse_pem import bare, decoded, is_pem, pem_material


def _declared(function: Callable) -> Callable:
    """Whatever goes wrong leaves as a BundleError. The second argument, when it is a text, says where."""

    @functools.wraps(function)
    def guarded(*args, **options) -> Material:
        if CRYPTOGRAPHY_ERROR:
            raise InputError(
                f"The Python library cryptography cannot be imported on {platform.node()}.",
                action="Install it there: apt-get install python3-cryptography.",
            )
        try:
            with warnings.catch_warnings():
                # What is odd about a file is judged, not warned about by a library.
                warnings.simplefilter("ignore")
                return function(*args, **options)
        except BundleError:
            raise
        except BaseException as error:
            # A panic of the library's Rust code is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            where = args[1] if len(args) > 1 and isinstance(args[1], str) else options.get("origin", "The input")
            raise MaterialError(
                f"{where} cannot be read: the library gave up ({type(error).__name__}).",
                "Is it damaged?",
                "Export it again from where it came.",
            ) from error

    return guarded


@_declared
def read(data: bytes, origin: str, passphrases: Sequence[bytes] = ()) -> Material:
    """Everything that one file holds, in its order.

    data: its bytes. origin: what to call it. passphrases: tried in their order on whatever is encrypted.
    Raises MaterialError when it holds no certificate and no key, or a damaged one; PassphraseError.
    """
    tried = dict.fromkeys(each.encode() if isinstance(each, str) else each for each in passphrases)
    material = _material(data, origin, list(tried))
    if material.certificates or material.keys:
        return material
    raise _nothing(material, origin)


@_declared
def read_paths(paths: Iterable[str | os.PathLike], passphrases: Sequence[bytes] = ()) -> Material:
    """Everything in these files, and in the files of these folders (sorted by name, not the folders in them).

    Raises MaterialError for a path that cannot be read or holds nothing; in a folder such a file is noted and passed over.
    """
    material = Material()
    for path in map(pathlib.Path, paths):
        if not is_folder(path):
            material.add(read(bytes_of(path), str(path), passphrases))
            continue
        material.add(read_folder(contents_of(path), str(path), passphrases))
    return material


@_declared
def read_folder(contents: Iterable[tuple[str, bytes, str]], origin: str, passphrases: Sequence[bytes] = ()) -> Material:
    """The files of one folder, wherever they were read: as parse_files.contents_of tells of them. Raises as read_paths does."""
    found = Material()
    for name, data, excuse in contents:
        try:
            found.add(Material(notes=[excuse]) if excuse else read(data, name, passphrases))
        except NothingError as error:
            found.notes.append(passed_over(error))
    if not found.certificates and not found.keys:
        raise _nothing(found, origin, "folder")
    return found


def _material(data: bytes, origin: str, passphrases: Sequence[bytes]) -> Material:
    if len(data) > FILE_SIZE:
        raise too_big(origin, len(data))
    if not data.strip(b"\0 \t\r\n"):
        raise NothingError(
            f"{origin} is empty.", "Was the copy interrupted, or the disk full?", "Copy it again from where it came."
        )
    if _is_der(data, origin):
        return der_material(data, origin, passphrases)
    text, notes = decoded(data)
    notes = [f"{origin}: {note}" for note in notes]
    if is_pem(text):
        material = pem_material(text, origin, passphrases)
    elif (der := bare(text)) is not None:
        material = der_material(der, origin, passphrases)
        notes.append(f"{origin}: base64 without the lines BEGIN and END")
    else:
        raise unknown(data, text, origin)
    material.notes[:0] = notes
    return material


def _is_der(data: bytes, origin: str) -> bool:
    """Whether it is binary. Raises MaterialError when it is, and cut. DER begins with the byte of the digit 0, as a text may."""
    if data[0] != SEQUENCE:
        return False
    binary = data[1:2] >= b"\x80" and b"-----BEGIN " not in data
    try:
        return bool(kind(first(data))) or binary
    except Cut as error:
        if binary:
            raise damaged(origin, error) from error
    except (NotBer, RecursionError):
        pass
    return False


def _nothing(material: Material, origin: str, what: str = "file") -> BundleError:
    only_request = len(material.notes) == 1 and "REQUEST" in material.notes[0].upper()
    seen = "; ".join(note.removeprefix(f"{origin}, ").removeprefix(f"{origin}: ") for note in material.notes[:5])
    return NothingError(
        f"{origin} holds no certificate and no private key" + (f" ({seen})." if seen else "."),
        "Is it the request that was sent to the certificate authority, instead of its answer?"
        if only_request
        else f"Is it the right {what}?",
        "Give the files that the certificate authority delivered.",
    )
