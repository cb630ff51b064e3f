# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What can be wrong with a package file: what, where, likely cause, what to do."""

from __future__ import annotations

import typing as t


class PackageError(Exception):
    """A package cannot be used.

    ``what`` happened, ``where`` (the file, and the place in it), the likely ``cause`` and what to do (``remedy``) are
    sentences without a full stop. The shape is that of the channel's errors, so that a module answers both alike.
    """

    def __init__(self, what: str, where: str, cause: str, remedy: str, **details: t.Any) -> None:
        self.what = what
        self.where = where
        self.cause = cause
        self.remedy = remedy
        self.details = details
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.what} ({self.where}). {self.cause}. {self.remedy}."

    @property
    def kind(self) -> str:
        """The class in the way results spell it: NotTrusted is not_trusted."""
        name = type(self).__name__
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")

    def result(self) -> dict[str, t.Any]:
        """What an action plugin returns: it fails, and says the parts separately beside the message."""
        error = {"kind": self.kind, "what": self.what, "where": self.where, "cause": self.cause, "remedy": self.remedy}
        return {"failed": True, "msg": str(self), "error": {**error, **self.details}}


class Missing(PackageError):
    """There is no such file, or it cannot be read."""


class Damaged(PackageError):
    """The file contradicts itself: cut, overwritten, or made to mislead."""


class NotSupported(PackageError):
    """The file is in order as far as it was read, but no MSI and no EXE."""


class LibraryMissing(PackageError):
    """A Python library or a program of the controller is missing."""
