# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Can this host reach a service, and if not, what is in the way?

Standard library only, Python 3.8 or newer: it runs on hosts that have nothing else. No proxy is used, and nothing is
sent but a TLS handshake.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import re
import socket
import ssl
import threading
import time
import typing as t

from .issuer import issuer_of

ANSWERED = "answered"
NO_ADDRESS = "no_address"
REFUSED = "refused"
TIMED_OUT = "timed_out"
UNREACHABLE = "unreachable"
INTERCEPTED = "intercepted"
BAD_CERTIFICATE = "bad_certificate"
NOT_TLS = "not_tls"
CLOSED = "closed"

#: Of several addresses the first of these is told: who answered says more than who did not.
TELLING = (ANSWERED, INTERCEPTED, BAD_CERTIFICATE, NOT_TLS, CLOSED, REFUSED, TIMED_OUT, UNREACHABLE)

#: How the detail begins where the system's store of trusted CAs is empty.
TRUSTS_NOBODY = "this host trusts no CA at all"

MOST_ADDRESSES = 16

# X509_V_ERR_* of OpenSSL: the chain ends nowhere that is trusted. A server that forgets to send its intermediate
# certificates looks the same.
_NO_TRUSTED_END = frozenset((2, 18, 19, 20, 21))
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE",
          "PACKET_LENGTH_TOO_LONG", "ENCRYPTED_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE", "UNEXPECTED_RECORD")  # fmt: skip
_PLACE = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$")  # where in Python's source: of no use to anybody here
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+$")  # how c_rehash names certificates


class Unreadable(ValueError):
    """A file of trust anchors cannot be used; the text says which and why."""


class Answer(t.NamedTuple):
    """What came of it.

    kind:
        answered         connected; with TLS: handshake done, certificate verified
        no_address       the name does not resolve, or the resolver does not answer
        refused          nothing listens, or a firewall rejects
        timed_out        no connection, or no word of TLS, in time: dropped packets
        unreachable      no route, no such host, or forbidden by this host itself
        intercepted      TLS, but the chain does not end at a CA that is trusted here
        bad_certificate  TLS by a trusted CA, but of another name, expired or otherwise invalid
        not_tls          something that is no TLS answered
        closed           connected, and then closed or refused by the other side before TLS was ready
    address: the address that this is about; empty for no_address.
    detail: what was seen, in words.
    tls_version: for example ``TLSv1.3``, of an answered handshake.
    issuer: who issued the server's certificate, verified only where the kind is answered.
    milliseconds: how long it took.
    others: what came of the other addresses of the name, each without others of its own.
    """

    kind: str
    address: str = ""
    detail: str = ""
    tls_version: str = ""
    issuer: str = ""
    milliseconds: int = 0
    others: tuple = ()


def reach(
    host: str, port: int, protocol: str, timeout: float, anchors: t.Sequence[str] = (), connect_to: str = ""
) -> Answer:
    """Connect to every address of a name at the same time, and say the most telling result.

    host: name or address; with TLS it is what the certificate must be valid for.
    protocol: ``tcp`` ends when the connection stands; ``tls`` makes a verified handshake from its first byte.
    timeout: seconds for the name, and again for connection and handshake (a second one names an issuer).
    anchors: PEM files with trusted CAs instead of the system's store.
    connect_to: connect to this address or name instead.

    Raises Unreadable for a file of anchors, and nothing else.
    """
    context = _verifying(anchors) if protocol == "tls" else None
    if not 0 < port < 65536:
        return Answer(UNREACHABLE, "", f"{port} is no port number")
    began = time.monotonic()
    found = _resolve(connect_to or host, port, timeout)
    if isinstance(found, str):
        return Answer(NO_ADDRESS, "", found, milliseconds=_since(began))
    visits = [_Visit(host, place, timeout, context, not anchors) for place in found]
    answers = _all_at_once(visits, timeout)
    answers.sort(key=lambda answer: TELLING.index(answer.kind))
    return answers[0]._replace(others=tuple(answers[1:]))


class _Visit:
    """One address."""

    def __init__(self, host: str, place: tuple, timeout: float, context: ssl.SSLContext | None, store: bool) -> None:
        self.host, self.timeout, self.context, self.store = host, timeout, context, store
        self.family, self.sockaddr = place
        self.address = self.sockaddr[0]

    def answer(self) -> Answer:
        began = time.monotonic()
        try:
            with contextlib.closing(self._connected(began)) as plain:
                if self.context is None:
                    return Answer(ANSWERED, self.address, "connected", milliseconds=_since(began))
                try:
                    seen = self._shake_hands(plain, self.context, began)
                except (OSError, ValueError) as error:
                    kind, detail = _of_handshake(error, self.timeout)
                    if kind == INTERCEPTED and self.store and trusts_nobody():
                        kind, detail = BAD_CERTIFICATE, f"{TRUSTS_NOBODY}, {trusts_nobody()} is empty"
                else:
                    return seen._replace(milliseconds=_since(began))
        except OSError as error:
            kind, detail = _of_connection(error, self.timeout)
            return Answer(kind, self.address, detail, milliseconds=_since(began))
        took = _since(began)
        issuer = self._unverified_issuer() if kind in (INTERCEPTED, BAD_CERTIFICATE) else ""
        return Answer(kind, self.address, detail, issuer=issuer, milliseconds=took)

    def _connected(self, began: float) -> socket.socket:
        plain = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            plain.settimeout(self._left(began))
            plain.connect(self.sockaddr)
        except BaseException:
            plain.close()
            raise
        return plain

    def _shake_hands(self, plain: socket.socket, context: ssl.SSLContext, began: float) -> Answer:
        plain.settimeout(self._left(began))  # Python holds it for the handshake as a whole
        # A name's trailing dot is no part of it for SNI (RFC 6066 3) and certificates.
        with context.wrap_socket(plain, server_hostname=self.host.rstrip(".")) as secure:
            version = secure.version() or ""
            issuer = issuer_of(secure.getpeercert(binary_form=True) or b"")
        return Answer(ANSWERED, self.address, f"answered with {version}", version, issuer)

    def _unverified_issuer(self) -> str:
        """Python shows no certificate that it refused: ask once more and believe nothing."""
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        began = time.monotonic()
        try:
            with contextlib.closing(self._connected(began)) as plain:
                return self._shake_hands(plain, trusting, began).issuer
        except (OSError, ValueError):
            return ""

    def _left(self, began: float) -> float:
        return max(0.05, began + self.timeout - time.monotonic())


def _all_at_once(visits: list[_Visit], timeout: float) -> list[Answer]:
    """Answers in the order of the visits: eight addresses behind a firewall take no longer than one."""
    answers = [
        Answer(TIMED_OUT, visit.address, f"nothing within {timeout:g} s", milliseconds=int(timeout * 1000))
        for visit in visits
    ]

    def run(number: int, visit: _Visit) -> None:
        answers[number] = visit.answer()

    threads = [threading.Thread(target=run, args=found, daemon=True) for found in enumerate(visits)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * timeout + 1)
    return list(answers)


def _resolve(name: str, port: int, timeout: float) -> list[tuple] | str:
    """[(family, address)], or why there is none. The system's resolver knows no timeout of ours: it is left behind."""
    outcome: list[t.Any] = []

    def run() -> None:
        try:
            outcome.append(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:  # ValueError: what can be no name, UnicodeError among them
            outcome.append(error)

    if not name:
        return "no name was given"
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout)
    if not outcome:
        return f"the resolver gives no answer about {name} within {timeout:g} s"
    if isinstance(outcome[0], list):
        places = dict.fromkeys((found[0], found[4]) for found in outcome[0])
        return list(places)[:MOST_ADDRESSES] or f"{name} has no address"
    error = outcome[0]
    if isinstance(error, ValueError):
        return f"{name!r} is no host name"
    if error.errno == socket.EAI_AGAIN:
        return f"the resolver gives no answer about {name}"
    return f"{name} does not resolve"


def _verifying(anchors: t.Sequence[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not anchors:
        context.load_default_certs()
        return context
    for path in anchors:
        try:
            context.load_verify_locations(cafile=path)
        except ssl.SSLError:
            raise Unreadable(f"{path} holds no certificate in PEM form") from None
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return context


def trusts_nobody() -> str:
    """Where the system's store should be, if it is empty (no package ca-certificates); else an empty text."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile and pathlib.Path(paths.cafile).is_file():
        return ""
    folder = paths.capath or paths.openssl_capath
    try:
        found = any(_HASHED.match(name) for name in os.listdir(folder))  # noqa: PTH208 - names are enough
    except OSError:
        found = False
    return "" if found else str(folder)


def _of_connection(error: OSError, timeout: float) -> tuple[str, str]:
    if isinstance(error, ConnectionRefusedError):
        return REFUSED, "connection refused"
    if isinstance(error, (socket.timeout, TimeoutError)) or error.errno == errno.ETIMEDOUT:
        return TIMED_OUT, f"no connection within {timeout:g} s"
    return UNREACHABLE, error.strerror or str(error)


def _of_handshake(error: Exception, timeout: float) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = str(error.verify_message or error).rstrip(".")
        if error.verify_code not in _NO_TRUSTED_END:
            return BAD_CERTIFICATE, detail
        return INTERCEPTED, detail
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return CLOSED, "closed the connection in the TLS handshake"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "").upper().replace(" ", "_")
        if reason in _PLAIN:
            return NOT_TLS, "what answered does not speak TLS"
        shown = str(error.reason).lower().replace("_", " ") if error.reason else _PLACE.sub("", str(error))
        return CLOSED, f"the TLS handshake failed: {shown}"
    if isinstance(error, (socket.timeout, TimeoutError)) or getattr(error, "errno", None) == errno.ETIMEDOUT:
        return TIMED_OUT, f"connected, but no answer in TLS within {timeout:g} s"
    if isinstance(error, OSError):
        return CLOSED, f"closed the connection in the TLS handshake ({error.strerror or error})"
    return BAD_CERTIFICATE, "a certificate cannot be valid for this name: " + str(error)[:200]


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
