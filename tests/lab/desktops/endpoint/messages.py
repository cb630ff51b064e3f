"""SOAP: reading requests, writing answers, in the shape of recorded Windows answers (namespaces, order, empty streams)."""

from __future__ import annotations

import base64
import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from . import faults

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD = SHELL + "/cmd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ANONYMOUS = ADDRESSING + "/role/anonymous"
FAULT = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
S = "{http://www.w3.org/2003/05/soap-envelope}"
A = f"{{{ADDRESSING}}}"
W = "{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}"
R = f"{{{SHELL}}}"

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": ADDRESSING,
    "x": TRANSFER,
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "rsp": SHELL,
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
}
# The namespaces that Windows declares, by the kind of answer.
PREFIXES = {"fault": "saxenwp", "Delete": "sawp", "Receive": "saw+p", "": "saxw+p"}


@dataclass(frozen=True)
class Request:
    """What the endpoint needs of one envelope."""

    action: str
    message_id: str
    to: str
    resource: str
    body: ET.Element
    timeout: float = 60.0
    max_envelope: int = 153600
    options: dict[str, str] = field(default_factory=dict)
    selectors: dict[str, str] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """The last word of the action: Create, Command, Receive …"""
        return self.action.rsplit("/", 1)[-1]


def parse(data: bytes) -> Request:
    """Read an envelope. Raises Fault (bad_message) for what is none."""
    if b"<!DOCTYPE" in data:
        raise faults.bad_message("The SOAP XML in the message contains a document type.")
    try:
        envelope = ET.fromstring(data)  # noqa: S314 - without a document type there are no entities
    except ET.ParseError:
        raise faults.bad_message("The SOAP XML in the message is not well formed.") from None
    header, body = envelope.find(f"{S}Header"), envelope.find(f"{S}Body")
    if envelope.tag != f"{S}Envelope" or header is None or body is None:
        raise faults.bad_message("The SOAP envelope has no header or no body.")

    def text(tag: str) -> str:
        return (header.findtext(tag) or "").strip()

    for name in (f"{A}Action", f"{A}MessageID", f"{W}ResourceURI"):
        if not text(name):
            raise faults.bad_message(f"The SOAP header {name.rsplit('}', 1)[-1]} is missing.")
    size = text(f"{W}MaxEnvelopeSize")
    return Request(
        action=text(f"{A}Action"),
        message_id=text(f"{A}MessageID"),
        to=text(f"{A}To"),
        resource=text(f"{W}ResourceURI"),
        body=body,
        timeout=duration(text(f"{W}OperationTimeout") or "PT60S"),
        max_envelope=int(size) if size.isdigit() else 153600,
        options={
            (item.get("Name") or "").upper(): (item.text or "").strip()
            for item in header.iterfind(f"{W}OptionSet/{W}Option")
        },
        selectors={
            (item.get("Name") or "").upper(): (item.text or "").strip()
            for item in header.iterfind(f"{W}SelectorSet/{W}Selector")
        },
    )


def duration(text: str) -> float:
    """Seconds of an xs:duration without years and months. Raises Fault."""
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", text)
    if not found or text in ("P", "PT"):
        raise faults.bad_message("A duration has a wrong format.")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def _xmlns(kind: str) -> str:
    letters = PREFIXES.get(kind, PREFIXES[""])
    names = ("rsp" if letter == "+" else letter for letter in letters)
    return " ".join(f'xmlns:{name}="{NAMESPACES[name]}"' for name in names)


def envelope(action: str, relates_to: str, body: str, kind: str = "") -> bytes:
    """One answer."""
    return (
        f'<s:Envelope xml:lang="en-US" {_xmlns(kind)}><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<p:ActivityId>{str(uuid.uuid4()).upper()}</p:ActivityId>"
        f"<a:To>{ANONYMOUS}</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def answer(request: Request, body: str) -> bytes:
    """The answer to a request that went well."""
    return envelope(f"{request.action}Response", request.message_id, body, request.verb)


def fault(error: faults.Fault, relates_to: str, machine: str) -> bytes:
    """The answer to one that did not."""
    return envelope(FAULT, relates_to, error.body(machine), "fault")


def created(request: Request, shell: dict[str, str]) -> str:
    """Body of CreateResponse; `shell` has the texts of rsp:Shell in their order."""
    details = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in shell.items())
    return (
        f"<x:ResourceCreated><a:Address>{escape(request.to)}</a:Address><a:ReferenceParameters>"
        f'<w:ResourceURI>{CMD}</w:ResourceURI><w:SelectorSet><w:Selector Name="ShellId">{shell["ShellId"]}</w:Selector>'
        f"</w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>"
        f'<rsp:Shell xmlns:rsp="{SHELL}">{details}</rsp:Shell>'
    )


def received(command: str, pieces: Iterable[tuple[str, bytes]], exit_code: int | None) -> str:
    """Body of ReceiveResponse: pieces of (stream, data) in the order in which they came; Done when there is an exit code."""
    streams = "".join(
        f'<rsp:Stream Name="{name}" CommandId="{command}">{base64.b64encode(data).decode()}</rsp:Stream>'
        for name, data in pieces
    )
    if exit_code is None:
        state = f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/Running"></rsp:CommandState>'
    else:
        streams += "".join(
            f'<rsp:Stream Name="{name}" CommandId="{command}" End="true"></rsp:Stream>' for name in ("stdout", "stderr")
        )
        state = (
            f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/Done">'
            f"<rsp:ExitCode>{exit_code}</rsp:ExitCode></rsp:CommandState>"
        )
    return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"
