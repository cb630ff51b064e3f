# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_registry inside Ansible: options, files of the controller, results, and where secrets are not."""

from __future__ import annotations

import types

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.action import win_registry
from ansible_collections.onprem.chat.plugins.doc_fragments._win_settings import ModuleDocFragment
from ansible_collections.onprem.chat.plugins.modules import win_registry as module
from ansible_collections.onprem.chat.plugins.plugin_utils._registry import options
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.registry_host import IVAN, Host

CANARY = "canary-Passw0rd-7f3a"
ITEM = {"key": "HKLM\\SOFTWARE\\Vendor", "name": "Server", "data": "chat"}


class Desk(Host):
    """The stand-in as a channel."""

    warnings: list[str] = []

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.closed = True


@pytest.fixture
def action(monkeypatch, tmp_path):
    """Run the action on a host; gives its result."""

    def _run(host=None, check_mode=False, diff=True, **arguments):
        if host is not None:
            monkeypatch.setattr(win_registry.Channel, "over", lambda connection: host)
        task = types.SimpleNamespace(args=arguments, check_mode=check_mode, diff=diff, async_val=0, environment=None)
        connection = types.SimpleNamespace(transport="ssh", _shell=types.SimpleNamespace(tmpdir=None))
        loader = types.SimpleNamespace(
            path_dwim_relative_stack=lambda paths, folder, path, **more: str(tmp_path / path), get_basedir=lambda: ""
        )
        context = types.SimpleNamespace(check_mode=check_mode)
        plugin = win_registry.ActionModule(task, connection, context, loader, None, None)
        monkeypatch.setattr(plugin, "_find_needle", lambda folder, path: str(tmp_path / path))
        return plugin.run(None, {})

    return _run


def test_first_and_second_run(action):
    host = Desk()
    host.user(IVAN, "ivan", logged_on=True)
    settings = [ITEM, {"key": "HKCU\\Software\\V", "name": "a", "data": "b", "scope": ["users"]}]
    checked = action(host, check_mode=True, settings=settings)
    assert (checked["changed"], host.written) == (True, [])
    first = action(host, settings=settings)
    assert first["diff"] == checked["diff"]
    assert first["changes"][1] == {
        "key": "HKLM\\SOFTWARE\\Vendor",
        "name": "Server",
        "view": "default",
        "action": "set_value",
        "user": None,
        "sid": None,
    }
    assert first["users"] == [
        {
            "sid": IVAN,
            "name": "ivan",
            "profile": "C:\\Users\\ivan",
            "loaded": True,
            "logged_on": True,
            "roaming": False,
        }
    ]
    again = action(host, settings=settings)
    assert (again["changed"], again["changes"]) == (False, [])
    assert host.closed


def test_a_reg_file_of_the_controller(action, tmp_path):
    (tmp_path / "v.reg").write_bytes('REGEDIT4\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\V]\r\n"a"="Чат"\r\n'.encode("cp1251"))
    found = action(Desk(), settings=[{"reg_file": "v.reg", "encoding": "cp1251"}])
    assert found["diff"]["after"] == '[HKLM\\SOFTWARE\\V]\n  a = string:"Чат"\n'


def test_no_secret_in_the_result(action):
    found = action(Desk(), settings=[{**ITEM, "data": CANARY, "secret": True}])
    assert CANARY not in str(found)
    assert "diff" not in action(Desk(), diff=False, settings=[ITEM])


@pytest.mark.parametrize(
    "arguments, text",
    [
        ({"settings": [ITEM], "setting": 1}, "Unsupported parameters for onprem.chat.win_registry (the task)."),
        ({}, "missing required arguments: settings"),
        ({"settings": [{**ITEM, "type": "text"}]}, "value of type must be one of: none, string"),
        ({"settings": [{**ITEM, "type": "dword", "data": CANARY}]}, "There is data that is no whole number for dword"),
        ({"settings": [ITEM], "deadline": 5}, "deadline is too small (5). It is in seconds. Give 10 or more."),
        ({"settings": [{"reg_file": "no.reg"}]}, "A .reg file cannot be read on the controller (no.reg)."),
        ({"settings": [ITEM]}, "The connection ssh is not supported yet (controller)."),
    ],
)
def test_what_is_said(action, arguments, text):
    found = action(**arguments)
    assert found["failed"] is True
    assert text in found["msg"]
    assert CANARY not in str(found)
    assert set(found["error"]) >= {"what", "where", "cause", "remedy"}


def test_options_are_documented_as_they_are():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["settings"]
    spec = options.settings_option()
    assert {name: _plain(one) for name, one in documented["suboptions"].items()} == {
        name: {key: value for key, value in one.items() if key != "no_log"} for name, one in spec["options"].items()
    }
    own = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert set(own) == set(options.argument_spec())
    assert _plain(own["deadline"]) == options.argument_spec()["deadline"]


def _plain(option):
    return {key: value for key, value in option.items() if key != "description"}
