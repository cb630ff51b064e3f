# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures: good, of another key, of another kind of key, and what a library cannot tell."""

from __future__ import annotations

import dataclasses
import types

import pytest
from cryptography.hazmat.primitives import hashes

from ansible_collections.onprem.chat.plugins.module_utils._x509 import judge, signature
from ansible_collections.onprem.chat.plugins.module_utils._x509.policy import wanted
from ansible_collections.onprem.chat.plugins.module_utils._x509.signature import BAD, GOOD, UNKNOWN
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import NOW, good_leaf, make

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


class Old:
    """A certificate as cryptography before version 41 gives it."""

    def __init__(self, parsed):
        self._parsed = parsed

    def __getattr__(self, name):
        if name == "signature_algorithm_parameters":
            raise AttributeError(name)
        return getattr(self._parsed, name)


def test_pss_with_an_old_library(monkeypatch):
    monkeypatch.setattr(signature, "VERSION", 40)
    root = make("Root", ca=True, kind="rsa2048")
    leaf = good_leaf(issuer=root, digest="pss")
    certificate = dataclasses.replace(leaf.certificate, parsed=Old(leaf.certificate.parsed))
    signature.verify.cache_clear()
    checks = judge.judge([certificate], wanted(dns=["chat.corp.test"]), [root.certificate], NOW, "x", leaf.key)
    signature.verify.cache_clear()
    bad = {check.id: (check.status, check.evidence) for check in checks if check.status != "pass"}
    assert bad == {
        "certificate.signature": (
            "warn",
            "the leaf CN=chat.corp.test (chat.corp.test.pem): this Python library cannot verify RSA-PSS (it needs "
            "cryptography 41 or newer, this is 40)",
        )
    }
