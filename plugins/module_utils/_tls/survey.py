# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Looks at a server from all sides, one connection after the other, and at many servers at once."""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import ssl

from . import contexts, trouble, wire
from .settings import VERSIONS, Endpoint
from .trouble import Trouble
from .wire import Session

#: A name that no server has (RFC 6761), to see what one with several certificates presents to strangers.
UNKNOWN_NAME = "unknown.invalid"
#: So many certificates of a server are looked at. Honest ones send two or three.
MOST_SENT = 20
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"


@dataclasses.dataclass
class Seen:
    """What was seen at one address of an endpoint.

    session, trouble: as an ordinary client, one of the two.
    forced: with everything old and weak allowed, when the ordinary client failed.
    verified: as a client that verifies; None when it was not tried.
    versions: for each of VERSIONS accepted, refused or unknown; reasons: why unknown.
    elsewhere: whether another address of the same endpoint could be connected to.
    without_name, unknown_name: without SNI, and with a name that it does not have; None when not tried.
    """

    endpoint: Endpoint
    address: str = ""
    session: Session | None = None
    trouble: Trouble | None = None
    forced: Session | None = None
    verified: Session | Trouble | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=lambda: dict.fromkeys(VERSIONS, UNKNOWN))
    reasons: dict[str, str] = dataclasses.field(default_factory=dict)
    elsewhere: bool = False
    without_name: Session | Trouble | None = None
    unknown_name: Session | Trouble | None = None

    @property
    def connected(self) -> bool:
        """Whether anything accepted the connection."""
        return self.trouble is None or self.trouble.stage not in ("dns", "tcp")

    @property
    def best(self) -> Session | None:
        """The handshake to speak of."""
        return self.session or self.forced

    @property
    def sent(self) -> tuple[bytes, ...]:
        """The certificates that were sent, even when the handshake failed after them."""
        if self.best:
            return self.best.chain
        return self.trouble.seen.certificates if self.trouble else ()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Those of them that are looked at: a peer may send anything, and each costs time."""
        return self.sent[:MOST_SENT]

    @property
    def trusted(self) -> bool:
        """Whether OpenSSL takes the certificate. A server that misses ours complains when we have accepted its own."""
        if isinstance(self.verified, Trouble):
            return self.verified.kind == "client_certificate"
        return self.verified is not None


async def everywhere(
    endpoints: collections.abc.Sequence[Endpoint],
    pems: collections.abc.Mapping[tuple[str, ...], str | None],
    timeout: float,
    parallel: int,
) -> list[Seen]:
    """Look at every address of every endpoint, at so many at the same time; in the order of the endpoints."""
    loop = asyncio.get_running_loop()
    # What a peer does to a connection that is being left is no news.
    loop.set_exception_handler(lambda loop, context: None)
    gate = asyncio.Semaphore(parallel)

    async def addresses(endpoint: Endpoint) -> list[str] | Trouble:
        async with gate:
            try:
                return await wire.resolve(endpoint.host, endpoint.port, timeout)
            except Trouble as error:
                return error

    async def one(endpoint: Endpoint, address: str) -> Seen:
        async with gate:
            try:
                return await look(endpoint, address, pems.get(endpoint.anchors), timeout)
            except Exception as error:  # ours or a library's: the other servers are still to be asked
                return Seen(endpoint, address, trouble=trouble.unexpected(error))

    found = await asyncio.gather(*(addresses(endpoint) for endpoint in endpoints))
    looks = []
    for endpoint, answer in zip(endpoints, found, strict=True):
        if isinstance(answer, Trouble):
            looks.append(_nowhere(endpoint, answer))
        else:
            looks += [one(endpoint, address) for address in answer]
    everything = await asyncio.gather(*looks)
    connected = {id(one.endpoint) for one in everything if one.connected}
    for one in everything:
        one.elsewhere = id(one.endpoint) in connected
    return list(everything)


async def _nowhere(endpoint: Endpoint, error: Trouble) -> Seen:
    return Seen(endpoint, trouble=error)


async def look(endpoint: Endpoint, address: str, pem: str | None, timeout: float) -> Seen:
    """All visits to one address. Nothing is raised for what a server does."""
    seen = Seen(endpoint, address)
    first = await _try(endpoint, address, contexts.ordinary(endpoint.alpn), timeout, patient=True)
    if isinstance(first, Session):
        seen.session = first
    else:
        seen.trouble = first
        if first.stage != "tls" or first.kind in ("silent", "plain"):
            return seen
        if first.kind != "certificate":
            again = await _try(endpoint, address, contexts.old(endpoint.alpn), timeout, patient=True)
            seen.forced = again if isinstance(again, Session) else None
            if isinstance(again, Trouble) and not (first.seen.size or again.seen.size):
                return seen  # not one byte: whatever it is, it is no TLS
    if endpoint.look == "certificate":
        return seen
    for version in VERSIONS:
        seen.versions[version], reason = await _version(seen, version, timeout)
        if reason:
            seen.reasons[version] = reason
    if not seen.chain:
        return seen
    seen.verified = await _verified(seen, pem, timeout)
    if endpoint.server_name and seen.best and not trouble.is_address(endpoint.server_name):
        # The same kind of client: one that offers other ciphers may get another certificate for that reason.
        kind = contexts.ordinary if seen.session else contexts.old
        seen.without_name = await _try(endpoint, address, kind(endpoint.alpn), timeout, "")
        seen.unknown_name = await _try(endpoint, address, kind(endpoint.alpn), timeout, UNKNOWN_NAME)
    return seen


async def _try(
    endpoint: Endpoint,
    address: str,
    context: ssl.SSLContext,
    timeout: float,
    server_name: str | None = None,
    patient: bool = False,
) -> Session | Trouble:
    try:
        return await wire.visit(endpoint, address, context, timeout, server_name, patient)
    except Trouble as error:
        # Kept until the end: its traceback would keep the connection and the context alive, a megabyte for each server.
        error.__context__ = error.__cause__ = None
        return error.with_traceback(None)


async def _version(seen: Seen, version: str, timeout: float) -> tuple[str, str]:
    """Whether the server speaks this version, and why that is not known."""
    if seen.best and seen.best.version == version:
        return ACCEPTED, ""
    try:
        context = contexts.old(seen.endpoint.alpn, version)
    except ValueError:
        return UNKNOWN, "OpenSSL on this host does not speak it"
    answer = await _try(seen.endpoint, seen.address, context, timeout)
    # A server that has sent its certificate has agreed to the version, whatever it disliked afterwards.
    if isinstance(answer, Session) or answer.seen.certificates:
        return ACCEPTED, ""
    if answer.kind == "local":
        return UNKNOWN, "OpenSSL on this host does not speak it"
    if answer.stage != "tls" or answer.kind in ("silent", "plain"):
        return UNKNOWN, answer.what
    return REFUSED, ""


async def _verified(seen: Seen, pem: str | None, timeout: float) -> Session | Trouble:
    endpoint = seen.endpoint
    context = contexts.verifying(pem, endpoint.alpn, bool(endpoint.server_name))
    return await _try(endpoint, seen.address, context, timeout)
