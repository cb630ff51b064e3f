# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages for the modelled desktops (tests/lab/desktops/light): MSI databases without files, so that only the model installs them."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit" / "plugins" / "plugin_utils"))
import packages_forms  # the unit tests' own builder of MSI files


def package(
    path: Path,
    *,
    name: str = "Corp Talk",
    version: str = "1.0.0",
    number: int = 1,
    family: int = 0,
    manufacturer: str = "Corp",
    exit_codes: Sequence[int] = (),
) -> dict:
    """Writes one, and gives what the model must be told to install it.

    ``number`` makes another ProductCode, ``family`` another UpgradeCode, ``manufacturer`` another file of the same product. The
    installations on one desktop end with ``exit_codes``, one after the other, then with 0.
    """
    properties = {
        "ProductName": name,
        "ProductVersion": version,
        "ProductCode": f"{{6F8C1D20-5B1A-4C6E-9A00-000000000{number}00}}",
        "UpgradeCode": f"{{6F8C1D20-5B1A-4C6E-9A00-000000000{family}FF}}",
        "Manufacturer": manufacturer,
        "ProductLanguage": "1033",
        "ALLUSERS": "1",
    }
    path.write_bytes(packages_forms.msi(properties))
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "product_code": properties["ProductCode"],
        "upgrade_code": properties["UpgradeCode"],
        "name": name,
        "version": version,
        "exit_codes": list(exit_codes),
    }
