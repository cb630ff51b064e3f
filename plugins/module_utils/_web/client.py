# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Asks many requests at once, each in its steps and each until its own deadline."""

from __future__ import annotations

import collections.abc
import concurrent.futures
import dataclasses
import re
import ssl
import threading
import time

from .._net.reach import ANSWERED, Answer, reach
from . import wire
from .url import Url


@dataclasses.dataclass(frozen=True)
class Request:
    """One question.

    status: any of these is right. contains: searched in the text of the answer; None asks for nothing.
    name: how a person calls it; hint: what to do when the answer is another one; source: who asks for it.
    connect_to: a host or address instead of the URL's. anchors: PEM files of trusted CAs; empty for the system's.
    timeout: seconds for all of it.
    """

    url: Url
    status: tuple[int, ...] = (200,)
    contains: re.Pattern | None = None
    name: str = ""
    hint: str = ""
    source: str = ""
    connect_to: str = ""
    anchors: tuple[str, ...] = ()
    timeout: float = 10

    @property
    def subject(self) -> str:
        """How checks name it."""
        return f"{self.name}: {self.url}" if self.name else str(self.url)

    @property
    def peer(self) -> str:
        """Whose address is looked for."""
        return self.connect_to or self.url.host


@dataclasses.dataclass
class Seen:
    """What came of a request; None for steps that it did not come to.

    connection: of every address of the name. tls: of the first that could be connected to, as answer or fault are.
    problem: why a step has no result, when it was not for the time.
    """

    request: Request
    connection: Answer | None = None
    tls: Answer | None = None
    answer: wire.Response | None = None
    fault: wire.Fault | None = None
    milliseconds: int = 0
    problem: str = ""


def everything(requests: collections.abc.Sequence[Request], parallel: int) -> list[Seen]:
    """All answers, in the order of the requests; so many are asked at the same time."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        return list(pool.map(_in_time, requests))


def _in_time(request: Request) -> Seen:
    """The system's resolver, and a hostile server, can hold up a step: the request is left to itself then."""
    seen = Seen(request)
    thread = threading.Thread(target=_guarded, args=(seen,), daemon=True)
    thread.start()
    thread.join(request.timeout + 0.5)
    return dataclasses.replace(seen)  # the thread may go on


def _guarded(seen: Seen) -> None:
    try:
        visit(seen)
    except Exception as error:  # ours or a library's: that something was not asked must be seen
        text = " ".join(str(error).split())[:160]
        seen.problem = f"cannot be asked ({type(error).__name__}: {text})"


def visit(seen: Seen) -> None:
    """Name, connection, TLS, answer. Nothing is raised for what a server does."""
    request, began = seen.request, time.monotonic()
    deadline = began + request.timeout
    url = request.url
    # An address that swallows everything must leave time for another one that answers.
    seen.connection = reach(url.host, url.port, "tcp", request.timeout / 2, connect_to=request.connect_to)
    if seen.connection.kind != ANSWERED:
        return
    address = seen.connection.address
    context = None
    if url.tls:
        left = max(0.1, deadline - time.monotonic())
        seen.tls = reach(url.host, url.port, "tls", left, request.anchors, connect_to=address)
        if seen.tls.kind != ANSWERED:
            return
        context = verifying(request.anchors)
    try:
        asked = time.monotonic()
        seen.answer = wire.ask(url, address, deadline, context)
        seen.milliseconds = int((time.monotonic() - asked) * 1000)
    except wire.Fault as error:
        seen.fault = error


def verifying(anchors: tuple[str, ...]) -> ssl.SSLContext:
    """As a browser: HTTP/1.1 over TLS 1.2 or newer with a certificate that is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    for path in anchors:
        context.load_verify_locations(cafile=path)
    if not anchors:
        context.load_default_certs()
    return context
