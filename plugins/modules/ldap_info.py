#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ldap_info
short_description: Finds out why a login against Active Directory would not work
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Asks one or several directory servers in stages (name, port, TLS, bind, search base, filter, users, group) and says
    of each stage what was seen, and what to do when it did not pass.
  - A stage that cannot be asked because an earlier one failed is C(skip) with the reason.
  - Delegate it to the controller, or to the host that will ask the directory later.
  - Reads only. Searches are paged, range answers are read to their end, referrals are ignored.
requirements:
  - ldap3 >= 2.9
  - cryptography or the C(openssl) command, to show a certificate's expiry
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  servers:
    description:
      - Directory servers by their full DNS names. All of them are asked.
      - One that cannot be reached, or whose name does not resolve, is a warning while another one can be reached.
      - When one refuses the password, the others are not tried with it, because several wrong attempts lock an account.
      - An address works only when the server's certificate holds it.
    type: list
    elements: str
    required: true
  port:
    description: TCP port. The default is V(636) with O(encryption=ldaps), else V(389).
    type: int
  encryption:
    description:
      - V(ldaps) is TLS from the first byte, V(starttls) begins with plain LDAP.
      - With V(none) the password crosses the network readable; Active Directory refuses that by default.
    type: str
    choices: [ldaps, starttls, none]
    default: ldaps
  ca_path:
    description: PEM file with the CA that signed the servers' certificates. Without it the system's CAs are trusted.
    type: path
  bind_dn:
    description: Account to bind with, as distinguished name or C(user@domain). Without it the bind is anonymous.
    type: str
  bind_password:
    description: Its password.
    type: str
  base:
    description: Search base.
    type: str
    required: true
  filter:
    description: Filter that finds the users.
    type: str
    default: (&(objectClass=user)(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))
  uid_attribute:
    description: Attribute that holds the name that users log in with.
    type: str
    default: mail
  users:
    description:
      - Names that must be found exactly once in O(uid_attribute), not disabled, and not left out by O(filter).
      - Entries of the same name that O(filter) leaves out, such as contacts and disabled accounts, do not matter beside one that it finds.
    type: list
    elements: str
    default: []
  group:
    description: Group that must exist and have members, as distinguished name or name.
    type: str
  domain:
    description:
      - Domain of the users' XMPP addresses. Entries that O(filter) finds and whose O(uid_attribute) can be no address in it are a warning.
      - With O(uid_attribute=mail) and O(uid_attribute=userPrincipalName) the whole address is looked at, with any other attribute
        the part before the C(@).
      - Without it names are not judged.
    type: str
  timeout:
    description: Seconds to wait for every single answer but those to searches.
    type: int
    default: 5
  search_timeout:
    description:
      - Seconds to wait for every page of what a search finds.
      - A filter for members of groups in groups (C(1.2.840.113556.1.4.1941)) makes a domain controller look at every user of O(base), which
        takes minutes in a large directory. The default is that of Active Directory, which gives up then (MaxQueryDuration).
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: See whether the chat server could log users in
  onprem.chat.ldap_info:
    servers:
      - dc1.corp.test
    ca_path: /etc/ssl/company-ca.pem
    bind_dn: CN=svc-chat-ldap,OU=Service,OU=Company,DC=corp,DC=test
    bind_password: "{{ vault_chat_ldap_bind_password }}"
    base: DC=corp,DC=test
    users:
      - anna@corp.test
    group: CN=Chat Users,OU=Groups,OU=Company,DC=corp,DC=test
  delegate_to: localhost
  register: directory

- name: Show what does not work
  ansible.builtin.debug:
    msg: "{{ directory.checks | rejectattr('status', 'eq', 'pass') }}"
"""

RETURN = r"""
checks:
  description: One item for every question, in the order in which they were asked.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description:
        - V(ldap.dns), V(ldap.tcp), V(ldap.tls), V(ldap.bind), V(ldap.base), V(ldap.filter), V(ldap.user) or
          V(ldap.group).
      type: str
      returned: always
    subject:
      description: Server, search base, user or group that was asked about.
      type: str
      returned: always
    status:
      description: V(pass), V(warn), V(fail) or V(skip).
      type: str
      returned: always
    evidence:
      description: What was seen.
      type: str
      returned: always
    hint:
      description: What to do.
      type: str
      returned: always
    source:
      description: Document that asks for it.
      type: str
      returned: always
  sample:
    - id: ldap.bind
      subject: dc1.corp.test:636
      status: fail
      evidence: >-
        CN=svc-chat-ldap,OU=Service,OU=Company,DC=corp,DC=test: invalidCredentials (LDAP result 49),
        Active Directory code 52e: wrong password, or wrong account name
      hint: >-
        Check the password in the vault and the bind DN; in doubt reset the account's password in Active Directory.
      source: ""
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._ldap.diagnose import Question, diagnose
from ansible_collections.onprem.chat.plugins.module_utils._ldap.session import LDAP3_IMPORT_ERROR

ARGUMENT_SPEC = {
    "servers": {"type": "list", "elements": "str", "required": True},
    "port": {"type": "int"},
    "encryption": {"type": "str", "choices": ["ldaps", "starttls", "none"], "default": "ldaps"},
    "ca_path": {"type": "path"},
    "bind_dn": {"type": "str"},
    "bind_password": {"type": "str", "no_log": True},
    "base": {"type": "str", "required": True},
    "filter": {
        "type": "str",
        "default": "(&(objectClass=user)(objectCategory=person)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
    },
    "uid_attribute": {"type": "str", "default": "mail"},
    "users": {"type": "list", "elements": "str", "default": []},
    "group": {"type": "str"},
    "domain": {"type": "str"},
    "timeout": {"type": "int", "default": 5},
    "search_timeout": {"type": "int", "default": 120},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if LDAP3_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("ldap3"), exception=LDAP3_IMPORT_ERROR)
    params = dict(module.params)
    if not params["servers"]:
        module.fail_json(msg="servers is empty: name at least one directory server.")
    if params["port"] is None:
        params["port"] = 636 if params["encryption"] == "ldaps" else 389
    module.exit_json(changed=False, checks=diagnose(Question(**params)).as_list())


if __name__ == "__main__":
    main()
