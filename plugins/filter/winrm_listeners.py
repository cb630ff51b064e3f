# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: winrm_listeners
short_description: Where hosts listen for WinRM over HTTPS
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Takes the variables of hosts and gives address and port of those that Ansible reaches with the connections C(winrm) or C(psrp)
    over HTTPS. Other hosts are left out.
  - A host whose variables cannot be used is given with C(problem), the reason, instead of a port.
  - Without a port and a scheme it is HTTPS on 5986, as for these connections themselves; with port 5985 it is HTTP.
options:
  _input:
    description: The variables of each host, as in C(hostvars).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Where do the Windows hosts of this inventory listen?
  ansible.builtin.debug:
    msg: "{{ groups['all'] | map('extract', hostvars) | onprem.chat.winrm_listeners }}"
"""

RETURN = r"""
_value:
  description: C(host) and C(port) of each, or C(host) and C(problem).
  type: list
  elements: dict
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm_listeners import listeners


def winrm_listeners(hosts):
    """The listeners."""
    return listeners(hosts)


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"winrm_listeners": winrm_listeners}
