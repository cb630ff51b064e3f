# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates with ACME and DNS-01: records in Samba by GSS-TSIG and in BIND by TSIG, a real ACME server that looks there."""

from __future__ import annotations

import pytest
from lab_certificates import CRT, Role, changed, said

PASSPHRASE = "canary-Account-51d0"


@pytest.fixture(scope="module")
def role(fresh_chat, acme, tmp_path_factory):
    """A fresh chat host; records are written into the domain's zone."""
    folder = tmp_path_factory.mktemp("dns01")
    (folder / "root.pem").write_text(acme.root())
    return Role(
        fresh_chat,
        folder,
        certificates_dns_names=["corp.test", "chat.corp.test", "*.chat.corp.test"],
        certificates_source="acme",
        certificates_acme_challenge="dns-01",
        certificates_acme_directory=acme.directory,
        certificates_acme_ca_file=str(acme.ca_file),
        certificates_acme_terms_agreed=True,
        certificates_acme_account_key_file=str(folder / "account" / "account.key"),
        certificates_acme_account_key_passphrase="{{ lookup('ansible.builtin.file', '" + str(folder / "word") + "') }}",
        certificates_acme_dns_server="dc1.corp.test",
        certificates_acme_dns_zone="corp.test",
        certificates_acme_dns_principal="svc-chat-dns@CORP.TEST",
        certificates_acme_dns_password="{{ chat_dns_password }}",
        certificates_trust_anchors=[str(folder / "root.pem")],
    )


@pytest.fixture(scope="module", autouse=True)
def word(role):
    (role.folder / "word").write_text(PASSPHRASE)


def bind(acme, address):
    """Records are written into the copy of example.test that one of BIND's views has."""
    lab, external = acme.lab, address.endswith("40")
    return {
        "certificates_dns_names": ["www.example.test"],
        "certificates_acme_dns_server": "ns1-external.corp.test" if external else "ns1.corp.test",
        "certificates_acme_dns_zone": "example.test",
        "certificates_acme_dns_auth": "tsig",
        "certificates_acme_dns_tsig_key_file": str(
            lab.state / "tsig" / ("external.key" if external else "internal.key")
        ),
        "certificates_acme_dns_servers": [address],
    }


def test_issue_by_samba_with_a_wildcard(role, acme):
    result = role.done("-vvv")
    output = result.stdout + result.stderr
    assert [
        secret for secret in (PASSPHRASE, role.lab.secrets["svc-chat-dns"], "BEGIN ENCRYPTED") if secret in output
    ] == []
    assert role.shell(f"openssl x509 -in {CRT} -noout -ext subjectAltName").count("DNS:") == 3
    key = role.folder / "account" / "account.key"
    assert "BEGIN ENCRYPTED PRIVATE KEY" in key.read_text()
    assert (key.stat().st_mode & 0o777, key.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert acme.sees("_acme-challenge.corp.test", "TXT") == acme.sees("_acme-challenge.chat.corp.test", "TXT") == ""


def test_second_run_changes_nothing(role):
    assert changed(role.done()) == 0


def test_the_server_asks_for_renewal(role, acme):
    """ARI (RFC 9773): long before the days are over."""
    window = {"suggestedWindow": {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}}
    before = role.fingerprint()
    role.done(certificates_acme_directory=acme.faulty_directory)
    assert role.fingerprint() != before  # it came from another directory
    before = role.fingerprint()
    with acme.faults({"renewal_info": window}):
        result = role.done(certificates_acme_directory=acme.faulty_directory)
    assert "the ACME server asks to renew it now" in said(result)
    assert role.fingerprint() != before


def test_rate_limit_and_no_record_stays(role, acme):
    """The modules wait and ask again; the time is limited, and the record goes all the same."""
    with acme.faults({"path": "^/finalize-order/", "problem": "rateLimited", "status": 429, "retry_after": "3"}):
        text = role.refused(
            certificates_renew_now=True,
            certificates_acme_directory=acme.faulty_directory,
            certificates_acme_timeout=8,
        )
    assert "It asks to wait (rate limit), or it is overloaded." in text
    assert acme.sees("_acme-challenge.corp.test", "TXT") == ""


def test_a_server_without_the_record_is_named(role, acme):
    asked = {"certificates_acme_dns_servers": ["10.203.0.99"], "certificates_acme_dns_wait": 1}
    text = role.refused(certificates_renew_now=True, **asked)
    assert "came from https://acme.corp.test:14000/dir: 10.203.0.99: after " in text
    assert "The ACME server was not told to look, because not every server of the zone has the TXT records." in text
    assert acme.sees("_acme-challenge.corp.test", "TXT") == ""


def test_bind_by_tsig(role, acme, name_servers):
    role.done(**bind(acme, "10.203.0.40"))
    assert "DNS:www.example.test" in role.shell(f"openssl x509 -in {CRT} -noout -ext subjectAltName")
    assert acme.sees("_acme-challenge.www.example.test", "TXT") == ""


def test_the_server_sees_another_copy_of_the_zone(role, acme, name_servers):
    """The record is in the internal view, the ACME server stands outside: the order becomes invalid, and the record goes again."""
    text = role.refused(certificates_renew_now=True, **bind(acme, "10.203.0.30"))
    assert (
        "The server looked and did not find the TXT record _acme-challenge. Does it ask another copy of the zone (split DNS)"
        in text
    )
    assert name_servers.dig("10.203.0.30", "_acme-challenge.www.example.test", "TXT") == ""


def test_server_down(role, acme):
    with acme.stopped():
        text = role.refused(certificates_renew_now=True)
    assert "Is it down, or does a firewall or proxy stand between?" in text
