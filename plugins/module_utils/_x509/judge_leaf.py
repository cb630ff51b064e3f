# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Questions about the leaf: key, names, purposes, time."""

from __future__ import annotations

import datetime

from . import authority
from . import names as naming
from .certificate import Certificate
from .chain import is_authority, is_self_signed
from .judge_case import DAY, Answer, Case, counted, day
from .lib import dsa, ec, ed448, ed25519, rsa, x509

_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "1.3.6.1.5.2.3.5": "KDC authentication",
    "1.3.6.1.4.1.311.20.2.2": "smart card logon",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}
# MTS Link Chats: chats, chats-gateway and chats-storage below the company's domain.
_MTS_LINK = 3
_RENEW = "Have it renewed by its CA and install the new one."


# -- key --------------------------------------------------------------------------------------------------------------


def key_match(case: Case) -> tuple[str, str, str]:
    """The private key belongs to the leaf."""
    answer = Answer()
    if case.key is None:
        answer.skip("no private key was given")
        return answer.told("")
    place = f" ({case.key.origin})" if case.key.origin else ""
    others = dict.fromkeys((*case.presented, *case.path.certificates, *case.path.spare))
    owner = next((one for one in others if one != case.leaf and one.spki == case.key.spki), None)
    if case.key.spki == case.leaf.spki:
        if case.presented[0].spki != case.key.spki:
            answer.fail(
                f"the private key{place} belongs to {case.who(case.leaf)}, but {case.who(case.presented[0])} is first",
                "Servers compare the key with the first certificate, and do not start. Put the leaf first.",
            )
    elif owner is not None and is_authority(owner):
        answer.fail(
            f"the private key{place} belongs to the CA's certificate: {case.who(owner)}; {case.who(case.leaf)} has another "
            "public key",
            "Give the key with which the leaf was requested. A CA's key belongs on no server: take it away from where it "
            "was delivered to.",
        )
    elif owner is not None:
        answer.fail(
            f"the private key{place} belongs to {case.who(owner)}; {case.who(case.leaf)} has another public key",
            "Which of the two is meant? Give a certificate with its own key.",
        )
    else:
        answer.fail(
            f"the private key{place} belongs to none of the certificates; {case.who(case.leaf)} has another public key",
            "Was the certificate issued for another request, or is this the key of the old certificate? Give the key with "
            "which the request was made, or request the certificate anew.",
        )
    return answer.told("the private key belongs to the leaf (same public key)")


def key_strength(case: Case) -> tuple[str, str, str]:
    """Size of every key in the chain; whether the product takes its kind is asked of the leaf."""
    answer, wanted = Answer(), case.wanted
    for certificate in case.path.certificates:
        kind, size, name = _key(certificate)
        who = case.who(certificate)
        again = "Make a new key and have it certified." if certificate == case.leaf else "The CA must renew its key."
        if kind == "rsa" and size < wanted.min_rsa:
            answer.fail(f"{who} has {name}; {wanted.min_rsa} bits are the least", f"Anybody may break it. {again}")
        elif kind == "rsa" and certificate.public.public_numbers().e < 3:
            answer.fail(f"{who} has an RSA key with a worthless exponent", again)
        elif kind == "rsa" and size > 8192:
            answer.warn(f"{who} has {name}", "Some clients refuse keys of more than 8192 bits. " + again)
        elif kind == "ec" and size < 256:
            answer.fail(f"{who} has {name}; 256 bits are the least", f"P-256 is what everybody takes. {again}")
        elif kind == "ec" and name not in wanted.curves:
            answer.warn(
                f"{who} has the curve {name}",
                f"Browsers, Windows and Java refuse it. P-256 is what everybody takes. {again}",
            )
        elif kind in ("ed25519", "ed448") and kind not in wanted.keys:
            answer.warn(f"{who} has {name}", f"Browsers and Windows refuse it. Use RSA 2048 or P-256. {again}")
        elif kind not in ("rsa", "ec", "ed25519", "ed448"):
            answer.fail(f"{who} has {name}", f"Wanted: {', '.join(wanted.keys)}. {again}")
        elif kind not in wanted.keys and certificate == case.leaf:
            answer.warn(f"{who} has {name}", f"The product takes {', '.join(wanted.keys)}. {again}")
    parts = list(dict.fromkeys(_key(certificate)[2] for certificate in case.path.certificates))
    return answer.told(", ".join(parts))


def _key(certificate: Certificate) -> tuple[str, int, str]:
    """Kind, bits, and a name for texts."""
    public = certificate.public
    if isinstance(public, rsa.RSAPublicKey):
        return "rsa", public.key_size, f"RSA {public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return "ec", public.curve.key_size, public.curve.name
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519", 256, "Ed25519"
    if isinstance(public, ed448.Ed448PublicKey):
        return "ed448", 456, "Ed448"
    if isinstance(public, dsa.DSAPublicKey):
        return "dsa", public.key_size, f"DSA {public.key_size}"
    return "other", 0, f"a key of the kind {type(public).__name__}"


# -- names ------------------------------------------------------------------------------------------------------------


def names(case: Case) -> tuple[str, str, str]:
    """Everything that users connect with is covered."""
    answer, found, wanted = Answer(), case.names, case.wanted
    missing = [name for name in wanted.dns if not _covered(found, name)]
    missing += [f"IP {address}" for address in wanted.ip if not naming.covers(found, address)]
    services = ("client", "server") if "client" in wanted.purposes else ("client",)
    for domain in wanted.xmpp_domains:
        by = naming.covers_xmpp(found, domain, services)
        if not by:
            missing += [domain] if domain not in missing else []
        elif by != "DNS-ID":
            answer.warn(
                f"{domain} is covered by {by} only",
                "Most clients look for a DNS name: have the domain added to the certificate as dNSName.",
            )
    if missing:
        answer.fail(f"{', '.join(missing)} not covered by {case.who(case.leaf)}: {found}", _why_missing(case, missing))
    elif not found.any:
        answer.fail(
            f"{case.who(case.leaf)} has no subjectAltName",
            "Nobody takes the common name for a host's name any more (RFC 9525). Request it anew with a subjectAltName.",
        )
    if wanted.profile == "mts_link" and len(found.dns) < _MTS_LINK and not any(name[:2] == "*." for name in found.dns):
        answer.warn(
            f"{case.who(case.leaf)} has {counted(len(found.dns), 'DNS name')}, MTS Link has {_MTS_LINK}",
            "Chats wants chats.X, chats-gateway.X and chats-storage.X, or a wildcard. Have the others added.",
        )
    odd = naming.odd_names(found)
    if odd:
        answer.warn("; ".join(odd), "Verifiers pass over such a name. Leave it out of the next one.")
    return answer.told(str(found))


def _covered(found: naming.Names, name: str) -> bool:
    return name in found.dns if name.startswith("*.") else naming.covers(found, name)


def _why_missing(case: Case, missing: list[str]) -> str:
    """The likely cause, as a question, and what to do."""
    found = case.names
    plain = [name.removeprefix("IP ") for name in missing]
    causes = []
    if not found.any:
        causes.append("It has a common name only, which no verifier takes for a host's name any more (RFC 9525 6.3).")
    if any(name in found.dns for name in plain if naming.as_address(name)):
        causes.append("An address must be an iPAddress; written as a DNS name it matches nothing.")
    for name in plain:
        for pattern in found.dns:
            rest = pattern.removeprefix("*.")
            if pattern.startswith("*.") and name == rest:
                causes.append(f"{pattern} does not cover {rest} itself.")
            elif pattern.startswith("*.") and name.endswith(f".{rest}"):
                causes.append(f"{pattern} stands for one label only.")
    if not causes and any(name in case.wanted.xmpp_domains for name in missing):
        causes.append(
            "Clients compare with the domain of the JID, not with the host in the SRV record (RFC 6120 13.7)."
        )
    causes.append(f"Have a certificate issued that names {', '.join(missing)}, too.")
    return " ".join(dict.fromkeys(causes))


# -- purposes ---------------------------------------------------------------------------------------------------------


def usage(case: Case) -> tuple[str, str, str]:
    """Extended key usage of the leaf and of the authorities above it, key usage of the leaf."""
    answer = Answer()
    said = [_extended(case, answer), _key_usage(case, answer)]
    for certificate in case.path.authorities:
        missing = authority.excluded(certificate, case.wanted.purposes)
        if missing:
            allowed = _purposes(certificate.extension(x509.ExtendedKeyUsage).value)
            answer.fail(
                f"{case.who(certificate)} may certify for {allowed} only",
                "Was the certificate issued by a CA for another purpose? Ask for one from a CA for "
                f"{' and '.join(f'{purpose}s' for purpose in missing)}.",
            )
    return answer.told("; ".join(said))


def _extended(case: Case, answer: Answer) -> str:
    by_netscape = authority.excluded_by_netscape(case.leaf, case.wanted.purposes)
    if by_netscape:
        answer.fail(
            f"{case.who(case.leaf)} is not for {' and '.join(f'{one}s' for one in by_netscape)} (Netscape certificate type)",
            "OpenSSL refuses it. Have a certificate issued without that extension, which nobody needs any more.",
        )
    extension = case.leaf.extension(x509.ExtendedKeyUsage)
    if extension is None:
        return "no extended key usage: any purpose"
    oid, found = x509.ExtendedKeyUsageOID, set(extension.value)
    for purpose, name in ((oid.SERVER_AUTH, "server"), (oid.CLIENT_AUTH, "client")):
        if name not in case.wanted.purposes or purpose in found:
            continue
        evidence = f"{case.who(case.leaf)} is for {_purposes(extension.value)}, not for {name}Auth"
        if name == "server":
            cause = (
                "anyExtendedKeyUsage does not stand for it: OpenSSL and browsers want serverAuth itself."
                if oid.ANY_EXTENDED_KEY_USAGE in found
                else "Was it made with a template for users or computers?"
            )
        else:
            cause = (
                "Servers that log in to other servers with their certificate need it; public CAs no longer give it. "
                "Is dialback enough?"
            )
        answer.fail(evidence, f"{cause} Have a certificate issued with the extended key usage {name}Auth.")
    return f"for {_purposes(extension.value)}"


def _key_usage(case: Case, answer: Answer) -> str:
    extension = case.leaf.extension(x509.KeyUsage)
    if extension is None:
        return "no key usage: any"
    bits = extension.value
    is_rsa = isinstance(case.leaf.public, rsa.RSAPublicKey)
    who = case.who(case.leaf)
    if bits.digital_signature:
        return "digitalSignature"
    hint = "Have a certificate issued with the key usage digitalSignature."
    if is_rsa and bits.key_encipherment:
        answer.warn(f"{who} lacks the key usage digitalSignature", f"TLS 1.3 is impossible with it. {hint}")
    else:
        answer.fail(f"{who} lacks the key usage digitalSignature", f"No TLS server can use it. {hint}")
    return ""


def _purposes(extended) -> str:
    return ", ".join(_PURPOSES.get(oid.dotted_string, oid.dotted_string) for oid in extended) or "nothing"


def leaf(case: Case) -> tuple[str, str, str]:
    """The leaf is no authority."""
    answer, certificate = Answer(), case.leaf
    usage_ = certificate.extension(x509.KeyUsage)
    hint = (
        "Was the CA's own certificate installed, or one made by a quick guide? Have a certificate for servers issued."
    )
    if is_authority(certificate):
        answer.fail(f"{case.who(certificate)} is a CA's (CA:TRUE)", hint)
    elif usage_ is not None and usage_.value.key_cert_sign:
        answer.fail(f"{case.who(certificate)} may sign certificates (keyCertSign), but is no CA's", hint)
    own = ", self-signed" if is_self_signed(certificate) else ""
    return answer.told(f"{certificate.subject}: no CA's{own}")


# -- time -------------------------------------------------------------------------------------------------------------


def validity(case: Case) -> tuple[str, str, str]:
    """Every link is valid now, and for the days that are asked for."""
    answer, soon = Answer(), case.now + datetime.timedelta(days=case.wanted.days)
    for certificate in case.path.certificates:
        end = certificate.not_after
        if end < case.now:
            hint = _RENEW if certificate == case.leaf else "Ask the CA for a leaf and intermediates that are valid."
            answer.fail(f"{case.who(certificate)} expired on {day(end)}", hint)
        elif end < soon:
            left = int((end - case.now).total_seconds() // DAY)
            hint = (
                _RENEW if certificate == case.leaf else "Ask the CA for its new certificate, and roll it out in time."
            )
            answer.warn(f"{case.who(certificate)} expires on {day(end)}, in {counted(left, 'day')}", hint)
    first = min(case.path.certificates, key=lambda one: one.not_after)
    left = (first.not_after - case.now).days
    return answer.told(f"until {day(first.not_after)} ({counted(left, 'day')}), when {case.who(first)} ends")


def not_before(case: Case) -> tuple[str, str, str]:
    """Every link is valid already, also for a client whose clock is slow."""
    answer, skew = Answer(), datetime.timedelta(seconds=case.wanted.skew)
    for certificate in case.path.certificates:
        start = certificate.not_before
        if start > case.now:
            answer.fail(
                f"{case.who(certificate)} is not valid before {day(start)}; now it is {day(case.now)}",
                "Is the clock of this host or of the CA wrong? Otherwise wait until then.",
            )
        elif start > case.now - skew:
            age = int((case.now - start).total_seconds())
            answer.warn(
                f"{case.who(certificate)} has been valid for {counted(age, 'second')} only",
                f"Clients whose clocks are slow refuse it; from {day(start + skew)} on those do not that are "
                f"{counted(case.wanted.skew, 'second')} slow.",
            )
    last = max(case.path.certificates, key=lambda one: one.not_before)
    return answer.told(f"since {day(last.not_before)}")
