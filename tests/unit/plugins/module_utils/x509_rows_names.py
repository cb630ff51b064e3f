# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names: DNS names, wildcards, addresses, SRV-ID and xmppAddr, international names, products."""

from __future__ import annotations

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import CHAT, NOT_LOOKED_AT, Row, simple

XMPP = {"profile": "xmpp", "xmpp_domains": ("corp.test",)}
ONLY_DNS = "it was asked for a DNS name, which is not there; an XMPP client may also take the other kind: a warning"
PARTS = "it still takes a wildcard within a label; RFC 9525 6.3 forbids that, and Python and cryptography do"
WIDE = "it takes a wildcard right above a top-level name; OpenSSL and browsers do not"
LINK = ("chats.example.test", "chats-gateway.example.test", "chats-storage.example.test")

ROWS = [
    Row(
        "another name",
        simple,
        {"dns": ("mail.corp.test",)},
        {
            "certificate.names": (
                "fail",
                "mail.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.corp.test",
                "Have a certificate issued that names mail.corp.test, too.",
            ),
        },
    ),
    Row(
        "one name of three is missing",
        lambda: simple(dns=LINK[:2]),
        {"dns": LINK},
        {
            "certificate.names": (
                "fail",
                "chats-storage.example.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): "
                "chats.example.test, chats-gateway.example.test",
                "Have a certificate issued that names chats-storage.example.test, too.",
            ),
        },
    ),
    Row("three names of a product", lambda: simple(dns=LINK), {"dns": LINK}, {}),
    Row("three names by a wildcard", lambda: simple(dns=["*.example.test"]), {"dns": LINK}, {}),
    Row(
        "upper and lower case, trailing dot", lambda: simple(dns=["CHAT.Corp.test"]), {"dns": ("chat.CORP.test.",)}, {}
    ),
    Row("wildcard for a name below", lambda: simple(dns=["*.corp.test"]), CHAT, {}),
    Row(
        "wildcard for the domain itself",
        lambda: simple(dns=["*.corp.test"]),
        {"dns": ("corp.test",)},
        {
            "certificate.names": (
                "fail",
                "corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): *.corp.test",
                "*.corp.test does not cover corp.test itself. Have a certificate issued that names corp.test, too.",
            ),
        },
    ),
    Row(
        "wildcard for two labels",
        lambda: simple(dns=["*.corp.test"]),
        {"dns": ("a.chat.corp.test",)},
        {
            "certificate.names": (
                "fail",
                "a.chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): *.corp.test",
                "*.corp.test stands for one label only. Have a certificate issued that names a.chat.corp.test, too.",
            ),
        },
    ),
    Row("wildcard that is wanted as such", lambda: simple(dns=["*.corp.test"]), {"dns": ("*.corp.test",)}, {}),
    Row(
        "part of a label as wildcard",
        lambda: simple(dns=["ch*.corp.test"]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): "
                "ch*.corp.test; ch*.corp.test: a wildcard must be the whole leftmost label",
                "Have a certificate issued that names chat.corp.test, too. Verifiers pass over such a name. "
                "Leave it out of the next one.",
            ),
        },
        openssl=("", PARTS),
    ),
    Row(
        "wildcard within",
        lambda: simple(dns=["chat.*.test"]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.*.test; "
                "chat.*.test: a wildcard must be the whole leftmost label",
                "Have a certificate issued that names chat.corp.test, too. Verifiers pass over such a name. "
                "Leave it out of the next one.",
            ),
        },
    ),
    Row(
        "wildcard above everything",
        lambda: simple(dns=["*.test"]),
        {"dns": ("chat.test",)},
        {
            "certificate.names": (
                "fail",
                "chat.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): *.test; *.test: a "
                "wildcard right above a top-level name matches nothing",
                "*.test stands for one label only. Have a certificate issued that names chat.test, too. "
                "Verifiers pass over such a name. Leave it out of the next one.",
            ),
        },
        library=("", WIDE),
    ),
    Row(
        "SAN with a trailing dot",
        lambda: simple(dns=["chat.corp.test."]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): "
                "chat.corp.test.; chat.corp.test. ends in a dot",
                "Have a certificate issued that names chat.corp.test, too. Verifiers pass over such a name. "
                "Leave it out of the next one.",
            ),
        },
    ),
    Row(
        "underscore beside a good name",
        lambda: simple(dns=["chat.corp.test", "_x.corp.test"]),
        CHAT,
        {
            "certificate.names": (
                "warn",
                "_x.corp.test has an underscore, which no host name has",
                "Verifiers pass over such a name. Leave it out of the next one.",
            ),
        },
    ),
    Row("address", lambda: simple(ip=["10.203.0.20"]), {"ip": ("10.203.0.20",)}, {}),
    Row("address of version 6", lambda: simple(ip=["fd00::20"]), {"ip": ("FD00:0:0::0020",)}, {}),
    Row(
        "address as DNS name",
        lambda: simple(dns=["10.203.0.20"]),
        {"ip": ("10.203.0.20",)},
        {
            "certificate.names": (
                "fail",
                "IP 10.203.0.20 not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): 10.203.0.20; "
                "10.203.0.20 is an address that is written as a DNS name",
                "An address must be an iPAddress; written as a DNS name it matches nothing. Have a "
                "certificate issued that names IP 10.203.0.20, too. Verifiers pass over such a name. Leave "
                "it out of the next one.",
            ),
        },
    ),
    Row(
        "another address",
        lambda: simple(ip=["10.203.0.21"]),
        {"ip": ("10.203.0.20",)},
        {
            "certificate.names": (
                "fail",
                "IP 10.203.0.20 not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): "
                "chat.corp.test, IP 10.203.0.21",
                "Have a certificate issued that names IP 10.203.0.20, too.",
            ),
        },
    ),
    Row("address among the wanted names", lambda: simple(ip=["10.203.0.20"]), {"dns": ("10.203.0.20",)}, {}),
    Row(
        "CN only",
        lambda: simple(dns=[]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): no name",
                "It has a common name only, which no verifier takes for a host's name any more (RFC 9525 "
                "6.3). Have a certificate issued that names chat.corp.test, too.",
            ),
        },
        openssl=("", "it still takes a CN for a host's name; nobody else does"),
    ),
    Row(
        "no name at all",
        lambda: simple(name="Chat", dns=[]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=Chat (Chat.pem): no name",
                "It has a common name only, which no verifier takes for a host's name any more (RFC 9525 "
                "6.3). Have a certificate issued that names chat.corp.test, too.",
            ),
        },
    ),
    Row(
        "CN is not looked at beside a SAN",
        lambda: simple(dns=["other.corp.test"]),
        CHAT,
        {
            "certificate.names": (
                "fail",
                "chat.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): other.corp.test",
                "Have a certificate issued that names chat.corp.test, too.",
            ),
        },
    ),
    Row("empty subject, critical SAN", lambda: simple(name="", dns=["chat.corp.test"]), CHAT, {}),
    Row(
        "international name, wanted as typed", lambda: simple(dns=["xn--bcher-kva.test"]), {"dns": ("Bücher.test",)}, {}
    ),
    Row("international name, wildcard", lambda: simple(dns=["*.corp.test"]), {"dns": ("bücher.corp.test",)}, {}),
    Row(
        "international name, not covered",
        simple,
        {"dns": ("bücher.test",)},
        {
            "certificate.names": (
                "fail",
                "xn--bcher-kva.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.corp.test",
                "Have a certificate issued that names xn--bcher-kva.test, too.",
            ),
        },
    ),
    Row("xmpp: domain by DNS name", lambda: simple(dns=["corp.test", "chat.corp.test"]), XMPP | CHAT, {}),
    Row(
        "xmpp: only the host of the SRV record",
        simple,
        XMPP,
        {
            "certificate.names": (
                "fail",
                "corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.corp.test",
                "Clients compare with the domain of the JID, not with the host in the SRV record (RFC 6120 "
                "13.7). Have a certificate issued that names corp.test, too.",
            ),
        },
    ),
    Row(
        "xmpp: SRV-ID",
        lambda: simple(srv=["_xmpp-client.corp.test", "_xmpp-server.corp.test"]),
        XMPP,
        {
            "certificate.names": (
                "warn",
                "corp.test is covered by SRV-ID only",
                "Most clients look for a DNS name: have the domain added to the certificate as dNSName.",
            ),
        },
        openssl=("hostname mismatch", ONLY_DNS),
        library=("leaf certificate has no matching subjectAltName", ONLY_DNS),
    ),
    Row(
        "xmpp: SRV-ID of servers only",
        lambda: simple(srv=["_xmpp-server.corp.test"]),
        XMPP,
        {
            "certificate.names": (
                "fail",
                "corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.corp.test, "
                "SRV-ID _xmpp-server.corp.test",
                "Clients compare with the domain of the JID, not with the host in the SRV record (RFC 6120 "
                "13.7). Have a certificate issued that names corp.test, too.",
            ),
        },
    ),
    Row(
        "xmpp: xmppAddr",
        lambda: simple(xmpp=["corp.test"]),
        XMPP,
        {
            "certificate.names": (
                "warn",
                "corp.test is covered by xmppAddr only",
                "Most clients look for a DNS name: have the domain added to the certificate as dNSName.",
            ),
        },
        openssl=("hostname mismatch", ONLY_DNS),
        library=("leaf certificate has no matching subjectAltName", ONLY_DNS),
    ),
    Row(
        "xmpp: all kinds",
        lambda: simple(dns=["corp.test"], srv=["_xmpp-client.corp.test"], xmpp=["corp.test"]),
        XMPP,
        {},
    ),
    Row(
        "xmpp: conference by a wildcard",
        lambda: simple(dns=["corp.test", "*.corp.test"]),
        {"profile": "xmpp", "xmpp_domains": ("corp.test", "conference.corp.test")},
        {},
    ),
    Row(
        "nothing wanted, nothing named",
        lambda: simple(dns=[]),
        {},
        {
            "certificate.names": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has no subjectAltName",
                "Nobody takes the common name for a host's name any more (RFC 9525). Request it anew with a "
                "subjectAltName.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "accepted by the task",
        simple,
        {"dns": ("mail.corp.test",), "accept": ("certificate.names",)},
        {
            "certificate.names": (
                "warn",
                "mail.corp.test not covered by the leaf CN=chat.corp.test (chat.corp.test.pem): chat.corp.test",
                "Accepted by the task. Have a certificate issued that names mail.corp.test, too.",
            ),
        },
        openssl=("hostname mismatch", "the task accepts it"),
        library=("leaf certificate has no matching subjectAltName", "the task accepts it"),
    ),
]
