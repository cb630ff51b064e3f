# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That checks of the acceptance suite for real Windows hosts (tests/windows) can fail, and that what it made is taken away in each case."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from conftest import ROOT
from lab_desktops import ROLLOUT
from windows_dry_run import DryRun, alone

CERTUTIL = "C:\\windows\\system32\\certutil.exe"


@pytest.fixture(scope="module")
def dry(desktop, tmp_path_factory):
    return DryRun(desktop, tmp_path_factory.mktemp("windows"))


def test_kerberos_over_https(dry):
    ca = dry.desktop.lab.state / "company-ca.crt"
    words = ["ONLY=32 bits,utf 8,refusals", "TRANSPORT=kerberos", "SCHEME=https", f"CA={ca}"]
    done = dry.run(*words, user=f"{ROLLOUT}@CORP.TEST")
    assert done.code == 0, done.output
    assert set(done.outcomes().values()) == {"passed"}
    assert done.report["connection"] == {"transport": "kerberos", "scheme": "https"}
    made = [line for line in dry.desktop.requests() if line.get("verb") == "Create"]
    assert made and {(line["mechanism"], line["scheme"]) for line in made} == {("kerberos", "https")}


def test_an_account_that_is_no_administrator(dry):
    with dry.desktop.faults({"do": "fault", "fault": "denied"}):
        done = dry.run()
    assert done.code == 3
    assert "administrator" in done.output and done.report["refused"] and done.report["checks"] == []


def test_a_wrong_password(dry):
    wrong = dry.folder / "wrong"
    wrong.touch(0o600)
    wrong.write_text("canary-of-a-wrong-password")
    done = dry.run(f"PASSWORD_FILE={wrong}")
    assert done.code == 3
    assert "canary-of-a-wrong-password" not in done.output + dry.file.read_text()


def test_a_host_whose_tool_does_something_else(dry):
    """Its check, and only its, says so, and what relies on it."""
    tool = dry.desktop.file(CERTUTIL)
    kept = tool.read_bytes()
    dry.desktop.write(CERTUTIL, dry.desktop.file("C:\\windows\\system32\\where.exe").read_bytes())
    try:
        done = dry.run("ONLY=certutil tells,findstr finds,delayed")
    finally:
        dry.desktop.write(CERTUTIL, kept)
    assert done.code == 1
    assert done.outcomes() == {
        "delayed expansion is off": "passed",
        "certutil tells a hash": "failed",
        "findstr finds by its exit code": "passed",
    }
    assert "FAILED   tools: certutil tells a hash" in done.output
    assert not done.report["passed"]
    assert dry.left() == []


def test_interrupted_it_takes_away_what_it_made(dry):
    """Ctrl-C: the terminal tells the whole group of processes."""
    dry.file.unlink(missing_ok=True)
    with subprocess.Popen(
        dry.command("ONLY=win_client"), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True, env=alone(),
    ) as running:  # fmt: skip
        dry.desktop.eventually(lambda: dry.desktop.file("C:\\Program Files\\onprem.chat\\jobs").exists(), 300)
        time.sleep(1)
        os.killpg(running.pid, signal.SIGINT)
        output, _nothing = running.communicate(timeout=600)
    done = dry.done(running.returncode, output)
    assert done.code != 0 and "is now taken away" in output, output
    assert done.report["interrupted"] and not done.report["passed"] and not done.report["cleanup"]
    assert "not run" in done.outcomes().values()
    assert dry.left() == []
