# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not use it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the status that a real run would return, without changing anything.
  diff_mode:
    description: Returns details on what has changed (or would change, in C(check_mode)) when in diff mode.
  idempotent:
    description: A second run with the same input, on an unchanged world, changes nothing.
"""

    # For modules that only ask.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: The module only reads.
  diff_mode:
    support: N/A
    details: The module changes nothing.
  idempotent:
    support: full
    details: The module changes nothing.
"""

    # For modules that return RV(checks).
    CHECKS = r"""
options: {}
notes:
  - Every question is asked even when an earlier one failed. The module itself fails only when its input makes no sense;
    a question that was answered badly is a check with RV(checks[].status=fail).
"""
