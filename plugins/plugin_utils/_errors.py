# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The one shape of what goes wrong on the controller's side of the Windows modules."""

from __future__ import annotations

import typing as t


class PlainError(Exception):
    """An error that tells a person enough.

    ``what`` happened, ``where``, the likely ``cause`` and what to do (``remedy``) are sentences without a full stop.
    ``details`` go into a module's result as they are; nothing secret may be among them.
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
        """The class in the way results spell it: QuotaReached is quota_reached."""
        name = type(self).__name__
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")

    @property
    def parts(self) -> dict[str, str]:
        """What results say separately beside the message."""
        return {"what": self.what, "where": self.where, "cause": self.cause, "remedy": self.remedy}

    def result(self) -> dict[str, t.Any]:
        """What an action plugin returns: it fails, and says the parts separately beside the message."""
        return {"failed": True, "msg": str(self), "error": {"kind": self.kind, **self.parts, **self.details}}
