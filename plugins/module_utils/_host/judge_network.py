# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Addresses and interfaces of this host, and what NAT does with them."""

from __future__ import annotations

import ipaddress

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import interfaces, system
from ansible_collections.onprem.chat.plugins.module_utils._host.judge_names import normal
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

_SHOWN = 6
# What no router of the Internet knows. Networks for documentation are not among them: examples use them as outside.
_INSIDE = [
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip


def judge_speed(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.network.speed: of the interface with the wanted address, else of the default route."""
    if not wanted.min_network_mbit:
        return
    id_, asked = "host.network.speed", wanted.min_network_mbit
    known = {normal(address) for address in wanted.wanted_addresses()}
    own = [name for name, address in machine.addresses() or [] if normal(address) in known]
    name = own[0] if own else interfaces.default_interface(machine.root)
    ask_them = f"Ask those who run the network or the hypervisor for at least {asked} Mbit/s."
    if not name:
        checks.warned(id_, "network", "cannot be told: no default route, so no interface to look at", ask_them)
        return
    link = interfaces.link(machine.root, name)
    if not link.told:
        checks.warned(id_, name, f"cannot be told: {link.name}: {link.why}", ask_them)
    elif (link.mbit or 0) >= asked:
        checks.passed(id_, name, f"{link.name}: {link.mbit} Mbit/s")
    else:
        hint = "Use a faster interface. Does it negotiate less than cable and switch can do? See: ethtool " + name
        checks.failed(id_, name, f"{link.name}: {link.mbit} Mbit/s, at least {asked} Mbit/s wanted", hint)


def judge_addresses(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.address for every wanted address."""
    if not wanted.local_addresses:
        return
    here = machine.addresses()
    for address in wanted.wanted_addresses():
        if here is None:
            checks.skipped("host.address", address, "the kernel does not list its addresses")
            continue
        own = [name for name, configured in here if normal(configured) == normal(address)]
        if own:
            checks.passed("host.address", address, f"on {own[0]}")
            continue
        checks.failed(
            "host.address",
            address,
            f"on no interface; this host has {_shown(here)}",
            "Is it the outer address of a router or firewall (NAT)? Then the names must have the inner address here."
            " Else configure it on this host, or correct it.",
        )


def judge_nat(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.nat: names have the inner address on the host itself, and the outer one elsewhere."""
    if not wanted.external_addresses:
        return
    id_, subject = "host.nat", "external addresses"
    outer = {normal(address): address for address in wanted.external_addresses}
    here = {normal(address): name for name, address in machine.addresses() or []}
    own = [f"{address} on {here[key]}" for key, address in outer.items() if key in here]
    if len(own) == len(outer):
        checks.passed(id_, subject, f"no NAT: {', '.join(own)}")
        return
    behind = {key for key in outer if key not in here}
    inner = [address for address in wanted.wanted_addresses() if normal(address) not in outer]
    in_file = [
        f"{name} is {address} in /etc/hosts"
        for name in wanted.wanted_names()
        for address, names in system.hosts_entries(machine.root)
        if name in names and normal(address) in behind
    ]
    resolved = [
        f"{name} resolves to {address}"
        for name in wanted.wanted_names()
        for address in machine.resolve(name)
        if normal(address) in behind
    ]
    inside = [outer[key] for key in behind if _is_inside(key)]
    told = f"behind NAT: inside {', '.join(inner) or 'not named'}, outside {', '.join(outer.values())}"
    if in_file or resolved:
        hint = (
            f"On this host its names must have the inner address ({', '.join(inner) or 'addresses'}): "
            "put them into /etc/hosts."
        )
        checks.failed(id_, subject, f"{told}; {'; '.join(in_file or resolved)}", hint)
    elif inside:
        seen = f"{told}; {', '.join(inside)} is no address of the Internet"
        checks.warned(
            id_, subject, seen, "Is this the address that people outside use, and not one behind a second NAT?"
        )
    else:
        checks.passed(id_, subject, told)


def _is_inside(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    return any(parsed.version == network.version and parsed in network for network in _INSIDE)


def _shown(here: list[tuple[str, str]]) -> str:
    useful = [
        f"{address} ({name})"
        for name, address in here
        if name != "lo" and not (":" in address and address.lower().startswith("fe80:"))
    ]
    more = f" and {len(useful) - _SHOWN} more" if len(useful) > _SHOWN else ""
    return ", ".join(useful[:_SHOWN]) + more if useful else "none but the loopback"
