# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running ejabberd gets another certificate while users are logged in: their sessions stay, new ones see the new certificate."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import LAB, ROOT
from lab_certificates import CRT, KEY, changed, said

CERTIFICATES = "onprem.chat.certificates"


class Sessions:
    """Two users who stay logged in."""

    def __init__(self, site, ca_file: Path) -> None:
        script = str(Path(__file__).with_name("xmpp_sessions.py"))
        self._process = subprocess.Popen(
            [LAB, "exec", "users", "--", "python3", script, str(ca_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, word: str) -> str:
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def site(fresh_chat):
    """A chat server with its users."""
    shutil.rmtree(fresh_chat.state / "pki", ignore_errors=True)
    fresh_chat.chat_server()
    return fresh_chat


@pytest.fixture(scope="module")
def sessions(site):
    found = Sessions(site, site.state / "pki" / "root.crt")
    yield found
    found.close()


def shell(site, command):
    return site.exec("chat", ["sh", "-c", "cd /; " + command], check=True).stdout


def on_disk(site):
    return shell(site, f"openssl x509 -in {CRT} -noout -fingerprint -sha256")


def presented(site):
    """What a client gets now, by openssl."""
    script = (
        "openssl s_client -connect 10.203.0.20:5222 -starttls xmpp -xmpphost corp.test </dev/null 2>/dev/null"
        " | openssl x509 -noout -fingerprint -sha256"
    )
    return site.exec("users", ["sh", "-c", script]).stdout


def run(site, *arguments, **variables):
    return site.playbook(CERTIFICATES, *arguments, "--extra-vars", json.dumps(variables))


def test_nothing_to_do(site, sessions):
    assert sessions.ask("say") == "heard"
    result = run(site)
    assert result.returncode == 0, result.stdout + result.stderr
    assert changed(result) == 0


def test_a_new_certificate_and_nobody_is_logged_out(site, sessions):
    before, process = on_disk(site), shell(site, "pidof beam.smp")
    result = run(site, certificates_renew_now=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert on_disk(site) != before
    assert presented(site) == on_disk(site)
    assert shell(site, "pidof beam.smp") == process
    assert sessions.ask("say") == "heard"
    assert sessions.ask("count") == "0"
    # The role ejabberd knows that it was loaded: it has nothing to do.
    helper = "/usr/bin/python3 /usr/local/lib/onprem-chat/ejabberd_config.py --ports 5222"
    assert shell(site, f"{helper} --certificate {CRT} --key {KEY} pending").strip() == "none"


def test_a_server_that_cannot_load_it_keeps_the_earlier_one(site, sessions):
    """Somebody spoilt the configuration by hand: it is validated with the new pair, before the server is touched."""
    before = on_disk(site)
    shell(
        site, "cp -p /etc/ejabberd/ejabberd.yml /root/good.yml; echo 'no_such_option: 1' >> /etc/ejabberd/ejabberd.yml"
    )
    result = run(site, certificates_renew_now=True)
    shell(site, "mv /root/good.yml /etc/ejabberd/ejabberd.yml")
    assert result.returncode != 0
    text = said(result)
    assert (
        "The new certificate corp.test on chat was not taken over, because the configuration of the service is not valid with it:"
        in text
    )
    assert "no_such_option" in text
    assert "The earlier pair was put back" in text
    assert on_disk(site) == before == presented(site)
    assert sessions.ask("say") == "heard"
    assert sessions.ask("count") == "0"


def test_from_an_acme_server_by_records_in_the_domain(site, sessions, acme):
    """The whole site by ACME, DNS-01 through the domain controller; whoever is logged in stays."""
    folder = site.state / "acme-account"
    shutil.rmtree(folder, ignore_errors=True)
    root = site.state / "acme-root.pem"
    root.write_text(acme.root())
    variables = {
        "chat_certificate_source": "acme",
        "chat_acme_directory": acme.directory,
        "chat_acme_challenge": "dns-01",
        "chat_acme_terms_agreed": True,
        "chat_acme_ca_file": str(acme.ca_file),
        "chat_acme_account_key_file": str(folder / "account.key"),
        "chat_certificate_trust_anchors": [str(root)],
    }
    result = run(site, **variables)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr
    assert "Pebble" in shell(site, f"openssl x509 -in {CRT} -noout -issuer")
    assert presented(site) == on_disk(site)
    assert sessions.ask("say") == "heard"
    assert sessions.ask("count") == "0"
    assert changed(run(site, **variables)) == 0
