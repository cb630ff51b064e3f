# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Addresses of this host's interfaces, and how fast these are."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import socket
import struct

from ansible_collections.onprem.chat.plugins.module_utils._host.hardware import virtual_machine
from ansible_collections.onprem.chat.plugins.module_utils._host.system import listing, read_text

# linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h
_GETADDR, _NEWADDR, _ERROR, _DONE = 22, 20, 2, 3
_REQUEST_DUMP = 0x301
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_ROUTE_UP, _ROUTE_REJECT = 0x1, 0x200

# Drivers of devices that a hypervisor invents: what they show as speed is an invention, too.
_INVENTED = frozenset(("virtio_net", "vmxnet3", "xen_netfront", "vif", "hv_netvsc", "ena", "gve"))
_EMULATED = frozenset(("e1000", "e1000e", "igb", "8139cp", "8139too", "ne2k-pci", "pcnet32", "tulip", "rtl8139"))


def addresses_here() -> list[tuple[str, str]] | None:
    """[(interface, address)], asked of the kernel by rtnetlink(7); None where it does not answer."""
    found: list[tuple[str, str]] = []
    request = struct.pack("=IHHII", 24, _GETADDR, _REQUEST_DUMP, 1, 0) + bytes(8)  # nlmsghdr, ifaddrmsg
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
            kernel.settimeout(5)
            kernel.send(request)
            while True:
                data = kernel.recv(1 << 18)
                while len(data) >= 16:
                    length, kind = struct.unpack_from("=IH", data)
                    if kind == _DONE or length < 16:
                        return found
                    if kind == _ERROR:
                        return None
                    if kind == _NEWADDR:
                        found += _address(data[16:length])
                    data = data[(length + 3) & ~3 :]
    except (OSError, AttributeError, struct.error):
        return None


def _address(message: bytes) -> list[tuple[str, str]]:
    family, _prefix, _flags, _scope, index = struct.unpack_from("=BBBBI", message)
    values, rest = {}, message[8:]
    while len(rest) >= 4:
        length, kind = struct.unpack_from("=HH", rest)
        if length < 4:
            break
        values[kind] = rest[4:length]
        rest = rest[(length + 3) & ~3 :]
    # Of a point-to-point link IFA_ADDRESS is the other end.
    raw = values.get(_IFA_LOCAL) or values.get(_IFA_ADDRESS)
    if raw is None or (family, len(raw)) not in ((socket.AF_INET, 4), (socket.AF_INET6, 16)):
        return []
    try:
        name = socket.if_indextoname(index)
    except OSError:
        name = f"interface {index}"
    return [(name, socket.inet_ntop(family, raw))]


def default_interface(root: pathlib.Path) -> str:
    """The interface of the default route with the best metric, IPv4 before IPv6; empty where there is none."""
    routes = []
    for line in (read_text(root, "proc/net/route") or "").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 7 and fields[1] == "00000000" and fields[7] == "00000000":
            flags = int(fields[3], 16)
            if flags & _ROUTE_UP and not flags & _ROUTE_REJECT:
                routes.append((0, int(fields[6]), fields[0]))
    for line in (read_text(root, "proc/net/ipv6_route") or "").splitlines():
        fields = line.split()
        if len(fields) < 10 or fields[9] == "lo" or int(fields[8], 16) & _ROUTE_REJECT:
            continue
        if set(fields[0]) == {"0"} and fields[1] == "00":
            routes.append((1, int(fields[5], 16), fields[9]))
    return min(routes)[2] if routes else ""


@dataclasses.dataclass(frozen=True)
class Link:
    """An interface's speed.

    name: of the interface, with what it is made of: ``bond0 (eno1, eno2)``.
    mbit: what it shows in Mbit/s; None where it shows nothing.
    told: whether that can be believed.
    why: why it cannot.
    """

    name: str
    mbit: int | None
    told: bool
    why: str = ""


def link(root: pathlib.Path, name: str, depth: int = 0) -> Link:
    """The speed of an interface, through VLAN, bridge, bond and team to what has a wire."""
    folder = root / "sys/class/net" / name
    mbit = _number(read_text(folder, "speed"))
    lower = [entry[len("lower_") :] for entry in listing(folder) if entry.startswith("lower_")]
    if lower and depth < 8:
        return _made_of(folder, name, mbit, [link(root, one, depth + 1) for one in lower])
    if (read_text(folder, "operstate") or "").strip() in ("down", "lowerlayerdown"):
        return Link(name, None, False, "it is down")
    if not (folder / "device").exists():
        return Link(name, mbit, False, "it is a virtual interface" + _shows(mbit))
    driver = os.path.basename(os.path.realpath(folder / "device/driver"))  # noqa: PTH119 - of what realpath gives
    if driver in _INVENTED or (driver in _EMULATED and virtual_machine(root)):
        return Link(name, mbit, False, f"it is a hypervisor's ({driver})" + _shows(mbit))
    if mbit is None:
        return Link(name, None, False, "its driver does not say")
    return Link(name, mbit, True)


def _made_of(folder: pathlib.Path, name: str, mbit: int | None, parts: list[Link]) -> Link:
    """Bond and team carry what their parts carry together, a bridge as much as its best wire; a VLAN has one part."""
    shown = f"{name} ({', '.join(part.name for part in parts)})"
    wires = [part for part in parts if part.told]
    if not wires:
        return Link(shown, None, False, parts[0].why)
    speeds = [part.mbit or 0 for part in wires]
    mode = (read_text(folder, "bonding/mode") or "").split()
    if mode[:1] == ["active-backup"]:
        active = (read_text(folder, "bonding/active_slave") or "").strip()
        speeds = [part.mbit or 0 for part in wires if part.name == active] or speeds
        return Link(shown, max(speeds), True)
    if mode:
        return Link(shown, mbit or sum(speeds), True)
    is_bridge = (folder / "bridge").exists()
    return Link(shown, max(speeds) if is_bridge else sum(speeds), True)


def _number(text: str | None) -> int | None:
    """Mbit/s; -1 and its unsigned form mean unknown."""
    try:
        value = int((text or "").strip())
    except ValueError:
        return None
    return value if 0 < value < 4294967295 else None


def _shows(mbit: int | None) -> str:
    return f" that shows {mbit} Mbit/s" if mbit else ""
