# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_info as a module: its input, what reaches the judgement, and literally what it says about bad input."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host.judge import IDS, Requirements
from ansible_collections.onprem.chat.plugins.modules import host_info

OPTIONS = yaml.safe_load(host_info.DOCUMENTATION)["options"]


@pytest.fixture(name="call")
def _call(monkeypatch, capsys):
    """Run the module; gives its JSON and the requirements that were judged. Without real=True nothing is looked at."""
    asked = []
    real = host_info.judge

    def judge(wanted, look):
        asked.append(wanted)
        if look:
            return real(wanted)
        checks = Checks()
        checks.failed("host.os", "operating system", "seen", "do", "Manual, 1")
        return checks

    def call(look=False, **options):
        asked.clear()
        monkeypatch.setattr(host_info, "judge", lambda wanted: judge(wanted, look))
        with patch_module_args(options), pytest.raises(SystemExit):
            host_info.main()
        return json.loads(capsys.readouterr().out), asked

    return call


def test_defaults(call):
    result, (wanted,) = call()
    assert wanted == Requirements(timeout=5)
    assert (result["changed"], result.get("failed")) == (False, None)
    assert result["checks"] == [
        {
            "id": "host.os",
            "subject": "operating system",
            "status": "fail",
            "evidence": "seen",
            "hint": "do",
            "source": "Manual, 1",
        }
    ]


def test_everything(call):
    options = {
        "os": {"distribution": "debian", "versions": ["12"]},
        "architectures": ["x86_64"],
        "systemd": False,
        "updates": True,
        "min_cpus": 16,
        "min_memory_mib": 32768,
        "min_disk": [{"path": "/var/lib/docker", "gib": 900.5, "ssd": True}],
        "min_network_mbit": 1000,
        "ports": [{"port": 443, "protocol": "udp", "allowed_processes": ["nginx"]}],
        "fqdn": "chats.corp.test",
        "addresses": ["10.0.0.1"],
        "names": [{"name": "a.corp.test", "addresses": ["10.0.0.1"]}],
        "names_in_hosts_file": "required",
        "loopback_names": "fail",
        "local_addresses": True,
        "external_addresses": ["198.51.100.1"],
        "same_domain_as": ["meet.corp.test"],
        "search_domains": "forbid",
        "clock": False,
        "proxies": True,
        "outbound": [{"host": "x.test", "port": 5222, "protocol": "tcp", "trust_anchors": "/etc/x.pem"}],
        "timeout": 2.5,
        "accept": ["host.updates"],
        "strict": ["host.clock"],
        "sources": {"host.os": "Manual, 1"},
    }
    _result, (wanted,) = call(**options)
    assert wanted == Requirements(**options)
    assert set(options) == set(OPTIONS)


def test_defaults_of_the_lists(call):
    _result, (wanted,) = call(
        min_disk=[{"path": "/srv", "gib": 1}],
        ports=[{"port": 80}],
        names=[{"name": "a.test"}],
        outbound=[{"host": "x.test"}],
    )
    assert wanted.min_disk == [{"path": "/srv", "gib": 1.0, "ssd": False}]
    assert wanted.ports == [{"port": 80, "protocol": "tcp", "allowed_processes": []}]
    assert wanted.names == [{"name": "a.test", "addresses": []}]
    assert wanted.outbound == [{"host": "x.test", "port": 443, "protocol": "tls", "trust_anchors": None}]


@pytest.mark.parametrize("check_mode", [False, True])
def test_this_machine(call, check_mode):
    result, _asked = call(True, _ansible_check_mode=check_mode, min_cpus=1, min_memory_mib=1, clock=True, systemd=False)
    assert {"host.cpus", "host.memory", "host.resolver", "host.clock"} <= {check["id"] for check in result["checks"]}
    assert result["changed"] is False


KNOWN = ", ".join(IDS)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"accept": ["host.oss"]}, f"accept: there is no check host.oss. Is it misspelt? Known: {KNOWN}."),
        (
            {"strict": ["clock", "x", "host.os"]},
            f"strict: there is no check clock, x. Is it misspelt? Known: {KNOWN}.",
        ),
        ({"sources": {"web.tls": "1"}}, f"sources: there is no check web.tls. Is it misspelt? Known: {KNOWN}."),
        ({"timeout": 0}, "timeout is 0, it must be more than 0 and at most 600 seconds."),
        ({"timeout": 601}, "timeout is 601, it must be more than 0 and at most 600 seconds."),
        ({"timeout": float("nan")}, "timeout is nan, it must be more than 0 and at most 600 seconds."),
        (
            {"loopback_names": "pass"},
            "value of loopback_names must be one of: warn, fail, got: pass",
        ),
        ({"names": [{"addresses": []}]}, "missing required arguments: name found in names"),
        (
            {"outbound": [{"host": "x", "protocol": "udp"}]},
            "value of protocol must be one of: tls, tcp, got: udp found in outbound",
        ),
    ],
)
def test_wrong_input(call, options, text):
    result, asked = call(**options)
    assert result["failed"] is True
    assert result["msg"] == text
    assert asked == []


def test_documentation_names_every_id():
    text = yaml.safe_load(host_info.RETURN)["checks"]["contains"]["id"]["description"][0]
    assert tuple(re.findall(r"V\(([^)]+)\)", text)) == IDS


def test_examples_are_good_input(call):
    for task in yaml.safe_load(host_info.EXAMPLES):
        result, asked = call(**task["onprem.chat.host_info"])
        assert len(asked) == 1, result
