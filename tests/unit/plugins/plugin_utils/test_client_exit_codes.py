# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exit codes of installers: which class each belongs to, and that everybody gets a cause and a remedy."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import exit_codes
from ansible_collections.onprem.chat.plugins.plugin_utils._client.exit_codes import (
    BUSY,
    FAILED,
    GONE,
    REBOOT,
    SUCCESS,
    meaning,
)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, SUCCESS), (3010, REBOOT), (1641, REBOOT), (1618, BUSY), (1605, GONE), (1614, GONE), (1602, FAILED), (1603, FAILED),
        (1619, FAILED), (1620, FAILED), (1625, FAILED), (1633, FAILED), (1638, FAILED), (1639, FAILED), (5, FAILED),
        (0xC0000005, FAILED), (42, FAILED), (0xFFFFFFFF, FAILED),
    ],
)  # fmt: skip
def test_class_of_a_code(code, outcome):
    assert meaning("msi", code).outcome == outcome


@pytest.mark.parametrize("kind", ["msi", "exe"])
def test_everything_that_fails_says_why_and_what_to_do(kind):
    for code in [*exit_codes._MSI, *exit_codes._ANY, *exit_codes._EXE, 42, 0xC0000409]:
        found = meaning(kind, code)
        if found.outcome in (FAILED, BUSY, GONE):
            assert found.cause and found.remedy
            assert not found.cause.endswith(".") and not found.remedy.endswith(".")


def test_an_unknown_code_of_an_exe_leads_to_success_codes():
    assert "success_codes" in meaning("exe", 42).remedy
    assert meaning("exe", 42).name == "exit code 42"


def test_codes_with_the_highest_bit_are_shown_as_windows_writes_them():
    assert meaning("exe", 0xC0000409).name == "exit code 0xC0000409"


def test_the_texts_name_the_number():
    assert meaning("msi", 1603).name == "a fatal error during installation (1603)"
    assert meaning("msi", 1618).remedy == "Wait for it, or give retry_busy more seconds"


def test_the_tools_that_setup_programs_are_made_with_have_codes_of_their_own():
    assert "force_close" in meaning("exe", 2).remedy
    assert meaning("msi", 2).name == "a file was not found (2)"
