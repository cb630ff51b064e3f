# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Services elsewhere that this host must reach."""

from __future__ import annotations

import threading

from ansible_collections.onprem.chat.plugins.module_utils._checks import Checks
from ansible_collections.onprem.chat.plugins.module_utils._host.machine import Machine, Requirements
from ansible_collections.onprem.chat.plugins.module_utils._net import reach

_MOST = 64
_FIREWALL = "Let the firewall pass TCP port {port} from this host to {host}"
_HINTS = {
    reach.NO_ADDRESS: "Does the company's DNS resolve names of the Internet, and is the name spelt right?"
    " Try on the host: getent ahosts {host}",
    reach.REFUSED: f"A firewall that rejects, or nothing listens there. {_FIREWALL}.",
    reach.TIMED_OUT: f"A firewall that drops? {_FIREWALL}.",
    reach.UNREACHABLE: "Has this host a default route, and does a firewall of its own forbid the way?",
    reach.INTERCEPTED: "A firewall or proxy seems to open TLS: exempt {host} from inspection. Or the server does not"
    " send its intermediate certificates.",
    reach.BAD_CERTIFICATE: "Is the right server behind this name, and is this host's clock right?",
    reach.NOT_TLS: "Something on the way answers in its place: a proxy, or a portal that wants a login?",
    reach.CLOSED: "A firewall that looks into TLS may do this. " + _FIREWALL + ", and exempt it from inspection.",
}
_NO_STORE = "Install the CA certificates of the distribution (ca-certificates)."


def judge_outbound(wanted: Requirements, machine: Machine, checks: Checks) -> None:
    """The id host.outbound for every service, all asked at the same time."""
    services = wanted.outbound
    answers: list[reach.Answer | str] = ["no answer"] * len(services)
    turn = threading.Semaphore(_MOST)

    def ask(number: int, service: dict) -> None:
        anchors = [service["trust_anchors"]] if service.get("trust_anchors") else []
        with turn:
            try:
                answers[number] = machine.reach(
                    service["host"],
                    service.get("port") or 443,
                    service.get("protocol") or "tls",
                    wanted.timeout,
                    anchors,
                )
            except reach.Unreadable as error:
                answers[number] = str(error)

    threads = [threading.Thread(target=ask, args=found, daemon=True) for found in enumerate(services)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for service, answer in zip(services, answers):  # noqa: B905 - Python 3.8 knows no strict
        _judge(service["host"], service.get("port") or 443, answer, checks)


def _judge(host: str, port: int, answer: reach.Answer | str, checks: Checks) -> None:
    id_, subject = "host.outbound", f"{host}:{port}"
    if isinstance(answer, str):
        checks.failed(id_, subject, f"trust_anchors: {answer}", "Name a PEM file on this host.")
        return
    where = f" at {answer.address}" if answer.address and answer.address != host else ""
    if answer.kind == reach.ANSWERED:
        by = f", certificate by {answer.issuer}" if answer.issuer else ""
        seen = f"{answer.detail}{where}{by}"
        # An address family that this host has no route for is no fault; programs do not try it.
        silent = [f"{other.address}: {other.detail}" for other in answer.others if other.kind not in (
            reach.ANSWERED, reach.UNREACHABLE
        )]  # fmt: skip
        if not silent:
            checks.passed(id_, subject, seen)
            return
        hint = f"{_FIREWALL.format(host=host, port=port)} at all its addresses; programs do not try them all."
        checks.warned(id_, subject, f"{seen}, but not all addresses: {'; '.join(silent)}", hint)
        return
    hint = _HINTS[answer.kind].format(host=host, port=port)
    seen = f"{_kind(answer)}{where}"
    if answer.kind in (reach.INTERCEPTED, reach.BAD_CERTIFICATE):
        seen += f", certificate by {answer.issuer}" if answer.issuer else ""
        if answer.detail.startswith(reach.TRUSTS_NOBODY):
            hint = _NO_STORE
    checks.failed(id_, subject, seen, f"{hint} It was asked without a proxy.")


def _kind(answer: reach.Answer) -> str:
    if answer.kind == reach.INTERCEPTED:
        return f"TLS is intercepted: {answer.detail}"
    return answer.detail
