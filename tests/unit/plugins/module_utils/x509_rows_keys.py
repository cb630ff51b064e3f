# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, signatures and time."""

from __future__ import annotations

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    CHAT,
    NO_BOUND_FOR_LEAVES,
    WEAK,
    Row,
    bundle,
    company,
    good_leaf,
    simple,
    tiers,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import make

NOT_THE_AIM = "it follows the signatures, and takes identifiers of keys for hints"
STRICTER = "only verifiers of the CA/Browser Forum's profile refuse the kind of key: a warning"
CHOSEN = "the task asks for more than others do"


def _broken():
    return bundle(good_leaf(signer=make("Forger", ca=True)), company()[1])


def _old_root(digest):
    return tiers(root={"kind": "rsa2048", "digest": digest})


ROWS = [
    Row(
        "RSA 1024",
        lambda: simple(kind="rsa1024"),
        CHAT,
        {
            "certificate.key.strength": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has RSA 1024; 2048 bits are the least",
                "Anybody may break it. Make a new key and have it certified.",
            ),
        },
        openssl=("", WEAK),
        library=("", NO_BOUND_FOR_LEAVES),
    ),
    Row("RSA 2048", lambda: simple(kind="rsa2048"), CHAT, {}),
    Row(
        "RSA 2048, 3072 wanted",
        lambda: simple(kind="rsa2048"),
        CHAT | {"min_rsa": 3072},
        {
            "certificate.key.strength": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has RSA 2048; 3072 bits are the least",
                "Anybody may break it. Make a new key and have it certified.",
            ),
        },
        openssl=("", CHOSEN),
        library=("", CHOSEN),
    ),
    Row(
        "intermediate with RSA 1024",
        lambda: tiers(issuing={"kind": "rsa1024"}),
        CHAT,
        {
            "certificate.key.strength": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has RSA 1024; 2048 bits are the least",
                "Anybody may break it. The CA must renew its key.",
            ),
        },
        openssl=("", WEAK),
    ),
    Row("P-384", lambda: simple(kind="p384", digest="sha384"), CHAT, {}),
    Row("P-521", lambda: simple(kind="p521"), CHAT, {}),
    Row(
        "P-224",
        lambda: simple(kind="p224"),
        CHAT,
        {
            "certificate.key.strength": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has secp224r1; 256 bits are the least",
                "P-256 is what everybody takes. Make a new key and have it certified.",
            ),
        },
        openssl=("", WEAK),
        library=("", NO_BOUND_FOR_LEAVES),
    ),
    Row(
        "another curve of 256 bits",
        lambda: simple(kind="k256"),
        CHAT,
        {
            "certificate.key.strength": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the curve secp256k1",
                "Browsers, Windows and Java refuse it. P-256 is what everybody takes. Make a new key and "
                "have it certified.",
            ),
        },
    ),
    Row(
        "Ed25519",
        lambda: simple(kind="ed25519"),
        CHAT,
        {
            "certificate.key.strength": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has Ed25519",
                "Browsers and Windows refuse it. Use RSA 2048 or P-256. Make a new key and have it certified.",
            ),
        },
    ),
    Row("Ed25519, the product takes it", lambda: simple(kind="ed25519"), CHAT | {"keys": ("rsa", "ec", "ed25519")}, {}),
    Row(
        "DSA",
        lambda: simple(kind="dsa"),
        CHAT,
        {
            "certificate.key.strength": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has DSA 2048",
                "Wanted: rsa, ec. Make a new key and have it certified.",
            ),
        },
        openssl=("", WEAK),
        library=("", NO_BOUND_FOR_LEAVES),
    ),
    Row(
        "intermediate with Ed25519",
        lambda: tiers(issuing={"kind": "ed25519"}),
        CHAT,
        {
            "certificate.key.strength": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem) has Ed25519",
                "Browsers and Windows refuse it. Use RSA 2048 or P-256. The CA must renew its key.",
            ),
        },
        library=("Forbidden public key algorithm", STRICTER),
    ),
    Row(
        "leaf signed with SHA-1",
        lambda: simple(digest="sha1"),
        CHAT,
        {
            "certificate.signature": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is signed with SHA-1",
                "Clients have refused that since 2017. The CA must sign anew, with SHA-256 or better.",
            ),
        },
        openssl=("", WEAK),
    ),
    Row(
        "intermediate signed with SHA-1",
        lambda: tiers(issuing={"digest": "sha1"}),
        CHAT,
        {
            "certificate.signature": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) is signed with SHA-1",
                "Clients have refused that since 2017. The CA must sign anew, with SHA-256 or better.",
            ),
        },
        openssl=("", WEAK),
    ),
    Row(
        "intermediate signed with MD5",
        lambda: tiers(root={"kind": "rsa2048"}, issuing={"digest": "md5"}),
        CHAT,
        {
            "certificate.signature": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) is signed with MD5",
                "Clients have refused that since 2017. The CA must sign anew, with SHA-256 or better.",
            ),
        },
        openssl=("", WEAK),
    ),
    Row("root signed with SHA-1", lambda: _old_root("sha1"), CHAT, {}),
    Row("RSA-PSS", lambda: tiers(issuing={"kind": "rsa2048"}, leaf={"digest": "pss"}), CHAT, {}),
    Row(
        "identifier of another key",
        lambda: simple(authority_id=b"another key of 20 oct"),
        CHAT,
        {
            "certificate.signature": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) names another key as its signer's than that "
                "of the intermediate CN=Company Issuing (Company Issuing.pem) (authority key identifier)",
                "OpenSSL does not find the issuer then. Did the CA renew its certificate with another "
                "identifier or serial number? Ask it for a leaf that was issued after that.",
            ),
        },
        library=("", NOT_THE_AIM),
    ),
    Row(
        "signature of somebody else",
        _broken,
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) was not signed by the certificate "
                "CN=Company Issuing (Company Issuing.pem): same name, another key",
                "Did the CA renew its key, or is it another CA of the same name? Ask for the certificate of "
                "the one that signed it.",
            ),
            "certificate.chain.extra": (
                "warn",
                "the certificate CN=Company Issuing (Company Issuing.pem) is an authority of another chain",
                "Leave it out.",
            ),
        },
    ),
    Row(
        "leaf expired",
        lambda: simple(end=-1),
        CHAT,
        {
            "certificate.validity": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) expired on 2026-06-14 12:00 UTC",
                "Have it renewed by its CA and install the new one.",
            ),
        },
    ),
    Row(
        "intermediate expired",
        lambda: tiers(issuing={"end": -1}),
        CHAT,
        {
            "certificate.validity": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) expired on 2026-06-14 12:00 UTC",
                "Ask the CA for a leaf and intermediates that are valid.",
            ),
        },
    ),
    Row(
        "root expired",
        lambda: tiers(root={"end": -1}),
        CHAT,
        {
            "certificate.validity": (
                "fail",
                "the root CN=Root (Root.pem) expired on 2026-06-14 12:00 UTC",
                "Ask the CA for a leaf and intermediates that are valid.",
            ),
        },
    ),
    Row("leaf outlives its issuer", lambda: tiers(issuing={"end": 100}), CHAT, {}),
    Row(
        "leaf expires soon",
        lambda: simple(end=10.5),
        CHAT,
        {
            "certificate.validity": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) expires on 2026-06-26 00:00 UTC, in 10 days",
                "Have it renewed by its CA and install the new one.",
            ),
        },
    ),
    Row(
        "root expires soon",
        lambda: tiers(root={"end": 20}),
        CHAT,
        {
            "certificate.validity": (
                "warn",
                "the root CN=Root (Root.pem) expires on 2026-07-05 12:00 UTC, in 20 days",
                "Ask the CA for its new certificate, and roll it out in time.",
            ),
        },
    ),
    Row("leaf expires soon, that is enough", lambda: simple(end=10), CHAT | {"days": 7}, {}),
    Row(
        "not valid yet",
        lambda: simple(start=1),
        CHAT,
        {
            "certificate.not_before": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is not valid before 2026-06-16 12:00 UTC; "
                "now it is 2026-06-15 12:00 UTC",
                "Is the clock of this host or of the CA wrong? Otherwise wait until then.",
            ),
        },
    ),
    Row(
        "not valid yet, by a slow clock",
        lambda: simple(start=-1 / 1440),
        CHAT,
        {
            "certificate.not_before": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has been valid for 60 seconds only",
                "Clients whose clocks are slow refuse it; from 2026-06-15 12:04 UTC on those do not that are "
                "300 seconds slow.",
            ),
        },
    ),
    Row(
        "intermediate not valid yet",
        lambda: tiers(issuing={"start": 2}),
        CHAT,
        {
            "certificate.not_before": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) is not valid before 2026-06-17 12:00 UTC; now it "
                "is 2026-06-15 12:00 UTC",
                "Is the clock of this host or of the CA wrong? Otherwise wait until then.",
            ),
        },
    ),
]
