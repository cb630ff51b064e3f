"""The server: connections, who may speak, what is refused before a message is looked at, and the way of a message."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from . import backends, faults, messages, multipart
from .auth import Accounts, Login, Refused, bindings
from .config import Config, Listener
from .http import HEAD_LIMIT, Closed, Connection, Head
from .requestlog import RequestLog
from .rules import FAULTS, Rules
from .shells import Desktop

LOG = logging.getLogger(__name__)
SOAP = "application/soap+xml;charset=UTF-8"


@dataclass
class Session:
    """A connection and who is on it."""

    connection: Connection
    login: Login
    desktop: Desktop
    tls: bool
    # What stands in the log line of the present request.
    note: dict[str, object] = field(default_factory=dict)


class Endpoint:
    """All listeners of one process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.accounts = Accounts(config)
        self.rules = Rules(config.rules)
        self.log = RequestLog(config.log)
        self.desktops: dict[str, Desktop] = {}
        self._servers: list[asyncio.Server] = []
        self._sessions: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None

    async def listen(self) -> list[tuple[str, int, str]]:
        """Open the listeners; port 0 takes a free one. What was opened: address, port, scheme."""
        opened = []
        for listener in self.config.listeners:
            context = channel = None
            if listener.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(listener.certificate, listener.key or None)
                channel = bindings(Path(listener.certificate).read_bytes())
                if listener.client_authorities:
                    context.verify_mode = ssl.CERT_OPTIONAL
                    context.load_verify_locations(listener.client_authorities)
            server = await asyncio.start_server(
                self._handler(listener, channel),
                listener.address,
                listener.port,
                ssl=context,
                limit=HEAD_LIMIT,
                backlog=1024,
            )
            self._servers.append(server)
            opened += [(*item.getsockname()[:2], "https" if context else "http") for item in server.sockets]
        self._sweeper = asyncio.create_task(self._sweep())
        return opened

    async def close(self) -> None:
        """Stop: nobody is listened to, and no command runs any more."""
        for server in self._servers:
            server.close()
        if self._sweeper:
            self._sweeper.cancel()
        for task in list(self._sessions):
            task.cancel()
        for desktop in self.desktops.values():
            await desktop.forget()
            await desktop.backend.close()
        self.log.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            for desktop in list(self.desktops.values()):
                await desktop.sweep()

    def _desktop(self, address: str) -> Desktop:
        """The desktop behind an address: each address is one with backend `light`, else all are the same."""
        many = self.config.backend == "light"
        key = address if many else self.config.computer
        desktop = self.desktops.get(key)
        if desktop is None:
            backend = backends.make(self.config.backend, self.config.backend_options, key)
            desktop = self.desktops[key] = Desktop(key, self.config, backend)
        return desktop

    def _handler(self, listener: Listener, channel: object):
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            self._sessions.add(task)
            connection = Connection(reader, writer)
            tls = writer.get_extra_info("ssl_object")
            session = Session(
                connection,
                Login(self.accounts, channel, tls.getpeercert(binary_form=True) if tls else None),
                self._desktop(connection.local[0]),
                bool(listener.certificate),
            )
            try:
                while await self._request(session):
                    pass
            except (Closed, asyncio.CancelledError):
                pass
            except Exception:
                LOG.exception("the endpoint itself failed")
            finally:
                self._sessions.discard(task)
                writer.close()

        return handle

    async def _request(self, session: Session) -> bool:
        """One request. False when the connection ends with it."""
        connection = session.connection
        head = await connection.head()
        if self.config.latency:
            await asyncio.sleep(self.config.latency)
        session.note = {}
        limit = self.config.quotas.max_envelope_kb * 1024
        keep = head.headers.get("connection", "").casefold() != "close"
        if head.length < 0 or head.length > limit + 4096:
            # The body is not read, so nothing can follow on this connection.
            return await self._reply(session, head, 411 if head.length < 0 else 413, [], b"", keep=False)
        body = await connection.body(head.length)
        if head.path.split("?", 1)[0].rstrip("/").casefold() != "/wsman":
            return await self._reply(session, head, 404, [], b"", keep)
        if head.method != "POST":
            return await self._reply(session, head, 405, [("Allow", "POST")], b"", keep)
        extra: list[tuple[str, str]] = []
        header = head.headers.get("authorization")
        if header or session.login.user is None:
            try:
                step = session.login.step(header) if header else None
            except Refused as refused:
                session.note["refused"] = str(refused)
                step = None
            if step is None or not step.complete:
                challenges = [("WWW-Authenticate", value) for value in session.login.challenges()]
                if step is not None:
                    challenges = [("WWW-Authenticate", f"{session.login.scheme} {_base64(step.token)}")]
                return await self._reply(session, head, 401, challenges, b"", keep)
            if step.token:
                extra.append(("WWW-Authenticate", f"{session.login.scheme} {_base64(step.token)}"))
        if not body:
            return await self._reply(session, head, 200, extra, b"", keep)
        return await self._message(session, head, body, extra, keep)

    async def _message(
        self, session: Session, head: Head, body: bytes, extra: list[tuple[str, str]], keep: bool
    ) -> bool:
        """A request with a body from somebody who is logged on."""
        protocol = multipart.protocol(head.headers.get("content-type", ""))
        if protocol:
            try:
                body = session.login.decrypt(body)
            except Refused as refused:
                session.note["refused"] = str(refused)
                return await self._reply(session, head, 400, extra, b"", keep=False)
        elif not session.tls:
            # AllowUnencrypted=false: Windows writes an event and answers 500 without a body.
            session.note["refused"] = "unencrypted"
            return await self._reply(session, head, 500, extra, b"", keep)
        if len(body) > self.config.quotas.max_envelope_kb * 1024:
            return await self._reply(session, head, 413, extra, b"", keep=False)
        relates_to, verb = "", ""
        try:
            request = messages.parse(body)
            relates_to, verb = request.message_id, request.verb
        except faults.Fault as fault:
            return await self._answer(
                session, head, messages.fault(fault, "", self.config.computer), 500, protocol, extra, {}
            )
        user = session.login.user
        session.note |= {"verb": verb, "shell": request.selectors.get("SHELLID", ""), **self._line(request)}
        if verb == "Receive":
            session.note["timeout"] = request.timeout
        rule = self.rules.find(session.desktop.name, verb, user.name)
        action = rule.get("do", "")
        if action == "reset_before":
            return self._reset(session, head, "reset_before")
        if action == "delay":
            await asyncio.sleep(float(rule.get("seconds", 1)))
        if action == "forget":
            await session.desktop.forget()
            session.login.user = None
            challenges = [("WWW-Authenticate", value) for value in session.login.challenges()]
            return await self._reply(session, head, 401, challenges, b"", keep)
        if action == "status":
            return await self._reply(session, head, int(rule["status"]), extra, b"", keep)
        status = 200
        try:
            if action == "fault":
                raise FAULTS[rule["fault"]]()
            answer = messages.answer(request, await self._act(session, request))
        except faults.Fault as fault:
            status = fault.status
            session.note["fault"] = fault.code
            answer = messages.fault(fault, relates_to, self.config.computer)
        if action == "reset_after":
            return self._reset(session, head, "reset_after")
        return await self._answer(session, head, answer, status, protocol, extra, rule)

    async def _act(self, session: Session, request: messages.Request) -> str:
        """Do it. A Receive whose client goes away meanwhile is given up, so that its output is left for the next one."""
        work = asyncio.ensure_future(session.desktop.act(request, session.login.user, session.connection.peer[0]))
        if request.verb != "Receive":
            return await work
        away = asyncio.ensure_future(session.connection.gone())
        try:
            await asyncio.wait({work, away}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Closed
            return work.result()
        finally:
            work.cancel()
            away.cancel()
            await asyncio.gather(away, work, return_exceptions=True)

    def _line(self, request: messages.Request) -> dict[str, object]:
        """What the log says of a command line: its program and length, the line itself only when the configuration says so."""
        if request.verb != "Command":
            return {}
        parts = [item.text or "" for item in request.body.iter() if item.tag.endswith(("}Command", "}Arguments"))]
        line = " ".join(parts)
        note: dict[str, object] = {"program": (line.split() or [""])[0], "length": len(line)}
        return note | {"line": line} if self.config.log_commands else note

    async def _answer(
        self,
        session: Session,
        head: Head,
        answer: bytes,
        status: int,
        protocol: str,
        extra: list[tuple[str, str]],
        rule: dict[str, object],
    ) -> bool:
        kind = SOAP
        if protocol:
            kind, answer = session.login.encrypt(answer, protocol)
        headers = [("Content-Type", kind), *extra]
        if rule.get("do") == "truncate":
            data = session.connection.encode(status, headers, answer, close=False)
            await session.connection.send(data[: len(data) // 2])
            return self._reset(session, head, "truncate")
        return await self._reply(session, head, status, headers, answer, True)

    def _reset(self, session: Session, head: Head, how: str) -> bool:
        self._write(session, head, 0, 0, rule=how)
        session.connection.reset()
        return False

    async def _reply(
        self, session: Session, head: Head, status: int, headers: list[tuple[str, str]], body: bytes, keep: bool
    ) -> bool:
        data = session.connection.encode(status, headers, body, close=not keep)
        self._write(session, head, status, len(data))
        await session.connection.send(data)
        return keep

    def _write(self, session: Session, head: Head, status: int, size: int, rule: str = "") -> None:
        user = session.login.user
        self.log.write(
            desktop=session.desktop.name,
            client="{}:{}".format(*session.connection.peer[:2]),
            scheme="https" if session.tls else "http",
            mechanism=session.login.mechanism,
            user=user.name if user else "",
            status=status,
            received=head.size + max(head.length, 0),
            sent=size,
            shells=len(session.desktop.shells),
            rule=rule,
            **session.note,
        )


def _base64(data: bytes | None) -> str:
    return base64.b64encode(data or b"").decode()
