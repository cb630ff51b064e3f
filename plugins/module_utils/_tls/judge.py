# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Turns what was seen at a server into checks. Pure: no network; the clock is an argument.

One question carries the blame, the ones that cannot be asked then are skipped with the reason.
"""

from __future__ import annotations

from .._checks import FAIL, PASS, WARN, Check, Checks
from .._x509.certificate import one_line
from .._x509.names import covers, names_of
from .peer import Peer, read
from .settings import VERSIONS
from .survey import ACCEPTED, UNKNOWN, UNKNOWN_NAME, Seen
from .trouble import Trouble
from .wire import Session

#: All that are asked here, in their order.
IDS = (
    "tls.tcp",
    "tls.starttls",
    "tls.session",
    "tls.versions",
    "tls.handshake",
    "tls.alpn",
    "tls.sni",
    "tls.certificate",
)
_NO_FURTHER = "not asked: only the certificate is looked at"
_FORWARD_SECRECY = ("ECDHE", "DHE", "TLS_")


def server(seen: Seen, peers: list[Peer]) -> Checks:
    """All questions but those about the certificates themselves."""
    checks = Checks()
    subject = seen.endpoint.subject(seen.address)
    questions = [_tcp, _session, _versions, _handshake, _sni, _sent]
    if seen.endpoint.protocol != "tls":
        questions.insert(1, _starttls)
    if seen.endpoint.alpn:
        questions.insert(-2, _alpn)
    for question in questions:
        question(checks, subject, seen, peers)
    return checks


def lenient(checks: Checks, accept: tuple[str, ...]) -> list[Check]:
    """The checks with those that the task accepts as warnings."""
    return [
        Check(one.id, one.subject, WARN, one.evidence, f"Accepted by the task. {one.hint}".strip(), one.source)
        if one.status == FAIL and one.id in accept
        else one
        for one in checks
    ]


def _tcp(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    error = seen.trouble
    if seen.connected:
        checks.passed("tls.tcp", subject, "connected")
    elif error.kind == "no_route" and seen.elsewhere:
        checks.warned("tls.tcp", subject, error.what, f"Another address of this host answers. {error.hint}")
    else:
        checks.failed("tls.tcp", subject, error.what, error.hint)


def _starttls(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    source = {"ldap": "RFC 4511 4.14", "smtp": "RFC 3207"}.get(seen.endpoint.protocol, "RFC 6120 5")
    error = seen.trouble
    if _too_early(checks, "tls.starttls", subject, seen, ("dns", "tcp"), source):
        return
    if error is not None and error.stage == "starttls":
        checks.failed("tls.starttls", subject, error.what, error.hint, source)
    else:
        checks.passed("tls.starttls", subject, f"{seen.endpoint.protocol}: the server agrees to begin TLS", source)


def _session(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    """What an ordinary client of today gets."""
    id_, source = "tls.session", "RFC 9325 3.1, 4.1"
    if _too_early(checks, id_, subject, seen, ("dns", "tcp", "starttls"), source):
        return
    if seen.session is None:
        evidence = seen.trouble.what
        if seen.forced:
            evidence += f"; with everything old and weak allowed: {seen.forced.version}, {seen.forced.cipher}"
        checks.failed(id_, subject, evidence, seen.trouble.hint, source)
        return
    session = seen.session
    evidence = f"{session.version}, {session.cipher}" + (
        ", asks for a client certificate and takes clients without one" if session.asked else ""
    )
    if session.cipher.startswith(_FORWARD_SECRECY):
        checks.passed(id_, subject, evidence, source)
    else:
        checks.warned(
            id_,
            subject,
            f"{evidence}: no forward secrecy",
            "Who gets the server's key later can read what was recorded. Let the server prefer ECDHE ciphers.",
            source,
        )


def _versions(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    id_, source = "tls.versions", "RFC 8996, RFC 9325 3.1.1"
    if _too_early(checks, id_, subject, seen, ("dns", "tcp", "starttls"), source):
        return
    endpoint = seen.endpoint
    evidence = ", ".join(f"{version} {seen.versions[version]}" for version in VERSIONS)
    for reason in dict.fromkeys(seen.reasons.values()):
        which = ", ".join(version for version in VERSIONS if seen.reasons.get(version) == reason)
        evidence += f"; {which}: {reason}"
    least = VERSIONS.index(endpoint.minimum_version)
    new = [version for version in VERSIONS[least:] if seen.versions[version] == ACCEPTED]
    old = [version for version in VERSIONS[:least] if seen.versions[version] == ACCEPTED]
    if seen.endpoint.look == "certificate":
        checks.skipped(id_, subject, _NO_FURTHER, source=source)
    elif all(seen.versions[version] == UNKNOWN for version in VERSIONS):
        checks.skipped(id_, subject, f"not known: {seen.trouble.what if seen.trouble else evidence}", source=source)
    elif not new:
        hint = f"Enable {' and '.join(VERSIONS[max(least, 2) :])} on the server."
        checks.failed(id_, subject, f"{evidence}: none from {endpoint.minimum_version} on", hint, source)
    elif old and endpoint.old_versions != "allow":
        status = FAIL if endpoint.old_versions == "fail" else WARN
        hint = f"Switch {' and '.join(old)} off on the server, unless a known client still needs it (old_versions)."
        checks.add(status, id_, subject, evidence, hint, source)
    else:
        checks.passed(id_, subject, evidence, source)


def _handshake(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    """What OpenSSL says by itself."""
    id_, source = "tls.handshake", "RFC 5280 6.1, RFC 9525 6"
    if _no_certificate(checks, id_, subject, seen, source):
        return
    name = seen.endpoint.server_name
    error = seen.verified
    if seen.trusted:
        checks.passed(id_, subject, f"OpenSSL: the certificate is valid for {name}", source)
    elif isinstance(error, Trouble) and error.kind == "verify":
        checks.failed(id_, subject, f"OpenSSL: {error.what}", error.hint, source)
    elif isinstance(error, Trouble):
        checks.skipped(id_, subject, f"the certificate was not judged: {error.what}", source=source)
    elif seen.trouble and seen.endpoint.look != "certificate":
        checks.skipped(id_, subject, f"the certificate was not judged: {seen.trouble.what}", source=source)
    else:
        checks.skipped(id_, subject, _NO_FURTHER, source=source)


def _alpn(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    id_, source = "tls.alpn", "RFC 7301 3.2, XEP-0368"
    offered = ", ".join(seen.endpoint.alpn)
    if seen.trouble and "no_application_protocol" in seen.trouble.what:
        checks.failed(id_, subject, f"offered {offered}: {seen.trouble.what}", seen.trouble.hint, source)
        return
    if _no_session(checks, id_, subject, seen, source):
        return
    if seen.best.alpn:
        checks.passed(id_, subject, f"offered {offered}: the server takes {seen.best.alpn}", source)
    else:
        checks.warned(
            id_,
            subject,
            f"offered {offered}: the server takes none and goes on",
            "Fine on a port of its own. Where one port serves several protocols (443), clients end up at another one.",
            source,
        )


def _sni(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    """What clients get that send no name, or another one."""
    id_, source = "tls.sni", "RFC 6066 3"
    if _no_session(checks, id_, subject, seen, source):
        return
    name = seen.endpoint.server_name
    if seen.endpoint.look == "certificate":
        checks.skipped(id_, subject, _NO_FURTHER, source=source)
        return
    if seen.without_name is None:
        checks.skipped(id_, subject, "no name is sent to this server", source=source)
        return
    leaf = seen.best.chain[:1]
    answers = [
        f"without a name: {_presented(seen.without_name, leaf)}",
        f"with another name ({UNKNOWN_NAME}): {_presented(seen.unknown_name, leaf)}",
    ]
    evidence = "; ".join(answers)
    if isinstance(seen.without_name, Session) and not _serves(seen.without_name, leaf, name):
        checks.warned(
            id_,
            subject,
            evidence,
            f"Clients that send no server name (old ones, and many of LDAP and Java) get a certificate that is not for"
            f" {name}. Make it the server's default certificate where such clients exist.",
            source,
        )
    else:
        checks.passed(id_, subject, evidence, source)


def _presented(answer: Session | Trouble | None, leaf: tuple[bytes, ...]) -> str:
    if not isinstance(answer, Session):
        return "not asked" if answer is None else answer.what
    if answer.chain[:1] == leaf:
        return "the same certificate"
    if not answer.chain:
        return "no certificate"
    return f"another certificate ({read(answer.chain[0], 1).subject})"


def _serves(answer: Session, leaf: tuple[bytes, ...], name: str) -> bool:
    if answer.chain[:1] == leaf:
        return True
    certificate = read(answer.chain[0], 1).certificate if answer.chain else None
    return certificate is not None and covers(names_of(certificate), name)


def _sent(checks: Checks, subject: str, seen: Seen, peers: list[Peer]) -> None:
    """Whether what was sent can be read at all; what it says is judged elsewhere."""
    id_, source = "tls.certificate", "RFC 8446 4.4.2, RFC 5280 4.1"
    if _no_certificate(checks, id_, subject, seen, source):
        return
    notes = [f"{len(seen.sent)} sent: " + "; ".join(peer.text for peer in peers)]
    more = len(seen.sent) > len(peers)
    if more:
        notes[0] = f"{len(seen.sent)} sent, the first {len(peers)} are looked at: " + "; ".join(p.text for p in peers)
    if seen.best and seen.best.leaf_only:
        notes.append("this Python shows only the first certificate, the others are not judged")
    evidence = ". ".join(notes)
    bad = [peer for peer in peers if peer.certificate is None]
    if bad:
        hint = (
            "Issue a certificate that keeps to RFC 5280 (a positive serial number, complete DER): libraries refuse this"
            f" one now or soon. Here: {one_line(bad[0].error)}."
        )
        checks.add(FAIL if peers[0].certificate is None else WARN, id_, subject, evidence, hint, source)
    elif more:
        hint = (
            "A server sends its own certificate and those between it and the root: two or three. Take the others away."
        )
        checks.warned(id_, subject, evidence, hint, source)
    elif seen.best and seen.best.leaf_only:
        checks.warned(id_, subject, evidence, "Run the module with CPython; other Pythons do not show them.", source)
    else:
        checks.add(PASS, id_, subject, evidence, source=source)


def _too_early(checks: Checks, id_: str, subject: str, seen: Seen, stages: tuple[str, ...], source: str) -> bool:
    """Add the check when the visit ended before its question could be asked."""
    if seen.trouble is None or seen.trouble.stage not in stages:
        return False
    words = {"dns": "no address", "tcp": "no connection", "starttls": "no TLS"}
    checks.skipped(id_, subject, f"{words[seen.trouble.stage]}: {seen.trouble.what}", source=source)
    return True


def _no_session(checks: Checks, id_: str, subject: str, seen: Seen, source: str) -> bool:
    if _too_early(checks, id_, subject, seen, ("dns", "tcp", "starttls"), source):
        return True
    if seen.best is None:
        checks.skipped(id_, subject, f"no handshake: {seen.trouble.what}", source=source)
        return True
    return False


def _no_certificate(checks: Checks, id_: str, subject: str, seen: Seen, source: str) -> bool:
    if _too_early(checks, id_, subject, seen, ("dns", "tcp", "starttls"), source):
        return True
    if not seen.chain:
        reason = seen.trouble.what if seen.trouble else "the server sent none"
        checks.skipped(id_, subject, f"no certificate: {reason}", source=source)
        return True
    return False
