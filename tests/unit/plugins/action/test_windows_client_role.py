# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role windows_client and the site file know every option of the modules behind them."""

from __future__ import annotations

import pathlib

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from ansible_collections.onprem.chat.plugins.plugin_utils._client.options import argument_spec

ROOT = pathlib.Path(__file__).resolve().parents[4]
ROLE = ROOT / "roles" / "windows_client"


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def site_keys():
    return load(ROOT / "playbooks" / "vars" / "site_spec.yml")["site_keys"]


def kind_of(option):
    return option["type"], option.get("elements"), option.get("choices")


def test_the_role_hands_over_every_option():
    block = load(ROLE / "tasks" / "desktop.yml")[0]["block"]
    given = next(task["onprem.chat.win_client"] for task in block if "onprem.chat.win_client" in task)
    assert set(given) == set(argument_spec())
    assert all(f".{name} |" in text for name, text in given.items()), given


def test_the_role_describes_every_option():
    options = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    described = options["windows_client_packages"]["options"]
    assert {name: kind_of(option) for name, option in described.items()} == {
        name: kind_of(option) for name, option in argument_spec().items()
    }


def test_the_site_file_takes_every_option():
    keys = site_keys()["chat_clients"]["elements"]["keys"]
    assert set(keys) == set(argument_spec())
    # So that a misspelt word is found before the first desktop is asked.
    assert {name: key.get("choices") for name, key in keys.items()} == {
        name: option.get("choices") for name, option in argument_spec().items()
    }


def test_the_site_file_takes_every_setting():
    settings = set(argument_spec()["settings"]["options"])
    assert set(site_keys()["chat_client_settings"]["elements"]["keys"]) == settings
    keys = site_keys()["chat_clients"]["elements"]["keys"]["settings"]["elements"]["keys"]
    assert set(keys) == settings
    words = argument_spec()["settings"]["options"]["type"]["choices"]
    assert keys["type"]["choices"] == words


def test_a_reg_file_is_one_of_the_user(tmp_path, monkeypatch):
    """As every other relative path of the role: from where Ansible was started."""
    monkeypatch.chdir(tmp_path)
    loader = DataLoader()
    variables = loader.load_from_file(str(ROLE / "vars" / "main.yml"), trusted_as_template=True)
    settings = [{"key": "HKLM\\SOFTWARE\\Corp", "name": "A", "data": 0}, {"reg_file": "files/corp.reg"}]
    found = [settings[0], {"reg_file": f"{tmp_path}/files/corp.reg"}]
    variables |= {"windows_client_packages": [{"package": "a.msi", "settings": settings}], "__windows_client_number": 0}
    block = load(ROLE / "tasks" / "desktop.yml")[0]["block"]
    given = block[0]["onprem.chat.win_client"]["settings"]
    assert Templar(loader, variables=variables).template(trust_as_template(given)) == found
    other = next(task for task in block if "onprem.chat.win_registry" in task)
    variables |= {"windows_client_settings": settings} | {
        name: trust_as_template(text) for name, text in other["vars"].items()
    }
    given = other["onprem.chat.win_registry"]["settings"]
    assert Templar(loader, variables=variables).template(trust_as_template(given)) == found


def test_the_results_tell_how_it_is_with_each_user():
    """A desktop is done when everybody has the client or will get it at his next logon. Who waits is seen nowhere else."""
    loader = DataLoader()
    variables = loader.load_from_file(str(ROLE / "vars" / "main.yml"), trusted_as_template=True)
    users = [{"name": "anna", "state": "pending"}, {"name": "boris", "state": "installed"}]
    variables |= {"__windows_client_run": {"results": [{"changed": False, "users": users, "diff": {"before": "x"}}]}}
    seen = trust_as_template("{{ __windows_client_packages_seen }}")
    assert Templar(loader, variables=variables).template(seen) == [{"changed": False, "users": users}]
