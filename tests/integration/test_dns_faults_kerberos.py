# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dns_records says and does when Kerberos or GSS-TSIG fails, with Samba AD and BIND; nothing is ever half-written.

KDC, tickets and refusals are real; what the servers never do by themselves comes from dns_proxy.py, which stands before
Samba's DNS server. What was written is asked from the real server with dig.
"""

from __future__ import annotations

import contextlib
import time

import pytest
from dns_bench import Bench, through

ME = "svc-chat-dns@CORP.TEST"
DC1 = through("dc1")
GETTING = f"Kerberos failed while getting a ticket for {ME}:"
LOST = (
    "Is the service overloaded or restarting, or does a firewall on the way drop DNS over TCP? Check with: dig +tcp "
    "@dc1.corp.test -p 5399 . SOA"
)
EXPIRED = (
    "Kerberos failed while looking for a ticket: the Kerberos ticket of the user who runs Ansible has expired. When did "
    "kinit run last? Run kinit again, or set principal with password or keytab."
)


@pytest.fixture(scope="module")
def bench(name_servers):
    bench = Bench(name_servers)
    yield bench
    bench.close()


def test_the_answers_of_bind_can_be_verified(bench):
    task = bench.task(bench.name_servers.kerberos)
    assert bench.run(task, proxy=False).outcome == (True, 1, "verified")
    assert task.there() == task.after
    assert bench.run(task, proxy=False).outcome == (False, 0, "none")


# -- no ticket --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"password": "not-The-Password-42"},
            f"{GETTING} the password (or key) of {ME} is wrong. Was it changed in Active Directory? Check with: kinit {ME}",
        ),
        (
            {"principal": "svc-chat-dns@OTHER.TEST"},
            "Kerberos failed while getting a ticket for svc-chat-dns@OTHER.TEST: no domain controller (KDC) of the realm "
            "OTHER.TEST could be reached. Is OTHER.TEST only the ending of the user principal name? The realm is the account's "
            "domain, for dc1.corp.test it is CORP.TEST. Write the account as NAME@CORP.TEST if it is one of that domain; "
            "otherwise check with: dig SRV _kerberos._udp.OTHER.TEST",
        ),
        (
            {"kdc": "10.203.0.10:89"},
            f"{GETTING} the domain controller (KDC) 10.203.0.10:89 of the realm CORP.TEST could not be reached. Is it "
            "running, and is port 88 open between the controller and it? Leave out the option kdc to find one by the "
            "realm's SRV records.",
        ),
    ],
)
def test_no_ticket(bench, options, text, check):
    task = bench.task(bench.samba)
    task.arguments |= options
    run = bench.run(task, proxy=False, check=check)
    assert run.message == text
    assert task.there() == []


def test_domain_controller_that_cannot_be_reached(bench):
    """BIND answers, and the only KDC of its realm does not; its name is found, as from a cache, and it is given."""
    task = bench.task(bench.name_servers.kerberos, kdc="10.203.0.10")
    with unreachable(bench, "10.203.0.10"):
        run = bench.run(task)
    assert run.message == (
        f"{GETTING} the domain controller (KDC) 10.203.0.10 of the realm CORP.TEST could not be reached. Is it running, and "
        "is port 88 open between the controller and it? Leave out the option kdc to find one by the realm's SRV records."
    )
    assert run.seen == ["question"] * 4
    assert task.there() == []


def test_domain_controller_that_cannot_even_be_looked_up(bench):
    task = bench.task(bench.name_servers.kerberos)
    with unreachable(bench, "10.203.0.10"):
        run = bench.run(task)
    assert run.message == (
        f"{GETTING} no domain controller (KDC) of the realm CORP.TEST could be reached. Does the controller's resolver know "
        "_kerberos._udp.CORP.TEST, and is port 88 open? Set the option kdc to name one, or check with: dig SRV "
        "_kerberos._udp.CORP.TEST"
    )
    assert task.there() == []


@contextlib.contextmanager
def unreachable(bench, address):
    """The network says at once that there is no way."""
    assert bench.call("ip", "route", "add", "unreachable", address)["code"] == 0
    try:
        yield
    finally:
        assert bench.call("ip", "route", "delete", "unreachable", address)["code"] == 0


# -- a ticket that is no good -----------------------------------------------------------------------------------------


@pytest.fixture
def cache(bench, tmp_path):
    """Makes a ticket cache with kinit; its environment."""

    def make(*options):
        environment = {"KRB5CCNAME": f"FILE:{tmp_path}/cache"}
        made = bench.call("kinit", *options, ME, text=bench.account["password"] + "\n", environment=environment)
        assert made["code"] == 0, made["errors"]
        return environment

    return make


def test_expired_ticket(bench, cache):
    task = bench.task(bench.samba, principal=None, password=None)
    environment = cache("-l", "2s")
    time.sleep(2.1)
    for check in (True, False):
        assert bench.run(task, proxy=False, environment=environment, check=check).message == EXPIRED
    assert task.there() == []
    assert bench.run(task, proxy=False, environment=cache()).outcome == (True, 1, "unverifiable")
    assert task.there() == task.after


def test_ticket_that_the_clock_says_has_expired(bench, cache):
    task = bench.task(bench.samba, principal=None, password=None)
    run = bench.run(task, proxy=False, environment=cache(), prefix=["faketime", "-f", "+2d"])
    assert run.message == EXPIRED
    assert task.there() == []


def test_no_ticket_at_all(bench, tmp_path):
    task = bench.task(bench.samba, principal=None, password=None)
    run = bench.run(task, proxy=False, environment={"KRB5CCNAME": f"FILE:{tmp_path}/nothing"})
    assert run.message == (
        "Kerberos failed while looking for a ticket: there is no Kerberos ticket for the user who runs Ansible. Was kinit "
        "forgotten? Set principal with password or keytab, or run kinit before."
    )
    assert task.there() == []


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_bind_wants_the_clocks_to_agree(bench):
    """Kerberos itself learns the difference from the KDC and gets along; BIND looks at the time of each signature."""
    task = bench.task(bench.name_servers.kerberos)
    run = bench.run(task, proxy=False, prefix=["faketime", "-f", "-10m"])
    assert run.message == (
        "DNS server ns1.corp.test refused the update in the zone krb.corp.test: BADTIME, the controller's clock is 10 min "
        "behind the server's. Is time synchronisation running on both? TSIG allows 5 minutes; compare with: date"
    )
    assert task.there() == []


def test_clock_that_is_half_a_day_ahead(bench):
    """The ticket has expired, by the controller's clock, at the moment when it arrives."""
    task = bench.task(bench.samba)
    run = bench.run(task, proxy=False, prefix=["faketime", "-f", "+12h"])
    assert run.message == (
        f"{GETTING} the clocks of the controller and of the domain controller are too far apart. Is time synchronisation "
        "running on both? Kerberos allows 5 minutes; compare with: date"
    )
    assert task.there() == []


# -- refused ----------------------------------------------------------------------------------------------------------


def test_account_that_may_not_write(bench):
    anna = {"principal": "anna@CORP.TEST", "password": bench.lab.secrets["users"]["anna"]}
    task = bench.task(bench.name_servers.kerberos, **anna)
    assert bench.run(task, proxy=False).message == (
        "DNS server ns1.corp.test refused the update in the zone krb.corp.test: REFUSED. Is anna@CORP.TEST allowed to write "
        "in this zone? In Active Directory: give the account the right to create and write records in the zone (or make it "
        "a member of DnsAdmins), see whether the zone takes secure updates at all (Get-DnsServerZone: DynamicUpdate), and name a "
        "domain controller that is not read-only; with BIND: see allow-update and update-policy."
    )
    assert task.there() == []


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            "tkey:1:rcode=REFUSED",
            f"{DC1} refused the GSS-TSIG session of {ME}: REFUSED. Does it accept secure updates (Active Directory), and are "
            "the clocks of all three the same? Check with: nsupdate -g and the line: server dc1.corp.test",
        ),
        ("tkey:1:drop", f"{DC1} did not answer over TCP: no answer within 1 s. {LOST}"),
        ("tkey:1:reset", f"{DC1} did not answer over TCP: Connection reset by peer. {LOST}"),
        (
            "tkey:1:forward,wrong_id",
            f"{DC1} did not answer over TCP: no answer within 1 s, but 1 with another message id. {LOST}",
        ),
    ],
)
def test_session_that_cannot_be_opened(bench, fault, text):
    task = bench.task(bench.samba, kdc="10.203.0.10")
    for check in (True, False):
        run = bench.run(task, fault, check=check)
        assert run.message == text
        assert "update" not in run.seen
    assert task.there() == []


def test_update_that_samba_refuses_on_the_way(bench):
    task = bench.task(bench.samba, kdc="10.203.0.10")
    run = bench.run(task, "update:*:unsigned_rcode=SERVFAIL")
    assert run.message == (
        f"{DC1} refused the update in the zone corp.test: SERVFAIL. Is {ME} allowed to change these records? Samba says "
        "SERVFAIL when they belong to another account. Give the account write access to the records or make it a member of "
        "DnsAdmins; otherwise see the log of the DNS server."
    )
    assert task.there() == []


@pytest.mark.parametrize(
    ("fault", "updates", "answer"),
    [
        ("update:1:forward,reset", 1, "lost"),
        ("update:1:forward,wrong_id", 1, "lost"),
        ("update:1:forward,bad_signature", 1, "unverifiable"),
        ("update:1:reset", 2, "lost"),
    ],
)
def test_outcome_unknown(bench, fault, updates, answer):
    task = bench.task(bench.samba, kdc="10.203.0.10")
    run = bench.run(task, fault)
    assert run.outcome == (True, updates, answer)
    assert run.reached.count("update") == 1
    assert task.there() == task.after
