# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who uses a Windows host, from what reg.exe prints in any language."""

from __future__ import annotations

from ansible_collections.onprem.chat.plugins.plugin_utils._windows import users
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.users import User
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.registry_host import ANNA, IVAN, OLEG, Host


def test_loaded_and_not_loaded():
    host = Host()
    host.user(IVAN, "Иван Петров", logged_on=True)
    host.user(ANNA, "anna.CORP")
    host.loaded[OLEG] = "C:\\Users\\oleg"
    host.loaded |= {"S-1-5-18": "", "S-1-5-21-1-2-3-1104_Classes": "", "S-1-5-82-1-2": ""}
    answers = host.batch(users.questions())
    assert users.understand(answers) == [
        User(IVAN, "Иван Петров", "C:\\Users\\Иван Петров", True, True),
        User(ANNA, "anna.CORP", "C:\\Users\\anna.CORP", False, False),
        User(OLEG, OLEG, "", True, False),
    ]
    assert users.default_profile(answers) == "C:\\Users\\Default"


def test_a_profile_that_roams_is_no_file_to_be_loaded():
    host = Host()
    host.user(IVAN, "ivan", logged_on=True, central="\\\\files.corp.test\\profiles$\\ivan.V6")
    host.user(ANNA, "anna", central="\\\\files.corp.test\\profiles$\\anna.V6")
    host.user(OLEG, "oleg", central="")
    found = users.understand(host.batch(users.questions()))
    assert [(user.roaming, user.loadable) for user in found] == [(True, False), (True, False), (False, True)]


def test_nobody():
    answers = Host().batch(users.questions())
    assert users.understand(answers) == []
