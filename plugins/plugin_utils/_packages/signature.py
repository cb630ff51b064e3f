# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Authenticode on the controller: who signed an EXE or MSI, and do the given authorities vouch for it.

osslsigncode verifies (the digest of the file, the chain, the timestamp); cryptography reads the certificates. Only the
primary signature counts, as on Windows. Revocation lists are not fetched: a controller has no business on the internet,
and an answer that depends on a foreign server would be no answer. What osslsigncode prints is in English whatever the
locale; success is its exit code, its words only choose between the texts for a failure.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import traceback
import typing as t

from .compound import MAGIC as COMPOUND
from .compound import CompoundFile
from .errors import LibraryMissing
from .image import read_image
from .read import stranger
from .signature_errors import (
    TIMESTAMP,
    NotTrusted,
    NotVerified,
    Unsigned,
    WrongSigner,
    altered,
    attributes,
    failure,
    iso,
    name_of,
    words,
)
from .source import opened

CRYPTOGRAPHY_IMPORT_ERROR = None
try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import pkcs7
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

PROGRAM = "osslsigncode"
# Seconds: 2 GB are read in some; more means a hanging disk.
PATIENCE = 600.0
SYSTEM_ANCHORS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
MSI_SIGNATURE = "\x05DigitalSignature"
# Signatures of programs end on a multiple of this.
ALIGNMENT = 8
_SERIAL = re.compile(r"^Signer's certificate:.*?^\s*Serial\s*: ([0-9A-Fa-f]+)\s*$", re.MULTILINE | re.DOTALL)
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")


@dataclasses.dataclass(frozen=True)
class Signature:
    """Who signed. Times are ISO 8601 in UTC."""

    signer: str  # common name of the certificate
    subject: str  # RFC 4514
    issuer: str
    thumbprint: str  # SHA-1 in upper case, as Windows shows it
    sha256: str  # of the certificate, lower case
    not_after: str
    timestamp: str  # when it was signed as a trusted authority says; "" without one


def verify(path: str, *, signer: str = "", thumbprint: str = "", trust_anchors: t.Sequence[str] = ()) -> Signature:
    """The primary signature of an EXE or MSI. Raises PackageError: each reason is a class and a text of its own.

    ``signer`` is the common name, the organisation or the whole subject that is demanded, without regard to case.
    ``thumbprint`` is the SHA-1 or SHA-256 of the demanded certificate. ``trust_anchors`` are PEM files with authorities
    (of the signature and of its timestamp); without them the system's are taken, which are meant for web servers and lack
    many who vouch for software.
    """
    where = repr(path)
    wanted = _wanted(thumbprint, where)
    program = _program(where)
    _must_be_signed(path, where)
    with tempfile.TemporaryDirectory(prefix="onprem-chat-") as folder:
        anchors = _anchors(trust_anchors, pathlib.Path(folder), where)
        certificates = _certificates(program, path, pathlib.Path(folder), where)
        options = ["-CAfile", anchors, "-TSA-CAfile", anchors, *_more_options(program, where)]
        code, said = _run([program, "verify", *options, "-in", os.path.abspath(path)], where)  # noqa: PTH100
        if "MISMATCH" in said:
            raise altered("its content does not fit the signature", where)
        leaf = _leaf(said, certificates, where)
        if code or not _all_good(said):
            raise failure(code, said, leaf, where)
        # Which of the enclosed certificates it was is osslsigncode's own answer, not what its text looked like.
        exact = ["-require-leaf-hash", "sha256:" + leaf.fingerprint(hashes.SHA256()).hex()]
        code, again = _run([program, "verify", *options, *exact, "-in", os.path.abspath(path)], where)  # noqa: PTH100
        if code or not _all_good(again):
            raise failure(code, again, leaf, where)
    found = _signature(leaf, again)
    _demanded(found, leaf, signer, wanted, where)
    return found


def _wanted(thumbprint: str, where: str) -> str:
    """As hexadecimal digits in lower case, without what people put between them."""
    digits = re.sub(r"[\s:\u200e-]", "", thumbprint).lower()
    if digits and (not _HEX.match(digits) or len(digits) not in (40, 64)):
        raise WrongSigner(
            f"The demanded thumbprint has {len(digits)} characters instead of 40 or 64 hexadecimal digits",
            where,
            "It was cut, or is that of another kind",
            "Give the SHA-1 or SHA-256 of the signer's certificate",
        )
    return digits


def _program(where: str) -> str:
    if CRYPTOGRAPHY_IMPORT_ERROR:
        raise LibraryMissing(
            "The Python library cryptography is missing on the controller",
            where,
            "Checking a signature needs it in the Python that runs Ansible",
            "Install it (pip install cryptography), or do not ask for a signature",
            traceback=CRYPTOGRAPHY_IMPORT_ERROR,
        )
    program = shutil.which(PROGRAM)
    if not program:
        raise LibraryMissing(
            f"The program {PROGRAM} is missing on the controller",
            where,
            "Checking a signature needs it",
            f"Install the distribution's package {PROGRAM}, or do not ask for a signature",
        )
    return program


def _must_be_signed(path: str, where: str) -> None:
    """Looks for the signature where Windows does, and for what was put behind it. Raises Unsigned, Altered, Damaged."""
    with opened(path) as source:
        start = source.data[:32]
        if start.startswith(COMPOUND):
            signed = CompoundFile(source.data, where).has(MSI_SIGNATURE)
        elif start.startswith(b"MZ"):
            place = read_image(source.data, where, source.window).certificates
            signed = bool(place[1])
            behind = len(source.data) - sum(place)
            if signed and (behind >= ALIGNMENT or any(source.data[-behind:] if behind else b"")):
                raise altered(f"{behind} bytes follow its signature", where)
        else:
            raise stranger(start, path)
    if not signed:
        raise Unsigned(
            "The package is not signed",
            where,
            "Its vendor does not sign, or the file was changed so that the signature is gone",
            "Fetch it from the vendor again, or trust its SHA-256 instead of a signature",
        )


def _anchors(files: t.Sequence[str], folder: pathlib.Path, where: str) -> str:
    """One file with all authorities."""
    if not files:
        for name in SYSTEM_ANCHORS:
            if pathlib.Path(name).is_file():
                return name
        raise NotTrusted(
            "The controller has no authorities of its own",
            where,
            "Its package ca-certificates is missing",
            "Install it, or name files with the authorities to trust",
        )
    bundle = folder / "anchors.pem"
    with bundle.open("wb") as out:
        for name in files:
            try:
                text = pathlib.Path(name).read_bytes()
                x509.load_pem_x509_certificates(text)
            except (OSError, ValueError) as error:
                raise NotTrusted(
                    f"A file with authorities to trust cannot be used: {getattr(error, 'strerror', None) or 'no PEM certificate'}",
                    repr(name),
                    "The path is wrong, or the certificate is in another form (DER)",
                    "Give PEM files that exist on the controller",
                ) from error
            out.write(text + b"\n")
    return str(bundle)


def _certificates(program: str, path: str, folder: pathlib.Path, where: str) -> list[t.Any]:
    """All that the signature brings along."""
    target = folder / "signature.p7"
    code, said = _run([program, "extract-signature", "-in", os.path.abspath(path), "-out", str(target)], where)  # noqa: PTH100
    if code or not target.exists():
        raise NotVerified(
            f"No signature can be read: {words(said, 0)}",
            where,
            "The file is damaged, or of a kind that cannot be signed",
            "Fetch it again and compare its SHA-256 with the vendor's",
        )
    try:
        return list(pkcs7.load_der_pkcs7_certificates(_exact(target.read_bytes())))
    except ValueError as error:
        raise NotVerified(
            "The certificates in the signature cannot be read",
            where,
            "The signature is damaged",
            "Fetch the file again and compare its SHA-256 with the vendor's",
        ) from error


def _exact(signature: bytes) -> bytes:
    """Without what osslsigncode 2.5 leaves around it: the header of WIN_CERTIFICATE, bytes up to a multiple of eight."""
    if not signature.startswith(b"\x30"):
        signature = signature[8:]
    more = signature[1] & 0x7F if len(signature) > 1 and signature[1] & 0x80 else 0
    if 0 < more <= 4:
        return signature[: 2 + more + int.from_bytes(signature[2 : 2 + more], "big")]
    return signature


def _more_options(program: str, where: str) -> list[str]:
    """Those that old releases do not know: the first signature only, no revocation lists from the network."""
    _code, said = _run([program, "verify", "--help"], where)
    options = ["-index", "0"] if "\n-index" in said else []
    return [*options, *(["-ignore-cdp"] if "\n-ignore-cdp" in said else [])]


def _leaf(said: str, certificates: list[t.Any], where: str) -> t.Any:
    found = _SERIAL.search(said)
    serial = int(found[1], 16) if found else -1
    matching = [certificate for certificate in certificates if certificate.serial_number == serial]
    if len(matching) != 1:
        raise NotVerified(
            f"The signer's certificate is not clear: {len(matching)} in the signature have its serial number",
            where,
            "The signature is damaged, or made to mislead",
            "Fetch the file from the vendor again, and do not use this one",
        )
    return matching[0]


def _all_good(said: str) -> bool:
    verdicts = re.findall(r"^Signature verification: (\w+)", said, re.MULTILINE)
    return bool(verdicts) and set(verdicts) == {"ok"}


def _demanded(found: Signature, leaf: t.Any, signer: str, wanted: str, where: str) -> None:
    names = {found.signer, found.subject, *attributes(leaf, x509.oid.NameOID.ORGANIZATION_NAME)}
    if signer and signer.casefold() not in {name.casefold() for name in names if name}:
        raise WrongSigner(
            f"The package was signed by {found.subject!r}, not by {signer!r}",
            where,
            "It is another vendor's, or the vendor has a new name",
            "Compare with the vendor's site; correct the option when the name is right",
            subject=found.subject,
            thumbprint=found.thumbprint,
        )
    if wanted and wanted not in (found.thumbprint.lower(), found.sha256):
        raise WrongSigner(
            f"The package was signed by {found.subject!r} with another certificate: its thumbprint is {found.thumbprint}",
            where,
            "The vendor has a new certificate, or it is another vendor's",
            "Compare with the vendor's site; correct the option when the certificate is right",
            subject=found.subject,
            thumbprint=found.thumbprint,
        )


def _signature(leaf: t.Any, said: str) -> Signature:
    stamped = TIMESTAMP.search(said)
    trusted = re.search(r"^Timestamp Server Signature verification: ok", said, re.MULTILINE)
    when = ""
    if stamped and trusted:
        try:
            moment = datetime.datetime.strptime(stamped[1], "%b %d %H:%M:%S %Y GMT")
            when = iso(moment)
        except ValueError:
            when = stamped[1]
    return Signature(
        signer=name_of(leaf),
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        thumbprint=leaf.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - a name, not a proof
        sha256=leaf.fingerprint(hashes.SHA256()).hex(),
        not_after=iso(leaf.not_valid_after_utc),
        timestamp=when,
    )


def _run(command: list[str], where: str) -> tuple[int, str]:
    """Exit code and everything that it said."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotVerified(
            f"{PROGRAM} did not do its work: {error}",
            where,
            "The disk hangs, or the program is not executable",
            f"Run {PROGRAM} by hand",
        ) from error
    return done.returncode, done.stdout.decode("utf-8", "replace")
