# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The host that is judged, and what is asked of it."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import platform
import socket
import subprocess
import time
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._host import clock, interfaces
from ansible_collections.onprem.chat.plugins.module_utils._net import reach

PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Finished(t.NamedTuple):
    """A program that ran."""

    code: int
    out: str
    err: str


def run_here(argv: t.Sequence[str], timeout: float = 60) -> Finished | None:
    """Run a program in English and without a terminal; None where it is not there or does not end in time."""
    try:
        # pylint: disable-next=ansible-bad-function,useless-suppression
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"PATH": PROGRAMS, "LC_ALL": "C", "HOME": "/"},
            cwd="/",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return Finished(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def resolve_here(name: str) -> list[str]:
    """The addresses that this host finds for a name; empty where it finds none."""
    try:
        return list(dict.fromkeys(answer[4][0] for answer in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return []


@dataclasses.dataclass
class Machine:
    """The host, or what a test gives for one.

    root: everything in /etc, /proc, /sys and so on is read below it.
    kernel: (release, version) of the running kernel as uname(2) has them.
    addresses: (interface, address) of every configured address; None where they cannot be listed.
    environment: of this process.
    run: program and arguments -> how it ended; None where there is no such program.
    now: seconds since the epoch.
    """

    root: pathlib.Path = pathlib.Path("/")
    architecture: t.Callable[[], str] = platform.machine
    kernel: t.Callable[[], tuple[str, str]] = lambda: (platform.release(), platform.version())
    statvfs: t.Callable[[t.Any], t.Any] = os.statvfs
    resolve: t.Callable[[str], list[str]] = resolve_here
    clock: t.Callable[[], clock.KernelClock | None] = clock.kernel_clock
    addresses: t.Callable[[], list[tuple[str, str]] | None] = interfaces.addresses_here
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: os.environ)
    run: t.Callable[..., Finished | None] = run_here
    reach: t.Callable[..., reach.Answer] = reach.reach
    now: t.Callable[[], float] = time.time


@dataclasses.dataclass
class Requirements:
    """What is asked; empty where it does not matter. The names are those of the module's options."""

    os: dict[str, t.Any] | None = None
    architectures: list[str] = dataclasses.field(default_factory=list)
    systemd: bool = True
    updates: bool = False
    min_cpus: int = 0
    min_memory_mib: int = 0
    min_disk: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    min_network_mbit: int = 0
    ports: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    fqdn: str | None = None
    addresses: list[str] = dataclasses.field(default_factory=list)
    names: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    names_in_hosts_file: str = "optional"
    loopback_names: str = "warn"
    local_addresses: bool = False
    external_addresses: list[str] = dataclasses.field(default_factory=list)
    same_domain_as: list[str] = dataclasses.field(default_factory=list)
    search_domains: str = "allow"
    clock: bool = True
    proxies: bool = False
    outbound: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    timeout: float = 5.0
    accept: list[str] = dataclasses.field(default_factory=list)
    strict: list[str] = dataclasses.field(default_factory=list)
    sources: dict[str, str] = dataclasses.field(default_factory=dict)

    def wanted_names(self) -> dict[str, list[str]]:
        """Name -> addresses that it must have; ``fqdn`` and ``addresses`` are one more entry."""
        entries = [{"name": self.fqdn, "addresses": self.addresses}] if self.fqdn else []
        wanted: dict[str, list[str]] = {}
        for entry in [*entries, *self.names]:
            addresses = wanted.setdefault(entry["name"].lower().rstrip("."), [])
            addresses += [address for address in entry.get("addresses") or [] if address not in addresses]
        return wanted

    def wanted_addresses(self) -> list[str]:
        """Every address that a name must have, once."""
        return list(dict.fromkeys([*self.addresses, *(one for found in self.wanted_names().values() for one in found)]))
