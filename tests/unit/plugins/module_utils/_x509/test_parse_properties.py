# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every input: only declared errors, no secret in a text, the same content in whatever wrapping."""

from __future__ import annotations

import base64
import contextlib
import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.onprem.chat.plugins.module_utils._x509 import parse_ber
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import BundleError
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_ber import encode
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509.parse_forms import (
    DER,
    PASSPHRASE,
    armoured,
    chain,
    ec_key,
    endless,
    forms,
    pem,
)

# The same examples in every run; the soak test takes new ones for minutes.
steady = settings(derandomize=True, deadline=None, max_examples=60, database=None)
SHOWN = {name: form for name, form in forms().items() if "scrypt" not in name}
NAMES = sorted(SHOWN)
PASSPHRASES = st.lists(st.sampled_from([b"", b"wrong", b"\xff", PASSPHRASE]), max_size=3)
EC = pem(ec_key()).decode().splitlines()[1:-1]


def outcome(data, passphrases=()):
    """What came of it; anything but a declared error is a failure of the test."""
    try:
        material = read(data, "in", passphrases)
    except BundleError as error:
        texts = [str(error), repr(error)]
        assert error.what.startswith("in")
        material = None
    else:
        texts = [*material.notes, repr(material.keys)]
        assert material.certificates or material.keys
    for text in texts:
        assert PASSPHRASE.decode() not in text
        assert not any(line[:16] in text for line in EC)
    return material


trees = st.recursive(
    st.tuples(st.sampled_from([2, 3, 4, 5, 6, 12, 23, 0x80]), st.binary(max_size=12)).map(lambda it: encode(*it)),
    lambda inner: st.tuples(
        st.sampled_from([0x30, 0x30, 0x31, 0xA0, 0xA3, 0x24]), st.lists(inner, max_size=4), st.booleans()
    ).map(lambda it: (encode if it[2] else endless)(it[0], b"".join(it[1]))),
    max_leaves=12,
)


@steady
@given(st.binary(max_size=200), PASSPHRASES)
def test_any_bytes(data, passphrases):
    outcome(data, passphrases)


@steady
@given(st.text(max_size=200), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be"]))
def test_any_text(text, encoding):
    outcome(text.encode(encoding, "surrogatepass"))
    outcome((text + "-----BEGIN CERTIFICATE-----" + text).encode(encoding, "surrogatepass"))


@steady
@given(trees, st.sampled_from(["CERTIFICATE", "TRUSTED CERTIFICATE", "PRIVATE KEY", "PKCS7", "PFX", "CMS"]))
def test_any_elements(tree, label):
    outcome(tree, [PASSPHRASE])
    outcome(armoured(label, tree), [PASSPHRASE])


@steady
@given(st.sampled_from(NAMES), st.data(), PASSPHRASES)
def test_a_byte_that_changed(name, data, passphrases):
    content = bytearray(SHOWN[name].data)
    for _change in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome(bytes(content), passphrases)


@steady
@given(st.sampled_from(NAMES), st.floats(0, 1), PASSPHRASES)
def test_a_cut(name, share, passphrases):
    content = SHOWN[name].data
    at = int(len(content) * share)
    outcome(content[:at], passphrases)
    outcome(content[at:], passphrases)


@steady
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.floats(0, 1), st.floats(0, 1))
def test_two_files_in_one(one, two, share, other):
    first, second = SHOWN[one].data, SHOWN[two].data
    outcome(first[: int(len(first) * share)] + second[int(len(second) * other) :], [PASSPHRASE])


# -- what must not be lost ------------------------------------------------------------------------------------------------

blocks = st.lists(st.sampled_from([*chain(), ec_key()]), min_size=1, max_size=6)
# What may stand around blocks: anything without the marks of PEM themselves.
around = st.text(st.characters(codec="utf-8", exclude_characters="-"), max_size=40)


@steady
@given(
    blocks,
    st.lists(around, min_size=7, max_size=7),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", " ", "\t"]),
)
def test_blocks_in_their_order_in_any_text(items, texts, line_end, indent):
    parts = [indent + pem(item).decode().replace("\n", line_end + indent) for item in items]
    text = "".join(itertools.chain.from_iterable(zip(texts, parts, strict=False)))
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        material = outcome(text.encode(encoding))
        assert [each.der for each in material.certificates] == [
            item.public_bytes(DER) for item in items if item is not ec_key()
        ]
        assert len(material.keys) == items.count(ec_key())


@steady
@given(st.integers(1, 200), st.sampled_from(["\n", "\r\n", " \n\n", "\t"]))
def test_lines_of_base64_of_any_length(width, between):
    body = base64.b64encode(chain()[0].public_bytes(DER)).decode()
    lines = between.join(body[at : at + width] for at in range(0, len(body), width))
    for text in (lines, f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----"):
        assert outcome(text.encode()).certificates[0].der == chain()[0].public_bytes(DER)


@steady
@given(trees)
def test_elements_end_where_they_say(tree):
    whole = parse_ber.first(tree + b"rest")
    assert whole.end == len(tree)
    assert sum(1 for _element in parse_ber.walk(tree)) >= 1


@steady
@given(st.binary(max_size=80))
def test_the_walk_raises_nothing_else(data):
    list(parse_ber.walk(data))
    with contextlib.suppress(parse_ber.NotBer):
        parse_ber.kind(parse_ber.first(data))
