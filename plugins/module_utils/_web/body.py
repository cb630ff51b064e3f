# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a web server sent, as text that can be shown: decompressed, decoded, without anything a terminal would act on."""

from __future__ import annotations

import codecs
import html
import re
import zlib

#: Bytes of a body, as sent and again decompressed, that are looked at.
MOST = 256 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of the names that Python knows only those of character sets of web pages: others take long or are no character sets.
_CHARSETS = re.compile(
    r"(utf-(8|16|32)|iso8859|cp\d|koi8|mac-|gb|big5|shift_jis|euc|ascii|hz|iso2022|tis)", re.IGNORECASE
)
_META = re.compile(rb"""<meta[^>]{0,200}charset\s{0,9}=\s{0,9}["']?\s{0,9}([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_TITLE = re.compile(r"<title(?=[\s>/])", re.IGNORECASE)
_END = re.compile(r"</title", re.IGNORECASE)
_LONGEST_TITLE = 100


def clean(text: str, most: int = 200) -> str:
    """One printable line: blanks become one, control characters and marks of writing direction are written as escapes."""
    line = " ".join(text[: 4 * most].split())
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[:most]}..."


def decompress(data: bytes, encoding: str) -> bytes | None:
    """A body without its Content-Encoding, MOST bytes of it at most; None for one that cannot be taken off."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return data
    if name in ("gzip", "x-gzip"):
        return _inflate(data, 16 + zlib.MAX_WBITS)
    if name == "deflate":  # zlib's format by the standard, without its head by many servers (RFC 9110 8.4.1.2)
        found = _inflate(data, zlib.MAX_WBITS)
        return _inflate(data, -zlib.MAX_WBITS) if found is None else found
    return None


def _inflate(data: bytes, window: int) -> bytes | None:
    try:
        return zlib.decompressobj(window).decompress(data, MOST)
    except zlib.error:
        return None


def decode(data: bytes, charset: str) -> str:
    """The text of a body; charset: from the header, or empty. A byte order mark says more, a meta element less."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    meta = _META.search(data[:1024])
    for name in (charset, meta.group(1).decode("ascii") if meta else ""):
        known = _known(name)
        if known:
            return data.decode(known, "replace")
    return data.decode("utf-8", "replace")


def _known(name: str) -> str:
    try:
        known = codecs.lookup(name.strip().strip("\"'")).name if name.isascii() else ""
    except (LookupError, ValueError):
        return ""
    return known if _CHARSETS.match(known) else ""


def is_binary(text: str) -> bool:
    """Whether this was no text: pictures, archives."""
    head = text[:1024]
    odd = sum(char == "\ufffd" or (ord(char) < 32 and char not in "\t\n\v\f\r\x1b") for char in head)
    return "\0" in head or odd * 10 > len(head)


def title(text: str) -> str:
    """The first words of the title of an HTML page; empty where there is none."""
    begin = _TITLE.search(text)
    if begin is None:
        return ""
    start = text.find(">", begin.end(), begin.end() + 1000) + 1
    if not start:
        return ""
    end = _END.search(text, start, start + 2000)
    inside = text[start : end.start()] if end else text[start : start + 2000].partition("<")[0]
    return clean(html.unescape(inside), _LONGEST_TITLE)
