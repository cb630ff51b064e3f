# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""What modern verifiers are strict about, and extensions that nobody may pass over."""

from __future__ import annotations

from .judge_case import Answer, Case, counted

# What OpenSSL handles when it is critical (X509_supported_extension).
_HANDLED = frozenset(
    {
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.30",  # name constraints
        "2.5.29.31",  # CRL distribution points
        "2.5.29.32",  # certificate policies
        "2.5.29.33",  # policy mappings
        "2.5.29.36",  # policy constraints
        "2.5.29.37",  # extended key usage
        "2.5.29.54",  # inhibit anyPolicy
    }
)


def extensions(case: Case) -> tuple[str, str, str]:
    """No critical extension that verifiers do not know."""
    answer = Answer()
    for certificate in case.path.certificates:
        for extension in certificate.parsed.extensions:
            oid = extension.oid.dotted_string
            if extension.critical and oid not in _HANDLED:
                answer.fail(
                    f"{case.who(certificate)} has the critical extension {_name(extension.oid)}",
                    "Whoever does not know a critical extension must refuse the certificate. Have it issued without.",
                )
    return answer.told("no unknown critical extension")


def _name(oid) -> str:
    name = getattr(oid, "_name", "")
    return f"{name} ({oid.dotted_string})" if name and name != "Unknown OID" else oid.dotted_string


def strict(case: Case) -> tuple[str, str, str]:
    """What openssl verify -x509_strict, Python from 3.13 on, cryptography and browsers refuse and older ones let pass."""
    return Answer().told(counted(len(case.path.certificates), "certificate"))
