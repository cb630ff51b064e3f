# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Purposes: key usage of the leaf, extended key usage of leaf and authorities."""

from __future__ import annotations

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import CHAT, Row, simple, tiers
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import ANY, CLIENT, SERVER

NO_KU_BITS = "it does not ask for digitalSignature, which every key exchange of today needs with this key"
ONE_PURPOSE = "it was asked for servers only"
NOT_NESTED = "it takes anyExtendedKeyUsage of a CA for all purposes; OpenSSL does not"
TWO = ("server", "client")

ROWS = [
    Row("leaf without key usage", lambda: simple(usage=None), CHAT, {}),
    Row(
        "RSA leaf for key encipherment only",
        lambda: simple(kind="rsa2048", usage=("key_encipherment",)),
        CHAT,
        {
            "certificate.usage": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) lacks the key usage digitalSignature",
                "TLS 1.3 is impossible with it. Have a certificate issued with the key usage digitalSignature.",
            ),
        },
    ),
    Row(
        "EC leaf for key encipherment only",
        lambda: simple(usage=("key_encipherment",)),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) lacks the key usage digitalSignature",
                "No TLS server can use it. Have a certificate issued with the key usage digitalSignature.",
            ),
        },
        openssl=("", NO_KU_BITS),
        library=("", NO_KU_BITS),
    ),
    Row(
        "leaf for CRLs only",
        lambda: simple(usage=("crl_sign",)),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) lacks the key usage digitalSignature",
                "No TLS server can use it. Have a certificate issued with the key usage digitalSignature.",
            ),
        },
        library=("", NO_KU_BITS),
    ),
    Row("no extended key usage", lambda: simple(purposes=None), CHAT, {}),
    Row(
        "clients only",
        lambda: simple(purposes=(CLIENT,)),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is for clientAuth, not for serverAuth",
                "Was it made with a template for users or computers? Have a certificate issued with the "
                "extended key usage serverAuth.",
            ),
        },
    ),
    Row(
        "any purpose only",
        lambda: simple(purposes=(ANY,)),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is for anyExtendedKeyUsage, not for serverAuth",
                "anyExtendedKeyUsage does not stand for it: OpenSSL and browsers want serverAuth itself. "
                "Have a certificate issued with the extended key usage serverAuth.",
            ),
        },
    ),
    Row("any purpose and servers", lambda: simple(purposes=(ANY, SERVER)), CHAT, {}),
    Row(
        "servers and clients, both wanted",
        lambda: simple(purposes=(SERVER, CLIENT)),
        CHAT | {"purposes": TWO},
        {},
    ),
    Row(
        "servers only, both wanted",
        simple,
        CHAT | {"purposes": TWO},
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is for serverAuth, not for clientAuth",
                "Servers that log in to other servers with their certificate need it; public CAs no longer "
                "give it. Is dialback enough? Have a certificate issued with the extended key usage "
                "clientAuth.",
            ),
        },
        openssl=("", ONE_PURPOSE),
        library=("", ONE_PURPOSE),
    ),
    Row(
        "intermediate for clients only",
        lambda: tiers(issuing={"purposes": (CLIENT,)}),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) may certify for clientAuth only",
                "Was the certificate issued by a CA for another purpose? Ask for one from a CA for servers.",
            ),
        },
    ),
    Row(
        "intermediate for any purpose",
        lambda: tiers(issuing={"purposes": (ANY,)}),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) may certify for anyExtendedKeyUsage only",
                "Was the certificate issued by a CA for another purpose? Ask for one from a CA for servers.",
            ),
        },
        library=("", NOT_NESTED),
    ),
    Row(
        "root for clients only",
        lambda: tiers(root={"purposes": (CLIENT,)}),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the root CN=Root (Root.pem) may certify for clientAuth only",
                "Was the certificate issued by a CA for another purpose? Ask for one from a CA for servers.",
            ),
        },
    ),
]
