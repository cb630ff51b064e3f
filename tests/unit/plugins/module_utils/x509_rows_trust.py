# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the chain ends: trusted or not, cross-signed, renewed, self-signed."""

from __future__ import annotations

from cryptography import x509

from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import (
    BROWSER_PROFILE,
    CHAT,
    LINK,
    PARTIAL,
    UNTRUSTED,
    Row,
    bundle,
)
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import company, good_leaf, make


def _other_root():
    return make("Other Root", ca=True)


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


ROWS = [
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
        "missing root that says where it is",
        _missing_root,
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
        lambda: bundle(good_leaf(dns=LINK), *_renewed()),
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
