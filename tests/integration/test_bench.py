# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmarks that need no laboratory run, with few items: verdicts are compared, times are not."""

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
    r"bench (\S+) -?[\d.]+ (?:s|ms) peer (\S+) -?[\d.]+ ratio -?[\d.]+ goal (?:<=|>=) [\d.]+ (?:met|missed)"
)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[list[str], list[dict]]:
    """Every kind of bundle once and more, and two tasks of everybody."""
    output = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, BENCH, "certificates", "--rounds", "1", "--output", output],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"BENCH_CERTIFICATES_BUNDLES": "20", "BENCH_CERTIFICATES_LOOPED": "2"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), json.loads((output / "certificates.json").read_text())


def test_each_figure_is_one_line(run):
    lines, figures = run
    told = [LINE.fullmatch(line) for line in lines]
    assert all(told), lines
    assert [line[1] for line in told] == [figure["name"] for figure in figures]
    assert [line[2] for line in told] == [figure["peer_name"] for figure in figures]


def test_raw_numbers_and_versions_are_kept(run):
    for figure in run[1]:
        assert len(figure["ours"]) == len(figure["peer"]) == 1
        assert set(figure["versions"]) >= {"community.crypto", "ansible-core", "cryptography"}
        assert figure["raw"]["process"][0]["user"]["ours"] > 0
        assert figure["raw"]["tasks"][0]["wall"]["ours, play of one"] > 0


def test_ours_was_right_about_the_traps_and_the_peer_about_some(run):
    assert run[1][0]["peer_right_about"] == {"trap-root": "1 of 2", "trap-issuer": "1 of 2", "trap-expired": "1 of 2"}


def test_a_wrong_verdict_ends_the_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCH.parent)
    import certificates_judged
    from certificates_made import Bundle

    bundle = Bundle("expired", "h1.corp.test", Path("a"), Path("b"), (), Path("c"), frozenset({"validity"}))
    certificates_judged.expect("ours", bundle, frozenset({"validity"}))
    with pytest.raises(
        SystemExit, match=r"ours says good of a bundle of the kind expired, and \['validity'\] is right"
    ):
        certificates_judged.expect("ours", bundle, frozenset())
