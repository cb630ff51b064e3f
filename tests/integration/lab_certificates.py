# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates as tests use it: a playbook with it, what it said, and what lies on the chat host."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Lab

CERTS = "/etc/onprem-chat/certs"
CRT, KEY = f"{CERTS}/corp.test.crt", f"{CERTS}/corp.test.key"
LOOK = "find /etc /usr/local -printf '%p %m %u %g %s %T@ %l\\n' | sort; getent group; dpkg-query --show"
# A service that presents the pair at port 8443, and one that can be told to refuse it.
SERVICE = f"""[Service]
ExecStart=/usr/bin/openssl s_server -accept 8443 -cert {CRT} -cert_chain {CRT} -key {KEY} -quiet
StandardInput=null
"""
USES_SERVICE = {
    "certificates_validate_command": "test ! -e /run/refuse",
    "certificates_reload_command": "systemctl restart tls-service",
    "certificates_presented": [{"port": 8443}],
    "certificates_presented_wait": 4,
}


class Role:
    """The role on a chat host, with a folder on the controller."""

    def __init__(self, lab: Lab, folder: Path, **variables: object) -> None:
        self.lab, self.folder = lab, folder
        names = {"certificates_name": "corp.test", "certificates_dns_names": ["corp.test", "chat.corp.test"]}
        play = {"name": "Certificate", "hosts": "chat_servers", "gather_facts": False, "vars": {**names, **variables}}
        play["roles"] = ["onprem.chat.certificates"]
        (folder / "play.yml").write_text(json.dumps([play]))

    def deploy(self, *arguments: str, **variables: object) -> subprocess.CompletedProcess:
        """Run it; extra variables may hold secrets, so they travel in a file."""
        file = self.folder / "extra.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(variables))
        return self.lab.playbook(str(self.folder / "play.yml"), *arguments, "--extra-vars", f"@{file}")

    def done(self, *arguments: str, **variables: object) -> subprocess.CompletedProcess:
        """The same, and it must end well."""
        result = self.deploy(*arguments, **variables)
        assert result.returncode == 0, result.stdout[-6000:] + result.stderr
        return result

    def refused(self, *arguments: str, **variables: object) -> str:
        """The same, and it must not; what was said, and the pair is as it was."""
        before = self.pair()
        result = self.deploy(*arguments, **variables)
        assert result.returncode != 0, result.stdout[-6000:]
        assert self.pair() == before
        return said(result)

    def refused_order(self, **variables: object) -> str:
        """The same for an order that the ACME server must refuse.

        Pebble takes a former valid authorization for one order in a hundred, whatever PEBBLE_AUTHZREUSE says (0 is counted in); then
        nothing is validated, and another order is made.
        """
        for _order in range(3):
            before = self.pair()
            result = self.deploy(**variables)
            if result.returncode:
                break
        assert result.returncode != 0, result.stdout[-6000:]
        assert self.pair() == before
        return said(result)

    def shell(self, command: str, **options: object) -> str:
        return self.lab.exec("chat", ["sh", "-c", f"cd /; {command}"], check=True, **options).stdout

    def fingerprint(self) -> str:
        return self.shell(f"openssl x509 -in {CRT} -noout -fingerprint -sha256")

    def pair(self) -> str:
        """Both files by their hashes; nothing when there is none."""
        return self.shell(f"sha256sum {CRT} {KEY} 2>/dev/null || true")

    def start_service(self) -> None:
        """A running service that presents the pair."""
        self.shell("cat > /etc/systemd/system/tls-service.service", input=SERVICE)
        self.shell("systemctl daemon-reload; systemctl restart tls-service")

    def presented(self) -> str:
        """What it presents, asked from where users are."""
        script = "openssl s_client -connect 10.203.0.20:8443 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
        return self.lab.exec("users", ["sh", "-c", script]).stdout


def changed(result: subprocess.CompletedProcess) -> int:
    """The count in Ansible's last lines."""
    return int(re.findall(r"^chat +: .*changed=(\d+)", result.stdout, re.MULTILINE)[-1])


def said(result: subprocess.CompletedProcess) -> str:
    """Everything that was printed as one line."""
    return " ".join((result.stdout + result.stderr).replace("\\n", " ").replace('\\"', '"').split())
