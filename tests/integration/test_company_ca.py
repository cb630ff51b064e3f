# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The company's CA of the laboratory: two tiers, no key on a machine that runs, every form read back by openssl."""

from __future__ import annotations

import datetime
import os
import stat
import subprocess
from pathlib import Path

import pytest
from company_ca import KEYS, CompanyCA, Issued

PASSPHRASE = "correct horse"


@pytest.fixture(scope="module")
def authority(lab) -> CompanyCA:
    return CompanyCA(lab.state)


@pytest.fixture(scope="module")
def issued(authority) -> Issued:
    return authority.issue(["corp.test", "*.corp.test", "10.203.0.20"], days=90)


def openssl(*arguments: str, data: bytes = b"") -> str:
    """What it prints; passphrases by environment."""
    environment = os.environ | {"PASSPHRASE": PASSPHRASE}
    result = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.decode()


def verified(chain: Issued, folder: Path, *options: str) -> str:
    for name, certificate in zip(("leaf", "issuing", "root"), chain.chain, strict=True):
        (folder / name).write_bytes(chain.pem([certificate]))
    trust = ["-CAfile", str(folder / "root"), "-untrusted", str(folder / "issuing"), "-no-CApath", "-no-CAstore"]
    return openssl(
        "verify", "-purpose", "sslserver", "-x509_strict", "-policy_check", *trust, *options, str(folder / "leaf")
    )


def test_files_of_the_authority(lab):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in lab.state.glob("company-*")}
    assert modes == {
        "company-ca.crt": 0o644,
        "company-root.crt": 0o644,
        "company-issuing.crt": 0o644,
        "company-root.key": 0o600,
        "company-issuing.key": 0o600,
    }
    assert (lab.state / "company-ca.crt").read_bytes() == (lab.state / "company-root.crt").read_bytes()


def test_no_machine_that_runs_has_a_key_of_the_authority(lab):
    find = "find / -xdev -name 'company-*.key' -o -name ca.key"
    for part in ("dc1", "chat"):
        assert lab.exec(part, ["sh", "-c", find], check=True).stdout == ""


def test_domain_controller_presents_leaf_and_issuing_certificate(lab):
    command = ["openssl", "s_client", "-connect", "dc1.corp.test:636", "-verify_hostname", "dc1.corp.test"]
    said = lab.exec("users", [*command, "-x509_strict", "-CAfile", str(lab.state / "company-ca.crt")]).stdout
    assert "Verify return code: 0 (ok)" in said
    assert said.count(" s:") == 2
    assert "1 s:O = Corp Test, CN = Corp Test Company CA" in said


@pytest.mark.parametrize("kind", KEYS)
def test_strict_verification(authority, tmp_path, kind):
    chain = authority.issue(["chat.corp.test", "10.203.0.20"], kind=kind)
    for option in (["-verify_hostname", "chat.corp.test"], ["-verify_ip", "10.203.0.20"]):
        assert verified(chain, tmp_path, *option).endswith(": OK\n")


def test_expired(authority, tmp_path):
    chain = authority.issue(["chat.corp.test"], days=-3)
    remaining = chain.certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert remaining < datetime.timedelta(days=-2)
    with pytest.raises(AssertionError, match="certificate has expired"):
        verified(chain, tmp_path)


def test_pem_and_keys(issued):
    assert issued.pem().count(b"BEGIN CERTIFICATE") == 3
    assert "CN = corp.test" in openssl("x509", "-inform", "DER", "-noout", "-subject", data=issued.der())
    public = openssl("x509", "-noout", "-pubkey", data=issued.pem())
    passphrase = ["-passin", "env:PASSPHRASE"]
    for data, options in (
        (issued.key_pem(), []),
        (issued.key_pem(traditional=True), []),
        (issued.key_pem(PASSPHRASE.encode()), passphrase),
        (issued.key_pem(PASSPHRASE.encode(), traditional=True), passphrase),
        (issued.key_der(), ["-inform", "DER"]),
    ):
        assert openssl("pkey", "-pubout", *options, data=data) == public
    assert b"BEGIN EC PRIVATE KEY" in issued.key_pem(traditional=True)
    assert b"ENCRYPTED" in issued.key_pem(PASSPHRASE.encode())


@pytest.mark.parametrize("pem", [False, True])
def test_pkcs7(issued, pem):
    form = "PEM" if pem else "DER"
    printed = openssl("pkcs7", "-inform", form, "-print_certs", "-noout", data=issued.p7b(pem))
    assert printed.count("subject=") == 3


def test_pkcs12(issued):
    for data, options, scheme in (
        (issued.pfx(PASSPHRASE.encode()), [], "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256"),
        (issued.pfx(PASSPHRASE.encode(), legacy=True), [], "pbeWithSHA1And3-KeyTripleDES-CBC"),
        (issued.pfx_of_old_windows(PASSPHRASE), ["-legacy"], "pbeWithSHA1And40BitRC2-CBC"),
    ):
        environment = os.environ | {"PASSPHRASE": PASSPHRASE}
        command = ["openssl", "pkcs12", "-info", "-nodes", "-passin", "env:PASSPHRASE", *options]
        result = subprocess.run(command, input=data, capture_output=True, check=False, env=environment)
        assert result.returncode == 0, result.stderr
        assert scheme in result.stderr.decode()
        assert result.stdout.count(b"BEGIN CERTIFICATE") == 3
        assert b"BEGIN PRIVATE KEY" in result.stdout
    assert openssl("pkcs12", "-nodes", "-passin", "pass:", data=issued.pfx(root=False)).count("BEGIN CERTIFICATE") == 2
