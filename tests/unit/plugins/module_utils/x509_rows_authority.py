# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authorities: basic constraints, key usage, name constraints; a leaf that is one."""

from __future__ import annotations

import ipaddress

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    CHAT,
    NOT_BUILT,
    STRICT,
    Row,
    simple,
    tiers,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    SERVER,
    SRV_NAME,
    constraints,
    dn,
)

IN_SUBJECT = "it does not look at addresses in the subject; RFC 5280 4.2.1.10 asks for it"
BY_SUFFIX = "it compares the wildcard as text, not the name that it stands for"
CA_AS_LEAF = "it takes a CA's certificate for a server's, when its key usage and purposes allow it"


MAILED = x509.Name(
    [
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "chat.corp.test"),
        x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "a@other.test"),
    ]
)


def _named(permitted=None, excluded=None, **leaf):
    return tiers(issuing={"named": constraints(permitted, excluded)}, leaf=leaf)


def _dns(*names):
    return [x509.DNSName(name) for name in names]


def _net(text):
    return [x509.IPAddress(ipaddress.ip_network(text))]


ROWS = [
    Row(
        "intermediate is no CA",
        lambda: tiers(issuing={"ca": False}),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) is no CA's (no CA:TRUE), but signed another; the "
                "intermediate CN=Issuing (Issuing.pem) lacks the key usage keyCertSign, but signed another",
                "Nobody trusts what it signs. Ask the CA for the intermediate certificate that belongs to this leaf.",
            ),
        },
    ),
    Row(
        "intermediate without basic constraints",
        lambda: tiers(issuing={"ca": None, "purposes": None}),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) is no CA's (no CA:TRUE), but signed another; the "
                "intermediate CN=Issuing (Issuing.pem) lacks the key usage keyCertSign, but signed another",
                "Nobody trusts what it signs. Ask the CA for the intermediate certificate that belongs to this leaf.",
            ),
        },
    ),
    Row(
        "root without basic constraints",
        lambda: tiers(root={"ca": None, "purposes": None, "usage": None}),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the root CN=Root (Root.pem) is no CA's (no CA:TRUE), but signed another",
                "Nobody trusts what it signs. Ask the CA for the intermediate certificate that belongs to this leaf.",
            ),
            "certificate.strict": (
                "warn",
                "the root CN=Root (Root.pem): no key usage",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
    ),
    Row(
        "root of version 1",
        lambda: tiers(root={"version": 1}),
        CHAT,
        {
            "certificate.authority": (
                "warn",
                "the root CN=Root (Root.pem) does not say that it is a CA's (version 1)",
                "Some clients take such an old root when it is trusted, others do not. The CA should renew its root.",
            ),
            "certificate.strict": (
                "warn",
                "the root CN=Root (Root.pem): version v1 instead of v3; the root CN=Root (Root.pem): no key "
                "usage; the root CN=Root (Root.pem): no subject key identifier",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("invalid CA certificate", STRICT),
        library=("certificate must be an X509v3 certificate", STRICT),
    ),
    Row(
        "intermediate may not sign",
        lambda: tiers(issuing={"usage": ("crl_sign",)}),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) lacks the key usage keyCertSign, but signed another",
                "Nobody trusts what it signs. Ask the CA for the intermediate certificate that belongs to this leaf.",
            ),
        },
    ),
    Row(
        "root may not sign",
        lambda: tiers(root={"usage": ("crl_sign",)}),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the root CN=Root (Root.pem) lacks the key usage keyCertSign, but signed another",
                "Nobody trusts what it signs. Ask the CA for the intermediate certificate that belongs to this leaf.",
            ),
        },
    ),
    Row(
        "leaf is a CA",
        lambda: simple(ca=True, usage=("digital_signature", "key_cert_sign"), purposes=(SERVER,)),
        CHAT,
        {
            "certificate.leaf": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is a CA's (CA:TRUE)",
                "Was the CA's own certificate installed, or one made by a quick guide? Have a certificate "
                "for servers issued.",
            ),
        },
        openssl=("", CA_AS_LEAF),
    ),
    Row(
        "leaf may sign certificates",
        lambda: simple(usage=("digital_signature", "key_cert_sign")),
        CHAT,
        {
            "certificate.leaf": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) may sign certificates (keyCertSign), but is no CA's",
                "Was the CA's own certificate installed, or one made by a quick guide? Have a certificate "
                "for servers issued.",
            ),
        },
    ),
    Row("name within the constraints", lambda: _named(_dns("corp.test")), CHAT, {}),
    Row(
        "name outside of the constraints",
        lambda: _named(_dns("other.test", "third.test")),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: chat.corp.test is not "
                "within other.test, third.test",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
    ),
    Row(
        "name excluded",
        lambda: _named(None, _dns("chat.corp.test")),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: chat.corp.test is excluded "
                "(subtree chat.corp.test)",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
    ),
    Row(
        "name excluded behind a wildcard",
        lambda: _named(None, _dns("chat.corp.test"), dns=["*.corp.test"]),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: chat.corp.test is excluded "
                "(subtree chat.corp.test)",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
        openssl=("", BY_SUFFIX),
    ),
    Row(
        "constraint that permits everything",
        lambda: _named(_dns("")),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): a DNS name constraint that is empty",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("malformed DNS name constraint", NOT_BUILT),
    ),
    Row(
        "constraint with a dot in front",
        lambda: _named(_dns(".corp.test")),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): a DNS name constraint that begins with a dot",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("malformed DNS name constraint: .corp.test", NOT_BUILT),
    ),
    Row(
        "address within the constraints",
        lambda: _named(_net("10.203.0.0/24"), ip=["10.203.0.20"]),
        {"ip": ("10.203.0.20",)},
        {},
    ),
    Row(
        "address outside of the constraints",
        lambda: _named(_net("10.204.0.0/24"), ip=["10.203.0.20"]),
        {"ip": ("10.203.0.20",)},
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: 10.203.0.20 is not within "
                "10.204.0.0/24",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
    ),
    Row(
        "subject within the constraints",
        lambda: _named([x509.DirectoryName(dn("O=Corp"))], name="CN=chat,O=CORP"),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): name constraints of another kind than DNS, IP and e-mail",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=(
            "fatal error: critical nameConstraints extension contains an unsupported directoryName constraint",
            NOT_BUILT,
        ),
    ),
    Row(
        "subject outside of the constraints",
        lambda: _named([x509.DirectoryName(dn("O=Corp"))]),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: CN=chat.corp.test is not "
                "within O=Corp",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): name constraints of another kind than DNS, IP and e-mail",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
    ),
    Row(
        "e-mail within the constraints", lambda: _named([x509.RFC822Name("corp.test")], email=["a@corp.test"]), CHAT, {}
    ),
    Row(
        "e-mail outside of the constraints",
        lambda: _named([x509.RFC822Name("corp.test")], email=["a@x.corp.test"]),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: a@x.corp.test is not within corp.test",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
    ),
    Row(
        "constraint that nobody can tell",
        lambda: _named([x509.OtherName(SRV_NAME, b"\x16\x01a")], srv=["_xmpp-client.corp.test"]),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: constraints on OtherName "
                "cannot be told, and CN=chat.corp.test has such names",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
    ),
    Row(
        "e-mail in the subject outside of the constraints",
        lambda: _named([x509.RFC822Name("corp.test")], name=MAILED),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has name constraints: a@other.test is not within corp.test",
                "This CA may not certify that name. Ask for a certificate from one that may, or leave the name out.",
            ),
        },
        library=("", IN_SUBJECT),
    ),
]
