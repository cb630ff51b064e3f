# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shells of the host by their ids, for the plugins of the tests."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.onprem.chat.plugins.plugin_utils._winrm import wire


@contextlib.contextmanager
def logged_in(connection: t.Any) -> t.Iterator[t.Any]:
    """A Protocol of the connection plugin, without a shell of its own."""
    connection.shell_id = "not-yet-opened"
    connection._connect()
    try:
        yield connection.protocol
    finally:
        wire.hang_up(connection.protocol)
        connection.shell_id = connection.protocol = None
        connection._connected = False


def gone(protocol: t.Any, shell: str) -> bool:
    """Whether the host knew nothing of it; it does not afterwards."""
    try:
        wire.delete(protocol, shell)
    except wire.Fault as fault:
        return fault.unknown
    return False
