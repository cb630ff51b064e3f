# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Errors in the words of the person who has to act: what, where, likely cause as a question, what to do."""

from __future__ import annotations


class BundleError(Exception):
    """What happened (and where), the likely cause as a question, and what to do. Never holds a secret."""

    def __init__(self, what: str, cause: str = "", action: str = "") -> None:
        self.what = what
        self.cause = cause
        self.action = action
        self.hint = " ".join(part for part in (cause, action) if part)
        super().__init__(" ".join(part for part in (what, self.hint) if part))


class InputError(BundleError):
    """The options make no sense together."""


class MaterialError(BundleError):
    """A file (or a block of it) is not what it must be: no known form, cut, or too big."""


class PassphraseError(MaterialError):
    """Something is encrypted and no passphrase, or only wrong ones, were given."""


class WriteError(BundleError):
    """The pair could not be written; says what is on disk now."""
