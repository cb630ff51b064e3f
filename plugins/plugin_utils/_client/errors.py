# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What win_client says when it cannot go on."""

from __future__ import annotations

import typing as t

from .._errors import PlainError


class ClientError(PlainError):
    """Something about a client package went wrong.

    ``what`` happened, ``where``, the likely ``cause`` and what to do (``remedy``) are sentences without a full stop.
    ``details`` go into the module's result as they are; nothing secret may be among them.
    """

    def result(self) -> dict[str, t.Any]:
        """What an action plugin returns; the details stand beside the parts, as the module documents them."""
        return {"failed": True, "msg": str(self), "error": self.parts, **self.details}


class OptionError(ClientError):
    """Options that make no sense together, or not with this package. Nothing was asked of the host."""


class RefusedError(ClientError):
    """What was found on the host forbids what was asked for: a newer version, another edition, too little space."""


class DeliveryError(ClientError):
    """The package could not be brought onto the host, or what arrived is not what was sent."""


class InstallerError(ClientError):
    """The installer ran and failed, was ended by the deadline, or left something else than was wanted."""
