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
  - Those marked as C(spare) stand in for each other. Of two entries for one server both must be, and the same holds for C(fleet).
  - An entry that M(onprem.chat.tls_info) would refuse is a failed check, and the others are asked. Where the trust anchors cannot be
    read, on the host where Ansible runs, the dates alone are judged, and a failed check says so.
positional: limit, days, day
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

import functools
from pathlib import Path

from ansible_collections.onprem.chat.plugins.module_utils._tls import trust
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError
from ansible_collections.onprem.chat.plugins.module_utils._x509.lib import CRYPTOGRAPHY_ERROR
from ansible_collections.onprem.chat.plugins.plugin_utils._certificate_plan import plan


def unusable(paths):
    """Why these trust anchors cannot be taken; empty when they can."""
    gone = [path for path in paths if not Path(path).exists()]
    if gone:
        return f"there is no {', '.join(gone)} on the controller"
    if CRYPTOGRAPHY_ERROR:  # the module says so, once for all
        return ""
    try:
        trust.anchors(paths)
    except BundleError as error:
        return error.what.rstrip(".")
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    return ""


def certificate_plan(servers, limit=0, days=30, day=0):
    """Endpoints, rules, checks."""
    return plan(servers, int(limit), int(days), int(day), functools.cache(unusable))


class FilterModule:
    """The filter under its name."""

    def filters(self) -> dict:
        return {"certificate_plan": certificate_plan}
