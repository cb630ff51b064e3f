# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The acceptance suite for real Windows hosts (tests/windows), run against the laboratory's desktop: channel, cmd.exe, tools, registry.

Wine behind the laboratory's WinRM stands for Windows: this proves that the suite runs, not that Windows does what it asks for.
"""

from __future__ import annotations

import subprocess

import pytest
from command_lines import CommandLines
from conftest import ROOT
from lab_desktops import CYRILLIC
from windows_dry_run import DryRun, alone

GROUPS = ("channel", "cmd", "tools", "safety", "refusals", "win_registry")
# What Wine or the laboratory has not. Any other check that is skipped there is a mistake.
SKIPPED = {
    "no shell of ours is listed",
    "people write nothing where packages lie",
    "people see nothing of systems temp",
    "who comes over winrm is not logged on",
    "a certificate of nobody",  # only with HTTPS: test_windows_dry_run_fails.py
}


@pytest.fixture(scope="module")
def dry(desktop, tmp_path_factory):
    desktop.logon(CYRILLIC)
    return DryRun(desktop, tmp_path_factory.mktemp("windows"))


def test_everything_passes_and_the_password_is_nowhere(dry):
    sampler = CommandLines(f"opc-{dry.desktop.lab.instance}-users")
    sampler.start()
    try:
        done = dry.run(f"ONLY={','.join(GROUPS)}")
    finally:
        seen = sampler.stop()
    assert done.code == 0, done.output
    assert {one["group"] for one in done.report["checks"]} == set(GROUPS)
    assert {name for name, outcome in done.outcomes().items() if outcome != "passed"} <= SKIPPED
    assert done.report["passed"] and done.report["host"]["wine"] and not done.report["cleanup"]
    text = dry.file.read_text()
    assert dry.desktop.host not in text and "svc-chat-rollout" not in text and CYRILLIC not in text
    assert "Wine, which is not Windows" in done.output and "All checks passed." in done.output
    assert b"test-windows" in seen and b"tests/windows" in seen
    assert dry.desktop.password.encode() not in seen
    assert dry.desktop.shells() == 0
    assert dry.left() == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["USER=admin"], "HOST is missing"),
        (["HOST=pc1"], "USER is missing"),
        (["HOST=pc1", "USER=a", "PASSWORD=canary-of-a-test"], "can be read by everybody"),
        (["HOST=pc1", "USER=a", "TRANSPORT=basic"], "TRANSPORT is ntlm or kerberos"),
        (["HOST=pc1", "USER=a", "PASSWORD_FILE=/etc/hostname"], "others may read"),
        (["HOST=pc1", "INVENTORY=/etc/hostname", "PORT=1"], "leave out PORT"),
        (["HOST=pc1", "USER=a", "TIMEOUT=5"], "there is no such parameter"),
        (["HOST=pc1", "USER=a"], "Nothing was done"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_wrong_parameters_do_nothing(words, text):
    command = ["make", "--no-print-directory", "test-windows", *words]
    done = subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        env=alone(),
    )
    assert text in done.stderr and "Error 2" in done.stderr
    assert "canary-of-a-test" not in done.stdout + done.stderr
