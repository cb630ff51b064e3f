# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What can be wrong with registry settings, each with what, where, likely cause and what to do. Never with a value's data."""

from __future__ import annotations

import typing as t

from .._errors import PlainError


class RegistryError(PlainError):
    """Registry settings cannot be understood, or a host's registry is not as wanted in the end.

    ``what`` happened, ``where``, the likely ``cause`` and what to do (``remedy``) are sentences without a full stop.
    ``details`` go into a module's result as they are; nothing secret may be among them.
    """

    def result(self) -> dict[str, t.Any]:
        """What an action plugin returns; the details stand beside the parts, as the module documents them."""
        return {"failed": True, "msg": str(self), "error": self.parts, **self.details}


class SettingsError(RegistryError):
    """Options or a .reg file that make no sense. Nothing was asked of the host."""


class AnswerError(RegistryError):
    """The host answered something that cannot be understood."""


class NotConverged(RegistryError):
    """What was read back is not what was written."""
