"""A public ACME CA: pebble, which validates for real. It runs only when asked for."""

from pathlib import Path

from . import authority, paths
from .machine import Machine
from .parts import DOMAIN, DomainController

SERVICES = ("pebble", "challtestsrv", "acme-faults")


class AcmeServer(Machine):
    """acme: pebble, its challenge test server, a resolver that stands where a public CA stands, a stand-in for faults."""

    name = "acme"
    layer = "acme"
    address = "10.203.0.50"
    needs = ("dc1",)
    group = "pebble"

    def up(self) -> None:
        """Boot it unless it runs; one with a certificate of a former company begins anew."""
        DomainController(self.instance, self.namespace).know({f"{self.name}.{DOMAIN}": self.address})
        if self.leader() and not self._is_of_this_company():
            self.down()
        super().up()

    def configure(self) -> None:
        etc = self.root / "etc"
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (etc / "pebble").mkdir(exist_ok=True)
        self.put(etc / "pebble/pebble.json", (paths.ACME / "pebble.json").read_text())
        certificate, key = authority.issue(paths.state(self.instance), f"{self.name}.{DOMAIN}")
        self.put(etc / "pebble/acme.crt", certificate)
        self.put(etc / "pebble/acme.key", key)
        (etc / "dnsmasq.d/lab.conf").write_text((paths.ACME / "dnsmasq.conf").read_text())
        (self.root / "usr/local/lib/acme_faults.py").write_text((paths.ACME / "acme_faults.py").read_text())
        wanted = etc / "systemd/system/multi-user.target.wants"
        wanted.mkdir(exist_ok=True)
        for service in SERVICES:
            unit = etc / f"systemd/system/{service}.service"
            unit.write_text((paths.ACME / unit.name).read_text())
            link = wanted / unit.name
            if not link.is_symlink():
                link.symlink_to(f"/etc/systemd/system/{unit.name}")

    def ready(self) -> bool:
        name = f"{self.name}.{DOMAIN}"
        return all(self.answers(port) for port in (14000, 14001, 15000, 8055)) and self.dig("A", name) == self.address

    def _is_of_this_company(self) -> bool:
        issuer = paths.state(self.instance) / "company-issuing.crt"
        certificate = Path(self.root, "etc/pebble/acme.crt")
        return issuer.exists() and certificate.exists() and issuer.read_bytes() in certificate.read_bytes()


PARTS = (AcmeServer,)
