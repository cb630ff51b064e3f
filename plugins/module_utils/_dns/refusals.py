# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Refusals of a server in the words of the person who has to act."""

from __future__ import annotations

import collections.abc

from ansible_collections.onprem.chat.plugins.module_utils._dns.errors import ServerError
from ansible_collections.onprem.chat.plugins.module_utils._dns.message import Answer
from ansible_collections.onprem.chat.plugins.module_utils._dns.plan import Change, unusual_types
from ansible_collections.onprem.chat.plugins.module_utils._dns.values import is_no_service

CLOCKS = "the clocks of the controller and of the server are too far apart"


def refusal(
    server: str,
    zone: str,
    key: str,
    answer: Answer,
    what: str = "the update",
    changes: collections.abc.Collection[Change] = (),
) -> ServerError:
    """``server`` refused ``what`` in ``zone``, asked with ``key`` (the signer's label)."""
    shared = key.startswith("the TSIG key ")
    changes = tuple(changes)
    where = f"DNS server {server} refused {what} in the zone {zone}"
    if answer.tsig_error == "BADKEY":
        return ServerError(
            f"{where}: BADKEY, it does not know {key}.",
            "Are the name and the algorithm of the key the same as in the server's configuration?",
        )
    if answer.tsig_error == "BADSIG":
        return ServerError(f"{where}: BADSIG, the signature is wrong ({key}).", "Is the secret of the key right?")
    if answer.tsig_error == "BADTIME":
        return ServerError(
            f"{where}: BADTIME, {answer.why if answer.why not in ('', 'BADTIME') else CLOCKS}.",
            "Is time synchronisation running on both?",
            "TSIG allows 5 minutes; compare with: date",
        )
    texts = {
        "REFUSED": (
            f"Is {key} allowed to write in this zone?",
            "With BIND: see allow-update and update-policy; with Knot: see acl. A secondary refuses, too: the SOA record "
            "names the primary."
            if shared
            else "In Active Directory: give the account the right to create and write records in the zone "
            "(or make it a member of DnsAdmins), see whether the zone takes secure updates at all (Get-DnsServerZone: "
            "DynamicUpdate), and name a domain controller that is not read-only; with BIND: see allow-update and update-policy.",
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
            "Can the server write the files of the zone (BIND: its journal), and is there room on the disk?",
            "See the log of the DNS server.",
        )
        if shared
        else (
            f"Is {key} allowed to change these records? Samba says SERVFAIL when they belong to another account.",
            "Give the account write access to the records or make it a member of DnsAdmins; "
            "otherwise see the log of the DNS server.",
        ),
    }
    unusual = unusual_types(changes)
    if answer.rcode == "NOTIMP" and unusual:
        texts["NOTIMP"] = (
            f"Is this Samba? Its DNS server cannot take records of type {' and '.join(unusual)} by dynamic update.",
            "Leave them out, or keep them in a zone on another server.",
        )
    no_service = [change.key.name for change in changes if change.after and is_no_service(change.after)]
    if answer.rcode == "SERVFAIL" and no_service:
        texts["SERVFAIL"] = (
            f'Is this Samba? Its DNS server cannot take the SRV target "." of {no_service[0]} by dynamic update.',
            "Use state=absent there instead, or add that record once with samba-tool dns add.",
        )
    cause, action = texts.get(answer.rcode, ("", "See the log of the DNS server."))
    if not answer.verified and not answer.tsig_error and answer.why and what != "the update":
        says = "" if answer.rcode in ("", "NOERROR", "NXDOMAIN") else f" It says {answer.rcode}."
        return ServerError(
            f"DNS server {server} gave an answer that cannot be trusted: {answer.why} ({key}).{says}",
            f"Does the server {'have this zone and ' if says else ''}know the same key, and are the clocks the same?",
        )
    return ServerError(f"{where}: {answer.rcode}.", cause, action)
