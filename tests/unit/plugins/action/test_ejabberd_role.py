# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role ejabberd writes into ejabberd.yml, and what preflight asks for the same site."""

from __future__ import annotations

import pathlib

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = pathlib.Path(__file__).resolve().parents[4]
ROLE = ROOT / "roles" / "ejabberd"
HOST = {
    "ansible_managed": "managed",
    "ejabberd_domains": ["corp.test"],
    "ejabberd_certificate_file": "/certs/chat.crt",
    "ejabberd_key_file": "/certs/chat.key",
    "ejabberd_ldap_servers": ["dc1.corp.test"],
    "ejabberd_ldap_base": "DC=corp,DC=test",
    "ejabberd_ldap_bind_dn": "CN=chat,DC=corp,DC=test",
    "__ejabberd_listen_address": "::",
}


def written(**variables):
    """The options of ejabberd.yml, rendered as the module template does it."""
    loader = DataLoader()
    known = {}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    templar = Templar(loader, variables=known | HOST | variables)
    text = (ROLE / "templates" / "ejabberd.yml.j2").read_text(encoding="utf-8")
    rendered = templar.template(
        trust_as_template(text), escape_backslashes=False, overrides={"trim_blocks": True, "lstrip_blocks": False}
    )
    return yaml.safe_load(rendered)


def asked(group):
    """The filter with which preflight looks for the same users."""
    loader = DataLoader()
    tasks = loader.load_from_file(str(ROOT / "playbooks/tasks/preflight_directory.yml"), trusted_as_template=True)
    arguments = next(task["onprem.chat.ldap_info"] for task in tasks if "onprem.chat.ldap_info" in task)
    assert arguments["group"] == "{{ chat_users_group | default(omit, true) }}"  # a name, not a part of a filter
    return Templar(loader, variables={"chat_users_group": group}).template(arguments["filter"])


GROUPS = [
    ("CN=Chat Users,DC=corp,DC=test", "CN=Chat Users,DC=corp,DC=test"),
    ("CN=Chat Users (Moscow),DC=corp,DC=test", "CN=Chat Users \\28Moscow\\29,DC=corp,DC=test"),
    ("CN=Chat*,DC=corp,DC=test", "CN=Chat\\2a,DC=corp,DC=test"),
    ("CN=Chat\\, Users,DC=corp,DC=test", "CN=Chat\\, Users,DC=corp,DC=test"),
]


@pytest.mark.parametrize(("group", "value"), GROUPS)
def test_the_group_does_not_change_the_meaning_of_the_filter(group, value):
    member = f"(memberOf:1.2.840.113556.1.4.1941:={value})"
    assert written(ejabberd_ldap_users_group=group)["ldap_filter"] == (
        f"(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)){member})"
    )
    assert asked(group) == (
        f"(&(objectClass=user)(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2)){member})"
    )


def test_without_a_group_every_user_may_log_in():
    assert "memberOf" not in written()["ldap_filter"]
    assert "memberOf" not in asked("")


def test_one_server_answers_and_the_others_stand_by():
    """In ldap_servers each would be a connection of its own that knows no other server."""
    several = written(ejabberd_ldap_servers=["dc1.corp.test", "dc2.corp.test", "dc3.corp.test"])
    assert several["ldap_servers"] == ["dc1.corp.test"]
    assert several["ldap_backups"] == ["dc2.corp.test", "dc3.corp.test"]
    assert written()["ldap_servers"] == ["dc1.corp.test"]
    assert "ldap_backups" not in written()
