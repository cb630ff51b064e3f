"""The network of one instance: a namespace with a bridge, an uplink to the registry, and the users' namespace.

Addresses inside are always the same; only the uplink differs between instances. All that is put outside of the own
namespaces is one veth end and one nftables table, both named after the instance, and IP forwarding while any instance runs.
"""

import contextlib
import ipaddress
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from . import paths
from .errors import LabError, run

SUBNET = ipaddress.ip_network("10.203.0.0/24")
GATEWAY = "10.203.0.1"
USERS = "10.203.0.100"
UPLINKS = ipaddress.ip_network("10.203.128.0/17")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def _exists(namespace: str) -> bool:
    return Path("/run/netns", namespace).exists()


class Network:
    """Brings the namespaces up and takes them down; both may be called at any time."""

    def __init__(self, instance: str) -> None:
        if not instance.isidentifier() or len(instance) > 10:
            raise LabError(
                f"ONPREM_CHAT_LAB={instance!r} is no name for an instance: letters, digits and _ , at most 10."
            )
        self.name = f"opc-{instance}"
        self.users = f"{self.name}-users"
        self._shared = paths.cache() / "labs" / "uplinks.json"

    def up(self) -> None:
        """Make whatever is missing."""
        if self.is_up():
            return
        self.down()
        index = self._reserve()
        hosts = list(ipaddress.ip_network((int(UPLINKS.network_address) + 4 * index, 30)).hosts())
        outer, inner = (f"{address}/30" for address in hosts)
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", f"{self.name}-u", "type", "veth", "peer", "name", "uplink", "netns", self.name)
        run("ip", "address", "add", outer, "dev", f"{self.name}-u")
        run("ip", "link", "set", f"{self.name}-u", "up")
        self._inside("ip", "link", "set", "lo", "up")
        self._inside("ip", "address", "add", inner, "dev", "uplink")
        self._inside("ip", "link", "set", "uplink", "up")
        self._inside("ip", "link", "add", "br0", "type", "bridge")
        self._inside("ip", "address", "add", f"{GATEWAY}/{SUBNET.prefixlen}", "dev", "br0")
        self._inside("ip", "link", "set", "br0", "up")
        self._inside("ip", "route", "add", "default", "via", str(hosts[0]))
        self._inside("sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._inside("nft", "-f", "-", input=_masquerade("onprem_lab", str(SUBNET)))
        run("nft", "-f", "-", input=_masquerade(self._table, f"{hosts[1]}/32"))
        FORWARDING.write_text("1")
        self._warn()
        run("ip", "netns", "add", self.users)
        self._inside("ip", "link", "add", "vb-users", "type", "veth", "peer", "name", "eth0", "netns", self.users)
        self._inside("ip", "link", "set", "vb-users", "master", "br0", "up")
        at_users = ("ip", "-n", self.users)
        run(*at_users, "link", "set", "lo", "up")
        run(*at_users, "address", "add", f"{USERS}/{SUBNET.prefixlen}", "dev", "eth0")
        run(*at_users, "link", "set", "eth0", "up")
        # Last, so that its presence means that everything before it is there.
        run(*at_users, "route", "add", "default", "via", GATEWAY)

    def _warn(self) -> None:
        """What the machine's own firewall does not forward, no rule of ours can let through."""
        for chain in forbidding_chains(run("nft", "-j", "list", "chains", stderr=subprocess.DEVNULL).stdout):
            print(
                f"lab: this machine's firewall drops what is forwarded (chain {chain}; Docker makes it so). Unless a rule of its own lets it "
                f"through, no host of the laboratory can fetch a package. For instance: iptables -I FORWARD -i {self.name}-u -j ACCEPT; "
                f"iptables -I FORWARD -o {self.name}-u -j ACCEPT",
                file=sys.stderr,
            )

    def is_up(self) -> bool:
        """Whether `up` ran to its end."""
        if not (_exists(self.name) and _exists(self.users)):
            return False
        route = subprocess.run(
            ["ip", "-n", self.users, "route", "show", "default"], capture_output=True, text=True, check=False
        )
        return GATEWAY in route.stdout

    def down(self) -> None:
        """Remove everything, also what a killed run left behind."""
        for namespace in (self.users, self.name):
            if _exists(namespace):
                kill_inside(namespace)
                run("ip", "netns", "delete", namespace)
        subprocess.run(["ip", "link", "delete", f"{self.name}-u"], capture_output=True, check=False)
        subprocess.run(["nft", "delete", "table", "ip", self._table], capture_output=True, check=False)
        self._release()

    @property
    def _table(self) -> str:
        return self.name.replace("-", "_")

    def _inside(self, *command: str, **options) -> None:
        run("nsenter", f"--net=/run/netns/{self.name}", *command, **options)

    def _reserve(self) -> int:
        """Take a free uplink number; remember what IP forwarding was before the first instance."""
        with paths.locked(self._shared.with_suffix(".lock")):
            book = self._read()
            if not book["instances"]:
                book["forwarding_before"] = FORWARDING.read_text().strip()
            taken = set(book["instances"].values())
            index = book["instances"].setdefault(self.name, next(i for i in range(1000) if i not in taken))
            self._shared.write_text(json.dumps(book))
            return index

    def _release(self) -> None:
        with paths.locked(self._shared.with_suffix(".lock")):
            book = self._read()
            if book["instances"].pop(self.name, None) is None:
                return
            if not book["instances"] and book.get("forwarding_before") == "0":
                FORWARDING.write_text("0")
            self._shared.write_text(json.dumps(book))

    def _read(self) -> dict:
        try:
            book = json.loads(self._shared.read_text())
        except (FileNotFoundError, ValueError):
            book = {"instances": {}}
        # Instances whose namespace is gone (a reboot, say) hold nothing any more.
        book["instances"] = {
            name: index for name, index in book["instances"].items() if name == self.name or _exists(name)
        }
        return book


def forbidding_chains(listed: str) -> list[str]:
    """Chains through which forwarded IPv4 goes and that drop what no rule names, out of `nft -j list chains`."""
    try:
        chains = [item["chain"] for item in json.loads(listed)["nftables"] if "chain" in item]
    except ValueError:  # only a hint depends on it
        return []
    return [
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in chains
        if chain.get("hook") == "forward" and chain.get("policy") == "drop" and chain["family"] in ("ip", "inet")
    ]


def kill_inside(namespace: str) -> None:
    """End every process that lives in a namespace: leftovers of a killed run."""
    if not _exists(namespace):
        return
    for pid in run("ip", "netns", "pids", namespace).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def end_ssh(namespace: str, address: str) -> None:
    """End the ssh clients in a namespace that are connected to an address."""
    if not _exists(namespace):
        return
    sockets = run("nsenter", f"--net=/run/netns/{namespace}", "ss", "-Htnp", "dst", address).stdout
    for pid in set(re.findall(r'"ssh",pid=(\d+)', sockets)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def _masquerade(table: str, source: str) -> str:
    return f"""
table ip {table} {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {source} ip daddr != {SUBNET} masquerade
  }}
}}
"""
