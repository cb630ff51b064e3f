# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the oldest ansible-core that meta/runtime.yml permits cannot do, and the tests' own, newer one can."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
# In templates of files, 2.19.0 raises for a missing key before the filter is asked; get() works everywhere.
SUBSCRIPT_WITH_DEFAULT = re.compile(r"\w\[[a-z_]+\]\s*\|\s*default\b")


def test_no_default_for_a_missing_key_in_templates():
    templates = sorted(ROOT.glob("roles/*/templates/**/*.j2")) + sorted(ROOT.glob("playbooks/templates/**/*.j2"))
    assert templates
    found = [str(file) for file in templates if SUBSCRIPT_WITH_DEFAULT.search(file.read_text(encoding="utf-8"))]
    assert found == []
