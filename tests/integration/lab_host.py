# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chat host, and runs of the role host on it."""

from __future__ import annotations

import json
import re
import subprocess

FILE = "/etc/resolv.conf"
BASE = {
    "host_fqdn": "chat.corp.test",
    "host_addresses": ["10.203.0.20"],
    "host_upgrade": "none",
    "host_time": False,
    "host_firewall": False,
}


class Host:
    """The chat host, and runs of the role."""

    def __init__(self, lab, folder) -> None:
        self.lab, self.folder = lab, folder
        self.playbook = folder / "host.yml"
        play = {"name": "Host", "hosts": "chat_servers", "gather_facts": False, "become": True}
        self.playbook.write_text(json.dumps([play | {"roles": ["onprem.chat.host"]}]))

    def run(self, variables: dict, *arguments: str) -> subprocess.CompletedProcess:
        file = self.folder / "variables.json"
        file.write_text(json.dumps(BASE | variables))
        return self.lab.playbook(str(self.playbook), "--diff", "-e", f"@{file}", *arguments)

    def done(self, variables: dict, *arguments: str) -> int:
        """Run it, and how many tasks changed something."""
        result = self.run(variables, *arguments)
        assert result.returncode == 0, result.stdout[-6000:] + result.stderr
        return int(re.findall(r"changed=(\d+)", result.stdout)[-1])

    def sh(self, script: str) -> str:
        return self.lab.exec("chat", ["sh", "-ec", script], check=True).stdout

    def read(self, file: str = FILE) -> str:
        return self.sh(f"cat {file}")

    def servers(self) -> list[str]:
        return re.findall(r"(?m)^nameserver (\S+)$", self.read())

    def search(self) -> list[str]:
        return re.findall(r"(?m)^\s*(?:domain|search).*$", self.read())

    def fingerprint(self) -> str:
        """Every file in /etc with the time of its last change; but resolv.conf is written again with every lease: its text."""
        return self.sh(
            f"find /etc -xdev ! -type d ! -path '{FILE}*' -printf '%p %l %s %T@\\n' | sort; readlink -f {FILE}; cat {FILE}"
        )

    def restart(self) -> None:
        self.lab.reboot("chat")
