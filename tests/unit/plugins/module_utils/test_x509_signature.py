# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures: good, of another key, of another kind of key, and what a library cannot tell."""

from __future__ import annotations

import dataclasses
import types

import pytest
from cryptography import exceptions
from cryptography.hazmat.primitives import hashes

from ansible_collections.onprem.chat.plugins.module_utils._x509 import judge, pss, signature
from ansible_collections.onprem.chat.plugins.module_utils._x509.policy import wanted
from ansible_collections.onprem.chat.plugins.module_utils._x509.signature import BAD, GOOD, UNKNOWN
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW, good_leaf, make, tlv

verify = signature.verify.__wrapped__  # without its memory, which wants real certificates
KINDS = ("p256", "p384", "p521", "rsa2048", "ed25519", "ed448", "dsa")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key(kind):
    root, twin = make("Root", ca=True, kind=kind), make("Root", ca=True, kind=kind, key="another")
    leaf = make("leaf", root).certificate
    assert signature.verify(leaf, root.certificate).result == GOOD
    assert signature.verify(root.certificate, root.certificate).result == GOOD
    verdict = signature.verify(leaf, twin.certificate)
    assert (verdict.result, verdict.reason) == (BAD, "the signature is not the work of this key")


@pytest.mark.parametrize("kind", KINDS)
def test_another_kind_of_key(kind):
    root = make("Root", ca=True, kind="rsa2048" if kind.startswith("p") else "p256")
    verdict = signature.verify(make("leaf", make("Root", ca=True, kind=kind)).certificate, root.certificate)
    assert (verdict.result, verdict.reason) == (BAD, "the signature was made by another kind of key")


@pytest.mark.parametrize(
    ("digest", "kind", "words"),
    [
        ("sha1", "rsa2048", "RSA with SHA1"),
        ("sha1", "p256", "ECDSA with SHA1"),
        ("md5", "rsa2048", "RSA with MD5"),
        ("sha384", "rsa2048", "RSA with SHA384"),
        ("sha512", "p521", "ECDSA with SHA512"),
        ("sha256", "dsa", "DSA with SHA256"),
        ("sha256", "ed25519", "Ed25519"),
        ("sha256", "ed448", "Ed448"),
        ("pss", "rsa2048", "RSA-PSS"),
    ],
)
def test_words_for_algorithms(digest, kind, words):
    assert signature.algorithm(make("Root", ca=True, kind=kind, digest=digest).certificate) == words


def test_a_flipped_bit():
    root = make("Root", ca=True)
    made = make("leaf", root).certificate.parsed
    spoiled = types.SimpleNamespace(
        signature=made.signature,
        tbs_certificate_bytes=made.tbs_certificate_bytes[:-1] + bytes([made.tbs_certificate_bytes[-1] ^ 1]),
        signature_algorithm_oid=made.signature_algorithm_oid,
        signature_hash_algorithm=hashes.SHA256(),
    )
    assert verify(types.SimpleNamespace(parsed=spoiled), root.certificate).result == BAD


def test_an_unknown_algorithm():
    root = make("Root", ca=True)
    oid = types.SimpleNamespace(dotted_string="2.16.840.1.101.3.4.3.18")
    child = types.SimpleNamespace(
        parsed=types.SimpleNamespace(
            signature=b"", tbs_certificate_bytes=b"", signature_algorithm_oid=oid, signature_hash_algorithm=None
        )
    )
    verdict = verify(child, root.certificate)
    assert (verdict.result, verdict.reason) == (
        UNKNOWN,
        "this Python library cannot verify signature algorithm 2.16.840.1.101.3.4.3.18 (it is unknown)",
    )


def test_an_algorithm_that_does_not_exist():
    """Who may name any root as his issuer with it: no key of this kind makes such a signature."""
    root = make("Root", ca=True, kind="rsa2048")
    leaf = make("leaf", root, digest="odd").certificate
    verdict = signature.verify(leaf, root.certificate)
    assert (verdict.result, verdict.reason) == (BAD, "there is no signature algorithm 1.2.840.113549.1.1.99")
    assert signature.algorithm(leaf) == "signature algorithm 1.2.840.113549.1.1.99"


class Old:
    """A certificate as cryptography before version 41 gives it."""

    def __init__(self, parsed):
        self._parsed = parsed

    def __getattr__(self, name):
        if name == "signature_algorithm_parameters":
            raise AttributeError(name)
        if name == "signature_hash_algorithm":
            raise exceptions.UnsupportedAlgorithm("RSA-PSS")
        return getattr(self._parsed, name)


def old(made):
    return dataclasses.replace(made.certificate, parsed=Old(made.certificate.parsed))


@pytest.mark.parametrize(("digest", "hash_"), [("pss", "sha256"), ("pss sha384", "sha384"), ("pss sha1", "sha1")])
def test_pss_with_an_old_library(digest, hash_):
    root, other = make("Root", ca=True, kind="rsa2048"), make("Root", ca=True, kind="rsa2048", key="another")
    leaf = good_leaf(issuer=root, digest=digest)
    for certificate in (leaf.certificate, old(leaf)):
        assert verify(certificate, root.certificate).result == GOOD
        assert verify(certificate, other.certificate).result == BAD
        assert signature.hash_name(certificate) == hash_
    signature.verify.cache_clear()
    checks = judge.judge([old(leaf)], wanted(dns=["chat.corp.test"]), [root.certificate], NOW, "x", leaf.key)
    signature.verify.cache_clear()
    bad = {check.id: (check.status, check.evidence) for check in checks if check.status != "pass"}
    weak = ("fail", "the leaf CN=chat.corp.test (chat.corp.test.pem) is signed with SHA-1")
    assert bad == ({"certificate.signature": weak} if hash_ == "sha1" else {})


RSA_PSS = "06092a864886f70d01010a"
SHA256 = "300d06096086480165030402010500"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ("0500", "its parameters cannot be read"),
        ("3005a003020114", "its parameters cannot be read"),
        ("300aa203020114a203020114", "its parameters cannot be read"),
        ("3009a007300506032b0e09", "its hash is unknown"),
        ("3009a107300506032b0e09", "its mask is not made with MGF1"),
        ("3005a2030201ff", "its parameters make no sense"),
        ("3005a303020102", "its parameters make no sense"),
        ("3005a2030201", "its parameters cannot be read"),
    ],
)
def test_odd_parameters_of_pss(parameters, text):
    algorithm = tlv(0x30, bytes.fromhex(RSA_PSS + parameters))
    der = tlv(0x30, tlv(0x30, b"") + algorithm + tlv(0x03, b"\0"))
    with pytest.raises(exceptions.UnsupportedAlgorithm) as caught:
        pss.parameters(der)
    assert str(caught.value) == text


def test_what_pss_says_nothing_of():
    for parameters in ("", "3000", "3011a00f" + SHA256):
        der = tlv(0x30, tlv(0x30, b"") + tlv(0x30, bytes.fromhex(RSA_PSS + parameters)) + tlv(0x03, b"\0"))
        found = pss.parameters(der)
        assert found.hash.name == ("sha256" if "a00f" in parameters else "sha1")
        assert found.padding._salt_length == 20
        mgf = found.padding.mgf if hasattr(found.padding, "mgf") else found.padding._mgf
        assert mgf._algorithm.name == "sha1"
