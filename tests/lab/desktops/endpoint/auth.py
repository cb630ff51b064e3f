"""Who is there: Negotiate (NTLM, Kerberos), Kerberos and Basic, by pyspnego's acceptor; encryption of messages.

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


class Refused(Exception):
    """Not let in. Windows says 401 and nothing else; the text is for the log."""


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

    def find(self, principal: str) -> User:
        """Who that is: DOMAIN\\name, name@REALM or name. Somebody unknown is a User who may nothing."""
        known = self._names.get(principal.casefold())
        return known or User(name=principal, administrator=False)

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

    def __init__(self, accounts: Accounts, channel: GssChannelBindings | None) -> None:
        self._accounts = accounts
        self._channel = channel
        self._context: spnego.ContextProxy | None = None
        self.scheme = ""
        self.user: User | None = None
        self.mechanism = ""

    def challenges(self) -> list[str]:
        """Values of WWW-Authenticate."""
        schemes = ["Negotiate"]
        if self._accounts.config.keytab:
            schemes.append("Kerberos")
        if self._accounts.config.basic and self._channel is not None:
            schemes.append('Basic realm="WSMAN"')
        return schemes

    def step(self, header: str) -> Step:
        """Take one Authorization header. Raises Refused, and forgets everything then."""
        scheme, _space, token = header.partition(" ")
        try:
            if scheme.casefold() == "basic":
                return self._basic(token.strip())
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

    def _negotiate(self, scheme: str, token: bytes) -> Step:
        if scheme.casefold() not in ("negotiate", "kerberos"):
            raise Refused("not offered")
        if self._context is None or self._context.complete:
            self.user = None
            self.scheme = scheme.capitalize()
            kind = (
                "kerberos" if self.scheme == "Kerberos" else "ntlm" if token.startswith(b"NTLMSSP\0") else "negotiate"
            )
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
            self.mechanism = self._context.negotiated_protocol or ""
        return Step(answer, self._context.complete)

    def decrypt(self, body: bytes) -> bytes:
        """A message that came encrypted. Raises Refused: nobody is logged on here, or it was encrypted for another session."""
        if self._context is None or not self._context.complete:
            raise Refused("encrypted message, and no session")
        try:
            header, data, length = multipart.unpack(body)
            plain = self._context.unwrap_winrm(header, data)
        except (SpnegoError, multipart.MultipartError, ValueError) as error:
            raise Refused(f"cannot be decrypted: {error}") from error
        if len(plain) != length:
            raise Refused(f"length is {len(plain)}, not {length}")
        return plain

    def encrypt(self, message: bytes, protocol: str) -> tuple[str, bytes]:
        """Content type and body of an answer."""
        if self._context is None:
            raise Refused("no session")
        wrapped = self._context.wrap_winrm(message)
        return multipart.pack(wrapped.header, wrapped.data, len(message) + wrapped.padding_length, protocol)
