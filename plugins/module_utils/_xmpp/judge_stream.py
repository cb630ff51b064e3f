# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Turns what was seen at the addresses into checks. Pure: no network, the clock is an argument."""

from __future__ import annotations

import collections.abc
import time

from .._checks import FAIL, SKIP, Checks
from .probe import Probe

NOBODY = "no address to ask"
_EXPIRES_SOON = 14 * 86400
_WEAK = {"DIGEST-MD5", "CRAM-MD5"}  # RFC 6331
_ALLOWED_BEFORE_TLS = {"EXTERNAL"}


def judge(checks: Checks, probes: collections.abc.Sequence[Probe], domain: str, now: float) -> None:
    """All checks of the client streams, question by question."""
    for question in (_tcp, _starttls, _certificate, _expiry, _before_tls, _after_tls, _register, _anonymous):
        for probe in probes:
            question(checks, probe, probes, domain, now)
        if not probes:
            checks.skipped(_ID[question], domain, NOBODY)


def _tcp(checks, probe, probes, domain, now) -> None:
    id_, subject = "xmpp.tcp", str(probe.endpoint)
    if probe.connected:
        checks.passed(id_, subject, "connected")
        return
    others = [p for p in probes if p.connected and p.endpoint.host == probe.endpoint.host]
    if probe.no_route and others:
        checks.warned(
            id_,
            subject,
            f"{probe.connect_error} (this controller has no route to it)",
            "Another address of this host answers. Ask from a place that has this address family.",
        )
        return
    checks.failed(
        id_,
        subject,
        probe.connect_error,
        "Does the server run (systemctl status ejabberd), does it listen on this address, and is the port open in the"
        " firewalls between here and there?",
    )


def _starttls(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.tls.starttls_required", str(probe.endpoint), "RFC 7590 3.1"
    if _no_stream(checks, id_, probe, source):
        return
    if probe.before.starttls_required:
        checks.passed(id_, subject, "STARTTLS is offered and required", source)
    elif probe.before.starttls:
        checks.failed(
            id_,
            subject,
            "STARTTLS is offered but not required",
            "A client could send its password in the clear. Set starttls_required: true on the c2s listener.",
            source,
        )
    else:
        checks.failed(
            id_,
            subject,
            "STARTTLS is not offered",
            "Is a certificate configured that the server can read? Set starttls_required: true on the c2s listener.",
            source,
        )


def _certificate(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.tls.certificate", f"{domain} at {probe.endpoint}", "RFC 6120 13.7"
    if _no_tls(checks, id_, subject, probe, source):
        return
    if probe.verified:
        checks.passed(
            id_, subject, "; ".join(filter(None, (f"valid for {domain}", probe.tls_version, probe.certificate))), source
        )
        return
    evidence = "; ".join(filter(None, (probe.tls_error, probe.certificate)))
    checks.failed(id_, subject, evidence, probe.tls_hint or "Look into the server's log.", source)


def _expiry(checks, probe, probes, domain, now) -> None:
    id_, subject = "xmpp.tls.expiry", f"{domain} at {probe.endpoint}"
    if _no_tls(checks, id_, subject, probe):
        return
    if probe.expires is None:
        checks.skipped(id_, subject, "the certificate was not accepted, see xmpp.tls.certificate")
        return
    end = time.strftime("%Y-%m-%d", time.gmtime(probe.expires))
    if probe.expires - now < _EXPIRES_SOON:
        checks.warned(id_, subject, f"ends on {end}", "Renew it now: role certificates does it on the next run.")
    else:
        checks.passed(id_, subject, f"ends on {end}")


def _before_tls(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.sasl.before_tls", str(probe.endpoint), "RFC 6120 13.8.4"
    if _no_stream(checks, id_, probe, source):
        return
    offered = [name for name in probe.before.mechanisms if name not in _ALLOWED_BEFORE_TLS]
    if offered:
        checks.failed(
            id_,
            subject,
            f"offered without TLS: {', '.join(offered)}",
            "Passwords could cross the network in the clear. Set starttls_required: true on the c2s listener.",
            source,
        )
    else:
        checks.passed(id_, subject, "no login is offered without TLS", source)


def _after_tls(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.sasl.after_tls", str(probe.endpoint), "RFC 6120 6"
    if _no_features(checks, id_, probe, source):
        return
    names = probe.after.mechanisms
    evidence = ", ".join(names)
    weak = sorted(_WEAK.intersection(names))
    if not names:
        checks.failed(
            id_, subject, "no mechanism is offered after TLS", "Nobody can log in. Look at auth_method.", source
        )
    elif weak:
        checks.warned(
            id_,
            subject,
            evidence,
            f"{', '.join(weak)} is obsolete (RFC 6331): switch it off (disable_sasl_mechanisms).",
            source,
        )
    elif not any(name.startswith("SCRAM-") for name in names):
        checks.passed(
            id_,
            subject,
            f"{evidence} (SCRAM is impossible with LDAP: the server never sees a stored password, it binds with the"
            " user's; so TLS protects it)",
            source,
        )
    else:
        checks.passed(id_, subject, evidence, source)


def _register(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.register", str(probe.endpoint), "XEP-0077"
    if _no_stream(checks, id_, probe, source):
        return
    if probe.before.register or (probe.after and probe.after.register):
        seen = "in-band registration is offered"
    elif probe.registration_form:
        seen = "a stranger gets the registration form"
    elif probe.after is None:
        checks.skipped(id_, subject, f"not offered before TLS; {_why_no_features(probe)}", source=source)
        return
    else:
        checks.passed(id_, subject, "in-band registration is not offered", source)
        return
    checks.failed(
        id_, subject, seen, "Anybody could make accounts. Remove mod_register from the configuration.", source
    )


def _anonymous(checks, probe, probes, domain, now) -> None:
    id_, subject, source = "xmpp.anonymous", str(probe.endpoint), "XEP-0175"
    if _no_stream(checks, id_, probe, source):
        return
    if "ANONYMOUS" in (*probe.before.mechanisms, *(probe.after.mechanisms if probe.after else ())):
        checks.failed(
            id_,
            subject,
            "login without an account is offered",
            "Remove anonymous from auth_method and set disable_sasl_mechanisms.",
            source,
        )
    elif probe.after is None:
        checks.skipped(id_, subject, f"not offered before TLS; {_why_no_features(probe)}", source=source)
    else:
        checks.passed(id_, subject, "login without an account is not offered", source)


_ID = {
    _tcp: "xmpp.tcp",
    _starttls: "xmpp.tls.starttls_required",
    _certificate: "xmpp.tls.certificate",
    _expiry: "xmpp.tls.expiry",
    _before_tls: "xmpp.sasl.before_tls",
    _after_tls: "xmpp.sasl.after_tls",
    _register: "xmpp.register",
    _anonymous: "xmpp.anonymous",
}


def _no_stream(checks: Checks, id_: str, probe: Probe, source: str = "") -> bool:
    """Add the check when no stream could be opened at all."""
    if not probe.connected:
        checks.skipped(id_, str(probe.endpoint), f"no connection: {probe.connect_error}", source=source)
        return True
    if probe.before is None:
        # One question carries the blame, the others are skipped.
        status = FAIL if id_ == "xmpp.tls.starttls_required" else SKIP
        hint = "Is this port really the server's client port? Look into the server's log."
        if "policy-violation" in probe.before_error:
            hint = (
                "The server has banned this address, mostly after too many failed logins (mod_fail2ban)."
                " Wait, or lift the ban: ejabberdctl unban_ip ADDRESS."
            )
        hint = hint if status == FAIL else ""
        checks.add(status, id_, str(probe.endpoint), f"no stream: {probe.before_error}", hint, source)
        return True
    return False


def _no_tls(checks: Checks, id_: str, subject: str, probe: Probe, source: str = "") -> bool:
    """Add the check when TLS was not even tried."""
    if probe.connected and probe.before is not None and probe.before.starttls:
        return False
    reason = probe.connect_error or probe.before_error or "STARTTLS is not offered"
    checks.skipped(id_, subject, f"no TLS to look at: {reason}", source=source)
    return True


def _no_features(checks: Checks, id_: str, probe: Probe, source: str = "") -> bool:
    """Add the check when the stream after TLS was not seen."""
    if _no_stream(checks, id_, probe, source):
        return True
    if probe.after is None:
        checks.skipped(id_, str(probe.endpoint), _why_no_features(probe), source=source)
        return True
    return False


def _why_no_features(probe: Probe) -> str:
    return f"no stream after TLS: {probe.after_error or probe.tls_error or 'STARTTLS is not offered'}"
