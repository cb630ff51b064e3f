# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What can go wrong between the controller and a Windows host, each with what, where, likely cause and what to do."""

from __future__ import annotations

import typing as t

from .._errors import PlainError


class ChannelError(PlainError):
    """Something between the controller and a Windows host failed.

    ``what`` happened, ``where`` (host and address), the likely ``cause`` and what to do (``remedy``) are sentences without
    a full stop. ``details`` go into a module's result as they are; nothing secret may be among them.
    """


class Refused(ChannelError):
    """The host let nobody in: wrong password, expired ticket, wrong SPN, clock skew, or the account may not."""


class Untrusted(ChannelError):
    """The host's certificate is not trusted, or is not for this name."""


class Unreachable(ChannelError):
    """No conversation began: name not found, connection refused, nothing answered."""

    def result(self) -> dict[str, t.Any]:
        """Unreachable, as Ansible's own modules are: it did not fail, it is not there. ignore_unreachable applies."""
        result = super().result()
        del result["failed"]
        return {"unreachable": True, **result}


class Lost(ChannelError):
    """The connection broke off, and a new one did not help."""


class QuotaReached(ChannelError):
    """The host's WinRM quotas are used up."""


class Unsupported(ChannelError):
    """The host's connection plugin or settings are not such that this collection can work over them."""


class Broken(ChannelError):
    """The host answered something that is no WinRM, or a fault that has no better name here."""


class DeadlineError(ChannelError):
    """A command did not end in time and was terminated on the host; what it wrote until then is in the error.

    ``terminated`` is False where the host did not confirm it: the command may still run there.
    """

    def __init__(
        self,
        what: str,
        where: str,
        cause: str,
        remedy: str,
        *,
        stdout: bytes = b"",
        stderr: bytes = b"",
        terminated: bool = True,
        **details: t.Any,
    ) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.terminated = terminated
        super().__init__(what, where, cause, remedy, terminated=terminated, **details)


class CommandTooLong(ChannelError):
    """A command line longer than cmd.exe takes (8191 UTF-16 units)."""


class Unspeakable(ChannelError):
    """A text that no command line of cmd.exe can carry: a line feed, a NUL, a quotation mark in a path."""


class MissingFile(ChannelError):
    """The file asked for is not there."""


class FileRefused(ChannelError):
    """A file could not be written or read: no right, disk full, in use, or what arrived is not what was sent."""
