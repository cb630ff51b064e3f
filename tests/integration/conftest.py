"""Fixtures of the integration tests: the running laboratory, playbooks run where users are."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from lab_dns import PARTS, NameServers

ROOT = Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"


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

    def exec(self, part: str, argv: list[str], check: bool = False, **options) -> subprocess.CompletedProcess:
        """Run a command in a part; stdout and stderr as text."""
        options.setdefault("timeout", 900)
        options.setdefault("errors", "replace")
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        result = subprocess.run(
            [LAB, "exec", part, "--", *argv], capture_output=True, text=True, check=False, cwd=ROOT, **options
        )
        if check and result.returncode:
            pytest.fail(f"{argv} ended with {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result

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

    def module(self, name: str, arguments: dict, *more: str, host: str = "localhost") -> dict:
        """Run one module on the controller (or another host) and return its result, failed or not.

        Arguments and result travel in files that only root reads: they hold passwords.
        """
        with tempfile.TemporaryDirectory(dir=self.state) as folder:
            result_file = Path(folder, "result.json")
            tasks = [
                {"name": "Ask", name: arguments, "register": "result", "ignore_errors": True},
                {
                    "name": "Keep the result",
                    "ansible.builtin.copy": {
                        "content": "{{ result | to_json }}",
                        "dest": str(result_file),
                        "mode": "0600",
                    },
                    "delegate_to": "localhost",
                    "vars": {"ansible_become": False},
                    "check_mode": False,
                    "diff": False,
                },
            ]
            playbook = Path(folder, "module.yml")
            playbook.write_text(
                json.dumps([{"name": "One module", "hosts": host, "gather_facts": False, "tasks": tasks}])
            )
            result = self.playbook(str(playbook), *more)
            if not result_file.exists():
                pytest.fail(f"{name} returned no result:\n{result.stdout}\n{result.stderr}")
            return json.loads(result_file.read_text())

    def _lab(self, command: str, *parts: str) -> None:
        result = subprocess.run(
            [LAB, command, *parts], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if result.returncode:
            pytest.fail(f"lab {command}: {result.stdout}{result.stderr}")


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The laboratory, started if it does not run. It is left running: the next suite uses it, `make` stops it."""
    laboratory = Lab()
    laboratory.up()
    return laboratory


@pytest.fixture(scope="module")
def fresh_chat(lab: Lab) -> Lab:
    """The laboratory with a chat host to which nothing was done, for a whole module of tests."""
    lab.reset("chat")
    return lab


@pytest.fixture(scope="session")
def name_servers(lab: Lab) -> NameServers:
    """ns1, ns2 and knot, started if they do not run; their zones are as they are: use names of your own."""
    lab.up(*PARTS)
    return NameServers(lab)
