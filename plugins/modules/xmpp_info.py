#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: xmpp_info
short_description: Prove that users of an XMPP domain can log in and talk
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Finds the server of a domain as a client does (SRV records), looks at what it offers before and after STARTTLS,
    judges its certificate for the domain of the addresses, logs in as given users and lets the first two
    exchange a message.
  - Also asks what must B(not) work, namely a wrong password, a disabled account, registration by strangers,
    anonymous login and, unless O(expect_s2s=true), connections from other servers.
  - Runs on the controller, or wherever users are. The managed hosts need nothing for it.
  - The sessions send no presence, so that contacts see nothing and waiting messages stay for the user. The exchanged
    messages go to the module's own sessions only, but they stay in both users' archives. Use accounts made for this
    purpose.
  - Each run makes one attempt with a wrong password as the first user, before the right one, which resets the
    directory's counter of bad attempts.
requirements:
  - slixmpp >= 1.10
  - dnspython >= 2.6
  - cryptography (optional, shows names and issuer of certificates in the evidence)
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  domain:
    description: The XMPP domain, the part after the C(@) of the users' addresses.
    type: str
    required: true
  users:
    description:
      - Users who must be able to log in. The first two exchange a message.
      - Without users, everything that needs a login is skipped.
    type: list
    elements: dict
    default: []
    suboptions:
      jid:
        description: Address of the user, for example V(anna@corp.test). Must lie in O(domain).
        type: str
        required: true
      password:
        description: Password of the user.
        type: str
        required: true
  disabled_user:
    description: An account that is disabled in the directory, with its right password. It must be refused.
    type: dict
    suboptions:
      jid:
        description: Address of the user. Must lie in O(domain).
        type: str
        required: true
      password:
        description: Password of the user.
        type: str
        required: true
  ca_path:
    description:
      - PEM file with the CA certificates that may sign the server's certificate. Only these are trusted.
      - The system's CA certificates when not given.
    type: path
  nameservers:
    description: IP addresses of the DNS servers to ask, instead of the system's resolver.
    type: list
    elements: str
    default: []
    aliases:
      - resolver
  host:
    description:
      - Server to ask instead of the SRV records' targets, a name or an IP address. For a server that the DNS does not
        publish yet.
    type: str
  port:
    description: Port that goes with O(host), also used when the domain has no SRV record.
    type: int
    default: 5222
  expect_s2s:
    description:
      - V(false) means that no other server may find or reach this one, so there must be no SRV record C(_xmpp-server),
        or one with the target C(.), and port 5269 must not answer.
      - V(true) means that other servers must find it, reach it and get a valid certificate.
    type: bool
    default: false
  check_archive:
    description:
      - Whether the exchanged messages must be in the archives of both users.
      - V(false) does not look into them, for a server that keeps no archive, or one only of what contacts write.
    type: bool
    default: true
  timeout:
    description: Seconds that every single question may take. A server whose directory is down lets logins hang.
    type: int
    default: 10
seealso:
  - module: onprem.chat.ldap_info
  - ref: ansible_collections.onprem.chat.verify_role
    description: Role that runs this module and reports.
"""

EXAMPLES = r"""
- name: Can two users talk?
  onprem.chat.xmpp_info:
    domain: corp.test
    ca_path: ca/root.crt
    users:
      - jid: verify1@corp.test
        password: "{{ vault_verify1_password }}"
      - jid: verify2@corp.test
        password: "{{ vault_verify2_password }}"
    disabled_user:
      jid: verify3@corp.test
      password: "{{ vault_verify3_password }}"
  delegate_to: localhost
  become: false
  register: seen

- name: Look at a new server before the DNS points to it
  onprem.chat.xmpp_info:
    domain: corp.test
    host: chat-new.corp.test
    ca_path: ca/root.crt
  delegate_to: localhost
  become: false
"""

RETURN = r"""
checks:
  description: Every question and its answer.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: What was asked about.
      type: str
      returned: always
    status:
      description: V(pass), V(warn), V(fail) or V(skip).
      type: str
      returned: always
    evidence:
      description: What was seen. Never a secret.
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
    - id: xmpp.tls.certificate
      subject: corp.test at chat.corp.test:5222 (10.203.0.20)
      status: pass
      evidence: the certificate is for corp.test and valid until 2027-01-01
      hint: ""
      source: RFC 6120 13.7
round_trip:
  description: The exchange of messages between the first two users; null when it did not happen.
  returned: always
  type: dict
  contains:
    from:
      description: Who wrote first.
      type: str
      sample: anna@corp.test
    to:
      description: Who answered.
      type: str
      sample: boris@corp.test
    milliseconds:
      description: Time between sending the message and receiving the answer.
      type: float
      sample: 11.4
"""

from ipaddress import ip_address
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._xmpp.client import SLIXMPP_ERROR
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.discovery import DNSPYTHON_ERROR
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Account, Settings
from ansible_collections.onprem.chat.plugins.module_utils._xmpp.survey import run

ACCOUNT = {"jid": {"type": "str", "required": True}, "password": {"type": "str", "required": True, "no_log": True}}

ARGUMENT_SPEC = {
    "domain": {"type": "str", "required": True},
    "users": {"type": "list", "elements": "dict", "default": [], "options": ACCOUNT},
    "disabled_user": {"type": "dict", "options": ACCOUNT},
    "ca_path": {"type": "path"},
    "nameservers": {"type": "list", "elements": "str", "default": [], "aliases": ["resolver"]},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 5222},
    "expect_s2s": {"type": "bool", "default": False},
    "check_archive": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 10},
}


def problem(settings: Settings) -> str:
    """Why this input makes no sense; empty when it does."""
    for account in settings.secrets:
        if account.jid.rpartition("@")[2].lower() != settings.domain.lower() or "@" not in account.jid:
            return (
                f"{account.jid!r} is no address in the domain {settings.domain!r}: expected name@{settings.domain}."
                " For several domains run the module once for each."
            )
    for server in settings.nameservers:
        try:
            ip_address(server)
        except ValueError:
            return f"nameservers: {server!r} is no IP address. A resolver is given by its address, not by its name."
    if settings.ca_path and not Path(settings.ca_path).is_file():
        return (
            f"ca_path: there is no file {settings.ca_path} on the host where this module runs."
            " Was it made by the role certificates, and does the module run on the controller (delegate_to: localhost)?"
        )
    if settings.timeout < 1:
        return "timeout: at least 1 second is needed."
    if not 0 < settings.port < 65536:
        return f"port: {settings.port} is no port, expected 1 to 65535."
    return ""


def settings_of(params: dict) -> Settings:
    """The module's options as the questions of one run."""
    disabled = params["disabled_user"]
    return Settings(
        domain=params["domain"].rstrip("."),
        users=tuple(Account(**user) for user in params["users"]),
        disabled_user=Account(**disabled) if disabled else None,
        ca_path=params["ca_path"],
        nameservers=tuple(params["nameservers"]),
        host=params["host"],
        port=params["port"],
        expect_s2s=params["expect_s2s"],
        check_archive=params["check_archive"],
        timeout=params["timeout"],
    )


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    for name, missing in (("slixmpp", SLIXMPP_ERROR), ("dnspython", DNSPYTHON_ERROR)):
        if missing:
            module.fail_json(msg=missing_required_lib(name), exception=missing)
    settings = settings_of(module.params)
    message = problem(settings)
    if message:
        module.fail_json(msg=message)
    try:
        result = run(settings)
    except OSError as error:  # ca_path that holds no certificate, or cannot be read
        module.fail_json(
            msg=f"ca_path: {settings.ca_path} cannot be used: {error}. Is it a PEM file with CA certificates?"
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
