# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One primary server and one zone: read its record sets, send an update. Knows no plan and no module."""

from __future__ import annotations

import collections.abc
import secrets

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import (
    InputError,
    LostAnswer,
    ServerError,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import (
    Answer,
    parsed,
    question,
    rcode_of,
    rendered,
    sets_in,
    tsig_error_of,
    update,
)
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, World
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import Key, RecordSet, is_no_service


class Server:
    """``transport`` moves bytes (transport.TcpTransport), ``signer`` signs (signing, gss)."""

    def __init__(self, transport, zone: str, signer) -> None:
        self.transport = transport
        self.zone = zone
        self.signer = signer

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

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(self, keys: collections.abc.Sequence[Key], through_wildcards: bool = False) -> dict[Key, RecordSet]:
        """The record sets that exist among ``keys``, asked from this server, together with the zone's SOA.

        A wildcard answers for a name that does not exist, and no answer tells. With ``through_wildcards`` a set that
        equals what a wildcard above it would give counts as not existing.
        """
        asked = [Key(self.zone, "SOA"), *keys]
        wildcards = sorted({star for key in keys for star in self._stars(key)}) if through_wildcards else []
        hidden = set(wildcards) - set(keys)
        answers = self._answers([*asked, *wildcards])
        self._check_zone(answers[0])
        found: dict[Key, RecordSet] = {}
        for key, answer in zip([*keys, *wildcards], answers[1:], strict=True):
            self._check_answer(key, answer)
            found.update(sets_in(answer, key))
        for star in wildcards:
            self._drop_synthesised(found, star)
        return {key: records for key, records in found.items() if key not in hidden}

    def _stars(self, key: Key) -> list[Key]:
        labels = key.name.split(".")
        above = [".".join(labels[start:]) for start in range(1, len(labels))]
        return [Key(f"*.{name}", key.type) for name in above if name == self.zone or name.endswith(f".{self.zone}")]

    @staticmethod
    def _drop_synthesised(found: dict[Key, RecordSet], star: Key) -> None:
        pattern = found.get(star)
        if pattern is None:
            return
        for key in [key for key in found if key.type == star.type and key.name.endswith(star.name[1:])]:
            same = (found[key].ttl, found[key].values) == (pattern.ttl, pattern.values)
            if same and not key.name.startswith("*."):
                del found[key]

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
            answer = parsed(wire, str(self))
            if self.signer.signs_questions:
                why = self.signer.why_not_verified(wire, message)
                if why:
                    raise self.refused(Answer(rcode_of(answer), False, tsig_error_of(answer), why), "a question")
            answers.append(answer)
        return answers

    def _check_zone(self, answer) -> None:
        rcode = rcode_of(answer)
        soa = [rrset.name.to_text().lower() for rrset in answer.answer if rrset.rdtype == dns.rdatatype.SOA]
        if rcode == "NOERROR" and self.zone in soa and answer.flags & dns.flags.AA:
            return
        above = [rrset.name.to_text().lower() for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
        if above and answer.flags & dns.flags.AA:
            raise InputError(
                f"{self.zone_text} is not a zone of its own on DNS server {self}; it lies in {above[0].rstrip('.')}.",
                f"Is {above[0].rstrip('.')} the zone that is meant?",
                f"Set zone to {above[0].rstrip('.')}.",
            )
        raise ServerError(
            f"DNS server {self} is not authoritative for the zone {self.zone_text} (its answer: {rcode}).",
            "Is the name of the zone right, and is this the primary server for it?",
            f"Check with: dig +norecurse @{self.transport.host} {self.zone_text} SOA",
        )

    def _check_answer(self, key: Key, answer) -> None:
        rcode = rcode_of(answer)
        if rcode not in ("NOERROR", "NXDOMAIN"):
            raise ServerError(
                f"DNS server {self} answered {rcode} when asked for {key}.",
                "May the controller ask this server, and is the zone loaded there?",
                f"Check with: dig +norecurse @{self.transport.host} {key.name} {key.type}",
            )
        if not answer.flags & dns.flags.AA:
            raise ServerError(
                f"DNS server {self} is not authoritative for {key.name}.",
                f"Is a zone below {self.zone_text} delegated to another server?",
                f"Check with: dig +norecurse @{self.transport.host} {key.name} {key.type}",
            )

    # -- writing ------------------------------------------------------------------------------------------------------

    def update(self, changes: collections.abc.Iterable[Change], read: World) -> Answer:
        """Send one update and say what came back; never whether it happened: that is for reading back."""
        self.open_session()
        message = update(self.zone, changes, read)
        self.signer.sign(message)
        wire = rendered(message)
        try:
            reply = self.transport.tell(wire)
            answer = parsed(reply, str(self))
        except LostAnswer as error:
            return Answer("", False, why=error.what)
        except ServerError as error:
            return Answer("", False, why=error.what)
        if not answer.flags & dns.flags.QR:
            return Answer("", False, why="what came back is no answer")
        why = self.signer.why_not_verified(reply, message)
        return Answer(rcode_of(answer), not why, tsig_error_of(answer), why)

    def refused(
        self, answer: Answer, what: str = "the update", changes: collections.abc.Iterable[Change] = ()
    ) -> ServerError:
        """The refusal in words."""
        where = f"DNS server {self} refused {what} in the zone {self.zone_text}"
        key = self.signer.label
        if answer.tsig_error == "BADKEY":
            return ServerError(
                f"{where}: BADKEY, it does not know {key}.",
                "Are the name and the algorithm of the key the same as in the server's configuration?",
            )
        if answer.tsig_error == "BADSIG":
            return ServerError(f"{where}: BADSIG, the signature is wrong ({key}).", "Is the secret of the key right?")
        if answer.tsig_error == "BADTIME":
            return ServerError(
                f"{where}: BADTIME, the clocks of the controller and of the server are too far apart.",
                "Is time synchronisation running on both?",
                "TSIG allows 5 minutes; compare with: date",
            )
        texts = {
            "REFUSED": (
                f"Is {key} allowed to write in this zone?",
                "In Active Directory: give the account the right to create and write records in the zone "
                "(or make it a member of DnsAdmins); with BIND: see allow-update and update-policy.",
            ),
            "NOTAUTH": (
                "Is this the primary server of the zone, and does it know the key?",
                "Name the primary in server; for secondaries the SOA record tells it.",
            ),
            "NOTZONE": ("Do all records lie in this zone?", "Give zone the name of the zone that holds them."),
            "NOTIMP": (
                "Does this server know dynamic update and every record type in the task?",
                "Leave out types that it cannot do, or create them with the server's own tools.",
            ),
            "SERVFAIL": (
                f"Is {key} allowed to change these records? Samba says SERVFAIL when they belong to another account.",
                "Give the account write access to the records or make it a member of DnsAdmins; "
                "otherwise see the log of the DNS server.",
            ),
        }
        no_service = [change.key.name for change in changes if change.after and is_no_service(change.after)]
        if answer.rcode == "SERVFAIL" and no_service:
            texts["SERVFAIL"] = (
                f'Is this Samba? Its DNS server cannot take the SRV target "." of {no_service[0]} by dynamic update.',
                "Use state=absent there instead, or add that record once with samba-tool dns add.",
            )
        cause, action = texts.get(answer.rcode, ("", "See the log of the DNS server."))
        if not answer.verified and not answer.tsig_error and answer.why and what != "the update":
            return ServerError(
                f"DNS server {self} gave an answer that cannot be trusted: {answer.why} ({key}).",
                "Does the server know the same key, and are the clocks the same?",
            )
        return ServerError(f"{where}: {answer.rcode}.", cause, action)
