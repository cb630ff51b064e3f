# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""web_info against what is no good web server: each fault is one failed check with a clear text, and nothing hangs."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._web import client
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import Server, hangs_up_later, silent
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.web_fake import ask, ask_server, page, says

TITLE = b"<title>Log in</title>"
HANGS = "Does the service behind the port hang or still start? Look into its log."
RESTARTS = "Is the service starting again and again, or does it refuse this address? Look into its log."
OTHER = "Is another service on this port, or is something between here and the server broken?"
LONG = "Is another service on this port? A web server's head is short."


def drip(*parts):
    """Each byte alone, for ever at the end."""
    for byte in b"".join(parts):
        yield bytes([byte])
    while True:
        time.sleep(0.05)
        yield b"."


# -- answers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "evidence", "hint"),
    [
        (b"", "closed the connection without an answer", RESTARTS),
        (b"\r\n", "does not speak HTTP/1.1", OTHER),
        (b"220 mail.corp.test ESMTP\r\n", "what answered does not speak HTTP/1.1: '220 mail.corp.test ESMTP'", OTHER),
        (b"<?xml version='1.0'?><stream:stream>", "what answered does not speak HTTP/1.1: \"<?xml version='1.0'?>", OTHER),
        (b"\x16\x03\x01\x02\x00\x01", r"what answered does not speak HTTP/1.1: '\x16\x03\x01\x02\x00\x01'", OTHER),
        (b"\x1b[2J\x07", r"what answered does not speak HTTP/1.1: '\x1b[2J\x07'", OTHER),
        (b"HTTP/2 200\r\n\r\n", "what answered does not speak HTTP/1.1: 'HTTP/2 200'", OTHER),
        (b"HTTP/1.1 abc OK\r\n\r\n", "what answered does not speak HTTP/1.1: 'HTTP/1.1 abc OK'", OTHER),
        (b"HTTP/1.1 20 OK\r\n\r\n", "what answered does not speak HTTP/1.1: 'HTTP/1.1 20 OK'", OTHER),
        (b"HTTP/1.1 200 " + b"x" * 70000, "the head of the answer has no end: ", LONG),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000, "the head of the answer has no end: ", LONG),
        (b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200, "the head of the answer has no end: got more than 100 headers", LONG),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * 9, "5 interim answers (1xx) and no final one", OTHER),
    ],
)  # fmt: skip
def test_no_answer(sent, evidence, hint):
    result = ask_server(says(sent))
    status, seen = result.said("web.answer")
    assert (status, seen[:10]) == ("fail", "127.0.0.1 ")
    assert evidence in seen or (not sent.strip() and "without an answer" in seen)
    assert result.check("web.answer")["hint"] in (hint, RESTARTS)
    assert result["answers"][0]["status"] is None


@pytest.mark.parametrize(
    ("sent", "evidence"),
    [
        (b"Content-Length: 10\r\n\r\nshort", "the answer broke off, 5 bytes are missing"),
        (b"Transfer-Encoding: chunked\r\n\r\n", "the answer broke off before its last chunk"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "the answer broke off, 3 bytes are missing"),
        (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", r"the answer is broken: no size of a chunk is 'zz\r\n'"),
        (b"Transfer-Encoding: chunked\r\n\r\n-1\r\nab", r"the answer is broken: no size of a chunk is '-1\r\n'"),
        (b"Transfer-Encoding: chunked\r\n\r\n1_0\r\nab", r"the answer is broken: no size of a chunk is '1_0\r\n'"),
        (b"Transfer-Encoding: chunked\r\n\r\n\r\nab", r"the answer is broken: no size of a chunk is '\r\n'"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 2000, "the answer is broken: no size of a chunk is '000"),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "the answer is broken: a chunk is longer than its size"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 16 + b"\r\nx", "the answer broke off, "),
    ],
)
def test_half_an_answer(sent, evidence):
    result = ask_server(says(b"HTTP/1.1 200 OK\r\n" + sent))
    status, seen = result.said("web.answer")
    assert (status, seen.startswith(f"127.0.0.1 answers 200 OK, and then {evidence}")) == ("fail", True), seen
    assert result["answers"][0]["status"] == 200


def test_a_wrong_status_is_told_before_the_missing_half():
    result = ask_server(says(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 10\r\n\r\nshort"))
    assert result.said("web.answer") == ("fail", "127.0.0.1 answers 502 Bad Gateway; wanted was 200")


def test_a_server_that_takes_the_request_and_is_silent():
    result = ask_server(says(stay=True), timeout=1)
    assert result.said("web.answer") == ("fail", "127.0.0.1 took the request and did not answer in time")
    assert result.check("web.answer")["hint"] == HANGS


def test_a_server_that_hangs_up():
    status, evidence = ask_server(hangs_up_later).said("web.answer")
    assert status == "fail"
    assert evidence.startswith("127.0.0.1 closed the connection")


@pytest.mark.parametrize(
    ("parts", "evidence"),
    [
        ((b"HTTP/1.1 200 ",), "the answer has not ended in time"),
        ((b"HTTP/1.1 200 OK\r\nX: y",), "the answer has not ended in time"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", TITLE), 'answers 200 OK, title "Log in", and then the answer has not ended in time'),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n", TITLE), 'answers 200 OK, title "Log in", and then the '),
    ],
)  # fmt: skip
def test_a_slow_drip_ends_at_the_deadline(parts, evidence):
    result = ask_server(says(drip(*parts)), timeout=1.5)
    status, seen = result.said("web.answer")
    assert (status, evidence in seen) == ("fail", True), seen
    assert result.check("web.answer")["hint"] == HANGS


@pytest.mark.parametrize(
    ("head", "piece", "passes"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 65536, True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1" + b";" + b"x" * 900 + b"\r\nx\r\n", False),
        (b"HTTP/1.1 100 Continue\r\n", b"X: y\r\n\r\nHTTP/1.1 100 Continue\r\n" * 1000, False),
        (b"HTTP/1.1 103 Hints\r\n", b"X: y\r\n\r\nHTTP/1.1 103 Hints\r\n" * 1000, False),
    ],
)
def test_what_never_ends_is_not_read_to_its_end(head, piece, passes):
    result = ask_server(says(head, itertools.repeat(piece)))
    status, evidence = result.said("web.answer")
    assert status == ("pass" if passes else "fail"), evidence
    if passes:
        assert evidence == "127.0.0.1 answers 200 OK"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=200).map(lambda data: b"HTTP/1.1 200 OK\r\n" + data),
        st.binary(max_size=200).map(lambda data: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + data),
        st.text(max_size=200).map(lambda text: b"HTTP/1.1 404 \xff\r\nLocation: " + text.encode() + b"\r\n\r\n"),
        st.binary(max_size=200).map(lambda data: page(data, b"200 OK", b"Content-Encoding: gzip")),
        st.text(max_size=40).map(
            lambda text: page(TITLE, b"200 OK", b"Content-Type: text/html; charset=" + text.encode())
        ),
    )
)
def test_whatever_a_server_sends_there_are_four_checks(sent):
    """ask() looks at the ids, and that every text can be printed."""
    result = ask_server(says(sent), contains="x")
    assert result.statuses[:3] == ["skip", "pass", "skip"]
    assert result.statuses[3] in ("pass", "fail")
    assert "cannot be asked" not in result.said("web.answer")[1]


# -- many -------------------------------------------------------------------------------------------------------------


def test_one_that_hangs_stands_in_nobodys_way_and_the_order_is_kept():
    with Server(silent) as dead, Server(says(page(TITLE))) as good:
        urls = [f"http://127.0.0.1:{server.port}/{n}" for n, server in enumerate([dead, good, dead, good, good])]
        result = ask(*urls, options={"timeout": 1.5, "parallel": 3})
    assert [answer["url"] for answer in result["answers"]] == urls
    assert [answer["passed"] for answer in result["answers"]] == [False, True, False, True, True]


def test_so_many_at_the_same_time():
    lock, now, most = threading.Lock(), [0], [0]
    answer = says(page(TITLE))

    def serve(connection):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)  # else even many at once would hardly meet
        answer(connection)
        with lock:
            now[0] -= 1

    with Server(serve) as server:
        result = ask(*[f"http://127.0.0.1:{server.port}/"] * 12, options={"parallel": 1})
    assert {answer["passed"] for answer in result["answers"]} == {True}
    # One request after the other; each has two connections, and a server on a busy machine sees their ends late.
    assert most[0] <= 8


def test_nothing_is_left_to_the_garbage_collector(monkeypatch):
    """http.client closes what it shares, and Python 3.13 complains on standard error of what was closed before."""
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", lambda seen: complaints.append(seen.exc_value))
    for sent in (page(b"x"), page(b"", b"204 No Content"), b"HTTP/1.1 103 Hints\r\n\r\n" + page(b"x"), b"no HTTP"):
        ask_server(says(sent))
    gc.collect()
    assert complaints == []


def test_what_should_never_happen_is_a_failed_check(monkeypatch):
    def broken(*given, **more):
        raise RuntimeError("boom")

    monkeypatch.setattr(client, "reach", broken)
    result = ask("https://chat.corp.test/")
    assert result.said("web.name") == ("fail", "cannot be asked (RuntimeError: boom)")
