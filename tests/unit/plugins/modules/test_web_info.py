# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""web_info as a module: its input, what follows from it, and literally what it says about bad input."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args

from ansible_collections.onprem.chat.plugins.module_utils._net.reach import Answer
from ansible_collections.onprem.chat.plugins.module_utils._web import command
from ansible_collections.onprem.chat.plugins.module_utils._web.client import Seen
from ansible_collections.onprem.chat.plugins.modules import web_info
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.tls_fake import ROOT, Server
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.web_fake import page, says

PAGE = "https://chat.corp.test/"


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the module without a network; gives its JSON and the requests that it would have made."""
    asked = []

    def everything(requests, parallel):
        asked.append((requests, parallel))
        return [Seen(one, Answer("refused", "10.203.0.20", "connection refused")) for one in requests]

    monkeypatch.setattr(command.client, "everything", everything)

    def call(**options):
        asked.clear()
        with patch_module_args(options), pytest.raises(SystemExit):
            web_info.main()
        return json.loads(capsys.readouterr().out), asked

    return call


def test_defaults(call):
    result, asked = call(requests=[{"url": PAGE}])
    assert result["changed"] is False
    (((request,), parallel),) = asked
    assert parallel == 8
    assert (str(request.url), request.status, request.contains) == (PAGE, (200,), None)
    assert (request.name, request.hint, request.source, request.subject) == ("", "", "", PAGE)
    assert (request.connect_to, request.anchors, request.timeout) == ("", (), 10)


def test_a_request_may_say_otherwise_than_the_task(call, tmp_path):
    path, other = tmp_path / "root.crt", tmp_path / "other.crt"
    path.write_bytes(ROOT.certificate.pem)
    other.write_bytes(ROOT.certificate.pem)
    _result, asked = call(
        requests=[
            {"url": PAGE, "status": 403, "contains": "a.c", "name": "Start", "hint": "Do this.", "source": "Doc 2"},
            {
                "url": PAGE,
                "connect_to": "Chat2.corp.test.",
                "ca_path": [str(other)],
                "timeout": 2.5,
                "status": ["301", 302],
            },
            {"url": PAGE, "connect_to": "", "trust_anchors": []},
            {"url": PAGE, "connect_to": "FE80::1%eth0"},
        ],
        connect_to="10.203.0.20",
        trust_anchors=[str(path)],
        timeout=5,
        parallel=2,
    )
    ((requests, parallel),) = asked
    assert parallel == 2
    assert [one.connect_to for one in requests] == ["10.203.0.20", "chat2.corp.test", "", "fe80::1%eth0"]
    assert [one.anchors for one in requests] == [(str(path),), (str(other),), (), (str(path),)]
    assert [one.timeout for one in requests] == [5, 2.5, 5, 5]
    assert [one.status for one in requests] == [(403,), (301, 302), (200,), (200,)]
    first = requests[0]
    assert (first.contains.pattern, first.hint, first.source) == ("a.c", "Do this.", "Doc 2")
    assert first.subject == f"Start: {PAGE}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "missing required arguments: requests"),
        ({"requests": []}, "requests is empty. Name at least one URL."),
        ({"requests": [{"status": 200}]}, "missing required arguments: url found in requests"),
        ({"requests": [{"url": PAGE}, {"url": "chat.corp.test"}]},
         "requests[1]: 'chat.corp.test' begins with neither https:// nor http://. Give the whole URL, for example "
         "https://chat.corp.test/."),
        ({"requests": [{"url": PAGE, "status": "OK"}]},
         "Elements value for option 'status' found in 'requests' is of type "),
        ({"requests": [{"url": PAGE, "status": []}]},
         "requests[0]: status is empty. Name the status that is right, for example 200."),
        ({"requests": [{"url": PAGE, "status": [200, 42]}]},
         "requests[0]: status: 42 is none of HTTP. Expected numbers like 200 or 403."),
        ({"requests": [{"url": PAGE, "contains": "("}]},
         "requests[0]: contains: '(' is no regular expression of Python (missing ), unterminated subpattern at position 0). "
         "Write a backslash before characters that stand for themselves."),
        ({"requests": [{"url": PAGE, "connect_to": "https://10.0.0.1"}]},
         "requests[0]: connect_to: 'https://10.0.0.1' is neither the name of a host nor an IP address. Give a host name or an "
         "address alone."),
        ({"requests": [{"url": PAGE}], "connect_to": "10.0.0.1:443"},
         "requests[0]: connect_to: '10.0.0.1:443' is neither the name of a host nor an IP address. Give a host name or an "
         "address alone."),
        ({"requests": [{"url": PAGE}], "timeout": 0}, "requests[0]: timeout: expected more than 0 seconds, got 0."),
        ({"requests": [{"url": PAGE, "timeout": -1}]}, "requests[0]: timeout: expected more than 0 seconds, got -1."),
        ({"requests": [{"url": PAGE}], "parallel": 0}, "parallel: expected 1 to 64, got 0."),
        ({"requests": [{"url": PAGE}], "parallel": 65}, "parallel: expected 1 to 64, got 65."),
        ({"requests": [{"url": PAGE}], "trust_anchors": ["/nowhere/root.crt"]},
         "requests[0]: trust_anchors: there is no /nowhere/root.crt on the host where this module runs. Does it lie on the "
         "controller? Copy it there, or delegate the task to the controller (delegate_to: localhost)."),
        ({"requests": [{"url": PAGE}], "trust_anchors": ["/"]}, "requests[0]: trust_anchors: / "),
        ({"requests": [{"url": PAGE}], "trust_anchors": ["/dev/null"]},
         "requests[0]: trust_anchors: there is no certificate in PEM form in /dev/null. Is this the file of the CA? Convert "
         "DER with: openssl x509 -inform DER."),
    ],
)  # fmt: skip
def test_wrong_input(call, options, message):
    result, asked = call(**options)
    assert result["failed"] is True
    assert result["msg"].startswith(message) if message.endswith(" ") else result["msg"] == message
    assert asked == []


def test_a_password_is_refused_and_not_repeated(call):
    result, asked = call(requests=[{"url": "https://anna:canary@chat.corp.test/"}])
    assert (result["failed"], asked) == (True, [])
    assert result["msg"] == (
        "requests[0]: a URL for chat.corp.test has a user name or password in it. This module logs in nowhere: give the URL "
        "without what stands before the @."
    )
    assert (result["problem"], result["hint"]) == tuple(
        part.strip() for part in result["msg"].replace(" in it. ", " in it.|").split("|")
    )


def test_der_is_no_trust_anchor(call, tmp_path):
    path = tmp_path / "root.der"
    path.write_bytes(ROOT.certificate.der)
    result, asked = call(requests=[{"url": PAGE}], trust_anchors=[str(path)])
    assert asked == []
    assert result["msg"].startswith(f"requests[0]: trust_anchors: there is no certificate in PEM form in {path}.")


def test_check_mode_asks_like_any_run(capsys):
    with Server(says(page(b"<title>Log in</title>"))) as server:
        options = {"requests": [{"url": f"http://127.0.0.1:{server.port}/"}], "_ansible_check_mode": True}
        with patch_module_args(options), pytest.raises(SystemExit):
            web_info.main()
    result = json.loads(capsys.readouterr().out)
    assert result["changed"] is False
    assert [check["status"] for check in result["checks"]] == ["skip", "pass", "skip", "pass"]
    assert result["answers"][0]["title"] == "Log in"


def test_the_examples_are_valid_input(call):
    tasks = [task for task in yaml.safe_load(web_info.EXAMPLES) if "onprem.chat.web_info" in task]
    assert len(tasks) == 2
    for task in tasks:
        options = {key: value for key, value in task["onprem.chat.web_info"].items() if key != "trust_anchors"}
        result, asked = call(**options)
        assert "failed" not in result
        assert len(result["checks"]) == 4 * len(asked[0][0])


def test_what_is_returned_is_what_is_documented(call):
    result, _asked = call(requests=[{"url": PAGE}])
    documented = yaml.safe_load(web_info.RETURN)
    assert set(result["answers"][0]) == set(documented["answers"]["contains"])
    assert set(result["checks"][0]) == set(documented["checks"]["contains"])
