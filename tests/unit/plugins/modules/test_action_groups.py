# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What meta/runtime.yml says about groups of modules: each member has the options that are named as shared.

A module refuses an option that it does not have, also one that comes from module_defaults of its group.
"""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[4]
RUNTIME = (ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8")
GROUPS = yaml.safe_load(RUNTIME)["action_groups"]
# The comment above a group -> the options that it names.
NAMED = {
    group: re.findall(r"\w+", options)
    for comment, group in re.findall(r"((?:^  #.*\n)+)^  (\w+):$", RUNTIME, re.MULTILINE)
    for options in re.findall(r"Shared options?: ([\w, ]+)\.", re.sub(r"\s*\n\s*# ?", " ", comment))
}


def documented(folder: str, name: str) -> dict:
    """The documentation of a module or of a fragment."""
    text = (ROOT / "plugins" / folder / f"{name}.py").read_text(encoding="utf-8")
    found = re.search(r'^ *DOCUMENTATION = r"""\n(.*?)^ *"""', text, re.MULTILINE | re.DOTALL)
    assert found
    return yaml.safe_load(found[1])


def options(module: str) -> set[str]:
    """What the module documents as its options."""
    own = documented("modules", module)
    fragments = {name.split(".")[2] for name in own.get("extends_documentation_fragment", [])}
    parts = [own, *(documented("doc_fragments", name) for name in fragments)]
    return {option for part in parts for option in part.get("options", {})}


def test_the_group_of_the_windows_modules_names_what_they_share():
    assert NAMED["windows"]


@pytest.mark.parametrize(("group", "module"), [(group, module) for group in NAMED for module in GROUPS[group]])
def test_each_module_of_a_group_has_the_options_that_its_comment_names(group, module):
    assert set(NAMED[group]) <= options(module)
