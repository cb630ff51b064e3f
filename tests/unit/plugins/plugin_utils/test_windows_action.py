# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all Windows modules do alike inside Ansible: options, files of the controller, and what a result has."""

from __future__ import annotations

import types

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.onprem.chat.plugins.plugin_utils._registry.errors import SettingsError
from ansible_collections.onprem.chat.plugins.plugin_utils._windows.action import WindowsAction
from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import Lost

LOST = Lost("The connection broke off", "pc1", "A firewall", "Look")


class Channel:
    """A stand-in that has something to say about being closed."""

    warnings: list[str] = []

    @classmethod
    def over(cls, connection):
        channel = cls()
        channel.warnings = []
        return channel

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.warnings.append("a shell is left")


class Action(WindowsAction):
    """A module whose work is given to it."""

    NAME = "onprem.chat.win_example"
    REFUSAL = SettingsError
    RULES = {"mutually_exclusive": [("file", "number")]}
    LEAST = {"number": (10, "seconds")}
    FILE_REMEDY = "Look for it"

    def _argument_spec(self):
        return {"file": {"type": "path"}, "number": {"type": "int"}}

    def _outcome(self, options, task_vars):
        return self.work(self, options)


def run(work=lambda action, options: {"options": options}, diff=True, loader=None, **arguments):
    task = types.SimpleNamespace(args=arguments, check_mode=False, diff=diff, async_val=0, environment=None)
    connection = types.SimpleNamespace(transport="winrm", _shell=types.SimpleNamespace(tmpdir=None))
    action = Action(task, connection, types.SimpleNamespace(check_mode=False), loader, None, None)
    action.work = work
    return action.run(None, None)


def test_options_arrive_validated_and_without_ansibles_own():
    assert run(number="12", _ansible_verbosity=3)["options"] == {"file": None, "number": 12}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"numbr": 1},
            "Unsupported parameters for onprem.chat.win_example (the task). numbr. Supported parameters include: file, number. "
            "Compare the task with the documentation.",
        ),
        (
            {"file": "a", "number": 12},
            "Wrong options for onprem.chat.win_example (the task). parameters are mutually exclusive: file|number. Compare",
        ),
        ({"number": 0}, "number is too small (0). It is in seconds. Give 10 or more."),
    ],
)
def test_wrong_options_are_told_and_nothing_is_done(arguments, text):
    result = run(work=lambda action, options: pytest.fail("it was run"), **arguments)
    assert result["failed"] and result["msg"].startswith(text)


def test_a_shell_that_could_not_be_closed_is_told():
    def work(action, options):
        with action._talking(Channel):
            action.warnings.append("first")
            return {"changed": True}

    assert run(work, number=12) == {"changed": True, "warnings": ["first", "a shell is left"]}


def test_a_failure_tells_the_warnings_and_what_was_known_before():
    def work(action, options):
        action.beside["signature"] = {"signer": "Vendor"}
        with action._talking(Channel):
            raise LOST

    result = run(work, number=12)
    assert (result["failed"], result["msg"]) == (True, str(LOST))
    assert (result["warnings"], result["signature"]) == (["a shell is left"], {"signer": "Vendor"})


@pytest.mark.parametrize("diff", [True, False])
def test_the_diff_is_given_where_it_was_asked_for(diff):
    assert ("diff" in run(lambda action, options: {"diff": {}}, diff=diff, number=12)) is diff


def test_a_file_that_is_not_there(monkeypatch):
    def missing(self, folder, path):
        raise AnsibleError(f"Could not find or access '{path}'\nSearched in:\n\t...")

    monkeypatch.setattr(Action, "_find_needle", missing)
    result = run(lambda action, options: action._file("gone.pem", "ca_path"), number=12)
    assert result["msg"] == "ca_path was not found (gone.pem). Could not find or access 'gone.pem'. Look for it."
    result = run(lambda action, options: action._reg_file("gone.reg"), number=12)
    assert result["msg"].startswith("A .reg file cannot be read on the controller (gone.reg). Could not find or access")


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_reg_file_of_the_vault_is_decrypted_to_the_byte(monkeypatch, tmp_path, encrypted):
    content = '\ufeffREGEDIT\r\n"a"="Чат"\r\n'.encode("utf-16-le")
    secret = VaultSecret(b"password")
    (tmp_path / "v.reg").write_bytes(VaultLib([("", secret)]).encrypt(content, secret) if encrypted else content)
    loader = DataLoader()
    loader.set_vault_secrets([("default", secret)])
    monkeypatch.setattr(Action, "_find_needle", lambda self, folder, path: str(tmp_path / path))
    assert run(lambda action, options: {"read": action._reg_file("v.reg")}, loader=loader, number=12)["read"] == content
