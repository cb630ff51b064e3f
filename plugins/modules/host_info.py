#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Finds out whether a Linux host meets a product's requirements
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Compares the host it runs on with the given requirements and says of each what was seen.
  - Needs nothing but Python on the host, starts no program and changes nothing.
  - Only root sees which process of another user holds a port; use C(become).
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
options:
  os:
    description: Operating system that the host must run.
    type: dict
    suboptions:
      distribution:
        description: C(ID) of C(/etc/os-release), for example V(debian).
        type: str
        required: true
      versions:
        description: Accepted values of C(VERSION_ID); any version when empty.
        type: list
        elements: str
        default: []
  architectures:
    description: Accepted machine architectures, for example V(x86_64); any when empty.
    type: list
    elements: str
    default: []
  systemd:
    description: Whether systemd must be the init system.
    type: bool
    default: true
  min_memory_mib:
    description:
      - Memory that the host must have, in MiB; V(0) does not ask.
      - Seven percent less are accepted, because the kernel keeps a part for itself.
    type: int
    default: 0
  min_disk:
    description: Free disk space that must exist.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Folder that must have the space. Where it does not exist yet, its nearest parent is asked.
        type: str
        required: true
      gib:
        description: Free space in GiB.
        type: float
        required: true
  ports:
    description: Ports that must be free, or held by one of the expected processes.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Port number.
        type: int
        required: true
      protocol:
        description: Protocol of the port.
        type: str
        choices: [tcp, udp]
        default: tcp
      allowed_processes:
        description: Process names (C(/proc/PID/comm), at most 15 characters) that may hold the port.
        type: list
        elements: str
        default: []
  fqdn:
    description: Full name of the host, looked for in C(/etc/hosts) and resolved on the host.
    type: str
  addresses:
    description: Addresses that O(fqdn) must have; any when empty.
    type: list
    elements: str
    default: []
  clock:
    description: Whether to ask the kernel if the clock is synchronised.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: See whether the host can carry the server
  onprem.chat.host_info:
    os:
      distribution: debian
      versions: ["12"]
    min_memory_mib: 1024
    min_disk:
      - path: /var/lib
        gib: 5
    ports:
      - port: 5222
        allowed_processes: [beam.smp]
    fqdn: chat.corp.test
    addresses: [10.203.0.20]
  become: true
  register: host
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
        - V(host.os), V(host.init), V(host.architecture), V(host.memory), V(host.disk), V(host.port), V(host.hosts),
          V(host.resolver), V(host.name) or V(host.clock).
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
    - id: host.port
      subject: tcp port 5222
      status: fail
      evidence: held by nginx (pid 713)
      hint: "Stop and disable this service, or move it to another port: the port is needed here."
      source: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.onprem.chat.plugins.module_utils._host.judge import Requirements, judge

ARGUMENT_SPEC = {
    "os": {
        "type": "dict",
        "options": {
            "distribution": {"type": "str", "required": True},
            "versions": {"type": "list", "elements": "str", "default": []},
        },
    },
    "architectures": {"type": "list", "elements": "str", "default": []},
    "systemd": {"type": "bool", "default": True},
    "min_memory_mib": {"type": "int", "default": 0},
    "min_disk": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "str", "required": True}, "gib": {"type": "float", "required": True}},
    },
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "port": {"type": "int", "required": True},
            "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
            "allowed_processes": {"type": "list", "elements": "str", "default": []},
        },
    },
    "fqdn": {"type": "str"},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "clock": {"type": "bool", "default": True},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(changed=False, checks=judge(Requirements(**module.params)).as_list())


if __name__ == "__main__":
    main()
