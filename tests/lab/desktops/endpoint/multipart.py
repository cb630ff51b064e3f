"""Encrypted bodies: multipart/encrypted as in [MS-WSMV] 2.2.9.1, which is no MIME that a MIME parser understands."""

from __future__ import annotations

import re
import struct

BOUNDARY = b"--Encrypted Boundary"
SPNEGO = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS = "application/HTTP-Kerberos-session-encrypted"


class MultipartError(Exception):
    """The body is not what its content type says."""


def protocol(content_type: str) -> str:
    """The protocol in a Content-Type header when the body is encrypted, else nothing."""
    if not content_type.lower().startswith("multipart/encrypted"):
        return ""
    found = re.search(r'protocol="?([^";]+)"?', content_type, re.IGNORECASE)
    return found.group(1) if found else SPNEGO


def unpack(body: bytes) -> tuple[bytes, bytes, int]:
    """Signature, ciphertext and the length of the plain text. Raises MultipartError."""
    parts = body.split(BOUNDARY, 2)
    if len(parts) != 3 or parts[0] or not body.endswith(BOUNDARY + b"--\r\n"):
        raise MultipartError("no encrypted boundary")
    length = re.search(rb"Length=(\d+)", parts[1])
    start = parts[2].find(b"application/octet-stream\r\n")
    if not length or start < 0:
        raise MultipartError("no length, or no octet stream")
    payload = parts[2][start + len(b"application/octet-stream\r\n") : -len(BOUNDARY + b"--\r\n")]
    if len(payload) < 4:
        raise MultipartError("no signature")
    (size,) = struct.unpack("<I", payload[:4])
    if size > len(payload) - 4:
        raise MultipartError("signature longer than the body")
    return payload[4 : 4 + size], payload[4 + size :], int(length.group(1))


def pack(header: bytes, data: bytes, plain: int, name: str) -> tuple[str, bytes]:
    """Content type and body for a message of `plain` bytes (padding included) that was encrypted."""
    body = (
        BOUNDARY + b"\r\n"
        b"\tContent-Type: " + name.encode() + b"\r\n"
        b"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=" + str(plain).encode() + b"\r\n"
        + BOUNDARY + b"\r\n"
        b"\tContent-Type: application/octet-stream\r\n" + struct.pack("<I", len(header)) + header + data + BOUNDARY + b"--\r\n"
    )  # fmt: skip
    return f'multipart/encrypted;protocol="{name}";boundary="Encrypted Boundary"', body
