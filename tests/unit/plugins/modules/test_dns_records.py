# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module from its options to its result, on a server in memory."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dns import gss, kerberos, lib, options
from ansible_collections.onprem.chat.plugins.modules import dns_records
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import FakeServer, refuse

ANY_SERVER = {"server": "ns1.corp.test", "zone": "corp.test"}
TSIG = {"auth": "tsig", "tsig_name": "chat-update", "tsig_secret": "c2VjcmV0LXNlY3JldA=="}
CANARY = "canary-Passw0rd-7f3a"
RECORDS = [
    {"name": "chat", "type": "A", "ttl": 86400, "entries": ["10.203.0.20"]},
    {
        "service": "xmpp-client",
        "protocol": "tcp",
        "type": "SRV",
        "ttl": 86400,
        "srv": [{"priority": 5, "port": 5222, "target": "chat.corp.test"}],
    },
]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module; gives its result and everything that it printed."""

    def _run(fake=None, check_mode=False, **arguments):
        if fake is not None:
            monkeypatch.setattr(options, "TcpTransport", lambda host, port, timeout: fake)
        wanted = {**ANY_SERVER, "records": RECORDS, **arguments, "_ansible_check_mode": check_mode}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        with patch_module_args(wanted), pytest.raises(SystemExit):
            dns_records.main()
        output = capsys.readouterr().out
        return json.loads(output), output

    return _run


def test_first_and_second_run(run):
    fake = FakeServer()
    first, _output = run(fake, auth="none")
    assert first["changed"] is True
    assert (first["updates"], first["answer"]) == (1, "verified")
    assert first["diff"] == {
        "before": "",
        "after": "_xmpp-client._tcp.corp.test. 86400 IN SRV 5 0 5222 chat.corp.test.\n"
        "chat.corp.test. 86400 IN A 10.203.0.20\n",
    }
    assert first["kept"] == []
    assert first["records"] == [
        {
            "name": "_xmpp-client._tcp.corp.test.",
            "zone": "corp.test.",
            "type": "SRV",
            "ttl": 86400,
            "srv": [{"priority": 5, "weight": 0, "port": 5222, "target": "chat.corp.test."}],
        },
        {"name": "chat.corp.test.", "zone": "corp.test.", "type": "A", "ttl": 86400, "entries": ["10.203.0.20"]},
    ]
    second, _output = run(fake, auth="none")
    assert second["changed"] is False
    assert (second["updates"], second["answer"]) == (0, "none")
    assert "diff" not in second
    assert second["records"] == first["records"]
    assert fake.closed


def test_result_fed_back_changes_nothing(run):
    fake = FakeServer()
    first, _output = run(fake, auth="none")
    again, _output = run(fake, auth="none", records=[{**record, "state": "exact"} for record in first["records"]])
    assert again["changed"] is False


def test_check_mode_says_the_same_and_sends_nothing(run):
    fake = FakeServer()
    checked, _output = run(fake, check_mode=True, auth="none")
    assert fake.updates == []
    done, _output = run(fake, auth="none")
    for part in ("changed", "diff", "records"):
        assert checked[part] == done[part]


def test_diff_shows_only_what_changes(run):
    fake = FakeServer({("chat.corp.test.", "A"): (86400, {"10.203.0.20"})})
    result, _output = run(fake, auth="none")
    assert "chat.corp.test. 86400 IN A" not in result["diff"]["before"] + result["diff"]["after"]


def test_refusal_fails_the_task_and_closes_the_connection(run):
    fake = FakeServer(script=[refuse("REFUSED")])
    result, _output = run(fake, auth="none")
    assert result["failed"] is True
    assert result["msg"].startswith(
        "DNS server ns1.corp.test refused the update in the zone corp.test: REFUSED. Is an unsign"
    )
    assert fake.closed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"server": None}, "mode is update but all of the following are missing: server"),
        ({"auth": "tsig"}, "auth is tsig but any of the following are missing: tsig_name, tsig_key_file"),
        ({"auth": "tsig", "tsig_name": "k"}, "missing parameter(s) required by 'tsig_name': tsig_secret"),
        ({**TSIG, "tsig_key_file": "/k"}, "parameters are mutually exclusive: tsig_key_file|tsig_name"),
        ({"keytab": "/k"}, "missing parameter(s) required by 'keytab': principal"),
        (
            {"server": "dc1.corp.test", "password": CANARY},
            "password is given without principal: whose is it? Set principal, too.",
        ),
        (
            {"server": "dc1.corp.test", "principal": "p", "password": CANARY, "keytab": "/k"},
            "password and keytab are both given. Give one of them.",
        ),
        (
            {"on_existing": "ask"},
            "value of on_existing must be one of: replace, keep, keep_and_warn, keep_and_fail, got: ask",
        ),
        ({"mode": "print"}, "value of mode must be one of: update, export, got: print"),
        ({"read_by": "guess"}, "value of read_by must be one of: auto, questions, transfer, got: guess"),
        (
            {"zone": None},
            "records[0] (chat A) has no zone. Set zone for the whole task, or in this record.",
        ),
        (
            {**TSIG, "tsig_algorithm": "hmac-md5"},
            "value of tsig_algorithm must be one of: hmac-sha256, hmac-sha512, hmac-sha384, hmac-sha224, hmac-sha1, got: "
            "hmac-md5",
        ),
        (
            {**TSIG, "tsig_secret": CANARY},
            'The secret of the TSIG key chat-update is not base64. Is it the whole value of "secret" in the server\'s key '
            "file?",
        ),
        (
            {"records": [{"type": "SRV", "service": "x", "srv": [{"target": "a"}]}]},
            "parameters are required together: service, protocol found in records",
        ),
        (
            {"zone": "corp..test"},
            "zone 'corp..test' is no DNS name: a dot begins it or two dots follow each other. Is a variable empty from which "
            "it is made?",
        ),
    ],
)
def test_wrong_options_in_words(run, monkeypatch, arguments, text):
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    result, output = run(FakeServer(), **arguments)
    assert result["msg"] == text
    assert CANARY not in output


@pytest.mark.parametrize("server", ["10.203.0.10", "fd00::10", "dc1"])
def test_kerberos_needs_the_full_name_of_the_server(run, monkeypatch, server):
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    result, _output = run(FakeServer(), server=server)
    assert result["msg"] == (
        f"server '{server}' is not a full name, and Kerberos knows the DNS server only by its full name. Set server to the "
        "name of the domain controller, as in dc1.corp.test."
    )


def test_options_reach_kerberos(run, monkeypatch):
    seen = {}

    class Recorder:
        principal = "svc@CORP.TEST"
        server = "dc1.corp.test"

        def __init__(self, **arguments):
            seen.update(arguments)

        def new_context(self):
            raise gss.AuthenticationError("stop here")

        def close(self):
            seen["closed"] = True

    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    monkeypatch.setattr(kerberos, "Kerberos", Recorder)
    result, output = run(FakeServer(), server="DC1.corp.test.", principal="svc", password=CANARY, kdc="10.203.0.10")
    assert result["msg"] == "stop here"
    seen.pop("tmpdir")
    assert seen == {
        "server": "dc1.corp.test",
        "realm": "CORP.TEST",
        "principal": "svc",
        "password": CANARY,
        "keytab": None,
        "kdc": "10.203.0.10",
        "closed": True,
    }
    assert CANARY not in output


def test_weak_algorithm_warns(run, monkeypatch):
    warned = []
    monkeypatch.setattr(dns_records.AnsibleModule, "warn", lambda module, text: warned.append(text))
    fake = FakeServer(key=options.Tsig("chat-update", TSIG["tsig_secret"], "hmac-sha1").key)
    result, _output = run(fake, **TSIG, tsig_algorithm="hmac-sha1")
    assert result["changed"] is True
    assert warned == ["hmac-sha1 is weak (RFC 8945 6): make a new TSIG key with hmac-sha256."]


def test_missing_dnspython(run, monkeypatch):
    monkeypatch.setattr(lib, "DNSPYTHON_ERROR", "Traceback")
    result, _output = run()
    assert result["msg"].startswith("Failed to import the required Python library (dnspython) on ")


def test_missing_gssapi_matters_only_for_gss_tsig(run, monkeypatch):
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", "Traceback")
    result, _output = run()
    assert result["msg"].startswith("Failed to import the required Python library (gssapi) on ")
    assert "This is required for auth=gss_tsig." in result["msg"]
    other, _output = run(FakeServer(), auth="none")
    assert other["changed"] is True
