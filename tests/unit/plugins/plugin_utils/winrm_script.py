# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted WinRM host: pywinrm's own Protocol, with a transport that takes literal answers off a list, in order.

    script = Script([opened(), started(), output(b"hi\r\n", exit_code=0), signalled(), deleted()])
    with channel_over(script) as channel: ...
    script.verbs      # ["Create", "Command", "Receive", "Signal", "Delete"]: every request that was sent

The shapes of answers and faults are those that public recordings of Windows Server show (pypsrp's tests), written anew.
A request that the script does not expect, or one for another shell or command than the host knows, is an AssertionError.
"""

from __future__ import annotations

import base64
import dataclasses
import itertools
import typing as t
import xml.etree.ElementTree as ET
from collections.abc import Callable

import requests
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError
from winrm.protocol import Protocol

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.channel import Channel

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
RSP = f"{{{SHELL}}}"
ENDPOINT = "http://win1.corp.test:5985/wsman"


@dataclasses.dataclass
class Step:
    """One expected request and what comes back: the body of an answer, or an exception."""

    verb: str
    reply: str | Exception | Callable[[ET.Element], str]
    before: Callable[[], None] = lambda: None


def envelope(body: str, relates_to: str = "") -> bytes:
    return (
        '<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer"'
        ' xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" xmlns:rsp="' + SHELL + '"'
        ' xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd">'
        f"<s:Header><a:RelatesTo>{relates_to}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def opened(shell: str = "") -> Step:
    """A shell; without ``shell`` the host takes the id that it is given."""

    def reply(body: ET.Element) -> str:
        given = shell or body.find(f".//{RSP}Shell").get("ShellId")
        return (
            "<x:ResourceCreated><a:Address>http://192.0.2.1:5985/wsman</a:Address><a:ReferenceParameters>"
            "<w:ResourceURI>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd</w:ResourceURI><w:SelectorSet>"
            f'<w:Selector Name="ShellId">{given}</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>'
            f"<rsp:Shell><rsp:ShellId>{given}</rsp:ShellId><rsp:Owner>CORP\\svc</rsp:Owner>"
            "<rsp:IdleTimeOut>PT900.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
            "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams><rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime></rsp:Shell>"
        )

    return Step("Create", reply)


def started(command: str = "") -> Step:
    """A command; without ``command`` the host takes the id that it is given."""

    def reply(body: ET.Element) -> str:
        given = command or body.find(f".//{RSP}CommandLine").get("CommandId")
        return f"<rsp:CommandResponse><rsp:CommandId>{given}</rsp:CommandId></rsp:CommandResponse>"

    return Step("Command", reply)


def output(stdout: bytes = b"", stderr: bytes = b"", *, exit_code: int | None = None) -> Step:
    """Pieces of output; with an exit code the end, as Windows writes it, empty streams and all."""

    def reply(body: ET.Element) -> str:
        command = body.find(f".//{RSP}DesiredStream").get("CommandId")
        parts = [
            f'<rsp:Stream Name="{name}" CommandId="{command}">{base64.b64encode(data).decode()}</rsp:Stream>'
            for name, data in (("stdout", stdout), ("stderr", stderr))
            if data
        ]
        state = "Running"
        code = ""
        if exit_code is not None:
            state = "Done"
            code = f"<rsp:ExitCode>{exit_code}</rsp:ExitCode>"
            parts += [
                f'<rsp:Stream Name="{name}" CommandId="{command}" End="true"></rsp:Stream>'
                for name in ("stdout", "stderr")
            ]
        return (
            f"<rsp:ReceiveResponse>{''.join(parts)}"
            f'<rsp:CommandState CommandId="{command}" State="{SHELL}/CommandState/{state}">{code}</rsp:CommandState>'
            "</rsp:ReceiveResponse>"
        )

    return Step("Receive", reply)


def no_exit_code() -> Step:
    return Step(
        "Receive",
        f'<rsp:ReceiveResponse><rsp:CommandState CommandId="X" State="{SHELL}/CommandState/Done"/></rsp:ReceiveResponse>',
    )


def accepted() -> Step:
    return Step("Send", "<rsp:SendResponse/>")


def signalled() -> Step:
    return Step("Signal", "<rsp:SignalResponse/>")


def deleted() -> Step:
    return Step("Delete", "")


def fault(verb: str, code: int, subcode: str = "w:InternalError", text: str = "No.", *, wmi: bool = False) -> Step:
    """A fault, with the code in WSManFault or, as newer hosts tell quotas, in MSFT_WmiError."""
    detail = (
        f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{code}" Machine="WIN1">'
        f"<f:Message>{text}</f:Message></f:WSManFault>"
    )
    if wmi:
        detail = (
            '<p:MSFT_WmiError xmlns:p="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError">'
            f"<p:error_Code>{code}</p:error_Code></p:MSFT_WmiError>"
        )
    body = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="ru-RU">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
    )
    return Step(verb, WinRMTransportError("http", 500, envelope(body).decode()))


def unknown(verb: str) -> Step:
    """No such shell, or no such command: the same fault."""
    return fault(verb, 2150858843, "w:InvalidSelectors", "The request contained invalid selectors for the resource. ")


def silence(verb: str = "Receive", clock: Clock | None = None, seconds: float = 20.0) -> Step:
    """The operation timeout went by."""
    step = fault(verb, 2150858793, "w:TimedOut", "Время истекло.")
    if clock:
        step.before = lambda: clock.pass_by(seconds)
    return step


def cut(verb: str) -> Step:
    """The connection breaks; whether the host executed the request nobody knows."""
    error = "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))"
    return Step(verb, requests.exceptions.ConnectionError(error))


def unreachable(verb: str, text: str = "[Errno 111] Connection refused") -> Step:
    """The request was never sent."""
    return Step(verb, requests.exceptions.ConnectionError(f"HTTPConnectionPool: NewConnectionError: {text}"))


def rejected(verb: str) -> Step:
    return Step(verb, InvalidCredentialsError("the specified credentials were rejected by the server"))


def http(verb: str, status: int) -> Step:
    return Step(verb, WinRMTransportError("http", status, ""))


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Script:
    """The host's side: answers in order, every request remembered."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = list(steps)
        self.verbs: list[str] = []
        self.surprises: list[str] = []
        """Requests that nobody expected: the channel may take the AssertionError for a lost connection."""
        self.requests: list[ET.Element] = []
        self.connections = 0

    def answer(self, message: str | bytes) -> bytes:
        root = ET.fromstring(message)  # noqa: S314 - what our own code sends
        action = root.find(".//{http://schemas.xmlsoap.org/ws/2004/08/addressing}Action").text
        verb = action.rsplit("/", 1)[-1]
        self.verbs.append(verb)
        self.requests.append(root)
        step = self.steps.pop(0) if self.steps else None
        if step is None or step.verb != verb:
            self.surprises.append(f"{verb} instead of {step.verb if step else 'nothing'} after {self.verbs[:-1]}")
            raise AssertionError(self.surprises[-1])
        step.before()
        if isinstance(step.reply, Exception):
            raise step.reply
        message_id = root.find(".//{http://schemas.xmlsoap.org/ws/2004/08/addressing}MessageID").text
        return envelope(step.reply if isinstance(step.reply, str) else step.reply(root), message_id)

    def sent(self, verb: str, number: int = 0) -> ET.Element:
        """The request of that kind, counted from 0."""
        return [root for root, name in zip(self.requests, self.verbs, strict=True) if name == verb][number]

    def option(self, verb: str, name: str, number: int = 0) -> str | None:
        for node in self.sent(verb, number).iter("{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}Option"):
            if node.get("Name") == name:
                return node.text
        return None

    def shell_of(self, verb: str, number: int = 0) -> str | None:
        node = self.sent(verb, number).find(".//{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}Selector")
        return None if node is None else node.text

    def timeout_of(self, verb: str, number: int = 0) -> str:
        return self.sent(verb, number).find(".//{http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd}OperationTimeout").text

    def line(self, number: int = 0) -> str:
        return self.sent("Command", number).find(f".//{RSP}Command").text

    def given(self, verb: str, number: int = 0) -> str | None:
        """The id that the client gave or asked for."""
        tags = {"Create": "Shell", "Command": "CommandLine", "Receive": "DesiredStream", "Send": "Stream"}
        node = self.sent(verb, number).find(f".//{RSP}{tags.get(verb, verb)}")
        return node.get("ShellId") or node.get("CommandId")


class Transport:
    """In place of pywinrm's: no HTTP."""

    def __init__(self, script: Script, method: str) -> None:
        self.script = script
        self.auth_method = method
        self.endpoint = ENDPOINT
        self.read_timeout_sec = 30
        self.closed = False

    def send_message(self, message: str | bytes) -> bytes:
        assert not self.closed, "a request over a connection that was closed"
        return self.script.answer(message)

    def close_session(self) -> None:
        self.closed = True


class Connection:
    """As much of Ansible's winrm connection plugin as a channel may use: the same names, the same order of things."""

    transport = "winrm"
    ansible_name = "ansible.builtin.winrm"

    def __init__(self, script: Script, *, transports: tuple[str, ...] = ("ntlm",), login: t.Any = ()) -> None:
        self.script = script
        self.options = {"remote_addr": "win1.corp.test", "remote_user": "CORP\\svc", "transport": list(transports)}
        self.protocol: Protocol | None = None
        self.shell_id: str | None = None
        self._connected = False
        self.login = list(login)
        """What _connect() raises, one after the other; None to let it pass."""

    def get_option(self, name: str) -> t.Any:
        return self.options[name]

    def set_option(self, name: str, value: t.Any) -> None:
        self.options[name] = value

    def _connect(self) -> Connection:
        if self.protocol is None:
            trouble = self.login.pop(0) if self.login else None
            if trouble is not None:
                raise trouble
            self.script.connections += 1
            method = self.options["transport"][-1]
            protocol = Protocol(ENDPOINT, transport="ntlm", username="u", password="canary-password")
            protocol.transport = Transport(self.script, method)
            if not self.shell_id:
                self.shell_id = protocol.open_shell(codepage=65001)
            self.protocol = protocol
            self._connected = True
        return self


class Watched(Channel):
    """A channel that lets no surprise pass."""

    script: Script

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        assert self.script.surprises == []


def channel_over(script: Script, clock: Clock | None = None, **options: t.Any) -> Channel:
    """A channel to a scripted host. Ids are ID-1, ID-2 …; time stands still unless the script lets it pass."""
    clock = clock or Clock()
    numbers = itertools.count(1)
    connection = options.pop("connection", None) or Connection(script, **options)
    channel = Watched.over(connection, clock=clock, pause=clock.pause, new_id=lambda: f"ID-{next(numbers)}")
    channel.script = script
    return channel
