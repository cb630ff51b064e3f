# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What can be wrong with a package file: what, where, likely cause, what to do."""

from __future__ import annotations

from .._errors import PlainError


class PackageError(PlainError):
    """A package cannot be used.

    ``what`` happened, ``where`` (the file, and the place in it), the likely ``cause`` and what to do (``remedy``) are
    sentences without a full stop. The shape is that of the channel's errors, so that a module answers both alike.
    """


class Missing(PackageError):
    """There is no such file, or it cannot be read."""


class Damaged(PackageError):
    """The file contradicts itself: cut, overwritten, or made to mislead."""


class NotSupported(PackageError):
    """The file is in order as far as it was read, but no MSI and no EXE."""


class LibraryMissing(PackageError):
    """A Python library or a program of the controller is missing."""
