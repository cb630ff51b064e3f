# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: srv_records
short_description: From a list of services to the SRV record sets of a domain
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Puts the targets of the same service and protocol into one record set, in the shape of the option
    O(onprem.chat.dns_records#module:records), with C(state=exact).
options:
  _input:
    description:
      - One dictionary for each target, with V(service), V(target), and as needed V(protocol) (V(tcp)), V(port), V(priority)
        and V(weight) (0). The target V(.) says that the service is not offered.
    type: list
    elements: dict
    required: true
  domain:
    description: Domain that offers the services.
    type: str
    required: true
  ttl:
    description: Time to live of the sets in seconds.
    type: int
    default: 86400
  no_service:
    description:
      - What a service with the target V(.) becomes. V(publish) is an SRV record with this target (RFC 2782), V(remove) is
        C(state=absent), for servers that do not take such a record.
    type: str
    choices: [publish, remove]
    default: publish
"""

EXAMPLES = r"""
- name: The sets of two services
  ansible.builtin.debug:
    msg: "{{ services | onprem.chat.srv_records(domain='corp.test') }}"
  vars:
    services:
      - {service: xmpp-client, port: 5222, priority: 5, target: chat.corp.test}
      - {service: xmpp-server, target: .}
"""

RETURN = r"""
_value:
  description: Record sets for the option O(onprem.chat.dns_records#module:records).
  type: list
  elements: dict
"""

from ansible.errors import AnsibleFilterError


def _complete(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def srv_records(services, domain: str, ttl: int = 86400, no_service: str = "publish") -> list[dict]:
    """The SRV record sets that the services make."""
    if not isinstance(services, list):
        raise AnsibleFilterError("srv_records needs a list of services, each with service and target.")
    sets: dict[tuple[str, str], dict] = {}
    for service in services:
        missing = [part for part in ("service", "target") if not service.get(part)]
        if missing:
            raise AnsibleFilterError(f"srv_records: a service has no {' and no '.join(missing)}: {dict(service)}")
        key = (service["service"], service.get("protocol") or "tcp")
        record = sets.setdefault(
            key,
            {
                "name": _complete(domain),
                "service": key[0],
                "protocol": key[1],
                "type": "SRV",
                "state": "exact",
                "ttl": int(ttl),
                "srv": [],
            },
        )
        target = {part: int(service.get(part) or 0) for part in ("priority", "weight", "port")}
        record["srv"].append({**target, "target": _complete(service["target"])})
    for record in sets.values():
        if no_service == "remove" and all(target["target"] == "." for target in record["srv"]):
            record["state"] = "absent"
            del record["srv"]
    return [sets[key] for key in sorted(sets)]


class FilterModule:
    """The filter."""

    def filters(self) -> dict:
        return {"srv_records": srv_records}
