# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client_info inside Ansible: options, literally what it says; documentation and code agree."""

from __future__ import annotations

import types

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.onprem.chat.plugins.action import win_client_info
from ansible_collections.onprem.chat.plugins.modules import win_client_info as module
from ansible_collections.onprem.chat.plugins.plugin_utils._client import info
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Refused, Unreachable
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import Host, said

HEALTH = {
    "encryption": "tls", "tls_version": "TLSv1.3", "certificate_validated": True, "authentication": "ntlm", "requests": 4,
}  # fmt: skip


class Desk(Host):
    """The stand-in as a channel."""

    warnings: list[str] = []

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.closed = True

    def health(self):
        return dict(HEALTH)


@pytest.fixture
def action(monkeypatch):
    """Run the action on a host; gives its result."""

    def _run(host=None, **arguments):
        def _over(connection):
            if isinstance(host, Exception):
                raise host
            assert host is not None, "no host was expected to be asked"
            return host

        def _needle(folder, path):
            raise AnsibleError(f"Could not find or access '{path}'\nSearched in:\n\t...")

        monkeypatch.setattr(win_client_info.CountedChannel, "over", _over)
        task = types.SimpleNamespace(args=arguments, check_mode=True, diff=True, async_val=0, environment=None)
        connection = types.SimpleNamespace(transport="winrm", _shell=types.SimpleNamespace(tmpdir=None))
        context = types.SimpleNamespace(check_mode=True)
        plugin = win_client_info.ActionModule(task, connection, context, None, None, None)
        monkeypatch.setattr(plugin, "_find_needle", _needle)
        return plugin.run(None, {"inventory_hostname": "pc1"})

    return _run


def test_the_connection_is_a_check_like_the_others(action):
    host = Desk({"dir /-c": said("  6 Dir(s)  99000000000 bytes free\r\n")})
    result = action(host, gather=["disk"])
    assert result["changed"] is False and host.closed
    assert result["channel"] == HEALTH and result["disk"] == {"free_bytes": 99000000000}
    assert [(check["id"], check["subject"], check["status"]) for check in result["checks"]] == [
        ("windows.disk", "pc1", "pass"),
        ("windows.channel", "pc1", "pass"),
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"names": "x"}, "Unsupported parameters for onprem.chat.win_client_info (the task)."),
        (
            {"gather": ["all"]},
            "value of gather must be one or more of: products, users, reboot, disk, windows, rollout",
        ),
        ({"name": "x", "uninstall_key": "y"}, "parameters are mutually exclusive"),
        (
            {"expect": [{"package": "gone.msi"}]},
            "package was not found (gone.msi). Could not find or access 'gone.msi'.",
        ),
        ({"expect": [{"state": "absent"}]}, "It is not known which product is expected (expect)."),
        ({"deadline": 1}, "deadline is too small (1). It is in seconds. Give 10 or more."),
        ({"free_space": -1}, "free_space is too small (-1). It is in MiB. Give 0 or more."),
    ],
)
def test_wrong_options_are_refused_before_anything_is_asked(action, arguments, text):
    result = action(**arguments)
    assert result["failed"] and text in result["msg"]


@pytest.mark.parametrize(("error", "key"), [(Refused, "failed"), (Unreachable, "unreachable")])
def test_a_host_that_lets_nobody_in(action, error, key):
    assert action(error("It refused", "pc1", "The password is wrong", "Correct it"))[key] is True


def agree(documented, spec):
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for part in ("type", "default", "choices", "elements"):
            assert documented[name].get(part) == option.get(part), (name, part)


def test_the_documentation_says_what_the_code_takes():
    documented, spec = yaml.safe_load(module.DOCUMENTATION)["options"], info.argument_spec()
    agree(documented, spec)
    agree(documented["expect"]["suboptions"], spec["expect"]["options"])


def test_the_examples_are_valid():
    for task in yaml.safe_load(module.EXAMPLES):
        checked = ArgumentSpecValidator(info.argument_spec(), **info.RULES).validate(
            task["onprem.chat.win_client_info"]
        )
        assert checked.error_messages == []
