# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One visit to a server: connect, ask for TLS in the protocol's own words, shake hands, look, leave.

The handshake is made in memory and carried by asyncio's streams, not by asyncio's TLS: so a failed one still shows what
came, every protocol begins in the same way, and one deadline holds for each stage.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import ssl
import threading
import typing

from . import starttls, trouble
from .messages import Messages
from .settings import Endpoint
from .trouble import Trouble

#: Seconds in which a server that insists on a client certificate says so after a handshake of TLS 1.3.
_AFTERTHOUGHT = 0.5


@dataclasses.dataclass(frozen=True)
class Session:
    """A handshake that came to its end.

    chain: the certificates as they were sent, DER.
    leaf_only: whether this Python cannot show more than the first of them.
    asked: whether the server asked for a certificate of the client (and was content without).
    """

    version: str
    cipher: str
    alpn: str
    chain: tuple[bytes, ...]
    leaf_only: bool = False
    asked: bool = False


async def resolve(host: str, port: int, timeout: float) -> list[str]:
    """The addresses of a name, each once, in the resolver's order. Raises Trouble."""
    if trouble.is_address(host):
        return [host]
    try:
        async with asyncio.timeout(timeout):
            answers = await _lookup(host, port)
    except (OSError, UnicodeError) as error:  # TimeoutError is an OSError
        raise trouble.of_name(error, host) from error
    return list(dict.fromkeys(answer[4][0] for answer in answers))


async def _lookup(host: str, port: int) -> list[tuple]:
    """Asks the system's resolver in a thread of its own, so that a name that hangs stands in nobody's way.

    asyncio's own way has a few threads for all, and the end of the program waits for them.
    """
    loop = asyncio.get_running_loop()
    answer = loop.create_future()

    def settle(found: list[tuple], error: Exception | None) -> None:
        if answer.done():  # nobody waits any longer
            return
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)

    def ask() -> None:
        found, reason = [], None
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except Exception as error:
            reason = error
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, found, reason)

    try:
        threading.Thread(target=ask, daemon=True).start()
    except RuntimeError as error:  # no more threads here
        raise TimeoutError from error
    return await answer


async def visit(
    endpoint: Endpoint,
    address: str,
    context: ssl.SSLContext,
    timeout: float,
    server_name: str | None = None,
    patient: bool = False,
) -> Session:
    """Connect, STARTTLS, handshake; each of the three may take so many seconds. Raises Trouble.

    server_name: instead of the endpoint's; empty for none.
    patient: wait for a server that asked for a client certificate to say that it insists.
    """
    name = endpoint.server_name if server_name is None else server_name
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(address, endpoint.port)
    except OSError as error:
        raise trouble.of_socket(error, endpoint.port, timeout) from error
    seen = Messages()
    stage = "starttls"
    try:
        async with asyncio.timeout(timeout):
            await starttls.begin(endpoint, reader, writer)
        stage = "tls"
        seen.watch(context)
        async with asyncio.timeout(timeout):
            return await _handshake(reader, writer, context, name, seen, endpoint.protocol, patient)
    except TimeoutError as error:
        raise trouble.silent(stage, timeout, endpoint.protocol, seen) from error
    except OSError as error:  # reset by the peer
        if stage == "starttls":
            raise starttls.ended(endpoint.protocol) from error
        raise trouble.closed(seen, endpoint.protocol) from error
    finally:
        await _leave(writer)


async def _handshake(reader, writer, context, name: str, seen: Messages, protocol: str, patient: bool) -> Session:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
    sent = False

    async def flush() -> None:
        nonlocal sent
        data = outgoing.read()
        if data:
            sent = True
            writer.write(data)
            await writer.drain()

    async def drive(step: typing.Callable[[], object]) -> None:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                await flush()
                data = await reader.read(16384)
                if not data:
                    raise trouble.closed(seen, protocol) from None
                seen.received(data)
                incoming.write(data)
            except ssl.SSLError as error:
                began = sent
                with contextlib.suppress(OSError):
                    await flush()  # our alert: the server's log then says why
                raise trouble.of_tls(error, seen, began) from error
            else:
                await flush()
                return

    await drive(tls.do_handshake)
    if patient and tls.version() == "TLSv1.3" and seen.request:
        # Here the client is done before the server has looked at its (missing) certificate.
        try:
            async with asyncio.timeout(_AFTERTHOUGHT):
                await drive(lambda: tls.read(1))
        except TimeoutError:
            pass  # it waits for us to speak: it is content
        except Trouble as error:
            if error.kind == "client_certificate":
                raise
            raise trouble.no_client_certificate(seen) from error
    chain, leaf_only = _chain(tls, seen)
    session = Session(
        tls.version() or "",
        (tls.cipher() or ("",))[0],
        tls.selected_alpn_protocol() or "",
        chain,
        leaf_only,
        seen.request,
    )
    with contextlib.suppress(ssl.SSLError, OSError):
        tls.unwrap()
    with contextlib.suppress(OSError):
        await flush()
    return session


def _chain(tls: ssl.SSLObject, seen: Messages) -> tuple[tuple[bytes, ...], bool]:
    """What was sent, and whether it may be more than this. Python 3.13 tells it, older ones by a private method."""
    with contextlib.suppress(Exception):
        return tuple(tls.get_unverified_chain()), False
    with contextlib.suppress(Exception):
        # Of CPython 3.10 to 3.12; certificates there, encoded by the module's own constant for DER (2).
        return tuple(one.public_bytes(2) for one in tls._sslobj.get_unverified_chain()), False
    if seen.certificates:
        return seen.certificates, False
    leaf = tls.getpeercert(True)
    return ((leaf,) if leaf else ()), True


async def _leave(writer: asyncio.StreamWriter) -> None:
    """What was written goes out, and nobody waits for the peer."""
    with contextlib.suppress(Exception):
        writer.close()
        async with asyncio.timeout(0.2):
            await writer.wait_closed()
    with contextlib.suppress(Exception):
        writer.transport.abort()
