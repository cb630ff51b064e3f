# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records that are as wanted are sent again: what Samba does with the time stamps, and that it is no change elsewhere.

Samba's DNS server keeps the time stamps of Windows DNS. They are read and made old in its database, behind its back.
"""

from __future__ import annotations

import json

import pytest

MODULE = "onprem.chat.dns_records"
NAME, SHARED = "inttest-stamp", "_inttest-stamp._tcp"
CHAT = {"name": NAME, "type": "A", "state": "exact", "ttl": 60, "entries": ["10.203.0.21", "10.203.0.22"]}
SERVICE = {"name": SHARED, "type": "SRV", "ttl": 60, "srv": [{"port": 5222, "target": f"{NAME}.corp.test"}]}
STAMPS = """
import json, sys, time
from samba.auth import system_session
from samba.dcerpc import dnsp
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
import ldb
order = json.loads(sys.argv[1])
lp = LoadParm()
lp.load_default()
db = SamDB(session_info=system_session(), lp=lp)
now = int(time.time() + 11644473600) // 3600
ages = {}
for name in order["names"]:
    dn = ldb.Dn(db, f"DC={name},DC=corp.test,CN=MicrosoftDNS,DC=DomainDnsZones,DC=corp,DC=test")
    message = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["dnsRecord"])[0]
    records = [ndr_unpack(dnsp.DnssrvRpcRecord, value) for value in message["dnsRecord"]]
    if "hours" in order:
        for record in records:
            record.dwTimeStamp = now - order["hours"] if order["hours"] else 0
        change = ldb.Message(dn)
        change["dnsRecord"] = ldb.MessageElement([ndr_pack(one) for one in records], ldb.FLAG_MOD_REPLACE, "dnsRecord")
        db.modify(change)
    ages[name] = [now - one.dwTimeStamp if one.dwTimeStamp else None for one in records]
print(json.dumps(ages))
"""


class Samba:
    def __init__(self, lab):
        self.lab = lab
        self.account = {
            "server": "dc1.corp.test",
            "zone": "corp.test",
            "principal": "svc-chat-dns@CORP.TEST",
            "password": lab.secrets["svc-chat-dns"],
        }

    def run(self, *records, more=(), **changed):
        return self.lab.module(MODULE, {**self.account, **changed, "records": list(records)}, *more)

    def aging(self, on):
        command = ["samba-tool", "dns", "zoneoptions", "dc1.corp.test", "corp.test", "--machine-pass", f"--aging={on}"]
        self.lab.exec("dc1", [*command, "--norefreshinterval=168", "--refreshinterval=168"], check=True)

    def ages(self, **order):
        """Hours since the time stamps of each record; None without one."""
        order = json.dumps({"names": [NAME, SHARED], **order})
        return json.loads(self.lab.exec("dc1", ["python3", "-", order], check=True, input=STAMPS).stdout)

    def clear(self):
        for record in (CHAT, SERVICE):
            self.run({"name": record["name"], "type": record["type"], "state": "absent"})


@pytest.fixture
def samba(lab):
    control = Samba(lab)
    control.clear()
    control.aging(1)
    yield control
    control.aging(0)
    control.clear()


def test_samba_renews_the_time_stamps_after_the_no_refresh_interval(samba):
    assert samba.run(CHAT, SERVICE)["changed"]
    samba.ages(hours=200)
    for options in ({}, {"refresh": True, "more": ["--check"]}):
        result = samba.run(CHAT, SERVICE, **options)
        assert (result["changed"], result["refreshed"]) == (False, [])
        assert samba.ages() == {NAME: [200, 200], SHARED: [200]}
    result = samba.run(CHAT, SERVICE, refresh=True)
    assert (result["changed"], result["updates"]) == (False, 0)
    assert result["refreshed"] == [f"{SHARED}.corp.test. SRV", f"{NAME}.corp.test. A"]
    assert "warnings" not in result
    assert samba.ages() == {NAME: [0, 0], SHARED: [0]}


def test_samba_ignores_a_refresh_within_the_no_refresh_interval_and_of_static_records(samba):
    samba.run(CHAT, SERVICE)
    for hours, age in ((100, 100), (0, None)):
        samba.ages(hours=hours)
        assert len(samba.run(CHAT, SERVICE, refresh=True)["refreshed"]) == 2
        assert samba.ages() == {NAME: [age, age], SHARED: [age]}  # None: static


def test_a_refresh_by_another_account_is_a_warning(samba):
    """Only of the sets that are not its own: Samba refuses the message with all of them."""
    samba.run(CHAT)
    anna = {"principal": "anna@CORP.TEST", "password": samba.lab.secrets["users"]["anna"]}
    own = {"name": f"{NAME}-anna", "type": "A", "ttl": 60, "entries": ["10.203.0.23"]}
    try:
        assert samba.run(own, **anna)["changed"]
        samba.ages(hours=200, names=[NAME, own["name"]])
        result = samba.run(CHAT, own, refresh=True, **anna)
        assert (result["failed"], result["changed"]) == (False, False)
        assert result["refreshed"] == [f"{own['name']}.corp.test. A"]
        assert samba.ages(names=[NAME, own["name"]]) == {NAME: [200, 200], own["name"]: [0]}
        (warning,) = result["warnings"]
        assert f"time stamps of [{NAME}.corp.test. A] on DNS server dc1.corp.test could not be renewed." in warning
        assert "DNS server dc1.corp.test refused the refresh" in warning
    finally:
        samba.run({"name": own["name"], "type": "A", "state": "absent"}, **anna)


@pytest.mark.parametrize("kind", ["bulk", "knot"])
def test_where_there_are_no_time_stamps_nothing_happens(name_servers, kind):
    target = getattr(name_servers, kind)
    account = {"server": target.server, "zone": target.zone, "auth": "tsig", "tsig_key_file": str(target.key_file)}

    def run(*records, **changed):
        return name_servers.lab.module(MODULE, {**account, **changed, "records": list(records)})

    try:
        assert run(CHAT, SERVICE)["changed"]
        serial = name_servers.serial(target.address, target.zone)
        result = run(CHAT, SERVICE, refresh=True)
        assert (result["changed"], len(result["refreshed"])) == (False, 2)
        assert name_servers.serial(target.address, target.zone) == serial
    finally:
        run(*({"name": record["name"], "type": record["type"], "state": "absent"} for record in (CHAT, SERVICE)))
