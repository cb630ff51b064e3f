# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates with what the company's CA delivered: any form, judged before anything is changed; a key that stays."""

from __future__ import annotations

import pytest
from company_ca import CompanyCA
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from lab_certificates import CRT, KEY, LOOK, USES_SERVICE, Role, changed, said

PASSPHRASE = "canary-Delivered-7f3a"
NAMES = ["corp.test", "chat.corp.test"]


@pytest.fixture(scope="module")
def role(fresh_chat, tmp_path_factory):
    """A fresh chat host; the company's root is what the clients trust."""
    return Role(
        fresh_chat,
        tmp_path_factory.mktemp("delivered"),
        certificates_source="files",
        certificates_trust_anchors=[str(fresh_chat.state / "company-root.crt")],
    )


@pytest.fixture(scope="module")
def company(role):
    return CompanyCA(role.lab.state)


def put(role, name, data):
    path = role.folder / name
    path.touch(mode=0o600)
    path.write_bytes(data)
    return str(path)


def test_nothing_was_delivered(role):
    text = role.refused()
    assert "certificates_source files needs certificates_files: the files or folders on the controller" in text


def test_check_on_a_fresh_host_judges_and_changes_nothing(role, company):
    before = role.shell(LOOK)
    good = put(role, "plan.pfx", company.issue(NAMES).pfx(PASSPHRASE.encode(), legacy=True))
    result = role.done("--check", "--diff", certificates_files=[good], certificates_passphrases=[PASSPHRASE])
    assert "What lies on chat cannot be judged or compared before python3-cryptography is installed there." in said(
        result
    )
    bad = put(role, "names.pem", company.issue(["chat.corp.test"]).pem() + company.issue(["chat.corp.test"]).key_pem())
    assert "certificate.names" in role.refused("--check", certificates_files=[bad])
    assert role.shell(LOOK) == before


def test_pkcs12_from_windows(role, company):
    issued = company.issue(NAMES, kind="rsa")
    files = [put(role, "chat.pfx", issued.pfx(PASSPHRASE.encode(), legacy=True))]
    result = role.done("-vvv", "--diff", certificates_files=files, certificates_passphrases=[PASSPHRASE])
    output = result.stdout + result.stderr
    assert "BEGIN PRIVATE KEY" not in output
    assert PASSPHRASE not in output
    assert role.shell(f"stat -Lc '%a %U %G' {KEY}").split() == ["640", "root", "onprem-chat-tls"]
    first = x509.load_pem_x509_certificate(role.shell(f"cat {CRT}").encode())
    assert first == issued.certificate
    # The same in other forms is the same.
    parts = [
        put(role, "chain.p7b", issued.p7b()),
        put(role, "chat.der", issued.der()),
        put(role, "chat.key", issued.key_pem(PASSPHRASE.encode())),
    ]
    again = role.done(certificates_files=parts, certificates_passphrases=[PASSPHRASE])
    assert changed(again) == 0


def test_two_files_the_simple_way_end_soon(role, company):
    issued = company.issue(NAMES, days=5)
    text = said(
        role.done(
            certificates_certificate_file=put(role, "short.crt", issued.pem()),
            certificates_key_file=put(role, "short.key", issued.key_pem()),
        )
    )
    assert "certificate.validity" in text


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("wrong passphrase", "passphrase"),
        ("key of another", "certificate.key.match"),
        ("without the issuing CA", "certificate.chain.trust"),
        ("expired", "certificate.validity"),
    ],
)
def test_refused_before_anything_is_changed(role, company, case, words):
    issued = company.issue(NAMES, days=-1 if case == "expired" else 90)
    key = (company.issue(NAMES) if case == "key of another" else issued).key_pem(
        PASSPHRASE.encode() if case == "wrong passphrase" else None
    )
    chain = [issued.certificate, issued.root] if case == "without the issuing CA" else None
    text = role.refused(
        certificates_files=[put(role, "refused.pem", issued.pem(chain) + key)], certificates_passphrases=["not-it"]
    )
    assert words in text
    assert "Nothing was changed." in text or case == "wrong passphrase"
    assert "Install | Packages" not in text


def test_the_service_presents_what_was_delivered(role, company):
    role.start_service()
    issued = company.issue(NAMES)
    role.done(certificates_files=[put(role, "next.pem", issued.pem() + issued.key_pem())], **USES_SERVICE)
    assert role.presented() == role.fingerprint()


def test_a_key_that_never_leaves_the_host(role, company):
    folder = role.folder / "request"
    ask = {"certificates_request_directory": str(folder), "certificates_renew_days": 400}
    result = role.done(**ask)
    request = x509.load_pem_x509_csr((folder / "corp.test.csr").read_bytes())
    assert f"Give {folder}/corp.test.csr to the certificate authority" in said(result)
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(NAMES)
    assert changed(role.done(**ask)) == 0
    answer = company.issue(NAMES)
    signed = company_signs(company, request)
    ask["certificates_files"] = [put(role, "answer.pem", signed + answer.pem([answer.issuing, answer.root]))]
    role.done(**ask)
    assert x509.load_pem_x509_certificate(role.shell(f"cat {CRT}").encode()).public_key() == request.public_key()
    gone = f"ls -A {CRT[:-4]}.d/request 2>/dev/null || echo gone"
    assert role.shell(gone).strip() == "gone"
    # One name more than was asked for is no reason for another request.
    assert changed(role.done(**ask)) == 0
    assert role.shell(gone).strip() == "gone"


def company_signs(company, request):
    """The issuing CA signs what it is asked for, and adds a name."""
    model = company.issue([*NAMES, "www.corp.test"], days=500).certificate
    builder = x509.CertificateBuilder(
        model.issuer,
        request.subject,
        request.public_key(),
        x509.random_serial_number(),
        model.not_valid_before_utc,
        model.not_valid_after_utc,
    )
    for extension in model.extensions:
        if extension.oid != x509.SubjectKeyIdentifier.oid:
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(company._key, hashes.SHA256()).public_bytes(Encoding.PEM)
