# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  settings:
    description:
      - Values and keys of the registry, and files of them. They are taken in their order, and a later one wins.
      - The key of a user's setting begins with C(HKCU) or below it, and O(settings[].scope) says whose it is.
    type: list
    elements: dict
    suboptions:
      key:
        description:
          - The key, as in V(HKLM\\SOFTWARE\\Vendor\\Product). Without a hive it is one of C(HKLM) or of the users' hives, as
            O(settings[].scope) says.
          - C(HKCR) is C(HKLM\SOFTWARE\Classes) here.
        type: str
      name:
        description:
          - Name of the value. The empty text is the key's default value.
          - Without it the item is about the key itself.
        type: str
      type:
        description: Type of the value. Without it, V(string).
        type: str
        choices:
          - none
          - string
          - expandstring
          - binary
          - dword
          - dword_big_endian
          - link
          - multistring
          - resource_list
          - full_resource_descriptor
          - resource_requirements_list
          - qword
      data:
        description:
          - A text, or a list of texts for V(multistring).
          - A whole number for V(dword), V(dword_big_endian) and V(qword), also as in V(0x1466).
          - Bytes as in V(de,ad,be,ef) or V(deadbeef), or a list of numbers, for the others.
        type: raw
      state:
        description:
          - Whether the value is there. Without O(settings[].name), whether the key is; V(absent) then removes everything
            below it, too. Keys of Windows itself are not removed.
        type: str
        choices: [present, absent]
        default: present
      scope:
        description:
          - Where it is set; several may be named. For a O(settings[].reg_file), where its C(HKEY_CURRENT_USER) is.
          - V(machine) is C(HKLM).
          - V(users) is everybody who has a profile on the host. The hive of one who is not logged on is loaded for a moment.
            Roaming profiles of such are passed over with a warning.
          - V(loaded_users) is everybody whose hive is loaded, because he is logged on.
          - V(default_profile) is what new profiles are copied from.
          - Without it, keys are those of the machine, and there must be none of users.
        type: list
        elements: str
        choices: [machine, users, loaded_users, default_profile]
      view:
        description: The registry of 64-bit or of 32-bit programs. By default that of the host's own C(cmd.exe), usually 64 bit.
        type: str
        choices: [default, "64", "32"]
        default: default
      secret:
        description: The data is not shown in a diff.
        type: bool
        default: false
      reg_file:
        description:
          - A C(.reg) file on the controller, instead of O(settings[].key), as vendors give it. It is read completely before
            anything is done, and what makes no sense is an error.
          - A key that it removes and then fills holds exactly what the file says. It is removed and written anew when it
            holds anything else.
        type: str
      encoding:
        description: Code page of a O(settings[].reg_file) that is not Unicode, as in V(cp1251).
        type: str
"""
