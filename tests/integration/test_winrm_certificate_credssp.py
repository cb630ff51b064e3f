# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client certificates and CredSSP: the channel and stock clients against the laboratory's endpoint (a stand-in).

Commands run in /bin/sh here: what is tested is who is let in, and that messages are whole.
"""

from __future__ import annotations

import hashlib
import subprocess

import pytest
import winrm_clients
from winrm_channel import channel
from winrm_endpoint import ADMIN, LOCAL, certificate, running

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm.errors import ChannelError, Refused

# Above the 16 KiB of which CredSSP makes one piece, both ways.
DATA = bytes(range(256)) * 300


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def client_certificate(folder, name, upn, authority):
    """Files of a certificate for that UPN and its key."""
    key, request, leaf, extra = (folder / f"{name}.{end}" for end in ("key", "csr", "pem", "cnf"))
    extra.write_text(
        "extendedKeyUsage=clientAuth\n"
        + (f"subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:{upn}\n" if upn else "")
    )
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    openssl(
        *("x509", "-req", "-in", request, "-CA", authority / "ca.pem", "-CAkey", authority / "ca.key", "-days", "2"),
        *("-extfile", extra, "-out", leaf),
    )
    return {"ansible_winrm_cert_pem": str(leaf), "ansible_winrm_cert_key_pem": str(key)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """An authority for client certificates."""
    folder = tmp_path_factory.mktemp("authority")
    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Clients"),
        *("-keyout", folder / "ca.key", "-out", folder / "ca.pem"),
    )
    return folder


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, authority):
    """HTTP with CredSSP, HTTPS with it and with client certificates; a local and a domain account with a certificate."""
    folder = tmp_path_factory.mktemp("endpoint")
    https = {"certificate": certificate(folder), "client_authorities": str(authority / "ca.pem")}
    listeners = [{"address": "127.0.0.1", "port": 0}, {"address": "127.0.0.1", "port": 0, **https}]
    users = [{**ADMIN, "certificate": "rollout@corp.test"}, {**LOCAL, "certificate": "admin@localhost"}]
    with running(folder, listeners=listeners, users=users, credssp=True) as found:
        found.certificate = str(folder / "leaf.pem")
        yield found


def variables(endpoint, scheme, transport, **more):
    """Of the inventory."""
    trust = {"ansible_winrm_ca_trust_path": endpoint.certificate} if scheme == "https" else {}
    return {
        "ansible_host": endpoint.address,
        "ansible_port": endpoint.ports[scheme],
        "ansible_winrm_scheme": scheme,
        "ansible_winrm_transport": transport,
        **trust,
        **more,
    }


def password(**changed):
    return {"ansible_user": f"CORP\\{ADMIN['name']}", "ansible_password": ADMIN["password"]} | changed


def last(endpoint):
    """Scheme, mechanism, account and open shells of the last message."""
    line = [line for line in endpoint.log() if "verb" in line][-1]
    return line["verb"], line["scheme"], line["mechanism"], line["user"], line["shells"]


def converse(given):
    """Bytes both ways and a 32-bit way of counting: what every authentication has to carry."""
    with channel(given) as open_channel:
        answer = open_channel.run("tee /dev/stderr | sha256sum; cat >/dev/null; exit 42", stdin=DATA)
        assert open_channel.run("printf 'Ж'").stdout == "Ж".encode()
    assert answer.stdout.split()[0].decode() == hashlib.sha256(DATA).hexdigest()
    assert (answer.exit_code, answer.stderr) == (42, DATA)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_credssp(endpoint, scheme):
    converse(variables(endpoint, scheme, "credssp", **password()))
    assert last(endpoint) == ("Delete", scheme, "credssp", ADMIN["name"], 0)


def test_certificate(endpoint, authority):
    files = client_certificate(authority, "admin", "admin@localhost", authority)
    converse(variables(endpoint, "https", "certificate", **files))
    assert last(endpoint) == ("Delete", "https", "certificate", LOCAL["name"], 0)


@pytest.mark.parametrize("upn", ["rollout@corp.test", "somebody@localhost", ""], ids=["domain", "unknown", "none"])
def test_certificates_that_are_not_mapped(endpoint, authority, upn):
    """Windows maps certificates to local accounts only."""
    files = client_certificate(authority, f"other{len(upn)}", upn, authority)
    with (
        channel(variables(endpoint, "https", "certificate", **files)) as open_channel,
        pytest.raises(Refused) as caught,
    ):
        open_channel.run("exit 0")
    text = str(caught.value)
    assert "certificate" in text
    assert "certmapping" in text


def test_wrong_password_with_credssp(endpoint):
    given = variables(endpoint, "http", "credssp", **password(ansible_password="wrong-1"))
    with channel(given) as open_channel, pytest.raises(Refused) as caught:
        open_channel.run("exit 0")
    assert caught.value.details["reason"] == "wrong_password"
    assert "wrong-1" not in str(caught.value)


def test_credssp_that_is_switched_off(tmp_path):
    """As it is on Windows by default."""
    with (
        running(tmp_path) as plain,
        channel(variables(plain, "http", "credssp", **password())) as open_channel,
        pytest.raises(Refused, match="does not offer CredSSP"),
    ):
        open_channel.run("exit 0")


def test_certificate_that_is_no_file(endpoint, tmp_path):
    files = {"ansible_winrm_cert_pem": str(tmp_path / "no"), "ansible_winrm_cert_key_pem": str(tmp_path / "no")}
    with (
        channel(variables(endpoint, "https", "certificate", **files)) as open_channel,
        pytest.raises(ChannelError, match="ansible_winrm_cert_pem"),
    ):
        open_channel.run("exit 0")


@pytest.mark.parametrize("client", ["pywinrm", "pypsrp"])
def test_stock_clients(endpoint, client):
    job = {
        "url": endpoint.url("http"),
        "mechanism": "credssp",
        "username": f"CORP\\{ADMIN['name']}",
        "password": ADMIN["password"],
        "host": "",
        "trust": "",
    }
    assert getattr(winrm_clients, client)(job) == winrm_clients.EXPECTED
