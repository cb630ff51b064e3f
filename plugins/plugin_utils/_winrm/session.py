# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The login, the shell and new connections: what a channel needs before a command can run.

Authentication, encryption and certificates are all of Ansible's own ``winrm`` connection plugin: its ``_connect()`` makes the
Protocol, so every inventory that works for it works here. Only its open_shell is left out, by giving it a shell id first
(it opens one where it has none): so errors arrive as they were raised, the shell's id is known before the request is sent,
and a shell that nobody deletes ends by itself. Where several transports are to be tried the plugin opens the shell, as only
that tells which one works.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Callable

from . import wire
from .diagnosis import Peer, explain
from .errors import Broken, ChannelError, Lost, QuotaReached, Refused, Unsupported

IDLE_TIMEOUT = 900
"""Seconds without requests after which the host ends a shell that a killed controller left."""

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
"""Seconds before each new connection after one was lost."""

T = t.TypeVar("T")


class Session:
    """One shell on one host, over as many connections as it takes."""

    def __init__(
        self,
        connection: t.Any,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        new_id: Callable[[], str] = wire.new_id,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.pause = pause
        self.new_id = new_id
        self.shell: str | None = None
        self.offer_ids = True
        """Commands are sent with an id of ours; not to a host that refused one."""
        self.own_ids = False
        """A command of this session has got the id that was offered: the host takes them, and takes each one once."""
        self.warnings: list[str] = []
        self.reconnects = 0
        """How often a new connection had to be made: who compares it knows whether an answer may have been lost."""
        self._talked = False

    @property
    def protocol(self) -> t.Any:
        return self.connection.protocol

    @property
    def peer(self) -> Peer:
        transport = getattr(self.protocol, "transport", None)
        endpoint = str(getattr(transport, "endpoint", "") or "")
        methods = self._transports()
        method = str(getattr(transport, "auth_method", "") or (methods[0] if methods else ""))
        return Peer(
            str(self._option("remote_addr") or "the host"), endpoint, str(self._option("remote_user") or ""), method
        )

    def ready(self) -> str:
        """The id of a shell in which commands can be started; opens one where there is none."""
        if self.shell is None or self.protocol is None:
            self._adopt_or_open()
        return t.cast(str, self.shell)

    def persist(self, request: Callable[[], T], end: float, *, tries: int = len(PAUSES)) -> T:
        """What a request brings that may be sent twice, over new connections if need be.

        Quiet and Fault pass. Raises Lost after the last try or at ``end``, Refused when the host lets nobody in any more.
        """
        refused = 0
        for number in range(tries):
            try:
                return request()
            except wire.Gone as gone:
                refused += gone.refused
                if number + 1 == tries or self.clock() >= end or refused > 1:
                    raise self.lost(gone) from gone
                self.reconnect(PAUSES[number])
        raise AssertionError("tries is at least 1")

    def reconnect(self, delay: float = 0.0) -> None:
        """Forget the connection and log in again; the shell stays what it is."""
        self.reconnects += 1
        if delay:
            self.pause(delay)
        wire.hang_up(self.protocol)
        self.connection.protocol = None
        self._login(self.shell)

    def lost(self, gone: wire.Gone) -> ChannelError:
        """The error for a connection that could not be had back."""
        reason = explain(gone.cause, self.peer)
        if isinstance(reason, Refused) or not self._talked:
            return reason
        return Lost(
            f"The connection to {self.peer.host} was lost",
            self.peer.where,
            f"{reason.what}. {reason.cause}",
            "Run it again when the host can be reached: what was done is found, and not done twice",
            said=str(gone)[:400],
        )

    def fault(self, fault: wire.Fault, doing: str) -> ChannelError:
        """The error for a fault that nothing here can help."""
        if fault.quota:
            return QuotaReached(
                f"{self.peer.host} runs no more shells or commands for {self.peer.user or 'this account'}",
                self.peer.where,
                "Its WinRM quota is used up: other runs of this account, or shells that were never closed",
                "Let one run at a time use this account on a host, look with winrm enumerate shell, or raise"
                " MaxShellsPerUser and MaxConcurrentOperationsPerUser",
                code=fault.code,
                said=fault.reason,
            )
        if fault.code == wire.ACCESS_DENIED:
            return explain(RuntimeError("access is denied"), self.peer)
        return Broken(
            f"{self.peer.host} answered {doing} with a fault",
            self.peer.where,
            f"It says: {fault.reason or 'nothing'}",
            "Look for the code in the event log Microsoft-Windows-WinRM/Operational of the host",
            code=fault.code,
            said=fault.reason,
        )

    def renew(self) -> None:
        """Delete the shell, as well as that goes, and open another."""
        old, self.shell = self.shell, None
        self.connection.shell_id = None
        if old:
            with contextlib.suppress(wire.Quiet, wire.Fault, wire.Gone):
                wire.delete(self.protocol, old)
        self._open()

    def close(self) -> None:
        """Delete the shell and hang up. Raises nothing, may be called twice."""
        connection, shell = self.connection, self.shell
        if shell is None and getattr(connection, "protocol", None):
            shell = getattr(connection, "shell_id", None)
        try:
            if shell and self.protocol:
                self._delete(shell)
            elif shell:
                self._left_behind(shell, "there is no connection any more")
        finally:
            wire.hang_up(getattr(connection, "protocol", None))
            self.shell = None
            connection.shell_id = None
            connection.protocol = None
            connection._connected = False

    def _delete(self, shell: str) -> None:
        try:
            self.persist(lambda: wire.delete(self.protocol, shell), self.clock() + 20, tries=3)
        except wire.Fault as fault:
            if not fault.unknown:
                self.warnings.append(f"{self.peer.host} did not close the shell {shell}: {fault.reason}")
        except (wire.Quiet, ChannelError) as error:
            self._left_behind(shell, str(error) or "it did not answer in time")

    def _left_behind(self, shell: str, why: str) -> None:
        self.warnings.append(
            f"The shell {shell} may be left on {self.peer.host}, which ends it after some time without requests: {why}"
        )

    def _adopt_or_open(self) -> None:
        connection = self.connection
        if connection.protocol is not None and connection.shell_id:
            self.shell = connection.shell_id
            self._talked = True
        elif self.shell is not None:
            self._login(self.shell)
        else:
            self._login(None)
            if self.shell is None:
                self._open()

    def _login(self, shell: str | None) -> None:
        """A Protocol of the plugin; with several transports and no shell yet also the shell."""
        connection = self.connection
        several = len(self._transports()) > 1 and shell is None
        connection.shell_id = None if several else (shell or "not-yet-opened")
        try:
            connection._connect()
        except Exception as error:  # AnsibleError's children, and what kinit, GSSAPI or requests raise through it
            connection.protocol = None
            connection.shell_id = None
            raise explain(error, self.peer) from error
        if several:
            self.shell = connection.shell_id
            self._talked = self.shell is not None
            with contextlib.suppress(Exception):  # a new connection is to use the one that worked
                connection.set_option("transport", [connection.protocol.transport.auth_method])
        elif shell is None:
            connection.shell_id = None

    def _open(self) -> None:
        """Create. One whose answer was lost is deleted by its id before another is created."""
        wanted: str | None = self.new_id()
        for number in range(4):
            try:
                given = wire.create(self.protocol, wanted, IDLE_TIMEOUT)
            except wire.Quiet:
                self._drop(wanted)
            except wire.Gone as gone:
                reason = explain(gone.cause, self.peer)
                transient = reason.details.get("reason") in ("closed", "service") or self._talked
                if gone.refused or not transient or number == 3:
                    raise reason from gone
                self.reconnect(PAUSES[number + 1])
                self._drop(wanted)
                wanted = self.new_id() if wanted else None
            except wire.Fault as fault:
                if fault.quota or fault.code == wire.ACCESS_DENIED or wanted is None:
                    raise self.fault(fault, "the opening of a shell") from fault
                wanted = None  # an old host that knows neither a client's id nor this idle timeout
                self.offer_ids = False
            else:
                self.shell = self.connection.shell_id = given
                self._talked = True
                self.connection._connected = True
                return
        raise self.fault(wire.Fault(0, "", "no answer to Create in time"), "the opening of a shell")

    def _drop(self, shell: str | None) -> None:
        """Delete a shell that may have been opened."""
        if shell:
            with contextlib.suppress(wire.Quiet, wire.Fault, wire.Gone):
                wire.delete(self.protocol, shell)

    def _transports(self) -> list[str]:
        value = self._option("transport")
        return [str(one) for one in value if one] if isinstance(value, (list, tuple)) else []

    def _option(self, name: str) -> t.Any:
        try:
            return self.connection.get_option(name)
        except Exception:  # an option that this version of the plugin has not, or a plugin without options yet
            return None


def check_plugin(connection: t.Any) -> None:
    """Raise Unsupported for a connection that is not Ansible's winrm."""
    name = str(
        getattr(connection, "ansible_name", "") or getattr(connection, "transport", "") or type(connection).__name__
    )
    if (
        getattr(connection, "transport", "") == "winrm"
        and hasattr(connection, "protocol")
        and hasattr(connection, "shell_id")
    ):
        return
    raise Unsupported(
        f"The connection {name} is not supported yet",
        "controller",
        "This collection speaks to Windows over ansible.builtin.winrm only",
        "Set ansible_connection to winrm for this host; everything else of the inventory can stay",
    )
