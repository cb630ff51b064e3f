"""Name servers that take dynamic updates: BIND 9 as primary and secondary, Knot DNS. They run only when asked for."""

import base64
import secrets
import subprocess
from pathlib import Path

from . import paths, secretsfile
from .errors import run
from .machine import Machine
from .parts import DOMAIN, DomainController

PRINCIPAL = f"DNS/ns1.{DOMAIN}"
ACCOUNT = "svc-ns1"
# In the domain's own zone. The external view is a server of its own for those who see only that.
NAMES = {
    "ns1": "10.203.0.30",
    "ns1-external": "10.203.0.40",
    "ns2": "10.203.0.31",
    "knot": "10.203.0.32",
}
KEYS = ("internal", "external", "bulk", "knot")


class NameServer(Machine):
    """What the three have in common: they are known to the domain, and have TSIG keys, a configuration and zones."""

    needs: tuple[str, ...] = ("dc1",)
    keys: tuple[str, ...]
    config: str
    serves: tuple[tuple[str, str], ...]

    @property
    def zones(self) -> dict[str, str]:
        """Zone files by path, as they begin."""
        return {}

    def up(self) -> None:
        """Boot it unless it runs; a domain that was made anew gets to know it again."""
        self._register()
        super().up()

    def configure(self) -> None:
        (self.root / "etc/resolv.conf").write_text(f"nameserver {DomainController.address}\n")
        folder = (self.root / self.config).parent
        drawn = draw_keys(self.instance)
        self.put(folder / "keys.conf", "".join(self.key_statement(f"{key}-key", drawn[key]) for key in self.keys))
        self.put(self.root / self.config, (paths.NAMESERVERS / f"{self.name}.conf").read_text())
        for file, text in self.zones.items():
            # A machine that was killed keeps its zones: they belong to the journals beside them.
            if not (self.root / file).exists():
                self.put(self.root / file, text, writable=True)

    @staticmethod
    def key_statement(name: str, secret: str) -> str:
        """A TSIG key in the words of BIND, which nsupdate and dig read, too."""
        return f'key "{name}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret}";\n}};\n'

    def ready(self) -> bool:
        return all(self._serves(zone, address) for zone, address in self.serves)

    def _serves(self, zone: str, address: str) -> bool:
        answer = subprocess.run(
            [
                "nsenter", f"--net=/run/netns/{self.namespace}-users", "dig", "+norecurse", "+time=1", "+tries=1",
                f"@{address}", "SOA", zone,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return " aa" in answer.stdout and "\tSOA\t" in answer.stdout

    def _register(self) -> Path:
        """The keytab that the domain gave for ns1, on dc1; made together with the names of all name servers."""
        controller = DomainController(self.instance, self.namespace)
        keytab = controller.root / "var/lib/lab/ns1.keytab"
        if not keytab.exists():
            controller.know({f"{name}.{DOMAIN}": address for name, address in NAMES.items()})
            script = (paths.NAMESERVERS / "register.py").read_text()
            run(*controller.command(["python3", "-", "/var/lib/lab/ns1.keytab", PRINCIPAL, ACCOUNT]), input=script)
        return keytab


class Bind(NameServer):
    """BIND 9 with rndc."""

    layer = "bind"
    group = "bind"
    config = "etc/bind/named.conf"

    def configure(self) -> None:
        super().configure()
        if not (self.root / "etc/bind/rndc.key").exists():
            self.put(self.root / "etc/bind/rndc.key", self.key_statement("rndc-key", draw()))


class Primary(Bind):
    """ns1: two views of example.test, zones with and without transfer, one with Kerberos."""

    name = "ns1"
    address = "10.203.0.30"
    further_addresses = ("10.203.0.40",)
    keys = ("internal", "external", "bulk")
    serves = (("example.test", "10.203.0.30"), ("example.test", "10.203.0.40"), ("krb.corp.test", "10.203.0.30"))

    @property
    def zones(self) -> dict[str, str]:
        """The zones as they begin."""
        both = ["ns1.corp.test.", "ns2.corp.test."]
        folder = "var/lib/bind"
        return {
            f"{folder}/example.test.internal": zone(both, "www A 10.203.0.20", 'view TXT "internal"'),
            f"{folder}/example.test.external": zone(
                ["ns1-external.corp.test."], "www A 203.0.113.20", 'view TXT "external"'
            ),
            f"{folder}/bulk.test": zone(both),
            f"{folder}/closed.test": zone(both[:1]),
            f"{folder}/krb.corp.test": zone(both[:1]),
        }

    def configure(self) -> None:
        super().configure()
        self._install_keytab()

    def up(self) -> None:
        """With the keytab that belongs to the domain as it is now."""
        super().up()
        self._install_keytab()

    def _install_keytab(self) -> None:
        """BIND opens it anew for each negotiation."""
        given, mine = self._register().read_bytes(), self.root / "etc/bind/ns1.keytab"
        if not mine.exists() or mine.read_bytes() != given:
            self.put(mine, given)
        krb5 = "[libdefaults]\n default_realm = CORP.TEST\n rdns = false\n dns_canonicalize_hostname = false\n"
        (self.root / "etc/krb5.conf").write_text(krb5)


class Secondary(Bind):
    """ns2: follows ns1."""

    name = "ns2"
    address = "10.203.0.31"
    needs = ("dc1", "ns1")
    keys = ("internal", "bulk")
    serves = (("example.test", "10.203.0.31"), ("bulk.test", "10.203.0.31"))


class Knot(NameServer):
    """knot: another implementation."""

    name = "knot"
    address = "10.203.0.32"
    layer = "knot"
    group = "knot"
    config = "etc/knot/knot.conf"
    keys = ("knot",)
    serves = (("knot.test", "10.203.0.32"),)

    @property
    def zones(self) -> dict[str, str]:
        """The zone as it begins."""
        return {"var/lib/knot/knot.test.zone": zone(["knot.corp.test."])}

    @staticmethod
    def key_statement(name: str, secret: str) -> str:
        return f"key:\n  - id: {name}\n    algorithm: hmac-sha256\n    secret: {secret}\n"


def zone(servers: list[str], *records: str) -> str:
    """A small zone; names that were asked for too early are forgotten after 300 s."""
    head = f"$TTL 3600\n@ SOA {servers[0]} hostmaster.corp.test. 1 3600 60 604800 300\n"
    return head + "".join(f"@ NS {server}\n" for server in servers) + "".join(f"{record}\n" for record in records)


def draw() -> str:
    """A TSIG secret."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def draw_keys(instance: str) -> dict[str, str]:
    """The TSIG secrets of an instance, drawn once; also as key files for nsupdate -k and dig -k."""
    state = paths.state(instance)
    known = secretsfile.read(state)
    keys = {key: known.get(f"tsig-{key}") or draw() for key in KEYS}
    secretsfile.update(state, {f"tsig-{key}": secret for key, secret in keys.items()})
    folder = state / "tsig"
    folder.mkdir(mode=0o700, exist_ok=True)
    for key, secret in keys.items():
        file = folder / f"{key}.key"
        file.touch(mode=0o600)
        file.write_text(Bind.key_statement(f"{key}-key", secret))
    return keys


PARTS = (Primary, Secondary, Knot)
