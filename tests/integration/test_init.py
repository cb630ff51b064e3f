# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb init: what it finds out, what it writes, what it refuses, and that no secret is shown."""

from __future__ import annotations

import re
import shutil
import stat

import pytest
import yaml
from conftest import ROOT

FILES = [
    ".gitignore",
    ".vault_password",
    "ansible.cfg",
    "files/README.md",
    "group_vars/all/site.yml",
    "group_vars/all/vault.yml",
    "hosts.yml",
]


def init(lab, folder, *arguments, domain="corp.test"):
    return lab.exec(
        "users",
        [
            "ansible-playbook",
            "onprem.chat.init",
            "-vvv",
            "--diff",
            "-e",
            f"chat_domain={domain}",
            "-e",
            f"chat_inventory={folder}",
            *arguments,
        ],
    )


def written(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def made(lab, tmp_path_factory):
    """A starter inventory and what was printed."""
    folder = tmp_path_factory.mktemp("init") / "my-site"
    result = init(
        lab,
        folder,
        "-e",
        "chat_addresses=10.203.0.20",
        "-e",
        f"chat_ad_ca_file={lab.state / 'company-ca.crt'}",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, result.stdout + result.stderr


@pytest.fixture(scope="module")
def vault(lab, made):
    """The secrets, decrypted by the stock tool with the written password file."""
    folder, _text = made
    result = lab.exec(
        "users",
        [
            "ansible-vault",
            "view",
            "--vault-password-file",
            str(folder / ".vault_password"),
            str(folder / "group_vars/all/vault.yml"),
        ],
        check=True,
    )
    return yaml.safe_load(result.stdout)


def test_writes_an_inventory(made):
    folder, text = made
    assert written(folder) == sorted([*FILES, "files/company-ca.pem"])
    assert f"Written to {folder}:" in text


def test_discovers_what_dns_knows(made):
    folder, text = made
    site = (folder / "group_vars/all/site.yml").read_text()
    values = yaml.safe_load(site)
    assert values["chat_dns_server"] == "dc1.corp.test"
    assert "chat_ldap_servers" not in values  # looked up at every run
    assert "# chat_ldap_servers: [dc1.corp.test]  # found in DNS" in site
    assert values["chat_ldap_bind_dn"] == "CN=svc-chat-ldap,CN=Users,DC=corp,DC=test"
    assert values["chat_dns_principal"] == "svc-chat-dns@CORP.TEST"
    assert values["chat_addresses"] == ["10.203.0.20"]
    assert "CHANGE_ME" not in re.sub(r"#.*", "", site)
    assert "Found: domain controllers dc1.corp.test" in text


def test_secrets_are_vaulted(made, vault):
    folder, _text = made
    assert (folder / "group_vars/all/vault.yml").read_text().startswith("$ANSIBLE_VAULT;")
    assert set(vault) == {"vault_chat_ldap_bind_password", "vault_chat_dns_password", "vault_chat_ca_passphrase"}
    assert all(len(secret) >= 30 for secret in vault.values())
    assert len(set(vault.values())) == 3


def test_secrets_are_for_the_owner_only(made):
    folder, _text = made
    for name in (".vault_password", "group_vars/all/vault.yml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0
    assert ".vault_password" in (folder / ".gitignore").read_text().splitlines()


def test_no_secret_is_shown(made, vault):
    folder, text = made
    password = (folder / ".vault_password").read_text().strip()
    assert len(password) == 48
    assert [secret for secret in [password, *vault.values()] if secret in text] == []


def test_says_what_to_do_next(made):
    folder, text = made
    for words in (
        f"1. cd {folder}",
        "svc-chat-ldap  a plain user who reads the directory (CN=svc-chat-ldap,CN=Users,DC=corp,DC=test)",
        "svc-chat-dns   a user who may write into the DNS zone corp.test (member of DnsAdmins)",
        "Their passwords:  ansible-vault view group_vars/all/vault.yml",
        "5. ssh deploy@10.203.0.20",
        "6. ansible-playbook onprem.chat.preflight",
    ):
        assert words in text


def test_the_inventory_is_sound(lab, made, tmp_path):
    folder, _text = made
    playbook = tmp_path / "guard.yml"
    playbook.write_text("- hosts: chat_servers\n  gather_facts: false\n  tasks:\n    - onprem.chat.site_info:\n")
    result = lab.exec("users", ["sh", "-c", f"cd {folder} && ansible-playbook {playbook} -v"])
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "all known and sound" in text
    assert "[WARNING]" not in text


def readme_commands():
    """What the README tells to type after `init`, in its order."""
    steps = (ROOT / "README.md").read_text().partition("## Your own site in five steps")[2].partition("\n## ")[0]
    commands = re.findall(r"(?m)^ {7}((?:cd|ansible-playbook) .*)$", steps)
    assert "-e chat_inventory=./my-site" in commands[0]
    return commands[1:]


def test_the_commands_of_the_readme(lab, made, tmp_path):
    """Typed one after the other: the vault opens, and no file of the site is taken for an inventory or even run."""
    shutil.copytree(made[0], tmp_path / "my-site")
    canary = tmp_path / "canary"
    installer = tmp_path / "my-site/files/installer.sh"
    installer.write_text(f"#!/bin/sh\ntouch {canary}\n")
    installer.chmod(0o755)
    guard = tmp_path / "guard.yml"
    guard.write_text("- hosts: chat_servers\n  gather_facts: false\n  tasks:\n    - onprem.chat.site_info:\n")
    commands = readme_commands()
    verbs = [re.search(r"onprem\.chat\.\w+", command) for command in commands]
    assert [verb.group() for verb in verbs if verb] == [
        f"onprem.chat.{name}" for name in ("preflight", "site", "site", "verify")
    ]
    # The guard needs no host, and what each verb would do is not done.
    guarded = list(dict.fromkeys(re.sub(r"onprem\.chat\.\w+", str(guard), command) for command in commands))
    listed = [f"{command} --list-hosts" for command in commands if "ansible-playbook" in command]
    result = lab.exec("users", ["sh", "-exc", "\n".join([f"cd {tmp_path}", *guarded, *listed])])
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert len(re.findall(r"chat\.corp\.test +: ok=1 ", text)) == sum(
        "ansible-playbook" in command for command in guarded
    )
    assert "[WARNING]" not in text
    assert not canary.exists()


def test_refuses_to_overwrite(lab, made):
    folder, _text = made
    before = {name: (folder / name).read_bytes() for name in written(folder)}
    result = init(lab, folder)
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"{folder} already holds .gitignore, ansible.cfg, hosts.yml, group_vars/all/site.yml" in text
    assert "Nothing was written. Give another folder in chat_inventory, or move these files away." in text
    assert {name: (folder / name).read_bytes() for name in written(folder)} == before


def test_refuses_for_a_single_file(lab, tmp_path):
    folder = tmp_path / "site"
    (folder / "group_vars" / "all").mkdir(parents=True)
    (folder / "group_vars/all/vault.yml").write_text("mine")
    result = init(lab, folder)
    assert result.returncode != 0
    assert f"{folder} already holds group_vars/all/vault.yml." in result.stdout + result.stderr
    assert written(folder) == ["group_vars/all/vault.yml"]


def test_check_mode_writes_nothing(lab, tmp_path):
    result = init(lab, tmp_path / "site", "--check")
    text = result.stdout + result.stderr
    assert result.returncode == 0, text
    assert "Would write (check mode) to " in text
    assert list(tmp_path.iterdir()) == []


def test_what_dns_does_not_know_is_marked(lab, tmp_path):
    result = init(lab, tmp_path / "site", domain="other.test")
    assert result.returncode == 0
    site = yaml.safe_load((tmp_path / "site/group_vars/all/site.yml").read_text())
    assert site["chat_addresses"] == site["chat_ldap_servers"] == ["CHANGE_ME"]
    assert site["chat_dns_server"] == "CHANGE_ME"
    assert "above all CHANGE_ME" in result.stdout


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "is no file"), (b"0\x82\x03\xff DER", "is no PEM file with a certificate")]
)
def test_a_ca_file_that_is_none(lab, tmp_path, content, reason):
    """Told before anything is written: the next run would refuse what is there."""
    file = tmp_path / "company-ca.cer"
    if content:
        file.write_bytes(content)
    result = init(lab, tmp_path / "site", "-e", f"chat_ad_ca_file={file}")
    assert result.returncode != 0
    text = " ".join((result.stdout + result.stderr).split())
    assert f"chat_ad_ca_file: {file} {reason}. Nothing was written." in text
    assert not (tmp_path / "site").exists()


def test_a_home_that_the_shell_left_alone(lab, tmp_path, monkeypatch):
    """zsh and sh hand over chat_inventory=~/my-site as it is. A folder named ~ is a trap for rm -r."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_bytes((lab.state / "company-ca.crt").read_bytes())
    result = init(lab, "~/my-site", "-e", "chat_ad_ca_file=~/ca.pem")
    assert result.returncode == 0, result.stdout + result.stderr
    assert written(tmp_path / "my-site") == sorted([*FILES, "files/company-ca.pem"])
    assert not (ROOT / "~").exists()


def test_a_folder_with_a_space(lab, tmp_path):
    result = init(lab, f"'{tmp_path}/our site'")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"1. cd '{tmp_path}/our site'" in result.stdout


@pytest.mark.parametrize("domain", ["corp", "Corp.test", "10.0.0.1", "corp test", "-x.test"])
def test_a_domain_that_is_no_name(lab, tmp_path, domain):
    result = init(lab, tmp_path / "site", domain=f"'{domain}'")
    text = result.stdout + result.stderr
    assert result.returncode != 0
    assert f"'{domain}', which is no full DNS name in lower case." in text
    assert list(tmp_path.iterdir()) == []


def test_says_how_it_is_called(lab):
    result = lab.exec("users", ["ansible-playbook", "onprem.chat.init"])
    assert result.returncode != 0
    assert (
        "Say which domain the chat serves and where to write the inventory: ansible-playbook onprem.chat.init -e"
        in (result.stdout + result.stderr)
    )
