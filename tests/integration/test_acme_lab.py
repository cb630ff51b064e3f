# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laboratory's ACME server does what tests rely on: seen by certbot, nsupdate and openssl, without any code of the collection."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from conftest import LAB
from lab_acme import Acme
from lab_dns import NameServers, Target

FOLDER = "/root/acme-lab"
CHAT = "10.203.0.20"
NAME = "acme-lab.corp.test"
# As pebble says it, with the DNS code.
NO_RECORD = r"returned an unsuccessful response: '\\x0{code}'"
# The client hands over what it wants to be published, and waits until somebody did it.
HOOK = f"""#!/bin/sh
echo "$CERTBOT_VALIDATION" >{FOLDER}/value.new && mv {FOLDER}/value.new {FOLDER}/value
n=0; while [ ! -e {FOLDER}/published ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done
rm -f {FOLDER}/published
"""
WRONG = """import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"not the answer")
http.server.HTTPServer(("", 80), Handler).serve_forever()
"""


class Certbot:
    """Debian's certbot on the chat host, as a company would run it."""

    def __init__(self, acme: Acme) -> None:
        self.acme, self.lab = acme, acme.lab
        self.lab.install("chat", "certbot")
        self.shell(f"systemctl disable --now certbot.timer; rm -rf {FOLDER}; mkdir -p {FOLDER}/web")
        self.write("company-ca.crt", acme.ca_file.read_text())
        self.write("hook", HOOK)
        self.write("wrong.py", WRONG)

    def shell(self, script: str, **options) -> str:
        return self.lab.exec("chat", ["sh", "-c", script], check=True, **options).stdout

    def write(self, file: str, content: str) -> None:
        self.shell(f"cat >{FOLDER}/{file} && chmod 755 {FOLDER}/{file}", input=content)

    def command(self, name: str, *options: str, server: str | None = None) -> list[str]:
        """Ask for a certificate for one name; each has an account of its own."""
        folder = f"{FOLDER}/{name}"
        return [
            *("env", f"REQUESTS_CA_BUNDLE={FOLDER}/company-ca.crt", "certbot", "certonly", "--non-interactive"),
            *("--agree-tos", "--register-unsafely-without-email", "--server", server or self.acme.directory),
            *("--config-dir", folder, "--work-dir", f"{folder}/work", "--logs-dir", f"{folder}/log"),
            *("--issuance-timeout", "20", "--force-renewal", "--cert-name", name, *options),
        ]

    def run(self, name: str, *options: str, server: str | None = None) -> subprocess.CompletedProcess:
        return self.lab.exec("chat", self.command(name, "-d", name, *options, server=server))

    def with_dns(self, name: str, publish, star: str = "") -> tuple[int, str]:
        """DNS-01; publish gets the name and the value that are to be written. Returns exit code and output."""
        self.shell(f"rm -f {FOLDER}/value {FOLDER}/published")
        manual = ("--manual", "--preferred-challenges", "dns", "--manual-auth-hook", f"{FOLDER}/hook")
        argv = self.command(name, "-d", f"{star}{name}", *manual)
        process = subprocess.Popen(
            [LAB, "exec", "chat", "--", *argv], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 30
        while not (value := self.shell(f"cat {FOLDER}/value 2>/dev/null || true").strip()):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline, "certbot wants nothing published"
            time.sleep(0.2)
        publish(f"_acme-challenge.{name}.", value)
        self.shell(f"touch {FOLDER}/published")
        output = process.communicate(timeout=60)[0]
        return process.returncode, output

    def issued(self, name: str, star: str = "") -> str:
        """Verified with the root that the server shows; the certificate's names, as openssl prints them."""
        self.write("root.crt", self.acme.root())
        live = f"{FOLDER}/{name}/live/{name}"
        checks = f"-x509_strict -purpose sslserver -verify_hostname {star.replace('*', 'any')}{name} -CAfile {FOLDER}/root.crt"
        assert self.shell(f"openssl verify {checks} -untrusted {live}/chain.pem {live}/cert.pem").endswith(": OK\n")
        return self.shell(f"openssl x509 -in {live}/cert.pem -noout -ext subjectAltName").split(":", 1)[1].strip()

    @contextlib.contextmanager
    def wrong_web_server(self) -> Iterator[None]:
        """Port 80 answers everything with the same text."""
        self.shell(f"systemd-run --quiet --unit=acme-lab-wrong python3 {FOLDER}/wrong.py; sleep 1")
        try:
            yield
        finally:
            self.shell("systemctl stop acme-lab-wrong")


class Writer:
    """TXT records by nsupdate: into Samba with Kerberos, into BIND with a key."""

    def __init__(self, name_servers: NameServers) -> None:
        self.servers = name_servers
        self.samba = Target("dc1.corp.test", "10.203.0.10", "corp.test")
        self.bind = name_servers.external

    def write(self, zone: str, *changes: str) -> None:
        if zone == "corp.test":
            password = self.servers.lab.secrets["svc-chat-dns"]
            result = self.servers.nsupdate_as("svc-chat-dns", password, self.samba, *changes)
            # What nsupdate says of Samba's signature; the change was made all the same.
            assert result.stderr in ("", "; TSIG error with server: tsig verify failure\n")
        else:
            result = self.servers.nsupdate(self.bind, *changes, key=self.bind.key_file)
            assert (result.returncode, result.stderr) == (0, "")

    def publish(self, zone: str):
        """What with_dns() wants: it writes the right value."""
        return lambda name, value: self.write(zone, f"delete {name} TXT", f'add {name} 60 TXT "{value}"')


@pytest.fixture(scope="module")
def certbot(acme: Acme) -> Certbot:
    return Certbot(acme)


@pytest.fixture(scope="module")
def writer(name_servers: NameServers) -> Writer:
    """With the name of this module's web server in the company's zone."""
    writer = Writer(name_servers)
    writer.write("corp.test", f"delete {NAME}.", f"add {NAME}. 60 A {CHAT}")
    return writer


def problem(result: subprocess.CompletedProcess | tuple[int, str]) -> str:
    """What certbot says when it was refused."""
    code, output = result if isinstance(result, tuple) else (result.returncode, result.stdout + result.stderr)
    assert code == 1, output
    return " ".join(output.split())


def test_all_services_run_and_their_names_are_known(acme: Acme, name_servers: NameServers):
    assert acme.lab.exec("acme", ["systemctl", "is-system-running", "--wait"]).stdout == "running\n"
    assert name_servers.dig("10.203.0.10", "acme.corp.test") == "10.203.0.50"


def test_it_sees_the_company_from_outside(acme: Acme, name_servers: NameServers):
    assert acme.sees("dc1.corp.test") == "10.203.0.10"
    assert acme.sees("view.example.test", "TXT") == '"external"'
    assert acme.sees("knot.test", "NS") == "knot.corp.test."
    assert acme.sees("krb.corp.test", "NS") == "ns1.corp.test."


def test_pebble_has_no_renewal_information_and_the_stand_in_has(acme: Acme):
    assert "newOrder" in json.loads(acme.get(acme.directory))
    assert "renewalInfo" not in json.loads(acme.get(acme.directory))
    assert "renewalInfo" not in json.loads(acme.get(acme.faulty_directory))
    window = {"suggestedWindow": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}}
    with acme.faults({"renewal_info": window}):
        url = json.loads(acme.get(acme.faulty_directory))["renewalInfo"]
        assert json.loads(acme.get(f"{url}/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE")) == window


def test_http_01(certbot: Certbot, writer: Writer):
    result = certbot.run(NAME, "--standalone")
    assert result.returncode == 0, result.stdout + result.stderr
    assert certbot.issued(NAME) == f"DNS:{NAME}"


@pytest.mark.parametrize("zone", ["corp.test", "example.test"])
@pytest.mark.parametrize("star", ["", "*."])
def test_dns_01(certbot: Certbot, writer: Writer, zone: str, star: str):
    """Nobody has to reach the host for this: its name need not even have an address."""
    name = f"only-dns.{zone}"
    code, output = certbot.with_dns(name, writer.publish(zone), star=star)
    assert code == 0, output
    assert certbot.issued(name, star) == f"DNS:{star}{name}"


def test_revocation(certbot: Certbot, writer: Writer):
    acme, folder = certbot.acme, f"{FOLDER}/{NAME}"
    assert certbot.run(NAME, "--standalone").returncode == 0
    live = f"{folder}/live/{NAME}/cert.pem"
    serial = certbot.shell(f"openssl x509 -in {live} -noout -serial").strip().partition("=")[2]
    assert acme.status(serial) == "Valid"
    command = [
        *("env", f"REQUESTS_CA_BUNDLE={FOLDER}/company-ca.crt", "certbot", "revoke", "--non-interactive"),
        *("--server", acme.directory, "--cert-path", live, "--reason", "superseded", "--no-delete-after-revoke"),
        *("--config-dir", folder, "--work-dir", f"{folder}/work", "--logs-dir", f"{folder}/log"),
    ]
    acme.lab.exec("chat", command, check=True)
    assert acme.status(serial) == "Revoked"


def test_wrong_answer_over_http_is_refused(certbot: Certbot, writer: Writer):
    with certbot.wrong_web_server():
        said = problem(certbot.run(NAME, "--webroot", "--webroot-path", f"{FOLDER}/web"))
    assert "Type: unauthorized" in said
    assert "not the answer" in said


def test_nobody_listens_on_port_80(certbot: Certbot, writer: Writer):
    said = problem(certbot.run(NAME, "--webroot", "--webroot-path", f"{FOLDER}/web"))
    assert "Type: connection" in said
    assert "connection refused" in said


def test_wrong_answer_in_dns_is_refused(certbot: Certbot, writer: Writer):
    def publish(name: str, value: str) -> None:
        writer.write("example.test", f"delete {name} TXT", f'add {name} 60 TXT "{value[::-1]}"')

    said = problem(certbot.with_dns("wrong.example.test", publish))
    assert "Type: unauthorized" in said
    assert "did not match" in said or "Correct value not found" in said


def test_answer_in_the_internal_view_is_not_seen(certbot: Certbot, name_servers: NameServers):
    """The trap of a split horizon: who issues stands outside."""
    inside = name_servers.internal

    def publish(name: str, value: str) -> None:
        result = name_servers.nsupdate(inside, f'add {name} 60 TXT "{value}"', key=inside.key_file)
        assert result.returncode == 0

    said = problem(certbot.with_dns("inside.example.test", publish))
    assert NO_RECORD.format(code=3) in said  # NXDOMAIN


def test_lies_on_demand(certbot: Certbot):
    acme = certbot.acme

    def tell(name: str, value: str) -> None:
        acme.lie("set-txt", host=name, value=value)

    code, output = certbot.with_dns("told.lies.test", tell)
    assert code == 0, output
    said = problem(certbot.with_dns("dead.lies.test", lambda name, _value: acme.lie("set-servfail", host=name)))
    assert NO_RECORD.format(code=2) in said  # SERVFAIL


def test_rate_limit(certbot: Certbot, writer: Writer):
    acme = certbot.acme
    limit = {"resource": "newOrder", "problem": "rateLimited", "status": 429, "retry_after": 5, "detail": "too many"}
    with acme.faults(limit | {"times": 1}):
        said = problem(certbot.run(NAME, "--standalone", server=acme.faulty_directory))
        # This certbot hides what an ACME server says at this point (https://github.com/certbot/certbot/issues/9539).
        assert "AttributeError: can't set attribute" in said
        log = certbot.shell(f"cat {FOLDER}/{NAME}/log/letsencrypt.log")
        error = "urn:ietf:params:acme:error:rateLimited :: There were too many requests of a given type :: too many"
        assert f"acme.messages.Error: {error}" in log
        assert "Retry-After: 5" in log
        # The next one passes, through the stand-in to the real server.
        assert certbot.run(NAME, "--standalone", server=acme.faulty_directory).returncode == 0
    assert certbot.issued(NAME) == f"DNS:{NAME}"


def test_refused_nonces(certbot: Certbot, writer: Writer):
    """A client tries again (RFC 8555, section 6.5); this one only once."""
    acme = certbot.acme
    refused = {"resource": "newOrder", "problem": "badNonce", "status": 400}
    with acme.faults(refused | {"times": 1}):
        assert certbot.run(NAME, "--standalone", server=acme.faulty_directory).returncode == 0
    with acme.faults(refused | {"times": 2}):
        said = problem(certbot.run(NAME, "--standalone", server=acme.faulty_directory))
    assert "AttributeError: can't set attribute" in said
    assert "acme:error:badNonce" in certbot.shell(f"grep messages.Error {FOLDER}/{NAME}/log/letsencrypt.log")


def test_slow_and_dropped(acme: Acme):
    with acme.faults({"path": "^/dir$", "delay": 2, "times": 1}):
        started = time.monotonic()
        acme.get(acme.faulty_directory)
        assert time.monotonic() - started > 2
    with acme.faults({"path": "^/dir$", "drop": True}):
        result = acme.lab.exec("users", ["curl", "-sS", "--cacert", str(acme.ca_file), acme.faulty_directory])
        assert (result.returncode, result.stdout) == (52, "")  # empty reply


def test_server_down(certbot: Certbot):
    acme = certbot.acme
    before = acme.root()
    with acme.stopped():
        assert "Connection refused" in problem(certbot.run(NAME, "--standalone"))
    assert acme.root() != before


def test_reset_takes_seconds(acme: Acme):
    started = time.monotonic()
    acme.lab.reset("acme")
    assert time.monotonic() - started < 30
    assert "newOrder" in acme.get(acme.directory)
