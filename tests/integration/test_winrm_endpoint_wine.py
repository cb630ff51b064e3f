# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WinRM endpoint of win1 with Wine behind it, seen by stock pywinrm where users are.

Exit codes of 32 bits, UTF-8, standard input, and WinRM's job: what a shell started ends with it.
"""

from __future__ import annotations

import json
import sys

import pytest
from lab_desktops import ROLLOUT

# Reads {"how": arguments of Protocol, "shell": arguments of open_shell, "steps": [...]}; prints what each step gave.
CLIENT = """
import json, sys, time, warnings
from winrm.exceptions import WSManFaultError
from winrm.protocol import Protocol
warnings.simplefilter("ignore")
job = json.load(sys.stdin)
protocol = Protocol(operation_timeout_sec=3, read_timeout_sec=30, **job["how"])
results = []
for shell_options, *steps in job["shells"]:
    shell = protocol.open_shell(codepage=65001, **shell_options)
    for step in steps:
        try:
            data = step.pop("stdin", None)
            leave = step.pop("leave", False)
            command = protocol.run_command(shell, console_mode_stdin=data is None, **step)
            if leave:
                time.sleep(1)
                protocol.cleanup_command(shell, command)
                continue
            if data is not None:
                protocol.send_command_input(shell, command, data.encode(), end=True)
            out, err, code = protocol.get_command_output(shell, command)
            protocol.cleanup_command(shell, command)
            results.append([out.decode().replace("\\r\\n", "\\n"), code])
        except WSManFaultError as fault:
            results.append(["fault", fault.wsman_fault_code])
    protocol.close_shell(shell, close_session=False)
print(json.dumps(results))
"""


@pytest.fixture
def ask(desktop, tmp_path):
    """Runs shells with steps on win1; each shell is [arguments of open_shell, step …]."""

    def run(*shells: list, scheme: str = "https", transport: str = "ntlm") -> list:
        how = {
            "endpoint": f"{scheme}://{desktop.host}:{5986 if scheme == 'https' else 5985}/wsman",
            "transport": transport,
            "username": f"{ROLLOUT}@CORP.TEST",
            "password": desktop.password if transport == "ntlm" else "",
        }
        if scheme == "https":
            how["ca_trust_path"] = str(desktop.lab.state / "company-ca.crt")
        environment = ["env", f"KRB5CCNAME=FILE:{tmp_path}/cache"]
        if transport == "kerberos":
            kinit = [*environment, "kinit", f"{ROLLOUT}@CORP.TEST"]
            desktop.lab.exec("users", kinit, check=True, input=f"{desktop.password}\n")
        text = json.dumps({"how": how, "shells": shells})
        done = desktop.lab.exec("users", [*environment, sys.executable, "-c", CLIENT], check=True, input=text)
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize("transport", ["ntlm", "kerberos"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_logging_on(ask, desktop, scheme, transport):
    assert ask([{}, {"command": "echo x"}], scheme=scheme, transport=transport) == [["x\n", 0]]
    last = desktop.requests()[-1]
    assert (last["scheme"], last["mechanism"], last["shells"]) == (scheme, transport, 0)


def test_commands(ask):
    steps = {
        "exit 3010": ["", 3010],
        "exit -1073741819": ["", 0xC0000005],
        "echo Жук 🙂": ["Жук 🙂\n", 0],
        "echo %NAME%": ["Ы 100%\n", 0],
        "for %i in (1 2) do @echo %i": ["1\n2\n", 0],
        '("C:\\windows\\system32\\cmd.exe" /c "exit 7")': ["", 7],
    }
    found = ask([{"env_vars": {"NAME": "Ы 100%"}}, *({"command": line} for line in steps)])
    assert dict(zip(steps, found, strict=True)) == steps


def test_standard_input(ask):
    lines = "".join(f"line {number}\r\n" for number in range(3000))
    counted, word = ask(
        [
            {},
            {"command": 'findstr "line"', "stdin": lines},
            {"command": "set /p A= & call echo [%A%]", "stdin": "Ж\r\n"},
        ]
    )
    assert counted == [lines.replace("\r\n", "\n"), 0]
    assert word[0].endswith("[Ж]\n")


def test_what_cannot_be_started(ask):
    assert ask(
        [{}, {"command": "hostname.exe", "skip_cmd_shell": True, "arguments": ["/nothing-there"]}],
        [{"working_directory": "C:\\nope"}, {"command": "cd"}],
        [{"working_directory": "C:\\windows"}, {"command": "cd"}],
    )[1:] == [["fault", 2147942667], ["C:\\windows\n", 0]]
    missing = "C:\\windows\\not-there.exe"
    assert ask([{}, {"command": missing, "skip_cmd_shell": True}]) == [["fault", 2147942402]]


def test_a_shell_takes_with_it_what_it_started(ask, desktop):
    """`start` leaves a process: it lives as long as the shell. A command that is terminated ends with its children."""
    count = {"command": "tasklist | findstr ping.exe >nul && echo there || echo none"}
    left, none = ask(
        [{}, {"command": "start /b ping -n 300 127.0.0.1 >nul", "leave": True}, count],
        [{}, count],
    )
    assert (left[0].strip(), none[0].strip()) == ("there", "none")
    ended = ask([{}, {"command": "ping -n 300 127.0.0.1 >nul", "leave": True}, count])
    assert ended[0][0].strip() == "none"
    assert desktop.shells() == 0
