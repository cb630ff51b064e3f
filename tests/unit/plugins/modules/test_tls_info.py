# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tls_info as a module: its input, what follows from it, and literally what it says about bad input."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._tls import command
from ansible_collections.onprem.chat.plugins.module_utils._tls.survey import Seen
from ansible_collections.onprem.chat.plugins.module_utils._tls.trouble import Trouble
from ansible_collections.onprem.chat.plugins.modules import tls_info
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import ROOT


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the module without a network; gives its JSON and the endpoints that it would have asked."""
    asked = []

    async def everywhere(endpoints, pems, timeout, parallel):
        asked.append((endpoints, pems, timeout, parallel))
        return [Seen(endpoint, trouble=Trouble("tcp", "refused", "no", "hint")) for endpoint in endpoints]

    monkeypatch.setattr(command.survey, "everywhere", everywhere)
    monkeypatch.setattr(command.trust, "system_store", list)

    def call(**options):
        asked.clear()
        with patch_module_args(options), pytest.raises(SystemExit):
            tls_info.main()
        return json.loads(capsys.readouterr().out), asked

    return call


def only(asked):
    ((endpoints, _pems, _timeout, _parallel),) = asked
    (endpoint,) = endpoints
    return endpoint


def test_defaults(call):
    result, asked = call(host="dc1.corp.test", port=636)
    assert result["changed"] is False
    endpoint = only(asked)
    assert asked[0][1:] == ({(): None}, 5, 8)
    assert (endpoint.host, endpoint.port, endpoint.protocol) == ("dc1.corp.test", 636, "tls")
    assert (endpoint.server_name, endpoint.domain, endpoint.alpn) == ("dc1.corp.test", "", ())
    assert (endpoint.minimum_version, endpoint.old_versions, endpoint.anchors) == ("TLSv1.2", "warn", ())
    wanted = endpoint.wanted
    assert (wanted.profile, wanted.dns, wanted.ip, wanted.xmpp_domains) == ("server", ("dc1.corp.test",), (), ())
    assert (wanted.days, wanted.skew, wanted.trust, wanted.root, wanted.accept) == (30, 300, "system", "any", ())


@pytest.mark.parametrize(
    ("options", "port", "name", "domain", "profile", "dns", "ip", "xmpp"),
    [
        ({"host": "Chat.corp.test.", "protocol": "xmpp-client", "domain": "corp.test"},
         5222, "corp.test", "corp.test", "xmpp", (), (), ("corp.test",)),
        ({"host": "corp.test", "protocol": "xmpp-server"}, 5269, "corp.test", "corp.test", "xmpp", (), (), ("corp.test",)),
        ({"host": "10.203.0.20", "protocol": "xmpp-client", "domain": "corp.test"},
         5222, "corp.test", "corp.test", "xmpp", (), (), ("corp.test",)),
        ({"host": "chat.corp.test", "port": 5223, "domain": "corp.test", "alpn": ["xmpp-client"]},
         5223, "corp.test", "corp.test", "xmpp", (), (), ("corp.test",)),
        ({"host": "dc1.corp.test", "protocol": "ldap"}, 389, "dc1.corp.test", "", "server", ("dc1.corp.test",), (), ()),
        ({"host": "mail.corp.test", "protocol": "smtp", "port": 587},
         587, "mail.corp.test", "", "server", ("mail.corp.test",), (), ()),
        ({"host": "10.203.0.10", "port": 636}, 636, "10.203.0.10", "", "server", (), ("10.203.0.10",), ()),
        ({"host": "fd00:0::1", "port": 636}, 636, "fd00::1", "", "server", (), ("fd00::1",), ()),
        ({"host": "10.203.0.10", "port": 636, "dns_names": ["dc1.corp.test", "corp.test"]},
         636, "dc1.corp.test", "", "server", ("dc1.corp.test", "corp.test"), (), ()),
        ({"host": "10.203.0.10", "port": 636, "server_name": "dc1.corp.test"},
         636, "dc1.corp.test", "", "server", ("dc1.corp.test",), (), ()),
        ({"host": "10.203.0.10", "port": 443, "dns_names": ["*.corp.test"]},
         443, "corp.test", "", "server", ("*.corp.test",), (), ()),
        ({"host": "b\u00fccher.test", "port": 443}, 443, "xn--bcher-kva.test", "", "server", ("xn--bcher-kva.test",), (), ()),
        ({"host": "chat.corp.test", "port": 443, "profile": "mts_link", "dns_names": ["a.test"], "xmpp_domains": ["b.test"]},
         443, "chat.corp.test", "", "mts_link", ("a.test",), (), ("b.test",)),
    ],
)  # fmt: skip
def test_what_follows(call, options, port, name, domain, profile, dns, ip, xmpp):
    _result, asked = call(**options)
    endpoint = only(asked)
    wanted = endpoint.wanted
    assert (endpoint.port, endpoint.server_name, endpoint.domain) == (port, name, domain)
    assert (wanted.profile, wanted.dns, wanted.ip, wanted.xmpp_domains) == (profile, dns, ip, xmpp)


def test_many(call, tmp_path):
    path = tmp_path / "root.crt"
    path.write_bytes(ROOT.certificate.pem)
    _result, asked = call(
        endpoints=[
            {"host": "dc1.corp.test"},
            {"host": "dc2.corp.test", "port": 3269, "valid_days": 5, "minimum_version": "TLSv1.3"},
            {"host": "dc1.corp.test", "protocol": "ldap"},
            {"host": "win1.corp.test", "port": 5986, "ca_path": [str(path)], "old_versions": "allow"},
        ],
        port=636,
        valid_days=60,
        accept=["tls.versions"],
        timeout=2.5,
        parallel=2,
    )
    ((endpoints, pems, timeout, parallel),) = asked
    assert (timeout, parallel) == (2.5, 2)
    assert [(one.host, one.port, one.protocol) for one in endpoints] == [
        ("dc1.corp.test", 636, "tls"),
        ("dc2.corp.test", 3269, "tls"),
        ("dc1.corp.test", 389, "ldap"),
        ("win1.corp.test", 5986, "tls"),
    ]
    assert [one.wanted.days for one in endpoints] == [60, 5, 60, 60]
    assert [one.wanted.trust for one in endpoints] == ["system", "system", "system", "given"]
    assert [one.minimum_version for one in endpoints] == ["TLSv1.2", "TLSv1.3", "TLSv1.2", "TLSv1.2"]
    assert [one.old_versions for one in endpoints] == ["warn", "warn", "warn", "allow"]
    assert {one.wanted.accept for one in endpoints} == {("tls.versions",)}
    assert pems == {(): None, (str(path),): ROOT.certificate.pem.decode()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "one of the following is required: host, endpoints"),
        ({"host": "a.test", "endpoints": [{"host": "b.test"}]}, "parameters are mutually exclusive: host|endpoints"),
        ({"host": "a.test"}, "a.test: no port is given. Give port; only the other protocols have a usual one."),
        ({"host": "a.test", "port": 70000}, "a.test: 70000 is no port. Expected 1 to 65535."),
        ({"host": "a.test", "port": 0, "protocol": "ldap"}, "a.test: 0 is no port. Expected 1 to 65535."),
        ({"host": "10.0.0.1", "protocol": "xmpp-client"},
         "10.0.0.1: domain is missing. With xmpp-client name the domain of the addresses."),
        ({"host": "a.test", "protocol": "xmpp-client", "domain": "10.0.0.1"},
         "a.test: domain 10.0.0.1 is an address. Name the domain of the users."),
        ({"host": "https://a.test", "port": 443},
         "'https://a.test' is no name of a host or domain. Is it a URL, an address, or a wildcard? Give a name as users "
         "type it, for example chat.corp.test."),
        ({"endpoints": []}, "endpoints is empty. Name at least one server."),
        ({"host": "a.test", "port": 1, "timeout": 0}, "timeout: 0 is not more than 0 seconds."),
        ({"host": "a.test", "port": 1, "parallel": 0}, "parallel: 0 is less than 1."),
        ({"host": "a.test", "port": 1, "valid_days": -1}, "valid_days -1 makes no sense. Expected 0 to 36500."),
        ({"host": "a.test", "port": 1, "ip_addresses": ["b.test"]},
         "'b.test' is no IP address. Is it a host name? Names belong to the DNS names."),
        ({"host": "a.test", "port": 1, "alpn": ["x" * 256]},
         "a.test: alpn 'xxxxxxxxxxxxxxxxxxxx...' cannot be offered. A protocol has 1 to 255 ASCII characters."),
        ({"host": "a.test", "port": 1, "ca_path": ["/nowhere/root.crt"]},
         "trust_anchors: there is no /nowhere/root.crt on the host where this module runs. Does it lie on the controller? "
         "Copy it there, or delegate the task to the controller (delegate_to: localhost)."),
        ({"host": "a.test", "port": 1, "accept": ["tls.handshak"]},
         "accept: there is no check tls.handshak. Is it spelt right? See the documentation of checks."),
    ],
)  # fmt: skip
def test_wrong_input(call, options, message):
    result, asked = call(**options)
    assert result["failed"] is True
    assert result["msg"] == message
    assert asked == []


def test_anchors_that_are_none(call, tmp_path):
    path = tmp_path / "root.crt"
    path.write_text("no certificate")
    result, asked = call(host="a.test", port=1, trust_anchors=[str(path)])
    assert (result["failed"], asked) == (True, [])
    assert str(path) in result["msg"]


def test_a_python_that_is_too_old(call, monkeypatch):
    monkeypatch.setattr(tls_info, "PYTHON", (99, 0))
    result, asked = call(host="a.test", port=1)
    assert (result["failed"], asked) == (True, [])
    assert result["msg"].startswith("This is Python 3.")
    assert "and tls_info needs 3.11 or newer where it runs. Delegate the task to the controller" in result["msg"]


def test_without_the_library(call, monkeypatch):
    monkeypatch.setattr(tls_info, "CRYPTOGRAPHY_ERROR", "Traceback: no such module")
    result, asked = call(host="a.test", port=1)
    assert result["msg"].startswith("Failed to import the required Python library (cryptography) on ")
    assert asked == []


def test_the_examples_are_valid_input(call):
    tasks = [task for task in yaml.safe_load(tls_info.EXAMPLES) if "onprem.chat.tls_info" in task]
    assert len(tasks) == 2
    for task in tasks:
        options = {key: value for key, value in task["onprem.chat.tls_info"].items() if key != "trust_anchors"}
        result, _asked = call(**options)
        assert "failed" not in result
