# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""installer_dialog as Ansible calls it: options, secrets in them, what is said when something is missing."""

from __future__ import annotations

import errno
import json
import os

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dialog import spec as specs
from ansible_collections.onprem.chat.plugins.modules import installer_dialog
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dialog_workshop import CANARY, Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def call(capsys, **arguments) -> dict:
    """The module's result, with what it wrote to its output."""
    with patch_module_args(arguments), pytest.raises(SystemExit):
        installer_dialog.main()
    output = capsys.readouterr().out
    return {**json.loads(output), "output": output}


def task(place, **more) -> dict:
    return {
        "name": "demo",
        "command": ["./installer"],
        "chdir": str(place.folder),
        "state_directory": str(place.state),
        "prompts": [{"name": "key", "pattern": "License key:", "secret_answer": CANARY}],
        **more,
    }


def test_a_run(place, capsys):
    place.script('IFS= read -rp "License key: " key; printf %s "$key" >key; echo "You typed $key"; echo "Token: t-1"')
    result = call(capsys, **task(place, values=[{"name": "token", "pattern": "Token: (.*)$"}]))
    assert (result["changed"], result["status"], result["captured_values"]) == (True, "done", {"token": "********"})
    assert result["screen"] == "License key: ********\nYou typed ********\nToken: ********"
    assert (place.folder / "key").read_text() == CANARY
    for form in (CANARY, repr(CANARY)[1:-1], json.dumps(CANARY)[1:-1]):
        assert form not in result["output"]
    read = call(capsys, name="demo", state="read", state_directory=str(place.state))
    assert (read["changed"], read["captured_values"]) == (False, {"token": "t-1"})


def test_what_the_system_log_gets(place, capsys, monkeypatch):
    """A secret in a list looks otherwise there (quotes, backslashes), so nothing of the list is logged."""
    logged = []
    monkeypatch.setattr(
        installer_dialog.DialogModule, "log", lambda self, message, log_args=None: logged.append((message, log_args))
    )
    place.script("true")
    call(
        capsys,
        **task(place, prompts=[{"name": "key", "pattern": "License key:", "secret_answer": CANARY, "optional": True}]),
    )
    assert logged == [("Invoked with name=demo state=present", None)]


def test_a_failure(place, capsys):
    place.script('echo "$HOME: no space left"; exit 3')
    result = call(capsys, **task(place, prompts=[]))
    assert result["failed"] and result["status"] == "failed" and result["exit_code"] == 3
    assert result["problem"] == "The installer ended with exit code 3 instead of 0, before anything was answered."
    assert result["msg"].startswith(f"{result['problem']} {result['hint']}\nThe last lines of its screen:\n    ")
    assert "no space left" in result["msg"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "../etc"}, "name: '../etc' cannot be used."),
        ({"name": ".hidden"}, "name: '.hidden' cannot be used."),
        ({"name": ""}, "name: '' cannot be used."),
        ({"state_directory": "relative"}, "does not begin with /"),
        ({"prompts": [{"name": "a", "pattern": "("}]}, "neither answer nor secret_answer is given"),
        ({"prompts": [{"name": "a", "pattern": "(", "answer": "x"}]}, "is no regular expression of Python"),
        ({"command": []}, "command is not given."),
        ({"interrupted": "maybe"}, "value of interrupted must be one of: rerun, fail"),
    ],
)
def test_wrong_options(place, capsys, arguments, said, monkeypatch):
    monkeypatch.chdir(place.folder)
    result = call(capsys, **{**task(place), **arguments})
    assert result["failed"] and said in result["msg"]
    assert not place.state.exists()


def test_without_ptyprocess(place, capsys, monkeypatch):
    monkeypatch.setattr(installer_dialog, "PTYPROCESS_ERROR", "Traceback")
    result = call(capsys, **task(place))
    assert "(ptyprocess)" in result["msg"]
    assert call(capsys, name="demo", state="absent", state_directory=str(place.state))["changed"] is False


@pytest.mark.parametrize(
    ("arguments", "closed", "said"),
    [
        ({"state": "read"}, "demo", "read"),
        ({"state": "read"}, "demo/lock", "read"),
        ({"state": "absent"}, "demo", "read"),
        ({"state": "absent"}, "demo/lock", "locked"),
        ({"_ansible_check_mode": True}, "demo", "read"),
        ({"_ansible_check_mode": True}, "demo/lock", "read"),
    ],
)
def test_without_the_rights_of_root(place, capsys, monkeypatch, arguments, closed, said):
    """As a task without become finds what one with it has made: folders of root, mode 0700."""
    folder = place.state / "demo"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "lock").touch()

    def refuse(call):
        def refused(path, *more, **named):
            if str(path) == str(place.state / closed):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return call(path, *more, **named)

        return refused

    for name in ("stat", "lstat", "open"):
        monkeypatch.setattr(os, name, refuse(getattr(os, name)))
    result = call(capsys, **{**task(place), **arguments})
    assert result["msg"] == (
        f"The journal in {folder} cannot be {said}: Permission denied. Is the disk full or read-only, or does the task not run as root "
        "(become)? Make room or rights there, or choose another state_directory."
    )


def test_the_options_are_those_that_are_documented():
    documented = yaml.safe_load(installer_dialog.DOCUMENTATION)["options"]
    assert set(documented) == set(installer_dialog.ARGUMENT_SPEC)


def test_the_examples_make_sense():
    examples = yaml.safe_load(installer_dialog.EXAMPLES)
    given = examples[0]["onprem.chat.installer_dialog"]
    defaults = {name: entry.get("default") for name, entry in installer_dialog.ARGUMENT_SPEC.items()}
    for option in ("prompts", "values", "errors"):
        sub = {name: entry.get("default") for name, entry in installer_dialog.ARGUMENT_SPEC[option]["options"].items()}
        given[option] = [{**sub, **entry} for entry in given[option]]
    spec = specs.read({**defaults, **given})
    assert [prompt.secret for prompt in spec.prompts] == [False, True]
    assert spec.values[1].pattern.search("Client secret: 0123").group(1) == "0123"
    assert all(
        set(example["onprem.chat.installer_dialog"]) <= set(installer_dialog.ARGUMENT_SPEC) for example in examples
    )


def test_every_result_is_documented(place, capsys):
    place.script('read -rp "What? " x')
    documented = set(yaml.safe_load(installer_dialog.RETURN))
    result = call(capsys, **task(place, prompts=[], silence=1))
    assert set(result) - {"msg", "failed", "invocation", "output", "warnings", "exception"} == documented | {"changed"}
