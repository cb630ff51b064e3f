# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Single WS-Management requests for a text shell over a Protocol of pywinrm, which logs in and encrypts.

One function is one HTTP request ([MS-WSMV] 3.1.4). Where the specification lets the client choose an id (ShellId in Create,
CommandId in Command; wsman.h offers it as WSManCreateShellEx and WSManRunShellCommandEx), it is chosen here: then an answer
that was lost can be asked for again. Hosts that do not know that choose themselves, and what they answer counts.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re
import typing as t
import uuid
import xml.etree.ElementTree as ET

from .errors import Unsupported

try:
    import xmltodict
except ImportError:  # pywinrm needs it, too; required() says so
    xmltodict = None

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
RESOURCE = f"{SHELL}/cmd"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
UTF_8 = 65001

UNKNOWN_ID = 2150858843
"""ERROR_WSMAN_UNEXPECTED_SELECTORS: no such shell, or no such command in it."""
MALFORMED = 2150858817
"""ERROR_WSMAN_SCHEMA_VALIDATION_ERROR: the host does not know what the message has."""
BUSY = 170
"""ERROR_BUSY: an earlier Send is still being worked on."""
ACCESS_DENIED = 5
OPERATIONS_QUOTA = 0x803381A6
"""ERROR_WSMAN_QUOTA_MAX_OPERATIONS: a shell never gives back what its commands used; only another shell helps."""
QUOTAS = {
    2150858815,  # ERROR_WSMAN_QUOTA_LIMIT
    *range(0x803381A5, 0x803381A9),  # …_MAX_SHELLS, …_MAX_OPERATIONS, …_USER, …_SYSTEM
    0x803381AB,  # …_MAX_SHELLUSERS
    *range(0x803381E4, 0x803381EB),  # the same for a plugin: …_PPQ
}
SEND_BYTES = 96 * 1024
"""Input in one Send: with base64 and envelope within 150 KiB, the oldest MaxEnvelopeSizekb."""


_NEVER_SENT = re.compile(r"ConnectTimeout|NewConnectionError|NameResolutionError|SSLError")


class Quiet(Exception):
    """OperationTimeout went by without an answer, as it does while a command runs and writes nothing."""


class Gone(Exception):
    """The request was sent or not, and no answer came: the connection, or its encryption, is of no use any more."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.cause = cause
        self.refused = getattr(cause, "code", None) == 401
        self.unsent = getattr(cause, "code", None) in (400, 401, 503) or bool(_NEVER_SENT.search(repr(cause)))
        """The host never saw it, or answered without looking at it: it can be sent again whatever it was."""


class Fault(Exception):
    """The host answered with a fault; ``code`` is that of WSManFault or MSFT_WmiError, 0 without one."""

    def __init__(self, code: int, subcode: str, reason: str) -> None:
        super().__init__(f"{' '.join(reason.split())} (wsmanfault_code: {code}, {subcode})")
        self.code = code
        self.subcode = subcode
        self.reason = " ".join(reason.split())

    @property
    def unknown(self) -> bool:
        return self.code == UNKNOWN_ID or self.subcode.endswith("InvalidSelectors")

    @property
    def malformed(self) -> bool:
        return self.code == MALFORMED or self.subcode.endswith("SchemaValidationError")

    @property
    def quota(self) -> bool:
        return self.code in QUOTAS or self.subcode.endswith("QuotaLimit")


@dataclasses.dataclass(frozen=True)
class Received:
    """What one Receive brought."""

    stdout: bytes = b""
    stderr: bytes = b""
    done: bool = False
    exit_code: int | None = None


def new_id() -> str:
    """A GUID as Windows writes them."""
    return str(uuid.uuid4()).upper()


def create(protocol: t.Any, shell: str | None, idle_timeout: int) -> str:
    """Open a shell with UTF-8 as its code page; the id that the host gave it.

    With ``shell`` the host is asked to use that id and to end the shell after ``idle_timeout`` seconds without requests;
    without it nothing is asked for that a host could not know.
    """
    body: dict[str, t.Any] = {"rsp:InputStreams": "stdin", "rsp:OutputStreams": "stdout stderr"}
    if shell:
        body = {"@ShellId": shell, **body, "rsp:IdleTimeOut": f"PT{idle_timeout}.000S"}
    options = {"WINRS_NOPROFILE": "FALSE", "WINRS_CODEPAGE": str(UTF_8)}
    answer = _call(protocol, f"{TRANSFER}/Create", None, {"rsp:Shell": body}, options)
    for node in answer.iter():
        if node.get("Name") == "ShellId" and node.text:
            return node.text
    raise Fault(0, "", "The answer to Create names no shell")


def command(protocol: t.Any, shell: str, line: str, wanted: str | None, *, console: bool) -> str:
    """Start a command line; its id. ``console``: standard input is a console, not a pipe for :func:`send`."""
    body: dict[str, t.Any] = {"rsp:Command": line}
    if wanted:
        body = {"@CommandId": wanted, **body}
    options = {"WINRS_CONSOLEMODE_STDIN": str(console).upper(), "WINRS_SKIP_CMD_SHELL": "FALSE"}
    answer = _call(protocol, f"{SHELL}/Command", shell, {"rsp:CommandLine": body}, options)
    for node in answer.iter():
        if node.tag.endswith("}CommandId") and node.text:
            return node.text
    raise Fault(0, "", "The answer to Command names no command")


def send(protocol: t.Any, shell: str, started: str, data: bytes, *, end: bool) -> None:
    """Feed standard input; with ``end`` the end of file follows."""
    stream = {
        "@Name": "stdin",
        "@CommandId": started,
        "@End": str(end).lower(),
        "#text": base64.b64encode(data).decode(),
    }
    _call(protocol, f"{SHELL}/Send", shell, {"rsp:Send": {"rsp:Stream": stream}})


def receive(protocol: t.Any, shell: str, started: str) -> Received:
    """Wait for output or the end, as long as the protocol's operation timeout; Quiet when neither came."""
    stream = {"@CommandId": started, "#text": "stdout stderr"}
    answer = _call(protocol, f"{SHELL}/Receive", shell, {"rsp:Receive": {"rsp:DesiredStream": stream}})
    output: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    done, exit_code = False, None
    for node in answer.iter():
        if node.tag.endswith("}Stream") and node.text and node.get("Name") in output:
            output[node.attrib["Name"]].append(base64.b64decode(node.text))
        elif node.tag.endswith("}CommandState"):
            done = done or node.get("State", "").endswith("/Done")
        elif node.tag.endswith("}ExitCode") and node.text:
            exit_code = int(node.text) % (1 << 32)
    return Received(b"".join(output["stdout"]), b"".join(output["stderr"]), done, exit_code)


def terminate(protocol: t.Any, shell: str, started: str) -> None:
    """End a command, and let the host forget it. Also after its end: a host counts commands that nobody signalled."""
    body = {"rsp:Signal": {"@CommandId": started, "rsp:Code": f"{SHELL}/signal/terminate"}}
    _call(protocol, f"{SHELL}/Signal", shell, body)


def delete(protocol: t.Any, shell: str) -> None:
    """Close a shell and everything in it."""
    _call(protocol, f"{TRANSFER}/Delete", shell, {})


def hang_up(protocol: t.Any) -> None:
    """Close the TCP connections; nothing is sent."""
    with contextlib.suppress(Exception):  # whatever a dead connection raises, it is closed
        protocol.transport.close_session()


def _call(
    protocol: t.Any, action: str, shell: str | None, body: dict[str, t.Any], options: dict[str, str] | None = None
) -> ET.Element:
    if not hasattr(protocol, "build_wsman_header"):
        raise Unsupported(
            "The connection plugin winrm cannot work",
            "controller",
            "The Python package pywinrm is older than 0.5.0 where Ansible runs, as it is in Debian 12",
            "Install pywinrm>=0.5.0 into Ansible's Python environment",
        )
    envelope = {"env:Envelope": protocol.build_wsman_header(action=action, resource_uri=RESOURCE, shell_id=shell)}
    if options:
        pairs = [{"@Name": name, "#text": value} for name, value in options.items()]
        envelope["env:Envelope"]["env:Header"]["w:OptionSet"] = {"w:Option": pairs}
    envelope["env:Envelope"]["env:Body"] = body
    message = required().unparse(envelope)
    try:
        # what comes is from a host that has proved who it is, and expat limits the growth of entities
        return ET.fromstring(protocol.send_message(message))  # noqa: S314
    except Exception as error:  # pywinrm, requests, GSSAPI, the XML parser: each has its own
        raise _understood(error) from error


def _understood(error: Exception) -> Exception:
    """pywinrm's exceptions by their shape, so that nothing of it needs to be imported here."""
    if type(error).__name__ == "WinRMOperationTimeoutError":
        return Quiet()
    if type(error).__name__ == "WSManFaultError":
        code = getattr(error, "wsman_fault_code", None) or getattr(error, "wmierror_code", None) or 0
        subcode = getattr(error, "fault_subcode", None) or ""
        return Fault(int(code), str(subcode), str(getattr(error, "reason", "") or error))
    return Gone(error)


def required() -> t.Any:
    """The module xmltodict, or an error that says what to install."""
    if xmltodict is None:
        raise Unsupported(
            "The connection plugin winrm cannot work",
            "controller",
            "The Python package xmltodict is not installed where Ansible runs",
            "Install pywinrm into Ansible's Python environment; it brings xmltodict",
        )
    return xmltodict
