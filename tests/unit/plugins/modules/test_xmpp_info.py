# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""xmpp_info as a module: its input, literally what it says about bad input, and what it returns."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._xmpp.settings import Account, Settings
from ansible_collections.onprem.chat.plugins.modules import xmpp_info

USER = {"jid": "anna@corp.test", "password": "s3cret-canary"}


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the module with these options; gives its JSON and what it asked for."""
    asked = []

    def run(settings):
        asked.append(settings)
        return {"checks": [], "round_trip": None}

    monkeypatch.setattr(xmpp_info, "run", run)

    def call(_runner=None, **options):
        if _runner:
            monkeypatch.setattr(xmpp_info, "run", _runner)
        with patch_module_args(options), pytest.raises(SystemExit):
            xmpp_info.main()
        printed = capsys.readouterr().out
        assert "s3cret-canary" not in printed
        return json.loads(printed), asked

    return call


def test_defaults(call):
    result, asked = call(domain="corp.test")
    assert result["changed"] is False
    assert asked == [Settings("corp.test", timeout=10)]


def test_everything_given(call, tmp_path):
    ca = tmp_path / "root.crt"
    ca.write_text("x")
    _result, asked = call(
        domain="corp.test.",
        users=[USER],
        disabled_user=USER,
        ca_path=str(ca),
        resolver=["10.0.0.1", "fd00::1"],
        host="new.corp.test",
        port=5333,
        expect_s2s=True,
        timeout=3,
        check_archive=False,
    )
    anna = Account("anna@corp.test", "s3cret-canary")
    place = (str(ca), ("10.0.0.1", "fd00::1"), "new.corp.test", 5333)
    assert asked == [Settings("corp.test", (anna,), anna, *place, True, 3, False)]


def test_passwords_are_not_in_the_invocation(call):
    result, _asked = call(domain="corp.test", users=[USER], disabled_user=USER)
    assert USER["password"] not in json.dumps(result)
    # Newer releases of ansible-core no longer return the invocation at all.
    if "invocation" in result:
        assert result["invocation"]["module_args"]["users"][0]["password"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"users": [{"jid": "anna@other.test", "password": "s3cret-canary"}]},
            "'anna@other.test' is no address in the domain 'corp.test': expected name@corp.test."
            " For several domains run the module once for each.",
        ),
        (
            {"disabled_user": {"jid": "corp.test", "password": "s3cret-canary"}},
            "'corp.test' is no address in the domain 'corp.test': expected name@corp.test."
            " For several domains run the module once for each.",
        ),
        (
            {"nameservers": ["dc1.corp.test"]},
            "nameservers: 'dc1.corp.test' is no IP address. A resolver is given by its address, not by its name.",
        ),
        (
            {"ca_path": "/nowhere/root.crt"},
            "ca_path: there is no file /nowhere/root.crt on the host where this module runs. Was it made by the role"
            " certificates, and does the module run on the controller (delegate_to: localhost)?",
        ),
        ({"timeout": 0}, "timeout: at least 1 second is needed."),
        ({"port": 70000}, "port: 70000 is no port, expected 1 to 65535."),
    ],
)
def test_bad_input(call, options, message):
    result, asked = call(domain="corp.test", **options)
    assert result["failed"] is True
    assert result["msg"] == message
    assert asked == []


def test_a_ca_file_without_certificate(call, tmp_path):
    ca = tmp_path / "root.crt"
    ca.write_text("no certificate")

    def runner(settings):
        import ssl

        ssl.create_default_context(cafile=settings.ca_path)

    result, _asked = call(runner, domain="corp.test", ca_path=str(ca))
    assert result["msg"].startswith(f"ca_path: {ca} cannot be used: ")
    assert result["msg"].endswith("Is it a PEM file with CA certificates?")


@pytest.mark.parametrize("name", ["slixmpp", "dnspython"])
def test_missing_library(call, monkeypatch, name):
    monkeypatch.setattr(xmpp_info, f"{name.upper()}_ERROR", "Traceback")
    result, asked = call(domain="corp.test")
    assert f"Failed to import the required Python library ({name})" in result["msg"]
    assert asked == []


def test_options_and_documentation_agree():
    yaml = pytest.importorskip("yaml")
    documented = yaml.safe_load(xmpp_info.DOCUMENTATION)["options"]
    assert set(documented) == set(xmpp_info.ARGUMENT_SPEC)
    for name, option in xmpp_info.ARGUMENT_SPEC.items():
        assert documented[name].get("default") == option.get("default"), name
