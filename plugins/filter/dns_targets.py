# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dns_targets
short_description: From the variables of the role dns to what is written where
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - The role's own variables are the first target, each of its views is another one. A view takes from the role what it does not
    say, with two exceptions. Who names another key or another account in a view gets nothing of the role's own key or
    account, and then C(auth) is V(tsig) or V(gss_tsig) unless the view says it. A view with another C(auth) gets no key or
    account of the role's that serves the other kind.
  - Meant for the role C(onprem.chat.dns). The result holds secrets; loop over its indexes and not over itself.
positional: views
options:
  _input:
    description:
      - Server, authentication and records of the role itself, by the names of its variables without the prefix C(dns_).
    type: dict
    required: true
  views:
    description: The variable C(dns_views) of the role.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Which record sets the role would write where
  ansible.builtin.debug:
    msg: "{{ own | onprem.chat.dns_targets([external]) | map(attribute='records') }}"
  vars:
    own:
      server: ns1.corp.test
      port: 53
      zone: corp.test
      auth: tsig
      tsig_key_file: /etc/onprem-chat/internal.key
      domain: corp.test
      ttl: 86400
      no_service: remove
      state: present
      hosts:
        - {name: chat.corp.test, addresses: [10.203.0.20]}
      services:
        - {service: xmpp-client, port: 5222, priority: 5}
      retired_names: []
    external: {name: external, tsig_key_file: /etc/onprem-chat/external.key, addresses: [192.0.2.20]}
"""

RETURN = r"""
_value:
  description:
    - One dictionary for each target, with C(name), C(label) for people, C(file) for file names, the options of
      M(onprem.chat.dns_records) and M(onprem.chat.dns_info), and C(records).
  type: list
  elements: dict
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import plain, targets


def dns_targets(own, views=()):
    """The targets."""
    return targets(plain(own), plain(views))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"dns_targets": dns_targets}
