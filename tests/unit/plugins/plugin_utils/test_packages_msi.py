# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MSI files, made in memory (see packages_forms.py)."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import msi, msi_tables
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import Damaged, NotSupported
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Related
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms as forms


def read(**options):
    return msi.read_msi(forms.msi(**options), "/srv/chat.msi", "0" * 64)


def test_what_it_says():
    package = read()
    assert (package.kind, package.technology, package.confidence) == ("msi", "msi", "sure")
    assert (package.name, package.version, package.manufacturer, package.language) == (
        "Chat",
        "1.2.3",
        "Example",
        "1033",
    )
    assert (package.product_code, package.upgrade_code) == (forms.CODE, forms.UPGRADE)
    assert package.package_code == forms.BUILD
    assert package.architecture == "x64"
    assert package.properties == forms.PROPERTIES
    assert package.silent_install == ["/qn", "/norestart", "REBOOT=ReallySuppress"]
    assert str(package) == "Chat 1.2.3 (msi, msi)"


@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("tail", [0, 20_000])
def test_every_layout_of_the_container(sector, wide, tail):
    assert read(sector=sector, wide=wide, tail=tail).properties == forms.PROPERTIES


@pytest.mark.parametrize(
    ("codepage", "encoding", "name"),
    [
        (1251, "cp1251", "Чат «Ёж»"),
        (65001, "utf-8", "Чат 😀 聊天"),
        (932, "cp932", "チャット"),
        (936, "gbk", "聊天"),
        (28592, "iso8859-2", "Žluťoučký"),
        (0, "utf-8", "Чат"),
        (0, "cp1252", "Tchätt"),
        (10000, "mac-roman", "Tchätt"),
        (99999, "cp1252", "Chat"),
    ],
)
def test_code_pages(codepage, encoding, name):
    properties = {**forms.PROPERTIES, "ProductName": name}
    assert read(codepage=codepage, encoding=encoding, properties=properties).name == name


def test_bytes_outside_of_the_code_page_are_marked():
    properties = {**forms.PROPERTIES, "ProductName": "Чат"}
    assert "\ufffd" in read(codepage=20127, encoding="cp1251", properties=properties).name


def test_a_text_of_more_than_65535_bytes():
    properties = {"Long": "x" * 70_000, **forms.PROPERTIES}
    assert read(properties=properties).properties == properties


@pytest.mark.parametrize(
    ("template", "architecture"),
    [
        ("x64;1033", "x64"),
        ("AMD64;1033", "x64"),
        ("Intel;1033,1049", "x86"),
        (";1033", "x86"),
        ("Arm64;1033", "arm64"),
        ("Intel64;0", ""),
    ],
)
def test_architecture(template, architecture):
    assert read(template=template).architecture == architecture


@pytest.mark.parametrize(
    ("everybody", "per_user", "words", "scope", "default"),
    [
        ("1", None, 2, "machine", "machine"),
        ("1", None, 10, "machine", "machine"),
        ("2", None, 2, "either", "machine"),
        ("2", "1", 2, "either", "user"),
        ("2", "", 10, "either", "machine"),
        (None, None, 2, "either", "user"),
        ("", None, 10, "user", "user"),
        (None, None, 10, "user", "user"),
    ],
)
def test_scope(everybody, per_user, words, scope, default):
    properties = {name: value for name, value in forms.PROPERTIES.items() if name != "ALLUSERS"}
    if everybody is not None:
        properties["ALLUSERS"] = everybody
    if per_user is not None:
        properties["MSIINSTALLPERUSER"] = per_user
    package = read(properties=properties, words=words)
    assert (package.scope, package.default_scope) == (scope, default)


def test_upgrades():
    rows = [
        (forms.UPGRADE, "", "1.2.3", "", 0x1, "", "OLDER"),
        (forms.UPGRADE, "1.2.3", "", "1033,1049", 0x2 | 0x100 | 0x400, "", "NEWER"),
        (forms.UPGRADE, "1.0", "1.1", "", 0x300, "", "OTHER"),
        ("nonsense", "", "", "", 0, "", "X"),
    ]
    assert read(upgrades=rows).related == (
        Related(forms.UPGRADE, "", "1.2.3", False, False, False),
        Related(forms.UPGRADE, "1.2.3", "", True, False, True, "1033,1049", True),
        Related(forms.UPGRADE, "1.0", "1.1", True, True, False),
    )


def test_without_an_upgrade_code():
    properties = {name: value for name, value in forms.PROPERTIES.items() if name != "UpgradeCode"}
    assert read(properties=properties).upgrade_code == ""


def test_without_a_product_code():
    with pytest.raises(Damaged) as raised:
        read(properties={"ProductName": "Chat"})
    assert str(raised.value) == (
        "The property ProductCode is no GUID: '' ('/srv/chat.msi'). It was cut, or changed on its way. "
        "Fetch it again and compare its SHA-256 with the vendor's."
    )
    assert raised.value.result()["error"]["kind"] == "damaged"


@pytest.mark.parametrize(
    ("clsid", "words"),
    [("82100c0000000000c000000000000046", "a transform (MST)"), ("86100c0000000000c000000000000046", "a patch (MSP)")],
)
def test_what_is_no_package(clsid, words):
    data = forms.compound({"a": b"x"}, clsid=bytes.fromhex(clsid))
    with pytest.raises(NotSupported, match="no MSI package, but") as raised:
        msi.read_msi(data, "/srv/chat.msp", "")
    assert words in raised.value.what


def test_an_office_document_is_no_package():
    with pytest.raises(NotSupported, match="a document of an old Office"):
        msi.read_msi(forms.compound({"WordDocument": bytes(5000)}, clsid=bytes(16)), "/srv/a.doc", "")


@pytest.mark.parametrize("missing", [1, 100, 512, 1000, 2000, 4000])
def test_cut(missing):
    with pytest.raises(Damaged):
        msi.read_msi(forms.msi()[:-missing], "/srv/chat.msi", "")


def test_an_interrupted_download_is_named():
    # The end of the file is payload, and nothing of what is read is missing; but the allocation table knows of it.
    data = forms.msi()
    with pytest.raises(Damaged, match=r"The file is cut: about [0-9]+ bytes are missing at its end"):
        msi.read_msi(data[:-4] + b"\xfe\xff\xff\xff", "/srv/chat.msi", "")


def test_streams_of_inner_storages_are_not_taken_for_the_own():
    data = bytearray(forms.msi())
    # Another entry of the folder becomes a storage of its own kind: it is no stream any more.
    name = msi_tables.stream_name("Media").encode("utf-16-le")
    data[data.index(name) + 66] = 1
    assert msi.read_msi(bytes(data), "/srv/chat.msi", "").name == "Chat"


def test_names_of_tables():
    assert msi_tables.stream_name("Property") == forms.table_name("Property")
    assert msi_tables.stream_name("_Tables") == forms.table_name("_Tables")
    assert msi_tables.stream_name("odd-name") == forms.table_name("odd-name")
