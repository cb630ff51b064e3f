# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""certificate_bundle on the controller: which files it reads, what the module gets, literally what it says."""

from __future__ import annotations

import base64
import json
import os
import types
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.onprem.chat.plugins.action import certificate_bundle
from ansible_collections.onprem.chat.plugins.module_utils._x509 import bundle, command, parse_files
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import MaterialError
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import x509_workshop as workshop

CANARY = "canary-key-body-7f3a"
FROM_MODULE = {"msg": "the module has run"}


@pytest.fixture
def action(monkeypatch, tmp_path):
    """Run the action in a playbook's folder; gives its result and what the module got."""

    def _run(secret=None, async_val=0, **arguments):
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        if secret:
            loader.set_vault_secrets([("default", VaultSecret(secret))])
        task = types.SimpleNamespace(
            args={"path": "/etc/certs", "name": "corp.test", **arguments},
            check_mode=False,
            diff=False,
            async_val=async_val,
            environment=None,
            delegate_to=None,
            get_search_path=lambda: [str(tmp_path / "role"), str(tmp_path)],
        )
        connection = types.SimpleNamespace(transport="ssh", become=None, _shell=types.SimpleNamespace(tmpdir=None))
        plugin = certificate_bundle.ActionModule(
            task, connection, types.SimpleNamespace(check_mode=False), loader, None, None
        )
        got = {}
        monkeypatch.setattr(plugin, "_execute_module", lambda **given: got.update(given) or dict(FROM_MODULE))
        result = plugin.run(None, {})
        assert CANARY not in json.dumps(result, default=str)
        assert loader._tempfiles == set()
        return result, got

    return _run


def delivered(got):
    """What the module gets, decoded."""
    return {
        option: [
            {
                **path,
                "files": [
                    (Path(name).name, base64.b64decode(data)) for name, data, excuse in path["files"] if not excuse
                ],
            }
            for path in paths
        ]
        for option, paths in json.loads(got["module_args"]["delivered"]).items()
    }


def test_files_are_searched_like_those_of_copy(action, tmp_path):
    for place, text in (("role/files", "role"), ("files", "files"), ("", "play")):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / f"{text}.pem").write_text(text)
        (tmp_path / place / "everywhere.pem").write_text(text)
    result, got = action(
        sources=["everywhere.pem", "files.pem", "play.pem", str(tmp_path / "role" / "files" / "role.pem")]
    )
    assert result["msg"] == FROM_MODULE["msg"]
    assert [one["files"][0][1] for one in delivered(got)["sources"]] == [b"role", b"files", b"play", b"role"]
    assert got["module_name"] == "onprem.chat.certificate_bundle"
    assert got["module_args"]["sources"][0] == "everywhere.pem"


def test_every_option_with_paths(action, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    _result, got = action(sources=["a"], intermediates=["b"], trust_anchors="c", key_path="/root/x.key")
    found = {option: paths[0]["files"] for option, paths in delivered(got).items()}
    assert found == {"sources": [("a", b"a")], "intermediates": [("b", b"b")], "trust_anchors": [("c", b"c")]}


def test_a_folder(action, tmp_path):
    folder = tmp_path / "files" / "delivered"
    (folder / "deeper").mkdir(parents=True)
    for name in ("2.crt", "1.key", ".hidden"):
        (folder / name).write_text(name)
    _result, got = action(sources=["delivered"])
    (path,) = delivered(got)["sources"]
    assert (path["path"], path["folder"]) == ("delivered", True)
    assert path["files"] == [("1.key", b"1.key"), ("2.crt", b"2.crt")]
    (path,) = json.loads(got["module_args"]["delivered"])["sources"]
    assert [excuse for _name, _data, excuse in path["files"] if excuse] == [
        f"passed over: {folder}/.hidden is hidden",
        f"passed over: {folder}/deeper is a folder in a folder",
    ]


def test_a_folder_is_the_same_on_the_controller_and_on_the_host(action, tmp_path):
    """What is read, what is noted, what is said when there is nothing."""
    folder = tmp_path / "delivered"
    folder.mkdir()
    for name in (".hidden", "2.txt"):
        (folder / name).write_text(name)
    (folder / "1.iso").write_bytes(b"x" * (parse_files.FILE_SIZE + 1))

    def read_both():
        said = []
        for delivered_ in (action(sources=[str(folder)])[1]["module_args"]["delivered"], None):
            params = dict.fromkeys(command.OPTIONS) | {"sources": [str(folder)], "delivered": delivered_}
            try:
                found = bundle.gather(params).material
                said.append(([one.origin for one in found.certificates], found.notes))
            except MaterialError as error:
                said.append(str(error))
        return said

    there, here = read_both()
    assert there == here
    assert there.startswith(
        f"{folder} holds no certificate and no private key (passed over: {folder}/.hidden is hidden; "
    )
    (folder / "3.crt").write_bytes(workshop.company()[0].certificate.pem)
    there, here = read_both()
    assert there == here
    assert there[1] == [
        f"passed over: {folder}/.hidden is hidden",
        f"passed over: {folder}/1.iso is too big: 4,194,305 bytes, at most 4,194,304 are read",
        f"passed over: {folder}/2.txt is of no known form",
    ]


def test_a_file_of_the_vault_is_decrypted_in_memory(action, tmp_path, monkeypatch):
    secret = b"vault password"
    (tmp_path / "chat.key").write_bytes(VaultLib([("default", VaultSecret(secret))]).encrypt(CANARY))
    (tmp_path / "chat.p12").write_bytes(VaultLib([("default", VaultSecret(secret))]).encrypt(bytes(range(256))))
    monkeypatch.setattr(DataLoader, "_create_content_tempfile", None)  # nothing is written, not even for a moment
    _result, got = action(secret, sources=["chat.key", "chat.p12"])
    assert delivered(got)["sources"][0]["files"] == [("chat.key", CANARY.encode())]
    assert delivered(got)["sources"][1]["files"] == [("chat.p12", bytes(range(256)))]


@pytest.mark.parametrize("secret", [None, b"another password"])
def test_a_file_of_the_vault_that_cannot_be_opened(action, tmp_path, secret):
    (tmp_path / "chat.key").write_bytes(VaultLib([("default", VaultSecret(b"vault password"))]).encrypt(CANARY))
    result, got = action(secret, sources=["chat.key"])
    assert (result["failed"], got) == (True, {})
    assert result["msg"].startswith(f"sources: {tmp_path}/chat.key is a file of the vault and cannot be decrypted: ")
    assert result["msg"].endswith(". Is the right password given? Look at it with: ansible-vault view")


def test_a_file_that_may_not_be_read(action, tmp_path, monkeypatch):
    (tmp_path / "chat.key").touch(mode=0o000)
    really = os.open

    def refuse(path, *arguments, **options):
        """Root may read everything, other users may not."""
        if str(path).endswith("chat.key"):
            raise PermissionError(13, "Permission denied", str(path))
        return really(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    assert action(sources=["chat.key"])[0]["msg"] == (
        f"{tmp_path}/chat.key may not be read by the user who reads it (uid {os.geteuid()}). Is it a key that only root may "
        "read? Change its owner or mode on the controller. become is about the host."
    )


def test_a_file_that_is_not_there(action):
    result, got = action(sources=["chat.pem"])
    assert (result["failed"], got) == (True, {})
    assert result["msg"] == (
        "sources: there is no file or folder chat.pem on the controller. Does it lie on the host? Then set remote_src to true. "
        "Relative names are searched as for ansible.builtin.copy: in files/ of the role and of the play first."
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"sources": ["/on/the/host.pem"], "remote_src": True},
        {"sources": ["/on/the/host.pem"], "remote_src": "yes"},
        {"sources": ["/on/the/host.pem"], "remote_src": "not a bool"},
        {"sources": ["chat.pem"], "state": "previous"},
        {"content": ["text"]},
        {"sources": []},
        {},
    ],
)
def test_nothing_is_read(action, arguments):
    result, got = action(**arguments)
    assert result["msg"] == FROM_MODULE["msg"]
    assert "delivered" not in got["module_args"]


def test_nobody_else_delivers(action):
    result, got = action(delivered="{}")
    assert (result["failed"], got) == (True, {})
    assert result["msg"] == "delivered is for the action plugin only. Use sources."


def test_in_the_background(action, tmp_path):
    (tmp_path / "a").write_text("a")
    assert action(sources=["a"], async_val=30)[1]["wrap_async"] == 30
