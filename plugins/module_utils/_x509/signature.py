# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Signatures of certificates, verified by the kind of key: cryptography 38 has no verify_directly_issued_by."""

from __future__ import annotations

import dataclasses
import functools
import warnings

from . import pss
from .certificate import Certificate, one_line
from .lib import dsa, ec, ed448, ed25519, exceptions, padding, rsa

GOOD = "good"
BAD = "bad"
UNKNOWN = "unknown"

# RFC 6151 (MD5), RFC 9155 and CA/Browser Forum BR 7.1.3.2 (SHA-1).
WEAK_HASHES = {"md2": "MD2", "md4": "MD4", "md5": "MD5", "sha1": "SHA-1"}
_PSS = "1.2.840.113549.1.1.10"
# Every algorithm of the kinds of key that the library loads: where its identifier stands, and the last numbers.
_KNOWN = (
    ("rsa", "1.2.840.113549.1.1", (2, 3, 4, 5, 11, 12, 13, 14, 15, 16)),
    ("rsa", "1.3.14.3.2", (29,)),
    ("rsa", "2.16.840.1.101.3.4.3", (13, 14, 15, 16)),
    ("dsa", "1.2.840.10040.4", (3,)),
    ("dsa", "2.16.840.1.101.3.4.3", (1, 2, 3, 4, 5, 6, 7, 8)),
    ("ecdsa", "1.2.840.10045.4", (1,)),
    ("ecdsa", "1.2.840.10045.4.3", (1, 2, 3, 4)),
    ("ecdsa", "2.16.840.1.101.3.4.3", (9, 10, 11, 12)),
    ("eddsa", "1.3.101", (112, 113)),
)
_ALGORITHMS = {f"{start}.{last}": kind for kind, start, numbers in _KNOWN for last in numbers} | {_PSS: "pss"}
# What else begins like this is an algorithm of nobody; elsewhere there may be new ones (ML-DSA, GOST).
_CLOSED = ("1.2.840.113549.1.1", "1.2.840.10040.4", "1.2.840.10045.4", "1.3.101")
_EDDSA = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """good, bad, or unknown with the reason."""

    result: str
    reason: str = ""


@functools.lru_cache(maxsize=4096)
def verify(child: Certificate, issuer: Certificate) -> Verdict:
    """Whether the key of issuer made the signature of child. Names are not compared."""
    try:
        public = issuer.public
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check(public, child)
    except exceptions.InvalidSignature:
        return Verdict(BAD, "the signature is not the work of this key")
    except _WrongKind as error:
        return Verdict(BAD, str(error) or "the signature was made by another kind of key")
    except exceptions.UnsupportedAlgorithm as error:
        return Verdict(UNKNOWN, f"this Python library cannot verify {algorithm(child)} ({one_line(error)})")
    except Exception as error:  # bytes that anybody may have made
        return Verdict(UNKNOWN, f"{algorithm(child)} cannot be verified ({one_line(error)})")
    return Verdict(GOOD)


class _WrongKind(Exception):
    pass


def _check(public, child: Certificate) -> None:
    """Raises InvalidSignature or _WrongKind when it is wrong, UnsupportedAlgorithm or others when it cannot be told."""
    parsed = child.parsed
    signature, signed = parsed.signature, parsed.tbs_certificate_bytes
    oid = parsed.signature_algorithm_oid.dotted_string
    kind = _family(oid)
    if isinstance(public, rsa.RSAPublicKey):
        if kind not in ("rsa", "pss"):
            raise _WrongKind
        if kind == "pss":
            public.verify(signature, signed, *_pss(child))
        else:
            public.verify(signature, signed, padding.PKCS1v15(), parsed.signature_hash_algorithm)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if kind != "ecdsa":
            raise _WrongKind
        public.verify(signature, signed, ec.ECDSA(parsed.signature_hash_algorithm))
    elif isinstance(public, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        if kind != "eddsa":
            raise _WrongKind
        public.verify(signature, signed)
    elif isinstance(public, dsa.DSAPublicKey):
        if kind != "dsa":
            raise _WrongKind
        public.verify(signature, signed, parsed.signature_hash_algorithm)
    else:
        raise exceptions.UnsupportedAlgorithm(f"a key of the kind {type(public).__name__}")


def _family(oid: str) -> str:
    """The kind of key that a signature algorithm needs.

    Raises _WrongKind for an identifier that stands among known ones and is none: no key made such a signature.
    """
    family = _ALGORITHMS.get(oid)
    if family is not None:
        return family
    if oid.startswith(tuple(f"{start}." for start in _CLOSED)):
        raise _WrongKind(f"there is no signature algorithm {oid}")
    raise exceptions.UnsupportedAlgorithm("it is unknown")


def _pss(certificate: Certificate) -> tuple:
    """Padding and hash of RSA-PSS."""
    parsed = certificate.parsed
    found = getattr(parsed, "signature_algorithm_parameters", None)
    if found is not None:
        return found, parsed.signature_hash_algorithm
    read = pss.parameters(certificate.der)
    return read.padding, read.hash


def hash_name(certificate: Certificate) -> str | None:
    """The hash of its signature in lower case (sha256), ``none`` for EdDSA, None when the library does not know it."""
    parsed = certificate.parsed
    try:
        if parsed.signature_algorithm_oid.dotted_string == _PSS:
            algorithm_ = _pss(certificate)[1]
        else:
            algorithm_ = parsed.signature_hash_algorithm
    except exceptions.UnsupportedAlgorithm:
        return None
    return "none" if algorithm_ is None else algorithm_.name.lower()


def is_known(certificate: Certificate) -> bool:
    """False for an algorithm that nobody can have signed with."""
    try:
        _family(certificate.parsed.signature_algorithm_oid.dotted_string)
    except _WrongKind:
        return False
    except exceptions.UnsupportedAlgorithm:
        pass
    return True


def algorithm(certificate: Certificate) -> str:
    """The signature algorithm for texts, for example RSA with SHA256."""
    oid = certificate.parsed.signature_algorithm_oid.dotted_string
    if oid == _PSS:
        return "RSA-PSS"
    if oid in _EDDSA:
        return _EDDSA[oid]
    name = hash_name(certificate)
    try:
        return f"{_family(oid).upper()} with {name.upper()}" if name else f"signature algorithm {oid}"
    except (_WrongKind, exceptions.UnsupportedAlgorithm):
        return f"signature algorithm {oid}"
