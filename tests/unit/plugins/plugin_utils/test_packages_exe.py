# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""EXE files, made in memory (see packages_programs.py: stand-ins for setup programs, none was ever run)."""

from __future__ import annotations

import struct

import pytest

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import exe, image, silent
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import Damaged, LibraryMissing, NotSupported
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_programs as programs

FORMS = programs.forms()


def read(data):
    return exe.read_exe(data, "/srv/setup.exe", "0" * 64)


@pytest.mark.parametrize("name", FORMS)
def test_technology(name):
    data, technology, confidence = FORMS[name]
    package = read(data)
    assert (package.technology, package.confidence) == (technology, confidence)
    assert package.silent_install == silent.install(technology)
    assert bool(package.evidence) == (technology != "unknown")
    doubt = "The technology of this installer is not known for sure: try its switches on one host first"
    assert (doubt in package.notes) == (confidence == "likely")
    nothing = "The technology of this installer is not known: its silent switches have to be given"
    assert (nothing in package.notes) == (confidence == "unknown")


def test_version_resource():
    package = read(programs.described())
    assert (package.name, package.version, package.manufacturer) == ("Chat", "1.2.3-beta", "Example")
    assert (package.file_version, package.language) == ("1.2.3.4", "1049")
    assert package.properties == programs.STRINGS


@pytest.mark.parametrize(
    ("strings", "version"),
    [
        ({"ProductVersion": "2.0 beta", "FileVersion": "1.0"}, "2.0 beta"),
        ({"ProductVersion": "", "FileVersion": "1, 0, 0, 7"}, "1.0.0.7"),
        ({"ProductVersion": "release", "FileVersion": "3.1"}, "3.1"),
        ({"ProductVersion": "0.0"}, "1.2.3.4"),
        ({}, "1.2.3.4"),
    ],
)
def test_which_version(strings, version):
    assert read(programs.described(strings)).version == version


@pytest.mark.parametrize(
    "name",
    ["Чат «Ёж» 聊天", "Чат 😀", "👩‍💻", r"as it is: \ud83d\ude00", r"😀 \ud83d\ude00 Ёж 😀", "\U0001d11e" * 300],
    ids=["letters", "emoji", "of three", "written", "both", "long"],
)
def test_names_in_any_script(name):
    package = read(programs.described({"ProductName": name, "CompanyName": "Пример 😀"}))
    assert (package.name, package.manufacturer) == (name, "Пример 😀")


def test_half_a_character_is_no_reason_to_refuse():
    assert read(programs.described({"ProductName": "Chat \ud83d!"})).name == "Chat \ufffd!"


@pytest.mark.parametrize(("machine", "architecture"), [(0x14C, "x86"), (0x8664, "x64"), (0xAA64, "arm64"), (0x1C0, "")])
def test_architecture(machine, architecture):
    assert read(programs.described(machine=machine)).architecture == architecture


def test_who_demands_an_administrator_is_for_the_machine():
    assert read(programs.described(level="requireAdministrator")).scope == "machine"
    assert read(programs.described(level="asInvoker")).scope == "unknown"
    assert read(programs.described(level="highestAvailable")).scope == "unknown"


def test_scope_that_the_technology_decides():
    assert read(FORMS["squirrel"][0]).scope == "user"
    assert read(FORMS["electron"][0]).scope == "either"
    assert silent.install("electron_builder", "machine") == ["/S", "/allusers"]
    assert silent.install("inno", "user")[-1] == "/CURRENTUSER"
    assert silent.install("nsis", "user") == ["/S"]
    assert silent.install("unknown") == []


def test_a_bundle_tells_its_code():
    assert read(FORMS["burn"][0]).product_code == "{03020100-0504-0706-0809-0A0B0C0D0E0F}"


@pytest.mark.parametrize(
    "data",
    [
        programs.described(overlay=programs.nsis_overlay()[:-10]),
        programs.described(resources={(programs.RT_RCDATA, 11111): programs.inno_table(10_000_000)}),
        programs.described(resources={(programs.RT_RCDATA, 11111): programs.inno_table(10_000_000_000, 2)}),
        programs.described(sections={".wixburn": programs.burn_section(stub=1 << 20, first=5)}),
    ],
    ids=["nsis", "inno", "inno 6.5", "burn"],
)
def test_a_cut_payload_is_noticed(data):
    with pytest.raises(Damaged, match=r"The file is cut: .* bytes are missing at its end"):
        read(data)


def test_a_wrong_checksum_makes_it_only_likely():
    table = bytearray(programs.inno_table(100))
    table[-1] ^= 1
    package = read(programs.described(resources={(programs.RT_RCDATA, 11111): bytes(table)}))
    assert (package.technology, package.confidence) == ("inno", "likely")


def test_a_header_of_nsis_off_its_boundary_is_no_structure():
    package = read(programs.described(overlay=b"x" * 8 + programs.nsis_overlay()))
    assert package.technology == "unknown"


def test_a_cut_program():
    with pytest.raises(Damaged, match="bytes of its program are missing"):
        read(programs.described()[:-100])


def test_a_missing_signature_at_the_end():
    data = bytearray(programs.described())
    # The fifth directory, behind the 112 bytes of the optional header of a 64-bit program.
    struct.pack_into("<II", data, 0x80 + 24 + 112 + 4 * 8, len(data), 4096)
    with pytest.raises(Damaged, match="4096 bytes are missing at its end, where its signature is"):
        read(bytes(data))


def test_a_dll_is_no_package():
    with pytest.raises(NotSupported, match="The file is a DLL"):
        read(programs.described(characteristics=0x2022))


def test_firmware_is_no_package():
    data = bytearray(programs.described())
    # The subsystem in the optional header.
    struct.pack_into("<H", data, 0x80 + 24 + 68, 10)
    with pytest.raises(NotSupported, match="a driver or firmware"):
        read(bytes(data))


def test_a_program_of_dos():
    with pytest.raises(Damaged, match="no valid Windows program"):
        read(b"MZ" + bytes(600))


def test_without_pefile(monkeypatch):
    monkeypatch.setattr(image, "PEFILE_IMPORT_ERROR", "Traceback…")
    with pytest.raises(LibraryMissing, match="The Python library pefile is missing on the controller"):
        read(programs.described())
