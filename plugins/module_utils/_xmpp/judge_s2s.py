# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Server to server: closed unless asked for, and then with TLS. Pure: no network."""

from __future__ import annotations

import collections.abc

from .._checks import Checks
from . import discovery
from .probe import Probe
from .settings import Endpoint

ID = "xmpp.s2s"
SOURCE = "RFC 6120 13.8"


def closed(
    checks: Checks,
    answer: discovery.Answer,
    open_ports: collections.abc.Sequence[Endpoint],
    asked: collections.abc.Sequence[Endpoint],
) -> None:
    """Other servers must find nothing: no SRV record (or the target "."), no open port."""
    if answer.status == discovery.FOUND:
        records = ", ".join(f"{s.target}:{s.port}" for s in answer.services)
        checks.failed(
            ID,
            answer.name,
            f"points to {records}, but server to server is to be off",
            "Remove the record or give it the target '.' (role dns), or expect server to server (expect_s2s).",
            SOURCE,
        )
    elif answer.status == discovery.ERROR:
        checks.warned(ID, answer.name, answer.error, "The resolver did not answer, so this is not known.", SOURCE)
    else:
        seen = "declined by the target '.'" if answer.status == discovery.DECLINED else "no SRV record"
        checks.passed(ID, answer.name, seen, SOURCE)
    for endpoint in asked:
        if endpoint in open_ports:
            checks.failed(
                ID,
                str(endpoint),
                "the port answers, but server to server is to be off",
                "Remove the s2s listener from the server's configuration and close the port in the firewall.",
                SOURCE,
            )
        else:
            checks.passed(ID, str(endpoint), "the port does not answer, as wanted", SOURCE)
    if not asked:
        checks.skipped(ID, "port 5269", "no address to ask", source=SOURCE)


def opened(
    checks: Checks,
    answer: discovery.Answer,
    probes: collections.abc.Sequence[Probe],
    domain: str,
) -> None:
    """Other servers must find this one, with TLS and a certificate for the domain."""
    if answer.status != discovery.FOUND:
        seen = {discovery.DECLINED: "declined by the target '.'", discovery.ABSENT: "no SRV record"}
        checks.failed(
            ID,
            answer.name,
            seen.get(answer.status, answer.error),
            "Other servers do not find this one. Publish the record (role dns).",
            SOURCE,
        )
    for probe in probes:
        problem = probe.connect_error or probe.before_error
        if not problem and not probe.before.starttls:
            problem = "STARTTLS is not offered"
        problem = problem or probe.tls_error
        if problem:
            checks.failed(
                ID,
                str(probe.endpoint),
                problem,
                probe.tls_hint or "Is the s2s listener configured, with TLS, and the port open in the firewalls?",
                SOURCE,
            )
        else:
            checks.passed(ID, str(probe.endpoint), f"STARTTLS, valid for {domain}, {probe.tls_version}", SOURCE)
    if answer.status == discovery.FOUND and not probes:
        checks.failed(ID, answer.name, "no target has an address", "Add the address records (role dns).", SOURCE)
