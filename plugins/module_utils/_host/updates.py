# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Which updates are pending, by apt's own simulation, and which kernel waits for a reboot.

Nothing is locked, written or fetched: apt is told to keep its cache in memory, so it works as any user and beside
another apt that runs.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Finished, Machine
from ansible_collections.onprem.chat.plugins.module_utils._host.system import listing, os_release, read_text

#: Package lists older than this say nothing about updates of today.
OLDEST_LISTS = 7 * 86400

_SETTINGS = (
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    "Dir::Log::Planner=/dev/null",  # as root a simulation would write /var/log/apt/eipp.log.xz
    "Debug::NoLocking=1",
)
_ONLY_READ = tuple(word for setting in _SETTINGS for word in ("-o", setting))
SIMULATE = ("apt-get", "--simulate", "--quiet", *_ONLY_READ, "dist-upgrade")
SOURCES = ("apt-get", "--print-uris", "--quiet", *_ONLY_READ, "update")
_TIMEOUT = 120
_INSTALL = re.compile(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+)")
_REMOVE = re.compile(r"^Remv (\S+)")
_LISTS = "var/lib/apt/lists"
# What changes when something was fetched. An update that found nothing newer leaves no trace of its success but the first
# of these, where update-notifier is installed.
_STAMPS = ("var/lib/apt/periodic/update-success-stamp", _LISTS)
_TRIED = _LISTS + "/partial"  # every update touches it, one that reached no server, too
# Debian's backports have 6.5.0-0.deb12.4-amd64.
_KERNEL = re.compile(r"^(\d[0-9A-Za-z.+~]*(?:-\d[0-9.]*(?:(?:deb\d+|bpo)[0-9.]*)?)*)-([a-z][-a-z0-9]*)$")
_DEBIAN_BUILD = re.compile(r"\b(?:Debian|Ubuntu) (\d\S*)")


@dataclasses.dataclass(frozen=True)
class Update:
    """A package that would change; old is empty for a new one, new for one that would go."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        if not self.new:
            return f"{self.name} (would be removed)"
        return f"{self.name} ({self.old} -> {self.new})" if self.old else f"{self.name} (new, {self.new})"


@dataclasses.dataclass
class Updates:
    """What apt says.

    pending: what a full upgrade would change.
    kept_back: packages with a newer version that it would not install.
    trouble: apt's first error, or why it was not asked.
    lists_age: seconds since something was fetched into the package lists; None where there are none.
    tried_age: seconds since an update was tried, with or without success; None where that cannot be told.
    missing: addresses of configured sources whose package list is not there.
    expired: files of package lists whose Valid-Until has passed.
    security: whether a list of security updates is among them, where the distribution has an archive for these.
    """

    pending: list[Update] = dataclasses.field(default_factory=list)
    kept_back: list[str] = dataclasses.field(default_factory=list)
    trouble: str = ""
    lists_age: float | None = None
    tried_age: float | None = None
    missing: list[str] = dataclasses.field(default_factory=list)
    expired: list[str] = dataclasses.field(default_factory=list)
    security: bool = True


def ask(machine: Machine) -> Updates | None:
    """None where this host has no apt."""
    done = machine.run(SIMULATE, _TIMEOUT)
    if done is None:
        return None
    said = Updates(lists_age=_lists_age(machine), tried_age=_age(machine, (_TRIED,)))
    said.expired, said.missing = _expired(machine), _missing(machine)
    if done.code:
        said.trouble = _error(done)
        return said
    said.pending = list(_pending(done.out))
    said.kept_back = _kept_back(done.out)
    said.security = _has_security(machine)
    return said


def _pending(out: str) -> t.Iterator[Update]:
    for line in out.splitlines():
        found = _INSTALL.match(line)
        if found:
            yield Update(found.group(1), found.group(2) or "", found.group(3))
            continue
        found = _REMOVE.match(line)
        if found:
            yield Update(found.group(1), "", "")


def _kept_back(out: str) -> list[str]:
    """The names in the indented lines below its headline. Updates that a server deals out in phases have another one."""
    names: list[str] = []
    inside = False
    for line in out.splitlines():
        if inside and line.startswith("  "):
            names += line.split()
        else:
            inside = line.startswith("The following packages have been kept back")
    return names


def _has_security(machine: Machine) -> bool:
    """A host that was installed from a medium often has no other source; so apt never hears of updates."""
    if os_release(machine.root).get("ID") not in ("debian", "ubuntu"):
        return True
    return any("security" in name for name in listing(machine.root / _LISTS))


def _error(done: Finished) -> str:
    lines = [line[3:] for line in (done.err + "\n" + done.out).splitlines() if line.startswith("E: ")]
    return lines[0] if lines else f"apt-get ended with {done.code}"


def _lists_age(machine: Machine) -> float | None:
    """A list's own date is that of the server's file, so the folder is asked when it changed."""
    if not [name for name in listing(machine.root / _LISTS) if name not in ("lock", "partial", "auxfiles")]:
        return None
    return _age(machine, _STAMPS)


def _age(machine: Machine, stamps: t.Iterable[str]) -> float | None:
    times = []
    for stamp in stamps:
        try:
            times.append(os.stat(machine.root / stamp).st_mtime)  # noqa: PTH116 - one of many paths
        except OSError:
            continue
    return max(0.0, machine.now() - max(times)) if times else None


def _missing(machine: Machine) -> list[str]:
    """apt ignores a source that was never fetched: its updates would seem not to exist."""
    done = machine.run(SOURCES, _TIMEOUT)
    if done is None or done.code:
        return []
    there = listing(machine.root / _LISTS)
    missing = []
    for line in done.out.splitlines():
        found = re.match(r"^'([^']+)' (\S+)", line)
        # Files of this host (file:, copy:, cdrom:) need no list that was fetched.
        if not found or not re.match(r"^(?:https?|tor\+https?|ftp|mirror\S*)://", found.group(1)):
            continue
        prefix = re.sub(r"(?:In)?Release$", "", found.group(2))
        if prefix != found.group(2) and not any(name.startswith(prefix) for name in there):
            address = re.sub(r"/(?:In)?Release$", "", found.group(1))
            missing.append(re.sub(r"//[^/@]*@", "//***@", address))
    return list(dict.fromkeys(missing))


def _expired(machine: Machine) -> list[str]:
    """Release files that say of themselves that they are too old."""
    import email.utils

    expired = []
    for name in listing(machine.root / _LISTS):
        if not name.endswith(("_InRelease", "_Release")):
            continue
        found = re.search(r"(?m)^Valid-Until: (.+)$", read_text(machine.root, f"{_LISTS}/{name}") or "")
        if found:
            try:
                until = email.utils.parsedate_to_datetime(found.group(1).replace("UTC", "+0000")).timestamp()
            except (TypeError, ValueError, IndexError):
                continue
            if until < machine.now():
                expired.append(name)
    return expired


# -- reboot ------------------------------------------------------------------------------------------------------------


def reboot_asked_by(root: pathlib.Path) -> list[str] | None:
    """Packages that asked for a reboot; None where the flag is not there."""
    for folder in ("run", "var/run"):
        if (root / folder / "reboot-required").exists():
            return sorted(set((read_text(root, f"{folder}/reboot-required.pkgs") or "").split()))
    return None


def newer_kernel(root: pathlib.Path, release: str, version: str) -> str:
    """An installed kernel of the same flavour that is newer than the running one, or a newer build of the same."""
    running = _split(release)
    if running is None:
        return ""
    best, shown = running[0], ""
    for name in listing(root / "boot"):
        installed = _split(name[len("vmlinuz-") :]) if name.startswith("vmlinuz-") else None
        if installed and installed[1] == running[1] and installed[0] > best:
            best, shown = installed[0], name[len("vmlinuz-") :]
    if shown:
        return shown
    build = _DEBIAN_BUILD.search(version)
    on_disk = package_version(root, f"linux-image-{release}") if build else ""
    return f"{release} {on_disk}" if build and on_disk and on_disk != build.group(1) else ""


def package_version(root: pathlib.Path, package: str) -> str:
    """The installed version of a Debian package; empty where it is not installed."""
    text = "\n\n" + (read_text(root, "var/lib/dpkg/status") or "")
    start = text.find(f"\n\nPackage: {package}\n")
    if start < 0:
        return ""
    stanza = text[start + 2 :].partition("\n\n")[0]
    status = re.search(r"(?m)^Status: (.+)$", stanza)
    found = re.search(r"(?m)^Version: (\S+)$", stanza)
    installed = status is not None and status.group(1).split()[-1:] == ["installed"]
    return found.group(1) if found and installed else ""


def _split(release: str) -> tuple[list[int], str] | None:
    """``6.1.0-28-cloud-amd64`` -> ([6, 1, 0, 28], "cloud-amd64")."""
    found = _KERNEL.match(release)
    return ([int(number) for number in re.findall(r"\d+", found.group(1))], found.group(2)) if found else None
