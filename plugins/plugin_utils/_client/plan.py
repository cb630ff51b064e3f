# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""From what is there and what is wanted to the steps that lead there. Pure: nothing is asked, nothing is done."""

from __future__ import annotations

import dataclasses
import typing as t

from .._packages import versions
from .detect import Found, Installed
from .errors import RefusedError
from .wanted import MSI, Wanted

Compare = t.Callable[[str, str], int]

INSTALL, UPDATE, REPAIR, UNINSTALL = "install", "update", "repair", "uninstall"


@dataclasses.dataclass(frozen=True)
class Step:
    """One start of an installer. ``target`` is what it changes or removes; None when it brings something new."""

    action: str
    target: Installed | None = None

    @property
    def needs_package(self) -> bool:
        return self.action != UNINSTALL


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done. ``before`` and ``after`` are for people and for the diff, ``warning`` is for people who are mistaken."""

    steps: tuple[Step, ...] = ()
    before: tuple[dict[str, t.Any], ...] = ()
    after: tuple[dict[str, t.Any], ...] = ()
    why: str = ""
    warning: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.steps)

    @property
    def needs_package(self) -> bool:
        return any(step.needs_package for step in self.steps)


def plan(found: Found, wanted: Wanted, compare: Compare) -> Plan:
    """The steps for the machine scope; RefusedError where the state on the host forbids them.

    ``compare(a, b)`` gives -1, 0 or 1 for two versions, by the rule of this kind of package.
    """
    here = found.machine
    before = tuple(one.shown() for one in here)
    if wanted.state == "absent":
        steps = tuple(Step(UNINSTALL, one) for one in here)
        return Plan(steps, before, (), "installed" if steps else "not installed")
    same = [one for one in here if _same(one, wanted, compare)]
    newer = [one for one in here if one not in same and compare(one.version, wanted.version) > 0]
    older = [one for one in here if one not in same and one not in newer]
    if newer and wanted.keep_newer:
        return Plan((), before, before, f"{newer[0].version} is installed, which is newer and kept")
    if newer and not wanted.allow_downgrade:
        raise RefusedError(
            f"{wanted.name} {newer[0].version} is installed, which is newer than {wanted.version}",
            newer[0].key,
            "The package is older than what the host has",
            "Take a newer package; or set keep_newer where the client updates itself, or allow_downgrade to remove the newer one first",
            found=list(before),
        )
    away = tuple(Step(UNINSTALL, one) for one in newer)
    after = ({"name": wanted.name, "version": wanted.version, "scope": "machine"},)
    if same and not newer:
        if wanted.state == "repair":
            return Plan((Step(REPAIR, _to_repair(same, wanted)),), before, before, "repair was asked for")
        if wanted.version and all(_told_apart(one.version, wanted.version) for one in same):
            why = f"{same[0].version} is installed, and {wanted.version} is the same to Windows Installer"
            warning = (
                f"{wanted.name}: {why}, which looks at the first three fields only. To get it, remove the client first"
            )
            return Plan((), before, before, why, warning)
        return Plan((), before, before, "the wanted version is installed")
    if same:
        return Plan(away, before, after, "a newer version stands beside the wanted one")
    if newer:
        return Plan((*away, Step(INSTALL)), before, after, "a newer version is installed and may be replaced")
    if older and wanted.kind == MSI and any(one.product_code == wanted.product_code for one in older):
        # The same product in another version: Windows Installer calls it a small update and wants to be told (1638).
        mine = next(one for one in older if one.product_code == wanted.product_code)
        return Plan((Step(UPDATE, mine),), before, after, f"{mine.version} is installed")
    if older:
        return Plan(
            (Step(INSTALL, older[0]),), before, after, f"{older[0].version or 'an unknown version'} is installed"
        )
    return Plan((Step(INSTALL),), before, after, "not installed")


def _to_repair(same: list[Installed], wanted: Wanted) -> Installed:
    """The one that this package has installed. An MSI told to reinstall what is not there installs a product without features."""
    if wanted.kind != MSI:
        return same[0]
    mine = [one for one in same if one.product_code == wanted.product_code]
    if mine:
        return mine[0]
    raise RefusedError(
        f"{wanted.name} {same[0].version} was installed by another package, which this one cannot repair",
        same[0].key,
        f"Both call themselves the same version; the ProductCode of this package is {wanted.product_code}",
        "Give the package that it was installed with, or remove the client first",
    )


def _told_apart(one: str, other: str) -> bool:
    """Whether people see two versions where Windows Installer may see one: 2.1.0.5 and 2.1.0.7."""
    try:
        return versions.compare(one, other) != 0
    except ValueError:
        return False


def _same(one: Installed, wanted: Wanted, compare: Compare) -> bool:
    """Without a version to compare with, being there is enough."""
    if not wanted.version:
        return True
    return bool(one.version) and compare(one.version, wanted.version) == 0


def shortfall(found: Found, wanted: Wanted, compare: Compare) -> str:
    """After the steps: what is missing to the wanted state, or an empty text."""
    here = found.machine
    if wanted.state == "absent":
        return f"{here[0].name or here[0].key} {here[0].version} is still registered" if here else ""
    if any(_same(one, wanted, compare) for one in here):
        return ""
    if here:
        return f"{here[0].name or here[0].key} is registered with version {here[0].version or 'unknown'}, not {wanted.version}"
    return "it is not registered as installed"


def left_over(found: Found, wanted: Wanted, compare: Compare) -> list[dict[str, t.Any]]:
    """Other versions of the same family that an upgrade did not take away."""
    if wanted.state == "absent":
        return []
    others = [one for one in found.machine if not _same(one, wanted, compare)]
    return [one.shown() for one in others if not (wanted.keep_newer and compare(one.version, wanted.version) > 0)]
