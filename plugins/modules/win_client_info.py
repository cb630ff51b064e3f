#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: win_client_info
short_description: What is installed on a Windows desktop, for whom, and whether it is ready for a rollout
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Tells what is installed on a Windows host, in which version and scope and for which users, who is logged on, whether a restart
    is pending, how much space is left, what earlier runs of M(onprem.chat.win_client) left, and how the connection is.
  - Needs no PowerShell on the host. It asks the host's own C(reg) over the same C(winrm) connection that the inventory describes for
    C(ansible.windows), everything in one command line where it fits. Names of keys, values and exit codes decide; no word of a
    localised text is read.
  - Compares what is there with O(expect), and says the result as RV(checks), as all modules of this collection that ask do.
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._attributes.info_module
  - onprem.chat._attributes.checks
attributes:
  check_mode:
    details: The module only reads. With O(profiles=true) the hives of users who are not logged on are loaded for a moment.
options:
  name:
    description:
      - Only products with this name. V(*) and V(?) stand for any text and any sign, upper and lower case are the same.
      - O(name), O(product_code), O(upgrade_code) and O(uninstall_key) exclude each other; without one of them, all products are told.
    type: str
  product_code:
    description: Only the product of Windows Installer with this ProductCode.
    type: str
  upgrade_code:
    description: Only products of Windows Installer of this family.
    type: str
  uninstall_key:
    description: Only what is registered under a key of this name below C(Software\Microsoft\Windows\CurrentVersion\Uninstall).
    type: str
  profiles:
    description:
      - Look at what users have installed for themselves who are not logged on, too. The hive of each of them is loaded and unloaded,
        which takes another command line and some time.
      - Without it, users count whose hives are loaded. What Windows Installer installed for a user is known in any case.
    type: bool
    default: false
  gather:
    description: What is asked. The connection always is.
    type: list
    elements: str
    choices: [products, users, reboot, disk, windows, rollout]
    default: [products, users, reboot, disk, windows, rollout]
  expect:
    description:
      - Clients that are to be there, or not. Each becomes a check V(windows.client), whatever O(gather) says.
      - Written like the options of M(onprem.chat.win_client). One of O(expect[].package), O(expect[].product_code),
        O(expect[].upgrade_code) and O(expect[].uninstall_key) is needed.
    type: list
    elements: dict
    default: []
    suboptions:
      package:
        description:
          - The package on the controller, which says codes and version. Nothing is transferred to the host.
          - An https URL is downloaded to the controller, as M(onprem.chat.win_client) does it.
        type: path
      sha256:
        description: The SHA-256 of a package that is a URL. Needed there.
        type: str
      ca_path:
        description: PEM file with authorities for the server of a package that is a URL.
        type: path
      state:
        description: V(repair) is the same as V(present) here.
        type: str
        choices: [present, absent, repair]
        default: present
      scope:
        description:
          - V(machine) wants it installed for all users.
          - V(user) wants it installed for each user. One who is logged on and does not have it fails the check; one who is not is
            only seen with O(profiles=true) and makes it a warning.
        type: str
        choices: [machine, user]
        default: machine
      version:
        description: The version that is wanted. By default the package's; without any, every version will do.
        type: str
      keep_newer:
        description: For all users a newer version is as good, for clients that update themselves. Of one user's it always is.
        type: bool
        default: false
      version_file:
        description:
          - Path of a program on the host, whose version counts instead of the one in the registry, as in
            M(onprem.chat.win_client).
        type: str
      product_code:
        description: ProductCode of an MSI, instead of the package's own.
        type: str
      upgrade_code:
        description: UpgradeCode of an MSI, instead of the package's own.
        type: str
      uninstall_key:
        description: Key under which it registers itself. Needed for an EXE.
        type: str
  free_space:
    description: Below so many MiB of free space on the system drive the check V(windows.disk) warns.
    type: int
    default: 1024
  deadline:
    description: Seconds that the host may take to answer, and five more for each profile whose hive has to be loaded.
    type: int
    default: 120
notes:
  - The account needs the rights of an administrator of the host.
  - In the laboratory this was run against Wine behind a WinRM endpoint of this collection, not against Windows.
seealso:
  - module: onprem.chat.win_client
"""

EXAMPLES = r"""
- name: Is the client there, and is the desktop ready?
  onprem.chat.win_client_info:
    gather: [reboot, disk, rollout]
    expect:
      - package: corp-chat-2.1.0.msi
      - uninstall_key: Corp Voice
        version: "1.4"
        scope: user
  register: desktop

- name: Everything of one vendor, also what users have installed for themselves
  onprem.chat.win_client_info:
    name: Corp *
    profiles: true
    gather: [products, users]
"""

RETURN = r"""
products:
  description: What is installed, one entry an installation.
  returned: when O(gather) has V(products)
  type: list
  elements: dict
  contains:
    key:
      description: Name of the uninstall key, or the ProductCode.
      type: str
      returned: always
    name:
      description: Name as Windows shows it.
      type: str
      returned: always
    version:
      description: Version as it is registered.
      type: str
      returned: always
    scope:
      description: V(machine) or V(user).
      type: str
      returned: always
    sid:
      description: Whose it is. V(S-1-5-18) with V(machine). With V(user) that means the hive of the account SYSTEM, where an installer
        for users lands that was run as SYSTEM by mistake.
      type: str
      returned: always
    user:
      description: His name. Empty for the machine, and for somebody who has no profile any more.
      type: str
      returned: always
    installer:
      description: V(msi) for products of Windows Installer, else V(other).
      type: str
      returned: always
    product_code:
      description: ProductCode of an MSI, else empty.
      type: str
      returned: always
    view:
      description: Registry of programs of V(64) or V(32) bit in which its uninstall key is; 0 where it has none or that was not asked.
      type: int
      returned: always
  sample:
    - key: Corp Voice
      name: Corp Voice
      version: 1.4.0
      scope: user
      sid: S-1-5-21-1-2-3-1105
      user: anna
      installer: other
      product_code: ""
      view: 64
users:
  description: Everybody with a profile or a loaded hive.
  returned: when O(gather) has V(users)
  type: list
  elements: dict
  contains:
    sid:
      description: SID of the account.
      type: str
      returned: always
    name:
      description: Name of the account of somebody who is logged on, else of his profile's folder.
      type: str
      returned: always
    profile:
      description: Folder of his profile.
      type: str
      returned: always
    loaded:
      description: Whether his hive is loaded.
      type: bool
      returned: always
    logged_on:
      description: Whether he is logged on.
      type: bool
      returned: always
    roaming:
      description: Whether the profile is a copy of one on a server. Such a one is only looked at while its hive is loaded.
      type: bool
      returned: always
logged_on:
  description: Names of those who are logged on.
  returned: when O(gather) has V(users)
  type: list
  elements: str
windows:
  description: The Windows, as its registry says. Empty texts where it says nothing.
  returned: when O(gather) has V(windows)
  type: dict
  contains:
    name:
      description: As in V(Windows 11 Pro).
      type: str
      returned: always
    edition:
      description: As in V(Professional).
      type: str
      returned: always
    version:
      description: As in V(23H2).
      type: str
      returned: always
    build:
      description: With the number of the last update, as in V(22631.3447).
      type: str
      returned: always
    installation:
      description: V(Client) or V(Server).
      type: str
      returned: always
    architecture:
      description: As in V(AMD64).
      type: str
      returned: always
    computer_name:
      description: Its short name.
      type: str
      returned: always
reboot:
  description: Whether the host waits for a restart, and why.
  returned: when O(gather) has V(reboot)
  type: dict
  contains:
    pending:
      description: Whether it does.
      type: bool
      returned: always
    reasons:
      description: Of V(component_servicing), V(windows_update), V(file_rename), V(computer_rename), V(installer).
      type: list
      elements: str
      returned: always
disk:
  description: The drive that Windows is on.
  returned: when O(gather) has V(disk)
  type: dict
  contains:
    free_bytes:
      description: Free space.
      type: int
      returned: when it is known
rollout:
  description: What runs of this collection have left, or are doing now.
  returned: when O(gather) has V(rollout)
  type: dict
  contains:
    jobs:
      description: Installations with C(name) and C(state), which is V(running), V(finished) (its result was not fetched) or V(dead).
      type: list
      elements: dict
      returned: always
    tasks:
      description: Scheduled tasks of this collection. Those that install for users at their logon are there to stay.
      type: list
      elements: str
      returned: always
    files:
      description: Folders with packages.
      type: list
      elements: str
      returned: always
    hive_loaded:
      description: Whether a user's hive is loaded that a run has not unloaded.
      type: bool
      returned: always
channel:
  description: The connection.
  returned: success
  type: dict
  contains:
    endpoint:
      description: Address of the service.
      type: str
      returned: always
    authentication:
      description: As in V(kerberos).
      type: str
      returned: always
    user:
      description: The account.
      type: str
      returned: always
    encryption:
      description: V(tls), V(message) (HTTP with encrypted messages) or V(none).
      type: str
      returned: always
    tls_version:
      description: As in V(TLSv1.3), empty where it cannot be seen.
      type: str
      returned: always
    certificate_validated:
      description: Whether the host's certificate was checked.
      type: bool
      returned: with TLS
    requests:
      description: Messages of WS-Management that were sent; the handshakes of authentication are not among them.
      type: int
      returned: always
    bytes_sent:
      description: Their size before encryption.
      type: int
      returned: always
    bytes_received:
      description: Size of the answers.
      type: int
      returned: always
    reconnects:
      description: How often the connection was lost and made again.
      type: int
      returned: always
checks:
  description:
    - Every question and its answer.
    - The ids are V(windows.client) (one for each of O(expect)), V(windows.profiles) (with O(profiles=true)), V(windows.reboot),
      V(windows.disk), V(windows.rollout) and V(windows.channel).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Name of the question.
      type: str
      returned: always
    subject:
      description: The host.
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
    - id: windows.client
      subject: pc1, Corp Chat
      status: fail
      evidence: Corp Chat 2.0.0 is installed instead of 2.1.0
      hint: Run the playbook clients, or win_client with this package
      source: ""
error:
  description: The parts of the message, and which kind of error it is.
  returned: failure
  type: dict
"""
