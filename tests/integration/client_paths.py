# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests of win_client look at on a desktop beside the module's result, and the client that they install."""

from __future__ import annotations

from client_packages import STARTS
from win_client_desktop import Client

VOICE = "Corp Count Voice"
PLACE = f"C:\\Program Files\\{VOICE}"
RUNS = "corprun.exe"


def exe(path: str, **more) -> dict:
    """Over WinRM: what is tested here has nothing to do with how it came there."""
    return {"package": path, "uninstall_key": VOICE, "delivery": "channel", **more}


def processes(client: Client) -> str:
    return client.desktop.run("tasklist /fo csv /nh").stdout.casefold()


def starts(client: Client) -> list[str]:
    file = client.desktop.file(STARTS)
    found = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def booted(client: Client) -> str:
    """Of everything that Windows is made of on a desktop of the laboratory."""
    return client.desktop.lab.exec(
        client.desktop.name, ["systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "windows"], check=True
    ).stdout
