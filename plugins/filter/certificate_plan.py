# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_plan
short_description: Which servers to ask for the dates of their certificates
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Turns the variable C(verify_certificates) of the role C(onprem.chat.verify) into endpoints for M(onprem.chat.tls_info), each once,
    and keeps beside them what is to be judged there. P(onprem.chat.certificate_dates#filter) takes both.
  - Of the servers that are marked as C(fleet) at most O(limit) are asked, every day others. With n slices all of them have been
    asked after n days, when the role runs every day.
positional: limit, days, day, missing
options:
  _input:
    description: The servers, as the role's documentation describes them.
    type: list
    elements: dict
    required: true
  limit:
    description: At how many servers of the fleet one run looks. V(0) for all.
    type: int
    default: 0
  days:
    description: How many days before its end a certificate is told. A fleet of more slices than that is a warning.
    type: int
    default: 30
  day:
    description: The number of today; the slice depends on it.
    type: int
    default: 0
  missing:
    description: Files of trust anchors that do not exist. Servers that name one are judged by dates only, and a check says so.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: What would be asked?
  ansible.builtin.debug:
    msg: "{{ (servers | onprem.chat.certificate_plan).endpoints }}"
  vars:
    servers:
      - {host: dc1.corp.test, port: 636}
      - {host: pc17.corp.test, port: 5986, judge: dates, fleet: true}
"""

RETURN = r"""
_value:
  description:
    - C(endpoints) for M(onprem.chat.tls_info), C(watched), what is to be judged there, in the same order, and C(checks), what
      can be said without asking.
  type: dict
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._certificate_plan import plan


def certificate_plan(servers, limit=0, days=30, day=0, missing=()):
    """Endpoints, rules, checks."""
    return plan(servers, int(limit), int(days), int(day), list(missing))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"certificate_plan": certificate_plan}
