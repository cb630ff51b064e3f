# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role dns left on the domain controller, seen by dig and by samba-tool."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import testinfra

ROOT = Path(os.environ.get("MOLECULE_PROJECT_DIRECTORY") or Path(__file__).resolve().parents[3])


@pytest.fixture
def controller():
    return testinfra.get_host("local://")


def dig(controller, name, kind):
    """The answer of the primary server itself: lines of name, TTL, class, type, value."""
    command = controller.run("dig +norecurse +noall +answer @dc1.corp.test %s %s", name, kind)
    assert command.rc == 0
    return sorted(" ".join(line.split()) for line in command.stdout.splitlines())


def test_addresses(controller):
    assert dig(controller, "chat.corp.test", "A") == ["chat.corp.test. 86400 IN A 10.203.0.20"]
    assert dig(controller, "chat.corp.test", "AAAA") == ["chat.corp.test. 86400 IN AAAA fd00:203::20"]


def test_client_service_is_offered_by_both_hosts(controller):
    assert dig(controller, "_xmpp-client._tcp.corp.test", "SRV") == [
        "_xmpp-client._tcp.corp.test. 86400 IN SRV 10 7 5222 moltest.corp.test.",
        "_xmpp-client._tcp.corp.test. 86400 IN SRV 5 0 5222 chat.corp.test.",
    ]
    assert dig(controller, "moltest.corp.test", "A") == ["moltest.corp.test. 86400 IN A 10.203.0.29"]


def test_service_with_a_target_of_its_own(controller):
    assert dig(controller, "_moltest._tcp.corp.test", "SRV") == [
        "_moltest._tcp.corp.test. 86400 IN SRV 0 0 4711 dc1.corp.test."
    ]


def test_retired_names_are_gone(controller):
    assert dig(controller, "moltest-old.corp.test", "A") == []
    assert dig(controller, "_moltest-old._tcp.corp.test", "SRV") == []


def test_service_that_is_not_offered_has_no_records(controller):
    assert dig(controller, "_xmpp-server._tcp.corp.test", "SRV") == []


def test_the_probe_of_the_preflight_was_not_written(controller):
    assert dig(controller, "_onprem-chat-preflight.corp.test", "TXT") == []


def test_the_directory_has_them_too(controller):
    """samba-tool reads the records from Active Directory over RPC, on another way than DNS."""
    command = controller.run(
        f"{ROOT}/tests/lab/lab exec dc1 -- samba-tool dns query dc1.corp.test corp.test chat ALL --machine-pass"
    )
    assert "A: 10.203.0.20 (" in command.stdout, command.stderr
    assert "AAAA: fd00:0203:0000:0000:0000:0000:0000:0020 (" in command.stdout
