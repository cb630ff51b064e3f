# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a file, in words, and nothing but declared errors."""

from __future__ import annotations

import itertools
import warnings

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import (
    parse,
    parse_ber,
    parse_key,
)
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import (
    BundleError,
    InputError,
    MaterialError,
    PassphraseError,
)
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_ber import encode
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509.parse_forms import (
    DER,
    PASSPHRASE,
    armoured,
    chain,
    forms,
    openssl,
    pem,
    rsa_key,
)

LEAF = pem(chain()[0])
BINARY = chain()[0].public_bytes(DER)
AGAIN = "Copy it again from where it came, from the line BEGIN to the line END."
LOST = "Was something lost when it was copied? " + AGAIN
UNKNOWN = (
    "in is of no known form. Is it a certificate or a key at all, or is its beginning lost? "
    "Known are PEM, DER, PKCS#7 and PKCS#12."
)
UNPACK = "Unpack it, and name the files in it."
STORE = "keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12 makes one that is read."
KEYGEN = "That one is for logging in by ssh. If it is the right one, ssh-keygen -p -m PEM -f COPY makes PEM of it."


def refused(data, passphrases=(), kind=MaterialError):
    with pytest.raises(kind) as caught:
        read(data, "in", passphrases)
    assert PASSPHRASE.decode() not in repr(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "in is empty. Was the copy interrupted, or the disk full? Copy it again from where it came."),
        (b" \r\n\0\0", "in is empty. Was the copy interrupted, or the disk full? Copy it again from where it came."),
        (b"hello\n", UNKNOWN),
        (b"0 is where it starts\n", UNKNOWN),
        (b"00\n", UNKNOWN),
        (b"\xff\xfe", UNKNOWN),
        (b"\x89PNG\r\n", UNKNOWN),
        (b"PK\3\4 and so on", f"in is a ZIP archive, and no certificate or key. {UNPACK}"),
        (b"\x1f\x8b\x08", f"in is a compressed file (gzip), and no certificate or key. {UNPACK}"),
        (b"7z\xbc\xaf\x27\x1c", f"in is a 7-Zip archive, and no certificate or key. {UNPACK}"),
        (b"Rar!\x1a", f"in is a RAR archive, and no certificate or key. {UNPACK}"),
        (b"\xfe\xed\xfe\xed\0\0\0\2", f"in is a Java key store, and no certificate or key. {STORE}"),
        (b"ssh-rsa AAAA anna", f"in is a public key of OpenSSH, and no certificate or key. {KEYGEN}"),
        (b"PuTTY-User-Key-File-3: ", f"in is a key of PuTTY, and no certificate or key. {KEYGEN}"),
        (
            b"\xef\xbb\xbf\n<!DOCTYPE html>",
            "in is a page of the web, and no certificate or key. "
            "Was it saved when the log-in had expired? Download the certificate again.",
        ),
        (
            LEAF.replace(b"-----", "—–".encode()),
            "in has a line BEGIN, but without five hyphens on both sides. "
            "Did a word processor or a mail program make dashes of them? Copy it again from where it came, as a file.",
        ),
        (
            BINARY[:-1],
            f"in is cut or damaged ({len(BINARY)} bytes are announced, {len(BINARY) - 1} are there). "
            "Was the copy interrupted, or made in text mode? Copy it again from where it came, and compare the sizes.",
        ),
        (
            BINARY[1:],
            UNKNOWN,
        ),
        (LEAF[:-27], f"in, block 1 is cut or damaged: there is no line END CERTIFICATE. {LOST}"),
        (
            LEAF + LEAF[28:],
            f"in, block 2 is cut or damaged: a line END CERTIFICATE comes without a line BEGIN CERTIFICATE. {LOST}",
        ),
        (
            LEAF[:-27] + LEAF,
            f"in, block 1 is cut or damaged: a line BEGIN CERTIFICATE comes before the line END CERTIFICATE. {LOST}",
        ),
        (
            LEAF.replace(b"END CERT", b"END X509 CERT"),
            f"in, block 1 is cut or damaged: it begins with BEGIN CERTIFICATE and ends with END X509 CERTIFICATE. {LOST}",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            f"in is cut or damaged: there is nothing between the lines BEGIN and END. {LOST}",
        ),
        (
            LEAF + LEAF.replace(b"\nM", b"\n*"),
            "in, block 2: what stands between the lines BEGIN and END is no base64. "
            "Was it changed by an editor or a mail program? Copy it again from where it came.",
        ),
        (
            LEAF.replace(b"\n", b"\\n"),
            "in: what stands between the lines BEGIN and END is no base64. "
            "Are line ends written as two signs (\\n), or is there a letter too much? Copy it again from where it came.",
        ),
        (
            armoured("CERTIFICATE", BINARY[:500]),
            f"in is cut or damaged ({len(BINARY)} bytes are announced, 500 are there). "
            "Was the copy interrupted, or made in text mode? Copy it again from where it came, and compare the sizes.",
        ),
        (
            encode(0x30, encode(12, b"x" * 200)),
            "in is of no known form. Is it a certificate or a key at all? Known are PEM, DER, PKCS#7 and PKCS#12.",
        ),
        (
            encode(0x30, encode(2, b"\3") + encode(0x30, b"") + encode(0x30, b"")),
            "in: this is no PKCS#12 file that can be read. Is the file cut or damaged? Export it again from where it came.",
        ),
        (
            openssl("req", "-new", "-key", "{key}", "-subj", "/CN=chat", files={"key": pem(rsa_key())}),
            "in holds no certificate and no private key (passed over, CERTIFICATE REQUEST). "
            "Is it the request that was sent to the certificate authority, instead of its answer? "
            "Give the files that the certificate authority delivered.",
        ),
        (
            openssl("pkey", "-pubout", given=pem(rsa_key())),
            "in holds no certificate and no private key (passed over, PUBLIC KEY). Is it the right file? "
            "Give the files that the certificate authority delivered.",
        ),
    ],
    ids=itertools.count(),
)
def test_words(data, text):
    assert refused(data) == text


CERTIFICATE, KEY = "in: this is no certificate that can be read (", "in: this is no private key that can be read ("
PKCS7 = "in: this is no PKCS#7 file with certificates that can be read ("
WRONG_VERSION = BINARY.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09")
ENVELOPED = encode(0x30, encode(6, bytes.fromhex("2a864886f70d010703")) + encode(0xA0, encode(0x30, b"")))


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (armoured("CERTIFICATE", b"\1\1\0"), CERTIFICATE),
        (armoured("CERTIFICATE", b"\x1f\1\0"), CERTIFICATE),
        (armoured("PRIVATE KEY", b"\1\1\0"), KEY),
        (armoured("RSA PRIVATE KEY", BINARY[:4] + b"\0" * (len(BINARY) - 4)), KEY),
        (WRONG_VERSION, CERTIFICATE),
        (pem(rsa_key()).replace(b"M", b"N", 1), KEY),
        (ENVELOPED, PKCS7),
    ],
    ids=itertools.count(),
)
def test_words_of_the_library(data, start):
    text = refused(data)
    assert text.startswith(start)
    assert "_OpenSSLErrorWithText" not in text
    assert "Is " in text


def test_pkcs7_without_certificates():
    """Older versions of the library find nothing, newer ones complain."""
    text = refused(openssl("crl2pkcs7", "-nocrl"))
    assert text.startswith(
        (PKCS7, "in holds no certificate and no private key (passed over, PKCS#7 without certificates).")
    )


def test_a_passphrase_may_be_a_text():
    assert read(forms()["PKCS#12 modern"].data, "in", [PASSPHRASE.decode()]).keys


def test_an_item_that_is_broken_is_named_by_its_place():
    broken = armoured("CERTIFICATE", WRONG_VERSION)
    assert refused(LEAF + broken + LEAF).startswith("in, block 2: this is no certificate that can be read (")


def test_a_key_does_not_show_when_it_is_called_something_else():
    body = "".join(pem(rsa_key()).decode().splitlines()[1:-1])
    for data in (
        pem(rsa_key())[:-60],
        pem(rsa_key()).replace(b"-----", b"----"),
        pem(rsa_key()).replace(b"BEGIN PRIVATE KEY", b"BEGIN CERTIFICATE"),
        pem(rsa_key())[200:],
        body.encode()[3:],
    ):
        text = refused(data)
        assert not any(body[at : at + 10] in text for at in range(len(body) - 10))


def test_wrong_passphrase_is_not_taken_for_none():
    """The two are different mistakes, whatever the library makes of them."""
    for name, form in forms().items():
        if form.locked:
            assert "none was given" in refused(form.data, (), PassphraseError), name
            assert "does not open it" in refused(form.data, [b"x"], PassphraseError), name


def test_encrypted_in_a_way_that_is_not_known(monkeypatch):
    def load(data, passphrase):
        raise parse_key.exceptions.UnsupportedAlgorithm("Cipher 1.2.3 is not known")

    monkeypatch.setattr(parse_key.serialization, "load_der_private_key", load)
    monkeypatch.setattr(parse_key.platform, "node", lambda: "chat")
    version = parse_key.cryptography.__version__
    assert refused(forms()["key RSA encrypted PKCS#8 DER"].data, [PASSPHRASE]) == (
        f"in is encrypted in a way that cryptography {version} on chat cannot read (Cipher 1.2.3 is not known). "
        "Encrypt it again with AES: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW."
    )


# -- nothing else comes out ---------------------------------------------------------------------------------------------


class PanicException(BaseException):
    """What a panic of Rust looks like."""


@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError, PanicException, SystemError])
def test_whatever_happens_is_declared(monkeypatch, error):
    def broken(*_arguments):
        raise error("canary")

    monkeypatch.setattr(parse, "_material", broken)
    assert refused(b"x") == (
        f"in cannot be read: the library gave up ({error.__name__}). Is it damaged? Export it again from where it came."
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_stops_it_stops_it(monkeypatch, error):
    def broken(*_arguments):
        raise error

    monkeypatch.setattr(parse, "_material", broken)
    with pytest.raises(error):
        read(b"x", "in")


def test_without_the_library(monkeypatch):
    monkeypatch.setattr(parse, "CRYPTOGRAPHY_ERROR", "Traceback")
    monkeypatch.setattr(parse.platform, "node", lambda: "chat")
    with pytest.raises(InputError) as caught:
        read(b"x", "in")
    assert str(caught.value) == (
        "The Python library cryptography cannot be imported on chat. "
        "Install it there: apt-get install python3-cryptography."
    )


def test_warnings_do_not_escape():
    """A serial number of zero, as Samba writes, makes some versions of the library warn."""
    body = parse_ber.first(BINARY)
    inner, *signature = body.children
    parts = inner.children
    tbs = encode(0x30, b"".join(encode(part.tag, part.content if at != 1 else b"\0") for at, part in enumerate(parts)))
    data = encode(0x30, tbs + b"".join(encode(each.tag, each.content) for each in signature))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            material = read(data, "in")
        except BundleError as error:  # a version may refuse it
            assert "serial" in str(error)
            return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some warn whenever they are asked
        assert material.certificates[0].parsed.serial_number == 0
