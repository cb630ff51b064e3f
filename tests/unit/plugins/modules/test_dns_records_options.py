# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the module one by one, on a server in memory: zones, decisions, keys, export, what a failure leaves."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dns import export, export_windows, kerberos, options, server
from ansible_collections.onprem.chat.plugins.module_utils._dns.records import intents_by_zone
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.modules import dns_records
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import (
    FakeServer,
    execute,
    refuse,
    sent,
    wrongly_signed,
)

SECRET = "c2VjcmV0LXNlY3JldA=="
KEY = Tsig("chat-update", SECRET, "hmac-sha256").key
KEY_FILE = f'key "chat-update" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
REVERSE = "203.10.in-addr.arpa."
ZONES = ("corp.test.", REVERSE)
CHAT = {"name": "chat", "type": "A", "state": "exact", "ttl": 60, "entries": ["10.203.0.20"]}
POINTER = {"zone": "203.10.in-addr.arpa", "name": "20.0", "type": "PTR", "ttl": 60, "entries": ["chat.corp.test"]}
CHAT_KEY = ("chat.corp.test.", "A")
POINTER_KEY = (f"20.0.{REVERSE}", "PTR")
OTHER = {CHAT_KEY: (300, {"10.203.0.7"})}
EXISTS = (
    "chat.corp.test. A exists with other values: [chat.corp.test. 300 IN A 10.203.0.7] where "
    "[chat.corp.test. 60 IN A 10.203.0.20] is asked for."
)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the module, unsigned where nothing else is said; gives its result. No secret may be printed."""

    def _run(fake, records=(CHAT,), check_mode=False, **arguments):
        monkeypatch.setattr(options, "TcpTransport", lambda host, port, timeout: fake)
        wanted = {"server": "ns1.corp.test", "zone": "corp.test", "auth": "none", "records": list(records), **arguments}
        with patch_module_args({**wanted, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            dns_records.main()
        output = capsys.readouterr().out
        assert SECRET not in output
        return json.loads(output)

    return _run


# -- zone -------------------------------------------------------------------------------------------------------------


def test_records_of_several_zones(run):
    fake = FakeServer(zones=ZONES)
    first = run(fake, [CHAT, POINTER])
    assert [message.zone[0].name.to_text() for message in fake.updates] == ["corp.test.", REVERSE]
    assert (first["changed"], first["updates"], first["answer"]) == (True, 2, "verified")
    assert [(record["zone"], record["name"], record["entries"]) for record in first["records"]] == [
        ("corp.test.", "chat.corp.test.", ["10.203.0.20"]),
        (REVERSE, f"20.0.{REVERSE}", ["chat.corp.test."]),
    ]
    assert first["diff"] == {
        "before": "",
        "after": f"chat.corp.test. 60 IN A 10.203.0.20\n20.0.{REVERSE} 60 IN PTR chat.corp.test.\n",
    }
    second = run(fake, [CHAT, POINTER])
    assert (second["changed"], second["updates"]) == (False, 0)
    again = run(fake, first["records"], zone=None)
    assert (again["changed"], again["records"]) == (False, first["records"])


def test_zone_of_each_record_is_enough(run):
    fake = FakeServer(zones=ZONES)
    assert run(fake, [POINTER, {**CHAT, "zone": "Corp.Test."}], zone=None)["changed"]
    assert set(fake.records) == {CHAT_KEY, POINTER_KEY}


def test_one_zone_in_two_spellings_is_one_message(run):
    fake = FakeServer()
    run(fake, [CHAT, {**CHAT, "name": "www", "zone": "CORP.test."}])
    assert len(fake.updates) == 1


def test_record_without_a_zone_stops_everything(run):
    fake = FakeServer(zones=ZONES)
    result = run(fake, [POINTER, {"type": "TXT", "entries": ["x"]}], zone=None)
    assert result["msg"] == "records[1] (@ TXT) has no zone. Set zone for the whole task, or in this record."
    assert fake.events == []


# -- on_existing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "changed", "kept", "warned"),
    [("replace", True, [], []), ("keep", False, [EXISTS], []), ("keep_and_warn", False, [EXISTS], [EXISTS])],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_on_existing(run, monkeypatch, word, changed, kept, warned, check_mode):
    warnings = []
    monkeypatch.setattr(dns_records.AnsibleModule, "warn", lambda module, text: warnings.append(text))
    fake = FakeServer(OTHER)
    result = run(fake, on_existing=word, check_mode=check_mode)
    assert (result["changed"], result["kept"], warnings) == (changed, kept, warned)
    assert fake.records == ({CHAT_KEY: (60, {"10.203.0.20"})} if changed and not check_mode else OTHER)
    assert ("diff" in result) is changed
    assert [record["entries"] for record in result["records"]] == [["10.203.0.20" if changed else "10.203.0.7"]]


@pytest.mark.parametrize("check_mode", [True, False])
def test_on_existing_keep_and_fail(run, check_mode):
    fake = FakeServer(OTHER)
    result = run(fake, on_existing="keep_and_fail", check_mode=check_mode)
    assert result["failed"]
    assert result["problem"] == EXISTS
    assert result["hint"] == (
        "Does another service use this name? Set on_existing=replace to replace them, or on_existing=keep to leave them as "
        "they are."
    )
    assert result["msg"] == f"{result['problem']} {result['hint']}"
    assert (fake.updates, fake.closed) == ([], True)


def test_what_is_as_asked_for_is_not_kept(run):
    result = run(FakeServer({CHAT_KEY: (60, {"10.203.0.20"})}), on_existing="keep_and_fail")
    assert (result["changed"], result["kept"]) == (False, [])


# -- max_delete -------------------------------------------------------------------------------------------------------


def test_max_delete(run):
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20", "10.203.0.21", "10.203.0.22"})})
    result = run(fake, max_delete=1)
    assert result["problem"] == (
        "This task would delete 2 records, and max_delete allows 1: [chat.corp.test. 60 IN A 10.203.0.21; "
        "chat.corp.test. 60 IN A 10.203.0.22]."
    )
    assert result["hint"] == (
        "Is a list of addresses or targets in the task incomplete? Set max_delete to 2 if they shall go."
    )
    assert fake.updates == []
    assert run(fake, max_delete=2)["changed"]
    assert run(fake, max_delete=0)["changed"] is False


def test_max_delete_zero_lets_an_address_be_replaced(run):
    fake = FakeServer(OTHER)
    assert run(fake, max_delete=0)["changed"]
    assert fake.records == {CHAT_KEY: (60, {"10.203.0.20"})}


# -- the key ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "chat.key"
    path.write_text(KEY_FILE, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_tsig_key_file(run, key_file):
    fake = FakeServer(key=KEY)
    result = run(fake, auth="tsig", tsig_key_file=str(key_file))
    assert (result["changed"], result["answer"]) == (True, "verified")
    assert fake.updates[0].had_tsig
    assert all(question.had_tsig for question in fake.questions)


def test_tsig_key_file_open_to_others(run, key_file):
    key_file.chmod(0o644)
    fake = FakeServer(key=KEY)
    result = run(fake, auth="tsig", tsig_key_file=str(key_file))
    assert result["problem"] == f"The TSIG key file {key_file} is open to others (mode 0644)."
    assert fake.events == []


def test_weak_key_file_warns(run, monkeypatch, key_file):
    warnings = []
    monkeypatch.setattr(dns_records.AnsibleModule, "warn", lambda module, text: warnings.append(text))
    key_file.write_text(KEY_FILE.replace("sha256", "sha1"), encoding="utf-8")
    fake = FakeServer(key=Tsig("chat-update", SECRET, "hmac-sha1").key)
    assert run(fake, auth="tsig", tsig_key_file=str(key_file))["changed"]
    assert warnings == ["hmac-sha1 is weak (RFC 8945 6): make a new TSIG key with hmac-sha256."]


def test_secret_from_the_environment(run, monkeypatch):
    monkeypatch.setenv("ONPREM_CHAT_TSIG_SECRET", SECRET)
    assert run(FakeServer(key=KEY), auth="tsig", tsig_name="chat-update")["changed"]


def test_secret_in_the_environment_does_not_disturb_a_key_file(run, monkeypatch, key_file):
    monkeypatch.setenv("ONPREM_CHAT_TSIG_SECRET", "b3RoZXI=")
    assert run(FakeServer(key=KEY), auth="tsig", tsig_key_file=str(key_file))["changed"]


def test_password_from_the_environment(run, monkeypatch):
    seen = {}

    class Recorder:
        principal = "svc@CORP.TEST"

        def __init__(self, **arguments):
            seen.update(arguments)

        def close(self):
            pass

    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    monkeypatch.setattr(kerberos, "Kerberos", Recorder)
    monkeypatch.setenv("ONPREM_CHAT_DNS_PASSWORD", SECRET)
    fake = FakeServer({CHAT_KEY: (60, {"10.203.0.20"})})
    assert run(fake, auth="gss_tsig", principal="svc", server="dc1.corp.test")["changed"] is False
    assert seen["password"] == SECRET


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"server": None}, "server is empty. Is the variable that it comes from empty? Name the primary DNS server."),
        ({"server": ""}, "server is empty. Is the variable that it comes from empty? Name the primary DNS server."),
        (
            {"auth": "tsig", "tsig_name": None, "tsig_secret": None},
            "tsig_name is empty. Is the variable that it comes from empty? Give name and secret of the key, or "
            "tsig_key_file.",
        ),
        (
            {"auth": "tsig", "tsig_name": "chat-update", "tsig_secret": ""},
            "tsig_secret is empty. Is the variable that it comes from empty? Give name and secret of the key, or "
            "tsig_key_file.",
        ),
    ],
)
def test_options_that_are_given_and_empty(run, arguments, text):
    fake = FakeServer()
    assert run(fake, **arguments)["msg"] == text
    assert fake.events == []


# -- read_by ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_by", server.READ_BY)
def test_read_by(run, read_by):
    fake = FakeServer(transfer="NOERROR")
    assert run(fake, read_by=read_by)["changed"]
    assert fake.events.count("transfer corp.test.") == (2 if read_by == "transfer" else 0)
    assert run(fake, read_by=read_by)["changed"] is False


def test_transfer_that_is_insisted_on_and_refused(run):
    result = run(FakeServer(), read_by="transfer")
    assert result["problem"] == "DNS server ns1.corp.test gave no usable transfer of the zone corp.test: REFUSED."
    assert result["hint"] == (
        "May this key or address transfer the zone? Allow it there (BIND: allow-transfer), or set read_by=questions."
    )


# -- mode=export ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [True, False])
def test_export_sends_nothing(run, check_mode):
    fake = FakeServer()
    result = run(fake, [CHAT, POINTER], mode="export", check_mode=check_mode)
    assert (fake.events, result["changed"], set(result["export"])) == (
        [],
        False,
        {"bind", "powershell", "dnscmd", "table"},
    )
    assert {"records", "updates", "answer", "diff", "kept"}.isdisjoint(result)
    text = result["export"]["bind"]
    assert "chat.corp.test. 60 IN A 10.203.0.20\n" in text
    assert f"20.0.{REVERSE} 60 IN PTR chat.corp.test.\n" in text
    assert all("10.203.0.20" in notation for notation in result["export"].values())
    assert "ns1.corp.test" in result["export"]["powershell"]
    assert "ns1.corp.test" in result["export"]["dnscmd"]


def test_export_is_what_the_notations_say(run):
    text = run(FakeServer(), mode="export")["export"]
    intents = intents_by_zone([CHAT], "corp.test.")["corp.test."]
    assert text == {
        "bind": export.bind_zone_lines(intents, "corp.test."),
        "powershell": export_windows.powershell(intents, "corp.test.", "ns1.corp.test"),
        "dnscmd": export_windows.dnscmd(intents, "corp.test.", "ns1.corp.test"),
        "table": export.table(intents, "corp.test."),
    }


def test_export_needs_no_server_and_no_kerberos(run, monkeypatch):
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", "Traceback")
    result = run(FakeServer(), mode="export", server=None, auth="gss_tsig")
    assert "failed" not in result
    assert "chat.corp.test. 60 IN A 10.203.0.20\n" in result["export"]["bind"]


@pytest.mark.parametrize("mode", ["update", "export"])
def test_export_refuses_what_an_update_refuses(run, mode):
    assert run(FakeServer(), [CHAT, CHAT], mode=mode)["msg"] == (
        "chat.corp.test. A is given twice. Give one entry for each name and type, with all its values."
    )


# -- what a failure leaves --------------------------------------------------------------------------------------------


def test_failure_after_something_was_written_keeps_its_results(run):
    fake = FakeServer(zones=ZONES, script=[execute, refuse("NOTZONE")])
    result = run(fake, [CHAT, POINTER])
    assert result["failed"]
    assert result["problem"] == (
        "DNS server ns1.corp.test refused the update in the zone 203.10.in-addr.arpa: NOTZONE. "
        "1 record set of this task had been written before."
    )
    assert result["hint"].endswith("Run the task again: it goes on from what is there.")
    assert (result["changed"], result["updates"], result["answer"]) == (True, 1, "verified")
    assert result["diff"] == {"before": "", "after": "chat.corp.test. 60 IN A 10.203.0.20\n"}
    assert [record["name"] for record in result["records"]] == ["chat.corp.test."]
    after = run(fake, [CHAT, POINTER])
    assert after["diff"]["after"] == f"20.0.{REVERSE} 60 IN PTR chat.corp.test.\n"
    assert [sent(message)[1] for message in fake.updates[1:]] == [
        [f"add 20.0.{REVERSE} PTR 60 chat.corp.test."],
        [f"add 20.0.{REVERSE} PTR 60 chat.corp.test."],
    ]


def test_failure_before_anything_was_written_has_no_results(run):
    result = run(FakeServer(script=[refuse("REFUSED")]))
    assert {"changed", "records", "updates", "diff"} & set(result) <= {"changed"}
    assert not result.get("changed")


def test_answer_that_cannot_be_verified_is_told(run, key_file):
    fake = FakeServer(key=KEY, script=[wrongly_signed()])
    result = run(fake, auth="tsig", tsig_key_file=str(key_file))
    assert (result["changed"], result["answer"]) == (True, "unverifiable")
