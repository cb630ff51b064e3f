# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's Windows desktops as tests use them: commands, files, people, packages, and the inventory that leads to them."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Lab

ROLLOUT = "svc-chat-rollout"
DRIVE = "srv/windows/prefix/drive_c"
# Who can log on: one of whom the name is Cyrillic, one with a space in it.
CYRILLIC, SPACED = PEOPLE = ("иван", "anna maria")
RULES = "/run/endpoint-rules.json"
DOMAINS = {"win1": "corp.test", "win2": "corp.test", "win3": "branch.test"}


@dataclass(frozen=True)
class Ran:
    """What a command line of cmd.exe left: its exit code with all 32 bits, unsigned, and what it wrote, as UTF-8."""

    code: int
    stdout: str
    stderr: str
    raw: bytes


class Desktop:
    """One desktop. What is done here goes past WinRM: it is how tests look at what came out, and how they prepare it."""

    def __init__(self, lab: Lab, name: str = "win1") -> None:
        self.lab = lab
        self.name = name
        self.domain = DOMAINS[name]
        self.host = f"{name}.{self.domain}"
        self.root = lab.state / name / "root"
        self.drive = self.root / DRIVE

    @property
    def password(self) -> str:
        """Of svc-chat-rollout in this desktop's domain."""
        secrets = self.lab.secrets
        return (secrets if self.domain == "corp.test" else secrets["branch"])[ROLLOUT]

    def run(self, line: str, stdin: str = "", user: str = "", timeout: float = 120) -> Ran:
        """Run a command line, as the administrator, or as somebody who is logged on."""
        argv = ["wine-run", "--json", *(["--as", user] if user else []), line]
        answer = json.loads(self.lab.exec(self.name, argv, check=True, input=stdin, timeout=timeout).stdout)
        raw = base64.b64decode(answer["stdout_base64"])
        return Ran(answer["exit_code"], answer["stdout"].replace("\r\n", "\n"), answer["stderr"], raw)

    def file(self, path: str) -> Path:
        r"""Where C:\Users\… lies. Windows sees no case, this machine does: what is there is found however it is written."""
        found = self.drive
        for part in path.removeprefix("C:\\").split("\\"):
            there = [file.name for file in found.iterdir()] if found.is_dir() else []
            found /= next((name for name in there if name.casefold() == part.casefold()), part)
        return found

    def write(self, path: str, content: bytes) -> None:
        """A file on the desktop, with the folders above it."""
        file = self.file(path)
        owner = self.drive.stat()
        for folder in reversed([parent for parent in file.parents if not parent.exists()]):
            folder.mkdir()
            shutil.chown(folder, owner.st_uid, owner.st_gid)
        file.write_bytes(content)
        shutil.chown(file, owner.st_uid, owner.st_gid)

    def package(self, name: str) -> Path:
        """A test package (desktops/packages) as a file of this machine, for modules that push it."""
        return self.root / "srv/packages" / name

    def put_package(self, name: str, path: str = "") -> str:
        """A test package onto the desktop; its path there."""
        path = path or f"C:\\{name}"
        self.write(path, self.package(name).read_bytes())
        return path

    def logon(self, *names: str) -> None:
        """People log on; those who are logged on already stay."""
        for name in names:
            self.lab.exec(self.name, ["logon", name], check=True)

    def logoff(self, *names: str) -> None:
        """People log off; without a name, everybody does."""
        for name in names or ("--all",):
            self.lab.exec(self.name, ["logoff", name], check=True)

    def sid(self, name: str) -> str:
        """Of an account of its domain."""
        short = self.domain.partition(".")[0].upper()
        return self.lab.exec(self.name, ["wbinfo", "--name-to-sid", f"{short}\\{name}"], check=True).stdout.split()[0]

    def eventually(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Wait until something is so."""
        deadline, pause = time.monotonic() + seconds, 0.2
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: this did not become true in {seconds} s")
            time.sleep(pause)
            # What is asked may be a program on Wine: that costs more than what is waited for.
            pause = min(pause * 1.5, 1)

    def shells(self) -> int:
        """How many shells are open on its endpoint."""
        log = self.root / "var/log/endpoint.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return json.loads(lines[-1])["shells"] if lines else 0

    def requests(self) -> list[dict]:
        """The endpoint's log so far, as endpoint/README.md describes it."""
        log = self.root / "var/log/endpoint.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @contextlib.contextmanager
    def faults(self, *rules: dict) -> Iterator[None]:
        """The endpoint does these things wrong, as endpoint/rules.py describes; afterwards nothing."""
        script = f"cat > {RULES}.new && chmod 644 {RULES}.new && mv {RULES}.new {RULES}"
        self.lab.exec(self.name, ["sh", "-c", script], check=True, input=json.dumps(rules))
        try:
            yield
        finally:
            self.lab.exec(self.name, ["rm", "-f", RULES], check=True)

    def variables(self, transport: str = "ntlm", scheme: str = "https") -> dict:
        """What an inventory says about it: stock Ansible's winrm connection."""
        known = {
            "ansible_host": self.host,
            "ansible_connection": "winrm",
            "ansible_winrm_transport": transport,
            "ansible_winrm_scheme": scheme,
            "ansible_port": 5986 if scheme == "https" else 5985,
            "ansible_user": f"{ROLLOUT}@{self.domain.upper()}",
            "ansible_password": self.password,
            "ansible_winrm_server_cert_validation": "validate",
            "ansible_winrm_ca_trust_path": str(self.lab.state / "company-ca.crt"),
        }
        if transport == "kerberos":
            known["ansible_winrm_kinit_mode"] = "managed"
        return known


def inventory(desktops: list[Desktop], **how: str) -> str:
    """An inventory of these as JSON (which is YAML), with a group `windows`. It has passwords: write it for root only."""
    hosts = {desktop.name: desktop.variables(**how) for desktop in desktops}
    return json.dumps({"all": {"children": {"windows": {"hosts": hosts}}}}, indent=1)
