# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Whether reg.exe answers at all. A key that is not there and a reg.exe that may not run look the same: 1, and no output.

So without this question a host whose policy forbids reg.exe (DisableRegistryTools, AppLocker) would have nothing installed:
what is there would be installed again, and what is to go would seem to be gone.
"""

from __future__ import annotations

from .._winrm.runner import Answer

ANSWERS = "reg query HKLM >nul 2>nul"
"""Ends with 0 where it does."""


def silent(answer: Answer) -> tuple[str, str, str, str] | None:
    """What, where, cause and remedy of an error, for the answer to a question that ends with :data:`ANSWERS`; None if all is well."""
    if answer.ok:
        return None
    return (
        "The host's registry cannot be asked",
        f"reg query HKLM gave exit code {answer.exit_code}",
        "A policy forbids reg.exe to this account (DisableRegistryTools, AppLocker, WDAC), or the host is out of resources",
        "Run reg query HKLM there as the same account, and allow it",
    )
