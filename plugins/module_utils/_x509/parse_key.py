# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Private keys: PKCS#1, PKCS#8, SEC1; in the open, encrypted as PKCS#8, encrypted the traditional way of OpenSSL."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence

from .certificate import Key, Material, one_line
from .errors import MaterialError, PassphraseError
from .lib import cryptography, dsa, ec, ed448, ed25519, exceptions, rsa, serialization
from .parse_cost import KEY_SIZE, refuse_expensive


def key_material(der: bytes, origin: str, passphrases: Sequence[bytes], encrypted: bool) -> Material:
    """A key in DER. Raises MaterialError, PassphraseError."""
    _refuse_big(der, origin)
    refuse_expensive(der, origin)

    def load(passphrase: bytes | None) -> object:
        return serialization.load_der_private_key(der, passphrase)

    private = unlocked(load, origin, passphrases) if encrypted else _plain(load, origin)
    return material_of(private, origin, encrypted)


def traditional_material(pem: bytes, origin: str, passphrases: Sequence[bytes]) -> Material:
    """A PEM block with DEK-Info (RFC 1421), as `openssl rsa -aes256` wrote it for decades; one round of MD5, so no cost."""
    _refuse_big(pem, origin)

    def load(passphrase: bytes | None) -> object:
        return serialization.load_pem_private_key(pem, passphrase)

    return material_of(unlocked(load, origin, passphrases), origin, True)


def material_of(private: object, origin: str, encrypted: bool) -> Material:
    """A key that a certificate for TLS can have; another is passed over with a note."""
    kinds = (
        rsa.RSAPrivateKey,
        ec.EllipticCurvePrivateKey,
        ed25519.Ed25519PrivateKey,
        ed448.Ed448PrivateKey,
        dsa.DSAPrivateKey,
    )
    if not isinstance(private, kinds):
        name = type(private).__name__.strip("_")
        return Material(notes=[f"{origin}: passed over, a key of a kind that cannot sign ({name})"])
    key = Key(private, origin, encrypted)
    try:
        if not key.spki or not key.pem:
            raise ValueError("nothing is in it")
    except Exception as error:  # a library may find out late that it cannot handle the key
        raise _unreadable(origin, error) from error
    return Material(keys=[key])


def unlocked(load: Callable[[bytes | None], object], origin: str, passphrases: Sequence[bytes]) -> object:
    """What comes of load() with the first passphrase that fits. Raises PassphraseError, MaterialError."""
    if not passphrases:
        raise none_given(origin)
    for passphrase in passphrases:
        try:
            return load(passphrase)
        except exceptions.UnsupportedAlgorithm as error:
            raise MaterialError(
                f"{origin} is encrypted in a way that cryptography {cryptography.__version__} on {platform.node()} "
                f"cannot read ({words(error)}).",
                action="Encrypt it again with AES: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW.",
            ) from error
        except Exception:  # noqa: S112 - a wrong passphrase shows in many ways, broken keys among them
            continue
    raise none_fits(origin, passphrases)


def none_given(origin: str) -> PassphraseError:
    """Somebody forgot the passphrase."""
    return PassphraseError(
        f"{origin} needs a passphrase: it is encrypted, none was given.",
        action="Give it in passphrases.",
    )


def none_fits(origin: str, passphrases: Sequence[bytes]) -> PassphraseError:
    """Somebody mistook it."""
    count = len(passphrases)
    tried = (
        "the one passphrase that was given does not open it"
        if count == 1
        else f"none of the {count} passphrases opens it"
    )
    return PassphraseError(
        f"{origin} is encrypted, and {tried}.",
        "Is it the passphrase of another file, or is this one damaged?",
        "Try it by hand with openssl pkey or openssl pkcs12, and give the right one in passphrases.",
    )


def _plain(load: Callable[[bytes | None], object], origin: str) -> object:
    try:
        return load(None)
    except Exception as error:  # the library raises many kinds for bytes that anybody may have made
        raise _unreadable(origin, error) from error


def _unreadable(origin: str, error: Exception) -> MaterialError:
    return MaterialError(
        f"{origin}: this is no private key that can be read ({words(error)}).",
        "Is the file cut or damaged, or of a kind that is not for TLS?",
        "openssl pkey -check -noout -in FILE tells more; export it again from where it came.",
    )


def words(error: Exception) -> str:
    """What a library says, without the lists of numbers that older versions add."""
    if isinstance(error, exceptions.InternalError):
        return "OpenSSL does not say why"
    return one_line(ValueError(error.args[0]) if error.args else error)


def _refuse_big(data: bytes, origin: str) -> None:
    if len(data) > KEY_SIZE:
        raise MaterialError(
            f"{origin}: a private key of {len(data):,} bytes; at most {KEY_SIZE:,} are read.",
            "Is it something else, or damaged?",
            "Export it again from where it came.",
        )
