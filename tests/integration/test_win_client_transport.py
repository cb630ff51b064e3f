# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client and win_registry as tasks of a playbook over every kind of connection, and what they say when nobody is let in.

Real: Ansible's winrm connection, Kerberos and NTLM against a Samba domain, tickets that expire, clocks that differ, certificates of an
own authority; installers and registry of Wine. A stand-in: the WinRM service.
"""

from __future__ import annotations

import json
import os

import pytest
from lab_desktops import ROLLOUT

USER = f"{ROLLOUT}@CORP.TEST"
HTTPS = "win1.corp.test, https://win1.corp.test:5986/wsman"
HTTP = "win1.corp.test, http://win1.corp.test:5985/wsman"
KEY = "HKLM\\SOFTWARE\\OnPrem Transport"
FAKETIME = {"clock_skew": "+20m", "ticket_expired": "+2m"}


class Tasks:
    """A playbook with both modules, run where users are."""

    def __init__(self, desktop, folder) -> None:
        self.desktop = desktop
        self.folder = folder

    def run(self, variables: dict, data: str = "", *before: str) -> list[dict]:
        """What win_client and win_registry return."""
        inventory, playbook = self.folder / "inventory.json", self.folder / "playbook.yml"
        inventory.touch(0o600)
        inventory.write_text(json.dumps({"all": {"hosts": {"win1": variables}}}))
        setting = [{"key": KEY, "name": "a", "data": data}]
        client = {"package": str(self.desktop.package("corptalk-1.0.0.msi")), "settings": setting}
        tasks = [
            {"name": "Client", "onprem.chat.win_client": client, "ignore_errors": True},
            {"name": "Settings", "onprem.chat.win_registry": {"settings": setting}, "ignore_errors": True},
        ]
        playbook.write_text(json.dumps([{"name": "Both", "hosts": "win1", "gather_facts": False, "tasks": tasks}]))
        words = ["env", "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json", *before]
        done = self.desktop.lab.exec(
            "users", [*words, "ansible-playbook", "-i", str(inventory), str(playbook)], env=dict(os.environ)
        )
        try:
            return [task["hosts"]["win1"] for task in json.loads(done.stdout)["plays"][0]["tasks"]]
        except (ValueError, LookupError):
            raise AssertionError((done.stdout[-2000:], done.stderr[-2000:])) from None


@pytest.fixture(scope="module")
def tasks(desktop, tmp_path_factory):
    return Tasks(desktop, tmp_path_factory.mktemp("tasks"))


@pytest.mark.parametrize(
    ("transport", "scheme", "mechanism"),
    [("ntlm", "https", "ntlm"), ("kerberos", "http", "kerberos"), ("kerberos", "https", "kerberos")],
)
def test_an_installation(tasks, transport, scheme, mechanism):
    desktop = tasks.desktop
    desktop.run("msiexec /x {6f8c1d20-5b1a-4c6e-9a00-000000000100} /qn")
    begun = len(desktop.requests())
    client, settings = tasks.run(desktop.variables(transport, scheme), f"{transport} {scheme}")
    assert client["changed"] and [step["exit_code"] for step in client["steps"]] == [0], client
    assert settings["changed"] is False, settings
    said = desktop.requests()[begun:]
    assert {line["mechanism"] for line in said if "verb" in line} == {mechanism}
    assert {line["scheme"] for line in said} == {scheme}
    assert desktop.shells() == 0


def without(variables: dict, name: str) -> dict:
    return {key: value for key, value in variables.items() if key != name}


REFUSED = {
    "wrong_ntlm": f"win1.corp.test refused the credentials of {USER} ({HTTPS}). The user name or the password is wrong; or the account "
    "is locked or expired, or the domain forbids NTLM. Correct ansible_user (DOMAIN\\NAME or NAME@REALM) and ansible_password, mind "
    "that repeated attempts lock the account; where NTLM is forbidden set ansible_winrm_transport to kerberos.",
    "wrong_password": f"The domain refused the password of {USER} (win1.corp.test). ansible_password is not this account's password. "
    "Correct it; mind that repeated attempts lock the account.",
    "certificate": f"The certificate of win1.corp.test is not trusted ({HTTPS}). It is self-signed, or issued by a CA that this "
    "controller does not trust. Set ansible_winrm_ca_trust_path to the CA's certificate in PEM; do not switch the validation off.",
    "wrong_spn": "Kerberos has no ticket for the service HTTP/10.203.0.71 (10.203.0.71, http://10.203.0.71:5985/wsman). The host is "
    "addressed by a name or an address that its computer account has no service principal name for, or another account has it. "
    "Use the host's full name as ansible_host, or set ansible_winrm_kerberos_hostname_override to it; setspn -Q HTTP/10.203.0.71 "
    "shows who has the name.",
    "clock_skew": f"Kerberos refused {USER}: the clocks differ too much ({HTTP}). The clock of this controller, of the domain "
    "controller or of win1.corp.test is more than five minutes off. Let all three take their time from the domain controllers, and "
    "compare: chronyc tracking here, w32tm /query /status there.",
    "ticket_expired": f"The Kerberos ticket of {USER} has expired ({HTTP}). The ticket in the credential cache was taken with "
    "kinit, and nobody renewed it. Run kinit again, or set ansible_password and let Ansible take a ticket for each run.",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_both_say_when_nobody_is_let_in(tasks, reason, tmp_path):
    desktop = tasks.desktop
    kerberos, before = desktop.variables("kerberos", "http"), []
    if reason == "wrong_ntlm":
        variables = {**desktop.variables(), "ansible_password": "wrong-canary"}
    elif reason == "wrong_password":
        variables = {**desktop.variables("kerberos", "https"), "ansible_password": "wrong-canary"}
    elif reason == "certificate":
        variables = without(desktop.variables(), "ansible_winrm_ca_trust_path")
    elif reason == "wrong_spn":
        variables = {**kerberos, "ansible_host": "10.203.0.71"}
    elif reason == "clock_skew":
        variables, before = kerberos, ["faketime", "-f", FAKETIME[reason]]
    else:
        cache = f"FILE:{tmp_path / 'cc'}"
        desktop.lab.exec("users", ["kinit", "-l", "1s", "-c", cache, USER], input=f"{desktop.password}\n", check=True)
        variables = without({**kerberos, "ansible_winrm_kinit_mode": "manual"}, "ansible_password")
        before = [f"KRB5CCNAME={cache}", "faketime", "-f", FAKETIME[reason]]
    for result in tasks.run(variables, reason, *before):
        assert (result.get("failed"), result["msg"]) == (True, REFUSED[reason]), result
        assert "canary" not in json.dumps(result)
    assert desktop.shells() == 0
