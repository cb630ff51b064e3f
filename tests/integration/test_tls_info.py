# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info against real servers, asked from the controller and from the chat host: ejabberd (OpenSSL by Erlang), Samba and exim
(GnuTLS), openssl s_server.

What openssl s_server stands in for is named in each test; faults that no real server shows on demand are unit tests.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import tls_fake as workshop

ROOT = Path(__file__).resolve().parents[2]
MODULE = "onprem.chat.tls_info"
PLACE = "/etc/tls-info-test"
SITE = {
    "name": "Prepare",
    "hosts": "chat_servers",
    "vars_files": [str(ROOT / "playbooks/vars/site.yml")],
    "vars": {"chat_direct_tls_port": 5223, "chat_s2s": True},
}
EXIM = f"""
primary_hostname = mail.corp.test
tls_advertise_hosts = *
tls_certificate = {PLACE}/full.crt
tls_privatekey = {PLACE}/good.key
acl_smtp_rcpt = refuse
begin acl
refuse:
  deny
"""
HERE, THERE = "localhost", "chat"


class Site:
    """The laboratory with everything that is asked."""

    def __init__(self, lab):
        self.lab = lab
        self.root = {HERE: str(lab.state / "pki" / "root.crt"), THERE: f"{PLACE}/site.crt"}
        self.company = {HERE: str(lab.state / "company-ca.crt"), THERE: f"{PLACE}/company.crt"}
        self.test_ca = {HERE: str(lab.state / "tls-info-test.crt"), THERE: f"{PLACE}/root.crt"}

    def ask(self, where=HERE, **options):
        """Run the module; a failed question is no failed module."""
        result = self.lab.module(MODULE, options, host=where)
        assert not result["failed"], result
        assert result["changed"] is False
        return Answer(result)

    def on_chat(self, command, **more):
        return self.lab.exec("chat", ["bash", "-c", f"cd / && {command}"], check=True, **more).stdout

    def put(self, name, data, mode="0644"):
        self.on_chat(f"install -D -m {mode} /dev/stdin {PLACE}/{name}", input=data.decode())

    @contextlib.contextmanager
    def s_server(self, port, *arguments, name="good"):
        """openssl s_server on the chat host, as long as it is needed."""
        unit = f"tls-info-{port}"
        command = ["openssl", "s_server", "-accept", str(port), "-cert", f"{PLACE}/{name}.crt", "-key", f"{PLACE}/{name}.key",
                   "-cert_chain", f"{PLACE}/chain.crt", "-www", *arguments]  # fmt: skip
        self.lab.exec("chat", ["systemd-run", "--collect", "--quiet", "--unit", unit, *command], check=True)
        try:
            self.on_chat(
                f"for i in $(seq 50); do ss -Hltn sport = :{port} | grep -q . && exit; sleep 0.1; done; exit 1"
            )
            yield f"chat.corp.test:{port}"
        finally:
            self.lab.exec("chat", ["systemctl", "stop", unit])


class Answer(dict):
    def said(self, id_, number=0):
        """Status and evidence of a check of one of the servers."""
        found = [check for check in self["checks"] if check["id"] == id_]
        return found[number]["status"], found[number]["evidence"]

    @property
    def bad(self):
        return {check["id"]: check["status"] for check in self["checks"] if check["status"] in ("fail", "warn")}


def converge(lab, folder, *roles):
    """Run roles on the chat host."""
    playbook = folder / "roles.yml"
    playbook.write_text(json.dumps([SITE | {"roles": [f"onprem.chat.{role}" for role in roles]}]))
    lab.playbook(str(playbook), check=True)


@pytest.fixture(scope="module")
def site(lab, tmp_path_factory):
    """A chat host that has a name and a mail server, and certificates for openssl s_server."""
    converge(lab, tmp_path_factory.mktemp("site"), "dns")
    site = Site(lab)
    lab.install("chat", "python3-cryptography", "exim4-daemon-light")
    good, other = (
        workshop.leaf("chat.corp.test", dns=["chat.corp.test", "mail.corp.test"]),
        workshop.leaf("other.corp.test"),
    )
    zero = workshop.with_serial(good, b"\0")
    pem = type(good.certificate).load(zero, "").pem
    for name, certificate, key in (
        ("good", good.certificate.pem, good.key_pem()),
        ("other", other.certificate.pem, other.key_pem()),
        ("zero", pem, good.key_pem()),
    ):
        site.put(f"{name}.crt", certificate)
        site.put(f"{name}.key", key, "0600")
    site.put("full.crt", good.certificate.pem + workshop.ISSUING.certificate.pem)
    site.put("chain.crt", workshop.ISSUING.certificate.pem)
    site.put("root.crt", workshop.ROOT.certificate.pem)
    site.put("company.crt", Path(site.company[HERE]).read_bytes())
    Path(site.test_ca[HERE]).write_bytes(workshop.ROOT.certificate.pem)
    return site


@pytest.fixture(scope="module")
def server(site, tmp_path_factory):
    """The chat server."""
    converge(site.lab, tmp_path_factory.mktemp("server"), "certificates", "ejabberd")
    site.put("site.crt", Path(site.root[HERE]).read_bytes())
    return site


@pytest.fixture(scope="module")
def mail(site):
    """exim, which answers only as long as it is asked."""
    site.on_chat("cat > /etc/exim4/exim4.conf", input=EXIM)
    # exim reads its key as its own user.
    site.on_chat(f"chgrp Debian-exim {PLACE}/good.key && chmod 0640 {PLACE}/good.key && systemctl restart exim4")
    site.on_chat("for i in $(seq 100); do ss -Hltn sport = :25 | grep -q . && exit; sleep 0.1; done; exit 1")
    yield site
    site.on_chat("systemctl stop exim4; rm /etc/exim4/exim4.conf")


# -- XMPP -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [HERE, THERE])
def test_ejabberd(server, where):
    """STARTTLS for clients and servers, and direct TLS, in one task."""
    site = server
    chat = {"host": "chat.corp.test"}
    result = site.ask(
        where,
        endpoints=[
            {**chat, "protocol": "xmpp-client"},
            {**chat, "protocol": "xmpp-server"},
            {**chat, "port": 5223, "alpn": ["xmpp-client"]},
        ],
        domain="corp.test",
        trust_anchors=[site.root[where]],
    )
    assert not [check for check in result["checks"] if check["status"] == "fail"]
    for number, port in enumerate((5222, 5269, 5223)):
        seen = result["servers"][number]
        assert (seen["endpoint"], seen["address"]) == (f"chat.corp.test:{port}", "10.203.0.20")
        assert seen["verified"] is True
        assert seen["versions"] == {
            "TLSv1": "refused",
            "TLSv1.1": "refused",
            "TLSv1.2": "accepted",
            "TLSv1.3": "accepted",
        }
        assert "corp.test" in seen["chain"][0]["names"]
        assert result.said("tls.handshake", number) == ("pass", "OpenSSL: the certificate is valid for corp.test")
        assert result.said("certificate.names", number)[0] == "pass"
    assert [result.said("tls.starttls", number)[1].partition(":")[0] for number in (0, 1)] == [
        "xmpp-client",
        "xmpp-server",
    ]
    assert result["servers"][0]["chain"] == result["servers"][2]["chain"]
    # openssl is told the same chain.
    line = "openssl s_client -connect 10.203.0.20:5222 -starttls xmpp -xmpphost corp.test -servername corp.test -showcerts </dev/null 2>/dev/null"
    shown = site.lab.exec("users", ["bash", "-c", line]).stdout
    assert shown.count("BEGIN CERTIFICATE") == len(result["servers"][0]["chain"])


def test_ejabberd_and_a_wrong_domain(server):
    result = server.ask(
        host="chat.corp.test", protocol="xmpp-client", domain="wrong.test", trust_anchors=[server.root[HERE]]
    )
    status, evidence = result.said("tls.starttls")
    assert (status, "host-unknown" in evidence) == ("fail", True)
    assert result.bad == {"tls.starttls": "fail"}


def test_direct_tls_is_not_starttls(server):
    site = server
    result = site.ask(host="chat.corp.test", port=5223, protocol="xmpp-client", domain="corp.test", timeout=2)
    assert list(result.bad) == ["tls.starttls"]
    result = site.ask(host="chat.corp.test", port=5222, domain="corp.test", timeout=2)
    status, evidence = result.said("tls.session")
    assert status == "fail"
    assert evidence.startswith('the server does not speak TLS here, it answers "<?xml')


# -- directory --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [HERE, THERE])
def test_samba(site, where):
    """The same certificate on LDAPS, on LDAP with StartTLS, and on the global catalog's port."""
    dc = {"host": "dc1.corp.test"}
    result = site.ask(
        where,
        endpoints=[{**dc, "port": 636}, {**dc, "protocol": "ldap"}, {**dc, "port": 3269}],
        trust_anchors=[site.company[where]],
    )
    # Samba 4.17 takes TLS 1.0 as it comes.
    assert result.said("tls.versions")[0] == "warn"
    assert set(result.bad.values()) == {"warn"}, result.bad
    assert [one["verified"] for one in result["servers"]] == [True] * 3
    assert result.said("tls.starttls") == ("pass", "ldap: the server agrees to begin TLS")
    assert result["servers"][0]["chain"] == result["servers"][1]["chain"] == result["servers"][2]["chain"]
    assert result.said("tls.handshake") == ("pass", "OpenSSL: the certificate is valid for dc1.corp.test")


def test_samba_by_address_and_by_another_ca(site):
    result = site.ask(host="10.203.0.10", port=636, trust_anchors=[site.test_ca[HERE]], old_versions="allow")
    assert result.said("tls.handshake")[0] == "fail"
    assert result.said("certificate.names")[0] == "fail"
    assert result.said("certificate.chain.trust")[0] == "fail"
    assert result["servers"][0]["verified"] is False
    assert result["servers"][0]["chain"]


def test_ports_that_are_mixed_up(site):
    result = site.ask(
        endpoints=[{"host": "dc1.corp.test", "port": 389}, {"host": "dc1.corp.test", "port": 636, "protocol": "ldap"}],
        timeout=3,
    )
    assert result.said("tls.session", 0) == ("fail", "the server closed the connection at the first word of TLS")
    assert result.said("tls.starttls", 0)[0] == "fail"


@pytest.fixture
def own_certificate_of_samba(site):
    """Samba makes a certificate of its own when it was told none."""
    conf, kept = "/etc/samba/smb.conf", "/etc/samba/smb.conf.kept"
    change = f"cp -p {conf} {kept} && sed -i -e '/tls keyfile/d' -e '/tls certfile/d' -e '/tls cafile/d' {conf}"
    ready = "for i in $(seq 150); do ss -Hltn sport = :636 | grep -q . && exit; sleep 0.2; done; exit 1"
    site.lab.exec("dc1", ["bash", "-c", f"{change} && systemctl restart samba-ad-dc && {ready}"], check=True)
    yield site
    back = f"mv {kept} {conf} && rm -f /var/lib/samba/private/tls/{{ca,cert,key}}.pem"
    site.lab.exec("dc1", ["bash", "-c", f"{back} && systemctl restart samba-ad-dc && {ready}"], check=True)


def test_the_certificate_that_samba_makes_itself(own_certificate_of_samba):
    site = own_certificate_of_samba
    for where in (HERE, THERE):
        deadline = time.monotonic() + 30
        while True:
            result = site.ask(where, host="dc1.corp.test", port=636, trust_anchors=[site.company[where]])
            if result["servers"][0]["chain"] or time.monotonic() > deadline:
                break
        (server,) = result["servers"]
        assert server["chain"], result["checks"]
        first = server["chain"][0]
        assert first["subject"].startswith("CN=") or "Samba" in first["subject"]
        assert first["days_left"] > 300
        assert server["verified"] is False
        assert result.said("tls.handshake")[0] == "fail"
        assert result.said("tls.certificate")[0] in ("pass", "fail")
        assert "certificate.strict" in result.bad
        print(where, json.dumps(result["servers"][0]["chain"]), result.said("certificate.strict"))


# -- mail -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [HERE, THERE])
def test_exim(mail, where):
    result = mail.ask(where, host="chat.corp.test", protocol="smtp", trust_anchors=[mail.test_ca[where]])
    assert result.said("tls.starttls") == ("pass", "smtp: the server agrees to begin TLS")
    assert result.said("tls.handshake") == ("pass", "OpenSSL: the certificate is valid for chat.corp.test")
    assert not [check for check in result["checks"] if check["status"] == "fail"]


# -- openssl s_server -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [HERE, THERE])
def test_versions(site, where):
    with (
        site.s_server(8441, "-tls1_2"),
        site.s_server(8442, "-tls1_3"),
        site.s_server(8443, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    ):
        result = site.ask(
            where,
            endpoints=[{"host": "chat.corp.test", "port": port} for port in (8441, 8442, 8443)],
            trust_anchors=[site.test_ca[where]],
        )
    accepted = [[name for name, said in one["versions"].items() if said == "accepted"] for one in result["servers"]]
    assert accepted == [["TLSv1.2"], ["TLSv1.3"], ["TLSv1.1"]]
    assert result.said("tls.session", 2) == (
        "fail",
        "the server ended the TLS handshake with the alert protocol_version; with everything old and weak allowed: "
        "TLSv1.1, ECDHE-ECDSA-AES256-SHA",
    )
    assert [one["verified"] for one in result["servers"]] == [True, True, False]
    assert [result.said("tls.versions", number)[0] for number in range(3)] == ["pass", "pass", "fail"]


def test_alpn_and_names(site):
    second = ("-servername", "chat.corp.test", "-cert2", f"{PLACE}/good.crt", "-key2", f"{PLACE}/good.key")
    with site.s_server(8444, "-alpn", "xmpp-client"), site.s_server(8445, *second, name="other"):
        result = site.ask(
            endpoints=[
                {"host": "chat.corp.test", "port": 8444, "alpn": ["xmpp-client"]},
                {"host": "chat.corp.test", "port": 8444, "alpn": ["http/1.1"]},
                {"host": "chat.corp.test", "port": 8445},
            ],
            trust_anchors=[site.test_ca[HERE]],
        )
    assert result.said("tls.alpn", 0) == ("pass", "offered xmpp-client: the server takes xmpp-client")
    assert result.said("tls.alpn", 1)[0] in ("fail", "warn")
    status, evidence = result.said("tls.sni", 2)
    assert status == "warn"
    assert evidence.startswith("without a name: another certificate (CN=other.corp.test); ")


def test_a_client_certificate_is_demanded(site):
    for port, version in ((8446, "-tls1_2"), (8447, "-tls1_3")):
        with site.s_server(port, "-Verify", "1", version):
            result = site.ask(host="chat.corp.test", port=port, trust_anchors=[site.test_ca[HERE]])
        status, evidence = result.said("tls.session")
        assert (status, evidence.startswith("the server demands a client certificate (alert ")) == ("fail", True), (
            evidence
        )
        assert result.said("tls.handshake")[0] == "pass"
        assert result["servers"][0]["verified"] is True


@pytest.mark.parametrize("where", [HERE, THERE])
def test_a_serial_number_of_zero(site, where):
    with site.s_server(8448, name="zero"):
        result = site.ask(where, host="chat.corp.test", port=8448, trust_anchors=[site.test_ca[where]])
    assert result["servers"][0]["chain"][0]["serial"] == "00"
    assert result["servers"][0]["verified"] is True
    assert result.said("certificate.strict")[0] == "warn"


# -- servers of no use ------------------------------------------------------------------------------------------------


def test_dead_and_silent_servers(site):
    """No such host, no listener, a host that is not there, a firewall that drops, and ssh: a good one is asked all the same."""
    rules = "table inet tlsinfo { chain in { type filter hook input priority 0; ip saddr 10.203.0.20 tcp sport 8450 drop; }; }"
    site.lab.exec("users", ["nft", "-f", "-"], input=rules, check=True)
    try:
        result = site.ask(
            endpoints=[
                {"host": "nobody.corp.test", "port": 636},
                {"host": "chat.corp.test", "port": 8449},
                {"host": "10.203.0.99", "port": 636},
                {"host": "chat.corp.test", "port": 8450},
                {"host": "chat.corp.test", "port": 22},
                {"host": "dc1.corp.test", "port": 636},
            ],
            trust_anchors=[site.company[HERE]],
            timeout=2,
        )
    finally:
        site.lab.exec("users", ["nft", "delete", "table", "inet", "tlsinfo"], check=True)
    found = {
        check["subject"]: (check["status"], check["evidence"]) for check in result["checks"] if check["id"] == "tls.tcp"
    }
    nobody = found.pop("10.203.0.99:636")
    assert nobody[1] in ("No route to host", "no connection within 2 s")
    assert found == {
        "nobody.corp.test:636": ("fail", "nobody.corp.test does not resolve"),
        "chat.corp.test:8449 (10.203.0.20)": ("fail", "connection refused"),
        "chat.corp.test:8450 (10.203.0.20)": ("fail", "no connection within 2 s"),
        "chat.corp.test:22 (10.203.0.20)": ("pass", "connected"),
        "dc1.corp.test:636 (10.203.0.10)": ("pass", "connected"),
    }
    status, evidence = result.said("tls.session", 4)
    assert status == "fail"
    assert evidence.startswith('the server does not speak TLS here, it answers "SSH-2.0-OpenSSH')
    assert [one["verified"] for one in result["servers"]] == [False] * 5 + [True]


def test_without_the_library(site):
    """The chat host's own Python with the library taken away: an error that names it, no traceback."""
    where = "/usr/lib/python3/dist-packages/cryptography"
    site.on_chat(f"mv {where} {where}.away")
    try:
        result = site.lab.module(MODULE, {"host": "dc1.corp.test", "port": 636}, host=THERE)
    finally:
        site.on_chat(f"mv {where}.away {where}")
    assert result["failed"] is True
    assert result["msg"].startswith(
        "Failed to import the required Python library (cryptography) on chat's Python /usr/bin/python3"
    )


def test_the_examples_run(server, tmp_path):
    site = server
    module = importlib.import_module("ansible_collections.onprem.chat.plugins.modules.tls_info")
    text = module.EXAMPLES.replace("ca/root.crt", site.root[HERE]).replace(
        "/etc/ssl/company-ca.pem", site.company[HERE]
    )
    playbook = tmp_path / "examples.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(text)}]))
    result = site.lab.playbook(str(playbook), check=True)
    assert result.stdout.count('"msg"') == 2


def test_check_mode(site):
    result = site.lab.module(MODULE, {"host": "dc1.corp.test", "port": 636}, "--check", "--diff")
    assert result["changed"] is False
    assert result["servers"][0]["chain"]
