# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a file, in words; and files that were made to keep a computer busy."""

from __future__ import annotations

import base64
import itertools
import time
import warnings

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import (
    parse,
    parse_ber,
    parse_cost,
    parse_der,
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
    ec_key,
    forms,
    openssl,
    pem,
    pfx,
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


def number(value):
    return encode(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


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


# -- limits -------------------------------------------------------------------------------------------------------------


# Seconds of the processor: others may be at work on the machine.


def test_too_big():
    assert refused(b"x" * (4 * 1024 * 1024 + 1)) == (
        "in is too big: 4,194,305 bytes, at most 4,194,304 are read. Is it a certificate at all? "
        "Name the files with the certificates and the key."
    )


@pytest.mark.parametrize("data", [LEAF * 2001, BINARY * 2001], ids=["PEM", "DER"])
def test_too_many(data):
    assert refused(data) == (
        "in holds more than 2,000 certificates, keys and other blocks. Is it the right file? Name the files that are meant."
    )


def test_as_many_as_allowed():
    assert len(read(LEAF * parse_der.ITEMS, "in").certificates) == 2000
    assert len(read(BINARY * parse_der.ITEMS, "in").certificates) == 2000


@pytest.mark.parametrize(
    "data",
    [
        pfx("-iter", "10"),
        openssl("pkcs8", "-topk8", "-passout", "env:CANARY", "-iter", "10", given=pem(ec_key())),
        openssl(
            "pkcs8", "-topk8", "-passout", "env:CANARY", "-v1", "PBE-SHA1-3DES", "-iter", "10", given=pem(ec_key())
        ),
    ],
    ids=["PKCS#12", "PBES2", "PBES1"],
)
def test_iterations_without_end(data):
    der = data if data[:1] == b"0" else base64.b64decode(b"".join(data.splitlines()[1:-1]))
    # The salts are random, and 02 01 0a stands for the iterations nearly always; lengths stay as they are.
    assert der.count(b"\x02\x01\x0a")
    element = parse_ber.first(der)
    huge = grown(element, b"\x0a", (2**31 - 1).to_bytes(4, "big"))
    began = time.process_time()
    assert refused(huge, [PASSPHRASE]) == (
        "in asks for more than 4,000,000 iterations to be opened. Is it damaged, or made to keep computers busy? "
        "Export it again, with the iterations that the tool proposes."
    )
    assert time.process_time() - began < 2
    # The same for a number that is not wrong, so that the change above is known to be the one that matters.
    small = grown(element, b"\x0a", b"\x0a")
    assert refused(small, [b"wrong"]).startswith("in is encrypted, and the one passphrase")


def grown(element, old, new):
    """The same with another INTEGER in all places, lengths put right."""
    if element.tag == 2 and element.content == old:
        return encode(2, new)
    if element.tag == 4 and element.content[:1] == b"\x30":
        return encode(4, grown(parse_ber.first(element.content), old, new))
    if element.tag & 0x20:
        return encode(element.tag, b"".join(grown(child, old, new) for child in element.children))
    return encode(element.tag, element.content)


def test_scrypt_without_end():
    key = openssl("pkcs8", "-topk8", "-passout", "env:CANARY", "-scrypt", "-outform", "DER", given=pem(ec_key()))
    # 16,384 times 8 times p
    read(grown(parse_ber.first(key), b"\1", b"\1"), "in", [PASSPHRASE])
    assert "more than 4,000,000 iterations" in refused(grown(parse_ber.first(key), b"\1", b"\x28"), [PASSPHRASE])


def test_many_iterations_are_read():
    """What Firefox writes."""
    assert len(read(pfx("-iter", "600000", "-macalg", "sha256"), "in", [PASSPHRASE]).keys) == 1


@pytest.mark.parametrize(("first", "second"), [(4423, 4253), (4423, 3217), (9689, 9)])
def test_rsa_numbers_beyond_reason(first, second):
    """Mersenne primes; to see that they are primes takes seconds to minutes."""
    one, two = 2**first - 1, 2**second - 1
    private = pow(65537, -1, (one - 1) * (two - 1)) if second > 9 else 3
    numbers = [0, one * two, 65537, private, one, two, private % (one - 1), private % (two - 1), 5]
    key = encode(0x30, b"".join(map(number, numbers)))
    wrapped = encode(0x30, number(0) + encode(0x30, encode(6, bytes.fromhex("2a864886f70d010101"))) + encode(4, key))
    for data in (key, wrapped, armoured("RSA PRIVATE KEY", key)):
        began = time.process_time()
        assert refused(data) == (
            "in: the numbers of the key are too big, at most 8192 bits are read. Is it an RSA key of that size, or damaged? "
            "Take one with 2048 to 4096 bits."
        )
        assert time.process_time() - began < 1


def test_a_key_of_many_bytes():
    huge = encode(0x30, number(0) + encode(4, b"x" * 20000))
    assert refused(huge) == (
        f"in: a private key of {len(huge):,} bytes; at most 12,288 are read. Is it something else, or damaged? "
        "Export it again from where it came."
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\x30\x80" * 100_000,
        b"\x30\x84\x00\x00\xff\xff" * 100_000,
        encode(0x30, encode(2, b"\3") + encode(0x30, b"\x04\x00" * 500_000)),
        encode(0x30, encode(2, b"\0") + encode(4, b"\x30\x02" * 5_000)),
        b"-----BEGIN " * 300_000,
        b"-" * 4_000_000,
        b"-----BEGIN CERTIFICATE-----" * 100_000,
        b"-----BEGIN X-----\n-----END X-----\n" * 100_000,
        b"-----BEGIN PRIVATE KEY-----\n" + b"A: b\n" * 500_000 + b"-----END PRIVATE KEY-----\n",
        b"A" * 4_000_000,
        b" " * 2_000_000 + b"!" + b" " * 2_000_000,
        b"-\0" * 2_000_000,
    ],
    ids=range(12),
)
def test_no_input_takes_long(data):
    began = time.process_time()
    refused(data)
    assert time.process_time() - began < 5


def test_deep_octet_strings():
    inner = b"x"
    for _level in range(2000):
        inner = encode(0x30, encode(4, inner))
    assert refused(encode(0x30, encode(2, b"\3") + inner))
    assert len(list(parse_ber.walk(inner))) <= parse_ber.ELEMENTS


def test_walk_sees_numbers_in_pieces_of_octet_strings():
    inside = encode(0x30, number(7))
    pieces = encode(0x24, encode(4, inside[:2]) + encode(4, inside[2:]))
    assert [each.number for each in parse_ber.walk(pieces) if each.tag == 2] == [7]


def test_cost_counts_every_part():
    part = encode(
        0x30, encode(6, bytes.fromhex("2a864886f70d01050c")) + encode(0x30, encode(4, b"salt") + number(1_500_000))
    )
    parse_cost.refuse_expensive(encode(0x30, part * 2), "in")
    with pytest.raises(MaterialError, match="more than 4,000,000 iterations"):
        parse_cost.refuse_expensive(encode(0x30, part * 3), "in")


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
