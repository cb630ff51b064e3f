# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""URLs as people write them, and what is said of those that are none."""

from __future__ import annotations

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._web import url
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import InputError


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authority"),
    [
        ("https://chat.corp.test", "chat.corp.test", 443, "/", "chat.corp.test"),
        ("HTTPS://Chat.Corp.Test./chats/", "chat.corp.test", 443, "/chats/", "chat.corp.test"),
        ("http://chat.corp.test:8080/a?b=c&d=%20#part", "chat.corp.test", 8080, "/a?b=c&d=%20", "chat.corp.test:8080"),
        ("https://chat.corp.test:443/", "chat.corp.test", 443, "/", "chat.corp.test"),
        ("http://chat.corp.test:443/", "chat.corp.test", 443, "/", "chat.corp.test:443"),
        ("https://chat.corp.test?x=1", "chat.corp.test", 443, "/?x=1", "chat.corp.test"),
        ("https://10.203.0.20/", "10.203.0.20", 443, "/", "10.203.0.20"),
        ("https://[FD00:0::20]:8443/", "fd00::20", 8443, "/", "[fd00::20]:8443"),
        ("https://b\u00fccher.test/stra\u00dfe", "xn--bcher-kva.test", 443, "/stra%C3%9Fe", "xn--bcher-kva.test"),
        ("https://\u0447\u0430\u0442.\u0440\u0444/", "xn--80a0bn.xn--p1ai", 443, "/", "xn--80a0bn.xn--p1ai"),
        ("https://chat.corp.test/@anna/a:b", "chat.corp.test", 443, "/@anna/a:b", "chat.corp.test"),
    ],
)
def test_what_is_asked(text, host, port, target, authority):
    found = url.read(text)
    assert (found.host, found.port, found.target, found.authority) == (host, port, target, authority)
    assert found.tls is text.lower().startswith("https:")


def test_a_query_is_not_shown():
    assert str(url.read("https://chat.corp.test/a?token=secret#b")) == "https://chat.corp.test/a?..."


WHOLE = "Give the whole URL, for example https://chat.corp.test/."
SHAPE = "Expected https://HOST[:PORT]/PATH."
NAME = "Give a name as users type it, for example chat.corp.test."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"'' begins with neither https:// nor http://. {WHOLE}"),
        ("chat.corp.test", f"'chat.corp.test' begins with neither https:// nor http://. {WHOLE}"),
        ("ftp://chat.corp.test/", f"'ftp://chat.corp.test/' begins with neither https:// nor http://. {WHOLE}"),
        ("file:///etc/passwd", f"'file:///etc/passwd' begins with neither https:// nor http://. {WHOLE}"),
        ("https://", f"'https://' names no host. {SHAPE}"),
        ("https:///chats/", f"'https:///chats/' names no host. {SHAPE}"),
        ("https://:443/", f"'https://:443/' names no host. {SHAPE}"),
        ("https://a.test:x/", f"'https://a.test:x/' is no URL: host or port cannot be read. {SHAPE}"),
        ("https://a.test:70000/", f"'https://a.test:70000/' is no URL: host or port cannot be read. {SHAPE}"),
        ("https://a.test:0/", "'https://a.test:0/': 0 is no port. Expected 1 to 65535."),
        ("https://[fd00::1/", f"'https://[fd00::1/' is no URL: host or port cannot be read. {SHAPE}"),
        ("https://a b.test/",
         "'https://a b.test/' is no URL: it has a blank or a control character. Write a blank as %20."),
        ("https://a.test/\r\nHost: b.test",
         "'https://a.test/\\r\\nHost: b.test' is no URL: it has a blank or a control character. Write a blank as %20."),
        ("https://a.test\\b", "'https://a.test\\\\b' is no URL: it has a backslash. Separate with slashes."),
        ("https://-a.test/", f"'-a.test' is neither the name of a host nor an IP address. {NAME}"),
        ("https://a..test/", f"'a..test' is neither the name of a host nor an IP address. {NAME}"),
        ("https://127.1/", f"'127.1' is neither the name of a host nor an IP address. {NAME}"),
        ("https://*.corp.test/", f"'*.corp.test' is neither the name of a host nor an IP address. {NAME}"),
        ("https://stra\u00dfe.test/",
         "'stra\u00dfe.test': its letters are translated in different ways. Give the name as the DNS has it (xn--...)."),
        ("https://[fe80::1%eth0]/",
         "'fe80::1%eth0' has the zone of a network interface, which no server knows. Give it in connect_to, and the server's "
         "name in the URL."),
    ],
)  # fmt: skip
def test_what_is_no_url(text, message):
    with pytest.raises(InputError) as error:
        url.read(text)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "https://anna:canary@a.test/",
        "https://canary@a.test/",
        "https://anna:canary@canary@a.test/",
        "https://anna:canary/x@a.test/",
        "https://anna:canary//x@a.test/",
        "https://anna:canary#x@a.test/",
        "https://anna:canary?x@a.test/",
        "anna:canary@a.test",
        "https://anna:can ary@a.test/",
        "https://anna:ca\\nary@a.test/",
    ],
)
def test_no_letter_of_a_password_is_repeated(text):
    with pytest.raises(InputError) as error:
        url.read(text)
    assert "ary" not in str(error.value)


def test_a_password_in_the_url_is_named_as_such():
    with pytest.raises(InputError) as error:
        url.read("https://anna:canary@a.test/")
    assert str(error.value) == (
        "a URL for a.test has a user name or password in it. This module logs in nowhere: give the URL without what stands "
        "before the @."
    )


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/login", "/login"),
        ("https://sso.corp.test/?state=secret", "https://sso.corp.test/?..."),
        ("https://sso.corp.test/#token=secret", "https://sso.corp.test/#..."),
        ("//anna:secret@b.test/x", "//...@b.test/x"),
        ("https://b.test/@anna", "https://b.test/@anna"),
        ("https://b.test:8443/@anna", "https://b.test:8443/@anna"),
        ("https://[fd00::1]/@anna?x", "https://[fd00::1]/@anna?..."),
        ("/@anna", "/@anna"),
        ("login", "login"),
        ("", ""),
        ("u:p@h/x;jsessionid=SECRET", "...@h/x;..."),
        ("u:p@h/x", "...@h/x"),
        ("/x;jsessionid=SECRET?a=b", "/x;..."),
        ("https://b.test/x;jsessionid=SECRET", "https://b.test/x;..."),
        ("https://anna:sec;ret@b.test/x", "https://...@b.test/x"),
        ("https://anna:sec?ret@b.test/x", "https://...@b.test/x"),
        ("https://anna:sec/ret@b.test/x", "https://...@b.test/x"),
        ("https://anna:12@34@b.test/x", "https://...@b.test/x"),
        ("anna:12/34@b.test/x", "...@b.test/x"),
        ("https:anna:secret@b.test/x", "https:...@b.test/x"),
        ("///anna:secret@b.test/x", "///...@b.test/x"),
        ("\\\\anna:secret@b.test\\x", "\\\\...@b.test\\x"),
        ("https:\\\\anna:secret@b.test", "https:\\\\...@b.test"),
        ("//anna@b.test", "//...@b.test"),
    ],
)
def test_targets_of_redirects(target, text):
    assert url.shown(target) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fd00:0::1", "fd00::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("10.0.0.1%eth0", ""),
        ("fe80::1%", "fe80::1"),
        ("a.test", ""),
    ],
)
def test_addresses(text, address):
    assert url.as_address(text) == address
