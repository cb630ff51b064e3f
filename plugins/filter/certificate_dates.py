# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_dates
short_description: When the certificates end that servers present
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Takes the answer of M(onprem.chat.tls_info) to the endpoints that P(onprem.chat.certificate_plan#filter) made, and gives a check
    C(certificate.expiry) for each certificate, the nearest end first, and rows with the dates.
  - An expired certificate is a failure, one that ends in less than O(days) a warning. A server that shows none is a failure.
  - One that is marked as C(spare) and cannot be reached is a warning, when another one with that mark shows its certificate.
  - Where everything is judged, the failed checks C(certificate.*) of M(onprem.chat.tls_info) come after the dates.
  - Of a fleet, silent servers are one warning together, and of the certificates that are well only the twenty that end first
    have a line of their own.
positional: plan, days, now
options:
  _input:
    description: The registered result of M(onprem.chat.tls_info); one of a failed task becomes a failed check.
    type: dict
    required: true
  plan:
    description: What P(onprem.chat.certificate_plan#filter) gave.
    type: dict
    required: true
  days:
    description: Warn when a certificate ends in less than so many days.
    type: int
    required: true
  now:
    description: The moment, UTC, as C(2026-01-31T12:00:00Z).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: When do they end?
  ansible.builtin.debug:
    msg: "{{ (seen | onprem.chat.certificate_dates(plan, 30, now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ'))).checks | onprem.chat.check_table }}"
"""

RETURN = r"""
_value:
  description:
    - C(checks), and C(certificates), a row for each certificate with host, port, protocol, address, subject, issuer, serial,
      fingerprint, not_before, not_after, days_left, status, judge, kind (V(server), or V(chain) for those that a server sends
      with its own), and error (why none was seen).
  type: dict
"""

from ansible_collections.onprem.chat.plugins.plugin_utils._certificate_dates import dates


def certificate_dates(answer, plan, days, now):
    """Checks and rows."""
    return dates(answer, plan, int(days), str(now))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"certificate_dates": certificate_dates}
