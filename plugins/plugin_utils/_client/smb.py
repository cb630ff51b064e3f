# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Pushing a file over SMB to the administrative share of the host's drive (library smbprotocol)."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

from .errors import DeliveryError

try:
    import smbclient
    from smbprotocol.exceptions import SMBException

    SMB_ERROR: str | None = None
except ImportError as _problem:
    SMBException = OSError
    SMB_ERROR = str(_problem)

_CHUNK = 1024 * 1024
_TIMEOUT = 10
ATTEMPTS = 4
# STATUS_DISK_FULL, STATUS_QUOTA_EXCEEDED
_FULL = (0xC000007F, 0xC0000044)


def available() -> bool:
    """Whether the library is there."""
    return SMB_ERROR is None


def share_path(host: str, path: str) -> str:
    """C:\\folder\\file on ``host`` as its administrative share has it."""
    drive, rest = path[:1], path[3:]
    return f"\\\\{host}\\{drive}$\\{rest}"


def push(
    host: str,
    user: str,
    password: str,
    source: str,
    path: str,
    sleep: t.Callable[[float], None] = time.sleep,
) -> bool:
    """Write the file ``source`` to ``path`` of the host, from where an earlier attempt ended. DeliveryError when it fails.

    Broken off in the middle it goes on over a new connection. True: something was continued, its beginning is not ours.
    """
    if SMB_ERROR is not None:
        raise DeliveryError(
            "The Python library smbprotocol is missing",
            "controller",
            SMB_ERROR,
            "Install smbprotocol where Ansible runs, or set delivery to pull or channel",
        )
    target = share_path(host, path)
    continued = False
    for attempt in range(ATTEMPTS):
        written: list[int] = []
        try:
            return _push(target, user, password, source, written) or continued
        except (SMBException, OSError, ValueError) as problem:
            # A password that is wrong is never tried twice (accounts get locked); what moved may go on.
            if attempt + 1 == ATTEMPTS or not written or is_full(problem):
                raise _failed(problem, target) from problem
        continued = True
        sleep(2.0**attempt)
    return continued


def _push(target: str, user: str, password: str, source: str, written: list[int]) -> bool:
    """One attempt; ``written`` gets the sizes of what was written. Whether it continued what was there."""
    # Signed always, by the library's default. One cache for each push: nothing is shared between hosts' tasks.
    cache: dict = {}
    # An empty password would be tried, and count as a wrong one; without any, the account's Kerberos ticket is taken.
    account = {"username": user or None, "password": password or None}
    options = {**account, "connection_cache": cache, "connection_timeout": _TIMEOUT}
    total = pathlib.Path(source).stat().st_size
    try:
        there = _size(target, options)
        offset = there if there < total else 0
        with (
            pathlib.Path(source).open("rb") as local,
            smbclient.open_file(target, mode="ab" if offset else "wb", **options) as remote,
        ):
            local.seek(offset)
            while chunk := local.read(_CHUNK):
                remote.write(chunk)
                written.append(len(chunk))
        return bool(offset)
    finally:
        with contextlib.suppress(Exception):
            smbclient.reset_connection_cache(connection_cache=cache)


def is_full(problem: Exception) -> bool:
    """Whether the host says that its disk, or the account's part of it, is full (NTSTATUS of MS-ERREF)."""
    return getattr(problem, "ntstatus", getattr(problem, "status", 0)) in _FULL


def _failed(problem: Exception, target: str) -> DeliveryError:
    if is_full(problem):
        cause = "The disk of the host is full, or the account's quota there"
        remedy = "Free space there"
    else:
        cause = f"{type(problem).__name__}: {problem}"[:400]
        remedy = (
            "Check that port 445 is open and that the account is an administrator of the host (for local accounts "
            "LocalAccountTokenFilterPolicy=1), or set delivery to pull or channel"
        )
    return DeliveryError("The package could not be pushed over SMB", target, cause, remedy)


def _size(target: str, options: dict) -> int:
    try:
        return smbclient.stat(target, **options).st_size
    except FileNotFoundError:
        return 0
    except OSError as problem:
        if getattr(problem, "errno", None) == 2:
            return 0
        raise
