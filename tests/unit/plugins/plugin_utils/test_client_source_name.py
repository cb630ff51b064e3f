# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name under which Windows Installer looks for a package when it repairs or updates the same product."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._client import source_name
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import NEW, Host, said

PACKAGE = "C:\\p\\files\\0123456789abcdef\\chat-2.1.msi"
KEY = "HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes\\Installer\\Products\\X\\SourceList"


def named(text, moved=0):
    host = Host({"SourceList": said(text), "move ": said(code=moved)})
    return source_name.named_as_before(host, NEW, PACKAGE), host.commands


def listed(name):
    return f"\r\n{KEY}\r\n    PackageName    REG_SZ    {name}\r\n\r\n"


def test_the_package_gets_the_name_of_the_first_time():
    path, commands = named(listed("chat 2.0.msi"))
    assert path == "C:\\p\\files\\0123456789abcdef\\chat 2.0.msi"
    assert commands == [f'move /y "{PACKAGE}" "{path}" >nul']


@pytest.mark.parametrize(
    "text",
    ["", listed("CHAT-2.1.MSI"), listed("..\\..\\x.msi"), listed("%TEMP%.msi"), listed("x.exe"), listed("Чат.msi")],
    ids=["none", "the same", "a path", "a variable", "no msi", "letters"],
)
def test_otherwise_it_keeps_its_own(text):
    assert named(text) == (PACKAGE, [])


def test_a_package_that_cannot_be_renamed_keeps_its_name():
    assert named(listed("chat 2.0.msi"), moved=1)[0] == PACKAGE


def test_what_is_asked():
    question = source_name.question("{11111111-2222-3333-4444-555555555501}").command
    assert "\\Installer\\Products\\11111111222233334444555555555510\\SourceList" in question and "/reg:64" in question
