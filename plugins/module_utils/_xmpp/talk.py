# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What logged-in users do: exchange a message, find it in the archive, read the vCard."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
import xml.etree.ElementTree as ET

from .client import Session

NS_MAM = "urn:xmpp:mam:2"
NS_DATA = "jabber:x:data"
NS_RSM = "http://jabber.org/protocol/rsm"
NS_VCARD = "vcard-temp"
NS_HINTS = "urn:xmpp:hints"
NS_CARBONS = "urn:xmpp:carbons:2"


@dataclasses.dataclass(frozen=True)
class RoundTrip:
    """How a message went there and back. milliseconds is None when it did not."""

    there: str
    back: str
    milliseconds: float | None = None
    error: str = ""


async def round_trip(first: Session, second: Session, timeout: float) -> RoundTrip:
    """The first user writes, the second one receives it and answers, the first one receives the answer."""
    token = secrets.token_hex(8)
    there, back = f"onprem.chat verify {token}", f"onprem.chat verify {token} received"
    first_got, second_got = _expect(first, back), _expect(second, there)
    begin = time.monotonic()
    for sender, receiver, body, got in ((first, second, there, second_got), (second, first, back, first_got)):
        try:
            _write(sender, receiver, body)
            async with asyncio.timeout(timeout):
                await got
        except TimeoutError:
            error = f"did not arrive within {timeout:g} s"
        except Exception as problem:  # whatever the library raises when the connection went away
            error = f"could not be sent: {type(problem).__name__}: {problem}"
        else:
            continue
        return RoundTrip(there, back, error=f"the message {sender.account.jid} -> {receiver.account.jid} {error}")
    return RoundTrip(there, back, milliseconds=(time.monotonic() - begin) * 1000)


async def in_archive(session: Session, peer: str, body: str, timeout: float) -> str:
    """Look for a message in the user's archive (XEP-0313); empty when found, else why not.

    The server may archive after it delivered, so the question is repeated until the deadline.
    """
    deadline = time.monotonic() + timeout
    reason = "not found"
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return reason
        found, reason = await _search(session, peer, body, left)
        if found:
            return ""
        if reason != "not found":
            return reason
        await asyncio.sleep(0.1)


async def full_name(session: Session, timeout: float) -> tuple[str, str]:
    """FN of the user's vCard (XEP-0054), or why there is none."""
    answer, reason = await session.ask("get", ET.Element(f"{{{NS_VCARD}}}vCard"), timeout)
    if answer is None:
        return "", reason
    name = answer.findtext(f"{{{NS_VCARD}}}vCard/{{{NS_VCARD}}}FN") or ""
    return name.strip(), "" if name.strip() else "the vCard has no full name (FN)"


def _expect(session: Session, body: str) -> asyncio.Future[None]:
    arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look(message) -> None:
        if message["body"] == body and not arrived.done():
            arrived.set_result(None)

    session.client.add_event_handler("message", look)
    return arrived


def _write(sender: Session, receiver: Session, body: str) -> None:
    """Send to the other session's full address: other devices of the user stay quiet, the archive keeps it."""
    message = sender.client.make_message(mto=receiver.address, mbody=body, mtype="chat")
    for name in (f"{{{NS_CARBONS}}}private", f"{{{NS_HINTS}}}store"):
        message.append(ET.Element(name))
    message.send()


async def _search(session: Session, peer: str, body: str, timeout: float) -> tuple[bool, str]:
    from slixmpp.xmlstream.handler import Callback
    from slixmpp.xmlstream.matcher import MatchXPath

    query_id = secrets.token_hex(4)
    bodies: list[str] = []

    def keep(stanza) -> None:
        result = stanza.xml.find(f"{{{NS_MAM}}}result")
        if result is not None and result.get("queryid") == query_id:
            bodies.extend(element.text or "" for element in result.iter("{jabber:client}body"))

    handler = f"archive {query_id}"
    session.client.register_handler(Callback(handler, MatchXPath(f"{{jabber:client}}message/{{{NS_MAM}}}result"), keep))
    try:
        answer, reason = await session.ask("set", _query(query_id, peer), timeout)
    finally:
        session.client.remove_handler(handler)
    if answer is None:
        return False, f"the archive does not answer: {reason}"
    return body in bodies, "not found"


def _query(query_id: str, peer: str) -> ET.Element:
    """The last messages with this peer. No start time: the clocks of server and controller may differ."""
    query = ET.Element(f"{{{NS_MAM}}}query", {"queryid": query_id})
    form = ET.SubElement(query, f"{{{NS_DATA}}}x", {"type": "submit"})
    for name, value, kind in (("FORM_TYPE", NS_MAM, "hidden"), ("with", peer, "jid-single")):
        field = ET.SubElement(form, f"{{{NS_DATA}}}field", {"var": name, "type": kind})
        ET.SubElement(field, f"{{{NS_DATA}}}value").text = value
    page = ET.SubElement(query, f"{{{NS_RSM}}}set")
    ET.SubElement(page, f"{{{NS_RSM}}}max").text = "30"
    ET.SubElement(page, f"{{{NS_RSM}}}before")
    return query
