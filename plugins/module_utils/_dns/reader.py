# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Reading the record sets of a zone from one server, by questions."""

from __future__ import annotations

import collections.abc
import secrets

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import (
    Answer,
    parsed,
    question,
    rcode_of,
    sets_in,
    tsig_error_of,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.refusals import refusal
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet


class Reader:
    """Asks ``transport`` about names in ``zone``; ``signer`` signs the questions where that is wanted."""

    def __init__(self, transport, zone: str, signer) -> None:
        self.transport = transport
        self.zone = zone
        self.signer = signer

    def read(self, keys: collections.abc.Sequence[Key]) -> dict[Key, RecordSet]:
        """The record sets that exist among ``keys``, asked from this server, together with the zone's SOA.

        A wildcard answers for a name that does not exist, and no answer tells; see like_wildcards.
        """
        asked = _questions(keys)
        answers = self._answers([Key(self.zone, "SOA"), *asked])
        self._check_zone(answers[0])
        return self._found(asked, answers[1:])

    def like_wildcards(self, found: collections.abc.Iterable[RecordSet]) -> list[Key]:
        """Those of the sets that equal what a wildcard above them would give, so that they may not exist."""
        found = [records for records in found if not records.key.name.startswith("*.")]
        stars = sorted({star for records in found for star in self._stars(records.key)})
        asked = _questions(stars)
        patterns = self._found(asked, self._answers(asked)) if asked else {}
        given = {star: (records.ttl, records.values) for star, records in patterns.items()}
        return [
            records.key
            for records in found
            if (records.ttl, records.values) in [given.get(star) for star in self._stars(records.key)]
        ]

    def _found(self, asked: list[Key], answers: list) -> dict[Key, RecordSet]:
        found: dict[Key, RecordSet] = {}
        for key, answer in zip(asked, answers, strict=True):
            self._check_answer(key, answer)
            found.update(sets_in(answer, key))
        return found

    def _stars(self, key: Key) -> list[Key]:
        labels = key.name.split(".")
        above = [".".join(labels[start:]) for start in range(1, len(labels))]
        return [Key(f"*.{name}", key.type) for name in above if name == self.zone or name.endswith(f".{self.zone}")]

    def _answers(self, keys: list[Key]) -> list:
        messages = [question(key) for key in keys]
        start = secrets.randbelow(65536)
        for number, message in enumerate(messages):
            message.id = (start + number) & 0xFFFF  # distinct: answers are matched by it
        if self.signer.signs_questions:
            self.signer.prepare(self.transport)
            for message in messages:
                self.signer.sign(message)
        wires = self.transport.ask([message.to_wire() for message in messages])
        answers = []
        for message, wire in zip(messages, wires, strict=True):
            if not self.signer.signs_questions:
                answers.append(parsed(wire, str(self.transport)))
                continue
            answer, why = self.signer.opened(wire, message, str(self.transport))
            if why:
                why = why if answer.had_tsig else "it is not signed"
                raise self._refused(Answer(rcode_of(answer), False, tsig_error_of(answer), why))
            answers.append(answer)
        return answers

    def _check_zone(self, answer) -> None:
        self._check_usable(Key(self.zone, "SOA"), answer)
        rcode = rcode_of(answer)
        soa = [rrset.name.to_text().lower() for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA]
        if rcode == "NOERROR" and self.zone in soa and answer.flags & dns.flags.AA:
            return
        above = [rrset.name.to_text().lower() for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
        if above and answer.flags & dns.flags.AA:
            raise InputError(
                f"{self.zone.rstrip('.')} is not a zone of its own on DNS server {self.transport}; it lies in {above[0].rstrip('.')}.",
                f"Is {above[0].rstrip('.')} the zone that is meant?",
                f"Set zone to {above[0].rstrip('.')}.",
            )
        check = self._check_with(self.zone.rstrip("."), "SOA")
        if rcode == "SERVFAIL":
            raise ServerError(
                f"DNS server {self.transport} answered SERVFAIL when asked for the zone {self.zone.rstrip('.')}.",
                "Could it not load the zone, or, if it is a secondary, is its copy too old?",
                f"See the log of the DNS server. {check}",
            )
        views = f" With views: does {self.signer.label} lead to the right one?" if self.signer.signs_questions else ""
        raise ServerError(
            f"DNS server {self.transport} is not authoritative for the zone {self.zone.rstrip('.')} (its answer: {rcode}).",
            f"Is the name of the zone right, and is this the primary server for it?{views}",
            check,
        )

    def _check_with(self, name: str, kind: str) -> str:
        port = "" if self.transport.port == 53 else f" -p {self.transport.port}"
        return f"Check with: dig +norecurse @{self.transport.host}{port} {name} {kind}"

    def _check_usable(self, key: Key, answer) -> None:
        """Whether it is a whole answer to this question: an empty one would be taken for records that are not there."""
        asked = [(rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype)) for rrset in answer.question]
        if answer.flags & dns.flags.TC:
            seen = "sent a truncated answer, over TCP,"
        elif rcode_of(answer) in ("NOERROR", "NXDOMAIN") and asked != [(key.name, key.type)]:
            seen = "sent the answer to another question"
        else:
            return
        raise ServerError(
            f"DNS server {self.transport} {seen} when asked for {key}.",
            "Does something between the controller and the server change DNS messages?",
            self._check_with(key.name, key.type),
        )

    def _check_answer(self, key: Key, answer) -> None:
        self._check_usable(key, answer)
        rcode = rcode_of(answer)
        if rcode not in ("NOERROR", "NXDOMAIN"):
            raise ServerError(
                f"DNS server {self.transport} answered {rcode} when asked for {key}.",
                "May the controller ask this server, and is the zone loaded there?",
                self._check_with(key.name, key.type),
            )
        if not answer.flags & dns.flags.AA:
            raise ServerError(
                f"DNS server {self.transport} is not authoritative for {key.name}.",
                f"Is a zone below {self.zone.rstrip('.')} delegated to another server?",
                self._check_with(key.name, key.type),
            )

    def _refused(self, answer: Answer) -> ServerError:
        return refusal(str(self.transport), self.zone.rstrip("."), self.signer.label, answer, "a question")


def _questions(keys: collections.abc.Iterable[Key]) -> list[Key]:
    """What has to be asked to know ``keys``: any question about a name tells of its CNAME."""
    keys = list(dict.fromkeys(keys))
    others = {key.name for key in keys if key.type != "CNAME"}
    return [key for key in keys if key.type != "CNAME" or key.name not in others]
