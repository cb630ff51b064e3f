# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said when nobody is let in. Never by the account of the run: wrong passwords would lock it."""

from __future__ import annotations

import secrets
import subprocess
import typing as t
from pathlib import Path

import pytest
from machine import KEY, Machine

NAMES = ("ansible_user", "ansible_winrm_user")
# What a password reaches the connection by; all win over an inventory's.
PASSWORDS = ("ansible_password", "ansible_winrm_password", "ansible_winrm_pass", "ansible_ssh_pass")
BY_PASSWORD = {"ntlm", "kerberos", "basic", "plaintext", "ssl", "credssp"}


@pytest.fixture
def nobody(machine: Machine) -> dict[str, t.Any]:
    """Variables of an account that surely does not exist, in the domain of the real one."""
    host = machine.host
    user = str(host.variable("ansible_winrm_user") or host.variable("ansible_user") or "")
    domain, backslash, _name = user.rpartition("\\")
    realm = "" if backslash else user.partition("@")[2]
    name = f"opc-nobody-{secrets.token_hex(3)}"
    other = f"{domain}{backslash}{name}{'@' if realm else ''}{realm}"
    return {**dict.fromkeys(NAMES, other), **dict.fromkeys(PASSWORDS, secrets.token_urlsafe(12))}


def refused(machine: Machine, instead: dict[str, t.Any]) -> dict[str, t.Any]:
    """The error of a task with other variables."""
    other = machine.host.but(instead)
    wrong = [name for name, value in instead.items() if other.variable(name) != value]
    if wrong:
        pytest.skip(f"the inventory's {', '.join(wrong)} cannot be replaced: the real account would be tried")
    setting = {"key": KEY, "name": "a", "state": "absent"}
    result = other.task("onprem.chat.win_registry", {"settings": [setting]}, check=True)
    assert result["failed"] and "error" in result, f"the host let somebody in who does not exist: {result}"
    error: dict[str, t.Any] = result["error"]
    assert all(error[part] for part in ("what", "where", "cause", "remedy"))
    return error


def test_an_account_that_does_not_exist(machine: Machine, nobody: dict[str, t.Any]) -> None:
    """diagnosis.SIGNS: what the login says of a name or password that is wrong, and what to do."""
    given = machine.host.variable("ansible_winrm_transport") or []
    methods = {given} if isinstance(given, str) else set(given)
    if methods - BY_PASSWORD:
        pytest.skip("the inventory lets nobody in by a password")
    if "kerberos" in methods and machine.host.variable("ansible_winrm_kinit_mode") == "manual":
        pytest.skip("the inventory's tickets are taken by hand: no name and no password is sent")
    error = refused(machine, nobody)
    assert error["kind"] == "refused", error
    assert error["reason"] in ("wrong_password", "unknown_user", "basic"), error
    assert nobody["ansible_user"] in error["what"], error


def test_a_certificate_of_nobody(machine: Machine, nobody: dict[str, t.Any], tmp_path: Path) -> None:
    """diagnosis.SIGNS: what OpenSSL says of a certificate that the controller's authorities have not issued."""
    host = machine.host
    port = str(host.variable("ansible_winrm_port") or host.variable("ansible_port") or "")
    if str(host.variable("ansible_winrm_scheme") or ("http" if port == "5985" else "https")) != "https":
        pytest.skip("the connection is HTTP: there is no certificate")
    file = tmp_path / "another.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    command += ["-subj", "/CN=An authority of a test", "-keyout", str(tmp_path / "key.pem"), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    only = {"ansible_winrm_ca_trust_path": str(file), "ansible_winrm_server_cert_validation": "validate"}
    # Kerberos would ask a domain controller first, which knows nobody of that name.
    error = refused(machine, {**nobody, **only, "ansible_winrm_transport": ["ntlm"]})
    assert (error["kind"], error["reason"]) == ("untrusted", "certificate_issuer"), error
