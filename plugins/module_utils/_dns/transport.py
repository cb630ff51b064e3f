# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""DNS messages over one TCP connection to one server, as bytes."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, Unreachable

WINDOW = 64


class _Closed(Exception):
    """The server closed the connection."""


class TcpTransport:
    """Sends messages and gives the answers with the same message ids. Nothing here knows what a message means."""

    def __init__(self, host: str, port: int = 53, timeout: float = 10.0) -> None:
        self.host = host
        self.port = port
        self.timeout = timeout
        self._socket: socket.socket | None = None
        self._fresh = False
        self._peer: tuple | None = None

    def __str__(self) -> str:
        return self.host if self.port == 53 else f"{self.host} port {self.port}"

    def close(self) -> None:
        """Close the connection; the next message opens a new one."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    def ask(self, wires: list[bytes]) -> list[bytes]:
        """Send questions, many at a time, and give the answers in the same order.

        Questions may be asked again: when the server closes the connection in between, the rest goes over a new one.
        """
        answers: dict[int, bytes] = {}
        while len(answers) < len(wires):
            missing = [(index, wire) for index, wire in enumerate(wires) if index not in answers][:WINDOW]
            self._connect()
            fresh = self._fresh
            before = len(answers)
            waiting = {wire[:2]: index for index, wire in missing}
            strays = 0
            deadline = time.monotonic() + self.timeout
            try:
                self._socket.sendall(b"".join(struct.pack("!H", len(wire)) + wire for index, wire in missing))
                self._fresh = False
                while waiting:
                    answer = self._receive(deadline)
                    index = waiting.pop(answer[:2], None)
                    strays += index is None
                    if index is not None:
                        answers[index] = answer
            except (_Closed, OSError) as error:
                self.close()
                if len(answers) == before and (fresh or isinstance(error, TimeoutError)):
                    raise self._lost(error, strays) from error
        return [answers[index] for index in range(len(wires))]

    def tell(self, wire: bytes) -> bytes:
        """Send a request that changes something, once, over a new connection, and give the answer.

        A new one, because a connection that the server has closed while it was idle would make it unclear whether the
        request arrived.
        """
        self.close()
        self._connect()
        deadline = time.monotonic() + self.timeout
        strays = 0
        try:
            self._socket.sendall(struct.pack("!H", len(wire)) + wire)
            self._fresh = False
            while True:
                answer = self._receive(deadline)
                if answer[:2] == wire[:2]:
                    return answer
                strays += 1
        except (_Closed, OSError) as error:
            self.close()
            raise self._lost(error, strays) from error

    def stream(self, wire: bytes):
        """Send one question and give every message that comes for it, over a new connection; it ends with the connection.

        The time limit is for each message. Who asked knows which one is the last and closes the generator.
        """
        self.close()
        self._connect()
        strays = 0
        try:
            self._socket.sendall(struct.pack("!H", len(wire)) + wire)
            self._fresh = False
            while True:
                answer = self._receive(time.monotonic() + self.timeout)
                if answer[:2] == wire[:2]:
                    yield answer
                else:
                    strays += 1
        except _Closed:
            self.close()
        except OSError as error:
            self.close()
            raise self._lost(error, strays) from error

    def _lost(self, error: Exception, strays: int) -> LostAnswer:
        seen = getattr(error, "strerror", None) or str(error)
        if isinstance(error, TimeoutError):
            seen = f"no answer within {self.timeout:g} s"
            seen += f", but {strays} with another message id" if strays else ""
        return LostAnswer(
            f"DNS server {self} did not answer over TCP: {seen}.",
            "Is the service overloaded or restarting, or does a firewall on the way drop DNS over TCP?",
            f"Check with: dig +tcp @{self.host} -p {self.port} . SOA",
        )

    def _connect(self) -> None:
        if self._socket is not None:
            return
        try:
            self._socket = self._dialled()
        except UnicodeError as error:
            raise Unreachable(
                f"The name of the DNS server {self.host} is no host name.",
                "Is a variable empty from which it is made?",
            ) from error
        except socket.gaierror as error:
            raise Unreachable(
                f"The name of the DNS server {self.host} has no address: {error.strerror or error}.",
                "Does the resolver of the controller know this name?",
                "Check with: getent hosts " + self.host,
            ) from error
        except OSError as error:
            seen = f"no connection within {self.timeout:g} s" if isinstance(error, TimeoutError) else error.strerror
            raise Unreachable(
                f"DNS server {self} could not be reached over TCP: {seen or error}.",
                f"Is the DNS service running there, and is TCP port {self.port} open between the controller and it?",
                f"Check with: dig +tcp @{self.host} -p {self.port} . SOA",
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._fresh = True

    def _dialled(self) -> socket.socket:
        """A connection to the machine that answered first: a name may stand for several, and each has its own state."""
        if self._peer is not None:
            with contextlib.suppress(OSError):
                return socket.create_connection(self._peer, timeout=self.timeout)
        connection = socket.create_connection((self.host, self.port), timeout=self.timeout)
        self._peer = connection.getpeername()[:2]
        return connection

    def _receive(self, deadline: float) -> bytes:
        (length,) = struct.unpack("!H", self._read(2, deadline))
        return self._read(length, deadline)

    def _read(self, count: int, deadline: float) -> bytes:
        data = b""
        while len(data) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise _Closed("the connection was closed")
            data += piece
        return data
