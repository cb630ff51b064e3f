# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What win_client says when it cannot go on."""

from __future__ import annotations

import typing as t


class ClientError(Exception):
    """Something about a client package went wrong.

    ``what`` happened, ``where``, the likely ``cause`` and what to do (``remedy``) are sentences without a full stop.
    ``details`` go into the module's result as they are; nothing secret may be among them.
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


class OptionError(ClientError):
    """Options that make no sense together, or not with this package. Nothing was asked of the host."""


class RefusedError(ClientError):
    """What was found on the host forbids what was asked for: a newer version, another edition, too little space."""


class DeliveryError(ClientError):
    """The package could not be brought onto the host, or what arrived is not what was sent."""


class InstallerError(ClientError):
    """The installer ran and failed, was ended by the deadline, or left something else than was wanted."""
