# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stock clients, unmodified, as a program of its own: the laboratory starts it where users are.

Standard input: {"client": "pywinrm"|"pypsrp", "url", "mechanism": "ntlm"|"kerberos"|"credssp", "username", "password", "host", "trust"}; standard
output: what came of three commands in one shell, or the class of the error.
"""

from __future__ import annotations

import hashlib
import json
import sys
from urllib.parse import urlsplit

DATA = bytes(range(256)) * 1200


def pywinrm(job: dict) -> list:
    from winrm.protocol import Protocol

    protocol = Protocol(
        job["url"],
        transport=job["mechanism"],
        username=job["username"],
        password=job["password"] or "",
        kerberos_hostname_override=job["host"] or None,
        ca_trust_path=job["trust"] or "legacy_requests",
        operation_timeout_sec=3,
        read_timeout_sec=20,
    )
    shell = protocol.open_shell(codepage=65001, env_vars={"GREETING": "Привет"})
    results = []
    try:
        for line, data in COMMANDS:
            command = protocol.run_command(shell, line, console_mode_stdin=data is None)
            for start in range(0, len(data or b""), 60000):
                protocol.send_command_input(shell, command, data[start : start + 60000], start + 60000 >= len(data))
            out, err, code = protocol.get_command_output(shell, command)
            protocol.cleanup_command(shell, command)
            results.append([out.decode(), err.decode(), code])
    finally:
        protocol.close_shell(shell)
    return results


def pypsrp(job: dict) -> list:
    from pypsrp.shell import Process, SignalCode, WinRS
    from pypsrp.wsman import WSMan

    url = urlsplit(job["url"])
    wsman = WSMan(
        url.hostname,
        port=url.port,
        ssl=url.scheme == "https",
        # NTLM within SPNEGO: pyspnego's clients offer Kerberos first where they can.
        auth=job["mechanism"] if job["mechanism"] != "ntlm" else "negotiate",
        username=job["username"],
        password=job["password"],
        cert_validation=job["trust"] or True,
        negotiate_hostname_override=job["host"] or None,
        operation_timeout=3,
        read_timeout=20,
    )
    results = []
    with wsman, WinRS(wsman, codepage=65001, environment={"GREETING": "Привет"}) as shell:
        for line, data in COMMANDS:
            process = Process(shell, line)
            process.begin_invoke()
            for start in range(0, len(data or b""), 60000):
                process.send(data[start : start + 60000], start + 60000 >= len(data))
            process.end_invoke()
            process.signal(SignalCode.TERMINATE)
            results.append([process.stdout.decode(), process.stderr.decode(), process.rc])
    return results


COMMANDS = [
    ('echo "$GREETING"; echo wrong >&2; exit 7', None),
    ("sha256sum", DATA),
    # Longer than OperationTimeout: the answer is w:TimedOut in between.
    ("sleep 4; echo late", None),
]
EXPECTED = [["Привет\n", "wrong\n", 7], [f"{hashlib.sha256(DATA).hexdigest()}  -\n", "", 0], ["late\n", "", 0]]


def main() -> None:
    job = json.load(sys.stdin)
    try:
        results = {"pywinrm": pywinrm, "pypsrp": pypsrp}[job["client"]](job)
        print(json.dumps({"results": results}))
    except Exception as error:
        print(json.dumps({"error": type(error).__name__, "text": str(error)}))


if __name__ == "__main__":
    main()
