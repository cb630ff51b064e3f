# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One value of a type: from what a user writes to canonical text, from what a server answers to the same text.

Canonical text is text of a zone file, spelled in one way only, so that values compare with ``==``. It never depends on how
the library that parsed the answer happens to print: long hexadecimal data has no blanks, TXT is cut every 255 bytes.
"""

from __future__ import annotations

import binascii
import re

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# Exactly the texts that dnspython takes for an IPv4 address and prints again as they are.
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
_CAA = re.compile(r'([^\s"]+)\s+([^\s"]+)\s+("(?:[^"\\]|\\.)*"|[^\s"\\;()]+)', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)
_CA_NAME = re.compile(rb"[ \t]*(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)?[ \t]*", re.IGNORECASE)
_TLSA = re.compile(r"(\S+)\s+(\S+)\s+(\S+)\s+(\S.*)", re.DOTALL)
# Bytes of the digest by matching type (RFC 6698 2.1.3).
_DIGESTS = {1: ("SHA-256", 32), 2: ("SHA-512", 64)}
# CNAME, PTR, AAAA, SRV.
_NAMES_AND_NUMBERS = (5, 12, 28, 33)
# With one length byte for each 255 bytes this fills the 65,535 bytes that a record can have.
MAX_TXT = 65279


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}...")


def ipv4(text: str) -> str:
    """An IPv4 address."""
    if _IPV4.fullmatch(text):
        return text
    raise InputError(
        f"{text!r} is not an IPv4 address.",
        "Is it a name or an IPv6 address?",
        "Write four numbers from 0 to 255 without leading zeros, as in 10.203.0.20.",
    )


def ipv6(text: str) -> str:
    """An IPv6 address in its shortest form."""
    try:
        return dns.ipv6.inet_ntoa(dns.ipv6.inet_aton(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise InputError(
            f"{text!r} is not an IPv6 address.",
            "Is it an IPv4 address, or does an interface (%eth0) or a prefix length (/64) follow it?",
            "Write it as in 2001:db8::20.",
        ) from error


def txt(text: str) -> str:
    """Plain text as the strings of a TXT record."""
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise InputError(f"TXT {_short(text)} holds a character that is none (half a surrogate pair).") from error
    if len(data) > MAX_TXT:
        raise InputError(
            f"A TXT value has {len(data)} bytes, and {MAX_TXT} are the most that fit into a record.",
            "Was a whole file given?",
            "Shorten it or spread it over several names.",
        )
    return _strings(data)


def _strings(data: bytes) -> str:
    pieces = [data[start : start + 255] for start in range(0, len(data), 255)] or [b""]
    return " ".join(map(_quoted, pieces))


def _quoted(data: bytes) -> str:
    return '"' + "".join(_escaped(byte) for byte in data) + '"'


def _escaped(byte: int) -> str:
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


def txt_plain(text: str) -> str:
    """The plain text of a TXT value in canonical text, its strings joined."""
    return txt_bytes(text).decode("utf-8", "backslashreplace")


def txt_bytes(text: str) -> bytes:
    """The bytes of a TXT value in canonical text, its strings joined."""
    return b"".join(dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, text).strings)


def _number(text: str, what: str, kind: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255:
        return int(text)
    example = '0 issue "ca.example"' if kind == "CAA" else "3 1 1 and the digest in hexadecimal"
    raise InputError(
        f"{kind} {what} {text!r} is not a number from 0 to 255.",
        "Is a part missing, or are the parts in another order?",
        f"Write it as in: {example}",
    )


def caa(text: str) -> str:
    """Flags, tag and value of a CAA record (RFC 8659)."""
    match = _CAA.fullmatch(text.strip())
    if not match:
        raise InputError(
            f"CAA {_short(text)} does not consist of flags, tag and value.",
            "Is a part missing, or is a value with a blank or a semicolon not in double quotes?",
            'Write it as in: 0 issue "ca.example"',
        )
    flags = _number(match[1], "flags", "CAA")
    tag = match[2].lower()
    if not (tag.isascii() and tag.isalnum() and len(tag) <= 255):
        raise InputError(
            f"CAA tag {match[2]!r} does not consist of letters and digits (RFC 8659 4.1).",
            "Are the parts in another order?",
            'Write it as in: 0 issue "ca.example"',
        )
    data = _unescaped(match[3][1:-1] if match[3].startswith('"') else match[3], text)
    if tag in ("issue", "issuewild") and not _CA_NAME.fullmatch(data.partition(b";")[0]):
        raise InputError(
            f"CAA {_short(text)} does not name a CA: what stands before the first semicolon is no domain name. "
            "With such a record no CA may issue (RFC 8659 4.2).",
            "Is it the address of a web page, or a name in letters beyond ASCII?",
            'Write the name that the CA gives for this purpose, as in: 0 issue "ca.example"; for none: 0 issue ";"',
        )
    return f"{flags} {tag} {_quoted(data)}"


def _unescaped(text: str, whole: str) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        if len(match[1]) < 3:
            return match[1]
        return bytes([int(match[1])])

    try:
        return _ESCAPE.sub(byte, text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError as error:
        raise InputError(f"CAA {_short(whole)} holds a character that is none (half a surrogate pair).") from error
    except ValueError as error:
        raise InputError(
            f"CAA {_short(whole)} has a backslash with a number over 255.",
            "Is the backslash meant as itself?",
            "Write it twice.",
        ) from error


def caa_wire(text: str) -> bytes:
    """The bytes of a CAA value in canonical text."""
    flags, tag, value = text.split(" ", 2)
    return bytes([int(flags), len(tag)]) + tag.encode() + _unescaped(value[1:-1], text)


def tlsa(text: str) -> str:
    """Usage, selector, matching type and data of a TLSA record (RFC 6698)."""
    match = _TLSA.fullmatch(text.strip())
    if not match:
        raise InputError(
            f"TLSA {_short(text)} does not consist of usage, selector, matching type and data.",
            "Is a part missing?",
            "Write it as in: 3 1 1 and the digest in hexadecimal",
        )
    usage, selector, matching = (
        _number(match[number], what, "TLSA") for number, what in enumerate(("usage", "selector", "matching type"), 1)
    )
    try:
        data = binascii.unhexlify("".join(match[4].split()))
    except ValueError as error:
        raise InputError(
            f"The data of TLSA {_short(text)} is not hexadecimal with two digits for each byte.",
            "Has it colons between the bytes, is it base64, or is a digit missing?",
            "Print the digest of a public key with: openssl x509 -in server.crt -noout -pubkey | "
            "openssl pkey -pubin -outform DER | openssl dgst -sha256",
        ) from error
    name, length = _DIGESTS.get(matching, ("", len(data)))
    if len(data) != length:
        raise InputError(
            f"TLSA {_short(text)} has {len(data)} bytes of data, and matching type {matching} is {name} with {length}.",
            "Is the matching type right, and is the digest complete?",
            "Matching type 1 is SHA-256, 2 is SHA-512, 0 is the whole certificate or public key.",
        )
    return _tlsa(usage, selector, matching, data)


def _tlsa(usage: int, selector: int, matching: int, data: bytes) -> str:
    return f"{usage} {selector} {matching} {data.hex()}"


def canonical(rdata) -> str:
    """A value read from a server as canonical text."""
    kind = rdata.rdtype
    if kind == dns.rdatatype.TXT:
        return _strings(b"".join(rdata.strings))
    if kind == dns.rdatatype.CAA:
        return f"{rdata.flags} {rdata.tag.decode('ascii').lower()} {_quoted(rdata.value)}"
    if kind == dns.rdatatype.TLSA:
        return _tlsa(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
    text = rdata.to_text()
    # Only for types whose text holds nothing but names and numbers.
    return text.lower() if kind in _NAMES_AND_NUMBERS else text


def is_spelled_canonically(rdata) -> bool:
    """Whether the value as read and its canonical text are the same record to a server.

    They are not when a TXT is cut elsewhere or a CAA tag is in capitals: adding the canonical text would put a second
    record beside the first. The case of letters in names makes no difference.
    """
    if rdata.rdtype not in (dns.rdatatype.TXT, dns.rdatatype.CAA):
        return True
    return rdata == dns.rdata.from_text(dns.rdataclass.IN, rdata.rdtype, canonical(rdata))
