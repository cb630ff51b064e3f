# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which disks carry a folder, and do they rotate?

From the mount through partition, device mapper (LVM, dm-crypt, multipath), md RAID and loop devices down to disks, as
/proc/self/mountinfo and /sys show them.
"""

from __future__ import annotations

import os
import pathlib
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._host.hardware import virtual_machine
from ansible_collections.onprem.chat.plugins.module_utils._host.system import listing, read_text

_DEEPEST = 12
_HYPERVISORS = re.compile(r"/virtio\d|/vbd-|/vmbus|/VMBUS|/xen-backend")
_STORAGE_NETWORK = re.compile(r"/session\d|/rport-\d|^(?:rbd|nbd|drbd)\d")
_RAID_DRIVERS = frozenset(
    ("megaraid_sas", "smartpqi", "hpsa", "aacraid", "arcmsr", "3w-9xxx", "3w-sas", "ips", "mpi3mr")
)
HYPERVISOR, RAID, NETWORK = "the hypervisor", "the RAID controller", "the storage network"


class Mount(t.NamedTuple):
    """A line of /proc/self/mountinfo; number is ``major:minor``."""

    point: str
    number: str
    kind: str
    source: str


class Disk(t.NamedTuple):
    """rotational: None where the disk does not say; reporter: who says so in place of the disk itself, or empty."""

    name: str
    rotational: bool | None
    reporter: str


class Carrier(t.NamedTuple):
    """What carries a folder. through: devices on the way; why: why no disk was found."""

    disks: list[Disk]
    through: list[str]
    why: str = ""


def carrier(root: pathlib.Path, path: str, depth: int = 0) -> Carrier:
    """The disks below a folder, or below where it would lie."""
    mount = mount_of(root, path)
    if mount is None:
        return Carrier([], [], "/proc/self/mountinfo does not say")
    starts = _devices_of(root, mount)
    if not starts:
        return Carrier([], [], f"file system {mount.kind} on {mount.point} shows no disk")
    disks: dict[str, Disk] = {}
    through: list[str] = []
    for device in starts:
        _walk(root, device, disks, through, depth)
    why = "" if disks else f"no disk was found below {', '.join(device.name for device in starts)}"
    return Carrier(list(disks.values()), list(dict.fromkeys(through)), why)


def mount_of(root: pathlib.Path, path: str) -> Mount | None:
    """The mount that a path lies on; of several on one point the last, which hides the others."""
    real = _real(root, path)
    best = None
    for line in (read_text(root, "proc/self/mountinfo") or "").splitlines():
        left, _dash, right = line.partition(" - ")
        fields, more = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(more) < 2:
            continue
        point = _unescaped(fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(point, fields[2], more[0], _unescaped(more[1]))
    return best


def _devices_of(root: pathlib.Path, mount: Mount) -> list[pathlib.Path]:
    """Where the file system lies in /sys; btrfs has numbers of its own and may have several devices."""
    device = _device(root / "sys/dev/block" / mount.number)
    if device is not None:
        return [device]
    if mount.kind != "btrfs" or not mount.source.startswith("/dev/"):
        return []
    # A container may not have the node in its /dev; /dev/mapper/NAME is a link to dm-0.
    there = os.path.exists(root / mount.source.lstrip("/"))  # noqa: PTH110 - it never raises
    name = (_real(root, mount.source) if there else mount.source).rpartition("/")[2]
    for identity in listing(root / "sys/fs/btrfs"):
        together = listing(root / "sys/fs/btrfs" / identity / "devices")
        if name in together:
            return [found for found in (_device(root / "sys/class/block" / one) for one in together) if found]
    found = _device(root / "sys/class/block" / name)
    return [found] if found else []


def _walk(root: pathlib.Path, device: pathlib.Path, disks: dict[str, Disk], through: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        return
    if os.path.exists(device / "partition"):  # noqa: PTH110
        device = device.parent
    slaves = [_device(device / "slaves" / name) for name in listing(device / "slaves")]
    if slaves:
        through.append(device.name)
        for slave in slaves:
            if slave is not None:
                _walk(root, slave, disks, through, depth + 1)
        return
    backing = (read_text(device, "loop/backing_file") or "").strip()
    if backing:
        through.append(device.name)
        below = carrier(root, backing, depth + 1)
        through += below.through
        disks.update({disk.name: disk for disk in below.disks})
        return
    text = (read_text(device, "queue/rotational") or "").strip()
    rotational = {"0": False, "1": True}.get(text)
    disks[device.name] = Disk(device.name, rotational, _reporter(root, device))


def _reporter(root: pathlib.Path, device: pathlib.Path) -> str:
    place = str(device)
    if _STORAGE_NETWORK.search(place) or _STORAGE_NETWORK.search(device.name):
        return NETWORK
    if _HYPERVISORS.search(place) or virtual_machine(root):
        return HYPERVISOR
    host = re.search(r"/(host\d+)/", place)
    if host and (read_text(root, f"sys/class/scsi_host/{host.group(1)}/proc_name") or "").strip() in _RAID_DRIVERS:
        return RAID
    return ""


def _device(link: pathlib.Path) -> pathlib.Path | None:
    return pathlib.Path(os.path.realpath(link)) if os.path.exists(link) else None  # noqa: PTH110


def _real(root: pathlib.Path, path: str) -> str:
    """A path without symbolic links, as the host sees it, not as a test's folder has it.

    What does not exist, or may not be looked into by this user, stays as it is written; its mount is known nevertheless.
    """
    real, base = os.path.realpath(root / path.lstrip("/")), os.path.realpath(root)
    if base == "/":
        return real
    return (real[len(base) :] or "/") if real.startswith(base) else real


def _unescaped(text: str) -> str:
    """proc(5): blanks and backslashes are octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)
