# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names with spaces, quotation marks and letters of every kind, there and back, byte for byte."""

from __future__ import annotations

import base64
import typing as t

from machine import KEY, Machine, good

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.quoting import path

FOLDERS = ["two  spaces", "100% %PATH% %", "bang! ^caret & (x)", "Чат 😀", "it's `{};=,+@~#[]$"]
NAMES = [*FOLDERS, 'quotes "inside"', "a | b > c < d", "back\\slash\\", "%A %%B %^C", "é\u0301 ß İ 中文"]


def test_files_with_any_name(machine: Machine, facts: dict[str, t.Any]) -> None:
    """quoting.path, files: cd and move of cmd.exe know all of Unicode. Wine's loses a path with many percent signs."""
    folders = [name for name in FOLDERS if not (facts["wine"] and name.count("%") > 1)]
    contents = {machine.place(f"names\\{name}\\{name}.bin"): name.encode() * 3 for name in folders}
    steps = [["write", file, base64.b64encode(content).decode()] for file, content in contents.items()]
    steps += [["read", file] for file in contents]
    results = machine.probe(*steps, ["run", f"rd /s /q {path(machine.place('names'))}", {}])["results"]
    assert [one["error"]["msg"] for one in results if "error" in one] == []
    assert [base64.b64decode(one["content"]) for one in results[len(folders) : -1]] == list(contents.values())


def test_values_and_keys_with_any_name(machine: Machine) -> None:
    """win_registry: names and data; keys cannot have a backslash in a name."""
    key = f"{KEY}\\Names"
    items: list[dict[str, t.Any]] = [{"key": key, "name": name, "data": name} for name in NAMES]
    items += [{"key": f"{key}\\{name}", "name": "", "data": name} for name in NAMES if "\\" not in name]
    good(machine.registry(*items), True)
    assert good(machine.registry(*items), False)["changes"] == []
    gone = [{"key": f"{key}\\{name}", "state": "absent"} for name in NAMES if "\\" not in name]
    good(machine.registry(*gone), True)
    good(machine.registry(*gone), False)


def test_a_property_with_any_text(machine: Machine) -> None:
    """command_lines: through a batch file to msiexec, and into the registry."""
    from cleanup import LABORATORY
    from packages import UPGRADE_CODES

    text = "Чат 😀 'x' \"y\" %PATH% 100% ^ & | < > ! (z)"
    try:
        good(machine.client("corptalk-1.0.0.msi", properties={"SERVER": text}), True)
        setting = {"key": f"{LABORATORY}\\Corp Talk", "name": "Server", "data": text, "view": "64"}
        good(machine.registry(setting, check=True), False)
    finally:
        good(machine.client(upgrade_code=UPGRADE_CODES["Corp Talk"], state="absent"))
