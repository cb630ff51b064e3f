# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What belongs to people: a package that each installs for himself, and what win_client_info tells of the host."""

from __future__ import annotations

import typing as t

import pytest
from machine import Machine, good
from packages import USERS_KEY

PACKAGE = "corpvoice-user-1.0.0.exe"


@pytest.fixture(scope="module")
def info(machine: Machine) -> dict[str, t.Any]:
    return good(machine.host.task("onprem.chat.win_client_info", {}), False)


def test_info_tells_the_same_windows(info: dict[str, t.Any], facts: dict[str, t.Any]) -> None:
    """win_client_info: the build, and free space."""
    assert info["windows"]["build"].startswith(facts["windows"]["CurrentBuild"])


def test_info_shows_nothing_of_the_tests(info: dict[str, t.Any]) -> None:
    """win_client_info: what was removed is not told any more."""
    assert [one["name"] for one in info["products"] if one["name"].startswith(("Corp Talk", "Corp Voice"))] == []


def test_an_exe_for_those_who_are_logged_on(machine: Machine, info: dict[str, t.Any]) -> None:
    """scope=user: a scheduled task runs it in each session; the hive of that user shows it; the removal goes the same way."""
    if not info["logged_on"]:
        pytest.skip("nobody is logged on to this host: log somebody on, at its screen or by Remote Desktop")
    options = {"uninstall_key": USERS_KEY, "scope": "user", "deadline": 300}
    try:
        done = good(machine.client(PACKAGE, **options), True)
        states = {user["state"] for user in done["users"] if user["logged_on"]}
        assert states == {"installed"}, done["users"]
        good(machine.client(PACKAGE, **options), False)
    finally:
        gone = good(machine.client(state="absent", **options))
    assert {user["state"] for user in gone["users"]} == {"absent"}
