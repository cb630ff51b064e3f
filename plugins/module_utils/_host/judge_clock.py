# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Is the clock right? A service that runs is no proof: the kernel is asked, and the service what it follows."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host import hardware, system
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements

#: A clock that is known to be no better than this many seconds is not in sync, whatever the service says.
GREATEST_ERROR = 1.0
#: systemd-timesyncd asks at least every 2048 s.
_TIMESYNCD_STALE = 2 * 3600
_LOCAL_CLOCK = "7F7F0101"  # chrony's reference id for its own clock

_KERBEROS = "Kerberos refuses more than 5 minutes of difference."
_RUN = f"{_KERBEROS} Run a time service such as chrony."
_CARRIER = f"{_KERBEROS} This host may not set its clock (a container): synchronise the machine that carries it."
_SOURCES = "Is a time server set, and does it answer by UDP port 123?"


class Told(t.NamedTuple):
    """What a time service says. good: None where it does not answer."""

    service: str
    good: bool | None
    text: str
    hint: str = ""


def judge_clock(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.clock."""
    if not wanted.clock:
        return
    kernel, told = machine.clock(), _service(machine)
    id_, subject = "host.clock", "clock"
    if told is not None and told.good is not None:
        if told.good:
            checks.passed(id_, subject, f"synchronised, {told.text}")
        else:
            checks.warned(id_, subject, f"not synchronised: {told.text}", told.hint)
    elif kernel is not None and kernel.synchronised:
        checks.passed(id_, subject, f"synchronised, says the kernel, at most {_seconds(kernel.error)} off")
    else:
        runs = f"{told.service} runs and does not answer" if told else "no time service runs"
        hint = _RUN if hardware.may_set_clock(machine.root) else _CARRIER
        seen = "not synchronised, says the kernel" if kernel else "cannot be told: the kernel does not say"
        checks.warned(id_, subject, f"{seen}; {runs}", told.hint if told else hint)


def _service(machine: Machine) -> Told | None:
    """The time service that runs; None without one."""
    names = system.running(machine.root)
    if "chronyd" in names:
        return _chrony(machine)
    if "systemd-timesyn" in names:
        return _timesyncd(machine)
    if "ntpd" in names:
        return _openntpd(machine) or _ntpd(machine)
    return None


def _chrony(machine: Machine) -> Told:
    done = machine.run(("chronyc", "-n", "-c", "tracking"), 10)
    fields = done.out.strip().split(",") if done is not None and not done.code else []
    look = "Look at: chronyc sources. " + _SOURCES
    try:
        identity, server, stratum, leap = fields[0], fields[1], int(fields[2]), fields[13].strip()
        offset, delay, dispersion = abs(float(fields[4])), float(fields[10]), float(fields[11])
    except (IndexError, ValueError):
        return Told("chronyd", None, "", look)
    if leap == "Not synchronised" or not stratum:
        return Told("chronyd", False, "chronyd runs and follows no server", look)
    if identity.upper() == _LOCAL_CLOCK:
        return Told("chronyd", False, "chronyd follows its own clock (directive local)", look)
    error = offset + delay / 2 + dispersion
    text = f"chronyd follows {server or identity} (stratum {stratum}), at most {_seconds(error)} off"
    if error > GREATEST_ERROR:
        hint = "chronyd corrects it slowly; at once with: chronyc makestep. If it stays, ask a nearer or better server."
        return Told("chronyd", False, text, hint)
    return Told("chronyd", True, text)


def _timesyncd(machine: Machine) -> Told:
    """It touches a file at every success (systemd-timesyncd.service(8)), and clears the kernel's flag."""
    name = "systemd-timesyncd"
    look = "Look at: timedatectl timesync-status. " + _SOURCES
    try:
        touched = os.stat(machine.root / "run/systemd/timesync/synchronized").st_mtime  # noqa: PTH116 - plain
    except OSError:
        return Told(name, False, f"{name} runs and has not heard of a server yet", look)
    since = machine.now() - touched
    if since > _TIMESYNCD_STALE:
        return Told(name, False, f"{name} heard of its server {int(since / 3600)} h ago for the last time", look)
    kernel = machine.clock()
    if kernel is not None and not kernel.synchronised:
        return Told(name, False, f"{name} runs, but the kernel says no", look)
    return Told(name, True, f"{name} follows a server")


def _openntpd(machine: Machine) -> Told | None:
    done = machine.run(("ntpctl", "-s", "status"), 10)
    if done is None or done.code:
        return None
    first = " ".join(done.out.split())
    if "clock synced" in first:
        return Told("ntpd", True, f"ntpd: {first[:100]}")
    return Told("ntpd", False, f"ntpd: {first[:100]}", "Look at: ntpctl -s all. " + _SOURCES)


def _ntpd(machine: Machine) -> Told:
    done = machine.run(("ntpq", "-n", "-c", "rv"), 10)
    look = "Look at: ntpq -pn. " + _SOURCES
    values = dict(re.findall(r"(\w+)=([^,\s]+)", done.out)) if done is not None and not done.code else {}
    try:
        stratum = int(values["stratum"])
        offset, delay, dispersion = (float(values[name]) / 1000 for name in ("offset", "rootdelay", "rootdisp"))
    except (KeyError, ValueError):
        return Told("ntpd", None, "", look)
    reference = values.get("refid", "?")
    if "leap_alarm" in (done.out if done else "") or stratum >= 16:
        return Told("ntpd", False, "ntpd runs and follows no server", look)
    if reference.startswith(("LOCAL", "LOCL", "127.127.1.")):
        return Told("ntpd", False, "ntpd follows its own clock", look)
    error = abs(offset) + delay / 2 + dispersion
    text = f"ntpd follows {reference} (stratum {stratum}), at most {_seconds(error)} off"
    return Told("ntpd", error <= GREATEST_ERROR, text, look)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"
