# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's two domains for tests of inventories/example_multi_domain: computers in the directories, and that inventory
with the laboratory's passwords (as a vault has them) and authorities put in."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from company_ca import CompanyCA
from lab_desktops import ROLLOUT, Desktop

if TYPE_CHECKING:
    from conftest import Lab

EXAMPLE = Path(__file__).resolve().parents[2] / "inventories/example_multi_domain"
CONTROLLERS = {"corp": "dc1", "branch": "dc3"}
DIRECTORY = {"corp": "10_corp", "branch": "20_branch"}
DATABASE = "/var/lib/samba/private/sam.ldb"
UNIT = "OU=Chat Test"
ENABLED, DISABLED = 4096, 4098
# How Ansible ends where one source of an inventory must not be missing.
FAILED = "Completely failed to parse inventory source"


def filetime(days_ago: float) -> int:
    """What a directory writes for a moment: tenths of microseconds since 1601."""
    return int((time.time() - days_ago * 86400 + 11644473600) * 10_000_000)


@dataclass(frozen=True)
class Computer:
    """An account in a directory, without a computer. None: the attribute is not there."""

    name: str
    seen: float | None = 1
    password: float | None = 1
    system: str = "Windows 11 Pro"
    control: int = ENABLED
    dns: bool = True
    unit: str = UNIT
    pilot: bool = False

    def ldif(self, base: str, domain: str) -> str:
        lines = {
            "dn": f"CN={self.name},{self.unit},{base}",
            "objectClass": "computer",
            "sAMAccountName": f"{self.name}$",
            "userAccountControl": self.control,
            "operatingSystem": self.system,
            "dNSHostName": f"{self.name}.{domain}" if self.dns else None,
            "lastLogonTimestamp": None if self.seen is None else filetime(self.seen),
        }
        return "".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None) + "\n"


class Directory:
    """One domain's database, as its administrator writes it. What is made here lies in one unit."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name, self.domain = lab, name, f"{name}.test"
        self.base = f"DC={name},DC=test"

    def shell(self, script: str, text: str = "") -> None:
        self.lab.exec(CONTROLLERS[self.name], ["sh", "-ec", script], check=True, input=text)

    def clear(self) -> None:
        self.shell(f"samba-tool ou delete '{UNIT},{self.base}' --force-subtree-delete >/dev/null 2>&1 || true")

    def fill(self, computers: Sequence[Computer] = (), pilots: Iterable[str] = ()) -> None:
        """The unit with these computers, and the group of the pilot ring, of which joined desktops can be members, too."""
        self.clear()
        units = sorted({UNIT, *(computer.unit for computer in computers)}, key=len)
        entries = [f"dn: {unit},{self.base}\nobjectClass: organizationalUnit\n\n" for unit in units]
        entries += [computer.ldif(self.base, self.domain) for computer in computers]
        members = [f"CN={one.name},{one.unit}" for one in computers if one.pilot] + [
            f"CN={one},CN=Computers" for one in pilots
        ]
        listed = "".join(f"member: {member},{self.base}\n" for member in members)
        entries.append(
            f"dn: CN=Chat Pilot,{UNIT},{self.base}\nobjectClass: group\nsAMAccountName: Chat Pilot\n{listed}\n"
        )
        self.shell(f"ldbadd -H {DATABASE} --controls=relax:0", "".join(entries))
        # A directory does not let others say when a password was set; Samba does, with this control.
        changes = [
            f"dn: CN={one.name},{one.unit},{self.base}\nchangetype: modify\nreplace: pwdLastSet\n"
            f"pwdLastSet: {0 if one.password is None else filetime(one.password)}\n\n"
            for one in computers
        ]
        bypass = "--controls=relax:0 --controls=local_oid:1.3.6.1.4.1.7165.4.3.12:0"
        if changes:
            self.shell(f"ldbmodify -H {DATABASE} {bypass}", "".join(changes))

    def system(self, computer: str, name: str) -> None:
        """What a joined desktop says that it is; Samba's join says nothing. Empty: nothing again."""
        value = f"operatingSystem: {name}\n" if name else ""
        change = f"dn: CN={computer},CN=Computers,{self.base}\nchangetype: modify\nreplace: operatingSystem\n{value}\n"
        self.shell(f"ldbmodify -H {DATABASE}", change)


def own_authority(folder: Path, name: str) -> CompanyCA:
    """A new authority, whose certificate is folder/company-root.crt."""
    folder.mkdir()
    run = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"),
        *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        *("-keyout", str(folder / "company-issuing.key"), "-out", str(folder / "company-root.crt")),
    ]
    subprocess.run(run, check=True, capture_output=True)
    shutil.copyfile(folder / "company-root.crt", folder / "company-issuing.crt")
    return CompanyCA(folder)


def present(desktop: Desktop, certificate: bytes, key: bytes) -> None:
    """Its WinRM listener presents this certificate from now on."""
    folder = desktop.root / "etc/endpoint"
    for name, content in {"endpoint.crt": certificate, "endpoint.key": key}.items():
        (folder / name).write_bytes(content)
    desktop.lab.exec(desktop.name, ["systemctl", "restart", "endpoint"], check=True)
    asked = f"openssl s_client -connect {desktop.host}:5986 </dev/null >/dev/null 2>&1"
    desktop.eventually(lambda: desktop.lab.exec("users", ["sh", "-c", asked]).returncode == 0)


@dataclass
class Inventory:
    """The example as a site has it after its passwords and authorities were put in.

    options: of the directory files, by domain; None takes one away. site: keys of the site file.
    """

    lab: Lab
    folder: Path
    authorities: dict[str, Path]
    passwords: dict[str, str] = field(default_factory=dict)
    readers: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, object]] = field(default_factory=dict)
    site: dict[str, object] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return self.folder / "inventory"

    def known(self, name: str) -> str:
        """The password of svc-chat-rollout, which reads the directory here, too."""
        secrets = self.lab.secrets
        return (secrets if name == "corp" else secrets["branch"])[ROLLOUT]

    def write(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(EXAMPLE, self.path)
        (self.folder / "vault-password").write_text("the-password-of-the-vault\n")
        vault = VaultLib([("default", VaultSecret(b"the-password-of-the-vault"))])
        for name, prefix in DIRECTORY.items():
            file = self.path / f"{prefix}.microsoft.ad.ldap.yml"
            text = file.read_text().replace("svc-chat-inventory", ROLLOUT)
            secret = vault.encrypt(self.readers.get(name, self.known(name))).decode().splitlines()
            changes = {
                "ca_cert": str(self.authorities[name]) if "ca_cert:" in text else None,
                **self.options.get(name, {}),
                "password": "\n  ".join(["!vault |", *secret]),
            }
            for option, value in changes.items():
                text = re.sub(rf"^{option}:.*\n", "", text, flags=re.MULTILINE)
                text += "" if value is None else f"{option}: {value}\n"
            file.write_text(text)
            folder = self.path / f"group_vars/{name}_desktops"
            connection = folder / "connection.yml"
            connection.write_text(
                connection.read_text().replace(f"/etc/onprem-chat/{name}-root.pem", str(self.authorities[name]))
            )
            word = self.passwords.get(name, self.known(name))
            (folder / "vault.yml").write_bytes(vault.encrypt(f"vault_{name}_rollout_password: {word}\n"))
        vaulted = self.path / "group_vars/all/vault.yml"
        vaulted.write_bytes(vault.encrypt(vaulted.read_text().replace("CHANGE_ME", "dummy-Secret-1")))
        site = self.path / "group_vars/all/site.yml"
        given = {
            "chat_ad_ca_file": str(self.authorities["corp"]),
            "chat_ca_directory": str(self.folder / "pki"),
            "chat_report_directory": str(self.folder / "report"),
        }
        site.write_text(yaml.safe_dump(yaml.safe_load(site.read_text()) | given | self.site))

    def _environment(self, **more: str) -> dict[str, str]:
        return os.environ | {
            "ANSIBLE_CONFIG": str(self.path / "ansible.cfg"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(self.folder / "vault-password"),
            **more,
        }

    def ask(self, **environment: str) -> subprocess.CompletedProcess:
        """ansible-inventory --list."""
        self.write()
        argv = ["ansible-inventory", "-i", str(self.path), "--list"]
        return self.lab.exec("users", argv, env=self._environment(**environment))

    def groups(self) -> dict[str, set[str]]:
        """Group -> its hosts, those of child groups included."""
        asked = self.ask()
        assert asked.returncode == 0, asked.stdout + asked.stderr
        listed = json.loads(asked.stdout)

        def hosts(group: str) -> set[str]:
            entry = listed.get(group, {})
            return set(entry.get("hosts", [])).union(*map(hosts, entry.get("children", [])))

        return {group: hosts(group) for group in [*listed, *listed["all"]["children"]] if group != "_meta"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """The playbook clients."""
        self.write()
        return self.lab.playbook(
            "onprem.chat.clients", *arguments, inventory=self.path, env=self._environment(), timeout=300
        )

    def report(self) -> dict:
        return json.loads((self.folder / "report/clients.json").read_text())

    def statuses(self) -> dict[str, str]:
        return {name: result["status"] for name, result in self.report()["desktops"].items()}

    def retry(self) -> list[str]:
        file = self.folder / "report/clients.retry"
        return file.read_text().split() if file.exists() else []
