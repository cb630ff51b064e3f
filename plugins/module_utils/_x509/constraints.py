# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Name constraints of authorities (RFC 5280 4.2.1.10): DNS, IP, directory name, e-mail, URI."""

from __future__ import annotations

import collections.abc
import contextlib
import urllib.parse

from .certificate import Certificate
from .lib import x509
from .names import a_label, as_address, same_name_key

# A peer may send anything, and OpenSSL has a limit as well (2 ** 20); no honest authority comes near.
_MOST_COMPARISONS = 2**16
_TOLD = 5


def violations(
    authority: Certificate, below: collections.abc.Iterable[Certificate], also: collections.abc.Iterable[str] = ()
) -> list[str]:
    """What an authority's constraints forbid in the certificates below it, in words; empty when all is permitted.

    also: DNS names that users connect with and that only a wildcard covers.
    """
    extension = authority.extension(x509.NameConstraints)
    if extension is None:
        return []
    permitted = extension.value.permitted_subtrees or ()
    excluded = extension.value.excluded_subtrees or ()
    below, also = list(below), list(also)
    names = len(also) + sum(len(_general_names(certificate)) for certificate in below)
    if names * (len(permitted) + len(excluded)) > _MOST_COMPARISONS:
        return [f"{names} names and {len(permitted) + len(excluded)} subtrees are too many to compare"]
    unread = sorted({type(base).__name__ for base in (*permitted, *excluded) if not isinstance(base, _kinds())})
    found = []
    for certificate in below:
        found += _of_one(_general_names(certificate), permitted, excluded)
        if unread and _has_kind(certificate, unread):
            found.append(f"constraints on {', '.join(unread)} cannot be told, and {certificate.subject} has such names")
        if any(isinstance(base, x509.RFC822Name) for base in (*permitted, *excluded)):
            odd = [value for value, name in _mail_of_subject(certificate).items() if name is None]
            found += [f"{value} in the subject is no mail address, which constraints on those ask for" for value in odd]
    found += _of_one([x509.DNSName(a_label(name)) for name in also], permitted, excluded)
    return _few(list(dict.fromkeys(found)))


def _few(texts: list[str]) -> list[str]:
    """The first ones, and how many there are besides."""
    return texts if len(texts) <= _TOLD else [*texts[:_TOLD], f"{len(texts) - _TOLD} more"]


def _kinds() -> tuple[type, ...]:
    return x509.DNSName, x509.IPAddress, x509.DirectoryName, x509.RFC822Name, x509.UniformResourceIdentifier


def _has_kind(certificate: Certificate, kinds: list[str]) -> bool:
    extension = certificate.extension(x509.SubjectAlternativeName)
    return extension is not None and any(type(name).__name__ in kinds for name in extension.value)


def _general_names(certificate: Certificate) -> list:
    """All that constraints apply to: alternative names, the subject, and mail addresses in it that can be read."""
    subject = certificate.parsed.subject
    extension = certificate.extension(x509.SubjectAlternativeName)
    names = list(extension.value) if extension is not None else []
    if len(list(subject)):
        names.append(x509.DirectoryName(subject))
    return names + [name for name in _mail_of_subject(certificate).values() if name is not None]


def _mail_of_subject(certificate: Certificate) -> dict[str, object]:
    """Each emailAddress of the subject as a general name; None when it is no address (``Admin <admin@corp.test>``)."""
    found: dict[str, object] = {}
    for attribute in certificate.parsed.subject.get_attributes_for_oid(x509.NameOID.EMAIL_ADDRESS):
        value = str(attribute.value)
        found[value] = None
        if "@" in value:
            with contextlib.suppress(ValueError):
                found[value] = x509.RFC822Name(value)
    return found


def _of_one(names: list, permitted, excluded) -> list[str]:
    found = []
    for name in names:
        kind = type(name)
        if not isinstance(name, _kinds()):
            continue
        forbidden = [base for base in excluded if isinstance(base, kind) and within(name, base)]
        allowed = [base for base in permitted if isinstance(base, kind)]
        if forbidden:
            found.append(f"{text(name)} is excluded (subtree {text(forbidden[0], base=True)})")
        elif allowed and not any(within(name, base) for base in allowed):
            bases = ", ".join(_few([text(base, base=True) for base in allowed]))
            found.append(f"{text(name)} is not within {bases}")
    return found


def text(name, base: bool = False) -> str:
    """A name or the base of a subtree, for texts."""
    value = name.value
    if isinstance(name, x509.DirectoryName):
        return value.rfc4514_string() or "every directory name"
    return str(value) or ("everything" if base else "an empty name")


def within(name, base) -> bool:
    """Whether a name lies in the subtree of a base of the same kind."""
    value, limit = name.value, base.value
    if isinstance(name, x509.IPAddress):
        return getattr(value, "version", 0) == getattr(limit, "version", 1) and value in limit
    if isinstance(name, x509.DirectoryName):
        start, whole = same_name_key(limit), same_name_key(value)
        return whole[: len(start)] == start
    if isinstance(name, x509.DNSName):
        return _dns_within(value, limit)
    if isinstance(name, x509.RFC822Name):
        return _mail_within(value, limit)
    return _uri_within(value, limit)


def _dns_within(value: str, limit: str) -> bool:
    value, limit = value.lower().rstrip("."), limit.lower().rstrip(".")
    if not limit:
        return True
    if limit.startswith("."):  # not of RFC 5280; OpenSSL and Microsoft take it for "below"
        return value.endswith(limit)
    return value == limit or value.endswith(f".{limit}")


def _host_within(host: str, limit: str) -> bool:
    """Of a mail address or URI: a host is that host only, with a dot in front it is everything below."""
    host, limit = host.lower(), limit.lower()
    return host.endswith(limit) if limit.startswith(".") else host == limit


def _mail_within(value: str, limit: str) -> bool:
    if not limit:
        return True
    local, _at, host = value.rpartition("@")
    if "@" in limit:
        wanted_local, _at, wanted_host = limit.rpartition("@")
        return local == wanted_local and host.lower() == wanted_host.lower()
    return _host_within(host, limit)


def _uri_within(value: str, limit: str) -> bool:
    try:
        host = urllib.parse.urlsplit(value).hostname or ""
    except ValueError:
        return False
    return not limit or (bool(host) and as_address(host) is None and _host_within(host, limit))
