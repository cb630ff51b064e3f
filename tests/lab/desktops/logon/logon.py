"""People at this desktop: logon NAME; logoff NAME; logoff --all. Accounts are those of its domain, by name (without a domain).

A stand-in for what Windows does at logon, see lablogon.c. It returns when Active Setup ran and tasks were started, not when they ended.
"""

import subprocess
import sys
from pathlib import Path

TOOL = "/usr/local/lib/desktop/lablogon.exe"


def wine(*arguments: str) -> subprocess.CompletedProcess:
    pairs = (line.split("=", 1) for line in Path("/etc/wine.env").read_text().splitlines())
    environment = dict(pairs) | {"HOME": "/srv/windows", "PATH": "/usr/local/bin:/usr/bin:/bin", "USER": "windows"}
    return subprocess.run(
        ["setpriv", "--reuid=windows", "--regid=windows", "--clear-groups", "wine", TOOL, *arguments],
        env=environment, cwd="/srv/windows", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def winbind(*arguments: str) -> str:
    answer = subprocess.run(["wbinfo", *arguments], capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"logon: winbind does not know {arguments[-1]}: {answer.stderr.strip()}")
    return answer.stdout.strip()


def main() -> int:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    name = sys.argv[1]
    if name == "--all":
        done = wine("logoff-all")
    else:
        domain = winbind("--own-domain")
        sid = winbind("--name-to-sid", f"{domain}\\{name}").split()[0]
        arguments = ("logoff", sid) if Path(sys.argv[0]).name == "logoff" else ("logon", sid, domain, name)
        done = wine(*arguments)
    print((done.stdout + done.stderr).strip() or "done")
    return done.returncode


sys.exit(main())
