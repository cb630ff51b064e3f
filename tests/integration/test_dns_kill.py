# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records killed with SIGKILL, a few times; `make soak-dns-kill` does the same more often."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

COUNT = 3


@pytest.mark.parametrize("server", ["bind", "samba"])
def test_killed_and_run_again(name_servers, server):
    script = str(ROOT / "tests" / "soak" / "dns_kill.py")
    result = name_servers.lab.exec("users", ["python", script, "--count", str(COUNT), "--server", server])
    assert (result.returncode, result.stderr) == (0, ""), result.stdout
    lines = [re.sub(r" \(\d+ s\)$", "", line) for line in result.stdout.splitlines()]
    assert lines == [
        f"soak dns_kill {server}, killed {moment}: {COUNT} of {COUNT} all or nothing, then converged, then unchanged"
        for moment in ("before", "lost", "answered")
    ]
