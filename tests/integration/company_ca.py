# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the company's CA delivers: certificates of the laboratory's issuing CA, in every form in which people get them."""

from __future__ import annotations

import datetime
import ipaddress
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs7,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

KEYS = {
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
PKCS12_MODERN = pkcs12.PBES.PBESv2SHA256AndAES256CBC, hashes.SHA256()
PKCS12_LEGACY = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, hashes.SHA1()  # noqa: S303  (what Windows exports by default)


@dataclass(frozen=True)
class Issued:
    """A certificate with its key and its chain."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    issuing: x509.Certificate
    root: x509.Certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """Leaf, issuing CA, root."""
        return (self.certificate, self.issuing, self.root)

    def pem(self, certificates: Iterable[x509.Certificate] | None = None) -> bytes:
        """PEM of the whole chain, or of those."""
        return b"".join(entry.public_bytes(Encoding.PEM) for entry in certificates or self.chain)

    def der(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.DER)

    def p7b(self, pem: bool = False) -> bytes:
        """PKCS#7 with the whole chain, without the key."""
        return pkcs7.serialize_certificates(list(self.chain), Encoding.PEM if pem else Encoding.DER)

    def pfx(self, passphrase: bytes | None = None, legacy: bool = False, root: bool = True) -> bytes:
        """PKCS#12 with key and chain; legacy is 3DES with a MAC by SHA-1. Without a passphrase nothing is encrypted."""
        scheme, digest = PKCS12_LEGACY if legacy else PKCS12_MODERN
        encryption = (
            PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(2048)
            .key_cert_algorithm(scheme)
            .hmac_hash(digest)
            .build(passphrase)
            if passphrase
            else NoEncryption()
        )
        others = [self.issuing, self.root] if root else [self.issuing]
        return pkcs12.serialize_key_and_certificates(b"chat", self.key, self.certificate, others, encryption)

    def pfx_of_old_windows(self, passphrase: str) -> bytes:
        """PKCS#12 with the certificates in RC2-40 and the key in 3DES, which only OpenSSL still writes."""
        command = [
            *("openssl", "pkcs12", "-export", "-legacy", "-certpbe", "PBE-SHA1-RC2-40", "-keypbe", "PBE-SHA1-3DES"),
            *("-macalg", "sha1", "-passout", "env:PASSPHRASE"),
        ]
        environment = os.environ | {"PASSPHRASE": passphrase}
        text = self.key_pem() + self.pem()
        return subprocess.run(command, input=text, capture_output=True, check=True, env=environment).stdout

    def key_pem(self, passphrase: bytes | None = None, traditional: bool = False) -> bytes:
        """The key as PKCS#8, or in the format of its kind (PKCS#1, SEC 1)."""
        form = PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8
        return self.key.private_bytes(
            Encoding.PEM, form, BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        )

    def key_der(self) -> bytes:
        """The key as PKCS#8, binary."""
        return self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


class CompanyCA:
    """The issuing CA of one laboratory."""

    def __init__(self, state: Path) -> None:
        self.root = x509.load_pem_x509_certificate((state / "company-root.crt").read_bytes())
        self.issuing = x509.load_pem_x509_certificate((state / "company-issuing.crt").read_bytes())
        self._key = load_pem_private_key((state / "company-issuing.key").read_bytes(), None)

    def issue(
        self,
        names: Sequence[str],
        days: float = 397,
        *,
        kind: str = "ec",
        before: datetime.timedelta = datetime.timedelta(hours=1),
        further_names: Sequence[x509.GeneralName] = (),
        usages: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.SERVER_AUTH,),
    ) -> Issued:
        """A certificate for names and addresses, valid since `before` ago until in `days` (negative: expired)."""
        key = KEYS[kind]()
        now = datetime.datetime.now(datetime.UTC)
        end = now + datetime.timedelta(days=days)
        encipherment = kind == "rsa"
        usage = x509.KeyUsage(True, False, encipherment, False, False, False, False, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self.issuing.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, end - datetime.timedelta(days=1)) - before)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(usage, True)
            .add_extension(x509.ExtendedKeyUsage(usages), False)
            .add_extension(x509.SubjectAlternativeName([*map(_general, names), *further_names]), False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                    self.issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
                ),
                False,
            )
        )
        return Issued(builder.sign(self._key, hashes.SHA256()), key, self.issuing, self.root)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
