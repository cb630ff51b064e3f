# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One zone on one primary server: what is there, and updates of it."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._dns.chunks import MAX_SETS, MAX_SETS_ELSE
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import (
    Answer,
    rcode_of,
    rendered,
    tsig_error_of,
    update,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, World
from ansible_collections.onprem.chat.plugins.module_utils._dns.reader import Reader
from ansible_collections.onprem.chat.plugins.module_utils._dns.refusals import refusal
from ansible_collections.onprem.chat.plugins.module_utils._dns.transfer import TransferRefused, Transfers
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet

# How a zone is read. auto: one transfer where many sets are needed and the server allows it, otherwise questions.
READ_BY = ("auto", "questions", "transfer")
# Below it questions are as fast, and a transfer would fetch a whole zone for a few names.
MANY = 100


class Server:
    """``transport`` moves bytes (transport.TcpTransport), ``signer`` signs (signing, gss)."""

    def __init__(self, transport, zone: str, signer, read_by: str = "auto") -> None:
        self.transport = transport
        self.zone = zone
        self.signer = signer
        self.read_by = read_by
        self.reader = Reader(transport, zone, signer)
        self.transfers = Transfers(transport, zone, signer)
        self.max_sets = MAX_SETS.get(signer.kind, MAX_SETS_ELSE)

    def __str__(self) -> str:
        return str(self.transport)

    @property
    def zone_text(self) -> str:
        """The zone as people write it."""
        return self.zone.rstrip(".")

    def close(self) -> None:
        self.signer.close()
        self.transport.close()

    def open_session(self) -> None:
        """Make sure that messages can be signed; for GSS-TSIG: ticket and negotiation."""
        self.signer.prepare(self.transport)

    def read(self, keys: collections.abc.Sequence[Key], through_wildcards: bool = False) -> dict[Key, RecordSet]:
        """The record sets that exist among ``keys``; see Reader.read. A transfer sees through wildcards by itself."""
        if self.read_by == "transfer" or (self.read_by == "auto" and len(keys) > MANY and not self.transfers.refused):
            try:
                return self.transfers.read(keys)
            except (TransferRefused, LostAnswer):
                if self.read_by == "transfer":
                    raise
        return self.reader.read(keys, through_wildcards)

    def update(self, changes: collections.abc.Iterable[Change], read: World) -> Answer:
        """Send one update and say what came back; never whether it happened: that is for reading back."""
        return self._sent(update(self.zone, changes, read))

    def _sent(self, message) -> Answer:
        self.open_session()
        self.signer.sign(message)
        wire = rendered(message)
        try:
            answer, why = self.signer.opened(self.transport.tell(wire), message, str(self))
        except (LostAnswer, ServerError) as error:
            return Answer("", False, why=error.what)
        if not answer.flags & dns.flags.QR:
            return Answer("", False, why="what came back is no answer")
        return Answer(rcode_of(answer), not why, tsig_error_of(answer), why)

    def refused(
        self, answer: Answer, what: str = "the update", changes: collections.abc.Collection[Change] = ()
    ) -> ServerError:
        """The refusal in words."""
        return refusal(str(self), self.zone_text, self.signer.label, answer, what, changes)
