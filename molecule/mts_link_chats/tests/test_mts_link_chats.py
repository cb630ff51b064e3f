# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role mts_link_chats left on the host and on the controller, run against the stand-in of the installer."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
import testinfra
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

STATE = Path(os.environ["ONPREM_CHAT_LAB_STATE"])
SECRETS = json.loads((STATE / "secrets.json").read_text())
FOLDER = "/opt/onprem-chat/mts-link"
DOMAIN = "chats.corp.test"
PAGE = f"https://{DOMAIN}"


def vault() -> dict[str, str]:
    """The vault file of the controller, opened as ansible-vault does."""
    keys = VaultLib([("default", VaultSecret(SECRETS["administrator"].encode()))])
    text = keys.decrypt((STATE / "molecule-values.yml").read_bytes()).decode()
    return yaml.safe_load(text.replace("!unsafe ", ""))


@pytest.fixture
def users():
    return testinfra.get_host("local://")


def test_folder_is_for_root_only(host):
    folder = host.file(FOLDER)
    assert (folder.user, folder.group, folder.mode) == ("root", "root", 0o700)
    assert host.file(f"{FOLDER}/installer.sh").mode == 0o700
    assert host.file(f"{FOLDER}/corp-test.lic").mode == 0o600


def test_installer_is_the_one_that_was_pinned(host):
    assert host.file(f"{FOLDER}/installer.sh").sha256sum == (STATE / "mts_link/installer.sha256").read_text().strip()


def test_pair_lies_beside_it_as_files(host):
    crt, key = (host.file(f"{FOLDER}/certs/{DOMAIN}.{suffix}") for suffix in ("crt", "key"))
    assert crt.is_file and not crt.is_symlink and crt.content_string.count("BEGIN CERTIFICATE") == 2
    assert key.is_file and not key.is_symlink and key.mode == 0o600
    assert sorted(host.file(f"{FOLDER}/certs").listdir()) == [f"{DOMAIN}.crt", f"{DOMAIN}.key"]


def test_the_certificate_that_was_taken_is_known(host):
    mark = host.file(f"/var/lib/onprem-chat/mts-link/certificate-{DOMAIN}.sha256")
    assert (mark.user, mark.mode) == ("root", 0o600)
    assert mark.content_string.strip() == host.file(f"{FOLDER}/certs/{DOMAIN}.crt").sha256sum


def test_every_question_was_asked_once(host):
    lines = host.file("/var/log/mts-link-standin.log").content_string.splitlines()
    asked = [line.split(" ", 3)[3] for line in lines if " asked " in line]
    assert asked == ["asked licence_key", "asked client_id", "asked client_secret"]
    assert sum(line.endswith(" installed") for line in lines) == 1


def test_the_token_is_kept_in_the_vault_and_in_the_journal(host):
    token = host.file("/opt/mts-link-chats/token").content_string.strip()
    assert len(token) > 20
    values = vault()
    assert values["vault_mts_link_token"] == token
    assert sorted(values) == ["vault_mts_link_client_id", "vault_mts_link_client_secret", "vault_mts_link_token"]
    journal = host.file(f"/var/lib/onprem-chat/dialogs/mts-link-chats-{DOMAIN}/journal.json")
    assert token in journal.content_string and journal.mode & 0o077 == 0


def test_the_vault_is_encrypted_and_for_its_owner_only():
    file = STATE / "molecule-values.yml"
    assert file.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_ansible_reads_it_as_variables(tmp_path):
    password = tmp_path / "password"
    password.write_text(SECRETS["administrator"])
    password.chmod(0o600)
    command = [
        "ansible",
        "localhost",
        "-i",
        "localhost,",
        "-m",
        "ansible.builtin.debug",
        "-a",
        "var=vault_mts_link_token",
    ]
    answer = subprocess.run(
        [*command, "-e", f"@{STATE / 'molecule-values.yml'}", f"--vault-password-file={password}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert vault()["vault_mts_link_token"] in answer.stdout


def as_root(script: str) -> str:
    """What a shell on the host prints; the script goes by standard input, so that sudo does not log what is looked for."""
    command = ["ssh", "-F", str(STATE / "ssh_config"), "chat", "sudo", "sh", "-s"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=False).stdout.strip()


def test_no_value_lies_where_others_may_read_it():
    secrets = "\n".join([*vault().values(), SECRETS["mts-link-licence-key"]])
    folders = "/etc /opt /var /home /tmp /root /run"
    look = "runuser -u nobody -- grep -rlF --devices=skip -f - {} 2>/dev/null <<'X'\n{}\nX\n"
    assert as_root(look.format(folders, secrets)) == ""
    # The same way finds what others may read.
    assert "/etc/debian_version" in as_root(look.format(folders, as_root("cat /etc/debian_version")))


def test_no_value_is_in_the_system_log():
    secrets = "\n".join([*vault().values(), SECRETS["mts-link-licence-key"]])
    assert as_root(f"journalctl --no-pager | grep -cF -f /dev/fd/3 3<<'X'\n{secrets}\nX\n") == "0"
    assert as_root("journalctl --no-pager | grep -cF -f /dev/fd/3 3<<'X'\nsystemd\nX\n") != "0"


@pytest.mark.parametrize(("path", "status"), [("/chats/", "200"), ("/", "403")])
def test_users_get_the_page(users, path, status):
    curl = users.run(
        "curl -sS -o /dev/null -w '%%{http_code}' --cacert %s %s", str(STATE / "molecule-pki/root.crt"), PAGE + path
    )
    assert (curl.rc, curl.stdout) == (0, status), curl.stderr


def test_meetings_was_told_the_token():
    meetings = testinfra.get_host("ssh://meetings", ssh_config=str(STATE / "ssh_config"), sudo=True)
    assert meetings.file(f"/opt/webinar/chats/{DOMAIN}.token").content_string.strip() == vault()["vault_mts_link_token"]
    log = meetings.file("/var/log/mts-link-standin.log").content_string
    assert log.count("add_chats_token.sh asked token") == 1
    assert log.count("installer.sh asked domain") == 1
