# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with names that cmd.exe, batch files, MSI and the registry might read otherwise: what arrives is compared byte for byte.

Read back by Wine's reg export (UTF-16) and from the disk. Real: msiexec, setup programs of NSIS, cmd.exe and reg of Wine.
Stand-ins: the WinRM service and certutil.
"""

from __future__ import annotations

import re

import pytest
from client_packages import CODE, Packages
from win_client_desktop import Client, ok

# All that a file name on Windows may have and that means something to somebody.
ODD = "it's 100% %OS% !x! ^&(;) Чат 😀"
# And what a value may have beyond that.
VALUE = 'say "hi" <a|b> *?/\\ %PATH% 50% !y! ^^ && Ёж 🙂'


@pytest.fixture(scope="module")
def client(desktop, tmp_path_factory):
    return Client(desktop, tmp_path_factory.mktemp("inventory"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return Packages(tmp_path_factory.mktemp("packages"))


def values(client, key: str) -> dict[str, str]:
    """The texts of a key as reg export writes them, without a command line between."""
    client.desktop.file("C:\\names.reg").unlink(missing_ok=True)
    client.desktop.write(
        "C:\\names.cmd", f'chcp 65001 >nul\r\nreg export "{key.replace("%", "%%")}" C:\\names.reg /y\r\n'.encode()
    )
    client.desktop.run("C:\\names.cmd")
    text = client.desktop.file("C:\\names.reg").read_bytes().decode("utf-16")
    found = re.findall(r'^"((?:[^"\\]|\\.)*)"="((?:[^"\\]|\\.)*)"\r$', text, re.MULTILINE)
    return {re.sub(r"\\(.)", r"\1", name): re.sub(r"\\(.)", r"\1", data) for name, data in found}


def test_a_package_its_properties_and_settings(client, packages):
    package = packages.msi(ODD.replace("%OS%", "%"))
    key = f"HKLM\\SOFTWARE\\OnPrem {ODD}"
    settings = [{"key": key, "name": VALUE, "data": VALUE}, {"key": key, "name": ODD, "data": ODD}]
    given = {"package": package, "properties": {"SERVER": VALUE, "NAME": ODD}, "settings": settings}
    ok(client.run(**given), True)
    seen = values(client, "HKLM\\SOFTWARE\\onprem.chat laboratory\\Corp Count")
    assert (seen["Server"], seen["Name"]) == (VALUE, ODD)
    assert values(client, key) == {VALUE: VALUE, ODD: ODD}
    ok(client.run(**given), False)
    ok(client.run(product_code=CODE % 1, state="absent"), True)


def test_a_client_of_such_a_name(client, packages):
    package = packages.exe("odd", name=ODD)
    given = {"package": package, "uninstall_key": ODD, "delivery": "channel"}
    ok(client.run(**given), True)
    place = client.desktop.file(f"C:\\Program Files\\{ODD}")
    assert (place / "payload.bin").read_bytes() == packages.payload.read_bytes()
    seen = values(client, f"HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{ODD}")
    assert seen["QuietUninstallString"] == f'"C:\\Program Files\\{ODD}\\uninstall.exe" /S'
    ok(client.run(**given, version_file=f"C:\\Program Files\\{ODD}\\uninstall.exe"), False)
    ok(client.run(uninstall_key=ODD, state="absent"), True)
    assert not place.exists()
