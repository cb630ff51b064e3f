# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""URLs as people write them: what is asked, where, and what of it may be shown."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import urllib.parse

from .._x509.errors import InputError

PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# What Python's codec (IDNA 2003) maps to other letters and IDNA 2008 keeps: another name would be asked.
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
# Scheme and slashes before the host of a URL, as lenient as browsers; u: of u:p@host is no scheme.
_BEGIN = re.compile(r"(?:https?:|[a-z][a-z0-9+.-]*:(?=[/\\]{2}))?[/\\]*", re.IGNORECASE)
_WITH_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")
_KEPT = "/%:@!$&'()*+,;=~-._"


@dataclasses.dataclass(frozen=True)
class Url:
    """A URL that can be asked.

    host: in lower case, A-labels, or an address without brackets.
    target: path and query as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as the header Host has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def named(self) -> bool:
        """Whether the host is a name and no address."""
        return not as_address(self.host)

    def __str__(self) -> str:
        """For texts: what stands in a query may be a secret and is left out."""
        return f"{self.scheme}://{self.authority}{_without_query(self.target)}"


def read(text: str) -> Url:
    """The URL of a request. Raises InputError."""
    said = _masked(text)
    if any(char.isspace() or not char.isprintable() for char in text):
        raise InputError(f"{said!r} is no URL: it has a blank or a control character.", action="Write a blank as %20.")
    if "\\" in text:
        raise InputError(f"{said!r} is no URL: it has a backslash.", action="Separate with slashes.")
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
    except ValueError:  # whose text quotes what may be half a password
        what = f"{said!r} is no URL: host or port cannot be read."
        raise InputError(what, action="Expected https://HOST[:PORT]/PATH.") from None
    if parts.scheme not in PORTS:
        what = f"{said!r} begins with neither https:// nor http://."
        raise InputError(what, action="Give the whole URL, for example https://chat.corp.test/.")
    if "@" in parts.netloc:
        # Not one letter of it is repeated: it is meant to be a secret.
        raise InputError(
            f"a URL for {parts.hostname or 'no host'} has a user name or password in it.",
            action="This module logs in nowhere: give the URL without what stands before the @.",
        )
    if not parts.hostname:
        raise InputError(f"{said!r} names no host.", action="Expected https://HOST[:PORT]/PATH.")
    if port == 0:
        raise InputError(f"{said!r}: 0 is no port.", action="Expected 1 to 65535.")
    target = urllib.parse.quote(parts.path or "/", safe=_KEPT)
    if parts.query:
        target += "?" + urllib.parse.quote(parts.query, safe=_KEPT + "?")
    return Url(parts.scheme, host_name(parts.hostname), port or PORTS[parts.scheme], target)


def host_name(text: str) -> str:
    """A host as it is asked for: an address without a zone, or a name of A-labels in lower case. Raises InputError."""
    if "%" in text:
        raise InputError(
            f"{text!r} has the zone of a network interface, which no server knows.",
            action="Give it in connect_to, and the server's name in the URL.",
        )
    address = as_address(text)
    if address:
        return address
    name = text.lower()[:-1] if text.endswith(".") else text.lower()
    if not name.isascii():
        if _DEVIATIONS & set(name):
            raise InputError(
                f"{text!r}: its letters are translated in different ways.",
                action="Give the name as the DNS has it (xn--...).",
            )
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise InputError(f"{text!r} is no name of a host.", action="Give it as users type it.") from None
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise InputError(
            f"{text!r} is neither the name of a host nor an IP address.",
            action="Give a name as users type it, for example chat.corp.test.",
        )
    return name


def as_address(text: str) -> str:
    """An IP address in its usual form, with its zone; empty when this is none."""
    bare, _percent, zone = text.partition("%")
    try:
        address = str(ipaddress.ip_address(bare))
    except ValueError:
        return ""
    if not zone:
        return address
    return f"{address}%{zone}" if ":" in address and zone.isalnum() else ""


def shown(text: str) -> str:
    """The target of a redirect, for texts: without what may be a secret of a login or a session.

    That is the user, also where a relative target or one with a wrong sign in the password has something like one, and
    parameters, query and fragment.
    """
    begin = _BEGIN.match(text).group()  # type: ignore[union-attr]
    rest = text[len(begin) :]
    first = re.split(r"[/\\?#]", rest, maxsplit=1)[0]
    if "@" in first:
        user = len(first.rpartition("@")[0])
    else:  # what looks like a port and is none is a user, whose password has a sign that ends it
        is_user = "@" in rest and ":" in first and not (begin and _WITH_PORT.fullmatch(first))
        user = rest.rindex("@") if is_user else 0
    if user:
        rest = "..." + rest[user:]
    return begin + _without_query(rest, "[?#;]")


def _masked(text: str) -> str:
    """What somebody wrote in place of a URL: whatever stands before an @ may belong to a password, with any signs in it."""
    scheme, separator, rest = text.partition("//")
    if "@" not in text:
        return _without_query(text)
    begin = f"{scheme}{separator}" if "@" in rest else ""
    return f"{begin}...@{_without_query(text.rpartition('@')[2])}"


def _without_query(text: str, ends: str = "[?#]") -> str:
    found = re.search(ends, text)
    return text if found is None else f"{text[: found.start()]}{found.group()}..."
