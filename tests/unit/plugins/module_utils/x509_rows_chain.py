# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The chain: complete, in order, foreign certificates, the root, cross-signed ways, trust."""

from __future__ import annotations

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    BROWSER_PROFILE,
    CHAT,
    NOT_LOOKED_AT,
    PARTIAL,
    UNTRUSTED,
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


def _missing_root():
    issuing = make("Placed Issuing", company()[0], ca=True, more=_places())
    return bundle(good_leaf(issuer=issuing), issuing, anchors=())


def _renewed():
    return company()[1], make("Company Root", ca=True, end=5000, origin="renewed.pem")


def _crossed(expired: bool):
    """A new root, also signed by an old one; the leaf's issuer is under the new one."""
    old = make("Old Root", ca=True, start=-3000, end=-1 if expired else 400)
    new = make("New Root", ca=True, end=3000)
    bridge = make("New Root", old, ca=True, end=-1 if expired else 400, origin="bridge.pem")
    issuing = make("New Issuing", new, ca=True)
    return old, new, bridge, issuing, good_leaf(issuer=issuing)


def _crossed_bundle(expired: bool, trusted: str):
    old, new, bridge, issuing, leaf = _crossed(expired)
    return bundle(leaf, issuing, bridge, anchors=(old, new) if trusted == "both" else (old,))


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
        simple,
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
        lambda: bundle(good_leaf(), company()[1], company()[0]),
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
        lambda: bundle(good_leaf(), company()[0], company()[1]),
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
        lambda: bundle(good_leaf(), _other_root(), company()[1], company()[0]),
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
    Row(
        "another root",
        lambda: bundle(good_leaf(), company()[1], company()[0], anchors=(_other_root(),)),
        CHAT | {"trust": "given"},
        {
            "certificate.chain.trust": (
                "fail",
                "it ends in the root CN=Company Root (Company Root.pem), which is not among what is trusted "
                "(1 certificate)",
                "Is it from another CA than you think, or is the trust anchor an old one?",
            ),
        },
    ),
    Row(
        "root delivered, not trusted",
        lambda: bundle(good_leaf(), company()[1], company()[0], anchors=(_other_root(),)),
        CHAT,
        {
            "certificate.chain.trust": (
                "warn",
                "it ends in the root CN=Company Root (Company Root.pem), which the trust store of this host "
                "does not know",
                "Is it the root of your own CA, and do all clients trust it? Distribute it to them; name it "
                "as a trust anchor to have this proven.",
            ),
        },
        openssl=("self-signed certificate in certificate chain", UNTRUSTED),
        library=("chain construction exceeds max depth", UNTRUSTED),
    ),
    Row(
        "root of the same name",
        lambda: bundle(good_leaf(), company()[1], anchors=(make("Company Root", ca=True, key="another"),)),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the intermediate CN=Company Issuing (Company Issuing.pem) was not signed by the root "
                "CN=Company Root (Company Root.pem): same name, another key",
                "Did the CA renew its key, or is it another CA of the same name? Ask for the certificate of "
                "the one that signed it.",
            ),
        },
    ),
    Row(
        "no trust anchor at all",
        lambda: bundle(good_leaf(), company()[1], anchors=()),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the intermediate CN=Company Issuing (Company Issuing.pem) is missing: CN=Company Root",
                "Is it the root that is missing? Have it added to what is trusted. Otherwise add the "
                "intermediate that is missing.",
            ),
        },
    ),
    Row(
        "intermediate as only anchor",
        lambda: bundle(good_leaf(), anchors=company()[1:]),
        CHAT,
        {
            "certificate.chain.trust": (
                "warn",
                "it ends in the intermediate CN=Company Issuing (Company Issuing.pem), which is trusted but no root",
                "OpenSSL refuses that without the option -partial_chain. Trust the root instead.",
            ),
        },
        openssl=("unable to get issuer certificate", PARTIAL),
    ),
    Row("leaf right below the root", lambda: bundle(good_leaf(issuer=company()[0])), CHAT, {}),
    Row("three tiers", _long, CHAT, {}),
    Row(
        "self-signed, not trusted",
        lambda: bundle(make("chat.corp.test", dns=["chat.corp.test"])),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the leaf CN=chat.corp.test (chat.corp.test.pem) is self-signed and not trusted",
                "No client trusts it by itself. Have one issued by a CA that the clients trust.",
            ),
        },
    ),
    Row(
        "self-signed, trusted",
        lambda: bundle(one := make("chat.corp.test", dns=["chat.corp.test"]), anchors=(one,)),
        CHAT,
        {},
        library=("invalid extension: 2.5.29.35: Certificate is missing required extension", BROWSER_PROFILE),
    ),
    Row(
        "cross-signed, both trusted, old way expired",
        lambda: _crossed_bundle(True, "both"),
        CHAT,
        {
            "certificate.chain.extra": (
                "warn",
                "the certificate CN=New Root (bridge.pem) expired on 2026-06-14 12:00 UTC; the chain does not need it",
                "Leave it out: some clients follow it and fail.",
            ),
        },
    ),
    Row("cross-signed, both trusted, both valid", lambda: _crossed_bundle(False, "both"), CHAT, {}),
    Row("cross-signed, only the old one trusted", lambda: _crossed_bundle(False, "old"), CHAT, {}),
    Row(
        "cross-signed, only the old one trusted, expired",
        lambda: _crossed_bundle(True, "old"),
        CHAT,
        {
            "certificate.validity": (
                "fail",
                "the intermediate CN=New Root (bridge.pem) expired on 2026-06-14 12:00 UTC; the root CN=Old "
                "Root (Old Root.pem) expired on 2026-06-14 12:00 UTC",
                "Ask the CA for a leaf and intermediates that are valid.",
            ),
        },
    ),
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
    Row(
        "missing root that says where it is",
        lambda: _missing_root(),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the intermediate CN=Placed Issuing (Placed Issuing.pem) is missing: CN=Company Root",
                "Is it the root that is missing? Have it added to what is trusted; it says that it is at "
                "http://pki.corp.test/issuing.crt. Otherwise add the intermediate that is missing.",
            ),
        },
    ),
    Row(
        "root that is at hand only",
        lambda: bundle(good_leaf(), company()[1], anchors=(), extra=company()[:1]),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "it ends in the root CN=Company Root (Company Root.pem), which is neither delivered nor trusted",
                "Is it the root of your own CA? Deliver it with the bundle, or name it as a trust anchor.",
            ),
        },
    ),
    Row(
        "renewed root for mts_link, the old one is trusted",
        lambda: bundle(good_leaf(), *_renewed()),
        CHAT | {"profile": "mts_link"},
        {},
    ),
    Row(
        "root of the same name, given",
        lambda: bundle(
            good_leaf(), company()[1], company()[0], anchors=(make("Company Root", ca=True, key="another"),)
        ),
        CHAT | {"trust": "given"},
        {
            "certificate.chain.trust": (
                "fail",
                "it ends in the root CN=Company Root (Company Root.pem), which is not among what is trusted "
                "(1 certificate). A root of this name is trusted, but it has another key",
                "Is it from another CA than you think, or is the trust anchor an old one?",
            ),
        },
    ),
]
