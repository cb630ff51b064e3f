# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Turns what was seen at a web server into checks. Pure: no network, no clock.

Four questions a request, always all and always in this order; one carries the blame, those behind it are skipped.
"""

from __future__ import annotations

import collections.abc
import time

from .._checks import FAIL, PASS, Check, Checks
from .._net import reach
from . import body, wire
from .client import Seen
from .url import shown
from .wire import Response

IDS = ("web.name", "web.connect", "web.tls", "web.answer")
_LONGEST = 600  # characters of a text

_NAME = "Is the name spelt right, and does this host ask the right DNS server? Try: dig {}"
_CONNECT = {
    reach.REFUSED: "The host is up, but nothing listens on port {port}, or a firewall rejects. Does the service run, and is"
    " the port right?",
    reach.TIMED_OUT: "Is the host down, or does a firewall drop packets to port {port}?",
    reach.UNREACHABLE: "Is the host switched on, and is there a route to its network from here?",
}
_TLS = {
    reach.INTERCEPTED: "Is this the server's own CA? Then name its root in trust_anchors, and let the server send its"
    " intermediate certificates. Is it a firewall or proxy that opens TLS? Then exempt this host from it.",
    reach.NOT_TLS: "Does the service speak plain HTTP on port {port}? Configure TLS there, or ask for http://.",
    reach.CLOSED: "Has the server a certificate and key for {host}, and does it take clients without a certificate? Look"
    " into its log.",
    reach.TIMED_OUT: "Does this port begin with TLS, and does a firewall drop large packets (MTU)? Look into the server's log.",
    reach.REFUSED: "It had accepted a connection just before. Is the service starting again and again?",
    reach.UNREACHABLE: "A connection had been accepted just before. Look at the network between here and the server.",
}
_CERTIFICATE = (  # a word of what OpenSSL says, and what to do
    ("not yet valid", "Is the clock of the server, of its CA or of this host wrong?"),
    ("expired", "Renew the certificate, install it and reload the server."),
    ("mismatch", "Issue a certificate whose subjectAltName holds {host}, or ask for the name that it holds."),
    ("trusts no CA", "Install the package ca-certificates on this host, or name the CA in trust_anchors."),
)
_STATUS = {
    400: "Does this port speak TLS only (then ask for https://), or does the server want another host name?",
    401: "The server asks who is there, and this module logs in nowhere: say 401 in status if that is right.",
    403: "The server runs and refuses this path or this address. Say 403 in status if that is right.",
    404: "Is the path right, is the product installed, and does the web server pass this path on to it?",
    407: "This is a proxy and no web server. Is the address right?",
    421: "The server has no such host name. Does its configuration name {host}?",
    429: "The server limits requests. Wait, and ask less often.",
    500: "Look into the server's log.",
    502: "The web server runs, what is behind it does not answer. Does it run? Look into the logs of both.",
    503: "The web server runs, what is behind it is not ready. Does it still start? Look into the logs of both.",
    504: "The web server runs, what is behind it does not answer in time. Look into the logs of both.",
}
_MOVED = (301, 302, 303, 307, 308)
_FAULTS = {
    wire.TIMED_OUT: "Does the service behind the port hang or still start? Look into its log.",
    wire.CLOSED: "Is the service starting again and again, or does it refuse this address? Look into its log.",
    wire.NOT_HTTP: "Is another service on this port, or is something between here and the server broken?",
    wire.TOO_MUCH: "Is another service on this port? A web server's head is short.",
    wire.REFUSED: "It wants to know who is asking, which this module never says. Let the server take clients without one.",
}


def judge(seen: Seen) -> list[Check]:
    """The four checks of a request."""
    checks = Checks()
    reason = ""
    for question in (_name, _connect, _tls, _answer):
        reason = question(checks, seen, reason) or reason
    return [_fit(check, seen.request.source) for check in checks]


def _fit(check: Check, source: str) -> Check:
    evidence, hint = body.clean(check.evidence, _LONGEST), body.clean(check.hint, _LONGEST)
    return Check(check.id, body.clean(check.subject, _LONGEST), check.status, evidence, hint, source)


def _answers(seen: Seen) -> list[reach.Answer]:
    """Of each address."""
    return [] if seen.connection is None else [seen.connection._replace(others=()), *seen.connection.others]


# Each question adds its check, and gives the reason why those behind it cannot be asked, or nothing.


def _name(checks: Checks, seen: Seen, reason: str) -> str:
    request = seen.request
    subject, peer = request.subject, request.peer
    answer = seen.connection
    what = f"connect_to says {peer}" if request.connect_to else f"{peer} is an address"
    if answer is None:
        checks.failed(
            "web.name", subject, _late(seen, f"the resolver gives no answer about {peer}"), _NAME.format(peer)
        )
        return "no address"
    if answer.kind == reach.NO_ADDRESS:
        said = f"connect_to: {answer.detail}" if request.connect_to else answer.detail
        checks.failed("web.name", subject, said, _NAME.format(peer))
        return f"no address: {answer.detail}"
    addresses = ", ".join(one.address for one in _answers(seen))
    if peer in addresses.split(", "):
        checks.skipped("web.name", subject, f"no name to resolve: {what}")
    else:
        checks.passed("web.name", subject, f"{peer} has {addresses}")
    return ""


def _connect(checks: Checks, seen: Seen, reason: str) -> str:
    subject = seen.request.subject
    if reason:
        checks.skipped("web.connect", subject, reason)
        return reason
    answers = _answers(seen)
    port = seen.request.url.port
    evidence = "; ".join(f"{one.address} port {port}: {one.detail}" for one in answers)
    bad = [one for one in answers if one.kind != reach.ANSWERED]
    if not bad:
        checks.passed("web.connect", subject, evidence)
        return ""
    hint = _CONNECT.get(bad[0].kind, "Look at the network between here and the server.").format(port=port)
    if len(bad) < len(answers):
        hint = f"Not every address of the name answers, so some users will wait or fail. {hint}"
        checks.warned("web.connect", subject, evidence, hint)
        return ""
    checks.failed("web.connect", subject, evidence, hint)
    return f"no connection: {bad[0].detail}"


def _tls(checks: Checks, seen: Seen, reason: str) -> str:
    request = seen.request
    subject, url = request.subject, request.url
    if reason or not url.tls:
        checks.skipped("web.tls", subject, reason or "http:// is asked for, which has no TLS")
        return reason
    answer = seen.tls
    if answer is None:
        checks.failed("web.tls", subject, _late(seen, "no answer in TLS"), _TLS[reach.TIMED_OUT])
        return "no TLS"
    by = f", issued by {answer.issuer}" if answer.issuer else ""
    if answer.kind == reach.ANSWERED:
        end = seen.answer.not_after if seen.answer else None
        until = time.strftime(", valid until %Y-%m-%d", time.gmtime(end)) if end is not None else ""
        checks.passed("web.tls", subject, f"{answer.tls_version}, certificate valid for {url.host}{by}{until}")
        return ""
    evidence = f"{answer.address} port {url.port}: {answer.detail}{by}"
    if answer.kind == reach.INTERCEPTED:
        evidence = f"{answer.address} port {url.port}: the certificate is not trusted here ({answer.detail}){by}"
    hint = _TLS.get(answer.kind, "Look at the certificate with: openssl s_client -showcerts")
    if answer.kind == reach.BAD_CERTIFICATE:
        hint = next((text for word, text in _CERTIFICATE if word in answer.detail), hint)
    checks.failed("web.tls", subject, evidence, hint.format(port=url.port, host=url.host))
    return f"no verified TLS: {answer.detail}"


def _answer(checks: Checks, seen: Seen, reason: str) -> str:
    request = seen.request
    subject, answer = request.subject, seen.answer
    if reason:
        checks.skipped("web.answer", subject, reason)
    elif seen.fault is not None:
        evidence = f"{seen.connection.address} {seen.fault.what}"
        checks.failed("web.answer", subject, evidence, _FAULTS[seen.fault.kind])
    elif answer is None:
        checks.failed("web.answer", subject, _late(seen, "no answer"), _FAULTS[wire.TIMED_OUT])
    else:
        page = Page(answer)
        status, evidence, hint = _content(seen, page)
        asked = f"{seen.connection.address} answers {answer.status}"
        asked += f" {body.clean(answer.reason, 60)}" if answer.reason.strip() else ""
        if answer.location:
            asked += f", sends to {body.clean(shown(answer.location))}"
        elif page.title:
            asked += f', title "{page.title}"'
        checks.add(status, "web.answer", subject, f"{asked}{evidence}", hint)
    return ""


class Page:
    """The body of an answer as text.

    problem: why it cannot be read, or empty. title: its first words. all: whether text is all of it.
    """

    def __init__(self, answer: Response) -> None:
        self.problem, self.text, self.title, self.all = "", "", "", answer.whole
        data = body.decompress(answer.body, answer.encoding)
        if data is None:
            coding = body.clean(answer.encoding, 40)
            self.problem = f"the body is compressed ({coding}), although that was not asked for, and cannot be read"
            return
        self.text = body.decode(data, answer.charset)
        self.all = self.all and len(data) < body.MOST
        if body.is_binary(self.text):
            self.problem = "the body is no text"
        else:
            self.title = body.title(self.text)
        if not self.title and answer.content_type == "text/plain" and not self.problem:
            self.title = body.clean(self.text, 60) if answer.status >= 400 else ""


def _content(seen: Seen, page: Page) -> tuple[str, str, str]:
    """(status of the check, what is to be added to the evidence, hint) of an answer that came."""
    request, answer = seen.request, seen.answer
    if answer.status not in request.status:
        wanted = " or ".join(str(status) for status in request.status)
        return FAIL, f"; wanted was {wanted}", request.hint or _hint(answer, request.url.host)
    if answer.broken is not None:
        return FAIL, f", and then {answer.broken.what}", _FAULTS[answer.broken.kind]
    if request.contains is None:
        return PASS, "", ""
    pattern = request.contains.pattern
    if page.problem:
        return FAIL, f"; {page.problem}: {pattern!r} cannot be looked for", request.hint or "Is it the right page?"
    if request.contains.search(page.text):
        return PASS, f", and has {pattern!r}", ""
    part = "" if page.all else f" in its first {body.MOST // 1024} KiB"
    hint = request.hint or "Is it the right page, of the right version and language?"
    return FAIL, f", and has no {pattern!r}{part}", hint


def _hint(answer: Response, host: str) -> str:
    """For a status that was not wanted."""
    if answer.status in _MOVED and answer.location:
        return "Redirects are not followed. Ask for the address that the server names, or say this status in status."
    if answer.status in _STATUS:
        return _STATUS[answer.status].format(host=host)
    if answer.status >= 500:
        return _STATUS[500]
    return "Is the URL right? Say this status in status if it is what the server should answer."


def _late(seen: Seen, what: str) -> str:
    """Why a step has no result."""
    return seen.problem or f"{what} within {seen.request.timeout:g} s"


def row(seen: Seen, checks: collections.abc.Iterable[Check]) -> dict:
    """What the module returns of a request beside its checks."""
    answer = seen.answer
    page = Page(answer) if answer else None
    end = answer.not_after if answer else None
    return {
        "name": seen.request.name,
        "url": str(seen.request.url),
        "address": seen.connection.address if seen.connection else "",
        "status": answer.status if answer else None,
        "reason": body.clean(answer.reason, 60) if answer else "",
        "location": body.clean(shown(answer.location)) if answer else "",
        "content_type": body.clean(answer.content_type, 80) if answer else "",
        "title": page.title if page else "",
        "tls_version": seen.tls.tls_version if seen.tls else "",
        "issuer": seen.tls.issuer if seen.tls else "",
        "not_after": "" if end is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)),
        "milliseconds": seen.milliseconds if answer else None,
        "passed": all(check.status != FAIL for check in checks),
    }
