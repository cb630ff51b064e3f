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
  - Writes any number of record sets of one or several zones by dynamic update (RFC 2136), signed with a Kerberos
    ticket (GSS-TSIG) or a shared key (TSIG).
  - All changes of a zone go into one message, of which either everything is done or nothing. Only where
    they are too many for one message (64 KiB or 1000 record sets, 250 with O(auth=gss_tsig)) several are sent, and then
    names that point to each other stay together. Several zones need a message each.
  - Each update carries as its condition what was read before (RFC 2136 2.4). When somebody else was faster, the records
    are read again and the plan is made anew, so that no concurrent change is overwritten.
  - Afterwards the records are read back from the server. The module reports success only when they are as wanted,
    whatever the answer to the update said. Some servers sign their answers in a way that cannot be
    verified (Samba 4.17).
  - Nothing is sent but questions when everything is already as wanted, unless O(refresh=true).
  - Where a wildcard of the zone gives the very values of a set, no question can tell whether the set exists. Only then a
    message goes out that has a condition and no change (RFC 2136 2.4.1), in check mode, too; the server must let the
    account or key write. A set that only a wildcard answers does not exist, so it is written, and there is nothing to remove.
  - Runs where the Kerberos and DNS traffic may come from, usually the controller (C(delegate_to=localhost)).
  - Of a set that is there, O(records[].state=present) keeps the TTL when none is given; a new set gets 3600. An SRV target
    with another priority or weight is replaced.
  - Samba (4.17) does not take CAA and TLSA records by dynamic update.
extends_documentation_fragment:
  - onprem.chat._dns
  - onprem.chat._dns_records
  - onprem.chat._attributes
attributes:
  check_mode:
    support: full
    details:
      - No change is sent. When something would change, the Kerberos ticket and the session with the server are still
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
  mode:
    description:
      - V(update) writes the records to O(server).
      - V(export) sends nothing at all. It returns the records in the notations of those who write them by hand
        (RV(export)); O(server) is then only a name in the commands. M(onprem.chat.dns_info) waits for the result.
    type: str
    choices: [update, export]
    default: update
  on_existing:
    description:
      - What to do with a record set that exists already, where some of its values or its TTL would have to go to get what is
        asked for. New values beside others (O(records[].state=present)) and removals (O(records[].state=absent)) are
        not concerned.
      - V(replace) replaces it. V(keep) leaves it as it is, V(keep_and_warn) says so, too; see RV(kept).
      - V(keep_and_fail) fails before anything is changed.
    type: str
    choices: [replace, keep, keep_and_warn, keep_and_fail]
    default: replace
  max_delete:
    description:
      - The most records that the task may delete without another one in their place. With more it fails before anything is
        sent. V(0) forbids deletions.
      - There is no limit by default.
    type: int
  refresh:
    description:
      - Whether the values of record sets that are as wanted already are sent again, in one more message for each zone, on the
        condition that the sets are still exactly what was read. So the server renews the time stamps of the records.
      - A Windows DNS server with aging and scavenging deletes records that came by dynamic update and that nobody has sent
        again during the no-refresh and the refresh interval, by default 7 days each; see the notes.
      - Of a set with O(records[].state=present) only the values of the task are sent again. Sets that O(on_existing)
        keeps are left out.
      - It is never a change and not done in check mode; RV(refreshed) names the sets. When the server does not take it, that is a
        warning, because the records are as wanted. A server refuses a message as a whole, for instance because of one set that
        belongs to another account; each set is sent alone then, and the warning names those that are refused.
    type: bool
    default: false
notes:
  - "Windows DNS: C(Get-DnsServerZoneAging -Name ZONE) shows whether a zone ages (C(AgingEnabled)) and for how long, and
    C(Get-DnsServerScavenging) whether the server deletes. Where both are so, either O(refresh=true) in a task that
    runs more often than the refresh interval, or static records, which are never deleted: those of O(mode=export). A record that
    came by update becomes static when it is removed and added by those commands. Not tried on Windows; Samba 4.17 renews its
    time stamps after the no-refresh interval and leaves static records static."
seealso:
  - module: onprem.chat.dns_info
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

- name: A host and its reverse record, two zones in one task, with a key file, and nothing may be deleted
  onprem.chat.dns_records:
    server: ns1.example.org
    zone: example.org
    auth: tsig
    tsig_key_file: /etc/ansible/keys/chat-update.key
    max_delete: 0
    on_existing: keep_and_fail
    records:
      - name: chat
        type: A
        ttl: 86400
        entries: [192.0.2.20]
      - name: 192.0.2.20
        zone: 2.0.192.in-addr.arpa
        type: PTR
        ttl: 86400
        entries: [chat.example.org.]
  delegate_to: localhost

- name: The same for somebody who writes the records by hand
  onprem.chat.dns_records:
    zone: example.org
    mode: export
    records:
      - name: chat
        type: A
        ttl: 86400
        entries: [192.0.2.20]
  delegate_to: localhost
  register: by_hand
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
    zone:
      description: The zone that holds them, with the trailing dot.
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
kept:
  description: Record sets that were left as they are because of O(on_existing), a sentence each.
  returned: when O(mode=update)
  type: list
  elements: str
refreshed:
  description: Name and type of each record set that was as wanted and whose values the server took again; see O(refresh).
  returned: when O(mode=update)
  type: list
  elements: str
  sample: [chat.corp.test. A]
export:
  description: The records for those who write them by hand.
  returned: when O(mode=export)
  type: dict
  contains:
    bind:
      description: Lines of a zone file.
      type: str
      returned: always
    powershell:
      description:
        - Commands of the PowerShell module DnsServer. They make static records, which are never scavenged, where O(mode=update)
          makes records with a time stamp (see the notes). Not tried on Windows.
      type: str
      returned: always
    dnscmd:
      description: Commands for C(dnscmd). Not tried on Windows.
      type: str
      returned: always
    table:
      description: A plain table to hand to a DNS provider.
      type: str
      returned: always
updates:
  description:
    - How many update messages were sent, without those of O(refresh). More than one for a zone means that somebody else wrote at the same time, or
      that there were too many changes for one message.
  returned: success
  type: int
  sample: 1
answer:
  description:
    - What the worst answer to an update was worth. V(none) when no update was sent, V(verified) when its signature
      was right or nothing is signed, V(unverifiable) when it was not, V(lost) when no answer came. In all cases the result is what reading
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

from ansible_collections.onprem.chat.plugins.module_utils._dns.command import RULES, argument_spec, failure_of, run
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import DnsError
from ansible_collections.onprem.chat.plugins.module_utils._dns.options import require_libraries


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True, **RULES)
    require_libraries(module)
    try:
        result = run(module)
    except DnsError as error:
        module.fail_json(**failure_of(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
