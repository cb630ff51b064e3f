# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logs as Wine's msiexec writes them; those of Windows are in test_client_delivery."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.plugin_utils._client import msi_log

CONDITION = """Action start 7:44:57: INSTALL.
Action ended 7:44:56: MigrateFeatureStates. Return value 0.
Action start 7:44:57: LaunchConditions.
Action ended 7:44:57: LaunchConditions. Return value 0.
Action ended 7:44:57: INSTALL. Return value 0.
1: Corp Talk Fails 2: {6F8C1D20-5B1A-4C6E-9A00-000000001603} 3: 0
Property(S): PASSWORD = canary
"""


def test_the_action_before_the_end_of_everything_is_what_failed():
    found = msi_log.decisive(("filler\n" * 100 + CONDITION).encode())
    assert found[-3:] == [
        "Action start 7:44:57: LaunchConditions.",
        "Action ended 7:44:57: LaunchConditions. Return value 0.",
        "Action ended 7:44:57: INSTALL. Return value 0.",
    ]


def test_rollback_and_what_was_written_later_are_not_taken_for_it():
    later = "Action ended 7:44:58: ProcessComponents. Return value 1.\n" * 30
    found = msi_log.decisive((CONDITION + later).encode())
    assert found[-1] == "Action ended 7:44:57: INSTALL. Return value 0."


def test_where_only_everything_ended_badly_that_is_shown():
    log = "Action ended 1:00:00: CostFinalize. Return value 1.\nAction ended 1:00:01: INSTALL. Return value 0.\n"
    assert msi_log.decisive(log.encode())[-1] == "Action ended 1:00:01: INSTALL. Return value 0."


def test_an_action_that_had_nothing_to_do_is_no_failure():
    log = (
        "Action ended 1:00:00: MigrateFeatureStates. Return value 0.\nAction ended 1:00:01: INSTALL. Return value 1.\n"
    )
    assert msi_log._failed(log.splitlines()) == []


def test_properties_are_never_shown():
    assert msi_log.decisive(b"one\nProperty(S): PASSWORD = canary\nProperty(C): PASSWORD = canary\n") == ["one"]


STAMP = "MSI (s) (34:8C) [10:22:33:123]: "
FAILED = f"""{STAMP}Product: Corp Talk -- Error 1722. There is a problem with this Windows Installer package.
CustomAction Setup returned actual error code 1603 (note this may not be 100% accurate if translation happened inside sandbox)
Action ended 10:22:33: InstallFinalize. Return value 3.
"""


def test_what_every_log_of_windows_begins_with_does_not_hide_the_reason():
    noise = f"{STAMP}Note: 1: 2262 2: AdminProperties 3: -2147287038 \n" * 30
    early = f"{STAMP}Note: 1: 1402 2: UNKNOWN\\Software\\Corp 3: 2 \n" * 30
    found = msi_log.decisive((noise + early + "filler\n" * 100 + FAILED).encode("utf-16"))
    assert not any("2262" in line for line in found)
    assert found[-3:] == FAILED.splitlines()


def test_values_of_properties_are_shown_nowhere():
    lines = (
        f"{STAMP}PROPERTY CHANGE: Adding PASSWORD property. Its value is 'canary'.\n"
        f"{STAMP}Command Line: PASSWORD=canary CURRENTDIRECTORY=C:\\Windows \n"
        "           CommandLine: PASSWORD=canary\n"
        f"{STAMP}Executing op: CustomActionSchedule(Action=Setup,ActionType=3073,Target=x,CustomActionData=canary)\n"
    )
    found = msi_log.decisive((lines + FAILED).encode())
    assert "canary" not in "".join(found)
    assert (
        f"{STAMP}Executing op: CustomActionSchedule(Action=Setup,ActionType=3073,Target=x,CustomActionData=********"
        in found
    )
