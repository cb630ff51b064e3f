# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What cannot be read must not hide the answers to all other questions."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks


def guarded(checks: Checks, id_: str, subject: str, question: t.Callable[[], None]) -> None:
    """Ask; where the system refuses, the check says so as one that was skipped."""
    try:
        question()
    except OSError as error:
        about = f" ({error.filename})" if error.filename else ""
        seen = f"cannot be asked: {error.strerror or error}{about}"
        hint = "Run this check as root (become)." if isinstance(error, PermissionError) else "Look on the host."
        checks.skipped(id_, subject, seen, hint)
