# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot be meant is refused in words before anything is sent: mostly variables that went wrong."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dns import kerberos, options
from ansible_collections.onprem.chat.plugins.modules import dns_records
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import FakeServer

CANARY = "canary-Passw0rd-7f3a"
A = {"name": "chat", "type": "A", "entries": ["10.203.0.20"]}
EMPTY = "Is the variable empty that it comes from?"


@pytest.fixture
def run(monkeypatch, capsys):
    def _run(**arguments):
        fake = FakeServer()
        monkeypatch.setattr(options, "TcpTransport", lambda host, port, timeout: fake)
        wanted = {"server": "ns1.corp.test", "zone": "corp.test", "auth": "none", "records": [A], **arguments}
        with patch_module_args(wanted), pytest.raises(SystemExit):
            dns_records.main()
        assert fake.updates == []
        return json.loads(capsys.readouterr().out)

    return _run


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"records": [{"name": "chat", "type": "A", "state": "absent", "entries": []}]},
            f"chat.corp.test. A: entries is an empty list, and state is absent. {EMPTY} Leave out entries to remove the whole "
            "record set.",
        ),
        (
            {"records": [{"name": "_x._tcp", "type": "SRV", "state": "absent", "srv": []}]},
            f"_x._tcp.corp.test. SRV: srv is an empty list, and state is absent. {EMPTY} Leave out srv to remove the whole "
            "record set.",
        ),
        (
            {"records": [{**A, "name": ""}]},
            f'records[0] (A): name is empty. {EMPTY} The name of the zone itself is "@".',
        ),
        (
            {"records": [A, {**A, "name": "b", "zone": ""}]},
            f"records[1] (A): zone is empty. {EMPTY} Give zone a value or leave it out.",
        ),
        (
            {"records": [{"service": "", "protocol": "tcp", "type": "SRV", "state": "absent"}]},
            f"records[0] (SRV): service is empty. {EMPTY} Give service a value or leave it out.",
        ),
        (
            {"records": [{"name": "@", "type": "CNAME", "entries": ["web.corp.test"]}]},
            "corp.test. CNAME: a zone cannot have a CNAME at its own name, where its SOA and NS records are (RFC 1034 3.6.2). "
            "Is an address record meant?",
        ),
        ({"port": 99999}, "port 99999 is not a number from 1 to 65535."),
        ({"port": -1}, "port -1 is not a number from 1 to 65535."),
        ({"timeout": 0}, "timeout 0 is not a number of seconds from 1 to 3600."),
        ({"timeout": 10**12}, "timeout 1000000000000 is not a number of seconds from 1 to 3600."),
        (
            {"mode": "export", "records": [A, {"name": "chat", "type": "CNAME", "entries": ["web.corp.test"]}]},
            "chat.corp.test. cannot have a CNAME and A at the same time (RFC 1034 3.6.2).",
        ),
        (
            {"mode": "export", "server": "dns-münchen.example"},
            "server 'dns-münchen.example' cannot stand in a command: cmd cannot pass it on safely, take PowerShell. Give its "
            "plain host name.",
        ),
    ],
)
def test_refused_in_words(run, arguments, text):
    result = run(**arguments)
    assert result["failed"] is True
    assert text in result["msg"]


@pytest.mark.parametrize("server", ["ns1..example.org", f"{'a' * 64}.example.org"])
def test_server_that_is_no_host_name(monkeypatch, capsys, server):
    wanted = {"server": server, "zone": "corp.test", "auth": "none", "records": [A]}
    with patch_module_args(wanted), pytest.raises(SystemExit):
        dns_records.main()
    assert json.loads(capsys.readouterr().out)["msg"] == (
        f"The name of the DNS server {server} is no host name. Is a variable empty from which it is made?"
    )


class Recorder:
    principal, server = "svc@CORP.TEST", "ns1.corp.test"

    def __init__(self, **arguments):
        self.seen = arguments

    def new_context(self):
        raise AssertionError("not in this test")

    def close(self):
        pass


@pytest.mark.parametrize(
    ("arguments", "password"),
    [
        ({"principal": "svc"}, CANARY),
        ({"principal": "svc", "keytab": __file__}, None),
        ({}, None),
    ],
)
def test_password_in_the_environment_is_for_tasks_that_need_one(monkeypatch, run, arguments, password):
    made = []
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    monkeypatch.setattr(kerberos, "Kerberos", lambda **given: made.append(given) or Recorder())
    monkeypatch.setenv("ONPREM_CHAT_DNS_PASSWORD", CANARY)
    result = run(auth="gss_tsig", records=[{"name": "chat", "type": "A", "state": "absent"}], **arguments)
    assert made[0]["password"] == password
    assert result["changed"] is False
    assert CANARY not in str(result)
