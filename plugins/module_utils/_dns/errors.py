# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Errors in the words of the person who has to act: what, where, likely cause as a question, what to do."""

from __future__ import annotations


class DnsError(Exception):
    """What happened (and where), the likely cause as a question, and what to do."""

    def __init__(self, what: str, cause: str = "", action: str = "") -> None:
        self.what = what
        self.cause = cause
        self.action = action
        self.hint = " ".join(part for part in (cause, action) if part)
        # What a task had written before the error, where it needs more than one message.
        self.partial = None
        super().__init__(" ".join(part for part in (what, self.hint) if part))

    def after(self, partial, told: str) -> DnsError:
        """The same error, which says what had been done before it."""
        again = "Run the task again: it goes on from what is there."
        action = self.action if again in self.action else f"{self.action} {again}".strip()
        error = type(self)(f"{self.what} {told}", self.cause, action)
        error.partial = partial
        return error


class InputError(DnsError):
    """The options make no sense."""


class PlanError(DnsError):
    """What is asked for cannot stand next to what is there."""


class Unreachable(DnsError):
    """No connection: nothing was sent."""


class LostAnswer(DnsError):
    """The request was sent and no usable answer came: whether the server acted on it is unknown."""


class ServerError(DnsError):
    """The server answered and refused, or its answer cannot be used."""


class AuthenticationError(DnsError):
    """No Kerberos ticket, or no security context with the server."""


class ConflictError(DnsError):
    """Somebody else kept changing the same records."""


class NotSo(DnsError):
    """Reading back shows something else than what was asked for."""
