# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark of Windows desktops runs with few of them; requests are compared, times are not. No laboratory is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "bench.py"
# shared format: bench <name> <value> <unit> peer <peer> <value> ratio <r> goal <=|>= <number> met|missed
LINE = re.compile(
    r"bench (windows-\S+) -?[\d.]+ (?:requests|kB|s|ms|hosts/s|ms/host|kB/host|times) "
    r"peer (\S+) -?[\d.]+ ratio -?[\d.]+ goal (?:<=|>=) [\d.]+ (met|missed)"
)
# What is counted and not timed, so that it is the same wherever it runs.
COUNTED = ["windows-nothing-requests-after-login", "windows-nothing-requests", "windows-nothing-bytes"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[list[str], list[dict]]:
    """One round on two and four desktops."""
    output = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, BENCH, "windows", "--rounds", "1", "--output", output],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BENCH_WINDOWS_HOSTS": "2,4", "BENCH_WINDOWS_TIMES": "2"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), json.loads((output / "windows.json").read_text())


def test_each_figure_is_one_line(run):
    lines, figures = run
    told = [LINE.fullmatch(line) for line in lines]
    assert all(told), lines
    assert [line[1] for line in told] == [figure["name"] for figure in figures]
    assert [line[2] for line in told] == [figure["peer_name"] for figure in figures]
    assert set(figures[0]["versions"]) >= {"ansible.windows", "ansible-core", "pywinrm"}


def test_the_goals_that_are_counted_are_met(run):
    told = {line[1]: line[3] for line in map(LINE.fullmatch, run[0])}
    assert {name: told[name] for name in COUNTED} == dict.fromkeys(COUNTED, "met"), run[0]


def test_the_peer_is_said_to_be_at_its_best_and_did_all_its_tasks(run):
    """Seven tasks of seven messages: a shell, a command, its input in two pieces, its output, and both closed."""
    figures = {figure["name"]: figure for figure in run[1]}
    assert "canned-PowerShell(best-case)" in figures["windows-nothing-bytes"]["peer_name"]
    seen = run[1][0]["raw"]["alone"][0]
    assert (seen["peer"]["messages"], seen["bare"]["messages"]) == (7 * 7, 5)


def test_each_desktop_was_asked_as_often(run):
    """Among four as among two as alone: so many requests a desktop."""
    seen = run[1][0]["raw"]["many"][0]["ours"]
    assert {count: cost["messages"] / int(count) for count, cost in seen.items()} == dict.fromkeys(
        ("1", "2", "4"), seen["1"]["messages"]
    )


def test_a_play_that_changes_something_ends_the_benchmark(monkeypatch, tmp_path):
    """What was not in the wanted state would be measured as if it were."""
    monkeypatch.syspath_prepend(BENCH.parent)
    import windows_desktops

    with windows_desktops.running(tmp_path / "new", done=False) as desktops:
        tasks = windows_desktops.ours(desktops.package, delivery="channel")
        with pytest.raises(SystemExit, match="too much or too little was changed"):
            desktops.play(tasks, windows_desktops.hosts(1))
        assert desktops.play(tasks, windows_desktops.hosts(1)).messages == 7
