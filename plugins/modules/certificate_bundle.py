#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_bundle
short_description: One proven pair of certificate file and key file from whatever a CA delivered
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Takes certificates and a private key in any mix of PEM, DER, PKCS#7 and PKCS#12, in one file, many or folders, and writes
    C(<name>.crt) (leaf, intermediates, root) and C(<name>.key) to one folder.
  - Orders the chain, takes missing intermediates from O(intermediates), chooses between cross-signed ways to a root the one
    that is trusted and valid, and leaves out what is foreign or there twice.
  - Judges the result before anything is written - names, key, dates of every link, purposes, constraints, trust - and fails
    without a change when a check fails. RV(checks) has the whole judgement.
  - At no moment, not even when the process is killed or the power fails, do the two files mismatch, and at no moment can
    others read the key.
  - The replaced pair is kept and can be put back with O(state=previous).
extends_documentation_fragment:
  - onprem.chat._attributes
attributes:
  check_mode:
    support: full
    details: The judgement is the same. An owner or group that is not there yet is a warning, outside of check mode an error.
  diff_mode:
    support: full
    details: Certificates are shown as one line each, the private key as the SHA-256 of its public half.
  idempotent:
    support: partial
    details:
      - The same certificates and key in another form or order change nothing.
      - Each run with O(state=previous) swaps the pair in use and the kept one.
options:
  path:
    description:
      - Folder for the two files, on the host. It is made with mode 0755 when it is missing, and so are those above it.
    type: path
    required: true
  name:
    description: What the two files are called, without extension.
    type: str
    required: true
  state:
    description:
      - V(present) installs what is given.
      - V(previous) puts the pair back that was replaced last, for instance when a service refuses the new one. It is not
        judged. The pair that was in use is kept in turn. What a killed run has taken away counts as replaced.
    type: str
    choices: [present, previous]
    default: present
  sources:
    description:
      - Files and folders with certificates and the key, in any order and form. Folders in folders are passed over.
      - With O(remote_src=false) they lie on the controller, are searched like C(src) of M(ansible.builtin.copy) and may be
        encrypted with Ansible Vault.
      - Without a key in them, in O(content) and in O(key_path) the one that is in C(<name>.key) already stays when it belongs
        to the certificate. When it is encrypted, O(passphrases) are tried on it.
    type: list
    elements: path
  remote_src:
    description: Whether O(sources), O(intermediates) and O(trust_anchors) lie on the host.
    type: bool
    default: false
  content:
    description: Further certificates and keys as text (PEM), for instance from a variable or another task.
    type: list
    elements: str
  key_path:
    description: File with the key that lies on the host, for instance because it was made there.
    type: path
  passphrases:
    description: Passphrases, tried in their order on everything that is encrypted. The key is written without one.
    type: list
    elements: str
  intermediates:
    description:
      - Files and folders with certificates of authorities that may be missing in O(sources). Only what the chain needs is
        taken.
    type: list
    elements: path
  trust_anchors:
    description:
      - Files and folders with the roots that the clients trust. A chain that ends elsewhere is refused.
      - Without it the system's store of the host decides, and a root that is delivered but not in it is a warning.
    type: list
    elements: path
  root:
    description:
      - Whether the root stands at the end of C(<name>.crt). V(keep) writes it when it was delivered.
      - Without it the O(profile) decides, V(keep) but for V(mts_link), which takes V(include).
    type: str
    choices: [include, exclude, keep]
  profile:
    description:
      - What the pair is for, which sets the defaults of the judgement.
      - V(server) is any TLS server, V(xmpp) a server for JIDs of O(xmpp_domains), V(mts_link) the installer of MTS Link,
        which wants the root and the strict order.
    type: str
    choices: [mts_link, server, xmpp]
    default: server
  dns_names:
    description: Host names that the certificate must cover. A wildcard covers one label.
    type: list
    elements: str
  ip_addresses:
    description: Addresses that the certificate must name as such, when clients connect by address.
    type: list
    elements: str
  xmpp_domains:
    description: Domains of JIDs that the certificate must cover, by DNS name, SRV name or XMPP address (RFC 6120 13.7.1).
    type: list
    elements: str
  valid_days:
    description: Every link of the chain must be valid for so many days still, fewer are a warning. 30 without it.
    type: int
  clock_skew:
    description: Seconds by which the clock of a client may be slow. 300 without it.
    type: int
  purposes:
    description: What the certificate must be usable for. V(server) without it.
    type: list
    elements: str
    choices: [server, client]
  key_types:
    description: Kinds of key that the product takes. V(rsa) and V(ec) without it, any other one is a warning.
    type: list
    elements: str
    choices: [rsa, ec, ed25519, ed448]
  accept:
    description:
      - Ids of checks whose failure is only a warning, for instance V(certificate.validity). V(certificate.key.match) cannot be
        accepted. The checks C(certificate.files.*) only warn, so they need not be.
    type: list
    elements: str
  owner:
    description:
      - Owner of the two files, by name or number.
      - Without it that of the file that is replaced, or the user that runs the task.
    type: str
  group:
    description: Group of the two files, the same way.
    type: str
  mode:
    description:
      - Mode of the key file, in octal. V(0600) without it; one that lets everybody read it is refused.
      - With O(state=previous) the mode of the file in use stays when it is not given.
      - On an unchanged pair a mode, owner or group that differs is repaired.
    type: raw
  certificate_mode:
    description: Mode of the certificate file, the same way. V(0644) without it.
    type: raw
  layout:
    description:
      - V(links) keeps pairs in C(<name>.d/<version>) and makes C(<name>.crt) and C(<name>.key) links to the current one, so
        that one rename changes both. Files that lie there are moved to the store first.
      - V(files) writes two plain files, for consumers that copy or mount single files. When the key changes there is no
        certificate for an instant. The replaced pair is kept in C(<name>.d/<version>). The files are new ones after a
        change, so a container that mounts one has to be started again.
      - Without it V(links); with O(state=previous) V(files) when plain files lie there.
    type: str
    choices: [links, files]
  backup:
    description:
      - Keep the replaced pair for ever, in C(<name>.d/backup). Without it only the last one is kept.
    type: bool
    default: false
  delivered:
    description: What was read on the controller. Set by the action plugin of this module, and by nobody else.
    type: str
requirements:
  - Python 3.11 or newer, where the module runs
  - cryptography 38 or newer, where the module runs (C(python3-cryptography) of Debian 12)
notes:
  - A service reads the new pair when it is told to; do so with a handler.
  - Two runs for the same folder wait for each other.
seealso:
  - module: community.crypto.certificate_complete_chain
  - module: community.crypto.x509_certificate_info
"""

EXAMPLES = r"""
- name: Install what the company's CA delivered, for JIDs of corp.test
  onprem.chat.certificate_bundle:
    path: /etc/onprem-chat/certs
    name: corp.test
    sources:
      - delivered/chat.p12
      - delivered/chain.p7b
    passphrases:
      - "{{ chat_p12_passphrase }}"
    trust_anchors:
      - delivered/company-root.crt
    profile: xmpp
    xmpp_domains: [corp.test]
    dns_names: [chat.corp.test]
    group: ssl-cert
    mode: "0640"
  register: pair

- name: Install a renewed certificate for the key that is there, with an intermediate from a folder
  onprem.chat.certificate_bundle:
    path: /etc/onprem-chat/certs
    name: corp.test
    sources: [/root/renewed.cer]
    intermediates: [/root/intermediates]
    trust_anchors: [/root/company-root.crt]
    remote_src: true
    root: exclude
    group: ssl-cert
    mode: "0640"

- name: Two plain files with the whole chain, as MTS Link's installer wants them
  onprem.chat.certificate_bundle:
    path: /opt/mts-link/certs
    name: link
    sources: [delivered/mts-link]
    profile: mts_link
    dns_names: [link.corp.test, api.link.corp.test, media.link.corp.test]
    layout: files
    backup: true

- name: Put the replaced pair back
  onprem.chat.certificate_bundle:
    path: /etc/onprem-chat/certs
    name: corp.test
    state: previous
"""

RETURN = r"""
problem:
  description: What is wrong and where, the first part of C(msg).
  returned: failure
  type: str
  sample: There is no file or folder '/root/chat.key'.
hint:
  description: The likely cause, as a question, and what to do, the second part of C(msg).
  returned: failure
  type: str
  sample: Is the name right, and does it lie on the host that reads it? Give an absolute path.
checks:
  description:
    - Every question about the pair and its answer, each id once. Empty with O(state=previous).
    - The module fails when one has the status V(fail).
    - The checks C(certificate.files.*) are about the two files as they were found, and warn of what this run repairs, for
      instance a key that others could read. Where none was, they are about the new ones.
  returned: when the input could be read
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: The O(name).
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
    - id: certificate.key.match
      subject: corp.test
      status: pass
      evidence: the private key belongs to the leaf (same public key)
      hint: ""
      source: RFC 8446 4.4.3
chain:
  description: The certificates of C(<name>.crt) in their order.
  returned: when the input could be read
  type: list
  elements: dict
  contains:
    subject:
      description: Subject in the form of RFC 4514.
      type: str
      returned: always
    issuer:
      description: Issuer in the same form.
      type: str
      returned: always
    serial:
      description: Serial number in hexadecimal.
      type: str
      returned: always
    not_before:
      description: First moment of validity, UTC.
      type: str
      returned: always
    not_after:
      description: Last moment of validity, UTC.
      type: str
      returned: always
    fingerprint:
      description: SHA-256 of the certificate.
      type: str
      returned: always
    origin:
      description: Where it came from.
      type: str
      returned: always
dropped:
  description: What was delivered and is not in C(<name>.crt), with the same fields and C(reason).
  returned: when the input could be read
  type: list
  elements: dict
  sample:
    - subject: CN=Another Root
      issuer: CN=Another Root
      serial: "01"
      not_before: "2026-01-01T00:00:00Z"
      not_after: "2036-01-01T00:00:00Z"
      fingerprint: 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
      origin: chain.pem, block 4
      reason: a root to which the chain does not lead
notes:
  description: >-
    What is odd about the files that were read, what was passed over in folders, and which keys
    were given and not used.
  returned: when the input could be read
  type: list
  elements: str
certificate_file:
  description: The certificate file.
  returned: when the input could be read
  type: str
  sample: /etc/onprem-chat/certs/corp.test.crt
key_file:
  description: The key file.
  returned: when the input could be read
  type: str
  sample: /etc/onprem-chat/certs/corp.test.key
differences:
  description: In what the pair that was there was not as wanted.
  returned: success
  type: list
  elements: str
  sample: [content, rights]
version:
  description: With O(layout=links) the folder in C(<name>.d) that is in use; null with the other layout, or when it would be made.
  returned: success
  type: str
  sample: 20260101T120000
backup_directory:
  description: Folder with the pair that was replaced; null when none was.
  returned: success
  type: str
  sample: /etc/onprem-chat/certs/corp.test.d/20250101T120000
"""

import sys

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.onprem.chat.plugins.module_utils._x509 import lib
from ansible_collections.onprem.chat.plugins.module_utils._x509.command import OPTIONS, run
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if sys.version_info < (3, 11):  # noqa: UP036 - the host may have an older one
        module.fail_json(
            msg=f"certificate_bundle needs Python 3.11 or newer where it runs, and this is {sys.version.split()[0]} "
            f"({sys.executable}). Set ansible_python_interpreter to a newer one."
        )
    if lib.CRYPTOGRAPHY_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=lib.CRYPTOGRAPHY_ERROR)
    try:
        result = run(module)
    except BundleError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint, **getattr(error, "result", {}))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
