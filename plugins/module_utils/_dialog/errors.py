# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Errors in the words of the person who has to act: what, where, likely cause as a question, what to do."""

from __future__ import annotations


def sentence(text: str) -> str:
    """The text with a full stop, where it has none: what an installer says is followed by what that means."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


class DialogError(Exception):
    """What happened (and where), the likely cause as a question, and what to do. Never holds a secret.

    ``result``: what the module returns beside the message.
    """

    def __init__(self, what: str, cause: str = "", action: str = "", result: dict | None = None) -> None:
        self.what = what
        self.cause = cause
        self.action = action
        self.hint = " ".join(part for part in (cause, action) if part)
        self.result = result or {}
        super().__init__(" ".join(part for part in (sentence(what) if self.hint else what, self.hint) if part))


class InputError(DialogError):
    """The options make no sense."""


class JournalError(DialogError):
    """The journal cannot be read, written or trusted."""


class RunError(DialogError):
    """The run failed, or cannot be started now."""


class PatternError(DialogError):
    """A pattern takes too long on what the installer printed."""
