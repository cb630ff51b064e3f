# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services become SRV record sets."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.onprem.chat.plugins.filter.srv_records import FilterModule, srv_records

CLIENT = {
    "service": "xmpp-client",
    "protocol": "tcp",
    "port": 5222,
    "priority": 5,
    "weight": 0,
    "target": "chat.corp.test",
}
NO_SERVER = {"service": "xmpp-server", "target": "."}


def test_one_service():
    assert srv_records([CLIENT], domain="corp.test", ttl=60) == [
        {
            "name": "corp.test.",
            "service": "xmpp-client",
            "protocol": "tcp",
            "type": "SRV",
            "state": "exact",
            "ttl": 60,
            "srv": [{"priority": 5, "weight": 0, "port": 5222, "target": "chat.corp.test."}],
        }
    ]


def test_targets_of_one_service_make_one_set_whatever_the_order():
    second = {**CLIENT, "priority": 10, "target": "chat2.corp.test."}
    (record,) = srv_records([second, CLIENT], domain="corp.test")
    assert [target["target"] for target in record["srv"]] == ["chat2.corp.test.", "chat.corp.test."]


def test_protocols_are_sets_of_their_own():
    records = srv_records([CLIENT, {**CLIENT, "protocol": "udp"}], domain="corp.test")
    assert [record["protocol"] for record in records] == ["tcp", "udp"]


def test_a_service_that_is_not_offered():
    (published,) = srv_records([NO_SERVER], domain="corp.test")
    assert published["state"] == "exact"
    assert published["srv"] == [{"priority": 0, "weight": 0, "port": 0, "target": "."}]
    (removed,) = srv_records([NO_SERVER], domain="corp.test", no_service="remove")
    assert removed["state"] == "absent"
    assert "srv" not in removed  # an empty list would be refused as a variable that went wrong


def test_numbers_may_come_as_text():
    (record,) = srv_records([{**CLIENT, "port": "5222", "priority": ""}], domain="corp.test")
    assert record["srv"][0] == {"priority": 0, "weight": 0, "port": 5222, "target": "chat.corp.test."}


def test_wrong_input():
    with pytest.raises(AnsibleFilterError, match="a service has no service and no target"):
        srv_records([{"port": 1}], domain="corp.test")
    with pytest.raises(AnsibleFilterError, match="needs a list of services"):
        srv_records("xmpp-client", domain="corp.test")


def test_name_of_the_filter():
    assert FilterModule().filters() == {"srv_records": srv_records}
