# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a site file cannot use as they are: what is told, by Ansible's own templating, and what is not."""

from __future__ import annotations

import json

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.onprem.chat.plugins.action.site_info import ActionModule, read_rules
from ansible_collections.onprem.chat.plugins.plugin_utils import _site_guard as tested

RULES = tested.Rules(site_keys=read_rules().site_keys, role_options={})
PIECE = "canaryS3cret"
TEMPLATES = [
    f"P{{{{a {PIECE}",
    f"P{{{{a {PIECE}}}}}",
    f"P{{{{a|{PIECE}}}}}",
    f"P{{{{4 is {PIECE}}}}}",
    f"P{{{{4.{PIECE}}}}}",
    f"P{{{{{PIECE}}}}}",
    f"P{{%{PIECE}",
    f"P{{#{PIECE}",
]


def judge(variables):
    """Failures of what an inventory says, evaluated as in a run."""
    trusted = json.loads(json.dumps(variables), object_hook=lambda item: {key: trust(item[key]) for key in item})
    action = ActionModule.__new__(ActionModule)
    action._templar = Templar(loader=DataLoader(), variables=trusted)
    return tested.judge(action._variables(trusted, RULES), RULES, {}, desktop=True).failures


def trust(value):
    if isinstance(value, list):
        return [trust(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


@pytest.mark.parametrize("secret", TEMPLATES)
@pytest.mark.parametrize(
    "site",
    [
        {"chat_dns_password": "{{ vault_x }}"},
        {"chat_verify_users": [{"jid": "anna@corp.test", "password": "{{ vault_x }}"}]},
        {"chat_client_settings": [{"key": r"HKLM\SOFTWARE\x", "data": "{{ vault_x }}"}]},
    ],
    ids=["key", "inside", "of no secret"],
)
def test_no_piece_of_a_secret_is_told(secret, site):
    (failure,) = judge({**site, "vault_x": secret})
    assert "cannot be evaluated: " in failure.evidence
    if "chat_client_settings" not in site:
        assert PIECE not in failure.evidence
        assert "in the vault file, !unsafe keeps it as it is: NAME: !unsafe 'SECRET'" in failure.hint
    elif "Syntax error" in failure.evidence:
        assert PIECE not in failure.evidence


@pytest.mark.parametrize("secret", TEMPLATES)
def test_nor_of_one_that_stands_in_the_site_file(secret):
    (failure,) = judge({"chat_dns_password": secret})
    assert PIECE not in failure.evidence


def test_a_misspelt_name_is_still_told():
    (failure,) = judge({"chat_dns_password": "{{ vault_chat_dns_passwort }}"})
    assert failure.evidence == "chat_dns_password cannot be evaluated: 'vault_chat_dns_passwort' is undefined"
    (failure,) = judge({"chat_host": "{{ chat_domain | nix }}", "chat_domain": "corp.test"})
    assert "No filter named 'nix'" in failure.evidence


@pytest.mark.parametrize("secret", [f"{PIECE}\n", f"{PIECE}\r\n", f"\n{PIECE}", f"{PIECE}\r"])
@pytest.mark.parametrize("name", ["chat_dns_password", "ansible_password"])
def test_a_line_break(secret, name):
    """`echo … | ansible-vault encrypt_string` makes one. Every use of it is an attempt with a wrong password."""
    (failure,) = judge({name: "{{ vault_x }}", "vault_x": secret})
    assert failure.id == "site.secret"
    assert failure.evidence == f"{name} holds a line break, so it would be a wrong password"
    assert failure.hint.endswith("printf %s 'SECRET' | ansible-vault encrypt_string --stdin-name NAME")


@pytest.mark.parametrize(("value", "seen"), [(12345678, "a number"), (True, "true or false"), (1.5, "a number")])
def test_a_password_that_yaml_takes_for_something_else(value, seen):
    (failure,) = judge({"chat_dns_password": value})
    assert failure.evidence == f"chat_dns_password is {seen}, wanted text"
    assert failure.hint == "Put quotation marks around it: without them YAML does not take it for text."
