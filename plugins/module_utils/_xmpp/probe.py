# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Looks at one address without logging in: TCP, features, STARTTLS, certificate, features again, registration."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import ssl

from . import tls
from .settings import Endpoint
from .stream import NS_CLIENT, Features, Stream, StreamError


@dataclasses.dataclass
class Probe:
    """What was seen at one address. A text in *_error says why the rest is missing."""

    endpoint: Endpoint
    connected: bool = False
    connect_error: str = ""
    no_route: bool = False
    before: Features | None = None
    before_error: str = ""
    verified: bool = False
    tls_error: str = ""
    tls_hint: str = ""
    tls_version: str = ""
    certificate: str = ""
    expires: float | None = None
    after: Features | None = None
    after_error: str = ""
    registration_form: bool = False


async def look(
    endpoint: Endpoint, domain: str, trusted: ssl.SSLContext, timeout: float, namespace: str = NS_CLIENT
) -> Probe:
    """Probe one address. When its certificate is not trusted, a second connection looks at the rest without trust."""
    probe = Probe(endpoint)
    if await _visit(probe, domain, trusted, timeout, namespace) == "untrusted":
        await _visit(probe, domain, tls.unverified(), timeout, namespace, again=True)
    return probe


async def answers(endpoint: Endpoint, timeout: float) -> bool:
    """Whether anything accepts a TCP connection there."""
    try:
        async with asyncio.timeout(timeout):
            stream = await Stream.connect(endpoint.address, endpoint.port)
    except (OSError, TimeoutError):
        return False
    stream.close()
    return True


async def _visit(
    probe: Probe, domain: str, context: ssl.SSLContext, timeout: float, namespace: str, again: bool = False
) -> str:
    late = f"no answer within {timeout:g} s"
    try:
        async with asyncio.timeout(timeout):
            stream = await Stream.connect(probe.endpoint.address, probe.endpoint.port, namespace)
    except TimeoutError:
        probe.connect_error = late
        return "done"
    except OSError as error:
        probe.connect_error = error.strerror or str(error)
        probe.no_route = error.errno in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        return "done"
    probe.connected = True
    try:
        try:
            async with asyncio.timeout(timeout):
                probe.before = await stream.features(domain)
        except (TimeoutError, StreamError, OSError) as error:
            probe.before_error = late if isinstance(error, TimeoutError) else str(error)
            return "done"
        if not probe.before.starttls:
            return "done"
        try:
            async with asyncio.timeout(timeout):
                await stream.starttls(context, domain)
        except ssl.SSLError as error:
            if again:
                probe.after_error = tls.reason(error)
                return "done"
            probe.tls_error, probe.tls_hint = tls.reason(error), tls.hint(error)
            return "untrusted" if isinstance(error, ssl.SSLCertVerificationError) else "done"
        except (TimeoutError, StreamError, OSError) as error:
            text = late if isinstance(error, TimeoutError) else str(error)
            probe.tls_error = probe.tls_error or text
            probe.after_error = text
            return "done"
        probe.verified = not again
        probe.tls_version = stream.tls_version
        probe.certificate = tls.describe(stream.certificate)
        probe.expires = stream.expires
        try:
            async with asyncio.timeout(timeout):
                probe.after = await stream.features(domain)
        except (TimeoutError, StreamError, OSError) as error:
            probe.after_error = late if isinstance(error, TimeoutError) else str(error)
            return "done"
        try:
            async with asyncio.timeout(timeout):
                probe.registration_form = await stream.registration_form(domain)
        except (TimeoutError, StreamError, OSError):
            pass  # a server that closes the stream on a stranger's question does not offer the form
        return "done"
    finally:
        stream.close()
