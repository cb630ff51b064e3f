# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transform (.mst) that sets properties, written byte by byte: no tool here makes any (Wine's MsiDatabaseGenerateTransform is a stub).

A compound file with the class of transforms; of each table the rows that change. A row begins with a mask of 16 bits: bit 0 set means
a whole new row, and the high byte counts its columns; otherwise the bits say which columns follow behind the key. Wine's msiexec
takes it; Windows was never asked.
"""

from __future__ import annotations

import struct

from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms as forms

CLASS = bytes.fromhex("82100c0000000000c000000000000046")
CHANGED, ADDED = 0x0002, 0x0201


def transform(package: dict[str, str], changed: dict[str, str], added: dict[str, str] | None = None) -> bytes:
    """``package`` are the properties of the package that it is for; ``changed`` are among them, ``added`` are not."""
    strings = forms.Strings(1252, "cp1252", False)
    rows = b""
    for mask, properties in ((CHANGED, changed), (ADDED, added or {})):
        for name, value in properties.items():
            rows += struct.pack("<H", mask) + strings.reference(name) + strings.reference(value)
    code, version = package["ProductCode"], package["ProductVersion"]
    both = f"{code}{version};{code}{version};{package['UpgradeCode']}"
    streams = {
        "\x05SummaryInformation": forms.summary(template=";1033", code=both),
        forms.table_name("Property"): rows,
        **strings.streams(),
    }
    return forms.compound(streams, clsid=CLASS)
