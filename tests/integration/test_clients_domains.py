# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook clients over two domains in one run, with inventories/example_multi_domain: win1 of CORP and win3 of BRANCH.

Real there: two Samba domains without a trust, their LDAP and Kerberos; the collection microsoft.ad; packages and registry on
Wine; an authority for each domain. A stand-in: the WinRM service of the desktops. Wine is not Windows.
"""

from __future__ import annotations

import re

import pytest
from lab_desktops import ROLLOUT, Desktop
from lab_domains import Directory, Inventory, own_authority, present

WIN1, WIN3 = BOTH = ("win1.corp.test", "win3.branch.test")
KEY = "HKLM\\SOFTWARE\\Policies\\Corp Talk"
CANARY = "wrong-canary-4711"
LIMIT = ("--limit", ",".join(BOTH))
NTLM = ("-e", "ansible_winrm_transport=ntlm")


@pytest.fixture(scope="module")
def desktops(lab):
    """win1 of CORP and win3 of BRANCH, clean."""
    lab.reset("win1", "win3")
    return {WIN1: Desktop(lab, "win1"), WIN3: Desktop(lab, "win3")}


@pytest.fixture(scope="module")
def authorities(lab, desktops, tmp_path_factory):
    """Each domain's own: the desktop of the branch gets a certificate of another root than that of the company."""
    folder = tmp_path_factory.mktemp("authorities") / "branch"
    authority = own_authority(folder, "Branch Test Root CA")
    issued = authority.issue([WIN3])
    there = desktops[WIN3].root / "etc/endpoint"
    before = [(there / name).read_bytes() for name in ("endpoint.crt", "endpoint.key")]
    present(desktops[WIN3], issued.pem(), issued.key_pem())
    yield {"corp": lab.state / "company-ca.crt", "branch": folder / "company-root.crt"}
    present(desktops[WIN3], *before)


@pytest.fixture(scope="module")
def directories(lab, desktops):
    found = {name: Directory(lab, name) for name in ("corp", "branch")}
    found["corp"].system("WIN1", "Windows 11 Pro")
    found["branch"].system("WIN3", "Windows 10 Enterprise")
    found["corp"].fill(pilots=["WIN1"])
    yield found
    found["corp"].clear()
    found["corp"].system("WIN1", "")
    found["branch"].system("WIN3", "")


@pytest.fixture
def site(lab, desktops, directories, authorities, tmp_path):
    def site(port: int = 5222, package: str = "corptalk-1.0.0.msi", **more) -> Inventory:
        keys = {
            "chat_clients": [
                {"package": str(desktops[WIN1].package(package)), "properties": {"SERVER": "chat.corp.test"}}
            ],
            "chat_client_settings": [{"key": KEY, "name": "Port", "type": "dword", "data": port}],
            "chat_client_rings": [],
            "chat_client_max_fail_percentage": 50,
        }
        keys.update(more.pop("site", {}))
        return Inventory(lab, tmp_path, more.pop("authorities", authorities), site=keys, **more)

    return site


class Asked:
    """What the endpoints were asked since this was made."""

    def __init__(self, desktops: dict[str, Desktop]) -> None:
        self.desktops = desktops
        self.before = {name: len(desktop.requests()) for name, desktop in desktops.items()}

    def __call__(self, name: str) -> list[dict]:
        return self.desktops[name].requests()[self.before[name] :]

    def mechanisms(self) -> dict[str, set[str]]:
        """With what each desktop was asked. An account of the other domain is none that it knows, so nobody may be refused."""
        seen = {name: self(name) for name in self.desktops}
        assert [line for lines in seen.values() for line in lines if line.get("refused")] == []
        return {name: {line["mechanism"] for line in lines if line.get("verb")} for name, lines in seen.items()}


def port(desktop: Desktop) -> int:
    """What Wine's own registry says."""
    words = desktop.run(f'reg query "{KEY}" /v Port').stdout.split()
    return int(words[-1], 16) if "REG_DWORD" in words else 0


def ok(run) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_both_domains_in_one_run(site, desktops):
    """Kerberos with two realms at once, then again, then with NTLM: each desktop meets its own account only."""
    inventory = site()
    asked = Asked(desktops)
    ok(inventory.run(*LIMIT))
    assert inventory.statuses() == dict.fromkeys(BOTH, "changed")
    assert asked.mechanisms() == {name: {"kerberos"} for name in BOTH}
    assert {name: port(desktop) for name, desktop in desktops.items()} == dict.fromkeys(BOTH, 5222)
    for desktop in desktops.values():
        assert desktop.file("C:\\Program Files\\Corp Talk\\readme.txt").exists()
        assert desktop.shells() == 0

    for arguments, mechanism in (((), "kerberos"), (NTLM, "ntlm")):
        asked = Asked(desktops)
        told = ok(inventory.run(*LIMIT, *arguments))
        assert inventory.statuses() == dict.fromkeys(BOTH, "unchanged")
        assert set(re.findall(r"changed=\d+", told)) == {"changed=0"}
        assert asked.mechanisms() == {name: {mechanism} for name in BOTH}


@pytest.mark.parametrize(
    ("transport", "reason"),
    [
        ("kerberos", f"The domain refused the password of {ROLLOUT}@BRANCH.TEST ({WIN3})"),
        ("ntlm", f"{WIN3} refused the credentials of {ROLLOUT}@BRANCH.TEST"),
    ],
    ids=["kerberos", "ntlm"],
)
def test_one_domain_with_a_wrong_password(site, desktops, transport, reason):
    """Its desktops fail with the reason, the others get what they shall."""
    inventory = site(port=5300 + len(transport), passwords={"branch": CANARY})
    run = inventory.run(*LIMIT, "-e", f"ansible_winrm_transport={transport}")
    assert run.returncode == 2, run.stdout + run.stderr
    assert inventory.statuses() == {WIN1: "changed", WIN3: "failed"}
    told = inventory.report()["desktops"][WIN3]["msg"]
    assert told.startswith(reason), told
    assert inventory.retry() == [WIN3]
    assert port(desktops[WIN1]) == 5300 + len(transport)
    assert port(desktops[WIN3]) == 5222
    assert CANARY not in run.stdout + run.stderr + str(inventory.report())


def test_the_authority_of_the_other_domain(site, authorities):
    """The branch's desktop is not believed when it is asked with the company's root."""
    inventory = site(authorities=dict.fromkeys(("corp", "branch"), authorities["corp"]))
    run = inventory.run("--limit", WIN3)
    assert run.returncode == 2, run.stdout + run.stderr
    told = inventory.report()["desktops"][WIN3]["msg"]
    assert told.startswith(f"The certificate of {WIN3}"), told


def test_a_desktop_that_is_off_and_comes_back(site, desktops, lab):
    inventory = site(port=5400)
    lab.exec("win1", ["systemctl", "stop", "endpoint"], check=True)
    try:
        ok(inventory.run(*LIMIT))
    finally:
        lab.exec("win1", ["systemctl", "start", "endpoint"], check=True)
    assert inventory.statuses() == {WIN1: "unreachable", WIN3: "changed"}
    assert inventory.retry() == [WIN1]
    desktops[WIN1].eventually(
        lambda: lab.exec("users", ["openssl", "s_client", "-connect", f"{WIN1}:5986"]).returncode == 0
    )
    asked = Asked(desktops)
    ok(inventory.run("--limit", f"@{inventory.folder}/report/clients.retry"))
    assert inventory.statuses() == {WIN1: "changed"}
    assert inventory.retry() == []
    assert asked(WIN3) == []
    assert {name: port(desktop) for name, desktop in desktops.items()} == dict.fromkeys(BOTH, 5400)


def test_a_bad_ring_of_one_domain_ends_the_rollout(site, desktops):
    """The pilot ring is a group of CORP's directory; what fails there never comes to BRANCH."""
    inventory = site(
        port=5500,
        package="corptalk-fails-1.0.0.msi",
        site={"chat_client_rings": ["ring_pilot"], "chat_client_max_fail_percentage": 0},
    )
    asked = Asked(desktops)
    run = inventory.run(*LIMIT)
    assert run.returncode == 2, run.stdout + run.stderr
    assert inventory.statuses() == {WIN1: "failed"}
    assert inventory.report()["not_begun"] == [WIN3]
    assert "1603" in inventory.report()["desktops"][WIN1]["msg"]
    assert asked(WIN3) == []
    assert port(desktops[WIN3]) == 5400
