# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role certificates with ACME and HTTP-01: Debian's certbot, a real ACME server that really looks, certbot's own timer."""

from __future__ import annotations

import json

import pytest
from lab_certificates import CRT, USES_SERVICE, Role, changed

HMAC = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
CONF = "/etc/letsencrypt/renewal/corp.test.conf"
# Answers on port 80 with something else than what was asked for.
WRONG = "systemd-run --unit=wrong --collect --working-directory=/usr/share/doc /usr/bin/python3 -m http.server 80"


@pytest.fixture(scope="module")
def role(fresh_chat, acme, tmp_path_factory):
    """A fresh chat host. corp.test itself leads to the domain controller, as everywhere with Active Directory: HTTP-01 is for hosts."""
    folder = tmp_path_factory.mktemp("acme")
    zone = {"server": "dc1.corp.test", "zone": "corp.test", "principal": "svc-chat-dns@CORP.TEST"}
    entry = {"name": "chat", "type": "A", "state": "exact", "entries": ["10.203.0.20"]}
    secret = fresh_chat.secrets["svc-chat-dns"]
    assert not fresh_chat.module("onprem.chat.dns_records", {**zone, "password": secret, "records": [entry]})["failed"]
    (folder / "root.pem").write_text(acme.root())
    return Role(
        fresh_chat,
        folder,
        certificates_dns_names=["chat.corp.test"],
        certificates_source="acme",
        certificates_acme_directory=acme.directory,
        certificates_acme_ca_file=str(acme.ca_file),
        certificates_acme_terms_agreed=True,
        certificates_trust_anchors=[str(folder / "root.pem")],
        **USES_SERVICE,
    )


def renew(role, days):
    """What the timer starts, with so many days before the end; its exit code and what it said."""
    role.shell(f"sed -i 's/^renew_before_expiry.*/renew_before_expiry = {days} days/' {CONF}")
    return role.shell("systemctl start certbot.service; echo $?; journalctl -u certbot -n 30 -o cat")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"certificates_acme_terms_agreed": False}, "Read them and set certificates_acme_terms_agreed to true."),
        ({"certificates_dns_names": ["*.corp.test"]}, "No ACME server takes HTTP-01 for a wildcard"),
    ],
)
def test_known_before_anything_is_changed(role, variables, words):
    assert words in role.refused("--check", **variables)


def test_issue(role, acme):
    role.done("-vv", certificates_acme_email="it@corp.test")
    assert "CN = Pebble Intermediate" in role.shell(f"openssl x509 -in {CRT} -noout -issuer")
    assert role.shell("stat -c '%a %U' /etc/letsencrypt/accounts").split() == ["700", "root"]
    assert role.shell("systemctl is-enabled certbot.timer; systemctl is-active certbot.timer").split() == [
        "enabled",
        "active",
    ]
    assert changed(role.done(certificates_acme_email="it@corp.test")) == 0
    twice = ["chat.corp.test", "chat.corp.test"]
    assert changed(role.done(certificates_acme_email="it@corp.test", certificates_dns_names=twice)) == 0


def test_the_timer_renews_and_the_service_presents_it(role):
    role.start_service()
    before = role.fingerprint()
    assert renew(role, 9999).startswith("0\n")
    assert role.fingerprint() != before
    assert role.presented() == role.fingerprint()
    assert role.shell(f"readlink {CRT[:-4]}.d/previous").strip()
    # With nothing to do nothing is done.
    before = role.pair()
    assert renew(role, 30).startswith("0\n")
    assert role.pair() == before


def test_the_service_does_not_take_what_the_timer_renewed(role):
    before = role.pair()
    role.shell("touch /run/refuse")
    text = renew(role, 9999)
    assert not text.startswith("0\n")
    assert (
        "The renewed certificate of corp.test (/etc/letsencrypt/live/corp.test/fullchain.pem) was not taken over:"
        in text
    )
    assert "its configuration is refused: exit code 1" in text
    assert role.pair() == before
    assert role.presented() == role.fingerprint()
    # The next start takes it over without asking the ACME server again.
    role.shell("rm /run/refuse")
    assert renew(role, 30).startswith("0\n")
    assert role.pair() != before
    assert role.presented() == role.fingerprint()


def test_port_80_is_taken(role):
    role.shell(WRONG)
    text = role.refused(certificates_renew_now=True)
    assert "Port 80 on chat is taken by python3, so certbot cannot answer there." in text


def test_wrong_answer_then_a_right_one(role):
    """The order becomes invalid; the next run makes a new one."""
    text = role.refused_order(certificates_renew_now=True, certificates_acme_webroot="/srv")
    assert "No certificate for chat.corp.test came from https://acme.corp.test:14000/dir:" in text
    assert "The server looked and did not find the answer." in text
    assert "The pair on chat was not changed." in text
    role.shell("systemctl stop wrong")
    before = role.fingerprint()
    role.done(certificates_renew_now=True)
    assert role.fingerprint() != before
    assert role.presented() == role.fingerprint()


def test_revoked(role, acme):
    """The key was lost: who revokes at the server has a new pair, with a new key, by one more run."""
    serial = role.shell(f"openssl x509 -in {CRT} -noout -serial").strip().removeprefix("serial=")
    key = role.shell(f"openssl x509 -in {CRT} -noout -pubkey")
    role.shell(
        "REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt certbot revoke --non-interactive --cert-name corp.test "
        f"--server {acme.directory} --reason keycompromise --no-delete-after-revoke"
    )
    assert acme.status(serial) == "Revoked"
    role.done(certificates_renew_now=True)
    assert role.shell(f"openssl x509 -in {CRT} -noout -pubkey") != key
    new = role.shell(f"openssl x509 -in {CRT} -noout -serial").strip().removeprefix("serial=")
    assert acme.status(new) == "Valid"
    assert role.presented() == role.fingerprint()


def test_another_source(role):
    """certbot still renews its own copy, whose hook is of no consequence; its unit starts nothing that is gone."""
    role.done(
        certificates_source="internal_ca",
        certificates_ca_directory=str(role.folder / "pki"),
        certificates_ca_passphrase="{{ chat_ca_passphrase }}",
        certificates_trust_anchors=[],
    )
    before = role.pair()
    text = renew(role, 9999)
    assert text.startswith("0\n")
    assert "Traceback" not in text
    assert "ExecStartPost" not in role.shell(
        "systemctl show certbot.service -p ExecStartPost --value; systemctl cat certbot.service"
    )
    assert role.pair() == before
    # And back: the timer is there again.
    role.done()
    assert role.pair() != before
    assert "ExecStartPost" in role.shell("systemctl cat certbot.service")
    assert role.presented() == role.fingerprint()


def test_rate_limit(role, acme):
    rule = {
        "resource": "newOrder",
        "problem": "rateLimited",
        "status": 429,
        "detail": "too many certificates already issued",
    }
    with acme.faults(rule):
        text = role.refused(certificates_acme_directory=acme.faulty_directory)
    assert "urn:ietf:params:acme:error:rateLimited" in text
    assert "too many certificates already issued" in text
    assert "The server has had enough requests for now." in text


def bound(acme, keys):
    """From now on only accounts with one of these keys are served; with none, all again. It is another CA then."""
    change = (
        "import json, sys; file = '/etc/pebble/pebble.json'; all = json.load(open(file)); keys = json.load(sys.stdin);"
        "all['pebble'] |= {'externalAccountBindingRequired': bool(keys), 'externalAccountMACKeys': keys};"
        "json.dump(all, open(file, 'w'))"
    )
    with acme.stopped():
        acme.lab.exec("acme", ["python3", "-c", change], check=True, input=json.dumps(keys))


def test_external_account(role, acme):
    """EAB: the key is in no output and on no command line."""
    try:
        bound(acme, {"kid-4711": HMAC})
        (role.folder / "root.pem").write_text(acme.root())
        role.shell("rm -rf /etc/letsencrypt/accounts")
        assert "The server takes only accounts that its operator knows." in role.refused(certificates_renew_now=True)
        before = role.fingerprint()
        result = role.done(
            "-vvv",
            "--diff",
            certificates_renew_now=True,
            certificates_acme_eab_kid="kid-4711",
            certificates_acme_eab_hmac_key=HMAC,
        )
        assert role.fingerprint() != before
        assert HMAC not in result.stdout + result.stderr
        assert "--eab" not in result.stdout
        assert role.shell(f"grep -rl {HMAC} /etc /var/log /var/lib /root /home 2>/dev/null || true") == ""
    finally:
        bound(acme, {})


def test_server_down(role, acme):
    """A certificate that is there goes on being served, and a run with nothing to do does not need the server."""
    with acme.stopped():
        text = role.refused(certificates_renew_now=True)
        assert "Is it down, or does a firewall or proxy stand between?" in text
        assert changed(role.done()) == 0
    assert role.presented() == role.fingerprint()
