# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A server's certificate as far as it can be read.

Directory servers present odd certificates (Samba's own one has a serial number that is not positive, which current
cryptography warns about and will refuse one day), so nothing here may fail: when one reader gives up the next is asked,
and at the end there is always the hash of the raw bytes.
"""

from __future__ import annotations

import calendar
import dataclasses
import hashlib
import ssl
import subprocess
import time
import warnings

try:
    from cryptography import x509
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True


@dataclasses.dataclass(frozen=True)
class CertificateView:
    """What could be read; empty where it could not.

    not_before, not_after: seconds since 1970. serial: hexadecimal. reader: cryptography, openssl or raw.
    """

    sha256: str
    subject: str = ""
    issuer: str = ""
    not_after: float | None = None
    names: tuple[str, ...] = ()
    reader: str = "raw"
    not_before: float | None = None
    serial: str = ""

    def summary(self, now: float | None = None) -> str:
        """One line for a check's evidence."""
        if self.reader == "raw":
            return f"certificate cannot be parsed, SHA-256 {self.sha256[:16]}"
        parts = [f"certificate of {self.subject or 'no subject'}", f"issued by {self.issuer or 'unknown'}"]
        if self.not_after is not None:
            parts.append(expiry(self.not_after, time.time() if now is None else now))
        return ", ".join(parts)


def expiry(not_after: float, now: float) -> str:
    """``valid until 2027-01-31 (70 days)`` or ``expired on 2026-01-31``."""
    day = time.strftime("%Y-%m-%d", time.gmtime(not_after))
    if not_after < now:
        return f"expired on {day}"
    return f"valid until {day} ({int((not_after - now) // 86400)} days)"


def read_certificate(der: bytes, use_openssl: bool = True) -> CertificateView:
    """Reads with cryptography, else with the openssl command, else gives the hash only."""
    sha256 = hashlib.sha256(der).hexdigest()
    if HAS_CRYPTOGRAPHY:
        try:
            return _with_cryptography(der, sha256)
        except Exception:  # noqa: S110 - unparsable for this reader: the next one is asked
            pass
    if use_openssl:
        try:
            return _with_openssl(der, sha256)
        except Exception:  # noqa: S110 - no openssl command, or it cannot read it either
            pass
    return CertificateView(sha256=sha256)


def _with_cryptography(der: bytes, sha256: str) -> CertificateView:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        issuer = certificate.issuer.rfc4514_string()
        end = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after
        start = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before
        serial = certificate.serial_number
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names = tuple(str(name.value) for name in extension.value)
        except Exception:
            names = ()
    return CertificateView(
        sha256=sha256,
        subject=subject,
        issuer=issuer,
        not_after=float(calendar.timegm(end.utctimetuple())),
        names=names,
        reader="cryptography",
        not_before=float(calendar.timegm(start.utctimetuple())),
        serial=f"{serial:x}",
    )


def _with_openssl(der: bytes, sha256: str) -> CertificateView:
    command = ["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-issuer", "-dates", "-serial"]
    command += ["-nameopt", "RFC2253"]
    # No module object reaches here, and the answer is bytes in and text out.
    # pylint: disable-next=ansible-bad-function,useless-suppression
    answer = subprocess.run(command, input=der, capture_output=True, timeout=10, check=True)
    values = {}
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        name, separator, value = line.partition("=")
        if separator:
            values[name.strip()] = value.strip()
    return CertificateView(
        sha256=sha256,
        subject=values.get("subject", ""),
        issuer=values.get("issuer", ""),
        not_after=float(ssl.cert_time_to_seconds(values["notAfter"])),
        reader="openssl",
        not_before=float(ssl.cert_time_to_seconds(values["notBefore"])),
        serial=values.get("serial", "").lower(),
    )
