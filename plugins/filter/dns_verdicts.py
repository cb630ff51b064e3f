# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dns_verdicts
short_description: One list of checks from the results of several DNS targets
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Takes the results of a loop with M(onprem.chat.dns_info) or M(onprem.chat.dns_records) over the targets that
    P(onprem.chat.dns_targets#filter) made, and gives one list of checks that says whose each is. What could not be asked becomes a
    failed check as well.
positional: targets
options:
  _input:
    description: The results of the loop, one for each target.
    type: list
    elements: dict
    required: true
  targets:
    description: The targets, in the same order.
    type: list
    elements: dict
    required: true
  about:
    description:
      - V(answers) for results of M(onprem.chat.dns_info), V(update) for results of M(onprem.chat.dns_records) in check mode, which
        become a check C(dns.update) each.
    type: str
    choices: [answers, update]
    default: answers
  lenient:
    description: Let records that are not as described warn instead of fail, because what exists was to be kept.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Draw the answers of all targets
  ansible.builtin.debug:
    msg: "{{ seen.results | onprem.chat.dns_verdicts(targets) | onprem.chat.check_table }}"
"""

RETURN = r"""
_value:
  description: Checks as M(onprem.chat.dns_info) returns them.
  type: list
  elements: dict
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._dns_targets import plain
from ansible_collections.onprem.chat.plugins.plugin_utils._dns_verdicts import verdicts


def dns_verdicts(results, targets, about="answers", lenient=False):
    """The checks."""
    return verdicts(plain(results), plain(targets), about, bool(lenient))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"dns_verdicts": dns_verdicts}
