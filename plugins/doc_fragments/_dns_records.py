# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not use it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  records:
    description:
      - The record sets. A record set is all records of one name and type; each is given once.
      - Their order does not matter.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the records. V(@) is the zone itself. A name that ends in the zone is complete, any other lies
            below it.
          - For PTR records an IP address may be given instead of the name that it makes.
        type: str
        default: "@"
      zone:
        description: The zone of these records, where it is not O(zone).
        type: str
      service:
        description:
          - Service of an SRV record set, without the underscore, as in V(xmpp-client).
          - Together with O(records[].protocol) it is put before O(records[].name), which gives
            C(_xmpp-client._tcp.corp.test).
        type: str
      protocol:
        description: Protocol of an SRV record set, without the underscore.
        type: str
        choices: [tcp, udp]
      type:
        description: Type of the records.
        type: str
        choices: [A, AAAA, CAA, CNAME, PTR, SRV, TLSA, TXT]
        required: true
      state:
        description:
          - V(present) means that these values are in the set, whatever else is in it, so that several hosts can share a
            set. An SRV target is known by its name and port; priority and weight belong to it.
          - V(exact) means that the set consists of these values only.
          - V(absent) means that these values are not in the set; without O(records[].entries) and O(records[].srv),
            that there is no such set.
        type: str
        choices: [present, exact, absent]
        default: present
      ttl:
        description:
          - Time to live in seconds. A record set has only one.
        type: int
      entries:
        description:
          - The values of all types but SRV.
          - For CNAME a single label lies below the zone and everything else is a complete name.
          - For PTR each value is a complete name.
          - For CAA and TLSA each value is written as in a zone file, as in V(0 issue "ca.example") and
            V(3 1 1 8cb0...).
          - For TXT each value is plain text; it is quoted and cut into strings of 255 bytes as needed.
        type: list
        elements: str
      srv:
        description: The values of an SRV record set.
        type: list
        elements: dict
        suboptions:
          priority:
            description: Targets with the lowest number are tried first.
            type: int
            default: 0
          weight:
            description: Share of the clients among targets of the same priority.
            type: int
            default: 0
          port:
            description: Port of the service on the target. Not needed with O(records[].srv[].target=.).
            type: int
            default: 0
          target:
            description:
              - Name of the host. A single label lies below the zone, everything else is a complete name.
              - V(.) says that there is no such service here (RFC 2782).
            type: str
            required: true
"""
