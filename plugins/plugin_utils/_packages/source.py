# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A package's file, opened: its bytes as a memory map. Raises Missing and Damaged."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import typing as t

from .errors import Damaged, Missing
from .image import WINDOW


class Source(t.NamedTuple):
    """``data`` is the whole file, ``window`` its first part for readers that copy what they are given."""

    data: mmap.mmap
    window: mmap.mmap
    file: t.BinaryIO


@contextlib.contextmanager
def opened(path: str) -> t.Iterator[Source]:
    """The file of a package; an empty one is an error, and so is what is no file."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - before it is opened: a pipe would wait for ever
            raise ValueError("it is no regular file")
        file = open(path, "rb")  # noqa: SIM115, PTH123 - closed below
    except (OSError, ValueError) as error:
        raise Missing(
            f"The package cannot be opened: {getattr(error, 'strerror', None) or error}",
            repr(path),
            "The path is wrong, or the user who runs Ansible on the controller may not read it",
            "Correct the path or the permissions",
        ) from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(file)
        try:
            size = os.fstat(file.fileno()).st_size
            if not size:
                raise Damaged("The package is empty", repr(path), "A download was interrupted", "Fetch it again")
            data = stack.enter_context(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
            window = data
            if size > WINDOW:
                window = stack.enter_context(mmap.mmap(file.fileno(), WINDOW, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise Missing(
                f"The package cannot be read: {getattr(error, 'strerror', None) or error}",
                repr(path),
                "It is a device or a pipe, or the disk has errors",
                "Give the path of a file",
            ) from error
        yield Source(data, window, file)
