# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Judges a host against what a product asks of it. The product's figures come in as options."""

from __future__ import annotations

import dataclasses
import functools
import threading
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, WARN, Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import (
    judge_clock,
    judge_disk,
    judge_names,
    judge_network,
    judge_outbound,
    judge_proxy,
    judge_resolver,
    judge_system,
    judge_updates,
)
from ansible_collections.onprem.chat.plugins.module_utils._host.guard import guarded
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements, resolve_here

__all__ = ["IDS", "Machine", "Requirements", "judge", "resolve_here", "unknown_ids"]

#: Every question that can be asked, in the order in which it is.
IDS = (
    "host.os", "host.updates", "host.updates.held", "host.reboot", "host.init", "host.architecture", "host.cpus",
    "host.memory", "host.disk", "host.disk.kind", "host.network.speed", "host.port", "host.address", "host.nat",
    "host.hosts", "host.resolver", "host.resolver.search", "host.name", "host.domain", "host.clock", "host.proxy",
    "host.outbound",
)  # fmt: skip

# With what is said where the system refuses to answer at all.
_QUESTIONS = (
    ("host.os", "operating system", judge_system.judge_operating_system),
    ("host.updates", "updates", judge_updates.judge_updates),
    ("host.reboot", "reboot", judge_updates.judge_reboot),
    ("host.init", "init system", judge_system.judge_init),
    ("host.architecture", "architecture", judge_system.judge_architecture),
    ("host.cpus", "processors", judge_system.judge_processors),
    ("host.memory", "memory", judge_system.judge_memory),
    ("host.disk", "disks", judge_disk.judge_disks),
    ("host.network.speed", "network", judge_network.judge_speed),
    ("host.port", "ports", judge_system.judge_ports),
    ("host.address", "addresses", judge_network.judge_addresses),
    ("host.nat", "external addresses", judge_network.judge_nat),
    ("host.hosts", "/etc/hosts", judge_names.judge_hosts_file),
    ("host.resolver", "/etc/resolv.conf", judge_resolver.judge_resolver),
    ("host.resolver.search", "/etc/resolv.conf", judge_resolver.judge_search),
    ("host.name", "names", judge_names.judge_resolution),
    ("host.domain", "domains", judge_names.judge_domain),
    ("host.clock", "clock", judge_clock.judge_clock),
    ("host.proxy", "proxy settings", judge_proxy.judge_proxies),
    ("host.outbound", "services", judge_outbound.judge_outbound),
)


def judge(wanted: Requirements, machine: Machine | None = None) -> Checks:
    """Every question that the requirements ask, in one fixed order; none that cannot be answered stops the next."""
    asked, machine = Checks(), machine or Machine()
    machine = dataclasses.replace(machine, resolve=_resolved(list(wanted.wanted_names()), machine))
    for id_, subject, question in _QUESTIONS:
        guarded(asked, id_, subject, functools.partial(question, wanted, machine, asked))
    return _weighed(wanted, asked)


def _resolved(names: list[str], machine: Machine) -> t.Callable[[str], list[str]]:
    """Asks for all names once and at the same time: a name server that is dead costs half a minute."""
    found: dict[str, list[str]] = {}

    def ask(name: str) -> None:
        found[name] = machine.resolve(name)

    threads = [threading.Thread(target=ask, args=(name,), daemon=True) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lambda name: found.get(name, [])


def unknown_ids(wanted: Requirements) -> dict[str, list[str]]:
    """Option -> ids in it that no question has: misspelt, they would do nothing."""
    given = {"accept": wanted.accept, "strict": wanted.strict, "sources": wanted.sources}
    found = {option: [id_ for id_ in ids if id_ not in IDS] for option, ids in given.items()}
    return {option: ids for option, ids in found.items() if ids}


def _weighed(wanted: Requirements, asked: Checks) -> Checks:
    """The checks with the status and the source that the task gives them."""
    checks = Checks()
    for check in asked:
        status = check.status
        if status == FAIL and check.id in wanted.accept:
            status = WARN
        elif status == WARN and check.id in wanted.strict:
            status = FAIL
        source = wanted.sources.get(check.id, check.source)
        checks.add(status, check.id, check.subject, check.evidence, check.hint, source)
    return checks
