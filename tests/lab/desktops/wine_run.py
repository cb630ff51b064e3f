"""Run one command line of cmd.exe on this desktop, exactly as it is given: wine-run [--json|--quiet] [--as NAME] 'COMMAND LINE'.

--as runs it in the session of somebody who is logged on.
Standard input, output and error are passed through. Linux has only 8 bits for an exit code: the true one, of 32 bits, is the last
line on standard error ("exit code: 3010"), and decides whether this ends with 0. With --json one object on standard output tells all.
"""

import base64
import json
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

SESSION = "/usr/local/lib/desktop/lablogon.exe"
# By its name alone, from C:\\windows: anything else costs one more process.
RUN = "labrun.exe"


def environment() -> dict:
    """What wine wants to know; nothing else of Linux is handed on."""
    pairs = (line.split("=", 1) for line in Path("/etc/wine.env").read_text().splitlines())
    return dict(pairs) | {"HOME": "/srv/windows", "PATH": "/usr/local/bin:/usr/bin:/bin", "USER": "windows"}


def windows_path(path: str) -> str:
    return "Z:" + path.replace("/", "\\")


def sid_of(user: str) -> str:
    """By winbind: the account of this desktop's domain."""
    domain = subprocess.run(["wbinfo", "--own-domain"], capture_output=True, text=True, check=False).stdout.strip()
    argv = ["wbinfo", "--name-to-sid", f"{domain}\\{user}"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"wine-run: winbind does not know {user}: {answer.stderr.strip()}")
    return answer.stdout.split()[0]


def run(line: str, user: str = "", **options) -> tuple[int, subprocess.CompletedProcess]:
    """The exit code and the finished process."""
    with tempfile.TemporaryDirectory(prefix="wine-run-") as folder:
        request, answer = Path(folder, "request"), Path(folder, "answer")
        session = f"{windows_path(SESSION)} run {sid_of(user)} " if user else ""
        request.write_bytes(f"{session}C:\\windows\\system32\\cmd.exe /c {line}".encode("utf-16-le"))
        user = pwd.getpwnam("windows")
        if os.geteuid() == 0:
            os.chown(folder, user.pw_uid, user.pw_gid)
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        argv = ["wine", RUN, windows_path(str(request)), windows_path(str(answer))]
        folder_c = "/srv/windows/prefix/drive_c"
        done = subprocess.run(argv, env=environment(), cwd=folder_c, check=False, **options)
        text = answer.read_text() if answer.exists() else f"error: wine ended with {done.returncode}\n"
    if not text[:1].isdigit():
        sys.exit(f"wine-run: the command line could not be started: {text}")
    return int(text), done


def main() -> int:
    arguments = sys.argv[1:]
    mode = arguments.pop(0) if arguments[:1] in (["--json"], ["--quiet"]) else ""
    user = arguments[1] if arguments[:1] == ["--as"] and len(arguments) == 3 else ""
    if user:
        arguments = arguments[2:]
    if len(arguments) != 1:
        sys.exit(__doc__)
    if mode == "--json":
        # Files instead of pipes: what a command line leaves running keeps them open.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            code, _done = run(arguments[0], user, stdin=sys.stdin.buffer, stdout=out, stderr=errors)
            written = {"stdout": out, "stderr": errors}
            for stream in written.values():
                stream.seek(0)
            written = {name: stream.read() for name, stream in written.items()}
        texts = {name: content.decode("utf-8", "backslashreplace") for name, content in written.items()}
        exact = base64.b64encode(written["stdout"]).decode()
        print(json.dumps({"exit_code": code, **texts, "stdout_base64": exact}))
        return 0
    code, _done = run(arguments[0], user)
    if mode != "--quiet":
        print(f"exit code: {code}", file=sys.stderr)
    return code & 255 or bool(code)


sys.exit(main())
