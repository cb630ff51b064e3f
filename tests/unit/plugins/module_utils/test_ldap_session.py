# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ldap3 is asked, call by call: a scripted connection consumes the expected searches in order."""

from __future__ import annotations

import ldap3
import pytest
from ldap3.core.exceptions import LDAPInvalidFilterError, LDAPSessionTerminatedByServerError

from ansible_collections.onprem.chat.plugins.module_utils._ldap import session as tested


def entry(dn, **attributes):
    return {"type": "searchResEntry", "dn": dn, "raw_attributes": attributes}


REFERENCE = {"type": "searchResRef", "uri": ["ldaps://corp.test/CN=Configuration,DC=corp,DC=test"]}


def answer(*found, cookie=b"", result=0, **more):
    return {
        "response": list(found),
        "result": {
            "result": result,
            "description": "success" if result == 0 else "noSuchObject",
            "message": "",
            "controls": {tested.PAGED_RESULTS: {"value": {"cookie": cookie}}},
            **more,
        },
    }


class Script:
    """Stands for an ldap3 connection."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.calls = []
        self.result, self.response = {}, []
        self.opened = self.secured = False
        self.socket = None

    def open(self):
        self.opened = True

    def start_tls(self):
        self.secured = True

    def bind(self):
        self._play(("bind",))

    def unbind(self):
        raise OSError("already closed")

    def search(self, base, text, search_scope, attributes, paged_size, paged_cookie):
        if paged_size != 500:
            raise AssertionError("every search is paged")
        self._play((base, text, search_scope, attributes, paged_cookie))

    def _play(self, call):
        self.calls.append(call)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        self.result, self.response = step["result"], step["response"]


def session(*steps, encryption="ldaps"):
    script = Script(*steps)
    return tested.Session("dc1", 636, encryption, None, 5, 120, connection=script), script


def test_bind_answer():
    asked, script = session(
        {"result": {"result": 49, "description": "invalidCredentials", "message": "data 52e"}, "response": []}
    )
    assert asked.bind("cn=x", "secret") == tested.Answer(49, "invalidCredentials", "data 52e")
    assert script.opened and not script.secured
    asked.close()


def test_bind_with_starttls():
    asked, script = session(answer(), encryption="starttls")
    assert asked.bind("cn=x", "secret").code == 0
    assert script.secured


def test_bind_lost():
    asked, _script = session(LDAPSessionTerminatedByServerError("session terminated by server"))
    with pytest.raises(tested.SessionLost, match="session terminated by server"):
        asked.bind("cn=x", "secret")


class Socket:
    """Remembers how long it would wait."""

    timeout = 5

    def settimeout(self, seconds):
        self.timeout = seconds


def test_searches_may_take_longer_than_the_way_to_the_server():
    """A filter with LDAP_MATCHING_RULE_IN_CHAIN takes a domain controller minutes in a large directory."""
    asked, script = session(answer())
    script.socket = Socket()
    asked.bind("cn=x", "secret")
    assert script.socket.timeout == 120


def test_pages_until_no_cookie():
    asked, script = session(answer(entry("a"), cookie=b"1"), answer(entry("b"), cookie=b"2"), answer(entry("c")))
    assert [found.dn for found in asked.search("DC=x", "(a=b)", attributes=["mail"])] == ["a", "b", "c"]
    assert script.calls == [
        ("DC=x", "(a=b)", "SUBTREE", ["mail"], None),
        ("DC=x", "(a=b)", "SUBTREE", ["mail"], b"1"),
        ("DC=x", "(a=b)", "SUBTREE", ["mail"], b"2"),
    ]


def test_referrals_are_ignored():
    asked, _script = session(answer(entry("a"), REFERENCE))
    assert [found.dn for found in asked.search("DC=x", "(a=b)")] == ["a"]


def test_refused():
    asked, _script = session(answer(result=32, dn="DC=corp,DC=test"))
    with pytest.raises(tested.Refused) as caught:
        list(asked.search("OU=x,DC=corp,DC=test", "(a=b)"))
    assert (caught.value.code, caught.value.matched) == (32, "DC=corp,DC=test")


def test_bad_filter():
    asked, _script = session(LDAPInvalidFilterError("malformed filter"))
    with pytest.raises(tested.BadFilter):
        list(asked.search("DC=x", "(a=b"))


def test_lost_in_the_middle():
    asked, _script = session(answer(entry("a"), cookie=b"1"), LDAPSessionTerminatedByServerError("gone"))
    with pytest.raises(tested.SessionLost, match="gone"):
        list(asked.search("DC=x", "(a=b)"))


def values(first, last):
    return [f"CN=u{number}".encode() for number in range(first, last)]


def test_ranges_are_read_to_their_end():
    asked, script = session(
        answer(entry("CN=g", member=[], **{"member;range=0-1499": values(0, 1500)})),
        answer(entry("CN=g", **{"member;range=1500-2999": values(1500, 3000)})),
        answer(entry("CN=g", **{"member;range=3000-*": values(3000, 3001)})),
    )
    (group,) = asked.search("CN=g", "(objectClass=*)", "BASE", ["member"])
    assert len(group.get("member")) == 3001
    assert [call[3] for call in script.calls] == [["member"], ["member;range=1500-*"], ["member;range=3000-*"]]


def test_a_range_that_ends_without_a_star_does_not_loop():
    asked, _script = session(answer(entry("CN=g", **{"member;range=0-1499": values(0, 1500)})), answer(entry("CN=g")))
    (group,) = asked.search("CN=g", "(objectClass=*)", "BASE", ["member"])
    assert len(group.get("member")) == 1500


def test_plain_values():
    asked, _script = session(answer(entry("CN=g", member=values(0, 2), objectClass=[b"top", b"group"])))
    (group,) = asked.search("CN=g", "(objectClass=*)", "BASE", ["member"])
    assert group.get("MEMBER") == ["CN=u0", "CN=u1"]
    assert group.first("objectclass") == "top"
    assert group.first("mail") == ""


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("anna@corp.test", "anna@corp.test"), ("a*b", "a\\2ab"), ("(x)", "\\28x\\29"), ("a\\b", "a\\5cb"), ("é", "é")],
)
def test_escape_filter(value, escaped):
    assert tested.escape_filter(value) == escaped


def test_connection_options():
    """No referrals, verified TLS, simple bind, read only."""
    asked = tested.Session("dc1.corp.test", 636, "ldaps", "/nowhere/ca.pem", 7, 120)
    try:
        connection = asked._open("CN=x", "secret")
    except Exception as error:  # ldap3 looks whether the file exists
        assert "CA" in str(error) or "certificate" in str(error)
        asked = tested.Session("dc1.corp.test", 636, "ldaps", None, 7, 120)
        connection = asked._open("CN=x", "secret")
    assert connection.auto_referrals is False
    assert connection.read_only is True
    assert connection.authentication == ldap3.SIMPLE
    assert connection.server.ssl is True
    assert connection.server.connect_timeout == 7
    assert connection.receive_timeout == 7


@pytest.mark.parametrize(
    "base",
    [
        "OU=Company, DC=corp, DC=test",
        "CN=Chat\\, Users,DC=corp,DC=test",
        "CN=\\#chat,DC=corp,DC=test",
        "OU=Группы,DC=corp,DC=test",
        "CN=Users \\+ more,DC=corp,DC=test",
        "nonsense",
        "",
    ],
)
def test_names_are_sent_as_they_were_given(base):
    """What is no name in the eyes of ldap3 may be one in those of the server, which says so in its own words."""
    asked = tested.Session("dc1.corp.test", 636, "ldaps", None, 5, 120)
    asked._connection = asked._open("CN=x", "secret")
    sent = []

    def send(_kind, request, _controls):
        sent.append(bytes(request["baseObject"]).decode())
        raise LDAPSessionTerminatedByServerError("seen enough")

    asked._connection.send = send
    with pytest.raises(tested.SessionLost, match="seen enough"):
        list(asked.search(base, "(objectClass=*)", "BASE"))
    assert sent == [base]


@pytest.mark.parametrize("password", ["pass-№1", "m² µ", "Пароль-1", "a\u00a0b"])
def test_the_password_is_sent_as_it_was_given(password):
    """The sign № is on every Russian keyboard."""
    asked = tested.Session("dc1.corp.test", 636, "ldaps", None, 5, 120)
    asked._connection = asked._open("CN=x", password)
    asked._connection.open = lambda **_options: None
    sent = []

    def send(_kind, request, _controls):
        sent.append(bytes(request["authentication"]["simple"]))
        raise LDAPSessionTerminatedByServerError("seen enough")

    asked._connection.send = send
    with pytest.raises(tested.SessionLost, match="seen enough"):
        asked.bind("CN=x", password)
    assert sent == [password.encode()]


def test_anonymous_without_encryption():
    connection = tested.Session("dc1.corp.test", 389, "none", None, 5, 120)._open(None, None)
    assert connection.authentication == ldap3.ANONYMOUS
    assert connection.server.ssl is False


def test_mock_strategy_of_ldap3():
    """The same code on ldap3's own in-memory server."""
    server = ldap3.Server("mock", get_info=ldap3.NONE)
    connection = ldap3.Connection(server, "cn=chat,dc=test", "secret", client_strategy=ldap3.MOCK_SYNC)
    connection.strategy.add_entry("cn=chat,dc=test", {"userPassword": "secret", "sn": "chat", "objectClass": "person"})
    connection.strategy.add_entry("cn=anna,dc=test", {"mail": "anna@corp.test", "objectClass": "person"})
    asked = tested.Session("mock", 389, "none", None, 5, 120, connection=connection)
    assert asked.bind("cn=chat,dc=test", "secret").code == 0
    found = list(asked.search("dc=test", "(mail=ANNA@corp.test)", attributes=["mail"]))
    assert [item.first("mail") for item in found] == ["anna@corp.test"]
