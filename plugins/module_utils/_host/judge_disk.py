# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Disks: is there room, and do they rotate?"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import disks, system
from ansible_collections.onprem.chat.plugins.module_utils._host.guard import guarded
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements


def judge_disks(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The ids host.disk and host.disk.kind for every folder."""
    for disk in wanted.min_disk:
        path, gib = disk["path"], disk["gib"]
        guarded(checks, "host.disk", path, functools.partial(_space, path, gib, machine, checks))
        if disk.get("ssd"):
            guarded(checks, "host.disk.kind", path, functools.partial(_kind, path, machine, checks))


def _space(path: str, wanted: float, machine: Machine, checks: Checks) -> None:
    folder, free = system.free_disk_gib(machine.root, path, machine.statvfs)
    evidence = f"{free:.1f} GiB free" + ("" if folder == path.rstrip("/") or folder == path else f" in {folder}")
    if free >= wanted:
        checks.passed("host.disk", path, evidence)
    else:
        checks.failed(
            "host.disk",
            path,
            f"{evidence}, at least {_plain(wanted)} GiB wanted",
            "Enlarge the file system or clean up.",
        )


def _plain(number: float) -> str:
    """Without an exponent and without zeros that say nothing."""
    return f"{number:.3f}".rstrip("0").rstrip(".")


def _kind(path: str, machine: Machine, checks: Checks) -> None:
    id_, found = "host.disk.kind", disks.carrier(machine.root, path)
    if not found.disks:
        hint = "Find out what lies below and whether it is an SSD; ask those who run this machine or its storage."
        checks.warned(id_, path, f"cannot be told: {found.why}", hint)
        return
    way = f" (through {', '.join(found.through)})" if found.through else ""
    evidence = ", ".join(_shown(disk) for disk in found.disks) + way
    rotating = [disk for disk in found.disks if disk.rotational]
    if any(not disk.reporter for disk in rotating):
        checks.failed(id_, path, evidence, f"Move {path} to an SSD.")
    elif rotating:
        hint = f"Ask those who run {rotating[0].reporter}: what it carries may be an SSD that it does not announce."
        checks.warned(id_, path, evidence, hint)
    elif any(disk.rotational is None for disk in found.disks):
        checks.warned(id_, path, evidence, "Find out whether this disk is an SSD.")
    else:
        checks.passed(id_, path, evidence)


def _shown(disk: disks.Disk) -> str:
    words: dict[t.Any, str] = {
        True: "is a rotating disk",
        False: "is no rotating disk",
        None: "does not say what it is",
    }
    return f"{disk.name} {words[disk.rotational]}" + (f", says {disk.reporter}" if disk.reporter else "")
