# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Keeps secrets out of texts that others wrote, such as the messages of exceptions."""

from __future__ import annotations

import base64
import collections.abc
import dataclasses

from .._checks import Checks
from .settings import Account

MASK = "********"


class Masker:
    """Replaces passwords, also in the form in which SASL PLAIN sends them."""

    def __init__(self, accounts: collections.abc.Iterable[Account]) -> None:
        forms: set[str] = set()
        for account in accounts:
            if not account.password:
                continue
            user = account.jid.partition("@")[0]
            forms.add(account.password)
            for text in (
                account.password,
                f"\0{user}\0{account.password}",
                f"{account.jid}\0{user}\0{account.password}",
            ):
                forms.add(base64.b64encode(text.encode()).decode())
        # The longest first: one password may be a part of another.
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def checks(self, checks: Checks) -> list[dict[str, str]]:
        """All checks as a module returns them, without secrets. Ids and JIDs stay as they are."""
        return [
            dataclasses.replace(check, evidence=self.text(check.evidence), hint=self.text(check.hint)).as_dict()
            for check in checks
        ]
