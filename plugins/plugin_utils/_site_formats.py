# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What a text in the site file can be: each format says why a text is not of it, or nothing."""

from __future__ import annotations

import ipaddress
import os
import re
import typing as t

_LABEL = re.compile(r"^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$")
_DN = re.compile(r"^\s*[A-Za-z][A-Za-z0-9-]*\s*=\s*[^=]+(\s*,\s*[A-Za-z][A-Za-z0-9-]*\s*=\s*[^=]+)*$")


def is_fqdn(text: str) -> str:
    """Why the text is no full DNS name of a host or domain in lower case; empty when it is one."""
    reason = is_dns_name(text)
    if not reason and "_" in text:
        return "has an underscore, which the name of a host or domain may not have"
    return reason


def is_dns_name(text: str) -> str:
    """Of names that others have given (Active Directory allows underscores), and of records like _xmpp-client._tcp."""
    labels = text.split(".")
    if text != text.lower():
        return "has capitals, write it in lower case"
    if len(text) > 253 or not all(_LABEL.match(label) for label in labels):
        return "is no DNS name"
    if labels[-1].isdigit():
        return "is an address, not a DNS name"
    if len(labels) < 2:
        return "is no full DNS name, its domain is missing"
    return ""


def is_address(text: str) -> str:
    reason = is_scoped_address(text)
    if not reason and "%" in text:
        return "has the zone of a network interface, which DNS and other hosts do not know"
    return reason


def is_scoped_address(text: str) -> str:
    """An address to connect to, like fe80::1%eth0. Python 3.8 does not know the part after the percent sign."""
    address, percent, zone = text.partition("%")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "is no IP address"
    return "is no IP address" if percent and (parsed.version == 4 or not zone or "%" in zone) else ""


def is_dn(text: str) -> str:
    return "" if _DN.match(text) else "is no distinguished name like OU=Company,DC=corp,DC=test"


def is_principal(text: str) -> str:
    name, separator, realm = text.rpartition("@")
    if not separator or not name or is_dns_name(realm.lower()):
        return "is no Kerberos principal like svc-chat-dns@CORP.TEST"
    if realm != realm.upper():
        return f"names the realm {realm}; realms are written in capitals: {realm.upper()}"
    return ""


def is_file(text: str) -> str:
    return "" if os.path.isfile(os.path.expanduser(text)) else "is no file on the controller"  # noqa: PTH111, PTH113


def is_sha256(text: str) -> str:
    return "" if re.fullmatch(r"[0-9a-fA-F]{64}", text) else "is no SHA-256 in 64 hexadecimal digits"


FORMATS: dict[str, t.Callable[[str], str]] = {
    "fqdn": is_fqdn,
    "dns_name": is_dns_name,
    "address": is_address,
    "fqdn_or_address": lambda text: is_scoped_address(text) and is_dns_name(text),
    "dn": is_dn,
    "dn_or_principal": lambda text: "" if "@" in text and "=" not in text else is_dn(text),
    "principal": is_principal,
    "existing_file": is_file,
    # What is wrong with a URL is told by who fetches it, without the password that it may hold.
    "file_or_url": lambda text: "" if "://" in text else is_file(text),
    "sha256": is_sha256,
}

HINTS = {
    "fqdn": "Write a full DNS name in lower case, for example chat.corp.test.",
    "dns_name": "Write a full DNS name in lower case, for example dc1.corp.test.",
    "address": "Write IPv4 or IPv6 addresses, for example 10.203.0.20; names go into chat_host.",
    "fqdn_or_address": "Write a full DNS name or an IP address.",
    "dn": "Copy it from the attribute distinguishedName in Active Directory.",
    "dn_or_principal": "Copy it from the attribute distinguishedName in Active Directory.",
    "principal": "Write ACCOUNT@REALM.",
    "existing_file": "Is the path right? It is looked for on the controller, relative paths from where you are.",
    "file_or_url": "Is the path right? It is looked for on the controller, relative paths from where you are; or write an https URL.",
    "sha256": "Copy it from: sha256sum FILE",
}
