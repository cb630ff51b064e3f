# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role windows_client left on two modelled desktops, asked by pywinrm, and on the controller."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from winrm.protocol import Protocol

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "desktops"
UNINSTALL = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"


@pytest.fixture(params=["127.90.0.1", "127.90.0.2"])
def ask(request):
    config = json.loads((FOLDER / "config.json").read_text())
    user = config["users"][0]
    protocol = Protocol(
        f"http://{request.param}:{config['listeners'][0]['port']}/wsman",
        transport="ntlm",
        username=f"{user['domain']}\\{user['name']}",
        password=user["password"],
    )
    shell = protocol.open_shell(codepage=65001)

    def ask(line: str) -> tuple[str, int]:
        out, _err, code = protocol.get_command_output(shell, protocol.run_command(shell, line))
        return out.decode(), code

    yield ask
    protocol.close_shell(shell)


def test_the_package_is_installed(ask):
    text, code = ask(f"reg query {UNINSTALL}\\{{6F8C1D20-5B1A-4C6E-9A00-000000000100}} /v DisplayVersion")
    assert code == 0
    assert text.split()[-1] == "1.0.0"


def test_another_package_is_not(ask):
    assert ask(f"reg query {UNINSTALL}\\{{6F8C1D20-5B1A-4C6E-9A00-000000000200}}")[1] == 1


def test_its_settings_and_the_others(ask):
    text = ask('reg query "HKLM\\SOFTWARE\\Corp Talk"')[0]
    assert "Server    REG_SZ    chat.corp.test" in text
    assert "Port    REG_DWORD    0x1466" in text


def test_report():
    file = FOLDER / "report" / "clients.json"
    assert file.stat().st_mode & 0o777 == 0o600
    report = json.loads(file.read_text())
    # Of the second run.
    assert {name: result["status"] for name, result in report["desktops"].items()} == {
        "pc1": "unchanged",
        "pc2": "unchanged",
    }
    assert report["not_begun"] == []
    assert not (FOLDER / "report" / "clients.retry").exists()
