# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One connection to one directory server through ldap3: bind and paged search, nothing else.

Simple bind only: ldap3 2.9 can neither sign nor seal, so the protection is TLS (LDAPS or StartTLS), verified for the
server's name. Referrals are never followed, range answers (``member;range=0-1499``) are read to their end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import ssl
import traceback
import typing as t

try:
    import ldap3
    from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError
except ImportError:
    LDAP3_IMPORT_ERROR = traceback.format_exc()

    class LDAPException(Exception):
        """Stands for ldap3's where ldap3 is missing; the module says so before anything is asked."""

    class LDAPInvalidFilterError(LDAPException):
        """Likewise."""

else:
    LDAP3_IMPORT_ERROR = None

PAGED_RESULTS = "1.2.840.113556.1.4.319"
PAGE_SIZE = 500
BASE, SUBTREE = "BASE", "SUBTREE"
_RANGE = re.compile(r"^(?P<name>[^;]+);range=(?P<first>\d+)-(?P<last>\d+|\*)$", re.IGNORECASE)


class SessionLost(Exception):
    """No answer that could be judged: connection closed, time-out, protocol error."""


class BadFilter(Exception):
    """The filter is no LDAP filter; nothing was sent."""


class Refused(Exception):
    """The server answered a search with an error."""

    def __init__(self, code: int, description: str, message: str, matched: str = "") -> None:
        super().__init__(f"{description} ({code})")
        self.code = code
        self.description = description
        self.message = message
        self.matched = matched


@dataclasses.dataclass(frozen=True)
class Answer:
    """A bind's answer."""

    code: int
    description: str = ""
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry; attribute names in lower case, values as text."""

    dn: str
    attributes: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def get(self, name: str) -> list[str]:
        return self.attributes.get(name.lower(), [])

    def first(self, name: str) -> str:
        values = self.get(name)
        return values[0] if values else ""


def escape_filter(value: str) -> str:
    """A value made safe for a filter (RFC 4515 section 3)."""
    return "".join(f"\\{ord(char):02x}" if char in "\\*()\x00" else char for char in value)


def _text(value: t.Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class Session:
    """Opened on first use. Give connection for a test."""

    def __init__(
        self,
        host: str,
        port: int,
        encryption: str,
        ca_path: str | None,
        timeout: float,
        search_timeout: float,
        connection: t.Any = None,
    ) -> None:
        self._starttls = encryption == "starttls"
        self._search_timeout = search_timeout
        self._connection = connection
        self._arguments = (host, port, encryption, ca_path, timeout)

    def _open(self, bind_dn: str | None, password: str | None) -> t.Any:
        host, port, encryption, ca_path, timeout = self._arguments
        tls = None
        if encryption != "none":
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_path, sni=host)
        server = ldap3.Server(
            host,
            port=port,
            use_ssl=encryption == "ldaps",
            tls=tls,
            connect_timeout=timeout,
            get_info=ldap3.NONE,
            allowed_referral_hosts=[],
        )
        return ldap3.Connection(
            server,
            user=bind_dn,
            # As bytes: of a text ldap3 sends what SASLprep makes of it, "No" for "№". Active Directory compares what was typed.
            password=password.encode() if password else None,
            authentication=ldap3.SIMPLE if bind_dn else ldap3.ANONYMOUS,
            auto_referrals=False,
            auto_range=False,
            # The server judges names: ldap3 refuses some that Active Directory takes, such as "DC=corp, DC=test".
            check_names=False,
            receive_timeout=timeout,
            read_only=True,
            raise_exceptions=False,
        )

    def bind(self, bind_dn: str | None, password: str | None) -> Answer:
        """The server's answer to the bind, whatever it is; raises SessionLost."""
        try:
            if self._connection is None:
                self._connection = self._open(bind_dn, password)
            self._connection.open()
            if self._starttls:
                self._connection.start_tls()
            self._connection.bind()
            if self._connection.socket:
                # What follows are searches. A server that answered so far may think about them for longer.
                self._connection.socket.settimeout(self._search_timeout)
        except LDAPException as error:
            raise SessionLost(str(error) or type(error).__name__) from error
        result = self._connection.result or {}
        return Answer(result.get("result", -1), result.get("description", ""), result.get("message", ""))

    def _search_once(self, base: str, text: str, scope: str, attributes: list[str], cookie: t.Any) -> dict[str, t.Any]:
        try:
            self._connection.search(
                base, text, search_scope=scope, attributes=attributes or None, paged_size=PAGE_SIZE, paged_cookie=cookie
            )
        except LDAPInvalidFilterError as error:
            raise BadFilter(str(error)) from error
        except LDAPException as error:
            raise SessionLost(str(error) or type(error).__name__) from error
        result = self._connection.result or {}
        if result.get("result", -1) != 0:
            raise Refused(
                result.get("result", -1), result.get("description", ""), result.get("message", ""), result.get("dn", "")
            )
        return result

    def search(self, base: str, text: str, scope: str = SUBTREE, attributes: t.Sequence[str] = ()) -> t.Iterator[Entry]:
        """All entries, page by page; raises BadFilter, Refused and SessionLost."""
        cookie = None
        while True:
            result = self._search_once(base, text, scope, list(attributes), cookie)
            for found in list(self._connection.response or []):
                if found.get("type") == "searchResEntry":
                    yield self._entry(found)
            control = (result.get("controls") or {}).get(PAGED_RESULTS) or {}
            cookie = (control.get("value") or {}).get("cookie")
            if not cookie:
                return

    def _entry(self, found: dict[str, t.Any]) -> Entry:
        dn = _text(found["dn"])
        attributes: dict[str, list[str]] = {}
        for name, values in (found.get("raw_attributes") or {}).items():
            ranged = _RANGE.match(name)
            if ranged:
                whole = self._range(dn, ranged.group("name"), ranged.group("last"), [_text(value) for value in values])
                attributes[ranged.group("name").lower()] = whole
            elif values or name.lower() not in attributes:
                attributes[name.lower()] = [_text(value) for value in values]
        return Entry(dn, attributes)

    def _range(self, dn: str, name: str, last: str, values: list[str]) -> list[str]:
        """The rest of an attribute that came in part."""
        while last != "*":
            self._search_once(dn, "(objectClass=*)", BASE, [f"{name};range={int(last) + 1}-*"], None)
            part = None
            for found in self._connection.response or []:
                for key, more in (found.get("raw_attributes") or {}).items():
                    ranged = _RANGE.match(key)
                    if ranged and ranged.group("name").lower() == name.lower():
                        part = (ranged.group("last"), [_text(value) for value in more])
            if part is None or not part[1]:
                break
            last, more_values = part
            values = values + more_values
        return values

    def close(self) -> None:
        """Never fails: the answers are already known."""
        if self._connection is None:
            return
        with contextlib.suppress(Exception):  # the server may have closed it before
            self._connection.unbind()
