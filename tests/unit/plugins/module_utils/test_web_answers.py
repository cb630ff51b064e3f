# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""web_info and servers that answer: status, title, redirects, bodies of every kind."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._web import body
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import NAME, Server
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.web_fake import ask, ask_server, page, says

TITLE = b"<html><head><title>Log in</title>"
HTML = b"Content-Type: text/html"


def test_a_good_answer():
    asked = []
    result = ask_server(
        says(page(TITLE, b"200 OK", HTML), asked=asked), "/chats/?a=secret#b", name="Login page", source="Doc 1"
    )
    (request,) = asked
    host = result["answers"][0]["url"].split("/")[2]
    assert (
        request
        == (
            f"GET /chats/?a=secret HTTP/1.1\r\nHost: {host}\r\nUser-Agent: onprem.chat-web_info\r\nAccept: text/html, */*\r\n"
            "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
        ).encode()
    )
    port = host.partition(":")[2]
    assert result["changed"] is False
    subject = f"Login page: http://{NAME}:{port}/chats/?..."
    assert result["checks"] == [
        {"id": id_, "subject": subject, "status": status, "evidence": evidence, "hint": "", "source": "Doc 1"}
        for id_, status, evidence in (
            ("web.name", "skip", "no name to resolve: connect_to says 127.0.0.1"),
            ("web.connect", "pass", f"127.0.0.1 port {port}: connected"),
            ("web.tls", "skip", "http:// is asked for, which has no TLS"),
            ("web.answer", "pass", '127.0.0.1 answers 200 OK, title "Log in"'),
        )
    ]
    (answer,) = result["answers"]
    assert answer.pop("milliseconds") >= 0
    assert answer == {
        "name": "Login page",
        "url": f"http://{NAME}:{port}/chats/?...",
        "passed": True,
        "address": "127.0.0.1",
        "status": 200,
        "reason": "OK",
        "location": "",
        "content_type": "text/html",
        "title": "Log in",
        "tls_version": "",
        "issuer": "",
        "not_after": "",
    }
    assert "secret" not in json.dumps(result)


@pytest.mark.parametrize(
    ("status", "evidence", "hint"),
    [
        (b"400 Bad Request", "answers 400 Bad Request",
         "Does this port speak TLS only (then ask for https://), or does the server want another host name?"),
        (b"401 Unauthorized", "answers 401 Unauthorized",
         "The server asks who is there, and this module logs in nowhere: say 401 in status if that is right."),
        (b"403 Forbidden", "answers 403 Forbidden",
         "The server runs and refuses this path or this address. Say 403 in status if that is right."),
        (b"404 Not Found", "answers 404 Not Found",
         "Is the path right, is the product installed, and does the web server pass this path on to it?"),
        (b"404", "answers 404",
         "Is the path right, is the product installed, and does the web server pass this path on to it?"),
        (b"418 I'm a teapot", "answers 418 I'm a teapot",
         "Is the URL right? Say this status in status if it is what the server should answer."),
        (b"421 Misdirected", "answers 421 Misdirected",
         "The server has no such host name. Does its configuration name chat.corp.test?"),
        (b"502 Bad Gateway", "answers 502 Bad Gateway",
         "The web server runs, what is behind it does not answer. Does it run? Look into the logs of both."),
        (b"599 Odd", "answers 599 Odd", "Look into the server's log."),
    ],
)  # fmt: skip
def test_another_status(status, evidence, hint):
    result = ask_server(says(page(b"", status)))
    assert result.said("web.answer") == ("fail", f"127.0.0.1 {evidence}; wanted was 200")
    assert result.check("web.answer")["hint"] == hint
    assert result["answers"][0]["passed"] is False
    assert result.statuses == ["skip", "pass", "skip", "fail"]


def test_the_callers_hint_comes_first():
    result = ask_server(says(page(b"", b"502 Bad Gateway")), hint="Start the product.", status=[200, 204])
    assert result.said("web.answer") == ("fail", "127.0.0.1 answers 502 Bad Gateway; wanted was 200 or 204")
    assert result.check("web.answer")["hint"] == "Start the product."


@pytest.mark.parametrize(
    "status", [b"403 Forbidden", b"301 Moved", b"204 No Content", b"304 Not Modified", b"500 Oops"]
)
def test_any_status_can_be_the_right_one(status):
    result = ask_server(says(page(b"", status, b"Location: /x"), stay=True), status=[int(status[:3]), 299])
    assert result.said("web.answer") == ("pass", f"127.0.0.1 answers {status.decode()}, sends to /x")


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (b"https://sso.corp.test/login?state=secret&nonce=secret", "https://sso.corp.test/login?..."),
        (b"//anna:secret@b.test/", "//...@b.test/"),
        (b"/\x1b[2Jx", r"/\x1b[2Jx"),
        ("/\u0432\u0445\u043e\u0434".encode(), "/\u0432\u0445\u043e\u0434"),
        ("/\u202egnp.exe".encode(), r"/\u202egnp.exe"),
        (b"/caf\xe9", "/caf\u00e9"),
    ],
)
def test_redirects_are_shown_and_not_followed(location, shown):
    asked = []
    result = ask_server(says(page(b"", b"302 Found", b"Location: " + location), asked=asked))
    assert result.said("web.answer") == ("fail", f"127.0.0.1 answers 302 Found, sends to {shown}; wanted was 200")
    assert result.check("web.answer")["hint"] == (
        "Redirects are not followed. Ask for the address that the server names, or say this status in status."
    )
    assert result["answers"][0]["location"] == shown
    assert "secret" not in json.dumps(result)
    assert len(asked) == 1


def test_a_loop_of_redirects_is_asked_once():
    asked = []
    with Server(says(page(b"", b"301 Moved Permanently", b"Location: /"), asked=asked)) as server:
        result = ask(f"http://127.0.0.1:{server.port}/")
    assert (result.said("web.answer")[0], len(asked)) == ("fail", 1)


# -- what the answer contains -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "headers", "pattern"),
    [
        (b"<p>Log in</p>", [HTML], "Log in"),
        (b"<p>LOG IN</p>", [HTML], "(?i)log in"),
        ("\u0412\u043e\u0439\u0442\u0438".encode(), [HTML], "\u0412\u043e\u0439\u0442\u0438"),
        ("\u0412\u043e\u0439\u0442\u0438".encode("cp1251"), [b"Content-Type: text/html; charset=windows-1251"], "\u0412\u043e\u0439\u0442\u0438"),
        ("\u0412\u043e\u0439\u0442\u0438".encode("cp1251"), [b'Content-Type: text/html; charset="Windows-1251"'], "\u0412\u043e\u0439\u0442\u0438"),
        ("\u0412\u043e\u0439\u0442\u0438".encode("koi8-r"), [b"Content-Type: text/html;charset=KOI8-R"], "\u0412\u043e\u0439\u0442\u0438"),
        (b'<meta charset="windows-1251">' + "\u0412\u043e\u0439\u0442\u0438".encode("cp1251"), [HTML], "\u0412\u043e\u0439\u0442\u0438"),
        ("\ufeff\u0412\u043e\u0439\u0442\u0438".encode(), [b"Content-Type: text/html; charset=windows-1251"], "^\u0412\u043e\u0439\u0442\u0438"),
        ("\ufeff\u0412\u043e\u0439\u0442\u0438".encode("utf-16-le"), [], "^\u0412\u043e\u0439\u0442\u0438"),
        ("\ufeff\u0412\u043e\u0439\u0442\u0438".encode("utf-32-be"), [], "^\u0412\u043e\u0439\u0442\u0438"),
        (gzip.compress(b"<p>Log in</p>", mtime=0), [b"Content-Encoding: gzip"], "Log in"),
        (zlib.compress(b"<p>Log in</p>"), [b"Content-Encoding: deflate"], "Log in"),
        (zlib.compress(b"<p>Log in</p>")[2:-4], [b"Content-Encoding: deflate"], "Log in"),
        (b"Log in", [b"Content-Encoding: identity"], "Log in"),
        # What is no character set, and what Python knows under such a name and must not be used.
        (b"Log in", [b"Content-Type: text/html; charset=nonsense"], "Log in"),
        (b"Log in", [b"Content-Type: text/html; charset=zlib"], "Log in"),
        (b"Log in", [b"Content-Type: text/html; charset=punycode"], "Log in"),
        (b"Log in", [b"Content-Type: text/html; charset=\xff\x00"], "Log in"),
        (b"Log in", [b"Content-Type: text/html; charset*=x'y'z"], "Log in"),
        (b"Log in", [b"Content-Type: ;;;=="], "Log in"),
    ],
)  # fmt: skip
def test_the_text_is_found(data, headers, pattern):
    result = ask_server(says(page(data, b"200 OK", *headers)), contains=pattern)
    assert result.said("web.answer") == ("pass", f"127.0.0.1 answers 200 OK, and has {pattern!r}")


def test_the_text_is_not_there():
    result = ask_server(says(page(TITLE)), contains="Welcome")
    assert result.said("web.answer") == ("fail", "127.0.0.1 answers 200 OK, title \"Log in\", and has no 'Welcome'")
    assert result.check("web.answer")["hint"] == "Is it the right page, of the right version and language?"
    assert ask_server(says(page(TITLE)), contains="x", hint="Own hint.").check("web.answer")["hint"] == "Own hint."


def test_a_wrong_status_is_told_before_the_text():
    result = ask_server(says(page(TITLE, b"500 Oops")), contains="Log in")
    assert result.said("web.answer") == ("fail", '127.0.0.1 answers 500 Oops, title "Log in"; wanted was 200')


@pytest.mark.parametrize(
    ("data", "headers", "problem"),
    [
        (b"x", [b"Content-Encoding: br"],
         "the body is compressed (br), although that was not asked for, and cannot be read"),
        (b"x", [b"Content-Encoding: gzip, gzip"],
         "the body is compressed (gzip, gzip), although that was not asked for, and cannot be read"),
        (b"no gzip at all", [b"Content-Encoding: gzip"],
         "the body is compressed (gzip), although that was not asked for, and cannot be read"),
        (b"no deflate at all", [b"Content-Encoding: deflate"],
         "the body is compressed (deflate), although that was not asked for, and cannot be read"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", [b"Content-Type: image/png"], "the body is no text"),
        (bytes(range(128, 256)), [], "the body is no text"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_searched(data, headers, problem):
    answer = page(data, b"200 OK", *headers)
    result = ask_server(says(answer), contains="Log in")
    assert result.said("web.answer") == ("fail", f"127.0.0.1 answers 200 OK; {problem}: 'Log in' cannot be looked for")
    assert ask_server(says(answer)).said("web.answer") == ("pass", "127.0.0.1 answers 200 OK")


def test_a_small_body_that_unpacks_to_a_big_one():
    bomb = gzip.compress(b"a" * 50_000_000 + b"needle")
    assert len(bomb) < body.MOST
    result = ask_server(says(page(bomb, b"200 OK", b"Content-Encoding: gzip")), contains="needle")
    assert result.said("web.answer") == ("fail", "127.0.0.1 answers 200 OK, and has no 'needle' in its first 256 KiB")
    assert len(body.decompress(bomb, "gzip")) == body.MOST


@pytest.mark.parametrize(
    ("data", "chunk"), [(b"x", b"1\r\nx\r\n0\r\n\r\n"), (b"xyz", b"2;a=b\r\nxy\r\n01\r\nz\r\n000\r\nTrailer: 1\r\n\r\n"), (b"", b"0\r\n\r\n")]
)  # fmt: skip
def test_chunks(data, chunk):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk
    result = ask_server(says(answer, stay=True), contains=f"^{data.decode()}$")
    assert result.said("web.answer")[0] == "pass"


def test_an_answer_that_ends_with_its_connection():
    result = ask_server(says(page(TITLE, length=False)), contains="Log in")
    assert result.said("web.answer")[0] == "pass"
    assert ask_server(says(b"HTTP/1.0 200 OK\r\n\r\nLog in"), contains="Log in").said("web.answer")[0] == "pass"
    assert ask_server(says(b"HTTP/1.1 200 OK\n\nLog in"), contains="Log in").said("web.answer")[0] == "pass"


def test_interim_answers_are_not_the_answer():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 3
    result = ask_server(says(interim + page(TITLE)), contains="Log in")
    assert result.said("web.answer")[0] == "pass"


# -- titles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<title>Log in</title>", "Log in"),
        ("<TITLE lang=en>\n  Log\n in &amp; talk </TITLE>", "Log in & talk"),
        ("<titles>No</titles>", ""),
        ("<title>Without an end <p>", "Without an end"),
        ("<title>\x1b]0;owned\x07 &#27;[2J</title>", r"\x1b]0;owned\x07 [2J"),
        ("<title></title>", ""),
        ("<title", ""),
        ("<title " + "x" * 5000 + ">far</title>", ""),
        ("<title>" + "long " * 100 + "</title>", ("long " * 100)[:100] + "..."),
        ("no title", ""),
    ],
)
def test_titles(text, found):
    assert body.title(text) == found


def test_a_page_that_begins_a_thousand_titles_is_read_once():
    assert body.title("<title" * 40_000 + ">") == ""
    assert body.title("<title>" * 40_000) == ""


def test_the_first_words_of_an_error_in_plain_text():
    plain = b"Content-Type: text/plain"
    result = ask_server(says(page(b"no healthy\n upstream", b"503 Service Unavailable", plain)))
    evidence = '127.0.0.1 answers 503 Service Unavailable, title "no healthy upstream"; wanted was 200'
    assert result.said("web.answer") == ("fail", evidence)
    assert ask_server(says(page(b"secret", b"200 OK", plain))).said("web.answer") == (
        "pass",
        "127.0.0.1 answers 200 OK",
    )


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("a\r\n\tb", 10, "a b"),
        ("a\x1b[31mb\x00\x7f", 60, r"a\x1b[31mb\x00\x7f"),
        ("\u202eabc\u2066", 60, r"\u202eabc\u2066"),
        ("abcdef", 3, "abc..."),
        ("\u0427\u0430\u0442", 60, "\u0427\u0430\u0442"),
        ("\ud800", 60, r"\ud800"),
    ],
)
def test_clean(text, most, shown):
    assert body.clean(text, most) == shown
