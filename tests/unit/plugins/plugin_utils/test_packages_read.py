# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening packages, and files that are none."""

from __future__ import annotations

import hashlib
import os

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import image, read
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import Damaged, Missing, NotSupported
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms as forms
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_programs as programs


@pytest.mark.parametrize(("data", "kind"), [(forms.msi(), "msi"), (programs.described(), "exe")], ids=["msi", "exe"])
def test_by_content_not_by_name(tmp_path, data, kind):
    path = tmp_path / "чат «1» %TEMP%.bin"
    path.write_bytes(data)
    package = read.read_package(path)
    assert (package.kind, package.path, package.size) == (kind, str(path), len(data))
    assert package.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"\n <html><body>404", "an error page instead of the file"),
        (b"MSCF....", "a cabinet file"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"hello", "it begins with 68656c6c6f"),
    ],
)
def test_strangers(tmp_path, content, words):
    path = tmp_path / "setup.exe"
    path.write_bytes(content)
    with pytest.raises(NotSupported, match="neither an MSI nor an EXE") as raised:
        read.read_package(path)
    assert words in raised.value.what


def test_an_empty_file(tmp_path):
    path = tmp_path / "setup.exe"
    path.touch()
    with pytest.raises(Damaged, match="The package is empty"):
        read.read_package(path)


def test_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing.msi", "pipe", ".", "nul\0"):
        with pytest.raises(Missing, match="The package cannot be opened"):
            read.read_package(f"{tmp_path}/{name}")


def test_a_big_program_is_read_through_a_window(tmp_path, monkeypatch):
    data = programs.described(overlay=programs.nsis_overlay(body=bytes(100_000)))
    monkeypatch.setattr("ansible_collections.onprem.chat.plugins.plugin_utils._packages.source.WINDOW", 8192)
    path = tmp_path / "setup.exe"
    path.write_bytes(data)
    assert read.read_package(path).technology == "nsis"
    assert image.WINDOW == 512 << 20
