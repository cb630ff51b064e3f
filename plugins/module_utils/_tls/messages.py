# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a server says in a TLS handshake, read while OpenSSL makes it.

OpenSSL tells of every message by a callback, decrypted. Python has it as ``SSLContext._msg_callback`` (3.8 and later, not
documented); without it the same questions get shorter answers. It shows what OpenSSL itself throws away when a handshake
fails: the alert, whether a certificate of the client was asked for, and the certificates as they were sent, readable or not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ssl

_ALERT, _HANDSHAKE = 21, 22  # content types (RFC 8446 5.1)
_CERTIFICATE, _CERTIFICATE_REQUEST, _FINISHED = 11, 13, 20  # handshake messages (RFC 8446 4)
_TLS13 = 0x0304
_MOST_HEAD = 200


@dataclasses.dataclass
class Messages:
    """What came from the server in one handshake.

    head: its first bytes, as they came.
    size: how many came.
    certificates: as sent, DER or whatever else it was.
    request: whether it asked for a certificate of the client.
    finished: whether it sent its last message of the handshake.
    alert: number of the last alert.
    """

    head: bytes = b""
    size: int = 0
    certificates: tuple[bytes, ...] = ()
    request: bool = False
    finished: bool = False
    alert: int | None = None

    def received(self, data: bytes) -> None:
        """Bytes from the network."""
        self.size += len(data)
        self.head += data[: _MOST_HEAD - len(self.head)]

    @property
    def plain(self) -> bool:
        """Whether what came does not begin like a record of TLS."""
        return bool(self.head) and not (self.head[0] in (20, 21, 22, 23) and self.head[1:2] in (b"", b"\x03"))

    def watch(self, context: ssl.SSLContext) -> None:
        """Let a context tell what its next connection receives."""
        with contextlib.suppress(Exception):  # a Python without the callback
            context._msg_callback = self._message

    def _message(self, connection, direction, version, content_type, message_type, data) -> None:
        if direction != "read" or not data:
            return
        if content_type == _ALERT and len(data) == 2:
            self.alert = data[1]
        elif content_type == _HANDSHAKE:
            if data[0] == _CERTIFICATE:
                self.certificates = sent_certificates(bytes(data), version >= _TLS13)
            elif data[0] == _CERTIFICATE_REQUEST:
                self.request = True
            elif data[0] == _FINISHED:
                self.finished = True


def sent_certificates(message: bytes, extended: bool) -> tuple[bytes, ...]:
    """The entries of a Certificate message (RFC 5246 7.4.2; extended: RFC 8446 4.4.2), as far as they are whole."""
    position = 4  # type and length of the message
    if extended:
        position += 1 + int.from_bytes(message[4:5], "big")  # certificate_request_context
    position += 3  # length of the list
    found = []
    while position + 3 <= len(message):
        length = int.from_bytes(message[position : position + 3], "big")
        entry = message[position + 3 : position + 3 + length]
        if len(entry) < length:
            break
        found.append(entry)
        position += 3 + length
        if extended:
            position += 2 + int.from_bytes(message[position : position + 2], "big")
    return tuple(found)
