"""windows_bare.py URL USER [COUNT]: one command by pywinrm, alone; the password comes by standard input.

Prints the seconds that each of COUNT took, login included, without the start of Python.
"""

from __future__ import annotations

import json
import sys
import time

from winrm.protocol import Protocol


def once(url: str, user: str, password: str) -> float:
    """A login, a shell, a command, and all of it closed again, as pywinrm's own Session does."""
    begin = time.perf_counter()
    protocol = Protocol(url, transport="ntlm", username=user, password=password)
    shell = protocol.open_shell(codepage=65001)
    try:
        command = protocol.run_command(shell, "echo", ["%COMPUTERNAME%"])
        out, _err, code = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
    finally:
        protocol.close_shell(shell)
    if code or not out.strip():
        raise SystemExit(f"bench windows: the bare command ended with {code}")
    return time.perf_counter() - begin


if __name__ == "__main__":
    secret = sys.stdin.read()
    print(json.dumps([once(*sys.argv[1:3], secret) for _number in range(int((sys.argv[3:] or ["1"])[0]))]))
