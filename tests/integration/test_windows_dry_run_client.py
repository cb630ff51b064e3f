# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acceptance suite for real Windows hosts (tests/windows), run against the laboratory's desktop: packages, people, names.

Wine behind the laboratory's WinRM stands for Windows: this proves that the suite runs, not that Windows does what it asks for.
"""

from __future__ import annotations

import pytest
from lab_desktops import CYRILLIC
from windows_dry_run import DryRun

GROUPS = ("win_client", "win_client_failures", "cuts", "users", "delivery", "names")
USERS_ADDRESS = "10.203.0.100:8099"


@pytest.fixture(scope="module")
def dry(desktop, tmp_path_factory):
    desktop.logon(CYRILLIC)
    return DryRun(desktop, tmp_path_factory.mktemp("windows"))


def test_everything_passes_and_nothing_stays(dry):
    # One cut each: what is there after every one of them is looked at in test_win_client_cut.py.
    done = dry.run(f"ONLY={','.join(GROUPS)}", "CUTS=1", f"PULL_ADDRESS={USERS_ADDRESS}")
    assert done.code == 0, done.output
    assert {one["group"] for one in done.report["checks"]} == set(GROUPS)
    assert set(done.outcomes().values()) == {"passed"}
    assert dry.desktop.shells() == 0
    assert dry.left() == []
