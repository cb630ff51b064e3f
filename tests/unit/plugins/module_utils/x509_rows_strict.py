# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What strict verifiers refuse, and critical extensions."""

from __future__ import annotations

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    BROWSER_PROFILE,
    CHAT,
    STRICT,
    Row,
    bundle,
    company,
    good_leaf,
    simple,
    tiers,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import constraints, dn

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\0")
POLICIES = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])
STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])
BY_SIGNATURE = "it follows the signatures, and takes identifiers of keys for hints"
BY_BYTES = "it compares names byte by byte, not as RFC 5280 7.1 has it: a warning"
UNHANDLED = "it knows less critical extensions than OpenSSL and browsers: a warning"
SHOUTED = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "COMPANY  Issuing")])


def _with(extension, critical=True):
    return simple(more=((extension, critical),))


def _own_root():
    wrong = x509.AuthorityKeyIdentifier(b"1" * 20, [x509.DirectoryName(dn("Root"))], 5)
    return tiers(root={"more": ((wrong, False),)})


def _critical_identifier():
    digest = company()[1].certificate.extension(x509.SubjectKeyIdentifier).value.digest
    return simple(authority_id=False, more=((x509.AuthorityKeyIdentifier(digest, None, None), True),))


ROWS = [
    Row(
        "leaf without authority key identifier",
        lambda: simple(authority_id=False),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): no authority key identifier",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Missing Authority Key Identifier", STRICT),
        library=("invalid extension: 2.5.29.35: Certificate is missing required extension", STRICT),
    ),
    Row("leaf without subject key identifier", lambda: simple(subject_id=False), CHAT, {}),
    Row(
        "leaf names its issuer by serial number",
        lambda: simple(authority_id="serial"),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): an authority key identifier without the "
                "identifier of a key",
                "Refused by Python from 3.13 on, openssl -x509_strict. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Missing Authority Key Identifier", STRICT),
    ),
    Row(
        "intermediate without authority key identifier",
        lambda: tiers(issuing={"authority_id": False}),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): no authority key identifier",
                "Refused by Python from 3.13 on, openssl -x509_strict. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Missing Authority Key Identifier", STRICT),
    ),
    Row(
        "CAs without subject key identifier",
        lambda: tiers({"subject_id": False}, {"subject_id": False}),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): no subject key identifier; the root CN=Root "
                "(Root.pem): no subject key identifier",
                "Refused by Python from 3.13 on, openssl -x509_strict. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Missing Subject Key Identifier", STRICT),
    ),
    Row(
        "CAs without key usage",
        lambda: tiers({"usage": None}, {"usage": None}),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): no key usage; the root CN=Root (Root.pem): no key usage",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("CA cert does not include key usage extension", STRICT),
        library=("invalid extension: 2.5.29.15: Certificate is missing required extension", STRICT),
    ),
    Row(
        "basic constraints are not critical",
        lambda: tiers(issuing={"basic_critical": False}),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): basic constraints that are not critical",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Basic Constraints of CA cert not marked critical", STRICT),
        library=("invalid extension: 2.5.29.19: Certificate extension has incorrect criticality", STRICT),
    ),
    Row(
        "root identifies itself wrongly",
        _own_root,
        CHAT,
        {
            "certificate.signature": (
                "fail",
                "the root CN=Root (Root.pem) is self-signed, but its authority key identifier is another key's",
                "OpenSSL does not take it for a root then. The CA must renew it.",
            ),
        },
        library=("", BY_SIGNATURE),
    ),
    Row(
        "critical identifier",
        _critical_identifier,
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension authority key "
                "identifier (2.5.29.35)",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row(
        "serial number 0",
        lambda: simple(serial=0),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): the serial number 0",
                "Refused by those who take RFC 5280 at its word. Ask the CA to change that when it renews.",
            ),
        },
    ),
    Row(
        "negative serial number",
        lambda: simple(serial=-5),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): the serial number -5",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("certificate serial number cannot be negative", BROWSER_PROFILE),
    ),
    Row(
        "long serial number",
        lambda: simple(serial=1 << 170),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): a serial number of more than 20 octets",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("certificate must have a serial between 1 and 20 octets", BROWSER_PROFILE),
    ),
    Row(
        "valid for years",
        lambda: simple(end=900),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): valid for 930 days, more than 825",
                "Refused by Apple's systems. Ask the CA to change that when it renews.",
            ),
        },
    ),
    Row(
        "name constraints in the leaf",
        lambda: simple(named=constraints([x509.DNSName("corp.test")])),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): name constraints, though it is no CA's",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("invalid extension: 2.5.29.30: Certificate contains prohibited extension", BROWSER_PROFILE),
    ),
    Row(
        "issuer's name in other letters",
        lambda: bundle(good_leaf(issuer_name=SHOUTED), company()[1]),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): its issuer's name is written in another "
                "way than in the intermediate CN=Company Issuing (Company Issuing.pem)",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("all candidates exhausted with no interior errors", BY_BYTES),
    ),
    Row("unknown extension", lambda: _with(UNKNOWN, False), CHAT, {}),
    Row(
        "unknown critical extension",
        lambda: _with(UNKNOWN),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension 1.2.3.4.5",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row(
        "unknown critical extension of a CA",
        lambda: tiers(issuing={"more": ((UNKNOWN, True),)}),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the intermediate CN=Issuing (Issuing.pem) has the critical extension 1.2.3.4.5",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row(
        "critical must-staple",
        lambda: _with(STAPLE),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension must-staple "
                "(1.3.6.1.5.5.7.1.24)",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row("must-staple", lambda: _with(STAPLE, False), CHAT, {}),
    Row(
        "pre-certificate",
        lambda: _with(x509.PrecertPoison()),
        CHAT,
        {
            "certificate.extensions": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) has the critical extension poison of a "
                "pre-certificate (1.3.6.1.4.1.11129.2.4.3)",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            ),
        },
    ),
    Row(
        "critical policies",
        lambda: _with(POLICIES),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf CN=chat.corp.test (chat.corp.test.pem): critical certificate policies",
                "Refused by cryptography and others that follow the CA/Browser Forum. Ask the CA to change "
                "that when it renews.",
            ),
        },
        library=("invalid extension: 2.5.29.32: certificate contains unaccounted-for critical extensions", UNHANDLED),
    ),
    Row(
        "name constraints that are not critical",
        lambda: tiers(issuing={"more": ((constraints([x509.DNSName("corp.test")]), False),)}),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the intermediate CN=Issuing (Issuing.pem): name constraints that are not critical",
                "Refused by those who take RFC 5280 at its word. Ask the CA to change that when it renews.",
            ),
        },
    ),
    Row(
        "no subject, and names that are not critical",
        lambda: simple(name="", dns=[], more=((x509.SubjectAlternativeName([x509.DNSName("chat.corp.test")]), False),)),
        CHAT,
        {
            "certificate.strict": (
                "warn",
                "the leaf (no subject) (.pem): no subject, and a subjectAltName that is not critical",
                "Refused by Python from 3.13 on, openssl -x509_strict, cryptography and others that follow "
                "the CA/Browser Forum. Ask the CA to change that when it renews.",
            ),
        },
        openssl=("Subject empty and Subject Alt Name extension not critical", STRICT),
        library=("EE subjectAltName MUST be critical when subject is empty", STRICT),
    ),
]
