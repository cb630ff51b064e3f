# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""meta/ee-requirements.txt is what users install: every library that a plugin imports stands there, and nothing else."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
# Where the package has another name than what is imported, or comes with another one.
PACKAGES = {
    "dns": "dnspython",
    "smbclient": "smbprotocol",
    "winrm": "pywinrm",
    "requests": "pywinrm",
    "xmltodict": "pywinrm",
}
# Ansible's own dependencies, Ansible itself, and what a managed host gets from its own distribution.
GIVEN = {"ansible", "ansible_collections", "jinja2", "yaml", "ptyprocess"}


def imported() -> set[str]:
    """Top names of what plugins import, that are not Python's own."""
    names: set[str] = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add((node.module or "").partition(".")[0])
    return names - set(sys.stdlib_module_names) - GIVEN


def test_every_library_that_is_imported_is_installed_and_no_other():
    lines = (ROOT / "meta/ee-requirements.txt").read_text().splitlines()
    listed = {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower() for line in lines if line and not line.startswith("#")}
    assert listed == {PACKAGES.get(name, name) for name in imported()}


@pytest.mark.parametrize(
    ("platform", "compiler", "headers"),
    [("dpkg", "gcc", {"libkrb5-dev", "python3-dev"}), ("rpm", "gcc", {"krb5-devel", "python3-devel"})],
)
def test_an_execution_environment_can_build_gssapi(platform, compiler, headers):
    """There are no wheels of gssapi and pykerberos for Linux, and the usual base images of execution environments are RPM ones."""
    lines = (ROOT / "meta/ee-bindep.txt").read_text().splitlines()
    compiled = {
        line.split()[0] for line in lines if re.search(rf"\[(?=.*platform:{platform}\b)(?=.*\bcompile\b).*\]", line)
    }
    assert compiled == {compiler} | headers


def test_what_is_installed_is_new_enough_for_each_module():
    """dnspython 2.6 cannot read an answer without its key, so `dns_records` does not work with it."""
    listed = dict(
        re.findall(r"(?m)^([A-Za-z0-9_-]+)[^>\n]*>=([0-9.]+)$", (ROOT / "meta/ee-requirements.txt").read_text())
    )
    documented = [
        (path.name, *found)
        for path in sorted([*(ROOT / "plugins/modules").glob("*.py"), *(ROOT / "plugins/doc_fragments").glob("*.py")])
        for found in re.findall(r"(?m)^  - ([A-Za-z0-9_-]+) >= ([0-9.]+)", path.read_text())
    ]
    assert ("_dns.py", "dnspython", "2.7") in documented
    assert [one for one in documented if _numbers(listed.get(one[1], "9999")) < _numbers(one[2])] == []


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
