# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same chain and keys in every form that tools write, made when a test asks: by cryptography and by the openssl command."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import hashlib
import hmac
import os
import pathlib
import subprocess
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from ansible_collections.onprem.chat.plugins.module_utils._x509.parse_ber import encode, first

PASSPHRASE = b"canary-Pa55phrase-4711"
RSA_BITS = 2048  # the fuzzer takes less: most of its time would go into the check of primes
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
OPEN = serialization.NoEncryption()


@dataclasses.dataclass(frozen=True)
class Form:
    """data: the file. certificates, keys: how many it holds. locked: whether it needs PASSPHRASE."""

    data: bytes
    certificates: int = 0
    keys: int = 0
    locked: bool = False


@functools.cache
def rsa_key():
    return rsa.generate_private_key(65537, RSA_BITS)


@functools.cache
def ec_key(number: int = 0):
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


@functools.cache
def ed448_key():
    return ed448.Ed448PrivateKey.generate()


def certificate(name, key, issuer=None, issuer_key=None, authority=False):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("chat.corp.test")]), False)
        .sign(issuer_key or key, hashes.SHA256())
    )


@functools.cache
def chain():
    """Leaf (with rsa_key), intermediate, root."""
    root = certificate("Root", ec_key(0), authority=True)
    middle = certificate("Middle", ec_key(1), root, ec_key(0), authority=True)
    return certificate("chat.corp.test", rsa_key(), middle, ec_key(1)), middle, root


def pem(*items) -> bytes:
    """Certificates and keys as text."""
    return b"".join(
        item.public_bytes(PEM) if isinstance(item, x509.Certificate) else item.private_bytes(PEM, PKCS8, OPEN)
        for item in items
    )


def openssl(*argv: str, given: bytes = b"", files: dict[str, bytes] | None = None) -> bytes:
    """What the command writes; {name} in its arguments is a file with these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        places = {}
        for name, data in (files or {}).items():
            places[name] = str(pathlib.Path(folder, name))
            pathlib.Path(places[name]).write_bytes(data)
        environment = {**os.environ, "CANARY": PASSPHRASE.decode(), "EMPTY": ""}
        done = subprocess.run(
            ["openssl", *(argument.format(**places) for argument in argv)],
            input=given,
            capture_output=True,
            check=False,
            env=environment,
        )
    if done.returncode:
        raise RuntimeError(f"openssl {argv}: {done.stderr.decode()}")
    return done.stdout


def pfx(*options: str, source: str = "env:CANARY", nocerts: bool = False) -> bytes:
    """PKCS#12 by openssl."""
    leaf, *others = chain()
    files = {"leaf": pem(leaf), "key": pem(rsa_key()), "others": pem(*others)}
    what = ("-nocerts", "-inkey", "{key}") if nocerts else ("-in", "{leaf}", "-certfile", "{others}")
    if "-nokeys" not in options and not nocerts:
        what += ("-inkey", "{key}")
    return openssl("pkcs12", "-export", "-passout", source, *what, *options, files=files)


def pbmac1(data: bytes) -> bytes:
    """A PKCS#12 file without check value, given one of RFC 9579 (openssl can from 3.4 on)."""
    version, content = first(data).children[:2]
    sha256 = encode(0x30, encode(6, bytes.fromhex("2a864886f70d0209")) + encode(5, b""))
    derive = encode(4, b"saltsalt") + encode(2, (2048).to_bytes(2, "big")) + encode(2, b"\x20") + sha256
    parameters = encode(0x30, encode(6, bytes.fromhex("2a864886f70d01050c")) + encode(0x30, derive)) + sha256
    algorithm = encode(0x30, encode(6, bytes.fromhex("2a864886f70d01050e")) + encode(0x30, parameters))
    key = hashlib.pbkdf2_hmac("sha256", PASSPHRASE, b"saltsalt", 2048, 32)
    digest = hmac.digest(key, content.children[1].children[0].octets, "sha256")
    check = encode(0x30, algorithm + encode(4, digest)) + encode(4, b"saltsalt") + encode(2, b"\1")
    return encode(0x30, encode(2, version.content) + encode(0x30, content.content) + encode(0x30, check))


def armoured(label: str, data: bytes) -> bytes:
    """PEM with any label, lines as OpenSSL breaks them."""
    body = base64.encodebytes(data).replace(b"\n", b"")
    lines = b"\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label.encode(), lines, label.encode())


def endless(tag: int, content: bytes) -> bytes:
    """One element without a length, as tools wrote that did not know how much comes."""
    return bytes((tag, 0x80)) + content + b"\0\0"


def endless_pfx(data: bytes) -> bytes:
    """The same PKCS#12 file in BER, its content in pieces: Windows and Netscape wrote it like that."""
    version, content, check = first(data).children
    octets = content.children[1].children[0].octets
    pieces = b"".join(encode(4, octets[at : at + 1000]) for at in range(0, len(octets), 1000))
    oid = encode(6, content.children[0].content)
    return endless(
        0x30,
        encode(2, version.content)
        + endless(0x30, oid + endless(0xA0, endless(0x24, pieces)))
        + encode(0x30, check.content),
    )


def endless_p7b(data: bytes) -> bytes:
    """The same PKCS#7 file in BER."""
    oid, content = first(data).children
    signed = content.children[0].content
    return endless(0x30, encode(6, oid.content) + endless(0xA0, endless(0x30, signed)))


def _texts() -> dict[str, Form]:
    leaf, middle, root = chain()
    text = pem(leaf, middle, root)
    windows = text.replace(b"\n", b"\r\n")
    wide = windows.decode()
    return {
        "PEM chain": Form(text, 3),
        "PEM chain and key": Form(pem(rsa_key(), leaf, middle, root), 3, 1),
        "PEM root first": Form(pem(root, middle, leaf), 3),
        "PEM with CRLF": Form(windows, 3),
        "PEM with CR": Form(text.replace(b"\n", b"\r"), 3),
        "PEM with UTF-8 mark": Form(b"\xef\xbb\xbf" + windows, 3),
        "PEM in UTF-16 LE with mark": Form(b"\xff\xfe" + wide.encode("utf-16-le"), 3),
        "PEM in UTF-16 BE with mark": Form(b"\xfe\xff" + wide.encode("utf-16-be"), 3),
        "PEM in UTF-16 LE without mark": Form(wide.encode("utf-16-le"), 3),
        "PEM in UTF-16 BE without mark": Form(wide.encode("utf-16-be"), 3),
        "PEM with text around": Form("Сертификат:\n".encode() + text + b"\n-- \nThe CA\n", 3),
        "PEM with text of another code page": Form("Сертификат:\n".encode("cp1251") + text, 3),
        "PEM indented": Form(b"".join(b"    " + line + b"\n" for line in text.splitlines()), 3),
        "PEM without last line end": Form(text.rstrip(), 3),
        "PEM with files joined without line end": Form(text.replace(b"-----\n-----", b"----------"), 3),
        "PEM in one line a block": Form(
            b"".join(b"-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n" % each for each in _bodies(text)),
            3,
        ),
        "PEM X509 CERTIFICATE": Form(text.replace(b" CERTIFICATE-", b" X509 CERTIFICATE-"), 3),
        "PEM TRUSTED CERTIFICATE": Form(
            openssl("x509", "-trustout", "-addtrust", "serverAuth", "-setalias", "chat", given=pem(leaf)), 1
        ),
        "PEM with openssl's words": Form(openssl("x509", "-text", given=pem(leaf)), 1),
        "PEM with bag attributes": Form(
            openssl("pkcs12", "-nodes", "-passin", "env:CANARY", given=pfx("-name", "chat")), 3, 1
        ),
        "PEM labelled by certutil": Form(armoured("CERTIFICATE", pfx()), 3, 1, True),
        "base64 without armour": Form(base64.encodebytes(leaf.public_bytes(DER)), 1),
        "base64 of PKCS#12": Form(base64.b64encode(pfx()), 3, 1, True),
        "base64 in UTF-16": Form(
            b"\xff\xfe" + base64.b64encode(leaf.public_bytes(DER)).decode().encode("utf-16-le"), 1
        ),
    }


def _bodies(text: bytes) -> list[bytes]:
    parts = text.split(b"-----")
    return [part.replace(b"\n", b"") for part in parts[2::4]]


def _binaries() -> dict[str, Form]:
    leaf, middle, root = chain()
    bundle = openssl("crl2pkcs7", "-nocrl", "-certfile", "{chain}", files={"chain": pem(leaf, middle, root)})
    binary = openssl("pkcs7", "-outform", "DER", given=bundle)
    return {
        "DER certificate": Form(leaf.public_bytes(DER), 1),
        "DER certificates in a row": Form(b"".join(each.public_bytes(DER) for each in chain()), 3),
        "DER certificate with a line end": Form(leaf.public_bytes(DER) + b"\r\n", 1),
        "PKCS#7 PEM": Form(bundle, 3),
        "PKCS#7 DER": Form(binary, 3),
        "PKCS#7 labelled CERTIFICATE": Form(armoured("CERTIFICATE", binary), 3),
        "PKCS#7 labelled CMS": Form(armoured("CMS", binary), 3),
        "PKCS#7 BER": Form(endless_p7b(binary), 3),
        "PKCS#12 BER": Form(endless_pfx(pfx()), 3, 1, True),
        "PKCS#12 BER legacy": Form(endless_pfx(pfx("-legacy")), 3, 1, True),
        "PKCS#12 modern": Form(pfx(), 3, 1, True),
        "PKCS#12 legacy 3DES": Form(
            pfx("-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"), 3, 1, True
        ),
        "PKCS#12 legacy RC2-40": Form(pfx("-legacy"), 3, 1, True),
        "PKCS#12 only the key encrypted": Form(pfx("-certpbe", "NONE"), 3, 1, True),
        "PKCS#12 nothing encrypted": Form(pfx("-certpbe", "NONE", "-keypbe", "NONE"), 3, 1, True),
        "PKCS#12 empty passphrase": Form(pfx(source="env:EMPTY"), 3, 1),
        "PKCS#12 legacy empty passphrase": Form(pfx("-legacy", source="env:EMPTY"), 3, 1),
        "PKCS#12 no MAC": Form(pfx("-nomac"), 3, 1, True),
        "PKCS#12 no MAC legacy": Form(pfx("-nomac", "-legacy"), 3, 1, True),
        "PKCS#12 no MAC empty passphrase": Form(pfx("-nomac", source="env:EMPTY"), 3, 1),
        "PKCS#12 no MAC legacy empty passphrase": Form(pfx("-nomac", "-legacy", source="env:EMPTY"), 3, 1),
        "PKCS#12 no MAC nothing encrypted": Form(
            pfx("-nomac", "-certpbe", "NONE", "-keypbe", "NONE", source="env:EMPTY"), 3, 1
        ),
        "PKCS#12 PBMAC1": Form(pbmac1(pfx("-nomac")), 3, 1, True),
        "PKCS#12 without key": Form(pfx("-nokeys"), 3, 0, True),
        "PKCS#12 without certificate": Form(pfx(nocerts=True), 0, 1, True),
        "PKCS#12 by cryptography": Form(
            pkcs12.serialize_key_and_certificates(
                b"chat", rsa_key(), leaf, [root, middle], serialization.BestAvailableEncryption(PASSPHRASE)
            ),
            3,
            1,
            True,
        ),
        "PKCS#12 by cryptography, open": Form(
            pkcs12.serialize_key_and_certificates(b"chat", rsa_key(), leaf, [root, middle], OPEN), 3, 1
        ),
    }


def _keys() -> dict[str, Form]:
    found = {}
    for name, key, style in (
        ("RSA PKCS#1", rsa_key(), TRADITIONAL),
        ("RSA PKCS#8", rsa_key(), PKCS8),
        ("EC SEC1", ec_key(), TRADITIONAL),
        ("EC PKCS#8", ec_key(), PKCS8),
        ("Ed25519 PKCS#8", ed25519_key(), PKCS8),
        ("Ed448 PKCS#8", ed448_key(), PKCS8),
    ):
        found[f"key {name} PEM"] = Form(key.private_bytes(PEM, style, OPEN), 0, 1)
        found[f"key {name} DER"] = Form(key.private_bytes(DER, style, OPEN), 0, 1)
    best = serialization.BestAvailableEncryption(PASSPHRASE)
    for name, key in (("RSA", rsa_key()), ("EC", ec_key()), ("Ed25519", ed25519_key())):
        found[f"key {name} encrypted PKCS#8 PEM"] = Form(key.private_bytes(PEM, PKCS8, best), 0, 1, True)
        found[f"key {name} encrypted PKCS#8 DER"] = Form(key.private_bytes(DER, PKCS8, best), 0, 1, True)
    for name, options in (
        ("PBES1 3DES", ("-v1", "PBE-SHA1-3DES")),
        ("PBES2 3DES", ("-v2", "des3")),
        ("scrypt", ("-scrypt",)),
    ):
        argv = ("pkcs8", "-topk8", "-passout", "env:CANARY", *options)
        found[f"key encrypted PKCS#8 {name}"] = Form(openssl(*argv, given=pem(rsa_key())), 0, 1, True)
    for cipher in ("aes256", "aes128", "des3"):
        argv = ("rsa", "-traditional", f"-{cipher}", "-passout", "env:CANARY")
        found[f"key RSA traditional {cipher}"] = Form(openssl(*argv, given=pem(rsa_key())), 0, 1, True)
    locked = openssl("ec", "-aes256", "-passout", "env:CANARY", given=pem(ec_key()))
    found["key EC traditional aes256"] = Form(locked, 0, 1, True)
    found["key EC traditional with CRLF"] = Form(locked.replace(b"\n", b"\r\n"), 0, 1, True)
    found["key EC with parameters block"] = Form(openssl("ecparam", "-name", "secp384r1", "-genkey"), 0, 1)
    return found


@functools.cache
def forms() -> dict[str, Form]:
    """All forms by name."""
    return {**_texts(), **_binaries(), **_keys()}
