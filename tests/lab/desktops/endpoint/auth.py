"""Who is there: Negotiate (NTLM, Kerberos), Kerberos, CredSSP and Basic, by pyspnego's acceptor; encryption of messages.

One Login belongs to one TCP connection, as on Windows: what was proven there is worth nothing on the next one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from spnego._ntlm_raw.crypto import ntowfv1
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import BadBindingsError, SpnegoError

from . import multipart
from .config import Config, User

with contextlib.suppress(ImportError):  # only where Kerberos is wanted
    import gssapi

    # Else the reason why a ticket is refused is kept until nobody asks any more.
    gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False


MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What a client says that shows a certificate (DSP0226 C.3.1)."""
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
CREDSSP_PIECE = 16384
"""Messages under CredSSP are encrypted in pieces of a TLS record ([MS-WSMV] 2.2.9.1.3)."""


class Refused(Exception):
    """Not let in. Windows says 401 and nothing else; the text is for the log."""


def principal(certificate: bytes) -> str:
    """The UPN in the alternative names of a DER certificate, or nothing."""
    leaf = x509.load_der_x509_certificate(certificate)
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    values = [name.value for name in names.get_values_for_type(x509.OtherName) if name.type_id == UPN]
    # A UTF8String: its tag, one byte of length, the text.
    return values[0][2:].decode("utf-8", "replace") if values else ""


def bindings(certificate: bytes) -> GssChannelBindings:
    """tls-server-end-point of a PEM certificate (RFC 5929): its own hash, SHA-256 for MD5 and SHA-1."""
    leaf = x509.load_pem_x509_certificate(certificate)
    algorithm = leaf.signature_hash_algorithm
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(leaf.public_bytes(Encoding.DER))
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


class Accounts:
    """The users of the configuration, also in the file in which pyspnego looks NTLM users up."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._folder = tempfile.TemporaryDirectory(prefix="endpoint-")
        lines = []
        self._names: dict[str, User] = {}
        for user in config.users:
            names = [f"{domain}\\{user.name}" for domain in (user.domain, user.realm) if domain]
            names += [f"{user.name}@{user.realm}"] if user.realm else []
            if user.domain.casefold() == config.computer.casefold():  # a local account: also without a domain
                names += [user.name, f".\\{user.name}"]
            secret = user.nt_hash or (ntowfv1(user.password).hex() if user.password else "")
            for name in names:
                self._names[name.casefold()] = user
                if secret:
                    lines.append(f"{name}:0:{'0' * 32}:{secret.upper()}:[U]:LCT-0")
        file = Path(self._folder.name, "ntlm")
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        os.environ["NTLM_USER_FILE"] = str(file)
        if config.keytab:
            os.environ["KRB5_KTNAME"] = f"FILE:{config.keytab}"

    def find(self, name: str) -> User:
        """Who that is: DOMAIN\\name, name@REALM or name. Somebody unknown is a User who may nothing."""
        known = self._names.get(name.casefold())
        return known or User(name=name, administrator=False)

    def mapped(self, certificate: bytes | None) -> User:
        """The local account for which a client certificate stands. Raises Refused."""
        if not certificate:
            raise Refused("certificate: none was shown")
        name = principal(certificate)
        for user in self.config.users:
            # Windows maps certificates to local accounts only.
            if (
                name
                and user.certificate.casefold() == name.casefold()
                and user.domain.casefold() == self.config.computer.casefold()
            ):
                return user
        raise Refused(f"certificate: {name or 'without a UPN'} is not mapped")

    def basic(self, token: str) -> str:
        """The principal of a Basic header. Raises Refused."""
        try:
            name, _colon, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Refused("Basic: no name and password") from None
        user = self._names.get(name.casefold())
        # Windows takes local accounts only.
        local = user and user.domain.casefold() == self.config.computer.casefold()
        if not user or not local or not user.password or not hmac.compare_digest(user.password, password):
            raise Refused(f"Basic: {name}")
        return name


@dataclass
class Step:
    """What became of an Authorization header: a token for the client, and whether he is in."""

    token: bytes | None
    complete: bool


class Login:
    """The authentication of one connection."""

    def __init__(
        self, accounts: Accounts, channel: GssChannelBindings | None, certificate: bytes | None = None
    ) -> None:
        self._accounts = accounts
        self._channel = channel
        self._certificate = certificate
        self._context: spnego.ContextProxy | None = None
        self.scheme = ""
        self.user: User | None = None
        self.mechanism = ""

    def challenges(self) -> list[str]:
        """Values of WWW-Authenticate."""
        schemes = ["Negotiate"]
        if self._accounts.config.keytab:
            schemes.append("Kerberos")
        if self._accounts.config.credssp:
            schemes.append("CredSSP")
        if self._accounts.config.basic and self._channel is not None:
            schemes.append('Basic realm="WSMAN"')
        return schemes

    def step(self, header: str) -> Step:
        """Take one Authorization header. Raises Refused, and forgets everything then."""
        scheme, _space, token = header.partition(" ")
        try:
            if scheme.casefold() == "basic":
                return self._basic(token.strip())
            if scheme.casefold() == MUTUAL:
                return self._mapped()
            return self._negotiate(scheme, base64.b64decode(token.strip(), validate=True))
        except (SpnegoError, Refused, binascii.Error, ValueError, LookupError) as error:
            self._context, self.user = None, None
            raise Refused(f"{scheme}: {error}") from error

    def _basic(self, token: str) -> Step:
        # Unencrypted messages are forbidden, so there is no Basic without TLS.
        if not self._accounts.config.basic or self._channel is None:
            raise Refused("not offered")
        self.user = self._accounts.find(self._accounts.basic(token))
        self.scheme = self.mechanism = "Basic"
        self._context = None
        return Step(None, True)

    def _mapped(self) -> Step:
        self.user = self._accounts.mapped(self._certificate)
        self.scheme = self.mechanism = "certificate"
        self._context = None
        return Step(None, True)

    def _negotiate(self, scheme: str, token: bytes) -> Step:
        offered = {"negotiate": "Negotiate", "kerberos": "Kerberos"}
        if self._accounts.config.credssp:
            offered["credssp"] = "CredSSP"
        if scheme.casefold() not in offered:
            raise Refused("not offered")
        if self._context is None or self._context.complete:
            self.user = None
            self.scheme = offered[scheme.casefold()]
            kind = "ntlm" if token.startswith(b"NTLMSSP\0") else self.scheme.lower()
            self._context = spnego.server(protocol=kind)
        mode = self._accounts.config.channel_bindings
        channel = self._channel if mode != "none" else None
        try:
            answer = self._context.step(token, channel_bindings=channel)
        except BadBindingsError as error:
            # Relaxed: a client that knows nothing of channel bindings is let in, one with wrong ones is not.
            if mode != "relaxed" or "not present" not in str(error):
                raise
            answer = self._context.step(token, channel_bindings=None)
        if self._context.complete:
            self.user = self._accounts.find(self._context.client_principal or "")
            self.mechanism = "credssp" if self.scheme == "CredSSP" else self._context.negotiated_protocol or ""
        return Step(answer, self._context.complete)

    def decrypt(self, body: bytes) -> bytes:
        """A message that came encrypted. Raises Refused: nobody is logged on here, or it was encrypted for another session."""
        if self._context is None or not self._context.complete:
            raise Refused("encrypted message, and no session")
        plain = b""
        try:
            for header, data, length in multipart.unpack(body):
                piece = self._context.unwrap_winrm(header, data)
                if len(piece) != length:
                    raise Refused(f"length is {len(piece)}, not {length}")
                plain += piece
        except (SpnegoError, multipart.MultipartError, ValueError) as error:
            raise Refused(f"cannot be decrypted: {error}") from error
        return plain

    def encrypt(self, message: bytes, protocol: str) -> tuple[str, bytes]:
        """Content type and body of an answer."""
        if self._context is None:
            raise Refused("no session")
        size = CREDSSP_PIECE if protocol == multipart.CREDSSP else len(message)
        pieces = []
        for start in range(0, len(message), size):
            piece = message[start : start + size]
            wrapped = self._context.wrap_winrm(piece)
            pieces.append((wrapped.header, wrapped.data, len(piece) + wrapped.padding_length))
        return multipart.pack(pieces, protocol)
