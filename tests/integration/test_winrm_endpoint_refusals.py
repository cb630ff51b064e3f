# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the laboratory's WinRM endpoint refuses, as Windows refuses it, and the faults that tests ask it for.

On the loopback address, without a laboratory. Shapes of answers are compared with what was recorded from real hosts (pypsrp's tests).
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import ssl
import time
import uuid
import xml.etree.ElementTree as ET

import pytest
import requests
import spnego
import xmltodict
from spnego.channel_bindings import GssChannelBindings
from winrm.exceptions import InvalidCredentialsError, WinRMOperationTimeoutError, WinRMTransportError, WSManFaultError
from winrm.protocol import Protocol
from winrm_endpoint import ADMIN, LOCAL, OTHER, PLAIN, certificate, running

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, tls):
    listeners = [{"address": "127.0.0.1", "port": 0}, {"address": "127.0.0.1", "port": 0, "certificate": tls}]
    quotas = {
        "max_shells_per_user": 3,
        "max_operations_per_user": 6,
        "max_processes_per_shell": 2,
        "max_envelope_kb": 160,
    }
    with running(tmp_path_factory.mktemp("endpoint"), listeners=listeners, quotas=quotas) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def clean(endpoint):
    """No rules before a test, no shell after it."""
    endpoint.rules()
    yield
    endpoint.rules({"do": "forget", "times": 1})
    # requests_ntlm logs on again by itself, with a message that was encrypted for the session that is gone.
    with pytest.raises(WinRMTransportError):
        client(endpoint).open_shell()


def client(endpoint, user: dict | None = None, **changed) -> Protocol:
    user = user or ADMIN
    options = {
        "transport": "ntlm",
        "username": f"{user['domain']}\\{user['name']}",
        "password": user["password"],
        "operation_timeout_sec": 1,
        "read_timeout_sec": 20,
    } | changed
    return Protocol(endpoint.url(), **options)


def fault(call, *arguments, **options) -> tuple:
    """The fault that a call gives: Windows' code, SOAP's subcode."""
    with pytest.raises(WSManFaultError) as caught:
        call(*arguments, **options)
    return caught.value.wsman_fault_code or caught.value.wmierror_code, caught.value.fault_subcode


def run(protocol, shell: str, line: str, **options) -> tuple[bytes, bytes, int]:
    command = protocol.run_command(shell, line, **options)
    try:
        return protocol.get_command_output(shell, command)
    finally:
        protocol.cleanup_command(shell, command)


# -- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("CORP\\rollout", "wrong"),
        ("OTHER\\rollout", ADMIN["password"]),
        ("rollout", ADMIN["password"]),
        ("CORP\\nobody", ADMIN["password"]),
        ("rollout@other.test", ADMIN["password"]),
    ],
)
def test_credentials_that_are_refused(endpoint, username, password):
    with pytest.raises(InvalidCredentialsError):
        client(endpoint, username=username, password=password).open_shell()
    assert endpoint.log()[-1]["status"] == 401


@pytest.mark.parametrize("username", ["CORP\\rollout", "corp.test\\ROLLOUT", "rollout@corp.test"])
def test_names_that_are_let_in(endpoint, username):
    protocol = client(endpoint, username=username)
    protocol.close_shell(protocol.open_shell())
    assert endpoint.log()[-1]["user"] == "rollout"


def test_a_local_account_needs_no_domain(endpoint):
    protocol = client(endpoint, LOCAL, username="admin")
    protocol.close_shell(protocol.open_shell())


def test_no_administrator(endpoint):
    assert fault(client(endpoint, PLAIN).open_shell) == (5, "w:AccessDenied")


def test_unencrypted_messages(endpoint):
    with pytest.raises(WinRMTransportError) as caught:
        client(endpoint, message_encryption="never").open_shell()
    assert (caught.value.code, caught.value.response_text) == (500, "")


@pytest.mark.parametrize(
    "message", ["<x", "<!DOCTYPE x><x/>", "<x/>", '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>']
)
def test_what_is_no_message(endpoint, message):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    with pytest.raises(WinRMTransportError) as caught:
        protocol.transport.send_message(message)
    assert 'Code="2150858791"' in caught.value.response_text
    assert run(protocol, shell, "echo x")[0] == b"x\n", "the session goes on"


def test_other_requests(endpoint):
    base = endpoint.url().removesuffix("/wsman")
    assert requests.get(endpoint.url(), timeout=10).status_code == 405
    assert requests.post(f"{base}/other", timeout=10).status_code == 404
    assert requests.post(endpoint.url(), data=iter([b"x"]), timeout=10).status_code == 411


def test_powershell_is_not_there(endpoint):
    protocol = client(endpoint)
    uri = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
    header = protocol.build_wsman_header("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", uri)
    message = xmltodict.unparse({"env:Envelope": {**header, "env:Body": {}}})
    assert fault(protocol.send_message, message) == (2150858811, "a:DestinationUnreachable")


def test_basic_is_not_offered(endpoint):
    answer = requests.post(endpoint.url(), auth=("admin", LOCAL["password"]), timeout=10)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Negotiate")


def test_a_message_for_another_session(endpoint):
    """As after a lost connection: what was encrypted for the old session cannot be read in the new one."""
    protocol = client(endpoint)
    shell = protocol.open_shell()
    session = protocol.transport.session
    message = protocol.transport.encryption.prepare_encrypted_request(session, endpoint.url(), b"<x/>")
    other = client(endpoint)
    other.open_shell()
    answer = other.transport.session.send(other.transport.session.prepare_request(_like(message)), timeout=10)
    assert (answer.status_code, answer.content) == (400, b"")
    assert run(client(endpoint), shell, "echo still here")[0] == b"still here\n"


def _like(message: requests.PreparedRequest) -> requests.Request:
    return requests.Request(
        "POST", message.url, data=message.body, headers={"Content-Type": message.headers["Content-Type"]}
    )


@pytest.mark.parametrize(("binding", "status"), [("right", 200), ("none", 200), ("wrong", 401)])
def test_channel_binding(endpoint, tls, binding, status):
    """CbtHardeningLevel Relaxed: a client without bindings is let in, one behind another certificate is not."""
    context = ssl.create_default_context(cafile=tls)
    connection = http.client.HTTPSConnection(endpoint.address, endpoint.ports["https"], context=context, timeout=10)
    connection.connect()
    leaf = connection.sock.getpeercert(binary_form=True)
    digest = hashlib.sha256(leaf + (b"x" if binding == "wrong" else b"")).digest()
    bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
    login = spnego.client(
        "CORP\\rollout",
        ADMIN["password"],
        protocol="ntlm",
        channel_bindings=None if binding == "none" else bindings,
    )
    token = login.step()
    for _round in range(2):
        headers = {"Authorization": f"Negotiate {base64.b64encode(token).decode()}", "Content-Length": "0"}
        connection.request("POST", "/wsman", headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200 or login.complete:
            break
        token = login.step(base64.b64decode(answer.headers["WWW-Authenticate"].split()[1]))
    connection.close()
    assert answer.status == status


# -- shells and commands ----------------------------------------------------------------------------------------------


def test_unknown_shell_and_command(endpoint):
    protocol = client(endpoint)
    selectors = (2150858843, "w:InvalidSelectors")
    assert fault(protocol.run_command, str(uuid.uuid4()), "echo") == selectors
    shell = protocol.open_shell()
    assert fault(protocol.get_command_output_raw, shell, str(uuid.uuid4())) == selectors
    command = protocol.run_command(shell, "sleep 60")
    protocol.cleanup_command(shell, command)
    assert fault(protocol.get_command_output_raw, shell, command) == selectors
    assert fault(client(endpoint, OTHER).run_command, shell, "echo") == selectors, "another user's shell"
    protocol.close_shell(shell)
    assert fault(protocol.run_command, shell, "echo") == selectors


def test_after_the_end(endpoint):
    """Done is said once; the command can still be signalled, once."""
    protocol = client(endpoint)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "echo x")
    assert protocol.get_command_output(shell, command) == (b"x\n", b"", 0)
    assert fault(protocol.get_command_output_raw, shell, command)[0] == 2150858843
    protocol.cleanup_command(shell, command)
    assert fault(protocol.cleanup_command, shell, command)[0] == 2150858843


def test_quotas(endpoint):
    protocol = client(endpoint)
    shells = [protocol.open_shell() for _number in range(3)]
    assert fault(protocol.open_shell) == (2150859173, "w:QuotaLimit")
    other = client(endpoint, OTHER)
    other.close_shell(other.open_shell())
    for _number in range(2):
        protocol.run_command(shells[0], "sleep 60")
    assert fault(protocol.run_command, shells[0], "echo") == (2150859241, "w:QuotaLimit")
    # Commands that ended count as long as their shell is there.
    for _number in range(4):
        assert run(protocol, shells[1], "echo x")[0] == b"x\n"
    assert fault(protocol.run_command, shells[1], "echo") == (0x803381A6, "w:QuotaLimit")
    protocol.close_shell(shells[1], close_session=False)
    assert run(protocol, shells[2], "echo x")[0] == b"x\n"


def test_too_large(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "cat >/dev/null", console_mode_stdin=False)
    with pytest.raises(WinRMTransportError) as caught:
        protocol.send_command_input(shell, command, b"x" * 130_000)
    assert caught.value.code == 413
    # The answers keep to what the client takes.
    again = client(endpoint)
    out, _err, _code, _done = again.get_command_output_raw(shell, again.run_command(shell, "head -c 1000000 /dev/zero"))
    assert 0 < len(out) < 153_600 * 3 // 4


def test_a_shell_that_nobody_uses(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell(idle_timeout="PT1S")
    deadline = time.monotonic() + 20
    # The log tells how many shells are open; anybody's request will do.
    while requests.post(endpoint.url(), timeout=10) is not None and endpoint.log()[-1]["shells"]:
        assert time.monotonic() < deadline, "it does not end"
        time.sleep(0.2)
    assert fault(protocol.run_command, shell, "echo")[0] == 2150858843


def test_operation_timeout(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "sleep 60")
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)


def test_without_cmd(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    assert fault(protocol.run_command, shell, "echo", ["x"], skip_cmd_shell=True) == (2147942402, "w:InternalError")
    assert run(protocol, shell, "/bin/echo x", skip_cmd_shell=True)[0] == b"x\n"


def test_the_longest_line(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    longest = "echo ".ljust(8191 - len("C:\\Windows\\system32\\cmd.exe /C "), "x")
    assert run(protocol, shell, longest)[2] == 0
    assert run(protocol, shell, longest + "x") == (b"", b"The command line is too long.\r\n", 1)


def test_console_input(endpoint):
    """In console mode End is no end of file: it is typed, as Ctrl+Z at the start of a line."""
    protocol = client(endpoint)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "cat", console_mode_stdin=True)
    protocol.send_command_input(shell, command, b"one\r")
    assert protocol.get_command_output_raw(shell, command)[0] == b"one\r\n"
    protocol.send_command_input(shell, command, b"two\r", end=False)
    assert protocol.get_command_output_raw(shell, command)[0] == b"two\r\n"
    protocol.send_command_input(shell, command, b"\x1a\r")
    assert protocol.get_command_output(shell, command)[2] == 0
    # A pipe ends with End.
    command = protocol.run_command(shell, "cat", console_mode_stdin=False)
    protocol.send_command_input(shell, command, b"all", end=True)
    assert protocol.get_command_output(shell, command) == (b"all", b"", 0)
    assert fault(protocol.send_command_input, shell, command, b"more")[0] == 232


# -- shapes -----------------------------------------------------------------------------------------------------------


def shape(answer: bytes) -> list[str]:
    """Names of the body's elements in their order."""
    body = ET.fromstring(answer).find("{http://www.w3.org/2003/05/soap-envelope}Body")  # noqa: S314 - our own
    return [element.tag.rsplit("}", 1)[-1] for element in body.iter()][1:]


def test_shapes_of_recorded_answers(endpoint, monkeypatch):
    """Elements and their order are those of real hosts, written down here from recordings."""
    protocol = client(endpoint)
    answers = []
    send = protocol.transport.send_message
    monkeypatch.setattr(
        protocol.transport, "send_message", lambda message: answers.append(send(message)) or answers[-1]
    )
    shell = protocol.open_shell(working_directory="/tmp")
    command = protocol.run_command(shell, "echo hi")
    protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    protocol.close_shell(shell)
    create, started, *received, signal, delete = answers
    names = (
        "ResourceCreated Address ReferenceParameters ResourceURI SelectorSet Selector Shell ShellId ResourceUri Owner "
    )
    names += "ClientIP WorkingDirectory IdleTimeOut InputStreams OutputStreams ShellRunTime ShellInactivity"
    assert shape(create) == names.split()
    assert shape(started) == ["CommandResponse", "CommandId"]
    assert shape(received[-1])[-4:] == ["Stream", "Stream", "CommandState", "ExitCode"]
    assert shape(signal) == ["SignalResponse"]
    assert shape(delete) == []
    ends = ET.fromstring(received[-1]).findall(f".//{{{SHELL}}}Stream[@End='true']")  # noqa: S314 - our own
    assert [(end.get("Name"), end.text) for end in ends] == [("stdout", None), ("stderr", None)]


def test_shape_of_a_recorded_fault(endpoint):
    protocol = client(endpoint)
    with pytest.raises(WSManFaultError) as caught:
        protocol.get_command_output_raw(protocol.open_shell(), str(uuid.uuid4()))
    names = [
        "Fault",
        "Code",
        "Value",
        "Subcode",
        "Value",
        "Reason",
        "Text",
        "Detail",
        "FaultDetail",
        "WSManFault",
        "Message",
    ]
    assert shape(caught.value.response.encode()) == names


# -- faults on demand -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "executed"), [("reset_before", False), ("reset_after", True), ("truncate", True)])
def test_a_lost_connection(endpoint, tmp_path, rule, executed):
    """Shell and command outlive the connection: another one takes them up."""
    protocol = client(endpoint)
    shell = protocol.open_shell()
    mark = tmp_path / "mark"
    endpoint.rules({"request": 1, "do": rule})
    with pytest.raises(requests.exceptions.RequestException):
        protocol.run_command(shell, f"touch {mark}")
    deadline = time.monotonic() + 10
    while executed and not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert mark.exists() == executed
    assert run(client(endpoint), shell, "echo here")[0] == b"here\n"


def test_output_waits_for_the_next_connection(endpoint):
    """A Receive that waits when its connection ends takes nothing with it."""
    protocol = client(endpoint, operation_timeout_sec=2, read_timeout_sec=3)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "sleep 1; echo kept")
    impatient = client(endpoint)
    impatient.transport.read_timeout_sec = 0.3
    with pytest.raises(requests.exceptions.RequestException):
        impatient.get_command_output_raw(shell, command)
    assert protocol.get_command_output(shell, command)[0] == b"kept\n"


def test_other_faults(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell()
    endpoint.rules(
        {"request": 1, "do": "status", "status": 503},
        {"request": 2, "do": "fault", "fault": "operations"},
        {"verb": "Command", "do": "delay", "seconds": 0.3, "times": 1},
    )
    with pytest.raises(WinRMTransportError) as caught:
        protocol.run_command(shell, "echo")
    assert caught.value.code == 503
    assert fault(protocol.run_command, shell, "echo")[0] == 0x803381A6
    assert run(protocol, shell, "echo late")[0] == b"late\n"


def test_the_log_keeps_secrets(endpoint):
    protocol = client(endpoint)
    shell = protocol.open_shell(env_vars={"TOKEN": "canary-1"})
    run(protocol, shell, "echo canary-2")
    text = (endpoint.folder / "log").read_text()
    assert '"program": "echo"' in text
    assert "canary" not in text
    assert ADMIN["password"] not in text
