# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Text: PEM (RFC 7468, with what tools really write), and base64 without any armour."""

from __future__ import annotations

import binascii
import dataclasses
import re
from collections.abc import Iterator, Sequence

from .certificate import Material
from .errors import MaterialError
from .parse_ber import NotBer, first
from .parse_der import ITEMS, der_material, too_many
from .parse_key import traditional_material

# What each label promises. What is in it is told by its shape: certutil writes CERTIFICATE around everything.
LABELS = {
    "CERTIFICATE": "certificate",
    "X509 CERTIFICATE": "certificate",
    "X.509 CERTIFICATE": "certificate",
    "TRUSTED CERTIFICATE": "certificate",
    "PKCS7": "pkcs7",
    "PKCS #7 SIGNED DATA": "pkcs7",
    "CMS": "pkcs7",
    "PKCS12": "",
    "PFX": "",
    "PRIVATE KEY": "key",
    "RSA PRIVATE KEY": "key",
    "EC PRIVATE KEY": "key",
    "DSA PRIVATE KEY": "key",
    "ENCRYPTED PRIVATE KEY": "encrypted key",
}
_MARK = re.compile(r"-----(BEGIN|END) ([A-Z0-9][A-Z0-9 #./_]{0,60}?)-----")
_ENCRYPTED = re.compile(r"Proc-Type:\s*4\s*,\s*ENCRYPTED", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclasses.dataclass(frozen=True)
class Block:
    """One block: its number from 1, its label, and what stands between its two lines."""

    number: int
    label: str
    body: str = dataclasses.field(repr=False)


def decoded(data: bytes) -> tuple[str, list[str]]:
    """The bytes as text, whatever encoding a tool chose, and what is odd about it."""
    for mark, encoding, name in (
        (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
        (b"\xff\xfe", "utf-16-le", "UTF-16"),
        (b"\xfe\xff", "utf-16-be", "UTF-16"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), [f"{name} with a byte order mark"]
    at = data.find(b"-\0-\0-\0-\0")
    if at >= 0:
        return data.decode("utf-16-be" if at % 2 else "utf-16-le", "replace"), ["UTF-16"]
    try:
        return data.decode(), []
    except UnicodeDecodeError:
        return data.decode("latin-1"), []


def is_pem(text: str) -> bool:
    """Whether there is a line of PEM in it."""
    return _MARK.search(text) is not None


def bare(text: str) -> bytes | None:
    """The bytes when the whole text is base64 of something binary, else None."""
    base64 = "".join(text.split())
    if not _BASE64.fullmatch(base64):
        return None
    try:
        data = binascii.a2b_base64(base64, strict_mode=True)
    except ValueError:
        return None
    return data if data[:1] == b"\x30" else None


def pem_material(text: str, origin: str, passphrases: Sequence[bytes]) -> Material:
    """All blocks, in their order. Raises MaterialError, PassphraseError."""
    material = Material()
    found, around = _split(text, origin)
    for block in found:
        where = f"{origin}, block {block.number}" if len(found) > 1 else origin
        material.add(_read(block, where, passphrases))
    if around:
        material.notes.append(f"{origin}: text around the blocks, passed over")
    if "\r" in text:
        material.notes.append(f"{origin}: line ends with carriage returns")
    return material


def _split(text: str, origin: str) -> tuple[list[Block], bool]:
    """The blocks, and whether there is text around them. Raises MaterialError for one that is cut."""
    blocks, around, opened, last = [], False, None, 0
    for mark in _MARK.finditer(text):
        number = len(blocks) + 1
        where = f"{origin}, block {number}"
        if mark[1] == "BEGIN":
            if opened:
                raise _cut(where, f"a line BEGIN {mark[2]} comes before the line END {opened[2]}")
            around = around or bool(text[last : mark.start()].strip("\ufeff \t\r\n"))
            opened = mark
        elif opened is None:
            raise _cut(where, f"a line END {mark[2]} comes without a line BEGIN {mark[2]}")
        elif opened[2] != mark[2]:
            raise _cut(where, f"it begins with BEGIN {opened[2]} and ends with END {mark[2]}")
        else:
            if number > ITEMS:
                raise too_many(origin)
            blocks.append(Block(number, opened[2], text[opened.end() : mark.start()]))
            opened = None
        last = mark.end()
    if opened:
        raise _cut(f"{origin}, block {len(blocks) + 1}", f"there is no line END {opened[2]}")
    return blocks, around or bool(text[last:].strip("\ufeff \t\r\n\0\x1a"))


def _cut(where: str, why: str) -> MaterialError:
    return MaterialError(
        f"{where} is cut or damaged: {why}.",
        "Was something lost when it was copied?",
        "Copy it again from where it came, from the line BEGIN to the line END.",
    )


def _read(block: Block, origin: str, passphrases: Sequence[bytes]) -> Material:
    if block.label not in LABELS:
        return Material(notes=[f"{origin}: passed over, {block.label}"])
    headers, lines = [], []
    for line in block.body.splitlines():
        (headers if ":" in line else lines).append(line.strip())
    base64 = "".join("".join(lines).split())
    if any(map(_ENCRYPTED.search, headers)):
        pem = "\n".join(_rebuilt(block, headers, base64)).encode("ascii", "replace")
        return traditional_material(pem, origin, passphrases)
    try:
        der = binascii.a2b_base64(base64, strict_mode=True)
    except ValueError as error:
        raise MaterialError(
            f"{origin}: what stands between the lines BEGIN and END is no base64.",
            "Are line ends written as two signs (\\n), or is there a letter too much?"
            if "\\" in base64
            else "Was it changed by an editor or a mail program?",
            "Copy it again from where it came.",
        ) from error
    if not der:
        raise _cut(origin, "there is nothing between the lines BEGIN and END")
    if block.label != "TRUSTED CERTIFICATE":
        return der_material(der, origin, passphrases, LABELS[block.label])
    material = der_material(_without_trust(der), origin, passphrases, LABELS[block.label])
    material.notes.append(f"{origin}: the trust settings of OpenSSL are passed over")
    return material


def _without_trust(der: bytes) -> bytes:
    """OpenSSL writes its settings behind the certificate."""
    try:
        return der[: first(der).end]
    except (NotBer, RecursionError):
        return der


def _rebuilt(block: Block, headers: list[str], base64: str) -> Iterator[str]:
    """The block as every library reads it, whatever was made of its line ends and indents."""
    yield f"-----BEGIN {block.label}-----"
    yield from headers
    yield ""
    yield from (base64[at : at + 64] for at in range(0, len(base64), 64))
    yield f"-----END {block.label}-----"
    yield ""
