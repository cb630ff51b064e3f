# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""A Runner over WinRM: native commands in one shell of a host, with deadlines, and without doing anything twice.

    with Channel.over(self._connection) as channel:
        answer = channel.run("reg import C:\\x.reg", deadline=30)

Without mishap a command costs Command, Receive (more than one for output that comes in pieces, and for silence beyond the
operation timeout) and Signal; the channel Create and Delete. The shell is opened by the first command. Signal tells the host
to forget a command that ended, and must come before the next Command ([MS-WSMV] 2.2.4.38); that is when it is sent. So the
last command has none: Delete frees everything of the shell (3.1.4.4.1).
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Callable, Mapping, Sequence

from . import files, wire
from .batching import Bundle, bundles, read
from .errors import ChannelError, DeadlineError, Lost
from .quoting import line
from .runner import Answer, Ask
from .session import PAUSES, Session, check_plugin

GATHER = (0.05, 1.0)
"""Seconds in which output may gather before more of it is asked for: at first, then double each time, at most.

So the number of requests grows with the logarithm of the time that a command writes, not with the number of its lines. Of a
line of questions it is seen how many were answered, and waited for as long as the others will take.
"""

REPEATS = 3
"""How often a question is asked whose answer got lost."""


class Channel:
    """Implements :class:`.runner.Runner`. Not for several threads."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._ended: tuple[str | None, str] | None = None
        """Shell and command that ended last, and that the host still remembers."""
        self._ways = files.all_ways()

    @classmethod
    def over(cls, connection: t.Any, **options: t.Any) -> Channel:
        """A channel over the connection of an action plugin. Raises Unsupported for another one than winrm."""
        check_plugin(connection)
        return cls(Session(connection, **options))

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def warnings(self) -> list[str]:
        """What a user should hear although nothing failed: a shell that could not be closed."""
        return self.session.warnings

    def close(self) -> None:
        """Delete the shell and hang up. Raises nothing, may be called twice; a later command opens another shell."""
        self.session.close()

    def run(self, command: str, *, stdin: bytes | None = None, deadline: float = 60.0) -> Answer:
        """See :class:`.runner.Runner`."""
        return self._execute(line(command), stdin, self.session.clock() + deadline, deadline)

    def batch(self, asks: Sequence[Ask], *, deadline: float = 60.0) -> dict[str, Answer]:
        """See :class:`.runner.Runner`."""
        end = self.session.clock() + deadline
        answers: dict[str, Answer] = {}
        waiting = bundles(asks)
        while waiting:
            bundle = waiting.pop(0)
            found, missing = read(bundle, self._ask(bundle, end, deadline))
            answers |= found
            if missing:
                # the first of them ended the line; if nothing ran at all, any of them may be no grammar
                alone = missing[:1] if found else missing
                waiting = [*(one for ask in alone for one in bundles([ask])), *bundles(missing[len(alone) :]), *waiting]
        return {ask.name: answers[ask.name] for ask in asks}

    def write_file(self, path: str, content: bytes, *, deadline: float = 120.0) -> None:
        """See :class:`.runner.Runner`."""
        files.write_file(self, path, content, self._ways, deadline=deadline, where=self.session.peer.where)

    def write_files(self, contents: Mapping[str, bytes], *, deadline: float = 120.0) -> None:
        """See :class:`.runner.Runner`."""
        files.write_files(self, contents, self._ways, deadline=deadline, where=self.session.peer.where)

    def read_file(self, path: str, *, limit: int = 1_000_000, deadline: float = 60.0) -> bytes:
        """See :class:`.runner.Runner`."""
        return files.read_file(self, path, limit=limit, deadline=deadline, where=self.session.peer.where)

    def _ask(self, bundle: Bundle, end: float, deadline: float) -> Answer:
        for number in range(1, REPEATS + 1):
            try:
                answer = self._execute(bundle.command, None, end, deadline, bundle.share)
            except Lost:
                if number == REPEATS or self.session.clock() >= end:
                    raise
                continue
            if answer.complete:
                return answer
        raise self._half("Its answer was cut off each time")

    def _execute(
        self, text: str, stdin: bytes | None, end: float, deadline: float, share: Callable[[bytes], float] | None = None
    ) -> Answer:
        if self._ended and self._ended[0] == self.session.shell:
            self._terminate(self._ended[1])
        self._ended = None
        started, first = self._start(text, end, console=stdin is None)
        try:
            if stdin is not None:
                self._feed(started, stdin, end, deadline)
            answer = self._collect(started, first, end, deadline, share)
        except DeadlineError as error:
            error.terminated = error.details["terminated"] = self._terminate(started)
            raise
        except ChannelError:
            # An installer goes on without us. Half an input may not count as all of it, and questions are asked again.
            if stdin is not None or share is not None:
                self._terminate(started)
            raise
        except BaseException:  # an interrupted task, too, leaves nothing running
            self._terminate(started)
            raise
        self._ended = (self.session.shell, started)
        return answer

    def _start(self, text: str, end: float, *, console: bool) -> tuple[str, wire.Received]:
        """Command. Its id, and what was received meanwhile if it had to be looked for after a lost connection.

        Where an earlier command has shown that the host uses our ids the same Command is sent again: it takes an id once only.
        Elsewhere a Command without an answer may have begun, and is not sent again.
        """
        session = self.session
        session.ready()
        wanted = session.new_id()
        sent = renewed = False
        refused = 0
        for pause in PAUSES:
            try:
                given = self._command(text, wanted, end, console=console)
            except wire.Fault as fault:
                if sent and (received := self._look_for(wanted, end)) is not None:
                    return wanted, received
                if sent:
                    raise self._half("The connection was lost while it was being started") from fault
                if fault.malformed and session.offer_ids and not session.own_ids:
                    session.offer_ids = False
                elif not renewed and (fault.unknown or fault.code == wire.OPERATIONS_QUOTA):
                    session.renew()  # it ended meanwhile, or its commands are used up; nothing was started
                    renewed = True
                else:
                    raise session.fault(fault, "a command") from fault
            except (wire.Gone, wire.Quiet) as trouble:
                gone = trouble if isinstance(trouble, wire.Gone) else wire.Gone(TimeoutError("Command timed out"))
                refused += gone.refused
                if session.clock() >= end or refused > 1:
                    raise session.lost(gone) from trouble
                sent = sent or not gone.unsent
                session.reconnect(pause)
                if sent and not session.own_ids:
                    raise self._half("The connection was lost while it was being started") from trouble
                if sent and (received := self._look_for(wanted, end)) is not None:
                    return wanted, received
            else:
                session.own_ids = session.own_ids or given == wanted
                return given, wire.Received()
        raise self._half("The connection was lost each time that it was to be started")

    def _command(self, text: str, wanted: str, end: float, *, console: bool) -> str:
        session = self.session
        shell = session.ready()
        offered = wanted if session.offer_ids else None
        return self._timed(end, lambda: wire.command(session.protocol, shell, text, offered, console=console))

    def _look_for(self, started: str, end: float) -> wire.Received | None:
        """What a command has written by now; None where the host does not know it."""
        session = self.session
        shell = session.ready()
        try:
            return session.persist(lambda: self._receive(shell, started, min(end, session.clock() + 1)), end)
        except wire.Quiet:
            return wire.Received()
        except wire.Fault as fault:
            if fault.unknown:
                return None
            raise session.fault(fault, "the question after a command") from fault

    def _receive(self, shell: str, started: str, end: float) -> wire.Received:
        return self._timed(end, lambda: wire.receive(self.session.protocol, shell, started))

    def _feed(self, started: str, stdin: bytes, end: float, deadline: float) -> None:
        """Send, piece by piece. A piece whose answer is lost may have arrived or not: then nothing can be made good."""
        session = self.session
        shell = session.ready()
        for start in range(0, max(1, len(stdin)), wire.SEND_BYTES):
            piece = stdin[start : start + wire.SEND_BYTES]
            last = start + wire.SEND_BYTES >= len(stdin)
            for attempt in range(3):
                if session.clock() >= end:
                    raise self._deadline_error(deadline, b"", b"")
                try:
                    wire.send(session.protocol, shell, started, piece, end=last)
                except wire.Quiet:
                    break  # under load the host takes the input and says so too late
                except wire.Gone as gone:
                    session.reconnect(PAUSES[1])
                    raise self._half("The connection was lost while its input was being sent") from gone
                except wire.Fault as fault:
                    if fault.code != wire.BUSY or attempt == 2:
                        return  # it has ended, or closed its input: what it wrote and its exit code tell more
                    session.pause(2.0)
                else:
                    break

    def _collect(
        self,
        started: str,
        first: wire.Received,
        end: float,
        deadline: float,
        share: Callable[[bytes], float] | None,
    ) -> Answer:
        session = self.session
        shell = session.ready()
        stdout, stderr = [first.stdout], [first.stderr]
        received = first
        reconnects = session.reconnects
        begun, gather = session.clock(), GATHER[0]
        while not received.done:
            if session.clock() >= end:
                raise self._deadline_error(deadline, b"".join(stdout), b"".join(stderr))
            try:
                received = session.persist(lambda: self._receive(shell, started, end), end)
            except wire.Quiet:
                continue
            except wire.Fault as fault:
                if fault.unknown or session.reconnects > reconnects:
                    raise self._half(
                        "The host knows it no more: its exit code was in an answer that got lost"
                    ) from fault
                raise session.fault(fault, "the wait for a command") from fault
            stdout.append(received.stdout)
            stderr.append(received.stderr)
            if not received.done:
                # a command that writes bit by bit would cost a request for each bit
                part = share(b"".join(stdout)) if share else 0.0
                if part:  # then the rest takes as long as it did until now, in proportion
                    gather = (session.clock() - begun) * (1 - part) / part
                session.pause(max(0.0, min(gather, GATHER[1], end - session.clock())))
                gather = 2 * gather
        if received.exit_code is None:
            self._terminate(started)
            raise self._half("The host ended it and tells no exit code, as it does when somebody closes the shell")
        return Answer(received.exit_code, b"".join(stdout), b"".join(stderr), complete=session.reconnects == reconnects)

    def _terminate(self, started: str) -> bool:
        """Signal; whether the host said that the command is no more."""
        session = self.session
        if session.shell is None or session.protocol is None:
            return False
        shell = session.shell
        try:
            session.persist(lambda: wire.terminate(session.protocol, shell, started), session.clock() + 10, tries=2)
        except wire.Fault as fault:
            return fault.unknown
        except (wire.Quiet, ChannelError):
            return False
        return True

    def _timed(self, end: float, request: Callable[[], t.Any]) -> t.Any:
        """A request that the host answers before ``end``: with what there is, or by Quiet."""
        protocol = self.session.protocol
        usual = protocol.operation_timeout_sec
        transport = getattr(protocol, "transport", None)
        patience = getattr(transport, "read_timeout_sec", usual + 10)
        seconds = max(1, min(usual, math.ceil(end - self.session.clock())))
        protocol.operation_timeout_sec = seconds
        if transport is not None:
            transport.read_timeout_sec = seconds + max(patience - usual, 5)
        try:
            return request()
        finally:
            protocol.operation_timeout_sec = usual
            if transport is not None:
                transport.read_timeout_sec = patience

    def _deadline_error(self, deadline: float, stdout: bytes, stderr: bytes) -> DeadlineError:
        peer = self.session.peer
        return DeadlineError(
            f"A command on {peer.host} did not end within {deadline:g} s",
            peer.where,
            "It waits for something: a dialog that nobody sees, a lock, the network; or it needs longer",
            "Look at what it wrote until then, and give it a longer deadline if it was only slow",
            stdout=stdout,
            stderr=stderr,
            terminated=False,
        )

    def _half(self, cause: str) -> Lost:
        peer = self.session.peer
        return Lost(
            f"Whether a command on {peer.host} ended well is not known",
            peer.where,
            cause,
            "Run it again: what was done is found, and not done twice",
        )
