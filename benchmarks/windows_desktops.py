"""Modelled Windows desktops on loopback addresses, plays on them, and what they cost: requests, bytes, seconds, memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plain import PLAIN

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
sys.path.append(str(ROOT / "tests" / "unit" / "plugins" / "plugin_utils"))
import packages_forms  # the unit tests' own builder of MSI files

USER = {"name": "rollout", "domain": "CORP", "realm": "corp.test"}
USERS = [
    {"name": "anna", "sid": "S-1-5-21-1-2-3-1101", "logged_on": True},
    {"name": "boris", "sid": "S-1-5-21-1-2-3-1102"},
]
KEY = "SOFTWARE\\Policies\\Corp Talk"
VALUES = {"Url": "https://chat.corp.test/", "Language": "ru", "Room": "lobby", "Update": 0, "Port": 5222, "Start": 1}
PRODUCT = {
    "product_code": "{6F8C1D20-5B1A-4C6E-9A00-000000000100}",
    "upgrade_code": "{6F8C1D20-5B1A-4C6E-9A00-0000000000FF}",
    "name": "Corp Talk",
    "version": "1.0.0",
}
PACKAGE = "C:\\Windows\\Temp\\talk.msi"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


def ours(package: Path, **options: str) -> list[dict]:
    """The package, six values, and a seventh that is looked at for each user."""
    settings = [
        {"key": f"HKLM\\{KEY}", "name": name, "type": "dword" if isinstance(data, int) else "string", "data": data}
        for name, data in VALUES.items()
    ]
    settings.append({"key": KEY, "name": "Greeted", "type": "dword", "data": 1, "scope": "users"})
    return [{"name": "Client", "onprem.chat.win_client": {"package": str(package), "settings": settings, **options}}]


def peer() -> list[dict]:
    """The package and six values by ansible.windows; it has nothing for each user."""
    package = {"path": PACKAGE, "product_id": PRODUCT["product_code"], "state": "present"}
    values = [
        {"path": f"HKLM:\\{KEY}", "name": name, "data": data, "type": "dword" if isinstance(data, int) else "string"}
        for name, data in VALUES.items()
    ]
    return [
        {"name": "Package", "ansible.windows.win_package": package},
        *({"name": "Value", "ansible.windows.win_regedit": value} for value in values),
    ]


def raw() -> list[dict]:
    """A task that does nothing but to reach the host."""
    return [{"name": "Nothing", "ansible.builtin.raw": "hostname", "changed_when": False}]


def nothing(package: Path) -> list[dict]:
    """A task with the arguments of ours that does nothing at all: Ansible keeps them for each host until the task has ended."""
    return [{"name": "Nothing", "bench_nothing": ours(package)[0]["onprem.chat.win_client"], "changed_when": False}]


def _commands() -> list[str]:
    """What brings a desktop to the state in which nothing is to be done."""

    def add(root: str, name: str, data: object) -> str:
        kind = "REG_DWORD" if isinstance(data, int) else "REG_SZ"
        return f'reg add "{root}\\{KEY}" /v {name} /t {kind} /d "{data}" /f'

    hive = 'HKU\\bench "C:\\Users\\boris\\NTUSER.DAT"'
    return [
        f"msiexec /i {PACKAGE} /qn",
        *(add("HKLM", name, data) for name, data in VALUES.items()),
        add(f"HKU\\{USERS[0]['sid']}", "Greeted", 1),
        add("HKCU", "Greeted", 1),
        f"reg load {hive} && {add('HKU' + chr(92) + 'bench', 'Greeted', 1)} && reg unload HKU\\bench",
    ]


@dataclass(frozen=True)
class Cost:
    """What somebody used. Bytes and requests with those of the logins; `messages` are the requests after them."""

    wall: float
    cpu: float = 0.0
    memory: int = 0  # bytes, of the biggest process
    requests: int = 0
    messages: int = 0
    bytes: int = 0
    said: str = ""

    def kept(self) -> dict:
        """For the file of raw numbers."""
        return {name: value for name, value in vars(self).items() if name != "said"}


class Desktops:
    """A running endpoint."""

    def __init__(self, folder: Path, port: int, package: Path, password: str) -> None:
        self.folder = folder
        self.port = port
        self.package = package
        self.password = password
        self.user = f"{USER['domain']}\\{USER['name']}"
        self.variables = {
            "ansible_connection": "winrm",
            "ansible_port": port,
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "ntlm",
            "ansible_user": self.user,
            "ansible_password": password,
            "ansible_shell_type": "powershell",
        }

    def url(self, host: str) -> str:
        return f"http://{host}:{self.port}/wsman"

    def play(self, tasks: list[dict], hosts: list[str], forks: int = 5, changed: int = 0) -> Cost:
        """Run the tasks; ends the benchmark unless all were done on each host, and so many of them changed something."""
        inventory, playbook = self.folder / "inventory.json", self.folder / "play.json"
        inventory.touch(0o600)
        inventory.write_text(json.dumps({"all": {"hosts": {host: {} for host in hosts}, "vars": self.variables}}))
        playbook.write_text(json.dumps([{"name": "Measured", "hosts": "all", "gather_facts": False, "tasks": tasks}]))
        cost = self.run(["ansible-playbook", "-i", str(inventory), str(playbook), "--forks", str(forks)])
        recap = {host: list(map(int, numbers)) for host, *numbers in RECAP.findall(cost.said)}
        if recap != {host: [len(tasks), changed, 0, 0] for host in hosts}:
            sys.exit(
                f"bench windows: not every task was done, or too much or too little was changed: {cost.said[-3000:]}"
            )
        return cost

    def run(self, command: list[str], said: str = "") -> Cost:
        """A program with everything that it starts, and what arrived at the desktops meanwhile."""
        log = self.folder / "log"
        before = log.stat().st_size
        output = self.folder / "output"
        begin = time.perf_counter()
        with output.open("w+b") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=PLAIN | {"ANSIBLE_ACTION_PLUGINS": str(BENCHMARKS / "action_plugins")},
                cwd=self.folder,
            )
            if process.stdin:
                process.stdin.write(said.encode())
                process.stdin.close()
            _pid, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begin
        text = output.read_text(errors="replace")
        if process.returncode:
            sys.exit(f"bench windows: {Path(command[0]).name} ended with {process.returncode}: {text[-3000:]}")
        with log.open("rb") as file:
            file.seek(before)
            lines = [json.loads(line) for line in file]
        return Cost(
            wall,
            used.ru_utime + used.ru_stime,
            1024 * used.ru_maxrss,
            len(lines),
            sum("verb" in line for line in lines),
            sum(line["received"] + line["sent"] for line in lines),
            text,
        )

    def verbs(self) -> list[str]:
        """All messages so far, in their order."""
        return [json.loads(line).get("verb", "login") for line in (self.folder / "log").read_text().splitlines()]


@contextlib.contextmanager
def running(folder: Path, latency: float = 0.0, done: bool = True) -> Iterator[Desktops]:
    """Desktops on which all is done, or nothing; every address of 127.0.0.0/8 is one."""
    folder.mkdir(mode=0o700)
    package = folder / "talk.msi"
    properties = {
        "ProductName": PRODUCT["name"],
        "ProductVersion": PRODUCT["version"],
        "ProductCode": PRODUCT["product_code"],
        "UpgradeCode": PRODUCT["upgrade_code"],
        "Manufacturer": "Corp",
        "ProductLanguage": "1033",
        "ALLUSERS": "1",
    }
    package.write_bytes(packages_forms.msi(properties))
    password = secrets.token_urlsafe(12)
    product = PRODUCT | {"sha256": hashlib.sha256(package.read_bytes()).hexdigest()}
    options = {
        "model": {"users": USERS, "products": [product]},
        # What a module of Ansible prints that has found nothing to do.
        "answer": json.dumps({"changed": False, "rc": 0, "reboot_required": False}) + "\r\n",
        "files": {PACKAGE: str(package)} if done else {},
        "commands": _commands() if done else [],
    }
    config = {
        "computer": "DESK",
        "users": [USER | {"password": password}],
        "listeners": [{"address": "0.0.0.0", "port": 0}],  # noqa: S104 - every loopback address is a desktop
        "log": str(folder / "log"),
        "latency": latency,
        "backend": "light",
        "backend_options": options,
    }
    file = folder / "config.json"
    file.touch(0o600)
    file.write_text(json.dumps(config))
    with subprocess.Popen(
        [sys.executable, BENCHMARKS / "windows_endpoint.py", "--config", file],
        env=PLAIN | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            port = 0
            while (line := process.stdout.readline().split()) != ["ready"]:
                if not line:
                    sys.exit(f"bench windows: the endpoint ended with {process.wait()}")
                if line[0] == "listening":
                    port = int(line[3])
            yield Desktops(folder, port, package, password)
        finally:
            process.terminate()


def hosts(count: int) -> list[str]:
    """So many addresses."""
    return [f"127.77.{number // 250}.{number % 250 + 1}" for number in range(count)]
