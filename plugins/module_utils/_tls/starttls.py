# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""How TLS is asked for: XMPP (RFC 6120 5), LDAP (RFC 4511 4.14), SMTP (RFC 3207). Nothing secret is ever sent."""

from __future__ import annotations

import asyncio

from .._xmpp.stream import NS_CLIENT, NS_SERVER, Stream, StreamError
from .settings import Endpoint
from .trouble import Trouble, shown

# LDAPMessage 1, ExtendedRequest 1.3.6.1.4.1.1466.20037
LDAP_REQUEST = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
_LDAP_DISCONNECTION = b"1.3.6.1.4.1.1466.20036"
# RFC 4511 4.1.9 and appendix A
_LDAP_CODES = {
    1: "operationsError",
    2: "protocolError",
    8: "strongerAuthRequired",
    10: "referral",
    12: "unavailableCriticalExtension",
    13: "confidentialityRequired",
    50: "insufficientAccessRights",
    51: "busy",
    52: "unavailable",
    53: "unwillingToPerform",
    80: "other",
}
_LDAP_HINTS = {
    1: "The connection has TLS already? Then port and protocol do not belong together.",
    2: "This directory server knows no StartTLS. Ask its LDAPS port, 636: protocol: tls.",
    52: "The directory server has no certificate that it can use. Install one; Active Directory takes it at once.",
}
_LDAP_MOST = 65536  # bytes of an answer: honest ones have less than 200
_SMTP_LINES, _SMTP_LINE = 100, 2048
_PORT = "Is this the right port for the protocol?"


async def begin(endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bring the connection to where the first byte of TLS goes. Raises Trouble; deadlines are the caller's."""
    protocol = endpoint.protocol
    if protocol == "ldap":
        await _ldap(reader, writer)
    elif protocol == "smtp":
        await _smtp(reader, writer)
    elif protocol in ("xmpp-client", "xmpp-server"):
        await _xmpp(endpoint.domain, reader, writer, NS_CLIENT if protocol == "xmpp-client" else NS_SERVER)


def ended(protocol: str) -> Trouble:
    """The connection ended before TLS."""
    word = "XMPP" if protocol.startswith("xmpp") else protocol.upper()
    return Trouble(
        "starttls",
        "closed",
        f"the server closed the connection before {word} came to TLS",
        f"{_PORT} Does the server refuse this address? Look into its log.",
    )


def _foreign(protocol: str, data: bytes) -> Trouble:
    hint = f"{_PORT} If the port begins with TLS, use protocol: tls."
    return Trouble("starttls", "plain", f"this is not {protocol}, the server answers {shown(data)}", hint)


async def _xmpp(domain: str, reader, writer, namespace: str) -> None:
    stream = Stream(reader, writer, namespace)
    try:
        features = await stream.features(domain)
        if not features.starttls:
            raise Trouble(
                "starttls",
                "starttls",
                "STARTTLS is not offered",
                f"Is a certificate for {domain} configured that the server can read, and is {domain} one of its hosts?",
            )
        await stream.proceed()
    except StreamError as error:
        text = str(error)
        if text == "the server closed the connection":
            raise ended("xmpp") from error
        if "host-unknown" in text:
            hint = f"The server does not serve {domain}. Is domain the part of the addresses after the @?"
        elif "policy-violation" in text:
            hint = (
                "The server has banned this address, mostly after failed logins (mod_fail2ban). Wait or lift the ban."
            )
        elif "refused" in text:
            hint = "The server cannot begin TLS. Can it read its certificate and key? Look into its log."
        else:
            hint = f"{_PORT} If it begins with TLS, use protocol: tls. Look into the server's log."
        raise Trouble("starttls", "starttls", text, hint) from error


async def _ldap(reader, writer) -> None:
    writer.write(LDAP_REQUEST)
    await writer.drain()
    answer = b""
    while True:
        piece = await reader.read(4096)
        if not piece:
            raise _foreign("LDAP", answer) if answer and answer[0] != 0x30 else ended("LDAP")
        answer += piece
        if answer[0] != 0x30 or len(answer) > _LDAP_MOST:
            raise _foreign("LDAP", answer)
        try:
            code, text = ldap_result(answer)
        except IndexError:  # more to come
            continue
        except ValueError as error:
            raise _foreign("LDAP", answer) from error
        break
    if code == 0:
        return
    name = _LDAP_CODES.get(code, "another result")
    hint = _LDAP_HINTS.get(code, "Look into the directory server's log.")
    said = f": {text}" if text else ""
    raise Trouble("starttls", "starttls", f"StartTLS is refused: {name} (LDAP result {code}){said}", hint)


def ldap_result(message: bytes) -> tuple[int, str]:
    """Result code and diagnostic text of an ExtendedResponse. IndexError: not complete; ValueError: something else."""
    body, _rest = _element(message, 0x30)
    try:
        return _ldap_response(body)
    except IndexError as error:  # the message is complete, so what lacks in it will never come
        raise ValueError("an element ends behind the message") from error


def _ldap_response(body: bytes) -> tuple[int, str]:
    _identifier, body = _element(body, 0x02)
    response, _controls = _element(body, 0x78)
    code, response = _element(response, 0x0A)
    _matched, response = _element(response, 0x04)
    text, response = _element(response, 0x04)
    shown_text = " ".join(text.decode("utf-8", "replace").replace("\x00", " ").split())[:200]
    if _LDAP_DISCONNECTION in response:
        shown_text = f"notice of disconnection {shown_text}".strip()
        return int.from_bytes(code, "big") or 80, shown_text
    return int.from_bytes(code, "big"), shown_text


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Content of the BER element with this tag that begins here, and what follows it."""
    if data[0] != tag:
        raise ValueError(f"tag {data[0]:#x} where {tag:#x} must be")
    length, start = data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        if not 2 < start <= 6:
            raise ValueError("length of a form that LDAP does not use")
        if len(data) < start:
            raise IndexError("cut")
        length = int.from_bytes(data[2:start], "big")
    if length > _LDAP_MOST:
        raise ValueError("too long")
    if len(data) < start + length:
        raise IndexError("cut")
    return data[start : start + length], data[start + length :]


async def _smtp(reader, writer) -> None:
    code, lines = await _smtp_answer(reader)
    if code != 220:
        raise Trouble(
            "starttls", "starttls", f"the mail server does not want to talk: {_last(lines)}", "Look into its log."
        )
    code, lines = await _smtp_ask(reader, writer, f"EHLO {_literal(writer)}")
    if code != 250:
        raise Trouble("starttls", "starttls", f"EHLO is refused: {_last(lines)}", "Look into the mail server's log.")
    if not any(line[4:].split(" ")[0].upper() == "STARTTLS" for line in lines):
        raise Trouble(
            "starttls",
            "starttls",
            "STARTTLS is not offered",
            "Has the mail server a certificate and key, and is TLS switched on for this port? Port 465 begins with TLS.",
        )
    code, lines = await _smtp_ask(reader, writer, "STARTTLS")
    if code != 220:
        raise Trouble(
            "starttls",
            "starttls",
            f"STARTTLS is refused: {_last(lines)}",
            "Can the mail server read its certificate and key? Look into its log.",
        )


async def _smtp_ask(reader, writer, line: str) -> tuple[int, list[str]]:
    writer.write(line.encode("ascii") + b"\r\n")
    await writer.drain()
    return await _smtp_answer(reader)


async def _smtp_answer(reader) -> tuple[int, list[str]]:
    """Code and lines of one answer (RFC 5321 4.2.1)."""
    lines: list[str] = []
    while True:
        try:
            raw = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise _foreign("SMTP", await reader.read(64)) from error
        except asyncio.IncompleteReadError as error:
            raise _foreign("SMTP", error.partial) if error.partial else ended("SMTP") from error
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not (line[:3].isascii() and line[:3].isdigit()) or line[3:4] not in ("", " ", "-"):
            raise _foreign("SMTP", raw)
        lines.append(line[:_SMTP_LINE])
        if line[3:4] != "-":
            return int(line[:3]), lines
        if len(lines) > _SMTP_LINES:
            raise _foreign("SMTP", raw)


def _last(lines: list[str]) -> str:
    return lines[-1][:200] if lines[-1].isprintable() else repr(lines[-1][:200])


def _literal(writer) -> str:
    """Our own address as a mail server wants to hear it (RFC 5321 4.1.3)."""
    address = str((writer.get_extra_info("sockname") or ("127.0.0.1",))[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
