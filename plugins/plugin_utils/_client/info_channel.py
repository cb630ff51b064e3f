# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""How the connection to a host is, seen from the controller: authentication, encryption, how many requests it took."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from .._winrm.channel import Channel
from .._winrm.session import Session, check_plugin


class CountedSession(Session):
    """Counts messages of WS-Management; those of the login itself are not among them."""

    def __init__(self, connection: t.Any, **options: t.Any) -> None:
        super().__init__(connection, **options)
        self.requests = 0
        self.sent = 0
        self.received = 0

    @property
    def protocol(self) -> t.Any:
        protocol = super().protocol
        if protocol is not None and not hasattr(protocol.send_message, "counted_by"):
            protocol.send_message = self._counting(protocol.send_message)
        return protocol

    def _counting(self, send: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        @functools.wraps(send)
        def counted(message: t.Any) -> t.Any:
            self.requests += 1
            self.sent += len(message)
            answer = send(message)
            self.received += len(answer or b"")
            return answer

        counted.counted_by = self  # type: ignore[attr-defined]
        return counted


class CountedChannel(Channel):
    """A channel that knows what it cost."""

    @classmethod
    def over(cls, connection: t.Any, **options: t.Any) -> CountedChannel:
        check_plugin(connection)
        return cls(CountedSession(connection, **options))

    def health(self) -> dict[str, t.Any]:
        """Before it is closed. Nothing secret is in it."""
        session = t.cast(CountedSession, self.session)
        transport = getattr(session.protocol, "transport", None)
        peer = session.peer
        secure = peer.endpoint.lower().startswith("https:")
        message = getattr(transport, "encryption", None) is not None
        validation = str(getattr(transport, "server_cert_validation", "") or "")
        return {
            "endpoint": peer.endpoint,
            "authentication": peer.method,
            "user": peer.user,
            "encryption": "tls" if secure else "message" if message else "none",
            "tls_version": tls_version(transport) if secure else "",
            "certificate_validated": validation == "validate" if secure else None,
            "requests": session.requests,
            "bytes_sent": session.sent,
            "bytes_received": session.received,
            "reconnects": session.reconnects,
        }


def tls_version(transport: t.Any) -> str:
    """TLSv1.3 for instance, of the connection that is open now; empty where the libraries do not let it be seen."""
    with contextlib.suppress(Exception):  # private parts of requests and urllib3: what they are called there may change
        manager = transport.session.get_adapter(transport.endpoint).poolmanager
        for key in list(manager.pools.keys()):
            for connection in manager.pools[key].pool.queue:
                if connection is not None and connection.sock is not None:
                    return str(connection.sock.version() or "")
    return ""
