# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dns_records says and does when a server with TSIG keys, or the way to it, misbehaves; nothing is ever half-written.

Faults that BIND and Knot have by themselves come from them. All others come from dns_proxy.py, which stands between the
module and the real server. What was written is asked from the real server with dig.
"""

from __future__ import annotations

import pytest
from dns_bench import Bench, through

KEY = "the TSIG key bulk-key (hmac-sha256)"
OVERLOADED = "Is the service overloaded or restarting, or does a firewall on the way drop DNS over TCP?"
WRONG_SECRET = "c2VjcmV0LXNlY3JldA=="


@pytest.fixture(scope="module")
def bench(name_servers):
    bench = Bench(name_servers)
    yield bench
    bench.close()


@pytest.fixture
def task(bench):
    return bench.task(bench.name_servers.bulk)


def test_without_a_fault_through_the_proxy(bench, task):
    checked = bench.run(task, check=True)
    assert checked.outcome == (True, 0, "none")
    assert checked.seen == ["question"] * 4
    assert task.there() == task.before
    done = bench.run(task)
    assert done.outcome == (True, 1, "verified")
    assert done.seen == ["question"] * 4 + ["update"] + ["question"] * 4
    assert task.there() == task.after
    again = bench.run(task)
    assert again.outcome == (False, 0, "none")
    # Of what is as wanted is asked, too, whether a wildcard above it would give the same.
    assert again.seen == ["question"] * 9


# -- refused by real servers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("target", "options", "clock", "text"),
    [
        (
            "bulk",
            {"zone": "nowhere.test"},
            "",
            "DNS server ns1.corp.test is not authoritative for the zone nowhere.test (its answer: REFUSED). Is the name of "
            f"the zone right, and is this the primary server for it? With views: does {KEY} lead to the right one? Check "
            "with: dig +norecurse @ns1.corp.test nowhere.test SOA",
        ),
        (
            "knot",
            {"zone": "nowhere.test"},
            "",
            "DNS server knot.corp.test gave an answer that cannot be trusted: it is not signed (the TSIG key knot-key "
            "(hmac-sha256)). It says REFUSED. Does the server have this zone and know the same key, and are the clocks the "
            "same?",
        ),
        (
            "bulk",
            {"tsig_name": "other-key"},
            "",
            "DNS server ns1.corp.test refused a question in the zone bulk.test: BADKEY, it does not know the TSIG key "
            "other-key (hmac-sha256). Are the name and the algorithm of the key the same as in the server's configuration?",
        ),
        (
            "knot",
            {"tsig_algorithm": "hmac-sha512"},
            "",
            "DNS server knot.corp.test refused a question in the zone knot.test: BADKEY, it does not know the TSIG key "
            "knot-key (hmac-sha512). Are the name and the algorithm of the key the same as in the server's configuration?",
        ),
        (
            "bulk",
            {"tsig_secret": WRONG_SECRET},
            "",
            f"DNS server ns1.corp.test refused a question in the zone bulk.test: BADSIG, the signature is wrong ({KEY}). Is "
            "the secret of the key right?",
        ),
        (
            "knot",
            {"tsig_secret": WRONG_SECRET, "read_by": "transfer"},
            "",
            "DNS server knot.corp.test refused a transfer in the zone knot.test: BADSIG, the signature is wrong (the TSIG "
            "key knot-key (hmac-sha256)). Is the secret of the key right?",
        ),
        (
            "bulk",
            {},
            "-10m",
            "DNS server ns1.corp.test refused a question in the zone bulk.test: BADTIME, the controller's clock is 10 min "
            "behind the server's. Is time synchronisation running on both? TSIG allows 5 minutes; compare with: date",
        ),
        (
            "knot",
            {},
            "+10m",
            "DNS server knot.corp.test refused a question in the zone knot.test: BADTIME, the controller's clock is 10 min "
            "ahead of the server's. Is time synchronisation running on both? TSIG allows 5 minutes; compare with: date",
        ),
        (
            "closed",
            {"read_by": "transfer"},
            "",
            "DNS server ns1.corp.test gave no usable transfer of the zone closed.test: REFUSED. May this key or address "
            "transfer the zone? Allow it there (BIND: allow-transfer), or set read_by=questions.",
        ),
    ],
)
def test_refused_before_the_update(bench, target, options, clock, text, check):
    task = bench.task(getattr(bench.name_servers, target))
    task.arguments |= options
    run = bench.run(task, proxy=False, prefix=["faketime", "-f", clock] if clock else [], check=check)
    assert run.message == text
    assert task.there() == task.before


def test_update_refused_by_the_policy_of_keys(bench):
    """The bulk key reads example.test, and only the internal key may write there."""
    servers = bench.name_servers
    task = bench.task(servers.internal)
    task.arguments |= {"tsig_name": servers.bulk.key_name, "tsig_secret": servers.bulk.secret}
    run = bench.run(task, proxy=False)
    assert run.message == (
        f"DNS server ns1.corp.test refused the update in the zone example.test: REFUSED. Is {KEY} allowed to write in this "
        "zone? With BIND: see allow-update and update-policy; with Knot: see acl. A secondary refuses, too: the SOA record "
        "names the primary."
    )
    assert task.there() == task.before


def test_update_refused_by_a_secondary(bench, task):
    task.arguments |= {"server": "ns2.corp.test"}
    bench.name_servers.wait_for(bench.name_servers.secondary, task.name, "192.0.2.9")
    run = bench.run(task, proxy=False)
    assert run.message.startswith(
        "DNS server ns2.corp.test refused the update in the zone bulk.test: REFUSED. Is the TSIG"
    )
    assert task.there() == task.before


def test_update_without_a_key_where_one_is_asked_for(bench):
    task = bench.task(bench.name_servers.knot)
    for name in ("tsig_name", "tsig_secret"):
        task.arguments.pop(name)
    task.arguments["auth"] = "none"
    run = bench.run(task, proxy=False)
    assert run.message == (
        "DNS server knot.corp.test refused the update in the zone knot.test: NOTAUTH. Is this the primary server of the "
        "zone, and does it know the key? Name the primary in server; for secondaries the SOA record tells it."
    )
    assert task.there() == task.before


def test_server_that_cannot_write_its_journal(bench, task):
    """BIND, whose journal belongs to somebody else: it notices when half of the work is done, and takes it back."""
    journal = "/var/lib/bind/bulk.test.jnl"
    run_in = bench.lab.exec
    run_in("ns1", ["sh", "-c", f"chown root:root {journal} && chmod 400 {journal}"], check=True)
    try:
        run = bench.run(task, proxy=False)
    finally:
        run_in("ns1", ["sh", "-c", f"chown bind:bind {journal} && chmod 644 {journal}"], check=True)
    assert run.message == (
        "DNS server ns1.corp.test refused the update in the zone bulk.test: SERVFAIL. Can the server write the files of the "
        "zone (BIND: its journal), and is there room on the disk? See the log of the DNS server."
    )
    assert task.there() == task.before
    assert bench.run(task, proxy=False).outcome == (True, 1, "verified")
    assert task.there() == task.after


def test_server_that_is_stopped(bench):
    task = bench.task(bench.name_servers.knot)
    bench.lab.exec("knot", ["systemctl", "stop", "knot"], check=True)
    try:
        run = bench.run(task, proxy=False)
    finally:
        bench.lab.exec("knot", ["systemctl", "start", "knot"], check=True)
    assert run.message == (
        "DNS server knot.corp.test could not be reached over TCP: Connection refused. Is the DNS service running there, and "
        "is TCP port 53 open between the controller and it? Check with: dig +tcp @knot.corp.test -p 53 . SOA"
    )
    bench.name_servers.wait_for(task.target.address, task.name, "192.0.2.9")
    assert task.there() == task.before


def test_server_that_is_stopped_between_reading_and_writing(bench):
    task = bench.task(bench.name_servers.knot)
    bench.begin(task, "update:1:hold")
    bench.workshop.ask("held")
    bench.lab.exec("knot", ["systemctl", "stop", "knot"], check=True)
    try:
        bench.workshop.ask("release", what="forward")
        run = bench.end()
    finally:
        bench.lab.exec("knot", ["systemctl", "start", "knot"], check=True)
    assert run.message == (
        f"An update was sent to {through('knot')}, and then reading back failed, so whether it happened is unknown. "
        f"{through('knot')} did not answer over TCP: Connection reset by peer. {OVERLOADED} Run the task again: it goes on "
        "from what is there."
    )
    bench.name_servers.wait_for(task.target.address, task.name, "192.0.2.9")
    assert task.there() == task.before
    assert bench.run(task, proxy=False).outcome == (True, 1, "verified")
