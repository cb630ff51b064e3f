# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client with the test packages: what goes well. The host's registry is read back by reg.exe alone."""

from __future__ import annotations

import typing as t

import pytest
from cleanup import LABORATORY
from machine import KEY, Machine, bad, good
from packages import TRANSFORM, TRANSFORMED, UNINSTALL_KEY, UPGRADE_CODES

from ansible_collections.onprem.chat.plugins.plugin_utils._client.detect import UNINSTALL, keys_of

OLD, NEW = "corptalk-1.0.0.msi", "corptalk-1.1.0.msi"
AWAY = {"upgrade_code": UPGRADE_CODES["Corp Talk"], "state": "absent"}
SERVER = 'a "b" & 100% ^!'


def version(machine: Machine, name: str, view: str = "64") -> str:
    """What the list of programs of Windows shows."""
    ran = machine.run(f'reg query "HKLM\\{UNINSTALL}" /s /reg:{view}')
    values = [values for _key, values in keys_of(ran.text) if values.get("displayname") == name]
    return values[0].get("displayversion", "") if values else ""


@pytest.fixture(scope="class")
def msi(machine: Machine) -> t.Iterator[Machine]:
    yield machine
    good(machine.client(**AWAY))


class TestMsi:
    """The life of an MSI, in this order."""

    def test_msi_check_mode_changes_nothing(self, msi: Machine) -> None:
        """Nothing is transferred, nothing is installed."""
        checked = good(msi.client(OLD, check=True), True)
        assert (checked["reason"], version(msi, "Corp Talk")) == ("not installed", "")

    def test_msi_is_installed_with_properties_and_settings(self, msi: Machine) -> None:
        """command_lines: properties with every sign reach Windows Installer; settings are set by the same task."""
        setting = {"key": f"{KEY}\\Client", "name": "Update", "type": "dword", "data": 0}
        done = good(msi.client(OLD, properties={"SERVER": SERVER}, settings=[setting]), True)
        assert [(step["action"], step["exit_code"]) for step in done["steps"]] == [("install", 0)]
        assert version(msi, "Corp Talk") == "1.0.0"
        found = msi.ask(
            server=f'reg query "{LABORATORY}\\Corp Talk" /v Server /reg:64',
            setting=f'reg query "{KEY}\\Client" /v Update',
        )
        assert SERVER in found["server"].text
        assert "0x0" in found["setting"].text

    def test_msi_is_not_installed_twice(self, msi: Machine) -> None:
        """detect: the product is found, nothing is transferred."""
        done = good(msi.client(OLD), False)
        assert (done["steps"], done["delivery"]) == ([], "")

    def test_msi_is_upgraded_by_its_upgrade_code(self, msi: Machine) -> None:
        """detect: products of one UpgradeCode are versions of one client."""
        done = good(msi.client(NEW), True)
        assert (done["reason"], version(msi, "Corp Talk")) == ("1.0.0 is installed", "1.1.0")

    def test_msi_downgrade_is_refused(self, msi: Machine) -> None:
        """plan: unless allow_downgrade says so."""
        bad(msi.client(OLD), "Corp Talk 1.1.0 is installed, which is newer than 1.0.0")
        assert version(msi, "Corp Talk") == "1.1.0"

    def test_msi_is_repaired(self, msi: Machine) -> None:
        """command_lines: REINSTALL brings a lost file back."""
        file = f'"{msi.program_files}\\Corp Talk\\readme.txt"'
        assert msi.run(f"del {file}&if exist {file} exit 1").code == 0
        good(msi.client(NEW, state="repair"), True)
        assert msi.run(f"if not exist {file} exit 1").code == 0

    def test_msi_is_removed(self, msi: Machine) -> None:
        """And a second removal has nothing to do."""
        good(msi.client(**AWAY), True)
        assert version(msi, "Corp Talk") == ""
        good(msi.client(**AWAY), False)


def test_msi_with_a_transform(machine: Machine) -> None:
    """command_lines: TRANSFORMS with a path of spaces and Cyrillic. The transform is written byte by byte: 1624 may be its own fault."""
    try:
        done = good(machine.client(OLD, transforms=[str(machine.packages / TRANSFORM)]), True)
        assert [(step["action"], step["exit_code"]) for step in done["steps"]] == [("install", 0)]
        found = machine.run(f'reg query "{LABORATORY}\\Corp Talk" /v Server /reg:64')
        assert TRANSFORMED in found.text, found.text
    finally:
        good(machine.client(**AWAY))


@pytest.mark.parametrize("bits", ["64", "32"])
def test_an_exe_comes_and_goes(machine: Machine, facts: dict[str, t.Any], bits: str) -> None:
    """NSIS: silent switches are known; the view of the registry is that of the installer; its uninstaller is waited for."""
    if bits == "64" and facts["processor"] == "x86":
        pytest.skip("this Windows has 32 bits")
    one = {"package": f"corpvoice-{bits}-1.0.0.exe", "uninstall_key": UNINSTALL_KEY}
    try:
        good(machine.client(**one), True)
        view = "32" if facts["processor"] != "x86" and bits == "32" else "64"
        assert version(machine, "Corp Voice", view) == "1.0.0"
        good(machine.client(**one), False)
    finally:
        good(machine.client(uninstall_key=UNINSTALL_KEY, state="absent"), True)
    assert version(machine, "Corp Voice", view) == ""


def test_as_system_by_a_task_that_goes_again(machine: Machine) -> None:
    """jobs: run_as=system; the 32-bit package is found in its view."""
    try:
        done = good(machine.client("corptalk-32-1.0.0.msi", run_as="system"), True)
        assert [(step["run_as"], step["exit_code"]) for step in done["steps"]] == [("system", 0)]
    finally:
        good(machine.client(upgrade_code=UPGRADE_CODES["Corp Talk 32"], state="absent"))
    assert "onprem.chat\\" not in machine.run("schtasks /query /fo csv /nh").text


def test_a_required_restart_is_told(machine: Machine) -> None:
    """exit_codes: 3010 is a success, and nothing restarts the host."""
    try:
        done = good(machine.client("corptalk-reboot-1.0.0.msi"), True)
        assert done["reboot_required"] and done["steps"][0]["exit_code"] == 3010
    finally:
        good(machine.client(upgrade_code=UPGRADE_CODES["Corp Talk Reboot"], state="absent"))


def test_nothing_of_an_installation_is_left(machine: Machine) -> None:
    """converge: package, batch file and log are removed."""
    ran = machine.run(f'dir /s /b "{machine.program_files}\\onprem.chat" 2>nul')
    assert ran.text.strip() == ""
