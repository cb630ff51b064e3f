#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: web_info
short_description: What web servers answer, and whether browsers get that far
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Asks for URLs as a browser does, from the host where it runs, and tells apart where it ends. The name does not resolve, the
    port is refused or swallowed, the certificate is not accepted, or the answer is not the wanted one.
  - One GET for each URL, without a login. A redirect is shown, with its target, and not followed.
  - Goes straight to the server. Proxies in the environment (C(https_proxy) and others) are not used, since the question is whether
    the direct path works.
  - Never hangs and never reads without end. Servers that are silent, drip, send no HTTP or send for ever are failed checks, and the
    others are asked all the same.
  - Needs nothing but Python on the host.
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  requests:
    description: What to ask. Checks come in this order, whichever server answers first.
    type: list
    elements: dict
    required: true
    suboptions:
      url:
        description:
          - V(https://) or V(http://), a host name (also with letters of any language) or an IP address (IPv6 in brackets), a port
            if it is another than 443 or 80, path and query.
          - One with a user name or password in it is refused, as this module logs in nowhere.
          - What stands in the query is sent, but neither shown in checks nor returned. It is no place for secrets all the same,
            because Ansible itself shows and logs the options of a task.
          - A fragment (C(#...)) is not sent, as in browsers.
        type: str
        required: true
      status:
        description: HTTP status, or a list of those that are right.
        type: list
        elements: int
        default: [200]
      contains:
        description:
          - Regular expression of Python that must be found in the text of the answer, for example V((?i)log in).
          - It is looked for in the first 256 KiB. The text is decoded by its byte order mark, else as the header says, else as
            the page says, else as UTF-8.
          - A page written by a stranger can make an expression with nested repetitions (C((a+\)+)) run for a very long time. Write
            plain ones.
        type: str
        default: ""
      name:
        description: What a person calls this, for the subject of the checks.
        type: str
        default: ""
      hint:
        description: What to do when the status is another one or O(requests[].contains) is not found, in place of this module's own words.
        type: str
        default: ""
      source:
        description: The document that asks for it, for the checks.
        type: str
        default: ""
      connect_to:
        description: Like O(connect_to).
        type: str
      trust_anchors:
        description: Like O(trust_anchors).
        type: list
        elements: path
        aliases:
          - ca_path
      timeout:
        description: Like O(timeout).
        type: float
  connect_to:
    description:
      - Host name or address to connect to instead of that of the URL. What is sent as server name (SNI), what the certificate must
        be valid for, and the header C(Host) stay those of the URL.
      - For a server to which the DNS does not point yet, or one of several behind a name. An IPv6 address may have a zone.
      - Empty to resolve the name.
    type: str
    default: ""
  trust_anchors:
    description:
      - PEM files with the CA certificates that are trusted. They lie on the host where the module runs. Only these are trusted then.
      - The system's CA certificates when not given.
    type: list
    elements: path
    default: []
    aliases:
      - ca_path
  timeout:
    description:
      - Seconds that one request may take from the name to the end of the answer.
      - Half of it may pass until a connection stands, so that an address that swallows everything leaves time for the next one.
    type: float
    default: 10
  parallel:
    description: How many requests are made at the same time, at most 64.
    type: int
    default: 8
notes:
  - Every address of a name is connected to. TLS and the request go to the first that accepts.
  - A server gets two connections for C(http://) and three for C(https://), one after the other, and one more where its certificate
    is refused, to learn who issued it. Only the last of them sends a request, after the certificate was verified.
  - Bodies are not asked for in a compressed form. What comes as C(gzip) or C(deflate) anyway is read.
  - HTTP/1.1 is spoken, by TLS 1.2 or newer. For the versions that a server accepts, and for certificates in full, see
    M(onprem.chat.tls_info).
seealso:
  - module: onprem.chat.tls_info
  - module: onprem.chat.dns_info
  - module: onprem.chat.host_info
"""

EXAMPLES = r"""
- name: Do users get the login page?
  onprem.chat.web_info:
    requests:
      - url: https://chat.corp.test/chats/
        name: Login page
        contains: (?i)<title>
      - url: https://chat.corp.test/
        name: Start page
        status: 403
        hint: Nothing is published here; users go to /chats/.
      - url: http://chat.corp.test/chats/
        status: [301, 308]
    trust_anchors: [/etc/ssl/company-root.crt]
  delegate_to: localhost
  register: web

- name: Say what is not as it should be
  ansible.builtin.debug:
    msg: "{{ web.checks | onprem.chat.check_table(['warn', 'fail']) }}"

- name: Ask the new server before the DNS points to it
  onprem.chat.web_info:
    requests:
      - url: https://chat.corp.test/chats/
    connect_to: 10.203.0.20
  delegate_to: localhost
"""

RETURN = r"""
checks:
  description:
    - Four for each request, always all of them, in the order of the task. V(web.name) (the name has an address), V(web.connect)
      (the port accepts connections, at every address), V(web.tls) (a handshake with a certificate that is trusted, valid now and
      for this name) and V(web.answer) (the status, and what the answer must contain).
    - One that cannot be asked, since an earlier one failed, is skipped and says so. So are V(web.tls) for C(http://) and
      V(web.name) for an address.
    - Texts from servers are shortened, and what a terminal would act on is written as an escape.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: The URL, after its O(requests[].name) when it has one.
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
      description: The O(requests[].source).
      type: str
      returned: always
  sample:
    - id: web.answer
      subject: "Login page: https://chat.corp.test/chats/"
      status: fail
      evidence: '10.203.0.20 answers 502 Bad Gateway, title "502 Bad Gateway"; wanted was 200'
      hint: The web server runs, what is behind it does not answer. Does it run? Look into the logs of both.
      source: ""
answers:
  description: What came back, an item for each request, in the order of the task.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The O(requests[].name).
      type: str
    url:
      description: The URL as it was asked for, without its query.
      type: str
    passed:
      description: Whether no check of this request failed.
      type: bool
    address:
      description: Address that was asked; empty when the name has none.
      type: str
    status:
      description: HTTP status; null without an answer.
      type: int
      sample: 200
    reason:
      description: The words behind the status.
      type: str
      sample: OK
    location:
      description: Target of a redirect, without user, query and fragment.
      type: str
    content_type:
      description: Media type that the server names.
      type: str
      sample: text/html
    title:
      description: First words of the title of an HTML page. Of an error in plain text its first words.
      type: str
    tls_version:
      description: What was negotiated; empty without TLS.
      type: str
      sample: TLSv1.3
    issuer:
      description: Who issued the server's certificate. Where V(web.tls) failed this is unverified.
      type: str
      sample: Corp Test Company CA (Corp Test)
    not_after:
      description: Last moment of the certificate's validity, UTC; empty when it was not accepted.
      type: str
      sample: "2027-01-31T12:00:00Z"
    milliseconds:
      description: How long the answer took, with its connection; null without an answer.
      type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.chat.plugins.module_utils._web.command import run
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError

PATHS = {"type": "list", "elements": "path", "aliases": ["ca_path"]}
REQUEST_SPEC = {
    "url": {"type": "str", "required": True},
    "status": {"type": "list", "elements": "int", "default": [200]},
    "contains": {"type": "str", "default": ""},
    "name": {"type": "str", "default": ""},
    "hint": {"type": "str", "default": ""},
    "source": {"type": "str", "default": ""},
    "connect_to": {"type": "str"},
    "trust_anchors": PATHS,
    "timeout": {"type": "float"},
}
ARGUMENT_SPEC = {
    "requests": {"type": "list", "elements": "dict", "required": True, "options": REQUEST_SPEC},
    "connect_to": {"type": "str", "default": ""},
    "trust_anchors": {**PATHS, "default": []},
    "timeout": {"type": "float", "default": 10},
    "parallel": {"type": "int", "default": 8},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = run(module.params)
    except InputError as error:
        module.fail_json(msg=str(error), problem=error.what, hint=error.hint)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
