# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task's requests to the host, counted; at one of them the controller dies, or its connection is closed. The host has no part in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import tempfile
import typing as t

from urllib3.connection import HTTPConnection
from winrm.protocol import Protocol

KILLED = ("kill after", "kill before")
CLOSED = ("close after", "close before")
# How long a request that was sent may be worked on before its connection is closed.
MOMENT = 1.0
_SHELL = re.compile(r'Name="ShellId"[^>]*>([^<]+)<|<rsp:Shell\b[^>]*\bShellId="([^"]+)"')


class Cut:
    """Counts messages. ``number`` 0 cuts nothing. ``shells`` are the ids of those that messages were for, or that were opened."""

    def __init__(self, number: int = 0, how: str = "") -> None:
        self.number = number
        self.kills, self.moment = how.startswith("kill"), how.rpartition(" ")[2]
        self.sent = 0
        self.happened = False
        self.shells: list[str] = []
        self.tell: t.Callable[[], None] = lambda: None
        self._armed = False

    def begin(self) -> None:
        """From now on in this process, which has no other use."""
        send, request, getresponse = Protocol.send_message, HTTPConnection.request, HTTPConnection.getresponse

        def counted(protocol: Protocol, message: str) -> bytes:
            return self._message(protocol, message, send)

        def sending(connection: HTTPConnection, *given: t.Any, **named: t.Any) -> t.Any:
            # A login may come first: it has no content.
            mine = self._armed and bool(named.get("body") or (len(given) > 2 and given[2]))
            if mine and self.moment == "before":
                self._now()
                if connection.sock is None:
                    connection.connect()
                connection.sock.shutdown(socket.SHUT_RDWR)
            return request(connection, *given, **named)

        def answering(connection: HTTPConnection, *given: t.Any, **named: t.Any) -> t.Any:
            if self._armed and self.moment == "after" and getattr(connection, "sock", None):
                self._now()
                select.select([connection.sock], [], [], MOMENT)
                connection.sock.shutdown(socket.SHUT_RDWR)
                connection.close()
                raise ConnectionResetError(104, "the test has closed this connection")
            return getresponse(connection, *given, **named)

        Protocol.send_message = counted
        if not self.kills:
            HTTPConnection.request, HTTPConnection.getresponse = sending, answering

    def _now(self) -> None:
        self._armed, self.happened = False, True

    def _message(self, protocol: Protocol, message: str, send: t.Callable[[Protocol, str], bytes]) -> bytes:
        self.sent += 1
        for found in _SHELL.findall(message):
            self.shells += [one for one in found if one and one not in self.shells]
        if self.sent != self.number:
            return send(protocol, message)
        if not self.kills:
            self._armed = True
            return send(protocol, message)
        self.happened = True
        if self.moment == "after":
            with contextlib.suppress(Exception):  # the answer does not matter any more, nor whether there is one
                send(protocol, message)
        self.tell()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("nobody survives that")


def apart(work: t.Callable[[], dict[str, t.Any]], cut: Cut) -> dict[str, t.Any]:
    """``work`` in a process of its own that is cut; what came of it.

    ``result`` of work, None when it was killed; ``sent``: how many messages; ``happened``; ``shells``.
    """
    # Tickets of Kerberos and whatever else is for this process alone lies here, and goes with it.
    folder = tempfile.mkdtemp(prefix="onprem-chat-cut-")
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            os.close(reader)
            tempfile.tempdir = os.environ["TMPDIR"] = folder
            with os.fdopen(writer, "w", encoding="utf-8") as file:

                def tell(result: dict[str, t.Any] | None = None) -> None:
                    told = {"sent": cut.sent, "happened": cut.happened, "shells": cut.shells, "result": result}
                    json.dump(told, file)
                    file.flush()

                cut.tell = tell
                cut.begin()
                tell(work())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    try:
        with os.fdopen(reader, encoding="utf-8") as file:
            text = file.read()
        os.waitpid(process, 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return json.loads(text)
