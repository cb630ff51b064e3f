# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Secrets are shown nowhere: neither those that are typed nor those that the installer prints."""

from __future__ import annotations

import re

MASK = "********"
SHORTEST = 3
"""A shorter secret would blacken half of the text, and so be told by it; its echo is masked where it was typed."""


class Mask:
    """Takes secrets out of text. ``patterns``: group 1 is a secret, known or not."""

    def __init__(self, patterns: tuple[re.Pattern, ...] = ()) -> None:
        self._patterns = patterns
        self._secrets: list[str] = []

    def add(self, secret: str) -> None:
        """From now on this text is taken out."""
        secret = secret.strip()
        if len(secret) >= SHORTEST and secret not in self._secrets:
            self._secrets.append(secret)
            self._secrets.sort(key=len, reverse=True)

    def known(self, text: str) -> str:
        """The text without the secrets that are known by now. No pattern is asked, so it takes no time."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def apply(self, text: str) -> str:
        """The text without secrets. Patterns may take for ever: to be called within ``limited``."""
        text = self.known(text)
        for pattern in self._patterns:
            text = pattern.sub(_masked, text)
        return text


def _masked(found: re.Match) -> str:
    if found.group(1) is None or not found.group(1).strip():
        return found.group()
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found.group()[:start] + MASK + found.group()[end:]
