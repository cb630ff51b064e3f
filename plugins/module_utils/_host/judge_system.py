# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Operating system, hardware and ports."""

from __future__ import annotations

import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import hardware, system
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

# The kernel keeps a part: a machine sold with 2048 MiB shows about 1960.
MEMORY_TOLERANCE = 0.93


def judge_operating_system(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.os."""
    if not wanted.os:
        return
    release, distribution = system.os_release(machine.root), str(wanted.os["distribution"])
    seen = release.get("PRETTY_NAME") or release.get("ID") or "no os-release file"
    versions = [str(version) for version in wanted.os.get("versions") or []]
    asked = " ".join([distribution, " or ".join(versions)]).strip()
    is_it = release.get("ID", "").lower() == distribution.lower()
    if is_it and (not versions or release.get("VERSION_ID") in versions):
        checks.passed("host.os", "operating system", seen)
    else:
        checks.failed("host.os", "operating system", seen, f"Install {asked} on this host.")


def judge_init(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.init."""
    if not wanted.systemd:
        return
    if system.runs_systemd(machine.root):
        checks.passed("host.init", "init system", "systemd")
        return
    name = system.init_name(machine.root) or "unknown"
    checks.failed(
        "host.init",
        "init system",
        f"process 1 is {name}, not systemd",
        "Services are run by systemd. In a container, start it with systemd as its first process.",
    )


def judge_architecture(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.architecture."""
    if not wanted.architectures:
        return
    seen = machine.architecture()
    if seen in wanted.architectures:
        checks.passed("host.architecture", "architecture", seen)
    else:
        asked = " or ".join(wanted.architectures)
        checks.failed("host.architecture", "architecture", seen, f"Use a host of architecture {asked}.")


def judge_processors(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.cpus."""
    if not wanted.min_cpus:
        return
    id_, subject, seen = "host.cpus", "processors", hardware.processors(machine.root)
    if seen is None:
        checks.skipped(id_, subject, "neither /sys nor /proc/cpuinfo says")
        return
    evidence = str(seen.online) + (f", of which {seen.usable:g} may be used ({seen.why})" if seen.why else "")
    if seen.usable >= wanted.min_cpus:
        checks.passed(id_, subject, evidence)
        return
    hint = "Give the host more processors."
    if seen.online >= wanted.min_cpus:
        hint = f"Lift the limit: {seen.why}. In a container it is set where the container is defined."
    checks.failed(id_, subject, f"{evidence}, at least {wanted.min_cpus} wanted", hint)


def judge_memory(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.memory."""
    asked = wanted.min_memory_mib
    if not asked:
        return
    seen = system.memory_mib(machine.root)
    if seen is None:
        checks.skipped("host.memory", "memory", "/proc/meminfo cannot be read")
    elif seen[0] >= asked * MEMORY_TOLERANCE:
        checks.passed("host.memory", "memory", f"{seen[0]} MiB, {seen[1]} MiB available")
    else:
        checks.failed(
            "host.memory", "memory", f"{seen[0]} MiB, at least {asked} MiB wanted", "Give the host more memory."
        )


def judge_ports(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.port for every port."""
    if not wanted.ports:
        return
    keys = [(port["port"], port.get("protocol") or "tcp") for port in wanted.ports]
    holders = system.holders_of_ports(machine.root, keys)
    for port, key in zip(wanted.ports, keys):  # noqa: B905 - Python 3.8 knows no strict
        _port(port, key, holders[key], checks)


def _port(port: dict[str, t.Any], key: tuple[int, str], found: list[system.Holder], checks: Checks) -> None:
    id_, subject = "host.port", f"{key[1]} port {key[0]}"
    allowed = port.get("allowed_processes") or []
    strangers = [holder for holder in found if holder.name not in allowed]
    shown = ", ".join(str(holder) for holder in found)
    if not found:
        checks.passed(id_, subject, "free")
    elif not strangers:
        checks.passed(id_, subject, f"held by {shown}, as expected")
    elif any(holder.pid for holder in strangers):
        hint = "Stop and disable this service, or move it to another port: the port is needed here."
        checks.failed(id_, subject, f"held by {shown}", hint)
    else:
        hint = f"Run this check as root (become) to see the name, or on the host: ss -lp 'sport = :{key[0]}'"
        checks.failed(id_, subject, f"held by {shown}", hint)
