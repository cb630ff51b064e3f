# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What may stand before the @ of an XMPP address. Pure."""

from __future__ import annotations

# RFC 7622 3.3.1, and the space by the PRECIS profile that it names.
FORBIDDEN = "\"&'/:<>@ "
IN_WORDS = "\" & ' / : < > @ or a space"


def forbidden_in(local: str) -> str:
    """The characters of the part before the @ that no address can hold, as one reads them."""
    return " ".join("a space" if char == " " else char for char in FORBIDDEN if char in local)
