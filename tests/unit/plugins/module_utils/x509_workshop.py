# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes certificates at test time, good ones and with every fault that a CA can make. Nothing of it is kept on disk.

    root = make("Company Root", ca=True)
    issuing = make("Company Issuing", root, ca=True, pathlen=0)
    leaf = make("chat.corp.test", issuing, dns=["chat.corp.test", "corp.test"])

Moments are days from NOW, which stands still; keys are made once for each name, so a certificate that is renewed under its
name has the same key unless ``key`` names another one.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import ipaddress
import os
import pathlib
import subprocess
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from ansible_collections.onprem.chat.plugins.module_utils._x509.certificate import Certificate, Key, Material

NOW = datetime.datetime(2026, 6, 15, 12, 0, tzinfo=datetime.UTC)
SERVER, CLIENT = x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH
ANY = x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
XMPP_ADDRESS = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")

_CURVES = {
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "p224": ec.SECP224R1,
    "k256": ec.SECP256K1,
    "brainpool": ec.BrainpoolP256R1,
}
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclasses.dataclass(frozen=True)
class Made:
    """A certificate and the private key that belongs to it."""

    certificate: Certificate
    private: object = dataclasses.field(repr=False)

    @property
    def key(self) -> Key:
        return Key(self.private, f"{self.certificate.origin} key")

    def key_pem(self, passphrase: bytes | None = None, form: str = "PKCS8") -> bytes:
        """The key as PEM; form: PKCS8, TraditionalOpenSSL."""
        protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        return self.private.private_bytes(
            serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), protection
        )


@functools.cache
def private_key(kind: str = "p256", name: str = ""):
    """A key of a kind: p256 and other curves, rsa1024, rsa2048, rsa4096, ed25519, ed448, dsa; made once for each name."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    return {"ed25519": ed25519.Ed25519PrivateKey, "ed448": ed448.Ed448PrivateKey}[kind].generate()


def dn(name: str | x509.Name) -> x509.Name:
    """A subject: a name as it is, a text with = as RFC 4514 has it, other texts as the common name."""
    if isinstance(name, x509.Name):
        return name
    if "=" in name:
        return x509.Name.from_rfc4514_string(name)
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)] if name else [])


def san(dns=(), ip=(), srv=(), xmpp=(), email=(), uri=()) -> list:
    """General names."""
    names = [x509.DNSName(value) for value in dns]
    names += [x509.IPAddress(ipaddress.ip_address(value)) for value in ip]
    names += [x509.OtherName(SRV_NAME, _der_text(0x16, value)) for value in srv]
    names += [x509.OtherName(XMPP_ADDRESS, _der_text(0x0C, value)) for value in xmpp]
    names += [x509.RFC822Name(value) for value in email]
    return names + [x509.UniformResourceIdentifier(value) for value in uri]


def _der_text(tag: int, text: str) -> bytes:
    return tlv(tag, text.encode())


def key_usage(*names: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _USAGES})


def constraints(permitted=None, excluded=None) -> x509.NameConstraints:
    """Name constraints of general names."""
    return x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=excluded)


def make(
    name: str | x509.Name,
    issuer: Made | None = None,
    *,
    ca: bool | None = False,
    pathlen: int | None = None,
    basic_critical: bool = True,
    kind: str = "p256",
    key: str | None = None,
    start: float = -30,
    end: float = 335,
    dns=(),
    ip=(),
    srv=(),
    xmpp=(),
    email=(),
    uri=(),
    usage: tuple[str, ...] | None = ("default",),
    purposes: tuple | None = ("default",),
    named: x509.NameConstraints | None = None,
    subject_id: bool | bytes = True,
    authority_id: bool | bytes | str = True,
    serial: int | None = None,
    digest: str = "sha256",
    version: int = 3,
    signer: Made | None = None,
    issuer_name: x509.Name | None = None,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    origin: str | None = None,
) -> Made:
    """One certificate, self-signed without an issuer.

    ca: None leaves basic constraints out. key: the name of its key when it is not the certificate's.
    start, end: days from NOW. usage, purposes: None leaves the extension out.
    subject_id, authority_id: False leaves the identifier out, bytes are a wrong one; authority_id "serial" is issuer and
    serial number instead of the key. digest: sha1, md5, pss (RSA-PSS with SHA-256), pss sha384 (other hash, its longest
    salt) and pss sha1 (RSA-PSS that says nothing) are signed by the openssl command; odd and foreign name algorithms that
    do not exist, among those of RSA and elsewhere.
    serial: any number, also one that is not allowed. version: 1 has no extensions.
    signer: whose key signs in truth (a forgery). more: further extensions, each with whether it is critical.
    """
    subject = dn(name)
    text = name if isinstance(name, str) else subject.rfc4514_string()
    private = private_key(kind, key or text)
    above, signing = (issuer.certificate.parsed, issuer.private) if issuer else (None, private)
    signing = signer.private if signer else signing
    odd = serial is not None and not 0 < serial < 1 << 159
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (above.subject if above else subject))
        .public_key(private.public_key())
        .serial_number(_STAND_IN if odd else serial or x509.random_serial_number())
        .not_valid_before(NOW + datetime.timedelta(days=start))
        .not_valid_after(NOW + datetime.timedelta(days=end))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, pathlen), basic_critical)
    names = san(dns, ip, srv, xmpp, email, uri)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), not text)
    if usage is not None:
        standard = ("key_cert_sign", "crl_sign") if ca else ("digital_signature",)
        builder = builder.add_extension(key_usage(*(standard if usage == ("default",) else usage)), True)
    if purposes is not None and not (ca and purposes == ("default",)):
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([SERVER] if purposes == ("default",) else list(purposes)), False
        )
    if named is not None:
        builder = builder.add_extension(named, True)
    builder = _identifiers(builder, private, issuer, subject_id, authority_id)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    der = _sign(builder, signing, digest)
    if digest in _BY_COMMAND or odd or version == 1:
        der = _sign_again(der, signing, digest, serial if odd else None, version)
    return Made(Certificate.load(der, f"{text}.pem" if origin is None else origin), private)


def _identifiers(builder, private, issuer, subject_id, authority_id):
    own = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    if subject_id:
        digest = own.digest if subject_id is True else subject_id
        builder = builder.add_extension(x509.SubjectKeyIdentifier(digest), False)
    if issuer is None or not authority_id:
        return builder
    above = issuer.certificate.parsed
    if authority_id == "serial":
        whose = [x509.DirectoryName(above.issuer)]
        identifier = x509.AuthorityKeyIdentifier(None, whose, above.serial_number)
    elif authority_id is True:
        found = issuer.certificate.extension(x509.SubjectKeyIdentifier)
        digest = found.value.digest if found else x509.SubjectKeyIdentifier.from_public_key(above.public_key()).digest
        identifier = x509.AuthorityKeyIdentifier(digest, None, None)
    else:
        identifier = x509.AuthorityKeyIdentifier(authority_id, None, None)
    return builder.add_extension(identifier, False)


def _sign(builder, signing, digest: str) -> bytes:
    known = {"sha384": hashes.SHA384, "sha512": hashes.SHA512}
    algorithm = known.get(digest, hashes.SHA256)()
    if isinstance(signing, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        algorithm = None
    return builder.sign(signing, algorithm).public_bytes(serialization.Encoding.DER)


# What the openssl command signs in place of the library: its hash, and the length of the salt of RSA-PSS.
_BY_COMMAND = {
    "sha1": ("sha1", 0),
    "md5": ("md5", 0),
    "pss": ("sha256", 32),
    "pss sha384": ("sha384", 48),
    "pss sha1": ("sha1", 20),
    "odd": ("sha256", 0),
    "foreign": ("sha256", 0),
}
# AlgorithmIdentifiers, DER.
_STAND_IN = 0x5EA1ED0F0DD5E41A1
_FOREIGN = "300b06092b06010401868d1f01"  # 1.3.6.1.4.1.99999.1
_ALGORITHMS = {
    ("sha256", "rsa"): "300d06092a864886f70d01010b0500",
    ("sha256", "ec"): "300a06082a8648ce3d040302",
    ("sha1", "rsa"): "300d06092a864886f70d0101050500",
    ("md5", "rsa"): "300d06092a864886f70d0101040500",
    ("sha1", "ec"): "300906072a8648ce3d0401",
    ("odd", "rsa"): "300d06092a864886f70d0101630500",  # 1.2.840.113549.1.1.99
    ("foreign", "rsa"): _FOREIGN,
    ("foreign", "ec"): _FOREIGN,
    ("pss sha1", "rsa"): "300d06092a864886f70d01010a3000",
    (
        "pss sha384",
        "rsa",
    ): "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d0609"
    "6086480165030402020500a203020130",
    # RSA-PSS with SHA-256, MGF1 with it, 32 octets of salt
    (
        "pss",
        "rsa",
    ): "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d0609"
    "6086480165030402010500a203020120",
}


def _sign_again(der: bytes, signing, digest: str, serial: int | None, version: int) -> bytes:
    """The same certificate with a hash, or a serial number, that the library does not make any more."""
    kind = "rsa" if isinstance(signing, rsa.RSAPrivateKey) else "ec"
    algorithm = bytes.fromhex(_ALGORITHMS[digest, kind])
    parsed = x509.load_der_x509_certificate(der)
    signed, body = parsed.tbs_certificate_bytes, inside(der)
    old = body[len(signed) :][: 2 + body[len(signed) + 1]]
    body = inside(signed).replace(old, algorithm, 1)
    if serial is not None:
        body = body.replace(_integer(_STAND_IN), _integer(serial), 1)
    if version == 1:  # neither the version in front nor the extensions at the end
        body = b"".join(part for part in parts(body) if part[0] not in (0xA0, 0xA3))
    signed = tlv(0x30, body)
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        descriptor = os.open(place / "key.pem", os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Made(None, signing).key_pem())
        name, salt = _BY_COMMAND.get(digest, (digest, 0))
        command = ["openssl", "dgst", f"-{name}", "-sign", "key.pem"]
        if salt:
            command += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"]
        signature = subprocess.run(command, cwd=place, input=signed, check=True, capture_output=True).stdout
    return tlv(0x30, signed + algorithm + tlv(0x03, b"\0" + signature))


def _integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))


def tlv(tag: int, body: bytes) -> bytes:
    """One DER value."""
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def inside(der: bytes) -> bytes:
    """The content of one DER value."""
    return der[2:] if der[1] < 128 else der[2 + (der[1] & 0x7F) :]


def parts(body: bytes) -> list[bytes]:
    """The DER values in a row."""
    found = []
    while body:
        whole = len(body) - len(inside(body))
        length = body[1] if body[1] < 128 else int.from_bytes(body[2:whole], "big")
        found.append(body[: whole + length])
        body = body[whole + length :]
    return found


def material(*made: Made, keys: tuple[Made, ...] = ()) -> Material:
    """As the reader of files gives it."""
    return Material([one.certificate for one in made], [one.key for one in keys])


@functools.cache
def company() -> tuple[Made, Made]:
    """A good two-tier CA: root and issuing CA, made once."""
    root = make("Company Root", ca=True, end=3650)
    return root, make("Company Issuing", root, ca=True, pathlen=0, end=1825)


def good_leaf(**differently) -> Made:
    """A good leaf of the company's CA for chat.corp.test, but for what is said."""
    given = {"dns": ["chat.corp.test"]} | differently
    return make(given.pop("name", "chat.corp.test"), given.pop("issuer", company()[1]), **given)
