# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Judges a host against what a product asks of it. The product's figures come in as options."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import pathlib
import platform
import socket
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import system

# The kernel keeps a part: a machine sold with 2048 MiB shows about 1960.
MEMORY_TOLERANCE = 0.93
MAX_NAME_SERVERS = 3


def resolve_here(name: str) -> list[str]:
    """The addresses that this host finds for a name; empty where it finds none."""
    try:
        return list(dict.fromkeys(answer[4][0] for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return []


@dataclasses.dataclass
class Machine:
    """The host, or what a test gives for one."""

    root: pathlib.Path = pathlib.Path("/")
    architecture: t.Callable[[], str] = platform.machine
    statvfs: t.Callable[[t.Any], t.Any] = os.statvfs
    resolve: t.Callable[[str], list[str]] = resolve_here
    clock: t.Callable[[], t.Any] = system.clock_is_synchronised


@dataclasses.dataclass
class Requirements:
    """What is asked; empty where it does not matter."""

    os: dict[str, t.Any] | None = None
    architectures: list[str] = dataclasses.field(default_factory=list)
    systemd: bool = True
    min_memory_mib: int = 0
    min_disk: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    ports: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    fqdn: str | None = None
    addresses: list[str] = dataclasses.field(default_factory=list)
    clock: bool = True


class _Judge:
    def __init__(self, wanted: Requirements, machine: Machine, checks: Checks) -> None:
        self.wanted, self.machine, self.checks = wanted, machine, checks

    def run(self) -> None:
        wanted = self.wanted
        if wanted.os:
            self.operating_system(wanted.os)
        if wanted.systemd:
            self.systemd()
        if wanted.architectures:
            self.architecture()
        if wanted.min_memory_mib:
            self.memory()
        for disk in wanted.min_disk:
            self.disk(disk["path"], disk["gib"])
        if wanted.ports:
            self.ports()
        if wanted.fqdn:
            self.hosts_file(wanted.fqdn.lower().rstrip("."))
        self.resolver()
        if wanted.fqdn:
            self.name(wanted.fqdn)
        if wanted.clock:
            self.clock()

    def operating_system(self, wanted: dict[str, t.Any]) -> None:
        release = system.os_release(self.machine.root)
        seen = release.get("PRETTY_NAME") or release.get("ID") or "no os-release file"
        versions = [str(version) for version in wanted.get("versions") or []]
        asked = " ".join([str(wanted["distribution"]), " or ".join(versions)]).strip()
        is_it = release.get("ID", "").lower() == str(wanted["distribution"]).lower()
        if is_it and (not versions or release.get("VERSION_ID") in versions):
            self.checks.passed("host.os", "operating system", seen)
        else:
            self.checks.failed("host.os", "operating system", seen, f"Install {asked} on this host.")

    def systemd(self) -> None:
        if system.runs_systemd(self.machine.root):
            self.checks.passed("host.init", "init system", "systemd")
            return
        name = system.init_name(self.machine.root) or "unknown"
        self.checks.failed(
            "host.init",
            "init system",
            f"process 1 is {name}, not systemd",
            "Services are run by systemd. In a container, start it with systemd as its first process.",
        )

    def architecture(self) -> None:
        seen = self.machine.architecture()
        if seen in self.wanted.architectures:
            self.checks.passed("host.architecture", "architecture", seen)
        else:
            asked = " or ".join(self.wanted.architectures)
            self.checks.failed("host.architecture", "architecture", seen, f"Use a host of architecture {asked}.")

    def memory(self) -> None:
        seen, wanted = system.memory_mib(self.machine.root), self.wanted.min_memory_mib
        if seen is None:
            self.checks.skipped("host.memory", "memory", "/proc/meminfo cannot be read")
        elif seen[0] >= wanted * MEMORY_TOLERANCE:
            self.checks.passed("host.memory", "memory", f"{seen[0]} MiB, {seen[1]} MiB available")
        else:
            self.checks.failed(
                "host.memory", "memory", f"{seen[0]} MiB, at least {wanted} MiB wanted", "Give the host more memory."
            )

    def disk(self, path: str, wanted: float) -> None:
        try:
            folder, free = system.free_disk_gib(self.machine.root, path, self.machine.statvfs)
        except OSError as error:
            self.checks.skipped("host.disk", path, f"cannot be asked: {error.strerror or error}")
            return
        evidence = f"{free:.1f} GiB free" + ("" if folder == path.rstrip("/") or folder == path else f" in {folder}")
        if free >= wanted:
            self.checks.passed("host.disk", path, evidence)
        else:
            self.checks.failed(
                "host.disk", path, f"{evidence}, at least {wanted:g} GiB wanted", "Enlarge the file system or clean up."
            )

    def ports(self) -> None:
        keys = [(port["port"], port.get("protocol") or "tcp") for port in self.wanted.ports]
        holders = system.holders_of_ports(self.machine.root, keys)
        for port, key in zip(self.wanted.ports, keys):  # noqa: B905 - Python 3.8 knows no strict
            subject, found = f"{key[1]} port {key[0]}", holders[key]
            allowed = port.get("allowed_processes") or []
            strangers = [holder for holder in found if holder.name not in allowed]
            shown = ", ".join(str(holder) for holder in found)
            if not found:
                self.checks.passed("host.port", subject, "free")
            elif not strangers:
                self.checks.passed("host.port", subject, f"held by {shown}, as expected")
            elif any(holder.pid for holder in strangers):
                self.checks.failed(
                    "host.port",
                    subject,
                    f"held by {shown}",
                    "Stop and disable this service, or move it to another port: the port is needed here.",
                )
            else:
                self.checks.failed(
                    "host.port",
                    subject,
                    f"held by {shown}",
                    f"Run this check as root (become) to see the name, or on the host: ss -lp 'sport = :{key[0]}'",
                )

    def hosts_file(self, fqdn: str) -> None:
        entries = [address for address, names in system.hosts_entries(self.machine.root) if fqdn in names]
        subject = "/etc/hosts"
        loopback = [address for address in entries if _is_loopback(address)]
        if loopback:
            self.checks.warned(
                "host.hosts",
                subject,
                f"{fqdn} is {', '.join(loopback)}, an address of this host alone",
                f"Services bound to their own name would listen on the loopback only. Give {fqdn} its real address.",
            )
            return
        wrong = [address for address in entries if self.wanted.addresses and address not in self.wanted.addresses]
        if wrong:
            self.checks.failed(
                "host.hosts",
                subject,
                f"{fqdn} is {', '.join(wrong)}, wanted {', '.join(self.wanted.addresses)}",
                "Correct the line; it wins over DNS on this host.",
            )
        else:
            seen = f"{fqdn} is {', '.join(entries)}" if entries else f"has no line for {fqdn}, DNS is asked"
            self.checks.passed("host.hosts", subject, seen)

    def resolver(self) -> None:
        servers, subject = system.name_servers(self.machine.root), "/etc/resolv.conf"
        if not servers:
            seen = "the file is missing" if servers is None else "no nameserver line"
            self.checks.failed(
                "host.resolver", subject, seen, "This host resolves nothing. Name the company's DNS servers there."
            )
        elif len(servers) > MAX_NAME_SERVERS:
            self.checks.warned(
                "host.resolver",
                subject,
                f"{len(servers)} name servers: {', '.join(servers)}",
                f"Only the first {MAX_NAME_SERVERS} are asked. Remove the others.",
            )
        else:
            self.checks.passed("host.resolver", subject, ", ".join(servers))

    def name(self, fqdn: str) -> None:
        found, wanted = self.machine.resolve(fqdn), self.wanted.addresses
        if not found:
            self.checks.warned(
                "host.name", fqdn, "does not resolve on this host", "Its DNS record is missing, or the resolver is."
            )
        elif wanted and not set(found) & set(wanted):
            self.checks.warned(
                "host.name",
                fqdn,
                f"is {', '.join(found)} here, wanted {', '.join(wanted)}",
                "Correct its address in DNS and in /etc/hosts.",
            )
        else:
            self.checks.passed("host.name", fqdn, ", ".join(found))

    def clock(self) -> None:
        synchronised = self.machine.clock()
        if synchronised is None:
            self.checks.skipped("host.clock", "clock", "the kernel does not say")
        elif synchronised:
            self.checks.passed("host.clock", "clock", "synchronised")
        else:
            self.checks.warned(
                "host.clock",
                "clock",
                "not synchronised",
                "Kerberos refuses more than 5 minutes of difference. Run a time service such as chrony.",
            )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def judge(wanted: Requirements, machine: Machine | None = None) -> Checks:
    """Every question that the requirements ask, in one fixed order."""
    checks = Checks()
    _Judge(wanted, machine or Machine(), checks).run()
    return checks
