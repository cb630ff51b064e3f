#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_info
short_description: What servers really present in TLS, and whether clients accept it
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Connects to servers as clients do, directly or with STARTTLS, and judges the certificates that they send with the code
    that M(onprem.chat.certificate_bundle) uses for files. So what was installed and what is presented are held against the
    same rules.
  - Says which TLS versions are accepted, what was negotiated, what clients get that send no server name, and the dates of
    every certificate of the chain as it was sent.
  - The connections that are judged are made without verification, and nothing secret goes through them. OpenSSL's own
    verdict, from a connection with verification, stands beside ours as the check V(tls.handshake).
  - Every address of a name is looked at. Servers that are dead, silent, speak another protocol, refuse STARTTLS or demand a
    client certificate are failed checks, and the others are asked all the same.
  - Certificates that the library refuses (serial numbers that are not positive, as Samba makes them, or damaged ones) are shown
    as far as the C(openssl) command reads them, at least with their hash.
  - Runs where the clients are, on the controller (C(delegate_to=localhost)) or on any host.
requirements:
  - Python >= 3.11 on the host where the module runs
  - cryptography >= 38
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  host:
    description: Name or IP address of the server. All addresses of a name are looked at.
    type: str
  endpoints:
    description:
      - Many servers in one task, O(parallel) at the same time. What an item does not say is taken from the options of the
        task.
      - An item with a O(endpoints[].protocol) and no O(endpoints[].port) gets the usual port of that protocol.
    type: list
    elements: dict
    suboptions:
      host:
        description: Like O(host).
        type: str
        required: true
      port:
        description: Like O(port).
        type: int
      protocol:
        description: Like O(protocol).
        type: str
        choices: [tls, xmpp-client, xmpp-server, ldap, smtp]
      domain:
        description: Like O(domain).
        type: str
      server_name:
        description: Like O(server_name).
        type: str
      alpn:
        description: Like O(alpn).
        type: list
        elements: str
      profile:
        description: Like O(profile).
        type: str
        choices: [server, xmpp, mts_link]
      dns_names:
        description: Like O(dns_names).
        type: list
        elements: str
      ip_addresses:
        description: Like O(ip_addresses).
        type: list
        elements: str
      xmpp_domains:
        description: Like O(xmpp_domains).
        type: list
        elements: str
      valid_days:
        description: Like O(valid_days).
        type: int
      trust_anchors:
        description: Like O(trust_anchors).
        type: list
        elements: path
        aliases:
          - ca_path
      minimum_version:
        description: Like O(minimum_version).
        type: str
        choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
      old_versions:
        description: Like O(old_versions).
        type: str
        choices: [allow, warn, fail]
      look:
        description: Like O(look).
        type: str
        choices: [full, certificate]
      accept:
        description: Like O(accept).
        type: list
        elements: str
  port:
    description:
      - TCP port. The default is 5222 for O(protocol=xmpp-client), 5269 for V(xmpp-server), 389 for V(ldap) and 25 for V(smtp).
      - Must be given for O(protocol=tls).
    type: int
  protocol:
    description:
      - How TLS begins.
      - V(tls) is TLS from the first byte, as in HTTPS, LDAPS, WinRM over HTTPS (port 5986) and XMPP with direct TLS.
      - The others are STARTTLS in the language of XMPP (RFC 6120), LDAP (RFC 4511) or mail (RFC 3207).
    type: str
    choices: [tls, xmpp-client, xmpp-server, ldap, smtp]
    default: tls
  domain:
    description:
      - Domain of an XMPP server, the part of the addresses after the C(@). The default is O(host).
      - Give it with O(protocol=tls), too, when the port is one of XMPP with direct TLS.
    type: str
  server_name:
    description:
      - Name that is sent in the handshake (SNI), and for which OpenSSL verifies. The default is O(domain), else O(host) when it
        is a name, else the first of O(dns_names), else the address in O(host).
      - An address is verified for, but not sent (RFC 6066).
    type: str
  alpn:
    description:
      - Protocols that are offered (RFC 7301), for example V(xmpp-client) for XMPP with direct TLS (XEP-0368).
    type: list
    elements: str
    default: []
  profile:
    description:
      - What the certificate is for, as in M(onprem.chat.certificate_bundle).
      - The default is V(xmpp) where there is a domain, else V(server).
    type: str
    choices: [server, xmpp, mts_link]
  dns_names:
    description:
      - Host names that the certificate must cover. When neither these nor O(ip_addresses) nor O(xmpp_domains) are given, it must
        cover the domain of an XMPP server, else O(server_name), else the address in O(host).
    type: list
    elements: str
    default: []
  ip_addresses:
    description: IP addresses that the certificate must cover.
    type: list
    elements: str
    default: []
  xmpp_domains:
    description: XMPP domains that the certificate must cover.
    type: list
    elements: str
    default: []
  valid_days:
    description: Warn when any certificate of the chain ends in less than so many days.
    type: int
    default: 30
  clock_skew:
    description: Seconds by which the clock of a client may be slow. A certificate that begins later than that before now is told.
    type: int
    default: 300
  trust_anchors:
    description:
      - PEM or DER files, or folders of them, with the CA certificates that are trusted. They lie on the host where the module
        runs. Only these are trusted then.
      - The system's CA certificates when not given.
    type: list
    elements: path
    default: []
    aliases:
      - ca_path
  minimum_version:
    description: The oldest TLS version that a server should accept. It must accept this or a newer one.
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
    default: TLSv1.2
  old_versions:
    description:
      - What it means when a server also accepts an older version than O(minimum_version).
      - Versions before 1.2 must not be used (RFC 8996), and Windows up to Server 2019 accepts them as it comes.
    type: str
    choices: [allow, warn, fail]
    default: warn
  look:
    description:
      - V(full) visits each server several times, for its versions, without and with other names, and as a client that verifies.
      - V(certificate) goes no further than to the certificates, usually in one visit, and skips the questions about the rest. For
        thousands of servers of which only the dates matter.
    type: str
    choices: [full, certificate]
    default: full
  accept:
    description: Names of checks whose failure is only a warning.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that every single connection, the words before TLS, and the handshake may take.
    type: float
    default: 5
  parallel:
    description: At how many addresses to look at the same time.
    type: int
    default: 8
notes:
  - A server gets up to nine connections, one after the other. None of them logs in or sends anything that is not needed to begin
    TLS.
  - A version that OpenSSL on the asking host cannot speak is C(unknown), not refused.
seealso:
  - module: onprem.chat.certificate_bundle
  - module: onprem.chat.xmpp_info
  - module: onprem.chat.ldap_info
"""

EXAMPLES = r"""
- name: What does the chat server present to clients?
  onprem.chat.tls_info:
    host: chat.corp.test
    protocol: xmpp-client
    domain: corp.test
    trust_anchors: [ca/root.crt]
  delegate_to: localhost
  register: chat

- name: When does its certificate end?
  ansible.builtin.debug:
    msg: "{{ chat.servers[0].chain | map(attribute='not_after') }}"

- name: Would all directory servers be trusted, and for how long?
  onprem.chat.tls_info:
    endpoints:
      - host: dc1.corp.test
        port: 636
      - host: dc1.corp.test
        protocol: ldap
    trust_anchors: [/etc/ssl/company-ca.pem]
    valid_days: 60
  delegate_to: localhost
  register: directory

- name: Show what is not as it should be
  ansible.builtin.debug:
    msg: "{{ directory.checks | rejectattr('status', 'in', ['pass', 'skip']) }}"
"""

RETURN = r"""
checks:
  description:
    - Every question and its answer.
    - The ids are V(tls.tcp), V(tls.starttls) (not with O(protocol=tls)), V(tls.session) (what an ordinary client gets),
      V(tls.versions), V(tls.handshake) (what OpenSSL says of the certificate), V(tls.alpn) (with O(alpn)), V(tls.sni) (what
      clients get that send no name), V(tls.certificate) (what was sent, and whether it can be read), and, where a certificate
      was sent, all V(certificate.*) of M(onprem.chat.certificate_bundle).
    - Texts end after 2,000 characters. Of the certificates that a server sends 20 are looked at.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: The server and its address.
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
    - id: tls.versions
      subject: dc1.corp.test:636 (10.203.0.10)
      status: warn
      evidence: TLSv1 refused, TLSv1.1 accepted, TLSv1.2 accepted, TLSv1.3 accepted
      hint: Switch TLSv1.1 off on the server, unless a known client still needs it (old_versions).
      source: RFC 8996, RFC 9325 3.1.1
servers:
  description: What was seen, an item for each address of each endpoint, in the order of the task.
  returned: always
  type: list
  elements: dict
  contains:
    endpoint:
      description: Host and port.
      type: str
      sample: dc1.corp.test:636
    host:
      description: Host.
      type: str
    port:
      description: Port.
      type: int
    protocol:
      description: How TLS begins.
      type: str
    server_name:
      description: Name that was sent, and verified for, or the address that was verified for.
      type: str
    address:
      description: Address that was asked; empty when the name has none.
      type: str
    error:
      description: Why an ordinary client gets no TLS; empty when it does.
      type: str
    tls_version:
      description: What was negotiated; empty without a handshake.
      type: str
      sample: TLSv1.3
    cipher:
      description: The cipher suite.
      type: str
      sample: TLS_AES_256_GCM_SHA384
    alpn:
      description: The protocol that the server took of O(alpn); empty when none.
      type: str
    versions:
      description: V(accepted), V(refused) or V(unknown) for V(TLSv1), V(TLSv1.1), V(TLSv1.2) and V(TLSv1.3).
      type: dict
    chain:
      description: The certificates as they were sent, in their order, 20 at most.
      type: list
      elements: dict
      contains:
        subject:
          description: Subject (RFC 4514).
          type: str
        issuer:
          description: Issuer (RFC 4514).
          type: str
        serial:
          description: Serial number, hexadecimal.
          type: str
        not_before:
          description: First moment of validity, UTC.
          type: str
          sample: "2026-01-31T12:00:00Z"
        not_after:
          description: Last moment of validity, UTC; empty when it cannot be read.
          type: str
        days_left:
          description: Whole days until then, negative when it is over; null when it cannot be read.
          type: int
        fingerprint:
          description: SHA-256 of the bytes, hexadecimal.
          type: str
        names:
          description: What the subjectAltName holds.
          type: list
          elements: str
    verified:
      description: Whether OpenSSL trusts the chain and takes the certificate for RV(servers[].server_name).
      type: bool
"""

import sys

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._tls.command import run
from ansible_collections.onprem.chat.plugins.module_utils._tls.settings import LOOKS, OLD_VERSIONS, PROTOCOLS, VERSIONS
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError
from ansible_collections.onprem.chat.plugins.module_utils._x509.lib import CRYPTOGRAPHY_ERROR

PYTHON = (3, 11)  # asyncio.timeout
STRINGS = {"type": "list", "elements": "str"}
PATHS = {"type": "list", "elements": "path", "aliases": ["ca_path"]}
PROFILE = {"type": "str", "choices": ["server", "xmpp", "mts_link"]}
ENDPOINT_SPEC = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int"},
    "protocol": {"type": "str", "choices": list(PROTOCOLS)},
    "domain": {"type": "str"},
    "server_name": {"type": "str"},
    "alpn": STRINGS,
    "profile": PROFILE,
    "dns_names": STRINGS,
    "ip_addresses": STRINGS,
    "xmpp_domains": STRINGS,
    "valid_days": {"type": "int"},
    "trust_anchors": PATHS,
    "minimum_version": {"type": "str", "choices": list(VERSIONS)},
    "old_versions": {"type": "str", "choices": list(OLD_VERSIONS)},
    "look": {"type": "str", "choices": list(LOOKS)},
    "accept": STRINGS,
}
DEFAULTS = {
    "protocol": "tls",
    "alpn": [],
    "dns_names": [],
    "ip_addresses": [],
    "xmpp_domains": [],
    "valid_days": 30,
    "trust_anchors": [],
    "minimum_version": "TLSv1.2",
    "old_versions": "warn",
    "look": "full",
    "accept": [],
}
ARGUMENT_SPEC = {
    **{name: {**spec, "default": DEFAULTS[name]} if name in DEFAULTS else spec for name, spec in ENDPOINT_SPEC.items()},
    "host": {"type": "str"},
    "endpoints": {"type": "list", "elements": "dict", "options": ENDPOINT_SPEC},
    "clock_skew": {"type": "int", "default": 300},
    "timeout": {"type": "float", "default": 5},
    "parallel": {"type": "int", "default": 8},
}
RULES = {"required_one_of": [("host", "endpoints")], "mutually_exclusive": [("host", "endpoints")]}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True, **RULES)
    if sys.version_info < PYTHON:
        version = ".".join(str(number) for number in sys.version_info[:2])
        module.fail_json(
            msg=f"This is Python {version} ({sys.executable}), and tls_info needs 3.11 or newer where it runs. Delegate the"
            " task to the controller (delegate_to: localhost) or name another ansible_python_interpreter."
        )
    if CRYPTOGRAPHY_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=CRYPTOGRAPHY_ERROR)
    try:
        result = run(module.params)
    except BundleError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
