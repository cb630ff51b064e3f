"""Fixtures of the integration tests: the running laboratory, playbooks run where users are."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from lab_acme import Acme
from lab_desktops import DOMAINS, Desktop
from lab_dns import PARTS, NameServers
from lab_mts_link import MtsLink

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
sys.path.insert(0, str(LAB.parent))
from laboratory.cli import Lab as Laboratory
from laboratory.errors import LabError

# What must be there for users to talk. The whole rollout is test_site.py's.
SERVER = {
    "name": "Make a chat server",
    "hosts": "chat_servers",
    "vars_files": [str(ROOT / "playbooks/vars/site.yml")],
    "roles": ["onprem.chat.dns", "onprem.chat.certificates", "onprem.chat.ejabberd"],
}


class Lab:
    """The laboratory as tests use it."""

    def __init__(self) -> None:
        self.instance = os.environ.get("ONPREM_CHAT_LAB") or "main"
        cache = (
            os.environ.get("ONPREM_CHAT_CACHE")
            or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onprem-chat"
        )
        self.state = Path(cache) / "labs" / self.instance
        self.inventory = ROOT / "inventories" / "lab"

    @property
    def secrets(self) -> dict:
        """What was drawn when the domain was provisioned; the canaries of the secrecy tests."""
        return json.loads((self.state / "secrets.json").read_text())

    def up(self, *parts: str) -> None:
        """Start what does not run."""
        self._lab("up", *parts)

    def down(self, *parts: str) -> None:
        """Stop parts, for instance to see what is said when a host is dead."""
        self._lab("down", *parts)

    def reset(self, *parts: str) -> None:
        """Fresh parts."""
        self._lab("reset", *parts)

    def reboot(self, *parts: str) -> None:
        """Restart hosts; their files stay."""
        self._lab("reboot", *parts)

    def exec(self, part: str, argv: list[str], check: bool = False, **options) -> subprocess.CompletedProcess:
        """Run a command in a part; stdout and stderr as text."""
        options.setdefault("timeout", 900)
        options.setdefault("errors", "replace")
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        try:
            command = self.command(part, argv)
            result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)
        except LabError as error:
            result = subprocess.CompletedProcess(argv, 1, "", f"lab: {error}\n")
        if check and result.returncode:
            pytest.fail(f"{argv} ended with {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result

    def command(self, part: str, argv: list[str]) -> list[str]:
        """What `lab exec` becomes: tests of many small commands do not pay for a Python of its own each time. Raises LabError."""
        return self._parts[part].command(argv)

    @functools.cached_property
    def _parts(self) -> dict:
        return {part.name: part for part in Laboratory(self.instance).parts}

    def install(self, part: str, *packages: str) -> None:
        """Debian packages that a test needs there. A mirror that does not answer is asked again.

        apt waits for ever now and then, with nothing on the wire any more: it is ended and started again.
        """
        script = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq " + " ".join(packages)
        for _attempt in range(3):
            result = self.exec(part, ["timeout", "--kill-after=10", "180", "sh", "-c", f"{script} 2>&1"])
            if not result.returncode:
                return
        pytest.fail(f"{packages} cannot be installed on {part}\n{result.stdout}")

    def playbook(
        self, name: str, *arguments: str, check: bool = False, inventory: Path | None = None, **options
    ) -> subprocess.CompletedProcess:
        """Run a playbook (full name or path) from where users are."""
        return self.exec(
            "users",
            ["ansible-playbook", "-i", str(inventory or self.inventory), name, *arguments],
            check=check,
            **options,
        )

    def chat_server(self) -> None:
        """A chat server with its names, its certificate and its users, unless it is there."""
        with tempfile.TemporaryDirectory(dir=self.state) as folder:
            playbook = Path(folder, "server.yml")
            playbook.write_text(json.dumps([SERVER]))
            self.playbook(str(playbook), check=True)

    def module(self, name: str, arguments: dict, *more: str, host: str = "localhost") -> dict:
        """Run one module on the controller (or another host) and return its result, failed or not.

        Arguments travel in a file that only root reads: they hold passwords. The result is what Ansible prints as JSON.
        """
        with tempfile.TemporaryDirectory(dir=self.state) as folder:
            tasks = [{"name": "Ask", name: arguments, "ignore_errors": True}]
            playbook = Path(folder, "module.yml")
            playbook.write_text(
                json.dumps([{"name": "One module", "hosts": host, "gather_facts": False, "tasks": tasks}])
            )
            result = self.playbook(
                str(playbook), *more, env=os.environ | {"ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json"}
            )
        try:
            answer = json.loads(result.stdout)["plays"][0]["tasks"][0]["hosts"][host]
        except (ValueError, LookupError):
            answer = {"unreachable": True}
        if answer.get("unreachable"):
            pytest.fail(f"{name} returned no result:\n{result.stdout}\n{result.stderr}")
        return {"failed": False} | {
            key: value for key, value in answer.items() if key != "action" and not key.startswith("_ansible")
        }

    def _lab(self, command: str, *parts: str) -> None:
        result = subprocess.run(
            [LAB, command, *parts], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if result.returncode:
            pytest.fail(f"lab {command}: {result.stdout}{result.stderr}")


@pytest.fixture(scope="session")
def laboratory() -> Lab:
    """The laboratory as it is, for those who reset it first and start it then."""
    return Lab()


@pytest.fixture(scope="session")
def lab(laboratory: Lab) -> Lab:
    """The laboratory, started if it does not run. It is left running: the next suite uses it, `make` stops it."""
    laboratory.up()
    return laboratory


@pytest.fixture(scope="module")
def fresh_chat(laboratory: Lab) -> Lab:
    """The laboratory with a chat host to which nothing was done, for a whole module of tests."""
    laboratory.reset("chat")
    laboratory.up()
    return laboratory


@pytest.fixture(scope="session")
def name_servers(lab: Lab) -> NameServers:
    """ns1, ns2 and knot, started if they do not run; their zones are as they are: use names of your own."""
    lab.up(*PARTS)
    return NameServers(lab)


@pytest.fixture(scope="session")
def acme(lab: Lab) -> Acme:
    """The ACME server, started if it does not run."""
    lab.up("acme")
    return Acme(lab)


@pytest.fixture(scope="module")
def mts_link(laboratory: Lab) -> MtsLink:
    """The two hosts of MTS Link and the stand-in of its vendor, started if they do not run, without an installation."""
    found = MtsLink.ready(laboratory)
    found.uninstall()
    return found


@pytest.fixture(scope="module")
def desktop(lab: Lab) -> Desktop:
    """A clean win1: nobody ever logged on, nothing is installed."""
    lab.reset("win1")
    return Desktop(lab)


@pytest.fixture(scope="module")
def desktops(lab: Lab) -> dict[str, Desktop]:
    """All desktops, clean: two of the company's domain, one of the branch's."""
    lab.reset(*DOMAINS)
    return {name: Desktop(lab, name) for name in DOMAINS}
