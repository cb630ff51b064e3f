# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of the documentation, as it stands there, against a server in memory: twice."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._dns import kerberos, options
from ansible_collections.onprem.chat.plugins.module_utils._dns.names import zone_name
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Tsig
from ansible_collections.onprem.chat.plugins.modules import dns_records
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.dns_fake import FakeServer
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.test_dns_gss import FakeKerberos, GssServer

MODULE = "onprem.chat.dns_records"
SECRET = "c2VjcmV0LXNlY3JldA=="
TASKS = yaml.safe_load(dns_records.EXAMPLES)
NAMES = [task["name"] for task in TASKS]


def filled_in(value):
    """The example with its variables; those of the documentation are secrets, or lists that somebody else has made."""
    if isinstance(value, dict):
        return {key: filled_in(part) for key, part in value.items()}
    if isinstance(value, list):
        return [filled_in(part) for part in value]
    return re.sub(r"\{\{.*?\}\}", SECRET, value) if isinstance(value, str) else value


def arguments_of(task, tmp_path):
    arguments = filled_in(task[MODULE])
    if "tsig_key_file" in arguments:
        path = tmp_path / "example.key"
        path.write_text(f'key "chat-update" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n', encoding="utf-8")
        path.chmod(0o600)
        arguments["tsig_key_file"] = str(path)
    return arguments


def server_for(arguments):
    zones = {record.get("zone", arguments.get("zone")) for record in arguments["records"]}
    zones = tuple(zone_name(zone) for zone in sorted(zones))
    if arguments.get("auth", "gss_tsig") == "gss_tsig":
        return GssServer(zones=zones)
    key = Tsig(arguments.get("tsig_name", "chat-update"), SECRET, arguments.get("tsig_algorithm", "hmac-sha256")).key
    return FakeServer(zones=zones, key=key if arguments["auth"] == "tsig" else None)


@pytest.fixture
def run(monkeypatch, capsys):
    monkeypatch.setattr(kerberos, "GSSAPI_ERROR", None)
    monkeypatch.setattr(kerberos, "Kerberos", lambda **arguments: FakeKerberos())

    def _run(fake, arguments, check_mode=False):
        monkeypatch.setattr(options, "TcpTransport", lambda host, port, timeout: fake)
        with patch_module_args({**arguments, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            dns_records.main()
        output = capsys.readouterr().out
        assert SECRET not in output
        result = json.loads(output)
        assert "failed" not in result, result["msg"]
        return result

    return _run


def test_examples_are_tasks():
    assert len(NAMES) == len(set(NAMES)) >= 2
    for task in TASKS:
        assert list(task)[:2] == ["name", MODULE]
        assert set(task) <= {
            "name",
            MODULE,
            "delegate_to",
            "register",
            "check_mode",
            "diff",
            "run_once",
            "loop",
            "when",
        }


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_example(run, tmp_path, task):
    arguments = arguments_of(task, tmp_path)
    fake = server_for(arguments)
    if arguments.get("mode") == "export":
        assert run(fake, arguments)["export"]["bind"]
        assert fake.events == []
        return
    if all(record.get("state") == "absent" for record in arguments["records"]):
        # What is to go has to be there.
        run(fake, {**arguments, "records": [{**record, "state": "present"} for record in arguments["records"]]})
        fake.updates.clear()
    checked = run(fake, arguments, check_mode=True)
    assert fake.updates == []
    first = run(fake, arguments)
    assert (first["changed"], len(fake.updates)) == (True, len(fake.zones))
    assert (checked["changed"], checked["diff"], checked["records"]) == (True, first["diff"], first["records"])
    second = run(fake, arguments)
    assert (second["changed"], second["updates"], second["records"]) == (False, 0, first["records"])
    assert len(fake.updates) == len(fake.zones)
