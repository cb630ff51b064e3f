# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every form that tools write holds the same: certificates, key, in the order of the file, and nothing secret in any text."""

from __future__ import annotations

import base64
import warnings

import pytest

from ansible_collections.onprem.chat.plugins.module_utils._x509 import parse_pkcs12
from ansible_collections.onprem.chat.plugins.module_utils._x509.errors import PassphraseError
from ansible_collections.onprem.chat.plugins.module_utils._x509.lib import serialization
from ansible_collections.onprem.chat.plugins.module_utils._x509.parse import read
from ansible_collections.onprem.chat.tests.unit.plugins.module_utils._x509.parse_forms import (
    DER,
    PASSPHRASE,
    armoured,
    chain,
    ec_key,
    ed448_key,
    ed25519_key,
    forms,
    openssl,
    pem,
    pfx,
    rsa_key,
)

FORMS = forms()
LOCKED = sorted(name for name, form in FORMS.items() if form.locked)


def ders(*certificates):
    return [each.public_bytes(DER) for each in certificates]


def spki(key):
    return key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_form(name):
    form = FORMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        material = read(form.data, name, [PASSPHRASE] if form.locked else [])
    found = [each.der for each in material.certificates]
    assert len(found) == form.certificates
    assert found[:1] == ders(chain()[2] if name == "PEM root first" else chain()[0])[: form.certificates]
    assert sorted(found) == sorted(ders(*chain()))[: len(found)] or len(found) < 3
    assert len(material.keys) == form.keys
    assert PASSPHRASE.decode() not in repr(material)
    for key in material.keys:
        owners = [rsa_key(), ec_key(), ed25519_key(), ed448_key()]
        assert key.spki in map(spki, owners) or name == "key EC with parameters block"
        assert key.encrypted == form.locked
        assert repr(key) == f"Key(origin={key.origin!r}, encrypted={form.locked})"
        if form.certificates:
            assert key.spki == spki(rsa_key())


@pytest.mark.parametrize("name", LOCKED)
def test_no_passphrase(name):
    with pytest.raises(PassphraseError) as caught:
        read(FORMS[name].data, "in.pem")
    assert str(caught.value) == ("in.pem needs a passphrase: it is encrypted, none was given. Give it in passphrases.")


@pytest.mark.parametrize("name", LOCKED)
@pytest.mark.parametrize(
    ("passphrases", "tried"),
    [
        ([b"canary-wrong-1"], "the one passphrase that was given does not open it"),
        ([b"canary-wrong-1", b"canary-wrong-1"], "the one passphrase that was given does not open it"),
        ([b"canary-wrong-1", b"", "canary-пароль".encode()], "none of the 3 passphrases opens it"),
        ([b"canary-\xff\xfe", PASSPHRASE[:-1]], "none of the 2 passphrases opens it"),
    ],
)
def test_wrong_passphrase(name, passphrases, tried):
    with pytest.raises(PassphraseError) as caught:
        read(FORMS[name].data, "in.pem", passphrases)
    assert str(caught.value) == (
        f"in.pem is encrypted, and {tried}. Is it the passphrase of another file, or is this one damaged? "
        "Try it by hand with openssl pkey or openssl pkcs12, and give the right one in passphrases."
    )
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize("name", LOCKED)
def test_the_right_one_among_others(name):
    form = FORMS[name]
    material = read(form.data, "in", [b"", b"wrong", b"\xff", PASSPHRASE, b"never tried"])
    assert (len(material.certificates), len(material.keys)) == (form.certificates, form.keys)


@pytest.mark.parametrize("name", sorted(set(FORMS) - set(LOCKED)))
def test_passphrases_that_are_not_needed(name):
    form = FORMS[name]
    material = read(form.data, "in", [b"for another file"])
    assert (len(material.certificates), len(material.keys)) == (form.certificates, form.keys)
    assert not any(key.encrypted for key in material.keys)


def test_empty_passphrase_may_be_given():
    assert len(read(FORMS["PKCS#12 empty passphrase"].data, "in", [b""]).certificates) == 3


@pytest.mark.parametrize("secret", ["пароль-1", "a", "x" * 200, "with blank", "😀 wide"])
@pytest.mark.parametrize("options", [(), ("-nomac",), ("-legacy",), ("-nomac", "-legacy")])
def test_passphrases_of_all_kinds(monkeypatch, tmp_path, secret, options):
    place = tmp_path / "secret"
    place.write_text(secret + "\n", encoding="utf-8")
    data = pfx(*options, source=f"file:{place}")
    assert len(read(data, "in", [b"wrong", secret.encode()]).keys) == 1


def test_a_check_value_is_made_only_for_files_without_one(monkeypatch):
    monkeypatch.setattr(parse_pkcs12, "_with_check", None)
    assert read(FORMS["PKCS#12 modern"].data, "in", [PASSPHRASE]).keys
    with pytest.raises(Exception, match=r"in cannot be read: the library gave up \(TypeError\)"):
        read(FORMS["PKCS#12 no MAC"].data, "in", [PASSPHRASE])


# -- where each thing came from ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "origins"),
    [
        ("PEM chain", ["in, block 1", "in, block 2", "in, block 3"]),
        ("PEM chain and key", ["in, block 2", "in, block 3", "in, block 4", "in, block 1"]),
        ("DER certificate", ["in"]),
        ("DER certificates in a row", ["in", "in, part 2", "in, part 3"]),
        ("PKCS#7 PEM", ["in, certificate 1", "in, certificate 2", "in, certificate 3"]),
        ("PKCS#12 modern", ["in, certificate 1", "in, certificate 2", "in, certificate 3", "in, key"]),
        ("key EC with parameters block", ["in, block 2"]),
    ],
)
def test_origins(name, origins):
    material = read(FORMS[name].data, "in", [PASSPHRASE])
    assert [each.origin for each in material.certificates + material.keys] == origins


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("PEM chain", []),
        ("PEM with CRLF", ["in: line ends with carriage returns"]),
        ("PEM with UTF-8 mark", ["in: UTF-8 with a byte order mark", "in: line ends with carriage returns"]),
        ("PEM in UTF-16 LE with mark", ["in: UTF-16 with a byte order mark", "in: line ends with carriage returns"]),
        ("PEM in UTF-16 BE without mark", ["in: UTF-16", "in: line ends with carriage returns"]),
        ("PEM with text around", ["in: text around the blocks, passed over"]),
        ("PEM with bag attributes", ["in: text around the blocks, passed over"]),
        ("PEM TRUSTED CERTIFICATE", ["in: the trust settings of OpenSSL are passed over"]),
        ("base64 without armour", ["in: base64 without the lines BEGIN and END"]),
        ("key EC with parameters block", ["in, block 1: passed over, EC PARAMETERS"]),
        ("PKCS#12 modern", []),
    ],
)
def test_notes(name, notes):
    assert read(FORMS[name].data, "in", [PASSPHRASE]).notes == notes


# -- what lies beside ---------------------------------------------------------------------------------------------------


def beside():
    key = ("-key", "{key}", "-subj", "/CN=chat")
    files = {"key": pem(rsa_key())}
    return {
        "CERTIFICATE REQUEST": openssl("req", "-new", *key, files=files),
        "NEW CERTIFICATE REQUEST": openssl("req", "-new", "-newhdr", *key, files=files),
        "PUBLIC KEY": openssl("pkey", "-pubout", given=pem(rsa_key())),
        "RSA PUBLIC KEY": openssl("rsa", "-RSAPublicKey_out", given=pem(rsa_key())),
        "DH PARAMETERS": armoured("DH PARAMETERS", bytes.fromhex("3006020117020105")),
        "X509 CRL": armoured("X509 CRL", bytes.fromhex("3000")),
        "OPENSSH PRIVATE KEY": armoured("OPENSSH PRIVATE KEY", b"openssh-key-v1\0"),
        "PGP MESSAGE": b"-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nabc=\n=abcd\n-----END PGP MESSAGE-----\n",
    }


@pytest.mark.parametrize("label", sorted(beside()))
def test_other_blocks_are_passed_over(label):
    material = read(beside()[label] + pem(chain()[0]), "in")
    assert material.notes == [f"in, block 1: passed over, {label}"]
    assert [each.origin for each in material.certificates] == ["in, block 2"]


@pytest.mark.parametrize(
    ("label", "what"),
    [
        ("CERTIFICATE REQUEST", "a certificate request"),
        ("PUBLIC KEY", "a public key"),
        ("RSA PUBLIC KEY", "a public key"),
    ],
)
def test_other_things_in_binary_are_passed_over(label, what):
    body = b"".join(beside()[label].splitlines()[1:-1])
    der = base64.b64decode(body)
    assert read(der + chain()[0].public_bytes(DER), "in").notes == [f"in: passed over, {what}"]
    # certutil calls everything a certificate
    assert read(armoured("CERTIFICATE", der) + pem(chain()[0]), "in").notes == [f"in, block 1: passed over, {what}"]


def test_a_list_of_revoked_certificates_is_passed_over(tmp_path):
    (tmp_path / "index").touch()
    (tmp_path / "ca.cnf").write_text(
        f"[ca]\ndefault_ca = it\n[it]\ndatabase = {tmp_path}/index\ndefault_md = sha256\ndefault_crl_days = 3\n"
    )
    (tmp_path / "key").write_bytes(pem(ec_key(0)))
    (tmp_path / "crt").write_bytes(pem(chain()[2]))
    argv = ("ca", "-config", f"{tmp_path}/ca.cnf", "-gencrl", "-keyfile", f"{tmp_path}/key", "-cert", f"{tmp_path}/crt")
    text = openssl(*argv)
    der = openssl("crl", "-outform", "DER", given=text)
    assert read(text + pem(chain()[0]), "in").notes == ["in, block 1: passed over, X509 CRL"]
    assert read(armoured("CERTIFICATE", der) + pem(chain()[0]), "in").notes == [
        "in, block 1: passed over, a list of revoked certificates"
    ]


@pytest.mark.parametrize("kind", ["X25519", "X448"])
def test_keys_that_cannot_sign_are_passed_over(kind):
    material = read(openssl("genpkey", "-algorithm", kind) + pem(rsa_key()), "in")
    assert material.notes == [f"in, block 1: passed over, a key of a kind that cannot sign ({kind}PrivateKey)"]
    assert len(material.keys) == 1


def test_dsa_is_read_and_left_to_judge():
    parameters = openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024")
    key = openssl("genpkey", "-paramfile", "{file}", files={"file": parameters})
    assert len(read(key, "in").keys) == 1


def test_keys_and_certificates_of_many_kinds_in_one_file():
    data = b"".join(
        (
            FORMS["key RSA traditional aes256"].data,
            b"some words\r\n",
            FORMS["PKCS#7 PEM"].data,
            FORMS["key EC encrypted PKCS#8 PEM"].data,
            armoured("PFX", FORMS["PKCS#12 modern"].data),
            pem(chain()[0]),
        )
    )
    material = read(data, "in", [PASSPHRASE])
    assert (len(material.certificates), len(material.keys)) == (7, 3)
    assert material.certificates[3].origin == "in, block 4, certificate 1"
    assert material.keys[2].origin == "in, block 4, key"
