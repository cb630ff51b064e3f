"""The parts of the company: what each of them is and how one knows that it works."""

import json
import os
import shutil
from pathlib import Path

from . import authority, network, paths, secretsfile
from .errors import LabError, run
from .machine import Machine

DOMAIN = "corp.test"
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")


class DomainController(Machine):
    """dc1: Samba AD DC with its own DNS server."""

    name = "dc1"
    layer = "dc"
    address = "10.203.0.10"

    def configure(self) -> None:
        smb = self.root / "etc/samba/smb.conf"
        lines = [line for line in smb.read_text().splitlines() if not line.strip().startswith("dns forwarder")]
        lines.insert(lines.index("[global]") + 1, f"\tdns forwarder = {upstream_resolver()}")
        smb.write_text("\n".join(lines) + "\n")
        (self.root / "etc/resolv.conf").write_text("search corp.test\nnameserver 127.0.0.1\n")
        # The controller and the tests need to know what was drawn when the domain was provisioned.
        state = paths.state(self.instance)
        secretsfile.update(state, json.loads((self.root / "var/lib/lab/secrets.json").read_text()))
        authority.take(self.root / "var/lib/lab", state)

    def ready(self) -> bool:
        found = self.dig("SRV", f"_ldap._tcp.dc._msdcs.{DOMAIN}")
        return f"dc1.{DOMAIN}." in found and self.answers(636) and self.answers(88)

    def know(self, names: dict[str, str]) -> None:
        """Put names with their addresses into the zones that they end in, where they are not in them."""
        missing = [f"{name}={address}" for name, address in names.items() if self.dig("A", name) != address]
        if missing:
            script = (paths.NAMESERVERS / "names.py").read_text()
            run(*self.command(["python3", "-", *missing]), input=script)

    def host(self, zones: list[str]) -> None:
        """Be the name server of zones that are not the company's, where it is not yet."""
        for zone in zones:
            if not self.dig("SOA", zone).startswith(f"dc1.{DOMAIN}. "):
                run(*self.command(["samba-tool", "dns", "zonecreate", "127.0.0.1", zone, "-P"]))


class BareHost(Machine):
    """A bare Debian 12 that Ansible reaches over ssh like any production host."""

    layer = "chat"

    def configure(self) -> None:
        (self.root / "etc/resolv.conf").write_text(f"nameserver {DomainController.address}\n")
        state = paths.state(self.instance)
        identity = state / "ssh_key"
        if not identity.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "onprem-chat-lab", "-f", str(identity))
        authorized = self.root / "home/deploy/.ssh/authorized_keys"
        shutil.copyfile(f"{identity}.pub", authorized)
        authorized.chmod(0o600)
        owner = authorized.parent.stat()
        shutil.chown(authorized, owner.st_uid, owner.st_gid)
        host_key = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        _replace(state / f"known_hosts.{self.name}", f"{self.address} {host_key[0]} {host_key[1]}\n")
        # The same text whoever writes it: which hosts run does not matter for it.
        _replace(state / "ssh_config", "".join(ssh_config(state, host) for host in (ChatHost, MeetingsHost)))

    def down(self) -> None:
        """Also ends the shared ssh connections to it, which would lead nowhere after a reset."""
        network.end_ssh(f"{self.namespace}-users", self.address)
        super().down()

    def ready(self) -> bool:
        return self.answers(22) and not Path(f"/proc/{self.leader()}/root/run/nologin").exists()


class ChatHost(BareHost):
    """chat: where the chat server of any product is installed."""

    name = "chat"
    address = "10.203.0.20"


class MeetingsHost(BareHost):
    """meetings: a second host for products of two servers. It runs only when asked for."""

    name = "meetings"
    address = "10.203.0.21"
    needs = ("dc1",)

    def up(self) -> None:
        """Boot it unless it runs. Its names are there before anything is installed: it stands for a server that is used already."""
        names = dict.fromkeys((f"{self.name}.{DOMAIN}", f"meet.{DOMAIN}"), self.address)
        DomainController(self.instance, self.namespace).know(names)
        super().up()


def ssh_config(state: Path, host: type[BareHost]) -> str:
    """For ssh, Ansible and testinfra alike: `ssh -F …/ssh_config chat`."""
    return (
        f"Host {host.name} {host.name}.{DOMAIN} {host.address}\n  HostName {host.address}\n  User deploy\n"
        f"  IdentityFile {state}/ssh_key\n  IdentitiesOnly yes\n  UserKnownHostsFile {state}/known_hosts.{host.name}\n"
        "  StrictHostKeyChecking yes\n"
    )


def _replace(file: Path, text: str) -> None:
    """Whole at any moment: ssh may read it while another host is started."""
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    new.replace(file)


class Users:
    """Where users and the controller sit: a namespace on the company's network with the company's resolver."""

    name = "users"
    address = network.USERS
    needs: tuple[str, ...] = ()

    def __init__(self, instance: str, namespace: str) -> None:
        self.instance = instance
        self.namespace = namespace
        self.folder = paths.state(instance) / self.name

    def up(self) -> None:
        """Write the files that differ from this machine's own while something runs there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "resolv.conf").write_text(f"nameserver {DomainController.address}\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (self.folder / "krb5.conf").write_text(
            "[libdefaults]\n default_realm = CORP.TEST\n dns_lookup_kdc = true\n dns_lookup_realm = false\n"
            " rdns = false\n dns_canonicalize_hostname = false\n"
            "[domain_realm]\n corp.test = CORP.TEST\n .corp.test = CORP.TEST\n"
            " branch.test = BRANCH.TEST\n .branch.test = BRANCH.TEST\n"
        )

    def down(self) -> None:
        """End what still runs there."""
        network.kill_inside(f"{self.namespace}-users")
        shutil.rmtree(self.folder, ignore_errors=True)

    def leader(self) -> int:
        """No process of its own; it is there when its namespace is."""
        return int(self.folder.exists())

    def command(self, arguments: list[str]) -> list[str]:
        """The command that runs something where users are: this machine's file system, their network and resolver."""
        if not self.folder.exists():
            raise LabError("The users' network is not there. Start it with `lab up`.")
        binds = "".join(f"mount --bind {self.folder}/{file} /etc/{file}; " for file in ("resolv.conf", "hosts"))
        script = f'{binds}exec "$@"'
        environment = [
            f"ONPREM_CHAT_LAB={self.instance}",
            f"ONPREM_CHAT_LAB_STATE={paths.state(self.instance)}",
            # A process that stays outside as long as the command runs: the way back for `lab reset` in the command.
            f"ONPREM_CHAT_LAB_OUTSIDE={os.getppid()}",
            f"KRB5_CONFIG={self.folder}/krb5.conf",
            # Every instance has a host with this address: a shared ssh connection must not lead to another one's.
            f"ANSIBLE_SSH_CONTROL_PATH_DIR={self.folder}/ssh",
        ]
        # This machine's proxies know nothing of the company.
        without = [f"--unset={name}" for name in os.environ if name.lower() in PROXIES]
        return [
            "nsenter", f"--net=/run/netns/{self.namespace}-users",
            "unshare", "--mount", "--propagation=private",
            "bash", "-c", script, "bash", "env", *without, *environment, *arguments,
        ]  # fmt: skip


def upstream_resolver() -> str:
    """The name server that this machine itself uses, as seen from another host."""
    for file in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        try:
            lines = Path(file).read_text().splitlines()
        except FileNotFoundError:
            continue
        for line in lines:
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver" and not words[1].startswith("127.") and ":" not in words[1]:
                return words[1]
    raise LabError(
        "No name server with an IPv4 address other than 127.x stands in /etc/resolv.conf; the laboratory's DNS server needs one to forward to."
    )


PARTS = (Users, DomainController, ChatHost)
