# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What is asked about: value types without behaviour."""

from __future__ import annotations

import dataclasses

#: How TLS begins: at once, or after a word in the protocol's own language.
PROTOCOLS = ("tls", "xmpp-client", "xmpp-server", "ldap", "smtp")
#: The port of a protocol, when there is one.
PORTS = {"xmpp-client": 5222, "xmpp-server": 5269, "ldap": 389, "smtp": 25}
#: From old to new; what OpenSSL can be told to speak.
VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
#: What to say of an older version than wanted.
OLD_VERSIONS = ("allow", "warn", "fail")

#: How far to look.
LOOKS = ("full", "certificate")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One server as the user named it.

    domain: of an XMPP server, else empty.
    server_name: sent as SNI, and the name for which OpenSSL verifies; an address is verified for, but never sent.
    alpn: what is offered (RFC 7301).
    wanted: a Wanted of _x509.policy: how its certificate is judged.
    anchors: paths of trusted certificates; empty for those of the system.
    minimum_version: one of VERSIONS.
    old_versions: allow, warn or fail when an older one is accepted.
    look: full, or certificate: no further than to the certificates.
    """

    host: str
    port: int
    protocol: str = "tls"
    domain: str = ""
    server_name: str = ""
    alpn: tuple[str, ...] = ()
    wanted: object = None
    anchors: tuple[str, ...] = ()
    minimum_version: str = "TLSv1.2"
    old_versions: str = "warn"
    look: str = "full"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def subject(self, address: str) -> str:
        """How checks name it at one of its addresses."""
        text = str(self) if address in ("", self.host) else f"{self} ({address})"
        if self.server_name and self.server_name.lower() != self.host.lower().partition("%")[0]:
            return f"{self.server_name} at {text}"
        return text
