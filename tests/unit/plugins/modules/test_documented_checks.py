# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module that gives checks documents them as they are.

Not by a fragment: ansible-core reads fragments for RETURN since 2.21 only, and 2.19 takes extends_documentation_fragment for a value.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.module_utils._checks import STATUSES, Check

MODULES = pathlib.Path(__file__).resolve().parents[4] / "plugins" / "modules"


def returned(path: pathlib.Path) -> dict:
    """What the module documents as its result."""
    found = re.search(r'^RETURN = r"""\n(.*?)^"""', path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return (yaml.safe_load(found[1]) if found else None) or {}


CHECKS = {path.stem: found["checks"] for path in sorted(MODULES.glob("*.py")) if "checks" in (found := returned(path))}


def test_the_modules_that_ask_questions_are_found():
    assert {"host_info", "win_client_info", "xmpp_info"} <= set(CHECKS)


@pytest.mark.parametrize("module", CHECKS)
def test_a_check_is_documented_part_by_part(module):
    documented = CHECKS[module]
    assert (documented["type"], documented["elements"]) == ("list", "dict")
    parts = documented["contains"]
    assert list(parts) == [field.name for field in dataclasses.fields(Check)]
    assert {part["type"] for part in parts.values()} == {"str"}
    assert {part.get("returned") for part in parts.values()} == {"always"}
    named = set(re.findall(r"V\((\w+)\)", str(parts["status"]["description"])))
    assert {"pass", "fail"} <= named <= set(STATUSES)


@pytest.mark.parametrize("module", [name for name, one in CHECKS.items() if "sample" in one])
def test_a_sample_is_a_check(module):
    for sample in CHECKS[module]["sample"]:
        assert Check(**sample).as_dict() == sample
