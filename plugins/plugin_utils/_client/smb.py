# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""Pushing a file over SMB to the administrative share of the host's drive (library smbprotocol)."""

from __future__ import annotations

import contextlib
import pathlib

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


def available() -> bool:
    """Whether the library is there."""
    return SMB_ERROR is None


def share_path(host: str, path: str) -> str:
    """C:\\folder\\file on ``host`` as its administrative share has it."""
    drive, rest = path[:1], path[3:]
    return f"\\\\{host}\\{drive}$\\{rest}"


def push(host: str, user: str, password: str, source: str, path: str) -> None:
    """Write the file ``source`` to ``path`` of the host, from where an earlier attempt ended. DeliveryError when it fails."""
    if SMB_ERROR is not None:
        raise DeliveryError(
            "The Python library smbprotocol is missing",
            "controller",
            SMB_ERROR,
            "Install smbprotocol where Ansible runs, or set delivery to pull or channel",
        )
    target = share_path(host, path)
    total = pathlib.Path(source).stat().st_size
    try:
        # Signed always, by the library's default. One cache for each push: nothing is shared between hosts' tasks.
        cache: dict = {}
        options = {"username": user, "password": password, "connection_cache": cache, "connection_timeout": _TIMEOUT}
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
        finally:
            with contextlib.suppress(Exception):
                smbclient.reset_connection_cache(connection_cache=cache)
    except (SMBException, OSError, ValueError) as problem:
        raise DeliveryError(
            "The package could not be pushed over SMB",
            target,
            f"{type(problem).__name__}: {problem}"[:400],
            "Check that port 445 is open and that the account is an administrator of the host (for local accounts "
            "LocalAccountTokenFilterPolicy=1), or set delivery to pull or channel",
        ) from problem


def _size(target: str, options: dict) -> int:
    try:
        return smbclient.stat(target, **options).st_size
    except FileNotFoundError:
        return 0
    except OSError as problem:
        if getattr(problem, "errno", None) == 2:
            return 0
        raise
