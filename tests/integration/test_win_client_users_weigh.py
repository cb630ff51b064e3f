# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the batch file of win_client's scope user computes, by cmd.exe of Wine: versions weighed as on the controller, and a SID.

Real there: cmd.exe and whoami of Wine, which is not Windows. What whoami prints for other accounts is written down here.
"""

from __future__ import annotations

import functools

import pytest
from lab_desktops import SPACED

from ansible_collections.onprem.chat.plugins.plugin_utils._client import options, users_script
from ansible_collections.onprem.chat.plugins.plugin_utils._client.wanted import EXE, MSI, Wanted
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import versions

INSTALLED = [
    "2.1.0", "2.1", "2.0.9", "2.1.0.1", "2.10", "2.2.0-beta.3", "2.1.1-hotfix", "2.1.0-hotfix", "2.1.0-beta.3", "2.1.0-BETA3",
    "2.1.0-beta.10", "2.1.0-beta", "2.1.0-alpha.9", "2.1.0b1", "2.1.0b", "2.0.9-hotfix", "v2.1.0", "V 2.1.0", "v.2.1.0", "v", "beta",
    "2.1.0+9f1c0c2", "2.1.0-rc1+7", "2.1.0 (x64)", "2.1.0 & more", "2.1.0 ^ 100% !x!", "2, 1, 0, 0", "2.1.0.20260101123456", "version 9",
    "2.1.0 сборка 7", "2.1.0 СБОРКА 5", "2.1.0=1", "2.1.0*", "2.1.0 'a' `b` {c} [d] <e> |f| $g #h @i \\j /k ~l ?m _n",
]  # fmt: skip


def weigh(desktop, wish: Wanted, installed: list[str]) -> list[str]:
    """What user.cmd decides for each of these versions."""
    text = users_script.user(wish, "w", 60).decode().replace("\r\n", "\n")
    lines = ["@echo off", "setlocal EnableExtensions DisableDelayedExpansion", "chcp 65001 >nul"]
    for version in installed:
        lines += ["set opc_same=", "set opc_newer=", f'set "opc_version={version.replace("%", "%%")}"']
        lines += ["call :weigh", "echo [%opc_same%][%opc_newer%]"]
    lines += ["exit /b 0", text[text.index("\n:weigh\n") :]]
    desktop.write(r"C:\weigh.cmd", "\n".join(lines).replace("\n", "\r\n").encode())
    words = {"[1][]": "same", "[][1]": "newer", "[][]": "older"}
    return [words[line] for line in desktop.run(r"C:\weigh.cmd").stdout.split()]


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        (EXE, "2.1.0"),
        (EXE, "v2.1.0+9f1c0c2"),
        (EXE, "2.1.0-beta.3"),
        (EXE, "2.1.0 сборка 5"),
        (EXE, "stable"),
        (MSI, "2.1.0"),
    ],
)
def test_versions_in_a_users_session(desktop, kind, version):
    wish = Wanted(
        "present", kind, "Chat", version, product_code="{6F8C1D20-5B1A-4C6E-9A00-000000000100}", uninstall_key="Chat"
    )
    rule = functools.partial(options.compare, versions.compare_msi if kind == MSI else versions.compare)
    expected = {one: {-1: "older", 0: "same", 1: "newer"}[rule(one, version)] for one in [*INSTALLED, version]}
    assert dict(zip(expected, weigh(desktop, wish, list(expected)), strict=True)) == expected


def sid_lines(wish: Wanted) -> list[str]:
    text = users_script.user(wish, "w", 60).decode().partition("\r\n:begin")[0]
    return [line for line in text.split("\r\n") if "opc_sid=" in line or "whoami" in line]


def test_the_sid_of_a_user(desktop):
    lines = sid_lines(Wanted("present", EXE, "Chat", "1", uninstall_key="Chat"))
    desktop.write(r"C:\sid.cmd", "\r\n".join(["@echo off", *lines, "echo [%opc_sid%]", ""]).encode())
    desktop.logon(SPACED)
    assert desktop.run(r"C:\sid.cmd", user=SPACED).stdout == f"[{desktop.sid(SPACED)}]\n"
    for account in ("ws-1-204\\max", "corp\\klaus-1-adm", "WS-1-2\\s-1-5 & 100%", "corp\\anna ^!"):
        desktop.write(r"C:\account.csv", f'"{account}","S-1-5-21-1-2-3-1105"\r\n'.encode())
        given = [line.replace("whoami /user /fo csv /nh", r"type C:\account.csv") for line in lines]
        desktop.write(r"C:\sid.cmd", "\r\n".join(["@echo off", *given, "echo [%opc_sid%]", ""]).encode())
        assert desktop.run(r"C:\sid.cmd").stdout == "[S-1-5-21-1-2-3-1105]\n"
    desktop.logoff()
