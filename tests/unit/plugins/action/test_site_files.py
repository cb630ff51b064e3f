# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site file's description, its page, the mapping and the example agree with each other."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.action.site_info import read_rules
from ansible_collections.onprem.chat.plugins.plugin_utils._site_guard import FORMATS, Variable, judge

ROOT = pathlib.Path(__file__).resolve().parents[4]
KEYS = read_rules().site_keys


def load(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("site_file", ROOT / "tests" / "tools" / "site_file.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "site_file.md").read_text(encoding="utf-8") == module.render(KEYS), (
        "run python tests/tools/site_file.py > docs/site_file.md"
    )


@pytest.mark.parametrize("name", KEYS)
def test_the_page_lists_the_key(name):
    assert f"**`{name}`**" in (ROOT / "docs" / "site_file.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KEYS)
def test_the_description_of_a_key(name):
    spec = KEYS[name]
    allowed = {"section", "type", "elements", "keys", "format", "choices", "required", "required_if", "default"}
    assert set(spec) <= allowed | {"required_unless", "example", "description", "secret", "min_length", "range"}
    assert "range" not in spec or spec["type"] == "int"
    assert "min_length" not in spec or (spec["type"] == "str" and spec.get("secret"))
    assert set((spec.get("required_unless") or {}).values()) <= {"set", "empty"}
    assert set(spec.get("required_unless") or {}) | set(spec.get("required_if") or {}) <= set(KEYS)
    assert spec["description"] and spec["section"]
    assert spec.get("required") or spec.get("required_if") or "default" in spec
    assert spec.get("format", "fqdn") in FORMATS or spec["format"] == "jid_in_domain"
    assert not (spec.get("secret") and "choices" in spec)


def test_the_mapping_uses_known_keys_and_no_role_does():
    mapping = (ROOT / "playbooks" / "vars" / "site.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"\bchat_[a-z0-9_]+", re.sub(r"#.*", "", mapping))) - {"chat_servers"}
    assert used <= set(KEYS)
    assert set(KEYS) - used == {"chat_foreign_variables"}


def test_the_mapping_knows_every_key_or_says_why():
    for name in load("playbooks/vars/site.yml"):
        assert name.startswith("__site_") or not name.startswith("chat_")


def roles_with_specs():
    return sorted(path.parts[-3] for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", roles_with_specs())
def test_the_mapping_gives_what_the_role_knows(role):
    options = read_rules().role_options[role]
    mapped = {name for name in load("playbooks/vars/site.yml") if name.startswith(f"{role}_")}
    assert mapped <= set(options)
    required = {name for name, spec in options.items() if spec.get("required")}
    assert required <= mapped


def example(secret, values=None):
    """The example's variables, its templates replaced."""
    text = yaml.safe_dump(values or load("inventories/example/group_vars/all/site.yml"))
    text = re.sub(r"\{\{ vault_\w+ \}\}", secret, text).replace("{{ inventory_dir }}/files/company-ca.pem", __file__)
    return {name: Variable(value) for name, value in yaml.safe_load(text).items()}


def test_the_example_is_sound():
    checks = judge(example("dummy-Secret-1"), read_rules())
    assert [check.evidence for check in checks.failures] == []


def test_the_example_with_its_placeholders_is_refused():
    failures = judge(example("CHANGE_ME"), read_rules()).failures
    assert {check.id for check in failures} == {"site.secret"}
    assert len(failures) == 6


def test_the_example_defines_the_secrets_that_it_uses():
    site = (ROOT / "inventories/example/group_vars/all/site.yml").read_text(encoding="utf-8")
    vault = load("inventories/example/group_vars/all/vault.yml")
    assert set(re.findall(r"\bvault_\w+", site)) == set(vault)
    assert set(vault.values()) == {"CHANGE_ME"}


def test_the_example_shows_every_key():
    text = (ROOT / "inventories/example/group_vars/all/site.yml").read_text(encoding="utf-8")
    assert [name for name in KEYS if name not in text] == []


def without_marks(path, begin, end):
    """A file of the example with the comment signs of one part taken away."""
    text = (ROOT / "inventories/example" / path).read_text(encoding="utf-8")
    before, part, after = re.fullmatch(rf"(?s)(.*?)({re.escape(begin)}.*?)({re.escape(end)}.*)", text).groups()
    return yaml.safe_load(before + re.sub(r"(?m)^( *)# ( *[\w.]+:)", r"\1\2", part) + after)


def test_the_example_with_its_part_for_mts_link():
    """As its comments say: with the keys at its end, without those that they take away, and with the group of hosts.yml."""
    values = without_marks("group_vars/all/site.yml", "# chat_product: mts_link", "# Variables of your own")
    assert values["chat_product"] == "mts_link"
    values |= {"chat_licence_file": __file__, "chat_installer_sha256": "0" * 64}
    groups = without_marks("hosts.yml", "# meetings_servers", "# Windows desktops")["all"]["children"]
    hosts = {name: list(group["hosts"]) for name, group in groups.items()}
    assert hosts == {"chat_servers": ["chat.corp.test"], "meetings_servers": ["meet.corp.test"]}
    assert groups["meetings_servers"]["hosts"]["meet.corp.test"]["ansible_become"] is True

    taken_away = {"chat_verify_users", "chat_verify_disabled_user"}
    site = example("dummy-Secret-1", {name: value for name, value in values.items() if name not in taken_away})
    assert [check.evidence for check in judge(site, read_rules(), hosts).failures] == []

    failures = judge(example("dummy-Secret-1", values), read_rules(), hosts | {"meetings_servers": []}).failures
    assert {check.subject.partition("[")[0].partition(".")[0] for check in failures} == taken_away | {
        "meetings_servers"
    }
    text = (ROOT / "inventories/example/group_vars/all/site.yml").read_text(encoding="utf-8")
    (advice,) = re.findall(r"(?s)# MTS Link on-premise.*?# chat_product", text)
    assert [name for name in (*taken_away, "meetings_servers") if name not in advice] == []
