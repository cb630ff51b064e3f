# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Is this a virtual machine or a container, and how many processors may it use?"""

from __future__ import annotations

import pathlib
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._host.system import read_text

_VENDORS = (
    "qemu", "kvm", "vmware", "virtualbox", "innotek", "xen", "openstack", "ovirt", "rhev", "nutanix", "bochs", "bhyve",
    "parallels", "amazon ec2", "google compute", "virtual machine", "cloud", "proxmox",
)  # fmt: skip
_CAP_SYS_TIME = 25


def virtual_machine(root: pathlib.Path) -> bool:
    """Whether a hypervisor carries this kernel."""
    for line in (read_text(root, "proc/cpuinfo") or "").splitlines():
        if line.startswith("flags"):  # x86: every hypervisor sets it
            return "hypervisor" in line.split()
    if read_text(root, "sys/hypervisor/type"):
        return True
    names = [
        read_text(root, f"sys/class/dmi/id/{name}") or "" for name in ("sys_vendor", "product_name", "bios_vendor")
    ]
    shown = " ".join(names).lower()
    return any(vendor in shown for vendor in _VENDORS)


def may_set_clock(root: pathlib.Path) -> bool:
    """Whether services of this host may set the clock; containers usually may not."""
    for line in (read_text(root, "proc/1/status") or "").splitlines():
        if line.startswith("CapBnd:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_TIME & 1)
    return True


class Processors(t.NamedTuple):
    """online: of the machine; usable: what services may use of them; why: the limit that makes the difference."""

    online: int
    usable: float
    why: str = ""


def processors(root: pathlib.Path) -> Processors | None:
    """Online processors, and the limits that process 1 has: those of the host, not those of this login."""
    online = numbers(read_text(root, "sys/devices/system/cpu/online") or "")
    if not online:
        text = read_text(root, "proc/cpuinfo") or ""
        online = {int(number) for number in re.findall(r"(?m)^processor\s*:\s*(\d+)", text)}
    if not online:
        return None
    usable, why = float(len(online)), ""
    allowed = re.search(r"(?m)^Cpus_allowed_list:\s*(\S+)", read_text(root, "proc/1/status") or "")
    if allowed:
        both = online & numbers(allowed.group(1))
        if both and len(both) < usable:
            usable, why = float(len(both)), "the CPU affinity of process 1"
    quota = _quota(root)
    if quota is not None and quota < usable:
        usable, why = quota, "a control group's CPU quota"
    return Processors(len(online), usable, why)


def numbers(text: str) -> set[int]:
    """``0-3,8`` as a set."""
    found: set[int] = set()
    for part in text.strip().split(","):
        first, _dash, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return found


def _quota(root: pathlib.Path) -> float | None:
    """The least CPU quota of process 1's control group and those above it, in processors. cgroups(7), both versions."""
    quotas = []
    for line in (read_text(root, "proc/1/cgroup") or "0::/").splitlines():
        number, _colon, rest = line.partition(":")
        controllers, _colon, path = rest.partition(":")
        if number == "0":
            places = ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
        elif "cpu" in controllers.split(","):
            places = [f"sys/fs/cgroup/{controllers}", "sys/fs/cgroup/cpu"]
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for place in places:
            for length in range(len(parts) + 1):
                quotas.append(_quota_of(root, "/".join([place, *parts[:length]])))
    known = [quota for quota in quotas if quota]
    return min(known) if known else None


def _quota_of(root: pathlib.Path, group: str) -> float | None:
    text = read_text(root, f"{group}/cpu.max")
    if text is None:
        quota, period = read_text(root, f"{group}/cpu.cfs_quota_us"), read_text(root, f"{group}/cpu.cfs_period_us")
        text = f"{quota} {period}"
    fields = text.split()
    if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit() and int(fields[1]):
        return int(fields[0]) / int(fields[1])
    return None
