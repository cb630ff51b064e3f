# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Windows packages that real tools made, read on the controller: msiinfo is the referee, osslsigncode the signer.

No laboratory is needed. What no tool here can build (Inno Setup, Burn and others) is only in the unit tests, as stand-ins.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID
from package_workshop import CODE, UPGRADE, Authority, Workshop, run, sign, summary, table

from ansible_collections.onprem.chat.plugins.plugin_utils._packages import signature_errors as reasons
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.errors import LibraryMissing, PackageError
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.model import Related
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package
from ansible_collections.onprem.chat.plugins.plugin_utils._packages.signature import verify
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils import packages_forms
from ansible_collections.onprem.chat.tests.unit.plugins.plugin_utils.packages_mutations import Mutator

SIGNER = "Издатель Чата"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def setup_program(workshop):
    return workshop.nsis("setup", "Target amd64-unicode")


@pytest.fixture(scope="module")
def installer(workshop):
    return workshop.msi("installer")


def agrees_with_msiinfo(package, path) -> None:
    assert package.properties == {row[0]: row[1] for row in table(path, "Property")}
    said = summary(path)
    assert package.package_code == said["Revision number (UUID)"]
    assert [(row.upgrade_code, row.minimum, row.maximum) for row in package.related] == [
        (row[0], row[1], row[2]) for row in table(path, "Upgrade")
    ]


@pytest.mark.parametrize(
    ("architecture", "scope", "expected"),
    [
        ("x64", "perMachine", "machine"),
        ("x86", "perMachine", "machine"),
        ("x64", "perUser", "user"),
        ("x86", "perUser", "user"),
    ],
)
def test_msi_of_wixl(workshop, architecture, scope, expected):
    path = workshop.msi(f"{architecture}-{scope}", 7, architecture, scope, "2.10.3", 1049)
    package = read_package(path)
    agrees_with_msiinfo(package, path)
    assert (package.architecture, package.scope) == (architecture, expected)
    assert (package.name, package.version, package.manufacturer) == ("Chat", "2.10.3", "Example & Co")
    assert (package.product_code, package.upgrade_code, package.language) == (CODE.format(7), UPGRADE, "1049")
    older, newer = package.related
    assert older == Related(UPGRADE, "", "2.10.3", False, False, False)
    assert (newer.minimum, newer.detect_only) == ("2.10.3", True)


@pytest.mark.parametrize(
    ("codepage", "name"), [(1251, "Чат «Ёж»"), (65001, "Чат 聊天 €"), (1252, "Tchätt – «x»"), (932, "チャット")]
)
def test_code_pages_of_msibuild(workshop, codepage, name):
    path = workshop.msi(f"codepage-{codepage}")
    workshop.rename(path, name, codepage)
    package = read_package(path)
    assert package.name == name
    agrees_with_msiinfo(package, path)


def test_msiinfo_reads_what_the_unit_tests_make(tmp_path):
    """The forms of the unit tests are MSI files to others as well."""
    path = tmp_path / "form.msi"
    rows = [(packages_forms.UPGRADE, "1.0", "", "", 0x102, "", "NEWER")]
    for options in ({}, {"wide": True}, {"sector": 4096}, {"tail": 20_000}):
        path.write_bytes(packages_forms.msi(upgrades=rows, **options))
        agrees_with_msiinfo(read_package(path), path)


@pytest.mark.parametrize(("head", "architecture"), [("", "x86"), ("Target amd64-unicode", "x64")])
@pytest.mark.parametrize("compressor", ["zlib", "bzip2", "lzma", "/SOLID lzma"])
def test_nsis(workshop, head, architecture, compressor):
    package = read_package(workshop.nsis("compressed", f"{head}\nSetCompressor {compressor}"))
    assert (package.technology, package.confidence, package.architecture) == ("nsis", "sure", architecture)
    assert (package.name, package.manufacturer, package.language) == ("Чат «Ёж»", "Пример", "1049")
    assert (package.version, package.file_version) == ("1.2.3-beta", "1.2.3.4")
    assert package.silent_install == ["/S"]


@pytest.mark.parametrize("product", ["Чат 😀", r"😀 \ud83d\ude00 Ёж 👩‍💻"], ids=["emoji", "written as well"])
def test_nsis_with_an_emoji_in_its_name(workshop, product):
    package = read_package(workshop.nsis("emoji", product=product))
    assert (package.name, package.manufacturer, package.version) == (product, "Пример", "1.2.3-beta")


def test_nsis_for_the_machine(workshop):
    assert read_package(workshop.nsis("admin", level="admin")).scope == "machine"
    assert read_package(workshop.nsis("user", level="user")).scope == "unknown"


def test_nsis_as_electron_builder_packs(workshop):
    path = workshop.nsis("electron", files="SetCompress off\nFile app-64.7z\nSetCompress auto")
    assert read_package(path).technology == "electron_builder"


def test_cut_at_any_place(installer, setup_program, tmp_path):
    path = tmp_path / "cut"
    for whole in (installer.read_bytes(), setup_program.read_bytes()):
        for left in range(1, len(whole), len(whole) // 100):
            path.write_bytes(whole[:left])
            with pytest.raises(PackageError):
                read_package(path)


def test_damaged_real_ones(installer, setup_program, tmp_path):
    mutator = Mutator(6, {"installer": installer.read_bytes(), "program": setup_program.read_bytes()})
    path, outcomes = tmp_path / "damaged", set()
    for _count in range(1000):
        path.write_bytes(mutator.next()[1])
        try:
            outcomes.add(type(read_package(path)).__name__)
        except PackageError as error:
            outcomes.add(type(error).__name__)
    assert {"Package", "Damaged"} <= outcomes


def test_gigabytes_cost_no_memory(setup_program, tmp_path):
    """A program with 2.2 GB behind it (most of it a hole on the disk), read in a process of its own."""
    path = tmp_path / "big.exe"
    path.write_bytes(setup_program.read_bytes())
    os.truncate(path, 2_200_000_000)
    script = (
        "import json, resource, sys\n"
        "from ansible_collections.onprem.chat.plugins.plugin_utils._packages.read import read_package\n"
        "package = read_package(sys.argv[1])\n"
        "print(json.dumps([package.size, package.technology, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], check=True, stdout=subprocess.PIPE, timeout=120)
    size, technology, kilobytes = json.loads(done.stdout)
    assert (size, technology) == (2_200_000_000, "nsis")
    assert kilobytes < 200_000


# Signatures


@pytest.fixture(scope="module")
def authority(workshop) -> Authority:
    return Authority(workshop.folder, "Test CA")


@pytest.fixture(scope="module")
def issued(authority):
    return authority.issue(SIGNER)


@pytest.fixture(scope="module", params=["exe", "msi"])
def signed(request, workshop, installer, setup_program, issued):
    package = setup_program if request.param == "exe" else installer
    return sign(package, workshop.folder / f"signed.{request.param}", *issued[:2])


def refused(path, kind, authority, **options) -> str:
    with pytest.raises(kind) as raised:
        verify(str(path), trust_anchors=[str(authority.anchor)], **options)
    assert raised.value.kind == re.sub("(?<!^)([A-Z])", r"_\1", kind.__name__).lower()
    return str(raised.value)


def test_signer(signed, authority, issued):
    certificate = issued[2]
    found = verify(str(signed), trust_anchors=[str(authority.anchor)])
    assert found.signer == SIGNER
    assert found.thumbprint == certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as Windows names them
    assert found.sha256 == certificate.fingerprint(hashes.SHA256()).hex()
    assert found.issuer == "CN=Test CA"
    assert found.timestamp == ""
    assert read_package(signed).name in ("Chat", "Чат «Ёж»")


def test_demanded_signer(signed, authority, issued):
    thumbprint = issued[2].fingerprint(hashes.SHA256()).hex()
    spaced = " ".join(thumbprint.upper()[at : at + 2] for at in range(0, 64, 2))
    for wanted in (
        {"signer": SIGNER.upper()},
        {"signer": "ООО «Пример»"},
        {"thumbprint": thumbprint},
        {"thumbprint": spaced},
    ):
        assert verify(str(signed), trust_anchors=[str(authority.anchor)], **wanted).signer == SIGNER
    assert "not by 'Somebody else'" in refused(signed, reasons.WrongSigner, authority, signer="Somebody else")
    assert "another certificate" in refused(signed, reasons.WrongSigner, authority, thumbprint="ab" * 20)
    assert "40 or 64" in refused(signed, reasons.WrongSigner, authority, thumbprint="abc")


def test_unsigned(installer, setup_program, authority):
    for package in (installer, setup_program):
        assert "The package is not signed" in refused(package, reasons.Unsigned, authority)


def test_altered(signed, authority, tmp_path):
    data = bytearray(signed.read_bytes())
    # In the payload: the middle of a program; of an MSI the cabinet, which is its biggest stream.
    at = data.index(b"MSCF") + 200 if signed.suffix == ".msi" else len(data) // 2
    data[at] ^= 1
    path = tmp_path / f"altered{signed.suffix}"
    path.write_bytes(data)
    assert "its content does not fit the signature" in refused(path, reasons.Altered, authority)


def test_appended(workshop, setup_program, authority, issued, tmp_path):
    path = sign(setup_program, tmp_path / "appended.exe", *issued[:2])
    with path.open("ab") as file:
        file.write(b"more")
    assert "4 bytes follow its signature" in refused(path, reasons.Altered, authority)


def test_authority_of_somebody_else(signed, tmp_path):
    stranger = Authority(tmp_path, "Another CA")
    said = refused(signed, reasons.NotTrusted, stranger)
    assert f"signed by {SIGNER!r}, issuer 'CN=Test CA'" in said
    assert "name a PEM file with the authority" in said


def test_the_system_does_not_know_it(signed):
    with pytest.raises(reasons.NotTrusted, match="The authority is not among the trusted ones"):
        verify(str(signed))


def test_an_authority_that_is_no_certificate(signed, issued):
    with pytest.raises(reasons.NotTrusted, match="no PEM certificate"):
        verify(str(signed), trust_anchors=[str(issued[1])])


def test_a_certificate_for_servers(setup_program, authority, tmp_path):
    server = authority.issue("server", ExtendedKeyUsageOID.SERVER_AUTH)
    path = sign(setup_program, tmp_path / "server.exe", *server[:2])
    assert "not meant for signing software" in refused(path, reasons.NotTrusted, authority)


def test_expired(setup_program, authority, tmp_path):
    old = authority.issue("Old", begin=-100, end=-10)
    path = sign(setup_program, tmp_path / "old.exe", *old[:2])
    said = refused(path, reasons.Expired, authority)
    assert "signed by 'Old', expired" in said
    assert "it has no timestamp" in said


def test_expired_but_timestamped(setup_program, authority, tmp_path):
    if "-TSA-certs" not in run_help():
        pytest.skip("this osslsigncode (2.5) has no timestamp authority of its own")
    old = authority.issue("Old", begin=-100, end=-10)
    clock = authority.issue("Clock", ExtendedKeyUsageOID.TIME_STAMPING)
    moment = int(authority.now.timestamp()) - 50 * 86400
    options = ("-TSA-certs", clock[0], "-TSA-key", clock[1], "-TSA-time", moment)
    path = sign(setup_program, tmp_path / "stamped.exe", *old[:2], *options)
    found = verify(str(path), trust_anchors=[str(authority.anchor)])
    assert found.signer == "Old"
    assert found.timestamp == (authority.now - datetime.timedelta(days=50)).strftime("%Y-%m-%dT%H:%M:%SZ")

    stranger = Authority(tmp_path, "Clock CA")
    foreign = stranger.issue("Clock", ExtendedKeyUsageOID.TIME_STAMPING)
    options = ("-TSA-certs", foreign[0], "-TSA-key", foreign[1], "-TSA-time", moment)
    path = sign(setup_program, tmp_path / "stamped-by-stranger.exe", *old[:2], *options)
    said = refused(path, reasons.Expired, authority)
    assert "nobody who is trusted vouches for its timestamp" in said
    both = [str(authority.anchor), str(stranger.anchor)]
    assert verify(str(path), trust_anchors=both).signer == "Old"


def test_the_first_of_two_signatures_counts(setup_program, authority, issued, tmp_path):
    """As on Windows. Old releases cannot look at the first alone: then both must hold."""
    stranger = Authority(tmp_path, "Another CA").issue("Stranger")
    good = sign(setup_program, tmp_path / "good.exe", *issued[:2])
    good = sign(good, tmp_path / "good-nested.exe", *stranger[:2], "-nest")
    bad = sign(setup_program, tmp_path / "bad.exe", *stranger[:2])
    bad = sign(bad, tmp_path / "bad-nested.exe", *issued[:2], "-nest")
    with pytest.raises(PackageError):
        verify(str(bad), trust_anchors=[str(authority.anchor)])
    if "\n-index" in run("sh", "-c", "osslsigncode verify --help 2>&1 || true"):
        assert verify(str(good), trust_anchors=[str(authority.anchor)]).signer == SIGNER
    else:
        assert "Install osslsigncode 2.6 or newer" in refused(good, reasons.NotVerified, authority)


def test_without_the_program(signed, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LibraryMissing, match="The program osslsigncode is missing on the controller"):
        verify(str(signed))


def run_help() -> str:
    return run("sh", "-c", "osslsigncode sign --help 2>&1 || true")
