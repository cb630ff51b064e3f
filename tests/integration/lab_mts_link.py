# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two hosts of MTS Link and the stand-in of its vendor, as tests use them: made ready, with faults planted, and read back.

Everything that is planted is a context manager: afterwards it is as it was. The stand-in and what it can be told:
tests/lab/standins/mts_link/README.md.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from company_ca import CompanyCA, Issued

if TYPE_CHECKING:
    from conftest import Lab

PARTS = ("users", "dc1", "chat", "meetings", "vendor")
CHATS, MEETINGS = "chats.corp.test", "meet.corp.test"
NAMES = (CHATS, "chats-gateway.corp.test", "chats-storage.corp.test")
ADDRESS = "10.203.0.20"
REGISTRY, LICENCES, REP_BOX = "premise-registry.mts-link.net", "license-chat.mts-link.ru", "rep-box.webinar.ru"
VENDOR = {REGISTRY: "10.203.0.60", LICENCES: "10.203.0.61", REP_BOX: "10.203.0.62"}
# Where the stand-in looks, and what it installs.
SETTINGS, TRACE, RULES = "/etc/mts-link-standin", "/var/log/mts-link-standin.log", "/run/mts-link-standin/rules.json"
INSTALLED, LINKS, ADD_TOKEN = "/opt/mts-link-chats", "/opt/webinar/chats", "/opt/webinar/scripts/add_chats_token.sh"
UNIT = "mts-link-chats-standin"
# A folder with the installer, as a person would make it by the manual.
FOLDER = "/root/mts-link"
WRITE = """
import json, os, sys
for path, text in json.load(sys.stdin).items():
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
    os.chmod(path, int(sys.argv[1], 8))
"""


class MtsLink:
    """The part of the laboratory that MTS Link is about."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.folder: Path = lab.state / "mts_link"
        self.licence_file = self.folder / "corp-test.lic"

    @classmethod
    def ready(cls, lab: Lab, *fresh: str) -> MtsLink:
        """Bring up what is needed; `fresh` parts are reset before."""
        if fresh:
            lab.reset(*fresh)
        lab.up(*PARTS)
        self = cls(lab)
        for host in ("chat", "meetings"):
            self.trust(host)
        # What a run that was killed has planted there.
        self.shell("vendor", f"rm -f {RULES}")
        self.meetings_is_installed()
        self.publish()
        return self

    @property
    def licence_key(self) -> str:
        """The valid one."""
        return self.lab.secrets["mts-link-licence-key"]

    @property
    def installer_sha256(self) -> str:
        """Of the file at https://rep-box.webinar.ru/chats/latest/installer.sh."""
        return (self.folder / "installer.sha256").read_text().strip()

    # --- ready

    def run(self, host: str, argv: list[str], text: str = "") -> subprocess.CompletedProcess:
        """Run a command on a host, with this text as its input."""
        return subprocess.run(
            self.lab.command(host, argv), input=text, capture_output=True, text=True, check=False, timeout=300
        )

    def shell(self, host: str, script: str, text: str = "") -> str:
        """What a shell on a host prints; a failure fails the test."""
        result = self.run(host, ["sh", "-c", f"cd /; {script}"], text)
        assert result.returncode == 0, f"{host}: {script}\n{result.stdout}{result.stderr}"
        return result.stdout

    def write(self, host: str, path: str, content: str | bytes, mode: str = "0600") -> None:
        """A file on a host, with its folder."""
        self.write_all(host, {path: content}, mode)

    def write_all(self, host: str, files: dict[str, str | bytes], mode: str = "0600") -> None:
        """Files on a host, with their folders."""
        texts = {path: text.decode() if isinstance(text, bytes) else text for path, text in files.items()}
        result = self.run(host, ["python3", "-c", WRITE, mode], json.dumps(texts))
        assert result.returncode == 0, f"{host}: {list(files)}\n{result.stderr}"

    def trust(self, host: str) -> None:
        """The company's root, which issued the certificates of the stand-in: the real vendor's are publicly trusted."""
        path = "/usr/local/share/ca-certificates/laboratory-stands-in-for-a-public-ca.crt"
        self.write(host, path, (self.lab.state / "company-ca.crt").read_text(), "0644")
        self.shell(host, "update-ca-certificates >/dev/null 2>&1")

    def meetings_is_installed(self) -> None:
        """As far as anybody can see from outside: its domain, and the script that its installation brings."""
        self.write("meetings", "/opt/webinar/domain", f"{MEETINGS}\n", "0644")
        self.write("meetings", ADD_TOKEN, (self.folder / "add_chats_token.sh").read_text(), "0755")

    def publish(self, address: str = ADDRESS) -> None:
        """The three names in the company's DNS."""
        for name in NAMES:
            found = self.resolve(name)
            if found == address:
                continue
            label = name.partition(".")[0]
            dns = "samba-tool dns {} 127.0.0.1 corp.test {} A {} -P"
            for old in found.split():
                self.shell("dc1", dns.format("delete", label, old))
            if address:
                self.shell("dc1", dns.format("add", label, address))

    def resolve(self, name: str) -> str:
        """What the company's name server answers."""
        return self.shell("users", f"dig +short {name}").strip()

    def prepare(self, pair: Issued | None = None, folder: str = FOLDER, licence: bool = True) -> None:
        """What the manual wants in the installer's folder on Chats: installer, licence file, certs/<domain>.crt and .key."""
        pair = pair or CompanyCA(self.lab.state).issue(NAMES)
        self.shell("chat", f"rm -rf {folder}; mkdir -p {folder}")
        self.write("chat", f"{folder}/installer.sh", (self.folder / "installer.sh").read_text(), "0755")
        if licence:
            self.write("chat", f"{folder}/{self.licence_file.name}", self.licence_file.read_text())
        self.certificate(pair.pem(), pair.key_pem(), folder=folder)

    def certificate(self, crt: bytes | None, key: bytes | None, name: str = CHATS, folder: str = FOLDER) -> None:
        """certs/ with nothing but this."""
        self.shell("chat", f"rm -rf {folder}/certs; mkdir -p {folder}/certs")
        files = {f"{folder}/certs/{name}.crt": crt, f"{folder}/certs/{name}.key": key}
        self.write_all("chat", {path: content for path, content in files.items() if content is not None})

    # --- faults

    @contextlib.contextmanager
    def settings(self, host: str, **values: object) -> Iterator[None]:
        """The stand-in's scripts on a host behave like this (README.md): settings("chat", language="ru", hang="pull")."""
        self._set(host, values)
        try:
            yield
        finally:
            self._set(host, dict.fromkeys(values))

    def set(self, host: str, name: str, value: object) -> None:
        """One of them, at once, until it is set to None: a script that hangs goes on then."""
        self._set(host, {name: value})

    def _set(self, host: str, values: dict[str, object]) -> None:
        gone = [f"{SETTINGS}/{name}" for name, value in values.items() if value is None]
        files = {f"{SETTINGS}/{name}": f"{value}\n" for name, value in values.items() if value is not None}
        if gone:
            self.shell(host, f"rm -f {' '.join(gone)}")
        if files:
            self.write_all(host, files, "0644")

    @contextlib.contextmanager
    def faults(self, *rules: dict) -> Iterator[None]:
        """The vendor does these things wrong, as vendor.py describes: faults({"name": REGISTRY, "status": 401})."""
        script = f"cat > {RULES}.new && chmod 644 {RULES}.new && mv {RULES}.new {RULES}"
        self.shell("vendor", script, json.dumps(rules))
        try:
            yield
        finally:
            self.shell("vendor", f"rm -f {RULES}")

    @contextlib.contextmanager
    def refusing(self, *names: str) -> Iterator[None]:
        """Nobody listens at port 443 of these of the vendor's names."""
        units = " ".join(f"vendor@{name}" for name in names)
        self.shell("vendor", f"systemctl stop {units}")
        try:
            yield
        finally:
            self.shell("vendor", f"systemctl start {units}")
            self.lab.up("vendor")

    @contextlib.contextmanager
    def silent(self, *names: str, client: str = ADDRESS) -> Iterator[None]:
        """As behind a firewall that drops: a client never hears from these of the vendor's names."""
        rules = [f"from {VENDOR[name]} to {client} blackhole" for name in names]
        self.shell("vendor", "; ".join(f"ip rule add {rule}" for rule in rules))
        try:
            yield
        finally:
            self.shell("vendor", "; ".join(f"ip rule delete {rule}" for rule in rules))

    @contextlib.contextmanager
    def without_route(self, *names: str, host: str = "chat") -> Iterator[None]:
        """A host has no route to these of the vendor's names."""
        self.shell(host, "; ".join(f"ip route add unreachable {VENDOR[name]}/32" for name in names))
        try:
            yield
        finally:
            self.shell(host, "; ".join(f"ip route delete unreachable {VENDOR[name]}/32" for name in names))

    @contextlib.contextmanager
    def unknown(self, name: str) -> Iterator[None]:
        """The company's name server does not know one of the vendor's names."""
        label, _dot, zone = name.partition(".")
        self.shell("dc1", f"samba-tool dns delete 127.0.0.1 {zone} {label} A {VENDOR[name]} -P")
        try:
            yield
        finally:
            self.lab.up("vendor")

    @contextlib.contextmanager
    def file_with(self, host: str, path: str, text: str) -> Iterator[None]:
        """A file has this text for a while: file_with("chat", "/etc/hosts", "127.0.1.1 chats.corp.test\\n" + …)."""
        with self._aside(host, path, f"cat > {path}", text):
            yield

    @contextlib.contextmanager
    def line(self, host: str, path: str, line: str) -> Iterator[None]:
        """A file has one line more for a while."""
        with self._aside(host, path, f"cat >> {path}", f"{line}\n"):
            yield

    @contextlib.contextmanager
    def _aside(self, host: str, path: str, script: str, text: str) -> Iterator[None]:
        kept = f"/run/aside{path.replace('/', '-')}"
        self.shell(host, f"cp {path} {kept}; {script}", text)
        try:
            yield
        finally:
            self.shell(host, f"cat {kept} > {path}; rm {kept}")

    @contextlib.contextmanager
    def small_disk(self, kib: int = 2048) -> Iterator[None]:
        """A file system of its own, too small for the images, where Chats is installed (a real ENOSPC)."""
        mount = f"mount -t tmpfs -o size={kib}k,mode=0700 small {INSTALLED}"
        self.shell("chat", f"mkdir -p {INSTALLED}; {mount}")
        try:
            yield
        finally:
            self.shell("chat", f"umount {INSTALLED} || umount -l {INSTALLED}")

    # --- what is there

    def trace(self, host: str) -> list[str]:
        """What the stand-in's scripts did on a host, oldest first: `installer.sh asked licence_key`, `… step pull`."""
        found = self.shell(host, f"cat {TRACE} 2>/dev/null || true").splitlines()
        return [line.split(" ", 2)[2] for line in found]

    def forget_trace(self) -> None:
        """Count from here."""
        for host in ("chat", "meetings"):
            self.shell(host, f"rm -f {TRACE}")

    def installed(self) -> dict[str, str]:
        """What is installed on Chats: domain, client_id, client_secret, token; {} unless an installation came to its end."""
        script = (
            f"test ! -f {INSTALLED}/installed || {{ cat {INSTALLED}/chats.conf; echo token=$(cat {INSTALLED}/token); }}"
        )
        return _pairs(self.shell("chat", script))

    def unfinished(self) -> bool:
        """An installation on Chats was begun and did not come to its end."""
        return self.run("chat", ["test", "-f", f"{INSTALLED}/installing"]).returncode == 0

    def linked(self, domain: str = CHATS) -> dict[str, str]:
        """What Meetings knows of a chat domain: client_id, client_secret, token; {} when nothing."""
        base = shlex.quote(f"{LINKS}/{domain}")
        script = f"cat {base}.conf 2>/dev/null; test ! -f {base}.token || echo token=$(cat {base}.token)"
        return _pairs(self.shell("meetings", script))

    def issued(self) -> dict:
        """What the vendor's stand-in issued: clients (id -> domain, secret) and tokens (token -> domain)."""
        return json.loads(self.shell("vendor", "cat /var/lib/mts-link-standin/state.json 2>/dev/null || echo '{}'"))

    def uninstall(self) -> None:
        """Both hosts as if the stand-in had never run; nothing else is touched."""
        unit = f"/etc/systemd/system/{UNIT}.service"
        self.shell(
            "chat",
            f"systemctl disable --now {UNIT} >/dev/null 2>&1; rm -rf {INSTALLED} {unit} {SETTINGS} {TRACE}; systemctl daemon-reload",
        )
        self.shell("meetings", f"rm -rf {LINKS} {SETTINGS} {TRACE}")


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())
