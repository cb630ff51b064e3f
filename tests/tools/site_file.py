# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/site_file.md from playbooks/vars/site_spec.yml:   python tests/tools/site_file.py > docs/site_file.md"""

from __future__ import annotations

import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = ROOT / "playbooks" / "vars" / "site_spec.yml"
PAGE = ROOT / "docs" / "site_file.md"

HEAD = """# The site file

<!-- Written by tests/tools/site_file.py from playbooks/vars/site_spec.yml; a unit test compares the two. -->

One short file describes a site: `group_vars/all/site.yml` of the inventory. `ansible-playbook onprem.chat.init` writes the first
one, `inventories/example` shows a whole one. Secrets stand beside it in `group_vars/all/vault.yml`, encrypted by
`ansible-vault`, and the site file refers to them. A secret in which `{{`, `{%` or `{#` stands needs `!unsafe` there, or Ansible takes it
for a template: `vault_chat_dns_password: !unsafe 'P{{a'`.

Every playbook first checks the file (module `onprem.chat.site_info`): unknown and misspelt keys, missing ones, values of the
wrong kind. Everything that is not said here has a default in the role that uses it; a role's variable (see `roles/*/README.md`)
can be set in the inventory as well, unless it follows from a key of this page.

"Required" means for servers. A host that is a desktop and no server (group `chat_desktops`) needs nothing but the keys under
Desktops, so who only rolls out clients has a site file with these alone.
"""


def kind(spec: dict) -> str:
    words = {"str": "text", "bool": "true or false", "int": "number", "list": "list", "dict": "dictionary"}
    text = words[spec["type"]]
    if spec.get("range"):
        text += " from {} to {}".format(*spec["range"])
    if spec["type"] == "list":
        text += f", each a {kind(spec['elements'])}".replace("a IP", "an IP")
    if spec["type"] == "dict" and spec.get("keys"):
        text += " with " + ", ".join(f"`{key}`" for key in spec["keys"])
    if spec.get("choices"):
        text += ": " + ", ".join(f"`{choice}`" for choice in spec["choices"])
    formats = {
        "fqdn": "full DNS name",
        "dns_name": "full DNS name",
        "address": "IP address",
        "fqdn_or_address": "DNS name or IP address",
        "dn": "distinguished name",
        "dn_or_principal": "distinguished name",
        "principal": "Kerberos principal",
        "existing_file": "path of a file on the controller",
        "file_or_url": "path of a file on the controller, or an https URL",
        "sha256": "SHA-256, 64 hexadecimal digits",
    }
    return formats.get(spec.get("format", ""), text)


def needed(spec: dict) -> str:
    if spec.get("required"):
        return "required"
    conditions = [f"`{other}` is `{value}`" for other, value in (spec.get("required_if") or {}).items()]
    excuses = [f"`{other}` is {state}" for other, state in (spec.get("required_unless") or {}).items()]
    if conditions:
        return f"required when {' and '.join(conditions)}" + (f", unless {' or '.join(excuses)}" if excuses else "")
    return f"default: {spec['default']}"


def render(keys: dict) -> str:
    parts, section = [HEAD], None
    for name, spec in keys.items():
        if spec["section"] != section:
            section = spec["section"]
            parts.append(f"\n## {section}\n")
        secret = ", secret" if spec.get("secret") else ""
        parts.append(f"- **`{name}`** ({kind(spec)}{secret}; {needed(spec)}). {' '.join(spec['description'].split())}")
        if "example" in spec:
            shown = yaml.safe_dump(spec["example"], default_flow_style=True, width=200, sort_keys=False)
            shown = shown.removesuffix("...\n").strip()
            parts.append(f"\n  ```yaml\n  {name}: {shown}\n  ```\n")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(render(yaml.safe_load(SPEC.read_text(encoding="utf-8"))["site_keys"]))
