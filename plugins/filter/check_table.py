# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: check_table
short_description: Draw checks as lines of an aligned table
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Takes the checks that the modules of this collection return and gives one line for each, with its status, name, subject and
    evidence in columns. Under a check that warns or fails stands, indented, what to do about it, and the document that asks for it.
  - The last line counts. The result is a list of lines, so that it stays readable whatever prints it.
positional: statuses
options:
  _input:
    description: Checks as M(onprem.chat.xmpp_info) and the other modules of this collection return them.
    type: list
    elements: dict
    required: true
  statuses:
    description: Draw only checks with these statuses. The last line still counts all.
    type: list
    elements: str
    choices:
      - pass
      - warn
      - fail
      - skip
    default:
      - pass
      - warn
      - fail
      - skip
"""

EXAMPLES = r"""
- name: Show what was seen
  ansible.builtin.debug:
    msg: "{{ seen.checks | onprem.chat.check_table }}"

- name: Show only what needs somebody
  ansible.builtin.debug:
    msg: "{{ seen.checks | onprem.chat.check_table(['warn', 'fail']) }}"
"""

RETURN = r"""
_value:
  description: The lines of the table.
  type: list
  elements: str
"""

from ansible.errors import AnsibleFilterError

STATUSES = ("pass", "warn", "fail", "skip")
_COUNTED = {"pass": "passed", "warn": "warned", "fail": "failed", "skip": "skipped"}
# Longer names and subjects push their own line only.
_WIDEST = 56


def check_table(checks, statuses=STATUSES):
    """The lines of the table."""
    if not isinstance(checks, (list, tuple)):
        raise AnsibleFilterError(f"check_table: expected a list of checks, got {type(checks).__name__}")
    for number, check in enumerate(checks):
        _validate(number, check)
    unknown = sorted(set(statuses) - set(STATUSES))
    if unknown:
        raise AnsibleFilterError(f"check_table: {', '.join(unknown)} is no status, expected {', '.join(STATUSES)}")
    drawn = [check for check in checks if check["status"] in statuses]
    ids, subjects = (_width(check[key] for check in drawn) for key in ("id", "subject"))
    lines = []
    for check in drawn:
        line = f"{check['status'].upper():4}  {check['id']:{ids}}  {_flat(check['subject']):{subjects}}  "
        lines.append((line + _flat(check["evidence"])).rstrip())
        if check["status"] in ("warn", "fail") and check.get("hint"):
            lines.append(f"      -> {_flat(check['hint'])}")
        if check["status"] in ("warn", "fail") and check.get("source"):
            lines.append(f"         see {_flat(check['source'])}")
    return [*lines, summary(checks)]


def summary(checks):
    """How many checks have which status."""
    return ", ".join(f"{sum(c['status'] == status for c in checks)} {_COUNTED[status]}" for status in STATUSES)


def _validate(number, check):
    missing = [
        key for key in ("id", "subject", "status", "evidence") if not isinstance(check, dict) or key not in check
    ]
    if missing:
        raise AnsibleFilterError(f"check_table: entry {number} is no check, it lacks {', '.join(missing)}")
    if check["status"] not in STATUSES:
        raise AnsibleFilterError(
            f"check_table: {check['id']}: {check['status']!r} is no status, expected {', '.join(STATUSES)}"
        )


def _flat(text):
    """In one line, and nothing in it that a terminal would obey: some of the text comes from other people's servers."""
    line = " ".join(str(text).split())
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in line)


def _width(texts):
    return max((min(len(_flat(text)), _WIDEST) for text in texts), default=0)


class FilterModule:
    """The filter under its name."""

    def filters(self):
        return {"check_table": check_table}
