#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: site_info
short_description: Finds mistakes in the variables of a site
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Judges all variables of the host that begin like those of this collection (C(chat_), or the name of one of its roles
    and an underscore) before anything is done with them.
  - Finds unknown and misspelt names, missing keys of the site file, values of the wrong kind, names that are no DNS
    names, addresses that are none, users outside of the chat domain, secrets left at the placeholder, and role variables
    that have no effect because the playbooks set them from the site file.
  - The keys of the site file are described in C(docs/site_file.md).
  - Runs on the controller; the host is not contacted. Values of secrets are never shown.
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  fail:
    description: Whether the task fails with one message that lists all mistakes.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Stop before anything is done with a misspelt variable
  onprem.chat.site_info:

- name: Only look
  onprem.chat.site_info:
    fail: false
  register: site
"""

RETURN = r"""
checks:
  description: One item for every mistake, or a single one with RV(checks[].status=pass).
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description:
        - V(site.variables), V(site.unknown), V(site.missing), V(site.type), V(site.value), V(site.secret) or
          V(site.conflict).
      type: str
      returned: always
    subject:
      description: The variable.
      type: str
      returned: always
    status:
      description: V(pass) or V(fail).
      type: str
      returned: always
    evidence:
      description: What is wrong, and in which file.
      type: str
      returned: always
    hint:
      description: What to do.
      type: str
      returned: always
    source:
      description: Document that asks for it.
      type: str
      returned: always
"""
