# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modelled desktops (tests/lab/desktops/light, a stand-in): the collection's own modules against many of them in one process.

On loopback addresses, each of which is a desktop; no laboratory. What is modelled is no evidence for Windows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from modelled_packages import package
from winrm.protocol import Protocol
from winrm_endpoint import ADMIN, running

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "lab" / "desktops"))
from light.desktop import Desktop

HOSTS = [f"127.77.0.{number}" for number in range(1, 13)]
USERS = [
    {"name": "anna", "sid": "S-1-5-21-1-2-3-1101", "logged_on": True},
    {"name": "Борис Б", "sid": "S-1-5-21-1-2-3-1102"},
]
SETTINGS = [
    {"key": "HKLM\\SOFTWARE\\Чат", "name": "Url", "data": 'https://chat.corp.test/?a=%1&b="c" 😀'},
    {"key": "HKLM\\SOFTWARE\\Чат", "name": "Port", "type": "dword", "data": 5222},
    {"key": "HKLM\\SOFTWARE\\Чат", "name": "Old", "state": "absent"},
    {"key": "SOFTWARE\\Чат", "name": "Start", "type": "dword", "data": 1, "scope": "users"},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two versions of an MSI, and what the model knows about them."""
    folder = tmp_path_factory.mktemp("packages")
    paths = {number: folder / f"talk-{number}.msi" for number in (1, 2)}
    codes = {1: [], 2: [1618, 3010]}
    return paths, [package(paths[n], number=n, version=f"{n}.0.0", exit_codes=codes[n]) for n in (1, 2)]


@pytest.fixture(scope="module")
def packages(made):
    return made[0]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, made):
    options = {"model": {"users": USERS, "products": made[1]}}
    listeners = [{"address": "0.0.0.0", "port": 0}]  # noqa: S104 - every loopback address is a desktop
    folder = tmp_path_factory.mktemp("light")
    with running(folder, listeners=listeners, backend="light", backend_options=options, log_commands=True) as endpoint:
        yield endpoint


def play(endpoint, hosts: list[str], task: dict, *options: str) -> dict:
    """Run one task on desktops; its results by address."""
    variables = {
        "ansible_connection": "winrm",
        "ansible_port": endpoint.ports["http"],
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_user": f"CORP\\{ADMIN['name']}",
        "ansible_password": ADMIN["password"],
        "ansible_shell_type": "cmd",
    }
    inventory = endpoint.folder / "inventory.json"
    inventory.touch(0o600)
    inventory.write_text(json.dumps({"all": {"hosts": {host: {} for host in hosts}, "vars": variables}}))
    playbook = endpoint.folder / "play.json"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [{"name": "Task", **task}]}]))
    command = ["ansible-playbook", "-i", str(inventory), str(playbook), "--forks", "6", *options]
    environment = os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "ANSIBLE_HOST_KEY_CHECKING": "false"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=170)
    try:
        return json.loads(run.stdout)["plays"][0]["tasks"][0]["hosts"]
    except (ValueError, LookupError):
        pytest.fail(run.stdout + run.stderr)


def ask(endpoint, line: str) -> str:
    """What a command line prints on the first desktop, by pywinrm."""
    url = f"http://{HOSTS[0]}:{endpoint.ports['http']}/wsman"
    protocol = Protocol(url, transport="ntlm", username=f"CORP\\{ADMIN['name']}", password=ADMIN["password"])
    shell = protocol.open_shell(codepage=65001)
    try:
        return protocol.get_command_output(shell, protocol.run_command(shell, line))[0].decode()
    finally:
        protocol.close_shell(shell)


def test_registry_of_many(endpoint):
    task = {"onprem.chat.win_registry": {"settings": SETTINGS}}
    checked = play(endpoint, HOSTS, task, "--check")
    assert {host: result["changed"] for host, result in checked.items()} == dict.fromkeys(HOSTS, True), checked[
        HOSTS[0]
    ]
    assert not any("import" in line.get("line", "") for line in endpoint.log())
    done = play(endpoint, HOSTS, task, "--diff")
    assert {host: result["changed"] for host, result in done.items()} == dict.fromkeys(HOSTS, True), done[HOSTS[0]]
    assert "5222" in done[HOSTS[0]]["diff"]["after"]
    again = play(endpoint, HOSTS, task)
    assert {host: result["changed"] for host, result in again.items()} == dict.fromkeys(HOSTS, False), again[HOSTS[0]]
    # Asked by another way: the text, the hive that is loaded, the one that is a file.
    assert f"Url    REG_SZ    {SETTINGS[0]['data']}" in ask(endpoint, 'reg query "HKLM\\SOFTWARE\\Чат"')
    assert "Start    REG_DWORD    0x1" in ask(endpoint, f'reg query "HKU\\{USERS[0]["sid"]}\\SOFTWARE\\Чат"')
    hive = 'reg load HKU\\x "C:\\Users\\Борис Б\\NTUSER.DAT" & reg query "HKU\\x\\SOFTWARE\\Чат" & reg unload HKU\\x'
    assert "Start    REG_DWORD    0x1" in ask(endpoint, hive)
    last = {line["desktop"]: line for line in endpoint.log()}
    assert {last[host]["shells"] for host in HOSTS} == {0}


def test_desktops_are_not_one(endpoint):
    """What one was told the others do not know."""
    task = {"onprem.chat.win_registry": {"settings": [{"key": "HKLM\\SOFTWARE\\Alone", "name": "x", "data": "1"}]}}
    assert play(endpoint, HOSTS[:1], task)[HOSTS[0]]["changed"] is True
    answers = play(endpoint, HOSTS[:2], task, "--check")
    assert [answers[host]["changed"] for host in HOSTS[:2]] == [False, True]


def test_client_of_many(endpoint, packages):
    """Install, nothing to do, upgrade over 1618 to 3010, removal: on twelve desktops each."""

    def client(**arguments) -> dict:
        results = play(endpoint, HOSTS, {"onprem.chat.win_client": {"delivery": "channel", **arguments}})
        texts = {
            json.dumps({key: result.get(key) for key in ("changed", "reboot_required", "msg")})
            for result in results.values()
        }
        assert len(texts) == 1, texts
        return results[HOSTS[0]]

    installed = client(package=str(packages[1]))
    assert installed["changed"] is True, installed
    assert [one["version"] for one in installed["installed"]] == ["1.0.0"]
    assert client(package=str(packages[1]))["changed"] is False
    upgraded = client(package=str(packages[2]))
    assert (upgraded["changed"], upgraded["reboot_required"]) == (True, True), upgraded
    assert [one["version"] for one in upgraded["installed"]] == ["2.0.0"]
    keys = "reg query HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall /s"
    assert "Corp Talk" in ask(endpoint, keys)
    assert client(package=str(packages[2]), state="absent")["changed"] is True
    assert "Corp Talk" not in ask(endpoint, keys)


def test_another_package_of_an_installed_product_code(tmp_path):
    """1638, as Windows Installer documents it: its family is looked at only when a product is not installed yet."""
    paths = [tmp_path / f"{number}.msi" for number in range(2)]
    products = [package(path, version=f"1.{number}.0") for number, path in enumerate(paths)]
    desktop = Desktop.of("one", {"products": products})
    for path in paths:
        desktop.files.write(f"C:\\{path.name}", path.read_bytes())
    again = "REINSTALL=ALL REINSTALLMODE=vomus"
    lines = ["/i C:\\0.msi", "/i C:\\0.msi", "/i C:\\1.msi", "/i C:\\1.msi REINSTALLMODE=omus", f"/i C:\\1.msi {again}"]
    assert [desktop.run(f"msiexec {line} /qn")[2] for line in lines] == [0, 0, 1638, 1638, 0]
    shown = desktop.run("reg query HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall /s")[0].decode()
    assert "1.1.0" in shown and "1.0.0" not in shown
    assert [
        desktop.run(f"msiexec {line} /qn")[2] for line in (f"/x {products[0]['product_code']}", "/i C:\\0.msi")
    ] == [0, 0]
