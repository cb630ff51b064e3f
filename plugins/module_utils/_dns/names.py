# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Names as users write them and as they are kept: absolute, A-labels, in lower case, with the trailing dot.

Nearly all names are plain, and a task may hold thousands: for those the answer is a matter of string operations. Everything
else goes the long way through dnspython, with the same result.
"""

from __future__ import annotations

import functools
import re

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns

# Labels that dnspython reads and prints again as they are; with and without the trailing dot.
_LABEL = "[a-zA-Z0-9_*/-]{1,63}"
_PLAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
# 255 octets on the wire are 254 characters with the trailing dot.
_MAX_PLAIN = 254
_BLANKS = re.compile(r"(?:[^\\\s]|\\.)*\s", re.DOTALL)


def _is_plain(text: str) -> bool:
    return len(text) <= _MAX_PLAIN and _PLAIN.fullmatch(text) is not None


@functools.lru_cache(maxsize=64)
def _origin(zone: str):
    """The zone for dnspython, and whether its text is plain."""
    return dns.name.from_text(zone), _is_plain(zone)


def zone_name(text: str) -> str:
    """The zone as an absolute name in lower case."""
    if is_address(text.partition("/")[0]):
        raise InputError(
            f"zone {text!r} is a network, not the name of a zone.",
            "Is its reverse zone meant?",
            "Give the name of the reverse zone, as in 0.203.10.in-addr.arpa.",
        )
    name = _to_name(text, "zone").derelativize(dns.name.root)
    if name == dns.name.root:
        raise InputError(
            f"zone {text!r} is no zone that records are written to.", action="Give its name, e.g. corp.test."
        )
    return name.to_text().lower()


def owner_name(text: str, zone: str) -> str:
    """The absolute name of a record: ``@`` is the zone, a name that ends in the zone is complete, others lie below."""
    if text in ("@", ""):
        return zone
    origin, plain_zone = _origin(zone)
    if plain_zone and _is_plain(text):
        name = text.lower()
        if not name.endswith("."):
            dotted = name + "."
            name = dotted if dotted == zone or dotted.endswith(f".{zone}") else dotted + zone
        if len(name) <= _MAX_PLAIN and (name == zone or name.endswith(f".{zone}")):
            return name
    return _owner_name(text, zone, origin)


def _owner_name(text: str, zone: str, origin) -> str:
    name = _to_name(text, "name")
    if not name.is_absolute():
        complete = _extended(name, dns.name.root, text, "name")
        name = complete if complete.is_subdomain(origin) else _extended(name, origin, text, "name")
    if not name.is_subdomain(origin):
        raise InputError(
            f"name {text!r} does not lie in the zone {zone.rstrip('.')}.",
            "Does the record belong to another zone?",
            "Write it with a task of its own for that zone.",
        )
    return name.to_text().lower()


def target_name(text: str, zone: str, what: str = "target") -> str:
    """The absolute name that a record points to: ``@`` is the zone, a single label lies below it, others are complete."""
    if text == ".":
        return "."
    if text == "@":
        return zone
    if not text:
        raise InputError(
            f"{what} is empty.",
            "Is the variable that it comes from empty?",
            'Give the name of a host. SRV has "." for: no such service here.',
        )
    _refuse_address(text, what)
    origin, plain_zone = _origin(zone)
    if plain_zone and _is_plain(text):
        name = text.lower()
        if not name.endswith("."):
            name += "." if "." in name else f".{zone}"
        if len(name) <= _MAX_PLAIN:
            return name
    name = _to_name(text, what)
    if not name.is_absolute():
        name = _extended(name, origin if len(name) == 1 else dns.name.root, text, what)
    return name.to_text().lower()


def complete_name(text: str, zone: str, what: str = "target") -> str:
    """The absolute name that a record points to, where a single label would be of no use."""
    if text not in (".", "@") and "." not in text.translate({0x3002: ".", 0xFF0E: ".", 0xFF61: "."}):
        if text:
            _refuse_address(text, what)
        raise InputError(
            f"{what} {text!r} is not a complete name.",
            f"A name relative to the reverse zone {zone.rstrip('.')} makes no sense: in which domain is this host?",
            "Write the whole name, as in chat.corp.test.",
        )
    return target_name(text, zone, what)


def reverse_name(address: str) -> str:
    """The name under which the reverse tree knows an address (RFC 1035 3.5, RFC 3596 2.5)."""
    try:
        return dns.reversename.from_address(address).to_text()
    except dns.exception.DNSException as error:
        raise InputError(f"{address!r} is no address, so it has no reverse name.") from error


def is_address(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address."""
    # No plain name can be one, except of four numbers.
    if ":" not in text and not text.replace(".", "").isdecimal():
        return False
    try:
        dns.reversename.from_address(text)
    except dns.exception.DNSException:
        return False
    return True


def _refuse_address(text: str, what: str) -> None:
    if is_address(text):
        raise InputError(
            f"{what} {text!r} is an address, and such a record points to a name.",
            "Is there an A or AAAA record for this address?",
            "Give its name.",
        )


# -- the long way -----------------------------------------------------------------------------------------------------


def _extended(name, origin, text: str, what: str):
    try:
        return name.derelativize(origin)
    except dns.exception.DNSException as error:
        below = "" if origin == dns.name.root else f" with the zone {origin.to_text(omit_final_dot=True)}"
        raise _too_long(f"{what} {_short(text)}{below}") from error


def _to_name(text: str, what: str):
    """What the text says, absolute or not."""
    if _BLANKS.match(text):
        raise InputError(
            f"{what} {_short(text)} has a blank in it.",
            "Are these two names, or is there a blank or a line break at the end?",
            "Remove it. If the name really has one, write it as \\032.",
        )
    try:
        if text.isascii():
            return dns.name.from_text(text, origin=None)
        return dns.name.from_unicode(text, origin=None, idna_codec=_codec(text, what))
    except dns.name.EmptyLabel as error:
        raise InputError(
            f"{what} {_short(text)} is no DNS name: a dot begins it or two dots follow each other.",
            "Is a variable empty from which it is made?",
        ) from error
    except dns.name.LabelTooLong as error:
        raise InputError(
            f"{what} {_short(text)} is no DNS name: a part between two dots has more than 63 octets (RFC 1035 2.3.4).",
            "Is a dot missing?",
            "Shorten this part." if text.isascii() else "Shorten this part; it counts in its form xn--...",
        ) from error
    except dns.name.NameTooLong as error:
        raise _too_long(f"{what} {_short(text)}") from error
    except (dns.exception.DNSException, UnicodeError) as error:
        if text.isascii():
            raise InputError(
                f"{what} {_short(text)} is no DNS name: {error}",
                "Is a backslash meant as itself?",
                "In names a backslash stands before a character or before its number in three digits.",
            ) from error
        raise InputError(
            f"{what} {_short(text)} is no internationalised domain name (RFC 5891): "
            f"{str(error).removeprefix('IDNA processing exception: ')}.",
            "Is there a sign in it that is no letter and no digit?",
            "Write the name without it.",
        ) from error


def _too_long(what: str) -> InputError:
    return InputError(
        f"{what} has more than 255 octets (RFC 1035 2.3.4).",
        "Is something in it twice?",
        "Shorten the name.",
    )


def _codec(text: str, what: str):
    # Not IDNA 2003 instead: the two know different names for the same letters, so the name would depend on the controller.
    if not dns.name.have_idna_2008:
        raise InputError(
            f"{what} {_short(text)} has letters beyond ASCII, and they need the Python library idna.",
            "Is it missing on the controller?",
            "Install it (pip install idna), or write the name in its form xn--...",
        )
    # ASCII labels as they are: IDNA itself refuses the underscores of _xmpp-client._tcp and the star of a wildcard.
    return dns.name.IDNA2008Codec(uts_46=True, allow_pure_ascii=True)


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}...")
