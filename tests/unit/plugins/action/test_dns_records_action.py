# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records inside Ansible: the same result as the module's, and the module wherever it would make a difference."""

from __future__ import annotations

import types

import pytest

from ansible_collections.onprem.chat.plugins.action import dns_records
from ansible_collections.onprem.chat.plugins.module_utils._dns import options
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import FakeServer, refuse

CANARY = "canary-Passw0rd-7f3a"
RECORDS = [{"name": "chat", "type": "A", "ttl": 86400, "entries": ["10.203.0.20"]}]
ARGUMENTS = {"server": "ns1.corp.test", "zone": "corp.test", "auth": "none", "records": RECORDS}
FROM_MODULE = {"msg": "the module has run"}


@pytest.fixture
def action(monkeypatch, tmp_path):
    """Run the action; gives its result, and the warnings that it has shown."""

    def _run(fake=None, check_mode=False, transport="local", become=None, environment=None, async_val=0, **arguments):
        if fake is not None:
            monkeypatch.setattr(options, "TcpTransport", lambda host, port, timeout: fake)
        warned = []
        monkeypatch.setattr(dns_records.display, "warning", warned.append)
        task = types.SimpleNamespace(
            args={**ARGUMENTS, **arguments},
            check_mode=check_mode,
            diff=False,
            async_val=async_val,
            environment=environment,
            delegate_to=None,
        )
        connection = types.SimpleNamespace(
            transport=transport, become=become, _shell=types.SimpleNamespace(tmpdir=None)
        )
        loader = types.SimpleNamespace(get_basedir=lambda: str(tmp_path))
        play_context = types.SimpleNamespace(check_mode=check_mode)
        plugin = dns_records.ActionModule(task, connection, play_context, loader, None, None)
        monkeypatch.setattr(plugin, "_execute_module", lambda **kwargs: dict(FROM_MODULE))
        return plugin.run(None, {}), warned

    return _run


def test_first_run_and_second_run(action):
    fake = FakeServer()
    first, _warned = action(fake)
    assert first["changed"] is True
    assert first["diff"] == {"before": "", "after": "chat.corp.test. 86400 IN A 10.203.0.20\n"}
    assert (first["updates"], first["answer"], len(fake.updates)) == (1, "verified", 1)
    second, _warned = action(fake)
    assert (second["changed"], second["updates"], len(fake.updates)) == (False, 0, 1)
    assert second["records"] == first["records"]
    assert fake.closed


def test_check_mode_sends_nothing_and_says_the_same(action):
    fake = FakeServer()
    checked, _warned = action(fake, check_mode=True)
    assert fake.updates == []
    assert checked["changed"] is True
    assert checked["diff"] == action(fake)[0]["diff"]


@pytest.mark.parametrize(
    "circumstances",
    [
        {"transport": "ssh"},
        {"become": object()},
        {"environment": [{"KRB5CCNAME": "FILE:/tmp/cache"}]},
        {"async_val": 60},
    ],
)
def test_the_module_runs_where_it_makes_a_difference(action, circumstances):
    fake = FakeServer()
    result, _warned = action(fake, **circumstances)
    assert result["msg"] == FROM_MODULE["msg"]
    assert (fake.questions, fake.updates) == ([], [])


def test_an_empty_environment_makes_no_difference(action):
    assert action(FakeServer(), environment=[{}, {}])[0]["changed"] is True


def test_the_module_looks_for_its_own_libraries(action, monkeypatch):
    monkeypatch.setattr(dns_records.lib, "DNSPYTHON_ERROR", "Traceback")
    assert action()[0]["msg"] == FROM_MODULE["msg"]


def test_gssapi_matters_only_for_kerberos(action, monkeypatch):
    monkeypatch.setattr(dns_records.kerberos, "GSSAPI_ERROR", "Traceback")
    assert action(auth="gss_tsig")[0]["msg"] == FROM_MODULE["msg"]
    assert action(FakeServer())[0]["changed"] is True


def test_refusal_in_words(action):
    result, _warned = action(FakeServer(script=[refuse("REFUSED")]))
    assert result["failed"] is True
    assert result["problem"] == "DNS server ns1.corp.test refused the update in the zone corp.test: REFUSED."
    assert result["msg"] == f"{result['problem']} {result['hint']}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"auth": "tsig"}, "auth is tsig but any of the following are missing: tsig_name, tsig_key_file"),
        ({"auth": "md5"}, "value of auth must be one of: gss_tsig, tsig, none, got: md5"),
        ({"server": ""}, "server is empty. Is the variable that it comes from empty? Name the primary DNS server."),
        ({"records": None}, "argument 'records' is of type NoneType and we were unable to convert to list"),
        ({"record": []}, "Unsupported parameters for (onprem.chat.dns_records) module: record. Supported parameters"),
    ],
)
def test_wrong_options_in_words(action, arguments, text):
    result, _warned = action(FakeServer(), **arguments)
    assert result["failed"] is True
    assert text in result["msg"]


def test_no_secret_in_a_result(action):
    # A name that contains a secret would otherwise be shown by an error about that name.
    arguments = {"auth": "tsig", "tsig_name": CANARY + "..", "tsig_secret": CANARY}
    result, warned = action(FakeServer(), **arguments)
    assert result["failed"] is True
    assert CANARY not in str(result) + str(warned)


def test_warnings_are_shown(action):
    there = {("chat.corp.test.", "A"): (86400, {"10.203.0.99"})}
    wanted = [{**RECORDS[0], "state": "exact"}]
    result, warned = action(FakeServer(there), on_existing="keep_and_warn", records=wanted)
    assert result["changed"] is False
    assert warned == [
        "chat.corp.test. A exists with other values: [chat.corp.test. 86400 IN A 10.203.0.99] where "
        "[chat.corp.test. 86400 IN A 10.203.0.20] is asked for."
    ]
    assert result["kept"] == warned


def test_relative_paths_begin_in_the_folder_of_the_playbook(action, tmp_path):
    result, _warned = action(FakeServer(), auth="tsig", tsig_key_file="keys/chat.key")
    assert f"The TSIG key file {tmp_path}/keys/chat.key cannot be read: No such file or directory." in result["msg"]
