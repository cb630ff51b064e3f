# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Why a download did not come to its end: each reason with a text of its own, and what another attempt may mend."""

from __future__ import annotations

import errno
import socket
import typing as t
import urllib.error

from ansible.module_utils.urls import SSLValidationError

from .errors import PackageError

MOST = 8 << 30
# Faults of the own disk: asking the server again does not mend them.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)


class NotFetched(PackageError):
    """The download did not come to its end. What came is kept, the next run goes on from there."""


class WrongHash(PackageError):
    """Another file than the one that was wanted."""


class Why(t.NamedTuple):
    """Why an attempt failed that may be repeated."""

    reason: str
    cause: str = "The server or the network between was interrupted, or a proxy is needed"
    remedy: str = "Run again, it goes on where it stopped; or set https_proxy, or copy the file to the controller"


def too_big(size: int, where: str) -> NotFetched:
    return NotFetched(
        f"The file is too big for a package: {size} bytes or more, {MOST} at most",
        where,
        "The URL is that of something else",
        "Correct the URL, or copy the file to the controller",
    )


def because(error: Exception, where: str, ca_path: str) -> Why:
    """Why an attempt failed; what another attempt cannot mend is raised."""
    if isinstance(error, SSLValidationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        raise NotFetched(
            "The server's certificate is not trusted",
            where,
            "It was issued by the company's own authority, is for another name, or has expired",
            "Name a PEM file with the authority (ca_path)"
            if not ca_path
            else f"Compare the authority in {ca_path} with the server's",
        ) from error
    if isinstance(error, urllib.error.HTTPError):
        if error.code < 500 and error.code not in (408, 429):
            raise NotFetched(
                f"The server answers {error.code} {error.reason}",
                where,
                "It wants a password, or refuses the one that the URL holds"
                if error.code in (401, 403, 407)
                else "The file is not there, or nobody may read it without a password",
                "Correct the URL",
            ) from error
        return Why(f"the server answers {error.code} {error.reason}")
    if isinstance(error, OSError) and error.errno in DISK:
        raise NotFetched(
            f"The package cannot be written on the controller: {error.strerror} ({error.filename or 'cache'})",
            where,
            "The disk is full or read-only, or the folder belongs to another user",
            "Make room, correct the permissions, or set XDG_CACHE_HOME",
        ) from error
    reason = getattr(error, "reason", None) or error
    text = str(reason) or type(error).__name__
    if isinstance(reason, socket.gaierror):
        return Why(
            f"the server's name is not found ({text})",
            "The name is wrong, or the controller's name servers do not know it or do not answer",
            "Correct the URL; try it on the controller: getent hosts NAME",
        )
    if isinstance(reason, ConnectionRefusedError):
        return Why(
            f"the server refuses the connection ({text})",
            "Nothing listens on this port, or a firewall refuses",
            "Start the web server, or correct the port in the URL",
        )
    return Why(text)


def wrong(found: str, digest: str, where: str) -> WrongHash:
    return WrongHash(
        f"The file is another one: its SHA-256 is {found}, not {digest}",
        where,
        "There is a new version under the same name, or somebody exchanged it",
        "Compare with the vendor's SHA-256, and correct the option only when that one is right",
        found=found,
        wanted=digest,
    )
