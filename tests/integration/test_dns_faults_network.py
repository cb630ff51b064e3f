# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dns_records says and does when the way to BIND loses, cuts, delays or changes messages; nothing is ever half-written.

dns_proxy.py stands between the module and the real server. What was written is asked from the real server with dig.
"""

from __future__ import annotations

import pytest
from dns_bench import Bench, through

NS1 = through("ns1")
KEY = "the TSIG key bulk-key (hmac-sha256)"
CHANGED = "Does something between the controller and the server change DNS messages?"
LOST = (
    "Is the service overloaded or restarting, or does a firewall on the way drop DNS over TCP? Check with: dig +tcp "
    "@ns1.corp.test -p 5399 . SOA"
)
DISTRUST = f"{NS1} gave an answer that cannot be trusted:"
SAME_KEY = "Does the server know the same key, and are the clocks the same?"
REFUSED = f"{NS1} refused the update in the zone bulk.test:"
UNUSABLE = f"{NS1} gave no usable transfer of the zone bulk.test:"
AGAIN = "Run the task again, or set read_by=questions."


@pytest.fixture(scope="module")
def bench(name_servers):
    bench = Bench(name_servers)
    yield bench
    bench.close()


@pytest.fixture
def task(bench):
    return bench.task(bench.name_servers.bulk)


def filled(text: str, task) -> str:
    return text.format(name=task.name, service=task.service, wanted="; ".join(task.after), there=task.before[0])


# -- while reading: no update is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            "question:1:rcode=SERVFAIL",
            f"{NS1} answered SERVFAIL when asked for the zone bulk.test. Could it not load the zone, or, if it is a "
            "secondary, is its copy too old? See the log of the DNS server. Check with: dig +norecurse @ns1.corp.test "
            "-p 5399 bulk.test SOA",
        ),
        (
            "question:2:rcode=SERVFAIL",
            f"{NS1} answered SERVFAIL when asked for {{service}} SRV. May the controller ask this server, and is the zone "
            "loaded there? Check with: dig +norecurse @ns1.corp.test -p 5399 {service} SRV",
        ),
        (
            "question:2:unsigned_rcode=SERVFAIL",
            f"{DISTRUST} it is not signed ({KEY}). It says SERVFAIL. Does the server have this zone and know the same key, "
            "and are the clocks the same?",
        ),
        (
            "question:2:forward,truncate",
            f"{NS1} sent a truncated answer, over TCP, when asked for {{service}} SRV. {CHANGED} Check with: dig +norecurse "
            "@ns1.corp.test -p 5399 {service} SRV",
        ),
        (
            "question:2:forward,other_question=other.bulk.test.",
            f"{NS1} sent the answer to another question when asked for {{service}} SRV. {CHANGED} Check with: dig "
            "+norecurse @ns1.corp.test -p 5399 {service} SRV",
        ),
        ("question:2:forward,bad_signature", f"{DISTRUST} its signature does not verify ({KEY}). {SAME_KEY}"),
        ("question:2:forward,unsign", f"{DISTRUST} it is not signed ({KEY}). {SAME_KEY}"),
        ("question:*:drop", f"{NS1} did not answer over TCP: no answer within 1 s. {LOST}"),
        (
            "question:*:forward,wrong_id",
            f"{NS1} did not answer over TCP: no answer within 1 s, but 4 with another message id. {LOST}",
        ),
        ("question:*:reset", f"{NS1} did not answer over TCP: Connection reset by peer. {LOST}"),
    ],
)
def test_fault_while_reading(bench, task, fault, text):
    run = bench.run(task, fault)
    assert run.message == filled(text, task)
    assert "update" not in run.seen
    assert task.there() == task.before


@pytest.mark.parametrize(
    "fault", ["question:1:rcode=SERVFAIL", "question:2:forward,truncate", "question:2:forward,bad_signature"]
)
def test_the_check_finds_the_same_fault(bench, task, fault):
    checked, run = bench.run(task, fault, check=True), bench.run(task, fault)
    assert checked.message
    assert checked.message == run.message
    assert checked.seen == run.seen == ["question"] * 4
    assert task.there() == task.before


def test_cut_message_is_no_dns_message(bench, task):
    run = bench.run(task, "question:2:forward,cut")
    assert run.message.startswith(f"{NS1} sent an answer that is no valid DNS message: ")
    assert run.message.endswith(f" Does something else than a DNS server listen on {NS1.removeprefix('DNS server ')}?")
    assert task.there() == task.before


def test_connection_that_is_reset_at_once(bench, task):
    """Whether the reset comes before or after the questions were sent is up to the kernel."""
    run = bench.run(task, "connection:*:reset")
    assert run.message in (
        f"{NS1} did not answer over TCP: Connection reset by peer. {LOST}",
        f"{NS1} could not be reached over TCP: Connection reset by peer. Is the DNS service running there, and is TCP port "
        "5399 open between the controller and it? Check with: dig +tcp @ns1.corp.test -p 5399 . SOA",
    )
    assert run.seen == []
    assert task.there() == task.before


@pytest.mark.parametrize("fault", ["question:3:reset", "question:2:drop", "question:3:forward,cut_frame"])
def test_questions_that_are_lost_are_asked_again(bench, task, fault):
    assert bench.run(task, fault).outcome == (True, 1, "verified")
    assert task.there() == task.after


def test_a_truncated_answer_hides_no_records_that_are_to_go(bench, task):
    """It has no records in it: taken for a fact, it would mean that there is nothing to remove."""
    task.arguments["records"] = [{"name": task.label, "type": "A", "state": "absent"}]
    assert "sent a truncated answer" in bench.run(task, "question:2:forward,truncate").message
    assert task.there() == task.before


# -- the update: refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            "update:*:rcode=SERVFAIL",
            f"{REFUSED} SERVFAIL. Can the server write the files of the zone (BIND: its journal), and is there room on the "
            "disk? See the log of the DNS server.",
        ),
        (
            "update:*:rcode=NOTAUTH",
            f"{REFUSED} NOTAUTH. Is this the primary server of the zone, and does it know the key? Name the primary in "
            "server; for secondaries the SOA record tells it.",
        ),
        (
            "update:*:unsigned_rcode=REFUSED",
            f"{REFUSED} REFUSED. Is {KEY} allowed to write in this zone? With BIND: see allow-update and update-policy; "
            "with Knot: see acl. A secondary refuses, too: the SOA record names the primary.",
        ),
    ],
)
def test_update_that_is_refused_on_the_way(bench, task, fault, text):
    run = bench.run(task, fault)
    assert run.message == text
    assert run.seen.count("update") == 1
    assert task.there() == task.before


# -- the update: outcome unknown --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("update:1:forward,reset", "lost"),
        ("update:1:forward,drop", "lost"),
        ("update:1:forward,close", "lost"),
        ("update:1:forward,wrong_id", "lost"),
        ("update:1:forward,cut", "lost"),
        ("update:1:forward,cut_frame", "lost"),
        ("update:1:forward,bad_signature", "unverifiable"),
        ("update:1:forward,unsign", "unverifiable"),
    ],
)
def test_reading_back_finds_it_done(bench, task, fault, answer):
    run = bench.run(task, fault)
    assert run.outcome == (True, 1, answer)
    assert run.reached.count("update") == 1
    assert task.there() == task.after


@pytest.mark.parametrize(
    ("fault", "worst"),
    [("update:1:reset", "lost"), ("update:1:drop", "lost"), ("update:1:accept,bad_signature", "unverifiable")],
)
def test_reading_back_finds_it_not_done_and_it_is_sent_again(bench, task, fault, worst):
    run = bench.run(task, fault)
    assert run.outcome == (True, 2, worst)
    assert (run.seen.count("update"), run.reached.count("update")) == (2, 1)
    assert task.there() == task.after


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("update:*:drop", f"{NS1} did not answer over TCP: no answer within 1 s"),
        ("update:*:reset", f"{NS1} did not answer over TCP: Connection reset by peer"),
        ("update:*:accept,bad_signature", "its signature does not verify"),
    ],
)
def test_update_that_never_arrives(bench, task, fault, why):
    run = bench.run(task, fault)
    assert run.message == filled(
        f"{NS1}: the update was sent 3 times, its outcome could not be learnt from the answers ({why}), and reading back "
        "shows that it did not happen. Wanted: [{wanted}]. There is: [{there}]. Does the server, or a firewall on the way, "
        "drop updates silently? See the log of the DNS server.",
        task,
    )
    assert run.seen.count("update") == 3
    assert task.there() == task.before


def test_server_that_says_done_and_does_nothing(bench, task):
    run = bench.run(task, "update:*:accept")
    assert run.message == filled(
        f"{NS1} accepted the update, but reading back shows something else. Wanted: [{{wanted}}]. There is: [{{there}}]. "
        "Does somebody else write the same records, or does the server ignore this kind of record? See the log of the DNS "
        "server.",
        task,
    )
    assert task.there() == task.before


# -- transfers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (
            "transfer:1:forward,cut_transfer",
            f"{UNUSABLE} it ended before its last record. Was the server restarted meanwhile? {AGAIN}",
        ),
        (
            "transfer:1:forward,cut_frame",
            f"{UNUSABLE} it ended before its last record. Was the server restarted meanwhile? {AGAIN}",
        ),
        (
            "transfer:1:forward,bad_signature",
            f"{UNUSABLE} a message of it cannot be trusted or read (The TSIG signature fails to verify). {CHANGED} Run the "
            "task again.",
        ),
        ("transfer:1:forward,unsign", f"{UNUSABLE} it is not signed. Does the server know the key? Allow it there (BIND: "
         "allow-transfer), or set read_by=questions."),
        ("transfer:1:forward,truncate", f"{UNUSABLE} a message of it is truncated. {CHANGED} {AGAIN}"),
        ("transfer:1:drop", f"{NS1} did not answer over TCP: no answer within 1 s. {LOST}"),
        ("transfer:1:reset", f"{NS1} did not answer over TCP: Connection reset by peer. {LOST}"),
        (
            "transfer:1:forward,wrong_id",
            f"{NS1} did not answer over TCP: no answer within 1 s, but 1 with another message id. {LOST}",
        ),
    ],
)  # fmt: skip
def test_fault_in_a_transfer(bench, task, fault, text):
    task.arguments["read_by"] = "transfer"
    run = bench.run(task, fault)
    assert run.message == text
    assert run.seen == ["transfer"]
    assert task.there() == task.before


def test_transfer_of_several_messages_that_is_cut_before_the_last(bench, task):
    target = bench.name_servers.bulk
    padding = [f"pad{number}.{task.name}" for number in range(300)]
    lines = [f"update add {name} 60 TXT {'x' * 250}" for name in padding]
    script = [f"server {target.address}", f"zone {target.zone}", *lines[:150], "send", *lines[150:], "send", ""]
    assert bench.call("nsupdate", "-k", str(target.key_file), text="\n".join(script))["code"] == 0
    task.arguments["read_by"] = "transfer"
    cut = bench.run(task, "transfer:1:forward,cut_messages")
    there = task.there()
    whole = bench.run(task)
    bench.clear(target, [(name, "TXT") for name in padding])
    assert cut.message == f"{UNUSABLE} it ended before its last record. Was the server restarted meanwhile? {AGAIN}"
    assert there == task.before
    assert whole.outcome == (True, 1, "verified")
    assert task.there() == task.after


def test_cut_transfer_is_replaced_by_questions(bench, task):
    """read_by=auto asks for a transfer where many sets are needed."""
    more = [{"name": f"more{number}.{task.label}", "type": "A", "state": "absent"} for number in range(120)]
    task.arguments["records"] += more
    run = bench.run(task, "transfer:*:forward,cut_transfer")
    assert run.outcome == (True, 1, "verified")
    assert run.seen.count("transfer") == 1
    assert run.seen.count("question") > 120
    assert task.there() == task.after


@pytest.mark.parametrize("read_by", ["transfer", "questions"])
def test_reading_back_is_tried_twice(bench, task, read_by):
    task.arguments["read_by"] = read_by
    kind, number = ("transfer", 2) if read_by == "transfer" else ("question", 5)
    run = bench.run(task, f"{kind}:{number}:forward,bad_signature")
    assert run.outcome == (True, 1, "verified")
    assert task.there() == task.after


def test_reading_back_fails(bench, task):
    run = bench.run(task, "update:1:forward,reset", *(f"question:{number}:reset" for number in (5, 6, 7)))
    assert run.message == (
        f"An update was sent to {NS1}, and then reading back failed, so whether it happened is unknown. {NS1} did not "
        "answer over TCP: Connection reset by peer. Is the service overloaded or restarting, or does a firewall on the way "
        "drop DNS over TCP? Run the task again: it goes on from what is there."
    )
    assert task.there() == task.after
    assert bench.run(task).outcome == (False, 0, "none")
