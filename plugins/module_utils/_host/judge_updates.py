# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Updates that are pending, and a reboot that is."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import updates
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

_SHOWN = 5
_UPDATE = "On the host: apt-get update && apt-get dist-upgrade"


def judge_updates(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The ids host.updates and host.updates.held."""
    if not wanted.updates:
        return
    said = updates.ask(machine)
    if said is None:
        hint = "Look with the package manager of this distribution whether updates are pending."
        checks.skipped("host.updates", "updates", "there is no apt-get that answers", hint)
        checks.skipped("host.updates.held", "held packages", "there is no apt-get that answers", hint)
        return
    _updates(said, checks)
    _held(said, checks)


def _updates(said: updates.Updates, checks: Checks) -> None:
    id_, subject = "host.updates", "updates"
    if said.trouble:
        hint = (
            "Put the packages in order first: dpkg --configure -a, apt-get --fix-broken install, /etc/apt/sources.list."
        )
        checks.failed(id_, subject, f"apt cannot say: {said.trouble}", hint)
        return
    faults, hint = _state_of_lists(said)
    if said.pending:
        faults.insert(0, f"{len(said.pending)} pending: {_some(said.pending)}")
        hint = f"{_UPDATE}, then restart the host."
    if faults:
        checks.failed(id_, subject, "; ".join(faults), hint)
    elif not said.security:
        hint = "Is the distribution's archive of security updates among the sources? See: apt-cache policy"
        checks.warned(id_, subject, "none pending, but no package list of security updates", hint)
    else:
        checks.passed(id_, subject, f"none pending, package lists are {_age(said.lists_age or 0.0)} old")


def _held(said: updates.Updates, checks: Checks) -> None:
    """Packages with a newer version that no upgrade installs: somebody must decide about them."""
    id_, subject = "host.updates.held", "held packages"
    if said.kept_back:
        hint = (
            "Are they on hold (apt-mark showhold)? Release them with: apt-mark unhold. Else something stands in the way:"
            " apt-get install PACKAGE says what."
        )
        checks.failed(id_, subject, f"{len(said.kept_back)} kept back: {_some(said.kept_back)}", hint)
    elif said.trouble:
        checks.skipped(id_, subject, "apt cannot say", "Mend what host.updates says first.")
    elif said.lists_age is None:
        checks.skipped(id_, subject, "no package lists: apt does not know newer versions", _UPDATE)
    else:
        checks.passed(id_, subject, "none with a newer version")


def _state_of_lists(said: updates.Updates) -> tuple[list[str], str]:
    """What is wrong with the package lists; updates that apt has never heard of are pending, too."""
    if said.lists_age is None:
        return ["no package lists: apt does not know which updates there are"], _UPDATE
    faults, hint = [], ""
    if said.missing:
        faults.append(f"no package list of {_some(said.missing)}")
        hint = f"{_UPDATE}. Does apt-get update end without a warning? Can this host reach the source?"
    if said.lists_age > updates.OLDEST_LISTS or said.expired:
        age = f"package lists are {_age(said.lists_age)} old"
        if said.expired:
            age += " and no longer valid by their own date"
        if (
            said.lists_age > updates.OLDEST_LISTS
            and said.tried_age is not None
            and said.tried_age < said.lists_age - 3600
        ):
            age += f"; apt tried {_age(said.tried_age)} ago and fetched nothing newer"
            hint = hint or (
                f"{_UPDATE}. If apt-get update ends with a warning, this host does not reach the source. Else the source"
                " stands still (a mirror that nobody refreshes?): what it lacks, this host lacks, too."
            )
        faults.append(age)
        hint = hint or _UPDATE
    return faults, hint


def judge_reboot(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.reboot."""
    if not wanted.updates:
        return
    id_, subject = "host.reboot", "reboot"
    hint = "Restart the host: until then it runs without these updates."
    asked_by = updates.reboot_asked_by(machine.root)
    release, version = machine.kernel()
    newer = updates.newer_kernel(machine.root, release, version)
    if asked_by is not None:
        checks.warned(id_, subject, f"asked for by {_some(asked_by) if asked_by else '/run/reboot-required'}", hint)
    elif newer:
        checks.warned(id_, subject, f"kernel {release} runs, {newer} is installed", hint)
    else:
        checks.passed(id_, subject, f"nothing waits for one, kernel {release}")


def _some(items: list) -> str:
    """The first of them, and how many more."""
    shown = ", ".join(str(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{int(seconds / 60)} min"
    return f"{int(seconds / 3600)} h" if seconds < 2 * 86400 else f"{int(seconds / 86400)} days"
