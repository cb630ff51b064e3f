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
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.onprem.chat.plugins.action import win_client
from ansible_collections.onprem.chat.plugins.doc_fragments._win_settings import ModuleDocFragment
from ansible_collections.onprem.chat.plugins.modules import win_client as module
from ansible_collections.onprem.chat.plugins.plugin_utils._client import options, origin
from ansible_collections.onprem.chat.plugins.plugin_utils._packages import fetch
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Package
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.signature import Signature
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.signature_errors import Unsigned
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Lost, Refused
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.client_fake import (
    BYTES,
    FAMILY,
    HASH,
    NEW,
    Host,
    done,
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
                raise AnsibleError(f"Could not find or access '{path}'\nSearched in:\n\t...")
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


@pytest.mark.parametrize(
    ("transport", "user", "ticket"),
    [
        (["kerberos"], "svc@CORP.TEST", True),
        (["ntlm", "kerberos"], "svc", True),
        # Ansible's own choice.
        (None, "svc@CORP.TEST", True),
        ([None], "svc@CORP.TEST", True),
        (None, "CORP\\svc", False),
        (["certificate"], "svc@CORP.TEST", False),
        (["ntlm"], "svc@CORP.TEST", False),
    ],
)
def test_smb_may_use_the_ticket_of_the_connection(transport, user, ticket):
    known = {"remote_addr": "win1", "remote_user": user, "remote_password": None, "transport": transport}
    plugin = object.__new__(win_client.ActionModule)
    plugin._connection = types.SimpleNamespace(get_option=known.__getitem__)
    assert plugin._account() == {"host": "win1", "user": user, "password": "", "ticket": ticket}


def test_settings_belong_to_the_same_task(action):
    installed = nothing_installed(UpgradeCodes=said(product(NEW, "2.0.0")))
    key = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Corp\r\n    Url    REG_SZ    chat\r\n\r\n"
    host = Desk({"SOFTWARE\\Corp": said(key), "echo %SystemRoot%": said("C:\\Windows\r\n"), **installed})
    result = action(host, settings=[{"key": "HKLM\\SOFTWARE\\Corp", "name": "Url", "data": "chat"}], **GIVEN)
    assert "failed" not in result and not result["changed"] and host.batches == 1


def installed_and(*then, **more):
    """A host that has nothing, then the new version, and gives 3010 for it."""
    return Desk(nothing_installed(UpgradeCodes=[said(), *then], **{"call ": done(3010), **more}))


def test_what_ran_before_the_settings_failed_is_told(action):
    """Else nobody knows that the client is there, and that the desktop has to be restarted."""
    key = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Corp\r\n    Url    REG_SZ    another\r\n\r\n"
    there = said(product(NEW, "2.0.0"))
    registry = {
        "SOFTWARE\\Corp": said(key),
        "echo %SystemRoot%": said("C:\\Windows\r\n"),
        "reg import": said(),
        "del ": said(),
    }
    host = installed_and(there, **registry)
    result = action(host, settings=[{"key": "HKLM\\SOFTWARE\\Corp", "name": "Url", "data": "chat"}], **GIVEN)
    assert result["failed"] and "1 settings are not as wanted" in result["msg"]
    assert [(step["action"], step["exit_code"]) for step in result["steps"]] == [("install", 3010)]
    assert result["reboot_required"] and result["found"] == []


def test_what_ran_before_the_host_was_lost_is_told(action):
    result = action(installed_and(Lost("The connection was lost", "win1", "It sleeps", "Run it again")), **GIVEN)
    assert result["failed"] and result["error"]["kind"] == "lost"
    assert [step["exit_code"] for step in result["steps"]] == [3010] and result["reboot_required"]


def test_of_a_host_that_was_not_asked_nothing_is_told(action):
    result = action(Refused("No", "win1", "Because", "Do"), **GIVEN)
    assert "steps" not in result and "found" not in result


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
        ({**GIVEN, "deadline": 0}, "deadline is too small (0). It is in seconds. Give 10 or more."),
        ({**GIVEN, "retry_busy": -1}, "retry_busy is too small (-1). It is in seconds. Give 0 or more."),
        (
            {**GIVEN, "close": ["C:\\chat.exe"]},
            "'C:\\\\chat.exe' is not the name of one program (close). It is empty, a path,",
        ),
        ({**GIVEN, "close": ["chat*"]}, "'chat*' is not the name of one program (close)"),
        ({**GIVEN, "close": ["CMD.exe"]}, "CMD.exe cannot be closed (close). What installs here runs by it"),
        ({**GIVEN, "delivery": "smoke"}, "value of delivery must be one of: auto, pull, smb, channel, share"),
        (
            {**GIVEN, "delivery": "share"},
            "delivery=share needs share (share). It was not given. Give the path on the share.",
        ),
        ({**GIVEN, "delivery": "pull"}, "delivery=pull needs url"),
        ({**GIVEN, "share": "C:\\chat.msi"}, "share is no file on a share"),
        (
            {**GIVEN, "signature": {}},
            "one of the following is required: signer, thumbprint, trust_anchors found in signature",
        ),
        ({**GIVEN, "signature": {"trust_anchors": ["gone.pem"]}}, "trust_anchors was not found (gone.pem)"),
        ({**GIVEN, "transforms": ["chat.msi"]}, "The file is no transform: it begins with 61207061636b6167"),
        (
            {"package": f"https://u:{CANARY}@x.test/a.msi?{CANARY}"},
            "A URL needs the SHA-256 of its file ('https://x.test/a.msi')",
        ),
        (
            {"package": f"http://u:{CANARY}@x.test/a.msi?{CANARY}"},
            "Packages are fetched by https only ('http://x.test/a.msi')",
        ),
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


def test_a_signature_is_verified_before_the_host_is_asked(action, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "ca.pem").write_text("an authority")
    demanded = {"signer": "Vendor", "trust_anchors": ["ca.pem"]}

    def verify(path, **given):
        assert given == {"signer": "Vendor", "thumbprint": "", "trust_anchors": [str(tmp_path / "ca.pem")]}
        if found is None:
            raise Unsigned("The package is not signed", repr(path), "Its vendor does not sign", "Ask him")
        return found

    monkeypatch.setattr(origin, "verify", verify)
    found = None
    result = action(signature=demanded, **GIVEN)
    assert result["failed"] and result["error"]["kind"] == "unsigned" and "signature" not in result
    found = Signature("Vendor", "CN=Vendor", "CN=CA", "AB" * 20, "", "2027-01-01T00:00:00Z", "")
    for check_mode in (True, False):
        host = Desk(nothing_installed(UpgradeCodes=[said(), said(product(NEW, "2.0.0"))]))
        result = action(host, check_mode=check_mode, signature=demanded, **GIVEN)
        assert result["changed"] and result["signature"]["signer"] == "Vendor" and result["signature"]["time"] == ""


def test_a_package_by_url_leaves_no_trace_of_its_password(action, monkeypatch, tmp_path):
    def fetched(source, digest, **options):
        assert source == f"https://u:{CANARY}@x.test/chat.msi?t={CANARY}"
        assert options["ca_path"] == str(tmp_path / "ca.pem")
        return fetch.Fetched(str(tmp_path / "chat.msi"), digest, 9)

    (tmp_path / "ca.pem").write_text("an authority")
    monkeypatch.setattr(origin.fetch, "fetch", fetched)
    url = {"package": f"https://u:{CANARY}@x.test/chat.msi?t={CANARY}", "sha256": HASH, "ca_path": "ca.pem"}
    host = Desk(nothing_installed(UpgradeCodes=[said(), said(product(NEW, "2.0.0"))]))
    assert action(host, **url)["changed"]
    assert all(CANARY not in command for command in host.commands)
    # Errors about the package name the file in the cache.
    result = action(read=EXE, **url)
    assert "Give uninstall_key" in result["msg"] and str(tmp_path / "chat.msi") in result["msg"]


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
        checked = ArgumentSpecValidator(options.argument_spec(), **options.RULES).validate(
            task["onprem.chat.win_client"]
        )
        assert checked.error_messages == []
