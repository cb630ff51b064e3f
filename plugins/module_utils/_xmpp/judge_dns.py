# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Turns what the DNS said into checks. Pure: no network, no clock."""

from __future__ import annotations

import collections.abc

from .._checks import Checks
from . import discovery

SOURCE_SRV = "RFC 6120 3.2.1"


def client_srv(checks: Checks, answer: discovery.Answer | None, name: str, host: str | None) -> None:
    """xmpp.srv.client: clients find the server by name alone."""
    id_ = "xmpp.srv.client"
    if answer is None:
        checks.skipped(id_, name, f"the server was given as {host}, the SRV records were not asked", source=SOURCE_SRV)
    elif answer.status == discovery.FOUND:
        records = ", ".join(f"{s.priority} {s.weight} {s.port} {s.target}" for s in answer.services)
        checks.passed(id_, name, records, SOURCE_SRV)
    elif answer.status == discovery.DECLINED:
        checks.failed(
            id_,
            name,
            "the only SRV record has the target '.': no service here",
            "Replace it by records that name the chat hosts; role dns does it.",
            SOURCE_SRV,
        )
    elif answer.status == discovery.ABSENT:
        checks.failed(
            id_,
            name,
            "no SRV record",
            "Clients do not find the server. Publish the record (role dns). Was it made a moment ago? Then resolvers"
            " may still remember that it did not exist, for the time in the zone's SOA record.",
            SOURCE_SRV,
        )
    else:
        checks.failed(
            id_,
            name,
            answer.error,
            "Does this controller use the same resolver as the users (option nameservers), and does that one answer?",
            SOURCE_SRV,
        )


def targets(checks: Checks, found: collections.abc.Sequence[discovery.Target], reason: str) -> None:
    """xmpp.srv.target: every target is a name with addresses and no alias."""
    id_, source = "xmpp.srv.target", "RFC 2782"
    for target in found:
        subject = target.service.target
        if target.error:
            checks.failed(id_, subject, target.error, "Add the address record of the chat host (role dns).", source)
        elif target.alias:
            checks.failed(
                id_,
                subject,
                f"is an alias of {target.alias}",
                "The target of an SRV record must not be a CNAME: name the host itself.",
                source,
            )
        else:
            checks.passed(id_, subject, ", ".join(target.addresses), source)
    if not found:
        checks.skipped(id_, "-", reason, source=source)
