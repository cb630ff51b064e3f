# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What preflight says of a certificate that would not come: before host and names are changed."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from company_ca import CompanyCA
from preflight_runs import lines, preflight, rest_of_the_table, stranger
from secrecy import watch


def test_delivered_certificate_is_judged(lab, tmp_path):
    """What the company's authority delivered for other names, beside everything else."""
    made = CompanyCA(lab.state).issue(["mail.corp.test"])
    delivered = tmp_path / "delivered.pem"
    delivered.touch(mode=0o600)
    delivered.write_bytes(made.pem() + made.key_pem())
    site = {
        "chat_certificate_source": "files",
        "chat_certificate_files": [str(delivered)],
        "chat_certificate_trust_anchors": [str(lab.state / "company-root.crt")],
    }
    result, text = preflight(lab, "-e", json.dumps(site))
    assert result.returncode != 0
    (line,) = lines(text, "certificate.names")
    assert "corp.test, chat.corp.test not covered by the leaf CN=mail.corp.test" in line
    assert "certificate.chain.trust" in text
    rest_of_the_table(text)


def test_too_short_a_passphrase_of_the_own_authority(lab):
    """The role refuses it, and before it host and names would have been changed."""
    result, text = preflight(lab, "-e", "chat_ca_passphrase=Winter2026")
    assert result.returncode != 0
    (line,) = lines(text, "site.secret")
    assert "chat_ca_passphrase has fewer than 12 characters" in line
    (line,) = lines(text, "certificate")
    assert line.startswith("SKIP") and line.endswith("not asked because of chat_ca_passphrase")
    assert "Winter2026" not in text
    rest_of_the_table(text, "site.variables")


@pytest.fixture
def authority(tmp_path):
    """A key of an authority in a folder of its own, and its passphrase, which begins like an option."""
    folder, passphrase = tmp_path / "pki", "-Own-Canary-4711"
    folder.mkdir(mode=0o700)
    secret = tmp_path / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(passphrase)
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-aes256"]
    command += ["-pass", f"file:{secret}", "-out", str(folder / "root.key")]
    subprocess.run(command, check=True, capture_output=True)
    return folder, passphrase


def ask_for_authority(lab, folder, passphrase):
    """Preflight as loud as possible; gives what was printed as well, and every command line that was seen meanwhile."""
    extra = folder.parent / "extra.json"
    extra.touch(mode=0o600)
    extra.write_text(json.dumps({"chat_ca_directory": str(folder), "chat_ca_passphrase": passphrase}))
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    sampler = watch(lab)
    try:
        result, text = preflight(lab, "-vvv", "--diff", "-e", f"@{extra}")
    finally:
        seen = sampler.stop()
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert b"ansible-playbook" in seen
    assert passphrase not in text and passphrase.encode() not in seen
    return result, text


def test_passphrase_of_the_authority_that_is_there(lab, authority):
    folder, passphrase = authority
    result, text = ask_for_authority(lab, folder, passphrase)
    assert result.returncode == 0, text
    (line,) = lines(text, "certificate")
    assert line.startswith("PASS") and line.endswith(f"the passphrase opens {folder}/root.key")


def test_passphrase_of_another_authority(lab, authority):
    folder, _passphrase = authority
    result, text = ask_for_authority(lab, folder, "Other-Canary-4712")
    assert result.returncode != 0
    (line,) = lines(text, "certificate")
    assert line.startswith("FAIL")
    assert f"The passphrase does not open {folder}/root.key (Wrong " in line
    assert (
        "What is called certificates_… here is chat_… in the site file: docs/site_file.md, section Certificates."
        in text
    )
    rest_of_the_table(text)


ACME = {"chat_certificate_source": "acme", "chat_acme_directory": "https://acme.corp.test/directory"}


def test_terms_of_the_acme_server_not_agreed(lab):
    result, text = preflight(lab, "-e", json.dumps(ACME | {"chat_acme_terms_agreed": False}))
    assert result.returncode != 0
    (line,) = lines(text, "certificate")
    assert (
        "https://acme.corp.test/directory gives certificates only to those who agree to its terms of service." in line
    )
    rest_of_the_table(text)


def test_port_of_http_01_is_taken(lab):
    site = json.dumps(ACME | {"chat_acme_terms_agreed": True})
    result, text = preflight(lab, "-e", site)
    assert result.returncode == 0, text
    (line,) = lines(text, "certificate")
    assert line.endswith("the variables are complete; https://acme.corp.test/directory was not asked")
    with stranger(lab, 80):
        result, text = preflight(lab, "-e", site)
    assert result.returncode != 0
    (line,) = lines(text, "certificate")
    assert line.startswith("FAIL") and "Port 80 on chat is taken by python3, so certbot cannot answer there." in line
    rest_of_the_table(text)


def test_acme_and_the_host_is_unreachable(lab):
    """The host is asked for its port, and that it does not answer is told once."""
    site = json.dumps(ACME | {"chat_acme_terms_agreed": True, "ansible_host": "10.203.0.77"})
    result, text = preflight(lab, "-e", site)
    assert result.returncode != 0
    assert len(lines(text, "host.login")) == 1
    assert re.search(r"\b1 of \d+ checks failed", text)
