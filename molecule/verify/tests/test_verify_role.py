# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role verify left: a report on the controller, nothing on the host."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
REPORT = STATE / "report" / "verify.json"


@pytest.fixture
def report():
    return json.loads(REPORT.read_text())


def test_report_is_readable_by_owner_and_group_only():
    assert REPORT.stat().st_mode & 0o777 == 0o640
    assert REPORT.parent.stat().st_mode & 0o777 == 0o750


def test_everything_passed(report):
    assert [check for check in report["checks"] if check["status"] not in ("pass", "skip")] == []
    assert report["failed"] is False
    assert report["round_trip"]["to"] == "boris@corp.test"


def test_the_callers_check_is_there(report):
    assert report["checks"][0]["id"] == "molecule.caller"


def test_the_dates_of_both_servers_are_there(report):
    ends = {row["host"]: row for row in report["certificates"] if row["kind"] == "server"}
    assert set(ends) == {"chat.corp.test", "dc1.corp.test"}
    assert all(row["status"] == "pass" and row["days_left"] > 30 for row in ends.values())


def test_report_holds_no_password():
    text = REPORT.read_text()
    for password in json.loads((STATE / "secrets.json").read_text())["users"].values():
        assert password not in text


def test_nobody_stayed_logged_in(host):
    assert host.run("ejabberdctl connected_users").stdout.strip() == ""


def test_no_message_waits_for_a_user(host):
    assert host.run("ejabberdctl get_offline_count anna corp.test").stdout.strip() == "0"
