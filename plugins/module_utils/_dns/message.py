# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The messages: questions, updates guarded by what was read, and what an answer says."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.onprem.chat.plugins.module_utils._dns.entries import canonical, is_spelled_canonically
from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import InputError, ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.lib import dns
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import NEIGHBOURS, Change, World
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import (
    Key,
    RecordSet,
    record_set,
)

CONFLICTS = ("YXDOMAIN", "YXRRSET", "NXRRSET", "NXDOMAIN")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back for an update. Only a verified answer is a fact, every other one is a rumour.

    rcode: ``NOERROR``, ``REFUSED`` ... or "" when no answer came.
    tsig_error: ``BADKEY``, ``BADSIG``, ``BADTIME`` or "".
    why: why it could not be verified, or why there is none.
    """

    rcode: str
    verified: bool
    tsig_error: str = ""
    why: str = ""

    @property
    def is_success(self) -> bool:
        return self.rcode == "NOERROR" and self.verified

    @property
    def is_conflict(self) -> bool:
        return self.rcode in CONFLICTS and not self.tsig_error

    @property
    def is_refusal(self) -> bool:
        return bool(self.tsig_error) or self.rcode not in ("", "NOERROR", *CONFLICTS)

    @property
    def fate(self) -> str:
        """The answer in one word for the user."""
        return "verified" if self.verified else ("unverifiable" if self.rcode else "lost")


def question(key: Key):
    """A question to the server itself: not recursive."""
    message = dns.message.make_query(key.name, key.type)
    message.flags = 0
    return message


def _rdatas(key: Key, values: collections.abc.Iterable[str]) -> list:
    kind = dns.rdatatype.from_text(key.type)
    return [dns.rdata.from_text(dns.rdataclass.IN, kind, value) for value in values]


def _require(message, key: Key, records: RecordSet | None) -> None:
    name = dns.name.from_text(key.name)
    if records is None:
        message.absent(name, key.type)
    else:
        message.present(name, *_rdatas(key, records.as_read or records.values))


def update(zone: str, changes: collections.abc.Iterable[Change], read: World):
    """One message for all changes: either everything in it happens or nothing.

    It happens only when every set that it touches is still exactly what was read (RFC 2136 2.4), and also the sets
    that must not stand beside a CNAME.
    """
    changes = list(changes)
    message = dns.update.UpdateMessage(dns.name.from_text(zone))
    guarded = {change.key: change.before for change in changes}
    for change in changes:
        if change.after is not None:
            for kind in NEIGHBOURS if change.key.type == "CNAME" else ("CNAME",):
                neighbour = Key(change.key.name, kind)
                guarded.setdefault(neighbour, read.get(neighbour))
    for key in sorted(guarded):
        _require(message, key, guarded[key])
    # All deletions first: a name may change from CNAME to addresses in one message.
    for change in changes:
        _delete(message, change)
    for change in changes:
        _add(message, change)
    return message


def refresh(zone: str, changes: collections.abc.Iterable[Change]):
    """One message that sends again what is there: the values of ``after``, while the sets are exactly ``before``."""
    message = dns.update.UpdateMessage(dns.name.from_text(zone))
    for change in changes:
        _require(message, change.key, change.before)
    for change in changes:
        # In the server's own spelling: otherwise Samba would have what somebody else has spelled differently twice.
        there = _rdatas(change.key, change.before.as_read or change.before.values)
        ours = [rdata for rdata in there if canonical(rdata) in change.after.values]
        message.add(dns.name.from_text(change.key.name), change.before.ttl, *ours)
    return message


def whether_there(zone: str, keys: collections.abc.Iterable[Key]):
    """A message that does nothing: its answer says whether all of these sets exist (RFC 2136 2.4.1).

    No wildcard answers it, as one answers a question.
    """
    message = dns.update.UpdateMessage(dns.name.from_text(zone))
    for key in keys:
        message.present(dns.name.from_text(key.name), key.type)
    return message


# Only the values that differ are deleted and added, one by one, although the prerequisites would allow to delete or replace
# whole sets. Of a set Samba (4.17 to 4.25) tests only whether each value that was read is there, not whether there are others
# too (RFC 2136 3.2.3 asks for both), so it does not see that somebody has added a value since. Single values add up, where a
# replaced set would be without what he has added. And what is left to do then is seen by reading back.


def _delete(message, change: Change) -> None:
    if change.before is None:
        return
    stay = set(change.after.values) if change.after else set()
    there = _rdatas(change.key, change.before.as_read or change.before.values)
    # With a new TTL all values are added again, in our spelling: what somebody else has spelled differently would stand twice.
    again = change.after is not None and change.after.ttl != change.before.ttl
    gone = [rdata for rdata in there if canonical(rdata) not in stay or (again and not is_spelled_canonically(rdata))]
    gone.sort(key=canonical)
    if gone:
        message.delete(dns.name.from_text(change.key.name), *gone)


def _add(message, change: Change) -> None:
    if change.after is None:
        return
    there = set()
    if change.before is not None and change.before.ttl == change.after.ttl:
        there = set(change.before.values)  # otherwise all are added again: so they get the new TTL (RFC 2136 3.4.2.2)
    new = [value for value in change.after.values if value not in there]
    if new:
        message.add(dns.name.from_text(change.key.name), change.after.ttl, *_rdatas(change.key, new))


def rendered(message) -> bytes:
    """The message as bytes."""
    try:
        return message.to_wire(max_size=65535)
    except dns.exception.TooBig as error:
        raise InputError(
            "The changes do not fit into one DNS message of 64 KiB.",
            action="Split the records over several tasks; what belongs together should stay together.",
        ) from error


def parsed(wire: bytes, server: str):
    """An answer without a look at its signature."""
    try:
        return dns.message.from_wire(wire, keyring=False, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise ServerError(
            f"DNS server {server} sent an answer that is no valid DNS message: {str(error).rstrip('.')}.",
            f"Does something else than a DNS server listen on {server}?",
        ) from error


def rcode_of(message) -> str:
    """The answer's code as text."""
    return dns.rcode.to_text(message.rcode())


def tsig_error_of(message) -> str:
    """The error that the server put into the signature record, or an empty text."""
    error = message.tsig_error if message.had_tsig else 0
    return dns.rcode.to_text(dns.rcode.Rcode(error), tsig=True) if error else ""


def sets_in(message, key: Key) -> dict[Key, RecordSet]:
    """The record sets at exactly the name that was asked for; a CNAME in place of the type is one of them."""
    found = {}
    for rrset in message.answer:
        kind = dns.rdatatype.to_text(rrset.rdtype)
        if rrset.name.to_text().lower() != key.name or kind not in (key.type, "CNAME"):
            continue
        here = Key(key.name, kind)
        found[here] = record_set(here, rrset.ttl, map(canonical, rrset), [rdata.to_text() for rdata in rrset])
    return found
