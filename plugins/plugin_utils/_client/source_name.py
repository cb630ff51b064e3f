# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.


"""The file name under which Windows Installer knows a product's package.

When a product is repaired, or updated without another ProductCode, Windows Installer looks for its package by the name that it had
at the first time. A package of another name fails, with 1316 in the log and exit code 1603 (learn.microsoft.com, "Changing the
Product Code": a name that changes is one of the reasons for another code; neo42-GmbH/PSAppDeployToolKitExtensions#952).
So the package, which is a copy of ours, gets that name.
"""

from __future__ import annotations

import re

from .._packages import guid
from .._winrm import quoting
from .._winrm.runner import Answer, Ask, Runner

# More than that no package is called that works from a command line.
_NAME = re.compile(r"[A-Za-z0-9_ .()+=~@,-]{1,120}\.msi\Z", re.IGNORECASE)
_VALUE = re.compile(r"^    PackageName    REG_(?:EXPAND_)?SZ    (.+?)\r?$", re.MULTILINE | re.IGNORECASE)


def question(product_code: str) -> Ask:
    """Asks for the name; for products of the machine, not of single users."""
    key = rf"HKLM\SOFTWARE\Classes\Installer\Products\{guid.packed(product_code)}\SourceList"
    return Ask("client.source", f'reg query "{key}" /v PackageName /reg:64 2>nul')


def understand(answer: Answer) -> str:
    """The name, or an empty text where there is none that can be used."""
    found = _VALUE.search(answer.text) if answer.ok else None
    name = found[1].strip() if found else ""
    return name if _NAME.match(name) else ""


def named_as_before(runner: Runner, product_code: str, package: str) -> str:
    """Give the package on the host the name that Windows Installer will look for. Its path after that."""
    name = understand(runner.batch([question(product_code)])["client.source"])
    folder, _separator, ours = package.rpartition("\\")
    if not name or name.lower() == ours.lower():
        return package
    path = f"{folder}\\{name}"
    return path if runner.run(f"move /y {quoting.path(package)} {quoting.path(path)} >nul").ok else package
