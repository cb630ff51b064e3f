# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The module's options as endpoints, and its answer."""

from __future__ import annotations

import asyncio
import collections.abc
import dataclasses
import datetime
import warnings

from .._checks import FAIL, PASS, WARN, Check
from .._x509 import judge as certificates
from .._x509 import policy
from .._x509.certificate import Certificate
from .._x509.chain import leaf_among
from .._x509.errors import InputError
from .._x509.lib import CryptographyDeprecationWarning
from .._x509.names import a_label, as_address
from . import judge, peer, survey, trust
from .settings import PORTS, Endpoint
from .survey import Seen

#: Options that an endpoint may say otherwise than the task.
OF_ENDPOINT = (
    "host",
    "port",
    "protocol",
    "domain",
    "server_name",
    "alpn",
    "profile",
    "dns_names",
    "ip_addresses",
    "xmpp_domains",
    "valid_days",
    "trust_anchors",
    "minimum_version",
    "old_versions",
    "look",
    "accept",
)
#: Every check that there can be.
KNOWN = (*judge.IDS, *(row[0] for row in certificates.TABLE))
_XMPP = ("xmpp-client", "xmpp-server")
_LONGEST = 2000  # characters of a text: what it is made of comes from the peer


def endpoints(params: collections.abc.Mapping) -> list[Endpoint]:
    """What is to be looked at. Raises InputError."""
    if params["timeout"] <= 0:
        raise InputError(f"timeout: {params['timeout']:g} is not more than 0 seconds.")
    if params["parallel"] < 1:
        raise InputError(f"parallel: {params['parallel']} is less than 1.")
    top = {name: params[name] for name in OF_ENDPOINT}
    if params["endpoints"] is None:
        return [endpoint(top, params["clock_skew"])]
    if not params["endpoints"]:
        raise InputError("endpoints is empty.", action="Name at least one server.")
    found = []
    for one in params["endpoints"]:
        own = {name: one[name] for name in OF_ENDPOINT if one.get(name) is not None}
        merged = {**top, **own}
        if "protocol" in own and "port" not in own:
            merged["port"] = PORTS.get(own["protocol"], top["port"])
        found.append(endpoint(merged, params["clock_skew"]))
    return found


def endpoint(values: collections.abc.Mapping, skew: int) -> Endpoint:
    """One endpoint with everything that follows from what was said. values: all of OF_ENDPOINT. Raises InputError."""
    protocol = values["protocol"]
    address = as_address(values["host"] or "")
    host = address or a_label(values["host"] or "")
    port = PORTS.get(protocol) if values["port"] is None else values["port"]
    if port is None:
        raise InputError(f"{host}: no port is given.", action="Give port; only the other protocols have a usual one.")
    if not 0 < port < 65536:
        raise InputError(f"{host}: {port} is no port.", action="Expected 1 to 65535.")
    if values["domain"] and as_address(values["domain"]):
        raise InputError(f"{host}: domain {values['domain']} is an address.", action="Name the domain of the users.")
    domain = a_label(values["domain"]) if values["domain"] else ""
    if protocol in _XMPP and not domain:
        if address:
            raise InputError(f"{host}: domain is missing.", action=f"With {protocol} name the domain of the addresses.")
        domain = host
    dns, ip, xmpp = (tuple(values[name] or ()) for name in ("dns_names", "ip_addresses", "xmpp_domains"))
    name = values["server_name"] or domain or ("" if address else host) or next(iter(dns), "")
    # The zone of an address (fe80::1%eth0) is known here only.
    name = without_zone(as_address(name) or a_label(name.removeprefix("*.")) if name else address)
    if not (dns or ip or xmpp):
        if domain:
            xmpp = (domain,)
        elif as_address(name):
            ip = (name,)
        else:
            dns = (name,)
    anchors = tuple(values["trust_anchors"] or ())
    alpn = tuple(values["alpn"] or ())
    for one in alpn:
        if not one.isascii() or not 0 < len(one) < 256:
            shown = one if len(one) < 20 else f"{one[:20]}..."
            raise InputError(
                f"{host}: alpn {shown!r} cannot be offered.", action="A protocol has 1 to 255 ASCII characters."
            )
    accept = tuple(values["accept"] or ())
    for one in accept:
        if one not in KNOWN and not one.startswith("certificate.files."):  # the same list may serve for files, too
            raise InputError(
                f"accept: there is no check {one}.", "Is it spelt right?", "See the documentation of checks."
            )
    return Endpoint(
        host=host,
        port=port,
        protocol=protocol,
        domain=domain,
        server_name=name,
        alpn=alpn,
        wanted=policy.wanted(
            values["profile"] or ("xmpp" if domain else "server"),
            dns=dns,
            ip=ip,
            xmpp_domains=xmpp,
            days=values["valid_days"],
            skew=skew,
            trust="given" if anchors else "system",
            accept=accept,
        ),
        anchors=anchors,
        minimum_version=values["minimum_version"],
        old_versions=values["old_versions"],
        look=values["look"],
    )


def without_zone(text: str) -> str:
    """An address without the network interface through which it is reached from here."""
    return text.partition("%")[0]


def run(params: collections.abc.Mapping, now: datetime.datetime | None = None) -> dict:
    """The answer of the module. Raises a BundleError for input that makes no sense, and nothing for what servers do."""
    asked = endpoints(params)
    trusted = {paths: trust.anchors(paths) for paths in dict.fromkeys(one.anchors for one in asked)}
    pems = {paths: trust.pem(paths, found) for paths, found in trusted.items()}
    seen = asyncio.run(survey.everywhere(asked, pems, params["timeout"], params["parallel"]))
    now = now or datetime.datetime.now(datetime.UTC)
    checks, servers = [], []
    with warnings.catch_warnings():
        # That a serial number is not positive is told by a check, not by a library on standard error.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for one in seen:
            peers = peer.read_all(one.chain)
            checks += judge.lenient(judge.server(one, peers), one.endpoint.wanted.accept)
            checks += _certificates(one, [item.certificate for item in peers], trusted[one.endpoint.anchors], now)
            servers.append(_server(one, peers, now))
    return {"changed": False, "checks": [_cut(check).as_dict() for check in checks], "servers": servers}


def _cut(check: Check) -> Check:
    """The check with texts of a length that somebody can read."""
    return dataclasses.replace(check, evidence=_short(check.evidence), hint=_short(check.hint))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def _certificates(
    seen: Seen, sent: list[Certificate | None], anchors: list[Certificate], now: datetime.datetime
) -> list[Check]:
    """The judgement that files get, too. Without a readable first certificate there is nothing to judge."""
    if not sent or sent[0] is None:
        return []
    readable = [one for one in sent if one is not None]
    subject = seen.endpoint.subject(seen.address)
    try:
        checks = certificates.judge(readable, seen.endpoint.wanted, anchors, now, subject)
        if seen.best:
            first = leaf_among(readable, None) == sent[0]
            accepted = "certificate.key.match" in seen.endpoint.wanted.accept
            return [_proven(one, first, accepted) if one.id == "certificate.key.match" else one for one in checks]
        return list(checks)
    except Exception as error:  # a peer may send anything
        evidence = f"the certificate cannot be judged ({type(error).__name__}: {' '.join(str(error).split())[:160]})"
        hint = "Look at it with: openssl s_client -showcerts. Please report it: this text should never be seen."
        return [Check("certificate.chain.trust", subject, FAIL, evidence, hint)]


def _proven(check: Check, first: bool, accepted: bool) -> Check:
    """Nobody ends a handshake without the key that belongs to the first certificate that was sent.

    first: whether that is the one that was judged.
    """
    if not first:
        evidence = "the handshake proves the key of the first certificate that was sent, not that of the leaf"
        hint = "Let the server send its own certificate first, with its key, then those of its CAs."
        return dataclasses.replace(check, status=WARN if accepted else FAIL, evidence=evidence, hint=hint)
    return dataclasses.replace(check, status=PASS, evidence="the server has the key: the handshake proves it", hint="")


def _server(seen: Seen, peers: list[peer.Peer], now: datetime.datetime) -> dict:
    endpoint, session = seen.endpoint, seen.best
    return {
        "endpoint": str(endpoint),
        "host": endpoint.host,
        "port": endpoint.port,
        "protocol": endpoint.protocol,
        "server_name": endpoint.server_name,
        "address": seen.address,
        "error": seen.trouble.what if seen.trouble else "",
        "tls_version": session.version if session else "",
        "cipher": session.cipher if session else "",
        "alpn": session.alpn if session else "",
        "versions": dict(seen.versions),
        "chain": [one.row(now) for one in peers],
        "verified": seen.trusted,
    }
