# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that were made to keep a computer busy, and how much is read at most."""

from __future__ import annotations

import base64
import contextlib

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import parse_ber, parse_cost, parse_der
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import MaterialError
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_ber import encode
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509.parse_forms import (
    DER,
    PASSPHRASE,
    armoured,
    chain,
    ec_key,
    openssl,
    pem,
    pfx,
)

LEAF = pem(chain()[0])
BINARY = chain()[0].public_bytes(DER)


def refused(data, passphrases=()):
    with pytest.raises(MaterialError) as caught:
        read(data, "in", passphrases)
    assert PASSPHRASE.decode() not in repr(caught.value)
    return str(caught.value)


def number(value):
    return encode(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


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
    assert refused(huge, [PASSPHRASE]) == (
        "in asks for more than 4,000,000 iterations to be opened. Is it damaged, or made to keep computers busy? "
        "Export it again, with the iterations that the tool proposes."
    )
    # The same for a number that is not wrong, so that the change above is known to be the one that matters.
    small = grown(element, b"\x0a", b"\x0a")
    assert refused(small, [b"wrong"]).startswith("in is encrypted, and the one passphrase")


def grown(element, old, new):
    """The same with another INTEGER in all places, lengths put right."""
    if element.tag == 2 and element.content == old:
        return encode(2, new)
    if element.tag == 4 and element.content[:1] == b"\x30":
        # One in 256 random texts begins like a sequence and is none.
        with contextlib.suppress(parse_ber.NotBer):
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
        assert refused(data) == (
            "in: the numbers of the key are too big, at most 8192 bits are read. Is it an RSA key of that size, or damaged? "
            "Take one with 2048 to 4096 bits."
        )


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
def test_what_could_take_for_ever_comes_to_an_end(data):
    assert refused(data)


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
