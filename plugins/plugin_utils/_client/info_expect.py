# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a host is expected to have, and whether it has it. Pure: what was found comes in, a verdict goes out."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.onprem.chat.plugins.module_utils._checks import FAIL, PASS, SKIP, WARN

from .._packages import versions
from .._windows.users import User
from . import file_version
from .errors import OptionError
from .info_products import Filter, Product
from .options import compare
from .wanted import MACHINE, MSI, USER, PackageLike, code, uninstall_key


@dataclasses.dataclass(frozen=True)
class Expectation:
    """A client that is to be there, or not. Without a version every version will do."""

    name: str
    filter: Filter
    scope: str = MACHINE
    absent: bool = False
    version: str = ""
    msi: bool = False
    keep_newer: bool = False
    version_file: str = ""

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip()

    def compare(self, version: str) -> int:
        """-1 for one that is older than the wanted one, by the rule of this kind of package."""
        return compare(versions.compare_msi if self.msi else versions.compare, version, self.version)


class Verdict(t.NamedTuple):
    """The answer to one expectation; ``hint`` is empty where it is met."""

    status: str
    evidence: str
    hint: str = ""


def expectation(options: Mapping[str, t.Any], package: PackageLike | None) -> Expectation:
    """From one item of the option ``expect`` and its package. OptionError where it does not say which product is meant."""
    key = uninstall_key(options)
    codes = {name: code(options, name, None if key else package) for name in ("product_code", "upgrade_code")}
    if not key and not any(codes.values()):
        raise OptionError(
            "It is not known which product is expected",
            options.get("package") or "expect",
            "An EXE does not say under which key it registers itself, and no code was given",
            "Give uninstall_key, product_code or upgrade_code",
        )
    absent = options.get("state") == "absent"
    # All versions of a family count, so the UpgradeCode tells more than the code of this one product.
    wanted = Filter(
        uninstall_key=key,
        upgrade_code="" if key else codes["upgrade_code"],
        product_code="" if key or codes["upgrade_code"] else codes["product_code"],
    )
    version = options.get("version") or (package.version if package else "")
    return Expectation(
        name=(package.name if package else "") or key or codes["product_code"] or codes["upgrade_code"],
        filter=wanted,
        scope=options.get("scope") or MACHINE,
        absent=absent,
        version="" if absent else version,
        msi=package.kind == MSI if package else not key,
        keep_newer=bool(options.get("keep_newer")),
        version_file="" if absent else file_version.option(options),
    )


def judge(wanted: Expectation, found: Sequence[Product], people: Sequence[User], profiles: bool) -> Verdict:
    """``found``: what matches the filter. ``profiles``: those of users who are not logged on were looked at, too."""
    if wanted.scope == MACHINE:
        return _machine(wanted, found)
    # The hive of the account that asks is loaded, too: Windows does so for WinRM, and nobody sits there.
    asked = [user for user in people if user.logged_on or (profiles and (user.loaded or user.loadable))]
    return _of_users(wanted, found, asked, {user.sid.upper(): user.name for user in people})


def _machine(wanted: Expectation, found: Sequence[Product]) -> Verdict:
    here = [one for one in found if one.scope == MACHINE]
    if wanted.absent:
        if here:
            return Verdict(
                FAIL, f"{_told(here)} is still installed", "Run the playbook remove, or win_client with state=absent"
            )
        return Verdict(PASS, f"{wanted.title} is not installed")
    if not here:
        others = " for all users; some users have it for themselves" if found else ""
        return Verdict(FAIL, f"{wanted.title} is not installed{others}", _INSTALL)
    if not wanted.version:
        return Verdict(PASS, f"{_told(here)} is installed")
    right = [one for one in here if wanted.compare(one.version) == 0]
    rest = [one for one in here if one not in right]
    if right and rest:
        hint = "Remove the other version by hand, or run win_client with it and state=absent"
        return Verdict(WARN, f"{_told(right)} is installed, and beside it {_told(rest)}", hint)
    if right:
        return Verdict(PASS, f"{_told(right)} is installed")
    if all(wanted.compare(one.version) > 0 for one in rest):
        if wanted.keep_newer:
            return Verdict(PASS, f"{_told(rest)} is installed, which is newer than {wanted.version} and may be")
        return Verdict(
            WARN,
            f"{_told(rest)} is installed, which is newer than {wanted.version}",
            "Name the newer package in chat_clients, or allow the downgrade",
        )
    return Verdict(FAIL, f"{_told(rest)} is installed instead of {wanted.version}", _INSTALL)


_INSTALL = "Run the playbook clients, or win_client with this package"


def _of_users(
    wanted: Expectation, found: Sequence[Product], people: Sequence[User], names: Mapping[str, str]
) -> Verdict:
    """``people``: those who are to have it. ``names``: of everybody, by his SID in upper case."""
    theirs = [one for one in found if one.scope == USER]
    if wanted.absent and theirs:
        who = ", ".join(sorted({names.get(one.sid.upper(), one.sid) for one in theirs}))
        return Verdict(
            FAIL, f"{wanted.name} is still installed for {who}", "Run win_client with state=absent and scope=user"
        )
    if not people:
        return Verdict(SKIP, "nobody is logged on, and profiles of others were not looked at")
    if wanted.absent:
        return Verdict(PASS, f"{wanted.name} is installed for nobody of {len(people)}")
    having = {one.sid.upper() for one in theirs if not wanted.version or wanted.compare(one.version) >= 0}
    missing = [user for user in people if user.sid.upper() not in having]
    if not missing:
        return Verdict(PASS, f"{wanted.title} is installed for all {len(people)} users")
    who = ", ".join(user.name for user in missing)
    if any(user.logged_on for user in missing):
        return Verdict(FAIL, f"{wanted.title} is missing for {who} ({len(missing)} of {len(people)})", _INSTALL)
    return Verdict(
        WARN,
        f"{wanted.title} is missing for {who}, who are not logged on",
        "They get it when they log on the next time",
    )


def _told(found: Sequence[Product]) -> str:
    return ", ".join(f"{one.name or one.key} {one.version}".strip() for one in found)
