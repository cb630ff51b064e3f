# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What time services and the kernel say of a clock. Their words are those of the real programs."""

from __future__ import annotations

import os
import struct

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._host import clock
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.host_fake import Host

GOOD, BAD = clock.KernelClock(True, 0.012), clock.KernelClock(False, 16.0)
# chronyc -n -c tracking of chrony 4.3
CHRONY = "0ACB000A,10.203.0.10,3,1795349788.71,{offset},0.000000231,0.000105,-3.1,-0.0,0.03,{delay},{dispersion},64.6,{leap}\n"
CHRONY_LOCAL = "7F7F0101,,8,1795349788.710230843,0.000000000,0.0,0.0,0.000,0.000,0.000,0.0,0.0,0.0,Normal\n"
CHRONY_ALONE = (
    "00000000,,0,0.000000000,0.000000000,0.0,0.0,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n"
)
# ntpq -n -c rv of ntp 4.2.8
NTPQ = """associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p15", processor="x86_64", system="Linux/6.1", leap={leap},
stratum={stratum}, precision=-24, rootdelay=12.345, rootdisp=23.456, refid={refid},
reftime=e5c1, clock=e5c1, peer=41, tc=6, mintc=3, offset={offset}, frequency=-12.3
"""


@pytest.fixture(name="host")
def _host(tmp_path):
    return Host(tmp_path)


def ask(host, kernel=GOOD, **more):
    host.machine.clock = lambda: kernel
    return host.said("host.clock", **more)


def hint(host, kernel=BAD):
    host.machine.clock = lambda: kernel
    return host.one("host.clock")["hint"]


def chrony(offset="-0.000012", delay="0.020", dispersion="0.002", leap="Normal"):
    return CHRONY.format(offset=offset, delay=delay, dispersion=dispersion, leap=leap)


# -- the kernel alone -------------------------------------------------------------------------------------------------


def test_the_kernel_says_yes(host):
    assert ask(host) == ("pass", "synchronised, says the kernel, at most 12 ms off")


def test_the_kernel_says_no(host):
    assert ask(host, BAD) == ("warn", "not synchronised, says the kernel; no time service runs")
    assert hint(host) == "Kerberos refuses more than 5 minutes of difference. Run a time service such as chrony."


def test_the_kernel_does_not_say(host):
    assert ask(host, None) == ("warn", "cannot be told: the kernel does not say; no time service runs")


@pytest.mark.parametrize(("mask", "may"), [("000001ffffffffff", True), ("00000000fdecbfff", False)])
def test_a_container_that_may_not_set_the_clock(host, mask, may):
    host.write("proc/1/status", f"Name:\tsystemd\nCapBnd:\t{mask}\n")
    assert ("synchronise the machine that carries it" in hint(host)) is not may


def test_the_clock_is_not_asked(host):
    assert host.all("host.clock", clock=False) == []


@pytest.mark.parametrize(
    ("error", "status", "seen"),
    [
        (12_000, 0x2001, clock.KernelClock(True, 0.012)),
        (16_000_000, 0x40, clock.KernelClock(False, 16.0)),
        (500, 0x41, clock.KernelClock(False, 0.0005)),
        (16_000_000, 0x2001, clock.KernelClock(False, 16.0)),
    ],
)
def test_timex(error, status, seen):
    assert clock.read_timex(struct.pack("@Illlli", 0, -7, 3, error, 9, status) + bytes(300)) == seen


# -- chrony -----------------------------------------------------------------------------------------------------------


@pytest.fixture(name="chronyd")
def _chronyd(host):
    host.write("proc/400/comm", "chronyd\n")
    return host


@pytest.mark.parametrize("kernel", [GOOD, BAD, None])
def test_chrony_follows_a_server(chronyd, kernel):
    """Without the directive rtcsync, and in a container, the kernel's flag says nothing about it."""
    chronyd.program("chronyc", chrony())
    assert ask(chronyd, kernel) == ("pass", "synchronised, chronyd follows 10.203.0.10 (stratum 3), at most 12 ms off")
    assert chronyd.ran == [("chronyc", "-n", "-c", "tracking")]


def test_a_time_service_in_a_container_of_this_host(chronyd):
    chronyd.program("chronyc", chrony())
    chronyd.write("proc/400/status", "Name:\tchronyd\nNSpid:\t400\t12\n")
    assert ask(chronyd, BAD) == ("warn", "not synchronised, says the kernel; no time service runs")
    chronyd.write("proc/400/status", "Name:\tchronyd\nNSpid:\t400\n")
    assert ask(chronyd, BAD)[0] == "pass"


@pytest.mark.parametrize(
    ("out", "evidence"),
    [
        (CHRONY_ALONE, "not synchronised: chronyd runs and follows no server"),
        (chrony(leap="Not synchronised"), "not synchronised: chronyd runs and follows no server"),
        (CHRONY_LOCAL, "not synchronised: chronyd follows its own clock (directive local)"),
        (
            chrony(offset="42.5"),
            "not synchronised: chronyd follows 10.203.0.10 (stratum 3), at most 42.5 s off",
        ),
        (
            chrony(dispersion="7.1"),
            "not synchronised: chronyd follows 10.203.0.10 (stratum 3), at most 7.1 s off",
        ),
    ],
)
def test_chrony_is_not_in_sync(chronyd, out, evidence):
    chronyd.program("chronyc", out)
    assert ask(chronyd) == ("warn", evidence)


def test_what_to_do_about_chrony(chronyd):
    chronyd.program("chronyc", CHRONY_ALONE)
    assert hint(chronyd) == "Look at: chronyc sources. Is a time server set, and does it answer by UDP port 123?"
    chronyd.program("chronyc", chrony(offset="-42"))
    assert "chronyc makestep" in hint(chronyd)


def test_a_reference_clock_without_an_address(chronyd):
    chronyd.program("chronyc", chrony().replace("0ACB000A,10.203.0.10,3", "50484330,PHC0,1"))
    assert ask(chronyd)[1].startswith("synchronised, chronyd follows PHC0 (stratum 1)")


@pytest.mark.parametrize(("out", "code"), [("506 Cannot talk to daemon\n", 1), ("", 0), ("a,b,c\n", 0)])
def test_chrony_does_not_answer(chronyd, out, code):
    chronyd.program("chronyc", out, code)
    assert ask(chronyd) == ("pass", "synchronised, says the kernel, at most 12 ms off")
    assert ask(chronyd, BAD) == ("warn", "not synchronised, says the kernel; chronyd runs and does not answer")
    assert hint(chronyd).startswith("Look at: chronyc sources.")


def test_no_chronyc(chronyd):
    assert ask(chronyd, None) == ("warn", "cannot be told: the kernel does not say; chronyd runs and does not answer")


# -- systemd-timesyncd --------------------------------------------------------------------------------------------------


@pytest.fixture(name="timesyncd")
def _timesyncd(host):
    host.write("proc/300/comm", "systemd-timesyn\n")
    return host


def heard(host, ago):
    host.write("run/systemd/timesync/synchronized", "")
    when = host.machine.now() - ago
    os.utime(host.root / "run/systemd/timesync/synchronized", (when, when))


def test_timesyncd_follows(timesyncd):
    heard(timesyncd, 2000)
    assert ask(timesyncd) == ("pass", "synchronised, systemd-timesyncd follows a server")
    assert ask(timesyncd, None)[0] == "pass"


def test_timesyncd_has_heard_nothing(timesyncd):
    assert ask(timesyncd, BAD) == (
        "warn",
        "not synchronised: systemd-timesyncd runs and has not heard of a server yet",
    )
    assert hint(timesyncd).startswith("Look at: timedatectl timesync-status.")


def test_timesyncd_heard_long_ago(timesyncd):
    heard(timesyncd, 5 * 3600)
    assert ask(timesyncd) == (
        "warn",
        "not synchronised: systemd-timesyncd heard of its server 5 h ago for the last time",
    )


def test_timesyncd_and_the_kernel_disagree(timesyncd):
    heard(timesyncd, 10)
    assert ask(timesyncd, BAD) == ("warn", "not synchronised: systemd-timesyncd runs, but the kernel says no")


# -- ntpd -------------------------------------------------------------------------------------------------------------


@pytest.fixture(name="ntpd")
def _ntpd(host):
    host.write("proc/300/comm", "ntpd\n")
    return host


def ntpq(leap="00", stratum="3", refid="10.203.0.10", offset="-1.5"):
    return NTPQ.format(leap=leap, stratum=stratum, refid=refid, offset=offset)


def test_ntpd_follows(ntpd):
    ntpd.program("ntpq", ntpq())
    assert ask(ntpd, BAD) == ("pass", "synchronised, ntpd follows 10.203.0.10 (stratum 3), at most 31 ms off")


@pytest.mark.parametrize(
    ("out", "evidence"),
    [
        (ntpq(stratum="16", refid="INIT"), "ntpd runs and follows no server"),
        (ntpq(refid="INIT").replace("leap_none", "leap_alarm"), "ntpd runs and follows no server"),
        (ntpq(refid="LOCAL(0)"), "ntpd follows its own clock"),
        (ntpq(refid="127.127.1.0"), "ntpd follows its own clock"),
        (ntpq(offset="2500"), "ntpd follows 10.203.0.10 (stratum 3), at most 2.5 s off"),
    ],
)
def test_ntpd_is_not_in_sync(ntpd, out, evidence):
    ntpd.program("ntpq", out)
    assert ask(ntpd) == ("warn", f"not synchronised: {evidence}")


@pytest.mark.parametrize(("out", "code"), [("localhost: timed out, nothing received\n", 1), ("garbage", 0)])
def test_ntpd_does_not_answer(ntpd, out, code):
    ntpd.program("ntpq", out, code)
    assert ask(ntpd, BAD) == ("warn", "not synchronised, says the kernel; ntpd runs and does not answer")


@pytest.mark.parametrize(
    ("out", "status", "evidence"),
    [
        (
            "4/4 peers valid, clock synced, stratum 3\n",
            "pass",
            "synchronised, ntpd: 4/4 peers valid, clock synced, stratum 3",
        ),
        ("0/4 peers valid, clock unsynced\n", "warn", "not synchronised: ntpd: 0/4 peers valid, clock unsynced"),
    ],
)
def test_openntpd(ntpd, out, status, evidence):
    ntpd.program("ntpctl", out)
    assert ask(ntpd, BAD) == (status, evidence)
