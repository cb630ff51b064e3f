"""Encrypted bodies: multipart/encrypted as in [MS-WSMV] 2.2.9.1, which is no MIME that a MIME parser understands."""

from __future__ import annotations

import re
import struct

BOUNDARY = b"--Encrypted Boundary"
SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"
CREDSSP = "application/HTTP-CredSSP-session-encrypted"


class MultipartError(Exception):
    """The body is not what its content type says."""


def protocol(content_type: str) -> str:
    """The protocol in a Content-Type header when the body is encrypted, else nothing."""
    if not content_type.lower().startswith(("multipart/encrypted", "multipart/x-multi-encrypted")):
        return ""
    found = re.search(r'protocol="?([^";]+)"?', content_type, re.IGNORECASE)
    return found.group(1) if found else SPNEGO


def unpack(body: bytes) -> list[tuple[bytes, bytes, int]]:
    """Signature, ciphertext and length of the plain text of each piece. Raises MultipartError."""
    end = BOUNDARY + b"--\r\n"
    parts = body.removesuffix(end).split(BOUNDARY + b"\r\n")
    if not body.endswith(end) or parts[0] or len(parts) < 3 or len(parts) % 2 == 0:
        raise MultipartError("no encrypted boundary")
    return [_piece(head, payload) for head, payload in zip(parts[1::2], parts[2::2], strict=True)]


def _piece(head: bytes, payload: bytes) -> tuple[bytes, bytes, int]:
    length = re.search(rb"Length=(\d+)", head)
    _before, stream, payload = payload.partition(b"application/octet-stream\r\n")
    if not length or not stream:
        raise MultipartError("no length, or no octet stream")
    if len(payload) < 4:
        raise MultipartError("no signature")
    (size,) = struct.unpack("<I", payload[:4])
    if size > len(payload) - 4:
        raise MultipartError("signature longer than the body")
    return payload[4 : 4 + size], payload[4 + size :], int(length.group(1))


def pack(pieces: list[tuple[bytes, bytes, int]], name: str) -> tuple[str, bytes]:
    """Content type and body of encrypted pieces: signature, ciphertext, length of the plain text (padding included)."""
    body = b"".join(
        BOUNDARY + b"\r\n"
        b"\tContent-Type: " + name.encode() + b"\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + str(plain).encode() + b"\r\n"
        + BOUNDARY + b"\r\n"
        b"\tContent-Type: application/octet-stream\r\n" + struct.pack("<I", len(header)) + header + data
        for header, data, plain in pieces
    )  # fmt: skip
    kind = "multipart/encrypted" if len(pieces) == 1 else "multipart/x-multi-encrypted"
    return f'{kind};protocol="{name}";boundary="Encrypted Boundary"', body + BOUNDARY + b"--\r\n"
