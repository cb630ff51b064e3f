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
  - Needs nothing but Python on the host and changes nothing.
  - Most is read from C(/proc), C(/sys) and C(/etc). Programs are run only where they are there, in English, without a
    terminal and with a time limit. C(apt-get --simulate dist-upgrade) and C(apt-get --print-uris update) are run for
    O(updates), with the cache in memory, without locks, and without asking the network. C(apt-config dump) is run for
    O(proxies). C(chronyc tracking), C(ntpq -c rv) or C(ntpctl -s status) is run for O(clock), when this service runs.
  - Only root sees which process of another user holds a port, and the proxies in the home of root; use C(become).
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
  updates:
    description:
      - Whether all updates must be installed.
      - apt is asked what a full upgrade would do. Package lists that are missing, and a source whose list was never
        fetched, say nothing about updates of today and are a failure.
      - So are lists into which nothing new was fetched for 7 days, even if C(apt-get update) was run since. The host cannot
        tell an update that failed from a source that stands still.
      - V(host.updates.held) are packages with a newer version that are on hold or kept back, which no upgrade installs.
      - Also says whether a reboot is pending, because a package asks for one or a newer kernel is installed.
    type: bool
    default: false
  min_cpus:
    description:
      - Processors that services of this host must be able to use; V(0) does not ask.
      - The CPU affinity of process 1 and CPU quotas of control groups are limits.
    type: int
    default: 0
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
      ssd:
        description:
          - Whether the folder must lie on disks that do not rotate.
          - They are looked for through partitions, LVM, encryption, multipath, software RAID, btrfs and loop devices.
          - That a rotating disk is announced by a hypervisor, a RAID controller or a storage network is a warning, as is
            a file system that shows no disk, for instance one of a container or of the network.
        type: bool
        default: false
  min_network_mbit:
    description:
      - Speed that the network interface must have, in Mbit/s; V(0) does not ask.
      - It is the interface that has one of the wanted addresses, else that of the default route.
      - Virtual interfaces and those of hypervisors show invented figures; that is a warning.
    type: int
    default: 0
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
    description:
      - Full name of the host, looked for in C(/etc/hosts) and resolved on the host.
      - With O(addresses) the short form of one entry in O(names).
    type: str
  addresses:
    description: Addresses that O(fqdn) must have; any when empty.
    type: list
    elements: str
    default: []
  names:
    description: Names that this host must have, and their addresses as this host must see them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Full DNS name.
        type: str
        required: true
      addresses:
        description: Addresses that the name must have; any when empty.
        type: list
        elements: str
        default: []
  names_in_hosts_file:
    description: Whether the names must have a line in C(/etc/hosts). A wrong line is always a failure.
    type: str
    choices: [optional, required]
    default: optional
  loopback_names:
    description: What it means when C(/etc/hosts) gives one of the names an address of the loopback.
    type: str
    choices: [warn, fail]
    default: warn
  local_addresses:
    description:
      - Whether every wanted address must be configured on an interface of this host.
      - That finds the outer address of a router in the place of the inner one.
    type: bool
    default: false
  external_addresses:
    description:
      - Addresses that the names have outside, when this host is behind NAT.
      - The names must not have them on the host itself, neither in C(/etc/hosts) nor by DNS.
    type: list
    elements: str
    default: []
  same_domain_as:
    description:
      - Names of other servers. Each of the names must be in the same domain, which is what follows the first dot.
      - It is a warning when they only share the registered domain.
    type: list
    elements: str
    default: []
  search_domains:
    description: Whether C(/etc/resolv.conf) may have lines C(domain) and C(search).
    type: str
    choices: [allow, forbid]
    default: allow
  clock:
    description:
      - Whether the clock must be in sync.
      - Where chronyd, systemd-timesyncd or ntpd runs, what it follows counts, and how far off the clock can be (at most one
        second). A service that follows nothing or its own clock is a warning.
      - Else the kernel's word counts.
    type: bool
    default: true
  proxies:
    description:
      - Whether to look for proxies, which are a warning.
      - They are looked for in the environment of the task, C(/etc/environment), C(/etc/environment.d), C(/etc/profile),
        C(/etc/profile.d), C(/etc/bash.bashrc), C(/etc/wgetrc), C(/etc/default/docker), C(/etc/systemd/system.conf) and its
        folder, C(/etc/systemd/system/docker.service.d) and C(containerd.service.d), C(/etc/docker/daemon.json), apt, and
        in files of the same kind in the home of root.
      - Passwords are masked.
    type: bool
    default: false
  outbound:
    description:
      - Services that this host must reach, without a proxy.
      - All are asked at the same time, and every address of each.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Name or address. With TLS its certificate must be valid for it.
        type: str
        required: true
      port:
        description: TCP port.
        type: int
        default: 443
      protocol:
        description: V(tls) makes a verified handshake, V(tcp) only connects.
        type: str
        choices: [tls, tcp]
        default: tls
      trust_anchors:
        description: PEM file on the host with trusted CAs, instead of those that the host trusts.
        type: path
  timeout:
    description: Seconds for a name, and for a connection, of O(outbound).
    type: float
    default: 5
  accept:
    description: Ids of checks whose failure is only a warning, for instance V(host.updates).
    type: list
    elements: str
    default: []
  strict:
    description: Ids of checks whose warning is a failure, for instance V(host.clock).
    type: list
    elements: str
    default: []
  sources:
    description: The document that asks for it, for any id of a check. It becomes RV(checks[].source).
    type: dict
    default: {}
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

- name: A product with a table of requirements, behind NAT
  onprem.chat.host_info:
    os:
      distribution: debian
      versions: ["12"]
    architectures: [x86_64]
    updates: true
    min_cpus: 16
    min_memory_mib: 32768
    min_disk:
      - path: /var/lib/docker
        gib: 900
        ssd: true
    min_network_mbit: 1000
    ports:
      - port: 80
      - port: 443
    names:
      - name: chats.example.com
        addresses: [10.0.5.20]
      - name: chats-storage.example.com
        addresses: [10.0.5.20]
    names_in_hosts_file: required
    loopback_names: fail
    local_addresses: true
    external_addresses: [198.51.100.20]
    same_domain_as: [meetings.example.com]
    search_domains: forbid
    proxies: true
    outbound:
      - host: registry.example.net
      - host: licences.example.net
    strict: [host.clock]
    sources:
      host.resolver.search: "Installation manual, chapter 5, note 2"
      host.clock: "Installation manual, chapter 4, item 3"
  become: true
  register: host
  failed_when: host.checks | selectattr('status', 'eq', 'fail') | list | length > 0
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
        - V(host.os), V(host.updates), V(host.updates.held), V(host.reboot), V(host.init), V(host.architecture),
          V(host.cpus), V(host.memory), V(host.disk), V(host.disk.kind), V(host.network.speed), V(host.port),
          V(host.address), V(host.nat), V(host.hosts), V(host.resolver), V(host.resolver.search), V(host.name),
          V(host.domain), V(host.clock), V(host.proxy) or V(host.outbound).
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

from ansible_collections.onprem.chat.plugins.module_utils._host.judge import IDS, Requirements, judge, unknown_ids

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
    "updates": {"type": "bool", "default": False},
    "min_cpus": {"type": "int", "default": 0},
    "min_memory_mib": {"type": "int", "default": 0},
    "min_disk": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "gib": {"type": "float", "required": True},
            "ssd": {"type": "bool", "default": False},
        },
    },
    "min_network_mbit": {"type": "int", "default": 0},
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
    "names": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "default": []},
        },
    },
    "names_in_hosts_file": {"type": "str", "choices": ["optional", "required"], "default": "optional"},
    "loopback_names": {"type": "str", "choices": ["warn", "fail"], "default": "warn"},
    "local_addresses": {"type": "bool", "default": False},
    "external_addresses": {"type": "list", "elements": "str", "default": []},
    "same_domain_as": {"type": "list", "elements": "str", "default": []},
    "search_domains": {"type": "str", "choices": ["allow", "forbid"], "default": "allow"},
    "clock": {"type": "bool", "default": True},
    "proxies": {"type": "bool", "default": False},
    "outbound": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 443},
            "protocol": {"type": "str", "choices": ["tls", "tcp"], "default": "tls"},
            "trust_anchors": {"type": "path"},
        },
    },
    "timeout": {"type": "float", "default": 5},
    "accept": {"type": "list", "elements": "str", "default": []},
    "strict": {"type": "list", "elements": "str", "default": []},
    "sources": {"type": "dict", "default": {}},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    wanted = Requirements(**module.params)
    for option, ids in unknown_ids(wanted).items():
        module.fail_json(msg=f"{option}: there is no check {', '.join(ids)}. Is it misspelt? Known: {', '.join(IDS)}.")
    if not 0 < wanted.timeout <= 600:
        module.fail_json(msg=f"timeout is {wanted.timeout:g}, it must be more than 0 and at most 600 seconds.")
    module.exit_json(changed=False, checks=judge(wanted).as_list())


if __name__ == "__main__":
    main()
