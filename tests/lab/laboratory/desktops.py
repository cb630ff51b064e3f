"""Windows desktops: Wine in a container, member of a domain; and the second domain. They run only when asked for."""

import json
import secrets
import shutil
import string
import time
from pathlib import Path

from . import authority, paths, secretsfile
from .errors import LabError, run
from .machine import Machine
from .parts import DOMAIN, DomainController

ROLLOUT = "svc-chat-rollout"
# Who logs on at the desktops: one of whom the name is Cyrillic, one with a space in it.
PEOPLE = ("иван", "anna maria")
BRANCH = "branch.test"
LIBRARY = "opt/desktops"
KEYTAB = "etc/endpoint/desktop.keytab"


class BranchController(Machine):
    """dc3: another domain, BRANCH.TEST, with a DNS server of its own; dc1 answers for its names, too."""

    name = "dc3"
    layer = "branch"
    address = "10.203.0.13"
    domain = BRANCH
    needs = ("dc1",)
    group = "root"

    def up(self) -> None:
        """Boot it unless it runs; CORP's name server gets to know the names that lie there."""
        controller = DomainController(self.instance, self.namespace)
        controller.host([BRANCH])
        controller.know({f"dc3.{BRANCH}": self.address})
        super().up()
        for service, port in (("_ldap._tcp", 389), ("_kerberos._tcp", 88), ("_kerberos._udp", 88)):
            if not controller.dig("SRV", f"{service}.{BRANCH}"):
                record = f"dc3.{BRANCH} {port} 0 100"
                run(
                    *controller.command(["samba-tool", "dns", "add", "127.0.0.1", BRANCH, service, "SRV", record, "-P"])
                )

    def configure(self) -> None:
        smb = self.root / "etc/samba/smb.conf"
        lines = [line for line in smb.read_text().splitlines() if not line.strip().startswith("dns forwarder")]
        lines.insert(lines.index("[global]") + 1, f"\tdns forwarder = {DomainController.address}")
        smb.write_text("\n".join(lines) + "\n")
        (self.root / "etc/resolv.conf").write_text(f"search {BRANCH}\nnameserver 127.0.0.1\n")
        state = paths.state(self.instance)
        known = secretsfile.read(state).get("branch", {})
        administrator = (self.root / "var/lib/lab/administrator").read_text()
        secretsfile.update(state, {"branch": {**known, "administrator": administrator}})
        certificate, key = authority.issue(state, f"dc3.{BRANCH}", BRANCH)
        folder = self.root / "var/lib/samba/private/tls"
        for file, content in (
            ("dc3.crt", certificate),
            ("ca.crt", (state / "company-ca.crt").read_bytes()),
            ("dc3.key", key),
        ):
            self.put(folder / file, content)
        # Samba does not take a key that a group may read.
        (folder / "dc3.key").chmod(0o600)

    def ready(self) -> bool:
        found = self.dig("SRV", f"_ldap._tcp.dc._msdcs.{BRANCH}")
        return f"dc3.{BRANCH}." in found and self.answers(636) and self.answers(88)


class Desktop(Machine):
    """What all desktops have in common."""

    layer = "desktop"
    needs: tuple[str, ...] = ("dc1",)
    group = "windows"
    # The machine's cgroups may be of version 1, which systemd 257 takes only when it is told to.
    boot_arguments = ("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",)
    controller: type[Machine] = DomainController

    @property
    def workgroup(self) -> str:
        """The domain's short name."""
        return self.domain.partition(".")[0].upper()

    def up(self) -> None:
        """Boot it unless it runs, and make it a member of its domain."""
        DomainController(self.instance, self.namespace).know({f"{self.name}.{self.domain}": self.address})
        known = self.accounts()
        super().up()
        if not (self.root / KEYTAB).exists():
            self._join(known["administrator"])

    def accounts(self) -> dict:
        """Passwords of this domain: administrator, svc-chat-rollout, desktop_users. Drawn once, and known to the domain."""
        state = paths.state(self.instance)
        everything = secretsfile.read(state)
        mine = everything if self.domain == DOMAIN else everything["branch"]
        mine.setdefault(ROLLOUT, _password())
        people = mine.setdefault("desktop_users", {})
        for name in PEOPLE:
            people.setdefault(name, _password())
        secretsfile.update(state, everything)
        self._in_domain("people", input=json.dumps({ROLLOUT: mine[ROLLOUT], **people}))
        return mine

    def configure(self) -> None:
        state, etc = paths.state(self.instance), self.root / "etc"
        (etc / "resolv.conf").write_text(f"search {self.domain}\nnameserver {self.controller.address}\n")
        realm = self.domain.upper()
        (etc / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = true\n rdns = false\n dns_canonicalize_hostname = false\n"
        )
        smb = (paths.DESKTOPS / "smb.conf").read_text()
        for word, value in {"workgroup": self.workgroup, "realm": realm, "computer": self.name.upper()}.items():
            smb = smb.replace(f"@{word}@", value)
        (etc / "samba/smb.conf").write_text(smb)
        switch = etc / "nsswitch.conf"
        lines = switch.read_text().splitlines()
        switch.write_text(
            "".join(
                f"{line} winbind\n" if line.startswith(("passwd:", "group:")) and "winbind" not in line else f"{line}\n"
                for line in lines
            )
        )
        # The company's root, as Group Policy brings it to a desktop: Wine takes what the machine trusts.
        bundle = etc / "ssl/certs/ca-certificates.crt"
        bundle.write_text(bundle.read_text() + (state / "company-ca.crt").read_text())
        self._endpoint(state)

    def _endpoint(self, state: Path) -> None:
        """The stand-in for WinRM, with the accounts that it lets in."""
        library = self.root / LIBRARY / "endpoint"
        shutil.copytree(
            paths.DESKTOPS / "endpoint", library, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
        )
        folder = self.root / "etc/endpoint"
        folder.mkdir(exist_ok=True)
        known = secretsfile.read(state)
        mine = known if self.domain == DOMAIN else known["branch"]
        host = f"{self.name}.{self.domain}"
        certificate, key = authority.issue(state, host)
        self.put(folder / "endpoint.crt", certificate)
        self.put(folder / "endpoint.key", key)
        domain = {"domain": self.workgroup, "realm": self.domain}
        people = [
            {"name": name, "password": password, "administrator": False, **domain}
            for name, password in mine["desktop_users"].items()
        ]
        config = {
            "computer": self.name.upper(),
            "listeners": [
                {"address": self.address, "port": 5985},
                {
                    "address": self.address,
                    "port": 5986,
                    "certificate": "/etc/endpoint/endpoint.crt",
                    "key": "/etc/endpoint/endpoint.key",
                },
            ],
            "users": [{"name": ROLLOUT, "password": mine[ROLLOUT], **domain}, *people],
            "keytab": f"/{KEYTAB}",
            "backend": "wine",
            "rules": "/run/endpoint-rules.json",
            "log": "/var/log/endpoint.jsonl",
        }
        self.put(folder / "config.json", json.dumps(config, indent=1))

    def ready(self) -> bool:
        return Path(f"/proc/{self.leader()}/root/run/windows/ready").exists()

    def _join(self, administrator: str) -> None:
        """Become a member; the keys come from the controller. Then what needs them starts."""
        host = f"{self.name}.{self.domain}"
        join = "net ads join --no-dns-updates -A /dev/stdin"
        account = f"username = Administrator\npassword = {administrator}\ndomain = {self.workgroup}\n"
        run(*self.command(["sh", "-c", join]), input=account)
        self._in_domain("keytab", self.name.upper(), host, f"/var/lib/lab/{self.name}.keytab")
        given = self.controller(self.instance, self.namespace).root / f"var/lib/lab/{self.name}.keytab"
        run(*self.command(["systemctl", "enable", "--now", "--quiet", "winbind", "smbd"]))
        self.put(self.root / KEYTAB, given.read_bytes())
        run(*self.command(["systemctl", "enable", "--now", "--quiet", "endpoint"]))
        for port in (445, 5985, 5986):
            self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + 30
        while not self.answers(port):
            if time.monotonic() > deadline:
                raise LabError(
                    f"{self.name}: nothing answers on port {port}. Look with `lab exec {self.name} -- journalctl -n 50`."
                )
            time.sleep(0.1)

    def _in_domain(self, *arguments: str, **options) -> None:
        controller = self.controller(self.instance, self.namespace)
        script = (paths.DESKTOPS / "domain.py").read_text()
        run(*controller.command(["python3", "-c", script, *arguments]), **options)


def _password() -> str:
    return "Aa1-" + "".join(secrets.choice(string.ascii_letters + string.digits) for _letter in range(24))


class Win1(Desktop):
    """win1: a desktop of the company."""

    name = "win1"
    address = "10.203.0.71"


class Win2(Desktop):
    """win2: another."""

    name = "win2"
    address = "10.203.0.72"


class Win3(Desktop):
    """win3: a desktop of the branch."""

    name = "win3"
    address = "10.203.0.73"
    domain = BRANCH
    needs = ("dc1", "dc3")
    controller = BranchController


PARTS = (BranchController, Win1, Win2, Win3)
