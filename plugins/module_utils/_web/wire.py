# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One GET and what came back, whatever it is: with one deadline for everything, and with limits.

``http.client`` reads the head. The body is read here: what came of it before a server stopped is worth telling, and
``http.client`` forgets it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import io
import socket
import ssl
import time
import typing as t

from .body import MOST, clean
from .url import Url

#: Bytes that are read of a server in all. A head may be long, too: http.client ends it after 100 lines of 64 KiB.
_MOST_IN_ALL = 1024 * 1024
_MOST_INTERIM = 5
_LONGEST_CHUNK_LINE = 1024

#: Why there is no answer, or not all of it.
TIMED_OUT, CLOSED, NOT_HTTP, TOO_MUCH, REFUSED = "timed_out", "closed", "not_http", "too_much", "refused"


class Fault(Exception):
    """kind: one of the above; the text says what was seen."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what


@dataclasses.dataclass(frozen=True)
class Response:
    """What a server answered.

    reason, location, content_type: made fit to be shown by nobody yet.
    body: as sent, MOST bytes at most; whole: whether it is all of it; broken: why it ended early, None when it did not.
    not_after: when the server's certificate ends, seconds since 1970; None without TLS.
    """

    status: int
    reason: str = ""
    location: str = ""
    content_type: str = ""
    charset: str = ""
    encoding: str = ""
    body: bytes = b""
    whole: bool = True
    broken: Fault | None = None
    not_after: float | None = None


class _Stream(io.RawIOBase):
    """The bytes of a connection until the deadline, so many at most. Stands for the socket that http.client wants."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._buffered = io.BufferedReader(self)
        self.count = 0
        self.head = b""
        self._answers: list[http.client.HTTPResponse] = []

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if self.count >= _MOST_IN_ALL:
            raise Fault(TOO_MUCH, f"the answer has not ended after {_MOST_IN_ALL // 1024} KiB")
        self._connection.settimeout(_left(self._deadline))
        size = self._connection.recv_into(buffer)
        self.count += size
        self.head += bytes(buffer[: min(size, 100 - len(self.head))])
        return size

    def makefile(self, *arguments: t.Any) -> io.BufferedReader:
        """Always the same one: an interim answer (1xx) and the one behind it may come in one piece."""
        return self._buffered

    def answer(self) -> http.client.HTTPResponse:
        """The next one. They share the stream, and each would close it when it is thrown away: they are kept."""
        self._answers.append(http.client.HTTPResponse(self, method="GET"))
        return self._answers[-1]

    def leave(self) -> None:
        """Nobody reads any more."""
        for answer in self._answers:
            answer.fp = None


def ask(url: Url, address: str, deadline: float, context: ssl.SSLContext | None) -> Response:
    """Ask an address for a URL. deadline: of time.monotonic. context: for TLS, one that verifies. Raises Fault."""
    with contextlib.ExitStack() as stack:
        try:
            connection = socket.create_connection((address, url.port), _left(deadline))
            stack.callback(connection.close)
            if context is not None:
                connection.settimeout(_left(deadline))
                connection = context.wrap_socket(connection, server_hostname=url.host)
                stack.callback(connection.close)
            not_after = _not_after(connection)
            connection.settimeout(_left(deadline))
            connection.sendall(request(url))
        except (OSError, ValueError) as error:
            raise _fault(error, "connected a second time") from error
        stream = _Stream(connection, deadline)
        stack.callback(stream.leave)
        head = _head(stream)
        body, whole, broken = _body(head, stream)
    return Response(
        status=head.status,
        reason=head.reason or "",
        location=_text(head.headers.get("Location")),
        content_type=_text(head.headers.get("Content-Type")).partition(";")[0].strip().lower(),
        charset=_charset(head.headers),
        encoding=_text(head.headers.get("Content-Encoding")),
        body=body,
        whole=whole,
        broken=broken,
        not_after=not_after,
    )


def request(url: Url) -> bytes:
    """What is sent."""
    lines = (
        f"GET {url.target} HTTP/1.1",
        f"Host: {url.authority}",
        "User-Agent: onprem.chat-web_info",
        "Accept: text/html, */*",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _head(stream: _Stream) -> http.client.HTTPResponse:
    """Status and headers of the final answer."""
    for _count in range(_MOST_INTERIM):
        answer = stream.answer()
        try:
            answer.begin()
        except http.client.RemoteDisconnected:
            raise Fault(CLOSED, "closed the connection without an answer") from None
        except (http.client.BadStatusLine, http.client.UnknownProtocol):
            raise Fault(NOT_HTTP, f"what answered does not speak HTTP/1.1: {_begin(stream)}") from None
        except http.client.HTTPException as error:
            raise Fault(TOO_MUCH, f"the head of the answer has no end: {clean(str(error), 80)}") from None
        except (OSError, ValueError) as error:
            raise _fault(error, "connected", stream) from error
        if answer.status >= 200 or answer.status == 101:
            return answer
    raise Fault(NOT_HTTP, f"{_MOST_INTERIM} interim answers (1xx) and no final one")


def _body(head: http.client.HTTPResponse, stream: _Stream) -> tuple[bytes, bool, Fault | None]:
    """(what came, whether that is all, why it is not)."""
    found = bytearray()
    if head.fp is None or head.status == 101:  # http.client closes an answer that has no body
        return b"", True, None
    try:
        for piece in _chunks(head.fp) if head.chunked else _plain(head.fp, head.length):
            found += piece
            if len(found) >= MOST:
                return bytes(found[:MOST]), False, None
    except Fault as error:
        return bytes(found), False, error
    except (OSError, ValueError) as error:
        return bytes(found), False, _fault(error, "", stream)
    return bytes(found), True, None


def _plain(file: t.BinaryIO, length: int | None) -> t.Iterator[bytes]:
    """A body of so many bytes, or until the connection ends."""
    while length is None or length > 0:
        piece = file.read1(16384 if length is None else min(length, 16384))
        if not piece:
            if length:
                raise Fault(CLOSED, f"the answer broke off, {length} bytes are missing")
            return
        length = None if length is None else length - len(piece)
        yield piece


def _chunks(file: t.BinaryIO) -> t.Iterator[bytes]:
    """A body in chunks (RFC 9112 7.1). What follows the last one is not read."""
    while True:
        line = file.readline(_LONGEST_CHUNK_LINE)
        size = line.partition(b";")[0].strip()
        if not line:
            raise Fault(CLOSED, "the answer broke off before its last chunk")
        if not line.endswith(b"\n") or not 0 < len(size) <= 16 or size.strip(b"0123456789abcdefABCDEF"):
            raise Fault(NOT_HTTP, f"the answer is broken: no size of a chunk is {clean(repr(line[:40])[1:], 60)}")
        left = int(size, 16)
        if not left:
            return
        yield from _plain(file, left)
        if file.readline(3).strip(b"\r\n"):
            raise Fault(NOT_HTTP, "the answer is broken: a chunk is longer than its size")


def _begin(stream: _Stream) -> str:
    """The first bytes that came, as Python writes them."""
    line = stream.head.splitlines()[0][:60] if stream.head.strip() else stream.head[:60]
    return repr(line)[1:]


def _fault(error: Exception, after: str, stream: _Stream | None = None) -> Fault:
    """What the network did, in words."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        if stream is None:
            return Fault(TIMED_OUT, f"{after}, and then the time was over")
        if not stream.count:
            return Fault(TIMED_OUT, "took the request and did not answer in time")
        return Fault(TIMED_OUT, f"the answer has not ended in time, {stream.count} bytes came")
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        if "certificate required" in reason or "bad certificate" in reason:
            return Fault(REFUSED, "demands a client certificate")
        if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return Fault(CLOSED, "closed the connection without an answer")
        return Fault(CLOSED, f"TLS ended with an error: {reason or clean(str(error), 80)}")
    if isinstance(error, ConnectionError):
        return Fault(CLOSED, f"closed the connection ({getattr(error, 'strerror', None) or error})")
    return Fault(CLOSED, clean(str(getattr(error, "strerror", None) or error), 80))


def _not_after(connection: socket.socket) -> float | None:
    if not isinstance(connection, ssl.SSLSocket):
        return None
    end = (connection.getpeercert() or {}).get("notAfter")
    return float(ssl.cert_time_to_seconds(end)) if end else None


def _text(value: object) -> str:
    """A header's value: http.client takes bytes for Latin-1, servers write UTF-8."""
    text = str(value or "")
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _charset(headers: t.Any) -> str:
    try:
        value = headers.get_param("charset")
    except Exception:  # the library's parser, fed by strangers
        return ""
    return value if isinstance(value, str) else ""


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
