# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One certificate or key, and where it came from."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import warnings

from .errors import MaterialError
from .lib import CryptographyDeprecationWarning, serialization, x509


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """One X.509 certificate (RFC 5280). Two are equal when their bytes are.

    der: the certificate as it was signed.
    parsed: what cryptography made of it.
    origin: where it came from, for texts, for example ``chain.pem, block 2``.
    """

    der: bytes
    parsed: object
    origin: str = ""

    @classmethod
    def load(cls, der: bytes, origin: str) -> Certificate:
        """Read DER. Raises MaterialError when it is no certificate that can be read."""
        try:
            with warnings.catch_warnings():
                # Odd serial numbers and the like: judged, not warned about by a library.
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                parsed = x509.load_der_x509_certificate(der)
                _read_lazy_parts(parsed)
        except Exception as error:  # the library raises many kinds for bytes that anybody may have made
            raise MaterialError(
                f"{origin}: this is no certificate that can be read ({one_line(error)}).",
                "Is the file cut or damaged, or of another kind?",
            ) from error
        return cls(der, parsed, origin)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @property
    def subject(self) -> str:
        """The subject in the form of RFC 4514, or words for an empty one."""
        return printable(self.parsed.subject.rfc4514_string()) or "(no subject)"

    @property
    def issuer(self) -> str:
        """The issuer in the form of RFC 4514."""
        return printable(self.parsed.issuer.rfc4514_string()) or "(no issuer)"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the bytes, lower-case hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def not_before(self) -> datetime.datetime:
        """First moment of validity, UTC."""
        return not_before(self.parsed)

    @property
    def not_after(self) -> datetime.datetime:
        """Last moment of validity, UTC."""
        return not_after(self.parsed)

    @functools.cached_property
    def serial(self) -> int:
        """The serial number, also one that the library would rather not read (Samba makes negative ones)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return self.parsed.serial_number

    @functools.cached_property
    def public(self) -> object:
        """The public key; older libraries read it anew at each question, which takes them a millisecond."""
        return self.parsed.public_key()

    @functools.cached_property
    def spki(self) -> bytes:
        """The public key as SubjectPublicKeyInfo, DER: what certificate and private key have in common."""
        return spki(self.public)

    @functools.cached_property
    def _extensions(self) -> dict[type, object]:
        return {type(one.value): one for one in self.parsed.extensions}

    def extension(self, kind: type):
        """The extension of this class of cryptography.x509 (with critical, value), or None."""
        return self._extensions.get(kind)

    @property
    def pem(self) -> bytes:
        """PEM with unix line ends."""
        return self.parsed.public_bytes(serialization.Encoding.PEM)


@dataclasses.dataclass(frozen=True)
class Key:
    """A private key and where it came from. Its repr shows nothing of it.

    encrypted: whether it was protected by a passphrase where it came from.
    """

    private: object = dataclasses.field(repr=False)
    origin: str = ""
    encrypted: bool = False

    @property
    def spki(self) -> bytes:
        """The public part as SubjectPublicKeyInfo, DER."""
        return spki(self.private.public_key())

    @property
    def pem(self) -> bytes:
        """PKCS#8 without encryption: what every server reads."""
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@dataclasses.dataclass
class Material:
    """What one or many files held, in their order.

    notes: what a reader should know: blocks that were passed over, byte order marks, line ends.
    """

    certificates: list[Certificate] = dataclasses.field(default_factory=list)
    keys: list[Key] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def add(self, other: Material) -> None:
        """Take what another file held."""
        self.certificates += other.certificates
        self.keys += other.keys
        self.notes += other.notes


def _read_lazy_parts(parsed) -> tuple:
    """All that the library reads late: a broken part is an error of its file then, and not of a later question."""
    return (
        parsed.subject,
        parsed.issuer,
        parsed.extensions,
        parsed.serial_number,
        not_after(parsed),
        parsed.public_key(),
    )


def not_before(parsed) -> datetime.datetime:
    """cryptography's moment with its zone; before version 42 it had none."""
    moment = getattr(parsed, "not_valid_before_utc", None)
    return moment or parsed.not_valid_before.replace(tzinfo=datetime.UTC)


def not_after(parsed) -> datetime.datetime:
    """The same for the end."""
    moment = getattr(parsed, "not_valid_after_utc", None)
    return moment or parsed.not_valid_after.replace(tzinfo=datetime.UTC)


def spki(public) -> bytes:
    """A public key as SubjectPublicKeyInfo, DER."""
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def printable(text: str) -> str:
    """A text from a certificate, for terminals and logs: what they would act on is written in hexadecimal, as RFC 4514 2.4
    has it (line ends, escape sequences, marks that turn the direction of writing)."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else "".join(f"\\{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in text
    )


def one_line(error: BaseException) -> str:
    """A library's words in one short line."""
    return " ".join(str(error).split())[:160] or type(error).__name__
