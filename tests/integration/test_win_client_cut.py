# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client on the laboratory's desktop while the connection is cut, and while the controller is killed, at one request after
the other.

The installer counts its starts: one, whatever happened. The next run converges, and nothing is left of either: no shell, no file, no
task, no hive. By default a few requests over the whole installation of an EXE and of an MSI with settings of all users; `make
soak-windows` takes every one (tests/soak/client_cut.py).
"""

from __future__ import annotations

import random

import pytest
from client_cuts import EXE, HOWS, KILLED, MSI, Tally, Victim, spread
from lab_desktops import Desktop


@pytest.mark.parametrize(
    ("kind", "hives", "hows", "count"), [(EXE, False, HOWS, 4), (MSI, True, HOWS, 2), (EXE, False, KILLED, 2)]
)
def test_cut_at_one_request_after_the_other(lab, tmp_path, kind, hives, hows, count):
    lab.up("users", "win1")
    with Victim(Desktop(lab), tmp_path, kind, hives).ready() as victim:
        tally = Tally()
        cuts = spread(victim.requests(), count, hows)
        assert len(cuts) == count
        for number, how in cuts:
            victim.interrupt(number, how, tally)
        if hows == KILLED:
            assert tally.killed >= count - 1
            victim.forget_shells()
            victim.look("after the last shell")
        else:
            # A cut connection is no reason to give up, wherever there is nothing that could happen twice.
            assert tally.survived >= count // 2 and tally.killed == 0


def test_killed_in_the_middle_of_a_package(lab, tmp_path):
    """What was being unpacked stays open until the host ends that shell: the next run does not need that name, and says what is left."""
    lab.up("users", "win1")
    payload = random.Random(1).randbytes(600_000)  # noqa: S311 - it only must not shrink
    with Victim(Desktop(lab), tmp_path, EXE, payload=payload).ready() as victim:
        sends = [number for number, verb in enumerate(victim.requests(), 1) if verb == "Send"]
        middle = sends[len(sends) // 2]
        assert {middle - 1, middle + 1} <= set(sends)
        victim.interrupt(middle, "kill_after", tally := Tally())
        assert tally.killed == 1
        victim.forget_shells()
        victim.look("after the last shell")
