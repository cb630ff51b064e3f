# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""inventories/example_multi_domain: its files agree with each other and with what the collection knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.action.site_info import read_rules
from ansible_collections.onprem.chat.plugins.plugin_utils._site_guard import Variable, judge

EXAMPLE = Path(__file__).resolve().parents[4] / "inventories/example_multi_domain"
DIRECTORIES = sorted(EXAMPLE.glob("*.microsoft.ad.ldap.yml"))
GROUP_VARS = EXAMPLE / "group_vars"


def load(file: Path):
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def domain(file: Path) -> str:
    return file.name.partition("_")[2].partition(".")[0]


def test_the_site_file_is_sound():
    text = (GROUP_VARS / "all/site.yml").read_text(encoding="utf-8")
    text = re.sub(r"\{\{ vault_\w+ \}\}", "dummy-Secret-1", text)
    for file in ("/etc/onprem-chat/corp-root.pem", "/srv/packages/corp-chat-2.1.0.msi"):
        text = text.replace(file, __file__)
    site = yaml.safe_load(text)
    variables = {name: Variable(value) for name, value in site.items()}
    groups = {name: [] for name in load(EXAMPLE / "90_groups.yml")["all"]["children"]}
    failures = judge(variables, read_rules(), groups).failures
    assert [check.evidence for check in failures] == []
    assert set(site["chat_client_rings"]) <= set(groups)


@pytest.mark.parametrize("folder", ["all", *map(domain, DIRECTORIES)])
def test_secrets_that_are_used_are_defined_and_empty(folder):
    folder = folder if folder == "all" else f"{folder}_desktops"
    others = [file for file in (GROUP_VARS / folder).iterdir() if file.name != "vault.yml"]
    used = {name for file in others for name in re.findall(r"\bvault_\w+", file.read_text(encoding="utf-8"))}
    assert load(GROUP_VARS / folder / "vault.yml") == dict.fromkeys(used, "CHANGE_ME")


def test_each_domain_is_a_child_of_the_desktops():
    children = load(EXAMPLE / "90_groups.yml")["all"]["children"]["chat_desktops"]["children"]
    assert set(children) == {f"{domain(file)}_desktops" for file in DIRECTORIES}


def test_domains_are_searched_alike():
    """What may differ is who is asked, as whom, and the name of the domain's group."""
    alike = [
        {key: load(file)[key] for key in ("plugin", "filter", "attributes", "strict", "compose")}
        | {"groups": {name.replace(domain(file), "its"): rule for name, rule in load(file)["groups"].items()}}
        for file in DIRECTORIES
    ]
    assert len(alike) == 2
    assert alike[0] == alike[1]


@pytest.mark.parametrize("file", DIRECTORIES, ids=domain)
def test_no_domain_takes_an_unverified_connection(file):
    options = load(file)
    sealed = options["auth_protocol"] in ("kerberos", "ntlm", "negotiate") and options.get("port") == 389
    verified = options.get("tls_mode") == "ldaps" and "ca_cert" in options
    assert sealed or verified
    assert "cert_validation" not in options
    assert "encrypt" not in options
    assert options["password"] == "CHANGE_ME"
