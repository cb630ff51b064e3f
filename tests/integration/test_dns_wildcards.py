# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wildcard of the zone gives the very values that a record set shall have: does the set exist? On real servers."""

from __future__ import annotations

import pytest

MODULE = "onprem.chat.dns_records"
STAR, CHAT, OTHER = "*.inttest-wild", "chat.inttest-wild", "www.inttest-wild"
VALUES = {"type": "A", "state": "exact", "ttl": 60, "entries": ["10.203.0.99"]}
TEXT = {"name": f"_acme-challenge.{CHAT}", "type": "TXT", "ttl": 60, "entries": ["proof"]}


class Zone:
    def __init__(self, servers, kind):
        self.lab = servers.lab
        if kind == "samba":
            self.address, self.zone = "10.203.0.10", "corp.test"
            self.account = {"server": "dc1.corp.test", "zone": self.zone, "principal": "svc-chat-dns@CORP.TEST"}
            self.account["password"] = self.lab.secrets["svc-chat-dns"]
        else:
            target = {"bind": servers.bulk, "knot": servers.knot}[kind]
            self.address, self.zone = target.address, target.zone
            self.account = {"server": target.server, "zone": self.zone, "auth": "tsig"}
            self.account["tsig_key_file"] = str(target.key_file)
        self.dig = lambda name, kind="A": servers.dig(self.address, f"{name}.{self.zone}", kind)
        self.serial = lambda: servers.serial(self.address, self.zone)

    def run(self, *records, more=()):
        result = self.lab.module(MODULE, {**self.account, "records": list(records)}, *more)
        assert not result["failed"], result
        return result

    def clear(self):
        for name, kind in ((CHAT, "A"), (OTHER, "A"), (TEXT["name"], "TXT"), (STAR, "A")):
            self.run({"name": name, "type": kind, "state": "absent"})


@pytest.fixture(params=["bind", "samba", "knot"])
def zone(name_servers, request):
    zone = Zone(name_servers, request.param)
    zone.clear()
    zone.run({**VALUES, "name": STAR})
    yield zone
    zone.clear()


def test_a_set_that_only_the_wildcard_answers_is_written_and_outlives_what_comes_below_it(zone):
    assert zone.dig(CHAT) == "10.203.0.99"
    serial = zone.serial()
    planned = zone.run({**VALUES, "name": CHAT}, more=["--check"])
    assert (planned["changed"], planned["updates"]) == (True, 0)
    assert planned["diff"]["before"] == ""
    assert zone.serial() == serial
    done = zone.run({**VALUES, "name": CHAT})
    assert (done["changed"], done["updates"]) == (True, 1)
    assert done["diff"] == planned["diff"]
    assert zone.run(TEXT)["changed"]
    assert zone.dig(CHAT) == "10.203.0.99"

    serial = zone.serial()
    again = zone.run({**VALUES, "name": CHAT})
    assert (again["changed"], again["updates"], again["answer"]) == (False, 0, "none")
    assert zone.serial() == serial
    both = zone.run({**VALUES, "name": CHAT}, {**VALUES, "name": OTHER})
    assert both["diff"]["after"] == f"{OTHER}.{zone.zone}. 60 IN A 10.203.0.99\n"


def test_a_real_set_with_the_values_of_the_wildcard_is_removed(zone):
    zone.run({**VALUES, "name": CHAT}, TEXT)
    gone = {"name": CHAT, "type": "A", "state": "absent"}
    assert zone.run(gone, more=["--check"])["changed"]
    assert zone.dig(CHAT) == "10.203.0.99"
    assert zone.run(gone)["changed"]
    # Below it is still something, so the wildcard does not answer for it (RFC 4592 2.2.2); that of Samba (4.17) does.
    assert zone.dig(CHAT) == ("10.203.0.99" if zone.zone == "corp.test" else "")
    zone.run({**TEXT, "state": "absent"})
    assert zone.dig(CHAT) == "10.203.0.99"
    assert not zone.run(gone)["changed"]
