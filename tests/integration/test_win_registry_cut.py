# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry on the laboratory's desktop while the connection is cut, at one request after the other.

The next run converges; no shell, no file and no loaded hive is left. ONPREM_CHAT_CUTS=all cuts at every request, which takes very
long. By default it is every third of those that are not another Receive of the same command, by turns before and after the
request was executed.
"""

from __future__ import annotations

import os

import pytest
from lab_desktops import CYRILLIC, SPACED
from registry_desktop import MACHINE, Host, item

HOWS = ("reset_before", "reset_after")


@pytest.fixture(scope="module")
def host(lab, tmp_path_factory):
    host = Host.prepared(lab, tmp_path_factory.mktemp("inventory"))
    host.forget()
    yield host
    host.desktop.logoff()


def wanted(data):
    """A value of the machine, and one of everybody: of a loaded hive, and of one that has to be loaded."""
    return [item("a", data), {"key": "HKCU\\Software\\OnPrem Test", "name": "a", "data": data, "scope": ["users"]}]


def test_cut_at_one_request_after_the_other(host):
    begun = len(host.desktop.requests())
    (uncut,) = host.many(wanted("not cut"))
    assert uncut["changed"], uncut
    verbs = [line["verb"] for line in host.desktop.requests()[begun:] if "verb" in line]
    numbers = [at + 1 for at, verb in enumerate(verbs) if verb != "Receive" or verbs[at - 1] != "Receive"]
    cuts = [(number, HOWS[place % 2]) for place, number in enumerate(numbers[::2])]
    if os.environ.get("ONPREM_CHAT_CUTS") == "all":
        cuts = [(number, how) for number in range(1, len(verbs) + 1) for how in HOWS]
    assert len(cuts) > 6
    survived = 0
    for number, how in cuts:
        data = f"cut {how} at {number}"
        with host.desktop.faults({"request": number, "do": how, "times": 1}):
            (cut,) = host.many(wanted(data))
        (next_run,) = host.many(wanted(data))
        assert not next_run.get("failed"), (data, cut, next_run)
        survived += not cut.get("failed")
        if not cut.get("failed"):
            assert next_run["changed"] is False, (data, cut, next_run)
        host.clean()
    assert survived >= len(cuts) // 2
    expected = [f'"a"="{data}"']
    key = "Software\\OnPrem Test"
    assert host.export(MACHINE)[1:] == expected
    assert host.export(f"HKEY_USERS\\{host.desktop.sid(CYRILLIC)}\\{key}")[1:] == expected
    assert host.of_profile(f"C:\\Users\\{SPACED}", key)[1:] == expected
