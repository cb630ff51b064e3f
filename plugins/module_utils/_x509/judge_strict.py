# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What modern verifiers are strict about, and extensions that nobody may pass over."""

from __future__ import annotations

from . import authority
from .certificate import Certificate
from .chain import is_authority, is_self_signed
from .judge_case import Answer, Case, counted
from .lib import x509

_UNHANDLED = {
    "1.3.6.1.5.5.7.1.1": "authority information access",
    "1.3.6.1.5.5.7.1.24": "must-staple",
    "1.3.6.1.4.1.11129.2.4.3": "poison of a pre-certificate",
    "2.5.29.9": "subject directory attributes",
    "2.5.29.14": "subject key identifier",
    "2.5.29.35": "authority key identifier",
}


def extensions(case: Case) -> tuple[str, str, str]:
    """No critical extension that verifiers do not know."""
    answer = Answer()
    for certificate in case.path.certificates:
        for oid in authority.unhandled(certificate):
            answer.fail(
                f"{case.who(certificate)} has the critical extension {_name(oid)}",
                "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
            )
    return answer.told("no unknown critical extension")


def _name(oid: str) -> str:
    return f"{_UNHANDLED[oid]} ({oid})" if oid in _UNHANDLED else oid


# -- strict verifiers -------------------------------------------------------------------------------------------------

# Who refuses; every rule was measured with them (tests/unit/plugins/module_utils/test_x509_table.py).
_OPENSSL = ("Python from 3.13 on", "openssl -x509_strict")
_LIBRARY = ("cryptography and others that follow the CA/Browser Forum",)
_BOTH = (*_OPENSSL, *_LIBRARY)
_APPLE = ("Apple's systems",)
_RFC = ("those who take RFC 5280 at its word",)
_LONGEST = 825  # days; support.apple.com/en-us/103769, also for CAs that users added themselves
_UNCOMMON = {
    "2.5.29.31": "CRL distribution points",
    "2.5.29.32": "certificate policies",
    "2.5.29.33": "policy mappings",
    "2.5.29.36": "policy constraints",
    "2.5.29.54": "inhibit anyPolicy",
    "2.16.840.1.113730.1.1": "Netscape certificate type",
}


def strict(case: Case) -> tuple[str, str, str]:
    """What strict verifiers refuse and older ones let pass. Private CAs often have such certificates, so it is a warning."""
    answer, refusers = Answer(), []
    for certificate in case.path.certificates:
        rules = _of_any(certificate)
        rules += _of_leaf(certificate) if certificate == case.leaf else _of_authority(certificate)
        for fault, who in rules:
            refusers += who
            answer.warn(f"{case.who(certificate)}: {fault}", "")
    for child, issuer in case.links:
        if child.parsed.issuer.public_bytes() != issuer.parsed.subject.public_bytes():
            refusers += _LIBRARY
            answer.warn(
                f"{case.who(child)}: its issuer's name is written in another way than in {case.who(issuer)}", ""
            )
    status, evidence, _hint = answer.told(f"nothing in {counted(len(case.path.certificates), 'certificate')}")
    if not refusers:
        return status, evidence, ""
    refusing = ", ".join(dict.fromkeys(refusers))
    return status, evidence, f"Refused by {refusing}. Ask the CA to change that when it renews."


def _of_any(certificate: Certificate) -> list[tuple[str, tuple[str, ...]]]:
    """Faults of leaf and authorities alike, each with who refuses it."""
    found, parsed = [], certificate.parsed
    if parsed.version != x509.Version.v3:
        found.append((f"version {parsed.version.name} instead of v3", _BOTH))
    serial = certificate.serial
    if serial <= 0:
        found.append((f"the serial number {serial}", _RFC if serial == 0 else _LIBRARY))
    elif serial.bit_length() > 159:
        found.append(("a serial number of more than 20 octets", _LIBRARY))
    signer = certificate.extension(x509.AuthorityKeyIdentifier)
    if is_self_signed(certificate):
        pass
    elif signer is None:
        found.append(("no authority key identifier", _OPENSSL if is_authority(certificate) else _BOTH))
    elif signer.value.key_identifier is None:
        found.append(("an authority key identifier without the identifier of a key", _OPENSSL))
    critical = [extension.oid.dotted_string for extension in parsed.extensions if extension.critical]
    return found + [(f"critical {_UNCOMMON[oid]}", _LIBRARY) for oid in critical if oid in _UNCOMMON]


def _of_leaf(certificate: Certificate) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    names = certificate.extension(x509.SubjectAlternativeName)
    if names is not None and not names.critical and not list(certificate.parsed.subject):
        found.append(("no subject, and a subjectAltName that is not critical", _BOTH))
    if certificate.extension(x509.NameConstraints) is not None:
        found.append(("name constraints, though it is no CA's", _LIBRARY))
    days = (certificate.not_after - certificate.not_before).days
    if days > _LONGEST:
        found.append((f"valid for {days} days, more than {_LONGEST}", _APPLE))
    return found


def _of_authority(certificate: Certificate) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    basic = certificate.extension(x509.BasicConstraints)
    if basic is not None and not basic.critical:
        found.append(("basic constraints that are not critical", _BOTH))
    if certificate.extension(x509.KeyUsage) is None:
        found.append(("no key usage", _BOTH))
    if certificate.extension(x509.SubjectKeyIdentifier) is None:
        found.append(("no subject key identifier", _OPENSSL))
    constraints = certificate.extension(x509.NameConstraints)
    if constraints is None:
        return found
    if not constraints.critical:
        found.append(("name constraints that are not critical", _RFC))
    bases = [*(constraints.value.permitted_subtrees or ()), *(constraints.value.excluded_subtrees or ())]
    if any(isinstance(base, x509.DNSName) and base.value.startswith(".") for base in bases):
        found.append(("a DNS name constraint that begins with a dot", _LIBRARY))
    if any(isinstance(base, x509.DNSName) and not base.value for base in bases):
        found.append(("a DNS name constraint that is empty", _LIBRARY))
    if any(isinstance(base, (x509.DirectoryName, x509.UniformResourceIdentifier)) for base in bases):
        found.append(("name constraints of another kind than DNS, IP and e-mail", _LIBRARY))
    return found
