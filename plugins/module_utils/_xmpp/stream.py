# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A bare XMPP stream: just enough to see what a server offers before and after STARTTLS.

This is own code because slixmpp acts on stream features at once (it starts TLS, then logs in) and keeps none of what
was offered before TLS. Here nothing is ever sent that is secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ssl
import xml.etree.ElementTree as ET
from xml.sax.saxutils import quoteattr

NS_STREAM = "http://etherx.jabber.org/streams"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
NS_CLIENT = "jabber:client"
NS_SERVER = "jabber:server"
NS_REGISTER = "jabber:iq:register"
NS_REGISTER_FEATURE = "http://jabber.org/features/iq-register"

_MOST_BYTES = 256 * 1024  # of one stream's answers: no honest server sends more before a login


class StreamError(Exception):
    """The peer does not speak XMPP as expected."""


@dataclasses.dataclass(frozen=True)
class Features:
    """What a server offers on a fresh stream."""

    starttls: bool = False
    starttls_required: bool = False
    mechanisms: tuple[str, ...] = ()
    register: bool = False

    @classmethod
    def of(cls, element: ET.Element) -> Features:
        """Read a <stream:features/> element."""
        starttls = element.find(f"{{{NS_TLS}}}starttls")
        return cls(
            starttls=starttls is not None,
            starttls_required=starttls is not None and starttls.find(f"{{{NS_TLS}}}required") is not None,
            mechanisms=tuple(
                (mechanism.text or "").strip()
                for mechanism in element.findall(f"{{{NS_SASL}}}mechanisms/{{{NS_SASL}}}mechanism")
            ),
            register=element.find(f"{{{NS_REGISTER_FEATURE}}}register") is not None,
        )


class Stream:
    """One connection. Deadlines are the caller's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, namespace: str = NS_CLIENT) -> None:
        self._reader = reader
        self._writer = writer
        self._namespace = namespace
        self._received = 0
        self._restart()

    @classmethod
    async def connect(cls, address: str, port: int, namespace: str = NS_CLIENT) -> Stream:
        """Open a TCP connection."""
        reader, writer = await asyncio.open_connection(address, port)
        return cls(reader, writer, namespace)

    async def features(self, domain: str) -> Features:
        """Open the stream (again) and read what is offered."""
        self._restart()
        await self._send(
            f"<?xml version='1.0'?><stream:stream to={quoteattr(domain)} version='1.0' xml:lang='en'"
            f" xmlns='{self._namespace}' xmlns:stream='{NS_STREAM}'>"
        )
        element = await self._element()
        if element.tag != f"{{{NS_STREAM}}}features":
            raise StreamError(f"expected stream features, got {_say(element)}")
        return Features.of(element)

    async def proceed(self) -> None:
        """Ask for TLS. After this the next byte in both directions is TLS."""
        await self._send(f"<starttls xmlns='{NS_TLS}'/>")
        element = await self._element()
        if element.tag != f"{{{NS_TLS}}}proceed":
            raise StreamError(f"the server refused STARTTLS: {_say(element)}")

    async def starttls(self, context: ssl.SSLContext, domain: str) -> None:
        """Encrypt the connection; the certificate is judged for the domain as the context demands."""
        await self.proceed()
        await self._writer.start_tls(context, server_hostname=domain)

    async def registration_form(self, domain: str) -> bool:
        """Whether a stranger who asks for the form of in-band registration gets it (XEP-0077)."""
        await self._send(f"<iq type='get' id='register1' to={quoteattr(domain)}><query xmlns='{NS_REGISTER}'/></iq>")
        element = await self._element()
        return (
            element.tag == f"{{{self._namespace}}}iq"
            and element.get("type") == "result"
            and element.find(f"{{{NS_REGISTER}}}query") is not None
        )

    @property
    def tls_version(self) -> str:
        """For example TLSv1.3; empty without TLS."""
        ssl_object = self._writer.get_extra_info("ssl_object")
        return ssl_object.version() if ssl_object else ""

    @property
    def certificate(self) -> bytes | None:
        """The server's certificate, DER."""
        ssl_object = self._writer.get_extra_info("ssl_object")
        return ssl_object.getpeercert(True) if ssl_object else None

    @property
    def expires(self) -> float | None:
        """When the verified certificate ends, in seconds since 1970."""
        ssl_object = self._writer.get_extra_info("ssl_object")
        details = ssl_object.getpeercert() if ssl_object else None
        return ssl.cert_time_to_seconds(details["notAfter"]) if details else None

    def close(self) -> None:
        """End the connection at once, without waiting for the peer."""
        with contextlib.suppress(Exception):
            self._writer.transport.abort()

    def _restart(self) -> None:
        self._parser = ET.XMLPullParser(["start", "end"])
        self._depth = 0

    async def _send(self, text: str) -> None:
        self._writer.write(text.encode())
        await self._writer.drain()

    async def _element(self) -> ET.Element:
        """The next complete child of the stream."""
        while True:
            try:
                for event, element in self._parser.read_events():
                    if event == "start":
                        self._depth += 1
                        if self._depth == 1 and element.tag != f"{{{NS_STREAM}}}stream":
                            raise StreamError(f"this is no XMPP stream, it begins with {_say(element)}")
                        continue
                    self._depth -= 1
                    if self._depth == 1:
                        return element
                    if self._depth == 0:
                        raise StreamError("the server closed the stream")
            except ET.ParseError as error:
                raise StreamError(f"this is not XML, so it is no XMPP server: {error}") from error
            data = await self._reader.read(4096)
            if not data:
                raise StreamError("the server closed the connection")
            self._received += len(data)
            if self._received > _MOST_BYTES:
                raise StreamError(f"the server sent more than {_MOST_BYTES} bytes before a login")
            try:
                self._parser.feed(data)
            except ET.ParseError as error:
                raise StreamError(f"this is not XML, so it is no XMPP server: {error}") from error


def _say(element: ET.Element) -> str:
    """An element in short: its name, its first child's, which is the condition of an error, and the text with it."""
    names = [element.tag, *(child.tag for child in element[:1])]
    text = " ".join((element.findtext(f"{{{NS_ERRORS}}}text") or "").split())[:200]
    return " / ".join(name.rpartition("}")[2][:80] for name in names) + (f": {text}" if text else "")
