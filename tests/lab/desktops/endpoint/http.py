"""As much HTTP/1.1 as WinRM needs, with a hand on the connection itself: authentication and faults belong to it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus

HEAD_LIMIT = 65536  # Kerberos tickets of people in many groups are large


class Closed(Exception):
    """The peer went away, or talks something else."""


@dataclass
class Head:
    """Request line and headers."""

    method: str
    path: str
    headers: dict[str, str]
    size: int

    @property
    def length(self) -> int:
        """Content-Length, or -1 when the body has no length that this server understands."""
        if "transfer-encoding" in self.headers:
            return -1
        text = self.headers.get("content-length", "0")
        return int(text) if text.isdigit() else -1


class Connection:
    """One TCP (or TLS) connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.local = writer.get_extra_info("sockname")
        self.peer = writer.get_extra_info("peername")
        self._early = b""
        transport_socket = writer.get_extra_info("socket")
        transport_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def head(self) -> Head:
        """The next request's head. Raises Closed."""
        try:
            data = self._early + await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, OSError) as error:
            raise Closed from error
        self._early = b""
        lines = data.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Closed
        headers = {}
        for line in lines[1:]:
            name, _colon, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Head(words[0], words[1], headers, len(data))

    async def body(self, length: int) -> bytes:
        """That many bytes. Raises Closed."""
        try:
            return await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError, OSError) as error:
            raise Closed from error

    async def gone(self) -> None:
        """Returns when the client closed the connection; what he sends in the meantime is kept."""
        while True:
            try:
                data = await self.reader.read(1)
            except (ConnectionError, OSError):
                return
            if not data:
                return
            self._early += data
            if len(self._early) > HEAD_LIMIT:
                return

    def encode(self, status: int, headers: list[tuple[str, str]], body: bytes, close: bool) -> bytes:
        """An answer as bytes."""
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
        lines += ["Server: Microsoft-HTTPAPI/2.0", f"Content-Length: {len(body)}"]
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def send(self, data: bytes) -> None:
        """Raises Closed."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, OSError) as error:
            raise Closed from error

    def reset(self) -> None:
        """End it by a TCP reset, as a crashed host or a firewall does."""
        transport_socket = self.writer.get_extra_info("socket")
        transport_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
