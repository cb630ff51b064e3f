# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""GSS-TSIG (RFC 3645): a security context with the server, agreed by TKEY, signs the messages."""

from __future__ import annotations

import contextlib
import time
import uuid

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import AuthenticationError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import parsed, rcode_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.signing import Signed

GSS_MODE = 3
MAX_ROUNDS = 8


def tkey_question(keyname, token: bytes):
    """One round of the negotiation, as a message."""
    message = dns.message.make_query(keyname, dns.rdatatype.TKEY, dns.rdataclass.ANY)
    message.flags = 0
    now = int(time.time())
    rdata = dns.rdtypes.ANY.TKEY.TKEY(
        dns.rdataclass.ANY, dns.rdatatype.TKEY, dns.tsig.GSS_TSIG, now, now + 86400, GSS_MODE, 0, token
    )
    rrset = message.find_rrset(
        message.additional, keyname, dns.rdataclass.ANY, dns.rdatatype.TKEY, create=True, force_unique=True
    )
    rrset.add(rdata)
    return message


class GssTsig(Signed):
    """``kerberos`` makes contexts and explains their errors (see kerberos.Kerberos)."""

    kind = "gss_tsig"
    # Servers let everybody read what clients shall find, and every negotiation takes one of Samba's 128 slots.
    signs_questions = False

    def __init__(self, kerberos) -> None:
        self.kerberos = kerberos
        self.label = kerberos.principal or "the user of the ticket cache"

    def prepare(self, transport) -> None:
        if self.key is None:
            self._negotiate(transport)

    def renew(self) -> bool:
        self.key = None
        return True

    def close(self) -> None:
        self.key = None
        self.kerberos.close()

    def _negotiate(self, transport) -> None:
        # The key name must not share a suffix with the zone: dnspython would compress the owner name of the signature
        # and Samba (4.17) computes the signed length from the uncompressed one, so it would refuse the signature.
        keyname = dns.name.from_text(f"{uuid.uuid4().hex}.key.invalid.")
        context = self.kerberos.new_context()
        token = self._step(context, None)
        for _round in range(MAX_ROUNDS):
            wire, answer = self._told(transport, keyname, token)
            token = self._step(context, answer)
            if context.complete:
                self.key = dns.tsig.Key(keyname, context, dns.tsig.GSS_TSIG)
                self._count_signature(wire)
                return
        raise AuthenticationError(
            f"DNS server {transport} did not finish the GSS-TSIG negotiation in {MAX_ROUNDS} rounds.",
            "Is it a DNS server of the Active Directory domain?",
        )

    def _count_signature(self, wire: bytes) -> None:
        """Verify the signature of the last answer of the negotiation (RFC 3645 4.1.3).

        The signatures of a context are numbered: without this one BIND's next answer would count as out of turn. What it is
        worth does not matter, the server has proved by its token who it is.
        """
        with contextlib.suppress(dns.exception.DNSException, ValueError):
            dns.message.from_wire(wire, keyring=self.key, ignore_trailing=True)

    def _step(self, context, token: bytes | None) -> bytes | None:
        try:
            return context.step(token)
        except Exception as error:  # the GSS-API raises its own hierarchy, which need not be installed to be here
            raise self.kerberos.explained(error, f"opening a session with DNS@{self.kerberos.server}") from error

    def _told(self, transport, keyname, token: bytes | None) -> tuple[bytes, bytes]:
        """The answer, and the token in it."""
        message = tkey_question(keyname, token or b"")
        wire = transport.tell(message.to_wire())
        answer = parsed(wire, str(transport))
        tkeys = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TKEY]
        error = dns.rcode.to_text(dns.rcode.Rcode(tkeys[0][0].error), tsig=True) if tkeys and tkeys[0][0].error else ""
        if rcode_of(answer) != "NOERROR" or error or not tkeys:
            raise AuthenticationError(
                f"DNS server {transport} refused the GSS-TSIG session of {self.kerberos.principal or 'the ticket'}: "
                f"{error or rcode_of(answer)}.",
                "Does it accept secure updates (Active Directory), and are the clocks of all three the same?",
                f"Check with: nsupdate -g and the line: server {self.kerberos.server}",
            )
        return wire, tkeys[0][0].key
