# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Signatures of certificates, verified by the kind of key: cryptography 38 has no verify_directly_issued_by."""

from __future__ import annotations

import dataclasses
import functools
import warnings

from .certificate import Certificate, one_line
from .lib import VERSION, dsa, ec, ed448, ed25519, exceptions, padding, rsa

GOOD = "good"
BAD = "bad"
UNKNOWN = "unknown"

# RFC 6151 (MD5), RFC 9155 and CA/Browser Forum BR 7.1.3.2 (SHA-1).
WEAK_HASHES = {"md2": "MD2", "md4": "MD4", "md5": "MD5", "sha1": "SHA-1"}
_PSS = "1.2.840.113549.1.1.10"
_NIST = "2.16.840.1.101.3.4.3"
_FAMILIES = {
    "1.2.840.113549.1.1": "rsa",
    "1.2.840.10040.4": "dsa",
    "1.2.840.10045.4": "ecdsa",
    "1.2.840.10045.4.3": "ecdsa",
    "1.3.101": "eddsa",
}
_EDDSA = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448"}


@dataclasses.dataclass(frozen=True)
class Verdict:
    """good, bad, or unknown with the reason."""

    result: str
    reason: str = ""


@functools.lru_cache(maxsize=4096)
def verify(child: Certificate, issuer: Certificate) -> Verdict:
    """Whether the key of issuer made the signature of child. Names are not compared."""
    parsed = child.parsed
    try:
        public = issuer.public
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _check(public, parsed)
    except exceptions.InvalidSignature:
        return Verdict(BAD, "the signature is not the work of this key")
    except _WrongKind:
        return Verdict(BAD, "the signature was made by another kind of key")
    except exceptions.UnsupportedAlgorithm as error:
        return Verdict(UNKNOWN, f"this Python library cannot verify {algorithm(child)} ({one_line(error)})")
    except Exception as error:  # bytes that anybody may have made
        return Verdict(UNKNOWN, f"{algorithm(child)} cannot be verified ({one_line(error)})")
    return Verdict(GOOD)


class _WrongKind(Exception):
    pass


def _check(public, parsed) -> None:
    """Raises InvalidSignature when it is wrong, UnsupportedAlgorithm or others when it cannot be told."""
    signature, signed = parsed.signature, parsed.tbs_certificate_bytes
    oid = parsed.signature_algorithm_oid.dotted_string
    kind = _family(oid)
    if isinstance(public, rsa.RSAPublicKey):
        if kind not in ("rsa", "pss"):
            raise _WrongKind
        public.verify(signature, signed, _rsa_padding(parsed, oid), parsed.signature_hash_algorithm)
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
    """The kind of key that a signature algorithm needs."""
    if oid == _PSS:
        return "pss"
    start, _dot, last = oid.rpartition(".")
    family = _FAMILIES.get(start)
    if start == _NIST:  # DSA with SHA-2 and SHA-3, then ECDSA and RSA with SHA-3; ML-DSA follows
        family = "dsa" if int(last) <= 8 else "ecdsa" if int(last) <= 12 else "rsa" if int(last) <= 16 else None
    if family is None:
        raise exceptions.UnsupportedAlgorithm("it is unknown")
    return family


def _rsa_padding(parsed, oid: str):
    if oid != _PSS:
        return padding.PKCS1v15()
    # From version 41 on; before, the library does not tell the salt length.
    parameters = getattr(parsed, "signature_algorithm_parameters", None)
    if parameters is None:
        raise exceptions.UnsupportedAlgorithm(f"it needs cryptography 41 or newer, this is {VERSION}")
    return parameters


def hash_name(certificate: Certificate) -> str | None:
    """The hash of its signature in lower case (sha256), ``none`` for EdDSA, None when the library does not know it."""
    try:
        algorithm_ = certificate.parsed.signature_hash_algorithm
    except exceptions.UnsupportedAlgorithm:
        return None
    return "none" if algorithm_ is None else algorithm_.name.lower()


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
    except exceptions.UnsupportedAlgorithm:
        return f"signature algorithm {oid}"
