"""Shells and commands of one desktop, with the quotas and the life that Windows gives them ([MS-WSMV] 3.1.4)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
import uuid
from collections.abc import Container
from dataclasses import dataclass, field

from . import faults, messages
from .backends.base import Backend, Job, MissingDirectory, MissingProgram, Process
from .config import Config, User
from .messages import R, Request

# What one answer holds beside base64: envelope, stream elements.
OVERHEAD = 4096
INPUT_LIMIT = 4_000_000


@dataclass
class Command:
    """A command that runs or ran in a shell."""

    ident: str
    process: Process
    receiving: bool = False
    input_ended: bool = False
    gone: bool = False
    done: bool = False


@dataclass
class Shell:
    """A shell of one user."""

    ident: str
    owner: User
    code_page: int
    directory: str
    idle_timeout: float
    environment: dict[str, str]
    commands: dict[str, Command] = field(default_factory=dict)
    starting: set[str] = field(default_factory=set)
    ended: list[Process] = field(default_factory=list)  # commands that the client forgot already
    operations: int = 0  # WinRS counts commands up and never down
    last_used: float = field(default_factory=time.monotonic)


def _ident() -> str:
    return str(uuid.uuid4()).upper()


class Desktop:
    """One desktop: its shells, and the actions on them. Every action returns the body of the answer, or raises Fault."""

    def __init__(self, name: str, config: Config, backend: Backend) -> None:
        self.name = name
        self.config = config
        self.backend = backend
        self.shells: dict[str, Shell] = {}

    async def act(self, request: Request, user: User, client: str) -> str:
        """Do what the request says."""
        if not user.administrator:
            raise faults.access_denied()
        # Windows compares resource URIs without regard to case.
        if request.resource.casefold() != messages.CMD.casefold():
            raise faults.unknown_resource(request.resource)
        if request.action == f"{messages.TRANSFER}/Create":
            return self._create(request, user, client)
        shell = self._shell(request, user)
        shell.last_used = time.monotonic()
        try:
            if request.action == f"{messages.TRANSFER}/Delete":
                await self.end(shell)
                return ""
            if request.action == f"{messages.SHELL}/Command":
                return await self._command(request, shell)
            if request.action == f"{messages.SHELL}/Send":
                return await self._send(request, shell)
            if request.action == f"{messages.SHELL}/Receive":
                return await self._receive(request, shell)
            if request.action == f"{messages.SHELL}/Signal":
                return await self._signal(request, shell)
        finally:
            shell.last_used = time.monotonic()
        raise faults.unknown_action()

    def _shell(self, request: Request, user: User) -> Shell:
        ident = request.selectors.get("SHELLID", "")
        shell = self.shells.get(ident.upper())
        if shell is None or shell.owner != user:
            raise faults.unknown_shell(ident)
        return shell

    def _create(self, request: Request, user: User, client: str) -> str:
        quotas = self.config.quotas
        wanted = request.body.find(f"{R}Shell")
        if wanted is None:
            raise faults.bad_message("The SOAP body has no Shell.")
        if sum(shell.owner == user for shell in self.shells.values()) >= quotas.max_shells_per_user:
            raise faults.too_many_shells(quotas.max_shells_per_user)
        idle = wanted.findtext(f"{R}IdleTimeOut") or wanted.findtext(f"{R}IdleTimeout")
        code_page = request.options.get("WINRS_CODEPAGE", "")
        if code_page and not code_page.isdigit():
            raise faults.wrong_parameter()
        shell = Shell(
            ident=self._chosen(wanted.get("ShellId"), self.shells),
            owner=user,
            code_page=int(code_page or 437),
            directory=wanted.findtext(f"{R}WorkingDirectory") or "",
            idle_timeout=min(messages.duration(idle), quotas.idle_timeout) if idle else quotas.idle_timeout,
            environment={
                item.get("Name", ""): item.text or "" for item in wanted.iterfind(f"{R}Environment/{R}Variable")
            },
        )
        self.shells[shell.ident] = shell
        details = {
            "ShellId": shell.ident,
            "ResourceUri": messages.CMD,
            "Owner": f"{user.domain}\\{user.name}" if user.realm else user.name,
            "ClientIP": client,
        }
        if shell.directory:
            details["WorkingDirectory"] = shell.directory
        details |= {
            "IdleTimeOut": f"PT{shell.idle_timeout:.3f}S",
            "InputStreams": wanted.findtext(f"{R}InputStreams") or "stdin",
            "OutputStreams": wanted.findtext(f"{R}OutputStreams") or "stdout stderr",
            "ShellRunTime": "P0DT0H0M0S",
            "ShellInactivity": "P0DT0H0M0S",
        }
        return messages.created(request, details)

    def _chosen(self, wanted: str | None, taken: Container[str]) -> str:
        """An id; the client's own where the host takes such (wsman.h: WSManCreateShellEx, WSManRunShellCommandEx), once."""
        if not wanted or not self.config.client_ids:
            return _ident()
        if wanted.upper() in taken:
            raise faults.already_exists()
        return wanted.upper()

    async def _command(self, request: Request, shell: Shell) -> str:
        quotas = self.config.quotas
        wanted = request.body.find(f"{R}CommandLine")
        command = (wanted.findtext(f"{R}Command") or "") if wanted is not None else ""
        if wanted is None or not command.strip():
            raise faults.wrong_parameter()
        operations = sum(item.operations for item in self.shells.values() if item.owner == shell.owner)
        if operations >= quotas.max_operations_per_user:
            raise faults.too_many_operations(quotas.max_operations_per_user)
        if sum(item.process.exit_code is None for item in shell.commands.values()) >= quotas.max_processes_per_shell:
            raise faults.too_many_processes()
        ident = self._chosen(wanted.get("CommandId"), {**shell.commands, **dict.fromkeys(shell.starting)})
        shell.starting.add(ident)
        job = Job(
            line=" ".join([command, *(item.text or "" for item in wanted.iterfind(f"{R}Arguments"))]),
            skip_shell=request.options.get("WINRS_SKIP_CMD_SHELL", "").upper() in ("TRUE", "1"),
            console=request.options.get("WINRS_CONSOLEMODE_STDIN", "FALSE").upper() in ("TRUE", "1"),
            code_page=shell.code_page,
            user=shell.owner.name,
            directory=shell.directory,
            environment=shell.environment,
        )
        try:
            process = await self.backend.start(job)
        except MissingProgram:
            raise faults.file_not_found() from None
        except MissingDirectory:
            text = "The directory name is invalid. "
            raise faults.Fault("Receiver", "w:InternalError", 2147942667, text, provider=True) from None
        finally:
            shell.starting.discard(ident)
        if self.shells.get(shell.ident) is not shell:
            await process.terminate()
            raise faults.unknown_shell(shell.ident)
        shell.commands[ident] = Command(ident, process)
        shell.operations += 1
        return f"<rsp:CommandResponse><rsp:CommandId>{ident}</rsp:CommandId></rsp:CommandResponse>"

    @staticmethod
    def _find(shell: Shell, ident: str | None) -> Command:
        if not ident:
            raise faults.wrong_parameter()
        command = shell.commands.get(ident.upper())
        if command is None:
            raise faults.unknown_command()
        return command

    async def _send(self, request: Request, shell: Shell) -> str:
        streams = list(request.body.iterfind(f"{R}Send/{R}Stream"))
        if not streams:
            raise faults.wrong_parameter()
        for stream in streams:
            command = self._find(shell, stream.get("CommandId"))
            if stream.get("Name") != "stdin":
                raise faults.wrong_parameter()
            end = (stream.get("End") or "").casefold() in ("true", "1")
            try:
                data = base64.b64decode("".join((stream.text or "").split()), validate=True)
            except binascii.Error:
                raise faults.wrong_parameter() from None
            if command.input_ended or command.process.exit_code is not None:
                raise faults.input_closed()
            command.input_ended = end
            try:
                await asyncio.wait_for(command.process.feed(data, end), request.timeout)
            except (BrokenPipeError, ConnectionError):
                raise faults.input_closed() from None
            except TimeoutError:
                raise faults.timed_out() from None
        return "<rsp:SendResponse/>"

    async def _receive(self, request: Request, shell: Shell) -> str:
        wanted = request.body.find(f"{R}Receive/{R}DesiredStream")
        command = self._find(shell, wanted.get("CommandId") if wanted is not None else None)
        # Done was said: there is nothing to receive any more, whether the answer arrived or not.
        if command.done:
            raise faults.unknown_command()
        # Two at once are refused; one whose connection ended may need a moment to be noticed.
        patience = time.monotonic() + 1.0
        while command.receiving:
            if time.monotonic() > patience:
                raise faults.busy()
            await asyncio.sleep(0.02)
        process = command.process
        command.receiving = True
        try:
            deadline = time.monotonic() + min(request.timeout, self.config.quotas.max_timeout)
            while not process.pieces and process.exit_code is None:
                process.changed.clear()
                try:
                    await asyncio.wait_for(process.changed.wait(), max(0.0, deadline - time.monotonic()))
                except TimeoutError:
                    raise faults.timed_out() from None
                if command.gone:
                    raise faults.aborted()
            room = min(request.max_envelope, self.config.quotas.max_envelope_kb * 1024) - OVERHEAD
            pieces = process.take(max(1024, room * 3 // 4 - 512))
            # Many small pieces cost more than their bytes: put together what follows each other.
            joined: list[tuple[str, bytes]] = []
            for name, data in pieces:
                if joined and joined[-1][0] == name:
                    joined[-1] = (name, joined[-1][1] + data)
                else:
                    joined.append((name, data))
            command.done = process.done
            return messages.received(command.ident, joined, process.exit_code if process.done else None)
        finally:
            command.receiving = False

    async def _signal(self, request: Request, shell: Shell) -> str:
        wanted = request.body.find(f"{R}Signal")
        command = self._find(shell, wanted.get("CommandId") if wanted is not None else None)
        code = (wanted.findtext(f"{R}Code") or "").strip().casefold()
        if code.endswith("/signal/terminate"):
            await self._drop(shell, command)
        elif code.endswith(("/signal/ctrl_c", "/signal/ctrl_break")):
            if command.process.exit_code is None:
                await command.process.interrupt()
        else:
            raise faults.wrong_parameter()
        return "<rsp:SignalResponse/>"

    async def _drop(self, shell: Shell, command: Command) -> None:
        command.gone = True
        shell.commands.pop(command.ident, None)
        if command.process.exit_code is None:
            await command.process.terminate()
        command.process.changed.set()
        shell.ended.append(command.process)

    async def end(self, shell: Shell) -> None:
        """Delete a shell with everything that runs in it."""
        self.shells.pop(shell.ident, None)
        for command in list(shell.commands.values()):
            await self._drop(shell, command)
        # A shell takes with it what its commands started and left running.
        for process in shell.ended:
            await process.close()

    async def sweep(self) -> None:
        """End the shells that nobody used for their idle timeout."""
        now = time.monotonic()
        for shell in list(self.shells.values()):
            waits = any(command.receiving for command in shell.commands.values())
            if not waits and now - shell.last_used > shell.idle_timeout:
                await self.end(shell)

    async def forget(self) -> None:
        """All shells end, as when the service restarts."""
        for shell in list(self.shells.values()):
            await self.end(shell)
