#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_records
short_description: Record sets of a DNS zone, written in one guarded step
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Writes any number of record sets of one zone in one message by dynamic update (RFC 2136), signed with a Kerberos
    ticket (GSS-TSIG) or a shared key (TSIG). Either all of them are written or none.
  - The update carries as its condition what was read before (RFC 2136 2.4). When somebody else was faster, the records
    are read again and the plan is made anew, so that no concurrent change is overwritten.
  - Afterwards the records are read back from the server. The module reports success only when they are as wanted,
    whatever the answer to the update said. Some servers sign their answers in a way that cannot be
    verified (Samba 4.17).
  - Nothing is sent but questions when everything is already as wanted.
  - Runs where the Kerberos and DNS traffic may come from, usually the controller (C(delegate_to=localhost)).
extends_documentation_fragment:
  - onprem.chat._dns
  - onprem.chat._attributes
attributes:
  check_mode:
    support: full
    details:
      - No update is sent. When something would change, the Kerberos ticket and the session with the server are still
        obtained, so that a wrong password is found here.
  diff_mode:
    support: full
    details: The record sets that change, as lines of a zone file.
  idempotent:
    support: full
  action_group:
    description: Use C(group/onprem.chat.dns) in C(module_defaults) to set the server and authentication once.
    support: full
    membership:
      - onprem.chat.dns
options:
  records:
    description:
      - The record sets. A record set is all records of one name and type; each is given once.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the records. V(@) is the zone itself. A name that ends in the zone is complete, any other lies
            below it.
        type: str
        default: "@"
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
        choices: [A, AAAA, CNAME, SRV, TXT]
        required: true
      state:
        description:
          - V(present) makes sure that these values are in the set and leaves all others alone, so that several hosts
            can share a set. An SRV target is known by its name and port; one with another priority or weight
            is replaced.
          - V(exact) makes the set consist of these values only.
          - V(absent) removes these values; without O(records[].entries) and O(records[].srv) it removes the whole set.
        type: str
        choices: [present, exact, absent]
        default: present
      ttl:
        description:
          - Time to live in seconds. A record set has only one.
          - Without it the TTL of an existing set is kept, and a new set gets 3600.
        type: int
      entries:
        description:
          - The values of all types but SRV.
          - For CNAME a single label lies below the zone and everything else is a complete name.
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
seealso:
  - name: RFC 2136
    description: Dynamic updates in the domain name system.
    link: https://www.rfc-editor.org/rfc/rfc2136
"""

EXAMPLES = r"""
- name: Publish a chat server in an Active Directory zone
  onprem.chat.dns_records:
    server: dc1.corp.test
    zone: corp.test
    principal: svc-chat-dns@CORP.TEST
    password: "{{ dns_password }}"
    records:
      - name: chat
        type: A
        state: exact
        ttl: 86400
        entries: [10.203.0.20]
      - service: xmpp-client
        protocol: tcp
        type: SRV
        state: exact
        ttl: 86400
        srv:
          - priority: 5
            weight: 0
            port: 5222
            target: chat.corp.test
      - service: xmpp-server
        protocol: tcp
        type: SRV
        state: exact
        ttl: 86400
        srv:
          - target: "."
  delegate_to: localhost

- name: Add a second target and leave the first alone, with a TSIG key
  onprem.chat.dns_records:
    server: ns1.example.org
    zone: example.org
    auth: tsig
    tsig_name: chat-update
    tsig_secret: "{{ tsig_secret }}"
    records:
      - name: _xmpp-client._tcp
        type: SRV
        srv:
          - priority: 10
            port: 5222
            target: chat2.example.org
  delegate_to: localhost
"""

RETURN = r"""
records:
  description:
    - The record sets that were asked for and exist, as they were read back. In check mode, as they would be.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Complete name with the trailing dot.
      type: str
      returned: always
    type:
      description: Type of the records.
      type: str
      returned: always
    ttl:
      description: Time to live in seconds.
      type: int
      returned: always
    entries:
      description: The values, in a stable order.
      type: list
      elements: str
      returned: for all types but SRV
    srv:
      description: The SRV values by their parts.
      type: list
      elements: dict
      returned: for SRV
  sample:
    - name: _xmpp-client._tcp.corp.test.
      type: SRV
      ttl: 86400
      srv:
        - priority: 5
          weight: 0
          port: 5222
          target: chat.corp.test.
updates:
  description: How many update messages were sent. More than one means that somebody else wrote at the same time.
  returned: success
  type: int
  sample: 1
answer:
  description:
    - What the last answer to an update was worth. V(none) when no update was sent, V(verified) when its signature
      was right, V(unverifiable) when it was not, V(lost) when no answer came. In all cases the result is what reading
      back showed.
  returned: success
  type: str
  sample: verified
problem:
  description: What happened and where, without the rest of the message.
  returned: failure
  type: str
hint:
  description: The likely cause and what to do, without the rest of the message.
  returned: failure
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.chat.plugins.module_utils._dns.engine import Outcome, apply_intents
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError
from ansible_collections.onprem.chat.plugins.module_utils._dns.options import (
    RULES,
    require_libraries,
    server_argument_spec,
    server_from,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import STATES, zone_lines
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_from, records_argument_spec
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import as_result, zone_name


def result_of(outcome: Outcome) -> dict:
    """What the module returns."""
    result = {
        "changed": outcome.changed,
        "records": [as_result(records) for records in outcome.records],
        "updates": outcome.updates,
        "answer": outcome.answer,
    }
    if outcome.changed:
        result["diff"] = {"before": zone_lines(outcome.before), "after": zone_lines(outcome.after)}
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={**server_argument_spec(), **records_argument_spec(STATES)},
        supports_check_mode=True,
        **RULES,
    )
    require_libraries(module)
    server = None
    try:
        zone = zone_name(module.params["zone"])
        intents = intents_from(module.params["records"], zone)
        server = server_from(module, zone)
        outcome = apply_intents(server, intents, check_mode=module.check_mode)
    except DnsError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint)
    finally:
        if server is not None:
            server.close()
    module.exit_json(**result_of(outcome))


if __name__ == "__main__":
    main()
