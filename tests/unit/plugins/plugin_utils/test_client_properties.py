# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Properties of an MSI as people write them in YAML: what reaches msiexec, and what is refused before a host is asked."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.plugin_utils._client import wanted
from ansible_collections.onprem.chat.plugins.plugin_utils._client.command_lines import command_line
from ansible_collections.onprem.chat.plugins.plugin_utils._client.errors import OptionError
from ansible_collections.onprem.chat.plugins.plugin_utils._client.plan import INSTALL, Step
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import FAMILY, HASH, NEW

MSI = Package("msi", "", 9, HASH, "Corp Chat", "2.0.0", product_code=NEW, upgrade_code=FAMILY)


def arguments(written: str) -> str:
    wish = wanted.wanted({"state": "present", "properties": yaml.safe_load(written)}, MSI)
    return command_line(Step(INSTALL), wish, "C:\\p\\chat.msi", "C:\\p\\log.txt").arguments


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("{SERVER: chat.corp.test}", 'SERVER="chat.corp.test"'),
        ("{POLLING: 60000}", 'POLLING="60000"'),
        ('{SEARCH: ""}', 'SEARCH=""'),
        ('{UPDATE: "yes"}', 'UPDATE="yes"'),
        ('{RELEASE: "1.10"}', 'RELEASE="1.10"'),
    ],
)
def test_what_is_sent(written, sent):
    assert f" {sent}" in arguments(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{UPDATE: yes}", "true or false"),
        ("{RELEASE: 1.10}", "a number with a point"),
        ("{UPDATE: }", "nothing"),
        ("{UPDATE: [1]}", "a list"),
        ("{UPDATE: {A: 1}}", "a dictionary"),
        ("{UPDATE: 2026-01-01}", "something else"),
    ],
)
def test_what_is_refused(written, read):
    with pytest.raises(OptionError) as caught:
        arguments(written)
    name = "RELEASE" if "RELEASE" in written else "UPDATE"
    assert str(caught.value) == (
        f"The value of the property {name} is no text (properties). YAML reads it as {read}. "
        'Write it in quotation marks, an empty one as "".'
    )


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"properties": {"Server": "chat.corp.test"}},
            "'Server' is no name of a public property (properties). Public properties have upper case letters, digits, points "
            "and underscores only. Correct the name.",
        ),
        *(
            (
                given,
                f"A command line holds a line break ({where}). cmd.exe would end the line there. Write arguments without line "
                "breaks.",
            )
            for where, given in (
                ("properties, A", {"properties": {"A": "hunter2\n"}}),
                ("arguments", {"arguments": ["A=hunter2\n"]}),
                ("uninstall_arguments", {"uninstall_arguments": ["A=hunter2\n"]}),
            )
        ),
    ],
    ids=["name", "value", "arguments", "uninstall_arguments"],
)
def test_what_no_command_line_can_hold_is_refused_before_a_host_is_asked(given, text):
    with pytest.raises(OptionError) as caught:
        wanted.wanted({"state": "present", **given}, MSI)
    assert str(caught.value) == text


def test_options_that_a_removal_does_not_use_are_no_obstacle_to_it():
    given = {"arguments": ["A=1\n"], "properties": {"Server": "chat.corp.test", "A": "1\n"}}
    wanted.wanted({"state": "absent", **given}, MSI)
