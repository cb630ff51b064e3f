# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What can be wrong with registry settings, each with what, where, likely cause and what to do. Never with a value's data."""

from __future__ import annotations

import typing as t


class RegistryError(Exception):
    """Registry settings cannot be understood, or a host's registry is not as wanted in the end.

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

    def result(self) -> dict[str, t.Any]:
        """What an action plugin returns: it fails, and says the parts separately beside the message."""
        error = {"what": self.what, "where": self.where, "cause": self.cause, "remedy": self.remedy}
        return {"failed": True, "msg": str(self), "error": error, **self.details}


class SettingsError(RegistryError):
    """Options or a .reg file that make no sense. Nothing was asked of the host."""


class AnswerError(RegistryError):
    """The host answered something that cannot be understood."""


class NotConverged(RegistryError):
    """What was read back is not what was written."""
