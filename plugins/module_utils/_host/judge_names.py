# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The names of this host: its hosts file, what they resolve to, and the domain that they share with others."""

from __future__ import annotations

import ipaddress

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import system
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

# Second labels below which countries register names: firm.co.uk, firm.com.ru, firm.spb.ru.
_REGISTRIES = frozenset(
    "ac co com edu gob gov gouv go gv int mil msk ne net nom nov or org ru sch spb".split()  # noqa: SIM905 - shorter
)

_ALONE = "is a registered domain of its own"


def judge_hosts_file(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.hosts for every name."""
    lines = system.hosts_entries(machine.root)
    for name, addresses in wanted.wanted_names().items():
        _hosts_line(wanted, name, addresses, [address for address, names in lines if name in names], checks)


def _hosts_line(wanted: Requirements, name: str, addresses: list[str], seen: list[str], checks: Checks) -> None:
    id_, subject = "host.hosts", "/etc/hosts"
    loopback = [address for address in seen if _is_loopback(address)]
    known = {normal(address) for address in addresses}
    wrong = [address for address in seen if known and normal(address) not in known]
    if loopback:
        checks.add(
            "fail" if wanted.loopback_names == "fail" else "warn",
            id_,
            subject,
            f"{name} is {', '.join(loopback)}, an address of this host alone",
            f"Services bound to their own name would listen on the loopback only. Give {name} its real address.",
        )
    elif wrong:
        seen_here = f"{name} is {', '.join(wrong)}, wanted {', '.join(addresses)}"
        checks.failed(id_, subject, seen_here, "Correct the line; it wins over DNS on this host.")
    elif seen:
        checks.passed(id_, subject, f"{name} is {', '.join(seen)}")
    elif wanted.names_in_hosts_file == "required":
        checks.failed(
            id_, subject, f"has no line for {name}", f"Add the line: {addresses[0] if addresses else 'ADDRESS'} {name}"
        )
    else:
        checks.passed(id_, subject, f"has no line for {name}, DNS is asked")


def judge_resolution(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.name for every name."""
    for name, addresses in wanted.wanted_names().items():
        found = machine.resolve(name)
        if not found:
            checks.warned(
                "host.name", name, "does not resolve on this host", "Its DNS record is missing, or the resolver is."
            )
        elif addresses and not {normal(one) for one in found} <= {normal(one) for one in addresses}:
            checks.warned(
                "host.name",
                name,
                f"is {', '.join(found)} here, wanted {', '.join(addresses)}",
                "Correct its addresses in DNS and in /etc/hosts. One too many is used by half of those who ask.",
            )
        else:
            checks.passed("host.name", name, ", ".join(found))


def judge_domain(wanted: Requirements, _machine: Machine, checks: Checks) -> None:
    """The id host.domain for every name."""
    if not wanted.same_domain_as:
        return
    for name in wanted.wanted_names():
        distances = [(_distance(name, other), other) for other in wanted.same_domain_as]
        worst, other = max(distances, key=lambda found: found[0])
        if worst == 0:
            checks.passed("host.domain", name, f"in {_parent(name)}, as {', '.join(wanted.same_domain_as)}")
            continue
        mine, its = _where(name), _where(other)
        seen = f"{mine}, as {other}" if mine == its == _ALONE else f"{mine}, but {other} {its}"
        if worst == 1:
            hint = "They share a registered domain only. Whether that is enough, the vendor knows; the same domain is."
            checks.warned("host.domain", name, seen, hint)
        else:
            checks.failed("host.domain", name, seen, f"Choose a name in the domain of {other}.")


def _distance(name: str, other: str) -> int:
    """0: the same parent; 1: the same registered domain; 2: neither."""
    one, two = _ascii(name), _ascii(other)
    if _is_registered(_parent(one)) and _parent(one) == _parent(two):
        return 0
    return 1 if "." in one and "." in two and _registered(one) == _registered(two) else 2


def _parent(name: str) -> str:
    return _ascii(name).partition(".")[2]


def _where(name: str) -> str:
    parent = _parent(name)
    return _ALONE if parent and not _is_registered(parent) else f"in {parent or 'no domain'}"


def _is_registered(name: str) -> bool:
    """Whether a name is a registered domain or below one: not ``ru``, and not ``com.ru``."""
    labels = name.split(".")
    return len(labels) > 2 or (len(labels) == 2 and not _is_registry(labels))


def _is_registry(labels: list[str]) -> bool:
    return len(labels[-1]) == 2 and labels[-2] in _REGISTRIES


def _registered(name: str) -> str:
    labels = name.split(".")
    country = len(labels) > 2 and _is_registry(labels)
    return ".".join(labels[-3 if country else -2 :])


def _ascii(name: str) -> str:
    """As DNS has it, so that both ways of writing an international name are one."""
    name = name.strip().lower().rstrip(".")
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def normal(address: str) -> str:
    """One way of writing for an address."""
    try:
        return str(ipaddress.ip_address(address.strip().partition("%")[0]))
    except ValueError:
        return address


def _is_loopback(address: str) -> bool:
    """Also of 0.0.0.0 and ::, by which a host connects to itself, and of IPv4 written as IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return parsed.is_loopback or parsed.is_unspecified
