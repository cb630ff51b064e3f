# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""win_client inside Ansible: options, files of the controller, results, literally what it says; documentation and code agree."""

from __future__ import annotations

import dataclasses
import json
import types

import pytest
import yaml

from ansible_collections.onprem.chat.plugins.action import win_client
from ansible_collections.onprem.chat.plugins.doc_fragments._win_settings import ModuleDocFragment
from ansible_collections.onprem.chat.plugins.modules import win_client as module
from ansible_collections.onprem.chat.plugins.plugin_utils._client import options
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Refused
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    BYTES,
    FAMILY,
    HASH,
    NEW,
    Host,
    nothing_installed,
    product,
    said,
)

CANARY = "canary-Passw0rd-5e1d"
GIVEN = {"package": "chat.msi"}
MSI = Package("msi", "", len(BYTES), HASH, "Corp Chat", "2.0.0", product_code=NEW, upgrade_code=FAMILY)
EXE = Package("exe", "", len(BYTES), HASH, "Corp Voice", "2.0.0", technology="nsis")


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
    (tmp_path / "chat.msi").write_bytes(BYTES)

    def _run(host=None, check_mode=False, diff=True, read=MSI, **arguments):
        def _over(connection):
            if isinstance(host, Exception):
                raise host
            assert host is not None, "no host was expected to be asked"
            return host

        def _needle(folder, path):
            if not (tmp_path / path).exists():
                raise win_client.AnsibleError(f"Could not find or access '{path}'\nSearched in:\n\t...")
            return str(tmp_path / path)

        monkeypatch.setattr(win_client.Channel, "over", _over)
        monkeypatch.setattr(win_client, "read_package", lambda path: dataclasses.replace(read, path=path))
        task = types.SimpleNamespace(args=arguments, check_mode=check_mode, diff=diff, async_val=0, environment=None)
        known = {"remote_addr": "win1", "remote_user": "admin", "remote_password": CANARY}
        connection = types.SimpleNamespace(
            transport="winrm", get_option=known.__getitem__, _shell=types.SimpleNamespace(tmpdir=None)
        )
        context = types.SimpleNamespace(check_mode=check_mode)
        plugin = win_client.ActionModule(
            task, connection, context, types.SimpleNamespace(get_basedir=lambda: ""), None, None
        )
        monkeypatch.setattr(plugin, "_find_needle", _needle)
        result = plugin.run(None, {})
        assert CANARY not in json.dumps(result)
        return result

    return _run


def test_check_then_install_then_again(action):
    host = Desk(nothing_installed())
    result = action(host, check_mode=True, **GIVEN)
    assert result["changed"] and host.commands == [] and host.closed
    host = Desk(nothing_installed(UpgradeCodes=[said(), said(product(NEW, "2.0.0"))]))
    result = action(host, **GIVEN)
    assert result["changed"] and result["diff"] == {"before": "", "after": "Corp Chat 2.0.0 (machine)\n"}
    result = action(Desk(nothing_installed(UpgradeCodes=said(product(NEW, "2.0.0")))), diff=False, **GIVEN)
    assert not result["changed"] and "diff" not in result


def test_settings_belong_to_the_same_task(action):
    installed = nothing_installed(UpgradeCodes=said(product(NEW, "2.0.0")))
    key = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Corp\r\n    Url    REG_SZ    chat\r\n\r\n"
    host = Desk({"SOFTWARE\\Corp": said(key), "echo %SystemRoot%": said("C:\\Windows\r\n"), **installed})
    result = action(host, settings=[{"key": "HKLM\\SOFTWARE\\Corp", "name": "Url", "data": "chat"}], **GIVEN)
    assert "failed" not in result and not result["changed"] and host.batches == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"package": "chat.msi", "retry": 1}, "Unsupported parameters for onprem.chat.win_client"),
        ({"package": "gone.msi"}, "package was not found (gone.msi). Could not find or access 'gone.msi'."),
        ({"state": "absent"}, "one of the following is required: package, product_code, upgrade_code, uninstall_key"),
        ({"product_code": NEW}, "state is present but all of the following are missing: package"),
        ({**GIVEN, "sha256": "12"}, "sha256 is not understood ('12'). It is not 64 hexadecimal digits. Correct it."),
        ({**GIVEN, "sha256": "0" * 64}, "The package is not the one that was meant"),
        ({**GIVEN, "product_code": "{1}"}, "product_code is not understood"),
        ({**GIVEN, "deadline": 5}, "deadline is too small (5). It is in seconds. Give 10 or more."),
        ({**GIVEN, "close": ["C:\\chat.exe"]}, "close has a path"),
        ({**GIVEN, "delivery": "smoke"}, "value of delivery must be one of: auto, pull, smb, channel"),
        ({"state": "absent", "uninstall_key": "a\\b"}, "uninstall_key is not the name of a key"),
        ({**GIVEN, "scope": "everybody"}, "value of scope must be one of: machine, user"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_asked(action, arguments, text):
    result = action(**arguments)
    assert result["failed"] and text in result["msg"]


@pytest.mark.parametrize(
    ("read", "arguments", "text"),
    [
        (EXE, {}, "Give uninstall_key: the name of its key below"),
        (EXE, {"uninstall_key": "x", "properties": {"A": "1"}}, "properties are of Windows Installer packages"),
        (EXE, {"uninstall_key": "x", "transforms": ["chat.msi"]}, "transforms are of Windows Installer packages"),
        (
            dataclasses.replace(EXE, technology="unknown"),
            {"uninstall_key": "x"},
            "Give arguments as the vendor documents them",
        ),
        (dataclasses.replace(MSI, scope="user"), {}, "The package installs for a single user only"),
        (dataclasses.replace(MSI, product_code="", upgrade_code=""), {}, "The product is not known"),
    ],
)
def test_options_that_do_not_fit_the_package(action, read, arguments, text):
    result = action(read=read, **GIVEN, **arguments)
    assert result["failed"] and text in result["msg"]


def test_a_host_that_lets_nobody_in(action):
    result = action(Refused("The host refused the password", "win1", "It is wrong", "Correct it"), **GIVEN)
    assert result["failed"] and result["error"]["kind"] == "refused"


def test_the_documentation_says_what_the_code_takes():
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    documented |= yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = options.argument_spec()
    assert set(documented) == set(spec)
    for name, option in spec.items():
        for part in ("type", "default", "choices", "elements"):
            assert documented[name].get(part) == option.get(part), (name, part)


def test_the_examples_are_valid():
    for task in yaml.safe_load(module.EXAMPLES):
        checked = win_client.ArgumentSpecValidator(options.argument_spec(), **options.RULES).validate(
            task["onprem.chat.win_client"]
        )
        assert checked.error_messages == []
