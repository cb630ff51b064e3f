# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role mts_link_meetings left on the Meetings server and on the controller, run against the stand-ins of its scripts."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
SECRETS = json.loads((STATE / "secrets.json").read_text())
FOLDER = "/opt/onprem-chat/mts-link"
LINK = "/opt/webinar/chats/chats.corp.test"
MARK = "/var/lib/onprem-chat/mts-link/token-chats.corp.test.json"


def vault() -> dict[str, str]:
    """The vault file of the controller, opened as ansible-vault does."""
    keys = VaultLib([("default", VaultSecret(SECRETS["administrator"].encode()))])
    text = keys.decrypt((STATE / "molecule-values.yml").read_bytes()).decode()
    return yaml.safe_load(text.replace("!unsafe ", ""))


def test_installer_is_the_one_that_was_pinned_and_for_root_only(host):
    assert host.file(FOLDER).mode == 0o700
    installer = host.file(f"{FOLDER}/installer.sh")
    assert (installer.user, installer.mode) == ("root", 0o700)
    assert installer.sha256sum == (STATE / "mts_link/installer.sha256").read_text().strip()


def test_values_are_those_that_the_script_made(host):
    made = dict(line.split("=", 1) for line in host.file(f"{LINK}.conf").content_string.splitlines())
    assert vault() == {
        "vault_mts_link_client_id": made["client_id"],
        "vault_mts_link_client_secret": made["client_secret"],
    }
    assert stat.S_IMODE((STATE / "molecule-values.yml").stat().st_mode) == 0o600


def test_journals_are_for_root_only(host):
    for name in ("mts-link-cfglink-chats.corp.test", "mts-link-add-token-chats.corp.test"):
        folder = host.file(f"/var/lib/onprem-chat/dialogs/{name}")
        assert (folder.user, folder.mode) == ("root", 0o700)
        assert host.file(f"{folder.path}/journal.json").mode & 0o077 == 0


def test_the_token_was_told_once(host):
    assert host.file(f"{LINK}.token").content_string == "molecule-token\n"
    log = host.file("/var/log/mts-link-standin.log").content_string
    assert log.count("installer.sh asked domain") == 1
    assert log.count("add_chats_token.sh asked token") == 1


def test_which_token_it_was_is_not_to_be_read(host):
    mark = host.file(MARK)
    assert (mark.user, mark.mode, host.file(os.path.dirname(MARK)).mode) == ("root", 0o600, 0o700)  # noqa: PTH120
    assert "molecule-token" not in mark.content_string
    told = json.loads(mark.content_string)
    assert (sorted(told), told["known"]) == (["hash", "known", "salt"], False)


def test_no_secret_is_in_the_system_log():
    # By standard input, so that sudo does not log what is looked for.
    command = ["ssh", "-F", str(STATE / "ssh_config"), "meetings", "sudo", "sh", "-s"]
    script = "journalctl --no-pager | grep -cF -f /dev/fd/3 3<<'X'\n{}\nX\n"
    for text, there in (
        (f"{vault()['vault_mts_link_client_secret']}\nmolecule-token", False),
        ("systemd", True),
    ):
        seen = subprocess.run(command, input=script.format(text), capture_output=True, text=True, check=False)
        assert (seen.stdout.strip() != "0") is there
