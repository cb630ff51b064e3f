#!/usr/bin/python
# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: win_registry
short_description: Registry settings of a Windows host, for the machine and for its users, without PowerShell
version_added: 0.1.0
author:
  - onprem.chat maintainers (@onprem-chat)
description:
  - Sets and removes any number of registry values and keys in one task, of the machine, of everybody who is logged on, of
    all profiles and of the profile that new ones are copied from.
  - Runs on the controller and uses C(reg.exe) of the host over the connection P(ansible.builtin.winrm#connection) that
    the inventory has for it. PowerShell is not used, and nothing of Ansible's runs on the host.
  - Few round trips, for however many values. A listing of each key says what is different, one file is imported, and the
    listing is read again. Where a listing could mean two things (line breaks, lists), C(reg export) and C(certutil -encode) give
    the exact bytes.
  - The module reports success only when everything was read back as wanted.
  - The hive of a user who is not logged on is loaded and unloaded in one command line. One that a cut connection left loaded is
    unloaded by the next run with a scope of users.
  - What is written lies in a file in C(%SystemRoot%\Temp) during the import, never in a command line.
extends_documentation_fragment:
  - onprem.chat._attributes
  - onprem.chat._win_settings
attributes:
  check_mode:
    support: full
    details:
      - Hives of users who are not logged on are loaded to read them in check mode, too.
  diff_mode:
    support: full
    details:
      - The values that differ. Those of O(settings[].secret) are hidden, and so is what is thrown away with a whole key.
  idempotent:
    support: full
options:
  settings:
    required: true
  state:
    description:
      - V(absent) takes the settings away again. Every value that they would set is removed, and what they remove is removed, too.
        Other values are left alone.
      - Keys stay, even when they are empty then, because it is not known who made them. Name one with O(settings[].state=absent) to
        remove it.
      - A C(.reg) file that removes a key and then fills it (C([-KEY])) says that nothing else is in that key. Then it is removed.
    type: str
    choices: [present, absent]
    default: present
  deadline:
    description:
      - Seconds that one step (reading, or writing and reading back) may take. Each time that the hive of a user who is not logged on
        has to be loaded gives five more.
    type: int
    default: 120
notes:
  - The account needs the rights of an administrator of the host.
  - C(Software\Classes) of a user lies in another file than the rest of his hive and is set for V(loaded_users) only.
  - One run at a time for a host. Two that load hives at the same moment disturb each other and fail.
  - Not run on real Windows yet; see the evidence in the README.
seealso:
  - module: ansible.windows.win_regedit
"""

EXAMPLES = r"""
- name: A client's settings, for the machine and for everybody who uses it or ever will
  onprem.chat.win_registry:
    settings:
      - key: HKLM\SOFTWARE\Vendor\Chat
        name: Server
        data: chat.corp.test
      - key: HKLM\SOFTWARE\Vendor\Chat
        name: Port
        type: dword
        data: 5222
      - key: HKLM\SOFTWARE\Vendor\Chat
        name: LicenseKey
        data: "{{ chat_license }}"
        secret: true
      - key: HKCU\Software\Vendor\Chat
        name: AutoStart
        type: dword
        data: 1
        scope: [users, default_profile]
      - key: HKCU\Software\Vendor\OldChat
        state: absent
        scope: [users, default_profile]

- name: The file that the vendor gives, for 32-bit programs; what is in its HKEY_CURRENT_USER, for everybody
  onprem.chat.win_registry:
    settings:
      - reg_file: vendor-chat.reg
        encoding: cp1251
        view: "32"
        scope: [users, default_profile]

- name: Away with what that file has set, in the same places
  onprem.chat.win_registry:
    settings:
      - reg_file: vendor-chat.reg
        encoding: cp1251
        view: "32"
        scope: [users, default_profile]
    state: absent
"""

RETURN = r"""
changes:
  description: What was different, without data. In check mode, what would be changed.
  returned: success
  type: list
  elements: dict
  contains:
    key:
      description: The key as it is shown in the diff.
      type: str
      returned: always
    name:
      description: Name of the value; empty for the default value, null for the key itself.
      type: str
      returned: always
    view:
      description: The view.
      type: str
      returned: always
    action:
      description: V(set_value), V(remove_value), V(set_key) or V(remove_key).
      type: str
      returned: always
    user:
      description: Name of the user, null for the machine and the default profile.
      type: str
      returned: always
    sid:
      description: SID of the user, null for the machine and the default profile.
      type: str
      returned: always
users:
  description: Who has a profile or a loaded hive on the host; empty where no setting is for users.
  returned: success
  type: list
  elements: dict
  contains:
    sid:
      description: SID of the account.
      type: str
      returned: always
    name:
      description: Name of the account where it is logged on, else of its profile's folder.
      type: str
      returned: always
    profile:
      description: Folder of the profile.
      type: str
      returned: always
    loaded:
      description: Whether the hive is loaded.
      type: bool
      returned: always
    logged_on:
      description: Whether there is a session.
      type: bool
      returned: always
    roaming:
      description: Whether the profile is a copy of one on a server. Such a one is only looked at while its hive is loaded.
      type: bool
      returned: always
error:
  description: What happened, where, the likely cause and what to do, separately.
  returned: failure
  type: dict
  contains:
    what:
      description: What happened.
      type: str
      returned: always
    where:
      description: Where.
      type: str
      returned: always
    cause:
      description: The likely cause.
      type: str
      returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
"""
