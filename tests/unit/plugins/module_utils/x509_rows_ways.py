# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who signed whom: forged signatures, names that are equal or only look so, and of several ways the one that is accepted."""

from __future__ import annotations

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    BROWSER_PROFILE,
    CHAT,
    LINK,
    NOT_LOOKED_AT,
    Row,
    bundle,
    simple,
    tiers,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import (
    CLIENT,
    SERVER,
    company,
    constraints,
    dn,
    good_leaf,
    make,
)

ONE_PURPOSE = "it was asked for servers only"
BYTES = "it compares names byte by byte"


def _claimed(digest):
    """A leaf that names the root as its issuer, signed by somebody else with an algorithm that nobody knows."""
    root, stranger = make("Trusted Root", ca=True, kind="rsa2048"), make("Stranger", ca=True, kind="rsa2048")
    return bundle(good_leaf(issuer=root, signer=stranger, digest=digest), anchors=(root,))


def _two_ways(**bad):
    """A lower CA with two certificates; that which lasts longer has a fault."""
    root = make("Ways Root", ca=True)
    good = make("Ways Issuing", root, ca=True, end=400, origin="good.pem")
    other = make("Ways Issuing", root, **({"ca": True, "end": 1500, "origin": "bad.pem"} | bad))
    return bundle(good_leaf(issuer=good), good, anchors=(root,), extra=(other,))


def _renamed(upper: str, lower: str, length: int):
    """A CA that certified its new key under its own name, written in another way."""
    root = make("Renaming Root", ca=True)
    old = make(upper, root, ca=True, pathlen=length, key="old key", origin="old.pem")
    new = make(lower, old, ca=True, key="new key", origin="new.pem")
    return bundle(good_leaf(issuer=new), new, old, anchors=(root,))


def _written(real: str, claimed: str):
    """A leaf that writes the name of its issuer in another way."""
    root = make(f"CN={real}", ca=True, origin="root.pem")
    return bundle(good_leaf(issuer=root, issuer_name=dn(f"CN={claimed}")), anchors=(root,))


def _netscape(bits: int, critical: bool):
    oid = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
    return ((x509.UnrecognizedExtension(oid, b"\x03\x02\x06" + bytes([bits])), critical),)


ADDRESS_BLOCK = bytes.fromhex("300c300a0402000130040302000a")  # IPv4 10.0.0.0/8
RESOURCES = ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.7"), ADDRESS_BLOCK), True),)
UNKNOWN_EXTENSION = ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),)

ROWS = [
    Row(
        "signature of an algorithm that does not exist",
        lambda: _claimed("odd"),
        CHAT,
        {
            "certificate.signature": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): signature algorithm 1.2.840.113549.1.1.99 is unknown here",
                "Most clients will not know it, either.",
            ),
            "certificate.chain.trust": (
                "fail",
                "it cannot be told who signed the leaf CN=chat.corp.test (chat.corp.test.pem), it names the root CN=Trusted "
                "Root (Trusted Root.pem): signature algorithm 1.2.840.113549.1.1.99 does not exist",
                "No CA signs like this: is it a forgery, or damaged? Ask the CA for the certificate.",
            ),
        },
    ),
    Row(
        "signature of an algorithm that nobody knows",
        lambda: _claimed("foreign"),
        CHAT,
        {
            "certificate.signature": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): this Python library cannot verify signature algorithm "
                "1.3.6.1.4.1.99999.1 (it is unknown)",
                "Look yourself: openssl verify -CAfile ROOT -untrusted INTERMEDIATES LEAF",
            ),
            "certificate.chain.trust": (
                "fail",
                "it cannot be told who signed the leaf CN=chat.corp.test (chat.corp.test.pem): its signature cannot be "
                "verified here",
                "Look yourself: openssl verify -CAfile ROOT -untrusted INTERMEDIATES LEAF",
            ),
        },
    ),
    Row("of two ways the one for servers", lambda: _two_ways(purposes=(CLIENT,)), CHAT, {}),
    Row("of two ways the one without an unknown extension", lambda: _two_ways(more=UNKNOWN_EXTENSION), CHAT, {}),
    Row(
        "of two ways the one whose constraints permit",
        lambda: _two_ways(named=constraints([x509.DNSName("other.test")])),
        CHAT,
        {},
    ),
    Row(
        "intermediate for servers only, both wanted",
        lambda: tiers(issuing={"purposes": (SERVER,)}, leaf={"purposes": (SERVER, CLIENT)}),
        CHAT | {"purposes": ("server", "client")},
        {
            "certificate.usage": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) may certify for serverAuth only",
                "Was the certificate issued by a CA for another purpose? Ask for one from a CA for clients.",
            ),
        },
        openssl=("", ONE_PURPOSE),
        library=("", ONE_PURPOSE),
    ),
    Row(
        "intermediate for clients, which is what is wanted",
        lambda: tiers(issuing={"purposes": (CLIENT,)}, leaf={"purposes": (CLIENT,)}),
        CHAT | {"purposes": ("client",)},
        {},
        openssl=("unsuitable certificate purpose", ONE_PURPOSE),
        library=("required EKU not found", ONE_PURPOSE),
    ),
    Row(
        "self-issued, in other letters",
        lambda: _renamed("Renamed CA", "RENAMED  ca", 0),
        CHAT,
        {},
        library=("path length constraint violated", BYTES),
    ),
    Row(
        "not self-issued: other letters than ASCII",
        lambda: _renamed("Ärzte CA", "ärzte CA", 0),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Ärzte CA (old.pem) allows 0 authorities below it (path length), there is 1",
                "Is there an intermediate too many? The CA must issue from one that is allowed to.",
            ),
        },
    ),
    Row(
        "issuer in other letters",
        lambda: _written("Ärzte CA", "Ärzte  ca"),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): its issuer's name is written in another way than in the "
                "root CN=Ärzte CA (root.pem)",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change that when it "
                "renews.",
            ),
        },
        library=("all candidates exhausted", BYTES),
    ),
    Row(
        "issuer in other letters than ASCII",
        lambda: _written("Ärzte CA", "ärzte CA"),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the leaf CN=chat.corp.test (chat.corp.test.pem) is missing: CN=ärzte CA",
                "Add the intermediate certificate that the CA delivers with it.",
            ),
        },
    ),
    Row(
        "issuer with a sharp s",
        lambda: _written("Strasse", "Straße"),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the leaf CN=chat.corp.test (chat.corp.test.pem) is missing: CN=Straße",
                "Add the intermediate certificate that the CA delivers with it.",
            ),
        },
    ),
    Row(
        "Netscape certificate type for servers",
        lambda: simple(more=_netscape(0x40, True)),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): critical Netscape certificate type",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change that when it "
                "renews.",
            ),
        },
        library=("unaccounted-for critical extensions", BROWSER_PROFILE),
    ),
    Row(
        "Netscape certificate type for clients",
        lambda: simple(more=_netscape(0x80, False)),
        CHAT,
        {
            "certificate.usage": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is not for servers (Netscape certificate type)",
                "OpenSSL refuses it. Have a certificate issued without that extension, which nobody needs any more.",
            ),
        },
        library=("", "it does not look at it"),
    ),
    Row(
        "RFC 3779, the CA has none",
        lambda: simple(more=RESOURCES),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension 1.3.6.1.5.5.7.1.7",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row(
        "RFC 3779 in all",
        lambda: tiers(root={"more": RESOURCES}, issuing={"more": RESOURCES}, leaf={"more": RESOURCES}),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension 1.3.6.1.5.5.7.1.7; the "
                "intermediate CN=Issuing (Issuing.pem) has the critical extension 1.3.6.1.5.5.7.1.7; the root CN=Root "
                "(Root.pem) has the critical extension 1.3.6.1.5.5.7.1.7",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
        openssl=(
            "",
            "it was built with RFC 3779, and each one's resources lie within its issuer's; browsers refuse it",
        ),
    ),
    Row(
        "one name for MTS Link",
        lambda: bundle(good_leaf(), *company()[::-1]),
        CHAT | {"profile": "mts_link"},
        {
            "certificate.names": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has 1 DNS name, MTS Link has 3",
                "Chats wants chats.X, chats-gateway.X and chats-storage.X, or a wildcard. Have the others added.",
            ),
        },
    ),
    Row(
        "a wildcard for MTS Link",
        lambda: bundle(good_leaf(dns=["*.corp.test"]), *company()[::-1]),
        {"dns": LINK, "profile": "mts_link"},
        {},
    ),
    Row(
        "key of the CA",
        lambda: bundle(good_leaf(), company()[1], key=company()[1]),
        CHAT,
        {
            "certificate.key.match": (
                "fail",
                "the private key (Company Issuing.pem key) belongs to the CA's certificate: the intermediate CN=Company "
                "Issuing (Company Issuing.pem); the leaf CN=chat.corp.test (chat.corp.test.pem) has another public key",
                "Give the key with which the leaf was requested. A CA's key belongs on no server: take it away from where it "
                "was delivered to.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "the product takes RSA only",
        simple,
        CHAT | {"keys": ("rsa",)},
        {
            "certificate.key.strength": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has secp256r1",
                "The product takes rsa. Make a new key and have it certified.",
            ),
        },
    ),
]
