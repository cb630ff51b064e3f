# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an MSI database without files and the configuration of desktops that can install it:   desktops.py FOLDER"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from modelled_packages import package


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    product = package(folder / "talk.msi")
    # A port of its own: desktops of an earlier run may still be there for a while.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "computer": "DESK",
        "users": [{"name": "rollout", "domain": "CORP", "realm": "corp.test", "password": "Pa:ss w0rd"}],
        # Every loopback address is a desktop.
        "listeners": [{"address": "0.0.0.0", "port": port}],  # noqa: S104
        "backend": "light",
        "backend_options": {"model": {"products": [product]}},
    }
    (folder / "config.json").write_text(json.dumps(config))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
