# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain: complete, in order, without foreign certificates, with or without its root; who signed it may do so."""

from __future__ import annotations

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    CHAT,
    LINK,
    NOT_LOOKED_AT,
    Row,
    bundle,
    simple,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import company, good_leaf, make


def _other_root():
    return make("Other Root", ca=True)


def _foreign():
    other = _other_root()
    return good_leaf(name="mail.corp.test", issuer=other), other


def _places():
    place = x509.UniformResourceIdentifier("http://pki.corp.test/issuing.crt")
    access = x509.AccessDescription(x509.AuthorityInformationAccessOID.CA_ISSUERS, place)
    return ((x509.AuthorityInformationAccess([access]), False),)


def _forged():
    root, issuing = company()
    false = make("Company Issuing", root, ca=True, key="forger", signer=make("Forger", ca=True), origin="false.pem")
    return bundle(good_leaf(issuer=issuing), false)


def _long(root_length=None, length=None):
    root = make("Deep Root", ca=True, pathlen=root_length)
    upper = make("Deep Policy", root, ca=True, pathlen=length)
    lower = make("Deep Issuing", upper, ca=True)
    return bundle(good_leaf(issuer=lower), lower, upper, anchors=(root,))


ROWS = [
    Row("good", simple, CHAT, {}),
    Row("good for 180 days", simple, CHAT | {"days": 180}, {}),
    Row("root in the chain", lambda: bundle(good_leaf(), company()[1], company()[0]), CHAT, {}),
    Row(
        "root in the chain, unwanted",
        lambda: bundle(good_leaf(), company()[1], company()[0]),
        CHAT | {"root": "exclude"},
        {
            "certificate.chain.root": (
                "warn",
                "the root CN=Company Root (Company Root.pem) is there, too",
                "Clients do not need it, they have it or do not trust it. Leave it out.",
            ),
        },
    ),
    Row(
        "root missing, wanted",
        lambda: simple(dns=LINK),
        CHAT | {"profile": "mts_link"},
        {
            "certificate.chain.root": (
                "fail",
                "the root is not there: CN=Company Root",
                "The product wants the whole chain, leaf, intermediates and root, in one file. Add the root "
                "at the end.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "full chain for mts_link",
        lambda: bundle(good_leaf(dns=LINK), company()[1], company()[0]),
        CHAT | {"profile": "mts_link"},
        {},
    ),
    Row(
        "wrong order",
        lambda: bundle(good_leaf(), company()[0], company()[1]),
        CHAT,
        {
            "certificate.chain.order": (
                "warn",
                "the order is chat.corp.test, Company Root, Company Issuing",
                "The order must be chat.corp.test, Company Issuing, Company Root: some servers send it as it "
                "stands, and old clients refuse.",
            ),
        },
    ),
    Row(
        "wrong order for mts_link",
        lambda: bundle(good_leaf(dns=LINK), company()[0], company()[1]),
        CHAT | {"profile": "mts_link"},
        {
            "certificate.chain.order": (
                "fail",
                "the order is chat.corp.test, Company Root, Company Issuing",
                "The order must be chat.corp.test, Company Issuing, Company Root: some servers send it as it "
                "stands, and old clients refuse.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "leaf last",
        lambda: bundle(company()[0], company()[1], leaf := good_leaf(), key=leaf),
        CHAT,
        {
            "certificate.key.match": (
                "fail",
                "the private key (chat.corp.test.pem key) belongs to the leaf CN=chat.corp.test (chat.corp.test.pem), "
                "but the root CN=Company Root (Company Root.pem) is first",
                "Servers compare the key with the first certificate, and do not start. Put the leaf first.",
            ),
            "certificate.chain.order": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is not first, but the root CN=Company Root "
                "(Company Root.pem) is",
                "Servers take the first one for their own, and do not start when the key does not match. Put "
                "the leaf first.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "foreign certificate",
        lambda: bundle(good_leaf(), company()[1], _other_root()),
        CHAT,
        {
            "certificate.chain.extra": (
                "warn",
                "the root CN=Other Root (Other Root.pem) is an authority of another chain",
                "Leave it out.",
            ),
        },
    ),
    Row(
        "foreign leaf",
        lambda: bundle(good_leaf(), company()[1], good_leaf(name="mail.corp.test")),
        CHAT,
        {
            "certificate.chain.extra": (
                "warn",
                "the certificate CN=mail.corp.test (mail.corp.test.pem) is no part of the chain",
                "Leave it out.",
            ),
        },
    ),
    Row(
        "foreign CA with its leaf",
        lambda: bundle(good_leaf(), company()[1], *_foreign()),
        CHAT,
        {
            "certificate.chain.extra": (
                "warn",
                "the certificate CN=mail.corp.test (mail.corp.test.pem) is no part of the chain; the root CN=Other Root "
                "(Other Root.pem) is an authority of another chain",
                "Leave it out.",
            ),
        },
    ),
    Row(
        "intermediate twice",
        lambda: bundle(good_leaf(), company()[1], company()[1]),
        CHAT,
        {
            "certificate.chain.extra": (
                "warn",
                "the intermediate CN=Company Issuing (Company Issuing.pem) is there 2 times",
                "Once is enough.",
            ),
        },
    ),
    Row(
        "foreign between for mts_link",
        lambda: bundle(good_leaf(dns=LINK), _other_root(), company()[1], company()[0]),
        CHAT | {"profile": "mts_link"},
        {
            "certificate.chain.order": (
                "fail",
                "certificates of no use stand between those of the chain",
                "Leave them out.",
            ),
            "certificate.chain.extra": (
                "warn",
                "the root CN=Other Root (Other Root.pem) is an authority of another chain",
                "Leave it out.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "missing intermediate",
        lambda: bundle(good_leaf()),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the leaf CN=chat.corp.test (chat.corp.test.pem) is missing: CN=Company Issuing",
                "Add the intermediate certificate that the CA delivers with it.",
            ),
        },
    ),
    Row(
        "missing intermediate that is at hand",
        lambda: bundle(good_leaf(), extra=company()[1:]),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the chain lacks the intermediate CN=Company Issuing (Company Issuing.pem)",
                "Clients cannot know it: add it after the leaf.",
            ),
        },
    ),
    Row(
        "forged intermediate",
        _forged,
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) was not signed by the certificate "
                "CN=Company Issuing (false.pem): same name, another key",
                "Did the CA renew its key, or is it another CA of the same name? Ask for the certificate of "
                "the one that signed it.",
            ),
            "certificate.chain.extra": (
                "warn",
                "the certificate CN=Company Issuing (false.pem) is an authority of another chain",
                "Leave it out.",
            ),
        },
    ),
    Row("leaf right below the root", lambda: bundle(good_leaf(issuer=company()[0])), CHAT, {}),
    Row("three tiers", _long, CHAT, {}),
    Row(
        "path length of the intermediate",
        lambda: _long(length=0),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the intermediate CN=Deep Policy (Deep Policy.pem) allows 0 authorities below it (path "
                "length), there is 1",
                "Is there an intermediate too many? The CA must issue from one that is allowed to.",
            ),
        },
    ),
    Row(
        "path length of the root",
        lambda: _long(root_length=1),
        CHAT,
        {
            "certificate.authority": (
                "fail",
                "the root CN=Deep Root (Deep Root.pem) allows 1 authority below it (path length), there are 2",
                "Is there an intermediate too many? The CA must issue from one that is allowed to.",
            ),
        },
    ),
    Row("path length just right", lambda: _long(root_length=2, length=1), CHAT, {}),
    Row(
        "key of another certificate",
        lambda: bundle(good_leaf(), company()[1], key=make("other.corp.test")),
        CHAT,
        {
            "certificate.key.match": (
                "fail",
                "the private key (other.corp.test.pem key) belongs to none of the certificates; the leaf "
                "CN=chat.corp.test (chat.corp.test.pem) has another public key",
                "Was the certificate issued for another request, or is this the key of the old certificate? "
                "Give the key with which the request was made, or request the certificate anew.",
            ),
        },
        openssl=("", NOT_LOOKED_AT),
        library=("", NOT_LOOKED_AT),
    ),
    Row(
        "missing intermediate that says where it is",
        lambda: bundle(good_leaf(more=_places())),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the leaf CN=chat.corp.test (chat.corp.test.pem) is missing: CN=Company Issuing",
                "Add the intermediate certificate that the CA delivers with it; it says that it is at "
                "http://pki.corp.test/issuing.crt.",
            ),
        },
    ),
]
