# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where hosts of an inventory listen for WinRM over HTTPS."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.filter.winrm_listeners import winrm_listeners


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, []),
        ({"ansible_connection": "ssh", "ansible_port": 5986}, []),
        ({"ansible_connection": "winrm"}, [("pc1", 5986)]),
        ({"ansible_connection": "ansible.builtin.winrm"}, [("pc1", 5986)]),
        ({"ansible_connection": "winrm", "ansible_port": 5985}, []),
        ({"ansible_connection": "winrm", "ansible_port": "5985"}, []),
        ({"ansible_connection": "winrm", "ansible_port": 5985, "ansible_winrm_scheme": "https"}, [("pc1", 5985)]),
        ({"ansible_connection": "winrm", "ansible_port": 8443}, [("pc1", 8443)]),
        ({"ansible_connection": "winrm", "ansible_winrm_scheme": "http"}, []),
        ({"ansible_connection": "winrm", "ansible_host": "192.0.2.7"}, [("192.0.2.7", 5986)]),
        ({"ansible_connection": "winrm", "ansible_host": "a", "ansible_winrm_host": "b"}, [("b", 5986)]),
        ({"ansible_connection": "winrm", "ansible_port": 22, "ansible_winrm_port": 5986}, [("pc1", 5986)]),
        ({"ansible_connection": "psrp"}, [("pc1", 5986)]),
        ({"ansible_connection": "psrp", "ansible_psrp_protocol": "http"}, []),
    ],
)
def test_listeners(variables, expected):
    found = winrm_listeners([{"inventory_hostname": "pc1", **variables}])
    assert [(one["host"], one["port"]) for one in found] == expected


def test_other_variables_are_not_looked_at():
    class Host(dict):
        def get(self, name, default=None):
            if not name.startswith("ansible_"):
                raise KeyError(name)
            return super().get(name, default)

    assert winrm_listeners([Host(ansible_connection="ssh", secret="x")]) == []


class Broken(dict):
    """Variables as Ansible gives them: a template that fails does so when somebody looks at it."""

    def get(self, name, default=None):
        value = super().get(name, default)
        if isinstance(value, Exception):
            raise value
        return value


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"ansible_port": "abc"}, "'abc' is no port"),
        ({"ansible_port": 70000}, "'70000' is no port"),
        ({"ansible_port": ["x"]}, "\"['x']\" is no port"),
        ({"ansible_host": ValueError("'site_ip' is undefined")}, "'site_ip' is undefined"),
        ({"ansible_port": ValueError()}, "ValueError"),
    ],
)
def test_one_with_broken_variables_is_told_and_the_others_are_found(variables, reason):
    good = {"inventory_hostname": "pc2", "ansible_connection": "winrm"}
    broken = Broken(inventory_hostname="pc1", ansible_connection="winrm", **variables)
    assert winrm_listeners([broken, good]) == [
        {"host": "pc1", "problem": f"where it listens for WinRM cannot be told: {reason}"},
        {"host": "pc2", "port": 5986},
    ]
