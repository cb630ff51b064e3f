# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What documentation and examples say about rolling out clients is what the site file and the modules take.

docs/clients.md, the commented part of inventories/example, the README of the role, and the EXAMPLES of win_registry; those of
the other two modules are looked at where their options are.
"""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.onprem.chat.plugins.action.site_info import read_rules
from ansible_collections.onprem.chat.plugins.modules import win_registry
from ansible_collections.onprem.chat.plugins.plugin_utils._client import options
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.options import argument_spec
from ansible_collections.onprem.chat.plugins.plugin_utils._registry.settings import from_options
from ansible_collections.onprem.chat.plugins.plugin_utils._site_guard import Variable, judge

ROOT = pathlib.Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs/clients.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
REG_FILE = b'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software\\Corp]\r\n"Server"="chat"\r\n'


def commented() -> str:
    """The part of the example site file about desktops, its comment signs taken away."""
    text = (ROOT / "inventories/example/group_vars/all/site.yml").read_text(encoding="utf-8")
    part = re.search(r"^# -- desktops -.*?(?=^# -- )", text, re.DOTALL | re.MULTILINE)[0]
    return "\n".join(line[2:] for line in part.splitlines() if re.match(r"# (chat_\w+:|  )", line))


def filled_in(text: str) -> dict:
    """With real values for what nobody knows, and files that are there."""
    text = re.sub(r"\{\{ inventory_dir \}\}/files/[\w.-]+", pathlib.Path(__file__).as_posix(), text)
    return yaml.safe_load(text.replace("[CHANGE_ME]", "[/S]").replace("CHANGE_ME", "Corp Chat"))


def failures(values: dict) -> list[str]:
    variables = {name: Variable(value) for name, value in values.items()}
    return [check.evidence for check in judge(variables, read_rules(), desktop=True).failures]


EVERY = {**{f"page-{number}": block for number, block in enumerate(BLOCKS, 1)}, "example": commented()}


def test_there_is_something_to_look_at():
    assert len(BLOCKS) >= 7
    assert {"chat_clients", "chat_client_settings", "chat_client_rings"} <= set(yaml.safe_load(EVERY["example"]))


@pytest.mark.parametrize("name", EVERY)
def test_the_site_file_takes_it(name):
    assert failures(filled_in(EVERY[name])) == []


@pytest.mark.parametrize("name", EVERY)
def test_the_modules_take_it(name):
    values = filled_in(EVERY[name])
    for client in values.get("chat_clients", []):
        checked = ArgumentSpecValidator(options.argument_spec(), **options.RULES).validate(client)
        assert checked.error_messages == []
        assert from_options(client.get("settings", []), lambda path: REG_FILE) is not None
    settings = values.get("chat_client_settings", [])
    checked = ArgumentSpecValidator(argument_spec()).validate({"settings": settings})
    assert checked.error_messages == []
    assert from_options(settings, lambda path: REG_FILE) is not None


@pytest.mark.parametrize("name", [name for name in EVERY if "CHANGE_ME" in EVERY[name]])
def test_what_is_not_filled_in_is_refused(name):
    assert any("still the placeholder CHANGE_ME" in text for text in failures(yaml.safe_load(EVERY[name])))


def test_the_role_takes_the_example_of_its_readme():
    text = (ROOT / "roles/windows_client/README.md").read_text(encoding="utf-8")
    given = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])[0]["roles"][0]
    spec = yaml.safe_load((ROOT / "roles/windows_client/meta/argument_specs.yml").read_text(encoding="utf-8"))
    role = spec["argument_specs"]["main"]["options"]
    checked = ArgumentSpecValidator(role).validate({name: value for name, value in given.items() if name != "role"})
    assert checked.error_messages == []


def test_the_examples_of_win_registry():
    for task in yaml.safe_load(win_registry.EXAMPLES):
        given = task["onprem.chat.win_registry"]
        checked = ArgumentSpecValidator(argument_spec()).validate(given)
        assert checked.error_messages == []
        assert from_options(checked.validated_parameters["settings"], lambda path: REG_FILE) is not None
