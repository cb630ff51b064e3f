# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and folders: what is read in which order, what is passed over with a word, what cannot be read."""

from __future__ import annotations

import os
import pathlib
import socket
import threading

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import parse_files
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import MaterialError, PassphraseError
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read_paths
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509.parse_forms import (
    DER,
    PASSPHRASE,
    chain,
    forms,
    pem,
    rsa_key,
)

LEAF, MIDDLE, ROOT = chain()


@pytest.fixture
def folder(tmp_path):
    """A folder as a certificate authority delivers it."""
    place = tmp_path / "delivered"
    place.mkdir()
    (place / "2-chain.pem").write_bytes(pem(MIDDLE, ROOT))
    (place / "1-leaf.cer").write_bytes(LEAF.public_bytes(DER))
    (place / "3.key").write_bytes(pem(rsa_key()))
    return place


def refused(*paths, passphrases=()):
    with pytest.raises(MaterialError) as caught:
        read_paths(paths, passphrases)
    return str(caught.value)


def names(material):
    return [each.subject for each in material.certificates]


def test_files_in_the_order_in_which_they_are_named(folder):
    material = read_paths([str(folder / "2-chain.pem"), folder / "1-leaf.cer", folder / "3.key"])
    assert names(material) == ["CN=Middle", "CN=Root", "CN=chat.corp.test"]
    assert [each.origin for each in material.certificates + material.keys] == [
        f"{folder}/2-chain.pem, block 1",
        f"{folder}/2-chain.pem, block 2",
        f"{folder}/1-leaf.cer",
        f"{folder}/3.key",
    ]


def test_a_folder_is_read_by_name(folder):
    material = read_paths([folder])
    assert names(material) == ["CN=chat.corp.test", "CN=Middle", "CN=Root"]
    assert len(material.keys) == 1
    assert material.notes == []


def test_nothing_named_is_nothing_read():
    assert read_paths([]).certificates == []


def test_what_a_folder_holds_besides(folder):
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "README.txt").write_text("Dear customer")
    (folder / "empty").touch()
    (folder / "all.zip").write_bytes(b"PK\3\4")
    (folder / "chat.csr").write_bytes(b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n")
    (folder / "huge").write_bytes(b"x" * (parse_files.FILE_SIZE + 1))
    (folder / "old").mkdir()
    (folder / "old" / "chain.pem").write_bytes(pem(ROOT))
    (folder / "broken").symlink_to("nowhere")
    (folder / "link").symlink_to("2-chain.pem")
    os.mkfifo(folder / "pipe")
    material = read_paths([folder])
    assert names(material) == ["CN=chat.corp.test", "CN=Middle", "CN=Root", "CN=Middle", "CN=Root"]
    assert material.notes == [
        f"passed over: {folder}/.DS_Store is hidden",
        f"passed over: {folder}/README.txt is of no known form",
        f"passed over: {folder}/all.zip is a ZIP archive, and no certificate or key",
        f"passed over: {folder}/broken is no regular file",
        f"passed over: {folder}/chat.csr holds no certificate and no private key (passed over, CERTIFICATE REQUEST)",
        f"passed over: {folder}/empty is empty",
        f"passed over: {folder}/huge is too big: 4,194,305 bytes, at most 4,194,304 are read",
        f"passed over: {folder}/old is a folder in a folder",
        f"passed over: {folder}/pipe is no regular file",
    ]


def test_what_is_broken_in_a_folder_is_not_passed_over(folder):
    (folder / "4.pem").write_bytes(pem(ROOT)[:-30])
    assert refused(folder).startswith(f"{folder}/4.pem, block 1 is cut or damaged: there is no line END CERTIFICATE.")


def test_an_encrypted_key_in_a_folder(folder):
    (folder / "4.key").write_bytes(forms()["key RSA traditional aes256"].data)
    with pytest.raises(PassphraseError, match=r"4\.key needs a passphrase: it is encrypted, none was given"):
        read_paths([folder])
    with pytest.raises(PassphraseError, match=r"4\.key is encrypted, and none of the 2 passphrases opens it"):
        read_paths([folder], [b"a", b"b"])
    material = read_paths([folder], [b"a", PASSPHRASE])
    assert [key.encrypted for key in material.keys] == [False, True]


def test_a_folder_without_anything(tmp_path):
    assert refused(tmp_path) == (
        f"{tmp_path} holds no certificate and no private key. Is it the right folder? "
        "Give the files that the certificate authority delivered."
    )
    (tmp_path / "a.txt").write_text("x")
    assert refused(tmp_path) == (
        f"{tmp_path} holds no certificate and no private key (passed over: {tmp_path}/a.txt is of no known form). "
        "Is it the right folder? Give the files that the certificate authority delivered."
    )


def test_no_such_file(tmp_path):
    assert refused(f"{tmp_path}/no.pem") == (
        f"There is no file or folder '{tmp_path}/no.pem'. "
        "Is the name right, and does it lie on the host that reads it? Give an absolute path."
    )


@pytest.mark.parametrize("name", ["x" * 300, "nul\0"], ids=["long", "nul"])
def test_impossible_names(name):
    assert "cannot be read: " in refused(f"/tmp/{name}")


def test_no_file_and_no_folder(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    where = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(where))
        for path in (pipe, where, pathlib.Path("/dev/null")):
            assert refused(path) == (
                f"{path} is no file and no folder. Is it a pipe or a device? Name a file, or a folder with files."
            )


def test_a_pipe_that_takes_the_place_of_a_file_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = threading.Event()

    def look():
        assert parse_files.bytes_of(tmp_path / "pipe") == b""
        done.set()

    threading.Thread(target=look, daemon=True).start()
    assert done.wait(10)


@pytest.mark.parametrize("what", ["file", "folder", "file in folder"])
def test_not_allowed(monkeypatch, folder, what):
    def denied(*_arguments):
        raise PermissionError(13, "Permission denied")

    path = folder if "folder" in what else folder / "3.key"
    where = {"file": path, "folder": folder, "file in folder": folder / "1-leaf.cer"}[what]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    if what == "folder":
        monkeypatch.setattr(pathlib.Path, "iterdir", denied)
    else:
        monkeypatch.setattr(os, "open", denied)
    assert refused(path) == (
        f"{where} may not be read by the user who reads it (uid 1000). Is it a key that only root may read? "
        "Use become, or change its owner or mode."
    )


def test_a_disk_that_fails(monkeypatch, folder):
    def broken(*_arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", broken)
    assert refused(folder / "3.key") == (
        f"{folder}/3.key cannot be read: Input/output error. Is the disk or the network share in order? "
        "Try to read it by hand as the same user."
    )


def test_too_many_files(monkeypatch, folder):
    monkeypatch.setattr(parse_files, "FILES", 2)
    assert refused(folder) == (
        f"The folder {folder} holds 3 files; at most 2 are read. Is it the right folder? "
        "Name the files that are meant, or put them into a folder of their own."
    )


def test_a_big_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2**40)
    assert refused(path).startswith(f"{path} is too big: 1,099,511,627,776 bytes, at most 4,194,304 are read.")
