# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""web_info against nginx with a certificate of the company's CA, asked from where users are and from the host itself.

Servers that no nginx is, hostile ones, are unit tests.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from company_ca import CompanyCA

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils import tls_fake as workshop

MODULE = "onprem.chat.web_info"
NAME, ADDRESS = "web.corp.test", "10.203.0.20"
PLACE = "/etc/web-info-test"
LOGIN = f"https://{NAME}/chats/"
SERVERS = f"""
include /etc/nginx/win-utf;
server {{
    listen 80;
    return 301 https://$host$request_uri;
}}
server {{
    listen 443 ssl;
    listen 8443 ssl;
    ssl_certificate {PLACE}/full.crt;
    ssl_certificate_key {PLACE}/web.key;
    charset windows-1251;
    source_charset utf-8;
    location /chats/ {{ default_type text/html; return 200 '<title>\u0412\u0445\u043e\u0434</title>'; }}
    location /api/ {{ proxy_pass http://127.0.0.1:9; }}
    location / {{ return 403; }}
}}
server {{
    listen 8444 ssl;
    ssl_certificate {PLACE}/leaf.crt;
    ssl_certificate_key {PLACE}/web.key;
}}
server {{
    listen 8445 ssl;
    ssl_certificate {PLACE}/expired.crt;
    ssl_certificate_key {PLACE}/expired.key;
}}
"""


class Web:
    """The web server, and who asks it."""

    def __init__(self, lab):
        self.lab = lab
        self.root = str(lab.state / "company-root.crt")

    def ask(self, *requests, host="localhost", **options):
        """Run the module; a failed question is no failed module."""
        options.setdefault("trust_anchors", [self.root])
        asked = [{"url": one} if isinstance(one, str) else one for one in requests]
        result = self.lab.module(MODULE, {"requests": asked, **options}, host=host)
        assert not result["failed"], result
        assert result["changed"] is False
        return Answer(result)

    def on_chat(self, command, **more):
        return self.lab.exec("chat", ["sh", "-c", f"cd / && {command}"], check=True, **more).stdout

    def put(self, name, data, mode="0644"):
        self.on_chat(f"install -D -m {mode} /dev/stdin {PLACE}/{name}", input=data.decode())

    def dns(self, verb):
        command = ["samba-tool", "dns", verb, "127.0.0.1", "corp.test", "web", "A", ADDRESS, "-P"]
        return self.lab.exec("dc1", command)


class Answer(dict):
    def said(self, id_, number=0):
        """Status and evidence of a check of one of the requests."""
        found = [check for check in self["checks"] if check["id"] == id_]
        return found[number]["status"], found[number]["evidence"]

    def statuses(self, number=0):
        return [check["status"] for check in self["checks"][4 * number : 4 * number + 4]]


@pytest.fixture(scope="module")
def web(lab):
    """nginx on the chat host under a name in the company's DNS."""
    web = Web(lab)
    lab.install("chat", "nginx-light")
    ca = CompanyCA(lab.state)
    good, expired = ca.issue([NAME], days=300), ca.issue([NAME], days=-1)
    web.put("full.crt", good.pem([good.certificate, good.issuing]))
    web.put("leaf.crt", good.pem([good.certificate]))
    web.put("web.key", good.key_pem(), "0600")
    web.put("expired.crt", expired.pem([expired.certificate, expired.issuing]))
    web.put("expired.key", expired.key_pem(), "0600")
    web.put("company-root.crt", Path(web.root).read_bytes())
    web.on_chat("rm -f /etc/nginx/sites-enabled/default; cat > /etc/nginx/conf.d/web-info.conf", input=SERVERS)
    web.on_chat("nginx -t && systemctl restart nginx")
    web.dns("delete")
    assert web.dns("add").returncode == 0
    yield web
    web.dns("delete")
    web.on_chat(f"systemctl disable --now nginx; rm -r /etc/nginx/conf.d/web-info.conf {PLACE}")


def test_a_playbook_with_stock_options(web, tmp_path):
    """As the documentation has it; a second run and one in check mode say the same."""
    ask = {
        "requests": [
            {"url": LOGIN, "name": "Login page", "contains": "\u0412\u0445\u043e\u0434", "source": "Manual, 1"},
            {"url": f"https://{NAME}/", "status": 403},
            {"url": f"http://{NAME}/chats/", "status": [301, 308]},
        ],
        "trust_anchors": [web.root],
    }
    tasks = [
        {"name": "Ask", MODULE: ask, "delegate_to": "localhost", "register": "web"},
        {"name": "Say", "ansible.builtin.debug": {"msg": "{{ web.checks | onprem.chat.check_table }}"}},
    ]
    playbook = tmp_path / "web.yml"
    playbook.write_text(json.dumps([{"name": "Web", "hosts": "chat_servers", "gather_facts": False, "tasks": tasks}]))
    for arguments in ((), ("--check", "--diff")):
        result = web.lab.playbook(str(playbook), *arguments, check=True)
        assert "changed=0" in result.stdout
        assert "11 passed" in result.stdout.replace('"', " "), result.stdout
        assert f"PASS  web.answer   Login page: {LOGIN}" in result.stdout
        assert f"{ADDRESS} answers 403 Forbidden" in result.stdout
        assert f"sends to https://{NAME}/chats/" in result.stdout


def test_what_is_seen(web):
    for host, root in (("localhost", web.root), ("chat", f"{PLACE}/company-root.crt")):
        result = web.ask(
            {"url": LOGIN, "contains": "^<title>\u0412\u0445\u043e\u0434"}, host=host, trust_anchors=[root]
        )
        assert result.statuses() == ["pass"] * 4, result["checks"]
        assert result.said("web.name") == ("pass", f"{NAME} has {ADDRESS}")
        _status, evidence = result.said("web.tls")
        issuer = "issued by Corp Test Company CA (Corp Test)"
        assert evidence.startswith(f"TLSv1.3, certificate valid for {NAME}, {issuer}, valid until 20")
        (answer,) = result["answers"]
        assert (answer["status"], answer["title"], answer["address"]) == (200, "\u0412\u0445\u043e\u0434", ADDRESS)
    # curl is told the same by the same name.
    curl = [
        "curl",
        "-sS",
        "--cacert",
        web.root,
        "-w",
        "%{http_code} %{remote_ip} %{ssl_verify_result}",
        "-o",
        "/dev/null",
        LOGIN,
    ]
    assert web.lab.exec("users", curl, check=True).stdout == f"200 {ADDRESS} 0"


def test_answers_that_are_not_wanted(web):
    result = web.ask(
        {"url": f"https://{NAME}/", "hint": "Users go to /chats/."},
        f"https://{NAME}/api/x?token=canary",
        f"http://{NAME}:443/",
        f"http://{NAME}/?token=canary",
        {"url": LOGIN, "contains": "Welcome"},
        f"https://{NAME}:80/",
        f"https://{NAME}:8444/",
        f"https://{NAME}:8445/",
        f"https://{ADDRESS}/",
        {"url": "https://other.corp.test/", "connect_to": ADDRESS},
        "https://nobody.corp.test/",
    )
    said = [result.said("web.answer", number) for number in range(5)]
    assert said[0] == ("fail", f'{ADDRESS} answers 403 Forbidden, title "403 Forbidden"; wanted was 200')
    assert result["checks"][3]["hint"] == "Users go to /chats/."
    assert said[1] == ("fail", f'{ADDRESS} answers 502 Bad Gateway, title "502 Bad Gateway"; wanted was 200')
    assert said[2][1].startswith(f"{ADDRESS} answers 400 Bad Request")
    assert said[3] == ("fail", f"{ADDRESS} answers 301 Moved Permanently, sends to https://{NAME}/?...; wanted was 200")
    assert said[4] == ("fail", f"{ADDRESS} answers 200 OK, title \"\u0412\u0445\u043e\u0434\", and has no 'Welcome'")
    assert result.said("web.tls", 5) == ("fail", f"{ADDRESS} port 80: what answered does not speak TLS")
    untrusted = "the certificate is not trusted here (unable to get local issuer certificate)"
    by = "issued by Corp Test Company CA (Corp Test)"
    assert result.said("web.tls", 6) == ("fail", f"{ADDRESS} port 8444: {untrusted}, {by}")
    assert result.said("web.tls", 7) == ("fail", f"{ADDRESS} port 8445: certificate has expired, {by}")
    mismatch = f"IP address mismatch, certificate is not valid for '{ADDRESS}'"
    assert result.said("web.tls", 8) == ("fail", f"{ADDRESS} port 443: {mismatch}, {by}")
    mismatch = "Hostname mismatch, certificate is not valid for 'other.corp.test'"
    assert result.said("web.tls", 9) == ("fail", f"{ADDRESS} port 443: {mismatch}, {by}")
    assert result.said("web.name", 10) == ("fail", "nobody.corp.test does not resolve")
    assert result.statuses(10) == ["fail", "skip", "skip", "skip"]
    # Ansible shows the options of the task; what the module says has no query in it.
    assert "canary" not in json.dumps([result["checks"], result["answers"]])


def test_another_ca_and_none(web, tmp_path):
    other = tmp_path / "other.crt"
    other.write_bytes(workshop.ROOT.certificate.pem)
    result = web.ask({"url": LOGIN, "trust_anchors": [str(other)]}, {"url": LOGIN, "trust_anchors": []})
    for number in (0, 1):
        assert result.statuses(number) == ["pass", "pass", "fail", "skip"]
        assert result.said("web.tls", number)[1].endswith(", issued by Corp Test Company CA (Corp Test)")


@contextlib.contextmanager
def firewall(lab, rule):
    rules = f"table inet webinfo {{ chain in {{ type filter hook input priority 0; {rule}; }}; }}"
    lab.exec("users", ["nft", "-f", "-"], input=rules, check=True)
    try:
        yield
    finally:
        lab.exec("users", ["nft", "delete", "table", "inet", "webinfo"], check=True)


def test_a_firewall_that_drops_and_one_that_lets_only_small_packets_through(web):
    with firewall(
        web.lab, f"ip saddr {ADDRESS} tcp sport 443 drop; ip saddr {ADDRESS} tcp sport 8443 ip length > 200 drop"
    ):
        result = web.ask(LOGIN, f"https://{NAME}:8443/", f"http://{NAME}/", timeout=2)
    assert result.said("web.connect", 0) == ("fail", f"{ADDRESS} port 443: no connection within 1 s")
    assert result.said("web.tls", 0) == ("skip", "no connection: no connection within 1 s")
    status, evidence = result.said("web.tls", 1)
    assert (result.said("web.connect", 1)[0], status) == ("pass", "fail")
    assert "no answer in TLS within" in evidence
    assert result["answers"][2]["status"] == 301


def test_a_stopped_service(web):
    web.on_chat("systemctl stop nginx")
    try:
        result = web.ask(LOGIN)
    finally:
        web.on_chat("systemctl start nginx")
    assert result.statuses() == ["pass", "fail", "skip", "skip"]
    assert result.said("web.connect") == ("fail", f"{ADDRESS} port 443: connection refused")
