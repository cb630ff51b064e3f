# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook clients: rings, a bad ring, desktops that are off, two domains, removal.

Against the modelled desktops (tests/lab/desktops/light, a stand-in) on loopback addresses, each of which is a desktop; no
laboratory. What is modelled is no evidence for Windows; what is tested is who is asked, in which order, and what is told.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from modelled_packages import package
from winrm_endpoint import ADMIN, Endpoint, running

ROOT = Path(__file__).resolve().parents[2]

BRANCH = {"name": "rollout", "domain": "BRANCH", "realm": "branch.test", "password": "Zweig-2"}
CANARY = "canary-4711"
SETTINGS = [
    {"key": "HKLM\\SOFTWARE\\Corp Talk", "name": "Licence", "data": CANARY, "secret": True},
    {"key": "HKLM\\SOFTWARE\\Corp Talk", "name": "Port", "type": "dword", "data": 5222},
]
NETWORKS = itertools.count(1)
# The desktop's installer gives these exit codes, one after the other, then 0.
EXIT_CODES = {"good": [], "bad": [1603], "restart": [3010]}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """What the installers of some products are, and how they end."""
    folder = tmp_path_factory.mktemp("packages")
    made = {}
    for number, (name, codes) in enumerate(EXIT_CODES.items(), 1):
        path = folder / f"{name}.msi"
        made[name] = (path, package(path, name=f"Corp {name}", number=number, family=number, exit_codes=codes))
    return made


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, packages):
    products = [product for _path, product in packages.values()]
    with running(
        tmp_path_factory.mktemp("desktops"),
        users=[ADMIN, BRANCH],
        listeners=[{"address": "0.0.0.0", "port": 0}],  # noqa: S104 - every loopback address is a desktop
        backend="light",
        backend_options={"model": {"products": products}},
    ) as endpoint:
        yield endpoint


@dataclass
class Run:
    """What a run of the playbook left."""

    code: int
    output: str
    stats: dict[str, dict[str, int]]
    plays: list[dict]

    def results(self, name: str) -> list[dict]:
        """Of all hosts, of the tasks of this name."""
        tasks = [task for play in self.plays for task in play["tasks"] if task["task"]["name"].endswith(name)]
        return [result for task in tasks for result in task["hosts"].values()]

    def summary(self) -> list[str]:
        """The last one."""
        return self.results("Report | The desktops so far")[-1]["msg"]


@dataclass
class Site:
    """An inventory of fresh desktops: number 1 to 12, of which 1 and 2 are the pilot ring, 3 to 6 the floor."""

    folder: Path
    endpoint: Endpoint
    variables: dict
    rings: tuple[str, ...] = ("pilot", "floor")
    of_host: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network = next(NETWORKS)
        self.names = [f"pc{number}" for number in range(1, 13)]

    def address(self, name: str) -> str:
        return f"127.88.{self.network}.{name.removeprefix('pc')}"

    def asked(self) -> list[str]:
        """The desktops that were asked anything, in the order of the first time."""
        names = {self.address(name): name for name in self.names}
        seen = [names[line["desktop"]] for line in self.endpoint.log() if line.get("desktop") in names]
        return list(dict.fromkeys(seen))

    def inventory(self) -> Path:
        def login(user: dict) -> dict:
            return {"ansible_user": f"{user['domain']}\\{user['name']}", "ansible_password": user["password"]}

        def some(first: int, last: int) -> dict:
            return {name: {} for name in self.names[first - 1 : last]}

        site = {
            "chat_domain": "corp.test",
            "chat_host": "chat.corp.test",
            "chat_addresses": ["10.0.0.1"],
            "chat_ad_ca_file": __file__,
            "chat_ldap_bind_dn": "CN=x,DC=corp,DC=test",
            "chat_ldap_bind_password": "x",
            "chat_dns_method": "export",
            "chat_ca_directory": str(self.folder / "pki"),
            "chat_ca_passphrase": "x" * 12,
            "chat_client_rings": list(self.rings),
            "chat_client_settings": SETTINGS,
            "chat_report_directory": str(self.folder / "report"),
        }
        connection = {
            "ansible_connection": "winrm",
            "ansible_port": self.endpoint.ports["http"],
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "ntlm",
        }
        hosts = {name: {"ansible_host": self.address(name), **self.of_host.get(name, {})} for name in self.names}
        groups = {
            "chat_desktops": {"children": {"corp": {}, "branch": {}}, "vars": connection},
            # Each domain has its own account.
            "corp": {"hosts": some(1, 8), "vars": login(ADMIN)},
            "branch": {"hosts": some(9, 12), "vars": login(BRANCH)},
            "pilot": {"hosts": some(1, 2)},
            # A ring may have hosts that are no desktops.
            "floor": {"hosts": {**some(3, 6), "printer": {}}},
        }
        path = self.folder / "hosts.json"
        path.touch(0o600)
        path.write_text(
            json.dumps({"all": {"hosts": hosts, "children": groups, "vars": site | self.variables}}), encoding="utf-8"
        )
        return path

    def run(self, *arguments: str) -> Run:
        command = ["ansible-playbook", "onprem.chat.clients", "-i", str(self.inventory()), "--forks", "6", *arguments]
        environment = os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
        ran = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=170
        )
        assert CANARY not in ran.stdout + ran.stderr
        try:
            seen = json.loads(ran.stdout[ran.stdout.index("{") :])
        except ValueError:
            pytest.fail(ran.stdout + ran.stderr)
        return Run(ran.returncode, ran.stdout + ran.stderr, seen["stats"], seen["plays"])

    def report(self) -> dict:
        file = self.folder / "report" / "clients.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert CANARY not in file.read_text()
        return json.loads(file.read_text())

    def statuses(self) -> dict[str, str]:
        return {name: result["status"] for name, result in self.report()["desktops"].items()}

    def retry(self) -> list[str]:
        file = self.folder / "report" / "clients.retry"
        if not file.exists():
            return []
        assert file.stat().st_mode & 0o777 == 0o600
        return file.read_text().split()


@pytest.fixture
def site(tmp_path, endpoint, packages):
    def site(package: str = "good", **variables) -> Site:
        client = {"package": str(packages[package][0]), "delivery": "channel"}
        return Site(tmp_path, endpoint, {"chat_clients": [client], **variables})

    return site


def counted(run: Run, word: str) -> int:
    return next(int(line.split()[0]) for line in run.summary() if line.endswith(word))


def test_ring_by_ring_and_again(site):
    """Plan, first run, second run, removal: three rings, two domains."""
    site = site()
    planned = site.run("--check", "--diff")
    assert planned.code == 0, planned.output
    assert counted(planned, "would be changed") == 12
    assert not (site.folder / "report").exists()

    done = site.run()
    assert done.code == 0, done.output
    assert site.statuses() == dict.fromkeys(site.names, "changed")
    assert site.retry() == []
    assert (counted(done, "  changed"), counted(done, "not begun yet")) == (12, 0)
    first = done.results("Report | The desktops so far")[0]["msg"]
    assert first[:3] == ["12 desktops in this run", "     0  unchanged", "     2  changed"]
    assert "    10  not begun yet" in first
    order = site.asked()
    assert (set(order[:2]), set(order[2:6])) == ({"pc1", "pc2"}, {"pc3", "pc4", "pc5", "pc6"})

    again = site.run()
    assert again.code == 0, again.output
    assert {stats["changed"] for stats in again.stats.values()} == {0}
    assert counted(again, "unchanged") == 12

    gone = site.run("-e", "windows_client_state=absent")
    assert gone.code == 0, gone.output
    assert counted(gone, "  changed") == 12
    assert counted(site.run("-e", "windows_client_state=absent", "--limit", "pilot"), "unchanged") == 2


def test_desktops_that_are_off(site):
    """They are listed and do not fail; --limit @clients.retry asks them alone."""
    site = site("restart", chat_client_batch=4)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        site.of_host = {name: {"ansible_port": nobody.getsockname()[1]} for name in ("pc2", "pc9")}
        first = site.run()
    assert first.code == 0, first.output
    assert site.retry() == ["pc2", "pc9"]
    text = site.folder / "report" / "clients.txt"
    assert text.stat().st_mode & 0o777 == 0o600
    assert text.read_text().splitlines() == first.summary()
    statuses = dict.fromkeys(site.names, "reboot_required") | {"pc2": "unreachable", "pc9": "unreachable"}
    assert site.statuses() == statuses
    assert (counted(first, "unreachable"), counted(first, "failed")) == (2, 0)
    assert any(line.startswith(f"unreachable: pc2: {site.address('pc2')} refuses") for line in first.summary()), (
        first.summary()
    )
    # Rings of 2, 4 and 6, no more than 4 at once.
    serials = [len(play["tasks"][-1]["hosts"]) for play in first.plays if play["play"]["name"] == "Roll out"]
    assert len(serials) == 4

    site.of_host = {}
    before = len(site.asked())
    again = site.run("--limit", f"@{site.folder}/report/clients.retry")
    assert again.code == 0, again.output
    assert site.asked()[before:] == ["pc2", "pc9"]
    assert site.statuses() == {"pc2": "reboot_required", "pc9": "reboot_required"}
    assert site.retry() == []


def test_a_bad_ring_ends_the_rollout(site):
    site = site("bad")
    bad = site.run()
    assert bad.code == 2, bad.output
    assert set(site.asked()) == {"pc1", "pc2"}
    assert site.statuses() == {"pc1": "failed", "pc2": "failed"}
    assert site.report()["not_begun"] == site.names[2:]
    assert site.retry() == ["pc1", "pc2"]
    assert (counted(bad, "failed"), counted(bad, "not begun yet")) == (2, 10)
    assert {result["msg"].count("1603") > 0 for result in bad.results("and end the rollout")} == {True}
    # The installer works the second time; the next ring's fails for the first.
    assert site.run().code == 2
    assert site.statuses() == dict.fromkeys(["pc1", "pc2"], "changed") | dict.fromkeys(site.names[2:6], "failed")


def test_a_domain_with_a_wrong_password(site):
    """Two accounts in one run: the desktops of the one fail with the reason, the others go on up to the limit."""
    wrong = {name: {"ansible_password": "wrong"} for name in ("pc1", "pc9", "pc10", "pc11", "pc12")}
    site = site(chat_client_max_fail_percentage=50)
    site.of_host = wrong
    run = site.run()
    assert run.code == 2, run.output
    # 1 of 2 in the pilot ring is not more than half, and is not counted in the next one; 4 of 6 of the rest are more.
    assert site.statuses() == dict.fromkeys(site.names, "changed") | dict.fromkeys(wrong, "failed")
    reason = site.report()["desktops"]["pc9"]["msg"]
    assert reason.startswith(f"{site.address('pc9')} refused the credentials of BRANCH\\rollout"), reason
    assert site.retry() == list(wrong)

    site.of_host = {"pc9": wrong["pc9"]}
    assert site.run("--limit", "pc8,pc9").code == 2
    assert site.statuses() == {"pc8": "unchanged", "pc9": "failed"}


def test_within_the_limit_is_still_no_success(site):
    """The rollout reaches the last ring, and the exit code says that one failed in the first."""
    site = site(chat_client_max_fail_percentage=50)
    site.of_host = {"pc1": {"ansible_password": "wrong"}}
    run = site.run()
    assert run.code == 2, run.output
    assert site.statuses() == dict.fromkeys(site.names, "changed") | {"pc1": "failed"}


def test_mistakes_in_the_inventory(site):
    """Found before anybody is asked."""
    mistaken = site()
    mistaken.rings = ("pilot", "flor")
    run = mistaken.run()
    assert run.code != 0
    assert "no group of the inventory: flor" in run.output
    assert mistaken.asked() == []

    empty = site(chat_clients=[], chat_client_settings=[])
    run = empty.run()
    assert run.code != 0
    assert "nothing to do on" in run.output

    # One that all of them have is told once.
    shared = site(chat_client_ring=["pilot"])
    run = shared.run()
    assert run.code != 0
    assert "Did you mean chat_client_rings?" in run.output
    assert {name for name, stats in run.stats.items() if stats["failures"]} == {"pc1"}

    # A file is no folder.
    nowhere = site(chat_report_directory=f"{__file__}/report")
    run = nowhere.run()
    assert run.code != 0
    assert "There is a folder for the results" in run.output
    assert nowhere.asked() == []

    misspelt = site()
    misspelt.of_host = {"pc7": {"chat_client_ring": ["pilot"]}}
    run = misspelt.run()
    assert run.code != 0
    assert "Did you mean chat_client_rings?" in run.output
    assert misspelt.asked() == []


def test_the_soak_begins():
    """The first run of `make soak-clients`, with few desktops: a bad ring, with one that is off; the others are not begun."""
    program = ROOT / "tests" / "soak" / "clients_many.py"
    command = [sys.executable, program, "--desktops", "30", "--forks", "6", "--runs", "1"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("stopped: 9 changed, 1 failed, 1 unreachable, 19 not begun yet;")
