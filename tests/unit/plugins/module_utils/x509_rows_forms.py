# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forms in which bundles are delivered, read and put in order before they are judged."""

from __future__ import annotations

import functools

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from ansible_collections.onprem.chat.plugins.module_utils._x509.certificate import Material
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_rows import CHAT, Row, delivered
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils.x509_workshop import company, good_leaf

WORD = b"canary-passphrase"


@functools.cache
def _leaf():
    return good_leaf()


def _pem(*made):
    return b"".join(one.certificate.pem for one in made)


def _files(*contents, passphrases=()):
    material = Material()
    for number, content in enumerate(contents, start=1):
        material.add(read(content, f"file {number}", passphrases))
    return delivered(material)


def _everything():
    return _pem(company()[0], _leaf(), company()[1]) + _leaf().key_pem()


def _pkcs7(encoding):
    certificates = [one.certificate.parsed for one in (company()[0], company()[1], _leaf())]
    return pkcs7.serialize_certificates(certificates, encoding)


def _pkcs12(passphrase):
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    others = [one.certificate.parsed for one in company()]
    return pkcs12.serialize_key_and_certificates(
        b"chat", _leaf().private, _leaf().certificate.parsed, others, protection
    )


def _twice():
    return _files(_pem(_leaf(), company()[1]), _pem(company()[1], company()[0], _leaf()), _leaf().key_pem())


ROWS = [
    Row("PEM, all in one file, mixed", lambda: _files(_everything()), CHAT, {}),
    Row("PEM with the line ends of Windows", lambda: _files(_everything().replace(b"\n", b"\r\n")), CHAT, {}),
    Row("PEM with a byte order mark", lambda: _files(b"\xef\xbb\xbf" + _everything()), CHAT, {}),
    Row(
        "PEM with text around",
        lambda: _files(b"Bag Attributes\n  friendlyName: chat\n" + _everything() + b"\nend\n"),
        CHAT,
        {},
    ),
    Row("PEM in many files, some twice", _twice, CHAT, {}),
    Row("DER", lambda: _files(_leaf().certificate.der, company()[1].certificate.der, _leaf().key_pem()), CHAT, {}),
    Row("PKCS#7, DER", lambda: _files(_pkcs7(serialization.Encoding.DER), _leaf().key_pem()), CHAT, {}),
    Row("PKCS#7, PEM", lambda: _files(_pkcs7(serialization.Encoding.PEM), _leaf().key_pem()), CHAT, {}),
    Row("PKCS#12 with a passphrase", lambda: _files(_pkcs12(WORD), passphrases=(b"wrong", WORD)), CHAT, {}),
    Row("PKCS#12 without a passphrase", lambda: _files(_pkcs12(None)), CHAT, {}),
    Row(
        "encrypted key, PKCS#8",
        lambda: _files(_pem(_leaf(), company()[1]), _leaf().key_pem(WORD), passphrases=(WORD,)),
        CHAT,
        {},
    ),
    Row(
        "key of SEC 1",
        lambda: _files(_pem(_leaf(), company()[1]), _leaf().key_pem(form="TraditionalOpenSSL")),
        CHAT,
        {},
    ),
    Row(
        "no key",
        lambda: _files(_pem(_leaf(), company()[1])),
        CHAT,
        {
            "certificate.key.match": (
                "skip",
                "no private key was given",
                "",
            ),
        },
    ),
    Row(
        "the intermediate was left out",
        lambda: _files(_pem(_leaf()), _leaf().key_pem()),
        CHAT,
        {
            "certificate.chain.trust": (
                "fail",
                "the issuer of the leaf CN=chat.corp.test (file 1) is missing: CN=Company Issuing",
                "Add the intermediate certificate that the CA delivers with it.",
            ),
        },
    ),
]
