"""Windows desktops: Wine in a container. They run only when asked for."""

from pathlib import Path

from . import paths
from .machine import Machine
from .parts import DOMAIN, DomainController

HELPERS = ("wine-run",)


class Desktop(Machine):
    """What all desktops have in common."""

    layer = "desktop"
    domain: str
    needs: tuple[str, ...] = ("dc1",)
    group = "windows"
    # The machine's cgroups may be of version 1, which systemd 257 takes only when it is told to.
    boot_arguments = ("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",)

    def up(self) -> None:
        """Boot it unless it runs. Its name is known before."""
        DomainController(self.instance, self.namespace).know({f"{self.name}.{self.domain}": self.address})
        super().up()

    def configure(self) -> None:
        (self.root / "etc/resolv.conf").write_text(f"nameserver {DomainController.address}\n")
        for helper in HELPERS:
            file = self.root / "usr/local/bin" / helper
            file.write_text((paths.DESKTOPS / helper).read_text())
            file.chmod(0o755)

    def ready(self) -> bool:
        return Path(f"/proc/{self.leader()}/root/run/windows/ready").exists()


class Win1(Desktop):
    """win1: a desktop of the company."""

    name = "win1"
    address = "10.203.0.71"
    domain = DOMAIN


PARTS = (Win1,)
