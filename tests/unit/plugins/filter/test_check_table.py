# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks as an aligned table."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.onprem.chat.plugins.filter.check_table import FilterModule

check_table = FilterModule().filters()["check_table"]


def check(status="pass", id="xmpp.tcp", subject="chat:5222", evidence="connected", hint=""):
    return {"id": id, "subject": subject, "status": status, "evidence": evidence, "hint": hint, "source": ""}


def test_columns_are_aligned():
    checks = [check(), check(id="xmpp.srv.client", subject="_xmpp-client._tcp.corp.test", evidence="5 0 5222 chat")]
    assert check_table(checks) == [
        "PASS  xmpp.tcp         chat:5222                    connected",
        "PASS  xmpp.srv.client  _xmpp-client._tcp.corp.test  5 0 5222 chat",
        "2 passed, 0 warned, 0 failed, 0 skipped",
    ]


@pytest.mark.parametrize("status", ["warn", "fail"])
def test_hint_stands_under_the_check(status):
    lines = check_table([check(status, hint="Open the port.")])
    assert lines[0].startswith(f"{status.upper()}  xmpp.tcp")
    assert lines[1] == "      -> Open the port."


@pytest.mark.parametrize("status", ["warn", "fail"])
def test_the_document_that_asks_for_it_stands_last(status):
    lines = check_table([check(status, hint="Open the port.") | {"source": "RFC 6120\n3.2.1"}])
    assert lines[1:3] == ["      -> Open the port.", "         see RFC 6120 3.2.1"]


@pytest.mark.parametrize("status", ["pass", "skip"])
def test_no_document_where_nothing_is_to_be_done(status):
    assert len(check_table([check(status) | {"source": "RFC 6120 3.2.1"}])) == 2


@pytest.mark.parametrize("status", ["pass", "skip"])
def test_no_hint_where_nothing_is_to_be_done(status):
    assert len(check_table([check(status, hint="Open the port.")])) == 2


def test_no_hint_no_line():
    assert len(check_table([check("fail")])) == 2


def test_line_breaks_do_not_break_the_table():
    assert check_table([check(evidence="one\n  two\tthree")])[0].endswith("one two three")


def test_a_long_subject_pushes_only_its_own_line():
    lines = check_table([check(subject="x" * 80), check(subject="y")])
    assert lines[0].index("connected") > lines[1].index("connected") == 6 + len("xmpp.tcp") + 2 + 56 + 2


def test_only_some_statuses_but_all_are_counted():
    checks = [check(), check("warn"), check("fail"), check("skip")]
    lines = check_table(checks, ["fail"])
    assert [line[:4] for line in lines[:-1]] == ["FAIL"]
    assert lines[-1] == "1 passed, 1 warned, 1 failed, 1 skipped"


def test_nothing_asked():
    assert check_table([]) == ["0 passed, 0 warned, 0 failed, 0 skipped"]


def test_no_trailing_blanks():
    assert check_table([check(evidence="")])[0] == "PASS  xmpp.tcp  chat:5222"


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ("text", "check_table: expected a list of checks, got str"),
        (["text"], "check_table: entry 0 is no check, it lacks id, subject, status, evidence"),
        ([{"id": "a", "status": "pass"}], "check_table: entry 0 is no check, it lacks subject, evidence"),
        ([check("broken")], "check_table: xmpp.tcp: 'broken' is no status, expected pass, warn, fail, skip"),
    ],
)
def test_what_is_no_check(checks, message):
    with pytest.raises(AnsibleFilterError) as error:
        check_table(checks)
    assert str(error.value) == message


def test_unknown_status_asked_for():
    with pytest.raises(AnsibleFilterError, match="bad is no status"):
        check_table([check()], ["bad"])


def test_nothing_reaches_the_terminal_that_it_would_obey():
    check = {"id": "a", "subject": "b", "status": "fail", "evidence": "CN=\x1b[2Jx\u202ey", "hint": "\x9bz"}
    assert check_table([check])[:2] == ["FAIL  a  b  CN=\\x1b[2Jx\\u202ey", "      -> \\x9bz"]
