# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web servers on the loopback that say what a test wants, byte by byte, and how tests ask them."""

from __future__ import annotations

import contextlib
import socket

from ansible_collections.onprem.chat.plugins.module_utils._web import command
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import NAME, Server

DEFAULTS = {"connect_to": "", "trust_anchors": [], "timeout": 10, "parallel": 8}
REQUEST = {
    "status": [200],
    "contains": "",
    "name": "",
    "hint": "",
    "source": "",
    "connect_to": None,
    "trust_anchors": None,
    "timeout": None,
}
IDS = ["web.name", "web.connect", "web.tls", "web.answer"]


def request_of(connection) -> bytes:
    """The head of what a client sent; empty when it sent none (who only looks whether the port is open)."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece:
            return b""
        data += piece
    return data


def says(*parts, asked=None, stay=False, context=None):
    """A server's function that answers every request with these bytes, or with those of an iterator.

    asked: a list that gets the requests. stay: whether the connection is left open. context: for TLS.
    """

    def serve(connection):
        with contextlib.ExitStack() as stack:
            if context is not None:
                connection = stack.enter_context(context.wrap_socket(connection, server_side=True))
            request = request_of(connection)
            if not request:
                return
            if asked is not None:
                asked.append(request)
            for part in parts:
                for piece in [part] if isinstance(part, bytes) else part:
                    connection.sendall(piece)
            if not stay:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass

    return serve


def page(body=b"", status=b"200 OK", *headers, length=True):
    """An answer in one piece."""
    lines = [b"HTTP/1.1 " + status, *headers, *([b"Content-Length: %d" % len(body)] if length else [])]
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


class Answered(dict):
    """The module's result."""

    def said(self, id_, number=0):
        """Status and evidence of a check of one of the requests."""
        check = self.check(id_, number)
        return check["status"], check["evidence"]

    def check(self, id_, number=0):
        return [check for check in self["checks"] if check["id"] == id_][number]

    @property
    def statuses(self):
        return [check["status"] for check in self["checks"]]


def ask(*urls, options=None, **request):
    """Run the module's inner part for URLs, or with the requests in options."""
    asked = [{**REQUEST, "url": url, **request} for url in urls]
    result = Answered(command.run({**DEFAULTS, "requests": asked, **(options or {})}))
    count = len(result["answers"])
    assert [check["id"] for check in result["checks"]] == IDS * count
    assert all(char.isprintable() for check in result["checks"] for text in check.values() for char in text)
    return result


def ask_server(serve, path="/", scheme="http", **request):
    """Start a server, ask it once by its name, stop it."""
    with Server(serve) as server:
        request.setdefault("connect_to", "127.0.0.1")
        result = ask(f"{scheme}://{NAME}:{server.port}{path}", **request)
    return result
