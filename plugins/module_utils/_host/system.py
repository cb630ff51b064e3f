# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a Linux host says about itself in /proc, /etc and /run.

Standard library only, Python 3.8 or newer, nothing is started. Everything is read below ``root``, so that tests can
give a folder instead of a machine.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import typing as t

LISTEN = "0A"


def read_text(root: pathlib.Path, path: str) -> str | None:
    """A small file's text, or None where it cannot be read."""
    try:
        return (root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def listing(folder: pathlib.Path) -> list[str]:
    """Names in a folder, sorted; none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are enough
    except OSError:
        return []


def os_release(root: pathlib.Path) -> dict[str, str]:
    """os-release(5) as a dict."""
    text = read_text(root, "etc/os-release") or read_text(root, "usr/lib/os-release") or ""
    values = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            values[name] = value.strip("\"'")
    return values


def init_name(root: pathlib.Path) -> str:
    """Name of process 1."""
    return (read_text(root, "proc/1/comm") or "").strip()


def runs_systemd(root: pathlib.Path) -> bool:
    """As sd_booted(3) decides."""
    return (root / "run/systemd/system").is_dir()


def memory_mib(root: pathlib.Path) -> tuple[int, int] | None:
    """(total, available) in MiB."""
    values = {}
    for line in (read_text(root, "proc/meminfo") or "").splitlines():
        name, _separator, value = line.partition(":")
        number = value.split()
        if number and number[0].isdigit():
            values[name] = int(number[0]) // 1024
    if "MemTotal" not in values:
        return None
    return values["MemTotal"], values.get("MemAvailable", values.get("MemFree", 0))


def free_disk_gib(root: pathlib.Path, path: str, statvfs: t.Callable[[t.Any], t.Any] = os.statvfs) -> tuple[str, float]:
    """(existing folder, free GiB for normal users) where the path lies or will lie.

    Raises OSError, also where this user may not see whether it is there: its parent may be another file system.
    """
    folder = root / path.lstrip("/")
    while not _is_there(folder) and folder not in (folder.parent, root):
        folder = folder.parent
    state = statvfs(folder)
    shown = "/" + str(folder.relative_to(root)) if folder != root else "/"
    return shown.replace("/.", "/"), state.f_bavail * state.f_frsize / 1024**3


def _is_there(path: pathlib.Path) -> bool:
    """As Path.exists() was before Python 3.14. Raises OSError."""
    try:
        os.stat(path)  # noqa: PTH116 - the same in every version of Python
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@dataclasses.dataclass(frozen=True)
class Holder:
    """A process that holds a port; pid 0 where it cannot be told."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})" if self.pid else "an unknown process"


def port_inodes(root: pathlib.Path, protocol: str) -> dict[int, set[str]]:
    """Local port -> inodes of sockets that listen on it (TCP) or are bound to it (UDP)."""
    ports: dict[int, set[str]] = {}
    for family in ("", "6"):
        text = read_text(root, f"proc/net/{protocol}{family}") or ""
        for line in text.splitlines()[1:]:
            fields = line.split()
            if len(fields) < 10 or (protocol == "tcp" and fields[3] != LISTEN):
                continue
            port = int(fields[1].rpartition(":")[2], 16)
            ports.setdefault(port, set()).add(fields[9])
    return ports


def socket_holders(root: pathlib.Path, inodes: set[str]) -> dict[str, Holder]:
    """Inode -> process, as far as this user may see it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    holders: dict[str, Holder] = {}
    for process in sorted(root.glob("proc/[0-9]*"), key=lambda found: int(found.name)):
        try:
            descriptors = list(os.scandir(process / "fd"))
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                inode = wanted.get(os.readlink(descriptor.path))  # noqa: PTH115 - Path has none in Python 3.8
            except OSError:
                continue
            if inode and inode not in holders:
                name = (read_text(process, "comm") or "").strip() or "unnamed"
                holders[inode] = Holder(int(process.name), name)
    return holders


def holders_of_ports(root: pathlib.Path, ports: t.Iterable[tuple[int, str]]) -> dict[tuple[int, str], list[Holder]]:
    """(port, protocol) -> processes that hold it; empty list where it is free."""
    listening = {protocol: port_inodes(root, protocol) for protocol in {protocol for _port, protocol in ports}}
    inodes = {key: listening[key[1]].get(key[0], set()) for key in ports}
    known = socket_holders(root, set().union(*inodes.values())) if inodes else {}
    unknown = Holder(0, "")
    return {
        key: sorted({known.get(inode, unknown) for inode in found}, key=lambda holder: holder.pid)
        for key, found in inodes.items()
    }


def running(root: pathlib.Path) -> set[str]:
    """Names of the processes that run, as /proc/PID/comm has them: at most 15 characters.

    Those in containers that this host carries are left out; they have a number of their own in there, too.
    """
    names = set()
    for process in root.glob("proc/[0-9]*"):
        numbers = re.search(r"(?m)^NSpid:(.*)$", read_text(process, "status") or "")
        if numbers is None or len(numbers.group(1).split()) < 2:
            names.add((read_text(process, "comm") or "").strip())
    return names - {""}


def hosts_entries(root: pathlib.Path) -> list[tuple[str, list[str]]]:
    """[(address, names)] of /etc/hosts."""
    entries = []
    for line in (read_text(root, "etc/hosts") or "").splitlines():
        fields = line.partition("#")[0].split()
        if len(fields) > 1:
            entries.append((fields[0], [name.lower().rstrip(".") for name in fields[1:]]))
    return entries


def name_servers(root: pathlib.Path) -> list[str] | None:
    """The nameserver lines of resolv.conf, or None where there is no such file."""
    text = read_text(root, "etc/resolv.conf")
    if text is None:
        return None
    lines = [line.split() for line in text.splitlines()]
    return [fields[1] for fields in lines if len(fields) > 1 and fields[0] == "nameserver"]


def search_lines(root: pathlib.Path) -> list[str]:
    """The ``domain`` and ``search`` lines of resolv.conf, with single blanks."""
    lines = [" ".join(line.split()) for line in (read_text(root, "etc/resolv.conf") or "").splitlines()]
    return [line for line in lines if line.split(" ")[0] in ("domain", "search")]


def resolver_writer(root: pathlib.Path) -> str:
    """Who seems to write resolv.conf, so that a change by hand would not last; empty where nobody is known."""
    try:
        target = os.readlink(root / "etc/resolv.conf")  # noqa: PTH115 - Path has none in Python 3.8
    except OSError:
        target = ""
    comments = [line for line in (read_text(root, "etc/resolv.conf") or "").splitlines() if line[:1] in ("#", ";")]
    shown = (target + "\n" + "\n".join(comments)).lower()
    shown = shown.replace("systemd/resolve", "systemd-resolved").replace("begin pve", "proxmox ve")
    for name in (
        "systemd-resolved", "NetworkManager", "resolvconf", "dhclient", "dhcpcd", "connman", "cloud-init", "Proxmox VE",
    ):  # fmt: skip
        if name.lower() in shown:
            return name
    return ""
