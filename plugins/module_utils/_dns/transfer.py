# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reading a zone by transfer (AXFR, RFC 5936): one question for everything, and one state of the zone in the answer."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import canonical
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import Answer, rcode_of, tsig_error_of
from ansible_collections.onprem.chat.plugins.module_utils._dns.refusals import refusal
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet, record_set

# A zone that is so much larger than what is asked for is better asked for in questions.
LARGE = 20_000


class TransferRefused(ServerError):
    """The server does not give the zone away, or not as a whole."""


class Transfers:
    """Transfers of one zone. ``refused``: why the last one gave nothing, so that it is not tried again."""

    def __init__(self, transport, zone: str, signer) -> None:
        self.transport = transport
        self.zone = zone
        self.signer = signer
        self.refused = ""

    def read(self, keys: collections.abc.Sequence[Key]) -> dict[Key, RecordSet]:
        """The record sets that exist among ``keys``. Raises TransferRefused, LostAnswer, Unreachable."""
        try:
            return self._read(set(keys))
        except (TransferRefused, LostAnswer) as error:
            self.refused = error.what
            raise

    def _read(self, keys: set[Key]) -> dict[Key, RecordSet]:
        found: dict[Key, list] = {}
        cuts: set[str] = set()
        total = soas = 0
        messages = self._messages()
        try:
            for message in messages:
                for rrset in message.answer:
                    total += len(rrset)
                    if rrset.rdtype == dns.rdatatype.SOA:
                        # Both of them are in one message where the zone is small, and the same set then.
                        soas += 1
                    if total == len(rrset) and not soas:
                        raise self._error("it does not begin with the SOA record")
                    key = Key(rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype))
                    if key.type == "NS" and key.name != self.zone:
                        cuts.add(key.name)
                    if key in keys:
                        found.setdefault(key, []).append(rrset)
                if soas >= 2:
                    self._check_signed(message)
                    break
                if total > LARGE and total > 20 * len(keys):
                    raise self._error(f"the zone has more than {total} records", "", "Set read_by=questions.")
            else:
                raise self._error(
                    "it ended before its last record",
                    "Was the server restarted meanwhile?",
                    "Run the task again, or set read_by=questions.",
                )
        finally:
            messages.close()
            self.transport.close()  # what is left of a transfer would be taken for the answer to the next question
        self._check_delegations(keys, cuts)
        return {key: _whole(key, rrsets) for key, rrsets in found.items()}

    def _check_delegations(self, keys: set[Key], cuts: set[str]) -> None:
        """What lies below a delegation is in the zone as glue at best, and no client is ever told."""
        for key in sorted(keys) if cuts else ():
            labels = key.name.split(".")
            cut = cuts.intersection(".".join(labels[start:]) for start in range(len(labels)))
            if cut:
                raise self._error(
                    f"{key.name} belongs to the zone {cut.pop().rstrip('.')}, which is delegated to other servers",
                    "",
                    "Write the record on a server of that zone.",
                )

    def _messages(self) -> collections.abc.Iterator:
        query = dns.message.make_query(self.zone, dns.rdatatype.AXFR)
        query.flags = 0
        keyring = None
        if self.signer.signs_questions:
            self.signer.prepare(self.transport)
            self.signer.sign(query)
            keyring = self.signer.key
        context = None
        for wire in self.transport.stream(query.to_wire()):
            try:
                message = dns.message.from_wire(
                    wire,
                    keyring=keyring or False,
                    request_mac=query.mac,
                    xfr=True,
                    tsig_ctx=context,
                    multi=True,
                    one_rr_per_rrset=True,
                )
            except dns.tsig.PeerError as error:
                raise self._refused(wire, query) from error
            except (dns.exception.DNSException, ValueError) as error:
                raise self._error(
                    f"a message of it cannot be trusted or read ({str(error).rstrip('.') or type(error).__name__})",
                    "Does something between the controller and the server change DNS messages?",
                    "Run the task again.",
                ) from error
            if message.flags & dns.flags.TC:
                raise self._error(
                    "a message of it is truncated",
                    "Does something between the controller and the server change DNS messages?",
                    "Run the task again, or set read_by=questions.",
                )
            if rcode_of(message) != "NOERROR" or not message.answer:
                raise self._error(
                    tsig_error_of(message) or rcode_of(message), "May this key or address transfer the zone?"
                )
            if context is None:
                self._check_signed(message)
            context = message.tsig_ctx
            yield message

    def _check_signed(self, message) -> None:
        """The first and the last message must be signed, others need not (RFC 8945 5.3.1); the library does not look."""
        if self.signer.signs_questions and not message.had_tsig:
            raise self._error("it is not signed", "Does the server know the key?")

    def _refused(self, wire: bytes, query) -> TransferRefused:
        answer, why = self.signer.opened(wire, query, str(self.transport))
        said = Answer(rcode_of(answer), False, tsig_error_of(answer), why)
        error = refusal(str(self.transport), self.zone.rstrip("."), self.signer.label, said, "a transfer")
        return TransferRefused(error.what, error.cause, error.action)

    def _error(self, why: str, cause: str = "", action: str = "") -> TransferRefused:
        return TransferRefused(
            f"DNS server {self.transport} gave no usable transfer of the zone {self.zone.rstrip('.')}: {why}.",
            cause,
            action or "Allow it there (BIND: allow-transfer), or set read_by=questions.",
        )


def _whole(key: Key, rrsets: list) -> RecordSet:
    rdatas = [rdata for rrset in rrsets for rdata in rrset]
    return record_set(key, rrsets[0].ttl, map(canonical, rdatas), [rdata.to_text() for rdata in rdatas])
