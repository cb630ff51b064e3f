# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook remove, with a site file of desktops alone: leave, plan, what goes and what stays, those that were off.

Against the modelled desktops (tests/lab/desktops/light, a stand-in) on loopback addresses, each of which is a desktop; no
laboratory. What is modelled is no evidence for Windows; what win_client removes on Wine is tested by test_win_client.py.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from modelled_packages import package
from winrm_endpoint import ADMIN, running

CANARY = "canary-4711"
TALK, POLICY = "HKLM\\SOFTWARE\\Corp Talk", "HKLM\\SOFTWARE\\Policies\\Corp Talk"
VENDOR = 'Windows Registry Editor Version 5.00\n\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Corp Talk\\Vendor]\n"Mode"="full"\n'
NETWORKS = itertools.count(1)
ANNA = {"name": "anna", "sid": "S-1-5-21-1-2-3-1105", "logged_on": True}


class Site:
    """Four desktops, of which the first is the pilot ring. The inventory says nothing about servers."""

    def __init__(self, folder: Path, endpoint, package: Path) -> None:
        self.folder = folder
        self.endpoint = endpoint
        self.network = next(NETWORKS)
        self.names = [f"pc{number}" for number in range(1, 5)]
        self.of_host: dict[str, dict] = {}
        (folder / "vendor.reg").write_text(VENDOR)
        own = [
            {"key": TALK, "name": "Licence", "data": CANARY, "secret": True},
            {"key": "HKCU\\Software\\Corp Talk", "name": "Start", "type": "dword", "data": 1, "scope": ["users"]},
            {"reg_file": str(folder / "vendor.reg")},
        ]
        self.variables = {
            "chat_clients": [{"package": str(package), "delivery": "channel", "settings": own}],
            "chat_client_settings": [
                {"key": POLICY, "name": "Update", "type": "dword", "data": 0},
                {"key": POLICY, "name": "Old", "state": "absent"},
                {"key": f"{POLICY}\\Empty"},
            ],
            "chat_client_rings": ["pilot"],
            "chat_report_directory": str(folder / "report"),
        }

    def address(self, name: str) -> str:
        return f"127.89.{self.network}.{name.removeprefix('pc')}"

    def play(
        self, verb: str, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        connection = {
            "ansible_connection": "winrm",
            "ansible_port": self.endpoint.ports["http"],
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "ntlm",
            "ansible_user": f"{ADMIN['domain']}\\{ADMIN['name']}",
            "ansible_password": ADMIN["password"],
        }
        hosts = {name: {"ansible_host": self.address(name), **self.of_host.get(name, {})} for name in self.names}
        groups = {"chat_desktops": {"hosts": hosts, "vars": connection}, "pilot": {"hosts": {"pc1": {}}}}
        path = self.folder / "hosts.json"
        path.touch(0o600)
        path.write_text(json.dumps({"all": {"children": groups, "vars": self.variables}}), encoding="utf-8")
        ran = subprocess.run(
            ["ansible-playbook", verb if verb.endswith(".yml") else f"onprem.chat.{verb}", "-i", str(path), *arguments],
            cwd=self.folder, env=os.environ | (environment or {}), capture_output=True, text=True, check=False, timeout=170,
        )  # fmt: skip
        assert CANARY not in ran.stdout + ran.stderr
        return ran

    def verified(self) -> list[dict]:
        """What the playbook verify reports about desktops. There is no server here, so it asks nothing else."""
        file = self.folder / "report" / "verify.json"
        file.unlink(missing_ok=True)
        ran = self.play("verify")
        report = json.loads(file.read_text())
        assert (ran.returncode != 0) == report["failed"], ran.stdout + ran.stderr
        assert report["domain"] == "desktops"
        return report["checks"]

    def asked(self) -> list[str]:
        """The desktops that were asked anything, in the order of the first time."""
        names = {self.address(name): name for name in self.names}
        return list(
            dict.fromkeys(names[line["desktop"]] for line in self.endpoint.log() if line.get("desktop") in names)
        )

    def statuses(self, name: str) -> dict[str, str]:
        report = json.loads((self.folder / "report" / f"{name}.json").read_text())
        return {host: result["status"] for host, result in report["desktops"].items()}

    def registry(self, name: str, *keys: str) -> list[str]:
        """What reg query says of keys and all below them on a desktop, asked by stock pywinrm."""
        from winrm.protocol import Protocol

        protocol = Protocol(
            f"http://{self.address(name)}:{self.endpoint.ports['http']}/wsman",
            transport="ntlm",
            username=f"{ADMIN['domain']}\\{ADMIN['name']}",
            password=ADMIN["password"],
        )
        shell = protocol.open_shell(codepage=65001)
        found = []
        for key in keys:
            started = protocol.run_command(shell, f'reg query "{key}" /s')
            found.append(protocol.get_command_output(shell, started)[0].decode())
            protocol.cleanup_command(shell, started)
        protocol.close_shell(shell)
        return found

    def add(self, name: str, *lines: str) -> None:
        for line in lines:
            assert "rc=0" in self.raw(name, line)

    def raw(self, name: str, line: str) -> str:
        from winrm.protocol import Protocol

        user = f"{ADMIN['domain']}\\{ADMIN['name']}"
        url = f"http://{self.address(name)}:{self.endpoint.ports['http']}/wsman"
        protocol = Protocol(url, transport="ntlm", username=user, password=ADMIN["password"])
        shell = protocol.open_shell(codepage=65001)
        out, _err, code = protocol.get_command_output(shell, protocol.run_command(shell, line))
        protocol.close_shell(shell)
        return f"{out.decode()} rc={code}"


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A package, and what the model knows about it."""
    path = tmp_path_factory.mktemp("packages") / "talk.msi"
    return path, package(path)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, talk):
    with running(
        tmp_path_factory.mktemp("desktops"),
        users=[ADMIN],
        listeners=[{"address": "0.0.0.0", "port": 0}],  # noqa: S104 - every loopback address is a desktop
        backend="light",
        backend_options={"model": {"users": [ANNA], "products": [talk[1]]}},
    ) as endpoint:
        yield endpoint


@pytest.fixture
def site(tmp_path, endpoint, talk):
    return Site(tmp_path, endpoint, talk[0])


def test_from_clients_to_nothing(site):
    """Install with desktops' keys alone; no leave, a plan, the removal ring by ring, once more."""
    installed = site.play("clients")
    assert installed.returncode == 0, installed.stdout
    site.add("pc1", f'reg add "{TALK}" /v Own /d neighbour', f'reg add "{POLICY}" /v Own /d neighbour')
    user = f"HKU\\{ANNA['sid']}\\Software\\Corp Talk"
    talk, policy, of_anna = site.registry("pc1", TALK, POLICY, user)
    assert "Licence" in talk and "Mode    REG_SZ    full" in talk and "Update" in policy and "Start" in of_anna

    before = len(site.endpoint.log())
    refused = site.play("remove")
    assert refused.returncode != 0
    assert "removes the clients and their settings from 4 desktops" in refused.stdout
    assert "-e remove=clients" in refused.stdout
    wrong = site.play("remove", "-e", "remove=clients", "-e", "windows_client_state=present")
    assert wrong.returncode != 0 and "windows_client_state is present, and this playbook removes." in wrong.stdout
    assert len(site.endpoint.log()) == before

    planned = site.play("remove", "--check", "--diff")
    assert planned.returncode == 0, planned.stdout
    assert "4  would be changed" in planned.stdout
    assert "-Corp Talk 1.0.0 (machine)" in planned.stdout
    assert "-  Update = dword:0" in planned.stdout or "-  Update" in planned.stdout
    assert site.registry("pc1", TALK, POLICY, user) == [talk, policy, of_anna]
    assert not (site.folder / "report" / "remove.json").exists()

    order = len(site.endpoint.log())
    done = site.play("remove", "-e", "remove=clients")
    assert done.returncode == 0, done.stdout
    addresses = [line["desktop"] for line in site.endpoint.log()[order:] if line.get("desktop")]
    assert next(iter(addresses)) == site.address("pc1")
    assert "1. pilot: 1 desktop: pc1" in done.stdout
    assert site.statuses("remove") == dict.fromkeys(site.names, "changed")
    # What the playbook clients reported stays.
    assert site.statuses("clients") == dict.fromkeys(site.names, "changed")
    talk, policy, of_anna = site.registry("pc1", TALK, POLICY, user)
    machine = "HKEY_LOCAL_MACHINE\\SOFTWARE"
    own = "    Own    REG_SZ    neighbour"
    assert lines(talk) == [f"{machine}\\Corp Talk", own, f"{machine}\\Corp Talk\\Vendor"]
    assert lines(policy) == [f"{machine}\\Policies\\Corp Talk", own, f"{machine}\\Policies\\Corp Talk\\Empty"]
    assert "Start" not in of_anna
    (left,) = site.registry("pc1", "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall")
    assert "Corp Talk" not in left

    again = site.play("remove", "-e", "remove=clients")
    assert again.returncode == 0, again.stdout
    assert site.statuses("remove") == dict.fromkeys(site.names, "unchanged")


def test_those_that_were_off(site):
    """They are named, and removed from by --limit alone."""
    assert site.play("clients").returncode == 0
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        site.of_host = {"pc3": {"ansible_port": nobody.getsockname()[1]}}
        first = site.play("remove", "-e", "remove=clients")
    assert first.returncode == 0, first.stdout
    retry = site.folder / "report" / "remove.retry"
    assert retry.read_text().split() == ["pc3"]
    assert f"--limit @{retry}" in first.stdout
    assert not (site.folder / "report" / "clients.retry").exists()
    site.of_host = {}
    # A retry needs leave, too.
    assert site.play("remove", "--limit", f"@{retry}").returncode != 0
    again = site.play("remove", "-e", "remove=clients", "--limit", f"@{retry}")
    assert again.returncode == 0, again.stdout
    assert site.statuses("remove") == {"pc3": "changed"}
    assert not retry.exists()


def test_a_relative_folder_is_below_where_ansible_was_started(site):
    """And not below the playbook, which lies in the installed collection."""
    site.variables["chat_report_directory"] = "results"
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        site.of_host = {"pc3": {"ansible_port": nobody.getsockname()[1]}}
        ran = site.play("clients")
    assert ran.returncode == 0, ran.stdout
    retry = site.folder / "results" / "clients.retry"
    assert retry.read_text().split() == ["pc3"]
    assert f"--limit @{retry}" in ran.stdout
    site.play("verify")
    assert json.loads((site.folder / "results" / "verify.json").read_text())["checks"]


def test_both_verbs_in_one_run(site):
    """The second one makes its own plan, and does not take the results of the first for its own."""
    assert site.play("clients").returncode == 0
    verbs = [
        {"import_playbook": "onprem.chat.remove", "vars": {"remove": "clients"}},
        {"import_playbook": "onprem.chat.clients"},
    ]
    (site.folder / "anew.yml").write_text(json.dumps(verbs))
    ran = site.play("anew.yml")
    assert ran.returncode == 0, ran.stdout
    assert (ran.stdout.count("1. pilot: 1 desktop: pc1"), ran.stdout.count("3. pilot")) == (2, 0)
    assert ran.stdout.count('"     1  changed"') == ran.stdout.count('"     3  not begun yet"') == 2
    assert site.statuses("clients") == dict.fromkeys(site.names, "changed")


def test_verify_asks_a_sample(site):
    """Desktops with the client, without it, and one that is off; of four two are asked when two are wanted."""
    assert site.play("clients", "--limit", "pc1,pc2").returncode == 0
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        site.of_host = {"pc4": {"ansible_port": nobody.getsockname()[1]}}
        checks = site.verified()
    seen = [(check["subject"], check["id"], check["status"]) for check in checks if check["id"] == "windows.client"]
    assert seen == [
        ("pc1, Corp Talk", "windows.client", "pass"),
        ("pc2, Corp Talk", "windows.client", "pass"),
        ("pc3, Corp Talk", "windows.client", "fail"),
        ("pc4", "windows.client", "skip"),
    ]
    assert checks[-1]["evidence"].startswith(
        f"the desktop could not be asked: {site.address('pc4')} refuses connections"
    )
    assert [check["evidence"] for check in checks if check["id"] == "windows.client"][
        2
    ] == "Corp Talk 1.0.0 is not installed"
    site.of_host = {}
    site.variables["chat_verify_desktops"] = 2
    assert {check["subject"].split(",")[0] for check in site.verified()} == {"pc1", "pc3"}
    # Those for which no client is wanted are not among them, be it the first.
    site.of_host = {"pc1": {"chat_clients": []}}
    assert {check["subject"].split(",")[0] for check in site.verified()} == {"pc2", "pc3"}
    site.of_host = {}
    site.variables["chat_verify_desktops"] = 0
    nobody = site.play("verify")
    assert nobody.returncode != 0
    assert "No desktop was asked, so nothing is proven: chat_verify_desktops is 0." in " ".join(nobody.stdout.split())


def test_mistakes_in_a_site_file_of_desktops_alone(site):
    """Nothing of the servers is missed, and typing mistakes are found before anybody is asked."""
    site.variables["chat_client_ring"] = ["pilot"]
    site.variables["chat_clients"][0]["sha"] = "12"
    site.variables["chat_domian"] = "corp.test"
    for verb, leave in (("clients", ()), ("remove", ("-e", "remove=clients"))):
        run = site.play(verb, *leave)
        assert run.returncode != 0
        assert "The variables of pc1 hold 3 mistakes" in run.stdout, run.stdout
        assert "Did you mean chat_client_rings?" in run.stdout
        assert "chat_clients[0].sha is no key here" in run.stdout
        assert "Did you mean chat_domain?" in run.stdout
        assert "is not set" not in run.stdout
    assert site.asked() == []


def test_a_placeholder_for_the_password_reaches_no_desktop(site):
    """It would be a wrong attempt on each, and the account would be locked."""
    site.of_host = {"pc2": {"ansible_password": "{{ vault_rollout }}", "vault_rollout": "CHANGE_ME"}}
    ran = site.play("clients", "--check")
    assert ran.returncode != 0
    assert "The variables of pc2 hold 1 mistake" in ran.stdout, ran.stdout
    assert "ansible_password is still the placeholder CHANGE_ME" in ran.stdout
    assert site.asked() == []
    ran = site.play("verify")
    assert ran.returncode != 0
    assert "The variables of pc2 hold 1 mistake" in ran.stdout, ran.stdout
    assert "pc2" not in site.asked() and "pc1, Corp Talk" in ran.stdout
