# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's WinRM endpoint with stock pywinrm, pypsrp and Ansible's winrm connection, all unmodified.

HTTP and HTTPS, NTLM and Kerberos (tickets of Samba's domain controller). Commands run in /bin/sh here: what is tested is the protocol.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
import winrm_clients
from winrm_endpoint import ADMIN, certificate, running

CLIENTS = Path(winrm_clients.__file__)
HOST = "desk.corp.test"
# pypsrp asks for host/…, pywinrm for HTTP/…; a Windows computer has both.
EXPORT = f"""
samba-tool user show svc-desk >/dev/null 2>&1 || samba-tool user create svc-desk --random-password >&2
rm -f /root/desk.keytab
cd /
for name in HTTP/{HOST} host/{HOST}; do
  samba-tool spn list svc-desk | grep -q $name || samba-tool spn add $name svc-desk >&2
  samba-tool domain exportkeytab /root/desk.keytab --principal=$name >&2
done
base64 /root/desk.keytab
"""
MATRIX = [(scheme, mechanism) for scheme in ("http", "https") for mechanism in ("ntlm", "kerberos")]


@pytest.fixture(scope="module")
def person(lab):
    """Somebody of the domain, whom the endpoint takes for an administrator."""
    name, password = sorted(lab.secrets["users"].items())[0]
    return {"name": name, "password": password, "domain": "CORP", "realm": "corp.test"}


@pytest.fixture(scope="module")
def endpoint(lab, person, tmp_path_factory):
    """Where users are, with a key of the domain, HTTP and HTTPS."""
    folder = tmp_path_factory.mktemp("endpoint")
    keytab = folder / "desk.keytab"
    keytab.touch(0o600)
    keytab.write_bytes(base64.b64decode(lab.exec("dc1", ["bash", "-c", EXPORT], check=True).stdout))
    within = [str(Path(__file__).resolve().parents[1] / "lab" / "lab"), "exec", "users", "--"]
    listeners = [
        {"address": "127.0.0.1", "port": 0},
        {"address": "127.0.0.1", "port": 0, "certificate": certificate(folder)},
    ]
    with running(folder, within, users=[person, ADMIN], listeners=listeners, keytab=str(keytab)) as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def ticket(lab, person, tmp_path_factory):
    """Environment with a ticket of that person."""
    cache = f"FILE:{tmp_path_factory.mktemp('ticket') / 'cache'}"
    command = ["env", f"KRB5CCNAME={cache}", "kinit", f"{person['name']}@CORP.TEST"]
    lab.exec("users", command, check=True, input=f"{person['password']}\n")
    return ["env", f"KRB5CCNAME={cache}"]


def ask(lab, environment, job: dict) -> dict:
    """One stock client where users are."""
    run = lab.exec("users", [*environment, sys.executable, str(CLIENTS)], check=True, input=json.dumps(job))
    return json.loads(run.stdout.splitlines()[-1])


def job(endpoint, person, client: str, scheme: str, mechanism: str, **changed) -> dict:
    names = {"ntlm": f"CORP\\{person['name']}", "kerberos": f"{person['name']}@CORP.TEST"}
    return {
        "client": client,
        "url": endpoint.url(scheme),
        "mechanism": mechanism,
        "username": names[mechanism],
        "password": person["password"] if mechanism == "ntlm" else None,
        "host": HOST if mechanism == "kerberos" else "",
        "trust": str(endpoint.folder / "leaf.pem") if scheme == "https" else "",
    } | changed


@pytest.mark.parametrize("client", ["pywinrm", "pypsrp"])
@pytest.mark.parametrize(("scheme", "mechanism"), MATRIX)
def test_clients(lab, endpoint, person, ticket, client, scheme, mechanism):
    before = len(endpoint.log())
    assert ask(lab, ticket, job(endpoint, person, client, scheme, mechanism)) == {"results": winrm_clients.EXPECTED}
    lines = [line for line in endpoint.log()[before:] if "verb" in line]
    assert {(line["scheme"], line["mechanism"], line["user"]) for line in lines} == {
        (scheme, mechanism, person["name"])
    }
    assert [line["fault"] for line in lines if "fault" in line] == [2150858793], "one Receive with nothing to say"
    assert lines[-1]["verb"] == "Delete"
    assert lines[-1]["shells"] == 0


@pytest.mark.parametrize(("scheme", "mechanism"), MATRIX)
def test_ansible(lab, endpoint, person, ticket, tmp_path, scheme, mechanism):
    """`raw` of a line that begins with "type ": the only one that the connection does not wrap into PowerShell."""
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": endpoint.address,
        "ansible_port": endpoint.ports[scheme],
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": mechanism,
        "ansible_user": f"CORP\\{person['name']}" if mechanism == "ntlm" else f"{person['name']}@CORP.TEST",
        "ansible_password": person["password"] if mechanism == "ntlm" else "",
        "ansible_winrm_kinit_mode": "manual",
        "ansible_winrm_kerberos_hostname_override": HOST,
        "ansible_winrm_ca_trust_path": str(endpoint.folder / "leaf.pem"),
        "ansible_shell_type": "cmd",
    }
    if scheme == "http":
        del variables["ansible_winrm_ca_trust_path"]
    inventory = tmp_path / "inventory.json"
    inventory.touch(0o600)
    inventory.write_text(json.dumps({"all": {"hosts": {"desk": variables}}}))
    run = lab.exec("users", [*ticket, "ansible", "desk", "-i", str(inventory), "-m", "raw", "-a", "type echo; exit 5"])
    assert "desk | FAILED | rc=5 >>\necho is a shell builtin" in run.stdout, run.stdout + run.stderr
    assert endpoint.log()[-1]["shells"] == 0


def test_without_a_ticket(lab, endpoint, person, tmp_path):
    environment = ["env", f"KRB5CCNAME=FILE:{tmp_path}/none"]
    assert "error" in ask(lab, environment, job(endpoint, person, "pywinrm", "http", "kerberos"))


def test_a_ticket_for_another_service(lab, endpoint, person, ticket):
    answer = ask(lab, ticket, job(endpoint, person, "pywinrm", "http", "kerberos", host="dc1.corp.test"))
    assert answer["error"] == "InvalidCredentialsError"


def test_the_clock_is_wrong(lab, endpoint, person, ticket):
    """More than five minutes: the endpoint's Kerberos refuses the authenticator, and the client learns 401 only."""
    lab.exec("users", [*ticket, "kvno", f"HTTP/{HOST}"], check=True)
    environment = [*ticket, "faketime", "-f", "+8m"]
    answer = ask(lab, environment, job(endpoint, person, "pywinrm", "http", "kerberos"))
    assert answer["error"] == "InvalidCredentialsError"
    assert "skew" in endpoint.log()[-1]["refused"].casefold()


def test_one_who_is_no_user_of_it(lab, endpoint, person, tmp_path):
    """Kerberos knows everybody of the domain; WinRM lets administrators in."""
    name, password = sorted(lab.secrets["users"].items())[1]
    environment = ["env", f"KRB5CCNAME=FILE:{tmp_path}/cache"]
    lab.exec("users", [*environment, "kinit", f"{name}@CORP.TEST"], check=True, input=f"{password}\n")
    stranger = {**person, "name": name}
    answer = ask(lab, environment, job(endpoint, stranger, "pywinrm", "http", "kerberos"))
    assert (answer["error"], "Access is denied" in answer["text"]) == ("WSManFaultError", True)


def test_it_can_be_started_by_hand(tmp_path):
    """What is wrong with a configuration is said."""
    config = tmp_path / "config.json"
    config.write_text('{"listener": []}')
    command = [sys.executable, "-m", "endpoint", "--config", str(config)]
    run = subprocess.run(
        command, cwd=CLIENTS.parents[1] / "lab" / "desktops", capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (2, f"endpoint: {config}: Config: unknown listener\n")
