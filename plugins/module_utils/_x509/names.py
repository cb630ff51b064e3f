# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The names in a certificate, and whether they cover a wanted one (RFC 9525, RFC 6120 13.7)."""

from __future__ import annotations

import collections.abc
import dataclasses
import ipaddress
import re

from .certificate import Certificate, printable
from .errors import InputError
from .lib import x509

try:
    import idna

    HAS_IDNA = True
except ImportError:  # the standard library knows the older rules, which differ for a handful of characters
    HAS_IDNA = False

SRV_NAME = "1.3.6.1.5.5.7.8.7"  # id-on-dnsSRV, RFC 4985
XMPP_ADDRESS = "1.3.6.1.5.5.7.8.5"  # id-on-xmppAddr, RFC 6120 13.7.1.4
_TEXT_TAGS = {0x0C: "utf-8", 0x16: "ascii", 0x13: "ascii"}  # UTF8String, IA5String, PrintableString
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_BLANK = " \t\n\v\f\r"
_BLANKS = re.compile(f"[{_BLANK}]+")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")


@dataclasses.dataclass(frozen=True)
class Names:
    """What a certificate says whom it is for.

    dns: dNSName in lower case, A-labels, as written otherwise (a wildcard is kept).
    ip: iPAddress in their usual text form.
    srv: SRV-ID, for example ``_xmpp-client.corp.test``.
    xmpp: xmppAddr, a JID's domain for servers.
    email, uri: rfc822Name and uniformResourceIdentifier.
    cn: common names of the subject; no verifier may take them for names (RFC 9525 6.3).
    other: how many names there are of kinds that nothing here asks for.
    """

    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    srv: tuple[str, ...] = ()
    xmpp: tuple[str, ...] = ()
    email: tuple[str, ...] = ()
    uri: tuple[str, ...] = ()
    cn: tuple[str, ...] = ()
    other: int = 0

    def __str__(self) -> str:
        """All that a verifier may look at, for texts."""
        kinds = (
            ("", self.dns),
            ("IP ", self.ip),
            ("SRV-ID ", self.srv),
            ("xmppAddr ", self.xmpp),
            ("e-mail ", self.email),
            ("URI ", self.uri),
        )
        return printable(", ".join(f"{kind}{value}" for kind, values in kinds for value in values)) or "no name"

    @property
    def any(self) -> bool:
        """Whether there is a subjectAltName with anything in it."""
        return bool(self.dns or self.ip or self.srv or self.xmpp or self.email or self.uri or self.other)


def names_of(certificate: Certificate) -> Names:
    """All names of a certificate."""
    cn = tuple(
        str(attribute.value)
        for attribute in certificate.parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    )
    extension = certificate.extension(x509.SubjectAlternativeName)
    if extension is None:
        return Names(cn=cn)
    found: dict[str, list[str]] = {kind: [] for kind in ("dns", "ip", "srv", "xmpp", "email", "uri")}
    other = 0
    for name in extension.value:
        kind, value = _read(name)
        if kind:
            found[kind].append(value)
        else:
            other += 1
    return Names(**{kind: tuple(values) for kind, values in found.items()}, cn=cn, other=other)


def _read(name) -> tuple[str, str]:
    """The kind of one general name and its text; an empty kind for the others."""
    if isinstance(name, x509.DNSName):
        return "dns", name.value.lower()
    if isinstance(name, x509.IPAddress):
        return "ip", str(name.value)
    if isinstance(name, x509.RFC822Name):
        return "email", name.value
    if isinstance(name, x509.UniformResourceIdentifier):
        return "uri", name.value
    if isinstance(name, x509.OtherName):
        kind = {SRV_NAME: "srv", XMPP_ADDRESS: "xmpp"}.get(name.type_id.dotted_string, "")
        text = _short_text(name.value)
        if kind and text is not None:
            return kind, text.lower()
    return "", ""


def _short_text(der: bytes) -> str | None:
    """The text of one DER string of less than 64 KiB; None for anything else."""
    if len(der) < 2 or der[0] not in _TEXT_TAGS:
        return None
    length, start = der[1], 2
    if length & 0x80:
        more = length & 0x7F
        if more not in (1, 2) or len(der) < 2 + more:
            return None
        length, start = int.from_bytes(der[2 : 2 + more], "big"), 2 + more
    if len(der) != start + length:
        return None
    try:
        return der[start:].decode(_TEXT_TAGS[der[0]])
    except UnicodeDecodeError:
        return None


# -- wanted names -----------------------------------------------------------------------------------------------------


def as_address(text: str) -> str | None:
    """The usual form of an IP address, or None when it is none."""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return None


def a_label(text: str) -> str:
    """A name as certificates have it: A-labels, lower case, no trailing dot. Raises InputError when it is no host name."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        name = _to_ascii(name, text)
    labels = name.split(".")
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InputError(
            f"{text!r} is no name of a host or domain.",
            "Is it a URL, an address, or a wildcard?",
            "Give a name as users type it, for example chat.corp.test.",
        )
    return name


def _to_ascii(name: str, text: str) -> str:
    try:
        if HAS_IDNA:
            return idna.encode(name, uts46=True).decode("ascii")
        if _DEVIATIONS & set(name):
            raise UnicodeError("these characters need the Python library idna")
        return name.encode("idna").decode("ascii")
    except UnicodeError as error:  # idna's errors are of this kind, too
        raise InputError(
            f"{text!r} cannot be written in A-labels ({error}).", action="Give it in A-labels (xn--...)."
        ) from error


def covers(names: Names, wanted: str) -> bool:
    """Whether a verifier that connects to wanted (a host or domain name, or an IP address) takes this certificate.

    RFC 9525 6.3 and 6.4: a wildcard stands for the leftmost label and is that whole label; an address is matched by an
    iPAddress only; the common name counts for nothing.
    """
    address = as_address(wanted)
    if address is not None:
        return address in names.ip
    name = a_label(wanted)
    return any(_matches(pattern, name) for pattern in names.dns)


def matching(names: Names, wanted: str) -> list[str]:
    """The dNSNames that cover a name."""
    name = a_label(wanted)
    return [pattern for pattern in names.dns if _matches(pattern, name)]


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    # A wildcard above everything (*.com, *.corp) is refused by OpenSSL and browsers.
    rest = pattern[2:]
    return "." in rest and "*" not in rest and name.partition(".")[2] == rest


def covers_xmpp(names: Names, domain: str, services: collections.abc.Iterable[str] = ("client",)) -> str:
    """By what a certificate covers a domain of JIDs: ``DNS-ID``, ``SRV-ID``, ``xmppAddr``, or empty when by nothing.

    RFC 6120 13.7.1.2: a client looks for a DNS-ID or a SRV-ID of the source domain; xmppAddr is what older ones knew.
    services: client, server: each must be named when only SRV-IDs are there.
    """
    if covers(names, domain):
        return "DNS-ID"
    name = a_label(domain)
    if all(f"_xmpp-{service}.{name}" in names.srv for service in services):
        return "SRV-ID"
    return "xmppAddr" if any(_jid_domain(value) == name for value in names.xmpp) else ""


def _jid_domain(value: str) -> str:
    try:
        return a_label(value)
    except InputError:
        return ""


def odd_names(names: Names) -> list[str]:
    """Names that no verifier matches as they were meant, each with why."""
    found = []
    for name in names.dns:
        rest = name[2:] if name.startswith("*.") else name
        if as_address(name) is not None:
            found.append(f"{name} is an address that is written as a DNS name")
        elif "*" in rest:
            found.append(f"{name}: a wildcard must be the whole leftmost label")
        elif name.startswith("*.") and "." not in rest:
            found.append(f"{name}: a wildcard right above a top-level name matches nothing")
        elif name.endswith("."):
            found.append(f"{name} ends in a dot")
        elif not all(_LABEL.fullmatch(label) for label in rest.split(".")) or len(name) > 253:
            found.append(f"{name!r} is no host name")
        elif "_" in name:
            found.append(f"{name} has an underscore, which no host name has")
    return found


# -- names of directories ---------------------------------------------------------------------------------------------


def same_name_key(name) -> tuple:
    """A distinguished name in a form in which equal names are equal: blanks and the case of ASCII letters do not count.

    RFC 5280 7.1 asks for more (stringprep); this is what OpenSSL does (X509_NAME_cmp).
    """
    return tuple(
        frozenset((attribute.oid.dotted_string, _folded(attribute.value)) for attribute in part) for part in name.rdns
    )


def _folded(value) -> object:
    return _BLANKS.sub(" ", value.strip(_BLANK)).translate(_LOWER) if isinstance(value, str) else value
