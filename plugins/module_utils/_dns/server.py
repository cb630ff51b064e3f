# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One zone on one primary server: what is there, and updates of it."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.chunks import MAX_SETS, MAX_SETS_ELSE
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import LostAnswer, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import (
    Answer,
    rcode_of,
    refresh,
    rendered,
    tsig_error_of,
    update,
    whether_there,
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
        # Whether what was read last may be the answer of wildcards.
        self.in_doubt = True
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
        self.in_doubt = False
        if self.read_by == "transfer" or (self.read_by == "auto" and len(keys) > MANY and not self.transfers.refused):
            try:
                return self.transfers.read(keys)
            except (TransferRefused, LostAnswer):
                if self.read_by == "transfer":
                    raise
        self.in_doubt = True
        found = self.reader.read(keys)
        return self.existing(found) if through_wildcards else found

    def existing(self, found: World) -> dict[Key, RecordSet]:
        """What was read last without what only a wildcard answers.

        Only of a set that equals a wildcard nobody knows, and only then something else than questions is sent: one message
        that changes nothing, and one for each set if not all of them exist.
        """
        like = self.reader.like_wildcards(found.values()) if self.in_doubt else []
        missing: set[Key] = set()
        for start in range(0, len(like), MANY):
            part = like[start : start + MANY]
            if not self._all_there(part):
                missing.update(key for key in part if len(part) == 1 or not self._all_there([key]))
        return {key: records for key, records in found.items() if key not in missing}

    def _all_there(self, keys: collections.abc.Sequence[Key]) -> bool:
        # Samba keeps 128 contexts and forgets the oldest, and a connection may have been closed meanwhile.
        for last in (False, True):
            answer = self._sent(whether_there(self.zone, keys))
            if answer.rcode == "NOERROR" or answer.is_conflict:
                return answer.rcode == "NOERROR"
            if last or not (answer.rcode == "" or (answer.tsig_error and self.signer.renew())):
                break
        what = f"{keys[0]}{' and others' if len(keys) > 1 else ''}"
        doubt = f"whether {what} exist{'' if len(keys) > 1 else 's'} beside a wildcard with the same values"
        if answer.rcode:
            raise self.refused(dataclasses.replace(answer, verified=True), f"the question {doubt}")
        raise ServerError(
            f"DNS server {self} did not say {doubt}: {answer.why}",
            "Does the server, or a firewall on the way, drop updates silently?",
            "See the log of the DNS server.",
        )

    def update(self, changes: collections.abc.Iterable[Change], read: World) -> Answer:
        """Send one update and say what came back; never whether it happened: that is for reading back."""
        return self._sent(update(self.zone, changes, read))

    def refresh(self, changes: collections.abc.Iterable[Change]) -> Answer:
        """Send again what is there, and say what came back; see message.refresh."""
        return self._sent(refresh(self.zone, changes))

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
