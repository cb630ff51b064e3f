# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dns_faults
short_description: What cannot be meant in the variables of the role dns
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Says in words what an argument specification cannot find, such as two views of the same name, an address that is none, or
    a name that is to be published and removed.
  - Meant for the role C(onprem.chat.dns). Secrets never become part of a text.
positional: views
options:
  _input:
    description: The same as for P(onprem.chat.dns_targets#filter).
    type: dict
    required: true
  views:
    description: The variable C(dns_views) of the role.
    type: list
    elements: dict
    default: []
  split:
    description: With V(fail) it is a fault when a view gives a host other addresses.
    type: str
    choices: [allow, warn, fail]
    default: warn
  method:
    description: With V(export) neither server nor key are needed.
    type: str
    choices: [update, export]
    default: update
"""

EXAMPLES = r"""
- name: Two views of one name
  ansible.builtin.debug:
    msg: "{{ own | onprem.chat.dns_faults([{'name': 'external'}, {'name': 'external'}]) }}"
  vars:
    own:
      server: ns1.corp.test
      port: 53
      zone: corp.test
      auth: none
      domain: corp.test
      ttl: 86400
      no_service: remove
      state: present
      hosts:
        - {name: chat.corp.test, addresses: [10.203.0.20]}
      services: []
      retired_names: []
"""

RETURN = r"""
_value:
  description: Sentences; none when everything is sound.
  type: list
  elements: str
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import faults, plain


def dns_faults(own, views=(), split="warn", method="update"):
    """The sentences."""
    return faults(plain(own), plain(views), split, method)


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"dns_faults": dns_faults}
